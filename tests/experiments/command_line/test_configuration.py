"""A configuration is checked against signatures before anything is made of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

import pytest
import torch

from experiments.command_line.configuration import ConfigurationError, build, check, describe
from experiments.command_line.trust import Trust


class Net:
    """Stands for a network."""

    def __init__(self, inputs: int, *, width: int = 20, activation: Callable[..., torch.Tensor] = torch.tanh) -> None:
        self.inputs, self.width, self.activation = inputs, width, activation


class Item:
    """Stands for a stage of a schedule."""

    def __init__(self, rate: float = 1e-3, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        self.rate, self.betas = rate, betas


Callback = Callable[["Unheard"], None]  # noqa: F821


def solve(
    problem: Item,
    *,
    network: Callable[..., Net] | None = None,
    stages: Sequence[Item] | None = None,
    seconds: float | None = None,
    method: Literal["sobol", "latin"] = "sobol",
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
    progress: bool = True,
    values: Mapping[str, float] | None = None,
    callbacks: Sequence[Callback] = (),
) -> dict[str, object]:
    return dict(locals())


OWN = Trust((__name__,))
ITEM = {"_target_": f"{__name__}.Item"}
NET = {"_target_": f"{__name__}.Net", "_partial_": True}


def call(**content):
    node = {"problem": ITEM, **content}
    check(solve, node, trust=OWN)
    return build(solve, node, trust=OWN)


def test_a_mapping_is_a_call():
    made = call(seconds=3, network={**NET, "width": 7, "activation": "torch.sin"}, dtype="float32", device="cuda:0")
    assert type(made["problem"]).__name__ == "Item" and made["seconds"] == 3 and made["dtype"] is torch.float32
    assert isinstance(made["network"], partial) and made["device"] == "cuda:0"
    net = made["network"](inputs=2)
    assert (net.inputs, net.width, net.activation) == (2, 7, torch.sin)


def test_named_or_listed_calls_are_a_sequence():
    for stages in (
        {"a": ITEM, "b": {**ITEM, "rate": 1, "betas": [0.5, 0.6]}, "gone": None},
        [ITEM, {**ITEM, "rate": 1}],
    ):
        made = call(stages=stages)["stages"]
        assert [stage.rate for stage in made] == [1e-3, 1]
    assert call(stages={"b": {**ITEM, "betas": [0.5, 0.6]}})["stages"][0].betas == (0.5, 0.6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"network": {**NET, "width": "wide"}}, r"^network\.width: expected int, got 'wide'$"),
        ({"network": {**NET, "width": 3.5}}, r"^network\.width: expected int, got 3\.5$"),
        ({"network": {**NET, "width": True}}, r"^network\.width: expected int, got True$"),
        ({"network": {**NET, "widht": 3}}, r"^network\.widht: Net\(\) has no such option; did you mean width\? choose"),
        ({"network": {**NET, "activation": "tanh"}}, r"^network\.activation: expected the dotted name of a function"),
        ({"network": {**NET, "activation": "torch.tanhh"}}, r"^network\.activation: 'torch.tanhh' cannot be found"),
        ({"network": {"width": 3}}, r"^network\.width: network is left to the program"),
        ({"secnds": 3}, r"^secnds: solve\(\) has no such option; did you mean seconds\?"),
        ({"seconds": "long"}, r"^seconds: expected float or null, got 'long'$"),
        ({"progress": 1}, r"^progress: expected bool, got 1$"),
        ({"method": "latn"}, r"^method: expected 'sobol' or 'latin', got 'latn'$"),
        ({"dtype": "float63"}, r"^dtype: expected a precision such as float64, got 'float63'$"),
        ({"problem": 3}, r"^problem: expected Item, made by a _target_, got 3$"),
        (
            {"problem": {"_target_": "tests.experiments.command_line.test_configuration.Itm"}},
            r"^problem\._target_: 'tests.experiments.command_line.test_configuration.Itm' cannot be",
        ),
        ({"problem": {**ITEM, "betas": [1.0]}}, r"^problem\.betas: expected a list \[float, float\], got \[1\.0\]$"),
        ({"stages": {"a": {**ITEM, "rate": None}}}, r"^stages\.a\.rate: expected float, got None$"),
        ({"stages": [ITEM, {**ITEM, "late": 1}]}, r"^stages\.1\.late: Item\(\) has no such option"),
        ({"network": {"_target_": f"{__name__}.Net"}}, r"^network\.inputs: Net\(\) needs it"),
    ],
)
def test_what_no_constructor_would_take_is_one_clear_error(content, message):
    with pytest.raises(ConfigurationError, match=message):
        call(**content)


def test_values_that_fit():
    call(seconds=3)
    call(seconds=None, values={"a": 1.0}, method="latin", dtype="torch.float32")
    check(torch.optim.Adam, {"_partial_": True, "lr": 1e-3, "betas": [0.9, 0.95], "amsgrad": True})
    with pytest.raises(ConfigurationError, match=r"^learning: Adam\(\) has no such option"):
        check(torch.optim.Adam, {"_partial_": True, "learning": 1})
    assert describe(float | None) == "float or null"
