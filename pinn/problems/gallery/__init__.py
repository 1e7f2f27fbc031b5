"""Applications from many fields, one a file, each with its truth; `docs/gallery.md` shows them solved.

They are stated as their fields state them, in their units, and `python -m experiments.gallery` solves them with nothing
but a time limit.
"""

from pinn.problems.gallery.beltrami import beltrami
from pinn.problems.gallery.black_scholes import black_scholes
from pinn.problems.gallery.breather import breather
from pinn.problems.gallery.cylinder_flow import cylinder_flow
from pinn.problems.gallery.darcy_inverse import darcy_inverse
from pinn.problems.gallery.epidemic import epidemic
from pinn.problems.gallery.layered_conductor import layered_conductor
from pinn.problems.gallery.particle import particle
from pinn.problems.gallery.pharmacokinetics import pharmacokinetics
from pinn.problems.gallery.plate_with_hole import plate_with_hole
from pinn.problems.gallery.scattering import scattering
from pinn.problems.gallery.solovev import solovev
from pinn.problems.gallery.spinodal import spinodal
from pinn.problems.gallery.waveguide import waveguide

__all__ = [
    "beltrami",
    "black_scholes",
    "breather",
    "cylinder_flow",
    "darcy_inverse",
    "epidemic",
    "layered_conductor",
    "particle",
    "pharmacokinetics",
    "plate_with_hole",
    "scattering",
    "solovev",
    "spinodal",
    "waveguide",
]
