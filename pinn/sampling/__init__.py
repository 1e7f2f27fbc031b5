"""Where the collocation points go: strategies that draw, redraw, concentrate and add points."""

from pinn.sampling.budget import counts
from pinn.sampling.growing import Growing
from pinn.sampling.marching import Marching
from pinn.sampling.residual_based import RAD
from pinn.sampling.sampler import Place, Residual, Sampler, unmoved
from pinn.sampling.uniform import Fixed, Redrawn

__all__ = ["RAD", "Fixed", "Growing", "Marching", "Place", "Redrawn", "Residual", "Sampler", "counts", "unmoved"]
