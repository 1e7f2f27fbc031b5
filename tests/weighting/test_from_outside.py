"""Weightings defined outside of the library, registered nowhere: alone, around the library's and inside of them."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.networks import MLP
from pinn.optimizers import LevenbergMarquardt
from pinn.problem import Constraint, Problem
from pinn.sampling import Redrawn
from pinn.solver import solve
from pinn.weighting import Causal, Constant, GradientNorm, ResidualAttention, Weighting

TIME = Box(t=(0, 2))
DECAY = Problem(
    TIME,
    ["u"],
    {
        "equation": Constraint(lambda u, t: d(u, t) + u, on=TIME),
        "initial": Constraint(lambda u: u - 1, on=TIME.face(t=0)),
    },
)


class Early(Weighting):
    """Weighs points by exp(-rate t), in whatever way the constraints are weighed."""

    every = 1000

    def __init__(self, rate, inner=None):
        self.rate, self.inner = rate, inner

    def weigh(self, objective, weights, due):
        known = dict(weights.points)
        for block in objective.blocks:
            early = torch.exp(-self.rate * block.points.column("t"))
            known[block.name] = early * known.get(block.name, torch.ones_like(early))
        return replace(weights, points=known)


class Alternating(Weighting):
    """Doubles the weight of one constraint, another every two steps."""

    every = 2

    def __init__(self, inner=None):
        self.inner, self.turn = inner, 0

    _state = ("turn",)

    def weigh(self, objective, weights, due):
        names = list(weights.constraints)
        self.turn = (self.turn + due) % len(names)
        chosen = names[self.turn]
        return replace(weights, constraints={**weights.constraints, chosen: 2 * weights.constraints[chosen]})


@pytest.mark.parametrize(
    "rule",
    [
        Early(1.0),
        Alternating(),
        Alternating(Early(1.0, Constant())),
        Early(1.0, Causal(GradientNorm(every=4), every=3)),
        Causal(Alternating()),
        ResidualAttention(Early(1.0, Alternating())),
    ],
    ids=["points", "constraints", "both", "around", "inside", "between"],
)
def test_a_problem_is_solved_with_it(rule):
    """u' + u = 0, u(0) = 1 is exp(-t), whatever positive weights."""
    solution = solve(
        DECAY,
        network=partial(MLP, width=8, depth=2),
        optimizer=LevenbergMarquardt(),
        sampling=Redrawn(20, every=5),
        weighting=rule,
        steps=40,
        progress=False,
        verify=False,
    )
    t = torch.linspace(0, 2, 50, dtype=torch.float64)
    assert float((torch.as_tensor(solution(t=t)) - torch.exp(-t)).abs().max()) < 1e-3


def test_its_state_is_kept_with_that_of_others():
    one, other = (Causal(Alternating(GradientNorm())) for _ in range(2))
    one.inner.turn = 1
    other.load_state_dict(one.state_dict())
    assert other.inner.turn == 1
