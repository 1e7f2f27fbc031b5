"""A problem is validated when it is built, and every message names the constraint, what was got and the choices."""

import math

import numpy as np
import pytest
import torch

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import CONDITION_WEIGHT, Constraint, Problem, Unknown

LINE = Box(x=(0, 1))
STRIP = Box(x=(-1, 1), t=(0, 2))


def equation(u, x):
    return d(u, x) - u


def build(**changes):
    given = {
        "domain": LINE,
        "outputs": ["u"],
        "constraints": {
            "equation": Constraint(equation, on=LINE),
            "start": Constraint(lambda u: u - 1, LINE.face(x=0)),
        },
    }
    return Problem(**{**given, **changes})


def test_a_default_argument_is_left_alone():
    problem = build(constraints={"equation": Constraint(lambda u, x, factor=3.0: factor * u, on=LINE)})
    (row,) = problem.equation("equation")({"x": torch.ones(2)}, {"u": torch.ones(2)}, {})
    assert row.tolist() == [3.0, 3.0]


def test_weights_are_one_inside_and_more_on_conditions_and_data():
    data = Scatter(coordinates={"x": [0.5]}, values={"seen": [1.0]})
    problem = build(
        constraints={
            "equation": Constraint(equation, on=LINE),
            "start": Constraint(lambda u: u - 1, on=LINE.face(x=0)),
            "data": Constraint(lambda u, seen: u - seen, on=data),
            "own": Constraint(lambda u: u, on=LINE.face(x=1), weight=7.0),
        }
    )
    assert [problem.weight(name) for name in problem.constraints] == [1.0, CONDITION_WEIGHT, CONDITION_WEIGHT, 7.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"constraints": {"eq": Constraint(lambda v, x: v, on=LINE)}}, r"'eq': unknown argument 'v'; choose among"),
        ({"constraints": {"eq": Constraint(lambda u, xx: u, on=LINE)}}, r"did you mean 'x'"),
        ({"constraints": {"eq": Constraint(lambda x: x, on=LINE)}}, r"'eq' uses no output"),
        ({"constraints": {"eq": Constraint(lambda u: u.sum(), on=LINE)}}, r"'eq': each row must be a field of shape"),
        (
            {"constraints": {"eq": Constraint(lambda u: u[:, None] - u, on=LINE)}},
            r"'eq': each row .* got shape \(5, 5\)",
        ),
        ({"constraints": {"eq": Constraint(lambda u: None, on=LINE)}}, r"'eq': each row .* got NoneType"),
        ({"constraints": {"eq": Constraint(lambda *u: u, on=LINE)}}, r"'eq': arguments are matched by name"),
        ({"constraints": {"eq": Constraint(lambda u: u, on=STRIP)}}, r"'eq': its set has coordinates \('x', 't'\)"),
        ({"constraints": {}}, r"constraints is empty"),
        ({"outputs": []}, r"outputs is empty"),
        ({"outputs": ["x"]}, r"'x' stands for two things"),
        ({"outputs": ["u v"]}, r"'u v' cannot be an argument"),
        ({"coefficients": {"u": 1.0}}, r"'u' stands for two things"),
        ({"coefficients": {"k": Unknown(1.0, inputs=("y",))}}, r"Unknown 'k': input 'y'; choose among \['x'\]"),
        ({"periodic": ["y"]}, r"periodic: 'y' is no coordinate"),
        ({"features": {"bend": lambda y: y}}, r"feature 'bend': unknown argument 'y'; choose among \['x'\]"),
        ({"ansatz": {"w": lambda w: w}}, r"ansatz: 'w' is no output"),
        ({"ansatz": {"u": lambda u, z: u * z}}, r"ansatz 'u': unknown argument 'z'"),
        ({"exact_coefficients": {"k": 1.0}}, r"exact_coefficients: 'k' is no unknown"),
        ({"exact_coefficients": {"k": "one"}}, r"exact_coefficients 'k': got value='one', expected a finite number"),
    ],
)
def test_what_cannot_be_meant_is_refused_when_the_problem_is_built(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_wrong_types_are_refused():
    with pytest.raises(TypeError, match=r"feature 'bend': expected a function of coordinates, got 'x'"):
        build(features={"bend": "x"})
    with pytest.raises(TypeError, match=r"coefficient 'k': expected a finite number or Unknown"):
        build(coefficients={"k": "big"})
    with pytest.raises(TypeError, match=r"coefficient 'k'"):
        build(coefficients={"k": math.nan})
    with pytest.raises(TypeError, match=r"constraint 'eq': got .*, expected Constraint"):
        build(constraints={"eq": equation})
    with pytest.raises(TypeError, match=r"equation must be a function"):
        Constraint(3, on=LINE)
    with pytest.raises(TypeError, match=r"on must be a domain"):
        Constraint(equation, on=[0, 1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domain": [0, 1]}, r"domain must be a Domain such as Box\(x=\(0, 1\)\), got \[0, 1\]"),
        ({"outputs": 3}, r"outputs must be a list of names such as \['u'\], got 3"),
        ({"constraints": [Constraint(equation, on=LINE)]}, r"constraints must be a dictionary by name, got list"),
        ({"coefficients": 1.0}, r"coefficients must be a dictionary by name, got float"),
        ({"ansatz": {"u": 3}}, r"ansatz 'u': expected a function .*, got 3"),
        ({"reference": "exact"}, r"reference must be a function .*, got 'exact'"),
    ],
)
def test_each_argument_is_of_its_kind(changes, message):
    with pytest.raises(TypeError, match=message):
        build(**changes)


@pytest.mark.parametrize("weight", [0.0, -1.0, math.inf, math.nan, "heavy", True])
def test_weights_must_be_positive(weight):
    with pytest.raises(ValueError, match=r"Constraint: got weight=.*, expected a positive finite number"):
        Constraint(equation, on=LINE, weight=weight)


@pytest.mark.parametrize("points", [0, -3, True, 2.5, "many"])
def test_points_are_counted(points):
    with pytest.raises(ValueError, match=r"Constraint: got points=.*, expected an integer of at least 1"):
        Constraint(equation, on=LINE, points=points)


def test_unknowns_refuse_contradictions():
    with pytest.raises(ValueError, match="positive=True needs a positive first guess"):
        Unknown(-1.0, positive=True)
    with pytest.raises(ValueError, match=r"not inside bounds=\(0, 1\)"):
        Unknown(2.0, bounds=(0, 1))
    with pytest.raises(ValueError, match="give one of them"):
        Unknown(0.5, positive=True, bounds=(0, 1))


@pytest.mark.parametrize("initial", ["a", True, None, [0.1], math.inf, math.nan])
def test_an_unknowns_first_guess_is_a_finite_number(initial):
    with pytest.raises(ValueError, match=r"Unknown: got initial=.*, expected a finite number"):
        Unknown(initial)


@pytest.mark.parametrize("bounds", [(0, math.inf), (-math.inf, 2), (0,), (0, 2, 3), (), 3, "wide"])
def test_bounds_are_two_finite_numbers(bounds):
    with pytest.raises(ValueError, match=r"Unknown: got bounds=.*, expected two finite numbers; give \(low, high\)"):
        Unknown(1, bounds=bounds)


@pytest.mark.parametrize("bounds", [("a", 2), (False, 2), (0, math.nan), (0, None)])
def test_bounds_are_numbers(bounds):
    with pytest.raises(ValueError, match=r"Unknown: bounds: got .*, expected a finite number"):
        Unknown(1, bounds=bounds)


def test_bounds_that_cannot_hold_a_first_guess_are_refused():
    with pytest.raises(ValueError, match="not inside bounds="):
        Unknown(1, bounds=(2, 0))
    with pytest.raises(ValueError, match="too wide to tell the first guess"):
        Unknown(0.5, bounds=(-1e20, 1))
    for bounds in ([0, 2], np.array([0, 2])):
        assert Unknown(1, bounds=bounds).bounds == (0, 2)


def test_an_unknowns_inputs_are_names():
    assert Unknown(1.0, inputs="x").inputs == ("x",)
    for inputs in (3, (1,), {"x": 1}):
        with pytest.raises(TypeError, match=r"Unknown: got inputs=.*, expected names of coordinates"):
            Unknown(1.0, inputs=inputs)


def test_an_error_inside_an_equation_says_which_constraint():
    with pytest.raises(TypeError, match=r"^constraint 'broken': unsupported operand") as caught:
        build(constraints={"broken": Constraint(lambda u: u + "1", on=LINE)})
    assert isinstance(caught.value.__cause__, TypeError)


def test_the_reference_is_checked_for_shape_and_names():
    points = LINE.grid(5)
    with pytest.raises(ValueError, match=r"reference: u has shape \(1, 5\)"):
        build(reference=lambda x: x[None]).exact(points)
    with pytest.raises(ValueError, match=r"unknown output 'v'"):
        build(reference=lambda x: {"v": x}).exact(points)
    with pytest.raises(ValueError, match="has no reference"):
        build().exact(points)
    np.testing.assert_array_equal(build(reference=lambda x: x**2).exact(points)["u"], points.column("x").numpy() ** 2)


def test_a_reference_may_be_written_with_torch():
    points = LINE.grid(5)
    for reference in (
        lambda x: torch.exp(-x),
        lambda x: {"u": torch.exp(-x)},
        lambda x: torch.exp(-torch.as_tensor(x)),
    ):
        found = build(reference=reference).exact(points)["u"]
        np.testing.assert_allclose(found, np.exp(-points.column("x").numpy()), rtol=1e-15)
