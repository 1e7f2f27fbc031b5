"""Chebyshev matrices: exact on polynomials, spectral on analytic functions, right on boundary problems."""

import numpy as np
import pytest

from pinn.reference.chebyshev import Panels, differentiation, interpolation, nodes


@pytest.mark.parametrize("n", [1, 4, 9])
def test_exact_on_polynomials(n):
    x = nodes(n, -0.5, 2.0)
    p = np.polynomial.Polynomial(np.random.default_rng(n).standard_normal(n + 1))
    np.testing.assert_allclose(differentiation(n, -0.5, 2.0) @ p(x), p.deriv()(x), rtol=1e-11, atol=1e-11)
    y = np.append(np.linspace(-0.5, 2.0, 23), x)
    np.testing.assert_allclose(interpolation(y, n, -0.5, 2.0) @ p(x), p(y), rtol=1e-12, atol=1e-12)


def test_geometric_convergence_at_the_rate_of_the_nearest_pole():
    """1/(1 + 25x²) has its poles at ±i/5: the error falls by ρ = 1/5 + √(1 + 1/25) each degree."""
    y = np.linspace(-1, 1, 1001)
    runge = lambda x: 1 / (1 + 25 * x**2)  # noqa: E731
    errors = [np.abs(interpolation(y, n) @ runge(nodes(n)) - runge(y)).max() for n in (40, 80)]
    rate = (errors[0] / errors[1]) ** (1 / 40)
    assert rate == pytest.approx(0.2 + np.sqrt(1.04), rel=0.01)


def test_couette_poiseuille_flow():
    """u'' = −2, u(0) = 0, u(1) = 3 is the parabola u = x(1 − x) + 3x."""
    n = 12
    x, D = nodes(n, 0, 1), differentiation(n, 0, 1)
    operator, right = D @ D, np.full(n + 1, -2.0)
    operator[[0, -1]] = np.eye(n + 1)[[0, -1]]
    right[[0, -1]] = 0, 3
    np.testing.assert_allclose(np.linalg.solve(operator, right), x * (1 - x) + 3 * x, atol=1e-13)


def test_second_derivative_has_the_sines_eigenvalues():
    """(kπ)², to the rounding n ε ‖D²‖ of the matrix; at degree 40 polynomials resolve the tenth sine to below that."""
    n = 40
    D = differentiation(n, 0, 1)
    second = (D @ D)[1:-1, 1:-1]
    eigenvalues = np.sort(np.linalg.eigvals(-second).real)
    rounding = n * np.finfo(np.float64).eps * np.linalg.norm(second, 2)
    np.testing.assert_allclose(eigenvalues[:10], (np.pi * np.arange(1, 11)) ** 2, rtol=0, atol=rounding)


def test_panels_join_and_resolve_a_root():
    panels = Panels.graded(2.0, halvings=30, degree=12, per_octave=2)
    assert panels.edges[0] == 0 and panels.edges[-1] == 2 and (np.diff(panels.edges) > 0).all()
    t = np.random.default_rng(0).uniform(0, 2, 400)
    where = panels.locate(t)
    value = [panels.interpolation(p, t[i : i + 1]) @ np.sqrt(panels.nodes(p)) for i, p in enumerate(where)]
    np.testing.assert_allclose(np.ravel(value), np.sqrt(t), rtol=1e-10)
    np.testing.assert_array_equal(panels.locate(np.array([0.0, 2.0])), [0, panels.count - 1])
    assert Panels.even(3.0, 6, 4).count == 6


def test_degree_must_be_positive():
    with pytest.raises(ValueError, match="at least 1"):
        nodes(0)
