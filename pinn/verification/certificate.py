"""How far an answer can be trusted: one linear solve on random features about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pinn.verification.direction import Direction

__all__ = ["Certificate", "Direction"]


@dataclass(frozen=True)
class Certificate:
    """What a linear solve on random features about an answer says of it, on points never used.

    Attributes:
        error: estimated relative L2 error of all outputs stacked, as `Solution.error` measures it; dimensionless.
        errors: the same by output and unknown field.
        carried: |Jc + r| / |r| on points that the solve did not see: near 0 the features carry the correction, near 1
            they do not, and the estimate is then a lower bound.
        stability: smallest singular value of the constraints on changes of unit size, dimensionless.
        undetermined: the directions that the constraints do not determine, the worst first; empty where all are.
        bound: |r| / stability, a first-order bound of the relative error.
        coefficient_errors: unknown number -> estimated relative error by the same solve.
        standard_errors: unknown number -> standard error from the noise of the data, in its own units; empty without
            data that carry noise.
        correlation: pair of unknown numbers -> correlation of their errors, -1 to 1.
    """

    error: float
    errors: Mapping[str, float]
    carried: float
    stability: float
    undetermined: tuple[Direction, ...]
    bound: float
    coefficient_errors: Mapping[str, float] = field(default_factory=dict)
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    correlation: Mapping[tuple[str, str], float] = field(default_factory=dict)
