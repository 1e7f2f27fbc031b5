"""Strategies defined outside of the library, registered nowhere: one draws and one wraps, alone and combined."""

from functools import partial

import pytest
import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.networks import MLP
from pinn.optimizers import LevenbergMarquardt
from pinn.problem import Constraint, Problem
from pinn.sampling import RAD, Growing, Marching, Redrawn, Sampler, counts
from pinn.sampling.sampler import unmoved
from pinn.solver import solve

TIME = Box(t=(0, 2))
DECAY = Problem(
    TIME,
    ["u"],
    {
        "equation": Constraint(lambda u, t: d(u, t) + u, on=TIME),
        "initial": Constraint(lambda u: u - 1, on=TIME.face(t=0)),
    },
)


class Latin(Sampler):
    """Latin hypercubes, drawn anew every three steps."""

    every, size = 3, 20

    def draw(self, problem, generator, residual, *, size=None, place=unmoved):
        return {
            name: place(name, problem.constraints[name].on.sample(number, generator=generator, method="latin"))
            for name, number in counts(problem, size or self.size).items()
        }

    def observe(self, old, new):
        return False


class Shrinking(Sampler):
    """Wraps another strategy and takes a point from it at every draw, down to ten."""

    _state = ("inner", "size")

    def __init__(self, inner, size):
        self.inner, self.size = inner, size

    @property
    def every(self):
        return self.inner.every

    def draw(self, problem, generator, residual, *, size=None, place=unmoved):
        return self.inner.draw(problem, generator, residual, size=size or self.size, place=place)

    def observe(self, old, new):
        self.size = max(10, self.size - 1)
        return self.inner.observe(old, new)


@pytest.mark.parametrize(
    "sampling",
    [
        Latin(),
        Growing(Latin(), start=20, maximum=40),
        Marching(Growing(Latin(), start=20, maximum=40), solved=0.5, pace=1),
        Shrinking(RAD(every=2), 30),
        Shrinking(Latin(), 30),
        Marching(Shrinking(Redrawn(every=2), 30), solved=0.5, pace=1),
        Shrinking(Marching(Latin(), solved=0.5, pace=1), 30),
    ],
    ids=["drawing", "grown", "marched", "wrapping", "wrapping its like", "marched wrapping", "wrapping marched"],
)
def test_a_problem_is_solved_with_it(sampling):
    """u' + u = 0, u(0) = 1 is exp(-t)."""
    solution = solve(
        DECAY,
        network=partial(MLP, width=8, depth=2),
        optimizer=LevenbergMarquardt(),
        sampling=sampling,
        steps=60,
        progress=False,
        verify=False,
        certify=False,
    )
    t = torch.linspace(0, 2, 50, dtype=torch.float64)
    assert float((torch.as_tensor(solution(t=t)) - torch.exp(-t)).abs().max()) < 1e-3


def test_its_state_is_kept_with_that_of_others():
    one = Marching(Shrinking(Growing(Latin()), 30))
    one.begin(1.0)
    one.observe(1e-9, 1e-9)
    one.observe(0.5, 0.5)
    other = Marching(Shrinking(Growing(Latin()), 30))
    other.load_state_dict(one.state_dict())
    assert other.inner.size == 29
    assert other.fraction == one.fraction == 0.1 * 1.5
    assert other.state_dict() == one.state_dict()
