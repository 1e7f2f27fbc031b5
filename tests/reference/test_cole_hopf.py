"""Cole-Hopf quadrature: converged, a solution of the equation, and exact where the answer is known."""

import math

import numpy as np
import pytest
from scipy.special import iv

from pinn.reference import cole_hopf
from pinn.reference.cole_hopf import burgers_sine

VISCOSITIES = [1e-3, 0.01 / math.pi, 0.01, 0.1, 1.0]


def points(n, seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, n), random.uniform(0, 1, n)


@pytest.mark.parametrize("nu", VISCOSITIES)
def test_two_resolutions_agree_to_the_error_told(nu):
    x, t = points(3000)
    coarse, fine = burgers_sine(x, t, nu), burgers_sine(x, t, nu, resolution=6.0)
    assert np.linalg.norm(coarse - fine) <= cole_hopf(nu).error * np.linalg.norm(fine)
    assert np.abs(coarse - fine).max() <= 1e-13


def fourier(x, t, nu):
    """u = 4πν Σ (−1)ⁿ n Iₙ(k) e^{−n²π²νt} sin nπx / (I₀(k) + 2 Σ (−1)ⁿ Iₙ(k) e^{−n²π²νt} cos nπx), k = 1/2πν.

    Cole, Quart. Appl. Math. 9 (1951) 225: exact to rounding where ν is large, and that relative to u.
    """
    n, k = np.arange(1, 20), 1 / (2 * np.pi * nu)
    mode = (-1.0) ** n * iv(n, k) * np.exp(-(n**2) * np.pi**2 * nu * t[:, None])
    below = iv(0, k) + 2 * (mode * np.cos(np.pi * n * x[:, None])).sum(axis=1)
    return 4 * np.pi * nu * (mode * n * np.sin(np.pi * n * x[:, None])).sum(axis=1) / below


@pytest.mark.parametrize("nu", [0.3, 1.0, 10.0, 1e3])
def test_the_error_of_a_fast_decay_is_that_of_a_short_life(nu):
    """u = −e^{−π²νt} sin πx for large ν has the mean square 1/4π²ν only, which rounding is a larger share of."""
    u = cole_hopf(nu)
    x, t = points(300)
    relative = np.sqrt(np.mean((u(x=x, t=t) - fourier(x, t, nu)) ** 2)) * math.sqrt(4 * math.pi**2 * nu)
    assert relative <= u.error <= 1e-12
    early = t / (math.pi**2 * nu)
    np.testing.assert_allclose(u(x=x, t=early), fourier(x, early, nu), rtol=0, atol=5e-15)


def test_the_error_of_the_suite():
    assert cole_hopf().error <= 5e-14


@pytest.mark.parametrize("nu", [1e-3, 0.01 / math.pi])
def test_spectral_decay_of_the_quadrature(nu):
    """r nodes in the narrowest peak's standard deviation leave about e^{−2π²r²}, that of a Gaussian."""
    x, t = points(2000)
    true = burgers_sine(x, t, nu, resolution=4.0)
    for r in (0.4, 0.6, 0.8, 1.0):
        error = np.linalg.norm(burgers_sine(x, t, nu, resolution=r) - true) / np.linalg.norm(true)
        assert 0.02 <= error / math.exp(-2 * (math.pi * r) ** 2) <= 1


def test_nothing_is_computed_before_it_is_needed():
    reference = cole_hopf(1e4)
    assert "_built" not in vars(reference)


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
    for nu in (0.0, -0.1, math.inf, math.nan):
        with pytest.raises(
            ValueError, match=rf"^cole_hopf: got nu={nu}, expected a positive finite number; give nu > 0"
        ):
            cole_hopf(nu)
    for length in (0.0, math.nan):
        with pytest.raises(ValueError, match="give length > 0"):
            cole_hopf(0.1, length=length)
    with pytest.raises(ValueError, match=r"t=-0\.1 lies outside"):
        cole_hopf(0.1)(x=0.0, t=-0.1)
