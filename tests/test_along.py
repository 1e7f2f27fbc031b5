"""Families: parameters as coordinates, errors of members that were not chosen, and continuation from value to value."""

from functools import partial

import numpy as np
import pytest

from pinn import Box, Constraint, Disc, Problem, d, solve, solve_along
from pinn.networks import MLP

TRAINED = {"features": None, "progress": False, "certify": False, "verify": False}


def heated_rod():
    """−k u″ = 1 between 0 and 1: u = x (1 − x) / 2k for every conductivity."""
    rod = Box(x=(0, 1)).parameter(k=(1, 2))
    return Problem(
        rod,
        ["u"],
        {
            "equation": Constraint(lambda u, x, k: k * d(u, x, x) + 1, on=rod),
            "ends": Constraint(lambda u: u, on=rod.face(x=0) | rod.face(x=1)),
        },
        reference=lambda x, k: x * (1 - x) / (2 * k),
    )


@pytest.fixture(scope="module")
def family():
    return solve(heated_rod(), progress=False, tolerance=1e-7, verify=False)


def bratu(strength=1.0):
    """u″ + λ eᵘ = 0, u(0) = u(1) = 0."""
    line = Box(x=(0, 1))
    return Problem(
        line,
        ["u"],
        {
            "equation": Constraint(lambda u, x, strength: d(u, x, x) + strength * u.exp(), on=line),
            "ends": Constraint(lambda u: u, on=line.boundary()),
        },
        coefficients={"strength": strength},
    )


def middle(strength):
    """u(½) = 2 ln cosh(θ/4), θ = √(2λ) cosh(θ/4) (Bratu 1914; Davis, Nonlinear Equations (1962), sec. 6.4)."""
    theta = 0.0
    for _ in range(200):
        theta = np.sqrt(2 * strength) * np.cosh(theta / 4)
    return 2 * np.log(np.cosh(theta / 4))


def test_a_family_is_one_linear_solve_with_a_table_of_errors(family):
    table = family.family_errors(12)
    assert table.errors.shape == (12,) and table.worst < 1e-5
    assert table.median <= table.worst and "12 members" in str(table)
    assert 1 <= table.parameters["k"].min() < table.parameters["k"].max() <= 2


def test_a_reference_of_each_member_is_taken_as_it_is(family):
    table = family.family_errors(5, reference=lambda k: lambda x: (1 + 0.1 * k) * x * (1 - x) / (2 * k))
    expected = 0.1 * table.parameters["k"] / (1 + 0.1 * table.parameters["k"])
    np.testing.assert_allclose(table.errors, expected, rtol=1e-3)


def test_parameters_of_other_sets_and_their_limits():
    family = Disc(x=0, y=0, radius=1).parameter(k=(1, 4))
    assert family.parameters == ("k",) and family.coordinates == ("x", "y", "k")
    assert Box(x=(0, 1)).parameters == ()
    with pytest.raises(ValueError, match="got 7 of them"):
        Box(x=(0, 1)).parameter(**{f"p{i}": (0, 1) for i in range(7)})
    with pytest.raises(ValueError, match="without parameters"):
        solve(bratu(), steps=1, **TRAINED).family_errors()


def test_continuation_starts_from_the_answer_before():
    options = {"network": partial(MLP, width=8, depth=1), "steps": 25, **TRAINED}
    found = solve_along(bratu(), strength=[1.0, 2.0, 3.0], **options)
    for strength, solution in zip((1.0, 2.0, 3.0), found, strict=True):
        assert solution.problem.known["strength"] == strength
        assert solution(x=0.5) == pytest.approx(middle(strength), rel=1e-4)
    cold = solve(bratu(3.0), **options)
    assert found[2].history.column("loss")[0] < 0.1 * cold.history.column("loss")[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "expected those of one coefficient"),
        ({"Re": [1, 2]}, "'Re' is no number among the coefficients"),
        ({"strength": [1, 2], "start": None}, "got start"),
        ({"strength": [1, "two"]}, "a finite number"),
    ],
)
def test_what_continuation_refuses(given, said):
    with pytest.raises(ValueError, match=said):
        solve_along(bratu(), **given)
