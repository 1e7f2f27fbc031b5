"""What happens to long runs, provoked: kills and signals at random moments, damaged files, full disks (`make faults`).

Moments are random in time, so that each round meets others; what is asked for holds at every one of them.
"""

import itertools
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from experiments import train
from pinn import optimizers, solve
from pinn.networks import MLP
from pinn.optimizers import BFGS, LBFGS, SOAP, SPRING, FirstOrder, LevenbergMarquardt, MatrixFree, SSBroyden
from pinn.problems import heat_1d
from pinn.sampling import RAD, Fixed, Growing, Redrawn
from pinn.solution import Solution
from pinn.training import Checkpoint
from tests.faults.forked import Forked, moment
from tests.training.runs import decay, digest

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, which this system does not know"),
]

TINY = partial(MLP, width=4, depth=1)
OPTIMIZERS = {
    "levenberg_marquardt": LevenbergMarquardt,
    "matrix_free": MatrixFree,
    "natural_gradient": optimizers.NaturalGradient,
    "spring": SPRING,
    "sketched": optimizers.Sketched,
    "lbfgs": LBFGS,
    "bfgs": BFGS,
    "ssbroyden": SSBroyden,
    "adam": partial(FirstOrder, partial(torch.optim.Adam, lr=1e-2)),
    "soap": partial(FirstOrder, partial(SOAP, lr=1e-2)),
}
SAMPLERS = {
    "fixed": partial(Fixed, 40),
    "redrawn": partial(Redrawn, 40, every=3),
    "rad": partial(RAD, 40, every=3),
    "growing": lambda: Growing(RAD(40, every=3), start=20, factor=1.5, maximum=80),
}
KILLS = list(itertools.islice(itertools.cycle(itertools.product(OPTIMIZERS, SAMPLERS)), 60))


PROBLEM = decay()  # whose scales are measured once


@pytest.fixture(scope="module", autouse=True)
def warm():
    """What is imported when it is first needed is there before the first fork."""
    import pinn.plotting  # noqa: F401

    run("levenberg_marquardt", "growing")
    solve(poisson(), network=TINY, steps=1, progress=False)


def run(optimizer, sampler, **options):
    call = {"network": TINY, "steps": 9, "progress": False, "verify": False, "certify": False, **options}
    return solve(PROBLEM, optimizer=OPTIMIZERS[optimizer](), sampling=SAMPLERS[sampler](), **call)


def bits_of(optimizer, sampler, folder):
    """Goes on from the newest checkpoint, or begins where there is none, and writes the bits that come out."""
    there = any(folder.glob("step-*"))
    solution = run(optimizer, sampler, **({"resume": folder} if there else {"checkpoint": folder, "every": 3}))
    (folder.parent / "bits").write_text(digest(solution))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bits of the run that was not broken off, and the seconds that it took; each made once."""
    found = {}

    def of(names):
        if names not in found:
            folder = tmp_path_factory.mktemp("whole")
            code, seconds = Forked(partial(bits_of, *names, folder / "checkpoints"), folder / "out").wait()
            assert code == 0, (folder / "out").read_text()
            found[names] = (folder / "bits").read_text(), seconds
        return found[names]

    return of


@pytest.mark.parametrize(("number", "names"), list(enumerate(KILLS)), ids=map("-".join, KILLS))
def test_a_killed_run_goes_on_to_the_same_bits(whole, tmp_path, number, names):
    bits, seconds = whole(names)
    folder, out = tmp_path / "checkpoints", tmp_path / "out"
    victim = Forked(partial(bits_of, *names, folder), out)
    time.sleep(moment(number, seconds))
    victim.send(signal.SIGKILL)
    assert victim.wait()[0] in (-signal.SIGKILL, 0), out.read_text()
    code, _ = Forked(partial(bits_of, *names, folder), out).wait()
    assert code == 0, out.read_text()
    assert (tmp_path / "bits").read_text() == bits


def train_in(folder, *more):
    """The application, as the command line starts it."""
    os.chdir(folder)
    given = ["problem=poisson_2d", "network=mlp", "network.width=6", "network.depth=1", "steps=300", "verify=false"]
    sys.argv = ["train", *given, "progress=false", "hydra.run.dir=run", *more]
    train.main()


SIGNALS = list(itertools.islice(itertools.cycle((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)), 30))


@pytest.mark.parametrize(("number", "sent"), list(enumerate(SIGNALS)))
def test_a_signal_loses_nothing(tmp_path, number, sent):
    application = Forked(partial(train_in, tmp_path), tmp_path / "out")
    folder = tmp_path / "run"
    time.sleep(moment(number, 3.0))
    application.send(sent)
    code, _ = application.wait()
    said = (tmp_path / "out").read_text()
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if "config.yaml" in names and code != 0:
        assert code == 128 + sent, said
        assert {"solution.pt", "history.csv", "metrics.json", "report.txt"} <= names, said
        assert Solution.load(folder / "solution.pt", poisson()).error() < 100
        assert ".running" not in names and "Traceback" not in said
        assert "to go on: python -m experiments.train resume=" in said
    elif code != 0:  # before training began: nothing is left, however it ended
        assert code in (128 + sent, -sent) or sent == signal.SIGINT, said
        assert "solution.pt" not in names


def poisson():
    from pinn.problems import poisson_2d

    return poisson_2d()


def test_damaged_files_are_told(tmp_path):
    """200 of them: flipped bits, truncated ones, other contents, another problem's, and pickled code."""
    solution = run("levenberg_marquardt", "fixed", checkpoint=tmp_path / "c", every=10)
    solution.save(tmp_path / "u.pt")
    newest = sorted((tmp_path / "c").iterdir())[-1]
    chance = random.Random(0)
    marks = tmp_path / "executed"

    class Code:
        def __reduce__(self):
            return (Path.touch, (marks,))

    def refused(path, content):
        path.write_bytes(content)
        with pytest.raises((ValueError, OSError)):
            Checkpoint.read(path) if path.suffix == newest.suffix else Solution.load(path, decay())
        assert not marks.exists()

    for source in (tmp_path / "u.pt", newest):
        whole = source.read_bytes()
        target = tmp_path / f"damaged{source.suffix}"
        for _ in range(70):
            content = bytearray(whole)
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            refused(target, bytes(content))
        for _ in range(25):
            refused(target, whole[: chance.randrange(len(whole))])
        refused(target, pickle.dumps(Code()))
        refused(target, whole + b"more")
        refused(target, b"")
        refused(target, chance.randbytes(1000))
    torch.save({"model": Code()}, tmp_path / "code.pt")
    refused(tmp_path / "code.pt", (tmp_path / "code.pt").read_bytes())
    with pytest.raises(ValueError, match=r"."):
        Solution.load(tmp_path / "u.pt", heat_1d())


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB; skipped where mounting is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mounting a small file system is not allowed here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.parametrize("left", [0, 40_000, 120_000, 200_000])
def test_a_full_disk_costs_no_more_than_what_does_not_fit(small_disk, tmp_path, left):
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (290_000 - left))
    code, _ = Forked(partial(train_in, small_disk, "steps=20"), tmp_path / "out").wait()
    said = (tmp_path / "out").read_text()
    assert code in (0, 1, 2), said
    if code:
        assert "No space left" in said and "Traceback" not in said
    for path in (small_disk / "run").glob("solution.pt"):  # what is there is whole
        assert Solution.load(path, poisson()).error() < 100
