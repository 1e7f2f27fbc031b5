"""Evolutions in a plane: closed forms, equations by differences, conditions, and errors that resolution makes small."""

import math

import numpy as np
import pytest
import torch

from pinn.reference import gray_scott, reacting_heat, vector_burgers, wave_plane
from pinn.reference.plane_spectral import Axis
from tests.problems.differences import differences

RNG = np.random.default_rng(0)
COARSE = {"cache": None}


def places(low, high, times, n=30):
    return {"x": RNG.uniform(low, high, n), "y": RNG.uniform(low, high, n), "t": RNG.uniform(*times, n)}


def folding(x, y):
    k = math.pi / 2
    return 0.2 * torch.sin(k * x) * torch.cos(k * y), 0.2 * torch.cos(k * (x - y))


def spots(x, y):
    first = torch.exp(-20 * ((x + 0.05) ** 2 + y**2))
    return 1 - first, torch.exp(-20 * ((x - 0.05) ** 2 + y**2))


def residuals(reference, at, steps, outputs):
    """Values and derivatives of each output by differences."""

    def one(name):
        return lambda **where: reference(**where)[name]

    return [(reference(**at)[name], differences(one(name), at, steps)) for name in outputs]


@pytest.mark.parametrize("kind", ["waves", "sines", "cosines"])
def test_coefficients_are_found_again_from_values_on_the_grid(kind):
    axis = Axis(-1.0, 3.0, kind)
    matrix = axis.analysis(15, 9) @ axis.table(axis.points(15), 9)
    np.testing.assert_allclose(matrix, np.eye(9), atol=1e-13)


def test_velocities_solve_burgers_equations():
    flow = vector_burgers(folding, viscosity=0.02, length=0.6, points=48, step=0.02, **COARSE)
    assert flow.error < 1e-5
    at = places(0.2, 3.8, (0.1, 0.5))
    (u, by_u), (v, by_v) = residuals(flow, at, {"x": 0.03, "y": 0.03, "t": 0.02}, "uv")
    for by in (by_u, by_v):
        rows = by["t", 1] + u * by["x", 1] + v * by["y", 1] - 0.02 * (by["x", 2] + by["y", 2])
        assert float(np.abs(rows).max()) < 1e-3 * max(float(np.abs(by["t", 1]).max()), 0.1)


def test_substances_solve_gray_and_scotts_equations():
    found = gray_scott(spots, diffusions=(1e-3, 5e-4), length=10.0, points=84, step=0.25, **COARSE)
    assert found.error < 1e-3
    at = places(-0.4, 0.4, (2.0, 8.0))
    (u, by_u), (v, by_v) = residuals(found, at, {"x": 0.01, "y": 0.01, "t": 0.1}, "uv")
    first = by_u["t", 1] - 1e-3 * (by_u["x", 2] + by_u["y", 2]) - 0.04 * (1 - u) + u * v**2
    second = by_v["t", 1] - 5e-4 * (by_v["x", 2] + by_v["y", 2]) + 0.1 * v - u * v**2
    assert max(float(np.abs(first).max()), float(np.abs(second).max())) < 1e-2 * float((u * v**2).max())


def test_reacting_heat_solves_its_equation():
    def start(x, y):
        return torch.sin(4 * math.pi * x) * torch.sin(3 * math.pi * y)

    u = reacting_heat(start, diffusion=0.01, rate=1.0, length=2.0, sines=36, step=0.02, **COARSE)
    assert u.error < 1e-3
    at = places(0.05, 0.95, (0.2, 1.8))
    by = differences(u, at, {"x": 0.004, "y": 0.006, "t": 0.02})
    source = np.sin(4 * np.pi * at["x"]) * np.sin(2 * np.pi * at["y"]) * (1 + 2 * np.sin(np.pi / 4 * at["t"]))
    terms = by["t", 1], -0.01 * (by["x", 2] + by["y", 2]), -source * np.sin(u(**at) ** 2)
    assert float(np.abs(sum(terms)).max()) < 5e-3 * max(float(np.abs(term).max()) for term in terms)
    sides = {"x": np.array([0.0, 1.0, 0.3, 0.3]), "y": np.array([0.3, 0.3, 0.0, 1.0]), "t": np.full(4, 1.0)}
    np.testing.assert_allclose(u(**sides), 0, atol=1e-12)


def test_waves_solve_their_equation_and_are_reflected():
    def speed(x, y):
        return torch.exp(0.5 * torch.cos(math.pi * x) * torch.cos(math.pi * y))

    def start(x, y):
        return torch.cos(math.pi * x) + 0.5 * torch.cos(0.5 * math.pi * (x + 1)) * torch.cos(math.pi * y)

    u = wave_plane(speed, start, length=1.5, cosines=24, **COARSE)
    assert u.error < 1e-3
    at = places(-0.85, 0.85, (0.2, 1.3))
    by = differences(u, at, {"x": 0.03, "y": 0.03, "t": 0.03})
    c = speed(*(torch.from_numpy(at[name]) for name in "xy")).numpy()
    rows = by["t", 2] - c * (by["x", 2] + by["y", 2])
    assert float(np.abs(rows).max()) < 2e-3 * float(np.abs(by["t", 2]).max())
    y, near = np.linspace(-0.9, 0.9, 5), 1e-4
    slope = (u(x=1.0, y=y, t=0.7) - u(x=1 - near, y=y, t=0.7)) / near
    assert float(np.abs(slope).max()) < 1e-2


def test_a_kept_reference_is_the_computed_one(tmp_path):
    given = {"length": 0.5, "points": 24, "step": 0.05}
    made, kept = (vector_burgers(folding, **given, cache=tmp_path) for _ in range(2))
    assert made.error == kept.error and len(list(tmp_path.iterdir())) == 1
    assert made(x=1.0, y=2.0, t=0.3) == kept(x=1.0, y=2.0, t=0.3)
    other = vector_burgers(lambda x, y: folding(y, x), **given, cache=tmp_path)
    assert other.error > 0 and len(list(tmp_path.iterdir())) == 2


def test_a_step_that_is_too_large_is_told():
    with pytest.raises(ArithmeticError, match="overflowed before t="):
        _ = gray_scott(lambda x, y: (50 + 0 * x, 50 + 0 * x), length=40.0, points=24, step=20.0, **COARSE).error


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: vector_burgers(folding, viscosity=-1.0), "vector_burgers"),
        (lambda: gray_scott(spots, points=8), "gray_scott"),
        (lambda: reacting_heat(lambda x, y: 0 * x, length=0.0), "reacting_heat"),
        (lambda: wave_plane(lambda x, y: 1 + 0 * x, lambda x, y: x, cosines=4), "wave_plane"),
    ],
)
def test_numbers_without_a_meaning_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
