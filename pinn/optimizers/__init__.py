"""Optimizers of ½ |r(θ)|², one a file, each with its theory and source on top."""

from pinn.optimizers.base import LeastSquares, Linearization, Optimizer, Step

__all__ = ["LeastSquares", "Linearization", "Optimizer", "Step"]
