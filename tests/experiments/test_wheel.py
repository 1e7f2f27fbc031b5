"""A wheel carries the library, its configuration and its applications: installed elsewhere, it runs from anywhere.

The clean environment holds nothing but the wheel; what the wheel depends on is lent to it through a `.pth` file instead
of being downloaded again, and that the dependencies it declares are all that it imports is checked on its own.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "outputs", "multirun")
HOLDERS = (ast.stmt, ast.excepthandler, ast.match_case)  # of statements, imports among them


def call(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def pip(*arguments, cwd):
    return call(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pinn", "experiments", "conf"):
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    pip("wheel", ".", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", "dist", cwd=folder)
    return next(folder.glob("dist/pinn-*.whl"))


def test_a_wheel_carries_everything(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    for path in [*ROOT.glob("pinn/**/*.py"), ROOT / "pinn" / "py.typed"]:
        assert path.relative_to(ROOT).as_posix() in held
    for path in [*ROOT.glob("experiments/**/*.py"), *ROOT.glob("conf/**/*.yaml")]:
        assert "pinn/" + path.relative_to(ROOT).as_posix() in held
    assert all(name.startswith("pinn") for name in held), "the wheel puts other names into site-packages"


def test_a_wheel_declares_what_it_imports(wheel):
    """What a module imports at its top is a dependency; what a function imports may be that of an extra."""
    archive = zipfile.ZipFile(wheel)
    metadata = Parser().parsestr(archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA"))).decode())
    lines = {True: metadata.get_all("Requires-Dist")}
    lines[False] = [line for line in lines[True] if "extra ==" not in line]
    declared = {extra: {re.match(r"[\w.-]+", line).group().lower() for line in lines[extra]} for extra in lines}
    owners = packages_distributions()
    for path in [*ROOT.glob("pinn/**/*.py"), *ROOT.glob("experiments/*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for inside in (False, True):
            for top in imported(tree, inside) - {"pinn", *sys.stdlib_module_names}:
                own = {name.lower() for name in owners[top]} if top in owners else {top}
                assert own & declared[inside], f"{path} imports {top}, which is not declared"


def imported(tree, inside):
    """Top-level names of the packages that a module imports, relative imports and those for types alone left out.

    Args:
        tree: of the module.
        inside: with the imports inside of functions.
    """
    found, left = set(), [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            left += node.orelse
        elif inside or not isinstance(node, ast.FunctionDef):
            left += (one for one in ast.iter_child_nodes(node) if isinstance(one, HOLDERS))
    return found


@pytest.mark.slow
def test_a_wheel_runs_from_an_empty_folder(wheel, tmp_path):
    environment, empty = tmp_path / "environment", tmp_path / "empty"
    empty.mkdir()
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel), cwd=empty)
    own = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=empty).strip())
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (own / "lent.pth").write_text("\n".join(sorted(lent)) + "\n", encoding="utf-8")
    assert call(python, "-c", "import pinn; print(pinn.__file__)", cwd=empty).startswith(str(own))

    assert "network.width=50" in call(environment / "bin" / "pinn", "--help", cwd=empty)
    assert "\nheat_1d " in call(environment / "bin" / "pinn", "problems", cwd=empty)
    shown = call(environment / "bin" / "pinn", "problem=poisson_2d", "steps=40", cwd=empty)
    assert re.search(r"^poisson_2d: trusted to a relative error of \d", shown, re.MULTILINE)
    (run,) = empty.glob("outputs/poisson_2d/*")
    assert json.loads((run / "metrics.json").read_text())["error"] < 1e-2
    for name in ("config.yaml", "report.txt", "history.csv", "solution.pt", "solution.png", "history.png", "trace.png"):
        assert (run / name).stat().st_size > 0, name
