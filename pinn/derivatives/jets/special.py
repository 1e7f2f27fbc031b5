"""Taylor coefficients of inverse functions, of the error function and its relatives, and of a few more.

Each follows from a differential equation, by comparing coefficients at z + δ; g = φ' has the coefficients g_k, and
φ_{k+1} = g_k/(k + 1):

    atan, atanh                (1 ± z²) g = 1
    asin, acos, asinh, acosh   c g' = ± z g,  c = 1 − z² or z² ± 1:   c (k+1) g_{k+1} = ±[(2k+1) z g_k + k g_{k−1}]
    erf, erfc, Φ               g ∝ h = e^{−z²}, h' = −2 z h
    erfcx = e^{z²} erfc z      φ' = 2 z φ − 2/√π
    erfinv, Φ⁻¹                g' = c φ g²,  c = 2 or 1
    log Φ                      g' = −g (z + g)
    sin(πz)/(πz)               z φ = sin(πz)/π, and its power series at |z| ≤ 1, where dividing by z loses digits
    log Γ, ψ                   φ⁽ᵐ⁾ are polygamma functions

c is computed as a product, (1 − z)(1 + z), which keeps its digits near z = 1.

Source: Abramowitz, Stegun, Handbook of Mathematical Functions (1964), 4.4, 4.6, 6.4, 7.1, 26.2; the recurrences:
Griewank, Walther, Evaluating Derivatives, 2nd ed. (2008), table 13.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.jets.taylor import SmoothFunction, Value, by_copy, by_out, integrated

Slope = Callable[[Tensor, Tensor, int], list[Tensor]]
"""(z, φ(z), order) -> coefficients 0 … order − 1 of φ'."""


def _by_slope(name: str, value: Value, slope: Slope) -> SmoothFunction:
    """A function whose derivative's coefficients are known."""

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        return integrated(slope(z, y, order))

    return SmoothFunction(name, value, taylor)


# -- inverse functions -----------------------------------------------------------------------------------------------


def _inverse_quadratic(z: Tensor, c: Tensor, sign: float, order: int) -> list[Tensor]:
    """g = 1/c for c = 1 + sign z²: c g_k = −sign (2 z g_{k−1} + g_{k−2})."""
    inverse = c.reciprocal()
    found = [inverse]
    for k in range(1, order):
        step = 2.0 * z * found[k - 1]
        found.append(-sign * inverse * (step + found[k - 2] if k > 1 else step))
    return found


def _inverse_root(z: Tensor, c: Tensor, sign: float, factor: float, order: int) -> list[Tensor]:
    """g = factor/√c, with c g' = sign z g."""
    inverse = c.reciprocal()
    found = [inverse.sqrt() if factor == 1.0 else factor * inverse.sqrt()]
    for k in range(order - 1):
        step = (2 * k + 1) * z * found[k]
        found.append((sign / (k + 1)) * inverse * (step + k * found[k - 1] if k else step))
    return found


ATAN = _by_slope("atan", by_out(torch.atan), lambda z, y, order: _inverse_quadratic(z, 1.0 + z * z, 1.0, order))
ATANH = _by_slope(
    "atanh", by_out(torch.atanh), lambda z, y, order: _inverse_quadratic(z, (1.0 - z) * (1.0 + z), -1.0, order)
)
ASIN = _by_slope(
    "asin", by_out(torch.asin), lambda z, y, order: _inverse_root(z, (1.0 - z) * (1.0 + z), 1.0, 1.0, order)
)
ACOS = _by_slope(
    "acos", by_out(torch.acos), lambda z, y, order: _inverse_root(z, (1.0 - z) * (1.0 + z), 1.0, -1.0, order)
)
ASINH = _by_slope("asinh", by_out(torch.asinh), lambda z, y, order: _inverse_root(z, 1.0 + z * z, -1.0, 1.0, order))
ACOSH = _by_slope(
    "acosh", by_out(torch.acosh), lambda z, y, order: _inverse_root(z, (z - 1.0) * (z + 1.0), -1.0, 1.0, order)
)


def _logit_slope(z: Tensor, y: Tensor, order: int) -> list[Tensor]:
    """1/z + 1/(1 − z)."""
    left, right = z.reciprocal(), (1.0 - z).reciprocal()
    first, second = left, right
    found = [first + second]
    for _ in range(1, order):
        first, second = -first * left, second * right
        found.append(first + second)
    return found


LOGIT = _by_slope("logit", by_out(torch.special.logit), _logit_slope)


# -- the error function and its relatives ----------------------------------------------------------------------------


def gaussian(z: Tensor, order: int, scale: float, space: Workspace) -> list[Tensor]:
    """Coefficients 0 … order − 1 of scale · e^{−z²}, in memory of their own."""
    found = [space.product(z, z).neg_().exp_().mul_(scale)]
    for k in range(order - 1):
        step = space.product(z, found[k])
        found.append((step.add_(found[k - 1]) if k else step).mul_(-2.0 / (k + 1)))
    return found[:order]


def _erf(name: str, function: Callable[..., Tensor], sign: float) -> SmoothFunction:
    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        return integrated(gaussian(z, order, sign * 2.0 / math.sqrt(math.pi), space))

    return SmoothFunction(name, by_out(function), taylor)


ERF = _erf("erf", torch.erf, 1.0)
ERFC = _erf("erfc", torch.erfc, -1.0)


def normal(z: Tensor, order: int, space: Workspace) -> list[Tensor]:
    """Coefficients 0 … order of Φ(z) = (1 + erf(z/√2))/2, the normal distribution function."""
    argument = space.product(z, math.sqrt(0.5))
    found = [torch.special.ndtr(z, out=space.like(z))]
    for k, f in enumerate(gaussian(argument, order, 1.0 / math.sqrt(math.pi), space)):
        found.append(f.mul_(math.sqrt(0.5) ** (k + 1) / (k + 1)))
    return found


def _normal_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    return normal(z, order, space)[1:]


NDTR = SmoothFunction("ndtr", by_out(torch.special.ndtr), _normal_taylor)


def _erfcx_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    found = [y, 2.0 * (z * y - 1.0 / math.sqrt(math.pi))]
    for k in range(1, order):
        found.append((2.0 / (k + 1)) * (z * found[k] + found[k - 1]))
    return found[1 : order + 1]


ERFCX = SmoothFunction("erfcx", by_out(torch.special.erfcx), _erfcx_taylor)


def _quantile_slope(c: float) -> Slope:
    """g' = c φ g², from g₀ = e^{c φ²/2} times the constant that makes φ the inverse of erf (c = 2) or of Φ (c = 1)."""
    start = math.sqrt(math.pi) / 2.0 if c == 2.0 else math.sqrt(2.0 * math.pi)

    def slope(z: Tensor, y: Tensor, order: int) -> list[Tensor]:
        phi, g = [y], [start * torch.exp(0.5 * c * y * y)]
        squares: list[Tensor] = []
        for k in range(order - 1):
            squares.append(_convolution(g, g, k))
            g.append((c / (k + 1)) * _convolution(phi, squares, k))
            phi.append(g[k] / (k + 1))
        return g

    return slope


def _convolution(f: list[Tensor], g: list[Tensor], k: int) -> Tensor:
    """Σ f_i g_{k−i}, i = 0 … k."""
    total = f[0] * g[k]
    for i in range(1, k + 1):
        total = total.addcmul_(f[i], g[k - i])
    return total


ERFINV = _by_slope("erfinv", by_out(torch.erfinv), _quantile_slope(2.0))
NDTRI = _by_slope("ndtri", by_out(torch.special.ndtri), _quantile_slope(1.0))


def _log_normal_slope(z: Tensor, y: Tensor, order: int) -> list[Tensor]:
    """g = Φ'/Φ by the scaled complementary error function, which neither under- nor overflows."""
    g = [math.sqrt(2.0 / math.pi) / torch.special.erfcx(-math.sqrt(0.5) * z)]
    sums = [z + g[0]]
    for k in range(order - 1):
        g.append((-1.0 / (k + 1)) * _convolution(g, sums, k))
        sums.append(g[k + 1] + 1.0 if k == 0 else g[k + 1])
    return g


LOG_NDTR = _by_slope("log_ndtr", by_copy(torch.special.log_ndtr), _log_normal_slope)


# -- others ----------------------------------------------------------------------------------------------------------

_SINC_TERMS = 21
"""Terms of the power series of sin(πz)/(πz) that reach the last digit of six derivatives for |z| ≤ 1."""


def _sinc_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    small = z.abs() <= 1.0
    near, far = torch.where(small, z, 0.0), torch.where(small, 1.0, z)
    sine, cosine = torch.sin(math.pi * far) / math.pi, torch.cos(math.pi * far) / math.pi
    cycle = (sine, cosine, -sine, -cosine)
    square = near * near
    found, previous = [], y
    for m in range(1, order + 1):
        series = torch.zeros_like(z)
        first = (m + 1) // 2
        for j in reversed(range(first, _SINC_TERMS + first)):
            term = (-1.0) ** j * math.exp(2 * j * math.log(math.pi) - math.lgamma(2 * j + 2)) * math.comb(2 * j, m)
            series = series * square + term
        previous = (cycle[m % 4] * (math.pi**m / math.factorial(m)) - previous) / far
        found.append(torch.where(small, series * near if m % 2 else series, previous))
    return found


SINC = SmoothFunction("sinc", by_out(torch.sinc), _sinc_taylor)


def _entropy_slope(z: Tensor, y: Tensor, order: int) -> list[Tensor]:
    """−1 − log z."""
    inverse = z.reciprocal()
    found = [-1.0 - torch.log(z)]
    term = inverse
    for k in range(1, order):
        found.append(-term / k)
        term = -term * inverse
    return found


ENTR = _by_slope("entr", by_out(torch.special.entr), _entropy_slope)


def polygamma(order: int) -> SmoothFunction:
    """ψ⁽ⁿ⁾, the derivatives of log Γ: n = 0 is digamma; n = −1 stands for log Γ itself."""

    def value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
        out.copy_(torch.lgamma(z) if order < 0 else torch.polygamma(order, z))
        return ()

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], highest: int, space: Workspace) -> list[Tensor]:
        return [torch.polygamma(order + m, z) / math.factorial(m) for m in range(1, highest + 1)]

    return SmoothFunction(f"polygamma({order})", value, taylor)
