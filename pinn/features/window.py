"""One window of time: collocation by fixed neurons in space and time, and the Gauss-Newton steps on their weights.

    N(x, t) = g_0(x) + Σ_i Σ_{k≤P} c_ik φ_i(x) (T_k(τ) − T_k(−1)),    τ = 2 (t − t₀)/h − 1 ∈ [−1, 1]

g_0 is the value at the start t₀, so that the start is met exactly. The equations hold at P Radau nodes, the last of
which is the end: the rows in time are Radau's implicit Runge-Kutta method of order 2P − 1, which damps what is stiff.
An output of order q = 2 in time starts from g_0 and the derivative g_1 too. Its second derivative at the nodes is that
of the polynomial v of degree P through g_1 and N_t at the nodes, as in Radau's method for N_t = v, v_t = …, and the
output that is kept is g_0 + ∫ v, which has both values at both ends: joined windows are as smooth as the order in time
asks. T_k'' in the place of v_t is not stable, with as many rows or with least squares and twice as many: the string
reaches 10¹³ after 37 windows. An output without a time derivative has T_0 … T_{P−1} and no start.
In space they hold at nodes that are evenly spread where periodic, else Chebyshev's; boundary rows are added.

Neurons are tabulated with their derivatives once for a grid (`pinn.derivatives.jets.given`), so that rows are
products of small matrices and J is assembled from the sensitivities of the equation alone. One factorisation serves
several steps while they shrink.

With fewer nodes in space by the number of boundary rows J is square.

Source: Hairer, Wanner, Solving Ordinary Differential Equations II (1996), IV.5 and IV.8; Boyd, Chebyshev and Fourier
Spectral Methods (2001), ch. 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.polynomial import chebyshev, legendre
from torch import Tensor

from pinn.derivatives.jets.given import GivenField
from pinn.features.plane import Neurons
from pinn.features.space import Space, polynomials

FAST = 0.2  # a step shrinks to this part or less: the factorisation serves once more
_STEPS = 15  # in a window at the most
# Operations, at the 5·10¹⁰ a second of `pinn.training.work`, in whose time are made: p³ of a factorisation, an entry of
# J. Of burgers_smooth's 5 s, 33 factorisations of up to 2 415 columns took 2.6 s, J 1.5 s.
_LU, _ENTRY = 1.2, 800.0


def radau(count: int) -> Tensor:
    """The P Radau nodes in (−1, 1], ascending: where P_P and P_{P−1} are equal.

    Example:
        >>> [round(node, 6) for node in radau(2).tolist()]
        [-0.333333, 1.0]
    """
    difference = np.zeros(count + 1)
    difference[count], difference[count - 1] = 1.0, -1.0
    nodes = np.sort(legendre.legroots(difference).real)
    nodes[-1] = 1.0
    return torch.from_numpy(nodes)


def monomials(order: int, length: float) -> Tensor:
    """(t − t₀)^j / j! for j < q as rows (q, q) of coefficients of T_0 … T_{q−1}, in a window of this length h."""
    found = torch.zeros(order, order, dtype=torch.float64)
    for j in range(order):
        found[j, : j + 1] = torch.from_numpy(chebyshev.chebpow([1.0, 1.0], j)) * (0.5 * length) ** j / math.factorial(j)
    return found


@dataclass(frozen=True, eq=False)
class Nodes:
    """Radau nodes of one window, and what polynomials and their time derivatives are there.

    Coefficients of one neuron in space are those of T_0 … T_P, and after them g_1 … g_{q−1}.

    Attributes:
        count: P.
        order: q, the highest of all outputs; 1 at least.
        length: h.
    """

    count: int
    order: int
    length: float

    @cached_property
    def tau(self) -> Tensor:
        """The nodes (P,)."""
        return radau(self.count)

    @property
    def width(self) -> int:
        """Number of coefficients, P + q."""
        return self.count + self.order

    @cached_property
    def _inverse(self) -> Tensor:
        """Values at the start and the nodes -> coefficients of the polynomial through them."""
        return torch.linalg.inv(polynomials(torch.cat([-torch.ones(1, dtype=torch.float64), self.tau]), self.count + 1))

    def tables(self) -> list[Tensor]:
        """By order b ≤ q: (P, width), coefficients -> the derivative at the nodes."""
        rate = 2 / self.length
        slopes = polynomials(self.tau, self.count + 1, 1) @ self._inverse * rate
        found: list[Tensor] = []
        for b in range(self.order + 1):
            table = torch.zeros(self.count, self.width, dtype=torch.float64)
            if b < 2:
                table[:, : self.count + 1] = polynomials(self.tau, self.count + 1, b) * rate**b
            else:
                table += slopes[:, 1:] @ found[-1]
                table[:, self.count + b - 1] += slopes[:, 0]
            found.append(table)
        return found

    def free(self, order: int) -> Tensor:
        """ψ (P, width) of an output of this order."""
        found = torch.zeros(self.count, self.width, dtype=torch.float64)
        k = torch.arange(self.count)
        found[k, k + min(order, 1)] = 1.0
        if order:
            found[:, 0] = 1.0 - 2.0 * (k % 2).to(torch.float64)  # −T_{k+1}(−1)
        return found

    def fixed(self, values: Tensor) -> Tensor:
        """(M, width) of the values and derivatives g (M, q_o) at the start."""
        found = torch.zeros(values.shape[0], self.width, dtype=torch.float64)
        if values.shape[1]:
            found[:, 0] = values[:, 0]
            found[:, self.count + 1 : self.count + values.shape[1]] = values[:, 1:]
        return found

    def joined(self, coefficients: Tensor, values: Tensor) -> Tensor:
        """(M, width) coefficients of T_0 … of the output that has the derivatives g at the start: v integrated."""
        order = values.shape[1]
        found = torch.zeros(coefficients.shape[0], self.width, dtype=torch.float64)
        if order < 2:
            found[:, : self.count + 1] = coefficients[:, : self.count + 1]
            return found
        at_nodes = self.tables()[order - 1] @ coefficients.T
        series = (self._inverse @ torch.cat([values[:, order - 1 :].T, at_nodes])).numpy()
        for j in range(order - 2, -1, -1):
            series = chebyshev.chebint(series, scl=0.5 * self.length, lbnd=-1)
            series[0] += values[:, j].numpy()
        found[:, : series.shape[0]] = torch.from_numpy(series).T
        return found


@dataclass(frozen=True, eq=False)
class Field:
    """The network in one window: coefficients (m, M, K) of φ_i(x) T_k(τ).

    Attributes:
        space: neurons in space.
        coefficients: c.
        start, length: t₀ and h, in the problem's units.
    """

    space: Neurons
    coefficients: Tensor
    start: float
    length: float

    def at_end(self, orders: Sequence[int]) -> list[Tensor]:
        """g (M, q_o) of each output at the end of the window."""
        end = torch.ones(1, dtype=torch.float64)
        count = self.coefficients.shape[2]
        tables = [polynomials(end, count, j)[0] * (2 / self.length) ** j for j in range(max(orders, default=0))]
        return [
            torch.stack([c @ tables[j] for j in range(q)], 1) if q else c.new_zeros(c.shape[0], 0)
            for c, q in zip(self.coefficients, orders, strict=True)
        ]

    def ends(self) -> Tensor:
        """(2 m, M): coefficients of all outputs at the start of the window, and at its end."""
        signs = 1.0 - 2.0 * (torch.arange(self.coefficients.shape[2]) % 2).to(torch.float64)
        return torch.cat([self.coefficients @ signs, self.coefficients.sum(2)])

    def tails(self) -> tuple[float, float]:
        """The last coefficients in space and in time, over the size of all; what they are on average where neurons have
        a map, which are dense where little of the domain is.
        """
        size = self.coefficients.abs()
        whole = max(float(size.amax()), 1e-300)
        if isinstance(self.space, Space) and self.space.map is not None:
            last = max(2, self.space.count // 10)
            parts = torch.zeros_like(self.coefficients)
            parts[:, -last:] = self.coefficients[:, -last:]
            in_space, in_time = (self.space.size(one) / whole for one in (parts, self.coefficients[:, :, -2:]))
            return in_space, in_time
        in_time = float(size[:, :, -2:].sum(2).amax()) / whole
        return self.space.last(size) / whole, in_time


class Rows:
    """One constraint on a grid of space points and times, as rows of the network's coefficients there.

    Args:
        given: the constraint at the points of the grid, in the order (space, time).
        axis: number of the time coordinate.
        space: neurons in space.
        x: points of space (n_x,), in a plane (n_x, 2).
        times: by order, coefficients in time -> derivatives at the times (n_t, K).
    """

    def __init__(self, given: GivenField, axis: int, space: Neurons, x: Tensor, times: Sequence[Tensor]) -> None:
        self.given, self._times, self._shape = given, times, (x.shape[0], times[0].shape[0])
        self.places = x.shape[0]
        self._terms: list[list[tuple[Any, int, float]]] = []
        for operator in given.operators:
            split = [(space.orders(monomial), monomial.count(axis), float(c)) for monomial, c in operator.items()]
            self._terms.append(split)
        pairs = {(a, b) for terms in self._terms for a, b, _ in terms}
        self._space = {a: space.table(x, a) for a, _ in pairs}

    def stack(self, coefficients: Tensor) -> Tensor:
        """s (entries, n_x n_t, m) of the network with these coefficients (m, M, K)."""
        times = self._times
        values: dict[tuple[Any, int], Tensor] = {}
        entries = []
        for terms in self._terms:
            total = None
            for a, b, c in terms:
                if (a, b) not in values:
                    values[a, b] = (self._space[a] @ coefficients @ times[b].T).reshape(coefficients.shape[0], -1).T
                part = values[a, b] * c
                total = part if total is None else total + part
            entries.append(total)
        return torch.stack([entry for entry in entries if entry is not None])

    def residual(self, coefficients: Tensor) -> Tensor:
        """Rows, (n_x n_t q,)."""
        return self.given(self.stack(coefficients), slopes=False)[0].reshape(-1)

    def linear(self, coefficients: Tensor) -> tuple[Tensor, Linear]:
        """Rows, and what they change by with the coefficients."""
        rows, slopes = self.given(self.stack(coefficients))
        weights: dict[tuple[Any, int], Tensor] = {}
        for k, terms in enumerate(self._terms):
            for a, b, c in terms:
                part = c * slopes[:, k]
                weights[a, b] = weights[a, b] + part if (a, b) in weights else part
        shaped = {key: value.reshape(value.shape[0], *self._shape, -1) for key, value in weights.items()}
        return rows.reshape(-1), Linear(shaped, self._space, self._times)

    def linearize(self, coefficients: Tensor, free: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Rows and J (rows, Σ_o M P_o) by the weights of the neurons free[o] (P_o, K) of each output."""
        rows, linear = self.linear(coefficients)
        return rows, linear.matrix(free)


@dataclass(frozen=True, eq=False)
class Linear:
    """∂r of one constraint on a grid, Σ_ab w_ab ∂_x^a ∂_t^b: rows in the order (space, time, component).

    In a plane a is a pair of orders.

    Attributes:
        weights: (a, b) -> w (q, n_x, n_t, m).
        space: a -> (n_x, M), derivatives of the neurons in space.
        times: by b: (n_t, K), of those in time.
    """

    weights: dict[tuple[Any, int], Tensor]
    space: dict[Any, Tensor]
    times: Sequence[Tensor]

    @property
    def neurons(self) -> int:
        """M in space."""
        return next(iter(self.space.values())).shape[1]

    @property
    def components(self) -> int:
        """q."""
        return next(iter(self.weights.values())).shape[0]

    @property
    def rows(self) -> int:
        """q n_x n_t."""
        return next(iter(self.weights.values()))[..., 0].numel()

    @property
    def order(self) -> int:
        """The highest order in time."""
        return max(b for _, b in self.weights)

    def matrix(self, free: Sequence[Tensor]) -> Tensor:
        """J (rows, Σ_o M P_o) by the weights of the neurons free[o] (P_o, K) of each output."""
        blocks = []
        for output, psi in enumerate(free):
            if not psi.shape[0]:
                continue
            in_space: dict[Any, Tensor] = {}
            for (a, b), weight in self.weights.items():
                part = weight[..., output : output + 1] * (self.times[b] @ psi.T)
                in_space[a] = in_space[a] + part if a in in_space else part
            block = None
            for a, part in in_space.items():
                product = self.space[a][None, :, None, :, None] * part[:, :, :, None, :]
                block = product if block is None else block.add_(product)
            assert block is not None
            blocks.append(block.permute(1, 2, 0, 3, 4).reshape(self.rows, -1))
        return torch.cat(blocks, 1)

    def applied(self, coefficients: Tensor) -> Tensor:
        """What the rows change by with these coefficients (m, M, K), (rows,)."""
        total: Tensor | None = None
        for (a, b), weight in self.weights.items():
            values = (self.space[a] @ coefficients @ self.times[b].T).permute(1, 2, 0)
            part = (weight * values).sum(-1)
            total = part if total is None else total + part
        assert total is not None
        return total.permute(1, 2, 0).reshape(-1)

    def averaged(self, order: int) -> Tensor:
        """(q n_x, m M): the part of this order in time, at the mean over time of w."""
        (q, nx, _, m), M = next(iter(self.weights.values())).shape, self.neurons
        found = torch.zeros(q, nx, m, M, dtype=torch.float64)
        for (a, b), weight in self.weights.items():
            if b == order:
                found += weight.mean(2)[..., None] * self.space[a][None, :, None, :]
        return found.reshape(q * nx, m * M)


@dataclass(frozen=True, eq=False)
class Steps:
    """What Gauss-Newton steps found: the weights, whether they converged, and operations."""

    weights: Tensor
    converged: bool
    work: float


Solver = Callable[[Sequence["Linear"], Sequence[Tensor]], tuple[Callable[[Tensor], "Tensor | None"], float]]
"""(constraints, neurons in time) -> r -> J⁺ r, or None where that fails; and operations."""


def descend(
    rows: Sequence[Rows],
    coefficients: Callable[[Tensor], Tensor],
    free: Sequence[Tensor],
    weights: Tensor,
    least: float,
    solver: Solver,
) -> Steps:
    """Steps w − J⁺ r until they are small, with a factorisation that is renewed when they shrink slowly.

    Args:
        rows: all constraints.
        coefficients: weights -> the network's coefficients (m, M, K), affine.
        free: neurons in time of each output.
        weights: the first guess.
        least: size of a step that ends it.
        solver: of the linear systems.
    """
    solve: Callable[[Tensor], Tensor | None] | None = None
    before, work, fresh = math.inf, 0.0, False
    for _ in range(_STEPS):
        now = coefficients(weights)
        if solve is None:
            parts = [one.linear(now) for one in rows]
            residual = torch.cat([part[0] for part in parts])
            if not all(bool(torch.isfinite(w).all()) for _, one in parts for w in one.weights.values()):
                return Steps(weights, False, work)
            solve, operations = solver([one for _, one in parts], free)
            work, fresh = work + operations, True
        else:
            residual, fresh = torch.cat([one.residual(now) for one in rows]), False
            work += 2.0 * residual.numel() ** 2
        step = solve(residual)
        size = math.inf if step is None else float(step.abs().max())
        if step is None or not math.isfinite(size):
            return Steps(weights, False, work)
        weights = weights - step
        if size <= least:
            return Steps(weights, True, work)
        if size > 2 * before and fresh:
            return Steps(weights, False, work)
        if size > FAST * before:
            if size < 1e3 * least and size > 0.5 * before:
                return Steps(weights, True, work)  # what is left is rounding
            solve = None
        before = size
    return Steps(weights, False, work)


def dense_solver(parts: Sequence[Linear], free: Sequence[Tensor]) -> tuple[Callable[[Tensor], Tensor | None], float]:
    """J⁺ as a function, and the operations that it took: LU where J is square, QR where it is tall."""
    jacobian = torch.cat([part.matrix(free) for part in parts])
    n, p = jacobian.shape
    if n == p:
        factors, pivots, info = torch.linalg.lu_factor_ex(jacobian)
        if int(info) == 0:
            return lambda r: torch.linalg.lu_solve(factors, pivots, r[:, None])[:, 0], _LU * p**3 + _ENTRY * p**2
    sizes = jacobian.norm(dim=0).clamp_min(1e-300)
    q, triangle = torch.linalg.qr(jacobian / sizes)
    work = 4 * n * p**2 + _ENTRY * n * p

    def solve(r: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(triangle, (q.T @ r)[:, None], upper=True)[:, 0] / sizes

    return solve, work
