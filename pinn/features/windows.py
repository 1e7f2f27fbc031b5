"""Evolutions by windows of time, each solved by Gauss-Newton steps on fixed neurons and joined into one network.

Neurons in space follow thin layers and kinks by a map of the coordinate, found from the answer of the window before, or
of an attempt at the one at hand (`pinn.features.layers`).

A window starts from the values of the one before, and as many time derivatives as the order in time needs, met exactly
(`pinn.features.window`); lengths and numbers of neurons follow from the last coefficients (`pinn.features.march`).

The whole evolution is solved several times, each time with a tolerance 1e-3 times the one before. After each solve all
of its windows are gone through again, by one Gauss-Newton step on a sixth more neurons in space and two more in time:
what that changes, δ_k, is the error of the solve but for what these neurons lack too (defect correction, Stetter 1978).
The next solve tells by how much it was too small, and twice

    |û_k − u| ≈ δ_k max(1, |û_k − û_{k−1}| / δ_{k−1})

is claimed, and what the neurons in space do not resolve. On twelve problems of the table δ_k was 0.86 to 1.23 of the
true error with tolerances of 1e-4 and 1e-7, for a third of the solve's time, and on four in a plane 0.96 to 1.09, for
0.6 to 1.6 times it. |û_k − û_{k−1}| times the ratio of residuals between the nodes, which was claimed before, was 0.3
to 20 times the error, and 85 000 times about a kink, whose residual says nothing. The answer is the solve itself: the
corrected one is ten times as good, but of unknown error.
Where an evolution is chaotic, solves differ by as much as the solution until the tolerance is fine enough.

Measured without a tolerance: relative L2 error, what was claimed, windows, the most neurons in one (space × time), and
seconds of processor time of one core of a busy machine. Nothing is drawn but the points on which solves are compared.

| problem | error | claimed | windows | neurons | s |
|---|---|---|---|---|---|
| kdv, to 1e-6 | 2.0e-8 | 3.9e-8 | 10 | 247 × 10 | 1.9 |
| kdv | 1.1e-12; the reference has 8e-12 | 7.8e-14 | 15 | 483 × 15 | 12 |
| burgers_smooth | 4e-15 | 1.1e-14 | 10 | 127 × 15 | 1.8 |
| allen_cahn, to 1e-8 | 9.5e-11 | 1.9e-10 | 27 | 537 × 13 | 7.4 |
| reaction | 6e-15 | 1.4e-14 | 5 | 96 × 15 | 0.8 |
| burgers, ν = 0.01/π, to 1e-5 | 1.4e-8 | 2.8e-8 | 10 | 128 × 10 | 1.2 |
| burgers, ν = 0.01/π | 5e-15 | 1.2e-14 | 14 | 307 × 15 | 5.4 |
| burgers, ν = 0.001/π, to 1e-7 | 4.7e-9 | 1.2e-8 | 13 | 181 × 10 | 2.1 |
| burgers, ν = 0.0003/π, to 1e-7 | 1.5e-8 | 3.1e-8 | 15 | 142 × 10 | 2.5 |
| lotka_volterra | 6e-15 | 1.1e-14 | 10 | 21 | 0.5 |
| wave_1d | 2.8e-13 | 5.3e-13 | 10 | 24 × 14 | 0.6 |
| heat_1d | 7e-14 | 1.5e-13 | 4 | 17 × 10 | 0.1 |
| convection (40) | 5e-14 | 1.3e-13 | 20 | 33 × 13 | 1.0 |
| oscillator | 6e-16 | 1.1e-14 | 4 | 18 | 0.1 |
| stirred tank, T_c = 280 | 6e-14; the reference has 4e-12 | 1.4e-14 | 6 | 17 | 0.2 |
| stirred tank, T_c = 305, which ignites | 2.4e-13; the reference has 1.2e-11 | 4.3e-13 | 45 | 17 | 2.0 |
| van der Pol and Duffing, order two, to 12.5 | 7e-13, the truth's | 1.2e-12 | 10 | 22 | 0.5 |
| the same to 50 | 7e-11, the truth's | 2.7e-10 | 49 | 22 | 2.5 |
| Lorenz from (1, 1, 1) to 2 | 6e-14, the truth's | 1.1e-14 | 12 | 21 | 0.7 |
| the same to 20 | 2.0e-10, the truth's | 3.5e-11 | 117 | 21 | 7.1 |

The truths of the last four are DOP853's at rtol 1e-13; Radau's differ by as much.

Without maps burgers took 1200 neurons in space to 5e-7 in 17 s, allen_cahn 677 to 2.3e-5. About a kink errors count by
the length that they take: neurons are dense where little of the domain is, and about the seam of allen_cahn, where none
of its windows before t = 1e-4 is exact to the tolerance, an error of 1e-5 over 1e-6 of the length is no error of the
answer. Where no equation has a derivative in space (reaction) a kink stays, and polynomials are taken over the period.

What it carries poorly: corners where start and boundary contradict each other, which end as not carried.
Transport that enters at one end of space and has no condition at the
other is not recognised as an evolution by `pinn.analysis`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pinn.analysis import Role, analyze
from pinn.domains import Box
from pinn.features.answers import stacked_outputs
from pinn.features.effort import Effort
from pinn.features.evolution import ends_of
from pinn.features.found import CLAIM, Ending, FeatureSolve, Round
from pinn.features.march import March, Marched
from pinn.features.solve import EFFORT
from pinn.features.window import Field
from pinn.model import Model
from pinn.networks import Windows
from pinn.objective import Equations
from pinn.problem import Problem
from pinn.validation import not_negative, positive

_TOLERANCES = (1e-4, 1e-7, 1e-10, 1e-13)  # of the solves in turn: last coefficients over the size of all
_NODES = (6, 9, 12, 14)  # P of each, where there is a coordinate of space, ...
_NODES_ALONE = (8, 12, 16, 20)  # ... and where there is none
_DEARER = 1.5  # times as dear as the last one is the next solve, or as the last one was against that before it
_EARLY = 0.3  # of the effort, at the most, for the first solve
_TABLE, _PRODUCT, _WINDOW = 190.0, 7.5, 1.5e7  # operations: a neuron at a point, a product with one in time, a window
_AT_ONCE = 1500  # points
_SAMPLE = 1000  # points on which outputs of two solves are compared
_KEPT, _KEPT_IN_PLANE = 0.5, 1.5  # times a solve's operations, for going through its windows again
_ROUNDING = 50  # ε of the model's precision: the least error that is claimed, ...
_ENOUGH = 1e-12  # ... and the one with which a solve without a tolerance is content


@dataclass(frozen=True)
class Pass(Round):
    """One solve of the whole evolution.

    Attributes:
        windows: their number.
    """

    windows: int


def windows_refusal(problem: Problem) -> str:
    """Why a problem is not solved by windows of time; empty where it is.

    Example:
        >>> from pinn.problems import kdv, poisson_2d
        >>> windows_refusal(kdv()), windows_refusal(poisson_2d())
        ('', 'it does not evolve: no coordinate has conditions at its low end alone')
    """
    traits = analyze(problem)
    if traits.time_coordinate is None:
        return "it does not evolve: no coordinate has conditions at its low end alone"
    if problem.unknowns:
        return f"it has the unknowns {sorted(problem.unknowns)}"
    if any(one.robust is not None for one in problem.constraints.values()):
        return "it has robust losses"
    for role in (Role.DATA, Role.INTEGRAL, Role.PRIOR):
        if names := traits.of_role(role):
            return f"its constraint {names[0]!r} is of the kind '{role.value}'"
    if not isinstance(problem.domain, Box) or problem.domain.dimension > 3:
        return "its domain is not a box of time and at most two coordinates of space"
    if traits.order_in_time == 0:
        return "no equation has a time derivative"
    for name in traits.of_role(Role.EQUATION):
        if not _fills(problem, name):
            return f"its equation {name!r} holds on a part of the domain"
    for name in traits.of_role(Role.BOUNDARY):
        if not ends_of(problem, name, traits):
            return f"its constraint {name!r} holds elsewhere than at the ends of space"
    return ""


def solve_windows(
    equations: Equations,
    *,
    generator: torch.Generator,
    effort: float = EFFORT,
    tolerance: float | None = None,
    points: int = 0,
    seconds: float = math.inf,
) -> FeatureSolve:
    """Solve an evolution by windows of time.

    Args:
        equations: a model of the problem, whose scales, forms and ansatz are kept and whose network is not.
        generator: of the points on which solves are compared.
        effort: operations that may be spent, at the most three tenths of them in the first solve.
        points: at which the answer will be evaluated afterwards, for operations that count as effort.
        seconds: at the most, with those of that evaluation; three tenths of them in the first solve.
        tolerance: claimed relative L2 error of the outputs with which it ends; left out, it ends at rounding.

    Raises:
        ValueError: when the problem is not for it, with the reason.

    Example:
        >>> from pinn.derivatives import Jets
        >>> from pinn.networks import MLP
        >>> from pinn.problems import lotka_volterra
        >>> random = torch.Generator().manual_seed(0)
        >>> equations = Equations(Model(lotka_volterra(), MLP, generator=random), Jets())
        >>> found = solve_windows(equations, generator=random, tolerance=1e-8)
        >>> found.error < 1e-8, type(found.model.network).__name__
        (True, 'Windows')
    """
    positive("solve_windows", effort=effort)
    not_negative("solve_windows", points=points)
    if why := windows_refusal(equations.problem):
        raise ValueError(
            f"solve_windows: got a problem that is not for it, {why}; expected an evolution in time and at most two "
            "coordinates of space; train it instead"
        )
    return _Solves(equations, generator).run(Effort(effort, seconds), tolerance, points)


def evaluation_work(fields: Sequence[Field], points: int) -> float:
    """Operations of an answer's rows at so many points, as `pinn.training.work` counts them.

    Fitted to residuals, certificate and report of burgers and kdv, which evaluate it at 150 000 points in all.
    """
    sizes = [field.coefficients.shape for field in fields]
    per_point = sum(outputs * space * (_TABLE + _PRODUCT * time) for outputs, space, time in sizes) / max(len(sizes), 1)
    return points * per_point + points / _AT_ONCE * len(sizes) * _WINDOW


def _fills(problem: Problem, name: str) -> bool:
    """Whether a constraint holds on the whole box."""
    on = problem.constraints[name].on
    return isinstance(on, Box) and dict(on.bounds) == dict(problem.domain.bounds)


def _given_up(effort: Effort, kept: float, part: float, again: float, work: float) -> bool:
    """Whether a solve is given up, see `Effort.over`, where a part of its operations is kept to go through it again."""
    return effort.over(kept + again * work, part, work)


class _Solves:
    """The solves of one evolution."""

    def __init__(self, equations: Equations, generator: torch.Generator) -> None:
        self.equations, self.problem = equations, equations.problem
        self.march = March(equations)
        like = next(equations.model.parameters())
        self.epsilon = torch.finfo(like.dtype).eps
        self.sample = self.problem.domain.sample(_SAMPLE, generator=generator).to(like.dtype, like.device)

    def run(self, effort: Effort, tolerance: float | None, points: int = 0) -> FeatureSolve:
        """Solves with finer and finer tolerances until one of the endings."""
        rounds: list[Pass] = []
        best: tuple[Pass, Model] | None = None
        before: Tensor | None = None
        ending, size, answering, wrong = Ending.EFFORT, self.march.evolution.size(), 0.0, math.inf
        nodes = _NODES if self.problem.domain.dimension > 1 else _NODES_ALONE
        again = _KEPT_IN_PLANE if self.problem.domain.dimension > 2 else _KEPT
        for level in range(len(_TOLERANCES)):
            if len(rounds) > 1:  # one alone claims nothing
                dearer = max(_DEARER, rounds[-1].work / rounds[-2].work)
                if not effort.allows(dearer * rounds[-1].work + answering):
                    break
            kept, part = (answering, 1.0) if len(rounds) > 1 else (0.0, 1.0 if rounds else _EARLY)
            enough = partial(_given_up, effort, kept, part, again if rounds else 0.0)
            solved = self.march.through(_TOLERANCES[level], nodes[level], enough)
            answering = evaluation_work(solved.fields, points)
            effort.add(solved.work)
            if not solved.finished and best is not None:
                break
            model = self._joined(solved.fields)
            outputs, error, work = stacked_outputs(model, self.sample), math.inf, solved.work
            change = math.inf if before is None else self._change(before, outputs)
            if solved.finished:
                foreseen, wrong, further = wrong, *self._wrong(solved, outputs)
                effort.add(further)
                work += further
                error = self._claimed(change, foreseen, wrong, solved)
            before = outputs
            made = Pass(
                neurons=sum(field.coefficients[0].numel() for field in solved.fields),
                degrees=self._degrees(solved.fields),
                order=0,
                rows=0,
                fitted=0.0,
                held=solved.held / size if size > 0 else 0.0,
                change=change,
                error=error,
                work=work,
                windows=len(solved.fields),
            )
            rounds.append(made)
            best = made, model
            if not solved.finished:
                ending = Ending.NOT_CARRIED
                break
            if tolerance is not None and made.error <= tolerance:
                ending = Ending.TOLERANCE
                break
            if made.error < 2 * solved.unresolved:
                break  # a finer tolerance resolves no more in space
            if made.error <= _ENOUGH or level == len(_TOLERANCES) - 1:
                ending = Ending.ROUNDING
                break
        assert best is not None
        return FeatureSolve(best[1], best[0], tuple(rounds), ending)

    def _wrong(self, solved: Marched, outputs: Tensor) -> tuple[float, float]:
        """What going through the windows of a solve again changes of its outputs, relative; and operations."""
        fields, work = self.march.again(solved.fields, solved.kinked)
        return self._change(outputs, stacked_outputs(self._joined(fields), self.sample)), work

    @staticmethod
    def _change(before: Tensor, after: Tensor) -> float:
        return float((after - before).norm()) / (float(after.norm()) or 1.0)

    def _claimed(self, change: float, foreseen: float, wrong: float, solved: Marched) -> float:
        """The error that is claimed; infinite in the first solve, which nothing has confirmed.

        Args:
            change: of the outputs from the solve before.
            foreseen: what going through the windows of that again had changed.
            wrong: the same of this one.
            solved: this one.
        """
        if not (math.isfinite(change) and math.isfinite(foreseen) and math.isfinite(wrong)):
            return math.inf
        least = _ROUNDING * self.epsilon
        known = CLAIM * wrong * max(1.0, change / max(foreseen, least))
        # What is not resolved in space is the same in solves that end at as many neurons.
        return max(least, known + solved.unresolved)

    def _degrees(self, fields: list[Field]) -> tuple[int, ...]:
        found = [0] * len(self.problem.coordinates)
        for field in fields:
            for part in field.space.parts:
                if part.axis is not None:
                    found[part.axis] = max(found[part.axis], part.count - 1)
        found[self.march.evolution.axis] = max(field.coefficients.shape[2] for field in fields) - 1
        return tuple(found)

    def _joined(self, fields: list[Field]) -> Model:
        """A copy of the model with these windows as its network."""
        given, problem = self.equations.model, self.problem
        counts = zip(*([part.count for part in field.space.parts] for field in fields), strict=True)
        neurons = [*map(max, counts), max(field.coefficients.shape[2] for field in fields)]
        whole = self.march.evolution.end - self.march.evolution.start
        edges = [2 * (field.start - self.march.evolution.start) / whole - 1 for field in fields]
        like = next(given.parameters())
        smooth = analyze(problem).order_in_space > 0  # else nothing smooths a kink at the seam
        network = Windows(
            given.inputs,
            len(problem.outputs),
            layout=[(2 if smooth else 3) if name in problem.periodic else 1 for name in problem.coordinates],
            time=self.march.evolution.axis,
            edges=[*edges, 1.0],
            neurons=neurons,
            maps=[field.space.map for field in fields],
            dtype=like.dtype,
        )
        with torch.no_grad():
            for window, field in enumerate(fields):
                padded = field.coefficients.new_zeros(field.coefficients.shape[0], *neurons)
                shape = [part.count for part in field.space.parts]
                own = field.coefficients.reshape(len(padded), *shape, -1)
                padded[(slice(None), *map(slice, own.shape[1:]))] = own
                network.coefficients[window] = padded
        memo: dict[int, Any] = {id(problem): problem, id(given.network): network.to(like.device)}
        model: Model = copy.deepcopy(given, memo)
        return model
