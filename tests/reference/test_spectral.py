"""Fourier references: order four in time, spectral in space, travelling waves of closed form, honest errors."""

import math
from functools import partial

import numpy as np
import pytest
from scipy.special import ellipj, ellipk

from pinn.reference import allen_cahn, kdv
from pinn.reference.chebyshev import Panels
from pinn.reference.periodic import (
    allen_cahn_reaction,
    allen_cahn_series,
    dented_modes,
    kdv_advection,
    kdv_series,
    kdv_symbol,
)
from pinn.reference.result import distance, scatter
from pinn.reference.spectral import Series, evolve, march, on_grid, phi, transform

BOX = {"x": (-1.0, 1.0), "t": (0.0, 1.0)}


def test_phi_functions():
    """Against their own recurrence in 60 digits, on both sides of |z| = 1 and along both axes."""
    import mpmath

    z = np.array([0, 1e-9, -0.5, 0.99j, 1.01, -3, 10j, -40.0])
    with mpmath.workdps(60):
        for j, values in enumerate(phi(z, 3), start=1):
            for point, value in zip(z, values, strict=True):
                true = complex(mpmath.hyp1f1(1, j + 1, mpmath.mpc(complex(point)))) / math.factorial(j)
                assert abs(value - true) <= 4e-15 * max(1, abs(true))


def cnoidal(x, t, delta, m, waves=1):
    """u = 12 δ²κ²m cn²(κ(x − ct) | m) with κ = waves K(m), c = 4δ²κ²(2m − 1), of period 2/waves on [−1, 1].

    Korteweg, de Vries, Phil. Mag. 39 (1895) 422.
    """
    kappa = waves * ellipk(m)
    speed = 4 * delta**2 * kappa**2 * (2 * m - 1)
    return 12 * delta**2 * kappa**2 * m * ellipj(kappa * (x - speed * t), m)[1] ** 2


def travelling(step, delta=0.1, m=0.9, modes=48, degree=16):
    x = -1 + 2 * np.arange(2 * modes) / (2 * modes)
    k = np.arange(modes)
    start = transform(cnoidal(x, 0.0, delta, m))[:modes]
    panels = Panels.even(1.0, 4, degree)
    arrays = evolve(kdv_symbol(k, delta), kdv_advection(k), start, panels, step)
    return Series(panels, tuple(arrays.values()), -1.0, 2.0)


def test_korteweg_de_vries_carries_a_cnoidal_wave():
    points = scatter(BOX, 30)
    true = {"u": cnoidal(points["x"], points["t"], 0.1, 0.9)}
    assert distance(travelling(1e-3), lambda columns: true, points) <= 1e-11


def test_order_four_in_time():
    k = np.arange(32)
    start = transform(cnoidal(-1 + np.arange(64) / 32, 0.0, 0.1, 0.9))[:32]
    end = partial(march, kdv_symbol(k, 0.1), kdv_advection(k), start, np.array([0.0, 0.5]))
    # The start is not the wave's interpolant in 32 modes only, so the finest step is the truth.
    true = end(1 / 4096)[-1]
    errors = [np.linalg.norm(end(1 / n)[-1] - true) for n in (64, 128, 256)]
    orders = np.log2(errors[:-1]) - np.log2(errors[1:])
    np.testing.assert_allclose(orders, 4, atol=0.15)


def full(c):
    """Modes −(K − 1) ... K − 1 of a real function from those that are kept."""
    return np.concatenate([c[:0:-1].conj(), c])


def test_the_square_is_the_direct_convolution_of_the_kept_modes():
    """(u²)_k = Σ_j c_j c_{k−j}, |j|, |k − j| < K: no mode above K − 1 is folded back."""
    K = 24
    random = np.random.default_rng(0)
    c = random.standard_normal(K) + 1j * random.standard_normal(K)
    c[0] = c[0].real
    k = np.arange(K)
    direct = -0.5j * np.pi * k * np.convolve(full(c), full(c))[2 * (K - 1) :][:K]
    np.testing.assert_allclose(kdv_advection(k)(c), direct, rtol=0, atol=1e-13 * np.abs(direct).max())


def test_the_cube_is_the_direct_convolution_on_four_points_a_mode():
    K = 24
    random = np.random.default_rng(1)
    c = random.standard_normal(K) + 1j * random.standard_normal(K)
    c[0] = c[0].real
    direct = 5 * (c - np.convolve(np.convolve(full(c), full(c)), full(c))[3 * (K - 1) :][:K])
    size = np.abs(direct).max()
    np.testing.assert_allclose(allen_cahn_reaction(5.0, 4 * K)(c), direct, rtol=0, atol=1e-13 * size)
    assert np.abs(allen_cahn_reaction(5.0, 2 * K)(c) - direct).max() > 1e-2 * size


def test_what_the_cube_folds_back_is_nothing_to_the_error():
    """2K points instead of the exact 4K: 5e-11 of the modes at K = 512, whose error is 4e-6."""
    K, times = 512, np.array([0.0, 0.05, 0.5, 1.0])
    symbol = -1e-4 * (np.pi * np.arange(K)) ** 2
    folded, exact = (
        march(symbol, allen_cahn_reaction(5.0, points), dented_modes(K), times, 4e-3) for points in (2 * K, 4 * K)
    )
    error = np.linalg.norm(folded - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert error.max() <= 1e-3 * allen_cahn(modes=K, step=4e-3, cache=None).error


def test_linear_part_is_exact_at_any_step():
    k = np.arange(16)
    start = np.random.default_rng(0).standard_normal(16) + 0j
    end = march(-(k**2.0), np.zeros_like, start, np.array([0.0, 3.0]), step=3.0)[-1]
    np.testing.assert_allclose(end, np.exp(-3.0 * k**2) * start, rtol=1e-14)


def test_reaction_alone_is_the_logistic_curve():
    """Without diffusion and space: v = u² obeys v' = 2r v (1 − v)."""
    reaction = lambda c: 5.0 * transform(on_grid(c, 8) - on_grid(c, 8) ** 3)[:4]  # noqa: E731
    start = np.array([0.1, 0, 0, 0], dtype=complex)
    u = march(np.zeros(4), reaction, start, np.array([0.0, 0.7]), 1e-3)[-1, 0].real
    v = 0.01 * math.exp(7.0) / (1 + 0.01 * (math.exp(7.0) - 1))
    assert u == pytest.approx(math.sqrt(v), rel=1e-10)


def test_modes_of_the_dented_start():
    """Against a quadrature of many points, whose aliasing error is about 1/n²."""
    n = 1 << 16
    x = -1 + 2 * np.arange(n) / n
    np.testing.assert_allclose(dented_modes(40), transform(x**2 * np.cos(np.pi * x))[:40], atol=1e-8)


def test_spectral_decay():
    """Errors of KdV fall faster than any power: by more at each doubling of the modes."""
    points = scatter(BOX, 21)
    run = partial(kdv_series, 0.05, 0.5, step=5e-4)
    points["t"] = points["t"] / 2
    true = run(128)
    errors = [distance(run(modes), true, points) for modes in (16, 32, 64)]
    assert errors[0] / errors[1] > 10
    assert errors[1] / errors[2] > 10 * errors[0] / errors[1]


def test_korteweg_de_vries_conserves_mass_momentum_and_energy():
    delta = 0.022
    series = kdv_series(delta, 0.5, 128, 2e-4)
    n = 1024
    x = -1 + 2 * np.arange(n) / n
    k = np.arange(n // 2 + 1)

    def invariants(t):
        u = series({"x": x, "t": np.full(n, t)})["u"]
        slope = on_grid(1j * np.pi * k * transform(u), n)
        return [u.mean(), (u**2).mean(), (u**3 / 3 - delta**2 * slope**2).mean()]

    np.testing.assert_allclose(invariants(0.5), invariants(0.0), atol=1e-7)


def test_evaluation_does_not_depend_on_how_the_points_lie():
    series = kdv_series(0.1, 0.5, 100, 2e-3)
    x, t = np.linspace(-1, 1, 14), np.linspace(0, 0.5, 11)
    grid = np.meshgrid(x, t)
    table = series({"x": grid[0].ravel(), "t": grid[1].ravel()})["u"]
    single = [series({"x": a[None], "t": b[None]})["u"][0] for a, b in zip(*map(np.ravel, grid), strict=True)]
    np.testing.assert_allclose(table, single, atol=2e-14)
    random = np.random.default_rng(0).permutation(table.size)
    scattered = series({"x": grid[0].ravel()[random] + 1e-13 * random, "t": grid[1].ravel()[random]})["u"]
    np.testing.assert_allclose(scattered, table[random], atol=1e-9)


def test_allen_cahn_starts_exactly_and_keeps_its_symmetries():
    u = allen_cahn(modes=256, step=4e-3, cache=None)
    x = np.linspace(-1, 1, 33)
    np.testing.assert_array_equal(u(x=x, t=0.0), x**2 * np.cos(np.pi * x))
    np.testing.assert_allclose(u(x=-x, t=0.7), u(x=x, t=0.7), atol=1e-12)
    assert np.abs(u(x=x, t=1.0)).max() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("reference", "finer"),
    [
        (allen_cahn(modes=512, step=4e-3, cache=None), partial(allen_cahn_series, 1e-4, 5.0, 1.0, 2048, 2e-3)),
        (kdv(delta=0.05, modes=96, step=4e-4, cache=None), partial(kdv_series, 0.05, 1.0, 144, 2e-4)),
    ],
    ids=["allen_cahn", "kdv"],
)
def test_the_error_it_tells_is_honest(reference, finer):
    """No smaller than the distance to a finer resolution, on points that did not measure it."""
    points = scatter(BOX, 64)
    assert distance(lambda columns: {"u": reference(**columns)}, finer(), points) <= reference.error <= 1e-5


def test_the_result_comes_from_the_cache(tmp_path):
    make = partial(kdv, delta=0.1, length=0.1, modes=16, step=2e-3, cache=tmp_path)
    first = make()
    assert not list(tmp_path.iterdir())
    value = first(x=0.3, t=0.05)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    second = make()
    assert second(x=0.3, t=0.05) == value and second.error == first.error
    assert path.stat().st_mtime_ns == written


def test_refuses_what_has_no_answer():
    with pytest.raises(ValueError, match="diffusion=0"):
        allen_cahn(diffusion=0)
    with pytest.raises(ValueError, match="modes=0"):
        kdv(modes=0)
    for delta in (0.0, -0.1, math.inf, math.nan):
        with pytest.raises(ValueError, match=rf"^kdv: got delta={delta}, expected"):
            kdv(delta=delta)
    with pytest.raises(ValueError, match="rate=inf"):
        allen_cahn(rate=math.inf)
    with pytest.raises(ArithmeticError, match="smaller step"), np.errstate(all="ignore"):
        allen_cahn(rate=2000.0, modes=16, step=0.1, cache=None).error  # noqa: B018
