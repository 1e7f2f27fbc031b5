"""The loop: draw points, step, evaluate, and keep the best parameters seen on points never trained on.

    sampler.draw -> objective (model + points + weights) -> optimizer.step -> evaluate, callbacks -> weighting.update

A small loss on the points trained on is no evidence. A fixed set of validation points judges: the parameters with the
least loss there are kept (`pinn.training.monitor`), and the criteria of `pinn.training.stopping` are judged by it. A
clock decides nothing but when the seconds are up: then the step is cut, and the parameters are those from before it. A
KeyboardInterrupt ends the run in the same way once training has begun, wherever it comes; a second one carries on.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from pinn.domains import Points
from pinn.model import NetworkFactory, require_widening
from pinn.objective import Equations, Objective
from pinn.optimizers import Optimizer, Step
from pinn.sampling import Sampler
from pinn.solution.history import History, Row
from pinn.solution.outcome import Ending, Outcome
from pinn.training.batches import Batches
from pinn.training.callback import CallbackLike, as_callbacks
from pinn.training.checkpoint import CheckpointWriter, continue_stage, continue_training, keep
from pinn.training.ending import BROKEN_OFF, RunEnd
from pinn.training.journal import Journal
from pinn.training.monitor import ValidationMonitor
from pinn.training.noise import EVERY, NoisyData
from pinn.training.progress_bar import ProgressBar
from pinn.training.recovery import Recovery
from pinn.training.stage import Stage
from pinn.training.stopping import (
    MaxSeconds,
    MaxSteps,
    OutOfTime,
    Stop,
    StoppingCriterion,
    Tolerance,
    met,
    nearest_deadline,
    ordered,
)
from pinn.training.widening import Widening
from pinn.training.work import Metered, Pace, require_memory
from pinn.weighting import Weighting, Weights

log = logging.getLogger("pinn.training")

_CARRIED = 1e-2  # loss of all but noisy data over the whole, below which the network is wide enough
_STUCK = 3  # sets of points in a row on which an optimizer can go no further, before the stage ends


class Trainer:
    """Runs the stages of a schedule on one model.

    Args:
        equations: problem, model and engine.
        generator: source of all points.
        seconds: wall seconds at the most, for all stages, counted from `started`.
        tolerance: stop when the root-mean-square of the weighted validation residuals is below it.
        progress: show a progress bar on a terminal or in a notebook, elsewhere log a line a minute.
        callbacks: functions called after every step, or `Callback` objects.
        validation: number of validation points on the domain itself.
        clock: what tells the seconds; left out, `time.perf_counter`.
        started: reading of the clock at the start; left out, now.
        workers: threads that may share large matrix products.
        checkpoints: writes checkpoints; left out, none are written.

    Attributes:
        monitor: judges the parameters.
        noise: looks at the data.
        history: the rows so far.
        end: how the run ended.
        work: operations of the steps so far.

    Raises:
        TypeError: when a callback is none.
        ValueError: when `seconds` or `tolerance` is not positive.
    """

    def __init__(
        self,
        equations: Equations,
        *,
        generator: torch.Generator,
        seconds: float | None = None,
        tolerance: float | None = None,
        progress: bool = True,
        callbacks: Iterable[CallbackLike] = (),
        validation: int = 2000,
        clock: Callable[[], float] | None = None,
        started: float | None = None,
        workers: int = 1,
        checkpoints: CheckpointWriter | None = None,
    ) -> None:
        self.equations = equations
        self.generator = generator
        self.clock = time.perf_counter if clock is None else clock
        self.workers = workers
        self.started = self.clock() if started is None else started
        self.criteria: list[StoppingCriterion] = []
        if seconds is not None and seconds < math.inf:
            self.criteria.append(MaxSeconds(seconds, run=True))
        if tolerance is not None:
            self.criteria.append(Tolerance(tolerance, run=True))
        self.noise = NoisyData(equations)
        self.monitor = ValidationMonitor(equations, validation, generator)
        if self.noise.noisy:
            self.monitor.judge_by(self.noise.judged_by())
        self.journal = Journal(self.monitor, as_callbacks(callbacks), ProgressBar(progress, seconds))
        self.end = RunEnd(self.journal, self.monitor)
        self.recovery = Recovery(equations)
        self.work = 0.0
        self.checkpoints = checkpoints
        self._resumed: Mapping[str, Any] | None = None

    def resume(self, state: Mapping[str, Any], network: NetworkFactory | None = None) -> None:
        """Go on from a state of training (`pinn.training.checkpoint.training_state`) when `run` is called.

        Args:
            state: that belongs to the model's present parameters.
            network: what builds a network that is not the library's own.
        """
        continue_training(self, state, network)
        self._resumed = state["stage"]

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; None before its end."""
        return self.end.outcome

    @property
    def history(self) -> History:
        """The rows so far."""
        return self.journal.history

    @property
    def elapsed(self) -> float:
        """Wall seconds since the start."""
        return self.clock() - self.started

    def run(self, stages: Iterable[Stage]) -> History:
        """Run the stages and leave the model at the best parameters seen on validation points.

        Raises:
            ValueError: when there are no stages.
            TypeError: when a stage widens a network that cannot be widened.
        """
        stages = list(stages)
        if not stages:
            raise ValueError("Trainer: got no stages, expected at least one; give [Stage(optimizer)]")
        if any(stage.widening is not None for stage in stages):
            require_widening(self.equations.model)
        with self.journal.bar:
            try:
                self._train(stages)
            except KeyboardInterrupt:
                if not len(self.history):  # before the first step there is no answer
                    raise
                self.end.break_off()
        self.monitor.restore()
        self.end.after(self.journal.measure_best)
        return self.history

    def _train(self, stages: list[Stage]) -> None:
        """Run the stages, and say how the last one ended."""
        begun = self._resumed
        first = 0 if begun is None else begun["index"]
        for index, stage in enumerate(stages[first:], first):
            final, state = index == len(stages) - 1, begun if index == first else None
            run = _StageRun(self, stage, index, final, state)
            stops = run.run()
            log.info("stage %d ended after step %d: %s", index, self.journal.steps, stops[0].why)
            if stops[0].run:
                break
        self.end.note(stops)
        self.journal.end(run.objective)


class _StageRun:
    """One stage while it runs."""

    def __init__(
        self, trainer: Trainer, stage: Stage, index: int, final: bool, state: Mapping[str, Any] | None = None
    ) -> None:
        self.trainer, self.stage, self.index, self.final = trainer, stage, index, final
        self.monitor, self.journal = trainer.monitor, trainer.journal
        self.optimizer = self._own_optimizer()
        self.sampler: Sampler = copy.deepcopy(stage.sampler)
        self.batches = Batches(trainer.equations.problem, self.sampler, self.optimizer)
        self.weighting: Weighting | None = copy.deepcopy(stage.weighting)
        self.widening: Widening | None = copy.deepcopy(stage.widening)
        self.steps = self.accepted = self.stuck = 0
        self.began = trainer.elapsed - (0.0 if state is None else state["elapsed"])
        limits = (*trainer.criteria, *stage.criteria)
        self.deadline = nearest_deadline(limits, trainer.clock, trainer.started, self.began)
        self.pace = Pace()
        self.stepped: Metered | None = None  # what the last step was taken on
        self.resumed, self.cut = state is not None, False
        if state is None:
            self.use(self._draw())
        # Recorded before the run was broken off, and nothing decided on it.
        self.pending = None if state is None else continue_stage(self, state)
        require_memory(self.optimizer, self.objective)

    def run(self) -> list[Stop]:
        """Take steps until something ends the stage; returns all that did, what decides first."""
        if not self.resumed:
            self.monitor.count_anew()
        self.journal.stops.clear()
        try:
            stops, step = self._steps()
        except KeyboardInterrupt:  # the first one: the answer so far is returned; another ends the program
            self.trainer.end.interrupted = True
            stops, step = [BROKEN_OFF], None
        return self._end(stops, step)

    def _steps(self) -> tuple[list[Stop], Step | None]:
        """Take steps; returns what ends the stage, and the last step, or None where no whole one preceded the end."""
        begins = self.index == 0 or self.resumed
        if begins and (stops := self.journal.begin(self.objective)) and self.pending is None:
            return stops, None
        self._begin()
        step = self.pending
        while True:
            if step is None:
                step = self._step()
                if step is None:
                    assert self.deadline.limit is not None
                    keep(self, None, last=not self.cut)
                    return [self.deadline.limit.stop], None
                self._record(step)
            stops = self._reached(step)
            keep(self, step, last=bool(stops))
            if stops:
                if not self._fit_last(stops):
                    return stops, step
            elif not self._looked(step):
                self._renew(step)
            step = None

    def _begin(self) -> None:
        """Tell the sampler the first loss; where time is limited, find the pace of evaluations."""
        if not self.resumed:
            objective = self.objective
            self.sampler.begin(float(objective.loss()) if objective.squares else self._plain_loss(objective))
            keep(self, None, last=self.index == 0)
        if self.deadline.limit is not None:
            self.pace.measure(self.objective, self.trainer.clock)  # the first evaluation may have had more to do

    # -- a step -------------------------------------------------------------------------------------------------

    def _step(self) -> Step | None:
        """One step of the optimizer; None, with the parameters as they were, where the time does not allow it."""
        algebra = self.optimizer.flops(self.objective.rows, self.objective.size)
        if not self.deadline.allows(self.pace.expected(self.meter.linearization, algebra)):
            return None
        theta, before, began = self.objective.vector(), self.meter.work, self.trainer.clock()
        self.batches.show(self.objective, self.meter, self.trainer.generator)
        try:
            step = self.optimizer.step(self.meter)
        except OutOfTime:
            self.cut = True
            self.objective.assign(theta)
            return None
        except KeyboardInterrupt:
            self.objective.assign(theta)
            raise
        step = self.trainer.recovery.checked(step, theta, self.monitor.best_vector, self.objective, self.optimizer)
        self.stepped = self.meter
        work = self.meter.work - before
        self.pace.note(self.trainer.clock() - began, work, self.meter.linearization, algebra)
        self.monitor.note(work + algebra)
        self.trainer.work += work + algebra
        self.steps += 1
        self.accepted += step.accepted
        self.stuck = self.stuck + 1 if step.done else 0
        return step

    def _record(self, step: Step) -> None:
        """Write the step's row, with an evaluation where one is due."""
        self.journal.step(self._row(step.loss) | {"accepted": float(step.accepted), **step.info}, self.objective)
        if not self.sampler.complete:
            self.monitor.count_anew()

    def _row(self, loss: float) -> Row:
        return {
            "step": self.journal.steps,
            "stage": self.index,
            "seconds": self.trainer.elapsed,
            "loss": loss,
            "points": sum(block.points.n for block in self.objective.blocks),
            "rows": self.objective.rows,
            "parameters": self.objective.size,
        }

    # -- data with noise ----------------------------------------------------------------------------------------

    def _looked(self, step: Step) -> bool:
        """Look at the data where it is time to; whether weights have changed, so that the loss begins anew."""
        due = step.accepted and self.accepted % EVERY == 0
        if not due or not self.trainer.noise.look(self.batches.loss(step, self.objective), self._spent()):
            return False
        self._reconsider()
        return True

    def _fit_last(self, stops: Iterable[Stop]) -> bool:
        """Whether a stage that would end because nothing helps any more goes on with all observations instead."""
        if not self.trainer.noise.ending or {stop.ending for stop in stops} - {Ending.PATIENCE, Ending.STATIONARY}:
            return False
        self.trainer.noise.begin_last_fit()
        self._reconsider()
        return True

    def _reconsider(self) -> None:
        """Train and judge with the weights that the data now have."""
        self.monitor.judge_by(self.trainer.noise.judged_by())
        self.use(self._weighted(self.objective.points))
        self.optimizer.reset(growth=None)
        if self.widening is not None:
            self.widening.forget()
        self.stuck = 0

    def _spent(self) -> float:
        """How much of its steps or seconds the last stage has taken, 0 to 1."""
        if not self.final:
            return 0.0
        limits = [self.steps / limit.steps for limit in self.stage.criteria if isinstance(limit, MaxSteps)]
        if self.deadline.limit is not None:
            began = self.trainer.started + (0.0 if self.deadline.limit.run else self.began)
            limits.append((self.trainer.clock() - began) / self.deadline.limit.seconds)
        return max(limits, default=0.0)

    # -- the end ------------------------------------------------------------------------------------------------

    def _reached(self, step: Step) -> list[Stop]:
        """All that ends the stage now; what ends the run comes first."""
        elapsed = self.trainer.elapsed
        standing = self.journal.standing(self.steps, elapsed, elapsed - self.began, step.loss)
        stops = self.trainer.recovery.stops(step, self.journal.history[-1], lambda: self.monitor.objective.points)
        stops += [*self.journal.stops, *met(self.trainer.criteria, standing)]
        if step.done and (not self.sampler.every or self.stuck >= _STUCK):
            stops.append(Stop(step.reason or "the optimizer can go no further", Ending.STATIONARY))
        if self.final and self.trainer.noise.fitted:
            stops.append(Stop("the data are fitted to their noise, and the loss no longer falls", Ending.STATIONARY))
        return ordered([*stops, *met(self.stage.criteria, standing)])

    def _end(self, stops: list[Stop], step: Step | None) -> list[Stop]:
        """Evaluate what was not yet, and say what has ended the stage."""
        if not len(self.trainer.history):
            self.journal.write(self._row(float(self.objective.loss())) | {"accepted": 0.0})
        if self.monitor.current:
            self.journal.measure()
        else:
            self.journal.evaluate(self.objective, last=True)
            if step is not None:
                return self._reached(step) or stops  # the tolerance may be met
        return ordered([*stops, *self.journal.stops])

    # -- points, weights and network ----------------------------------------------------------------------------

    def _own_optimizer(self) -> Optimizer:
        optimizer = copy.deepcopy(self.stage.optimizer)
        optimizer.workers = self.trainer.workers
        return optimizer

    def use(self, objective: Objective) -> None:
        """Train on this from now on."""
        self.objective, self.meter = objective, Metered(objective, self.deadline.raise_if_over)

    def _draw(self) -> Objective:
        trainer, problem = self.trainer, self.trainer.equations.problem
        return self._weighted(self.sampler.draw(problem, trainer.generator, trainer.recovery.residual))

    def _weighted(self, points: Mapping[str, Points]) -> Objective:
        """The objective on these points; a weighting is shown it under the problem's own weights, whatever it said."""
        equations = self.trainer.equations
        masks = self.trainer.noise.trained_on()
        if self.weighting is None:
            return Objective(equations, points, point_weights=masks, energies=True)
        weights: Weights = self.weighting.update(Objective(equations, points, point_weights=masks), self.steps)
        of_points = weights.points | {name: mask * weights.points.get(name, 1.0) for name, mask in masks.items()}
        return Objective(equations, points, weights=weights.constraints, point_weights=of_points, energies=True)

    def _renew(self, step: Step) -> None:
        """New points where the sampler wants them or the optimizer is done with the old, else new weights."""
        due = step.accepted and self.sampler.every and self.accepted % self.sampler.every == 0
        if due or step.done:
            self._redraw(self.batches.loss(step, self.objective))
        elif self.weighting is not None and self.weighting.due(self.steps):
            # Points and parameters stay, and with them what the optimizer knows of the curvature.
            self.use(self._weighted(self.objective.points))

    def _redraw(self, old: float) -> None:
        """New points: tell the sampler and the optimizer how the loss on them compares with that on the old.

        Where weights move, both are taken under those of the problem: a change of weights is no growth of the loss.
        Data with noise stay out of both: their misfit is the noise, however many points there are.
        """
        old = self._plain_loss(self.objective, old)
        drawn, new = self._drawn()
        if self.trainer.recovery.keeps_points(new):
            return
        if self.sampler.observe(old, new):
            drawn, new = self._drawn()
            if self.widening is not None:
                self.widening.forget()
        if drawn.rows > self.objective.rows:
            self.monitor.count_anew()  # more points may help where the old ones no longer did
        self.use(drawn)
        # What is left is then noise, which no width fits.
        carried = self.trainer.noise.floor and new < _CARRIED * float(drawn.loss())
        if self.widening is not None and not carried and self.widening.due(new, self.sampler.size, self.sampler.full):
            self._widen(self.widening.factor)
            return
        self.optimizer.reset(growth=new / old if old > 0 else None)

    def _drawn(self) -> tuple[Objective, float]:
        drawn = self._draw()
        return drawn, self._plain_loss(drawn)

    def _plain_loss(self, objective: Objective, known: float | None = None) -> float:
        """The loss under the problem's own weights; `known` is that under the present ones."""
        noise = self.trainer.noise
        if self.weighting is not None or not objective.squares:
            objective = Objective(objective.equations, objective.points, point_weights=noise.trained_on())
        elif known is not None and not noise.floor:
            return known
        return sum(loss for name, loss in objective.losses().items() if name not in noise.floor)

    def _widen(self, factor: float) -> None:
        """A wider network, the same points, and an optimizer that keeps what is not tied to the old parameters."""
        trainer = self.trainer
        if not self.monitor.current:
            self.journal.evaluate(self.objective)
        self.monitor.widen(factor, trainer.generator)
        self.use(self._weighted(self.objective.points))
        state = self.optimizer.state_dict()
        self.optimizer = self._own_optimizer()
        if all(isinstance(value, int | float) for value in state.values()):
            self.optimizer.load_state_dict(state)
        log.info("step %d: the network grows to %d parameters", self.journal.steps, self.objective.size)
