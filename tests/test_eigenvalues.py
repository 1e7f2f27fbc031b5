"""Eigenvalues against closed forms: values, multiplicities, and functions of size one that are orthogonal."""

import math

import numpy as np
import pytest

from pinn import Box, Constraint, Disc, Polygon, Problem, Unknown, d, laplacian, normal_derivative
from pinn.eigenvalues import eigenpairs

LINE = Box(x=(0, 1))


def well(potential=lambda x: 0 * x):
    return Problem(
        LINE,
        ["u"],
        {
            "equation": Constraint(lambda u, x, E: -0.5 * d(u, x, x) + potential(x) * u - E * u, on=LINE),
            "walls": Constraint(lambda u: u, on=LINE.boundary()),
        },
        {"E": Unknown(1.0)},
    )


def column(end):
    return Problem(
        LINE,
        ["w"],
        {
            "equation": Constraint(lambda w, x, P: d(w, x, x, x, x) + P * d(w, x, x), on=LINE),
            "ends": Constraint(lambda w: w, on=LINE.boundary()),
            "foot": Constraint(lambda w, x: d(w, x), on=LINE.face(x=0)),
            "head": Constraint(end, on=LINE.face(x=1)),
        },
        {"P": 1.0},
    )


def drum(domain):
    return Problem(
        domain,
        ["u"],
        {
            "equation": Constraint(lambda u, x, y, mu: laplacian(u, x, y) + mu * u, on=domain),
            "rim": Constraint(lambda u: u, on=domain.boundary()),
        },
        {"mu": 1.0},
    )


def waveguide():
    box = Box(x=(0, 2), y=(0, 1))
    return Problem(
        box,
        ["H"],
        {
            "equation": Constraint(lambda H, x, y, k2: laplacian(H, x, y) + k2 * H, on=box),
            "walls": Constraint(lambda H, x, y, nx, ny: normal_derivative(H, (x, y), (nx, ny)), on=box.boundary()),
        },
        {"k2": 1.0},
    )


def values(pairs):
    return np.array([pair.value for pair in pairs])


def test_a_quantum_well():
    pairs = eigenpairs(well(), "E", n=4)
    exact = 0.5 * (math.pi * np.arange(1, 5)) ** 2
    assert np.abs(values(pairs) / exact - 1).max() < 1e-10
    assert all(abs(pair.value - one) <= 100 * pair.error for pair, one in zip(pairs, exact, strict=True))
    x = np.linspace(0, 1, 9)
    for k, pair in enumerate(pairs, 1):
        u = pair.solution(x=x)
        exact_u = math.sqrt(2) * np.sin(k * math.pi * x)
        assert min(np.abs(u - exact_u).max(), np.abs(u + exact_u).max()) < 1e-8
        assert pair.solution.problem.coefficients["E"] == pair.value


def test_those_next_to_a_place():
    (pair,) = eigenpairs(well(), "E", near=40.0)
    assert pair.value == pytest.approx(4.5 * math.pi**2, rel=1e-10)


def test_a_potential_shifts_all_of_them():
    assert values(eigenpairs(well(lambda x: 0 * x - 30.0), "E", n=2, near=-30.0)) == pytest.approx(
        [0.5 * math.pi**2 - 30, 2 * math.pi**2 - 30], rel=1e-9
    )


def test_columns_buckle():
    """Clamped at both ends 4π²; clamped and pinned the square of the first root of tan k = k."""
    assert eigenpairs(column(lambda w, x: d(w, x)), "P")[0].value == pytest.approx(4 * math.pi**2, rel=1e-9)
    (pinned,) = eigenpairs(column(lambda w, x: d(w, x, x)), "P")
    assert pinned.value == pytest.approx(20.190728556426629, rel=1e-9)


def test_a_waveguide_has_a_degenerate_pair():
    """(mπ/2)² + (nπ)²: 0, ¼, then 1 twice, in units of π²."""
    pairs = eigenpairs(waveguide(), "k2", n=4)
    assert values(pairs) / math.pi**2 == pytest.approx([0, 0.25, 1, 1], abs=1e-9)
    assert [pair.multiplicity for pair in pairs] == [1, 1, 2, 2]
    points, weights = pairs[0].solution.problem.domain.quadrature(20)
    x, y = (points.column(name).numpy() for name in "xy")
    h = np.stack([pair.solution(x=x, y=y) for pair in pairs])
    assert np.abs((h * weights.numpy()) @ h.T - np.eye(4)).max() < 1e-8


def test_values_that_lie_close_together_keep_their_own_functions():
    """Two wells that do not see each other: π² of the one, (1 + 10⁻⁶) π² of the other."""
    wells = Problem(
        LINE,
        ["u", "v"],
        {
            "equation": Constraint(lambda u, v, x, E: (d(u, x, x) + E * u, 1.000001 * d(v, x, x) + E * v), on=LINE),
            "walls": Constraint(lambda u, v: (u, v), on=LINE.boundary()),
        },
        {"E": 1.0},
    )
    lower, upper = eigenpairs(wells, "E", n=2)
    assert values([lower, upper]) / math.pi**2 == pytest.approx([1, 1.000001], abs=1e-10)
    x = np.linspace(0, 1, 9)
    for pair, own, other in ((lower, "u", "v"), (upper, "v", "u")):
        found = pair.solution(x=x)
        assert np.abs(found[own] - math.sqrt(2) * np.sin(math.pi * x)).max() < 1e-5
        assert np.abs(found[other]).max() < 1e-5


def test_a_value_in_a_condition():
    """Steklov on the unit disc: u_n = s u, s = 0, 1, 1, 2, 2."""
    disc = Disc(x=0, y=0, radius=1)
    problem = Problem(
        disc,
        ["u"],
        {
            "equation": Constraint(lambda u, x, y: laplacian(u, x, y), on=disc),
            "rim": Constraint(
                lambda u, x, y, nx, ny, s: normal_derivative(u, (x, y), (nx, ny)) - s * u, on=disc.boundary()
            ),
        },
        {"s": 1.0},
    )
    pairs = eigenpairs(problem, "s", n=5)
    assert values(pairs) == pytest.approx([0, 1, 1, 2, 2], abs=1e-8)
    assert [pair.multiplicity for pair in pairs] == [1, 2, 2, 2, 2]


@pytest.mark.slow
def test_the_l_shaped_drum():
    """9.6397238440219 (Betcke, Trefethen, SIAM Review 47 (2005) 469), and 2π², whose function is smooth."""
    shape = Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)])
    pairs = eigenpairs(drum(shape), "mu", n=3)
    assert abs(pairs[0].value - 9.6397238440219) < 1e-8
    assert abs(pairs[2].value - 2 * math.pi**2) < 1e-6
    assert all(pair.error < 1e-6 and pair.tension < 1e-6 for pair in pairs)


@pytest.mark.parametrize(
    ("problem", "name", "message"),
    [
        (well(), "F", "expected a coefficient of the problem"),
        (well(lambda x: 1 / (0 * x + 1)), "E", None),
        (drum(Box(x=(0, 1), y=(0, 1))), "u", "expected a coefficient"),
    ],
)
def test_names(problem, name, message):
    if message is None:
        assert eigenpairs(problem, name)[0].value == pytest.approx(0.5 * math.pi**2 + 1, rel=1e-9)
        return
    with pytest.raises(ValueError, match=message):
        eigenpairs(problem, name)


def of(equation, **more):
    constraints = {"equation": Constraint(equation, on=LINE), **more}
    return Problem(LINE, ["u"], constraints, {"E": 1.0})


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (of(lambda u, x, E: d(u, x, x) + E * u + 1), "expected a homogeneous problem"),
        (of(lambda u, x, E: d(u, x, x) + E**2 * u), "enters nonlinearly"),
        (of(lambda u, x, E: d(u, x, x) + E * u + u**3), "not linear in the outputs"),
        (of(lambda u, x: d(u, x, x) + u), "takes no part"),
        (of(lambda u, x, E: d(u, x) + E * u, start=Constraint(lambda u: u, on=LINE.face(x=0))), "no real eigenvalue"),
    ],
)
def test_refusals(problem, message):
    with pytest.raises(ValueError, match=message):
        eigenpairs(problem, "E")
