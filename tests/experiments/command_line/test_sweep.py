"""Sweeps: folders that say what varies, a table at the end, wherever the runs went."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.command_line.errors import ConfigurationError
from experiments.command_line.sweep import TABLE, ended, of_sweep

ROOT = Path(__file__).resolve().parents[3]
SMALL = (
    "problem=poisson_2d",
    "network=mlp",
    "network.width=3",
    "network.depth=1",
    "steps=1",
    "verify=false",
    "certify=false",
    "features=null",
    "progress=false",
    "hydra.sweep.dir=sweep",
)


def subfolder(*arguments):
    return of_sweep(["--multirun", *arguments])[-1]


def test_a_folder_is_named_by_what_varies():
    assert of_sweep(["problem=heat_1d"]) == []
    assert subfolder("problem=heat_1d,burgers", "++seed=0,1", "++steps=3") == (
        "hydra.sweep.subdir='${hydra:job.num}_problem-${hydra:runtime.choices.problem}_seed-${seed}'"
    )
    # What is no name is told by the number and the table, as is what would make it too long.
    assert subfolder("++start=a/b,c/d", "++seed=0,1") == "hydra.sweep.subdir='${hydra:job.num}_seed-${seed}'"
    many = [f"++problem.a_rather_long_name_{k}=1,2" for k in range(9)]
    assert subfolder(*many).count("${problem.") == 3
    assert subfolder("seed=0") == "hydra.sweep.subdir='${hydra:job.num}_${hydra:runtime.choices.problem}'"
    assert len(of_sweep(["-m", "++seed=0,1", "hydra.sweep.subdir=mine"])) == 1  # the table alone


def test_ranks_and_launchers_are_one_or_the_other():
    assert of_sweep(["-m", "++seed=0,1", "hydra/launcher=basic"], ranks=2)
    with pytest.raises(ConfigurationError, match=r"^hydra/launcher=joblib: 2 ranks share the points of one run at a "):
        of_sweep(["-m", "++seed=0,1", "hydra/launcher=joblib"], ranks=2)


def test_a_sweep_ends_with_a_table(command, tmp_path, capsys):
    command(*SMALL, "--multirun", "seed=0,1")
    rows = [line.split(" | ") for line in (tmp_path / "sweep" / TABLE).read_text().splitlines()]
    assert [row[0].strip("| ") for row in rows] == ["run", "---", "0_seed-0", "1_seed-1"]
    metrics = [json.loads((tmp_path / "sweep" / row[0].strip("| ") / "metrics.json").read_text()) for row in rows[2:]]
    assert [float(row[rows[0].index("error")]) for row in rows[2:]] == [
        pytest.approx(one["error"], rel=5e-3) for one in metrics
    ]
    said = capsys.readouterr().out
    assert said.rstrip().endswith("written to sweep/table.md") and "1_seed-1  1" in said


def test_runs_are_listed_by_their_numbers(tmp_path):
    for name in ("10_a", "2_b", "mine", "left"):
        (tmp_path / name).mkdir()
        if name != "left":
            (tmp_path / name / "metrics.json").touch()
    assert [one.name for one in ended(tmp_path)] == ["2_b", "10_a", "mine"]
    within = tmp_path / "3_gallery" / "solovev"  # the folder of a run of problem=gallery/solovev
    within.mkdir(parents=True)
    (within / "metrics.json").touch()
    assert ended(tmp_path)[1] == within


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "plugin"), [("submitit_local", "submitit"), ("joblib", "joblib")])
def test_launchers_run_in_processes_of_their_own(tmp_path, launcher, plugin):
    """Submitit's local mode takes the place of Slurm, of which only the command that starts the jobs differs."""
    pytest.importorskip(f"hydra_plugins.hydra_{plugin}_launcher")
    given = [*SMALL, "--multirun", f"hydra/launcher={launcher}"]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.train", *given],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "written to sweep/table.md" in done.stdout
    assert [one.name for one in ended(tmp_path / "sweep")] == ["0_poisson_2d"]
