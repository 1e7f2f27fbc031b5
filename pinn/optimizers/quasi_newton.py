"""BFGS and its self-scaled relatives with a dense inverse Hessian H (p, p), for p up to a few thousand.

All are members of Broyden's family with scaling τ and parameter φ,

    H ← (H − Hy yᵀH / yᵀHy + φ v vᵀ)/τ + s sᵀ / yᵀs,     v = √(yᵀHy) (s / yᵀs − Hy / yᵀHy),

which differ in the two numbers. With b = sᵀBs/yᵀs, h = yᵀHy/yᵀs, B = H⁻¹ (Bs = −t g, so b costs nothing):

| method | φ | τ |
|---|---|---|
| `BFGS` | 1 | 1 |
| `SSBFGS` | 1 | min(1, 1/b)  (Oren, Luenberger 1974; Al-Baali 1998) |
| `SSBroyden` | (1 − η)/(1 + ηa), a = hb − 1 | τ₁ min(σ^{−1/(p−1)}, 1/η) if η > 0, else min(τ₁ σ^{−1/(p−1)}, σ) |

where for SSBroyden τ₁ = min(1, 1/b), c = √(a/(a+1)), ρ = min(1, h(1 − c)), η = max((ρ − 1)/a, min(1/ρ, (1 − b)/b)) and
σ = 1 + ηa. Urbán, Stefanou, Pons (2405.04230, sec. 3) brought them to PINNs; Kiyani et al. (2501.16371) compare them.
The first H is (s·y/y·y) I after the first step (Nocedal, Wright, eq. 6.20). New points drop H.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor

from pinn.optimizers.descent import Descent
from pinn.validation import fraction


class QuasiNewton(Descent):
    """A member of Broyden's family; see the module.

    Args:
        slope: c₂ of the strong Wolfe conditions.

    Raises:
        ValueError: for a slope outside (0, 1).
    """

    _state = ("_H", "_theta", "_gradient", "_loss")

    def __init__(self, *, slope: float = 0.9) -> None:
        fraction(type(self).__name__, slope=slope)
        self._c2 = slope
        self._H: Tensor | None = None

    def memory_of_step(self, rows: int, parameters: int, itemsize: int = 8) -> float:
        """See `Optimizer.memory_of_step`: H, twice while it is first made."""
        return 16.0 * parameters**2

    def flops(self, rows: int, parameters: int) -> float:
        """See `Optimizer.flops`."""
        return 100.0 * parameters**2  # three passes over H, which memory bounds

    @abstractmethod
    def _family(self, b: float, h: float, p: int) -> tuple[float, float]:
        """τ and φ for the two numbers of the module and the number of parameters."""

    @property
    def _memoryless(self) -> bool:
        return self._H is None

    def _forget(self) -> None:
        self._H = None

    def _direction(self, gradient: Tensor) -> Tensor:
        return -gradient if self._H is None else -(self._H @ gradient)

    def _learn(self, s: Tensor, y: Tensor, gradient: Tensor, t: float) -> None:
        ys = float(y.dot(s))
        if self._H is None:
            scale = ys / float(y.dot(y))
            self._H = scale * torch.eye(s.numel(), dtype=s.dtype, device=s.device)
            b = float(s.dot(s)) / scale / ys
        else:
            b = -t * float(s.dot(gradient)) / ys
        Hy = self._H @ y
        yHy = float(y.dot(Hy))
        if not (yHy > 0 and math.isfinite(b * yHy / ys)):
            # H is no longer positive definite in floating point: start anew from here.
            self._H = None
            return
        tau, phi = self._family(b, yHy / ys, s.numel())
        v = math.sqrt(yHy) * (s / ys - Hy / yHy)
        left = torch.stack([Hy / (-yHy * tau), v * (phi / tau), s / ys], dim=1)
        # One pass over H for all three terms.
        torch.addmm(self._H, left, torch.stack([Hy, v, s]), beta=1 / tau, out=self._H)


class BFGS(QuasiNewton):
    """Broyden, Fletcher, Goldfarb, Shanno: φ = τ = 1; see the module.

    Example:
        >>> BFGS().redraws
        False
    """

    def _family(self, b: float, h: float, p: int) -> tuple[float, float]:
        return 1.0, 1.0


class SSBFGS(QuasiNewton):
    """Self-scaled BFGS: H is scaled up where it proves too small; see the module."""

    def _family(self, b: float, h: float, p: int) -> tuple[float, float]:
        return min(1.0, 1 / b), 1.0


class SSBroyden(QuasiNewton):
    """Self-scaled Broyden; see the module."""

    def _family(self, b: float, h: float, p: int) -> tuple[float, float]:
        # a ≥ 0 by Cauchy-Schwarz; at a = 0, s and Hy are parallel and all members of the family agree.
        a = h * b - 1
        first = min(1.0, 1 / b)
        if a <= 1e-12:
            return first, 1.0
        rho = min(1.0, h * (1 - math.sqrt(a / (a + 1))))
        eta = max((rho - 1) / a, min(1 / rho, (1 - b) / b))
        sigma = 1 + eta * a
        shrunk = sigma ** (-1 / max(p - 1, 1))
        tau = first * min(shrunk, 1 / eta) if eta > 0 else min(first * shrunk, sigma)
        return tau, (1 - eta) / (1 + eta * a)
