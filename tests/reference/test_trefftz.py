"""Particular solutions: harmonic inside, right on the boundary, and with the printed values."""

import pickle
from itertools import pairwise

import numpy as np
import pytest

from pinn.reference import laplace_four_holes, poisson_l_shape
from pinn.reference.trefftz import fit, hole_terms, l_boundary, l_terms

HOLES = {"radius": 0.1, "offset": 0.3, "powers": 6, "multipoles": 6}
CORNERS = {"roots": 9, "logarithms": 3, "corner": 2, "powers": 5}


def laplacian(function, x, y, h):
    """Fourth-order central differences."""
    weights = np.array([-1, 16, -30, 16, -1]) / (12 * h**2)
    shifts = h * np.arange(-2, 3)
    return sum(w * (function(x + s, y) + function(x, y + s)) for w, s in zip(weights, shifts, strict=True))


@pytest.mark.parametrize("reference", [laplace_four_holes(), poisson_l_shape()], ids=["holes", "corner"])
def test_the_equation_holds(reference):
    random = np.random.default_rng(0)
    low, high = reference.bounds["x"]
    x, y = 0.9 * random.uniform(low, high, (2, 400))
    if high == 0.5:
        clear, source = np.hypot(abs(x) - 0.3, abs(y) - 0.3) > 0.13, 0.0
    else:
        clear, source = (x < -0.1) | (y < -0.1), -1.0
    h = 4e-3 * high
    value = laplacian(lambda a, b: reference(x=a, y=b), x[clear], y[clear], h)
    np.testing.assert_allclose(value, source, atol=2e-4)


def test_boundary_of_the_holes():
    u = laplace_four_holes()
    w, angle = np.linspace(-0.5, 0.5, 203), np.linspace(0, 2 * np.pi, 301)
    for x, y in ((w, 0.5), (w, -0.5), (0.5, w), (-0.5, w)):
        np.testing.assert_allclose(u(x=x, y=y), 1, atol=1e-12)
    for a in (-0.3, 0.3):
        for b in (-0.3, 0.3):
            circle = {"x": a + 0.1 * np.cos(angle), "y": b + 0.1 * np.sin(angle)}
            np.testing.assert_allclose(u(**circle), 0, atol=1e-12)
    assert u.error <= 1e-12


def test_boundary_and_printed_values_of_the_l():
    u = poisson_l_shape()
    x, y = l_boundary(301)
    np.testing.assert_allclose(u(x=x, y=y), 0, atol=1e-12)
    assert float(u(x=-0.5, y=-0.5)) == pytest.approx(0.13105296, abs=5e-9)
    assert float(u(x=-0.33, y=-0.33)) == pytest.approx(0.14941155, abs=5e-9)
    assert u.error <= 1e-12


def test_symmetries():
    x, y = np.random.default_rng(1).uniform(-0.15, 0.15, (2, 50))
    u = laplace_four_holes()
    for twin in ({"x": -x, "y": y}, {"x": y, "y": x}):
        np.testing.assert_allclose(u(**twin), u(x=x, y=y), atol=1e-13)
    x, y = -np.abs(x), 4 * y
    np.testing.assert_allclose(poisson_l_shape()(x=x, y=y), poisson_l_shape()(x=y, y=x), atol=1e-13)


@pytest.mark.parametrize(("terms", "options"), [(hole_terms, HOLES), (l_terms, CORNERS)])
def test_every_term_is_harmonic(terms, options):
    x, y = -np.random.default_rng(2).uniform(0.05, 0.15, (2, 40))
    size = np.abs(terms(x, y, **options)).max(axis=0)
    left = laplacian(lambda a, b: terms(a, b, **options), x, y, 1e-3)
    assert (np.abs(left).max(axis=0) <= 1e-4 * np.maximum(size, 1)).all()


def test_convergence_is_geometric():
    """Each four multipoles and two powers more take at least a factor ten away."""
    errors = [laplace_four_holes(powers=p, multipoles=m).error for p, m in ((2, 4), (4, 8), (6, 12))]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_convergence_on_the_l_is_geometric():
    """Each six roots more, with logarithms and powers in proportion, take at least a factor thirty away."""
    errors = [poisson_l_shape(roots=n, logarithms=n // 4, powers=4 * n // 3).error for n in (6, 12, 18, 24)]
    assert all(before > 30 * after for before, after in pairwise(errors))


@pytest.mark.parametrize("missing", [{"logarithms": 0}, {"corner": 0}])
def test_convergence_is_slow_where_a_singularity_has_no_terms(missing):
    """Twice the roots take a factor twenty away at most, where with all terms they take 1e5."""
    coarse, fine = (poisson_l_shape(roots=n, powers=4 * n // 3, **missing).error for n in (15, 30))
    assert coarse < 20 * fine and fine > 1e-4


@pytest.mark.parametrize("make", [laplace_four_holes, poisson_l_shape])
def test_the_error_it_tells_is_honest(make):
    rough = {
        laplace_four_holes: {"powers": 3, "multipoles": 6},
        poisson_l_shape: {"roots": 8, "logarithms": 2, "corner": 1, "powers": 12},
    }[make]
    coarse, fine = make(**rough), make()
    x, y = -np.random.default_rng(3).uniform(0, 0.19, (2, 300))
    error = np.abs(coarse(x=x, y=y) - fine(x=x, y=y)).max()
    assert 1e-11 < error <= coarse.error


def test_the_fit_finds_a_harmonic_polynomial():
    """Re z³ on the L's boundary is one of the terms."""
    x, y = l_boundary(40)
    cubic = ((x + 1j * y) ** 3).real
    terms = lambda a, b: l_terms(a, b, **CORNERS)  # noqa: E731
    np.testing.assert_allclose(terms(x, y) @ fit(terms, cubic, x, y), cubic, atol=1e-12)


def test_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="touch"):
        laplace_four_holes(radius=0.25)
    for options in ({"powers": 0}, {"multipoles": 0}, {"powers": -1}, {"multipoles": 2.5}):
        with pytest.raises(ValueError, match=r"^laplace_four_holes: got .*expected an integer of at least 1; give"):
            laplace_four_holes(**options)
    for options in ({"roots": 0}, {"powers": 0}, {"logarithms": -1}, {"corner": -1}):
        with pytest.raises(ValueError, match=r"^poisson_l_shape: got .*expected an integer of at least [01]; give"):
            poisson_l_shape(**options)
    with pytest.raises(ValueError, match="outside of the domain"):
        laplace_four_holes()(x=0.3, y=0.31)
    with pytest.raises(ValueError, match="outside of the domain"):
        poisson_l_shape()(x=0.5, y=0.5)
    with pytest.raises(ValueError, match="lies outside"):
        poisson_l_shape()(x=-1.5, y=0.0)


def test_a_value_travels():
    for reference in (poisson_l_shape(), laplace_four_holes()):
        value = reference(x=-0.1, y=-0.1)
        assert pickle.loads(pickle.dumps(reference))(x=-0.1, y=-0.1) == value
