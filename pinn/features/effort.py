"""What a solve may take: operations, and seconds where a run has a limit.

    another round of w operations is made where    spent + w ≤ operations,    elapsed + w / pace ≤ seconds

Operations are counted (`pinn.training.work`), so that a machine repeats what it did. How many of them make a second
differs by a factor of ten from one solve to another, and by the load of the machine; so where seconds are limited, and
there alone, the pace is that of the rounds so far, by the clock. With one constant for all, `solve(seconds=10)` left
Helmholtz (6, 6) to training after 0.3 s, with an error of 5e-2 in place of 2e-13, and took 22 s for kdv.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

PACE = 8e9  # operations a second before any are timed; 4e9 in windows of time to 7e10 in large affine solves
_TIMED = 0.05  # seconds below which the pace is not measured
_DEARER = 1.2  # times the foreseen seconds that a round may take

# Operations, at the 5·10¹⁰ a second of `pinn.training.work`, in whose time are made: a neuron at a point, an entry of
# J, N p² of the factorisation, and one constraint of few points. Fitted to poisson_2d, the string and Helmholtz (6, 6).
_NEURON, _WRITE, _QR, _CALL = 500.0, 60.0, 5.0, 3e8


def operations(neurons: float, columns: int, sizes: Mapping[str, int], rows: int, passes: float) -> float:
    """Operations of a linear solve on fixed neurons.

    Args:
        neurons: of them.
        columns: of J, a weight out of each neuron to each output.
        sizes: points of each constraint.
        rows: of J.
        passes: evaluations of the residual, of which that with J counts three.
    """
    evaluated = passes * 4 * sum(sizes.values()) * (2 * columns + _NEURON * neurons)
    return evaluated + rows * columns * (_WRITE + _QR * columns) + _CALL * len(sizes)


class Effort:
    """Operations and seconds that are left.

    Args:
        operations: at the most.
        seconds: from now, at the most; infinite where there is no limit, and then no clock is read.
        clock: what tells the seconds; left out, `time.perf_counter`.

    Attributes:
        spent: operations so far.

    Example:
        >>> effort = Effort(10.0)
        >>> effort.add(4.0)
        >>> effort.allows(6.0), effort.allows(7.0)
        (True, False)
    """

    def __init__(self, operations: float, seconds: float = math.inf, clock: Callable[[], float] | None = None) -> None:
        self.operations, self.seconds, self.spent = operations, seconds, 0.0
        self._clock = time.perf_counter if clock is None else clock
        self._began = self._clock() if seconds < math.inf else 0.0

    @property
    def elapsed(self) -> float:
        """Seconds so far; zero where they are not limited."""
        return self._clock() - self._began if self.seconds < math.inf else 0.0

    def add(self, work: float) -> None:
        """Count operations that were made."""
        self.spent += work

    def allows(self, work: float, further: float = 0.0) -> bool:
        """Whether so many more operations may be made.

        Args:
            work: operations.
            further: more of them than the effort has, which seconds limit all the same.
        """
        return self.spent + work <= self.operations + further and self.in_time(work)

    def in_time(self, work: float) -> bool:
        """Whether the seconds allow them."""
        return self.seconds == math.inf or self._after(0.0, _DEARER * work) <= self.seconds

    def used(self, part: float, of_seconds: float) -> bool:
        """Whether these parts of the operations or of the seconds are used up."""
        return self.spent > part * self.operations or self.elapsed > of_seconds * self.seconds

    def over(self, kept: float, part: float, work: float) -> bool:
        """Whether a solve has to be given up.

        Args:
            kept: operations for what follows.
            part: of the whole that the solve may take, where it is less.
            work: operations of the solve so far, which are not yet added.
        """
        if self.spent + work + kept > part * self.operations:
            return True
        return self.seconds < math.inf and self._after(work, kept) > part * self.seconds

    def _after(self, work: float, kept: float) -> float:
        """Seconds that will have gone by after operations that are kept, `work` being made but not added."""
        elapsed, made = self.elapsed, self.spent + work
        pace = made / elapsed if elapsed > _TIMED and made > 0 else PACE
        return elapsed + kept / pace
