"""Taylor coefficients of the activations of neural networks.

    silu, gelu, mish     z times a gate: σ(z), Φ(z), w = tanh(log(1 + e^z)) with w' = (1 − w²) σ(z)
    softplus, logsigmoid φ' = σ(βz), σ(−z)
    elu, selu, celu      a (e^{z/b} − 1) below zero, linear above
    softsign             φ_m = (−s)^{m−1}/(1 + |z|)^{m+1},  s = sign z
    the others           polynomials between kinks

At a kink the derivative is the one that torch's autograd has there. No coefficient overflows where the function itself
does not: exponentials are taken of negative numbers only.

torch 2.13 has two of them in single precision: the slope 1/6 of hardsigmoid, which it cannot differentiate twice, and
the length of celu in derivatives. Here they are exact.

Source: Hendrycks, Gimpel, arXiv:1606.08415 (gelu); Elfwing et al., arXiv:1702.03118 (silu); Misra, arXiv:1908.08681
(mish); Clevert et al., arXiv:1511.07289 (elu); Klambauer et al., arXiv:1706.02515 (selu); Barron, arXiv:1704.07483
(celu).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.jets.special import normal
from pinn.derivatives.jets.taylor import SIGMOID, SmoothFunction, by_copy, times_argument

# -- gates -----------------------------------------------------------------------------------------------------------


def _silu_value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
    gate = torch.sigmoid(z, out=space.like(z))
    torch.mul(z, gate, out=out)
    return (gate,)


def _silu_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    (gate,) = extra
    return times_argument(z, [gate, *SIGMOID.taylor(z, gate, (), order, space)], space)


SILU = SmoothFunction("silu", _silu_value, _silu_taylor)


def _gelu_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    return times_argument(z, normal(z, order, space), space)


GELU = SmoothFunction("gelu", by_copy(F.gelu), _gelu_taylor)


def _mish_value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
    gate = torch.tanh(-F.logsigmoid(-z))
    torch.mul(z, gate, out=out)
    return (gate,)


def _mish_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    (w,) = extra
    sigma = _sigmoid(z, order, space)
    gate, slope = [w], [1.0 - w * w]
    for k in range(order):
        # (k + 1) w_{k+1} = Σ (1 − w²)_i σ_{k−i}
        total = slope[0] * sigma[k]
        for i in range(1, k + 1):
            total.addcmul_(slope[i], sigma[k - i])
        gate.append(total / (k + 1))
        square = gate[0] * gate[k + 1]
        for i in range(1, k + 2):
            square.addcmul_(gate[i], gate[k + 1 - i])
        slope.append(-square)
    return times_argument(z, gate, space)


MISH = SmoothFunction("mish", _mish_value, _mish_taylor)


# -- integrals of the logistic function ------------------------------------------------------------------------------


def _sigmoid(z: Tensor, order: int, space: Workspace) -> list[Tensor]:
    """Coefficients 0 … order − 1 of σ(z)."""
    return _logistic(z, torch.sigmoid(z), order, space)


def _logistic(z: Tensor, gate: Tensor, order: int, space: Workspace) -> list[Tensor]:
    """The same, from σ(z) itself."""
    return [gate, *SIGMOID.taylor(z, gate, (), order - 1, space)] if order > 1 else [gate]


def softplus(beta: float = 1.0, threshold: float = 20.0) -> SmoothFunction:
    """z ↦ log(1 + e^{βz})/β, linear where βz exceeds the threshold, as torch has it."""

    def value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
        out.copy_(F.softplus(z, beta, threshold))
        return (torch.sigmoid(beta * z),)

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        linear = beta * z > threshold
        return [
            torch.where(linear, float(m == 0), slope * (beta**m / (m + 1)))
            for m, slope in enumerate(_logistic(z, extra[0], order, space))
        ]

    return SmoothFunction("softplus", value, taylor)


def log_one_plus_exp(beta: float = 1.0) -> SmoothFunction:
    """z ↦ log(1 + e^{βz})/β at any z, for the logarithm of a sum of exponentials."""

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        return [slope * (beta**m / (m + 1)) for m, slope in enumerate(_sigmoid(beta * z, order, space))]

    return SmoothFunction("log_one_plus_exp", by_copy(lambda z: F.logsigmoid(-beta * z) / -beta), taylor)


def _logsigmoid_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    # σ(−z) by its own coefficients: 1 − σ(z) would lose its digits where z is large.
    return [slope if m == 0 else slope * ((-1.0) ** m / (m + 1)) for m, slope in enumerate(_sigmoid(-z, order, space))]


LOGSIGMOID = SmoothFunction("logsigmoid", by_copy(F.logsigmoid), _logsigmoid_taylor)


# -- in pieces -------------------------------------------------------------------------------------------------------


def elu(alpha: float = 1.0, scale: float = 1.0, length: float = 1.0) -> SmoothFunction:
    """scale · z above zero, scale · alpha · (e^{z/length} − 1) below: elu, selu, and celu where length is alpha."""

    def value(z: Tensor) -> Tensor:
        below = torch.expm1(z.clamp_max(0.0) / length).mul_(alpha)
        found = torch.where(z > 0.0, z, below)
        return found if scale == 1.0 else scale * found

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        power = torch.exp(z.clamp_max(0.0) / length) * (scale * alpha)
        found = [torch.where(z > 0.0, scale, power / length)]
        for m in range(2, order + 1):
            # At zero torch takes the slope from below, and what follows from above.
            found.append(torch.where(z >= 0.0, 0.0, power / (length**m * math.factorial(m))))
        return found

    return SmoothFunction("elu", by_copy(value), taylor)


SELU = elu(1.6732632423543772848170429916717, 1.0507009873554804934193349852946)


def _softsign_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    inverse = torch.reciprocal(1.0 + z.abs())
    ratio = -torch.sign(z) * inverse
    found = [inverse * inverse]
    for _ in range(1, order):
        found.append(found[-1] * ratio)
    return found


SOFTSIGN = SmoothFunction("softsign", by_copy(F.softsign), _softsign_taylor)


def _pieces(name: str, value: Callable[[Tensor], Tensor], *coefficients: Callable[[Tensor], Tensor]) -> SmoothFunction:
    """A function that is a polynomial between kinks: its coefficients 1, 2, …, all others zero."""

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        found = [coefficient(z) for coefficient in coefficients[:order]]
        return found + [torch.zeros_like(z) for _ in range(order - len(found))]

    return SmoothFunction(name, by_copy(value), taylor)


def _indicator(condition: Tensor, z: Tensor) -> Tensor:
    return condition.to(z.dtype)


ABS = _pieces("abs", torch.abs, torch.sign)
RELU = _pieces("relu", torch.relu, lambda z: _indicator(z > 0, z))
HARDSIGMOID = _pieces("hardsigmoid", F.hardsigmoid, lambda z: _indicator((z > -3) & (z < 3), z) / 6.0)
HARDSWISH = _pieces(
    "hardswish",
    F.hardswish,
    lambda z: torch.where(z <= -3, 0.0, torch.where(z < 3, z / 3.0 + 0.5, 1.0)),
    lambda z: _indicator((z > -3) & (z < 3), z) / 6.0,
)


def hardtanh(low: float = -1.0, high: float = 1.0) -> SmoothFunction:
    """z held between two bounds."""
    return _pieces("hardtanh", lambda z: F.hardtanh(z, low, high), lambda z: _indicator((z > low) & (z < high), z))


def leaky_relu(slope: float = 0.01) -> SmoothFunction:
    """z above zero, slope · z below."""
    return _pieces(
        "leaky_relu", lambda z: F.leaky_relu(z, slope), lambda z: torch.where(z > 0, torch.ones_like(z), slope)
    )


def softshrink(bound: float = 0.5) -> SmoothFunction:
    """z − bound above the bound, z + bound below −bound, zero between."""
    return _pieces("softshrink", lambda z: F.softshrink(z, bound), lambda z: _indicator(z.abs() > bound, z))


def hardshrink(bound: float = 0.5) -> SmoothFunction:
    """z beyond ± the bound, zero between."""
    return _pieces("hardshrink", lambda z: F.hardshrink(z, bound), lambda z: _indicator(z.abs() > bound, z))


def threshold(bound: float, value: float) -> SmoothFunction:
    """z above the bound, else a fixed value."""
    return _pieces("threshold", lambda z: F.threshold(z, bound, value), lambda z: _indicator(z > bound, z))
