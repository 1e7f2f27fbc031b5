"""How a run ended: a value that code can compare, with plain text for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Ending(Enum):
    """What ended a run or a stage of it."""

    TOLERANCE = "tolerance"
    """The residuals on validation points are as small as the tolerance."""
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
class Outcome:
    """The end of a run.

    Args:
        ending: what ended it.
        detail: the same for people, e.g. "300 steps taken".
        steps: optimizer steps taken in all.
        evaluations: of the validation loss.
        limits: every limit that had been reached by then, `ending` first.

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

    def __str__(self) -> str:
        return self.detail
