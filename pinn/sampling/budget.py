"""How many points each constraint gets from one number, the size on the domain itself.

A set of k < d dimensions gets min(size, ceil(4 size^(k/d))) points: a tensor grid of `size` points in d dimensions
has size^(k/d) on each face of k dimensions, and conditions deserve a finer one than the interior. Fixed observations
are taken whole.
"""

from __future__ import annotations

import math

from pinn.problem import Problem
from pinn.validation import count


def counts(problem: Problem, size: int) -> dict[str, int]:
    """Number of points of each constraint.

    Args:
        problem: the problem.
        size: points on a constraint of the domain's own dimension, at least 1.

    Returns:
        constraint name -> number of points; `Constraint(points=...)` is obeyed where given.

    Raises:
        ValueError: when size is no integer of at least 1.
    """
    count("points", 1, size=size)
    result = {}
    for name, constraint in problem.constraints.items():
        share = constraint.on.dimension / problem.domain.dimension
        number = size if share >= 1 else min(size, math.ceil(4 * size**share))
        result[name] = constraint.points if constraint.points is not None else number
    return result
