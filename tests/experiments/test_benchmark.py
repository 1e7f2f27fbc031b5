"""The benchmark: what is finished is not run again, medians and reference errors are told as they are, peers apart."""

import json
import math
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from experiments import benchmark
from experiments.benchmarks import one_run, results, session, tables
from experiments.benchmarks.one_run import curve, revision
from experiments.benchmarks.results import Run
from experiments.benchmarks.suite import plan, target_of
from experiments.command_line.configuration import ConfigurationError, check, target
from experiments.command_line.overrides import CONF
from experiments.peers.monitor import ErrorMonitor
from experiments.peers.recipes import RECIPES
from pinn.problems import diffusion_inverse, lorenz_inverse, poisson_2d
from pinn.solver import solve

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = OmegaConf.to_container(OmegaConf.load(CONF / "benchmark.yaml"), resolve=False)
SUITE = {
    "square": {"target": 1e-3, "problem": {"_target_": "pinn.problems.poisson_2d"}},
    "coefficient": {"target": 1e-3, "by": "coefficients", "problem": {"_target_": "pinn.problems.diffusion_inverse"}},
}
METHODS = {"default": {}, "narrow": {"steps": 2, "features": None}, "peer": {"peer": "deepxde", "problems": ["square"]}}
VERSIONS = {"versions": {"torch": "2"}, "machine": "m"}
# What the suite promises: problem -> rel-L2, or largest relative error of a coefficient.
TARGETS = {
    "poisson_2d": {10: 1e-11, 60: 1e-12},
    "poisson_5d": {10: 1e-5, 60: 3e-8},
    "helmholtz_1_4": {10: 1e-8, 60: 1e-10},
    "helmholtz_6_6": {10: 1e-3, 60: 1e-7},
    "heat_1d": {10: 1e-11, 60: 1e-12},
    "burgers": {10: 1e-5, 60: 1e-8},
    "burgers_smooth": {10: 1e-7, 60: 1e-10},
    "allen_cahn": {10: 1e-4, 60: 1e-6},
    "laplace_four_holes": {10: 1e-3, 60: 1e-6},
    "poisson_l_shape": {10: 1e-5, 60: 1e-8},
    "convection": {10: 1e-7, 60: 1e-10},
    "reaction": {10: 1e-7, 60: 1e-9},
    "wave_1d": {10: 1e-9, 60: 1e-11},
    "kdv": {10: 1e-3, 60: 1e-6},
    "kovasznay": {10: 1e-6, 60: 1e-10},
    "cavity": {10: 1e-3, 60: 5e-5},
    "euler_beam": 1e-13,
    "oscillator": 1e-13,
    "lotka_volterra": 1e-9,
    "diffusion_inverse": {10: 1e-9, 60: 1e-12},
    "reaction_inverse": {10: 1e-2, 60: 1e-5},
    "lorenz_inverse": 1e-2,
}


@pytest.fixture(autouse=True)
def recipe_of_the_square(monkeypatch):
    monkeypatch.setitem(RECIPES["deepxde"], "square", RECIPES["deepxde"]["poisson_2d"])


def planned(methods=("default",), seeds=(0, 1), problems=None, seconds=1.0, jobs=1):
    return plan(SUITE, METHODS, methods, seeds, problems, seconds, 1, jobs)


def record(run, error=1e-4, reference_error=0.0, status="done", times=(1.0, 2.0), errors=(1e-2, 1e-4), **more):
    return {
        **run.as_dict(),
        "status": status,
        "error": error,
        "reference_error": reference_error,
        "coefficient_errors": {"C": error},
        "points": 10,
        "parameters": 5,
        "dtype": "float64",
        "steps": 3,
        "reason": "time is up",
        "times": dict.fromkeys(tables.TIMES, 1.0),
        "history": {"seconds": list(times), "error": list(errors), "coefficients": list(errors)},
        **VERSIONS,
        **more,
    }


def test_runs_of_one_problem_and_seed_follow_each_other():
    order = [(run.seed, run.problem, run.method) for run in planned(methods=("default", "peer"))]
    assert order == [
        (seed, *pair)
        for seed in (0, 1)
        for pair in (("square", "default"), ("square", "peer"), ("coefficient", "default"))
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"problems": ["squar"]}, "problems: 'squar' is not known; did you mean square"),
        ({"problems": ["square", "square"]}, "problems: 'square' is given twice; name each once"),
        ({"problems": []}, r"problems=\[\]: expected at least one"),
        ({"methods": ["fast"]}, "methods: 'fast' is not known"),
        ({"methods": ["narrow", "narrow"]}, "methods: 'narrow' is given twice"),
        ({"seeds": [0, 1, 0]}, "seeds: 0 is given twice"),
        ({"seeds": []}, r"seeds=\[\]: expected at least one"),
        ({"seconds": 0.0}, "give positive numbers"),
        ({"jobs": 0}, "jobs=0: give positive numbers"),
        ({"methods": ["peer"], "problems": ["coefficient"]}, "have no recipe for any of them; peer has square"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        planned(**change)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ({"step": 3}, r"known_methods\.m\.step"),
        ({"seed": 3}, r"known_methods\.m\.seed: each run sets it"),
        (
            {"peer": "deepxd", "problems": ["square"]},
            r"peer: 'deepxd' is not known; did you mean deepxde\? choose among",
        ),
        (
            {"peer": "pina"},
            r"known_methods\.m: pina has no problems; give known_methods\.m\.problems, among poisson_2d",
        ),
        ({"peer": "pina", "problems": ["kdv"]}, r"m\.problems: 'kdv' is not known; choose among allen_cahn"),
        ({"peer": "pina", "problems": ["burgers"], "steps": 3}, r"m\.steps: pina follows its recipe"),
    ],
)
def test_a_method_that_makes_no_sense_is_refused(method, message):
    with pytest.raises(ConfigurationError, match=message):
        plan(SUITE, {"m": method}, ["m"], [0], None, 1.0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": None}, r"suite\.square\.target: expected a positive number, got None"),
        ({"enough": 0}, r"suite\.square\.enough: expected a positive number, got 0"),
        ({"target": 0.0}, "expected a positive number, got 0"),
        ({"target": {"soon": 1e-3}}, r"suite\.square\.target: expected a positive number, got 'soon'"),
        ({"by": "coefs"}, r"suite\.square\.by: expected error or coefficients, got 'coefs'"),
        ({"cause": 3}, r"suite\.square\.cause: expected a text, got 3"),
        ({"targt": 1e-3}, r"suite\.square\.targt: a problem has no such option; did you mean target"),
        ({"problem": "poisson_2d"}, r"suite\.square\.problem: expected a call, .* got 'poisson_2d'"),
        ({"problem": {"_target_": "pinn.problems.none"}}, "cannot be found"),
    ],
)
def test_an_entry_of_the_suite_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        plan({"square": SUITE["square"] | change}, METHODS, ["default"], [0], None, 1.0, 1)


def test_a_problem_without_target_is_refused():
    suite = {"square": {"problem": SUITE["square"]["problem"]}}
    with pytest.raises(ConfigurationError, match=r"suite\.square: it has no target; give suite\.square\.target"):
        plan(suite, METHODS, ["default"], [0], None, 1.0, 1)


def test_a_program_for_the_peers_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="peers_python=/no/python: no such program"):
        benchmark.benchmark(SUITE, METHODS, ["peer"], [0], str(tmp_path), 1, peers_python="/no/python")
    assert not list(tmp_path.iterdir())


def test_the_program_for_the_peers_is_found_from_every_folder(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    assert session.interpreter("peers_python", "bin/python") == str(program)
    assert session.interpreter("peers_python", None) == sys.executable


def test_finished_runs_are_skipped_and_failed_ones_repeated(tmp_path):
    path, runs = tmp_path / "deep" / "results.jsonl", planned()
    assert results.missing(runs, results.read(path)) == runs
    results.add(path, record(runs[0]))
    results.add(path, {**runs[1].as_dict(), "status": "failed", "reason": "out of memory"})
    left = results.missing(runs, results.read(path))
    assert left == runs[1:]
    results.add(path, record(runs[1], revision="a"))
    assert results.missing(runs, results.read(path)) == runs[2:]
    assert results.missing(runs, results.read(path), revision="a") == [runs[0], *runs[2:]]


@pytest.mark.parametrize(
    "change",
    [{"seed": 7}, {"seconds": 2.0}, {"threads": 2}, {"jobs": 2}, {"clock": "processor"}, {"settings": {"problem": {}}}],
)
def test_a_run_with_another_setting_is_another_run(change):
    run = planned()[0]
    other = Run(**{**run.as_dict(), **change})
    assert results.missing([other], [record(run)]) == [other]


def test_the_same_seconds_are_the_same_run_however_they_are_written():
    run = planned(seconds=120)[0]
    assert results.missing([run], [json.loads(json.dumps(record(planned(seconds=120.0)[0])))]) == []


def test_the_last_of_equal_runs_counts(tmp_path):
    run = planned()[0]
    records = [record(run, error=1.0), record(run, error=2.0)]
    assert [one["error"] for one in results.chosen([run], records)] == [2.0]


def test_a_line_cut_short_is_named_and_nothing_is_written_over(tmp_path):
    path = tmp_path / "results.jsonl"
    results.add(path, record(planned()[0]))
    path.write_text(path.read_text() + '{"problem": "squ')
    with pytest.raises(ValueError, match=r"results\.jsonl: line 2 is not JSON"):
        results.read(path)
    results.add(path, record(planned()[1]))
    assert len(path.read_text().splitlines()) == 3


def test_a_recipe_that_changed_makes_another_run(monkeypatch):
    before = planned(methods=("peer",))
    monkeypatch.setitem(RECIPES["deepxde"], "square", RECIPES["deepxde"]["burgers"])
    assert results.missing(planned(methods=("peer",)), [record(run) for run in before]) == planned(methods=("peer",))


def test_what_is_not_finished_is_told_with_its_reason():
    runs = planned(methods=("default", "narrow", "peer"), seeds=(0, 1), problems=["square"])
    done, lost, gone = runs[0], runs[3], runs[1]
    records = [
        record(done),
        {**gone.as_dict(), "status": "failed", "reason": "first"},
        {**gone.as_dict(), "status": "failed", "reason": "ValueError: a | b"},
        {**lost.as_dict(), "status": "failed", "reason": "out of memory"},
    ]
    found = results.gaps(runs, records)
    assert found == [
        ("square", "default", "1 of 2 seeds; failed: out of memory"),
        ("square", "narrow", "failed: ValueError: a | b; not run"),
        ("square", "peer", "not run"),
    ]
    text = tables.markdown(records[:1], SUITE, "c", found)
    assert (
        r"| square | narrow | failed: ValueError: a \| b; not run |" in text and "| square | peer | not run |" in text
    )
    assert results.gaps(runs[:1], records) == []
    empty = tables.markdown([], SUITE, "c", found)
    assert empty.startswith("Nothing is finished yet.") and "out of memory" in empty


def test_seconds_are_divided_by_the_factor_of_the_machine():
    runs = planned(problems=["square"])
    slow = {"factor": 2.0, "wall_factor": 4.0}
    records = [record(run, yardstick=slow) for run in runs]
    assert [tables.factor(one) for one in records] == [4.0, 4.0]
    assert tables.factor({**records[0], "clock": "processor"}) == 2.0 and tables.factor(record(runs[0])) == 1.0
    assert "Factor of the machine: 4.00 (4.00–4.00) times" in tables.heading(records, "c")
    assert "Factor" not in tables.heading([record(runs[0])], "c")
    assert "| 2 | 0 | " in tables.errors_table(tables.grouped(records), SUITE)  # 2 s at the end, half a second there


def test_a_clock_is_of_the_wall_or_of_the_processor_of_one_thread():
    for clock, threads in (("sun", 1), ("processor", 2)):
        with pytest.raises(ConfigurationError, match="give clock=wall, or clock=processor on one thread"):
            plan(SUITE, METHODS, ["default"], [0], None, 1.0, threads, 1, clock)
    (run,) = plan(SUITE, METHODS, ["default"], [0], ["square"], 1.0, 1, 1, "processor")
    assert "at most 1 s of processor time on 1 thread" in tables.heading([record(run)], "c")


def test_the_clock_of_the_processor_counts_and_foresees_the_seconds_of_a_run():
    wall = time.perf_counter
    with one_run.processor_clock():
        assert time.perf_counter is time.process_time
        began = time.perf_counter()
        time.sleep(0.3)
        assert time.perf_counter() - began < 0.2  # asleep, the processor counts nothing
    assert time.perf_counter is wall


def test_dates_revisions_and_machines_are_those_of_the_runs():
    runs = planned(problems=["square"])
    one = {"date": "2026-01-02 03:04:05", "revision": "abc", "processor": "Fast 9", "cores": 4}
    two = {"date": "2026-02-03 04:05:06", "revision": "abc+12ef", "processor": "Slow 1", "cores": 2}
    head = tables.heading([record(runs[1], **two), record(runs[0], **one)], "python -m it")
    assert head.startswith("`python -m it`. Runs: 2026-01-02 to 2026-02-03; revisions abc, abc+12ef; at most 1 s on 1 ")
    assert "Machine: Fast 9, 4 cores, torch 2; Slow 1, 2 cores, torch 2." in head
    assert "`default` is `solve(problem)` on 1 thread; left to itself, `solve` takes " in head
    assert "1 thread, one run at a time." in head
    beside = [record(run, **one) for run in planned(problems=["square"], jobs=3)]
    head = tables.heading(beside, "c")
    assert "1 thread, 3 runs at a time" in head and "Runs: 2026-01-02; revision abc;" in head


def test_the_cause_stands_beside_a_target_that_is_missed():
    suite = {"square": SUITE["square"] | {"cause": "the corner"}}
    run = planned(problems=["square"])[0]
    missed = tables.errors_table(tables.grouped([record(run, error=1.0)]), suite)
    assert "| 1e-03 | missed: the corner |" in missed
    assert "| 1e-03 | met |" in tables.errors_table(tables.grouped([record(run, error=1e-4)]), suite)


def test_a_target_may_depend_on_the_seconds_that_are_allowed():
    suite = {"square": SUITE["square"] | {"target": {10: 1e-2, 60: 1e-4}}}
    for allowed, aim in ((1.0, "1e-02"), (10.0, "1e-02"), (59.0, "1e-02"), (60.0, "1e-04"), (500.0, "1e-04")):
        run = planned(problems=["square"], seconds=allowed)[0]
        assert f"| {aim} | missed |" in tables.errors_table(tables.grouped([record(run, error=1.0)]), suite)


def test_a_problem_is_given_what_is_enough_for_it_and_no_more_than_is_allowed():
    suite = {"square": SUITE["square"] | {"enough": 60}}
    for allowed, given in ((120.0, 60.0), (20.0, 20.0)):
        (run,) = plan(suite, {"default": {}}, ["default"], [0], None, allowed, 1)
        assert run.seconds == given


def test_the_table_shows_median_spread_target_and_reference_error():
    runs = planned(seeds=(0, 1, 2), problems=["square"])
    records = [record(run, error=e) for run, e in zip(runs, (4e-4, 9e-3, 2e-4), strict=True)]
    lines = tables.markdown(records, SUITE, "made by hand").splitlines()
    row = next(line for line in lines if line.startswith("| square"))
    assert (
        row == "| square | default | 4.0e-04 | 2.0e-04–9.0e-03 | 1e-03 | met | exact | 2 | 2 | 10 | 5 | float64 | 3 |"
    )
    widths = {line.count("|") for line in lines if line.startswith("|") and "median" not in line}
    assert widths == {row.count("|"), 9}


def test_an_error_below_the_references_is_told_as_that():
    runs = planned(problems=["square"])
    table = tables.errors_table(tables.grouped(record(run, 1e-7, reference_error=2e-5) for run in runs), SUITE)
    assert "at the reference’s own error 2.0e-05" in table and "1.0e-07" not in table and "≤2.0e-05" in table


def test_a_target_below_the_references_error_cannot_be_met():
    assert tables.met(1e-7, reference_error=0.0, target=1e-6)
    assert not tables.met(1e-7, reference_error=1e-5, target=1e-6)
    assert not tables.met(math.nan, reference_error=0.0, target=1e-6)


def test_coefficients_are_judged_by_the_worst():
    run = planned(problems=["coefficient"])[0]
    two = record(run, coefficient_errors={"a": 1e-5, "b": 3e-2})
    assert tables.judged(two, SUITE) == 3e-2
    assert "3.0e-02 (C)" in tables.errors_table(tables.grouped([two]), SUITE)


def test_a_run_that_diverged_is_the_worst():
    run = planned()[0]
    assert tables.judged(record(run, error=None), SUITE) == math.inf
    table = tables.errors_table(tables.grouped([record(run, error=None)]), SUITE)
    assert "| square | default | diverged | diverged | 1e-03 | missed |" in table
    wrong = planned(problems=["coefficient"])[0]
    assert tables.judged(record(wrong, coefficient_errors={"C": None}), SUITE) == math.inf
    assert tables.judged(record(wrong, coefficient_errors={}), SUITE) == math.inf


def test_the_median_curve_holds_the_last_value():
    slow = (np.array([1.0, 4.0]), np.array([1.0, 0.1]))
    fast = (np.array([0.5, 1.0]), np.array([1e-2, 1e-3]))
    worst = (np.array([1.0, 2.0]), np.array([10.0, 10.0]))
    times, values = tables.median_curve([slow, fast, worst], count=50)
    assert times[0] == 1.0 and times[-1] == 4.0
    assert values[0] == 1.0 and values[-1] == 0.1


def test_peers_are_compared_by_time_to_their_error_and_error_at_their_time():
    runs = planned(methods=("default", "peer"), seeds=(0,), problems=["square"])
    ours = record(runs[0], times=(1.0, 5.0, 20.0), errors=(1e-1, 1e-3, 1e-6))
    peer = record(runs[1], error=1e-2, times=(2.0, 10.0), errors=(1.0, 1e-2))
    assert peers_row([ours, peer])[4:8] == ["1.0e-02", "10.0", "0.5", "1.0e-01"]
    never = record(runs[0], error=1.0, times=(1.0,), errors=(1.0,))
    assert tables.curve(never, SUITE)[1].tolist() == [1.0, 1.0]  # the last is the answer, corrected or not
    assert peers_row([never, peer])[6] == "not reached"


def peers_row(records):
    _, table = tables.peers_part(tables.grouped(records), SUITE)
    return [cell.strip() for cell in table.splitlines()[-1].split("|")]


def test_a_peer_that_diverged_says_so(tmp_path):
    runs = planned(methods=("default", "peer"), seeds=(0, 1), problems=["square"])
    ours = [record(run) for run in runs if not run.peer]
    lost = {"error": None, "errors": (1.0, None), "published": {"seconds": 1.5, "error": None}}
    lost["times"] = (1.0, 2.0)
    gone = [record(run, **lost) for run in runs if run.peer]
    for one in gone:
        one["times"]["first step"] = None
    assert peers_row([*ours, *gone])[4:9] == ["diverged", "2.0", "—", "—", "diverged after 2 s"]
    text = tables.markdown([*ours, *gone], SUITE, "c")
    assert "| square | peer | diverged | diverged |" in text and "| square | peer | 1.0 | 1.0 | — | 1.0 | 1.0 |" in text
    tables.picture([*ours, *gone], SUITE, tmp_path / "error.png")
    fine = record(runs[3], error=1e-2, published={"seconds": 1.5, "error": 2e-2})
    assert peers_row([*ours, gone[0], fine])[4] == "diverged"  # the worse of two


def test_only_runs_of_one_session_are_said_to_be_interleaved():
    runs = planned(methods=("default", "peer"), seeds=(0,))
    ours, peer = record(runs[0], session="a"), record(runs[1], session="a")

    def said(*records):
        return tables.peers_part(tables.grouped(records), SUITE)[0]

    assert said(ours, peer).startswith("Peers and ours in the same interleaved run. ")
    apart = said(ours, peer | {"session": "b"})
    assert apart.startswith("Peers and ours are from different runs (†)")
    assert said(record(runs[0]), record(runs[1])).startswith("Peers and ours are from different runs (†)")
    assert peers_row([ours, peer | {"session": "b"}])[2] == "peer †"


def test_what_a_recipe_changes_is_told():
    runs = planned(methods=("default", "peer"), seeds=(0, 1), problems=["square"])
    records = [record(run, changed="the source" if run.peer else "") for run in runs]
    for some in (records, [one for one in records if "peer" in one["settings"]["method"]]):
        text = tables.markdown(some, SUITE, "c")
        assert text.count("- square, peer: the source") == 1 and "Changed from the published recipes:" in text


def test_the_picture_is_a_file(tmp_path):
    runs = planned(methods=("default", "peer"))
    tables.picture([record(run, reference_error=1e-5) for run in runs], SUITE, tmp_path / "error.png")
    assert (tmp_path / "error.png").stat().st_size > 1000


def test_the_curve_is_that_of_the_parameters_kept():
    rows = [
        {"seconds": 1.0, "validation": 1.0, "error": 0.5, "coefficient/C": 3.0},
        {"seconds": 1.5, "loss": 0.1},
        {"seconds": 2.0, "validation": 0.1, "error": 0.2, "coefficient/C": 1.5},
        {"seconds": 3.0, "validation": 0.4, "error": 0.01, "coefficient/C": 1.0},
        {"seconds": 4.0, "validation": 0.05, "coefficient/C": 1.25},  # whose error was not measured
    ]
    assert curve(rows, {"C": 1.0}) == {
        "seconds": [1.0, 2.0, 3.0, 4.0],
        "error": [0.5, 0.2, 0.2, 0.2],
        "coefficients": [2.0, 0.5, 0.5, 0.25],
    }


def test_the_watch_measures_the_reference_as_exact():
    problem = diffusion_inverse()
    monitor = ErrorMonitor(problem, seconds=100.0, every=0.0)
    monitor.begin()
    assert not monitor.step(lambda x: np.exp(-x[:, 1:]) * np.sin(np.pi * x[:, :1]), {"C": 1.1})
    assert monitor.history["error"][0] < 1e-14 and monitor.coefficient_errors()["C"] == pytest.approx(0.1)
    assert monitor.step(lambda x: 0 * x[:, 0], {"C": 1.0}) is False and monitor.history["error"][1] == 1.0
    assert ErrorMonitor(poisson_2d(), seconds=0.0).over


@pytest.mark.slow
def test_a_run_has_a_process_of_its_own_and_is_found_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmark"])
    arguments = {
        "suite": SUITE,
        "known_methods": METHODS,
        "seeds": [0],
        "folder": str(tmp_path),
        "jobs": 1,
        "problems": ["square"],
    }
    benchmark.benchmark(methods=["narrow"], seconds=1e4, threads=1, **arguments)
    (found,) = results.read(tmp_path / "results.jsonl")
    assert found["status"] == "done" and found["steps"] == 2 and found["threads"] == 1 and found["revision"]
    assert found["jobs"] == 1 and found["session"] and found["processor"] and found["cores"] >= 1
    assert found["rows"] >= found["points"] > 0
    assert set(found["times"]) == set(tables.TIMES) and all(value >= 0 for value in found["times"].values())
    assert sum(found["times"].values()) <= found["wall"]
    assert "| square | narrow |" in (tmp_path / "table.md").read_text() and (tmp_path / "error.png").exists()
    monkeypatch.setattr(session, "perform", None)
    benchmark.benchmark(methods=["narrow"], seconds=1e4, threads=1, **arguments)
    benchmark.benchmark(methods=["default"], seconds=1e4, threads=1, only_report=True, **arguments)
    assert "Nothing is finished yet" in capsys.readouterr().out


@pytest.mark.slow
def test_a_failure_is_on_file_with_its_reason(tmp_path):
    bad = Run("square", "default", 0, 1.0, 1, {"problem": {"_target_": "pinn.problems.none"}, "method": {}})
    found = one_run.perform(bad, sys.executable)
    assert found["status"] == "failed" and "cannot be found" in found["reason"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_so_many_runs_go_on_at_a_time_in_the_order_of_the_plan(tmp_path, monkeypatch, jobs):
    started, going, most, gate, together = [], set(), [0], threading.Lock(), threading.Barrier(jobs)

    def perform(run, python, children):
        with gate:
            started.append((run.seed, run.problem, run.method))
            going.add(started[-1])
            most[0] = max(most[0], len(going))
        together.wait()
        with gate:
            going.discard((run.seed, run.problem, run.method))
        return record(run)

    monkeypatch.setattr(session, "perform", perform)
    monkeypatch.setattr(session, "revision", lambda: "abc")
    runs = planned(methods=("default", "narrow"), jobs=jobs)
    session.carry_out(runs, tmp_path, jobs, "s")
    assert most == [jobs] and len(started) == len(runs) == 8
    first = [{(run.seed, run.problem) for run in runs[i : i + 2]} for i in range(0, 8, 2)]
    assert [{one[:2] for one in started[i : i + 2]} for i in range(0, 8, 2)] == first
    on_file = results.read(tmp_path / "results.jsonl")
    assert {(one["session"], one["revision"], one["jobs"]) for one in on_file} == {("s", "abc", jobs)}
    assert results.missing(runs, on_file) == [] and len(results.missing(planned(jobs=jobs + 1), on_file)) == 4


def test_a_run_that_breaks_off_ends_those_that_wait(tmp_path, monkeypatch):
    performed, cancelled, all_cancelled = [], [], threading.Event()

    def perform(run, python, children):
        performed.append(run)
        if run.seed > 0:  # goes on until those that wait are called off
            all_cancelled.wait()
        raise RuntimeError("broken")

    def cancel(future, really=Future.cancel):
        cancelled.append(really(future))
        if len(cancelled) == 20:
            all_cancelled.set()

    monkeypatch.setattr(Future, "cancel", cancel)
    monkeypatch.setattr(session, "perform", perform)
    with pytest.raises(RuntimeError, match="broken"):
        session.carry_out(planned(seeds=range(20), problems=["square"]), tmp_path, 2, "s")
    assert len(performed) <= 3 and sum(cancelled) >= 17


def test_the_jobs_of_a_sweep_write_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "perform", lambda run, python, children: record(run))
    shared = {"suite": SUITE, "known_methods": METHODS, "methods": ["default"], "jobs": 1, "folder": str(tmp_path)}
    calls = [shared | {"seeds": [seed], "problems": [problem]} for problem in SUITE for seed in (0, 1)]
    other = shared | {"seeds": [5], "folder": str(tmp_path / "other")}
    invocation = session.Invocation("s", "command", (*calls, other), beside=2)
    for call in calls:
        benchmark.benchmark(**call, invocation=invocation)
    text = (tmp_path / "table.md").read_text()
    assert "| square | default | 1.0e-04 |" in text and "| coefficient | default | 1.0e-04 (C) |" in text
    assert text.count("float64 | 2 |") == 2 and "2 runs at a time" in text and "not finished" not in text


def test_a_dirty_revision_names_what_was_changed(tmp_path, monkeypatch):
    def git(*words):
        identity = ["-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr("experiments.benchmarks.one_run.ROOT", tmp_path)
    assert revision() == "unknown"
    git("init", "-q")
    (tmp_path / "a.py").write_text("1")
    git("add", "a.py")
    git("commit", "-qm", "first")
    clean = revision()
    assert re.fullmatch("[0-9a-f]{7,}", clean)
    (tmp_path / "notes.txt").write_text("no code")
    assert revision() == clean
    names = []
    for content in ("2", "3"):
        (tmp_path / "a.py").write_text(content)
        names.append(revision())
    (tmp_path / "b.py").write_text("new")
    names.append(revision())
    assert all(re.fullmatch(re.escape(clean) + r"\+[0-9a-f]{4}", name) for name in names)
    assert len(set(names)) == 3 and revision() == names[-1]
    monkeypatch.setattr("experiments.benchmarks.one_run.ROOT", tmp_path / "deeper")
    (tmp_path / "deeper").mkdir()
    assert revision() == "unknown"  # another checkout's folder, not this program's own


def quick(folder):
    """The cheapest problem, one step a run."""
    return ["problems=[poisson_2d]", "methods=[quick]", "known_methods.quick.steps=1", f"folder={folder / 'run'}"]


def program(folder, *arguments):
    """The program in a process of its own."""
    command = [sys.executable, "-m", "experiments.benchmark", *quick(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_sweep_of_seeds_ends_with_one_table_of_all(command, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "perform", lambda run, python, children: record(run))
    command(*quick(tmp_path), "-m", "seeds=[0],[1]", function=benchmark.main)
    records = results.read(tmp_path / "run" / "results.jsonl")
    assert [one["seed"] for one in records] == [0, 1] and len({one["session"] for one in records}) == 1
    text = (tmp_path / "run" / "table.md").read_text()
    assert re.search(r"\| poisson_2d \| quick \| .* \| 2 \|\n", text) and "-m seeds=[0],[1]" in text.splitlines()[0]
    assert "not finished" not in text


@pytest.mark.slow
def test_a_run_that_failed_is_in_the_table_and_in_the_exit_code(tmp_path):
    done = program(tmp_path, "seeds=[0]", "known_methods.quick.steps=0")
    assert done.returncode == 1 and done.stderr.strip().endswith("1 run failed")
    text = (tmp_path / "run" / "table.md").read_text()
    assert text.startswith("Nothing is finished yet.") and "| poisson_2d | quick | failed: ValueError" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seeds=[0,0]"], "seeds: 0 is given twice"),
        (["-m", "seeds=[0],[1,1]"], "seeds: 1 is given twice"),
        (
            ["-m", "seconds=1,2"],
            "differ in seconds, and one table cannot show both; sweep problems, methods, seeds alone",
        ),
    ],
)
def test_nothing_starts_when_something_makes_no_sense(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
    with pytest.raises(SystemExit) as ended:
        benchmark.main()
    assert ended.value.code == 2 and message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_sweep_of_other_options_has_folders_of_its_own(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmark", "-m", "seconds=1,2", "seeds=[0],[1]", "folder=at_${seconds}"])
    swept = ("problems", "methods", "seeds")
    invocation = session.begin("benchmark", benchmark.benchmark, benchmark.plan_of, swept)
    assert [(one["folder"], one["seeds"]) for one in invocation.calls] == [
        (f"at_{seconds}", [seed]) for seconds in (1, 2) for seed in (0, 1)
    ]
    assert invocation.command == "python -m experiments.benchmark -m seconds=1,2 seeds=[0],[1] folder=at_${seconds}"
    shown = session.whole([], "at_2", invocation, benchmark.plan_of)
    assert {(run.seconds, run.seed) for run in shown} == {(2, 0), (2, 1)} and len(shown) == 2 * len(TARGETS)


def test_targets_are_the_promised_ones():
    suite = CONFIGURATION["suite"]
    assert {name: entry["target"] for name, entry in suite.items()} == TARGETS
    coefficients = [name for name, entry in suite.items() if entry.get("by") == "coefficients"]
    assert coefficients == ["diffusion_inverse", "reaction_inverse", "lorenz_inverse"]
    large = [entry["problem"] for name, entry in suite.items() if name.startswith("helmholtz")]
    assert [(one.get("a1"), one.get("a2")) for one in large] == [(None, None), (6, 6)]
    assert [CONFIGURATION["jobs"], with_defaults()["threads"]] == [1, 1]


def with_defaults():
    arguments = {key: value for key, value in CONFIGURATION.items() if key != "hydra"}
    return session.with_defaults(benchmark.benchmark, arguments)


def test_every_problem_of_the_suite_has_a_target_and_every_method_is_a_call():
    arguments = {key: value for key, value in CONFIGURATION.items() if key != "hydra"}
    check(benchmark.benchmark, arguments)
    suite, methods = CONFIGURATION["suite"], CONFIGURATION["known_methods"]
    runs = plan(suite, methods, list(methods), [0], None, 120.0, 2)
    assert len({run.problem for run in runs}) == len(suite) == 22
    for name, entry in suite.items():
        aims = [target_of(entry, seconds) for seconds in (10.0, 60.0)]
        assert 0 < aims[1] <= aims[0] < 1 and entry.get("by", "error") in ("error", "coefficients"), name
        assert target(entry["problem"], name) is not None


def test_points_are_points_and_rows_are_rows():
    last = solve(lorenz_inverse(), steps=1, progress=False).history[-1]
    assert last["rows"] == 3 * last["points"]  # three fields at each point


def test_what_is_loaded_late_is_loaded_before_the_clock_starts():
    program = (
        "import importlib, sys\n"
        "from experiments.benchmarks.one_run import LATE\n"
        "from pinn.problems import poisson_2d\n"
        "from pinn.solver import solve\n"
        "problem = poisson_2d()\n"
        "known = lambda: {name for name in sys.modules if name.split('.')[0] in ('scipy', 'sympy')}\n"
        "for late in LATE:\n"
        "    importlib.import_module(late)\n"
        "before = known()\n"
        "solve(problem, threads=1, progress=False)\n"
        "print(len(before) > 500, len(known() - before) < 50)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
