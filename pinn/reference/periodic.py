"""Allen-Cahn's and the Korteweg-de Vries equations on [−1, 1], periodic, each at two resolutions.

    u_t = D u_xx + r (u − u³),    u(x, 0) = x² cos πx
    u_t + u u_x + δ² u_xxx = 0,   u(x, 0) = cos πx

Allen-Cahn's initial condition has a kink at ±1, so its modes decay like k⁻² only, until diffusion has smoothed it.
They are taken from the exact integral and not from samples, which would fold the tail back; what remains is the
tail that is cut, near the kink, before t of about 1/(D π² K²). Time is graded towards 0 for the same reason.

The square of the Korteweg-de Vries equation is exact, on 3K points. The cube of Allen-Cahn's would take 4K points to be
so; on 2K it folds back modes of the size of those that are cut anyway, and of their cubes: at the default resolution
the solution moves by 2.7e-14 of its norm, where the estimated error is 1.9e-9 and the true one 1e-10 (against 8192
modes and the exact cube). Half the time is worth more.

Source: Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019) 686; Zabusky, Kruskal, Phys. Rev. Lett. 15 (1965)
240. Method: see `pinn.reference.spectral`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pinn.reference.cache import Arrays, Cache, Folder
from pinn.reference.chebyshev import Panels
from pinn.reference.result import Array, Reference
from pinn.reference.spectral import (
    Modes,
    Series,
    at_two_resolutions,
    evolve,
    of_square,
    on_grid,
    pieces_of,
    transform,
)
from pinn.validation import count, finite, positive

# Half of them, the coarser resolution, can still hold the initial condition.
FEWEST = 8


def allen_cahn(
    *,
    diffusion: float = 1e-4,
    rate: float = 5.0,
    length: float = 1.0,
    modes: int = 4096,
    step: float = 1e-3,
    cache: Cache = Folder.USER,
) -> Reference:
    """u_t = D u_xx + r (u − u³) from u = x² cos πx, periodic on [−1, 1].

    Args:
        diffusion: D, dimensionless.
        rate: r, dimensionless.
        length: latest time, dimensionless.
        modes: wave numbers 0 ... modes − 1 of the finer resolution; the coarser has half of them, and twice the step.
        step: the largest time step of the finer resolution.
        cache: folder of the result, None for none; see `pinn.reference.cache`.

    Returns:
        u of x and t; error: distance of the two resolutions.

    Raises:
        ValueError: for a diffusion, length or step that is not positive and finite, a rate that is not finite, or fewer
            than 8 modes.
        ArithmeticError: when built, if the step is too large for the reaction.

    Example:
        >>> u = allen_cahn(modes=256, step=5e-3, cache=None)
        >>> round(float(u(x=0.0, t=1.0)), 5), round(float(u(x=1.0, t=0.0)), 6)
        (0.02958, -1.0)
    """
    positive("allen_cahn", diffusion=diffusion, length=length, step=step)
    finite("allen_cahn", rate=rate)
    count("allen_cahn", FEWEST, modes=modes)
    parameters = {"diffusion": diffusion, "rate": rate, "length": length, "modes": modes, "step": step}
    fine = partial(allen_cahn_series, diffusion, rate, length, modes, step)
    coarse = partial(allen_cahn_series, diffusion, rate, length, modes // 2, 2 * step, per_octave=1)
    return Reference(
        bounds={"x": (-1.0, 1.0), "t": (0.0, length)},
        outputs=("u",),
        build=partial(_build, "allen_cahn", parameters, fine, coarse, initial=_dented, cache=cache),
        description=f"Fourier, {modes} wave numbers, ETDRK4",
        source="Raissi et al., J. Comput. Phys. 378 (2019) 686, section 4.2",
    )


def kdv(
    *,
    delta: float = 0.022,
    length: float = 1.0,
    modes: int = 256,
    step: float = 2.5e-5,
    cache: Cache = Folder.USER,
) -> Reference:
    """u_t + u u_x + δ² u_xxx = 0 from u = cos πx, periodic on [−1, 1].

    Args:
        delta: δ, dimensionless; a smaller one needs more modes and smaller steps, as `error` will tell.
        length: latest time, dimensionless.
        modes: wave numbers 0 ... modes − 1 of the finer resolution; the coarser has three quarters, and twice the step.
        step: the largest time step of the finer resolution.
        cache: folder of the result, None for none; see `pinn.reference.cache`.

    Returns:
        u of x and t; error: distance of the two resolutions.

    Raises:
        ValueError: for δ, a length or a step that is not positive and finite, or fewer than 8 modes.
        ArithmeticError: when built, if the step is too large.

    Example:
        >>> u = kdv(delta=0.1, length=0.1, modes=32, step=1e-3, cache=None)
        >>> round(float(u(x=0.0, t=0.0)), 12)
        1.0
    """
    positive("kdv", delta=delta, length=length, step=step)
    count("kdv", FEWEST, modes=modes)
    parameters = {"delta": delta, "length": length, "modes": modes, "step": step}
    fine = partial(kdv_series, delta, length, modes, step)
    coarse = partial(kdv_series, delta, length, 3 * modes // 4, 2 * step, per_unit=48)
    return Reference(
        bounds={"x": (-1.0, 1.0), "t": (0.0, length)},
        outputs=("u",),
        build=partial(_build, "kdv", parameters, fine, coarse, cache=cache),
        description=f"Fourier, {modes} wave numbers, dealiased, ETDRK4",
        source="Zabusky, Kruskal, Phys. Rev. Lett. 15 (1965) 240",
    )


_build = partial(at_two_resolutions, low=-1.0, period=2.0, module=__name__)


def _dented(x: Array) -> Array:
    return np.asarray(x**2 * np.cos(np.pi * x))


def _series(panels: Panels, arrays: Arrays, initial: Callable[[Array], Array] | None = None) -> Series:
    return Series(panels, pieces_of(arrays, panels), -1.0, 2.0, initial)


def dented_modes(modes: int) -> Modes:
    """Fourier coefficients (modes,) of x² cos πx on [−1, 1], exact.

    With m(j) = ½ ∫ x² cos πjx dx = 2 (−1)^j/(πj)², m(0) = 1/3:  c_k = (−1)^k (m(k + 1) + m(k − 1))/2, the sign from
    the series' origin at −1.
    """

    def moment(j: NDArray) -> NDArray:
        nonzero = np.where(j == 0, 1, j)
        return np.where(j == 0, 1 / 3, 2 * np.where(j % 2, -1.0, 1.0) / (np.pi * nonzero) ** 2)

    k = np.arange(modes)
    return np.asarray(np.where(k % 2, -0.5, 0.5) * (moment(k + 1) + moment(np.abs(k - 1))), dtype=np.complex128)


def allen_cahn_series(
    diffusion: float, rate: float, length: float, modes: int, step: float, per_octave: int = 2
) -> Series:
    """One resolution of `allen_cahn`, with `per_octave` pieces of time between t and 2t."""
    wave = np.pi * np.arange(modes)
    panels = Panels.graded(length, 10, 16, per_octave)
    reaction = allen_cahn_reaction(rate, 2 * modes)
    arrays = evolve(-diffusion * wave**2, reaction, dented_modes(modes), panels, step)
    return _series(panels, arrays, _dented)


def allen_cahn_reaction(rate: float, points: int) -> Callable[[Modes], Modes]:
    """r (u − u³) for wave numbers k = 0 ... K − 1, formed on so many points: exact on 4K."""

    def reaction(c: Modes) -> Modes:
        u = on_grid(c, points)
        return np.asarray(rate * transform(u - u**3)[: len(c)])

    return reaction


def kdv_series(delta: float, length: float, modes: int, step: float, per_unit: int = 64) -> Series:
    """One resolution of `kdv`, with `per_unit` pieces of time in t = 1."""
    k = np.arange(modes)
    start = np.zeros(modes, dtype=np.complex128)
    start[1] = -0.5
    panels = Panels.even(length, math.ceil(per_unit * length), 20)
    return _series(panels, evolve(kdv_symbol(k, delta), kdv_advection(k), start, panels, step))


def kdv_symbol(k: NDArray, delta: float) -> Modes:
    """−δ² (iπk)³ = iδ² (πk)³, the linear part for wave numbers k on a period of 2."""
    return np.asarray(1j * delta**2 * (np.pi * k) ** 3, dtype=np.complex128)


def kdv_advection(k: NDArray) -> Callable[[Modes], Modes]:
    """−(u²/2)_x for wave numbers k = 0 ... K − 1 on a period of 2."""
    return of_square(-0.5j * np.pi * k)
