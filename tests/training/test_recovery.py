"""When rows cease to be numbers: back, on with a shorter step, a few times; then the best answer, and the reason."""

import math
from functools import partial

import pytest
import torch

from pinn import Box, Constraint, Problem, Stage, d, solve
from pinn.networks import MLP
from pinn.optimizers import LBFGS, SPRING, FirstOrder, LevenbergMarquardt, Optimizer, Step
from pinn.sampling import Fixed, Redrawn
from pinn.training import Ending

LINE = Box(x=(0.0, 1.0))
SMALL = partial(MLP, width=6, depth=1)


def problem(law, start=0.0):
    constraints = {"law": Constraint(law, on=LINE), "start": Constraint(lambda u: u - start, on=LINE.face(x=0))}
    return Problem(LINE, ["u"], constraints, scales={"u": (0.5, 0.5)})


def run(law, optimizer, steps=30, sampling=None, **options):
    stage = Stage(optimizer, sampling or Fixed(30), steps=steps)
    return solve(problem(law), network=SMALL, stages=[stage], progress=False, certify=False, **options)


def grows(u, x):
    return d(u, x) - torch.exp(20 * u)


def test_a_rate_that_is_too_large_is_cut_and_the_run_goes_on():
    solution = run(grows, FirstOrder(partial(torch.optim.SGD, lr=1e3)), steps=40)
    retreats, rates = solution.history.column("retreats"), solution.history.column("rate")
    assert solution.report.outcome.ending is Ending.STEPS, "it did not get over it"
    assert 1 <= max(retreats[~torch.isnan(torch.from_numpy(retreats)).numpy()]) <= 8
    assert rates[-1] < 0.2 * rates[0] and all(math.isfinite(row["loss"]) for row in solution.history.rows)


class Astray(Optimizer):
    """Goes to where no row is a number at every step from the third one on; steps back as often as it is asked to."""

    def __init__(self):
        self.steps = self.asked = 0

    def reset(self, growth=None):
        pass

    def retreat(self):
        self.asked += 1
        return True

    def step(self, objective):
        self.steps += 1
        if self.steps > 2:
            objective.assign(torch.full_like(objective.vector(), math.nan))
        return Step(float(objective.loss()), True)


def test_the_ways_back_are_bounded_and_the_answer_is_the_best_before():
    solution = run(grows, Astray(), steps=100)
    outcome = solution.report.outcome
    assert outcome.ending is Ending.NOT_FINITE and outcome.steps == 2 + 8 + 1
    assert outcome.detail.startswith("the loss is not finite: 'law' is nan at 30 of 30 points, such as x=")
    assert outcome.detail.endswith("after going back 8 times")
    assert all(bool(torch.isfinite(parameter).all()) for parameter in solution.model.parameters())
    assert solution.history[-1]["retreats"] == 8


def test_new_points_on_which_the_answer_gives_no_number_are_left_out():
    calls = []

    def law(u, x):
        calls.append(1)
        late = float(len(calls) > 60)  # from some draw on, a part of the line has no value
        return d(u, x) - u + torch.where(x > 0.9, torch.log(1 - 2 * late * torch.ones_like(x)), torch.zeros_like(x))

    solution = run(law, LevenbergMarquardt(), steps=60, sampling=Redrawn(30, every=2), verify=False)
    assert solution.report.outcome.ending is not Ending.STEPS and "'law' is nan at" in solution.report.reason


def test_a_part_without_numbers_that_a_sampler_meets_ends_the_run():
    def law(u, x):
        return d(u, x) - u + torch.where((x > 0.3) & (x < 0.3005), torch.nan, 0.0)

    stage = Stage(LevenbergMarquardt(), steps=50)
    solution = solve(problem(law), network=SMALL, stages=[stage], progress=False, certify=False, verify=False)
    outcome = solution.report.outcome
    assert outcome.ending is Ending.NOT_FINITE and outcome.steps < 50
    assert "whatever the answer" in outcome.detail and "such as x=0.300" in outcome.detail
    assert not solution.report.trusted


@pytest.mark.parametrize(
    "optimizer", [LevenbergMarquardt(), LBFGS(), SPRING(length=0.5)], ids=lambda one: type(one).__name__
)
def test_a_retreat_forgets_and_shortens(optimizer):
    seen = {}

    def keep(progress):
        seen["objective"] = progress.objective

    run(lambda u, x: d(u, x) - u, LevenbergMarquardt(), steps=1, callbacks=[keep])
    objective = seen["objective"]
    assert not type(optimizer)().retreat(), "nothing is known before the first step"
    for _ in range(2):
        optimizer.step(objective)
    before = optimizer.state_dict()
    assert optimizer.retreat()
    after = optimizer.state_dict()
    if isinstance(optimizer, LevenbergMarquardt):
        assert after["damping"] == 100 * before["damping"]
    if isinstance(optimizer, SPRING):
        assert after["length"] == 0.25 and after["_d"] is None
