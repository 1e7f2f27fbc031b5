"""A benchmark that a test starts in this process looks for left-over processes of its own kind alone."""

import os

import pytest


@pytest.fixture(autouse=True)
def own_mark(monkeypatch):
    """Else what another test, or a benchmark beside the tests, is about to end would be taken for left over."""
    monkeypatch.setattr("experiments.benchmarks.children.MARK", f"PINN_TEST_OF_{os.getpid()}")
