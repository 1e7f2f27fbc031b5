"""The options of `solve`, validated before anything is done.

Every refusal is one line: whose option it is, what was got, what was expected, what to give instead.
"""

from __future__ import annotations

import difflib
import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import torch

from pinn.derivatives import Engine
from pinn.features.options import Features
from pinn.optimizers import Optimizer
from pinn.problem import Problem
from pinn.ranks import Ranks
from pinn.sampling import Sampler
from pinn.solution import Solution
from pinn.training import Checkpoints, Stage
from pinn.validation import count, positive
from pinn.weighting import Weighting

_KINDS: Mapping[str, tuple[type[Any], str]] = {
    "optimizer": (Optimizer, "LevenbergMarquardt() or FirstOrder(partial(torch.optim.Adam, lr=1e-3))"),
    "sampling": (Sampler, "Growing(RAD())"),
    "weighting": (Weighting, "Causal()"),
    "derivatives": (Engine, "Jets()"),
    "features": (Features, "Features()"),
    "start": (Solution, "the solution that solve(problem) returned"),
}
"""Options that are objects of the library: their class, and an example."""

_COUNTS = ("steps", "threads", "every")


def validate_options(options: Mapping[str, Any]) -> None:
    """Refuse options that cannot be meant: one line with what was got, what was expected, what to give.

    Args:
        options: all arguments of `solve`, by name; under "misspelt", what it was called with beside them.

    Raises:
        TypeError, ValueError: naming the first option of another type, out of range or in contradiction.
    """
    for name, value in options.get("misspelt", {}).items():
        _refuse_name(name, value, [known for known in options if known not in ("problem", "misspelt")])
    if not isinstance(options["problem"], Problem):
        _refuse("problem", options, "a Problem", "Problem(...) or one of pinn.problems, such as burgers()")
    network = options["network"]
    several = isinstance(network, Mapping) and all(map(callable, network.values()))
    if network is not None and not callable(network) and not several:
        _refuse("network", options, "what builds a network", "e.g. functools.partial(MLP, width=50), or leave it out")
    for name, (kind, example) in _KINDS.items():
        if options[name] is not None and not isinstance(options[name], kind):
            expected = f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"
            _refuse(name, options, expected, f"an object such as {example}, or leave it out")
    given = {name: options[name] for name in ("tolerance", "seconds", *_COUNTS) if options[name] is not None}
    positive("solve", **{name: value for name, value in given.items() if name in ("tolerance", "seconds")})
    count("solve", 1, **{name: value for name, value in given.items() if name in _COUNTS})
    count("solve", 0, seed=options["seed"])
    if options["seed"] >= 2**64:
        raise ValueError(_line("seed", options, "an integer below 2**64", "a smaller one"))
    for name in ("verify", "certify", "progress"):
        if not isinstance(options[name], bool):
            _refuse(name, options, "True or False", "one of them")
    if not isinstance(options["checkpoint"], str | os.PathLike | Checkpoints | None):
        _refuse("checkpoint", options, "a folder", "a path such as 'run', or Checkpoints('run', seconds=60)")
    if not isinstance(options["ranks"], Ranks):
        _refuse("ranks", options, "the processes of the run", "those of pinn.ranks.join(), or leave it out")
    if not isinstance(options["resume"], str | os.PathLike | None):
        _refuse("resume", options, "a checkpoint", "its path, or that of the folder where a run wrote them")
    callbacks = options["callbacks"]
    if isinstance(callbacks, str | Mapping) or not isinstance(callbacks, Iterable):
        _refuse("callbacks", options, "a list of callbacks", "callbacks=[...]")
    _validate_place(options)
    _validate_stages(options)


def _validate_place(options: Mapping[str, Any]) -> None:
    """Precision and device."""
    if options["dtype"] not in (torch.float32, torch.float64):
        raise ValueError(
            _line("dtype", options, "a precision, float64 or float32", "torch.float64 (default) or torch.float32")
        )
    try:
        torch.zeros(1, device=torch.device(options["device"])).item()
    except (TypeError, ValueError, RuntimeError, AssertionError, NotImplementedError):  # torch's words for none
        raise ValueError(_line("device", options, f"a device of this machine, {_devices()}", "'cpu'")) from None


def _devices() -> str:
    """The devices that there are, in words."""
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if cards:
        return f"which has 'cpu' and {', '.join(repr(f'cuda:{index}') for index in range(cards))}"
    if torch.version.cuda is None and torch.version.hip is None:
        return "where this build of torch is for processors alone"
    return "where torch finds no graphics card"


def _validate_stages(options: Mapping[str, Any]) -> None:
    """A schedule, and nothing beside it that belongs into its stages."""
    stages = options["stages"]
    if stages is None:
        return
    schedule = isinstance(stages, Sequence) and not isinstance(stages, str)
    if not schedule or not all(isinstance(stage, Stage) for stage in stages):
        _refuse("stages", options, "a list of Stage objects", "stages=[Stage(LevenbergMarquardt(), Fixed(2000))]")
    if not stages:
        raise ValueError(_line("stages", options, "at least one Stage", "one, or leave it out"))
    if any(options[name] is not None for name in ("optimizer", "sampling", "weighting", "steps")):
        raise ValueError("solve: got stages together with optimizer, sampling, weighting or steps; put them in a Stage")


def _refuse_name(name: str, value: Any, known: Sequence[str]) -> NoReturn:
    """Refuse an option that there is none of, with the one that it is nearest to."""
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    got = textwrap.shorten(repr(value), width=100, placeholder=" ...")
    cure = f"give {near[0]}={got}" if near else "leave it out"
    raise TypeError(f"solve: got {name}={got}, expected one of {', '.join(known)}; {cure}")


def _refuse(name: str, options: Mapping[str, Any], expected: str, cure: str) -> NoReturn:
    raise TypeError(_line(name, options, expected, cure))


def _line(name: str, options: Mapping[str, Any], expected: str, cure: str) -> str:
    got = textwrap.shorten(repr(options[name]), width=100, placeholder=" ...")
    return f"solve: got {name}={got}, expected {expected}; give {cure}"
