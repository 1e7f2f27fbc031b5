"""Burgers' equation from a sine, exactly: the Cole-Hopf transform by quadrature.

    u_t + u u_x = ν u_xx, u(x, 0) = −sin πx:
    u(x, t) = ∫ u₀(x − η) w(η) dη / ∫ w(η) dη,   w(η) = exp(−cos π(x − η) / 2πν − η² / 4νt)

The integrands are entire, so the trapezoidal rule on the whole line converges faster than any geometric sequence once
its step resolves the narrowest peak of w, whose variance is at least 2νt / (1 + πt). Exponents are shifted by the
largest (log-sum-exp), and written 1 + cos πy = 2 cos² πy/2 so that they are small where w is large.

Source: Hopf, Comm. Pure Appl. Math. 3 (1950) 201; Cole, Quart. Appl. Math. 9 (1951) 225; Basdevant et al., Comput.
Fluids 14 (1986) 23, equation (9). Trapezoidal rule: Trefethen, Weideman, SIAM Rev. 56 (2014) 385, section 5.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from pinn.reference.result import Array, Reference

# Terms below exp(-TAIL) of the largest are left out: 3e-18.
TAIL = 40.0
# Points by chunks of this many quadrature nodes altogether, to stay in the processor's cache.
CHUNK = 200_000


def cole_hopf(nu: float = 0.01 / math.pi, *, length: float = math.inf) -> Reference:
    """Burgers' equation with u(x, 0) = −sin πx, which is periodic on [−1, 1] and zero at the ends too.

    Args:
        nu: viscosity ν, dimensionless; 1e-3 and above is cheap.
        length: latest time, dimensionless.

    Returns:
        u of x and t; floor: rounding alone, amplified by the steepest slope.

    Raises:
        ValueError: for ν ≤ 0.

    Example:
        >>> cole_hopf(0.01)(x=[-0.5, 0.0, 0.5], t=0.0).round(12) + 0.0
        array([ 1.,  0., -1.])
    """
    if not nu > 0:
        raise ValueError(f"cole_hopf: nu={nu}; the transform needs a positive viscosity")
    # The layer's slope is at most about 1/2ν, over a share of about ν of the interval.
    floor = 4 * np.finfo(np.float64).eps * max(1.0, nu**-0.5)
    return Reference.exact(
        partial(burgers_sine, nu=nu),
        bounds={"x": (-math.inf, math.inf), "t": (0.0, length)},
        floor=float(floor),
        description=f"Cole-Hopf transform by quadrature, nu={nu:g}",
        source="Basdevant et al., Comput. Fluids 14 (1986) 23",
    )


def burgers_sine(x: Array, t: Array, nu: float, resolution: float = 2.5) -> Array:
    """u(x, t) of the module's first lines.

    Args:
        x: positions (n,).
        t: times (n,), not negative.
        nu: viscosity ν.
        resolution: quadrature nodes in the narrowest peak's standard deviation.

    Returns:
        u (n,).
    """
    if not x.size:
        return np.zeros(0)
    # In ζ = η/√t the window and the narrowest peak do not shrink with t.
    window = math.sqrt(4 / math.pi + 4 * nu * TAIL)
    latest = float(t.max())
    narrowest = math.sqrt(2 * nu / (1 + math.pi * latest))
    # Where ν is large w has no peak, and it is the sine's period (2 in η) that has to be resolved.
    half = math.ceil(resolution * window * max(1 / narrowest, 6 * math.sqrt(latest)))
    zeta = np.linspace(-window, window, 2 * half + 1)
    u = np.empty(x.size)
    rows = max(1, CHUNK // zeta.size)
    for start in range(0, x.size, rows):
        part = slice(start, start + rows)
        y = x[part, None] - np.sqrt(t[part, None]) * zeta
        exponent = -(np.cos(np.pi * y / 2) ** 2) / (math.pi * nu) - zeta**2 / (4 * nu)
        weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        u[part] = -(np.sin(np.pi * y) * weight).sum(axis=1) / weight.sum(axis=1)
    return u
