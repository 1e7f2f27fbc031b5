"""Tables: the interpolant is the spline that SciPy has, with all its derivatives, the same on tensors and on jets."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import make_interp_spline

from pinn import Box, Constraint, Problem, Table, Unknown, d, solve
from pinn.analysis import analyze
from pinn.derivatives import Autograd, Jets

RANDOM = np.random.default_rng(0)
XS, YS = np.sort(RANDOM.uniform(0, 1, 12)), np.linspace(-1, 2, 9)
KS, GRID = RANDOM.standard_normal(12), RANDOM.standard_normal((12, 9))
LINE, SQUARE = Box(x=(0, 1)), Box(x=(0, 1), t=(0, 1))


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def relative(found, true):
    return float(np.abs(found.detach().numpy() - true).max() / (np.abs(true).max() or 1.0))


@pytest.mark.parametrize("degree", [1, 2, 3, 5, 7])
def test_values_and_all_derivatives_are_those_of_the_spline(degree):
    spline = make_interp_spline(XS, KS, k=degree)
    x = leaf(np.concatenate([RANDOM.uniform(XS[0], XS[-1], 50), XS[[0, -1]]]))
    value = Table({"x": XS}, KS, degree=degree)(x)
    for order in range(degree + 1):
        assert relative(value, spline(x.detach().numpy(), nu=order)) < 1e-11
        value = d(value, x)
    assert float(value.detach().abs().max()) == 0.0  # beyond its degree a polynomial has no derivative


def test_the_samples_are_met_whatever_their_number():
    for n in (2, 3, 4, 6, 30):
        xs = np.linspace(0, 1, n)
        found = Table({"x": xs}, np.cos(xs))
        assert found.degrees == (min(5, n - 1),)
        assert np.abs(found(xs) - np.cos(xs)).max() < 1e-14


def test_a_grid_is_the_tensor_product():
    x, y = leaf(RANDOM.uniform(XS[0], XS[-1], 40)), leaf(RANDOM.uniform(-1, 2, 40))
    value = Table({"x": XS, "y": YS}, GRID, degree=3)(x, y)
    for by, order in (((), (0, 0)), ((x,), (1, 0)), ((x, y, y), (1, 2))):
        along = make_interp_spline(XS, GRID, k=3)(x.detach().numpy(), nu=order[0])
        across = make_interp_spline(YS, along, k=3, axis=1)(y.detach().numpy(), nu=order[1])
        assert relative(d(value, *by) if by else value, across.diagonal()) < 1e-11


def test_polynomials_of_the_degree_are_reproduced_in_three_dimensions():
    axes = {name: np.linspace(0, 1, n) for name, n in (("x", 6), ("y", 5), ("z", 4))}
    function = lambda x, y, z: x**3 * y - 2 * y**2 * z**3 + x * z  # noqa: E731
    table = Table(axes, function(*np.meshgrid(*axes.values(), indexing="ij")))
    x, y, z = (leaf(RANDOM.uniform(0, 1, 20)) for _ in range(3))
    value, true = table(x, y, z), function(x, y, z)
    for by in ((), (x,), (y, z), (z, z, x), (x, x, y)):
        found, exact = (f if not by else d(f, *by) for f in (value, true))
        assert torch.allclose(found, exact, rtol=1e-10, atol=1e-10)


def twins(equation, rules=()):
    generator = torch.Generator().manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    parameters = list(net.parameters())
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    points = torch.tensor(np.stack([RANDOM.uniform(XS[0], XS[-1], 30), RANDOM.uniform(-1, 2, 30)], 1))

    def model(columns):
        return {"u": net(torch.stack([columns["x"], columns["y"]], -1))[..., 0]}

    rows = lambda columns, fields, constants: [equation(fields["u"], columns["x"], columns["y"])]  # noqa: E731
    for left, right in zip(
        *(
            engine.bind(model, rows, ("x", "y")).linearize(points, parameters)
            for engine in (Jets(fallback=False), Autograd())
        ),
        strict=True,
    ):
        assert float((left - right).abs().max()) <= 1e-12 * float(right.abs().max())


K, G = Table({"x": XS}, KS), Table({"x": XS, "y": YS}, GRID)
LAW = Table({"u": np.linspace(-2, 2, 15)}, np.sin(np.linspace(-2, 2, 15)), extend=True)
LAW_OF_PLACE = Table({"u": np.linspace(-2, 2, 15), "x": XS}, RANDOM.standard_normal((15, 12)), extend=True)


@pytest.mark.parametrize(
    "equation",
    [
        lambda u, x, y: d(K(x) * d(u, x), x) - K(x),
        lambda u, x, y: d(G(x, y) * d(u, x, y), x, y) + u * d(G(x, y), y),
        lambda u, x, y: d(LAW(u) * d(u, x), x) + d(LAW(u), y, y),
        lambda u, x, y: d(LAW_OF_PLACE(u, x) * d(u, x), x) + LAW_OF_PLACE(0.3, x) * u,
        lambda u, x, y: d(K(0.5 + 0.1 * torch.tanh(u * y)), x, y),
    ],
)
def test_the_twins_agree(equation):
    twins(equation)


def test_outside_the_samples_a_table_refuses_or_goes_on_along_its_tangent():
    with pytest.raises(ValueError, match=r"got x=2, expected values in \[0, 1\]; give samples .* or extend=True"):
        Table({"x": [0, 1]}, [0, 1])(2.0)
    xs = np.linspace(0, 1, 9)
    table = Table({"x": xs}, xs**3, extend=True)
    x = leaf([-0.5, 1.5])
    assert torch.allclose(table(x), leaf([0.0, 1.0 + 3 * 0.5]), atol=1e-12)
    assert torch.allclose(d(table(x), x), leaf([0.0, 3.0]), atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_and_shape_are_those_of_the_points(dtype):
    x = torch.rand(3, 4, generator=torch.Generator().manual_seed(0), dtype=dtype)
    xs = np.linspace(0, 1, 30)
    table = Table({"x": xs, "t": xs}, np.outer(np.sin(xs), np.ones(30)))
    found = table(x, torch.ones((), dtype=dtype))
    assert found.dtype == dtype and found.shape == (3, 4)
    assert torch.allclose(found, torch.sin(x), atol=1e-6)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (({}, [1, 2]), TypeError, "got axes {}, expected samples by name"),
        (([0, 1], [1, 2]), TypeError, "expected samples by name"),
        (({"x": [0, 2, 1]}, [1, 2, 3]), ValueError, "x does not increase: 2 is followed by 1; sort"),
        (({"x": [0, 0, 1]}, [1, 2, 3]), ValueError, "x does not increase: 0 is followed by 0"),
        (({"x": [0, 1]}, [1, 2, 3]), ValueError, r"values of shape \(3,\) for axes of {'x': 2} samples"),
        (({"x": [0, 1]}, [1, math.nan]), ValueError, "1 numbers in values that are not finite"),
        (({"x": [0, math.inf]}, [1, 1]), ValueError, "1 numbers in x that are not finite"),
        (({"x": [0, 1]}, [1, 1j]), ValueError, "values of complex128, expected real numbers; give two tables"),
        (({"x": [[0, 1]]}, [1, 1]), ValueError, r"x of shape \(1, 2\), expected \(n,\)"),
        (({"x": [0]}, [1]), ValueError, "1 samples along x, expected at least 2"),
        (({"x": [0, 1, 2]}, [1, 2, 3], 5), ValueError, "3 samples along x, expected at least 6"),
        (({"x": [0, 1, 2]}, [1, 2, 3], 1.5), ValueError, "got degree=1.5, expected an integer of at least 1"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(given, error, message):
    with pytest.raises(error, match=message) as caught:
        Table(*given)
    assert "\n" not in str(caught.value)


def problem(equation, coefficients, domain=LINE, **changes):
    return Problem(domain, ["u"], {"equation": Constraint(equation, on=domain)}, coefficients, **changes)


def test_a_problem_refuses_a_table_that_does_not_fit_it():
    half, other = Table({"x": [0, 0.5]}, [1, 2]), Table({"s": [0, 1]}, [1, 2])
    with pytest.raises(ValueError, match=r"coefficient 'k': .* does not cover the domain, whose x runs from 0 to 1"):
        problem(lambda u, k: u - k, {"k": half})
    with pytest.raises(ValueError, match=r"coefficient 'k': axis 's' .* neither a coordinate \['x'\] nor an output"):
        problem(lambda u, k: u - k, {"k": other})
    with pytest.raises(ValueError, match=r"coefficient 'k': axis 'u' .* is an output, .*extend=True"):
        problem(lambda u, k: u - k, {"k": Table({"u": [0, 1]}, [1, 2])})
    with pytest.raises(TypeError, match="got 2 arguments, expected 1"):
        K(1.0, 2.0)


def test_a_divided_coefficient_from_a_table_is_as_good_as_its_formula():
    # (k u')' = -1, u(0) = u(1) = 0: k u' = c - x, by the quadrature of Gauss and Legendre.
    k = lambda x: 1 + x / 2 + x**2 / 4  # noqa: E731
    nodes, weights = np.polynomial.legendre.leggauss(40)

    def integral(f, x):
        half = np.asarray(x)[..., None] / 2
        return (half * weights * f(half * (nodes + 1))).sum(-1)

    c = integral(lambda s: s / k(s), 1.0) / integral(lambda s: 1 / k(s), 1.0)
    xs = np.linspace(0, 1, 21)
    constraints = {
        "equation": Constraint(lambda u, k, x: d(k * d(u, x), x) + 1, on=LINE),
        "ends": Constraint(lambda u: u, on=LINE.boundary()),
    }
    posed = Problem(
        LINE,
        ["u"],
        constraints,
        coefficients={"k": Table({"x": xs}, k(xs))},
        reference=lambda x: integral(lambda s: (c - s) / k(s), x),
    )
    solution = solve(posed, steps=30, progress=False)
    assert all(choice.engine == "jets" for choice in solution.report.engines.values())
    assert solution.error() < 1e-6


def test_a_table_is_no_observation():
    ts = np.linspace(0, 1, 201)
    posed = Problem(
        SQUARE,
        ["c"],
        {
            "equation": Constraint(lambda c, x, t: d(c, t) + 4 * d(c, x) - 0.02 * d(c, x, x), on=SQUARE),
            "inlet": Constraint(lambda c, inlet: c - inlet, on=SQUARE.face(x=0)),
            "outlet": Constraint(lambda c, x: d(c, x), on=SQUARE.face(x=1)),
            "start": Constraint(lambda c: c, on=SQUARE.face(t=0)),
        },
        coefficients={"inlet": Table({"t": ts}, np.sin(6 * np.pi * ts) ** 2)},
    )
    traits = analyze(posed)
    assert traits.time_coordinate == "t" and not traits.observed
    assert abs(traits.sizes["c"] - 1) < 0.1
    t = RANDOM.uniform(0, 1, 500)
    assert np.abs(posed.coefficients["inlet"](t) - np.sin(6 * np.pi * t) ** 2).max() < 1e-6


def test_a_law_of_an_output_and_an_ansatz_take_tables_too():
    xs = np.linspace(0, 1, 11)
    posed = problem(
        lambda u, x, law: d(law * d(u, x), x) - 1,
        {"law": Table({"u": xs}, 1 + xs**2, extend=True), "g": Table({"x": xs}, xs**2)},
        ansatz={"u": lambda u, x, g: g + x * (1 - x) * u},
    )
    solution = solve(posed, steps=3, progress=False)
    assert abs(float(solution(x=1.0)) - 1) < 1e-12
    assert all(choice.engine == "jets" for choice in solution.report.engines.values())


def test_tables_stand_beside_unknowns():
    posed = problem(lambda u, a, k: u - a * k, {"a": Unknown(1.0), "k": Table({"x": [0, 1]}, [1, 2])})
    assert set(posed.unknowns) == {"a"} and posed.known == {} and set(posed.tables) == {"k"}
