"""Taylor coefficients of scalar functions: φₘ = φ⁽ᵐ⁾(z)/m!, entry by entry, for m = 1 … order.

A `SmoothFunction` gives the value, and the coefficients from it and whatever else its computation left (`extra`).
Where φ' is a quadratic polynomial in φ, φ' = p₀ + p₁ φ + p₂ φ² (tanh, sigmoid, exp, tan, 1/z), the coefficients follow
from the value alone,

    (m + 1) φₘ₊₁ = p₀ [m = 0] + p₁ φₘ + p₂ Σᵢ φᵢ φₘ₋ᵢ,

and a backward pass needs nothing else. The others have recurrences of their own, from the differential equation that
each satisfies, such as sin'' = −sin. Those of special functions are in `pinn.derivatives.jets.special`, those of
activations in `pinn.derivatives.jets.activations`.

Source: Griewank, Walther, Evaluating Derivatives, 2nd ed. (2008), table 13.2; Abramowitz, Stegun (1964), 4.2–4.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.derivatives.jets.kernels.workspace import Workspace

Value = Callable[[Tensor, Tensor, Workspace], tuple[Tensor, ...]]
Taylor = Callable[[Tensor, Tensor, tuple[Tensor, ...], int, Workspace], list[Tensor]]
Pullback = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class SmoothFunction:
    """How one scalar function acts on a truncated Taylor polynomial.

    Args:
        name: the function's name.
        value: (z, out, space) -> extra; writes φ(z) into `out` and returns what `taylor` needs beside it.
        taylor: (z, φ(z), extra, order, space) -> [φ₁, …, φ_order].
        riccati: (p₀, p₁, p₂) of φ' = p₀ + p₁ φ + p₂ φ², where there is such a form.
        pullback: (t, φ(z), out) -> φ'(z) t in one pass over memory, into `out` where that is given.
        highest: the highest derivative that `taylor` can give; None where there is no limit.
    """

    name: str
    value: Value
    taylor: Taylor
    riccati: tuple[float, float, float] | None = None
    pullback: Pullback | None = None
    highest: int | None = None


def by_out(function: Callable[..., Tensor]) -> Value:
    """The value by a torch function with an `out` argument."""

    def value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
        function(z, out=out)
        return ()

    return value


def by_copy(function: Callable[[Tensor], Tensor]) -> Value:
    """The value by a torch function without an `out` argument."""

    def value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
        out.copy_(function(z))
        return ()

    return value


def _riccati(p: tuple[float, float, float]) -> Taylor:
    """Coefficients of a solution of φ' = p₀ + p₁ φ + p₂ φ²."""
    p0, p1, p2 = p

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        if p2 == 0.0 and p1 == 1.0 and p0 == 0.0:
            return [space.product(y, 1.0 / math.factorial(m)) if m > 1 else y for m in range(1, order + 1)]
        found = [y, quadratic(p, y, space)]
        zero = space.numbers((0.0,), y)
        for m in range(1, order):
            # Σ φᵢ φₘ₋ᵢ with equal pairs taken once; each term in one pass over memory, its factor included.
            pair = 2.0 * p2 / (m + 1)
            total = torch.addcmul(zero, found[m], y, value=pair, out=space.like(y))
            if p1:
                total.add_(found[m], alpha=p1 / (m + 1))
            for i in range(1, (m + 1) // 2):
                total.addcmul_(found[i], found[m - i], value=pair)
            if m % 2 == 0:
                total.addcmul_(found[m // 2], found[m // 2], value=0.5 * pair)
            found.append(total)
        return found[1 : order + 1]

    return taylor


def quadratic(p: tuple[float, float, float], y: Tensor, space: Workspace) -> Tensor:
    """p₀ + p₁ y + p₂ y², in one or two passes over memory."""
    p0, p1, p2 = p
    if p2 == 0.0:
        found = space.product(y, p1)
        return found.add_(p0) if p0 else found
    base = space.numbers((p0,), y)
    found = torch.addcmul(base, y, y, value=p2, out=space.like(y))
    return found.add_(y, alpha=p1) if p1 else found


def _quadratic_function(
    name: str, value: Value, p: tuple[float, float, float], pullback: Pullback | None = None
) -> SmoothFunction:
    return SmoothFunction(name, value, _riccati(p), p, pullback)


def _pull_back_tanh(t: Tensor, y: Tensor, out: Tensor | None) -> Tensor:
    if out is None:
        found: Tensor = torch.ops.aten.tanh_backward.default(t, y)
        return found
    torch.ops.aten.tanh_backward.grad_input(t, y, grad_input=out)
    return out


def _pull_back_sigmoid(t: Tensor, y: Tensor, out: Tensor | None) -> Tensor:
    if out is None:
        found: Tensor = torch.ops.aten.sigmoid_backward.default(t, y)
        return found
    torch.ops.aten.sigmoid_backward.grad_input(t, y, grad_input=out)
    return out


def _pull_back_exp(t: Tensor, y: Tensor, out: Tensor | None) -> Tensor:
    return torch.mul(t, y, out=out)


def _tanh_value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
    # tanh z = 2 σ(2z) − 1 is right to one unit in the last place of 1, and three times faster here than torch.tanh,
    # which on its own costs more than the layer's matrix product.
    torch.mul(z, 2.0, out=out)
    torch.sigmoid(out, out=out)
    torch.add(space.numbers((-1.0,), z), out, alpha=2.0, out=out)
    return ()


TANH = _quadratic_function("tanh", _tanh_value, (1.0, 0.0, -1.0), _pull_back_tanh)
SIGMOID = _quadratic_function("sigmoid", by_out(torch.sigmoid), (0.0, 1.0, -1.0), _pull_back_sigmoid)
EXP = _quadratic_function("exp", by_out(torch.exp), (0.0, 1.0, 0.0), _pull_back_exp)
TAN = _quadratic_function("tan", by_out(torch.tan), (1.0, 0.0, 1.0))
EXP2 = _quadratic_function("exp2", by_out(torch.exp2), (0.0, math.log(2.0), 0.0))
RECIPROCAL = _quadratic_function("reciprocal", by_out(torch.reciprocal), (0.0, 0.0, -1.0))


def _pair(
    name: str, first: Callable[..., Tensor], second: Callable[..., Tensor], signs: tuple[float, ...]
) -> SmoothFunction:
    """A function whose derivatives cycle through two functions, with these signs: sin, cos, sinh, cosh."""

    def value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
        first(z, out=out)
        return (second(z, out=space.like(z)),)

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        both = (y, extra[0])
        factors = [signs[m % 4] / math.factorial(m) for m in range(1, order + 1)]
        return [both[m % 2] if f == 1.0 else space.product(both[m % 2], f) for m, f in enumerate(factors, 1)]

    return SmoothFunction(name, value, taylor)


SIN = _pair("sin", torch.sin, torch.cos, (1.0, 1.0, -1.0, -1.0))
COS = _pair("cos", torch.cos, torch.sin, (1.0, -1.0, -1.0, 1.0))
SINH = _pair("sinh", torch.sinh, torch.cosh, (1.0, 1.0, 1.0, 1.0))
COSH = _pair("cosh", torch.cosh, torch.sinh, (1.0, 1.0, 1.0, 1.0))


def _logarithm(z: Tensor, order: int, factor: float = 1.0) -> list[Tensor]:
    """Coefficients 1 … order of factor · log z."""
    inverse = z.reciprocal()
    found = [inverse if factor == 1.0 else factor * inverse]
    for m in range(1, order):
        found.append(found[-1] * inverse * (-m / (m + 1)))
    return found


def _log(name: str, function: Callable[..., Tensor], factor: float = 1.0, shift: float = 0.0) -> SmoothFunction:
    """factor · log(z + shift)."""

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        return _logarithm(z + shift if shift else z, order, factor)

    return SmoothFunction(name, by_out(function), taylor)


LOG = _log("log", torch.log)
LOG2 = _log("log2", torch.log2, 1.0 / math.log(2.0))
LOG10 = _log("log10", torch.log10, 1.0 / math.log(10.0))
LOG1P = _log("log1p", torch.log1p, shift=1.0)


def _expm1_taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    full = y + 1.0
    return [full / math.factorial(m) for m in range(1, order + 1)]


EXPM1 = SmoothFunction("expm1", by_out(torch.expm1), _expm1_taylor)


def power(exponent: float) -> SmoothFunction:
    """z ↦ z^exponent, a real exponent; at z = 0 the derivatives are those of the polynomial where it is one."""

    def value(z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
        torch.pow(z, exponent, out=out)
        return ()

    def taylor(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
        found = []
        binomial = 1.0
        for m in range(1, order + 1):
            binomial *= (exponent - m + 1) / m
            found.append(torch.zeros_like(z) if binomial == 0.0 else torch.pow(z, exponent - m).mul_(binomial))
        return found

    return SmoothFunction(f"pow({exponent:g})", value, taylor)


def times_argument(z: Tensor, gate: Sequence[Tensor], space: Workspace) -> list[Tensor]:
    """Coefficients 1 … of z · gate(z), from those of the gate, 0 …."""
    return [torch.addcmul(gate[m - 1], z, gate[m], out=space.like(z)) for m in range(1, len(gate))]


def integrated(slope: Sequence[Tensor]) -> list[Tensor]:
    """Coefficients 1 … of φ, from those of φ', 0 …."""
    return [g if k == 0 else g / (k + 1) for k, g in enumerate(slope)]
