"""When a stage or a run stops: criteria are objects, checked after every step.

A criterion is anything with a method `check(standing) -> Stop | None`; those below are what the shorthands of `Stage`
and the options of `solve` stand for. A criterion of one's own goes into `Stage(stop=[...])`:

    class Flat:
        def check(self, standing):
            return Stop("the loss is below 1e-9") if standing.loss < 1e-9 else None

It ends its stage, and the run where it returns `Stop("...", run=True)`.
Only `MaxSeconds` reads a clock. Patience counts evaluations of the validation loss, which follow the work done
(`pinn.training.monitor`), so that a slow machine is no reason to lose it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pinn.solution.outcome import Ending
from pinn.validation import count, positive, whole


@dataclass(frozen=True)
class Stop:
    """The wish to stop, returned by a criterion or a callback.

    Args:
        why: for the report, in plain words.
        ending: the kind; from outside the library it is `Ending.STOPPED`.
        run: whether the whole run ends, or the stage alone. Left out, a criterion ends the stage that it is given to,
            and a callback, which is given to the run, ends the run.
    """

    why: str
    ending: Ending = Ending.STOPPED
    run: bool | None = None


@dataclass(frozen=True)
class Standing:
    """Where a run stands after a step, or before the first one.

    Attributes:
        steps: optimizer steps of the whole run.
        stage_steps: of this stage.
        seconds: wall seconds of the whole run, counted from the call of `solve`.
        stage_seconds: of this stage.
        loss: on the points trained on.
        validation: the least validation loss seen; infinite before the first evaluation.
        evaluations: of the validation loss, in the whole run.
        idle: evaluations since the validation loss last fell by a tenth, or points or network grew.
    """

    steps: int
    stage_steps: int
    seconds: float
    stage_seconds: float
    loss: float
    validation: float
    evaluations: int
    idle: int


@runtime_checkable
class StoppingCriterion(Protocol):
    """What ends a stage. It may be called more than once after a step, so the answer should depend on nothing else."""

    def check(self, standing: Standing) -> Stop | None:
        """The reason to stop now, or None to go on."""


@dataclass(frozen=True)
class MaxSteps:
    """Stop after so many optimizer steps of the stage.

    Raises:
        ValueError: when `steps` is no whole number of at least 1.
    """

    steps: int

    def __post_init__(self) -> None:
        whole("MaxSteps", 1, steps=self.steps)

    def check(self, standing: Standing) -> Stop | None:
        """See `StoppingCriterion`."""
        return Stop(f"{self.steps} steps taken", Ending.STEPS) if standing.stage_steps >= self.steps else None


@dataclass(frozen=True)
class MaxSeconds:
    """Stop at the latest after so many wall seconds; a step that would overrun them is not begun, or is cut.

    Args:
        seconds: wall seconds.
        run: count from the call of `solve`, and end the whole run; otherwise from the start of the stage, which ends.

    Raises:
        ValueError: when `seconds` is not positive and finite.
    """

    seconds: float
    run: bool = False

    def __post_init__(self) -> None:
        positive("MaxSeconds", seconds=self.seconds)

    @property
    def stop(self) -> Stop:
        """The reason, where the time is up."""
        if self.run:
            return Stop("time is up", Ending.SECONDS, run=True)
        return Stop("the stage's time is up", Ending.STAGE_SECONDS, run=False)

    def check(self, standing: Standing) -> Stop | None:
        """See `StoppingCriterion`."""
        return self.stop if (standing.seconds if self.run else standing.stage_seconds) >= self.seconds else None


@dataclass(frozen=True)
class Tolerance:
    """Stop when the root-mean-square of the weighted validation residuals, √(2f), is below `largest`.

    Args:
        largest: dimensionless.
        run: whether that ends the whole run; otherwise the stage ends.

    Raises:
        ValueError: when `largest` is not positive and finite.
    """

    largest: float
    run: bool = False

    def __post_init__(self) -> None:
        positive("Tolerance", largest=self.largest)

    def check(self, standing: Standing) -> Stop | None:
        """See `StoppingCriterion`."""
        if math.sqrt(2 * standing.validation) < self.largest:
            return Stop("the tolerance on validation points is met", Ending.TOLERANCE, run=self.run)
        return None


@dataclass(frozen=True)
class Patience:
    """Stop when the validation loss has not fallen by a tenth in so many evaluations of it.

    Raises:
        ValueError: when `evaluations` is no integer of at least 1.
    """

    evaluations: int

    def __post_init__(self) -> None:
        count("Patience", 1, evaluations=self.evaluations)

    def check(self, standing: Standing) -> Stop | None:
        """See `StoppingCriterion`."""
        if standing.idle < self.evaluations:
            return None
        return Stop(f"the validation loss has not fallen by a tenth in {self.evaluations} evaluations", Ending.PATIENCE)


class OutOfTime(BaseException):
    """The time is up in the middle of a step. No `Exception`, so that nothing between here and the trainer keeps it."""


@dataclass(frozen=True)
class Deadline:
    """A time on a clock, and what is said when it has come.

    Args:
        at: reading of the clock, in seconds; infinite where there is no limit, and then no clock is read.
        clock: what is read.
        limit: what set it.
    """

    at: float
    clock: Callable[[], float]
    limit: MaxSeconds | None = None

    def allows(self, seconds: float) -> bool:
        """Whether what takes so long can still be done."""
        return self.at == math.inf or self.clock() + seconds < self.at

    def raise_if_over(self) -> None:
        """Raise `OutOfTime` where the time is up."""
        if not self.allows(0.0):
            raise OutOfTime


def nearest_deadline(
    criteria: Iterable[StoppingCriterion], clock: Callable[[], float], started: float, began: float
) -> Deadline:
    """The nearest of all limits on the time.

    Args:
        criteria: of the run and of the stage.
        clock: what is read.
        started: its reading at the start of the run.
        began: seconds from then to the start of the stage.
    """
    found = Deadline(math.inf, clock)
    for limit in criteria:
        if isinstance(limit, MaxSeconds):
            at = started + limit.seconds + (0.0 if limit.run else began)
            found = min(found, Deadline(at, clock, limit), key=lambda one: one.at)
    return found


def met(criteria: Iterable[StoppingCriterion], standing: Standing) -> list[Stop]:
    """What those say that are met."""
    return [stop for stop in (criterion.check(standing) for criterion in criteria) if stop is not None]


def ordered(stops: Iterable[Stop]) -> list[Stop]:
    """Each once, what ends the run first."""
    return sorted(dict.fromkeys(stops), key=lambda stop: not stop.run)
