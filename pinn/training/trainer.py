"""The loop: draw points, step, watch, and keep the best parameters seen on points never trained on.

    sampler.draw -> objective (model + points + weights) -> optimizer.step -> weighting.update -> watch

A small loss on the points trained on is no evidence. The loop watches the loss on a fixed set of fresh points, and the
error where the problem has a reference (which it never uses to decide anything), keeps the parameters with
the least fresh loss, and stops when that no longer falls.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from pinn.model import require_widening
from pinn.objective import Equations, Objective
from pinn.optimizers import Optimizer, Step
from pinn.sampling import Sampler
from pinn.sampling.uniform import sample_uniform
from pinn.solution.error import ErrorMeasure
from pinn.solution.history import History, Row
from pinn.training.stage import Stage
from pinn.training.widening import Widening
from pinn.weighting import Weighting, Weights

log = logging.getLogger("pinn.training")

_STUCK = 3  # sets of points in a row on which an optimizer can go no further, before the stage ends

Callback = Callable[["Progress"], None]


@dataclass(frozen=True)
class Progress:
    """What a callback sees after each step: the row just written, the objective and the model's parameters (p,)."""

    row: Row
    objective: Objective
    history: History


class Watch:
    """Loss on fresh points and error of the current parameters; remembers the best.

    Args:
        equations: problem, model and engine.
        size: fresh points on the domain itself.
        generator: draws them, once.
    """

    def __init__(self, equations: Equations, size: int, generator: torch.Generator) -> None:
        problem = equations.problem
        self.objective = Objective(equations, sample_uniform(problem, size, generator))
        self.measure = ErrorMeasure(problem) if problem.reference is not None else None
        self.best = math.inf
        self.network = self.objective.model.network
        self.parameters: Tensor = self.objective.vector()
        self.mark = math.inf
        self.since = 0

    def widen(self, factor: float, generator: torch.Generator) -> None:
        """Widen the network at the present parameters; the best seen stay with the network that they belong to."""
        self.objective.model.widen(factor, generator)
        self.objective = Objective(self.objective.equations, self.objective.points)

    def restore(self) -> None:
        """Give the model the best network and parameters seen."""
        if self.objective.model.network is not self.network:
            self.objective.model.network = self.network
            self.objective = Objective(self.objective.equations, self.objective.points)
        self.objective.assign(self.parameters)

    def look(self, accepted: int) -> Row:
        """Measure now; `accepted` is the number of accepted steps so far."""
        fresh = float(self.objective.loss())
        if fresh < self.best:
            self.best = fresh
            self.network = self.objective.model.network
            self.parameters = self.objective.vector()
        if fresh < 0.9 * self.mark:
            self.mark, self.since = fresh, accepted
        row = {"fresh": fresh}
        if self.measure is not None:
            row["error"] = self.measure(self.objective.model)
        for name, value in self.objective.model.coefficients().items():
            row[f"coefficient/{name}"] = float(value.detach())
        return row


class Trainer:
    """Runs the stages of a schedule on one model.

    Args:
        equations: problem, model and engine.
        generator: source of all points.
        seconds: wall seconds at the most, for all stages, counted from `started`.
        tolerance: stop when the root-mean-square of the weighted fresh residuals, sqrt(2 fresh), is below it.
        progress: show a progress bar (only on a terminal).
        callbacks: called after every step.
        fresh: number of fresh points on the domain itself.
        started: `time.perf_counter()` at the start of the clock.
        workers: threads that may share large matrix products.
    """

    def __init__(
        self,
        equations: Equations,
        *,
        generator: torch.Generator,
        seconds: float | None = None,
        tolerance: float | None = None,
        progress: bool = True,
        callbacks: Iterable[Callback] = (),
        fresh: int = 2000,
        started: float | None = None,
        workers: int = 1,
    ) -> None:
        self.equations = equations
        self.workers = workers
        self.generator = generator
        self.seconds = math.inf if seconds is None else seconds
        self.tolerance = 0.0 if tolerance is None else tolerance
        self.progress = progress
        self.callbacks = tuple(callbacks)
        self.started = time.perf_counter() if started is None else started
        self.history = History()
        self.watch = Watch(equations, fresh, generator)
        self.steps = 0
        self.reason = ""

    @property
    def elapsed(self) -> float:
        """Wall seconds since the start."""
        return time.perf_counter() - self.started

    def run(self, stages: Iterable[Stage]) -> History:
        """Run the stages and leave the model at the best parameters seen on fresh points.

        Raises:
            TypeError: when a stage widens a network that cannot be widened.
        """
        stages = list(stages)
        if any(stage.widening is not None for stage in stages):
            require_widening(self.equations.model)
        bar = tqdm(disable=None if self.progress else True, unit="step", dynamic_ncols=True, leave=False)
        with bar:
            for index, stage in enumerate(stages):
                self.reason = _Run(self, stage, index, bar).run()
                log.info("stage %d ended after step %d: %s", index, self.steps, self.reason)
                if self.elapsed >= self.seconds or self._solved():
                    break
        self.watch.look(self.steps)
        self.watch.restore()
        return self.history

    def _solved(self) -> bool:
        return math.sqrt(2 * self.watch.best) < self.tolerance


class _Run:
    """One stage while it runs."""

    def __init__(self, trainer: Trainer, stage: Stage, index: int, bar: tqdm) -> None:
        self.trainer, self.stage, self.index, self.bar = trainer, stage, index, bar
        self.optimizer = self._own_optimizer()
        self.sampler: Sampler = copy.deepcopy(stage.sampler)
        self.weighting: Weighting | None = copy.deepcopy(stage.weighting)
        self.widening: Widening | None = copy.deepcopy(stage.widening)
        self.count = 0
        self.accepted = 0
        self.stuck = 0
        self.began = trainer.elapsed
        self.looked = -math.inf
        self.objective = self._draw()

    def _own_optimizer(self) -> Optimizer:
        optimizer = copy.deepcopy(self.stage.optimizer)
        optimizer.workers = self.trainer.workers
        return optimizer

    def _draw(self) -> Objective:
        trainer = self.trainer
        points = self.sampler.draw(trainer.equations.problem, trainer.generator, trainer.equations.residual)
        return self._weighted(Objective(trainer.equations, points))

    def _weighted(self, objective: Objective) -> Objective:
        if self.weighting is None:
            return objective
        weights: Weights = self.weighting.update(objective, self.count)
        return Objective(
            objective.equations, objective.points, weights=weights.constraints, point_weights=weights.points
        )

    def run(self) -> str:
        """Take steps until something ends the stage; returns what did."""
        trainer = self.trainer
        trainer.watch.since = trainer.steps
        count = 0
        self.sampler.begin(float(self.objective.loss()))
        while True:
            step = self.optimizer.step(self.objective)
            count = self.count = count + 1
            trainer.steps += 1
            self.accepted += step.accepted
            self.stuck = self.stuck + 1 if step.done else 0
            reason = self._why_stop(step, count)
            self._record(step, final=bool(reason))
            if reason:
                return reason
            due = step.accepted and self.sampler.every and self.accepted % self.sampler.every == 0
            if due or step.done:
                self._redraw(step.loss)
            elif self.weighting is not None and self.weighting.due(count):
                # Points and parameters stay, and with them what the optimizer knows of the curvature.
                self.objective = self._weighted(self.objective)

    def _redraw(self, old: float) -> None:
        """New points: tell the sampler and the optimizer how the loss on them compares with that on the old.

        Where weights move, both are taken under those of the problem: a change of weights is no growth of the loss.
        """
        old, size = self._plain_loss(self.objective, old), self.sampler.size
        fresh, new = self._drawn()
        if self.sampler.observe(old, new):
            fresh, new = self._drawn()
            if self.widening is not None:
                self.widening.forget()
        self.objective = fresh
        if self.sampler.size != size:
            self.trainer.watch.since = self.trainer.steps  # more points may help where the old ones no longer did
        if self.widening is not None and self.widening.due(new, self.sampler.size, self.sampler.full):
            self._widen(self.widening.factor)
            return
        self.optimizer.reset(growth=new / old if old > 0 else None)

    def _drawn(self) -> tuple[Objective, float]:
        fresh = self._draw()
        return fresh, self._plain_loss(fresh)

    def _plain_loss(self, objective: Objective, known: float | None = None) -> float:
        """The loss under the problem's own weights; `known` is that under the present ones."""
        if self.weighting is not None:
            objective = Objective(objective.equations, objective.points)
        elif known is not None:
            return known
        return float(objective.loss())

    def _widen(self, factor: float) -> None:
        """A wider network, the same points, and an optimizer that keeps what is not tied to the old parameters."""
        trainer = self.trainer
        trainer.watch.widen(factor, trainer.generator)
        self.objective = self._weighted(Objective(trainer.equations, self.objective.points))
        trainer.watch.since = trainer.steps
        state = self.optimizer.state_dict()
        self.optimizer = self._own_optimizer()
        if all(isinstance(value, int | float) for value in state.values()):
            self.optimizer.load_state_dict(state)
        log.info("step %d: the network grows to %d parameters", trainer.steps, self.objective.size)

    def _why_stop(self, step: Step, count: int) -> str:
        trainer, stage = self.trainer, self.stage
        if not math.isfinite(step.loss):
            return "the loss is not finite"
        if step.done and (not self.sampler.every or self.stuck >= _STUCK):
            return step.reason or "the optimizer can go no further"
        if stage.steps is not None and count >= stage.steps:
            return f"{stage.steps} steps taken"
        if trainer.elapsed >= trainer.seconds:
            return "time is up"
        if stage.seconds is not None and trainer.elapsed - self.began >= stage.seconds:
            return "the stage's time is up"
        if trainer._solved():
            return "the tolerance on fresh points is met"
        if not self.sampler.complete:
            trainer.watch.since = trainer.steps
        if stage.patience is not None and trainer.steps - trainer.watch.since > stage.patience:
            return f"the loss on fresh points has not fallen by a tenth in {stage.patience} steps"
        return ""

    def _record(self, step: Step, final: bool) -> None:
        """Write the step's row; look at fresh points at most every quarter second, and at the end."""
        trainer = self.trainer
        row: Row = {
            "step": trainer.steps,
            "stage": self.index,
            "seconds": trainer.elapsed,
            "loss": step.loss,
            "points": sum(block.points.n for block in self.objective.blocks),
            "rows": self.objective.rows,
            "parameters": self.objective.size,
            "accepted": float(step.accepted),
            **step.info,
        }
        if final or trainer.steps == 1 or trainer.elapsed - self.looked > 0.25:
            row |= trainer.watch.look(trainer.steps)
            self.looked = trainer.elapsed
            shown = {"loss": f"{step.loss:.2e}", "fresh": f"{row['fresh']:.2e}"}
            if "error" in row:
                shown["error"] = f"{row['error']:.2e}"
            self.bar.set_postfix(shown, refresh=False)
        trainer.history.append(row)
        self.bar.update()
        for callback in trainer.callbacks:
            callback(Progress(row, self.objective, trainer.history))
