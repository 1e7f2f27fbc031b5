"""Help and completion: all that can be chosen and set, with defaults and meanings, without loading torch."""

import inspect
import shutil
import subprocess
import sys

import pytest
import torch

import pinn.problems
from experiments.command_line import catalogue, completion
from experiments.command_line.annotations import annotations_of
from experiments.command_line.catalogue import CONF
from experiments.command_line.configuration import target
from experiments.command_line.errors import ConfigurationError
from experiments.command_line.help_text import help_text
from experiments.command_line.sources import callee
from experiments.command_line.telling import told
from experiments.train import APART
from pinn.solver import solve

CHOICES = [(group, choice) for group, choices in catalogue.groups([CONF]).items() for choice in sorted(choices)]


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=["=".join(pair) for pair in CHOICES])
def test_the_sources_say_what_the_constructors_take(group, choice):
    """The slow twin of what is read from sources is what Python says of the imported constructor."""
    for call in catalogue.calls([CONF], group, choice):
        function = target({"_target_": call.callee.name}, "")
        parameters = inspect.signature(function).parameters
        assert [option.name for option in call.callee.options] == [
            name for name, one in parameters.items() if one.kind is not one.VAR_KEYWORD
        ]
        names = vars(sys.modules[function.__module__])
        for option in call.callee.options:
            default = parameters[option.name].default
            if default is inspect.Parameter.empty:
                assert option.default == ""
            elif isinstance(default, (bool, int, float, str, tuple, type(None))):
                assert eval(option.default, dict(names)) == default
        for option in call.callee.settable:
            assert option.meaning, f"{call.callee.name}: the docstring says nothing of {option.name}"
            assert option.name in annotations_of(function)


@pytest.mark.parametrize("name", catalogue.torch_optimizers())
def test_every_class_of_torch_is_described(name):
    (call,) = catalogue.calls([CONF], "optimizer", "torch", name)
    assert call.callee.summary and next(option.name for option in call.options) == "name"
    taken = set(inspect.signature(getattr(torch.optim, name)).parameters) - {"params"}
    assert {option.name for option in call.callee.options} - {"params"} == taken


def test_the_help_names_everything_with_default_and_meaning():
    text = " ".join(help_text().split())
    for name in set(inspect.signature(solve).parameters) - {"problem", "misspelt", *catalogue.GIVEN}:
        assert f" {name}=" in text, name
    for group, choice in CHOICES:
        assert f" {choice}" in text
        for call in catalogue.calls([CONF], group, choice):
            for option in call.options:
                assert f"{call.path}.{option.name}={option.default} {option.meaning[:25]}".strip() in text
    assert all(f" {name}=" in text for name in set(APART) - set(catalogue.GIVEN))


def test_the_help_of_one_choice():
    text = help_text(["optimizer=torch", "optimizer.name=SGD"])
    assert "optimizer.momentum=0" in text and "problem" not in text
    assert help_text(["network"]).count("network.width=50") == 5


def test_defaults_are_written_as_on_the_command_line():
    text = help_text()
    assert "verify=true " in text and "seconds=null " in text and "sampling.method=sobol " in text
    assert "problem.initial=[1.0, 1.0, 1.0]" in text and "features=Features() " in text


def test_a_name_without_source_is_none():
    assert callee("math.sin") is None and callee("nowhere.at.all") is None and callee("pinn.networks.MLPP") is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("pinn prob", ["problems", "problem=", "problem.nu="]),
        ("pinn problem=heli problem=hel", ["problem=helmholtz_2d"]),
        ("pinn network=mlp network.w", ["network.width="]),
        ("pinn network.w", []),
        ("pinn optimizer=torch optimizer.name=SG", ["optimizer.name=SGD"]),
        ("pinn optimizer=torch optimizer.name=SGD optimizer.mo", ["optimizer.momentum="]),
        ("pinn -m problem=burgers,heat", ["problem=burgers,heat_1d"]),
        ("pinn write=[vtk,an", ["write=[vtk,animation"]),
        ("pinn verify=", ["verify=true", "verify=false"]),
        ("pinn sampling=growing_rad sampling.inner.p", ["sampling.inner.power="]),
        ("pinn sampling=growing_rad sampling.inner.method=", []),
        ("pinn device=", ["device=cpu", "device=cuda"]),
        ("pinn --m", ["--multirun"]),
        ("pinn show pr", ["problem=", "problem.nu="]),
        ("pinn compare out", []),
    ],
)
def test_completion(line, found):
    assert [word for word, _ in completion.candidates(line)] == found


def test_completion_reads_a_folder_of_ones_own(tmp_path):
    (tmp_path / "problem").mkdir()
    (tmp_path / "problem" / "mine.yaml").write_text("_target_: pinn.problems.heat_1d\n")
    line = f"pinn --config-dir {tmp_path} problem="
    assert "problem=mine" in [word for word, _ in completion.candidates(line + "mi")]
    assert [word for word, _ in completion.candidates(f"{line}mine problem.c")] == ["problem.conductivity="]


def test_the_line_is_read_up_to_the_cursor():
    asked = {"COMP_LINE": "pinn problem=he seconds=3", "COMP_POINT": "15"}
    assert completion.answer(["query=bash"], asked).split() == ["problem=heat_1d", "problem=helmholtz_2d"]
    assert "\tThe heat equation" in completion.answer(["query=fish"], asked)


@pytest.mark.parametrize("words", [[], ["install"], ["install=tcsh"], ["burn=bash"], ["install=bash", "seed=1"]])
def test_what_no_shell_asks_is_one_line(words):
    with pytest.raises(ConfigurationError, match=r"^-sc .*: expected install, .*; give -sc install=bash$"):
        completion.answer(words)


def test_what_is_told_ends_the_matter(capsys):
    assert told(["-sc", "install=zsh"]) and "compdef _pinn pinn" in capsys.readouterr().out
    assert told(["problem=burgers", "-h"]) and "problem.nu=0.01 / math.pi" in capsys.readouterr().out
    assert told(["--version"]) and capsys.readouterr().out.startswith("pinn ")
    assert not told(["problem=burgers"])
    with pytest.raises(SystemExit) as ended:
        told(["-sc", "install=tcsh"])
    assert ended.value.code == 2 and capsys.readouterr().err.startswith("error: -sc install=tcsh: expected")


_ASK = {
    "bash": """
        complete() { :; }
        eval "$1"
        COMP_LINE="pinn problem=heat" COMP_POINT=17 COMP_WORDBREAKS="=" COMP_WORDS=(pinn)
        _pinn
        echo "${COMPREPLY[@]}"
    """,
    "fish": 'eval "$argv[1]"; complete -C "pinn problem=heat" | string split -f 1 \\t',
}


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_a_shell_completes(shell, tmp_path):
    """The script that is installed, in the shell itself, with `pinn` as this checkout has it."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    script = completion.answer([f"install={shell}"])
    own = tmp_path / "pinn"
    own.write_text(f'#!/bin/sh\nPYTHONPATH="{CONF.parent}" exec "{sys.executable}" -m experiments "$@"\n')
    own.chmod(0o755)
    words = [program, "-c", _ASK[shell], *(["_"] if shell == "bash" else []), script]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.split() == ["heat_1d" if shell == "bash" else "problem=heat_1d"], done.stderr


def test_nothing_that_is_told_loads_torch():
    asked = "import sys; from experiments.command_line.help_text import help_text; from experiments import __main__; "
    asked += "help_text(); print([name for name in ('torch', 'hydra', 'matplotlib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], cwd=CONF.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_private_module_of_hydra_is_imported():
    lines = [
        line
        for path in (CONF.parent / "experiments").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.lstrip().startswith(("from hydra", "import hydra"))
    ]
    assert lines and not any("._" in line or " _" in line for line in lines)


def test_every_problem_has_a_line():
    for name in pinn.problems.__all__:
        (call,) = catalogue.calls([CONF], "problem", name)
        assert call.callee.summary.endswith(".")
