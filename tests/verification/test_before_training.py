"""Before a run: every derivative that the equations ask for is compared, and a wrong one refuses to train."""

import logging
import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from pinn import Box, Constraint, Problem, Unknown, d, problems, solve
from pinn.defaults import default_network
from pinn.derivatives import Autograd, Jets
from pinn.domains import Scatter
from pinn.model import Model
from pinn.networks import MLP, FourierFeatures, PirateNet
from pinn.objective import Equations
from pinn.reference import Analytic
from pinn.verification import VerificationError, verify_before_training

BOX = Box(x=(-1, 1), t=(0, 2))
SMALL = partial(MLP, width=8, depth=2)


def equations(problem, network=SMALL, engine=None, dtype=torch.float64):
    model = Model(problem, network, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return Equations(model, Jets() if engine is None else engine)


def posed(equation, domain=BOX, **changes):
    return Problem(domain, ["u"], {"equation": Constraint(equation, on=domain)}, **changes)


@pytest.mark.parametrize("name", problems.__all__)
def test_every_problem_passes(name):
    problem = getattr(problems, name)()
    table = verify_before_training(equations(problem, default_network(problem)))
    assert table.ok, f"\n{table}"


def test_derivatives_within_products_and_of_unknown_fields_are_asked_for_too():
    unknown = {"k": Unknown(1.0, positive=True, inputs=("x",))}
    problem = posed(lambda u, k, x, t: d(u, t) - d(k * d(u, x), x), coefficients=unknown)
    assert verify_before_training(equations(problem)).ok


def test_an_equation_that_jets_cannot_run_is_checked_in_its_first_derivatives(caplog):
    problem = posed(lambda u, x, t: d(u, t) - torch.cumsum(0 * x, 0) - u)
    with caplog.at_level(logging.WARNING):
        assert verify_before_training(equations(problem)).ok


def test_jets_have_no_line_where_they_are_not_used():
    problem = posed(lambda u, x, t: d(u, t) - d(u, x, x))
    lines = [row.what for row in verify_before_training(equations(problem, engine=Autograd())).rows]
    assert not [line for line in lines if "jets" in line]
    lines = [row.what for row in verify_before_training(equations(problem)).rows]
    assert len([line for line in lines if "jets" in line]) == 2


def test_a_reference_is_not_held_against_data():
    line = Box(x=(0, 1))
    x = torch.linspace(0.1, 0.9, 9, dtype=torch.float64).numpy()
    for sigma in (None, 0.1):
        data = Scatter({"x": x}, {"seen": 1.1 * np.exp(x)}, sigma=sigma)
        constraints = {
            "equation": Constraint(lambda u, x: d(u, x) - u, on=line),
            "data": Constraint(lambda u, seen: u - seen, on=data),
        }
        table = verify_before_training(
            equations(Problem(line, ["u"], constraints, reference=Analytic(lambda x: torch.exp(x))))
        )
        told = [row.what for row in table.rows if "reference" in row.what]
        assert table.ok and told == ["equation: residual of the reference"]


@pytest.mark.parametrize(("mean", "ok"), [(1 - math.exp(-1), True), (0.7, False)])
def test_a_reference_is_integrated_where_a_constraint_is_an_integral(mean, ok):
    line = Box(x=(0, 1))
    constraints = {
        "equation": Constraint(lambda u, x: d(u, x) + u, on=line),
        "mean": Constraint(lambda u: u - mean, on=line, integral=True),
    }
    table = verify_before_training(
        equations(Problem(line, ["u"], constraints, reference=Analytic(lambda x: torch.exp(-x))))
    )
    assert table.ok is ok


def test_differences_are_as_sharp_as_their_steps_allow():
    rows = verify_before_training(equations(problems.euler_beam())).rows
    found = [row for row in rows if "central differences" in row.what]
    assert [row.what.split(":")[0] for row in found] == [f"derivatives of order {k}" for k in (1, 2, 3, 4)]
    assert all(row.allowed < 1e-5 for row in found)


class WrongFirst(torch.autograd.Function):
    """tanh with a slope that is wrong by a part in a thousand."""

    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return 1.001 * g * (1 - y**2)


class WrongSecond(torch.autograd.Function):
    """tanh whose slope is right and has lost its graph."""

    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * (1 - y.detach() ** 2)


class WrongSlope(torch.autograd.Function):
    """The slope of tanh, whose own slope is right and has lost its graph."""

    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return 1 - y**2

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return -2 * g * (y * (1 - y**2)).detach()


class WrongThird(torch.autograd.Function):
    """tanh whose first two derivatives are right."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.tanh(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * WrongSlope.apply(x)


class Wrong(nn.Module):
    def __init__(self, inputs, outputs, generator, dtype, function):
        super().__init__()
        self.first, self.last = (nn.Linear(a, b, dtype=dtype) for a, b in ((inputs, 8), (8, outputs)))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=dtype))
        self.function = function

    def forward(self, x):
        return self.last(self.function.apply(self.first(x)))


@pytest.mark.parametrize("engine", [Autograd, Jets])
@pytest.mark.parametrize(("function", "order"), [(WrongFirst, 1), (WrongSecond, 2), (WrongThird, 3)])
def test_a_network_with_a_wrong_derivative_is_caught(function, order, engine, caplog):
    problem = posed(lambda u, x, t: d(u, t) + d(u, x, x, x))
    with caplog.at_level(logging.WARNING):
        table = verify_before_training(equations(problem, partial(Wrong, function=function), engine()))
    failed = [row.what for row in table.rows if not row.ok]
    assert failed[0].startswith(f"derivatives of order {order}: nested against central differences (worst u_")
    right = [row.what for row in table.rows if row.ok]
    assert all(any(f"order {k}:" in what for what in right) for k in range(1, order))


def test_a_wrong_derivative_refuses_to_train(caplog):
    problem = posed(lambda u, x, t: d(u, t) - d(u, x, x))
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(VerificationError, match=r"these comparisons failed: derivatives of order 2: .*worst u_xx"),
    ):
        solve(problem, network=partial(Wrong, function=WrongSecond), progress=False)


def test_a_derivative_that_the_equations_do_not_ask_for_may_be_wrong(caplog):
    problem = posed(lambda u, x, t: d(u, t) + d(u, x))
    with caplog.at_level(logging.WARNING):
        assert verify_before_training(equations(problem, partial(Wrong, function=WrongThird), Autograd())).ok


def test_a_wrong_derivative_that_only_the_parameters_ask_for_is_caught(caplog):
    problem = posed(lambda u, x, t: d(u, t) + d(u, x))  # by the parameters, u_x has a second derivative of the network
    with pytest.raises(ValueError, match="constraint 'equation': its rows change with the network and the unknowns by"):
        verify_before_training(equations(problem, partial(Wrong, function=WrongSecond), Autograd()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "network",
    [
        partial(FourierFeatures, width=32, depth=2),
        partial(PirateNet, width=32, depth=2),
        partial(MLP, width=20, depth=3, activation=torch.relu),
    ],
)
def test_rough_networks_and_kinks_raise_no_alarm(network, dtype):
    for seed, scale in enumerate((1.0, 1.5)):
        given = equations(problems.kdv(), network, dtype=dtype)
        with torch.no_grad():
            for parameter in given.model.parameters():
                parameter *= scale
        table = verify_before_training(given, seed=seed)
        assert table.ok, f"\n{table}"


@pytest.mark.parametrize("interval", [(1e6, 1e6 + 1), (0, 1e-9), (-1e9, 1e9)])
def test_units_and_origin_raise_no_alarm(interval):
    line = Box(t=interval)
    scale = 1 / (interval[1] - interval[0])
    table = verify_before_training(equations(posed(lambda u, t: d(u, t, t) + scale * d(u, t) + scale**2 * u, line)))
    assert table.ok, f"\n{table}"


def test_terms_that_cancel_raise_no_alarm():
    """u + 1e6 (((N + x) - x) - N): a million times the noise of values as large as N."""
    problem = posed(lambda u, x, t: d(u, t) - d(u, x, x), ansatz={"u": lambda u, x, t: u + 1e6 * (((u + x) - x) - u)})
    table = verify_before_training(equations(problem))
    assert table.ok, f"\n{table}"


def test_a_frozen_network_is_refused_before_training():
    def frozen(inputs, outputs, generator, dtype):
        return SMALL(inputs, outputs, generator=generator, dtype=dtype).requires_grad_(False)

    for verify in (True, False):
        with pytest.raises(ValueError, match=r"none of the 6 .* requires grad"):
            solve(posed(lambda u, x, t: d(u, t) - u), network=frozen, verify=verify, progress=False)
