"""The solve of an affine problem on neurons that are not trained, from nothing or beside a trained network.

    û = N + Σ c_k φ_k,    c = argmin |J c + r|²,    J = ∂r/∂c,    until more neurons do not help

Equations and conditions that are affine in the outputs are affine in c, so that the collocation rows of a network whose
weights inside are fixed make one linear least-squares problem. φ are products of Chebyshev polynomials, and sines and
cosines along periodic coordinates (`pinn.networks.chebyshev`); at corners and about holes the singular functions of the
domain (`pinn.features.geometry`). A set of multi-indices grows by half where coefficients are large
(`pinn.features.multi_index`), so that no scale is to be chosen; two rows a column, at points denser towards the ends
(`pinn.features.placement`). What is left is measured on other points: the ratio `held` of residual norms.

The error is estimated from two solves in a row. With ρ the ratio of their residuals on points neither saw,

    |û_k − u| ≈ |û_k − û_{k−1}| ρ / (1 − ρ),

the sum of a geometric series; twice that is claimed, and no less than rounding.

Measured from nothing, the network untrained, without a tolerance, over seeds 0, 1, 2: relative L2 error, what was
claimed, neurons, and seconds of processor time of one core of a busy machine.

| problem | error | claimed | neurons | degrees | s |
|---|---|---|---|---|---|
| poisson_2d | 6e-16 … 3e-14 | 1e-14 … 5e-14 | 275 | 20 × 20 | 0.4 |
| heat_1d | 1e-15 … 2e-15 | 1e-14 | 275 | 22 × 18 | 0.4 |
| wave_1d | 1e-14 … 3e-14 | 1e-14 … 3e-14 | 1 395 | 33 × 45 | 2.7 |
| helmholtz_2d (1, 4) | 1e-14 … 2e-14 | 1e-14 | 1 395 … 2 093 | 42 × 38 | 2.3 … 5.6 |
| helmholtz_2d (6, 6) | 3e-13 … 8e-12 | 2e-12 … 4e-11 | 2 093 | 46 × 47 | 5.5 |
| convection (40) | 5e-15 | 1e-14 | 2 093 | 37 × 57 | 4.0 |
| euler_beam, oscillator, linear_ode | 4e-16 … 2e-15 | 1e-14 … 6e-14 | 40 … 60 | 39 … 59 | 0.1 |
| poisson_5d | 5e-16 … 7e-16 | 1e-14 | 162 … 243 | 21 each | 0.7 |
| poisson_l_shape | 5e-12, the reference's at the corner | 1e-14 … 4e-14 | 1 196 … 1 661 | 33 × 29 | 4.0 … 6.7 |
| laplace_four_holes | 3e-14 | 1e-14 | 929 | 34 × 16 | 4.5 |

Where conditions disagree at the corners of a box, or the right side does with them, polynomials alone converge slowly,
and so they are tried with log r and θ times polynomials about the corners (`box_corners`), which are kept where they
help: relative L2 error with as many polynomials, and operations of all rounds.

| problem | polynomials alone | with functions at corners |
|---|---|---|
| −Δu = 1, u = 0 on the sides of a square | 8e-6 (620 neurons, 2e10) | 6e-14 (533 neurons, 2e10) |
| Δu = 0, u = 1 on one side and 0 on the others | 8e-3 (620 neurons, 2e10) | 3e-14 (533 neurons, 2e10) |
| cavity | 4.7e-4 (930 neurons, 8e11) | 3.2e-5 (503 neurons, 2e11); the reference has 1.1e-5 |

Thin layers in a box have maps (`pinn.features.steep`): −ε Δu + u_x = f with ε = 1e-3 ends at 6e-10 after 5 s, with four
layers −ε² Δu + u = f at 3e-8. A beam that moves through three dimensions is refused after 2 s, with 4e-2.

About the holes of a domain, equations other than Laplace's have functions of 1/r and the angle (`pinn.features.holes`),
by the default call, seed 0, in seconds of the processor with and without: scattering by a disc 5e-14 in 19 s and 2e-7
in 75 s, a plate with a hole 1e-15 in 4 s and 3e-11 in 68 s, drag of a cylinder at Re 20 2e-5 in 23 s and 0.27 in 41 s.

Random features, tanh and sin with scales from held-out residuals, reached with as many columns 3e-12 on poisson_2d,
2e-8 on the string and 2e-3 in five dimensions: polynomials have better conditioned columns and are taken alone. Indices
whose coefficients are noise were given to others: convection took 930 neurons then, but poisson_5d ended at 4e-11.

Source: Dong, Li, Comput. Methods Appl. Mech. Engrg. 387 (2021) 114129, for fixed neurons and least squares; Boyd,
Chebyshev and Fourier Spectral Methods (2001), ch. 3 and 16, for collocation by least squares.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from pinn.analysis import Traits, analyze
from pinn.domains import Points
from pinn.features.answers import stacked_outputs, stands_alone
from pinn.features.descent import descend, linear_step
from pinn.features.effort import Effort, operations
from pinn.features.found import CLAIM, ROUNDING, Ending, FeatureSolve, Round
from pinn.features.geometry import Singularities, box_corners
from pinn.features.holes import harmonic_about_holes
from pinn.features.multi_index import Growth, shrunk
from pinn.features.parts import Bases, Parts, Weights, largest, layers, polynomials_of
from pinn.features.placement import corner_weights, place_points
from pinn.features.rows import affine_refusal, require_affine, smooth_refusal, weighed_as
from pinn.features.steep import may_be_steep, steep_parts
from pinn.model import Model
from pinn.networks import Chebyshev, CornerProducts, Enriched, HoleProducts
from pinn.networks.chebyshev import Index
from pinn.networks.enriched import neurons
from pinn.objective import Equations, Objective
from pinn.sampling.budget import counts
from pinn.validation import positive

EFFORT = 5e11  # operations, about ten seconds of one core
MOST_COLUMNS = 4000  # J then takes 256 MB

_FIRST = 40  # polynomials at first, ...
_GROWTH = 1.5  # ... and so many times as many in each round
_ORDER, _ORDER_GROWTH, _MOST_ORDER = 6, 1.3, 32  # the same for terms at each corner and hole
_AROUND = 16  # points of conditions for each order of functions about a hole that are not harmonic
_ROWS, _CONDITIONS = 2.0, 3.0  # of equations for each column, and of conditions for each singular column
_HELD = 0.5  # points that are held out, of those of the solve
_SAMPLE = 1000  # points on which outputs of two rounds are compared
_ENOUGH = 1e-13  # ... and the one with which a solve without a tolerance is content
_STILL = 0.3  # a residual that twice falls no further than to this part, ...
_SMALL = 1e-9  # ... being so small already, has reached rounding, ...
_LEAST = 1e-14  # ... as one below this always has
_LEFT, _EARLY = 0.3, 0.1  # more than the one left after the other part of the effort: features do not carry the problem
# The same for Gauss-Newton steps: a quarter of 2e11 operations left 0.013 of the cavity, and 0.046 of Burgers' equation
# (viscous), 0.05 of Allen-Cahn, 0.07 of Korteweg-de Vries, none of which four times as many brought below 0.03.
_LEFT_OF_NEWTON, _EARLY_OF_NEWTON = 0.03, 0.25
# A residual that neurons carry and that twice falls to no less than the first may be one of corners: to 0.35 to 0.88 in
# the cavity, with a jump at a corner and for −Δu = 1; smooth ones fall to 0.01 once waves are resolved. Functions at
# corners are kept where they leave less than the second, and tried again with so many times as many polynomials.
_SLOW, _HELPS, _TRIED_AGAIN = 0.3, 0.5, 4
_LAGS = 0.03  # more than this, left after the other part of the effort: maps for steep places are sought
_EARLY_SECONDS = 0.3  # of those that are left, after which it shows too
# Of the residual before, at the most, where it falls: Gauss-Newton steps then have so many times the effort more. With
# once as much the flow around a cylinder stopped at 2e-2 of the residual, which another round brings to 4e-3.
_HALVED, _FURTHER = 0.5, 9.0
_FAR = 1e-2  # of the residual left: with more, a problem that is not affine may be at another answer


def solve_affine(
    equations: Equations,
    *,
    generator: torch.Generator,
    effort: float = EFFORT,
    tolerance: float | None = None,
    beside: bool = False,
    seconds: float = math.inf,
) -> FeatureSolve:
    """Solve an affine problem on fixed neurons whose number grows while that pays.

    Args:
        equations: the problem, and a model whose scales and ansatz are taken; its network may be untrained.
        generator: source of the points.
        effort: operations at the most, as `pinn.training.work` counts them; at least one round is made.
        tolerance: claimed relative error of the outputs at which it ends; left out, when more neurons do not help.
        beside: whether the network of the model stays, frozen, beside the neurons; otherwise they stand alone.
        seconds: at the most, as foreseen from the rounds so far; one round is made in any case.

    Raises:
        ValueError: when the problem is not affine in its outputs, or has unknowns.

    Example:
        >>> from pinn.derivatives import Jets
        >>> from pinn.networks import MLP
        >>> from pinn.problems import oscillator
        >>> source = torch.Generator().manual_seed(0)
        >>> model = Model(oscillator(), MLP, generator=source)
        >>> found = solve_affine(Equations(model, Jets()), generator=source)
        >>> found.error < 1e-11, found.ending
        (True, <Ending.ROUNDING: 'more neurons do not help: what is left is rounding'>)
    """
    positive("solve_affine", effort=effort)
    if reason := affine_refusal(equations):
        raise ValueError(f"solve_affine: got {reason}; expected an affine problem without unknowns; train it instead")
    return _Solver(equations, generator, beside, Effort(effort, seconds)).run(tolerance)


def solve_smooth(
    equations: Equations,
    *,
    generator: torch.Generator,
    effort: float = EFFORT,
    tolerance: float | None = None,
    beside: bool = False,
    seconds: float = math.inf,
) -> FeatureSolve:
    """The same for a problem that is not affine: Gauss-Newton steps on the weights out of the neurons.

    Each step is one linear solve, halved until the residual falls; a round begins with the coefficients of the one
    before. From nothing Kovasznay's flow has an error of 1e-12 with 347 neurons after 1.5 s of one core, the cavity
    1e-3 with 486 after 3 s. Where a layer forms it ends far away: Burgers' equation has 3e-1 and 13 % of the residual
    after 5 s. So nothing is claimed where more than a hundredth is left.

    Args:
        equations, generator, effort, tolerance, beside, seconds: as for `solve_affine`; up to ten times the effort
            where each round leaves less than half of what the one before has left.

    Raises:
        ValueError: when the problem has unknowns or robust losses.
    """
    positive("solve_smooth", effort=effort)
    if reason := smooth_refusal(equations):
        raise ValueError(f"solve_smooth: got {reason}, expected none; train it instead")
    return _Solver(equations, generator, beside, Effort(effort, seconds), newton=True).run(tolerance)


class _Solver:
    """The rounds of one solve."""

    def __init__(
        self, equations: Equations, generator: torch.Generator, beside: bool, effort: Effort, newton: bool = False
    ) -> None:
        self.equations, self.problem = equations, equations.problem
        self.generator, self.beside, self.effort, self.newton = generator, beside, effort, newton
        self.growth = Growth(self.problem.domain.dimension, tuple(self._inputs()))
        self.start = Weights()  # coefficients of the round before, where steps are several
        self.traits: Traits = analyze(self.problem)
        self.parts = self._suited(Parts.of(self.problem))
        self.singular = self.parts.singular[0]
        like = next(equations.model.parameters())
        self.sample = self.problem.domain.sample(_SAMPLE, generator=generator).to(like.dtype, like.device)
        self.rounds: list[Round] = []
        self.before: Tensor | None = None
        self.solves = 1  # of the last round
        self.again = 0  # polynomials from which on corners are tried
        self.sought = newton or beside or not may_be_steep(self.parts)  # whether steep places were

    def _suited(self, parts: Parts) -> Parts:
        """Parts whose functions about holes are those that the equations want."""
        self.parts = parts
        if not any(one.holes for one in parts.singular):
            return parts
        equations = weighed_as(self.equations, self._model(parts.bases(self.growth.first(_FIRST), 2)))
        harmonic = harmonic_about_holes(equations, list(layers(equations.model.network)), self.generator)
        return Parts(self.problem, tuple(replace(one, harmonic=harmonic) for one in parts.singular))

    def _inputs(self) -> Iterator[int]:
        """Numbers of the coordinates that are coefficients of functions."""
        for space in self.problem.domain.functions.values():
            yield from map(self.problem.coordinates.index, space.coordinates)

    def run(self, tolerance: float | None) -> FeatureSolve:
        """Rounds until one of the endings."""
        index, order = self._beginning()
        best: tuple[Round, Model] | None = None
        while True:
            try:
                model, made, sizes = self._round(index, order)
            except KeyboardInterrupt:  # the rounds before it have an answer
                if best is None:
                    raise
                return FeatureSolve(best[1], best[0], tuple(self.rounds), Ending.INTERRUPTED)
            self.rounds.append(made)
            if best is None or made.held <= best[0].held:
                best = made, model
            if self._slow(index):
                of_best = best[0] is made
                if better := self._cornered(index, order, model):
                    (model, _, sizes), best = better, (better[1], better[0])
                elif of_best:
                    best = self.rounds[-1], model  # whose work is now that of the trial too
            index = self.growth.grown(sizes, math.ceil(_GROWTH * len(index)))
            order = min(_MOST_ORDER, math.ceil(_ORDER_GROWTH * order))
            ending = self._ending(tolerance, largest(self.parts.bases(index, order)), order)
            lags = self.effort.used(_EARLY, _EARLY_SECONDS) and best[0].held > _LAGS
            if (lags or ending is Ending.NOT_CARRIED) and not self.sought and (steep := self._steep()):
                index, order, best = steep, 0, None
            elif ending:
                return FeatureSolve(best[1], best[0], tuple(self.rounds), ending)

    def _beginning(self) -> tuple[Sequence[Index], int]:
        """Polynomials and order of the first round: most of an earlier answer's, with which steps begin, or few."""
        begun, order = self.equations.model.network, _ORDER if self.parts.any_singular else 0
        if not self.newton or self.beside or self.growth.linear or not stands_alone(begun):
            return self.growth.first(_FIRST), order
        assert isinstance(begun, Enriched)
        polynomials, self.start = polynomials_of(begun), Weights.of([begun])
        kind, *_ = *begun.bases[1:], None
        if isinstance(kind, CornerProducts):
            self.singular = box_corners(self.problem)
            self.parts = Parts(self.problem, (self.singular,))
        order = int(kind.degree) if isinstance(kind, HoleProducts) else order
        sizes = begun.last.weight.detach()[:, : polynomials.count].abs().amax(0).tolist()
        fewer = max(_FIRST, math.ceil(polynomials.count / _GROWTH))  # twice in a row tell the error
        return shrunk(dict(zip(polynomials.index, sizes, strict=True)), fewer), order

    def _ending(self, tolerance: float | None, following: Sequence[nn.Module], order: int) -> Ending | None:
        last, before = self.rounds[-1], [one.held for one in self.rounds[-3:-1]]
        if tolerance is not None and last.error <= tolerance:
            return Ending.TOLERANCE
        still = len(before) == 2 and last.held > _STILL * before[1] and before[1] > _STILL * before[0]
        if before and (last.error <= _ENOUGH or last.held < _LEAST or (still and last.held < _SMALL)):
            return Ending.ROUNDING
        least = min(one.held for one in self.rounds)
        falls = not before or last.held < _HALVED * before[-1]
        further = _FURTHER * self.effort.operations if self.newton and falls else 0.0
        end = not self._affords(following, order, further)
        left, early = (_LEFT_OF_NEWTON, _EARLY_OF_NEWTON) if self.newton else (_LEFT, _EARLY)
        stays = min(last.held, *before, math.inf) >= _HALVED * max(before, default=0.0)
        if least > left and (end or (stays and self.effort.used(early, _EARLY_SECONDS))):
            return Ending.NOT_CARRIED
        return Ending.EFFORT if end else None

    def _slow(self, index: Sequence[Index]) -> bool:
        """Whether rounds get on as slowly as where corners are not smooth, and these are to be tried now."""
        held = [one.held for one in self.rounds[-3:]]
        falls = len(held) == 3 and all(after > _SLOW * before for before, after in pairwise(held))
        return falls and _SMALL < held[-1] < _LEFT and len(index) >= self.again

    def _affords(self, bases: Sequence[nn.Module], order: int, further: float = 0.0) -> bool:
        """Whether there is room and time for a round on these, with as many solves as the last one."""
        columns = neurons(bases) * len(self.problem.outputs)
        work = self.solves * self._work(columns, self._sizes(bases, order))
        return columns <= MOST_COLUMNS and self.effort.allows(work, further)

    def _cornered(
        self, index: Sequence[Index], order: int, model: Model
    ) -> tuple[Model, Round, dict[Index, float]] | None:
        """The last round again with singular functions at the corners of a box; None where they do not help.

        Args:
            index, order: of the round.
            model: its answer.
        """
        given = self.parts, self.singular, self.before, self.start
        singular = Singularities() if self.beside or self.parts.any_singular else box_corners(self.problem)
        self.again = _TRIED_AGAIN * len(index)
        parts = Parts(self.problem, (singular,))
        bases = parts.bases(index, order)[0]
        if not singular or not self._affords(bases, order):
            return None
        self.parts, self.singular = parts, singular
        plain, last = weighed_as(self.equations, model), self.rounds[-1]
        model, made, sizes = self._round(index, order)
        points = self._points(self._sizes(bases, order), _HELD)
        held = [float(self._objective(one, points).residual().norm()) for one in (plain, weighed_as(plain, model))]
        if held[1] < _HELPS * held[0]:
            # What is left without them, on the points and in the norm of the rounds to come.
            self.rounds[-1] = replace(last, held=made.held * held[0] / held[1])
            made = replace(made, error=self._claimed(made.change, made.held))
            self.rounds.append(made)
            return model, made, sizes
        self.parts, self.singular, self.before, self.start = given
        self.rounds[-1] = replace(last, work=last.work + made.work)
        return None

    def _steep(self) -> list[Index] | None:
        """Polynomials to begin again with, now in maps that leave less of the residual; None where none are found."""
        given, self.sought = Parts.of(self.problem), True
        kept, self.singular = (self.parts, self.singular, self.before, self.start), given.singular[0]
        least, work = min(one.held for one in self.rounds), self.effort.spent

        def solved(parts: Parts, index: Sequence[Index]) -> tuple[Equations, float] | None:
            self.parts = parts
            if not self._affords(parts.bases(index, 0)[0], 0):
                return None
            model, made, _ = self._round(index, 0)
            return weighed_as(self.equations, model), made.held

        found = steep_parts(given, solved, self.generator)
        self.rounds[-1] = replace(self.rounds[-1], work=self.rounds[-1].work + self.effort.spent - work)
        if found is None or found[2] > _HELPS * least:
            self.parts, self.singular, self.before, self.start = kept
            return None
        self.parts, self.before, self.start, self.again = found[0], None, Weights(), MOST_COLUMNS
        return found[1]

    def _model(self, bases: Sequence[Bases]) -> Model:
        """A copy of the model with these neurons, all weights out of them zero."""
        given = self.equations.model
        memo = {id(self.problem): self.problem}
        if not self.beside:
            memo[id(given.network)] = nn.Identity()  # type: ignore[assignment]
        model: Model = copy.deepcopy(given, memo)
        like = next(given.parameters())
        inputs = self.problem.domain.dimension + len(self.problem.periodic) + len(self.problem.features)
        beside = model.network if self.beside else None
        model.network = self.parts.network(inputs, bases, beside, like.dtype).to(like.device, like.dtype)
        return model

    def _sizes(self, bases: Sequence[nn.Module], order: int) -> dict[str, int]:
        """Points of each constraint."""
        outputs, dimension = len(self.problem.outputs), self.problem.domain.dimension
        columns = outputs * neurons(bases)
        singular = outputs * neurons(bases[1:])
        solid = {name for name, one in self.problem.constraints.items() if one.on.dimension >= dimension}
        rows = sum(self.traits.constraints[name].residuals_per_point for name in solid)
        sizes = counts(self.problem, max(20, math.ceil(_ROWS * columns / max(rows, 1))))
        conditions = [name for name in sizes if name not in solid]
        if not self.singular.harmonic:
            return {name: n if name in solid else max(2 * n, _AROUND * order) for name, n in sizes.items()}
        for name in conditions if singular else []:
            # Singular functions solve the equation by themselves, or nearly: conditions have to tell them apart.
            share = self.traits.constraints[name].residuals_per_point * len(conditions)
            sizes[name] = max(sizes[name], math.ceil(_CONDITIONS * singular / share))
        return sizes

    def _work(self, columns: int, sizes: dict[str, int]) -> float:
        neurons = columns / len(self.problem.outputs)
        return operations(neurons, columns, sizes, self.traits.rows(sizes), 3 + _HELD)

    def _points(self, sizes: dict[str, int], part: float = 1.0) -> dict[str, Points]:
        return {
            name: place_points(
                self.problem, name, max(1, math.ceil(part * n)), self.singular, self.generator, self.parts.maps
            )
            for name, n in sizes.items()
        }

    def _objective(self, equations: Equations, points: dict[str, Points]) -> Objective:
        weights = {name: corner_weights(self.problem, name, one, self.singular) for name, one in points.items()}
        known = {name: weight for name, weight in weights.items() if weight is not None}
        return Objective(equations, points, point_weights=known)

    def _round(self, index: Sequence[Index], order: int) -> tuple[Model, Round, dict[Index, float]]:
        bases = self.parts.bases(index, order)
        model = self._model(bases)
        equations, sizes = weighed_as(self.equations, model), self._sizes(largest(bases), order)
        objective = self._objective(equations, self._points(sizes))
        (chebyshev, *_), network = bases[0], list(layers(model.network))
        assert isinstance(chebyshev, Chebyshev)
        size = float(objective.residual().norm())
        if self.newton:
            self.start.give(network)
            fitted, self.solves = descend(objective, size)
        else:
            fitted = self._solve(objective)
        held = float(self._objective(equations, self._points(sizes, _HELD)).residual().norm())
        outputs, change = stacked_outputs(model, self.sample), math.inf
        if self.before is not None:
            change = float((outputs - self.before).norm()) / (float(outputs.norm()) or 1.0)
        self.before = outputs
        ratio = held / size if size > 0 else 0.0
        made = Round(
            neurons=sum(one.count for one in network),
            degrees=chebyshev.degrees,
            order=order or self.singular.degree,
            rows=objective.rows,
            fitted=fitted / size if size > 0 else 0.0,
            held=ratio,
            change=change,
            error=self._claimed(change, ratio),
            work=self.solves * self._work(objective.size, sizes),
        )
        self.effort.add(made.work)
        weights = torch.cat([one.last.weight.detach()[:, : chebyshev.count] for one in network])
        self.start = Weights.of(network)
        coefficients = weights.abs().amax(0)
        return model, made, dict(zip(chebyshev.index, coefficients.tolist(), strict=True))

    def _solve(self, objective: Objective) -> float:
        """The one step of an affine problem; the norm of the rows that it leaves."""
        residual, jacobian, step = linear_step(objective)
        objective.assign(objective.vector() + step)
        moved = jacobian @ step
        if not self.rounds:
            rounding = 5000 * torch.finfo(objective.dtype).eps * float((jacobian.norm(dim=0) * step.abs()).sum())
            wrong = float((objective.residual() - residual - moved).norm())
            require_affine(wrong - rounding, float(moved.norm()))
        return float((residual + moved).norm())

    def _claimed(self, change: float, held: float) -> float:
        if not self.rounds or not math.isfinite(change):
            return math.inf
        if self.newton and held > _FAR:
            return math.inf
        least = min(one.held for one in self.rounds)  # the last one may have been a worse one
        ratio = min(0.9, held / least) if least > 0 else 0.9
        return max(ROUNDING, CLAIM * change * ratio / (1 - ratio))
