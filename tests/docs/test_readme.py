"""The README tells the truth: its snippets run, in its order, and the commands and files that it names exist."""

import re
import shlex
from pathlib import Path

import pytest

from experiments.command_line.overrides import prepare
from pinn.solver import solve

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
COMMANDS = [
    line.partition("#")[0].strip()
    for language, code in BLOCKS
    if language == "bash"
    for line in code.splitlines()
    if line.strip()
]
FILES = re.findall(r"`([\w/]+\.yaml)`:\n\n```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def shortened(code):
    """The same with a few steps of training instead of seconds, in Python, on the command line or in YAML."""
    return re.sub(r"\bseconds(=|: )\d+", r"steps\g<1>2", code)


def heading(code):
    """The heading that a snippet stands under."""
    return re.findall(r"^## (.*)$", TEXT[: TEXT.index(code)], re.MULTILINE)[-1]


@pytest.mark.slow
@pytest.mark.parametrize("code", PYTHON, ids=heading)
def test_python(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(shortened(code), "README.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out, "it shows nothing"
    written = re.findall(r"(?:\.(?:plot|save|save_html)\(|checkpoint=)\"([\w.]+)\"\)", code)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(written)


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in COMMANDS if not line.startswith(("make", "pip"))])
def test_command(command, tmp_path, line):
    for name, content in FILES:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "experiments.train"]
    command(*words[3:], function=lambda: prepare("config", solve))  # as it stands: every option is checked
    for name, content in FILES:
        (tmp_path / name).write_text(shortened(content), encoding="utf-8")
    command(*shlex.split(shortened(line))[3:])
    reports = ("report.html", "report.md", "report.txt")
    runs = {path.parent for path in tmp_path.glob("outputs/**/metrics.json")}
    assert len(runs) == (4 if "--multirun" in line else 1)
    for run in runs:
        names = {path.name for path in run.iterdir()}
        assert names >= {"config.yaml", "metrics.json", "history.csv", "solution.pt", "solution.png", *reports}


def test_make_knows_its_targets():
    targets = re.findall(r"`?make (\w+)`?", TEXT)
    assert {"demo", "test"} <= set(targets)
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"^{target}:", rules, re.MULTILINE), f"no rule for make {target}"


def test_the_order_is_that_of_a_newcomer():
    parts = [
        r"`pinn` solves differential equations",
        r"!\[.*\]\(docs/burgers\.png\)",
        r"pip install",
        r"make demo",
        r"## Burgers' equation in Python",
        r"## Burgers' equation in YAML",
        r"## Derivatives alone",
        r"## A problem of your own, from an empty file",
    ]
    places = [re.search(part, TEXT) for part in parts]
    assert all(places)
    assert [place.start() for place in places] == sorted(place.start() for place in places)


def test_it_is_a_screen_and_a_half():
    assert len(TEXT.splitlines()) < 170


def test_modules_and_files_that_it_names_exist():
    for name in re.findall(r"python -m ([\w.]+)", TEXT):
        assert ROOT.joinpath(*name.split(".")).with_suffix(".py").exists(), name
    for name in re.findall(r"\]\(([\w/.]+)\)", TEXT):
        assert (ROOT / name).exists(), name
