"""Optimizers at equal time: one start for all, checked options, medians, fractions of time, no run made twice."""

import json
import math
from types import SimpleNamespace

import pytest
import torch
from omegaconf import OmegaConf

from experiments import benchmark_optimizers
from experiments.benchmark_optimizers import cosine
from experiments.benchmarks import session
from experiments.benchmarks.comparison import account, comparison, details, fraction_of_time, targets_table
from experiments.benchmarks.suite import plan_optimizers
from experiments.command_line.configuration import ConfigurationError, build, target
from experiments.command_line.overrides import CONF
from pinn.solver import solve
from pinn.training import Trainer

SUITE = {
    "p": {"problem": {"_target_": "pinn.problems.poisson_2d"}, "targets": {20: 1e-6, 60: 1e-8}},
    "c": {"problem": {"_target_": "pinn.problems.diffusion_inverse"}, "by": "coefficients", "targets": {20: 1e-6}},
}


def configuration(mode="optimizers"):
    content = OmegaConf.load(CONF / "benchmark_optimizers.yaml")
    del content["hydra"]
    content.mode = mode
    return OmegaConf.to_container(content, resolve=True)


def planned(config):
    names = ("suite", "known_optimizers", "problems", "optimizers", "seeds", "seconds")
    return plan_optimizers(*(config[name] for name in names), threads=1)


def record(problem, method, seconds, errors, seed=0, **more):
    """A finished run whose curve is known."""
    curve = {"seconds": list(seconds), "error": list(errors), "coefficients": list(errors)}
    plain = {
        "reference_error": 0.0,
        "steps": 5,
        "parameters": 9,
        "points": 10,
        "rows": 30,
        "reason": "time is up",
        "threads": 1,
        "seconds": 60,
    }
    surroundings = {"machine": "m", "versions": {"torch": "2"}, "status": "done", "settings": {"method": {}}}
    found = {"error": errors[-1], "coefficient_errors": {"C": errors[-1]}, "history": curve}
    return {"problem": problem, "method": method, "seed": seed, **plain, **surroundings, **found, **more}


class StartedError(Exception):
    """Carries what a run starts from."""


@pytest.mark.parametrize("name", ["burgers", "diffusion_inverse"])
def test_all_optimizers_start_from_the_same_parameters_and_points(monkeypatch, name):
    def stop(trainer, stages):
        fresh = [block.x for block in trainer.monitor.objective.points.values()]
        raise StartedError([trainer.monitor.objective.vector(), *fresh, trainer.generator.get_state()])

    monkeypatch.setattr(Trainer, "run", stop)
    config = configuration()
    config |= {"problems": [name], "optimizers": list(config["known_optimizers"])}
    starts = []
    for run in planned(config):
        node = run.settings["problem"]
        call = {"problem": build(target(node, ""), node), "seed": run.seed, "seconds": 1.0, "verify": False}
        call |= {"features": None}  # which might carry the problem, so that nothing is trained
        with pytest.raises(StartedError) as started:
            build(solve, {**run.settings["method"], **call})
        starts.append(started.value.args[0])
    assert len(starts) > 10
    for start in starts[1:]:
        assert all(torch.equal(one, other) for one, other in zip(starts[0], start, strict=True))


@pytest.mark.parametrize("mode", ["optimizers", "large", "targets"])
def test_every_mode_is_a_plan_of_calls_that_constructors_take(mode):
    config = configuration(mode)
    runs = planned(config)
    assert len(runs) == len(config["problems"]) * len(config["optimizers"]) * len(config["seeds"])
    assert {run.seconds for run in runs} == {config["seconds"]}
    compare = config["modes"][mode].get("compare")
    assert compare is None or {compare["rival"], *compare["ours"]} <= set(config["optimizers"])
    assert all(json.dumps(run.as_dict()) for run in runs)


@pytest.mark.parametrize(("name", "size"), [("burgers_5000", 5000), ("burgers_30000", 30000)])
def test_large_networks_have_the_size_that_they_are_named_by(name, size):
    runs = [run for run in planned(configuration("large")) if run.problem == name]
    node = runs[0].settings["method"]["network"]
    network = build(target(node, ""), node)(inputs=2, outputs=1, generator=torch.Generator())
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(size, rel=0.03)
    assert all(run.settings["method"]["network"] == node for run in runs)


def test_unknown_names_are_refused():
    config = configuration()
    with pytest.raises(ConfigurationError, match="problems: 'burgerz' is not known; did you mean burgers"):
        planned(config | {"problems": ["burgerz"]})
    with pytest.raises(ConfigurationError, match="optimizers: 'lbfgz' is not known; did you mean"):
        planned(config | {"optimizers": ["lbfgz"]})


def test_the_learning_rate_is_a_cosine_of_wall_time(monkeypatch):
    clock = SimpleNamespace(now=3.0)
    monkeypatch.setattr(benchmark_optimizers, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = cosine(optimizer, seconds=8.0)
    for passed, factor in [(0, 1), (8 / 3, 0.75), (4, 0.5), (8, 0), (9, 0)]:
        clock.now = 3.0 + passed
        optimizer.step()
        schedule.step()
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * factor, abs=1e-15)


def test_the_fraction_of_time_is_the_median_over_seeds_of_the_time_to_the_rivals_error():
    times = [1, 2, 4, 60]
    ours = [record("p", "lm", times, [1e-1, level, 1e-6, 1e-9], seed) for seed, level in enumerate([1e-2, 1e-3, 1e-4])]
    rivals = [record("p", "adam", [1, 40], [1.0, 1e-3], seed) for seed in range(3)]
    assert fraction_of_time(ours, rivals, SUITE) == 2 / 40  # first times 4, 2, 2
    assert fraction_of_time(ours[:1], rivals, SUITE) == 4 / 40  # other seeds do not count
    assert math.isinf(fraction_of_time([record("p", "lm", [1, 2], [1, 1e-2])], rivals, SUITE))
    assert math.isnan(fraction_of_time([], rivals, SUITE))


def test_the_comparison_has_a_column_an_optimizer_and_marks_the_least():
    records = [
        record("p", "lm", [1, 2], [1e-3, 1e-8]),
        record("p", "adam", [1, 60], [1, 1e-3]),
        record("c", "lm", [1, 30], [1, 1e-8]),
        record("c", "adam", [1, 60], [1, 1e-3]),
    ]
    said, table = comparison(records, SUITE, {"rival": "adam", "ours": ["lm"], "fraction": 0.05})
    header, _, *rows = table.splitlines()
    assert header == "| problem | lm | adam | lm / adam |" and "at most 0.05" in said
    assert rows == [
        "| p | **1.0e-08** | 1.0e-03 | 0.017 met |",
        "| c (C) | **1.0e-08** | 1.0e-03 | 0.500 missed |",
    ]
    assert comparison(records[:1], SUITE, {"rival": "adam", "ours": ["lm"], "fraction": 0.05}) == [
        "| problem | lm |\n| --- | --- |\n| p | **1.0e-08** |"
    ]
    assert "| p | adam | 1.0e-03 | 5 | 60.0 | 9 | 30 | — | time is up |" in details(records, SUITE)


def test_targets_are_read_off_the_curve_at_their_times():
    levels = [3e-7, 5e-7, 2e-6]
    runs = [
        record("p", "solve", [1, 19, 21, 59, 61], [1, level, 1e-9, 1e-7, 1e-12], seed, memory=900 + seed)
        for seed, level in enumerate(levels)
    ]
    runs.append(record("c", "solve", [1, 10], [1, 1e-7], memory=2100))
    runs.append(record("c", "solve", [25, 26], [1, 1e-7], 1))
    header, _, first, second = targets_table(runs, SUITE, memory=2000).splitlines()
    assert header.startswith("| problem | at 20 s: median (least–greatest) | target | at 60 s")
    assert first == (
        "| p | 5.0e-07 (3.0e-07–2.0e-06) | 1e-06 met | 1.0e-07 (1.0e-07) | 1e-08 missed | 61 | 902 met | 3 |"
    )
    assert second == "| c (C) | none (1.0e-07–none) | 1e-06 missed | 1.0e-07 (1.0e-07) |  | 18 | 2100 | 2 |"


def test_the_cause_of_a_missed_target_and_what_never_ran_are_told():
    suite = SUITE | {"p": SUITE["p"] | {"cause": "a kink"}}
    runs = [record("p", "solve", [1, 60], [1, 1e-7])]
    text = account("targets", {}, runs, suite, "c", [("c", "solve", "failed: lost")])
    assert "| 1e-06 missed: a kink |" in text and "| 1e-08 missed: a kink |" in text
    assert "| c | solve | failed: lost |" in text


def test_a_rival_that_diverged_has_no_error_to_reach():
    rivals = [record("p", "adam", [1, 40], [1.0, None])]
    assert math.isnan(fraction_of_time([record("p", "lm", [1, 2], [1, 1e-2])], rivals, SUITE))
    assert "diverged" in details(rivals, SUITE)


def test_a_target_below_the_references_error_is_not_met():
    runs = [record("p", "solve", [1, 60], [1e-7, 1e-9], reference_error=1e-7)]
    assert "≤1.0e-07 (≤1.0e-07) | 1e-08 missed" in targets_table(runs, SUITE)


@pytest.mark.parametrize("mode", ["optimizers", "large", "targets"])
def test_what_is_finished_is_not_run_again(monkeypatch, tmp_path, capsys, mode):
    performed = []

    def perform(run, python, children):
        performed.append(run)
        if run.problem.startswith("burgers") and len(performed) == 1:
            return run.as_dict() | {"status": "failed", "reason": "lost"}
        return record(run.problem, run.method, [1.0, 2.0], [1.0, 1e-3], run.seed) | run.as_dict()

    monkeypatch.setattr(session, "perform", perform)
    monkeypatch.setattr(session, "revision", lambda: "abc")
    config = configuration(mode) | {"folder": str(tmp_path / "run")}
    config["problems"] = [name for name in config["problems"] if name.startswith("burgers")]
    total = len(planned(config))
    benchmark_optimizers.benchmark_optimizers(**config, only_report=True)
    assert performed == [] and "Nothing is finished yet" in capsys.readouterr().out
    benchmark_optimizers.benchmark_optimizers(**config)
    assert len(performed) == total
    benchmark_optimizers.benchmark_optimizers(**config)
    assert len(performed) == total + 1  # the one that failed
    names = sorted(path.name for path in (tmp_path / "run").iterdir() if not path.name.startswith("."))
    assert names == ["error.png", "results.jsonl", "table.md"]
    assert (tmp_path / "run" / "table.md").read_text() in capsys.readouterr().out


@pytest.mark.slow
def test_runs_in_processes_of_their_own(tmp_path, capsys):
    config = configuration() | {"problems": ["poisson_2d"], "optimizers": ["levenberg_marquardt", "adam"]}
    config["known_optimizers"]["levenberg_marquardt"]["steps"] = 20
    config["known_optimizers"]["adam"]["stages"][0]["steps"] = 20
    benchmark_optimizers.benchmark_optimizers(**config | {"seconds": 1e4, "folder": str(tmp_path), "threads": 1})
    records = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [one["status"] for one in records] == ["done", "done"] and records[0]["error"] < records[1]["error"]
    assert records[0]["parameters"] == records[1]["parameters"] and "| levenberg_marquardt |" in capsys.readouterr().out
