"""Optimizers of ½ |r(θ)|², one a file, each with its theory and source on top."""

from pinn.optimizers.base import LeastSquares, Linearization, Optimizer, Step
from pinn.optimizers.levenberg_marquardt import LevenbergMarquardt

__all__ = ["LeastSquares", "LevenbergMarquardt", "Linearization", "Optimizer", "Step"]
