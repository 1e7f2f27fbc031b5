"""The cavity: its printed extrema, its walls, its equations, and the limits in which it is simpler."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from pinn.reference import cavity
from pinn.reference.cavity import BOX, Corner, clamped, solve_cavity
from pinn.reference.chebyshev import nodes
from pinn.reference.result import distance, scatter


@pytest.fixture(scope="module")
def flow():
    return solve_cavity(100.0, 36)


def at(flow, name, x, y):
    x, y = np.broadcast_arrays(np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(y, float)))
    return flow({"x": x, "y": y})[name]


def lowest(function, low, high):
    return minimize_scalar(function, bounds=(low, high), method="bounded", options={"xatol": 1e-8}).fun


def test_printed_extrema_at_reynolds_100(flow):
    assert lowest(lambda y: at(flow, "u", 0.5, y)[0], 0.1, 0.9) == pytest.approx(-0.18189, abs=5e-6)
    assert -lowest(lambda x: -at(flow, "v", x, 0.5)[0], 0.05, 0.5) == pytest.approx(0.15393, abs=5e-6)
    assert lowest(lambda x: at(flow, "v", x, 0.5)[0], 0.5, 0.95) == pytest.approx(-0.21826, abs=5e-6)


def test_walls_and_lid(flow):
    w = np.linspace(0, 1, 57)
    for x, y in ((0, w), (1, w), (w, 0), (w, 1)):
        lid = 4 * w * (1 - w) if np.ndim(y) == 0 and y == 1 else 0
        np.testing.assert_allclose(at(flow, "u", x, y), lid, atol=1e-10)
        np.testing.assert_allclose(at(flow, "v", x, y), 0, atol=1e-10)


def test_no_mass_is_lost(flow):
    """Through any vertical line as much flows right as left; and u_x + v_y = 0 by central differences."""
    y, weight = np.polynomial.legendre.leggauss(60)
    for x in (0.2, 0.5, 0.9):
        assert abs(weight @ at(flow, "u", x, (y + 1) / 2)) <= 1e-9
    x, y = np.random.default_rng(0).uniform(0.1, 0.9, (2, 50))
    h = 1e-4
    u_x = (at(flow, "u", x + h, y) - at(flow, "u", x - h, y)) / (2 * h)
    v_y = (at(flow, "v", x, y + h) - at(flow, "v", x, y - h)) / (2 * h)
    np.testing.assert_allclose(u_x + v_y, 0, atol=1e-5)


def test_vorticity_is_carried_and_spread(flow):
    """u·∇ω = Δω/Re by nested central differences, ω = v_x − u_y, away from the corners."""
    x, y = np.random.default_rng(1).uniform(0.25, 0.75, (2, 40))
    h = 4e-3
    cross = ((1, 0), (-1, 0), (0, 1), (0, -1))

    def omega(a, b):
        weights = np.array([-1, 9, -45, 0, 45, -9, 1]) / (60 * h)
        shifts = h * np.arange(-3, 4)
        v_x = sum(w * at(flow, "v", a + s, b) for w, s in zip(weights, shifts, strict=True))
        return v_x - sum(w * at(flow, "u", a, b + s) for w, s in zip(weights, shifts, strict=True))

    east, west, north, south = (omega(x + i * h, y + j * h) for i, j in cross)
    carried = at(flow, "u", x, y) * (east - west) / (2 * h) + at(flow, "v", x, y) * (north - south) / (2 * h)
    spread = (east + west + north + south - 4 * omega(x, y)) / h**2 / 100
    assert np.abs(carried - spread).max() <= 3e-2 * np.abs(carried).max()


def test_stokes_flow_is_symmetric():
    flow = solve_cavity(0.0, 20)
    points = scatter(BOX, 12)
    mirror = {"x": 1 - points["x"], "y": points["y"]}
    np.testing.assert_allclose(flow(mirror)["u"], flow(points)["u"], atol=1e-9)
    np.testing.assert_allclose(flow(mirror)["v"], -flow(points)["v"], atol=1e-9)


def test_errors_fall_with_the_degree(flow):
    points = scatter(BOX, 20)
    errors = [distance(solve_cavity(100.0, n), flow, points) for n in (10, 16, 24)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_the_error_it_tells_is_honest(flow, tmp_path):
    reference = cavity(degree=24, coarse=16, cache=tmp_path)
    points = scatter(BOX, 33)
    assert distance(lambda columns: reference(**columns), flow, points) <= reference.error <= 1e-3
    assert len(list(tmp_path.iterdir())) == 1
    assert cavity(degree=24, coarse=16, cache=tmp_path)(x=0.3, y=0.6) == reference(x=0.3, y=0.6)


def test_corner_flow_is_biharmonic_and_meets_both_walls():
    x, s = np.random.default_rng(2).uniform(0.2, 1, (2, 30))
    h = 1e-4
    lap_x, lap_y = (lambda a, b: Corner(a, b).lap_x()), (lambda a, b: Corner(a, b).lap_y())
    biharmonic = (lap_x(x + h, s) - lap_x(x - h, s) - lap_y(x, s + h) + lap_y(x, s - h)) / (2 * h)
    np.testing.assert_allclose(biharmonic, 0, atol=1e-4)
    np.testing.assert_allclose(Corner(x, 0 * x).psi_y(), 4 * x)
    for rest in (Corner(x, 0 * x).psi(), Corner(x, 0 * x).psi_x(), Corner(0 * s, s).psi(), Corner(0 * s, s).psi_x()):
        np.testing.assert_allclose(rest, 0, atol=1e-14)
    np.testing.assert_allclose(Corner(0 * s, s).psi_y(), 0, atol=1e-14)


def test_clamped_matrices_are_exact_on_polynomials():
    n = 10
    x = nodes(n, 0, 1)
    q = np.polynomial.Polynomial([0, 1, -1]) * np.polynomial.Polynomial([0.3, -1, 2, 0.5])
    whole = q * np.polynomial.Polynomial([0, 1, -1])
    for k, matrix in enumerate(clamped(n)):
        np.testing.assert_allclose(matrix @ q(x)[1:-1], whole.deriv(k)(x)[1:-1], atol=1e-8)


def test_clamped_beam():
    """u'''' = 24 between clamped ends is x²(1 − x)²."""
    n = 12
    inner = nodes(n, 0, 1)[1:-1]
    E = clamped(n)
    np.testing.assert_allclose(
        E[0] @ np.linalg.solve(E[4], np.full(n - 1, 24.0)), (inner * (1 - inner)) ** 2, atol=1e-11
    )


def test_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="reynolds=-1"):
        cavity(-1)
    with pytest.raises(ValueError, match="reynolds=inf"):
        cavity(np.inf)
    with pytest.raises(ValueError, match="degree=10, expected an integer of at least 13"):
        cavity(degree=10, coarse=12)
    with pytest.raises(ValueError, match="coarse=5"):
        cavity(degree=10, coarse=5)
