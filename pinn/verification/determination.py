"""Whether the constraints of a problem determine its answer: their rows on random features, equilibrated.

The rows of all constraints are linearized in random features about a model (`pinn.verification.stability` has the
changes B of unit size), and rows and fields equilibrated (`pinn.verification.equilibration`), so that smooth fields of
size one give rows of size one. Where a singular value of JB falls by decades, its right singular vector is a change of
the answer that no constraint sees.

A nonlinear problem is linearized at the model's first field. Where unknown numbers multiply what is otherwise affine
they are judged where the data say they are: u_t = a u_xx + c u tells a from c for most u, but not for the u that
sin πx evolves into. One linear solve at their first guess and a few Gauss-Newton steps, each along what is told alone,
lead there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.analysis import Role, Traits, analyze
from pinn.derivatives import d
from pinn.domains import Points
from pinn.features.answers import copied
from pinn.features.rows import engine_of
from pinn.networks.random_features import FeatureDraw
from pinn.objective import Equations, Objective
from pinn.problem import Problem
from pinn.verification.about import frames_of, groups_of, outputs_at, uniform_draws, with_features
from pinn.verification.direction import Direction
from pinn.verification.equilibration import Equilibration, Group, groups_by_component, singular
from pinn.verification.stability import UnitChanges

_FEATURES = {1: 40, 2: 120}  # of the network, by the number of coordinates
_MOST_FEATURES = 160
_SCALES = (0.5, 1.0, 2.0)  # of their weights, radians a half extent: what a condition leaves open is smooth too
_STEEP = (4.0, 8.0)  # further scales where a layer is looked for
_LAYER = 40  # features across a face for it
_NEWTON, _SETTLED = 3, 1e-4  # steps towards the data at the most, and the length of all rows that is enough


Derivatives = tuple[str, str, int]
"""Output, coordinate, and how many derivatives of the one by the other."""


class Determination:
    """The constraints of a problem about a model, linearized on random features.

    Args:
        equations: problem, model and engine; the model is left as it is.
        fixed: outputs to which a constant can be added, which is not to be found once more.
        without: outputs and unknowns that are left out: nothing depends on them.
        layers: coordinate and its bound where what is left open may be a layer; with features for it, and more and
            steeper ones of all.
        more: times as many features.

    Attributes:
        values: singular values, ascending, dimensionless; empty where rows are not finite.
        undefined: the constraints whose rows, or derivatives of these, are not.
        right: their right singular vectors, one a row, on equilibrated unit changes.
        owners: output, field or number -> the unit changes that are its own, as places among all.
        groups: rows by constraint and component.
        responses: size of each group on smooth changes of every owner, (groups, owners).
        points: constraint -> where its rows are.
    """

    def __init__(
        self,
        equations: Equations,
        *,
        fixed: Sequence[str] = (),
        without: Sequence[str] = (),
        layers: Sequence[tuple[str, float]] | None = None,
        more: float = 1.0,
    ) -> None:
        self._given = equations, fixed, without, layers
        self.problem = equations.problem
        self.traits: Traits = analyze(self.problem)
        self.values: Tensor = torch.zeros(0, dtype=torch.float64)
        self.undefined: tuple[str, ...] = ()
        self._fixed = fixed
        generator = torch.Generator().manual_seed(0)
        model = copied(equations.model).requires_grad_(True).double().cpu()
        count = round(more * _FEATURES.get(len(self.problem.coordinates), _MOST_FEATURES))
        scales: tuple[float, ...] = _SCALES
        if layers is not None:
            count, scales = 2 * count, _SCALES + _STEEP
        sample = self.problem.domain.sample(4 * count, generator=generator)
        draws = uniform_draws(model, sample, count, scales, generator, fields=max(20, count // 4))
        for coordinate, bound in layers or ():
            draws[""] = _layer(self.problem, coordinate, bound, draws[""].weight.shape[1], generator) + draws[""]
        self._equations = Equations(with_features(model, draws, frames_of(model, sample)), engine_of(equations))
        self.points = self._draw(3 * count, count, generator)
        for layer in layers or ():
            self._crowd(*layer)
        self._objective = Objective(self._equations, self.points)
        self._sample, self._generator, self._without = sample, generator, without
        self._measure()
        if self.owners and self._linearize() and self._settle():
            self.values, self.right = singular(self._scales.rows(self.groups))

    # -- linearization ------------------------------------------------------------------------------------------------

    def _draw(self, inside: int, beside: int, generator: torch.Generator) -> dict[str, Points]:
        """Points of every constraint, whatever number it asks for: it is the problem that is judged."""
        found = {}
        for name, constraint in self.problem.constraints.items():
            full = constraint.on.dimension >= self.problem.domain.dimension
            points = constraint.on.sample(inside if full else beside, generator=generator)
            if points.n > inside:  # observations come whole
                points = points.take(torch.linspace(0, points.n - 1, inside).round().long())
            found[name] = points
        return found

    def _crowd(self, coordinate: str, bound: float) -> None:
        """More points of the equations near a face, so that no layer falls between them."""
        axis = self.problem.coordinates.index(coordinate)
        low, high = self.problem.domain.bounds[coordinate]
        inward = high - low if bound == low else low - high
        for name in self.traits.of_role(Role.EQUATION):
            points = self.points[name]
            near = points.take(torch.linspace(0, points.n - 1, min(points.n, 6 * _LAYER)).round().long())
            x = near.x.clone()
            x[:, axis] = bound + inward * torch.logspace(-3, -0.3, near.n, dtype=torch.float64)
            inside = self.problem.constraints[name].on.contains(x)
            self.points[name] = Points.cat([points, Points(near.names, x[inside], values=near.take(inside).values)])

    def _measure(self) -> None:
        """Changes of unit size about the model as it is, and which are whose."""
        model = self._equations.model
        self._units = UnitChanges.of(model, groups_of(model), self._sample, self._generator)
        self.owners = {name: places for name, places in self._units.owners().items() if name not in self._without}

    def _linearize(self) -> bool:
        """Rows by component, and what equilibrates them; False where they are not finite."""
        residual, jacobian = self._objective.linearize()
        product = jacobian @ self._units.matrix
        finite = torch.isfinite(product).all(1) & torch.isfinite(residual)
        if not bool(finite.all()):
            blocks = zip(
                self._objective.blocks, finite.split([one.rows for one in self._objective.blocks]), strict=True
            )
            self.undefined = tuple(block.name for block, part in blocks if not bool(part.all()))
            return False
        self.groups = groups_by_component(self._objective, product, residual)
        for name in (one for one in self._fixed if one in self._units.parts):
            mean = self._units.parts[name].mean(0, keepdim=True)
            self.groups.append(Group("", mean, mean.new_zeros(1)))
        inside = self.traits.of_role(Role.EQUATION)
        self._scales = Equilibration.of(self.groups, self.owners, self._units.smooth, inside)
        self.responses = self._scales.responses
        return True

    def _settle(self) -> bool:
        """Move to a solution at the first guess of unknown numbers, where that is one linear solve, and from there
        by Gauss-Newton towards what the data say, along what they tell."""
        if not self._units.numbers or self.traits.affine or not self.traits.affine_in_outputs:
            return True
        told = {*self.traits.of_role(Role.DATA), *self.traits.of_role(Role.INTEGRAL)}
        equations = [i for i, group in enumerate(self.groups) if group.name not in told]
        first, size = self._objective.vector(), self._size()
        before = first
        self._objective.assign(first + self._step(equations, unknowns=False))
        if self._size() < 1e-3 * size:
            self._objective.assign(first)  # zero solves it: there every unknown would be free
            return self._linearize()
        every, misfit = range(len(self.groups)), math.inf
        for step in range(_NEWTON + 1):
            if not self._linearize() or self._misfit() > misfit:
                self._objective.assign(before)
                break
            before, misfit = self._objective.vector(), self._misfit()
            if misfit < _SETTLED or step == _NEWTON:
                break
            self._objective.assign(before + self._step(every, unknowns=True))
        self._measure()
        return self._linearize()

    def _misfit(self) -> float:
        """Length of the equilibrated rows, dimensionless."""
        return float(self._scales.residual(self.groups).norm())

    def _step(self, which: Sequence[int], *, unknowns: bool) -> Tensor:
        """The change of the parameters that solves some rows in the least-squares sense, but for what they leave open.

        Args:
            which: places of the groups.
            unknowns: whether unknown numbers change as well.
        """
        numbers = sum(len(self.owners[name]) for name in self._units.numbers if name in self.owners)
        rows = self._scales.rows(self.groups, which)
        count = rows.shape[1] - (0 if unknowns else numbers)  # numbers come last
        left, values, right = torch.linalg.svd(rows[:, :count], full_matrices=False)
        kept = values > (1e-3 if unknowns else 1e-10 * values[0])
        step = torch.zeros(rows.shape[1], dtype=torch.float64)
        step[:count] = -(right[kept].T @ ((left.T @ self._scales.residual(self.groups, which))[kept] / values[kept]))
        return self._units.matrix @ self._scales.change(step, self._units.count)

    def _size(self) -> float:
        """Root mean square of the outputs over the sizes that the model scales them by."""
        model = self._equations.model
        values = outputs_at(model, self._sample)
        sizes = zip(self.problem.outputs, model.sizes.tolist(), strict=True)
        return math.sqrt(sum(float((values[name] / size).square().mean()) for name, size in sizes))

    # -- what it says -------------------------------------------------------------------------------------------------

    def direction(self, index: int) -> Direction:
        """The change that belongs to a singular value, by its place in `values`."""
        change = self._scales.change(self.right[index], self._units.count)
        return self._units.direction(change / change.norm(), float(self.values[index]))

    def finer(self, more: float) -> Determination:
        """The same with so many times as many features."""
        equations, fixed, without, layers = self._given
        return Determination(equations, fixed=fixed, without=without, layers=layers, more=more)

    def beside_equations(self, index: int) -> float:
        """What part of its singular value a direction owes to rows of fewer dimensions than the domain, 0 to 1."""
        whole = self.problem.domain.dimension
        held = self.problem.constraints
        beside = [i for i, one in enumerate(self.groups) if one.name in held and held[one.name].on.dimension < whole]
        if not beside or not self.values[index] > 0:
            return 0.0
        return float((self._scales.rows(self.groups, beside) @ self.right[index]).norm() / self.values[index])

    def known_unknowns(self) -> float:
        """The smallest singular value if all unknowns were known; what it is where there are none."""
        unknowns = self.problem.unknowns
        kept = [torch.full((len(places),), name not in unknowns) for name, places in self.owners.items()]
        if all(bool(one.all()) for one in kept):
            return float(self.values[0])
        return float(singular(self._scales.rows(self.groups)[:, torch.cat(kept)])[0][0])

    def values_at(self, points: Points, wanted: Sequence[Derivatives]) -> list[Tensor]:
        """What derivatives of outputs are on unit changes, (n, K) each.

        Args:
            points: where.
            wanted: output, coordinate, and how many derivatives by it.
        """

        def rows(columns: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
            return [outputs[name] if k == 0 else d(outputs[name], *[columns[along]] * k) for name, along, k in wanted]

        read = self._equations.model.reader([name for name, _, _ in wanted])
        bound = self._equations.engine.bind(read, rows, self.problem.coordinates)
        _, jacobian = bound.linearize(points.x, self._objective.parameters(), {})
        product = jacobian @ self._units.matrix
        return [product[index :: len(wanted)] for index in range(len(wanted))]

    def response(self, rows: Tensor) -> float:
        """What smooth changes make of rows (n, K) on unit changes, at the most."""
        return self._scales.response(rows, self._units.smooth)

    def along(self, rows: Tensor, directions: Tensor) -> Tensor:
        """Rows (n, K) brought to size one, on equilibrated directions (L, K); zero where smooth changes give zero."""
        size = self._scales.response(rows, self._units.smooth)
        return self._scales.columns(rows) @ directions.T / (size * math.sqrt(len(rows)) if size > 0 else 1.0)


def _layer(problem: Problem, coordinate: str, bound: float, inputs: int, generator: torch.Generator) -> FeatureDraw:
    """Hyperbolic tangents that are steep across a face and smooth along it, to a fiftieth of the extent."""
    before = problem.coordinates[: problem.coordinates.index(coordinate)]
    axis = sum(2 if name in problem.periodic else 1 for name in before)
    face = -1.0 if bound == problem.domain.bounds[coordinate][0] else 1.0
    steep = torch.logspace(math.log10(2), math.log10(100), _LAYER, dtype=torch.float64)
    weight = torch.randn(_LAYER, inputs, generator=generator, dtype=torch.float64)
    weight[:, axis] = steep
    place = 2 * torch.rand(_LAYER, inputs, generator=generator, dtype=torch.float64) - 1
    place[:, axis] = face * (1 + 2 * torch.rand(_LAYER, generator=generator, dtype=torch.float64) / steep)
    return FeatureDraw(weight, -(weight * place).sum(1), 0)
