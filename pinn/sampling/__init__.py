"""Where the collocation points go: strategies that draw, redraw, concentrate and add points."""

from pinn.sampling.budget import counts
from pinn.sampling.budgets import Budgets
from pinn.sampling.growing import Growing
from pinn.sampling.importance import Importance, near
from pinn.sampling.marching import Marching
from pinn.sampling.residual_based import RAD
from pinn.sampling.retain import R3
from pinn.sampling.sampler import Place, Residual, Sampler, unmoved
from pinn.sampling.uniform import Fixed, Redrawn

__all__ = [
    "R3",
    "RAD",
    "Budgets",
    "Fixed",
    "Growing",
    "Importance",
    "Marching",
    "Place",
    "Redrawn",
    "Residual",
    "Sampler",
    "counts",
    "near",
    "unmoved",
]
