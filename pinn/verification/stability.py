"""Whether the constraints determine the answer: the smallest singular values of J on changes of unit size.

    σ = svd(J B),   B: combinations of random features, and unknown numbers, that change the answer by one unit

A unit is a root-mean-square change of an output (or unknown field) by its own size, or a relative change of an unknown
number by one. B comes from an SVD of each output's features on 1000 points; singular values under 1e-9 of the largest
are dropped. Rows and fields are brought to one size (`pinn.verification.equilibration`), so that neither units nor
weights decide, nor how far an unknown is from its size.

A problem that determines its answer has σ of order one, unless errors grow along the answer or rows of very different
sizes meet; what is left open shows as values that are decades smaller, whose right singular vectors say what moves:
which output, where, and which unknowns together. |r| / σ_min bounds the error of the outputs to first order.

σ alone does not tell the two apart. Measured about models after 0, 10 and 30 steps: 250 of problems that are posed, or
from the field, and 110 of those that lack something (tests/verification/test_posedness.py, tests/field):

| problem | σ |
|---|---|
| posed, but errors grow along it: chaos, a double well, both untrained; lotka_volterra after 10 steps | 2e-6 … 9e-5 |
| posed, conductivities of 1 : 1600 | 4.5e-5 |
| the rest of what is posed | 4e-4 … 0.8 |
| one ordinary condition or datum less | 1.5e-8 … 5e-5 |
| a wall, a start, a part of a condition less, two dimensions and three | 1e-7 … 1.2e-2 |
| a layer's condition less | 0.41 |
| an output or an unknown that nothing uses, a product of unknowns | 0 … 6e-13 |

So `left_open` (`pinn.verification.posedness`) looks for the condition that is missing, or the unknowns that are not
told: about these models it finds one in all of the 110 but those of the last row that it leaves out as unused, chaos
after 10 steps and an eigenvalue without its norm, and none in the 250. The certificate takes its word, and a σ below
1e-7, in the middle of what remains, for open whatever is named. Where an equation cannot be read there is σ alone, and
2e-5 is the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pinn.ambient import own_settings
from pinn.analysis import Role, analyze
from pinn.domains import Points
from pinn.features.answers import copied
from pinn.features.rows import engine_of
from pinn.model import Model
from pinn.objective import Equations, Objective
from pinn.sampling.uniform import sample_uniform
from pinn.verification.about import Group as Columns
from pinn.verification.about import (
    changes_at,
    dtype_of,
    frames_of,
    groups_of,
    inputs_at,
    number_sizes,
    outputs_at,
    uniform_draws,
    with_features,
)
from pinn.verification.direction import Direction
from pinn.verification.equilibration import Equilibration, Group, groups_by_component, responses_of, singular

THRESHOLD = 1e-7  # stability below which constraints leave a change open whatever is named; see the module
UNREAD = 2e-5  # the same where an equation cannot be read, so that no missing condition can be looked for
_SCALES = (1.0, 3.0, 6.0)
_DROPPED = {torch.float64: 1e-9, torch.float32: 1e-4}  # singular values of the features, relative to the largest
_PROBES = 16  # smooth fields whose response is a row's size
_CONDITION = 10.0  # factor of rows on what has fewer dimensions than the domain, where they are exact
_SAMPLE = 1000  # points on which the size of a change is measured
_TELLING = 0.35  # part of a coordinate's extent in which half of a change must lie to be worth saying
_MOST = 3  # directions that are told

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stability:
    """Singular values of the scaled constraints on changes of unit size, and what the smallest belong to.

    Attributes:
        values: all of them, ascending, dimensionless.
        directions: those below the threshold, the worst first, at most three.
        residual: |r| in the same scaling, dimensionless.
    """

    values: tuple[float, ...]
    directions: tuple[Direction, ...]
    residual: float

    @property
    def least(self) -> float:
        """The smallest singular value; infinite where nothing can change, so that nothing can be left open."""
        return self.values[0] if self.values else math.inf


def stability_of(
    equations: Equations, *, seed: int = 0, features: int | None = None, threshold: float = UNREAD
) -> Stability:
    """Measure whether the constraints determine the answer, about a model that may be trained or not.

    Args:
        equations: problem, model and engine; the model is left as it is.
        seed: of features and points.
        features: M; left out, 300 for one output, fewer each for several.
        threshold: a value below it is that of a direction which is not determined.

    Example:
        >>> from pinn.derivatives import Jets
        >>> from pinn.networks import MLP
        >>> from pinn.problems import oscillator
        >>> model = Model(oscillator(), MLP, generator=torch.Generator().manual_seed(0))
        >>> stability_of(Equations(model, Jets())).least > 0.1
        True
    """
    with own_settings(dtype_of(equations)):
        return Linearized.of(equations, seed, features).stability(threshold)


@dataclass(frozen=True, eq=False)
class Linearized:
    """The constraints linearized on changes of unit size.

    Attributes:
        objective: on fresh points, of a model with features about it.
        units: the changes, B.
        plain: rows of J B under the objective's own scaling, (N, K).
        groups: rows of J B, and r, by constraint and component, under the objective's own scaling.
        scales: what brings rows and fields to one size.
    """

    objective: Objective
    units: UnitChanges
    plain: Tensor
    groups: list[Group]
    scales: Equilibration

    @classmethod
    def of(cls, equations: Equations, seed: int = 0, features: int | None = None) -> Linearized:
        """Linearize about a model; see `stability_of`. To be called under `own_settings` of its precision."""
        problem = equations.problem
        generator = torch.Generator().manual_seed((seed + 0x57AB) % 2**63)
        model = copied(equations.model).requires_grad_(True)
        like = next(model.parameters())
        if features is None:
            fields = len(problem.outputs) + len(model.fields)
            features = max(100, round((150 if len(problem.coordinates) == 1 else 300) / math.sqrt(fields)))
        sample = problem.domain.sample(_SAMPLE, generator=generator).to(like.dtype, like.device)
        draws = uniform_draws(model, sample, features, _SCALES, generator, fields=max(60, features // 2))
        about = with_features(model, draws, frames_of(model, sample))
        units = UnitChanges.of(about, groups_of(about), sample, generator)
        points = sample_uniform(problem, max(1, 3 * units.count), generator)
        objective = Objective(Equations(about, engine_of(equations)), points)
        residual, jacobian = objective.linearize()
        plain = jacobian.double().cpu() @ units.matrix
        groups = groups_by_component(objective, plain, residual.double().cpu())
        inside = analyze(problem).of_role(Role.EQUATION)
        return cls(objective, units, plain, groups, Equilibration.of(groups, units.owners(), units.smooth, inside))

    @cached_property
    def rows(self) -> Tensor:
        """J B with each component of each constraint brought to size one, times the root of its weight, (N, K)."""
        return self._placed(torch.zeros_like(self.plain), [group.rows for group in self.groups])

    @cached_property
    def residual(self) -> Tensor:
        """r brought to size one as `rows` are, (N,)."""
        return self._placed(self.plain.new_zeros(len(self.plain)), [group.residual for group in self.groups])

    def _placed(self, found: Tensor, parts: Sequence[Tensor]) -> Tensor:
        """What is known of each component of each constraint, brought to size one and put where its rows are."""
        problem, place, start = self.objective.equations.problem, 0, 0
        for block, q in zip(self.objective.blocks, self.objective.residuals_per_point, strict=True):
            some = slice(start, start + block.rows)
            start += block.rows
            condition = problem.constraints[block.name].on.dimension < problem.domain.dimension
            for part in range(q):
                factor = (_CONDITION if condition else 1.0) * self._factor(self.groups[place].rows)
                found[some][part::q] = parts[place] * factor
                place += 1
        return found

    def _factor(self, rows: Tensor) -> float:
        """One over what smooth changes of the field that moves rows most make of them; of a number if none does."""
        sizes = responses_of(rows, self.scales.owners, self.units.smooth)
        if not len(sizes):
            return 0.0
        fields = torch.tensor([name in self.units.smooth for name in self.scales.owners])
        size = float((sizes[fields] if bool((sizes[fields] > 0).any()) else sizes).max()) * math.sqrt(len(rows))
        return 1 / size if size > 0 else 0.0

    def stability(self, threshold: float = UNREAD) -> Stability:
        """Singular values, and what the smallest belong to."""
        if self.units.count == 0:
            return Stability((), (), math.nan)
        rows = self.scales.rows(self.groups)
        if not bool(torch.isfinite(rows).all()):
            return Stability((math.nan,), (), math.nan)
        values, right = singular(rows)
        directions = [
            self.units.direction(change / change.norm(), value)
            for value, change in (
                (value, self.scales.change(vector, self.units.count))
                for value, vector in zip(values.tolist()[:_MOST], right[:_MOST], strict=False)
            )
            if value < threshold
        ]
        residual = float(self.scales.residual(self.groups).norm())
        return Stability(tuple(values.tolist()), tuple(directions), residual)


@dataclass(frozen=True, eq=False)
class UnitChanges:
    """B: combinations of columns of J that change the answer by one unit each, orthogonal on the sample.

    Attributes:
        matrix: B, shape (p, K).
        smooth: output or field -> unit combinations that are smooth changes of it, shape (K, probes).
        parts: name -> the change of that output or field by each of them, over its size, shape (n, K).
        numbers: unknown number -> (its place among them, its size, in its own units).
        points: the sample, n points.
        bounds: extent of each coordinate.
        inputs: field -> the coordinates it depends on.
    """

    matrix: Tensor
    smooth: Mapping[str, Tensor]
    parts: Mapping[str, Tensor]
    numbers: Mapping[str, tuple[int, float]]
    points: Points
    bounds: Mapping[str, tuple[float, float]]
    inputs: Mapping[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        """Number K of them."""
        return int(self.matrix.shape[1])

    @classmethod
    def of(cls, about: Model, groups: list[Columns], sample: Points, generator: torch.Generator) -> UnitChanges:
        """Those of a model with features about it."""
        problem = about.problem
        slopes, bases = changes_at(about, sample)
        sizes = _sizes(about, sample)
        size = sum(group.columns.numel() for group in groups)
        blocks: list[tuple[Tensor, dict[str, Tensor]]] = []  # of B, and the changes by them
        moving = [group for group in groups if group.kind != "number"]
        for cluster in _clusters(moving, slopes):
            columns = torch.cat([group.columns for group in cluster])
            targets = sorted({target for target, mover in slopes if any(mover == g.name for g in cluster)})
            if not targets:
                continue  # an ansatz that leaves the network out
            stacked = torch.cat(
                [
                    torch.cat(
                        [
                            slopes[target, group.name][:, None] * bases[group.name] / sizes[target]
                            if (target, group.name) in slopes
                            else torch.zeros_like(bases[group.name])
                            for group in cluster
                        ],
                        1,
                    )
                    for target in targets
                ]
            )
            left, values, right = torch.linalg.svd(stacked.double().cpu() / math.sqrt(sample.n), full_matrices=False)
            kept = values > _DROPPED[sample.x.dtype] * values[0]
            inverse = (right[kept] / values[kept][:, None]).T
            block = torch.zeros(size, inverse.shape[1], dtype=torch.float64)
            block[columns] = inverse
            unit = left[:, kept] * math.sqrt(sample.n)
            parts = {target: unit[i * sample.n : (i + 1) * sample.n] for i, target in enumerate(targets)}
            blocks.append((block, parts))
        numbers: dict[str, tuple[int, float]] = {}
        start = sum(block.shape[1] for block, _ in blocks)
        known = number_sizes(about)
        for group in groups:
            if group.kind == "number":
                one = torch.zeros(size, 1, dtype=torch.float64)
                own, slope = known[group.name]
                one[group.columns, 0] = own / slope if slope else 0.0
                numbers[group.name] = start + len(numbers), own
                blocks.append((one, {}))
        parts = _placed(blocks, sample.n)
        return cls(
            torch.cat([torch.zeros(size, 0, dtype=torch.float64), *(block for block, _ in blocks)], 1),
            {name: _smooth(about, name, part, sample, generator) for name, part in parts.items()},
            parts,
            numbers,
            sample,
            problem.domain.bounds,
            {name: tuple(problem.unknowns[name].inputs) for name in about.fields},
        )

    def owners(self) -> dict[str, Tensor]:
        """Output, field or number -> the unit changes that are its own, as places among all."""
        names = list(self.parts)
        owner: list[str] = [""] * self.count
        if names:
            sizes = torch.stack([self.parts[name].norm(dim=0) for name in names])
            owner = [names[index] for index in sizes.argmax(0).tolist()]
        for name, (place, _) in self.numbers.items():
            owner[place] = name
        every = dict.fromkeys([*names, *self.numbers])
        return {
            name: torch.tensor([place for place, one in enumerate(owner) if one == name], dtype=torch.long)
            for name in every
        }

    def direction(self, vector: Tensor, stability: float) -> Direction:
        """A combination (K,) of unit length in words."""
        fields = {name: part @ vector for name, part in self.parts.items()}
        shares = {name: float(field.square().mean().sqrt()) for name, field in fields.items()}
        relative = {name: float(vector[place]) for name, (place, _) in self.numbers.items()}
        largest = max([*shares.values(), *(abs(value) for value in relative.values())])
        shares = {name: value for name, value in shares.items() if value > 0.1 * largest}
        relative = {name: value for name, value in relative.items() if abs(value) > 0.02 * largest}
        where: dict[str, tuple[float, float]] = {}
        if shares and max(shares.values()) >= max((abs(value) for value in relative.values()), default=0.0):
            worst = max(shares, key=shares.__getitem__)
            names = self.inputs.get(worst, self.points.names)
            for name in names:
                low, high = self.bounds[name]
                column = self.points.column(name).double().cpu().numpy()
                start, stop = shortest_half(column, fields[worst].square().numpy())
                if stop - start < _TELLING * (high - low):
                    where[name] = (start, stop)
        changes = {name: value * self.numbers[name][1] for name, value in relative.items()}
        return Direction(stability, shares, where, relative, changes)


def _sizes(about: Model, sample: Points) -> dict[str, float]:
    """Root-mean-square of each output and field; that of the model's scaling where it vanishes."""
    own = dict(zip(about.problem.outputs, about.sizes.tolist(), strict=True))
    found = {}
    for name, value in outputs_at(about, sample).items():
        size = float(value.double().square().mean().sqrt())
        floor = 1e-3 * own.get(name, abs(about.problem.unknowns[name].initial) if name in about.fields else 1.0)
        if name in about.problem.ansatz:
            floor = 0.0  # the model's size is that of what the ansatz is made of
        found[name] = size if size > floor else own.get(name, 1.0)
    return found


def _clusters(groups: list[Columns], slopes: Mapping[tuple[str, str], Tensor]) -> list[list[Columns]]:
    """Groups that move a target together, as an ansatz can make outputs do."""
    clusters: list[list[Columns]] = []
    for group in groups:
        targets = {target for target, mover in slopes if mover == group.name}
        mine = [one for one in clusters if any((t, g.name) in slopes for g in one for t in targets)]
        joined = [g for one in mine for g in one] + [group]
        clusters = [one for one in clusters if one not in mine] + [joined]
    return clusters


def _smooth(about: Model, name: str, part: Tensor, sample: Points, generator: torch.Generator) -> Tensor:
    """Unit combinations (K, probes) that are nearest to sines of the scaled inputs."""
    inputs = inputs_at(about, sample, about.problem.unknowns[name].inputs if name in about.fields else None)
    waves = 2 * torch.rand(inputs.shape[1], _PROBES, generator=generator, dtype=torch.float64) + 0.5
    signs = torch.rand(waves.shape, generator=generator, dtype=torch.float64).sub(0.5).sign()
    phases = 2 * math.pi * torch.rand(_PROBES, generator=generator, dtype=torch.float64)
    fields = torch.sin(inputs.double().cpu() @ (waves * signs) + phases)
    combined = part.T @ fields
    return combined / combined.norm(dim=0).clamp(min=1e-300)


def _placed(blocks: list[tuple[Tensor, dict[str, Tensor]]], n: int) -> dict[str, Tensor]:
    """Each target's change by all combinations, zero by those of other blocks."""
    total = sum(block.shape[1] for block, _ in blocks)
    found: dict[str, Tensor] = {}
    start = 0
    for block, parts in blocks:
        for name, part in parts.items():
            found[name] = torch.zeros(n, total, dtype=torch.float64)
            found[name][:, start : start + block.shape[1]] = part
        start += block.shape[1]
    return found


def shortest_half(column: Array, weight: Array) -> tuple[float, float]:
    """The shortest interval of `column` that holds half of `weight`."""
    order = np.argsort(column, kind="stable")
    x, before = column[order], np.concatenate([[0.0], np.cumsum(weight[order])])
    stop = np.searchsorted(before[1:], before[:-1] + 0.5 * before[-1])
    start = np.flatnonzero(stop < len(x))
    best = start[np.argmin(x[stop[start]] - x[start])]
    return float(x[best]), float(x[stop[best]])
