"""One stage of a schedule: an optimizer, its points and weights, and when it ends; several in a list."""

from __future__ import annotations

from dataclasses import dataclass, field

from pinn.optimizers import Optimizer
from pinn.sampling import Fixed, Sampler
from pinn.training.widening import Widening
from pinn.weighting import Weighting


@dataclass(frozen=True)
class Stage:
    """A part of a run with one optimizer.

    Args:
        optimizer: what takes the steps. The run works on a copy: a stage is a value and can be used again.
        sampler: where the points go.
        weighting: how the weights change; left out, they stay as the problem states them.
        steps: optimizer steps at the most.
        seconds: wall seconds at the most.
        widening: when the network grows; left out, it stays as it is.
        patience: stop when the loss on fresh points has not fallen by a tenth within so many steps, counted anew when
            the points or the network have grown; left out, only the optimizer's own end, `steps` and `seconds` stop it.

    Raises:
        ValueError: when a limit is not positive, or the network is to grow on points that stay.
    """

    optimizer: Optimizer
    sampler: Sampler = field(default_factory=Fixed)
    weighting: Weighting | None = None
    steps: int | None = None
    seconds: float | None = None
    widening: Widening | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "seconds", "patience"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"Stage: {name}={value}; give a positive number or leave it out")
        if self.widening is not None and not (self.sampler.every and self.optimizer.redraws):
            raise ValueError(
                f"Stage: widening judges the loss on newly drawn points, but {type(self.sampler).__name__} with "
                f"{type(self.optimizer).__name__} keeps its points; take Growing(RAD()) and LevenbergMarquardt()"
            )
