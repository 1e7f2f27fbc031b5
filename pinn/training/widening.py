"""A wider network where its size is what limits: neurons are added while the run goes on, the function stays.

A small network takes many cheap steps first, for the cost of a second-order step grows with the fourth power of the
width; what it has learned is kept when it grows. Its size limits where the loss on newly drawn points has nearly
stopped falling although there are enough of them: over the last `window` draws the least such loss fell by less than
the factor `stall`, and their number has not grown meanwhile (or can grow no more).

Source: the growth is that of `pinn.networks.MLP.widened`; the criterion is this project's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pinn.state import restore, state_of


@dataclass
class Widening:
    """When a network is widened, and by how much.

    Args:
        factor: of the width, each time.
        times: at the most.
        window: draws of points over which the fall of the loss is judged.
        stall: least loss now over that before the window, above which the network is too small; dimensionless.

    Raises:
        ValueError: when the numbers contradict each other.

    Example:
        >>> widening = Widening(window=2)
        >>> [widening.due(loss, 100) for loss in (1.0, 0.1, 0.09, 0.08)]
        [False, False, False, True]
    """

    factor: float = 1.5
    times: int = 2
    window: int = 4
    stall: float = 0.5
    _losses: list[float] = field(init=False, default_factory=list, repr=False, compare=False)
    _sizes: list[int] = field(init=False, default_factory=list, repr=False, compare=False)
    _done: int = field(init=False, default=0, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("_losses", "_sizes", "_done")

    def __post_init__(self) -> None:
        if not (self.factor > 1 and self.times >= 1 and self.window >= 1 and 0 < self.stall < 1):
            raise ValueError(
                f"Widening: got factor={self.factor}, times={self.times}, window={self.window}, stall={self.stall}, "
                "expected factor > 1, times >= 1, window >= 1 and stall in (0, 1); give such as Widening()"
            )

    def due(self, loss: float, size: int, full: bool = False) -> bool:
        """Take note of the loss on newly drawn points and say whether to widen now.

        Args:
            loss: on the points just drawn, before a step on them.
            size: number of points that the sampler draws.
            full: whether that number can grow no more.
        """
        self._losses.append(loss)
        self._sizes.append(size)
        if self._done >= self.times or len(self._losses) <= self.window:
            return False
        enough = full or self._sizes[-1] == self._sizes[-1 - self.window]
        if not enough or min(self._losses) <= self.stall * min(self._losses[: -self.window]):
            return False
        self._done += 1
        self.forget()
        return True

    def forget(self) -> None:
        """Judge anew: the losses seen belong to another network, or to other times of an evolution."""
        self._losses, self._sizes = [], []

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values."""
        return state_of(self, self._state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned.

        Raises:
            ValueError: when the entries are not those.
        """
        restore(self, self._state, state)
