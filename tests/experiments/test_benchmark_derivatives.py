"""The cost of derivatives: what is refused before anything runs, what is timed, and how ratios are taken."""

import multiprocessing

import pytest
import torch

from experiments.benchmark_derivatives import benchmark_derivatives
from experiments.benchmarks.derivative_cases import CASES
from experiments.benchmarks.derivative_tables import line, picture, table
from experiments.benchmarks.derivative_tasks import GROUPS, Setting, carried, tasks
from experiments.benchmarks.derivative_timing import interleaved, measure, peak, ratio
from tests.experiments.ending import EndingWork, ended


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cases": ["burger"]}, "cases: 'burger' is not known; did you mean burgers"),
        ({"cases": []}, r"cases=\[\]: expected at least one"),
        ({"widths": [20, 20]}, "widths: 20 is given twice"),
        ({"widths": [0]}, "got widths=0, expected an integer of at least 1"),
        ({"dtypes": ["float16"]}, "dtypes: 'float16' is not known"),
        ({"points": -3}, "got points=-3"),
        ({"depth": 0}, "got depth=0"),
        ({"threads": 0}, "got threads=0"),
        ({"seed": -1}, "got seed=-1"),
        ({"seconds": float("nan")}, "got seconds=nan, expected a positive finite number"),
    ],
)
def test_wrong_input(given, message):
    with pytest.raises(ValueError, match=message):
        benchmark_derivatives(**given)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # within torch.func.jvp
@pytest.mark.parametrize("case", CASES)
def test_every_way_answers_the_same_question(case):
    """The gradients that are timed agree: jets, nested autograd, and forward mode by another notation."""
    place = Setting(case, 5, "float64", 6, 2, 0, 1)
    done = {group: {name: run() for name, run in tasks(group, place).items()} for group in GROUPS}
    (loss, slope), (reference, other) = done["jets"]["jets"], done["nested"]["nested"]
    torch.testing.assert_close(loss, reference, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(slope, other, rtol=1e-11, atol=1e-12)
    model, x = place.build()
    parameters = list(model.parameters())
    third = torch.autograd.grad(
        0.5 * CASES[case].forward_mode(model, x).pow(2).sum(), parameters, allow_unused=True, materialize_grads=True
    )
    torch.testing.assert_close(torch.cat([part.reshape(-1) for part in third]), slope, rtol=1e-10, atol=1e-11)


def test_what_jets_carry():
    """A Laplacian in d dimensions is carried as d + 2 numbers."""
    for d in (2, 3, 10):
        model, x = Setting(f"laplacian_{d}", 5, "float64", 6, 2, 0, 1).build()
        assert carried(CASES[f"laplacian_{d}"], model, x) == d + 2


def test_ratios_are_of_the_same_round():
    """A machine that becomes slower in the middle slows both tasks of a round."""
    times = {"slow": [2.0, 20.0, 2.0, 60.0], "fast": [1.0, 10.0, 1.0, 20.0]}
    assert ratio(times, "slow", "fast") == 2.0


SMALL = Setting("burgers", 5, "float64", 6, 2, 0, 1)
NO_TIME = 1e-9  # seconds: the least number of rounds, whatever the machine


@pytest.fixture
def forked(monkeypatch):
    """Processes that are copies of one that has loaded everything, which takes a tenth of the time of new ones."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["experiments.benchmarks.derivative_tasks"])
    monkeypatch.setattr("experiments.benchmarks.derivative_timing.START", "forkserver")


def end(monkeypatch, group):
    monkeypatch.setattr("experiments.benchmarks.derivative_timing.work", EndingWork(group))


def test_torch_func_without_memory_is_left_out(forked, monkeypatch, capsys, tmp_path):
    end(monkeypatch, "torch.func")
    found = measure(CASES["burgers"], 5, "float64", 6, 2, NO_TIME, 0)
    assert "left out" in capsys.readouterr().err
    assert "torch.func" not in found.seconds and found.seconds["nested"] > 0 < found.speedup
    assert line(found).split(" | ")[6] == "–" and line(found).count("|") == 15
    assert "did not suffice" in table([found], "here")
    picture([found], tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").stat().st_size > 1000


def test_an_engine_that_ends_is_an_error(forked, monkeypatch):
    end(monkeypatch, "nested")
    with pytest.raises(RuntimeError, match=r"times nested on burgers.* exit code -9.*fewer"):
        interleaved(SMALL, NO_TIME)
    assert not multiprocessing.active_children()


def test_what_is_measured_is_told_at_once(forked, monkeypatch):
    measured, told, found = [], [], []

    def spied(case, *rest):
        measured.append(case.name)
        return measure(case, *rest)

    monkeypatch.setattr("experiments.benchmark_derivatives.measure", spied)
    asked = {"cases": ["burgers", "laplacian_2"], "widths": [5], "dtypes": ["float64"], "points": 6, "depth": 2}
    for one in benchmark_derivatives(**asked, seconds=NO_TIME):
        found.append(one)
        told.append(list(measured))
    assert told == [["burgers"], ["burgers", "laplacian_2"]] and [m.case for m in found] == told[-1]
    assert all(m.seconds["torch.func"] > 0 for m in found)


def test_memory_that_does_not_suffice_to_be_measured_is_an_error(forked, monkeypatch):
    """A process that ends without an answer is not waited for."""
    monkeypatch.setattr("experiments.benchmarks.derivative_timing.peak_here", ended)
    with pytest.raises(RuntimeError, match=r"memory of jets on burgers, width 5, .* ended.* memory=false"):
        peak(SMALL, "jets")
