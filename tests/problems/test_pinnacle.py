"""PINNacle's tasks: each composes, and its reference satisfies its equation and every condition."""

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from experiments.benchmarks import pinnacle as account
from experiments.benchmarks.suite import plan
from experiments.command_line.errors import ConfigurationError
from experiments.command_line.overrides import CONF
from pinn.derivatives import Autograd, Jets
from pinn.problems import pinnacle
from pinn.reference import driven_heat, kuramoto_sivashinsky
from tests.problems.closed_forms import rows_of_truth
from tests.problems.differences import differences

CLOSED = ["heat_inverse", "heat_multiscale", "heat_nd", "poisson_inverse", "poisson_nd"]
TASKS = OmegaConf.to_container(OmegaConf.load(CONF / "benchmark_pinnacle.yaml"), resolve=False)["suite"]


@pytest.mark.parametrize("engine", [Autograd, Jets])
@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_solve_every_constraint(name, engine):
    fields = {"heat_inverse": lambda at: {"k": 2 + torch.sin(torch.pi * at["x"]) * torch.sin(torch.pi * at["y"])}}
    for constraint, rows in rows_of_truth(getattr(pinnacle, name)(), engine(), fields.get(name)).items():
        if constraint == "data":  # what is left is the noise
            assert float(rows.std()) == pytest.approx(0.1, rel=0.1)
        else:
            assert float(rows.abs().max()) < 1e-10


def test_the_computed_chaos_solves_its_equation():
    """Early, by differences: what is left is theirs, a millionth of the terms that cancel."""
    u = kuramoto_sivashinsky(length=0.1, modes=96, step=5e-4, cache=None)
    assert u.error < 1e-5
    rng = np.random.default_rng(0)
    at = {"x": rng.uniform(0.5, 5.5, 60), "t": rng.uniform(0.02, 0.08, 60)}
    by = differences(u, at, {"x": 0.015, "t": 5e-4})
    terms = (
        by["t", 1],
        100 / 16 * u(**at) * by["x", 1],
        100 / 16**2 * by["x", 2],
        100 / 16**4 * by["x", 4],
    )
    assert float(np.abs(sum(terms)).max()) < 1e-4 * max(float(np.abs(term).max()) for term in terms)
    x = np.linspace(0, 2 * np.pi, 30)
    np.testing.assert_allclose(u(x=x, t=0 * x), np.cos(x) * (1 + np.sin(x)), atol=1e-12)


def test_the_computed_heat_solves_its_equation():
    problem = pinnacle.heat_varying()
    conductivity, source = (problem.reference.build.args[k] for k in (0, 1))
    u = driven_heat(conductivity, source, frequency=np.pi, length=5.0, modes=20)
    assert u.error < 1e-3
    rng = np.random.default_rng(0)
    at = {"x": rng.uniform(0.1, 0.9, 60), "y": rng.uniform(0.1, 0.9, 60), "t": rng.uniform(0.5, 4.5, 60)}
    by = differences(u, at, {"x": 0.01, "y": 0.01, "t": 0.02})
    a, f = (one(*(torch.from_numpy(at[axis]) for axis in "xy")).numpy() for one in (conductivity, source))
    residual = by["t", 1] - a * (by["x", 2] + by["y", 2]) - f * np.sin(np.pi * at["t"])
    assert float(np.abs(residual).max()) < 2e-3 * 200
    zero = {"x": np.array([0.0, 1.0, 0.3, 0.3, 0.3]), "y": np.array([0.3, 0.3, 0.0, 1.0, 0.3])}
    np.testing.assert_allclose(u(**zero, t=np.array([1.0, 1.0, 1.0, 1.0, 0.0])), 0, atol=1e-12)


def test_every_task_is_planned_and_built():
    runs = plan(account.suite_of(TASKS), {"default": {}}, ["default"], [0, 1], None, 1.0, 1)
    assert len(runs) == 2 * len(TASKS)
    targets = {task["problem"]["_target_"].rsplit(".", 1)[1] for task in TASKS.values()}
    assert targets == set(pinnacle.__all__) == set(TASKS)
    for name in pinnacle.__all__:
        assert getattr(pinnacle, name)().reference is not None


@pytest.mark.parametrize("task", [{"problem": {}}, {"best": 0}, {"best": "good"}, None])
def test_a_task_without_a_published_error_is_refused(task):
    with pytest.raises(ConfigurationError, match=r"suite.mine.best: expected the published error, a positive number"):
        account.suite_of({"mine": task})


def test_the_account_has_ratios_and_their_median():
    def record(problem, error, known):
        run = {"problem": problem, "method": "default", "seed": 0, "settings": {"method": {}, "problem": {}}}
        times = {"import": 1.0, "reference": 0.1, "first step": 0.1, "training": 1.0, "evaluation": 0.1}
        ended = {"history": {"seconds": [9.0]}, "error": error, "reference_error": known, "times": times, "steps": 5}
        where = {"machine": "m", "versions": {"torch": "2"}, "seconds": 10.0, "threads": 1}
        return run | ended | where

    records = [record("burgers", 1.33e-5, 0.0), record("poisson_nd", 4.58e-6, 0.0), record("cavity", 1e-9, 3.6e-5)]
    text = account.markdown(records, TASKS, "command", [("wave_1d", "default", "not run")])
    assert "| burgers | 1.3e-05 | 1.3e-05 | 1.33e-02 | 1.0e-03 | met | exact | 9 | 1 |" in text
    assert "| cavity | 3.6e-05 | ≤3.6e-05 | 3.60e-02 | 1.0e-03 | met | 3.6e-05 |" in text
    assert "Median ratio over 3 tasks: 1.0e-03" in text
    assert "| wave_1d | default | not run |" in text
    assert "Nothing is finished yet." in account.markdown([], TASKS, "command")
