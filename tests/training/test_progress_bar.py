"""What is shown of a run: a bar where somebody looks on, a line a minute otherwise, nothing where none is wanted."""

import io
import logging
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from pinn import solve
from pinn.problems import oscillator
from pinn.training import progress_bar
from pinn.training.progress_bar import ProgressBar, interactive


class Terminal(io.StringIO):
    def isatty(self):
        return True


def rows(*seconds):
    return [
        {"step": k, "stage": k // 2, "seconds": s, "loss": 0.1**k, "parameters": 20} for k, s in enumerate(seconds, 1)
    ]


def test_a_bar_on_a_terminal_tells_share_loss_error_stage_and_size(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressBar(True, seconds=10.0, tolerance=1e-6) as bar:
        assert bar.share == 0.0
        for row in rows(1.0, 2.0):
            bar.step(row)
        assert bar.share == 0.2
        bar.estimated(1e-2)
        bar.estimated(1e-4)  # half of the decades
        assert bar.share == pytest.approx(0.5)
        assert bar.text == "2 s of 10, step 2, stage 2, loss 1.0e-02, estimated error 1e-04, 20 parameters"
    assert "%|" in screen.getvalue()


def test_a_line_a_minute_where_nobody_looks_on(caplog, capsys):
    assert not interactive()
    with caplog.at_level(logging.INFO, "pinn.training.progress"), ProgressBar(True, seconds=300.0) as bar:
        for row in rows(10.0, 59.0, 61.0, 100.0, 130.0):
            bar.step(row)
    said = [record.message for record in caplog.records]
    assert [line.split(",")[0] for line in said] == ["61 s of 300", "130 s of 300"]
    assert capsys.readouterr() == ("", "")


def test_nothing_where_none_is_wanted(monkeypatch, caplog):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with caplog.at_level(logging.INFO, "pinn.training.progress"), ProgressBar(False) as bar:
        for row in rows(10.0, 200.0):
            bar.step(row)
        bar.describe("anything")
    assert screen.getvalue() == "" and not caplog.records


def test_a_notebook_is_one_that_looks_on(monkeypatch):
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={"IPKernelApp": {}}))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    assert interactive()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not interactive()


def test_a_run_fills_the_bar(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress_bar, "tqdm", partial(progress_bar.tqdm, mininterval=0))  # every step, however fast
    solve(oscillator(), steps=3, features=None, verify=False, certify=False)
    assert ", loss " in screen.getvalue() and " parameters" in screen.getvalue()
