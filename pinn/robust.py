"""Robust losses: rows that are far larger than the others count less.

A robust loss replaces half the square of a row in units of its noise, t = r / sigma, by ρ(t), which grows more slowly.
Its minimum is that of a least-squares problem whose rows have the weights

    λ(t) = ρ'(t) / t,

which are taken at the present rows and renewed as they change (iteratively reweighted least squares: Holland, Welsch,
Commun. Statist. A6 (1977) 813; Huber, Robust Statistics (1981), section 7.8). So an optimizer sees nothing but least
squares. Where sigma is not stated it is 1.4826 times the median of the rows' sizes, which a normal distribution has and
outliers hardly move (Hampel, J. Amer. Statist. Assoc. 69 (1974) 383).
The constants give 95 % of the efficiency of least squares on normal noise (Holland, Welsch, table 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from pinn.validation import positive

_NORMAL = 1.4826  # standard deviation of a normal distribution over the median of its absolute values


@runtime_checkable
class RobustLoss(Protocol):
    """What `Constraint(robust=...)` takes: a loss known by the weights of its rows."""

    def weights(self, t: Tensor) -> Tensor:
        """λ(t) in (0, 1] of rows t = r / sigma, dimensionless, of any shape."""


@dataclass(frozen=True)
class Huber:
    """Quadratic up to a threshold, linear beyond it: λ = min(1, threshold / |t|). Convex.

    Args:
        threshold: in standard deviations.

    Raises:
        ValueError: when the threshold is not positive and finite.

    Example:
        >>> Huber(1.0).weights(torch.tensor([0.5, -4.0]))
        tensor([1.0000, 0.2500])
    """

    threshold: float = 1.345

    def __post_init__(self) -> None:
        positive("Huber", threshold=self.threshold)

    def weights(self, t: Tensor) -> Tensor:
        """See `RobustLoss.weights`."""
        return (self.threshold / t.abs().clamp_min(self.threshold)).clamp_max(1.0)


@dataclass(frozen=True)
class Cauchy:
    """Logarithmic far out, λ = 1 / (1 + (t / scale)²): wild rows lose all influence. Not convex.

    Args:
        scale: in standard deviations.

    Raises:
        ValueError: when the scale is not positive and finite.

    Example:
        >>> Cauchy(1.0).weights(torch.tensor([0.0, 3.0]))
        tensor([1.0000, 0.1000])
    """

    scale: float = 2.385

    def __post_init__(self) -> None:
        positive("Cauchy", scale=self.scale)

    def weights(self, t: Tensor) -> Tensor:
        """See `RobustLoss.weights`."""
        return 1.0 / (1.0 + (t / self.scale) ** 2)


def spread(rows: Tensor) -> float:
    """The standard deviation that the middle of the rows shows, in their units; outliers hardly move it.

    Example:
        >>> spread(torch.tensor([-1.0, 1.0, 0.5, 1000.0, -1.2])) < 2
        True
    """
    return _NORMAL * float(torch.median(rows.detach().abs().reshape(-1)))
