"""Cahn-Hilliard's equation on [0, 1], periodic, at two resolutions: a mixture that parts.

    c_t = (c³ − c − κ c_xx)_xx,   c(x, 0) = c₀ + sum of a_k cos 2πkx + b_k sin 2πkx

Waves with (2πk)² < 1/κ grow from small ones, those with (2πk)² = 1/(2κ) as e^{t/(4κ)}. The cube is exact, on 4K points.

Source: Cahn, Hilliard, J. Chem. Phys. 28 (1958) 258. Method: see `pinn.reference.spectral`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from pinn.reference.cache import Cache, Folder
from pinn.reference.chebyshev import Panels
from pinn.reference.result import Reference
from pinn.reference.spectral import Modes, Series, at_two_resolutions, evolve, on_grid, pieces_of, transform
from pinn.validation import count, positive

_PIECES, _DEGREE = 4.0, 16  # pieces of time in 4κ, in which the fastest wave grows by e


def cahn_hilliard(
    start: Mapping[int, complex],
    *,
    gradient: float = 1e-3,
    length: float = 0.02,
    modes: int = 64,
    step: float = 2e-6,
    cache: Cache = Folder.USER,
) -> Reference:
    """c_t = (c³ − c − κ c_xx)_xx from a few waves, periodic on [0, 1].

    Args:
        start: wave number k -> a_k − i b_k, and 0 -> the mean.
        gradient: κ, dimensionless.
        length: latest time.
        modes: wave numbers 0 ... modes − 1 of the finer resolution; the coarser has three quarters, and twice the step.
        step: the largest time step of the finer resolution.
        cache: folder of the result, None for none; see `pinn.reference.cache`.

    Returns:
        c of x and t, under the name u; error: distance of the two resolutions.

    Raises:
        ValueError: for numbers that are not positive and finite, or fewer modes than twice the largest wave number.
        ArithmeticError: when built, if the step is too large.

    Example:
        >>> c = cahn_hilliard({2: 0.1}, length=1e-3, modes=16, step=1e-5, cache=None)
        >>> round(float(c(x=0.5, t=0.0)), 10)
        0.1
    """
    positive("cahn_hilliard", gradient=gradient, length=length, step=step)
    count("cahn_hilliard", max(16, 2 * max(start, default=0)), modes=modes)
    given = {k: complex(value) for k, value in sorted(start.items())}
    waves = {f"{part}{k}": getattr(value, part) for k, value in given.items() for part in ("real", "imag")}
    return Reference(
        bounds={"x": (0.0, 1.0), "t": (0.0, length)},
        outputs=("u",),
        build=partial(
            at_two_resolutions,
            "cahn_hilliard",
            {"length": length, "gradient": gradient, "modes": modes, "step": step, **waves},
            partial(_series, given, gradient, length, modes, step),
            partial(_series, given, gradient, length, 3 * modes // 4, 2 * step),
            low=0.0,
            period=1.0,
            module=__name__,
            cache=cache,
        ),
        description=f"Fourier, {modes} wave numbers, dealiased, ETDRK4",
        source="Cahn, Hilliard, J. Chem. Phys. 28 (1958) 258",
    )


def _series(start: Mapping[int, complex], gradient: float, length: float, modes: int, step: float) -> Series:
    """One resolution."""
    square = (2 * math.pi * np.arange(modes)) ** 2
    first = np.zeros(modes, dtype=np.complex128)
    for k, value in start.items():
        first[k] = value if k == 0 else value / 2

    def cube(c: Modes) -> Modes:
        return np.asarray(-square * transform(on_grid(c, 4 * len(c)) ** 3)[: len(c)])

    panels = Panels.even(length, max(2, math.ceil(_PIECES * length / (4 * gradient))), _DEGREE)
    arrays = evolve(square - gradient * square**2, cube, first, panels, step)
    return Series(panels, pieces_of(arrays, panels), 0.0, 1.0)
