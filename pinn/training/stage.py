"""One stage of a schedule: an optimizer, its points and weights, and when it ends; several in a list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pinn.optimizers import Optimizer
from pinn.sampling import Fixed, Sampler
from pinn.training.stopping import MaxSeconds, MaxSteps, Patience, StoppingCriterion
from pinn.training.widening import Widening
from pinn.validation import count, positive, whole
from pinn.weighting import Weighting

_KINDS: Mapping[str, tuple[type[Any], str]] = MappingProxyType(
    {
        "optimizer": (Optimizer, "LevenbergMarquardt()"),
        "sampler": (Sampler, "Growing(RAD())"),
        "weighting": (Weighting, "Causal()"),
        "widening": (Widening, "Widening()"),
    }
)


@dataclass(frozen=True)
class Stage:
    """A part of a run with one optimizer.

    Args:
        optimizer: what takes the steps. The run works on a copy: a stage is a value and can be used again.
        sampler: where the points go.
        weighting: how the weights change; left out, they stay as the problem states them.
        steps: optimizer steps at the most.
        seconds: wall seconds at the most; a step that would overrun them is not begun, or is cut.
        widening: when the network grows; left out, it stays as it is.
        patience: stop when the validation loss has not fallen by a tenth within so many evaluations of it, counted anew
            when the points or the network have grown; left out, only the optimizer's own end and the limits stop it.
        stop: further criteria (`pinn.training.stopping`); the stage ends with the first that is met.

    Raises:
        ValueError: when a limit is not positive, or the network is to grow on points that stay.
        TypeError: when `stop` is no list, or an entry of it no criterion.
    """

    optimizer: Optimizer
    sampler: Sampler = field(default_factory=Fixed)
    weighting: Weighting | None = None
    steps: int | None = None
    seconds: float | None = None
    widening: Widening | None = None
    patience: int | None = None
    stop: Sequence[StoppingCriterion] = ()

    def __post_init__(self) -> None:
        for name, (kind, example) in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind) and not (value is None and name in ("weighting", "widening")):
                raise TypeError(f"Stage: got {name}={value!r}, expected an object; give one such as {example}")
        count(type(self.sampler).__name__, 0, every=getattr(self.sampler, "every", None))
        weighting = self.weighting
        while weighting is not None:
            count(type(weighting).__name__, 1, every=getattr(weighting, "every", None))
            weighting = weighting.inner
        if self.steps is not None:
            whole("Stage", 1, steps=self.steps)
        if self.patience is not None:
            count("Stage", 1, patience=self.patience)
        if self.seconds is not None and self.seconds != math.inf:
            positive("Stage", seconds=self.seconds)
        if isinstance(self.stop, str) or not isinstance(self.stop, Sequence):
            raise TypeError(f"Stage: got stop={self.stop!r}, expected a list of criteria; give stop=[MaxSteps(100)]")
        for criterion in self.stop:
            if isinstance(criterion, type) or not isinstance(criterion, StoppingCriterion):
                raise TypeError(
                    f"Stage: got stop=[{criterion!r}], expected objects with a method check; give stop=[MaxSteps(100)]"
                )
        if self.widening is not None and not (self.sampler.every and self.optimizer.redraws):
            raise ValueError(
                f"Stage: got widening with {type(self.sampler).__name__} and {type(self.optimizer).__name__}, which "
                "keep their points, expected new ones to judge the loss on; give Growing(RAD()), LevenbergMarquardt()"
            )

    @property
    def criteria(self) -> tuple[StoppingCriterion, ...]:
        """All that may end the stage beside its optimizer: the shorthands as criteria, and `stop`."""
        found: list[StoppingCriterion] = []
        if self.steps is not None:
            found.append(MaxSteps(self.steps))
        if self.seconds is not None and self.seconds < math.inf:
            found.append(MaxSeconds(self.seconds))
        if self.patience is not None:
            found.append(Patience(self.patience))
        return (*found, *self.stop)
