"""What was found wrong with the statement of a problem: a value that says what, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pinn.verification.direction import Direction


class Kind(Enum):
    """What is wrong."""

    UNUSED_OUTPUT = "unused output"
    UNUSED_UNKNOWN = "unused unknown"
    OUTSIDE = "data outside the domain"
    LEVEL = "undetermined constant"
    MISSING_CONDITION = "missing condition"
    UNDETERMINED_UNKNOWN = "undetermined unknown"
    UNDETERMINED_OUTPUT = "undetermined output"
    CONTRADICTORY = "contradictory conditions"
    CORNER = "conditions that do not meet"
    JUMP = "a condition that jumps"
    REPEATED = "repeated condition"
    LEVELS = "several solutions"
    UNREAD = "not told"


_REFUSED = (Kind.UNUSED_OUTPUT, Kind.UNUSED_UNKNOWN, Kind.OUTSIDE)
_UNDETERMINED = (Kind.LEVEL, Kind.MISSING_CONDITION, Kind.UNDETERMINED_UNKNOWN, Kind.UNDETERMINED_OUTPUT)


@dataclass(frozen=True)
class Finding:
    """One thing that is missing in a problem, or superfluous.

    Attributes:
        kind: what it is.
        what: what is missing or superfluous, one sentence without its full stop, naming outputs, unknowns, constraints.
        cure: what to do about it, an imperative.
        names: outputs, unknowns or constraints that it concerns.
        certain: whether it is proven; otherwise it is a suspicion.
        direction: the change of the answer that the constraints hardly see, where it was found by one.
    """

    kind: Kind
    what: str
    cure: str
    names: tuple[str, ...] = ()
    certain: bool = True
    direction: Direction | None = None

    @property
    def refuses(self) -> bool:
        """Whether training is refused: an error of the statement, which no answer could be right about."""
        return self.certain and self.kind in _REFUSED

    @property
    def undetermined(self) -> bool:
        """Whether several answers satisfy the problem as it is stated."""
        return self.kind in _UNDETERMINED

    def __str__(self) -> str:
        return f"{self.what}; {self.cure}"
