"""Eigenvalues of linear problems, by linear solves on fixed neurons.

    A(u) + λ B(u) = 0 in the domain,  conditions K(u) = 0       rows affine in u, and affine in λ: r = (A + λ B) c

On neurons φ with weights c the rows are matrices (`pinn.features`, and there why Chebyshev polynomials and the singular
functions of corners). About a shift σ the weights of the solution of A_σ v = −B u, A_σ = A + σB with the conditions
below it, are a linear function of those of u, found by one least-squares solve with as many right sides as neurons,

    C = argmin_C |A_σ C + U|,      B = U Σ Wᵀ,      Uᵀ B C g = g / (λ − σ),      c = C g

with U an orthonormal basis of what B gives, so that the neurons may be nearly dependent. The eigenvalues next to σ are
the largest of this matrix, which rounding perturbs least: inverse iteration with all vectors at once, in which nothing
needs deflation. The shift is put off the wanted place by a part of the Rayleigh quotients |A φ| / |B φ| of the lowest
neurons, so that A_σ is regular where zero is an eigenvalue.

Each pair is measured on points of its own: what (A + λB) c leaves of λ B c, and K c of c. What leaves more than a
thousandth is no eigenvalue of the problem. The number of neurons grows by half, following the coefficients of the
wanted functions, until the values do not change; the change of the last round is the error that is stated. Values
closer than ten times that (or than a part in 10⁸) count as one eigenvalue, whose multiplicity is told; functions of
values that agree to a part in 10⁸ are made orthonormal.

Source: Betcke, Trefethen, SIAM Review 47 (2005) 469, for measured tension and functions of the corner; Adcock,
Huybrechs, SIAM Review 61 (2019) 443, for regularised least squares on nearly dependent functions. At a corner the
eigenfunctions of the Laplacian are series of J_λ(√μ r) sin λθ (Fox, Henrici, Moler, SIAM J. Numer. Anal. 4 (1967) 89),
whose powers r^{λ+2j} `CornerFunctions` has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from pinn.ambient import plain_tensors
from pinn.derivatives import Jets
from pinn.domains import Points
from pinn.features.geometry import Corner, exponents, singularities
from pinn.features.multi_index import grown, simplex
from pinn.features.placement import place_points
from pinn.model import Model
from pinn.networks import Chebyshev, Enriched
from pinn.networks.chebyshev import Index
from pinn.networks.enriched import neurons
from pinn.objective import Equations, Objective
from pinn.problem import Problem, Unknown, choices
from pinn.sampling.budget import counts
from pinn.scales.values import Scales, unit_scales
from pinn.solution import History, Solution
from pinn.validation import count as counted
from pinn.validation import finite

_FIRST = {1: 24, 2: 90}  # polynomials of an output at first; 120 in more dimensions
_GROWTH = 1.5
_MOST = 900  # columns; S then takes 10 s of one core
_ROWS, _CONDITIONS = 3.0, 2.0  # rows of equations and of conditions for each column
_FRESH = 0.5  # points on which pairs are measured, of those of the solve
_TENSION = 1e-3  # of a pair, with more of which it is none
_OFF = 0.0618  # of the lowest Rayleigh quotient: how far the shift is off the wanted place
_SAME, _PAIR = 1e-8, 1e-5  # relative difference of values that are one, and of a complex pair that rounding made of one
_FURTHER = 4  # eigenvalues looked at beyond those asked for, so that multiplicities are whole
_RADIAL = 7  # powers of r² at a re-entrant corner; 2 at others
_ENOUGH, _STILL = 1e-13, 1e-6  # relative changes: of rounding, and of values that may stand still
_RCOND = 1e-14
_ITERATIONS = 6
_DEPENDENT = 1e-4  # singular value of B over the largest, below which columns are one
_NODES = {1: 100, 2: 32, 3: 16}  # an axis, for sizes of functions
_ORDER = 8
_LOW, _CONDITION = 4, 10.0


@dataclass(frozen=True, eq=False)
class Eigenpair:
    """One eigenvalue with its function.

    Attributes:
        value: λ.
        error: of the value, estimated: its change when the neurons last grew, and no less than rounding.
        multiplicity: number of independent functions of this value among those looked at; 2 for a degenerate pair.
        tension: what the function leaves of the equation and of the conditions on fresh points, relative.
        solution: u, with ∫ Σ u² = 1 over the domain and positive where it is largest. Functions of
            values that agree to a part in 10⁸ are orthogonal, and otherwise any basis of their space.
    """

    value: float
    error: float
    multiplicity: int
    tension: float
    solution: Solution

    def __str__(self) -> str:
        many = f", {self.multiplicity}-fold" if self.multiplicity > 1 else ""
        return f"{self.value:.15g} ± {self.error:.1e}{many}"


def eigenpairs(
    problem: Problem, name: str, n: int = 1, *, near: float = 0.0, columns: int = _MOST, seed: int = 0
) -> tuple[Eigenpair, ...]:
    """The real eigenvalues of a linear problem next to a number, and their functions; complex ones are left out.

    Args:
        problem: linear and homogeneous in its outputs: the equation holds for u = 0, and so do all conditions. One of
            its coefficients is the eigenvalue, which rows may take linearly, in equations and in conditions; the value
            that it is given does not matter.
        name: of that coefficient.
        n: number of eigenvalues, each counted as often as it has functions.
        near: the place next to which they are sought, in the units of the eigenvalue.
        columns: weights of fixed neurons at the most.
        seed: of the points.

    Returns:
        n pairs, in order of the values.

    Raises:
        ValueError: when there is no such coefficient, the rows are not linear, or too few real pairs hold there.

    Example:
        >>> from pinn import Box, Constraint, Problem, d
        >>> line = Box(x=(0, 1))
        >>> well = Problem(line, ["u"], {"equation": Constraint(lambda u, x, E: -0.5 * d(u, x, x) - E * u, on=line),
        ...                              "walls": Constraint(lambda u: u, on=line.boundary())}, {"E": 1.0})
        >>> [round(pair.value / (0.5 * torch.pi**2), 9) for pair in eigenpairs(well, "E", n=3)]
        [1.0, 4.0, 9.0]
    """
    counted("eigenpairs", 1, n=n)
    finite("eigenpairs", near=near)
    if name not in problem.coefficients:
        known = tuple(problem.coefficients)
        raise ValueError(f"eigenpairs: got {name!r}, expected a coefficient of the problem; {choices(name, known)}")
    if others := set(problem.unknowns) - {name}:
        raise ValueError(f"eigenpairs: got the unknowns {sorted(others)} beside {name!r}, expected none; give numbers")
    with plain_tensors(), torch.no_grad():
        return _Search(problem, name, n, float(near), columns, seed).run()


class _Search:
    """The rounds of one search."""

    def __init__(self, problem: Problem, name: str, n: int, near: float, columns: int, seed: int) -> None:
        self.name, self.n, self.near, self.columns = name, n, near, columns
        self.problem = _with(problem, name, Unknown(1.0))
        self.given = problem
        self.scales = unit_scales(self.problem)
        self.generator = torch.Generator().manual_seed(seed)
        self.singular = singularities(problem)
        self.sample, self.weights = problem.domain.quadrature(_NODES.get(problem.domain.dimension, 10))

    def run(self) -> tuple[Eigenpair, ...]:
        """Rounds until the values stand still or there are enough neurons."""
        dimension = self.problem.domain.dimension
        index = simplex(dimension, max(_FIRST.get(dimension, 120), 4 * self.n))
        radial = _RADIAL
        rounds: list[_Round] = []
        while True:
            found = _Round(self, self._bases(index, radial))
            found.solve()
            rounds.append(found)
            index = grown(found.sizes(index), math.ceil(_GROWTH * len(index)))
            radial += 1
            following = len(self.problem.outputs) * neurons(self._bases(index, radial))
            if self._settled(rounds) or following > self.columns:
                break
        best = min(range(len(rounds)), key=lambda k: max([*rounds[k].errors(rounds, k), 0.0]))
        return self._concluded(rounds[best], rounds[best].errors(rounds, best))

    def _settled(self, rounds: Sequence[_Round]) -> bool:
        """Whether the last change is rounding, or no less than the one before, which was small."""
        last = rounds[-1].errors(rounds, len(rounds) - 1)
        size = rounds[-1].scale + max(map(abs, rounds[-1].values[: self.n]), default=0.0)
        if len(last) < self.n or max(last) > _STILL * size:
            return False
        return max(last) <= _ENOUGH * size or max(last) > 0.3 * max(rounds[-2].errors(rounds, len(rounds) - 2))

    def _bases(self, index: Sequence[Index], radial: int) -> list[nn.Module]:
        layout = [2 if name in self.problem.periodic else 1 for name in self.problem.coordinates]

        def terms(corner: Corner) -> tuple[list[float], list[float], int]:
            reentrant = corner.opening > math.pi
            return exponents(corner.opening, _ORDER if reentrant else 4)[0], [], radial if reentrant else 2

        return [Chebyshev(layout, index), *self.singular.bases(self.problem, radial, terms)]

    def model(self, bases: Sequence[nn.Module], problem: Problem, scales: Scales) -> Model:
        """A model with these neurons, all weights out of them zero."""
        return Model(problem, partial(Enriched, bases=bases), generator=self.generator, scales=scales)

    def points(self, columns: int, part: float = 1.0) -> dict[str, Points]:
        """Points of each constraint, for so many columns."""
        sizes = counts(self.problem, max(40, math.ceil(_ROWS * columns)))
        found = {}
        for name, size in sizes.items():
            if self.problem.constraints[name].on.dimension < self.problem.domain.dimension:
                size = max(size, math.ceil(_CONDITIONS * columns / max(1, len(sizes) - 1)))
            found[name] = place_points(
                self.problem, name, max(1, math.ceil(part * size)), self.singular, self.generator
            )
        return found

    def _concluded(self, found: _Round, errors: list[float]) -> tuple[Eigenpair, ...]:
        held = sum(math.isfinite(error) for error in errors)
        if held < self.n:
            raise ValueError(
                f"eigenpairs: {held} of {self.n} eigenvalues next to {self.near:g} hold on fresh points; ask for "
                "fewer, give near=, or columns= for more neurons"
            )
        pairs = []
        for k in sorted(range(self.n), key=lambda k: found.values[k]):
            value = found.values[k]
            solved = _with(self.given, self.name, value)
            model = self.model(found.bases, solved, unit_scales(solved))
            network = model.network
            assert isinstance(network, Enriched)
            weights = found.vectors[:, k]
            network.last.weight.copy_(weights[: network.last.weight.numel()].view_as(network.last.weight))
            if network.last.bias is not None:
                network.last.bias.copy_(weights[network.last.weight.numel() :])
            same = [other for other in found.values if abs(other - value) <= found.close(value, errors[k])]
            error = max(errors[k], 2e-15 * max(abs(value), found.scale))
            pairs.append(Eigenpair(value, error, len(same), found.tensions[k], Solution(solved, model, History())))
        return tuple(pairs)


class _Round:
    """One solve, on some neurons.

    Attributes:
        values: eigenvalues next to the wanted place, nearest first, each once for each of its functions.
        vectors: weights (p, len(values)) of their functions, orthonormal among those of one value.
        tensions: what each leaves on fresh points.
        scale: size of the Rayleigh quotients of the lowest neurons.
    """

    def __init__(self, search: _Search, bases: Sequence[nn.Module]) -> None:
        self.search, self.bases = search, list(bases)
        self.model = search.model(bases, search.problem, search.scales)
        for parameter in self.model.raw.values():
            parameter.requires_grad_(False)
        # Jets are not compared: there is nothing yet whose size the rows could be compared with.
        self.equations = Equations(self.model, Jets(probe=False))
        self.outputs = len(search.problem.outputs)
        self.values: list[float] = []
        self.tensions: list[float] = []

    def solve(self) -> None:
        """Find the pairs, measure them, and bring functions of one value into order."""
        search = self.search
        columns = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        objective = Objective(self.equations, search.points(columns))
        a, b, moving = self._pencil(objective, checked=True)
        self.scale = self._scale(a[moving], b[moving])
        weights = self._weights(objective, a, b, moving)[:, None]
        a, b = weights * a, weights * b
        shift = search.near - _OFF * max(self.scale, 1e-3 * abs(search.near))
        u, sigma, _ = torch.linalg.svd(b, full_matrices=False)
        u = u[:, sigma > _DEPENDENT * sigma[0]]
        solved = _inverse(a + shift * b)
        c = solved(u)
        inverse, vectors = torch.linalg.eig(u.T @ b @ c)
        wanted = 2 * (search.n + _FURTHER)
        for _ in range(_ITERATIONS + 1):
            order = inverse.abs().argsort(descending=True)[:wanted]
            inverse, found = inverse[order], c.to(vectors.dtype) @ vectors[:, order]
            # A real basis of the same space, with right sides of size one.
            basis = torch.cat([found.real, found.imag], 1)
            u, _, _ = torch.linalg.svd(b @ basis, full_matrices=False)
            u = u[:, :wanted]
            c = solved(u)
            inverse, vectors = torch.linalg.eig(u.T @ b @ c)
        order = inverse.abs().argsort(descending=True)
        self._take(shift + 1 / inverse[order], c.to(vectors.dtype) @ vectors[:, order], columns)

    def _weights(self, objective: Objective, a: Tensor, b: Tensor, moving: Tensor) -> Tensor:
        """1 over the size of each constraint's rows on the polynomials of low degree, conditions more by a factor.

        By the size on all of them, equations, whose rows are large on those of high degree, would count for nothing.
        """
        polynomials = self.bases[0]
        assert isinstance(polynomials, Chebyshev)
        low = [k for k, index in enumerate(polynomials.index) if sum(index) <= _LOW]
        low = [k + j * neurons(self.bases) for j in range(self.outputs) for k in low]
        sizes = a[:, low].norm(dim=1) + (self.scale + abs(self.search.near)) * b[:, low].norm(dim=1)
        found = torch.ones_like(sizes)
        start = 0
        for block in objective.blocks:
            rows = slice(start, start + block.rows)
            start += block.rows
            size = float(sizes[rows].norm())
            found[rows] = (1.0 if bool(moving[rows].any()) else _CONDITION) / (size if size > 0 else 1.0)
        return found

    def _scale(self, a: Tensor, b: Tensor) -> float:
        """The least of the Rayleigh quotients |A φ| / |B φ| of polynomials that is not zero."""
        polynomials = self.bases[0]
        assert isinstance(polynomials, Chebyshev)
        starts = [k * neurons(self.bases) for k in range(self.outputs)]
        every = [slice(start, start + polynomials.count) for start in starts]
        above, below = (torch.cat([m.norm(dim=0)[part] for part in every]) for m in (a, b))
        used = (above > 1e-10 * above.max()) & (below > 1e-10 * below.max())
        return float((above[used] / below[used]).min()) if bool(used.any()) else 1.0

    def _pencil(self, objective: Objective, checked: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """A and B (N, p) of the rows A c + λ B c, and which rows have λ."""
        (raw,) = self.model.raw.values()
        found = []
        for value in (0.0, 1.0, 2.0):
            raw.copy_(torch.tensor(value))
            r, jacobian = objective.linearize()
            found.append(jacobian)
            if checked and value and not float(r.abs().max()) <= 1e-12 * float(jacobian.abs().max()):
                raise ValueError(
                    f"eigenpairs: got rows of size {float(r.abs().max()):.3g} on u = 0, expected a homogeneous "
                    "problem; take right sides and prescribed values away"
                )
        a, b = found[0], found[1] - found[0]
        bent = found[2] - 2 * found[1] + found[0]
        if checked and not float(bent.norm()) <= 1e-9 * float(a.norm() + b.norm()):
            raise ValueError(
                f"eigenpairs: got rows that {self.search.name!r} enters nonlinearly, expected r = A u + "
                f"{self.search.name} B u; write powers of it as further outputs"
            )
        moving = b.abs().amax(1) > 1e-14 * b.abs().max()
        if checked and not bool(moving.any()):
            raise ValueError(f"eigenpairs: got rows in which {self.search.name!r} takes no part, expected it in one")
        if checked:
            self._require_linear(objective, found[2])
        return a, b, moving

    def _require_linear(self, objective: Objective, jacobian: Tensor) -> None:
        theta = torch.randn(objective.size, generator=self.search.generator, dtype=torch.float64)
        expected = jacobian @ theta
        objective.assign(theta)
        wrong = float((objective.residual() - expected).norm())
        objective.assign(torch.zeros_like(theta))
        if not wrong <= 1e-8 * float((jacobian.norm(dim=0) * theta.abs()).sum()):
            raise ValueError("eigenpairs: got rows that are not linear in the outputs, expected a linear problem")

    def _take(self, values: Tensor, vectors: Tensor, columns: int) -> None:
        """Keep what holds on fresh points: groups of one value, with real orthonormal functions."""
        search = self.search
        a, b, moving = self._pencil(Objective(self.equations, search.points(columns, _FRESH)))
        seen = self._values_at_sample()
        taken: list[Tensor] = []
        waiting = list(range(len(values)))
        while waiting and len(self.values) < search.n + _FURTHER:
            # In order of their distance from the shift, so that what is left out lies farther.
            first = waiting[0]
            value = complex(values[first])
            size = max(abs(value), self.scale)
            apart = (_SAME if abs(value.imag) <= _SAME * size else _PAIR) * size
            near = [k for k in waiting if abs(complex(values[k]) - value) <= apart]
            waiting = [k for k in waiting if k not in near]
            for level, vector in self._real(values[near], vectors[:, near], seen):
                self.values.append(level)
                self.tensions.append(_tension(a, b, moving, level, vector, self.scale))
                taken.append(vector)
        if not taken:
            raise ValueError(f"eigenpairs: got no real eigenvalue next to {search.near:g}, expected one; give near=")
        order = sorted(range(len(self.values)), key=lambda k: abs(self.values[k] - search.near))
        self.values = [self.values[k] for k in order]
        self.tensions = [self.tensions[k] for k in order]
        self.vectors = torch.stack([taken[k] for k in order], 1)

    def _values_at_sample(self) -> Tensor:
        """Values of the outputs for unit weights, (nodes · outputs, p), times √w, so that products are L2 products."""
        problem, points = self.search.problem, self.search.sample

        def fields(columns: dict[str, Tensor], outputs: dict[str, Tensor], _: object) -> list[Tensor]:
            return [outputs[name] for name in problem.outputs]

        bound = Jets(probe=False).bind(self.model.outputs, fields, problem.coordinates)  # type: ignore[arg-type]
        moving = [p for p in self.model.parameters() if p.requires_grad]
        _, jacobian = bound.linearize(points.x, moving)
        return jacobian * self.search.weights.sqrt().repeat_interleave(self.outputs)[:, None]

    def _real(self, values: Tensor, vectors: Tensor, seen: Tensor) -> list[tuple[float, Tensor]]:
        """Real eigenvalues and orthonormal functions of a group of values that lie together."""
        parts = torch.cat([vectors.real, vectors.imag], 1)
        shown = seen @ parts
        _, sizes, right = torch.linalg.svd(shown, full_matrices=False)
        keep = min(len(values), int((sizes > 1e-6 * sizes[0]).sum()))
        basis = parts @ (right[:keep].T / sizes[:keep])
        functions = seen @ basis
        peak = functions.gather(0, functions.abs().argmax(0, keepdim=True))[0]
        basis = basis * torch.sign(peak)
        if keep == 1 and abs(complex(values[0]).imag) > 1e-6 * max(abs(complex(values[0])), self.scale):
            return []
        levels = sorted(float(value.real) for value in values)[:keep]
        return [(level, basis[:, k]) for k, level in enumerate(levels)]

    def errors(self, rounds: Sequence[_Round], number: int) -> list[float]:
        """How far each wanted value is from the next in the round before; infinite where it does not hold."""
        n = self.search.n
        others = rounds[number - 1].values if number else []
        found = []
        for value, tension in zip(self.values[:n], self.tensions[:n], strict=True):
            holds = bool(others) and tension <= _TENSION
            found.append(min(abs(value - other) for other in others) if holds else math.inf)
        return found + [math.inf] * (n - len(found))

    def close(self, value: float, error: float) -> float:
        """Distance within which another value is the same."""
        return max(_SAME * max(abs(value), self.scale), 10 * error if math.isfinite(error) else 0.0)

    def sizes(self, index: Sequence[Index]) -> dict[Index, float]:
        """The largest coefficient of each polynomial in the wanted functions."""
        network = self.model.network
        assert isinstance(network, Enriched)
        weights = self.vectors[: network.last.weight.numel(), : self.search.n]
        shaped = weights.reshape(*network.last.weight.shape, -1)[:, : len(index)]
        return dict(zip(index, shaped.abs().amax((0, 2)).tolist(), strict=True))


def _inverse(rows: Tensor) -> Callable[[Tensor], Tensor]:
    """y ↦ argmin |rows c + y|, damped where singular values are rounding, for any number of right sides y (N, k)."""
    sizes = rows.norm(dim=0).clamp_min(1e-300)
    q, r = torch.linalg.qr(rows / sizes)
    left, s, right = torch.linalg.svd(r)
    factors = s / (s * s + (_RCOND * s[0]) ** 2)
    return lambda y: -(right.T @ (factors[:, None] * (left.T @ (q.T @ y)))) / sizes[:, None]


def _tension(a: Tensor, b: Tensor, moving: Tensor, value: float, c: Tensor, scale: float) -> float:
    """What a pair leaves of the equation, relative to its terms, and of the conditions, relative to theirs."""
    left = (a + value * b) @ c
    inside = float(left[moving].norm()) / max((abs(value) + scale) * float((b @ c)[moving].norm()), 1e-300)
    if bool(moving.all()):
        return inside
    # Conditions of unit functions: their rows are of the size of a row's typical entry.
    size = float(a[~moving].norm()) / math.sqrt(a.shape[1]) * float(c.norm())
    return max(inside, float(left[~moving].norm()) / max(size, 1e-300))


def _with(problem: Problem, name: str, value: float | Unknown) -> Problem:
    """The problem with another coefficient."""
    outputs = [problem.forms.get(output, output) for output in problem.outputs]
    return replace(problem, outputs=outputs, coefficients={**problem.coefficients, name: value})
