"""The same arguments give the same bits: under any clock, load, watcher, number of threads or setting of the caller."""

import itertools
import os
import random
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from pinn import Constraint, Problem, Scatter, d, solve
from pinn.derivatives import Autograd
from pinn.problems import laplace_four_holes, poisson_l_shape
from pinn.training.trainer import _StageRun
from tests.training.runs import LINE, SMALL, decay, digest

ROOT = Path(__file__).resolve().parents[2]


def run(problem=None, **options):
    call = {"network": SMALL, "steps": 6, "progress": False, **options}
    return digest(solve(decay() if problem is None else problem, **call))


@pytest.fixture(scope="module")
def alone():
    return run()


CLOCKS = {
    "fast": lambda: itertools.count(0.0, 1e-9),
    "slow": lambda: itertools.count(0.0, 10.0),
    "jumping": lambda: itertools.accumulate(itertools.cycle([1e-6, 300.0, 0.0, -100.0])),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_decides_nothing(monkeypatch, alone, name):
    ticks = CLOCKS[name]()
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    assert run() == alone


def test_a_callback_that_takes_its_time_changes_nothing(monkeypatch, alone):
    now = [0.0]

    def sleep(progress):
        now[0] += 1000.0

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    assert run(callbacks=[sleep]) == alone


def test_a_progress_bar_changes_nothing(monkeypatch, alone, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert run(progress=True) == alone


@pytest.mark.slow
def test_another_process_gives_the_same_bits(alone):
    code = "from tests.training.test_reproducibility import run; print(run())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == alone


@pytest.mark.parametrize(("own", "workers"), [(1, 1), (1, 2), (2, 1), (2, 2), (2, None)])
def test_threads_change_nothing(alone, own, workers):
    before = torch.get_num_threads()
    torch.set_num_threads(own)
    try:
        assert run(threads=workers) == alone
        assert torch.get_num_threads() == own
    finally:
        torch.set_num_threads(before)


def test_a_product_that_is_shared_is_the_same_bits(monkeypatch):
    """Every product counts as large here."""
    monkeypatch.setattr("pinn.linalg.damped._LARGE", 1.0)
    assert run(threads=1) == run(threads=2)


# -- the caller's settings ----------------------------------------------------------------------------------------


@contextmanager
def precision(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def device(name):
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


SETTINGS = {
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
    "deterministic": deterministic,
    "float16": lambda: precision(torch.float16),
    "float64": lambda: precision(torch.float64),
    "meta": lambda: device("meta"),
    "meta scope": lambda: torch.device("meta"),
}


def state():
    """All settings that a run might leave changed."""
    generator = np.random.get_state()  # noqa: NPY002
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        str(torch.get_default_device()),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.get_rng_state().tolist() if torch.get_default_device().type == "cpu" else None,
        (generator[0], generator[1].tolist(), *generator[2:]),
        random.getstate(),
        list(warnings.filters),
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_the_callers_settings_change_nothing_and_are_left_as_they_were(alone, name):
    with SETTINGS[name]():
        before = state()
        assert run() == alone
        assert state() == before


def test_settings_are_restored_when_a_run_fails(monkeypatch):
    def fail(*_):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(_StageRun, "_record", fail)
    with precision(torch.float16), device("meta"), torch.no_grad():
        before = state()
        with pytest.raises(RuntimeError, match="on purpose"):
            run()
        assert state() == before


def observed():
    """Observations that are multiplied by an output, so that derivatives need them."""
    x = torch.linspace(0, 1, 9, dtype=torch.float64)
    seen = Scatter({"x": x}, values={"y": torch.exp(-x)})
    return Problem(
        LINE,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x) + u, on=LINE),
            "data": Constraint(lambda u, y: u * y - y * y, on=seen),
        },
    )


@pytest.mark.parametrize("engine", [None, pytest.param(Autograd(), marks=pytest.mark.slow)])
def test_a_problem_made_in_inference_mode_is_solved(engine):
    expected = run(observed(), derivatives=engine, steps=3)
    with torch.inference_mode():
        problem = observed()
        assert run(problem, derivatives=engine, steps=3) == expected
    assert run(problem, derivatives=engine, steps=3) == expected
    with torch.no_grad():
        assert run(observed(), derivatives=engine, steps=3) == expected


@pytest.mark.parametrize(
    "name", ["inference", *(pytest.param(n, marks=pytest.mark.slow) for n in ("no_grad", "float16", "meta"))]
)
@pytest.mark.parametrize("build", [poisson_l_shape, laplace_four_holes], ids=["polygon", "difference"])
def test_domains_and_problems_made_under_the_callers_settings_are_the_same(name, build):
    with SETTINGS[name]():
        made = run(build(), steps=1)
    assert made == run(build(), steps=1)


def test_default_numbers_in_an_equation_have_the_precision_of_the_run():
    """torch.tensor(0.1) is a tenth to 1e-17 in a float64 run, whatever torch's default is."""

    def problem():
        return Problem(
            LINE,
            ["u"],
            {
                "equation": Constraint(lambda u, x: d(u, x) + torch.tensor(0.1) * u, on=LINE),
                "start": Constraint(lambda u: u - 1, on=LINE.face(x=0)),
            },
        )

    plain = run(problem(), steps=2)
    with precision(torch.float16):
        assert run(problem(), steps=2) == plain
