"""What an optimizer is: something that takes a step of f(θ) = ½ |r(θ)|² and says what happened.

An optimizer sees a least-squares objective (`LeastSquares`) and nothing of equations, networks or points. It is the
only one that writes parameters, and only inside `step`. What it remembers between steps is plain numbers and tensors,
so that a run can be stopped and continued bit by bit (`state_dict`, `load_state_dict`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from pinn.least_squares import LeastSquares
from pinn.state import restore, state_of


class StepTimer:
    """Measures the wall seconds spent in the parts of a step, for the trace; no decision depends on them.

    The parts are rows (r, J or the gradient at θ), system (forming, factoring or updating a matrix), solve (directions
    from it) and trials (evaluations elsewhere than at θ).

    Example:
        >>> timer = StepTimer()
        >>> with timer("rows"):
        ...     pass
        >>> list(timer.seconds)
        ['seconds/rows', 'seconds/system', 'seconds/solve', 'seconds/trials']
    """

    def __init__(self) -> None:
        self.seconds = {f"seconds/{part}": 0.0 for part in ("rows", "system", "solve", "trials")}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Add the time of the block to `part`."""
        began = time.perf_counter()
        yield
        self.seconds[f"seconds/{part}"] += time.perf_counter() - began


class StepEnding(Enum):
    """Why an optimizer can go no further on its points; the value says it in words."""

    GRADIENT_ZERO = "the gradient is zero to rounding"
    NO_DESCENT = "no step lowers the loss"
    NOT_FINITE = "the loss or its derivative is not finite"


@dataclass(frozen=True)
class Step:
    """What a step did.

    Args:
        loss: f after the step, on the objective it was taken on.
        accepted: whether the parameters moved.
        info: numbers for the trace, dimensionless but for keys that begin with `seconds/`.
        ending: why the optimizer can go no further on these points; None while it can.
        detail: the same in the method's own words, where it has more to say than `ending`.

    Example:
        >>> step = Step(0.5, False, ending=StepEnding.NO_DESCENT)
        >>> step.done, step.reason
        (True, 'no step lowers the loss')
    """

    loss: float
    accepted: bool
    info: dict[str, float] = field(default_factory=dict)
    ending: StepEnding | None = None
    detail: str = ""

    @property
    def done(self) -> bool:
        """Whether the optimizer can go no further on these points."""
        return self.ending is not None

    @property
    def reason(self) -> str:
        """Why it is done, in words; empty while it is not."""
        return "" if self.ending is None else self.detail or self.ending.value


class Optimizer(ABC):
    """Takes steps on a least-squares objective.

    A subclass writes `step` and `reset`. Class attributes tell a trainer how to feed it: `redraws` says whether new
    points between steps are harmless (a method that builds curvature out of differences of gradients wants its points
    kept), `of_rows` whether it needs f to be half a sum of squares of rows and nothing else, which rules out energies
    (`pinn.energy`), `of_metric` whether it asks for JᵀJ, `batches` whether each step may see other observations
    (`pinn.training.batches`), and `_state` names the attributes that a continuation needs.

    A step may be cut short by an exception of the objective, which passes through unchanged. The parameters and the
    optimizer are then in between; `objective.assign` and `load_state_dict` with values from before the step undo it.

    Attributes:
        workers: threads that may share a large matrix product; the run sets it.
    """

    redraws: ClassVar[bool] = True
    of_rows: ClassVar[bool] = True
    of_metric: ClassVar[bool] = True
    batches: ClassVar[bool] = False
    workers: int = 1
    _state: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def step(self, objective: LeastSquares) -> Step:
        """Take one step; only this writes parameters, and on return they hold the point whose loss is reported."""

    @abstractmethod
    def reset(self, growth: float | None = None) -> None:
        """Points or weights have changed: drop what belongs to the old ones.

        Args:
            growth: loss of the current parameters on the new points over that on the old ones; None when not known.
        """

    def retreat(self) -> bool:
        """The last step led to where the loss is no number, and has been undone: forget it, and step shorter.

        Returns:
            False where there is nothing to forget and no step that could be shorter; the run then ends.
        """
        return False

    def most_rows(self, parameters: int, itemsize: int = 8) -> int | None:
        """Rows that a step can take; None for any number. A method whose memory sets a limit says so here.

        Args:
            parameters: number p of parameters.
            itemsize: bytes of one number of J.
        """
        return None

    def memory_of_step(self, rows: int, parameters: int, itemsize: int = 8) -> float:
        """Bytes of what a step holds beside the pieces that the objective works in, about.

        Args:
            rows: N.
            parameters: p.
            itemsize: bytes of one number of J.
        """
        return 8.0 * parameters * itemsize  # a few vectors

    def flops(self, rows: int, parameters: int) -> float:
        """Floating-point operations of a step beside what it asks of the objective, about; see `pinn.training.work`.

        Args:
            rows: N.
            parameters: p.
        """
        return 0.0

    def recognise(self, objective: LeastSquares) -> None:
        """The state loaded is that after a step on this objective, so what it holds of it need not be computed again.

        Nothing by default; a method that keeps the loss or the gradient of its last point says so here.
        """
        return

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain numbers and tensors."""
        return state_of(self, self._state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned.

        Raises:
            ValueError: when the entries are not those of this optimizer.
        """
        restore(self, self._state, state)
