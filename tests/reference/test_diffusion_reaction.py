"""The reacting species: their heat-conducting combination in closed form, their error, their cache."""

from itertools import pairwise

import numpy as np
import pytest

from pinn.reference import reaction_diffusion
from pinn.reference.diffusion_reaction import solve_lines
from pinn.reference.result import distance, scatter

BOX = {"x": (0.0, 1.0), "t": (0.0, 10.0)}


def heat(x, t, conductivity):
    """Fourier series of u_t = c u_xx from e^{−20x} between u = 1 and u = 0 (the start's 2e-9 at x = 1 included)."""
    n = np.pi * np.arange(1, 4000)
    b = 2 * (n * (1 - np.exp(-20) * np.cos(n)) / (400 + n**2) - 1 / n)
    return 1 - x + (b * np.sin(np.outer(x, n)) * np.exp(-conductivity * np.outer(t, n**2))).sum(axis=1)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5])
def test_a_combination_conducts_heat(rate):
    """The reaction takes two B for each A, so 2A − B obeys the heat equation whatever the rate."""
    found = solve_lines(2.0, rate, 10.0, 40, 1e-10)
    points = scatter(BOX, 16)
    points["t"] = 0.05 + 0.995 * points["t"]
    points["t"] = np.minimum(points["t"], 10.0)
    value = found(points)
    np.testing.assert_allclose(2 * value["A"] - value["B"], heat(points["x"], points["t"], 2e-3), atol=2e-6)
    if rate == 0:
        np.testing.assert_allclose(value["A"], value["B"], atol=1e-12)
    assert min(value["A"].min(), value["B"].min()) >= -1e-6


def test_start_and_walls():
    found = reaction_diffusion(degree=32, coarse=24, cache=None)
    w = np.linspace(0, 1, 41)
    for name in ("A", "B"):
        np.testing.assert_allclose(found(x=w, t=0.0)[name], np.exp(-20 * w), atol=3e-8)
        np.testing.assert_allclose(found(x=0.0, t=10 * w)[name], 1, atol=1e-12)
        np.testing.assert_allclose(found(x=1.0, t=10 * w)[name], 0, atol=1e-12)


def test_the_error_it_tells_is_honest():
    reference = reaction_diffusion(degree=32, coarse=20, cache=None)
    finer = solve_lines(2.0, 0.1, 10.0, 52, 1e-11)
    error = distance(lambda columns: reference(**columns), finer, scatter(BOX, 37))
    assert error <= reference.error <= 1e-3


def test_spectral_decay():
    points = scatter(BOX, 21)
    true = solve_lines(2.0, 0.1, 10.0, 48, 1e-10)
    errors = [distance(solve_lines(2.0, 0.1, 10.0, n, 1e-9, per_octave=1), true, points) for n in (12, 20, 28, 36)]
    assert all(before > 4 * after for before, after in pairwise(errors))


def test_the_result_comes_from_the_cache(tmp_path):
    first = reaction_diffusion(length=1.0, degree=20, coarse=12, cache=tmp_path)
    again = reaction_diffusion(length=1.0, degree=20, coarse=12, cache=tmp_path)
    assert first(x=0.2, t=0.7) == again(x=0.2, t=0.7) and first.error == again.error
    assert len(list(tmp_path.iterdir())) == 1


def test_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="positive"):
        reaction_diffusion(diffusion=0)
    with pytest.raises(ValueError, match="rate=nan"):
        reaction_diffusion(rate=np.nan)
    with pytest.raises(ValueError, match="degree=20, expected an integer of at least 21"):
        reaction_diffusion(degree=20, coarse=20)
