"""Whether the constraints of a problem determine its answer, and if not which condition would.

The rows of all constraints are linearized in random features about a model (`pinn.verification.stability` has the
changes B of unit size), and rows and fields equilibrated (Ruiz, RAL-TR-2001-034), so that smooth fields of size one
give rows of size one. Where a singular value of JB falls by decades, its right singular vector is a change of the
answer that no constraint sees. What is missing is found by trying: values and derivatives of each output at each part
of the boundary are appended to the directions V that are left open,

    gain of C = Σ log₁₀ σ([Σ; C V]) − Σ log₁₀ Σ,

and the condition that closes most of them is taken, until all are closed. Counting bounds what is tried: a coordinate
in which an output has as many conditions as its order wants no more on the faces that have some, and a time coordinate
with its start given none at its end.

A nonlinear problem is linearized at the model's first field. Where unknown numbers multiply what is otherwise affine
they are judged at a solution of the equations at their first guess: u_t = a u_xx + c u tells a from c for most u, but
not for the u that sin πx evolves into.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pinn.analysis import Role, Traits, analyze
from pinn.derivatives import d
from pinn.domains import Points
from pinn.objective import Equations, Objective
from pinn.verification.about import groups_of, in_double, outputs_at, uniform_draws, with_features
from pinn.verification.direction import Direction
from pinn.verification.stability import UnitChanges

_FEATURES = {1: 40, 2: 120}  # of the network, by the number of coordinates
_MOST_FEATURES = 160
_SCALES = (0.5, 1.0, 2.0)  # of their weights, radians a half extent: what a condition leaves open is smooth too
_LOW, _WEAK = 60, 0.3  # directions that a condition is tried on: at the most, and below which stability
_FLOOR = 1e-9  # stability that rounding explains
_NEAR = 0.8  # part of the greatest gain that makes a condition as good
_PARTS = 12  # of a boundary that are tried one by one; more are tried together


@dataclass(frozen=True, eq=False)
class Condition:
    """A condition that could be added: a derivative of an output at a part of the boundary.

    Attributes:
        output: whose.
        coordinate: that it is differentiated by, and that is fixed there; empty on a curved part.
        order: of the derivative, 0 for the value.
        place: in words, such as "x = 0".
        low: whether the coordinate takes its lower bound.
        wanted: whether the output has fewer conditions along the coordinate than its order.
        rows: equilibrated, on the directions left open, (n, L).
    """

    output: str
    coordinate: str
    order: int
    place: str
    low: bool
    wanted: bool
    rows: Tensor

    @property
    def notation(self) -> str:
        """Such as "u" or "u_xx"."""
        return self.output + (f"_{self.coordinate * self.order}" if self.order else "")


@dataclass(frozen=True, eq=False)
class _Group:
    """One residual component of one constraint: J B of it, (n, K), and r, (n,)."""

    name: str
    rows: Tensor
    residual: Tensor


class Determination:
    """The constraints of a problem about a model, linearized on random features.

    Args:
        equations: problem, model and engine; the model is left as it is.
        fixed: outputs to which a constant can be added, which is not to be found once more.
        without: outputs and unknowns that are left out: nothing depends on them.

    Attributes:
        values: singular values, ascending, dimensionless; empty where rows are not finite.
    """

    def __init__(self, equations: Equations, *, fixed: Sequence[str] = (), without: Sequence[str] = ()) -> None:
        self.problem = equations.problem
        self.traits: Traits = analyze(self.problem)
        self.values: Tensor = torch.zeros(0, dtype=torch.float64)
        self._fixed = fixed
        generator = torch.Generator().manual_seed(0)
        model = in_double(equations.model).cpu()
        count = _FEATURES.get(len(self.problem.coordinates), _MOST_FEATURES)
        sample = self.problem.domain.sample(4 * count, generator=generator)
        draws = uniform_draws(model, sample, count, _SCALES, generator, fields=max(20, count // 4))
        self._equations = Equations(with_features(model, draws, sample), equations.engine)
        self._units = UnitChanges.of(self._equations.model, groups_of(self._equations.model), sample, generator)
        self._objective = Objective(self._equations, self._points(3 * count, count, generator))
        self._owners = self._columns(without)
        values = outputs_at(self._equations.model, sample)
        sizes = {name: float(values[name].square().mean().sqrt()) for name in self.problem.outputs}
        self._first = {name: size if size > 0 else 1.0 for name, size in sizes.items()}
        self._generator = generator
        if self._linearize() and self._settle():
            self.values, self._right = _svd(self._rows(range(len(self._groups))))

    # -- linearization ------------------------------------------------------------------------------------------------

    def _points(self, inside: int, beside: int, generator: torch.Generator) -> dict[str, Points]:
        """Points of every constraint, whatever number it asks for: it is the problem that is judged."""
        found = {}
        for name, constraint in self.problem.constraints.items():
            full = constraint.on.dimension >= self.problem.domain.dimension
            points = constraint.on.sample(inside if full else beside, generator=generator)
            if points.n > inside:  # observations come whole
                points = points.take(torch.linspace(0, points.n - 1, inside).round().long())
            found[name] = points
        return found

    def _columns(self, without: Sequence[str]) -> dict[str, Tensor]:
        """Output, field or number -> the unit changes that are its own, as places among all."""
        units = self._units
        names = list(units.parts)
        sizes = torch.stack([units.parts[name].norm(dim=0) for name in names])
        owner = [names[index] for index in sizes.argmax(0).tolist()]
        for name, (place, _) in units.numbers.items():
            owner[place] = name
        every = dict.fromkeys([*names, *units.numbers])
        return {
            name: torch.tensor([place for place, one in enumerate(owner) if one == name], dtype=torch.long)
            for name in every
            if name not in without
        }

    def _linearize(self) -> bool:
        """Rows by component, and what equilibrates them; False where they are not finite."""
        residual, jacobian = self._objective.linearize()
        product = jacobian @ self._units.matrix
        if not bool(torch.isfinite(product).all() and torch.isfinite(residual).all()):
            return False
        self._groups, start = [], 0
        for block, q in zip(self._objective.blocks, self._objective.residuals_per_point, strict=True):
            rows = slice(start, start + block.rows)
            start += block.rows
            for part in range(q):
                self._groups.append(_Group(block.name, product[rows][part::q], residual[rows][part::q]))
        for name in self._fixed:
            mean = self._units.parts[name].mean(0, keepdim=True)
            self._groups.append(_Group("", mean, mean.new_zeros(1)))
        sizes = torch.stack([self._sizes(group.rows) for group in self._groups])
        # Fields balance in the equations; conditions say little of how large they are beside each other.
        inside = torch.tensor([group.name in self.traits.of_role(Role.EQUATION) for group in self._groups])
        fields = _balanced(torch.where((sizes * inside[:, None]).amax(0) > 0, sizes * inside[:, None], sizes))
        self._field_scale = fields
        self._row_scale = [
            float(1 / _nonzero((one * fields).amax())) / math.sqrt(len(group.rows))
            for one, group in zip(sizes, self._groups, strict=True)
        ]
        self._responses = sizes * fields
        return True

    def _sizes(self, rows: Tensor) -> Tensor:
        """Root mean square of rows (n, K) on smooth changes of unit size of each field, or on those of a number."""
        found = []
        for name, places in self._owners.items():
            smooth = self._units.smooth.get(name)
            response = rows[:, places] if smooth is None else rows[:, places] @ smooth[places]
            found.append(response.square().mean().sqrt() if response.numel() else rows.new_zeros(()))
        return torch.stack(found)

    def _scaled(self, rows: Tensor) -> Tensor:
        """Rows (n, K) with the columns of every field brought to its size, those left out taken away."""
        parts = [rows[:, places] * scale for places, scale in zip(self._owners.values(), self._field_scale, strict=True)]
        return torch.cat(parts, 1)

    def _rows(self, which: Sequence[int]) -> Tensor:
        return torch.cat([self._row_scale[i] * self._scaled(self._groups[i].rows) for i in which])

    def _settle(self) -> bool:
        """Move to a solution at the first guess of unknown numbers, where that is one linear solve."""
        if not self._units.numbers or self.traits.affine or not self.traits.affine_in_outputs:
            return True
        data = {*self.traits.of_role(Role.DATA), *(name for name in self.traits.of_role(Role.INTEGRAL))}
        every = range(len(self._groups))
        numbers = sum(len(self._owners[name]) for name in self._units.numbers if name in self._owners)
        for which in ([i for i in every if self._groups[i].name not in data], every):
            rows = self._rows(which)
            rows = rows[:, : rows.shape[1] - numbers]
            left, values, right = torch.linalg.svd(rows, full_matrices=False)
            if float(values[-1]) > 1e-3 or which is every:
                break
        target = torch.cat([self._row_scale[i] * self._groups[i].residual for i in which])
        kept = values > 1e-10 * values[0]
        step = -(right[kept].T @ ((left.T @ target)[kept] / values[kept]))
        change = torch.zeros(self._units.count, dtype=torch.float64)
        start = 0
        for (name, places), scale in zip(self._owners.items(), self._field_scale.tolist(), strict=True):
            if name not in self._units.numbers:
                change[places] = scale * step[start : start + len(places)]
                start += len(places)
        before, first = self._objective.vector(), self._size()
        self._objective.assign(before + self._units.matrix @ change)
        if self._size() < 1e-3 * first:
            self._objective.assign(before)  # zero solves it: there every unknown would be free
        return self._linearize()

    def _size(self) -> float:
        """Root mean square of the outputs at the points, over that of each at first."""
        values = outputs_at(self._equations.model, self._units.points)
        return math.sqrt(sum(float((values[name] / self._first[name]).square().mean()) for name in self._first))

    # -- what it says -------------------------------------------------------------------------------------------------

    def direction(self, index: int, vector: Tensor | None = None) -> Direction:
        """The change that belongs to a singular value, by its place in `values`; or a given one."""
        scaled = self._right[index] if vector is None else vector
        change = torch.zeros(self._units.count, dtype=torch.float64)
        start = 0
        for places, scale in zip(self._owners.values(), self._field_scale.tolist(), strict=True):
            change[places] = scale * scaled[start : start + len(places)]
            start += len(places)
        return self._units.direction(change / change.norm(), float(self.values[index]))

    def known_unknowns(self) -> float:
        """The smallest singular value if all unknowns were known; what it is where there are none."""
        unknowns = self.problem.unknowns
        kept = [
            torch.full((len(places),), name not in unknowns) for name, places in self._owners.items()
        ]
        if all(bool(one.all()) for one in kept):
            return float(self.values[0])
        return float(_svd(self._rows(range(len(self._groups)))[:, torch.cat(kept)])[0][0])

    def missing(self, threshold: float) -> tuple[list[tuple[Condition, list[str]]], float]:
        """The conditions that close what is open.

        Args:
            threshold: stability that they are to bring.

        Returns:
            each with others that do as well, by their notation; and the stability with all of them.
        """
        low = int((self.values < _WEAK).sum())
        low = min(max(low, 2), _LOW, len(self.values))
        rows = torch.diag(self.values[:low].clamp_min(_FLOOR))
        tried = self._candidates(self._right[:low])
        chosen: list[tuple[Condition, list[str]]] = []
        stability = float(self.values[0])
        while stability < threshold and tried and len(chosen) < 8:
            before = _logarithms(rows)
            scored = [(_logarithms(torch.cat([rows, one.rows])) - before, one) for one in tried]
            most = max(gain for gain, _ in scored)
            if most < 0.5:
                break
            near = [one for gain, one in scored if gain >= _NEAR * most]
            best = min(near, key=self._preference)
            others = [one for one in sorted(near, key=self._preference) if one is not best and one.output == best.output]
            told = [
                one.notation if one.place == best.place else f"{one.notation} at {one.place}"
                for one in others
                if one.place == best.place or len(self.problem.coordinates) == 1
            ]
            chosen.append((best, told))
            rows = torch.cat([rows, best.rows])
            rows = torch.linalg.qr(rows, mode="r")[1]
            tried = [one for one in tried if one is not best]
            stability = float(torch.linalg.svdvals(rows)[-1])
        return chosen, stability

    def _preference(self, one: Condition) -> tuple[bool, bool, int, bool]:
        """Of conditions that do as well: what counting wants, a start rather than an end, values, the lower bound."""
        late = one.coordinate == self.traits.time_coordinate and not one.low
        return not one.wanted, late, one.order, not one.low

    # -- candidates ---------------------------------------------------------------------------------------------------

    def counts(self) -> dict[tuple[str, str, bool], float]:
        """(output, coordinate, at its lower bound) -> conditions there; one on several outputs counts a part for each.

        See `analyze` for what a condition is.
        """
        found: dict[tuple[str, str, bool], float] = {}
        roles = {*self.traits.of_role(Role.START), *self.traits.of_role(Role.BOUNDARY)}
        names = list(self._owners)
        for group, response in zip(self._groups, self._responses, strict=True):
            if group.name not in roles:
                continue
            on = self.problem.constraints[group.name].on
            if on.dimension < self.problem.domain.dimension - 1:
                continue
            seen = [name for name, one in zip(names, response.tolist(), strict=True) if one > 1e-9 * response.max()]
            seen = [name for name in seen if name in self.problem.outputs]
            points = self._objective.points[group.name]
            for coordinate, (low, high) in self.problem.domain.bounds.items():
                column = points.column(coordinate)
                for bound, at_low in ((low, True), (high, False)):
                    if bool(((column - bound).abs() <= 1e-9 * (high - low)).double().mean() > 0.05):
                        for name in seen:
                            key = name, coordinate, at_low
                            found[key] = found.get(key, 0.0) + 1 / len(seen)
        return found

    def order(self, output: str, coordinate: str) -> int:
        """The highest derivative by a coordinate that the equations take of an output."""
        axis = self.problem.coordinates.index(coordinate)
        equations = [self.traits.constraints[name] for name in self.traits.of_role(Role.EQUATION)]
        return max(
            (axes.count(axis) for one in equations for key, axes in one.required_derivatives if key == output),
            default=0,
        )

    def complete(self, output: str, coordinate: str, counts: Mapping[tuple[str, str, bool], float]) -> bool:
        """Whether an output has as many conditions along a coordinate as its order."""
        have = sum(counts.get((output, coordinate, low), 0.0) for low in (True, False))
        return coordinate in self.problem.periodic or have > self.order(output, coordinate) - 0.01

    def _candidates(self, directions: Tensor) -> list[Condition]:
        counts = self.counts()
        found = []
        for points, place, coordinate, low in self._places():
            wanted: list[tuple[str, str, int, bool]] = []  # output, coordinate, order, whether counting wants it
            for output in self.problem.outputs:
                if output not in self._owners:
                    continue
                if not coordinate:
                    if any(self.order(output, name) for name in self.problem.coordinates):
                        wanted.append((output, "", 0, True))
                    continue
                full = self.complete(output, coordinate, counts)
                bare = counts.get((output, coordinate, low), 0.0) == 0
                evolved = coordinate == self.traits.time_coordinate and not low
                if full and (evolved or not bare):
                    continue
                wanted += [(output, coordinate, k, not full) for k in range(self.order(output, coordinate))]
            if not wanted:
                continue
            rows = self._linearized(points, wanted)
            for index, (output, along, k, needed) in enumerate(wanted):
                own = rows[index :: len(wanted)]
                size = float((self._sizes(own) * self._field_scale).max())
                if size > 0:
                    scaled = self._scaled(own) / (size * math.sqrt(len(own))) @ directions.T
                    found.append(Condition(output, along, k, place, low, needed, scaled))
        return found

    def _linearized(self, points: Points, wanted: Sequence[tuple[str, str, int, bool]]) -> Tensor:
        """JB of the derivatives wanted, row by point and then by derivative."""

        def values(columns: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
            return [outputs[name] if k == 0 else d(outputs[name], *[columns[along]] * k) for name, along, k, _ in wanted]

        model = self._equations.model
        bound = self._equations.engine.bind(model.outputs, values, self.problem.coordinates)
        _, jacobian = bound.linearize(points.x, self._objective.parameters(), {})
        return jacobian @ self._units.matrix

    def _places(self) -> list[tuple[Points, str, str, bool]]:
        """Parts of the boundary: points, in words, the coordinate that is fixed there, and whether at its low end."""
        boundary = self.problem.domain.boundary()
        charts = boundary.charts()
        number = {1: 1, 2: 40}.get(len(self.problem.coordinates), 80)
        if len(charts) > _PARTS:
            return [(boundary.sample(2 * number, generator=self._generator), "the boundary", "", True)]
        found = []
        bounds = self.problem.domain.bounds
        for chart in charts:
            points = chart.draw(number, generator=self._generator, method="sobol")
            fixed = [
                name for name in points.names if float(points.column(name).max() - points.column(name).min()) == 0.0
            ]
            if not fixed:
                found.append((points, "the boundary" if len(charts) == 1 else _within(points), "", True))
                continue
            name = fixed[0]
            if name in self.problem.periodic:
                continue
            value = float(points.column(name)[0])
            low, high = bounds[name]
            found.append((points, f"{name} = {value:g}", name, abs(value - low) < abs(value - high)))
        return found


def _balanced(sizes: Tensor) -> Tensor:
    """Scales of the columns of (rows, fields) that bring the largest entry of each row and column to one."""
    rows, fields = sizes.new_ones(len(sizes)), sizes.new_ones(sizes.shape[1])
    for _ in range(12):
        scaled = rows[:, None] * sizes * fields
        rows = rows / _nonzero(scaled.amax(1)).sqrt()
        fields = fields / _nonzero(scaled.amax(0)).sqrt()
    return fields


def _within(points: Points) -> str:
    """A curved part of a boundary, in words."""
    ends = [(name, float(points.column(name).min()), float(points.column(name).max())) for name in points.names]
    return "the boundary between " + " and ".join(f"{name} = {low:.2g} … {high:.2g}" for name, low, high in ends)


def _svd(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values, ascending, with their right vectors as rows; those that rows are too few for are zero."""
    upper = torch.linalg.qr(rows, mode="r")[1] if rows.shape[0] > rows.shape[1] else rows
    _, values, right = torch.linalg.svd(upper, full_matrices=True)
    values = torch.cat([values, values.new_zeros(right.shape[0] - len(values))])
    return values.flip(0), right.flip(0)


def _logarithms(rows: Tensor) -> float:
    return float(torch.linalg.svdvals(rows).clamp(_FLOOR, 1.0).log10().sum())


def _nonzero(values: Tensor) -> Tensor:
    return torch.where(values > 0, values, torch.ones_like(values))
