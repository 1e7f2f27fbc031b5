"""Functions as inputs: problems that take them, operators that are found for them, and these at new functions."""

import math
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from pinn import Box, Constraint, GaussianField, Problem, RandomSeries, Solution, Table, d, integral, solve
from pinn.analysis import analyze
from pinn.derivatives import Autograd, Jets
from pinn.features.multi_index import Growth
from pinn.model import Model
from pinn.networks import MLP, DeepONet, HyperNetwork
from pinn.objective import Equations, Objective
from pinn.sampling import Redrawn
from pinn.sampling.evaluation import evaluation_points
from pinn.solution.functions import OutsideDomainWarning

QUIET = {"progress": False, "certify": False}


def antiderivative(law=None, scale=1.0):
    """u' = f, u(0) = 0."""
    line = Box(x=(0, scale)).function(f=GaussianField("x", length=0.2 * scale) if law is None else law)
    return Problem(
        line,
        ["u"],
        {
            "equation": Constraint(lambda u, x, f: d(u, x) - f, on=line),
            "start": Constraint(lambda u: u, on=line.face(x=0)),
        },
        name="antiderivative",
    )


def reaction(terms=3):
    """u_t = 0.1 u_xx + u² + f(x), from rest, between walls; f is differentiated in one more row."""
    box = Box(x=(0, 1), t=(0, 1)).function(f=GaussianField("x", length=0.5, terms=terms))
    return Problem(
        box,
        ["u"],
        {
            "equation": Constraint(lambda u, x, t, f: d(u, t) - 0.1 * d(u, x, x) - u**2 - f, on=box),
            "slope": Constraint(lambda u, x, t, f: d(u, t, x) - 0.1 * d(u, x, x, x) - d(u**2, x) - d(f, x), on=box),
            "flux": Constraint(lambda u, x, f: d((1 + f**2) * d(u, x), x) + d(f * u, x, x), on=box),
            "start": Constraint(lambda u: u, on=box.face(t=0)),
            "walls": Constraint(lambda u: u, on=box.face(x=0) | box.face(x=1)),
        },
    )


def true_member(f):
    """The antiderivative of a function of arrays."""
    grid = np.linspace(0, 1, 801)
    return lambda x: CubicSpline(grid, f(grid)).antiderivative()(x)


@pytest.fixture(scope="module")
def operator():
    return solve(antiderivative(), **QUIET)


@pytest.mark.parametrize("network", [DeepONet, partial(DeepONet, modified=True, linear=False), partial(MLP, depth=2)])
def test_rows_and_their_jacobian_are_the_same_by_jets_and_by_nested_derivatives(network):
    problem = reaction()
    model = Model(problem, partial(network, width=6), generator=torch.Generator().manual_seed(0))
    found = []
    for engine in (Jets(fallback=False), Autograd()):
        objective = Objective(Equations(model, engine), _points(problem))
        found.append((*objective.linearize(), objective.gradient()[1]))
    for one, two in zip(*found, strict=True):
        assert float((one - two).abs().max()) <= 1e-12 * float(two.abs().max())
    r, j, gradient = found[0]
    torch.testing.assert_close(j.T @ r, gradient, rtol=1e-12, atol=1e-12 * float(gradient.abs().max()))


def _points(problem):
    source = torch.Generator().manual_seed(1)
    return {name: one.on.sample(7, generator=source, method="uniform") for name, one in problem.constraints.items()}


def test_every_point_has_its_own_function():
    """The rows at several functions are those at each of them alone."""
    problem = reaction()
    model = Model(problem, partial(DeepONet, width=5), generator=torch.Generator().manual_seed(0))
    points = _points(problem)
    together = Objective(Equations(model, Jets()), {**points}).residual()
    few = {name: one.take(torch.tensor([3])) for name, one in points.items()}
    alone = Objective(Equations(model, Jets()), few).residual() / math.sqrt(7)
    torch.testing.assert_close(together.reshape(-1, 7)[:, 3], alone.reshape(-1), rtol=1e-12, atol=1e-14)


def test_a_function_is_seen_at_other_points_too():
    """∫ f over the line in an equation, with its own coefficients at every point."""
    line = Box(x=(0, 1)).function(f=RandomSeries("x", [lambda x: 1.0 + 0.0 * x, lambda x: x**2]))
    law = Constraint(lambda u, x, f: d(u, x) - f + integral(f, over="x", from_=0, to=1) * u, on=line)
    problem = Problem(line, ["u"], {"equation": law, "start": Constraint(lambda u: u, on=line.face(x=0))})
    found = solve(problem, network=partial(MLP, width=6, depth=1), features=None, steps=1, **QUIET)
    x = np.linspace(0, 1, 5)
    left = found.residual("equation")(x=x, f_1=2.0, f_2=-3.0)
    u, slope = found(x=x, f_1=2.0, f_2=-3.0), found.derivative("u", "x")(x=x, f_1=2.0, f_2=-3.0)
    np.testing.assert_allclose(left, slope - (2 - 3 * x**2) + (2 - 1) * u, atol=1e-10)


def test_an_operator_that_is_linear_in_the_function_is_one_linear_solve(operator):
    """Against splines, whose own error is 1e-10."""
    table = operator.family_errors(20, reference=true_member)
    assert table.worst < 2e-9 and table.mean <= table.worst
    assert "20 members" in str(table) and "member" in str(table) and "f_1" not in str(table)
    assert np.abs(table.parameters["f_1"]).max() <= 4 and len(table.parameters) == 11
    assert operator.report.outcome.contributions[0].kind == "fixed neurons"
    said = str(operator.report)
    assert " × 1 (11 times)" in said and "half of the squared residual" not in said


def test_the_answer_at_a_new_function(operator):
    x = np.linspace(0, 1, 7)
    true = np.sin(3 * x) / 3
    found = operator(x=x, f=lambda x: np.cos(3 * x))
    error = operator.problem.domain.functions["f"].project(lambda x: np.cos(3 * x)).error
    assert np.abs(found - true).max() < error < 1e-3  # the integral of what is left
    xs = np.linspace(0, 1, 60)
    table = operator(x, f=Table({"x": xs}, np.cos(3 * xs)))
    np.testing.assert_allclose(table, found, atol=1e-6)
    np.testing.assert_allclose(operator(x=x, f={"x": xs, "f": np.cos(3 * xs)}), true, atol=1e-4)
    np.testing.assert_allclose(operator(x=x, f=lambda x: torch.cos(3 * x)), found, atol=1e-12)
    slope = operator.derivative("u", "x")(x=x, f=lambda x: np.cos(3 * x))
    np.testing.assert_allclose(slope, np.cos(3 * x), atol=1e-2)
    assert np.abs(operator.residual("equation")(x=x, f=lambda x: np.cos(3 * x))).max() < 1e-9


@pytest.mark.slow
def test_units_do_not_change_the_operator(operator):
    """The same line in millimetres has a thousand times the antiderivative."""
    other = solve(antiderivative(scale=1e3), **QUIET)
    x, f = np.linspace(0, 1, 7), (lambda x: np.cos(3 * x))
    np.testing.assert_allclose(1e-3 * other(x=1e3 * x, f=lambda x: f(1e-3 * x)), operator(x=x, f=f), atol=1e-9)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"f": lambda x: np.abs(x - 0.5)}, ValueError, "11 terms leave .* of those of its kind; train with another"),
        ({"f": lambda x: 20 * np.cos(3 * x)}, ValueError, "its coefficient f_. is .* standard deviations"),
        ({"f": "cos"}, TypeError, "function 'f': got 'cos', expected a function of"),
        ({"f": lambda y: y}, TypeError, "got a function of .'y'., expected one of"),
        ({"f": np.cos}, TypeError, "function 'f': arguments are matched by name"),
        ({"f": {"x": [0.0, 1.0]}}, TypeError, "got samples of"),
        ({"f": {"x": [0.0, 1.0], "f": [1.0]}}, ValueError, "got samples of shapes"),
        ({"f": lambda x: np.full_like(x, np.nan)}, ValueError, "values that are not finite"),
        ({"f": lambda x: x[:3]}, ValueError, "got values of shape"),
        ({"f": 1.0, "f_1": 2.0}, TypeError, "got 'f' and its coefficient 'f_1'"),
        ({}, TypeError, "expected all of .'x', 'f'., e.g. solution.x=0.5, f=function."),
    ],
)
def test_functions_of_another_kind_are_refused_in_one_line(operator, given, error, said):
    with pytest.raises(error, match=said) as found:
        operator(x=0.5, **given)
    assert "\n" not in str(found.value)


def test_and_answered_all_the_same_with_a_warning(operator):
    with pytest.warns(OutsideDomainWarning, match="11 terms leave"):
        found = operator.extrapolate(x=1.0, f=lambda x: np.abs(x - 0.5))
    assert found == pytest.approx(0.25, abs=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        operator.extrapolate(x=1.0, f=1.0)


def test_problems_say_what_is_wrong_with_a_function():
    line = Box(x=(0, 1)).function(f=GaussianField("x", terms=2))
    equation = Constraint(lambda u, x, g: d(u, x) - g, on=line)
    with pytest.raises(ValueError, match=r"unknown argument 'g'; choose among .*'f'"):
        Problem(line, ["u"], {"equation": equation})
    with pytest.raises(ValueError, match="'f' stands for two things"):
        Problem(line, ["f"], {"equation": Constraint(lambda f, x: d(f, x), on=line)})
    with pytest.raises(ValueError, match="its set has coordinates"):
        Problem(line, ["u"], {"equation": Constraint(lambda u, x: d(u, x), on=Box(x=(0, 1)))})


def test_what_is_read_off_a_problem_with_functions():
    problem = reaction()
    traits = analyze(problem)
    assert traits.time_coordinate == "t" and not traits.affine
    assert analyze(antiderivative()).affine
    assert set(problem.box_bounds) == set(problem.coordinates)
    points = evaluation_points(problem)
    assert points.n == 10_000 and float(points.column("f_1").std()) == pytest.approx(1, abs=0.02)


def test_the_default_network_is_told_where_the_functions_are():
    problem = Box(x=(0, 1)).function(f=GaussianField("x", terms=2)).parameter(k=(1, 2))
    law = Constraint(lambda u, x, k, f: d(u, x) - k * f, on=problem)
    stated = Problem(problem, ["u"], {"equation": law}, periodic=["x"])
    source = torch.Generator().manual_seed(0)
    assert Model(stated, DeepONet, generator=source).network.arguments["functions"] == [2, 3]
    assert Model(stated, partial(DeepONet, functions=1), generator=source).network.arguments["functions"] == [4]
    assert Model(stated, HyperNetwork, generator=source).network.arguments["parameters"] == 1


def test_products_of_multi_indices_grow_in_the_other_coordinates():
    growth = Growth(3, linear=(1, 2))
    first = growth.first(9)
    assert first == [(k, *pair) for k in range(3) for pair in ((0, 0), (0, 1), (1, 0))]
    sizes = {index: 10.0 ** -index[0] for index in first}
    grown = growth.grown(sizes, 12)
    assert set(grown) == {*first, (3, 0, 0), (3, 0, 1), (3, 1, 0)}
    assert Growth(2).first(5) == [(0, 0), (0, 1), (1, 0)]


def test_a_run_that_is_broken_off_goes_on_and_a_file_holds_the_answer(tmp_path):
    problem = reaction()
    options = {"network": partial(DeepONet, rank=4, width=5, depth=1), "features": None, "sampling": Redrawn(60)}
    whole = solve(problem, steps=6, **options, **QUIET)
    path = tmp_path / "run"
    solve(problem, steps=3, checkpoint=path, every=1, **options, **QUIET)
    resumed = solve(problem, steps=6, resume=path, **options, **QUIET)
    at = {"x": np.linspace(0, 1, 5), "t": 0.5, "f": lambda x: 1 + 0.0 * x}
    np.testing.assert_array_equal(whole.extrapolate(**at), resumed.extrapolate(**at))
    whole.save(tmp_path / "answer.pt")
    again = Solution.load(tmp_path / "answer.pt", problem)
    np.testing.assert_array_equal(whole.extrapolate(**at), again.extrapolate(**at))
    with pytest.raises(ValueError, match="coordinates"):
        Solution.load(tmp_path / "answer.pt", reaction(terms=4))


@pytest.mark.slow
def test_a_deep_operator_network_is_trained_by_its_equation():
    """u' = f of three terms: a mean error of 6e-7 to 1.5e-6 over seeds 0, 1, 2 after 40 steps."""
    problem = antiderivative(GaussianField("x", length=0.5, terms=3))
    network = partial(DeepONet, rank=8, width=10, depth=2)
    options = {"features": None, "sampling": Redrawn(300, every=5), "steps": 40}
    found = solve(problem, network=network, **options, **QUIET)
    table = found.family_errors(20, reference=true_member)
    assert table.mean < 2e-5
