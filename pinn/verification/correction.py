"""The correction of an answer by one linear least-squares problem on random features about it.

    û = u + Σⱼ cⱼ φⱼ,    c = argmin |J c + r|²,    J = ∂r/∂c at c = 0, on points never used

This is defect correction (Stetter, Numer. Math. 29 (1978) 425) in a random-feature basis, and one Gauss-Newton step
of the network widened by M neurons. J is numerically rank deficient; `pinn.linalg.least_squares` makes the residual as
small as float64 lets it.

Points of equations are drawn half evenly, half by the size of the residual, with weights that make up for it; a layer
that even points miss is then resolved. Of the rows of a constraint the largest two percent count as if they were no
larger than the others: at a singular corner no correction carries them, and without this they alone decide. What the
correction is worth is measured on other points of the same kind.

Where neither features of the inputs nor of the answer carry the residual, the network's own parameters move too: what
training has made of its neurons has the places and scales of the answer's layers. That step is damped (Levenberg,
Marquardt) as points not seen want it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.analysis import analyze
from pinn.domains import Points
from pinn.features.followed import followed, of_the_domain, outweighed
from pinn.features.rows import weighed_as
from pinn.linalg import cholesky, cholesky_solve, gram, least_squares
from pinn.model import Model
from pinn.networks.random_features import FeatureDraw
from pinn.objective import Equations, Objective
from pinn.problem import Problem
from pinn.smoothness import SMOOTHNESS
from pinn.verification.about import (
    frames_of,
    own_draws,
    uniform_draws,
    with_features,
)

_SCALES = (1.0, 3.0, 6.0)
_SAMPLE = 2000  # points that features lie about, and on which frames are measured
_HELD = 1500  # points of equations on which a correction is confirmed
_DAMPING = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-1)  # of the trace of JᵀJ, columns of size one
_SHORT = 1 / 64  # of a step, in which the residual is read as linear
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
        moving: whether the network's own parameters take part: what training has made of them has the scales of the
            answer's layers. The step is then damped as points that it does not see want it.
    """

    features: int
    own: float = 0.0
    followed: float = 0.0
    rows: float = 3.0
    moving: bool = False


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
        foreseen: the same as the linear problem has it, r + J c for what is left; `carried` where parameters of the
            network moved, in which nothing is linear.
        left: |J c + r| / |r| on those of the solve.
        moved: whether parameters of the network moved.
    """

    model: Model
    correction: Correction
    carried: float
    foreseen: float
    left: float
    moved: bool


class Corrector:
    """Solves of growing size about one model.

    Args:
        equations: problem, model and engine.
        model: a copy of the model.
        generator: source of features and points.
        smooth: whether unknown fields are kept as smooth as in training: where data have noise. Where they have none,
            that is a wish of training and not what the answer is to satisfy.
    """

    def __init__(self, equations: Equations, model: Model, generator: torch.Generator, *, smooth: bool = False) -> None:
        self.problem, self.model, self.generator = equations.problem, model, generator
        self.equations = weighed_as(equations, model)
        self.apart = [name for name in self.problem.constraints if name.startswith(SMOOTHNESS) and not smooth]
        like = next(model.parameters())
        self.sample = self.problem.domain.sample(_SAMPLE, generator=generator).to(like.dtype, like.device)
        self.frames = frames_of(model, self.sample)
        self.points_of = of_the_domain(self.equations)

    def columns(self, plan: Plan) -> int:
        """Number p of columns of J."""
        fields = sum(_of_field(plan) + 1 for _ in self.model.fields)
        moving = self._own if plan.moving else 0
        return (plan.features + 1) * len(self.problem.outputs) + fields + len(self.model.raw) + moving

    @property
    def _own(self) -> int:
        """Parameters of the network and of those of unknown fields."""
        networks = [self.model.network, *self.model.fields.values()]
        return sum(parameter.numel() for network in networks for parameter in network.parameters())

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
        trials = len(_DAMPING) * (p**3 / 3 + _HELD * passes) if plan.moving else 0.0
        return (3 * n + 2 * _HELD) * passes + rows * p * (_WRITE + 2 * p) + trials

    def solve(self, plan: Plan) -> Solved | None:
        """One solve; None where the rows are no numbers."""
        draws = self._draws(plan)
        about = with_features(self.model, draws, self.frames)
        if plan.moving:
            for joined in (about.network, *about.fields.values()):
                joined.network.requires_grad_(True)
        equations = weighed_as(self.equations, about)
        equations.weights |= dict.fromkeys(self.apart, 0.0)
        held = self._objective(equations, _HELD, plan.followed)
        before = held.residual()
        objective = self._objective(equations, self.size(plan), plan.followed)
        residual, jacobian = objective.linearize()
        finite = bool(
            torch.isfinite(before).all() and torch.isfinite(residual).all() and torch.isfinite(jacobian).all()
        )
        if not finite:
            return None
        # In place, for J is large.
        weights = outweighed(objective, residual)
        residual, jacobian = residual * weights, jacobian.mul_(weights[:, None])
        unseen = _Unseen(held, outweighed(held, before))
        before = before * unseen.weights
        step = self._damped(objective, unseen, residual, jacobian) if plan.moving else least_squares(jacobian, residual)
        start = objective.vector()
        objective.assign(start + _SHORT * step)
        slope = (unseen.residual() - before) / _SHORT
        objective.assign(start + step)
        after, linear = float(unseen.residual().norm()), float((before + slope).norm())
        trained = {name: value.detach() for name, value in about.named_parameters() if value.requires_grad}
        return Solved(
            about,
            Correction(draws, self.frames, trained),
            _share(after, float(before.norm())),
            _share(after if plan.moving else linear, float(before.norm())),
            _share(float((jacobian @ step + residual).norm()), float(residual.norm())),
            plan.moving,
        )

    def _damped(self, objective: Objective, unseen: _Unseen, residual: Tensor, jacobian: Tensor) -> Tensor:
        """The step of that damping after which least is left on points that the solve does not see."""
        start = objective.vector()
        tried = [(float(unseen.residual().norm()), torch.zeros_like(start))]
        for step in damped_steps(jacobian, residual, _DAMPING):
            objective.assign(start + step)
            left = float(unseen.residual().norm())
            tried.append((left if math.isfinite(left) else math.inf, step))
        objective.assign(start)
        return min(tried, key=lambda one: one[0])[1]

    def _draws(self, plan: Plan) -> dict[str, FeatureDraw]:
        own = round(plan.own * plan.features)
        draws = uniform_draws(
            self.model, self.sample, plan.features - own, _SCALES, self.generator, fields=_of_field(plan)
        )
        if own:
            place, _ = followed([self.equations], own, 0.9, self.generator)
            centres = Points.cat([Points(place[name].names, place[name].x) for name in self.points_of])
            some = torch.randperm(centres.n, generator=self.generator)[:own]
            further = own_draws(self.model, centres.take(some), _SCALES, self.generator, self.frames[""])
            draws[""] = draws[""].padded(len(self.problem.outputs)) + further
        return draws

    def _objective(self, equations: Equations, size: int, part: float) -> Objective:
        points, weights = followed([self.equations], size, part, self.generator)
        return Objective(equations, points, point_weights=weights)


def _of_field(plan: Plan) -> int:
    return max(50, min(100, plan.features // 2))


def damped_steps(jacobian: Tensor, residual: Tensor, damping: Sequence[float]) -> list[Tensor]:
    """c (p,) that makes |J c + r|² + λ p |D c|² least, D the sizes of the columns, for each λ that can be factored.

    Args:
        jacobian: J, (N, p).
        residual: r, (N,).
        damping: λ, positive.
    """
    like, jacobian, residual = residual, jacobian.double().cpu(), residual.double().cpu()
    sizes = jacobian.norm(dim=0)
    sizes = torch.where(sizes > 0, sizes, torch.ones_like(sizes))
    scaled = jacobian / sizes
    matrix, right = gram(scaled), scaled.T @ residual
    factors = (cholesky(matrix, one * matrix.shape[0]) for one in damping)
    return [(-cholesky_solve(lower, right) / sizes).to(like) for lower in factors if lower is not None]


@dataclass(frozen=True, eq=False)
class _Unseen:
    """Rows on points that a solve does not see, weighed (N,)."""

    objective: Objective
    weights: Tensor

    def residual(self) -> Tensor:
        return self.objective.residual() * self.weights


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def relative_changes(before: Mapping[str, Tensor], after: Mapping[str, Tensor], outputs: Problem) -> dict[str, float]:
    """Relative L2 change of each output and field, over the size it has afterwards; "" for all outputs stacked."""
    changes = {name: float((after[name] - before[name]).double().square().sum()) for name in after}
    sizes = {name: float(after[name].double().square().sum()) for name in after}
    changes[""] = sum(changes[name] for name in outputs.outputs)
    sizes[""] = sum(sizes[name] for name in outputs.outputs)
    count = next(iter(after.values())).numel()
    return {name: math.sqrt(changes[name]) / (math.sqrt(sizes[name]) or math.sqrt(count)) for name in changes}
