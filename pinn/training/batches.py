"""Minibatches of given points: a first-order step sees some of the observations, chosen at random, in place of all.

    f_B = ½ (n / b) Σ_{i ∈ B} |s_i ρ_i|²,     E f_B = ½ Σ_i |s_i ρ_i|²

B has b of the n points without repetition, others at each step, from the generator of the run; so the gradient is right
in the mean, and a step costs b rows of the data and not n. Methods that learn curvature from differences of gradients,
or solve for rows, take all of them. Weights of points are kept: those of noise, robust losses, observations held out.

Source: Robbins, Monro, Ann. Math. Stat. 22 (1951) 400; Bottou, Curtis, Nocedal, SIAM Rev. 60 (2018) 223, sec. 3.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pinn.objective import Objective
from pinn.optimizers import Optimizer, Step
from pinn.problem import Problem
from pinn.sampling import Sampler
from pinn.training.work import Metered


class Batches:
    """How many of the given points each step takes.

    Args:
        problem: `Constraint(points=)` of given points is the size of their batches.
        sampler: whose `batches` count before those.
        optimizer: takes batches where its attribute `batches` says so.
    """

    def __init__(self, problem: Problem, sampler: Sampler, optimizer: Optimizer) -> None:
        self.sizes: Mapping[str, int] = batch_sizes(problem, sampler) if optimizer.batches else {}

    def show(self, objective: Objective, meter: Metered, generator: torch.Generator) -> None:
        """Have the meter show the objective on new batches, where there are any."""
        chosen = {}
        for block in objective.blocks:
            size = self.sizes.get(block.name, block.points.n)
            if size < block.points.n:
                chosen[block.name] = torch.randperm(block.points.n, generator=generator)[:size]
        if chosen:
            meter.ask(objective.taking(chosen))

    def loss(self, step: Step, objective: Objective) -> float:
        """The loss after a step on all points, as the step tells it where it has seen all."""
        return float(objective.loss()) if self.sizes else step.loss


def batch_sizes(problem: Problem, sampler: Sampler) -> dict[str, int]:
    """Constraint of given points -> how many of them make a batch.

    Args:
        problem: what is to be solved.
        sampler: where points go.

    Example:
        >>> from pinn.problems import burgers_inverse
        >>> from pinn.sampling import Budgets, Redrawn
        >>> batch_sizes(burgers_inverse(observations=500), Budgets(Redrawn(), {"data": 50, "equation": 800}))
        {'data': 50}
    """
    stated = {name: one.points for name, one in problem.constraints.items() if one.points is not None}
    asked = {**stated, **sampler.batches}
    return {
        name: number
        for name, number in asked.items()
        if name in problem.constraints and not problem.constraints[name].on.dimension
        if number < problem.constraints[name].few.n
    }
