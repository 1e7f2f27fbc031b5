"""The correction of an answer by one linear least-squares problem on random features about it.

    û = u + Σⱼ cⱼ φⱼ,    c = argmin |J c + r|²,    J = ∂r/∂c at c = 0, on points never used

This is defect correction (Stetter, Numer. Math. 29 (1978) 425) in a random-feature basis, and one Gauss-Newton step
of the network widened by M neurons. J is numerically rank deficient; `pinn.linalg.least_squares` makes the residual as
small as float64 lets it.

Points of equations are drawn half evenly, half by the size of the residual, with weights that make up for it; a layer
that even points miss is then resolved. What the correction is worth is measured on other points of the same kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.analysis import analyze
from pinn.domains import Points
from pinn.features.rows import weighed_as
from pinn.linalg import least_squares
from pinn.model import Model
from pinn.networks.random_features import FeatureDraw
from pinn.objective import Equations, Objective
from pinn.problem import Problem
from pinn.sampling.uniform import sample_uniform
from pinn.verification.about import (
    frames_of,
    own_draws,
    uniform_draws,
    with_features,
)

_SCALES = (1.0, 3.0, 6.0)
_SAMPLE = 2000  # points that features lie about, and on which frames are measured
_HELD = 1500  # points of equations on which a correction is confirmed
_CANDIDATES = 5  # of which one point is chosen
_NEURON = 100.0  # operations in whose time an activation is made, as `pinn.training.work` counts them
_WRITE = 60.0  # the same for an entry of J


@dataclass(frozen=True)
class Plan:
    """The size of one solve.

    Attributes:
        features: M of the network.
        own: the part of them that are features of the network's outputs too, 0 to 1.
        followed: the part of the equations' points that is drawn by the residual, 0 to 1.
        rows: rows of equations for each column.
    """

    features: int
    own: float = 0.0
    followed: float = 0.0
    rows: float = 3.0


@dataclass(frozen=True, eq=False)
class Correction:
    """Features, and the coefficients that correct an answer.

    Attributes:
        draws: features of the network ("") and of unknown fields, by name.
        frames: mean and size of what each network gives, by name.
        coefficients: trained parameters of the corrected model, by their names in it.
    """

    draws: Mapping[str, FeatureDraw]
    frames: Mapping[str, tuple[Tensor, Tensor]]
    coefficients: Mapping[str, Tensor]

    def corrected(self, model: Model) -> Model:
        """A copy of the model that was corrected, with the correction added: an ordinary model, in its precision."""
        about = with_features(model, self.draws, self.frames)
        with torch.no_grad():
            for name, parameter in about.named_parameters():
                if name in self.coefficients:
                    parameter.copy_(self.coefficients[name])
        return about


@dataclass(frozen=True, eq=False)
class Solved:
    """One solve.

    Attributes:
        model: the corrected one.
        correction: the same as numbers.
        carried: |r| after over |r| before, on points that the solve did not see.
        left: |J c + r| / |r| on those of the solve.
    """

    model: Model
    correction: Correction
    carried: float
    left: float


class Corrector:
    """Solves of growing size about one model.

    Args:
        equations: problem, model and engine.
        model: a copy of the model.
        generator: source of features and points.
    """

    def __init__(self, equations: Equations, model: Model, generator: torch.Generator) -> None:
        self.problem, self.model, self.generator = equations.problem, model, generator
        self.equations = weighed_as(equations, model)
        like = next(model.parameters())
        self.sample = self.problem.domain.sample(_SAMPLE, generator=generator).to(like.dtype, like.device)
        self.frames = frames_of(model, self.sample)
        self.points_of = [
            name
            for name, constraint in self.problem.constraints.items()
            if constraint.on.dimension >= self.problem.domain.dimension and constraint.reduction.pointwise
        ]

    def columns(self, plan: Plan) -> int:
        """Number p of columns of J."""
        fields = sum(_of_field(plan) + 1 for _ in self.model.fields)
        return (plan.features + 1) * len(self.problem.outputs) + fields + len(self.model.raw)

    def size(self, plan: Plan) -> int:
        """Points of each equation."""
        traits = analyze(self.problem).constraints
        rows = sum(traits[name].residuals_per_point for name in self.points_of)
        return max(200, math.ceil(plan.rows * self.columns(plan) / max(rows, 1)))

    def work(self, plan: Plan) -> float:
        """Operations of one solve, as `pinn.training.work` counts those of a run."""
        p, n = self.columns(plan), self.size(plan)
        traits = analyze(self.problem)
        rows = traits.rows({name: n if name in self.points_of else math.isqrt(n) for name in traits.constraints})
        network = sum(parameter.numel() for parameter in self.model.parameters())
        passes = 4 * (2 * network + 2 * _NEURON * plan.features)
        return (3 * n + 2 * _HELD) * passes + rows * p * (_WRITE + 2 * p)

    def solve(self, plan: Plan) -> Solved | None:
        """One solve; None where the rows are no numbers."""
        draws = self._draws(plan)
        about = with_features(self.model, draws, self.frames)
        equations = weighed_as(self.equations, about)
        held = self._objective(equations, _HELD, plan.followed)
        before = float(held.residual().norm())
        objective = self._objective(equations, self.size(plan), plan.followed)
        residual, jacobian = objective.linearize()
        if not (math.isfinite(before) and bool(torch.isfinite(residual).all() and torch.isfinite(jacobian).all())):
            return None
        step = least_squares(jacobian, residual)
        objective.assign(objective.vector() + step)
        after = float(held.residual().norm())
        size = float(residual.norm())
        trained = {name: value.detach() for name, value in about.named_parameters() if value.requires_grad}
        return Solved(
            about,
            Correction(draws, self.frames, trained),
            after / before if before > 0 else 0.0,
            float((jacobian @ step + residual).norm()) / size if size > 0 else 0.0,
        )

    def _draws(self, plan: Plan) -> dict[str, FeatureDraw]:
        own = round(plan.own * plan.features)
        draws = uniform_draws(
            self.model, self.sample, plan.features - own, _SCALES, self.generator, fields=_of_field(plan)
        )
        if own:
            place, _ = self._points(own, 0.9)
            centres = Points.cat([Points(place[name].names, place[name].x) for name in self.points_of])
            some = torch.randperm(centres.n, generator=self.generator)[:own]
            further = own_draws(self.model, centres.take(some), _SCALES, self.generator, self.frames[""])
            draws[""] = draws[""].padded(len(self.problem.outputs)) + further
        return draws

    def _objective(self, equations: Equations, size: int, followed: float) -> Objective:
        points, weights = self._points(size, followed)
        return Objective(equations, points, point_weights=weights)

    def _points(self, size: int, followed: float) -> tuple[dict[str, Points], dict[str, Tensor]]:
        """Fresh points, and the weights that make up for how they were drawn."""
        points = sample_uniform(self.problem, size, self.generator)
        weights: dict[str, Tensor] = {}
        if not followed:
            return points, weights
        for name in self.points_of:
            n = points[name].n
            many = self.problem.constraints[name].on.sample(_CANDIDATES * n, generator=self.generator)
            squares = self.equations.residual(name, many).double().cpu().square().sum(1)
            sizes = torch.nan_to_num(squares.sqrt(), nan=0.0, posinf=0.0)
            if not float(sizes.mean()) > 0:
                continue
            density = (1 - followed) + followed * sizes / sizes.mean()
            chosen = torch.multinomial(density, n, generator=self.generator)
            points[name] = many.take(chosen)
            weights[name] = (1 / density[chosen]) / (1 / density[chosen]).mean()
        return points, weights


def _of_field(plan: Plan) -> int:
    return max(50, min(100, plan.features // 2))


def relative_changes(before: Mapping[str, Tensor], after: Mapping[str, Tensor], outputs: Problem) -> dict[str, float]:
    """Relative L2 change of each output and field, over the size it has afterwards; "" for all outputs stacked."""
    changes = {name: float((after[name] - before[name]).double().square().sum()) for name in after}
    sizes = {name: float(after[name].double().square().sum()) for name in after}
    changes[""] = sum(changes[name] for name in outputs.outputs)
    sizes[""] = sum(sizes[name] for name in outputs.outputs)
    count = next(iter(after.values())).numel()
    return {name: math.sqrt(changes[name]) / (math.sqrt(sizes[name]) or math.sqrt(count)) for name in changes}
