"""The benchmark: what is finished is not run again, medians and floors are told as they are, peers stay apart."""

import ast
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from experiments import _results, _scoreboard, benchmark
from experiments._command_line import CONF
from experiments._configuration import ConfigurationError, build, check, target
from experiments._one_run import curve
from experiments._results import Run
from experiments.peers.recipes import RECIPES
from experiments.peers.watch import Watch
from pinn.problems import diffusion_inverse, lorenz_inverse, poisson_2d
from pinn.solver import solve

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = OmegaConf.to_container(OmegaConf.load(CONF / "benchmark.yaml"), resolve=False)
SUITE = {
    "square": {"target": 1e-3, "problem": {"_target_": "pinn.problems.poisson_2d"}},
    "coefficient": {"target": 1e-3, "by": "coefficients", "problem": {"_target_": "pinn.problems.diffusion_inverse"}},
}
METHODS = {"default": {}, "narrow": {"steps": 2}, "peer": {"peer": "deepxde", "problems": ["square"]}}
VERSIONS = {"versions": {"torch": "2"}, "machine": "m"}


def planned(methods=("default",), seeds=(0, 1), problems=None, seconds=1.0):
    return benchmark.plan(SUITE, METHODS, methods, seeds, problems, seconds, 1)


def record(run, error=1e-4, floor=0.0, status="done", times=(1.0, 2.0), errors=(1e-2, 1e-4), **more):
    return {
        **run.as_dict(),
        "status": status,
        "error": error,
        "floor": floor,
        "coefficient_errors": {"C": error},
        "points": 10,
        "parameters": 5,
        "dtype": "float64",
        "steps": 3,
        "reason": "time is up",
        "times": dict.fromkeys(_scoreboard.TIMES, 1.0),
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
        ({"methods": ["fast"]}, "methods: 'fast' is not known"),
        ({"seconds": 0.0}, "give positive numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        planned(**change)


def test_an_option_that_solve_does_not_have_is_refused():
    with pytest.raises(ConfigurationError, match=r"known_methods\.typo"):
        benchmark.plan(SUITE, {"typo": {"step": 3}}, ["typo"], [0], None, 1.0, 1)


def test_finished_runs_are_skipped_and_failed_ones_repeated(tmp_path):
    path, runs = tmp_path / "deep" / "results.jsonl", planned()
    assert _results.missing(runs, _results.read(path)) == runs
    _results.add(path, record(runs[0]))
    _results.add(path, {**runs[1].as_dict(), "status": "failed", "reason": "out of memory"})
    left = _results.missing(runs, _results.read(path))
    assert left == runs[1:]
    _results.add(path, record(runs[1], revision="a"))
    assert _results.missing(runs, _results.read(path)) == runs[2:]
    assert _results.missing(runs, _results.read(path), revision="a") == [runs[0], *runs[2:]]


@pytest.mark.parametrize("change", [{"seed": 7}, {"seconds": 2.0}, {"threads": 2}, {"settings": {"problem": {"a": 1}}}])
def test_a_run_with_another_setting_is_another_run(change):
    run = planned()[0]
    other = Run(**{**run.as_dict(), **change})
    assert _results.missing([other], [record(run)]) == [other]


def test_the_same_seconds_are_the_same_run_however_they_are_written():
    run = planned(seconds=120)[0]
    assert _results.missing([run], [json.loads(json.dumps(record(planned(seconds=120.0)[0])))]) == []


def test_the_last_of_equal_runs_counts(tmp_path):
    run = planned()[0]
    records = [record(run, error=1.0), record(run, error=2.0)]
    assert [one["error"] for one in _results.chosen([run], records)] == [2.0]


def test_a_line_cut_short_is_named_and_nothing_is_written_over(tmp_path):
    path = tmp_path / "results.jsonl"
    _results.add(path, record(planned()[0]))
    path.write_text(path.read_text() + '{"problem": "squ')
    with pytest.raises(ValueError, match=r"results\.jsonl: line 2 is not JSON"):
        _results.read(path)
    _results.add(path, record(planned()[1]))
    assert len(path.read_text().splitlines()) == 3


def test_the_table_shows_median_spread_target_and_floor():
    runs = planned(seeds=(0, 1, 2), problems=["square"])
    records = [record(run, error=e) for run, e in zip(runs, (4e-4, 9e-3, 2e-4), strict=True)]
    lines = _scoreboard.markdown(records, SUITE, "made by hand").splitlines()
    row = next(line for line in lines if line.startswith("| square"))
    assert row == "| square | default | 4.0e-04 | 2.0e-04–9.0e-03 | 1e-03 | met | exact | 10 | 5 | float64 | 3 |"
    widths = {line.count("|") for line in lines if line.startswith("|") and "median" not in line}
    assert widths == {row.count("|"), 9}


def test_an_error_below_the_floor_is_told_as_the_floor():
    runs = planned(problems=["square"])
    table = _scoreboard.errors_table(_scoreboard.grouped(record(run, 1e-7, floor=2e-5) for run in runs), SUITE)
    assert "at the reference’s floor 2.0e-05" in table and "1.0e-07" not in table and "≤2.0e-05" in table


def test_a_target_below_the_floor_cannot_be_met():
    assert _scoreboard.met(1e-7, floor=0.0, target=1e-6)
    assert not _scoreboard.met(1e-7, floor=1e-5, target=1e-6)
    assert not _scoreboard.met(math.nan, floor=0.0, target=1e-6)


def test_coefficients_are_judged_by_the_worst():
    run = planned(problems=["coefficient"])[0]
    two = record(run, coefficient_errors={"a": 1e-5, "b": 3e-2})
    assert _scoreboard.judged(two, SUITE) == 3e-2
    assert "3.0e-02 (C)" in _scoreboard.errors_table(_scoreboard.grouped([two]), SUITE)


def test_a_run_that_diverged_is_the_worst():
    run = planned()[0]
    assert _scoreboard.judged(record(run, error=None), SUITE) == math.inf


def test_the_median_curve_holds_the_last_value():
    slow = (np.array([1.0, 4.0]), np.array([1.0, 0.1]))
    fast = (np.array([0.5, 1.0]), np.array([1e-2, 1e-3]))
    worst = (np.array([1.0, 2.0]), np.array([10.0, 10.0]))
    times, values = _scoreboard.median_curve([slow, fast, worst], count=50)
    assert times[0] == 1.0 and times[-1] == 4.0
    assert values[0] == 1.0 and values[-1] == 0.1


def test_peers_are_compared_by_time_to_their_error_and_error_at_their_time():
    runs = planned(methods=("default", "peer"), seeds=(0,), problems=["square"])
    ours = record(runs[0], times=(1.0, 5.0, 20.0), errors=(1e-1, 1e-3, 1e-6))
    peer = record(runs[1], error=1e-2, times=(2.0, 10.0), errors=(1.0, 1e-2))
    table = _scoreboard.peers_table(_scoreboard.grouped([ours, peer]), SUITE)
    row = [cell.strip() for cell in table.splitlines()[-1].split("|")]
    assert row[4:8] == ["1.0e-02", "10.0", "0.5", "1.0e-01"]
    never = record(runs[0], times=(1.0,), errors=(1.0,))
    assert "not reached" in _scoreboard.peers_table(_scoreboard.grouped([never, peer]), SUITE)


def test_the_picture_is_a_file(tmp_path):
    runs = planned(methods=("default", "peer"))
    _scoreboard.picture([record(run, floor=1e-5) for run in runs], SUITE, tmp_path / "error.png")
    assert (tmp_path / "error.png").stat().st_size > 1000


def test_the_curve_is_that_of_the_parameters_kept():
    rows = [
        {"seconds": 1.0, "fresh": 1.0, "error": 0.5, "coefficient/C": 3.0},
        {"seconds": 1.5, "loss": 0.1},
        {"seconds": 2.0, "fresh": 0.1, "error": 0.2, "coefficient/C": 1.5},
        {"seconds": 3.0, "fresh": 0.4, "error": 0.01, "coefficient/C": 1.0},
    ]
    assert curve(rows, {"C": 1.0}) == {
        "seconds": [1.0, 2.0, 3.0],
        "error": [0.5, 0.2, 0.2],
        "coefficients": [2.0, 0.5, 0.5],
    }


def test_the_watch_measures_the_reference_as_exact():
    problem = diffusion_inverse()
    watch = Watch(problem, seconds=100.0, every=0.0)
    watch.begin()
    assert not watch.step(lambda x: np.exp(-x[:, 1:]) * np.sin(np.pi * x[:, :1]), {"C": 1.1})
    assert watch.history["error"][0] < 1e-14 and watch.coefficient_errors()["C"] == pytest.approx(0.1)
    assert watch.step(lambda x: 0 * x[:, 0], {"C": 1.0}) is False and watch.history["error"][1] == 1.0
    assert Watch(poisson_2d(), seconds=0.0).over


def test_a_run_has_a_process_of_its_own_and_is_found_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmark"])
    arguments = {
        "suite": SUITE,
        "known_methods": METHODS,
        "seeds": [0],
        "folder": str(tmp_path),
        "problems": ["square"],
    }
    benchmark.benchmark(methods=["narrow"], seconds=20.0, threads=1, **arguments)
    (found,) = _results.read(tmp_path / "results.jsonl")
    assert found["status"] == "done" and found["steps"] == 2 and found["threads"] == 1 and found["revision"]
    assert set(found["times"]) == set(_scoreboard.TIMES) and all(value >= 0 for value in found["times"].values())
    assert sum(found["times"].values()) <= found["wall"]
    assert "| square | narrow |" in (tmp_path / "table.md").read_text() and (tmp_path / "error.png").exists()
    monkeypatch.setattr(benchmark, "perform", None)
    benchmark.benchmark(methods=["narrow"], seconds=20.0, threads=1, **arguments)
    benchmark.benchmark(methods=["default"], seconds=20.0, threads=1, only_report=True, **arguments)
    assert "Nothing is finished yet" in capsys.readouterr().out


def test_a_failure_is_on_file_with_its_reason(tmp_path):
    bad = Run("square", "default", 0, 1.0, 1, {"problem": {"_target_": "pinn.problems.none"}, "method": {}})
    found = benchmark.perform(bad, sys.executable)
    assert found["status"] == "failed" and "cannot be found" in found["reason"]


def test_every_problem_of_the_suite_has_a_target_and_every_method_is_a_call():
    arguments = {key: value for key, value in CONFIGURATION.items() if key != "hydra"}
    check(benchmark.benchmark, arguments)
    suite, methods = CONFIGURATION["suite"], CONFIGURATION["known_methods"]
    runs = benchmark.plan(suite, methods, list(methods), [0], None, 120.0, 2)
    assert len({run.problem for run in runs}) == len(suite) == 20
    for name, entry in suite.items():
        assert 0 < entry["target"] < 1 and entry.get("by", "error") in ("error", "coefficients"), name
        assert target(entry["problem"], name) is not None


def test_every_peer_has_a_recipe_for_its_problems():
    peers = {entry["peer"]: entry["problems"] for entry in CONFIGURATION["known_methods"].values() if "peer" in entry}
    assert peers == {name: list(recipes) for name, recipes in RECIPES.items()}
    for name, recipes in RECIPES.items():
        text = (ROOT / "experiments" / "peers" / f"with_{name}.py").read_text()
        functions = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
        assert {"solve", "versions", *recipes} <= functions
        for recipe in recipes.values():
            assert recipe.source and recipe.layers and recipe.schedule and recipe.points


def test_nothing_else_imports_the_peers():
    for path in [*ROOT.glob("pinn/**/*.py"), *ROOT.glob("experiments/**/*.py")]:
        if path.parent.name == "peers":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any({"peers", "deepxde", "pina", "lightning"} & set(name.split(".")) for name in names), path


CLOSED = ("poisson_2d", "helmholtz_1_4", "wave_1d", "diffusion_inverse")


def exact(name, x, y):
    """The solutions in torch; y is t where there is a time."""
    pi = math.pi
    return {
        "poisson_2d": lambda: torch.sin(pi * x) * torch.sin(pi * y),
        "helmholtz_1_4": lambda: torch.sin(pi * x) * torch.sin(4 * pi * y),
        "wave_1d": lambda: (
            torch.sin(pi * x) * torch.cos(2 * pi * y) + 0.5 * torch.sin(4 * pi * x) * torch.cos(8 * pi * y)
        ),
        "diffusion_inverse": lambda: torch.exp(-y) * torch.sin(pi * x),
    }[name]()


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.filterwarnings("ignore")
def test_the_exact_solution_solves_what_pina_is_given(name):
    pytest.importorskip("pina")
    from experiments.peers import with_pina

    stated = with_pina.PROBLEMS[name](RECIPES["pina"][name])
    generator = torch.Generator().manual_seed(0)
    for box, residual in stated.conditions.values():
        columns = [
            low + (high - low) * torch.rand(50, 1, generator=generator, dtype=torch.float64)
            for low, high in (extent if isinstance(extent, list) else [extent, extent] for extent in box.values())
        ]
        points = with_pina.LabelTensor(torch.cat(columns, dim=1), list(box)).requires_grad_(True)
        u = exact(name, *(points.extract([key]) for key in box))
        u.labels = ["u"]
        unknown = [{"C": 1.0}] if residual.__code__.co_argcount == 3 else []
        assert float(residual(points, u, *unknown).abs().max()) < 1e-9


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.filterwarnings("ignore")
def test_the_exact_solution_solves_what_deepxde_is_given(name, monkeypatch):
    monkeypatch.setenv("DDE_BACKEND", "pytorch")
    pytest.importorskip("deepxde")
    from experiments.peers import with_deepxde

    data, _, more = with_deepxde.PROBLEMS[name](RECIPES["deepxde"][name])
    for unknown in more.get("coefficients", {}).values():
        unknown.data.fill_(1.0)
    x = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    assert float(data.pde(x, exact(name, x[:, 0:1], x[:, 1:2])).abs().max()) < 1e-9


@pytest.mark.parametrize("name", CLOSED)
def test_the_reference_is_that_solution(name):
    problem = build(target(CONFIGURATION["suite"][name]["problem"], ""), CONFIGURATION["suite"][name]["problem"])
    points = problem.domain.grid(7)
    columns = [points.column(coordinate) for coordinate in problem.coordinates]
    np.testing.assert_allclose(problem.exact(points)["u"], exact(name, *columns).numpy(), atol=1e-13)


def test_points_are_points_and_rows_are_rows():
    last = solve(lorenz_inverse(), steps=1, progress=False).history[-1]
    assert last["rows"] == 3 * last["points"]  # three fields at each point
