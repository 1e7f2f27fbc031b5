"""A rank that is killed ends the whole run within 30 s, with its error and the best answer until then."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pinn.problems import poisson_2d
from pinn.solution import Solution

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ("problem=poisson_2d", "network=mlp", "network.width=6", "network.depth=1", "optimizer=adam", "steps=1000000")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found under /proc"),
]


def of_rank(rank, launcher):
    """The process of a rank that a launcher has started; None where it has not."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == launcher and f"\0RANK={rank}\0" in f"\0{(place / 'environ').read_text()}\0":
                return int(place.name)
        except OSError:
            continue
    return None


@pytest.fixture
def launched(tmp_path):
    """Two ranks of the application that train, until the test ends."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    application = ["-m", "experiments.train", *GIVEN, "verify=false", "progress=false", "hydra.run.dir=run"]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(
            [*launcher, *application],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            while not list((tmp_path / "run" / "checkpoints").glob("*")):
                assert process.poll() is None, (tmp_path / "out").read_text()
                time.sleep(0.1)
            time.sleep(1.0)
            yield process
        finally:
            process.terminate()
            process.wait()


@pytest.mark.parametrize("rank", [0, 1])
def test_the_death_of_a_rank_ends_the_run(launched, tmp_path, rank):
    os.kill(of_rank(rank, launched.pid), signal.SIGKILL)
    began = time.monotonic()
    assert launched.wait(60) != 0 and time.monotonic() - began < 30
    said = (tmp_path / "out").read_text()
    assert "SIGKILL" in said and f"rank      : {rank}" in said
    if rank == 1:
        assert "RankError: another rank has ended" in said or "ended by SIGTERM" in said
        assert Solution.load(tmp_path / "run" / "solution.pt", poisson_2d()).error() < 100
    else:
        assert "error: rank 1: another rank has ended in the middle of the run" in said


def test_a_signal_to_the_launcher_ends_the_run_with_its_answer(launched, tmp_path):
    launched.send_signal(signal.SIGTERM)
    assert launched.wait(60) != 0
    said = (tmp_path / "out").read_text()
    assert "ended by SIGTERM: the best answer until then is in" in said
    assert Solution.load(tmp_path / "run" / "solution.pt", poisson_2d()).error() < 100
