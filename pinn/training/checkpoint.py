"""Checkpoints: a run in a file after a step, and the run that goes on from there to the same bits.

A file (`pinn.archive`) holds all that the next steps depend on: the model with its structure, widened or with features
beside the network, unknowns, the optimizer with its curvature, sampler, weighting and widening, the points and weights
of the moment, the state of the generator, validation points, the best answer, what was seen of noise, the history; and,
to be compared, the problem's identity (`pinn.identity`), the options of the run and the versions. It is taken after a
step was recorded and before anything is decided on it, so that a run that ended by its steps goes on where a longer one
would have.

When a checkpoint is due is counted, in steps or in the operations of steps, so that two runs write the same files; by
seconds only where that is asked for. Taking one reads and never writes what the run is made of, so the bits of a run
with and without them are the same. The last two are kept: one damaged file costs the steps since the other.

By default one is taken when the steps since the last have cost a hundred times as many operations as writing it,
counted as 10⁹ and 100 a byte: at 5·10¹⁰ operations a second 20 ms, and 2 ns a byte, to gather, hash and flush it; and
one before the first step and at the end. Processor time of one core of a shared Intel Xeon (2026-11-27): of
one checkpoint, of the run by this rule, and the part of it that checkpoints took:

| run, steps | one file | takes | the run | by this rule | one a step |
|---|---|---|---|---|---|
| oscillator, Levenberg-Marquardt, 150 | 0.07 MB | 4 ms | 8.0 s | 3 files, 0.2 % | 5.7 % |
| Poisson in two dimensions, the same, 80 | 0.09 MB | 4 ms | 4.1 s | 2 files, 0.2 % | 5.4 % |
| Burgers, the same, 60 | 0.10 MB | 4 ms | 4.8 s | 3 files, 0.3 % | 4.0 % |
| Burgers, Adam, 600 | 0.31 MB | 5 ms | 13.8 s | 6 files, 0.2 % | 14 % |
| Burgers, self-scaled Broyden, 300 | 6.4 MB | 14 ms | 8.1 s | 4 files, 0.8 % | 30 % |
| Poisson, the same with 2700 parameters, 25 | 61 MB | 0.13 s | 1.6 s | the 2 at its ends | 73 % |
"""

from __future__ import annotations

import logging
import math
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pinn import archive
from pinn.archive import DamagedFileError
from pinn.domains import Points
from pinn.identity import differences, identity
from pinn.model import Model, NetworkFactory
from pinn.objective import Objective
from pinn.optimizers import Step
from pinn.optimizers.optimizer import StepEnding
from pinn.problem import Problem
from pinn.state import Stateful
from pinn.structure import described, rebuilt
from pinn.validation import count, positive

log = logging.getLogger("pinn.training")

_NAME = re.compile(r"step-(\d{8,})\.pinn")
_HALF = re.compile(r"\.step-\d{8,}-.*\.pinn")  # what a kill in the middle of writing leaves
_FIXED = 1e9  # operations in whose time a small file is written, and ...
_BYTE = 100.0  # ... one more byte of it
_TIMES = 100.0  # as much work between two checkpoints as one costs
_ENTRIES = {"kind", "name", "identity", "options", "model", "training", "driver", "versions"}


@dataclass(frozen=True)
class Checkpoints:
    """Where a run writes its checkpoints, and how often.

    Args:
        folder: made where it does not exist; one run has one folder.
        every: steps between two; left out, as many as keep their cost at 1 % of the steps' (see the module).
        seconds: wall seconds between two, in place of steps; the files then follow the clock, the run never does.
        keep: of the newest, how many stay.

    Raises:
        TypeError: when the folder is no path.
        ValueError: when a number is out of its range, or both `every` and `seconds` are given.

    Example:
        >>> Checkpoints("run", every=100).keep
        2
    """

    folder: str | os.PathLike[str]
    every: int | None = None
    seconds: float | None = None
    keep: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str | os.PathLike):
            raise TypeError(f"Checkpoints: got folder={self.folder!r}, expected a path; give one such as 'run'")
        if self.every is not None:
            count("Checkpoints", 1, every=self.every)
        if self.seconds is not None:
            positive("Checkpoints", seconds=self.seconds)
        count("Checkpoints", 1, keep=self.keep)
        if self.every is not None and self.seconds is not None:
            raise ValueError(f"Checkpoints: got every={self.every} and seconds={self.seconds}; give one of them")


class CheckpointWriter:
    """Writes the checkpoints of one run.

    Args:
        checkpoints: where and how often.
        problem: of the run.
        options: of the run, as `pinn.training.resuming.run_options` has them.
        resumed: what the run goes on from; left out, it begins, and the folder must hold none.

    Attributes:
        driver: what drives the training, where it has a state of its own, such as corrected answers and the number of
            its round: its `state_dict()` is written with each file, models by `pinn.structure.described`. A wish to
            stop is part of that state; a callback of the driver gives it again when the run begins to go on.

    Raises:
        FileExistsError: when the folder holds the checkpoints of another run.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        problem: Problem,
        options: Mapping[str, Any],
        resumed: Checkpoint | None = None,
    ) -> None:
        self.checkpoints, self.problem, self.options = checkpoints, problem, dict(options)
        self.driver: Stateful | None = None
        self.folder = Path(checkpoints.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._written = files_in(self.folder)
        own = resumed is not None and resumed.path.resolve() in [path.resolve() for path in self._written]
        if self._written and not own:
            raise FileExistsError(
                f"{self.folder}: it holds the checkpoints of another run, the last {self._written[-1].name}; give "
                "resume= to go on with that, or another folder"
            )
        for half in self.folder.iterdir():
            if _HALF.fullmatch(half.name):
                half.unlink(missing_ok=True)
        self._bytes = 0
        self._step: int | None = None
        self._work = self._seconds = 0.0
        before = resumed.content["training"] if own and resumed is not None else None
        if before is not None and resumed is not None:
            self._step, self._work, self._seconds = before["journal"]["steps"], before["work"], before["elapsed"]
            self._bytes = resumed.path.stat().st_size

    def due(self, step: int, work: float, elapsed: float) -> bool:
        """Whether a checkpoint is to be taken now.

        Args:
            step: optimizer steps so far.
            work: operations of the steps so far.
            elapsed: wall seconds of the run.
        """
        if self._step is None:
            return True
        if self.checkpoints.every is not None:
            return step % self.checkpoints.every == 0
        if self.checkpoints.seconds is not None:
            return elapsed - self._seconds >= self.checkpoints.seconds
        return work - self._work >= _TIMES * (_FIXED + _BYTE * self._bytes)

    def write(self, model: Model, training: Mapping[str, Any] | None, step: int, work: float, elapsed: float) -> None:
        """Write a checkpoint, unless a number of the model is not finite: then the last good ones stay.

        Args:
            model: at its present parameters.
            training: what `training_state` says; None between two trainings of a driver.
            step, work, elapsed: as in `due`.

        Raises:
            OSError: naming the file, when it cannot be written.
            TypeError: naming a state that is no plain value, which an optimizer or strategy of one's own may have.
        """
        if not all(bool(parameter.isfinite().all()) for parameter in model.parameters()):
            return
        path = self.folder / f"step-{step:08d}.pinn"
        self._bytes = archive.write(
            path,
            {
                "kind": "checkpoint",
                "name": self.problem.name,
                "identity": identity(self.problem),
                "options": self.options,
                "model": described(model),
                "training": training,
                "driver": {} if self.driver is None else self.driver.state_dict(),
                "versions": {"torch": str(torch.__version__), "python": platform.python_version()},
            },
        )
        self._step, self._work, self._seconds = step, work, elapsed
        self._written = [*(one for one in self._written if one != path), path]
        for old in self._written[: -self.checkpoints.keep]:
            old.unlink(missing_ok=True)
        self._written = self._written[-self.checkpoints.keep :]

    @property
    def last(self) -> int | None:
        """Step of the last checkpoint written by this run; None before the first."""
        return self._step


def files_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the newest last."""
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read.

    Attributes:
        path: of its file.
        content: entry -> plain values.
    """

    path: Path
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Checkpoint:
        """The checkpoint in a file, or the newest in a folder that is not damaged.

        Raises:
            FileNotFoundError: when there is none.
            DamagedFileError: when there are only damaged ones.
        """
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: there is no such file or folder; give the folder where a run wrote its checkpoints"
            )
        if not path.is_dir():
            content = archive.read(path)
            if content.get("kind") != "checkpoint" or not set(content) >= _ENTRIES:
                raise DamagedFileError(f"{path}: it holds a {content.get('kind', 'thing')}, expected a checkpoint")
            return cls(path, content)
        files = files_in(path)
        if not files:
            raise FileNotFoundError(f"{path}: no checkpoint in it; give the folder where a run wrote some")
        for file in reversed(files):
            try:
                return cls.read(file)
            except DamagedFileError as error:
                log.warning("%s; going on from the one before", error)
        raise DamagedFileError(f"{path}: its checkpoints are all damaged: {', '.join(file.name for file in files)}")

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the run."""
        options: Mapping[str, Any] = self.content["options"]
        return options

    @property
    def driver(self) -> Mapping[str, Any]:
        """The state of what drove the training; empty where nothing did."""
        driver: Mapping[str, Any] = self.content["driver"]
        return driver

    @property
    def begun(self) -> bool:
        """Whether training had begun."""
        return self.content["training"] is not None

    @property
    def training(self) -> Mapping[str, Any]:
        """What `training_state` said.

        Raises:
            ValueError: between two trainings of a driver, which has its own state.
        """
        training: Mapping[str, Any] | None = self.content["training"]
        if training is None:
            raise ValueError(f"{self.path}: it was written between two trainings; go on with what drove them")
        return training

    def require_same(self, problem: Problem, options: Mapping[str, Any]) -> None:
        """Refuse to go on with another problem or other options, which would not be the same run.

        Args:
            problem: that is to be solved.
            options: of the run, as `pinn.training.resuming.run_options` has them.

        Raises:
            ValueError: naming all that differs.
        """
        found = differences(self.content["identity"], problem)
        found += [
            f"{name}: {_short(self.options.get(name))} in the file, {_short(options.get(name))} here"
            for name in {**self.options, **options}
            if self.options.get(name) != options.get(name)
        ]
        if found:
            raise ValueError(
                f"{self.path}: it is of another run: {'; '.join(found)}; give what the run was begun with (steps, "
                "seconds, tolerance and callbacks may change)"
            )

    def model(self, problem: Problem, network: NetworkFactory | None, device: torch.device | str) -> Model:
        """The model at the parameters of the moment.

        Args:
            problem: that it solves.
            network: what builds a network that is not the library's own.
            device: where it is to lie.
        """
        return rebuilt(str(self.path), problem, self.content["model"], network).to(device)


def training_state(trainer: Any, run: Any, step: Step | None) -> dict[str, Any]:
    """Everything of a training but its model, as plain values.

    Args:
        trainer: a `Trainer`.
        run: its present stage.
        step: that was recorded and on which nothing was decided yet; None before a step.
    """
    objective: Objective = run.objective
    ending = None if step is None or step.ending is None else step.ending.name
    return {
        "generator": trainer.generator.get_state(),
        "noise": trainer.noise.state_dict(),
        "monitor": trainer.monitor.state_dict(),
        "journal": trainer.journal.state_dict(),
        "recovery": trainer.recovery.state_dict(),
        "work": trainer.work,
        "elapsed": trainer.elapsed,
        "stage": {
            "index": run.index,
            "steps": run.steps,
            "accepted": run.accepted,
            "stuck": run.stuck,
            "elapsed": trainer.elapsed - run.began,
            "step": None if step is None else [float(step.loss), bool(step.accepted), ending, step.detail],
            "optimizer": run.optimizer.state_dict(),
            "stepped": run.stepped is run.meter,
            "sampler": run.sampler.state_dict(),
            "weighting": None if run.weighting is None else run.weighting.state_dict(),
            "widening": None if run.widening is None else run.widening.state_dict(),
            "points": {name: points.as_plain() for name, points in objective.points.items()},
            "weights": {block.name: block.weight for block in objective.blocks},
            "point_weights": dict(objective.point_weights),
        },
    }


def keep(run: Any, step: Step | None, last: bool) -> None:
    """Write a checkpoint where one is due, or where it is the last for now.

    Args:
        run: a stage of a `Trainer`.
        step: that was recorded and on which nothing was decided yet; None before a step.
        last: whether one is to be there in any case.

    Raises:
        OSError: where the first of a run cannot be written.
    """
    trainer = run.trainer
    writer: CheckpointWriter | None = trainer.checkpoints
    steps, work = trainer.journal.steps, trainer.work
    if writer is None or writer.last == steps or (step is not None and not math.isfinite(step.loss)):
        return
    if not (last or (step is not None and writer.due(steps, work, trainer.elapsed))):
        return
    try:
        writer.write(trainer.equations.model, training_state(trainer, run, step), steps, work, trainer.elapsed)
    except OSError as error:
        if writer.last is None:
            raise  # before anything was computed; later a full disk costs a checkpoint, not the run
        log.error("no checkpoint after step %d, the one before stays: %s", steps, error)


def continue_training(trainer: Any, state: Mapping[str, Any], network: NetworkFactory | None = None) -> None:
    """Put a trainer, made for the model of the moment, where `training_state` was taken, up to its stage.

    Args:
        trainer: a `Trainer`, before its run.
        state: plain values.
        network: what builds a network that is not the library's own.
    """
    trainer.noise.load_state_dict(_moved(state["noise"], trainer.monitor.objective.device))
    trainer.monitor.load_state_dict(state["monitor"], network)
    trainer.journal.load_state_dict(state["journal"])
    trainer.generator.set_state(state["generator"])
    trainer.recovery.load_state_dict(_moved(state["recovery"], trainer.monitor.objective.device))
    trainer.work = state["work"]
    trainer.started -= state["elapsed"]


def continue_stage(run: Any, state: Mapping[str, Any]) -> Step | None:
    """Put a stage where `training_state` was taken; the step on which nothing was decided yet, or None.

    Args:
        run: the stage, before its points are drawn.
        state: the entry `stage`.
    """
    equations, device = run.trainer.equations, run.monitor.objective.device
    run.steps, run.accepted, run.stuck = state["steps"], state["accepted"], state["stuck"]
    run.optimizer.load_state_dict(_moved(state["optimizer"], device))
    run.sampler.load_state_dict(state["sampler"])
    for name in ("weighting", "widening"):
        if getattr(run, name) is not None:
            getattr(run, name).load_state_dict(_moved(state[name], device))
    points = {name: Points.from_plain(plain) for name, plain in state["points"].items()}
    of_points = _moved(state["point_weights"], device)
    run.use(Objective(equations, points, weights=state["weights"], point_weights=of_points, energies=True))
    if state["stepped"]:
        run.optimizer.recognise(run.meter)
        run.stepped = run.meter
    if state["step"] is None:
        return None
    loss, accepted, ending, detail = state["step"]
    return Step(loss, accepted, ending=None if ending is None else StepEnding[ending], detail=detail)


def _moved(value: Any, device: torch.device) -> Any:
    """Plain values with their tensors on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {key: _moved(entry, device) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(entry, device) for entry in value)
    return value


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]} ..."
