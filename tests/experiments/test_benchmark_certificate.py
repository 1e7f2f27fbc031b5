"""Estimates against truth: what is counted as near, wrong and trusted, right and refused; a plan; a run; a picture."""

import csv
import json
import math

import pytest
from omegaconf import OmegaConf

from experiments import benchmark_certificate
from experiments.benchmarks import session
from experiments.benchmarks.estimates import account, counts, judge, listing, picture, same_runs
from experiments.benchmarks.one_run import measure
from experiments.benchmarks.suite import plan_certificate
from experiments.command_line.configuration import ConfigurationError, build, target
from experiments.command_line.overrides import CONF

SUITE = {
    "p": {"problem": {"_target_": "pinn.problems.oscillator"}},
    "c": {"problem": {"_target_": "pinn.problems.diffusion_inverse"}, "by": "coefficients"},
    "many": {"problem": {"_target_": "pinn.problems.oscillator"}, "determined": False},
}


def configuration(mode="quick"):
    content = OmegaConf.load(CONF / "benchmark_certificate.yaml")
    del content["hydra"]
    content.mode = mode
    return OmegaConf.to_container(content, resolve=True)


def planned(config):
    return plan_certificate(*(config[name] for name in ("suite", "problems", "stages", "seeds")), 600, threads=1)


def record(problem="p", error=1e-3, estimate=1e-3, verdict="trusted", stated=None, seed=0, **more):
    """A finished run that says of itself what is asked for."""
    found = {"error": estimate, "coefficient_errors": {"C": estimate}, "carried": 0.1, "stability": 1.0}
    said = {"value": verdict, "trusted": verdict == "trusted", "error": stated}
    surroundings = {"machine": "m", "versions": {"torch": "2"}, "status": "done", "threads": 1, "seconds": 600}
    return {
        **{"problem": problem, "method": "15 steps", "seed": seed, "error": error, "coefficient_errors": {"C": error}},
        **{"estimate": found, "verdict": said, "reference_error": 0.0, "settings": {"method": {"steps": 15}}},
        **surroundings,
        **more,
    }


def judged(*arguments, **options):
    return judge(record(*arguments, **options), SUITE)


def test_the_nearest_of_several_answers_is_the_truth():
    suite = {"c": SUITE["c"] | {"answers": {"E": [1.0, 4.0, 9.0]}}}
    found = judge(record("c", 3.0, 1e-3, coefficients={"E": 4.004}), suite)
    assert found.error == pytest.approx(1e-3) and found.within(1.1) and not found.wrong_and_trusted
    assert judge(record("c", 3.0, 1e-3, coefficients={"E": 6.0}), suite).wrong_and_trusted


@pytest.mark.parametrize("mode", ["quick", "suite", "field", "all"])
def test_every_mode_is_a_plan_of_calls_that_constructors_take(mode):
    config = configuration(mode)
    runs = planned(config)
    assert len(runs) == len(config["problems"]) * len(config["stages"]) * len(config["seeds"])
    assert all(run.settings["method"]["steps"] in config["stages"] for run in runs)
    assert {run.method for run in runs} == {f"{steps} steps" for steps in config["stages"]}
    assert all(json.dumps(run.as_dict()) for run in runs)


def test_all_is_the_suite_and_the_field():
    modes = configuration("all")["modes"]
    assert modes["all"]["problems"] == modes["suite"]["problems"] + modes["field"]["problems"]
    assert set(modes["all"]["problems"]) == set(configuration()["suite"])


def test_every_problem_can_be_made_and_has_what_it_is_judged_by():
    """A reference, or true unknowns; where there are other answers, neither is asked for."""
    for name, entry in configuration("all")["suite"].items():
        problem = build(target(entry["problem"], name), entry["problem"])
        if entry.get("by") == "coefficients":
            assert set(problem.exact_coefficients) == set(problem.unknowns), name
        elif entry.get("determined", True):
            assert problem.reference is not None, name


def test_what_no_constructor_takes_is_refused():
    config = configuration()
    for change, message in (
        ({"problems": ["burgerz"]}, "problems: 'burgerz' is not known; did you mean burgers"),
        ({"stages": [0]}, "stages: expected numbers of optimizer steps, got 0"),
        ({"stages": [15, 15]}, "stages: 15 is given twice"),
        (
            {"suite": {**config["suite"], "oscillator": {"problem": {"_target_": "pinn.problems.oscillator", "b": 1}}}},
            "b",
        ),
    ):
        with pytest.raises(ConfigurationError, match=message):
            planned(config | change)


def test_an_estimate_is_near_within_a_factor_on_both_sides():
    assert judged(error=1e-3, estimate=2.9e-3).within(3) and judged(error=2.9e-3, estimate=1e-3).within(3)
    assert not judged(error=1e-3, estimate=3.1e-3).within(3) and not judged(error=3.1e-3, estimate=1e-3).within(3)
    assert math.isnan(judged(estimate=None).ratio) and not judged(estimate=None).within(10)
    assert math.isnan(judged(error=None).ratio)


def test_below_the_references_error_and_below_rounding_a_ratio_says_nothing():
    assert judged(error=1e-9, estimate=1e-7, reference_error=1e-6).ratio == 1
    assert judged(error=1e-16, estimate=2e-14).ratio == 1


def test_a_trusted_answer_is_wrong_beyond_ten_times_what_it_says_and_beyond_five_per_cent():
    assert judged(error=1.1e-2, estimate=1e-3).wrong_and_trusted
    assert not judged(error=0.9e-2, estimate=1e-3).wrong_and_trusted
    assert not judged(error=1.1e-2, estimate=1e-3, stated=2e-3).wrong_and_trusted
    assert judged(error=0.06, estimate=0.06).wrong_and_trusted
    assert judged(error=None, estimate=1e-3).wrong_and_trusted  # an error that is no number is the worst there is
    assert not judged(error=0.5, estimate=1e-3, verdict="not converged").wrong_and_trusted
    assert judged("many", error=None, estimate=1e-9).wrong_and_trusted


def test_a_right_answer_must_not_be_refused_where_the_problem_has_one():
    assert judged(error=9e-5, verdict="not converged").right_and_refused
    assert not judged(error=1.1e-4, verdict="not converged").right_and_refused
    assert not judged("many", error=1e-9, verdict="not determined").right_and_refused


def test_unknowns_are_judged_by_their_own_estimate():
    run = judge(record("c", error=1e-4, estimate=2e-4, coefficient_errors={"C": 1e-2}), SUITE)
    assert run.error == 1e-2 and run.estimate == 2e-4


def test_the_account_counts_and_names_what_breaks_a_rule():
    records = [
        record(error=1e-3, estimate=2e-3),
        record(error=1e-3, estimate=1e-5, seed=1),
        record(error=1e-6, estimate=1e-6, verdict="not converged", seed=2),
        record("many", error=None, estimate=1e-9, verdict="not determined"),
    ]
    text = account(records, SUITE, "command", [("c", "15 steps", "not run")])
    assert "| estimates within a factor 3 of the truth | 2 of 3 (67%) |" in text
    assert "| of those trusted, within a factor 10 | 1 of 2 (50%) |" in text
    assert "| wrong and trusted | 1 of 4 (25%) |" in text and "| right and refused | 1 of 4 (25%) |" in text
    assert "| trusted, wrong | p | 15 steps | 1 | 1.0e-03 | 1.0e-05 |" in text
    assert "| right, refused | p | 15 steps | 2 | 1.0e-06 |" in text
    assert "| c | 15 steps | not run |" in text
    assert "0 of 0" in counts([judge(records[-1], SUITE)])


def test_a_run_that_ended_by_itself_is_that_of_the_later_stages_too():
    runs = planned(configuration() | {"problems": ["decay_rate"], "stages": [100, 10, 30], "seeds": [0, 1]})
    assert [run.method for run in runs] == ["10 steps"] * 2 + ["30 steps"] * 2 + ["100 steps"] * 2

    def of(run, steps, ended, revision="a"):
        return record() | run.as_dict() | {"steps": steps, "ended_by_itself": ended, "revision": revision}

    assert same_runs(runs, [of(runs[0], 10, True), of(runs[1], 4, False)]) == []  # at its last step, or by a limit
    found = same_runs(runs, [of(runs[0], 4, True), of(runs[1], 10, False)])
    assert [(one["method"], one["seed"], one["taken_from"]) for one in found] == [
        ("30 steps", 0, "10 steps"),
        ("100 steps", 0, "10 steps"),
    ]
    assert same_runs(runs, [of(runs[0], 4, True), *found]) == []
    assert same_runs(runs, [of(runs[0], 4, True)], revision="b") == []
    other = of(runs[0], 4, True)
    other["settings"] = other["settings"] | {"blind": False}
    assert same_runs(runs, [other]) == []


def test_stages_that_are_the_same_run_share_a_line_and_so_does_what_is_missing():
    first = record(method="10 steps", steps=0)
    later = [first | {"method": f"{steps} steps", "taken_from": "10 steps"} for steps in (30, 100)]
    text = account([first, *later, record("c", method="10 steps"), record("c", method="30 steps")], SUITE, "command")
    assert "| p | 10, 30, 100 steps; ended after 0 | 1.0e-03 |" in text
    assert "factor 3 of the truth | 5 of 5 (100%) |" in text
    assert "| the same, a run of several stages once | 3 of 3 (100%) |" in text
    assert "| c (C) | 10 steps |" in text and "| c (C) | 30 steps |" in text
    gaps = [("p", "10 steps", "1 of 3 seeds; not run"), ("p", "30 steps", "not run"), ("p", "100 steps", "not run")]
    text = account([first], SUITE, "command", [*gaps, ("c", "30 steps", "not run"), ("c", "100 steps", "not run")])
    assert "| p | 10, 30, 100 steps | 10 steps: 1 of 3 seeds; not run; 30, 100 steps: not run |" in text
    assert "| c | 30, 100 steps | not run |" in text


def test_the_listing_has_a_line_a_run_and_the_picture_is_drawn(tmp_path):
    records = [record(), record("c", error=1e-6, estimate=1e-7, verdict="not converged"), record(estimate=None)]
    rows = list(csv.DictReader(listing(records, SUITE).splitlines()))
    assert [row["problem"] for row in rows] == ["p", "c", "p"] and float(rows[0]["ratio"]) == 1
    for some, name in ((records, "some.png"), ([], "none.png")):
        picture(some, SUITE, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.slow
def test_what_is_finished_is_not_run_again(monkeypatch, tmp_path, capsys):
    """Every run here takes two steps in this process, on the smallest problem."""
    config = configuration() | {"problems": ["decay_rate"], "stages": [1, 2], "folder": str(tmp_path / "run")}
    performed = []

    def perform(run, python, children):
        performed.append(run.method)
        return run.as_dict() | {"status": "done", "date": "2026-01-01", "wall": 0.0} | measure(run.as_dict(), 0.0)

    monkeypatch.setattr(session, "perform", perform)
    monkeypatch.setattr(session, "revision", lambda: "abc")
    benchmark_certificate.benchmark_certificate(**config, only_report=True)
    assert performed == [] and "Nothing is finished yet" in capsys.readouterr().out
    for _ in range(2):
        benchmark_certificate.benchmark_certificate(**config)
    assert performed == ["1 steps", "2 steps"]
    names = sorted(path.name for path in (tmp_path / "run").iterdir() if not path.name.startswith("."))
    assert names == ["error.png", "estimates.csv", "results.jsonl", "table.md"]
    rows = list(csv.DictReader((tmp_path / "run" / "estimates.csv").read_text().splitlines()))
    assert [row["stage"] for row in rows] == ["1 steps", "2 steps"] and all(float(row["error"]) > 0 for row in rows)
    assert "| decay_rate (C) | 1 steps |" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_runs_in_processes_of_its_own(drawing_command, tmp_path):
    words = ("mode=quick", "problems=[decay_rate]", "stages=[2]", "seeds=[0]", f"folder={tmp_path / 'there'}")
    drawing_command(*words, function=benchmark_certificate.main, name="benchmark_certificate")
    records = [json.loads(line) for line in (tmp_path / "there" / "results.jsonl").read_text().splitlines()]
    assert [one["status"] for one in records] == ["done"] and records[0]["steps"] == 2
