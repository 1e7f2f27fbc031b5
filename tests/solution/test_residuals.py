"""Where a residual lies: the shortest interval that holds half of it."""

from functools import partial

import numpy as np
import pytest
import torch

from pinn.derivatives import Jets, integral
from pinn.domains import Box
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.problem import Constraint, Problem
from pinn.problems import linear_ode
from pinn.solution.residuals import measured_constraints
from pinn.verification.stability import shortest_half


def test_the_shortest_interval_with_half_the_weight():
    x = np.linspace(0, 1, 1001)
    assert shortest_half(x, np.exp(-(((x - 0.4) / 0.01) ** 2))) == pytest.approx(
        (0.4 - 0.00477, 0.4 + 0.00477), abs=2e-3
    )
    low, high = shortest_half(x, np.ones_like(x))
    assert high - low == pytest.approx(0.5, abs=2e-3)


def test_fractions_of_the_loss_are_by_the_weights_that_a_run_ended_with():
    problem = linear_ode()
    model = Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))
    equations = Equations(model, Jets())
    points = {name: one.few for name, one in problem.constraints.items()}

    def odds():
        first, second, *_ = (one.fraction_of_loss for one in measured_constraints(equations, points).constraints)
        return first / second

    before, name = odds(), next(iter(problem.constraints))
    equations.weights[name] = 8 * equations.weight(name)
    assert odds() == pytest.approx(8 * before)


def test_the_terms_of_an_integral_in_single_precision():
    """The terms of u(x) = x + ∫₀ˣ (s - x) u(s) ds are as large as x on [0, 1], in whatever precision the model is."""
    line = Box(x=(0, 1))
    kernel = Constraint(lambda u, x: u - x - integral(u, over="x", from_=0, to=x, kernel=lambda x, s: s - x), on=line)
    problem = Problem(line, ["u"], {"kernel": kernel})
    model = Model(
        problem, partial(MLP, width=6, depth=1), generator=torch.Generator().manual_seed(0), dtype=torch.float32
    )
    points = {"kernel": line.sample(20, generator=torch.Generator().manual_seed(1))}
    (report,) = measured_constraints(Equations(model, Jets()), points).constraints
    assert 0.1 < report.terms < 10
