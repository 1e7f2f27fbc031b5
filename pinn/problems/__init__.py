"""The public suite, one problem a file, each with its reference and parameters as arguments."""

from pinn.problems.beam import euler_beam
from pinn.problems.burgers import burgers, burgers_inverse, burgers_smooth
from pinn.problems.diffusion import diffusion_inverse
from pinn.problems.heat import heat_1d
from pinn.problems.helmholtz import helmholtz_2d
from pinn.problems.inverse import lorenz_inverse, reaction_inverse
from pinn.problems.korteweg_de_vries import kdv
from pinn.problems.laplace import laplace_four_holes, poisson_l_shape
from pinn.problems.navier_stokes import cavity, kovasznay
from pinn.problems.ordinary import linear_ode, lotka_volterra, oscillator
from pinn.problems.poisson import poisson_2d, poisson_5d
from pinn.problems.reaction_diffusion import allen_cahn
from pinn.problems.waves import convection, reaction, wave_1d

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
