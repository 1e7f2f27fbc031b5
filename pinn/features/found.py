"""What a solve on fixed neurons found: its rounds, the best of them as a model, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pinn.model import Model
from pinn.networks.chebyshev import degrees_text

CLAIM = 2.0  # times the estimated error is what is claimed
ROUNDING = 1e-14  # least error that is claimed


class UnsuitedError(ValueError):
    """A problem is not for a solve on fixed neurons, which shows only on the way.

    Rows are no numbers, as far outside of the domain, where polynomials have none; or not affine, by an ansatz; or jets
    do not serve an equation; or conditions do not determine a start.
    """


class Ending(Enum):
    """Why a solve ended."""

    TOLERANCE = "the estimated error is below the tolerance"
    ROUNDING = "more neurons do not help: what is left is rounding"
    EFFORT = "the effort is spent"
    NOT_CARRIED = "fixed neurons do not carry the problem"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Round:
    """One solve.

    Attributes:
        neurons: M in all.
        degrees: the highest of the polynomials in each coordinate.
        order: terms at each corner and hole; 0 where there are none.
        rows: N.
        fitted: |J c + r| / |r| on the points of the solve.
        held: the same on other points.
        change: relative L2 change of the outputs from the round before; infinite in the first.
        error: claimed relative L2 error of the outputs.
        work: operations.
    """

    neurons: int
    degrees: tuple[int, ...]
    order: int
    rows: int
    fitted: float
    held: float
    change: float
    error: float
    work: float


@dataclass(frozen=True, eq=False)
class FeatureSolve:
    """What a solve on fixed neurons found.

    Attributes:
        model: with an `Enriched` network, the best of all rounds on points held out.
        best: its round.
        rounds: all of them, in turn.
        ending: why it ended.
    """

    model: Model
    best: Round
    rounds: tuple[Round, ...]
    ending: Ending

    @property
    def error(self) -> float:
        """The relative L2 error of the outputs, stacked, that may be claimed.

        Where a later round left more, what it has changed counts too.
        """
        following = self.rounds[self.rounds.index(self.best) + 1 :][:1]
        return min([self.best.error, *(max(ROUNDING, CLAIM * one.change) for one in following)])

    @property
    def held(self) -> float:
        """Residual norm over that at the start, on points that the solve did not see."""
        return self.best.held

    @property
    def carried(self) -> bool:
        """Whether fixed neurons carry the problem at all."""
        return self.ending is not Ending.NOT_CARRIED

    @property
    def work(self) -> float:
        """Operations of all rounds, as `pinn.training.work` counts those of a run."""
        return sum(one.work for one in self.rounds)

    def __str__(self) -> str:
        one = self.best
        singular = f", singular functions to order {one.order}" if one.order else ""
        return (
            f"{one.neurons} fixed neurons, polynomials to degree {degrees_text(one.degrees)}{singular}; "
            f"{len(self.rounds)} linear solves left {one.held:.1e} of the residual: {self.ending.value}"
        )
