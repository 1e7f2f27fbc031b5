"""The library's derivatives in a loop of one's own, and what goes wrong there, each said in one line with the cure."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from pinn import Box, Constraint, Problem, Table, d, laplacian, residual_function
from pinn.derivatives import Autograd, Jets

LINE, SQUARE = Box(x=(0, 1)), Box(x=(0, 1), t=(0, 1))


def network(inputs=2, outputs=1, activation=None):
    generator = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Linear(inputs, 12), activation or nn.Tanh(), nn.Linear(12, outputs)).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return net


def batch(n=9, columns=2):
    return torch.rand(n, columns, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def advection(u, v, x, t, nu, k):
    return d(u, t) + v * d(u, x) - nu * d(k * d(u, x), x), d(v, x) - u


def test_a_residual_has_the_gradient_of_nested_autograd():
    net, points = network(outputs=2), batch()
    nu = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    given = {"k": Table({"x": [0, 0.5, 1]}, [1.0, 1.2, 2.0])}
    found = []
    for engine in (None, Autograd()):
        residual = residual_function(net, advection, ("x", "t"), ("u", "v"), given, engine)
        rows = residual(points, nu=nu)
        assert rows.shape == (9, 2)
        found.append([rows, *torch.autograd.grad(rows.square().mean(), [*net.parameters(), nu])])
        assert residual.engine.engine == ("jets" if engine is None else "autograd") and not residual.engine.reason
    for left, right in zip(*found, strict=True):
        assert torch.allclose(left, right, rtol=1e-11, atol=1e-12)


def test_any_optimizer_trains_it():
    net = network(inputs=1)
    residual = residual_function(net, lambda u, t: d(u, t, t) + u, ("t",))
    points, start = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None], torch.zeros(1, 1, dtype=torch.float64)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=150, line_search_fn="strong_wolfe")
    slope = residual_function(net, lambda u, t: d(u, t) - 1, ("t",))

    def loss():
        optimizer.zero_grad()
        total = residual(points).square().mean() + net(start).square().sum() + slope(start).square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    assert torch.allclose(net(points), torch.sin(points), atol=5e-3)


def test_without_gradients_it_gives_plain_numbers():
    with torch.no_grad():
        rows = residual_function(network(), lambda u, x, t: d(u, t) - d(u, x, x), ("x", "t"))(batch())
    assert not rows.requires_grad


def test_what_does_not_fit_is_refused():
    net = network()
    with pytest.raises(ValueError, match=r"takes \['v', 'x'\] and no output among \['u'\]"):
        residual_function(net, lambda v, x: d(v, x), ("x", "t"))
    with pytest.raises(ValueError, match=r"got coordinates=\(\), expected names"):
        residual_function(net, lambda u: u, ())
    residual = residual_function(net, lambda u, x: d(u, x), ("x", "t"))
    with pytest.raises(ValueError, match=r"got points of shape \(9, 3\), expected \(n, 2\)"):
        residual(batch(columns=3))
    with pytest.raises(ValueError, match=r"the model returned shape \(\d+, 1\), expected \(n, 2\)"):
        residual_function(net, lambda u, v: u - v, ("x", "t"), ("u", "v"))(batch())
    with pytest.raises(TypeError, match=r"^residual_function: the equation: .*missing 1 required"):
        residual_function(net, lambda u, k: u - k, ("x", "t"))(batch())


# -- d itself --------------------------------------------------------------------------------------------------------


def test_columns_that_depend_on_one_another_are_refused():
    points = batch().requires_grad_()
    with pytest.raises(ValueError, match=r"u of shape \(9, 2\) and x of shape \(9, 2\), in which a column .*unbind"):
        d(network(outputs=2)(points), points)
    with pytest.raises(ValueError, match="sum over the columns"):
        d(points.cumsum(1), points, upstream=2.0)


def test_columns_that_stand_by_themselves_are_differentiated_as_before():
    grid = batch().requires_grad_()
    assert torch.allclose(d(torch.sin(grid), grid, grid), -torch.sin(grid))
    column = batch(columns=1).requires_grad_()
    assert torch.allclose(d(column**3, column), 3 * column**2)


def test_where_nothing_is_recorded_d_says_so():
    for mode, name in ((torch.no_grad, "no_grad"), (torch.inference_mode, "inference_mode")):
        with mode():
            x = torch.ones(3, requires_grad=True)
            for operator in (d, laplacian):
                with pytest.raises(ValueError, match=rf"computed under torch\.{name}\(\), .* outside of it"):
                    operator(x * x, x)
    x = torch.ones(3, requires_grad=True)
    u = x * x
    with torch.no_grad():
        assert d(u, x).tolist() == [2.0] * 3  # what was recorded before is there


# -- equations -------------------------------------------------------------------------------------------------------

WRONG = {
    "branch": (lambda u, x: d(u, x) if x < 0.5 else u, "Boolean value of Tensor .*torch.where"),
    "min": (lambda u, x: d(u, x) - min(u, x), "Boolean value of Tensor .*torch.where"),
    "math": (lambda u, x: d(u, x) - math.sin(u), r"converted to .*torch\.sin"),
    "numpy": (lambda u, x: d(u, x) - np.exp(x), r"call numpy\(\) on Tensor that requires grad\.?; .*torch\.exp.*Table"),
    "complex": (lambda u, x: 1j * u, "row of torch.complex128.* two outputs"),
    "complex under d": (lambda u, x: d(1j * u, x), "d: u is a tensor of torch.complex128.* imaginary part"),
    "order": (lambda u, x: d(u, x, 2), r"d: got 2 as a coordinate.* repeat the coordinate, d\(u, t, t\)"),
    "name": (lambda u, x: d(u, "x"), "d: got a coordinate of type str"),
    "shape": (lambda u, x: u - torch.zeros(3), "must match the size of tensor .* one entry a point"),
    "undefined": (lambda u, x: u - undefined, "NameError: name 'undefined' is not defined"),  # noqa: F821
    "index": (lambda u, x: u[99], "IndexError: index 99 is out of bounds"),
}


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
@pytest.mark.parametrize(("equation", "message"), WRONG.values(), ids=WRONG)
def test_what_an_equation_raises_names_the_constraint_and_the_cure(equation, message):
    with pytest.raises((ValueError, TypeError), match=f"^constraint 'inside': .*{message}") as caught:
        Problem(LINE, ["u"], {"inside": Constraint(equation, on=LINE)})
    assert "\n" not in str(caught.value)


def test_a_face_is_one_of_the_bounds():
    with pytest.raises(ValueError, match=r"face: x=0.5 is not a bound of the box, choose 0 or 1"):
        LINE.face(x=0.5)


# -- what jets know --------------------------------------------------------------------------------------------------


def frozen():
    norm = nn.BatchNorm1d(12).double()
    norm(3 * batch(50, 12) + 1)
    return norm.eval()


@pytest.mark.parametrize(
    "layer",
    [
        *(nn.GELU(), nn.GELU("tanh"), nn.ELU(), nn.CELU(), nn.SELU(), nn.Softplus(), nn.SiLU(), nn.LogSigmoid()),
        *(
            nn.Softsign(),
            nn.Tanhshrink(),
            nn.Mish(),
            nn.Sigmoid(),
            nn.GroupNorm(3, 12),
            nn.RMSNorm(12),
            nn.RMSNorm(12, eps=0.1),
            frozen(),
        ),
        nn.BatchNorm1d(12, affine=False).double().eval(),
    ],
    ids=str,
)
def test_the_usual_layers_run_on_jets(layer):
    net, points = network(activation=copy.deepcopy(layer).double()), batch()
    parameters = list(net.parameters())

    def model(columns):
        return {"u": net(torch.stack([columns["x"], columns["t"]], -1))[..., 0]}

    def rows(columns, fields, constants):
        return [d(fields["u"], columns["x"], columns["t"]) - d(fields["u"], columns["x"], columns["x"])]

    fast, slow = (
        engine.bind(model, rows, ("x", "t")).linearize(points, parameters)
        for engine in (Jets(fallback=False), Autograd())
    )
    for left, right in zip(fast, slow, strict=True):
        assert float((left - right).abs().max()) <= 1e-12 * float(right.abs().max())


class Sorted(nn.Module):
    """Features in ascending order, which jets have no rule for."""

    def forward(self, z):
        return torch.sort(z, dim=-1).values


def test_a_missing_rule_is_said_in_words():
    residual = residual_function(network(activation=Sorted()), lambda u, x: d(u, x), ("x", "t"))
    residual(batch())
    assert residual.engine.engine == "autograd" and "torch.sort" in residual.engine.reason
