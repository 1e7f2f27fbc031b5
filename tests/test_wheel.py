"""A wheel carries the library, its configuration and its applications: installed elsewhere, it runs from anywhere."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "runs", "outputs", "multirun")


def call(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source = tmp_path_factory.mktemp("source") / "pinn"
    shutil.copytree(ROOT, source, ignore=LEFT_OUT)
    call(sys.executable, "-m", "build", "--wheel", "--outdir", str(source.parent), cwd=source)
    return next(source.parent.glob("pinn-*.whl"))


@pytest.mark.slow
def test_wheel_carries_everything(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    for path in [*ROOT.glob("pinn/**/*.py"), ROOT / "pinn" / "py.typed"]:
        assert path.relative_to(ROOT).as_posix() in held
    for path in [*ROOT.glob("experiments/**/*.py"), *ROOT.glob("conf/**/*.yaml")]:
        assert "pinn/" + path.relative_to(ROOT).as_posix() in held
    assert all(name.startswith("pinn") for name in held), "the wheel puts other names into site-packages"


@pytest.mark.slow
def test_wheel_runs_from_an_empty_folder(wheel, tmp_path):
    environment, empty = tmp_path / "environment", tmp_path / "empty"
    empty.mkdir()
    call(sys.executable, "-m", "venv", str(environment), cwd=tmp_path)
    python = environment / "bin" / "python"
    constraints = str(ROOT / "constraints.txt")
    call(str(python), "-m", "pip", "install", "--quiet", "-c", constraints, str(wheel), cwd=empty)
    call(str(environment / "bin" / "pinn"), "problem=poisson_2d", "seconds=5", "hydra.run.dir=run", cwd=empty)
    metrics = json.loads((empty / "run" / "metrics.json").read_text())
    assert metrics["error"] < 1e-3
    for name in ("config.yaml", "history.csv", "solution.pt", "solution.png", "history.png"):
        assert (empty / "run" / name).stat().st_size > 0
