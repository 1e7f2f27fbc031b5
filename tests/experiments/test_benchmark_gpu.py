"""A processor beside a card: the same measurements on either, told with the card's name, or that there is none."""

import pytest
import torch

from experiments.benchmark_gpu import benchmark_gpu
from experiments.benchmarks import devices
from experiments.command_line.configuration import ConfigurationError
from pinn.problems import oscillator

TINY = devices.Size(points=16, widths=(5,), steps=3, seconds=1e4, share=60.0, most_steps=2)


def found(name, gradients, when):
    targets = dict.fromkeys(devices.TARGETS, (when, 1e-3, 9))
    return devices.Found(name, devices.SMALL, gradients, 12.0, targets)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # within torch.func.jvp
def test_everything_is_measured_on_the_processor(monkeypatch):
    monkeypatch.setattr(devices, "SHORT", 0.0)
    monkeypatch.setattr(devices, "CASES", ("burgers",))
    monkeypatch.setattr(devices, "SMALL", TINY)
    monkeypatch.setattr(devices, "problems", lambda: {"burgers": oscillator()})
    monkeypatch.setattr(devices, "TARGETS", {"burgers": 1e-4})
    (one,) = benchmark_gpu("cpu")
    keys = {("burgers", 5, dtype, way) for dtype in ("float32", "float64") for way in devices.WAYS}
    assert set(one.gradients) == keys and min(one.gradients.values()) > 0 and one.rate > 0
    ((when, error, steps),) = one.targets.values()
    assert when is None and error > 1e-4 and steps == 2
    text = devices.markdown([one], "`command`, today")
    assert "Not yet measured on a card." in text and "| burgers | 5 | float64 | jets | " in text
    assert "not reached: " in text and ", 2 steps |" in text


@pytest.mark.slow
@pytest.mark.parametrize("name", devices.TARGETS)
def test_every_problem_is_solved_on_the_processor(name):
    when, error, steps = devices.to_target(devices.problems()[name], devices.TARGETS[name], "cpu", TINY, 0)
    assert when is None and devices.TARGETS[name] < error < 10 and steps == 2


def test_a_run_ends_at_its_target():
    size = devices.Size(points=1, widths=(), steps=1, seconds=1e4, share=1.0, most_steps=40)
    when, error, steps = devices.to_target(oscillator(), 0.5, "cpu", size, 0)
    assert when is not None and when > 0 and error <= 0.5 and steps < 40


def test_a_card_stands_beside_the_processor():
    key = ("burgers", 50, "float64", "jets")
    two = [found("EPYC", {key: 4e-6, (*key[:3], "nested"): 8e-6}, None), found("H100", {key: 1e-8}, 1.5)]
    text = devices.markdown(two, "`command`, today")
    assert "Card: H100; processor: EPYC." in text and "| burgers | 50 | float64 | jets | 4e+03 | 10 | 4e+02 |" in text
    assert "| burgers | 50 | float64 | nested | 8e+03 | — | — |" in text
    assert "| burgers | 1e-04 | not reached: 1.0e-03, 9 steps | 1.5 s, 9 steps |" in text


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ConfigurationError, match="device=tpu: torch finds no such device"):
        benchmark_gpu("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigurationError, match="device=cuda"):
            benchmark_gpu("cuda")
