"""What an optimizer sees of a problem, rows r(θ) (N,) with their derivative J (N, p), and how constraints make rows.

    f(θ) = ½ |r(θ)|²,     r_c = R_c (s_c ∘ ρ_c)

ρ_c (n, q) are the residuals of constraint c at its n points, s_c (n,) the scale of each point, and R_c is linear, the
constraint's reduction: `Rows` leaves every residual a row of its own, `Integral` sums them over the points, one row a
component. J = R_c ∂(s_c ∘ ρ_c)/∂θ then follows, and all that is made of it. A weak form, Σ_i φ_t(x_i) s_i ρ(x_i), and
sums that several processes have parts of are further reductions: a class here, and nothing elsewhere.

An optimizer knows `LeastSquares` and `pinn.linearization.Linearization` and nothing of equations, networks or points;
`pinn.objective.Objective` is what fills them for a differential problem.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pinn.linalg import Matrix
from pinn.linearization import Linearization

PIECE = 2048
"""Points whose activations and sensitivities are held at once."""


class LeastSquares(Protocol):
    """f(θ) = ½ |r(θ)|² on fixed points and weights, with N rows and p parameters; see `pinn.objective.Objective`."""

    size: int
    dtype: torch.dtype
    device: torch.device

    @property
    def rows(self) -> int:
        """Number N of rows."""

    @property
    def squares(self) -> bool:
        """Whether f is ½ |r|²; False where integrals of energies are added, of which rows tell nothing."""

    def vector(self) -> Tensor:
        """A copy of the parameters θ, shape (p,)."""

    def assign(self, theta: Tensor) -> None:
        """Write the parameters from θ (p,)."""

    def parameters(self) -> Sequence[torch.nn.Parameter]:
        """The parameters, in the order of the flat vector."""

    def residual(self) -> Tensor:
        """Rows r (N,), without a graph."""

    def loss(self) -> Tensor:
        """f, 0-d, without a graph."""

    def differentiable_loss(self) -> Tensor:
        """f, 0-d, with a graph to the parameters."""

    def gradient(self) -> tuple[Tensor, Tensor]:
        """f (0-d) and Jᵀr (p,)."""

    def linearize(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """r (N,) and J (N, p), written into `out` where given."""

    def held(self, out: Matrix | None = None) -> tuple[Tensor, Matrix]:
        """r (N,), and J (N, p) to multiply with, wherever its rows lie; `out` is an earlier one to be overwritten."""

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """f (0-d), Jᵀr (p,) and JᵀJ (p, p), block by block."""

    def operator(self) -> Linearization:
        """Matrix-free products with J at the current θ."""

    def pieces(self) -> Iterator[tuple[slice, Linearization]]:
        """The same piece by piece, one held at a time: rows of r, and products with those rows of J; they add up."""


class StackedLinearization:
    """r (N,), J v and Jᵀ w of several linearizations over the same parameters, their rows one below the other.

    Args:
        parts: at least one.
    """

    def __init__(self, parts: Sequence[Linearization]) -> None:
        self._parts = list(parts)
        self.residual = torch.cat([part.residual for part in parts])

    def jvp(self, v: Tensor) -> Tensor:
        """J v, shape (N,), for v of shape (p,)."""
        return torch.cat([part.jvp(v) for part in self._parts])

    def vjp(self, w: Tensor) -> Tensor:
        """Jᵀ w, shape (p,), for w of shape (N,)."""
        pieces = w.split([part.residual.numel() for part in self._parts])
        first, *others = (part.vjp(piece) for part, piece in zip(self._parts, pieces, strict=True))
        return sum(others, start=first)


class PointwiseResiduals(Protocol):
    """The scaled residuals s ∘ ρ (n, q) of one constraint and their derivative; row i q + j is component j at point i.

    This is what a reduction is given; with q components, p parameters.
    """

    @property
    def scale(self) -> Tensor:
        """s, shape (n,), in the precision and place of everything here."""

    @property
    def per_point(self) -> int:
        """q."""

    @property
    def size(self) -> int:
        """p."""

    def values(self) -> Tensor:
        """s ∘ ρ, shape (n, q), with a graph to the parameters where grad mode is on."""

    def pullback(self, value: Tensor) -> Tensor:
        """Gradient (p,) of a 0-d tensor that was made of `values`."""

    def gradient(self) -> tuple[Tensor, Tensor]:
        """½ |s ∘ ρ|², 0-d, and its gradient (p,)."""

    def linearize(self, out: Tensor) -> Tensor:
        """s ∘ ρ, shape (n, q); its derivative (n q, p) is written into `out`."""

    def gram(self) -> tuple[Tensor, Tensor, Tensor]:
        """½ |s ∘ ρ|², 0-d, its gradient (p,), and the Gram matrix (p, p) of its derivative."""

    def pieces(self, size: int) -> Iterator[tuple[slice, Linearization]]:
        """Piece by piece, each when it is asked for: which points, at most `size`, and their entries of s ∘ ρ."""


class Reduction(ABC):
    """A linear map R from a constraint's scaled residuals s ∘ ρ (n, q) to its rows r of the least-squares problem.

    Each method answers a question that the objective is asked, in whatever way costs least for this map.
    """

    @property
    @abstractmethod
    def pointwise(self) -> bool:
        """Whether each row is one residual at one point, so that points can be weighed and chosen by their rows."""

    @abstractmethod
    def scale(self, n: int, weight: float, point_weights: Tensor | None, like: Tensor) -> Tensor:
        """The scale s of each point's residuals.

        Args:
            n: number of points.
            weight: w of the constraint in the loss, dimensionless.
            point_weights: λ of each point, (n,), dimensionless; None for ones.
            like: a tensor of the wanted precision and place.

        Returns:
            s, shape (n,).
        """

    @abstractmethod
    def stated(self, residuals: Tensor) -> Tensor:
        """What the constraint states to be zero, without weights, from its residuals ρ (n, q): shape (m, q)."""

    @abstractmethod
    def count(self, n: int, q: int) -> int:
        """Number of rows that n points with q components give."""

    @abstractmethod
    def touched(self, points: slice, q: int) -> slice:
        """The rows that these points have a part in, as numbers among the constraint's rows."""

    @abstractmethod
    def reduce(self, residuals: Tensor) -> Tensor:
        """R on scaled residuals (n, q), as one vector of rows; with a graph where they have one."""

    @abstractmethod
    def products(self, pointwise: Linearization, q: int) -> Linearization:
        """r = R (s ∘ ρ) and products with its J, from those of s ∘ ρ, q components a point, on all or some points."""

    @abstractmethod
    def gradient(self, residuals: PointwiseResiduals) -> tuple[Tensor, Tensor]:
        """½ |r|², 0-d, and its gradient (p,)."""

    @abstractmethod
    def linearize(self, residuals: PointwiseResiduals, out: Tensor) -> Tensor:
        """r; J is written into `out`, one line a row of r, p columns."""

    @abstractmethod
    def gram(self, residuals: PointwiseResiduals) -> tuple[Tensor, Tensor, Tensor]:
        """½ |r|², 0-d, Jᵀr (p,) and JᵀJ (p, p), without holding the derivative of all residuals."""


@dataclass(frozen=True)
class Rows(Reduction):
    """Every residual is a row, r = s ∘ ρ with s = √(λ w / n): then ½ |r|² is w/2 times the mean of λ ρ².

    Example:
        >>> Rows().scale(4, 1.0, None, torch.zeros(()))
        tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """

    @property
    def pointwise(self) -> bool:
        """Yes."""
        return True

    def scale(self, n: int, weight: float, point_weights: Tensor | None, like: Tensor) -> Tensor:
        """√(λ w / n)."""
        scale = torch.full((n,), (weight / n) ** 0.5, dtype=like.dtype, device=like.device)
        return scale if point_weights is None else scale * point_weights.to(like).sqrt()

    def stated(self, residuals: Tensor) -> Tensor:
        """The residuals, (n, q)."""
        return residuals

    def count(self, n: int, q: int) -> int:
        """One a residual."""
        return n * q

    def touched(self, points: slice, q: int) -> slice:
        """Their own."""
        return slice(points.start * q, points.stop * q)

    def reduce(self, residuals: Tensor) -> Tensor:
        """The residuals, point by point."""
        return residuals.reshape(-1)

    def products(self, pointwise: Linearization, q: int) -> Linearization:
        """The same."""
        return pointwise

    def gradient(self, residuals: PointwiseResiduals) -> tuple[Tensor, Tensor]:
        """See `Reduction.gradient`."""
        return residuals.gradient()

    def linearize(self, residuals: PointwiseResiduals, out: Tensor) -> Tensor:
        """See `Reduction.linearize`."""
        return residuals.linearize(out).reshape(-1)

    def gram(self, residuals: PointwiseResiduals) -> tuple[Tensor, Tensor, Tensor]:
        """See `Reduction.gram`."""
        return residuals.gram()


@dataclass(frozen=True)
class Integral(Reduction):
    """One row a component, the mean of the residuals over the points times the measure of the set: r = √w |Ω| mean(ρ).

    A point's weight has no meaning for a sum that vanishes only as a whole, and is left out.

    Args:
        measure: |Ω| of the set, in the units of its coordinates' product.

    Example:
        >>> Integral(2.0).stated(torch.tensor([[1.0], [3.0]]))
        tensor([[4.]])
    """

    measure: float

    @property
    def pointwise(self) -> bool:
        """No."""
        return False

    def scale(self, n: int, weight: float, point_weights: Tensor | None, like: Tensor) -> Tensor:
        """√w |Ω| / n."""
        return torch.full((n,), self.measure * weight**0.5 / n, dtype=like.dtype, device=like.device)

    def stated(self, residuals: Tensor) -> Tensor:
        """The integral, (1, q)."""
        return residuals.mean(0, keepdim=True) * self.measure

    def count(self, n: int, q: int) -> int:
        """One a component."""
        return q

    def touched(self, points: slice, q: int) -> slice:
        """All."""
        return slice(0, q)

    def reduce(self, residuals: Tensor) -> Tensor:
        """The sum over points, (q,)."""
        return residuals.sum(0)

    def products(self, pointwise: Linearization, q: int) -> Linearization:
        """Sums over the points, and vectors that are the same at each of them."""
        return _Summed(pointwise, q)

    def gradient(self, residuals: PointwiseResiduals) -> tuple[Tensor, Tensor]:
        """See `Reduction.gradient`."""
        with torch.enable_grad():
            value = 0.5 * self.reduce(residuals.values()).pow(2).sum()
        return value.detach(), residuals.pullback(value)

    def linearize(self, residuals: PointwiseResiduals, out: Tensor) -> Tensor:
        """See `Reduction.linearize`; by pieces of the points."""
        q = residuals.per_point
        row = out.new_zeros(q)
        out.zero_()
        for _, pointwise in residuals.pieces(PIECE):
            piece = self.products(pointwise, q)
            row += piece.residual
            for j, component in enumerate(torch.eye(q, dtype=out.dtype, device=out.device)):
                out[j] += piece.vjp(component)
            del pointwise, piece  # before the next is made
        return row

    def gram(self, residuals: PointwiseResiduals) -> tuple[Tensor, Tensor, Tensor]:
        """See `Reduction.gram`."""
        jacobian = residuals.scale.new_empty(residuals.per_point, residuals.size)
        row = self.linearize(residuals, jacobian)
        return 0.5 * row.dot(row), jacobian.T @ row, jacobian.T @ jacobian


class _Summed:
    """Rows that are sums over the points of entries i q + j, and products with their derivative."""

    def __init__(self, pointwise: Linearization, q: int) -> None:
        self._pointwise, self._q = pointwise, q
        self.residual = self._sum(pointwise.residual)

    def _sum(self, entries: Tensor) -> Tensor:
        return entries.view(-1, self._q).sum(0)

    def jvp(self, v: Tensor) -> Tensor:
        """J v, shape (q,), for v of shape (p,)."""
        return self._sum(self._pointwise.jvp(v))

    def vjp(self, w: Tensor) -> Tensor:
        """Jᵀ w, shape (p,), for w of shape (q,)."""
        return self._pointwise.vjp(w.repeat(self._pointwise.residual.numel() // self._q))
