"""The optimizer that `solve` takes where none is named, by the number of parameters."""

from __future__ import annotations

from pinn.optimizers.base import Optimizer
from pinn.optimizers.levenberg_marquardt import LevenbergMarquardt


def default_optimizer(parameters: int) -> Optimizer:
    """Levenberg-Marquardt.

    Args:
        parameters: p.

    Example:
        >>> type(default_optimizer(921)).__name__
        'LevenbergMarquardt'
    """
    if parameters < 1:
        raise ValueError(f"default_optimizer: got {parameters} parameters; expected at least 1")
    return LevenbergMarquardt()
