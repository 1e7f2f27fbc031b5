"""What is held out, when noise is seen, and that weights follow."""

import math

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Scatter, Unknown, d
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.problem import NOISE_WEIGHT
from pinn.training.monitor import ValidationMonitor
from pinn.training.noise import NoisyData

LINE = Box(x=(0, 1))


def equations(n=50, sigma=None, noise=0.1, field=False, weight=None):
    x = np.linspace(0, 1, n)
    seen = noise * np.random.default_rng(0).standard_normal(n)
    constraints = {
        "equation": Constraint(lambda u, x, k: d(u, x) - k, on=LINE),
        "data": Constraint(lambda u, y: 0 * u - y, on=Scatter({"x": x}, {"y": seen}, sigma=sigma), weight=weight),
    }
    unknown = Unknown(1.0, inputs=("x",) if field else ())
    problem = Problem(LINE, ["u"], constraints, coefficients={"k": unknown})
    model = Model(problem, lambda **given: MLP(width=5, depth=1, **given), generator=torch.Generator().manual_seed(0))
    return Equations(model, Jets())


def test_a_fifth_is_held_out_until_the_last_fit():
    noise = NoisyData(equations(sigma=0.1))
    trained, judged = noise.trained_on()["data"], noise.judged_by()["data"]
    assert int((trained == 0).sum()) == 10
    assert torch.equal(trained == 0, judged > 0)
    assert float(trained.mean()) == float(judged.mean()) == 1.0
    noise.begin_last_fit()
    assert noise.trained_on() == noise.judged_by() == {}


def test_few_observations_are_all_trained_on():
    assert NoisyData(equations(n=9, sigma=0.1)).trained_on() == {}


def test_exact_data_are_all_trained_on():
    noise = NoisyData(equations())
    assert noise.trained_on() == {}
    assert not noise.noisy
    assert noise.estimate() is None


def test_what_is_held_out_is_the_same_in_every_run():
    first, second = (NoisyData(equations(sigma=0.1)).trained_on()["data"] for _ in range(2))
    assert torch.equal(first, second)


def test_a_misfit_that_stays_and_is_not_smooth_is_noise():
    some = equations()
    noise = NoisyData(some)
    looks = [noise.look(1.0, 0.0) for _ in range(4)]
    assert looks == [False, False, False, True]
    assert some.weight("data") == 1.0
    noise.begin_last_fit()
    assert some.weight("data") == NOISE_WEIGHT


def test_a_smooth_misfit_is_no_noise():
    """An answer that is not there yet misses exact data by a smooth function."""
    some = equations()
    points = some.problem.constraints["data"].on.points
    points.values["y"].copy_(torch.sin(3 * points.x[:, 0]))
    noise = NoisyData(some)
    assert not any(noise.look(1.0, 0.0) for _ in range(8))


def test_a_loss_that_falls_is_no_noise():
    noise = NoisyData(equations())
    assert not any(noise.look(2.0**-i, 0.0) for i in range(8))


def test_a_weight_that_is_stated_stays():
    some = equations(sigma=0.1, weight=7.0)
    noise = NoisyData(some)
    noise.begin_last_fit()
    assert some.weight("data") == 7.0


def test_the_choice_of_smoothness_settles_and_the_last_fit_begins():
    """Whatever the field is, these observations are met equally well: how smooth it is may be anything, but stays."""
    some = equations(sigma=0.05, field=True)
    noise = NoisyData(some)
    for _ in range(40):
        noise.look(1.0, 0.0)
    assert noise.last
    chosen = some.weight("smoothness of k")
    assert 0 < chosen < math.inf
    for _ in range(10):
        noise.look(1.0, 0.0)
    assert some.weight("smoothness of k") == pytest.approx(chosen, rel=1e-6)


def test_a_run_that_is_nearly_over_begins_the_last_fit():
    noise = NoisyData(equations(sigma=0.1))
    assert noise.look(1.0, 0.7)
    assert noise.last


def test_the_monitor_judges_by_observations_held_out():
    some = equations(sigma=0.1)
    noise = NoisyData(some)
    monitor = ValidationMonitor(some, 50, torch.Generator().manual_seed(0))
    monitor.judge_by(noise.judged_by())
    points = some.problem.constraints["data"].on.points
    held = noise.judged_by()["data"] > 0
    expected = (
        0.5 * some.weight("data") * float(points.values["y"][held].pow(2).mean()) / some.row_sizes["data"][0] ** 2
    )
    assert abs(monitor.objective.losses()["data"] - expected) < 1e-12
