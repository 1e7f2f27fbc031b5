"""First-order methods: any class of `torch.optim` on the gradient Jᵀr, with any of its learning-rate schedules.

    θ ← θ − η_k · direction(g_0 … g_k)

The loss reported is f where the gradient was taken, one update behind the parameters: evaluating it again would cost a
third more for a number that only the trace reads.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from pinn.least_squares import LeastSquares
from pinn.optimizers.optimizer import Optimizer, Step, StepEnding, StepTimer

OptimizerFactory = Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer]
ScheduleFactory = Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler]


_SHORTER = 0.1  # times the rate after a step to where the loss is no number


class FirstOrder(Optimizer):
    """Wraps a `torch.optim` class.

    Args:
        factory: parameters -> optimizer, e.g. `partial(torch.optim.Adam, lr=1e-3)`.
        schedule: optimizer -> schedule, e.g. `partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=10_000)`;
            left out, the learning rate stays.

    Raises:
        TypeError: when the factory makes no `torch.optim.Optimizer`, or the schedule none of its schedules.
        ValueError: when one of them refuses what it is made with, such as a negative learning rate.

    Example:
        >>> from functools import partial
        >>> FirstOrder(partial(torch.optim.Adam, lr=1e-3)).redraws
        True
    """

    of_rows = False
    batches = True
    of_metric = False

    def __init__(self, factory: OptimizerFactory, schedule: ScheduleFactory | None = None) -> None:
        self.factory, self.schedule = factory, schedule
        _tried(factory, schedule)
        self._optimizer: torch.optim.Optimizer | None = None
        self._scheduler: torch.optim.lr_scheduler.LRScheduler | None = None
        self._pending: Mapping[str, Any] | None = None

    def reset(self, growth: float | None = None) -> None:
        """Nothing: averages of gradients outlive their points."""

    def retreat(self) -> bool:
        """Averages are forgotten, and the rate is a tenth from now on, that of a schedule too; see `Optimizer`."""
        if self._optimizer is None:
            return False
        self._optimizer.state.clear()
        for group in self._optimizer.param_groups:
            group["lr"] *= _SHORTER
        if self._scheduler is not None:
            self._scheduler.base_lrs = [_SHORTER * rate for rate in self._scheduler.base_lrs]
        return True

    def step(self, objective: LeastSquares) -> Step:
        """One update. The loss is f before the update.

        `info` holds rate (learning rate), gradient (|g|), evaluations (of f and its gradient), and seconds/rows (those)
        and /solve (all else that the wrapped method does). A method that evaluates several times in a step, such as
        `torch.optim.LBFGS`, reports its first loss and gradient.
        """
        timer, optimizer = StepTimer(), self._built(objective)
        values: list[float] = []
        size = 0.0

        def closure() -> Tensor:
            nonlocal size
            with timer("rows"):
                loss, gradient = objective.gradient()
            if not values:
                size = float(gradient.norm())
            values.append(float(loss))
            offset = 0
            for parameter in objective.parameters():
                count = parameter.numel()
                parameter.grad = gradient[offset : offset + count].view_as(parameter).clone()
                offset += count
            return loss

        rate = float(optimizer.param_groups[0]["lr"])
        with timer("solve"):
            optimizer.step(closure)  # type: ignore[arg-type]
            if self._scheduler is not None:
                self._scheduler.step()
        timer.seconds["seconds/solve"] -= timer.seconds["seconds/rows"]
        finite = math.isfinite(values[0]) and math.isfinite(size)
        info = {"rate": rate, "gradient": size, "evaluations": float(len(values)), **timer.seconds}
        return Step(values[0], finite, info, None if finite else StepEnding.NOT_FINITE)

    def _built(self, objective: LeastSquares) -> torch.optim.Optimizer:
        """The wrapped optimizer, made when the parameters are first seen."""
        mine = [] if self._optimizer is None else self._optimizer.param_groups[0]["params"]
        if self._optimizer is not None and all(a is b for a, b in zip(mine, objective.parameters(), strict=True)):
            return self._optimizer
        optimizer = self.factory(list(objective.parameters()))
        self._optimizer = optimizer
        self._scheduler = None if self.schedule is None else self.schedule(optimizer)
        if self._pending is not None:
            optimizer.load_state_dict(copy.deepcopy(dict(self._pending["optimizer"])))
            if self._scheduler is not None:
                self._scheduler.load_state_dict(dict(self._pending["schedule"]))
            self._pending = None
        return optimizer

    def state_dict(self) -> dict[str, Any]:
        """See `Optimizer.state_dict`; empty before the first step."""
        if self._optimizer is None:
            return dict(self._pending or {})
        schedule = {} if self._scheduler is None else self._scheduler.state_dict()
        return {"optimizer": copy.deepcopy(self._optimizer.state_dict()), "schedule": copy.deepcopy(schedule)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Optimizer.load_state_dict`; takes effect at the next step."""
        if state and set(state) != {"optimizer", "schedule"}:
            raise ValueError(
                f"FirstOrder.load_state_dict: got entries {sorted(state)}, expected optimizer and schedule; "
                "give what state_dict() of another FirstOrder returned"
            )
        self._optimizer, self._scheduler = None, None
        self._pending = copy.deepcopy(dict(state)) if state else None


def _tried(factory: OptimizerFactory, schedule: ScheduleFactory | None) -> None:
    """Make both once, of two parameters, so that what is wrong with them is said before anything is trained.

    Raises:
        TypeError, ValueError: as `FirstOrder` says.
    """
    if not callable(factory):
        raise TypeError(
            f"FirstOrder: got factory={factory!r:.60}, expected a function of the parameters; give "
            "partial(torch.optim.Adam, lr=1e-3)"
        )
    weights = [torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in ((1, 1), (1,))]
    made = _made("factory", lambda: factory(weights))
    if not isinstance(made, torch.optim.Optimizer):
        raise TypeError(
            f"FirstOrder: the factory made a {type(made).__name__}, expected a torch.optim.Optimizer; give "
            "partial(torch.optim.Adam, lr=1e-3) or the like"
        )
    if schedule is None:
        return
    planned = None if not callable(schedule) else _made("schedule", lambda: schedule(made))
    kinds = torch.optim.lr_scheduler
    if not isinstance(planned, kinds.LRScheduler) or isinstance(planned, kinds.ReduceLROnPlateau):
        raise TypeError(
            f"FirstOrder: got a schedule that makes a {type(planned).__name__}, expected one that follows the steps "
            "alone; give partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=10_000) or the like"
        )


def _made(name: str, make: Callable[[], Any]) -> Any:
    """What is made, or a refusal in one line.

    Raises:
        TypeError, ValueError: naming the factory or the schedule.
    """
    try:
        return make()
    except (TypeError, ValueError) as error:
        said = " ".join(str(error).split())
        raise type(error)(f"FirstOrder: the {name} refuses its arguments ({said}); give others") from error
