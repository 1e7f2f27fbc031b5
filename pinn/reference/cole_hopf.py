"""Burgers' equation from a sine, exactly: the Cole-Hopf transform by quadrature.

    u_t + u u_x = ν u_xx, u(x, 0) = −sin πx:
    u(x, t) = ∫ u₀(x − η) w(η) dη / ∫ w(η) dη,   w(η) = exp(−cos π(x − η) / 2πν − η² / 4νt)

The integrands are entire, so the trapezoidal rule on the whole line converges faster than any geometric sequence once
its step resolves the narrowest peak of w, whose variance is at least 2νt / (1 + πt): with r nodes in a standard
deviation its error is about e^{−2π²r²}. Exponents are shifted by the largest (log-sum-exp), and written
1 + cos πy = 2 cos² πy/2 so that they are small where w is large.

Its `error` compares what is returned with a finer rule, over the root mean square of u. Both round the arguments of the
same exponents, which moves the layer by about an ulp where the slope is 1/2ν, over a fraction of about ν of the
interval: 2ε max(1, ν^−½) is added for it. Where ν is large, u lives for a time of 1/2π²ν only while rounding stays what
it is, so the mean square is taken by Gauss' rule on pieces of time that halve towards 0.

Source: Hopf, Comm. Pure Appl. Math. 3 (1950) 201; Cole, Quart. Appl. Math. 9 (1951) 225; Basdevant et al., Comput.
Fluids 14 (1986) 23, equation (9). Trapezoidal rule: Trefethen, Weideman, SIAM Rev. 56 (2014) 385, section 5.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from pinn.reference.result import Array, Built, Columns, Reference, scatter
from pinn.validation import positive

# Terms below exp(-TAIL) of the largest are left out: 3e-18.
TAIL = 40.0
# Points by chunks of this many quadrature nodes altogether, to stay in the processor's cache.
CHUNK = 200_000
# Quadrature nodes in the narrowest peak's standard deviation: of what is returned, and of what judges it.
RESOLUTION, FINER = 2.5, 4.0


def cole_hopf(nu: float = 0.01 / math.pi, *, length: float = math.inf) -> Reference:
    """Burgers' equation with u(x, 0) = −sin πx, which is periodic on [−1, 1] and zero at the ends too.

    Args:
        nu: viscosity ν, dimensionless; 1e-3 and above is cheap.
        length: latest time, dimensionless.

    Returns:
        u of x and t; error: distance of two resolutions and rounding, over a period and the time to `length`, or to 1
        where that is infinite.

    Raises:
        ValueError: for a viscosity that is not positive and finite, or a length that is not positive.

    Example:
        >>> cole_hopf(0.01)(x=[-0.5, 0.0, 0.5], t=0.0).round(12) + 0.0
        array([ 1.,  0., -1.])
    """
    positive("cole_hopf", nu=nu)
    if not length > 0:
        raise ValueError(f"cole_hopf: got length={length!r}, expected a positive number or inf; give length > 0")
    return Reference(
        bounds={"x": (-math.inf, math.inf), "t": (0.0, length)},
        outputs=("u",),
        build=partial(_build, float(nu), length if math.isfinite(length) else 1.0),
        description=f"Cole-Hopf transform by quadrature, nu={nu:g}",
        source="Basdevant et al., Comput. Fluids 14 (1986) 23",
    )


def _build(nu: float, latest: float) -> Built:
    points = scatter({"x": (-1.0, 1.0), "t": (0.0, latest)}, 21)
    x, t = points["x"], points["t"]
    error = burgers_sine(x, t, nu) - burgers_sine(x, t, nu, FINER)
    rounding = 2 * float(np.finfo(np.float64).eps) * max(1.0, nu**-0.5)
    return Built(partial(_evaluate, nu), (float(np.sqrt(np.mean(error**2))) + rounding) / _size(nu, latest))


def _evaluate(nu: float, columns: Columns) -> dict[str, Array]:
    return {"u": burgers_sine(columns["x"], columns["t"], nu)}


def _size(nu: float, latest: float) -> float:
    """Root mean square of u over a period and [0, latest]: evenly spaced in x, Gauss' rule on graded pieces in t."""
    halvings = 3 + math.ceil(math.log2(max(1.0, 2 * math.pi**2 * nu * latest)))
    edges = np.append(0.0, latest * 0.5 ** np.arange(halvings, -1.0, -1.0))
    node, weight = np.polynomial.legendre.leggauss(4)
    t = (edges[:-1, None] + np.diff(edges)[:, None] * (node + 1) / 2).ravel()
    fraction = (np.diff(edges)[:, None] * weight / 2).ravel() / latest
    x = np.arange(-15, 17, 2) / 16
    u = burgers_sine(np.tile(x, t.size), np.repeat(t, x.size), nu).reshape(t.size, x.size)
    return float(np.sqrt(fraction @ np.mean(u**2, axis=1)))


def burgers_sine(x: Array, t: Array, nu: float, resolution: float = RESOLUTION) -> Array:
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
    half = math.ceil(resolution * window * max(1 / narrowest, 3 * math.sqrt(latest)))
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
