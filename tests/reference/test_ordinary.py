"""Runge-Kutta references against closed forms and conserved quantities."""

import math
from functools import partial

import numpy as np
import pytest

from pinn.reference import lorenz, lotka_volterra, ordinary, oscillator
from pinn.reference.chebyshev import Panels
from pinn.reference.ordinary import _lorenz, _lotka_volterra, integrate


def test_oscillator_is_a_cosine():
    t = np.linspace(0, 10, 1001)
    u = oscillator(length=10.0)
    assert np.linalg.norm(u(t=t)["u"] - np.cos(t)) <= 1e-14 * math.sqrt(len(t))
    np.testing.assert_allclose(u(t=t)["w"], -np.sin(t), atol=1e-13)


@pytest.mark.parametrize("damping", [0.4, 2.0, 5.0])
def test_damped_oscillator(damping):
    """u = Re A e^{λt} with 2λ = −c ± √(c² − 4k), m = 1; the double root by its limit."""
    t = np.linspace(0, 2, 101)
    root = np.sqrt(complex(damping**2 - 12.0))
    plus, minus = (-damping + root) / 2, (-damping - root) / 2
    true = ((plus * np.exp(minus * t) - minus * np.exp(plus * t)) / (plus - minus)).real
    u = oscillator(1.0, damping, 3.0, length=2.0)(t=t)["u"]
    np.testing.assert_allclose(u, true, atol=1e-13)


def test_linear_equation_of_the_suite():
    """u'' − 10u' + 9u = 5t, u(0) = −1, u'(0) = 2."""
    u = ordinary(lambda t, y: (y[1], 10 * y[1] - 9 * y[0] + 5 * t), (-1.0, 2.0), ("u", "w"), length=0.25)
    t = np.linspace(0, 0.25, 51)
    true = 50 / 81 + 5 * t / 9 - 2 * np.exp(t) + 31 / 81 * np.exp(9 * t)
    np.testing.assert_allclose(u(t=t)["u"], true, atol=1e-13)


def test_lotka_volterra_conserves_its_integral():
    """γr − δ log r + βp − α log p."""
    alpha, beta, gamma, delta = 1.5, 1.0, 1.0, 3.0
    value = lotka_volterra(alpha, beta, gamma, delta)(t=np.linspace(0, 5, 201))
    r, p = value["r"], value["p"]
    integral = gamma * r - delta * np.log(r) + beta * p - alpha * np.log(p)
    np.testing.assert_allclose(integral, gamma + beta, atol=1e-12)


def test_lorenz_falls_into_the_fixed_point_below_chaos():
    """For ρ = 1/2 the origin attracts, at the rate of its slowest eigenvalue."""
    sigma, rho, beta = 10.0, 0.5, 8 / 3
    y = lorenz(sigma, rho, beta, start=(1e-9, 2e-9, 0.0), length=6.0)(t=np.array([4.0, 5.0]))["y1"]
    slowest = (-(sigma + 1) + math.sqrt((sigma + 1) ** 2 - 4 * sigma * (1 - rho))) / 2
    assert math.log(y[1] / y[0]) == pytest.approx(slowest, rel=1e-9)


def test_lorenz_divergence_free_start_and_error():
    y = lorenz()
    assert [float(value) for value in y(t=0.0).values()] == [-8.0, 7.0, 27.0]
    assert y.error <= 1e-12


def test_the_error_it_tells_is_honest_where_neighbours_part():
    """In the chaotic regime a finer tolerance and other pieces give a difference below the error that is told."""
    t = np.linspace(0, 8, 301)
    arguments = (partial(_lorenz, 10.0, 28.0, 8 / 3), (-8.0, 7.0, 27.0), ("y1", "y2", "y3"))
    loose = ordinary(*arguments, length=8.0, tolerance=1e-9, pieces=24)
    tight = ordinary(*arguments, length=8.0, tolerance=1e-13, pieces=100)
    difference = np.stack(list(loose(t=t).values())) - np.stack(list(tight(t=t).values()))
    relative = np.linalg.norm(difference) / np.linalg.norm(np.stack(list(tight(t=t).values())))
    assert relative <= loose.error <= 1e-3


def wave(t, y):
    return y[1], -y[0]


def test_order_eight():
    """Steps of equal length: half of it takes 2⁸ away."""
    whole = Panels.even(8.0, 1, 1)
    ends = [integrate(wave, np.array([1.0, 0.0]), whole, 1e-2, longest=h)[-1, -1, 0] for h in (1 / 2, 1 / 4, 1 / 8)]
    errors = np.abs(np.array(ends) - math.cos(8.0))
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 8, atol=0.3)


@pytest.mark.parametrize(
    ("right", "start", "length"),
    [
        (wave, (1.0, 0.0), 10.0),
        (partial(_lotka_volterra, 1.5, 1.0, 1.0, 3.0), (1.0, 1.0), 5.0),
        (partial(_lorenz, 10.0, 15.0, 8 / 3), (-8.0, 7.0, 27.0), 3.0),
    ],
)
def test_the_error_is_proportional_to_the_tolerance(right, start, length):
    """Over six decades, the steps chosen by the error estimate alone."""
    at_end = lambda pieces, tolerance: integrate(  # noqa: E731
        right, np.array(start), Panels.even(length, pieces, 1), tolerance
    )[-1, -1]
    true = at_end(400, 1e-13)
    for tolerance in (1e-5, 1e-7, 1e-9, 1e-11):
        error = np.linalg.norm(at_end(1, tolerance) - true) / np.linalg.norm(true)
        assert 0.2 * tolerance <= error <= 8 * tolerance


def test_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="length=0"):
        lorenz(length=0)
    for tolerance in (0.0, 1e-15, 1.0, math.nan):
        with pytest.raises(ValueError, match=r"^ordinary: got tolerance="):
            ordinary(lambda t, y: y, (1.0,), ("u",), length=1.0, tolerance=tolerance)
    with pytest.raises(ValueError, match=r"start\[1\]=nan"):
        lotka_volterra(start=(1.0, math.nan))
    with pytest.raises(ValueError, match="one each"):
        lotka_volterra(start=(1.0,))
    with pytest.raises(ArithmeticError, match="stopped"), np.errstate(all="ignore"):
        ordinary(lambda t, y: y**2, (1.0,), ("u",), length=2.0)(t=0.0)
