"""An optimizer that the package does not know: a class with a step and a reset trains a problem through `solve`."""

import math
from functools import partial

import pytest
import torch

from pinn import solve
from pinn.networks import MLP
from pinn.optimizers import Optimizer, Step, StepEnding
from pinn.problems import linear_ode


class Damped(Optimizer):
    """d = −(JᵀJ + λI)⁻¹Jᵀr, taken where it lowers f and tried again with ten times λ where it does not."""

    _state = ("damping",)

    def __init__(self):
        self.damping = 1e-3

    def reset(self, growth=None):
        self.damping = max(self.damping, 1e-6)

    def step(self, objective):
        loss, gradient, C = objective.normal_equations()
        theta, eye = objective.vector(), torch.eye(objective.size, dtype=objective.dtype)
        while self.damping < 1e12:
            objective.assign(theta - torch.linalg.solve(C + self.damping * eye, gradient))
            new = float(objective.loss())
            if math.isfinite(new) and new < float(loss):
                self.damping /= 3
                return Step(new, True, {"damping": self.damping})
            self.damping *= 10
        objective.assign(theta)
        return Step(float(loss), False, ending=StepEnding.NO_DESCENT)


class Keeping(Damped):
    """The same, but for points that stay."""

    redraws = False


@pytest.mark.parametrize("method", [Damped, Keeping])
def test_it_trains_a_problem(method):
    """4e-4 was measured with either."""
    network = partial(MLP, width=10, depth=2)
    solution = solve(linear_ode(), network=network, optimizer=method(), steps=30, progress=False)
    assert solution.error() < 1e-2


def test_the_rest_of_an_optimizer_is_given():
    optimizer = Damped()
    assert optimizer.redraws and optimizer.most_rows(10) is None
    going, ended = Step(1.0, True), Step(1.0, False, ending=StepEnding.NO_DESCENT)
    assert (going.done, going.reason) == (False, "")
    assert (ended.done, ended.reason) == (True, "no step lowers the loss")
    assert optimizer.state_dict() == {"damping": 1e-3}
    with pytest.raises(ValueError, match="got entries"):
        optimizer.load_state_dict({})
