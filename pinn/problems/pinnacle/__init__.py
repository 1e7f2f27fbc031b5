"""The tasks of the PINNacle suite that are well posed and have a truth here, one a file; `docs/pinnacle.md` has all.

Source: Hao et al., PINNacle (arXiv:2306.08827, NeurIPS 2024). Burgers1d, Poisson2d-C, NS2d-C and Wave1d-C are problems
of the library with their own names. Truths are computed here, never the suite's files.
"""

from pinn.problems.burgers import burgers
from pinn.problems.cavity import cavity
from pinn.problems.laplace_four_holes import laplace_four_holes
from pinn.problems.pinnacle.burgers_2d import burgers_2d
from pinn.problems.pinnacle.gray_scott import gray_scott
from pinn.problems.pinnacle.heat_inverse import heat_inverse
from pinn.problems.pinnacle.heat_long import heat_long
from pinn.problems.pinnacle.heat_multiscale import heat_multiscale
from pinn.problems.pinnacle.heat_nd import heat_nd
from pinn.problems.pinnacle.heat_varying import heat_varying
from pinn.problems.pinnacle.kuramoto_sivashinsky import kuramoto_sivashinsky
from pinn.problems.pinnacle.poisson_areas import poisson_areas
from pinn.problems.pinnacle.poisson_boltzmann import poisson_boltzmann
from pinn.problems.pinnacle.poisson_inverse import poisson_inverse
from pinn.problems.pinnacle.poisson_nd import poisson_nd
from pinn.problems.pinnacle.wave_varying import wave_varying
from pinn.problems.wave_1d import wave_1d

__all__ = [
    "burgers",
    "burgers_2d",
    "cavity",
    "gray_scott",
    "heat_inverse",
    "heat_long",
    "heat_multiscale",
    "heat_nd",
    "heat_varying",
    "kuramoto_sivashinsky",
    "laplace_four_holes",
    "poisson_areas",
    "poisson_boltzmann",
    "poisson_inverse",
    "poisson_nd",
    "wave_1d",
    "wave_varying",
]
