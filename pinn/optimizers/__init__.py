"""Optimizers of ½ |r(θ)|², one a file, each with its theory and source on top."""

from pinn.optimizers.base import LeastSquares, Linearization, Optimizer, Step
from pinn.optimizers.default import default_optimizer
from pinn.optimizers.lbfgs import LBFGS
from pinn.optimizers.levenberg_marquardt import LevenbergMarquardt
from pinn.optimizers.quasi_newton import BFGS, SSBFGS, SSBroyden

__all__ = [
    "BFGS",
    "LBFGS",
    "SSBFGS",
    "LeastSquares",
    "LevenbergMarquardt",
    "Linearization",
    "Optimizer",
    "SSBroyden",
    "Step",
    "default_optimizer",
]
