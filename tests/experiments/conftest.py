"""An application run in the tests' own process, as from the command line."""

import logging
import sys

import pytest
from hydra.core.global_hydra import GlobalHydra

from experiments import train


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs the application in an empty folder, in this process; gives Hydra's and logging's global state back."""
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
