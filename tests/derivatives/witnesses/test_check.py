"""The cross-check accepts what is right, and catches a wrong derivative by any one route."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from pinn.derivatives import (
    Comparison,
    SymbolicFunction,
    check_derivatives,
    check_rows_independent,
    d,
    symbolic_function,
)


def points(n=5, seed=0):
    return torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.2


class CubeWithAWrongGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2.99 * x**2


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)).double()

    def forward(self, x):
        return self.layers(x)


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Network()


def test_a_traceable_function_is_held_to_sympy():
    table = check_derivatives(lambda x, y: torch.sin(3 * x) * torch.exp(y), points(), points(seed=1), order=3)
    assert table.ok and table.reference == "SymPy" and not table.failures
    assert set(table.truth) >= {("x",), ("x", "y"), ("x", "y", "y")}


def test_a_network_is_held_to_nested_autograd(network):
    table = check_derivatives(lambda x, y: network(torch.stack([x, y], 1))[:, 0], points(), points(seed=1))
    assert table.ok and table.reference == "nested"


def test_a_steep_function_passes_by_its_own_error_estimates():
    assert check_derivatives(lambda x: torch.sin(30 * x), points(), order=4).ok


def test_float32_is_held_to_its_own_precision():
    assert check_derivatives(torch.sin, points().float(), order=3).ok


def test_numbers_integers_and_arrays():
    table = check_derivatives(lambda x: (x**2 + 2 * x) * torch.log(x), 1)
    assert table.ok and table.truth[("x",)] == 3.0 and table.truth[("x", "x")] == 5.0
    assert check_derivatives(torch.exp, np.array([1, 2])).ok


def test_a_wrong_gradient_is_caught():
    table = check_derivatives(CubeWithAWrongGradient.apply, points())
    assert not table.ok
    # Traced, the cube is SymPy's, and only autograd is wrong; the rest agree.
    assert {row.method for row in table.failures} == {"nested"}
    assert "FAILED" in str(table) and "!" in str(table)


def test_a_wrong_gradient_is_caught_without_symbols_too():
    table = check_derivatives(lambda x: CubeWithAWrongGradient.apply(torch.stack([x, x], 1))[:, 0], points(), order=1)
    assert table.reference == "nested"
    assert {row.method for row in table.failures} >= {"central", "richardson"}


def test_a_wrong_formula_is_caught():
    exact = symbolic_function(lambda x: x**3 + 1e-6 * torch.sin(x))
    assert not check_derivatives(lambda x: x**3, points(), exact=exact).ok


def test_other_engines_join_the_table():
    def twin(f, columns, axes):
        return d(f(*columns), *(columns[axis] for axis in axes))

    def off(f, columns, axes):
        return twin(f, columns, axes) + 1e-6

    assert check_derivatives(torch.sin, points(), engines={"jets": twin}).ok
    table = check_derivatives(torch.sin, points(), engines={"jets": off})
    assert {row.method for row in table.failures} == {"jets"}


def test_nan_is_a_failure_and_an_inapplicable_method_is_not():
    assert not Comparison(("x",), "nested", math.nan, math.nan, 1.0).ok
    assert Comparison(("x",), "complex", math.nan, math.nan, 0.0, applies=False).ok
    table = check_derivatives(torch.abs, points())
    assert table.ok and any(row.method == "complex" and not row.applies for row in table.rows)
    assert not check_derivatives(torch.sqrt, torch.zeros(2, dtype=torch.float64)).ok


def test_the_printed_table():
    table = check_derivatives(lambda x: x**2, points(), title="x²")
    lines = str(table).splitlines()
    assert lines[0].startswith("x²") and "SymPy" in lines[0]
    assert lines[1].split()[:3] == ["derivative", "first", "point"]
    assert [line.split()[0] for line in lines[2:]] == ["f_x", "f_xx"]


def test_the_callers_tensors_are_not_touched():
    x = points().requires_grad_()
    before = x.detach().clone()
    check_derivatives(torch.sin, x)
    assert x.grad is None and torch.equal(x.detach(), before)


def test_without_coordinates_or_order():
    with pytest.raises(ValueError, match="got 0 coordinates and order=2"):
        check_derivatives(torch.sin)
    with pytest.raises(ValueError, match="got 1 coordinates and order=0"):
        check_derivatives(torch.sin, points(), order=0)


def test_names_of_many_coordinates():
    table = check_derivatives(lambda *xs: sum(x**2 for x in xs), *[points()] * 5, order=1)
    assert list(table.truth) == [(f"x{i}",) for i in range(5)]
    assert "f_x0" in str(table)
    assert isinstance(symbolic_function(lambda p: p), SymbolicFunction)


# ---- rows ------------------------------------------------------------------------------------------------------------


def batch(n=6):
    return torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def test_rows_of_a_network_are_independent(network):
    x = batch()
    before = x.clone()
    check_rows_independent(network, x)
    check_rows_independent(nn.Sequential(network, nn.LayerNorm(1).double()), x)
    check_rows_independent(lambda x: {"u": x[:, 0], "v": network(x)}, x)
    check_rows_independent(lambda x: torch.log(x[:, 0]), x)  # NaN in the row that was moved is that row's own
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    "couples",
    [
        lambda x: x - x.mean(0),
        lambda x: x / x.norm(dim=0),
        lambda x: torch.softmax(x, dim=0),
        lambda x: torch.softmax(x @ x.T, dim=1) @ x,
        lambda x: x / x.max(),
        lambda x: x - x.min(),
        lambda x: torch.cumsum(x, 0),
        lambda x: torch.roll(x, 1, 0),
        lambda x: (x, x.sum(0).expand_as(x)),
    ],
)
def test_what_couples_rows_is_refused(couples):
    with pytest.raises(ValueError, match=r"changed other rows of the output by .*Remove what mixes the rows"):
        check_rows_independent(couples, batch())


@pytest.mark.parametrize("statistics", [True, False])
def test_batch_normalisation_is_refused_by_name_and_left_alone(statistics):
    # Without running statistics it normalises by the batch at rest too.
    norm = nn.BatchNorm1d(4, track_running_stats=statistics)
    model = nn.Sequential(nn.Linear(2, 4), norm, nn.Linear(4, 1)).double().train(statistics)
    with pytest.raises(ValueError, match=r"contains BatchNorm \(1: BatchNorm1d\).*Remove it"):
        check_rows_independent(model, batch())
    assert not statistics or model[1].num_batches_tracked == 0


def test_frozen_batch_normalisation_couples_nothing():
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()
    model(batch())
    check_rows_independent(model.eval(), batch())


def test_dropout_is_refused_by_name():
    model = nn.Sequential(nn.Linear(2, 64), nn.Dropout(0.5)).double()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        with pytest.raises(ValueError, match=r"the model is random \(1: Dropout\); call model\.eval\(\)"):
            check_rows_independent(model, batch())
    check_rows_independent(model.eval(), batch())


def test_wrong_batches_and_outputs():
    with pytest.raises(ValueError, match=r"got x of shape \(1, 2\), expected at least two rows"):
        check_rows_independent(nn.Identity(), batch(1))
    with pytest.raises(ValueError, match=r"returned \(\) for 6 points, expected one row a point"):
        check_rows_independent(torch.sum, batch())
    with pytest.raises(ValueError, match="returned float for 6 points"):
        check_rows_independent(lambda x: 1.0, batch())
