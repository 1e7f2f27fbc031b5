"""The loss on points never trained on: evaluated as the work allows, never by the clock; remembers the best parameters.

An evaluation measures the validation loss. It comes after the first step of a run, then whenever the steps since the
last one have cost 40 times as many operations as it does (`pinn.training.work`), and before a stage ends or the network
is widened. Where the problem has a reference, the error is measured as well, but decides nothing, not even when the
next evaluation comes: beside an evaluation that finds the least validation loss so far, if the steps since it was last
measured have cost 67 times as much as it does, beside the last one of a stage, and for the answer after a run.

So what is bounded are all evaluations but those after the first step, at the end of a stage and before a widening:
their losses take at most 2.5 % of the work of the steps and their errors 1.5 %, both as counted. That keeps their time
under 5 %, though counts are only roughly proportional to time. Measured, all evaluations of a run with a reference in
processor time of one core (Intel Xeon, 2026-11-26), beside one evaluation every quarter second:

| problem, method, steps | evaluations by the clock | their time | by the work | their time |
|---|---|---|---|---|
| Burgers, Levenberg-Marquardt, 100 | 76 | 8.0 % | 27 | 2.8 % |
| Poisson in two dimensions, the same | 77 | 11.4 % | 21 | 2.7 % |
| Korteweg-de Vries, the same | 100 | 11.3 % | 29 | 2.4 % |
| oscillator, the same | 67 | 7.9 % | 19 | 2.3 % |
| Burgers, Adam | 307 of 1000 | 24.6 % | 18 of 400 | 2.8 % |
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.model import Model, NetworkFactory
from pinn.objective import Equations, Objective
from pinn.sampling.uniform import sample_uniform
from pinn.solution.history import Row
from pinn.solution.solution import ErrorMeasure
from pinn.state import restore, state_of
from pinn.structure import factory_of, load_state, structure_of
from pinn.training.work import outputs_work, residual_work

_FRACTION = 0.025  # of the work of the steps that evaluations of the loss may take
_ERROR_FRACTION = 0.015  # of it that the errors may take
_STATE = (
    "_judged_by",
    "best",
    "evaluations",
    "last_improvement",
    "_threshold",
    "_parameters",
    "_worked",
    "_unmeasured",
)
_FALL = 0.9  # a validation loss below this times the last one noted is an improvement


class ValidationMonitor:
    """Validation loss and error of the current parameters; remembers the best.

    Args:
        equations: problem, model and engine.
        size: validation points on the domain itself.
        generator: draws them, once.

    Attributes:
        best: the least validation loss seen.
        evaluations: made so far.
        last_improvement: the evaluation after which patience is counted: the last that found the validation loss
            fallen by a tenth, or the last before points or network grew.
    """

    def __init__(self, equations: Equations, size: int, generator: torch.Generator) -> None:
        problem = equations.problem
        self._judged_by: dict[str, Tensor] = {}
        self.objective = Objective(equations, sample_uniform(problem, size, generator))
        self.measure = ErrorMeasure(problem) if problem.reference is not None else None
        self.best = math.inf
        self.evaluations = 0
        self.last_improvement = 0
        self._threshold = math.inf
        self._network = self.objective.model.network
        self._parameters: Tensor = self.objective.vector()
        self._worked = math.inf  # operations of the steps since the last evaluation; the first step is always due
        self._unmeasured = math.inf  # the same since the error was last measured

    @property
    def cost(self) -> float:
        """Operations of an evaluation of the validation loss."""
        return residual_work(self.objective)

    @property
    def error_cost(self) -> float:
        """Operations of measuring the error; zero without a reference."""
        return 0.0 if self.measure is None else outputs_work(self.objective.model, self.measure.points.n)

    @property
    def idle(self) -> int:
        """Evaluations without an improvement."""
        return self.evaluations - self.last_improvement

    @property
    def best_vector(self) -> Tensor:
        """The best parameters seen, as one vector (p,)."""
        return self._parameters

    @property
    def current(self) -> bool:
        """Whether no step was taken since the last evaluation."""
        return self._worked == 0

    def note(self, work: float) -> None:
        """A step has been taken, of so many operations."""
        self._worked += max(work, 1.0)
        self._unmeasured += max(work, 1.0)

    def due(self) -> bool:
        """Whether an evaluation now keeps within its fraction of the work."""
        return self.cost <= _FRACTION * self._worked

    def count_anew(self) -> None:
        """Points or network have grown, or another stage begins: what did not help before may help now."""
        self.last_improvement = self.evaluations

    def evaluate(self) -> Row:
        """Evaluate now; the row holds validation, its parts and coefficients, and the error where that is measured."""
        residual = self.objective.residual()
        loss = float(0.5 * residual.dot(residual))
        better = loss < self.best
        self.evaluations += 1
        self._worked = 0.0
        if better:
            # Made first, so that what breaks in between leaves the old best as it was.
            parameters, network = self.objective.vector(), self.objective.model.network
            self.best, self._network, self._parameters = loss, network, parameters
        if loss < _FALL * self._threshold:
            self._threshold, self.last_improvement = loss, self.evaluations
        row = {"validation": loss} | self._parts(residual)
        if better and self.error_cost <= _ERROR_FRACTION * self._unmeasured:
            row |= self.error()
        for name, value in self.objective.model.coefficients().items():
            row[f"coefficient/{name}"] = float(value.detach())
        return row

    def judge_by(self, point_weights: Mapping[str, Tensor]) -> None:
        """Weights have changed: judge by those of the equations and by these, and begin anew to look for the best.

        Args:
            point_weights: constraint name -> weight of each of its points, (n,): zero for observations trained on.
        """
        self._judged_by = dict(point_weights)
        self._renew()
        self.best = self._threshold = math.inf
        self._worked = math.inf
        self.count_anew()

    def _renew(self) -> None:
        before = self.objective
        self.objective = Objective(before.equations, before.points, point_weights=self._judged_by)

    def _parts(self, residual: Tensor) -> Row:
        """Each constraint's part of the validation loss, from the rows r (N,)."""
        blocks = self.objective.blocks
        parts = residual.split([block.rows for block in blocks])
        return {
            f"validation/{block.name}": float(0.5 * part.dot(part)) for block, part in zip(blocks, parts, strict=True)
        }

    def error(self) -> Row:
        """Measure the error of the current parameters, as an entry of a row; empty without a reference."""
        if self.measure is None:
            return {}
        error = self.measure(self.objective.model)
        self._unmeasured = 0.0
        return {"error": error}

    def widen(self, factor: float, generator: torch.Generator) -> None:
        """Widen the network at the present parameters; the best seen stay with the network that they belong to."""
        self.objective.model.widen(factor, generator)
        self._renew()
        self.count_anew()

    def restore(self) -> None:
        """Give the model the best network and parameters seen."""
        if self.objective.model.network is not self._network:
            self.objective.model.network = self._network
            self._renew()
        self.objective.assign(self._parameters)

    def best_model(self) -> Model:
        """A copy of the model with the best network and parameters seen; the run goes on with its own."""
        model = self.objective.model
        copied: Model = copy.deepcopy(model, {id(model.problem): model.problem})
        if model.network is not self._network:
            copied.network = copy.deepcopy(self._network)
        moving = [parameter for parameter in copied.parameters() if parameter.requires_grad]
        parts = self._parameters.split([parameter.numel() for parameter in moving])
        with torch.no_grad():
            for parameter, part in zip(moving, parts, strict=True):
                parameter.copy_(part.view_as(parameter))
        return copied

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values: validation points, the best parameters, and their network."""
        network = None
        if self.objective.model.network is not self._network:  # it has been widened since
            network = {"structure": structure_of(self._network), "state": self._network.state_dict()}
        points = {name: points.as_plain() for name, points in self.objective.points.items()}
        return state_of(self, _STATE) | {"points": points, "network": network}

    def load_state_dict(self, state: Mapping[str, Any], network: NetworkFactory | None = None) -> None:
        """Continue from what `state_dict` returned, with the model and the weights of the equations of that moment.

        Args:
            state: plain values.
            network: what builds a network that is not the library's own.

        Raises:
            ValueError: when the entries are not those, or do not fit the model.
        """
        restore(self, _STATE, {name: value for name, value in state.items() if name in _STATE})
        equations, model = self.objective.equations, self.objective.model
        points = {name: Points.from_plain(plain) for name, plain in state["points"].items()}
        self.objective = Objective(equations, points, point_weights=self._judged_by)
        self._network = model.network
        like = self.objective.vector()
        if state["network"] is not None:
            build = factory_of("best network", state["network"]["structure"], network)
            outputs, source = len(model.problem.outputs), torch.Generator().manual_seed(0)
            best = build(inputs=model.inputs, outputs=outputs, generator=source, dtype=like.dtype)
            load_state("best network", best, state["network"]["state"])
            self._network = best.to(like.device)
        self._parameters = self._parameters.to(like.device)
