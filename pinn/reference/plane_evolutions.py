"""Four evolutions in a plane, each at two resolutions: by waves in x and y, and Runge-Kutta steps in time.

    Burgers':       u_t + u u_x + v u_y = ν Δu,  v_t + u v_x + v v_y = ν Δv,    periodic
    Gray-Scott:     u_t = D_u Δu + F (1 − u) − u v²,  v_t = D_v Δv − G v + u v²,    periodic
    heat, reacting: u_t = D Δu + r sin(u²) (1 + 2 sin(πt/4)) s(x, y),    u = 0 on the sides
    waves:          u_tt = c Δu,    ∂u/∂n = 0 on the sides

Source: Hao et al., PINNacle (arXiv:2306.08827), for the problems; see `pinn.reference.plane_spectral` for the method.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from pinn.reference.cache import Cache, Folder
from pinn.reference.chebyshev import Panels
from pinn.reference.plane_spectral import (
    Axis,
    Field,
    Resolution,
    fingerprint,
    on_points,
    plane_at_two_resolutions,
)
from pinn.reference.result import Array, Reference
from pinn.validation import count, positive

_SOURCE = "Hao et al., PINNacle (arXiv:2306.08827)"
_PRINT = 24  # points along each axis whose values tell one field from another


def vector_burgers(
    start: Field,
    *,
    viscosity: float = 1e-3,
    period: float = 4.0,
    length: float = 1.0,
    points: int = 384,
    step: float = 5e-3,
    cache: Cache = Folder.USER,
) -> Reference:
    """u_t + (u, v)·∇u = ν Δu and the same of v, periodic on [0, L]².

    Args:
        start: of x and y, u and v at the start.
        viscosity, period, length: ν, L and the latest time.
        points: along each axis of the finer grid, whose first third of waves is kept; the coarser has two thirds.
        step: the largest of the finer one.
        cache: folder of the result, None for none.

    Returns:
        u and v of x, y and t.

    Raises:
        ValueError: for numbers that are not positive and finite, or fewer than 24 points.
        ArithmeticError: when built, if the step is too large.

    Example:
        >>> import torch
        >>> flow = vector_burgers(lambda x, y: (torch.sin(2 * math.pi * y / 4), 0 * x), length=0.5, points=24,
        ...                       step=0.05, cache=None)  # a shear flow, which only diffuses
        >>> abs(float(flow(x=1.0, y=1.0, t=0.5)["u"]) - math.exp(-1e-3 * (math.pi / 2) ** 2 * 0.5)) < 1e-6
        True
    """
    positive("vector_burgers", viscosity=viscosity, period=period, length=length, step=step)
    count("vector_burgers", 24, points=points)
    axis = Axis(0.0, period, "waves")

    def made(n: int, step: float) -> Resolution:
        first, second, square = _wave_numbers(n, period)
        inside = (np.abs(first) < n / 3 * 2 * np.pi / period) & (np.abs(second) < n / 3 * 2 * np.pi / period)

        def nonlinear(c: Any) -> Any:
            u, v = _grid(c, n)
            slopes = _grid(np.concatenate([1j * first * c, 1j * second * c]), n)
            return -1.0 * inside * _modes(np.stack([u * slopes[0] + v * slopes[2], u * slopes[1] + v * slopes[3]]))

        state = inside * _modes(on_points(start, axis.points(n), axis.points(n)))
        return Resolution(-viscosity * square, nonlinear, state, partial(_grid, n=n), step)

    panels = Panels.even(length, 6, 10)
    return _reference(
        "vector_burgers",
        {"viscosity": viscosity, "period": period, "length": length, "points": points, "step": step},
        (start,),
        partial(made, points, step),
        partial(made, 2 * points // 3, 2 * step),
        (axis, axis),
        ("u", "v"),
        panels,
        2 * (points // 3) - 1,
        cache,
        f"Fourier, {points} points a side, dealiased, ETDRK4",
    )


def gray_scott(
    start: Field,
    *,
    diffusions: tuple[float, float] = (1e-5, 5e-6),
    feed: float = 0.04,
    removal: float = 0.1,
    length: float = 200.0,
    points: int = 384,
    step: float = 0.5,
    cache: Cache = Folder.USER,
) -> Reference:
    """u_t = D_u Δu + F (1 − u) − u v² and v_t = D_v Δv − G v + u v², periodic on [−1, 1]².

    Args:
        start: of x and y, u and v at the start.
        diffusions: D_u and D_v.
        feed, removal, length: F, G and the latest time.
        points: along each axis of the finer grid; the coarser has two thirds.
        step: the largest of the finer one.
        cache: folder of the result, None for none.

    Returns:
        u and v of x, y and t.

    Raises:
        ValueError: for numbers that are not positive and finite, or fewer than 24 points.
        ArithmeticError: when built, if the step is too large.

    Example:
        >>> import torch
        >>> still = gray_scott(lambda x, y: (0 * x, 0 * x), length=5.0, points=24, cache=None)  # u = 1 − exp(−F t)
        >>> abs(float(still(x=0.0, y=0.0, t=5.0)["u"]) - (1 - math.exp(-0.04 * 5))) < 1e-6
        True
    """
    first, second = diffusions
    given = {"first": first, "second": second, "feed": feed, "removal": removal, "length": length, "step": step}
    positive("gray_scott", **given)
    count("gray_scott", 24, points=points)
    axis = Axis(-1.0, 1.0, "waves")

    def made(n: int, step: float) -> Resolution:
        square = _wave_numbers(n, 2.0)[2]
        symbol = np.stack([-first * square - feed, -second * square - removal])

        def nonlinear(c: Any) -> Any:
            u, v = _grid(c, n)
            reacted = _modes(u * v**2)
            found = np.stack([-reacted, reacted])
            found[0, 0, 0] += feed
            return found

        state = _modes(on_points(start, axis.points(n), axis.points(n)))
        return Resolution(symbol, nonlinear, state, partial(_grid, n=n), step)

    return _reference(
        "gray_scott",
        {**given, "points": points},
        (start,),
        partial(made, points, step),
        partial(made, 2 * points // 3, 2 * step),
        (axis, axis),
        ("u", "v"),
        Panels.even(length, max(1, math.ceil(length / 20)), 14),
        min(2 * (points // 3) - 1, 255),
        cache,
        f"Fourier, {points} points a side, ETDRK4",
    )


def reacting_heat(
    start: Field,
    *,
    diffusion: float = 1e-3,
    rate: float = 5.0,
    length: float = 100.0,
    sines: int = 192,
    step: float = 0.02,
    cache: Cache = Folder.USER,
) -> Reference:
    """u_t = D Δu + r sin(u²) (1 + 2 sin(πt/4)) sin 4πx sin 2πy on [0, 1]², u = 0 on the sides.

    Where u is odd about x = 1/4 and of the period 1/2 at the start, it stays so: only sin 4πjx are there.

    Args:
        start: of x and y, u at the start, odd about x = 1/4, 1/2 and 3/4.
        diffusion, rate, length: D, r and the latest time.
        sines: along y of the finer resolution; a third of them along x; the coarser has three quarters.
        step: the largest of the finer one.
        cache: folder of the result, None for none.

    Returns:
        u of x, y and t.

    Raises:
        ValueError: for numbers that are not positive and finite, or fewer than 24 sines.
        ArithmeticError: when built, if the step is too large.

    Example:
        >>> import torch
        >>> weak = lambda x, y: 1e-8 * torch.sin(4 * math.pi * x) * torch.sin(3 * math.pi * y)  # which only diffuses
        >>> u = reacting_heat(weak, length=4.0, sines=24, cache=None)
        >>> abs(float(u(x=0.125, y=0.5, t=4.0)) / (-1e-8 * math.exp(-0.025 * math.pi**2 * 4.0)) - 1) < 1e-5
        True
    """
    from scipy.fft import dstn  # loaded when a reference is made

    given = {"diffusion": diffusion, "rate": rate, "length": length, "step": step}
    positive("reacting_heat", **given)
    count("reacting_heat", 24, sines=sines)
    axes = Axis(0.0, 1.0, "sines", every=4), Axis(0.0, 1.0, "sines")

    def made(n: int, step: float) -> Resolution:
        shape = n // 3, n
        x, y = (axis.points(m) for axis, m in zip(axes, shape, strict=True))
        j, k = 4 * np.pi * np.arange(1, shape[0] + 1), np.pi * np.arange(1, n + 1)
        source = rate * np.outer(np.sin(4 * np.pi * x), np.sin(2 * np.pi * y))
        scale = 1 / (4 * (shape[0] + 1) * (n + 1))

        def values(c: Any) -> Array:
            return np.asarray(dstn(c[:1], 1, axes=(1, 2)) * 0.25)

        def nonlinear(c: Any) -> Any:  # the second entry is time
            found = np.zeros_like(c)
            swing = 1 + 2 * math.sin(0.25 * math.pi * c[1, 0, 0])
            found[0] = dstn(source * swing * np.sin(values(c)[0] ** 2), 1) * (4 * scale)
            found[1, 0, 0] = 1.0
            return found

        symbol = np.stack([-diffusion * (j[:, None] ** 2 + k**2), np.zeros(shape)])
        state = np.zeros((2, *shape))
        state[0] = dstn(on_points(start, x, y)[0], 1) * (4 * scale)
        return Resolution(symbol, nonlinear, state, values, step)

    return _reference(
        "reacting_heat",
        {**given, "sines": sines},
        (start,),
        partial(made, sines, step),
        partial(made, 3 * sines // 4, 2 * step),
        axes,
        ("u",),
        Panels.even(length, max(1, math.ceil(length)), 14),
        (sines // 3, sines),
        cache,
        f"{sines // 3} x {sines} sines, ETDRK4",
    )


def wave_plane(
    speed: Field,
    start: Field,
    *,
    length: float = 5.0,
    cosines: int = 256,
    cache: Cache = Folder.USER,
) -> Reference:
    """u_tt = c Δu on [−1, 1]², u given and u_t = 0 at the start, ∂u/∂n = 0 on the sides.

    A start with a slope at a side makes a kink that travels, and the error falls as K^{−3/2} only.

    Args:
        speed: c > 0 of x and y, the square of the speed.
        start: u at the start.
        length: the latest time.
        cosines: K, along each axis of the finer resolution; the coarser has three quarters.
        cache: folder of the result, None for none.

    Returns:
        u of x, y and t.

    Raises:
        ValueError: for a length that is not positive and finite, or fewer than 16 cosines.

    Example:
        >>> import torch
        >>> u = wave_plane(lambda x, y: 1 + 0 * x, lambda x, y: torch.cos(math.pi * x), cosines=16, cache=None)
        >>> abs(float(u(x=1.0, y=0.3, t=0.7)) + math.cos(0.7 * math.pi)) < 1e-4
        True
    """
    from scipy.fft import dctn, idctn  # loaded when a reference is made

    positive("wave_plane", length=length)
    count("wave_plane", 16, cosines=cosines)
    axis = Axis(-1.0, 1.0, "cosines")

    def made(n: int) -> Resolution:
        x = axis.points(n)
        squares = on_points(speed, x, x)[0]
        k = 0.5 * np.pi * np.arange(n)
        symbol = -(k[:, None] ** 2 + k**2)
        step = 2.0 / math.sqrt(float(squares.max()) * 2 * k[-1] ** 2)  # of the 2.8 that Runge-Kutta's steps bear

        def nonlinear(c: Any) -> Any:
            return np.stack([c[1], dctn(squares * idctn(symbol * c[0], 2), 2)])

        state = np.stack([dctn(on_points(start, x, x)[0], 2), np.zeros((n, n))])
        return Resolution(np.zeros((1, 1)), nonlinear, state, lambda c: np.asarray(idctn(c[:1], 2, axes=(1, 2))), step)

    return _reference(
        "wave_plane",
        {"length": length, "cosines": cosines},
        (speed, start),
        partial(made, cosines),
        partial(made, 3 * cosines // 4),
        (axis, axis),
        ("u",),
        Panels.even(length, max(1, math.ceil(8 * length)), 14),
        min(cosines, 128),
        cache,
        f"{cosines} x {cosines} cosines, Runge-Kutta steps of order four",
    )


def _reference(
    name: str,
    parameters: dict[str, Any],
    fields: tuple[Field, ...],
    fine: Any,
    coarse: Any,
    axes: tuple[Axis, Axis],
    outputs: tuple[str, ...],
    panels: Panels,
    kept: int | tuple[int, int],
    cache: Cache,
    description: str,
) -> Reference:
    places = [np.linspace(axis.low, axis.high, _PRINT + 1)[:-1] for axis in axes]
    prints = [fingerprint(on_points(field, *places)) for field in fields]
    bounds = {name: (axis.low, axis.high) for name, axis in zip("xy", axes, strict=True)}
    pair = (kept, kept) if isinstance(kept, int) else kept
    return Reference(
        bounds={**bounds, "t": (0.0, float(panels.edges[-1]))},
        outputs=outputs,
        build=partial(
            plane_at_two_resolutions,
            name,
            {**parameters, "fields": prints},
            fine,
            coarse,
            axes=axes,
            outputs=outputs,
            panels=panels,
            kept=pair,
            module=__name__,
            cache=cache,
        ),
        description=description,
        source=_SOURCE,
    )


def _wave_numbers(n: int, period: float) -> tuple[Any, Any, Any]:
    """k_x (n, 1), k_y (1, n/2 + 1) and the square of both, of n points a side."""
    first = 2 * np.pi * np.fft.fftfreq(n, period / n)[:, None]
    second = 2 * np.pi * np.fft.rfftfreq(n, period / n)[None]
    return first, second, first**2 + second**2


def _grid(c: Any, n: int) -> Array:
    """Values (…, n, n) of modes (…, n, n/2 + 1)."""
    from scipy.fft import irfft2

    return np.asarray(irfft2(c, (n, n), norm="forward"))


def _modes(values: Array) -> Any:
    """Modes (…, n, n/2 + 1) of values (…, n, n)."""
    from scipy.fft import rfft2

    return rfft2(values, norm="forward")
