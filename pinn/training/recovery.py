"""When rows cease to be numbers in a run: back to where they were, and on with a shorter step, a few times.

A step may lead to where an equation has no value: the root of an answer that has become negative, an exponential that
overflows, a learning rate that is too large. The parameters then go back to the last for which the loss was a number,
or to the best on validation points where the loss is less there; the optimizer forgets what it learned since and steps
shorter from there (`Optimizer.retreat`), and the history says so in the column `retreats`. Newly drawn points on which
the present answer gives no number are left out, and the old ones kept, as often. After 8 retreats, or where the rows
are no numbers whatever the answer, the run ends with the best answer, and says which constraint it was, how many points
and where.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from pinn.domains import Points
from pinn.objective import Equations, Objective
from pinn.optimizers import Optimizer, Step
from pinn.optimizers.optimizer import StepEnding
from pinn.solution.outcome import Ending
from pinn.training.stopping import Stop
from pinn.verification.finite import NotFinite, not_finite, of_rows

log = logging.getLogger("pinn.training")

# A learning rate that is cut to a tenth each time falls by 1e-8, and a damping rises by 1e16: what is still no number
# then is none for want of a shorter step.
_MOST = 8


class Recovery:
    """Steps back from where rows are no numbers.

    Args:
        equations: the problem's.

    Attributes:
        retreats: made so far.
        good: the last parameters for which the loss was a number; None before the first step, and for others' networks.
    """

    def __init__(self, equations: Equations) -> None:
        self._equations = equations
        self.retreats = 0
        self.good: Tensor | None = None
        self._found: NotFinite | None = None

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values."""
        return {"retreats": self.retreats, "good": self.good}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.retreats, self.good = state["retreats"], state["good"]

    def residual(self, name: str, points: Points) -> Tensor:
        """`Equations.residual` where the points are, for a sampler to follow; what is no number is noted."""
        rows = self._equations.residual(name, points)
        if self._found is None or not self._found.always:
            self._found = of_rows(self._equations, name, points, rows) or self._found
        return rows.to(points.x.device)  # candidates are drawn on the processor, by its generator

    def checked(self, step: Step, theta: Tensor, best: Tensor, objective: Objective, optimizer: Optimizer) -> Step:
        """The step that was taken, or the way back where it led to what is no number.

        The way leads to those parameters for which the loss on the present points is least.

        Args:
            step: just taken.
            theta: parameters before it.
            best: those that are best on validation points so far.
            objective: it was taken on.
            optimizer: that took it.
        """
        if math.isfinite(step.loss) and step.ending is not StepEnding.NOT_FINITE:
            self.good = theta
            return self._told(step)
        there = objective.vector()
        # Where the loss is a number and its gradient is none, the parameters from before are no good either.
        known = [self.good, best] if math.isfinite(step.loss) else [theta, self.good, best]
        losses = [(self._loss(objective, one), one) for one in known if one is not None and one.shape == theta.shape]
        loss, back = min(losses, key=lambda pair: pair[0], default=(math.inf, theta))
        if math.isfinite(loss) and self._once_more() and optimizer.retreat():
            objective.assign(back)
            log.info("back from where the loss is no number, the %d. time, to a loss of %.3g", self.retreats, loss)
            return self._told(Step(loss, False, step.info))
        for place in (there, theta):  # a method may tell the loss after its step, or before
            objective.assign(place)
            self._found = not_finite(self._equations, objective.points) or self._found
        return self._told(replace(step, loss=math.nan) if math.isfinite(step.loss) else step)

    def keeps_points(self, loss: float) -> bool:
        """Whether newly drawn points are left out, since the loss on them is no number where that on the old is one."""
        return not math.isfinite(loss) and self._once_more()

    def _once_more(self) -> bool:
        """Count one way back, where there may be one more."""
        if self.retreats == _MOST:
            return False
        self.retreats += 1
        return True

    @staticmethod
    def _loss(objective: Objective, theta: Tensor) -> float:
        """f(theta); infinite where it is no number."""
        objective.assign(theta)
        loss = float(objective.loss())
        return loss if math.isfinite(loss) else math.inf

    def _told(self, step: Step) -> Step:
        """The step, whose row in the history says how many times the run went back, once it has."""
        return replace(step, info={**step.info, "retreats": float(self.retreats)}) if self.retreats else step

    def stops(self, step: Step, row: Mapping[str, float], validation: Callable[[], Mapping[str, Points]]) -> list[Stop]:
        """Why the run is to end now.

        Args:
            step: the last.
            row: of it in the history, with the validation loss where that was evaluated.
            validation: gives the points of validation.
        """
        if not math.isfinite(step.loss):
            after = f" after going back {self.retreats} times" if self.retreats else ""
            said = "the loss is not finite" if self._found is None else f"the loss is not finite: {self._found}"
            return [Stop(said + after, Ending.NOT_FINITE, run=True)]
        if not math.isfinite(row.get("validation", 0.0)) and (self._found is None or not self._found.always):
            self._found = not_finite(self._equations, validation()) or self._found
        if self._found is not None and self._found.always:
            return [Stop(str(self._found), Ending.NOT_FINITE, run=True)]
        return []
