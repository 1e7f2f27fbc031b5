"""Extrapolated differences, and what they allow for."""

import torch

from pinn.verification.differences import balanced_step, extrapolated, stencil


def values(f, x, h):
    places = stencil(torch.tensor(x, dtype=torch.float64)[:, None], 0, h)
    return f(places[:, 0]).view(5, len(x))


def test_cubics_are_differentiated_exactly():
    slope, _, noise = extrapolated(values(lambda x: x**3 - 2 * x, [0.3, -1.0], 0.1), 0.1)
    torch.testing.assert_close(slope, torch.tensor([3 * 0.09 - 2, 1.0], dtype=torch.float64), rtol=0, atol=1e-13)
    assert float(noise.max()) < 1e-13


def test_a_kink_between_the_places_is_allowed_for_and_a_smooth_function_told_closely():
    h = balanced_step(torch.zeros((), dtype=torch.float64))
    slope, bend, _ = extrapolated(values(torch.abs, [0.3 * h], h), h)
    assert abs(float(slope) - 1) < float(bend)
    slope, bend, noise = extrapolated(values(torch.sin, [0.3], h), h)
    assert abs(float(slope) - float(torch.tensor(0.3, dtype=torch.float64).cos())) < float(bend + noise / h) < 1e-4


def test_noise_of_the_values_shows():
    _, _, noise = extrapolated(values(lambda x: x + 1e-9 * torch.cos(1e7 * x), [0.3], 1e-4), 1e-4)
    assert float(noise) > 1e-9
