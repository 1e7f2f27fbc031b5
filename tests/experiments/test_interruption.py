"""What ends a run in the middle leaves the best answer until then: signals, errors of callbacks, folders that go."""

import errno
import json
import os
import signal
import sys
import time

import pytest
import torch

from experiments.command_line import interruption as interruption_module
from experiments.command_line.interruption import Interruption
from pinn.problems import poisson_2d
from pinn.solution import Solution

SMALL = (
    "network=mlp",
    "network.width=4",
    "network.depth=1",
    "problem=poisson_2d",
    "verify=false",
    "certify=false",
    "features=null",
)
OWN = (*SMALL, "trusted=[own]", "progress=false", "hydra.run.dir=run")
MODULE = """
import os, shutil, signal
from pathlib import Path
from pinn.training import Callback

def at_third(number):
    def callback(progress):
        if progress.row["step"] == 3:
            assert Path("run/config.yaml").exists()
            signal.raise_signal(number)
    return callback

term, interrupt, hangup = (at_third(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))

def fail(progress):
    if progress.row["step"] == 3:
        raise RuntimeError("out of patience")

def wipe(progress):
    if progress.row["step"] == 3:
        shutil.rmtree("run")

class AtTheEnd(Callback):
    def end(self, progress):
        signal.raise_signal(signal.SIGINT)
"""


@pytest.fixture
def own(command, tmp_path, monkeypatch):
    """Runs the application with a module of callbacks; returns the exit code."""
    (tmp_path / "own.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(interruption_module, "GRACE", 600.0)  # a step, or a flush to a busy disk, may take its time
    sys.modules.pop("own", None)
    # A program that was started in the background may have been told to ignore them, as its runs then do.
    given = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    given[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(*arguments):
        try:
            command(*OWN, *arguments)
        except SystemExit as ended:
            return ended.code
        return 0

    yield run
    for number, handler in given.items():
        signal.signal(number, handler)
    sys.modules.pop("own", None)


@pytest.mark.parametrize(("name", "code"), [("term", 143), ("interrupt", 130), ("hangup", 129)])
def test_a_signal_ends_a_run_with_its_answer(own, tmp_path, capsys, name, code):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert own(f"callbacks=[own.{name}]", "steps=50") == code
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["ending"] == "interrupted" and metrics["steps"] == 3
    assert Solution.load(tmp_path / "run" / "solution.pt", poisson_2d()).error() == pytest.approx(metrics["error"])
    assert "the best answer until then is in" in capsys.readouterr().err
    assert not (tmp_path / "run" / ".running").exists()


def test_a_signal_after_the_last_step_ends_the_run_as_well(own, tmp_path):
    assert own("callbacks.last._target_=own.AtTheEnd", "steps=2") == 130
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["ending"] == "interrupted" and metrics["steps"] == 2


def test_a_signal_costs_no_step(own, command, tmp_path):
    """A last checkpoint is written after the step, from which the run ends with the bits of one that had no signal."""
    given = ("optimizer=adam", "steps=9", "callbacks=[own.term]")
    assert own(*given) == 143
    checkpoints = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert checkpoints[-1] == "step-00000003.pinn"
    command("resume=run", "trusted=[own]")
    assert own("optimizer=adam", "steps=9", "hydra.run.dir=whole") == 0
    found = [Solution.load(tmp_path / name / "solution.pt", poisson_2d()).model for name in ("run", "whole")]
    for one, other in zip(found[0].parameters(), found[1].parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="the system has no alarm")
def test_a_step_that_takes_too_long_is_broken_off(monkeypatch):
    monkeypatch.setattr(interruption_module, "GRACE", 0.01)
    with Interruption() as interruption:
        interruption.last().step(None)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
            for _ in range(100_000):  # a pause would wait for ever for an alarm that came before it
                time.sleep(1e-3)
        interruption.first().end(None)  # after the last step nothing is waited for
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_a_callback_that_raises_costs_nothing_that_was_computed(own, tmp_path, capsys):
    assert own("callbacks=[own.fail]", "steps=50") == 1
    error = capsys.readouterr().err
    assert "error: the run ended early: RuntimeError: out of patience\n" in error and "Traceback" not in error
    assert f"the best answer of 3 steps: config.yaml, solution.pt, history.csv, error.txt in {tmp_path}/run" in error
    assert "raise RuntimeError" in (tmp_path / "run" / "error.txt").read_text()
    assert Solution.load(tmp_path / "run" / "solution.pt", poisson_2d()).error() < 10


def test_a_folder_that_goes_away_is_made_anew(own, tmp_path):
    assert own("callbacks=[own.wipe]", "steps=4") == 0
    assert {"solution.pt", "metrics.json", "report.html"} <= {path.name for path in (tmp_path / "run").iterdir()}


def test_a_report_that_fails_comes_after_the_solution(own, tmp_path, capsys, monkeypatch):
    def failing(*arguments, **options):
        raise ZeroDivisionError("the reference fails here")

    monkeypatch.setattr("pinn.solver.Report.of", failing)
    assert own("steps=2") == 1
    assert "error: after training: ZeroDivisionError: the reference fails here\n" in capsys.readouterr().err
    assert Solution.load(tmp_path / "run" / "solution.pt", poisson_2d()).error() < 10


def test_a_disk_that_is_full_sends_the_answer_elsewhere(own, tmp_path, capsys, monkeypatch):
    save, elsewhere = Solution.save, tmp_path / "elsewhere"
    elsewhere.mkdir()

    def full(solution, path):
        if path.is_relative_to(tmp_path / "run"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(solution, path)

    monkeypatch.setattr(Solution, "save", full)
    monkeypatch.setattr("experiments.command_line.run_folder.elsewhere", lambda: elsewhere)
    assert own("steps=2") == 1
    error = capsys.readouterr().err
    assert "No space left on device" in error and "Traceback" not in error
    assert f"the best answer of 2 steps: solution.pt, history.csv, error.txt in {elsewhere}\n" in error
    assert Solution.load(elsewhere / "solution.pt", poisson_2d()).error() < 10


def test_a_folder_with_results_is_refused(own, tmp_path, capsys):
    assert own("steps=1") == 0
    kept = (tmp_path / "run" / "solution.pt").read_bytes()
    assert own("steps=1") == 2
    assert "holds metrics.json of an earlier run; name another folder" in capsys.readouterr().err
    assert (tmp_path / "run" / "solution.pt").read_bytes() == kept


def test_a_second_signal_ends_at_once(monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda process, number: sent.append((process, number)))
    before = signal.getsignal(signal.SIGTERM)
    with Interruption() as interruption:
        with interruption.held():
            signal.raise_signal(signal.SIGTERM)  # noted, and nothing more
        assert interruption.code == 143 and not sent
        signal.raise_signal(signal.SIGTERM)
        assert sent == [(os.getpid(), signal.SIGTERM)] and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGHUP)
        assert interruption.signal is None
    finally:
        signal.signal(signal.SIGHUP, before)
