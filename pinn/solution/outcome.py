"""How a run ended: a value that code can compare, with plain text for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Ending(Enum):
    """What ended a run or a stage of it."""

    TOLERANCE = "tolerance"
    """The estimated error of the answer, or what a criterion looks at, is as small as the tolerance."""
    STEPS = "steps"
    """The steps are taken."""
    SECONDS = "seconds"
    """The run's wall time is up."""
    STAGE_SECONDS = "stage seconds"
    """The stage's wall time is up."""
    PATIENCE = "patience"
    """The validation loss no longer falls."""
    STATIONARY = "stationary"
    """The optimizer can go no further."""
    NOT_FINITE = "not finite"
    """The loss is infinite or NaN."""
    STOPPED = "stopped"
    """A callback, or a criterion from outside the library, said so."""
    INTERRUPTED = "interrupted"
    """The run was broken off by a KeyboardInterrupt; the answer is the best until then."""

    @property
    def cut(self) -> bool:
        """Whether what might have gone on was ended from outside: more steps or time would be used."""
        return self in (Ending.STEPS, Ending.SECONDS, Ending.STAGE_SECONDS, Ending.INTERRUPTED)


@dataclass(frozen=True)
class Contribution:
    """What training, or linear solves on fixed neurons, did for the answer.

    Args:
        kind: "training", "fixed neurons" (from nothing), or "neurons over the network".
        steps: optimizer steps of the run by then.
        neurons: fixed ones; 0 for training.
        work: operations.
        before, after: residual norms of the answer on fresh points.
        error: estimated relative error of the answer after it; NaN where it is not known.
        taken: whether fresh points confirmed it.
    """

    kind: str
    steps: int
    neurons: int
    work: float
    before: float
    after: float
    error: float
    taken: bool

    def __str__(self) -> str:
        if self.kind == "training":
            return f"{self.steps} steps of training left {self.after:.1e} of residual on fresh points"
        kind = self.kind if self.neurons != 1 else self.kind.replace("neurons", "neuron")
        said = f"{self.neurons} {kind} after {self.steps} steps: residual on fresh points"
        return f"{said} {self.before:.1e} to {self.after:.1e}" + ("" if self.taken else ", not taken")


@dataclass(frozen=True)
class Outcome:
    """The end of a run.

    Args:
        ending: what ended it.
        detail: the same for people, e.g. "300 steps taken".
        steps: optimizer steps taken in all.
        evaluations: of the validation loss.
        limits: every limit that had been reached by then, `ending` first.
        contributions: what training and linear solves did, in turn; empty for training alone.
        uncorrected: why no linear solve corrected what was trained; empty where one was tried, or nothing trained.

    Example:
        >>> outcome = Outcome(Ending.STEPS, "300 steps taken", steps=300, evaluations=41)
        >>> str(outcome), outcome.ending.cut
        ('300 steps taken', True)
    """

    ending: Ending
    detail: str
    steps: int = 0
    evaluations: int = 0
    limits: tuple[Ending, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    uncorrected: str = ""

    def __str__(self) -> str:
        return self.detail
