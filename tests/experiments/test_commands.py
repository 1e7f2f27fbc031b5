"""The commands beside solving: problems, show, new, compare; and what a run writes beside its own files."""

import csv
import dataclasses
import importlib.util
import json
import re
import runpy
import sys

import meshio
import numpy as np
import pytest
import xarray

import pinn.problems
from experiments import __main__ as entry
from experiments import compare, new, problems, show
from experiments.command_line import catalogue, writing
from experiments.command_line.errors import ConfigurationError
from pinn import Box, Constraint, Problem, d, solve
from pinn.formulas import formulas
from pinn.problems import heat_1d, oscillator, poisson_5d, wave_1d
from pinn.solution import Solution

SMALL = ("network=mlp", "network.width=4", "network.depth=1", "steps=1", "verify=false", "certify=false")


def said(command, capsys, *arguments):
    """The code and the error of a command that is refused."""
    with pytest.raises(SystemExit) as ended:
        command(*arguments, function=entry.main, name="pinn")
    return ended.value.code, capsys.readouterr().err


def test_every_problem_has_its_line(command, capsys):
    command("problems", function=entry.main)
    lines = capsys.readouterr().out.splitlines()
    for name in pinn.problems.__all__:
        assert any(line.startswith(f"{name} ") and line.endswith(".") for line in lines)
    assert problems.problems()["heat_1d"] == "Heat conduction on a rod whose ends are kept at zero."


def test_a_problem_is_shown(command, capsys, tmp_path):
    command("show", "problem=burgers_inverse", "problem.observations=7", function=entry.main)
    shown = capsys.readouterr().out
    assert "outputs      u(x, t)" in shown and "-nu*u_xx + u*u_x + u_t = 0   on domain\n" in shown
    assert "u + sin(pi*x) = 0   on domain.face(t=0)" in shown and "truly 0.0031831" in shown
    assert "on domain.face(x=-1) | domain.face(x=1)" in shown and "Scatter(7 points" in shown
    assert (tmp_path / "outputs" / "problems" / "burgers_inverse.png").stat().st_size > 10_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outputs"]


def test_a_problem_without_reference_is_shown_by_its_points(tmp_path):
    bare = dataclasses.replace(heat_1d(), reference=None)
    show.picture(bare, tmp_path / "plane.png")
    line = Box(x=(0, 1))
    ode = Problem(line, ["u"], {"equation": Constraint(lambda u, x: d(u, x) - u, on=line)}, name="ode")
    show.picture(ode, tmp_path / "line.png")
    assert all((tmp_path / name).stat().st_size > 4_000 for name in ("plane.png", "line.png"))
    assert "none: errors are estimated" in show.described(ode) and "u_x = 0" in show.described(ode)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["problem=burgerz"], "error: problem=burgerz: no such choice; did you mean burgers"),
        (["problem=burgers,heat_1d"], "error: problem: expected one value; give one at a time"),
        (["problem.nu=-1"], "error: burgers: got nu=-1, expected a positive finite number; give nu > 0"),
        (["problem._target_=mine.heat"], "error: problem._target_: 'mine.heat' is not trusted"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_line(command, capsys, arguments, message):
    code, error = said(command, capsys, "show", *arguments)
    assert code == 2 and error.startswith(message) and len(error.splitlines()) == 1


@pytest.mark.parametrize("name", pinn.problems.__all__)
def test_every_equation_of_the_library_is_a_formula(name):
    made = getattr(pinn.problems, name)()
    for constraint in made.constraints:
        for formula in formulas(made, constraint):
            assert any(output in formula for output in made.outputs) and "function(" not in formula


def test_formulas_are_those_of_the_paper():
    """A formula is true of the exact solution: written as code again, it vanishes on the reference."""
    assert formulas(wave_1d(), "equation") == ("u_tt - 4*u_xx",)
    assert formulas(wave_1d(), "position") == ("u - sin(pi*x) - sin(4*pi*x)/2",)
    assert formulas(oscillator(), "velocity") == ("u_t",)
    x, t = 0.3, 0.7
    a, k = np.pi, 2 * np.pi
    one, four = np.sin(a * x) * np.cos(k * t), 0.5 * np.sin(4 * a * x) * np.cos(4 * k * t)
    values = {"u_tt": -(k**2) * (one + 16 * four), "u_xx": -(a**2) * (one + 16 * four)}
    assert eval(formulas(wave_1d(), "equation")[0], values) == pytest.approx(0, abs=1e-12)


def test_what_is_no_formula_is_called_by_name():
    line = Box(x=(0, 1))

    def switched(u, x):
        return d(u, x) - (u if (x > 0.5).any() else -u)

    made = Problem(line, ["u"], {"equation": Constraint(switched, on=line)})
    assert formulas(made, "equation") == ("switched(u, x)",)


def test_a_new_file_runs_as_it_is(command, capsys, tmp_path, monkeypatch):
    command("new", "my_problem", function=entry.main)
    told = capsys.readouterr().out
    assert "pinn problem._target_=my_problem.my_problem trusted=[my_problem] seconds=20" in told
    assert "python my_problem.py" in told and "problem.k=0.05,0.1,0.2" in told
    monkeypatch.setattr("pinn.solution.Solution.plot", lambda solution, path: None)
    quick = {"steps": 1, "progress": False, "features": None, "certify": False}
    monkeypatch.setattr("pinn.solve", lambda problem, seconds: solve(problem, **quick))
    ran = runpy.run_path(str(tmp_path / "my_problem.py"), run_name="__main__")
    assert ran["solution"].report.checked > 5 and "u(0.5, 0.5) = " in capsys.readouterr().out
    assert Solution.load(tmp_path / "my_problem.pt", ran["my_problem"]()).problem.name == "my_problem"
    monkeypatch.syspath_prepend(tmp_path)
    command("show", "problem._target_=my_problem.my_problem", "trusted=[my_problem]", function=entry.main)
    assert "-k*u_xx + u_t = 0" in capsys.readouterr().out
    sys.modules.pop("my_problem")


@pytest.mark.parametrize("name", ["my-problem", "json", "3d", "torch", "numpy", "My_Problem", "class"])
def test_a_new_file_has_a_name_of_its_own(tmp_path, name):
    with pytest.raises(ValueError, match=f"^pinn new {name}: expected a name that a module of your own can have; give"):
        new.new(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_written_over(command, capsys, tmp_path):
    (tmp_path / "mine.py").write_text("precious\n")
    code, error = said(command, capsys, "new", "mine.py")
    assert code == 2 and error == "error: mine.py: there is such a file, and it stays; give another name\n"
    assert (tmp_path / "mine.py").read_text() == "precious\n"


def test_runs_write_what_is_listed_and_are_compared(command, capsys, tmp_path, monkeypatch):
    """Two runs by an optimizer of torch, which `optimizer.name` chooses."""
    exported = []
    monkeypatch.setattr(Solution, "export", lambda solution, path: exported.append(path.name))
    several = "[{vtk:{places:21}},{animation:{frames:2,fps:4}},netcdf,{csv:{points:30}},program]"
    for name, rate, write in (("one", "1e-3", several), ("two", "1e-2", "[]")):
        chosen = ("optimizer=torch", "optimizer.name=RMSprop", f"optimizer.lr={rate}", f"write={write}")
        command("problem=heat_1d", *SMALL, *chosen, "features=null", f"hydra.run.dir=runs/{name}")
    capsys.readouterr()
    command("compare", "runs/one", "runs/two", "--picture", "seen.png", function=entry.main)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["run", "optimizer.lr"]
    assert [line.split()[:2] for line in lines[1:3]] == [["one", "0.001"], ["two", "0.01"]]
    metrics = json.loads((tmp_path / "runs/two/metrics.json").read_text())
    assert f" {metrics['error']:.3g} " in lines[2] and f" {metrics['verdict']}" in lines[2]
    assert lines[3] == "picture: seen.png" and (tmp_path / "seen.png").stat().st_size > 5_000
    folder = tmp_path / "runs" / "one"
    solution = Solution.load(folder / "solution.pt", heat_1d())
    mesh = meshio.read(folder / "solution.vtu")
    middle = np.abs(mesh.points[:, :2] - [0.5, 0.25]).sum(axis=1).argmin()
    assert mesh.point_data["u"][middle] == pytest.approx(float(solution(*mesh.points[middle, :2])))
    with xarray.open_dataset(folder / "solution.nc", engine="scipy") as data:
        assert float(data.u[50, 25]) == pytest.approx(float(solution(data.x[50], data.t[25])))
    with (folder / "solution.csv").open() as file:
        table = list(csv.DictReader(file))
    first = {key: float(value) for key, value in table[0].items()}
    assert len(table) == 30 and len(mesh.points) == 21**2
    assert first["u"] == pytest.approx(float(solution(first["x"], first["t"])))
    assert (folder / "animation.gif").read_bytes()[:4] == b"GIF8" and exported == ["solution.pt2"]


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (["nowhere", "runs"], "error: nowhere: there is no such folder; give the folder of a run that ended"),
        (["runs", "runs"], "error: runs: holds no metrics.json; give the folder of a run that ended"),
        (["runs"], "error: pinn compare: one run is given, expected two or more; name another folder"),
        (["torn", "torn"], "error: torn: cannot be read ("),
    ],
)
def test_what_is_no_run_is_said_in_a_line(command, capsys, tmp_path, runs, message):
    for name in ("runs", "torn"):
        (tmp_path / name).mkdir()
    (tmp_path / "torn" / "metrics.json").write_text("{")
    code, error = said(command, capsys, "compare", *runs)
    assert code == 2 and error.startswith(message) and len(error.splitlines()) == 1


def test_the_same_run_twice_is_no_comparison(tmp_path):
    run = compare.Run(tmp_path, {}, {}, compare.History())
    with pytest.raises(ValueError, match="the same run is given twice; name each once"):
        compare.labelled([run, run])
    other = dataclasses.replace(run, folder=tmp_path.parent / "other" / tmp_path.name)
    assert [label.rpartition("/")[2] for label in compare.labelled([run, other])] == [tmp_path.name] * 2


def test_an_unknown_command_is_said_in_a_line(command, capsys):
    code, error = said(command, capsys, "problms")
    assert code == 2 and error.startswith(
        "error: 'problms' is no command; did you mean problems? choose among compare,"
    )
    code, error = said(command, capsys, "heat_1d")
    assert (code, error) == (2, "error: 'heat_1d' is a problem and no command; to solve it, give problem=heat_1d\n")


def test_what_a_verb_takes_is_said_before_training(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "meshio" else found(name))
    with pytest.raises(ConfigurationError) as refused:
        writing.validate_names(["animation", "vtk"])
    assert str(refused.value) == (
        'write: vtk takes meshio, which is not installed; pip install "pinn[export]" brings it'
    )
    writing.validate_names(["animation", "csv"])
    for name, wanted in (
        ("animation", "a coordinate t and one of space"),
        ("vtk", "one to three coordinates beside those that it is held at"),
    ):
        with pytest.raises(
            ConfigurationError, match=f"^write: {name} takes {wanted}, and 'poisson_5d' has x1, .*leave"
        ):
            writing.validate_problem([name], poisson_5d())
    writing.validate_problem(list(writing.VERBS), heat_1d())
    writing.validate_problem([{"vtk": {"at": {"x1": 0.5, "x2": 0.5}}}], poisson_5d())
    for one, message in (
        ({"animation": {"over": "z"}}, "write: animation got over='z', which 'heat_1d' has not; choose among t, x"),
        ({"vtk": {"at": {"z": 1}}}, "write: vtk is held at 'z', which 'heat_1d' has not; choose among t, x"),
        ({"animation": {"output": "v"}}, "write: animation got output='v', which 'heat_1d' has not; choose among u"),
    ):
        with pytest.raises(ConfigurationError, match=re.escape(message)):
            writing.validate_problem([one], heat_1d())
    assert set(writing.VERBS) == set(catalogue.WRITTEN)


def test_a_refused_verb_leaves_nothing(command, capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        command("problem=oscillator", "write=[animation]", "hydra.run.dir=run")
    assert ended.value.code == 2 and not (tmp_path / "run").exists()
    assert capsys.readouterr().err.startswith("error: write: animation takes a coordinate t and one of space, and 'osc")
