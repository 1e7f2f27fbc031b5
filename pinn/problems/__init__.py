"""The public suite, one problem a file, each with its reference and parameters as arguments.

A file has its function's name, and `pinn.problems.burgers` is the function; `_burgers` holds what several problems
share.
"""

from pinn.problems.allen_cahn import allen_cahn
from pinn.problems.burgers import burgers
from pinn.problems.burgers_inverse import burgers_inverse
from pinn.problems.burgers_smooth import burgers_smooth
from pinn.problems.cavity import cavity
from pinn.problems.convection import convection
from pinn.problems.diffusion_inverse import diffusion_inverse
from pinn.problems.euler_beam import euler_beam
from pinn.problems.heat_1d import heat_1d
from pinn.problems.helmholtz_2d import helmholtz_2d
from pinn.problems.kdv import kdv
from pinn.problems.kovasznay import kovasznay
from pinn.problems.laplace_four_holes import laplace_four_holes
from pinn.problems.laplace_solid import laplace_solid
from pinn.problems.linear_ode import linear_ode
from pinn.problems.lorenz_inverse import lorenz_inverse
from pinn.problems.lotka_volterra import lotka_volterra
from pinn.problems.oscillator import oscillator
from pinn.problems.poisson_2d import poisson_2d
from pinn.problems.poisson_5d import poisson_5d
from pinn.problems.poisson_l_shape import poisson_l_shape
from pinn.problems.reaction import reaction
from pinn.problems.reaction_inverse import reaction_inverse
from pinn.problems.wave_1d import wave_1d

__all__ = [
    "allen_cahn",
    "burgers",
    "burgers_inverse",
    "burgers_smooth",
    "cavity",
    "convection",
    "diffusion_inverse",
    "euler_beam",
    "heat_1d",
    "helmholtz_2d",
    "kdv",
    "kovasznay",
    "laplace_four_holes",
    "laplace_solid",
    "linear_ode",
    "lorenz_inverse",
    "lotka_volterra",
    "oscillator",
    "poisson_2d",
    "poisson_5d",
    "poisson_l_shape",
    "reaction",
    "reaction_inverse",
    "wave_1d",
]
