"""Strategies read as they were made, and compare so, whatever they remember of a run."""

import pytest
import torch

import pinn.sampling
import pinn.weighting
from pinn.objective import Objective
from pinn.sampling import R3, RAD, Budgets, Fixed, Growing, Importance, Marching, Redrawn, Sampler, near
from pinn.sampling.uniform import sample_uniform
from pinn.training import Widening
from pinn.weighting import (
    NTK,
    Causal,
    Constant,
    GradientNorm,
    Prescribed,
    ReLoBRaLo,
    ResidualAttention,
    SelfAdaptive,
    Weighting,
)
from tests.training.runs import trainer


def falling(x):
    return torch.exp(-x)


NEAR = near({"x": 0.0}, width=0.1)
SAMPLERS = {
    "Fixed": lambda: Fixed(20),
    "Redrawn": lambda: Redrawn(20, every=2),
    "RAD": lambda: RAD(20, every=2),
    "Growing": lambda: Growing(RAD(every=2), start=20, maximum=90, threshold=1e-9, stall=1e-9),
    "Marching": lambda: Marching(Growing(Redrawn(every=2), start=20, threshold=1e-9, stall=1e-9), time="x"),
    "R3": lambda: R3(20),
    "Importance": lambda: Importance(20, NEAR),
    "Budgets": lambda: Budgets(RAD(20, every=2), {}),
}
WEIGHTINGS = {
    "Constant": lambda: Constant(),
    "GradientNorm": lambda: GradientNorm(every=1),
    "Causal": lambda: Causal(GradientNorm(every=1), time="x", epsilons=(1e-9, 2e-9), every=1),
    "ResidualAttention": lambda: ResidualAttention(Causal(time="x", every=1), every=1),
    "SelfAdaptive": lambda: SelfAdaptive(),
    "NTK": lambda: NTK(),
    "ReLoBRaLo": lambda: ReLoBRaLo(),
    "Prescribed": lambda: Prescribed(functions={"equation": falling}),
}


def exported(room, kind):
    """Names of the strategies that a room offers."""
    found = {name: getattr(room, name) for name in room.__all__}
    return {name for name, one in found.items() if isinstance(one, type) and issubclass(one, kind)} - {kind.__name__}


def test_all_strategies_are_here():
    assert exported(pinn.sampling, Sampler) == set(SAMPLERS)
    assert exported(pinn.weighting, Weighting) == set(WEIGHTINGS)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_reads_as_it_was_made(name):
    equations, generator = trainer().equations, torch.Generator().manual_seed(1)
    used, fresh = SAMPLERS[name](), SAMPLERS[name]()
    used.begin(1.0)
    for loss in (1e-2, 1e-6, 1e-7):
        used.draw(equations.problem, generator, equations.residual)
        used.observe(loss, 10 * loss)
    assert repr(used) == repr(fresh) and used == fresh and "_" not in repr(used)


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_a_weighting_reads_as_it_was_made(name):
    equations = trainer().equations
    points = sample_uniform(equations.problem, 20, torch.Generator().manual_seed(1))
    used, fresh = WEIGHTINGS[name](), WEIGHTINGS[name]()
    for step in range(3):
        used.update(Objective(equations, points), step)
    assert repr(used) == repr(fresh) and used == fresh and "_" not in repr(used)


def test_widening_reads_as_it_was_made():
    used = Widening(window=1)
    assert [used.due(loss, 100) for loss in (1.0, 0.9)] == [False, True]
    assert repr(used) == repr(Widening(window=1)) and used == Widening(window=1) and "_" not in repr(used)
