"""What a problem costs as it gets harder: families of problems, slopes and exponents, one table and one picture."""

import json
import math

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from experiments import benchmark_difficulty
from experiments.benchmarks import difficulty
from experiments.benchmarks.results import Run, add, read
from experiments.command_line.configuration import ConfigurationError, build, check, target
from experiments.command_line.overrides import CONF
from pinn.problems import poisson_5d
from pinn.solution import evaluation_points

CONFIGURATION = OmegaConf.to_container(OmegaConf.load(CONF / "benchmark_difficulty.yaml"), resolve=False)
FAMILIES = CONFIGURATION["families"]


def record(family, value, seconds, errors):
    run = Run(difficulty.name_of(family, value), "default", 0, 10.0, 1, {"problem": {}, "method": {}})
    history = {"seconds": list(seconds), "error": list(errors), "coefficients": [None] * len(errors)}
    found = {"history": history, "reference_error": 0.0, "error": errors[-1], "steps": 7, "status": "done"}
    return {**run.as_dict(), **found, "machine": "m", "versions": {"torch": "2"}}


def test_every_problem_of_every_family_can_be_built():
    check(benchmark_difficulty.benchmark_difficulty, {k: v for k, v in CONFIGURATION.items() if k != "hydra"})
    suite = difficulty.suite_of(FAMILIES)
    assert len(suite) == 4 + 7 + 5
    for name, entry in suite.items():
        if name not in ("poisson 8", "poisson 7"):  # their grids are large
            problem = build(target(entry["problem"], name), entry["problem"])
            assert problem.reference is not None
    with pytest.raises(
        ConfigurationError, match=r"families\.burgers: it has no values; give families\.burgers\.values"
    ):
        difficulty.suite_of({"burgers": {**FAMILIES["burgers"], "values": []}})


def test_poisson_in_five_dimensions_is_the_library_s():
    ours, theirs = difficulty.poisson(5), poisson_5d()
    points = theirs.domain.grid(3)
    np.testing.assert_allclose(ours.exact(points)["u"], theirs.exact(points)["u"])
    x = {name: torch.rand(4, dtype=torch.float64, requires_grad=True) for name in ours.coordinates}
    u = sum(torch.sin(column) * column for column in x.values())
    for name in ("equation", "walls"):
        left, right = (problem.constraints[name].equation(u=u, **x) for problem in (ours, theirs))
        torch.testing.assert_close(left, right)
    with pytest.raises(ValueError, match="dimensions=0"):
        difficulty.poisson(0)


def test_slopes_and_exponents_are_those_of_power_laws():
    seconds = np.geomspace(1, 100, 20)
    assert difficulty.slope(seconds, 3 * seconds**-2.5) == pytest.approx(-2.5)
    flat = np.where(seconds < 10, seconds**-4.0, 1e-4)
    assert difficulty.slope(seconds, flat) == pytest.approx(-4.0, abs=0.1)  # what comes after the fall is left out
    assert math.isnan(difficulty.slope(seconds[:2], seconds[:2]))
    assert math.isnan(difficulty.exponent({2: 1.0, 4: math.inf}))


def test_the_table_tells_errors_seconds_slopes_and_growth(tmp_path):
    seconds = (1.0, 2.0, 4.0, 8.0, 10.0)
    records = [
        record("helmholtz", 2, seconds, (1e-1, 1e-2, 1e-4, 1e-6, 1e-6)),
        record("helmholtz", 4, seconds, (1.0, 1e-1, 1e-2, 1e-3, 1e-4)),
    ]
    families = {"helmholtz": {**FAMILIES["helmholtz"], "values": [2, 4, 8]}}
    text = difficulty.markdown(records, families, "c", [("helmholtz 8", "default", "not run")])
    assert "| helmholtz | half waves a = 2 | 1.0e-02 | 1.0e-06 | — | 2.0 | 4.0 | 8.0 | -5.6 | 7 |" in text
    assert "| helmholtz | half waves a | 1.0 | 1.3 | — |" in text and "| helmholtz 8 | default | not run |" in text
    difficulty.picture(records, families, tmp_path / "error.png")
    assert (tmp_path / "error.png").stat().st_size > 1000
    difficulty.picture([], families, tmp_path / "none.png")


def test_what_is_finished_is_not_run_again(tmp_path):
    families = {"helmholtz": {**FAMILIES["helmholtz"], "values": [2]}}
    call = {"families": families, "seeds": [0], "seconds": 10.0, "folder": str(tmp_path), "options": {"steps": 2}}
    (run,) = benchmark_difficulty.plan_of(call, 1)
    add(
        tmp_path / "results.jsonl",
        {**record("helmholtz", 2, (1.0, 2.0), (1.0, 0.5)), **json.loads(json.dumps(run.as_dict()))},
    )
    benchmark_difficulty.benchmark_difficulty(**call)
    assert len(read(tmp_path / "results.jsonl")) == 1
    assert "half waves a = 2" in (tmp_path / "table.md").read_text() and (tmp_path / "error.png").exists()


@pytest.mark.slow
def test_a_family_is_run(tmp_path):
    families = {"poisson": {**FAMILIES["poisson"], "values": [2, 3]}}
    call = {"families": families, "seeds": [0], "seconds": 60.0, "folder": str(tmp_path), "options": {"steps": 12}}
    benchmark_difficulty.benchmark_difficulty(**call)
    records = read(tmp_path / "results.jsonl")
    assert [one["status"] for one in records] == ["done", "done"] and all(one["error"] < 0.5 for one in records)
    assert all(one["yardstick"]["factor"] > 0 for one in records)
    assert evaluation_points(difficulty.poisson(3)).n > 1000
