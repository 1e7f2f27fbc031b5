"""The command line: every option without a prefix, everything checked before a run, a folder of results after it."""

import csv
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import pinn.problems
from experiments.command_line.catalogue import package_of
from experiments.command_line.configuration import arguments, build, check, target
from experiments.command_line.overrides import CONF, prepare
from pinn.problems import poisson_2d
from pinn.solution import History, Solution
from pinn.solver import solve

SMALL = ("network=mlp", "network.width=4", "network.depth=1", "steps=2", "problem=poisson_2d")


def refusal(command, capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        command("steps=1", *arguments)
    assert ended.value.code == 2 and list(Path.cwd().iterdir()) == [], "it started before it refused"
    return capsys.readouterr().err


def test_a_run_leaves_a_folder(drawing_command, tmp_path, capsys):
    drawing_command(*SMALL, "hydra.run.dir=run", "seed=3")
    folder = tmp_path / "run"
    names = {path.name for path in folder.iterdir()}
    pictures = {"solution.png", "history.png", "trace.png"}
    assert names >= {"config.yaml", "metrics.json", "report.txt", "history.csv", "solution.pt", *pictures}
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["seed"] == 3 and metrics["steps"] == 2 and metrics["parameters"] == 2 * 4 + 4 + 4 + 1
    with (folder / "history.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2"]
    assert len(History.load(folder / "history.csv")) == 2
    assert Solution.load(folder / "solution.pt", poisson_2d()).error() == pytest.approx(metrics["error"])
    assert all((folder / name).stat().st_size > 1000 for name in pictures)
    assert f"written to {folder}" in capsys.readouterr().out


def test_the_configuration_of_a_run_is_enough_to_repeat_it(command, tmp_path):
    command(*SMALL, "hydra.run.dir=run", "progress=false")
    written = OmegaConf.to_container(OmegaConf.load(tmp_path / "run" / "config.yaml"))
    call = {key: value for key, value in written.items() if value}
    check(solve, call)
    assert build(solve, {**call, "progress": False}).error() == pytest.approx(
        json.loads((tmp_path / "run" / "metrics.json").read_text())["error"], rel=1e-6
    )


def test_a_sweep_runs_every_combination(command, tmp_path):
    command(*SMALL, "--multirun", "steps=1", "verify=false", "network.width=3,4", "seed=0,1", "hydra.sweep.dir=sweep")
    metrics = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("sweep/*/metrics.json"))]
    assert sorted((one["parameters"], one["seed"]) for one in metrics) == [(13, 0), (13, 1), (17, 0), (17, 1)]


def test_the_configuration_can_be_shown(command, capsys, tmp_path):
    command("--cfg", "job", "problem=burgers", "problem.nu=0.02", "seconds=3")
    shown = OmegaConf.create(capsys.readouterr().out)
    assert shown.problem == {"_target_": "pinn.problems.burgers", "nu": 0.02} and shown.seconds == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["network=mlp", "network.width=wide"], "error: network.width: expected int, got 'wide'\n"),
        (["network=mlp", "network.widht=3"], "error: network.widht: MLP() has no such option; did you mean width?"),
        (["network.width=3"], "error: network.width: network is left to the program, so there is nothing to set;"),
        (["secnds=3"], "error: secnds: solve() has no such option; did you mean seconds or"),
        (["seconds=soon"], "error: seconds: expected float or null, got 'soon'\n"),
        (["problem=burgerz"], "error: problem=burgerz: no such choice; did you mean burgers? choose among allen_cahn"),
        (["problem.nuu=1"], "error: problem.nuu: burgers() has no such option; did you mean nu? choose among nu\n"),
        (["problem._target_=nowhere.f"], "error: problem._target_: 'nowhere.f' is not trusted and was not imported;"),
        (["burgers"], "error: 'burgers': expected key=value, such as problem=burgers"),
        (["problem.nu=[1"], "error: 'problem.nu=[1' cannot be read:"),
        (["-m", "problem=heat_1d,burgerz"], "error: problem=burgerz: no such choice"),
        (["-m", "problem=burgers,heat_1d", "problem.nu=1"], "error: problem.nu: heat_1d() has no such option"),
        (["-m", "seed=0,first"], "error: seed: expected int, got 'first'\n"),
        (["strict=perhaps"], "error: strict: expected bool; give strict=true or leave it out\n"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(command, capsys, arguments, message):
    error = refusal(command, capsys, *arguments)
    assert error.startswith(message) and "Traceback" not in error


def test_an_error_of_a_constructor_is_one_clear_error(command, capsys):
    with pytest.raises(SystemExit) as ended:
        command(*SMALL, "seconds=-1")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(
        "error: solve: got seconds=-1, expected a positive finite number; give seconds > 0"
    )


def test_a_failed_check_is_one_clear_error(command, capsys, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wrong.py").write_text(
        "import dataclasses\n"
        "from pinn.problems import heat_1d\n"
        "from pinn.reference import Analytic\n"
        "def heat():\n"
        "    return dataclasses.replace(heat_1d(), reference=Analytic(lambda x, t: x * t))\n"
    )
    with pytest.raises(SystemExit) as ended:
        command(*SMALL[:-1], "problem._target_=wrong.heat", "trusted=[wrong]", "hydra.run.dir=run")
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: refusing to train, these comparisons failed: equation: residual of the reference")
    assert "Traceback" not in error and not (tmp_path / "run").exists()


def test_overrides_are_marked_for_hydra(command):
    command("problem=burgers", "problem.nu=1", "++seed=1", "hydra.run.dir=x", function=lambda: prepare("config", solve))
    assert sys.argv[1:] == ["problem=burgers", "++problem.nu=1", "++seed=1", "hydra.run.dir=x"]


def test_a_problem_of_ones_own(command, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.py").write_text("from pinn.problems import heat_1d as slow\n")
    own = ("problem._target_=mine.slow", "trusted=[mine]", "problem.conductivity=0.1")
    command(*SMALL[:-1], *own, "hydra.run.dir=run")
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["problem"] == "heat_1d"


@pytest.mark.parametrize("name", pinn.problems.__all__)
def test_every_problem_has_a_configuration(name):
    assert OmegaConf.load(CONF / "problem" / f"{name}.yaml") == {"_target_": f"pinn.problems.{name}"}


@pytest.mark.parametrize("path", sorted(CONF.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}={path.stem}")
def test_every_choice_is_a_call_that_a_constructor_takes_and_repeats_no_default(path):
    content = OmegaConf.to_container(OmegaConf.load(path), resolve=True) or {}
    given(content)
    call = {"problem": {"_target_": "pinn.problems.poisson_2d"}} | nested(package_of(path, path.parent.name), content)
    check(solve, call)
    try:
        made = arguments(solve, call)
    except ImportError as missing:  # of an extra that is not installed here
        assert "pip install" in str(missing)
        made = {}
    assert not any(isinstance(value, dict) for value in made.values()), "a call that was not made"
    for node in calls(content):
        parameters = inspect.signature(target(node, "")).parameters
        for key, value in node.items():
            if key in parameters and not isinstance(value, (dict, list)):
                default = parameters[key].default
                assert value != default, f"{path.name}: {key}={value} is what {node['_target_']} does anyway"


def nested(group, content):
    """A group's file as a part of the root, where it says so or under its own name."""
    return {group: content} if content else {}


def given(content):
    """What a file leaves to the user, given in place: all of it is a place so far."""
    for key, entry in content.items():
        if entry == "???":
            content[key] = {"x": 0.5}
        elif isinstance(entry, dict):
            given(entry)


def calls(content):
    found = [content] if isinstance(content, dict) and "_target_" in content else []
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else []
    return found + [node for entry in inner for node in calls(entry)]


def test_groups_are_the_arguments_of_solve():
    found = {package_of(path, path.parent.name) for path in CONF.glob("*/*.yaml")}
    assert found <= set(inspect.signature(solve).parameters)


def test_the_module_ends_with_code_2(tmp_path):
    command = [sys.executable, "-m", "experiments.train", "seconds=soon"]
    done = subprocess.run(command, cwd=CONF.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: seconds: expected float or null, got 'soon'\n")


@pytest.mark.slow
def test_the_exit_code_agrees_with_report_and_metrics(command, tmp_path, capsys):
    def run(*arguments):
        try:
            command(*arguments, "verify=false", "progress=false")
        except SystemExit as ended:
            return ended.code
        return 0

    assert run(*SMALL, "--strict", "hydra.run.dir=bad") == 3
    assert run(*SMALL, "hydra.run.dir=lax") == 0
    right = ("network=mlp", "network.width=16", "steps=40", "problem=oscillator")
    assert run(*right, "strict=true", "hydra.run.dir=good") == 0
    told = capsys.readouterr().out
    for name, trusted in (("bad", False), ("lax", False), ("good", True)):
        metrics = json.loads((tmp_path / name / "metrics.json").read_text())
        said = (tmp_path / name / "report.txt").read_text().splitlines()[0]
        assert metrics["trusted"] is trusted and metrics["verdict"] in said and said in told
        assert (tmp_path / name / "report.md").read_text().startswith(f"# {said}")
        assert (tmp_path / name / "report.html").exists()


def test_a_strict_sweep_needs_every_answer(command):
    with pytest.raises(SystemExit) as ended:
        command(*SMALL, "--strict", "-m", "verify=false", "steps=1,2", "hydra.sweep.dir=sweep")
    assert ended.value.code == 3
