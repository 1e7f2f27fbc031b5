"""Where an answer is compared with another: a fixed grid on the domain, the same for every run."""

from __future__ import annotations

import torch

from pinn.domains import Points
from pinn.problem import Problem


def evaluation_points(problem: Problem) -> Points:
    """The fixed grid on which errors are measured: about 10 000 points, the ends of every coordinate included.

    Where functions are inputs, as many draws of them, with a place each.
    """
    if problem.domain.functions:
        return problem.domain.sample(10_000, generator=torch.Generator().manual_seed(0))
    dimension = len(problem.coordinates)
    return problem.domain.grid(1001 if dimension == 1 else max(3, round(10_000 ** (1 / dimension)) + 1))
