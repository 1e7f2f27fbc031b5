"""What is to be thought of an answer: one of a few values, with its evidence in plain words and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What is to be thought of an answer."""

    TRUSTED = "trusted"
    """The estimated error says how far; nothing contradicts it."""
    NOT_CONVERGED = "not converged"
    """The equations determine the answer, and this one is further from it than was asked."""
    NOT_DETERMINED = "not determined"
    """The problem has other answers that are as good."""
    NOT_SATISFIED = "equation not satisfied"
    """A constraint is violated by a part of its own terms, and more training would not mend it."""
    CONTRADICTORY = "contradictory conditions"
    """No function satisfies all constraints together."""
    WRONG_REFERENCE = "wrong reference"
    """The answer satisfies the constraints; the reference does not, or is no number."""
    FAILED = "numbers failed"
    """Loss, parameters or residuals are not finite."""


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it rests on.

    Args:
        verdict: one of the values.
        error: the relative L2 error the answer is trusted to, or is estimated to have; None where none is known.
        evidence: what was seen, in plain words, the gravest first.
        advice: the next thing to do; empty where nothing is to be done.
    """

    verdict: Verdict
    error: float | None = None
    evidence: tuple[str, ...] = ()
    advice: str = ""

    @property
    def trusted(self) -> bool:
        """Whether the answer can be relied on to `error`."""
        return self.verdict is Verdict.TRUSTED
