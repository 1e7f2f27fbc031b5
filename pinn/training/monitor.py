"""The loss on points never trained on: evaluated as the work allows, never by the clock; remembers the best parameters.

An evaluation measures the validation loss, and the error where the problem has a reference (which nothing is decided
by). It comes after the first step, then whenever the steps since the last one have cost 25 times as many operations as
it does (`pinn.training.work`), and before anything ends or the network is widened. All evaluations but the first and
the last of a stage thereby take at most 4 % of the work. Measured, beside one every quarter second on the same busy
machine:

| problem, method, steps | evaluations then | their time | now | their time |
|---|---|---|---|---|
| Burgers, Levenberg-Marquardt, 100 | 76 | 8.0 % | 29 | 3.4 % |
| Poisson in two dimensions, the same | 77 | 11.4 % | 21 | 3.6 % |
| Korteweg-de Vries, the same | 100 | 11.3 % | 27 | 3.4 % |
| oscillator, the same | 67 | 7.9 % | 26 | 3.3 % |
| Burgers, Adam | 307 of 1000 | 24.6 % | 23 of 600 | 3.6 % |
| Burgers, L-BFGS | 152 of 300 | 16.1 % | 25 of 200 | 4.8 % |
| Poisson in two dimensions, MatrixFree | 60 of 60 | 6.8 % | 27 of 40 | 4.7 % |
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from pinn.model import Model
from pinn.objective import Equations, Objective
from pinn.sampling.uniform import sample_uniform
from pinn.solution.history import Row
from pinn.solution.solution import ErrorMeasure
from pinn.training.work import outputs_work, residual_work

_SHARE = 0.04  # of the work of the steps that evaluations may take; of the time, see the table, up to 5 %
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
        self.objective = Objective(equations, sample_uniform(problem, size, generator))
        self.measure = ErrorMeasure(problem) if problem.reference is not None else None
        self.best = math.inf
        self.evaluations = 0
        self.last_improvement = 0
        self._threshold = math.inf
        self._network = self.objective.model.network
        self._parameters: Tensor = self.objective.vector()
        self._worked = math.inf  # operations of the steps since the last evaluation; the first step is always due

    @property
    def cost(self) -> float:
        """Operations of an evaluation."""
        error = 0.0 if self.measure is None else outputs_work(self.objective.model, self.measure.points.n)
        return residual_work(self.objective) + error

    @property
    def idle(self) -> int:
        """Evaluations without an improvement."""
        return self.evaluations - self.last_improvement

    @property
    def current(self) -> bool:
        """Whether no step was taken since the last evaluation."""
        return self._worked == 0

    def note(self, work: float) -> None:
        """A step has been taken, of so many operations."""
        self._worked += max(work, 1.0)

    def due(self) -> bool:
        """Whether an evaluation now keeps within its share of the work."""
        return self.cost <= _SHARE * self._worked

    def count_anew(self) -> None:
        """Points or network have grown, or another stage begins: what did not help before may help now."""
        self.last_improvement = self.evaluations

    def evaluate(self) -> Row:
        """Measure now; the row holds validation, error and coefficients."""
        self.evaluations += 1
        self._worked = 0.0
        loss = float(self.objective.loss())
        if loss < self.best:
            self.best = loss
            self._network = self.objective.model.network
            self._parameters = self.objective.vector()
        if loss < _FALL * self._threshold:
            self._threshold, self.last_improvement = loss, self.evaluations
        row = {"validation": loss}
        if self.measure is not None:
            row["error"] = self.measure(self.objective.model)
        for name, value in self.objective.model.coefficients().items():
            row[f"coefficient/{name}"] = float(value.detach())
        return row

    def widen(self, factor: float, generator: torch.Generator) -> None:
        """Widen the network at the present parameters; the best seen stay with the network that they belong to."""
        self.objective.model.widen(factor, generator)
        self.objective = Objective(self.objective.equations, self.objective.points)
        self.count_anew()

    def restore(self) -> None:
        """Give the model the best network and parameters seen."""
        if self.objective.model.network is not self._network:
            self.objective.model.network = self._network
            self.objective = Objective(self.objective.equations, self.objective.points)
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
