"""Every test runs on one thread (or OMP_NUM_THREADS of them), without a screen, and leaves settings as they were."""

import logging
import os
import sys
from pathlib import Path

import matplotlib
import pytest
import torch

matplotlib.use("Agg")
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


@pytest.fixture
def drawing_command(tmp_path, monkeypatch):
    """Runs an application in an empty folder, in this process; gives Hydra's and logging's global state back."""
    from hydra.core.global_hydra import GlobalHydra

    from experiments import train

    monkeypatch.chdir(tmp_path)
    handlers, level = logging.root.handlers[:], logging.root.level

    def run(*arguments, function=train.main, name="train"):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        return function()

    yield run
    GlobalHydra.instance().clear()
    for handler in set(logging.root.handlers) - set(handlers):
        handler.close()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def command(drawing_command, monkeypatch):
    """The same with empty files for the pictures of a run, and for the page that holds them, which are dear."""
    import pinn.plotting
    from pinn.solution import Report

    def blank(drawn, path, **options):
        Path(path).touch()

    for name in ("plot_history", "plot_solution", "plot_trace"):
        monkeypatch.setattr(pinn.plotting, name, blank)
    monkeypatch.setattr(Report, "save_html", blank)
    return drawing_command
