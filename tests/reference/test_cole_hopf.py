"""Cole-Hopf quadrature: converged, a solution of the equation, and exact where the answer is known."""

import math

import numpy as np
import pytest

from pinn.reference import cole_hopf
from pinn.reference.cole_hopf import burgers_sine

VISCOSITIES = [1e-3, 0.01 / math.pi, 0.01, 0.1, 1.0]


def points(n, seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, n), random.uniform(0, 1, n)


@pytest.mark.parametrize("nu", VISCOSITIES)
def test_two_resolutions_agree_to_the_floor(nu):
    x, t = points(3000)
    coarse, fine = burgers_sine(x, t, nu), burgers_sine(x, t, nu, resolution=6.0)
    assert np.linalg.norm(coarse - fine) <= cole_hopf(nu).floor * np.linalg.norm(fine)
    assert np.abs(coarse - fine).max() <= 1e-13


@pytest.mark.parametrize("nu", [0.01, 0.1])
def test_the_equation_holds(nu):
    """Residual by sixth-order central differences, whose own error is below the tolerance."""
    x, t = points(200, seed=1)
    t = 0.05 + 0.9 * t
    u = cole_hopf(nu)
    first = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60
    second = np.array([2, -27, 270, -490, 270, -27, 2]) / 180
    h = 5e-4
    shifts = h * np.arange(-3, 4)[:, None]
    in_x, in_t = u(x=x + shifts, t=t), u(x=x, t=t + shifts)
    u_x, u_t, u_xx = first @ in_x / h, first @ in_t / h, second @ in_x / h**2
    residual = u_t + u(x=x, t=t) * u_x - nu * u_xx
    assert np.abs(residual).max() <= 2e-7 * np.abs(u_x).max()


@pytest.mark.parametrize("nu", VISCOSITIES)
def test_start_walls_and_symmetry(nu):
    u = cole_hopf(nu)
    x, t = points(100, seed=2)
    np.testing.assert_allclose(u(x=x, t=0.0), -np.sin(np.pi * x), atol=1e-15)
    np.testing.assert_allclose(u(x=np.array([[-1.0], [0.0], [1.0]]), t=t), 0, atol=1e-13)
    np.testing.assert_allclose(u(x=-x, t=t), -u(x=x, t=t), atol=1e-13)
    np.testing.assert_allclose(u(x=x + 2, t=t), u(x=x, t=t), atol=2e-13)


def test_steepest_slope_is_the_published_one():
    """Basdevant et al.: max |u_x(0, t)| = 152.00516 at πt = 1.6037, for ν = 0.01/π."""
    u = cole_hopf(0.01 / math.pi)
    h = 2e-5 * np.arange(-3, 4)
    slope = np.array([-1, 9, -45, 0, 45, -9, 1]) @ u(x=h, t=1.6037 / math.pi) / (60 * 2e-5)
    assert slope == pytest.approx(-152.00516, abs=1e-4)


def test_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="positive viscosity"):
        cole_hopf(0.0)
    with pytest.raises(ValueError, match=r"t=-0\.1 lies outside"):
        cole_hopf(0.1)(x=0.0, t=-0.1)
