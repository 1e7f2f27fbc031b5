"""What `solve` is told of checkpoints, and what must be the same for a run to go on from one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pinn.problem import Problem
from pinn.training.checkpoint import Checkpoint, Checkpoints, CheckpointWriter
from pinn.training.choice import described
from pinn.training.stage import Stage


def checkpoint_writer(
    checkpoint: Checkpoints | str | os.PathLike[str] | None,
    every: int | None,
    problem: Problem,
    options: Mapping[str, Any],
    resumed: Checkpoint | None,
) -> CheckpointWriter | None:
    """What writes the checkpoints that `solve` was asked for; None where it was asked for none.

    Args:
        checkpoint, every: as `solve` takes them. A run that goes on from a folder writes there where none is named.
        problem: of the run.
        options: of the run.
        resumed: what the run goes on from.
    """
    asked = _asked(checkpoint, every, resumed)
    return None if asked is None else CheckpointWriter(asked, problem, options, resumed)


def opened(
    checkpoint: Checkpoints | str | os.PathLike[str] | None, every: int | None, resume: str | os.PathLike[str] | None
) -> Checkpoint | None:
    """The checkpoint that a run goes on from, if it does; its options are validated before anything is done.

    Args:
        checkpoint, every, resume: as `solve` takes them.

    Raises:
        TypeError, ValueError: when they cannot be meant.
    """
    saved = None if resume is None else Checkpoint.read(resume)
    _asked(checkpoint, every, saved)
    return saved


def _asked(
    checkpoint: Checkpoints | str | os.PathLike[str] | None, every: int | None, resumed: Checkpoint | None
) -> Checkpoints | None:
    """The options of `solve` as one value; None where they ask for no checkpoints.

    Raises:
        TypeError, ValueError: when they cannot be meant.
    """
    if isinstance(checkpoint, Checkpoints):
        if every is not None:
            raise ValueError(f"solve: got every={every} beside checkpoint={checkpoint!r}; give Checkpoints(every=...)")
        return checkpoint
    if checkpoint is None and resumed is None:
        if every is not None:
            raise ValueError(f"solve: got every={every}, expected a folder for checkpoints too; give checkpoint='run'")
        return None
    folder = checkpoint if checkpoint is not None or resumed is None else resumed.path.parent
    assert folder is not None
    return Checkpoints(folder, every)


def run_options(given: Mapping[str, Any], stages: Sequence[Stage], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same for a run to go on: methods and their options, weights, precision, seed, as plain values.

    Args:
        given: arguments of `solve`.
        stages: of the run.
        asked: further plain values.
    """
    problem: Problem = given["problem"]
    return {
        "stages": [
            {
                name: None if getattr(stage, name) is None else described(getattr(stage, name))
                for name in ("optimizer", "sampler", "weighting", "widening")
            }
            for stage in stages
        ],
        "weights": {name: problem.weight(name) for name in problem.constraints},
        "points": {name: one.points for name, one in problem.constraints.items()},
        "derivatives": "Jets" if given["derivatives"] is None else type(given["derivatives"]).__name__,
        "features": repr(given["features"]),
        "seed": int(given["seed"]),
        "dtype": str(given["dtype"]),
        "device": str(given["device"]),
        "asked": dict(asked),
    }
