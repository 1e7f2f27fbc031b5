"""Weights & Biases: a run of a project there, or kept in a folder and sent later by `wandb sync`.

What is sent, and to where, is decided by wandb's own settings (`wandb login`, WANDB_MODE) unless `mode` says it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pinn.training.trackers.tracker import Plain, Tracker, needed


class WeightsAndBiases(Tracker):
    """A run of Weights & Biases.

    Args:
        project: that the run belongs to.
        folder: for wandb's files; is made where it is not there.
        mode: "online", "offline" (files alone) or "disabled"; left out, as wandb is set.
        name: of the run there; left out, the problem's.
        settings: see `Tracker`.
        every: see `Tracker`.

    Attributes:
        run: wandb's own object, once the run has begun, for what else is to be logged.

    Raises:
        ImportError: where wandb is not installed.
        ValueError: for another mode.

    Example:
        >>> solve(problem, callbacks=[WeightsAndBiases("pinn", mode="offline")])  # doctest: +SKIP
    """

    def __init__(
        self,
        project: str = "pinn",
        folder: str | os.PathLike[str] = "outputs/wandb",
        mode: Literal["online", "offline", "disabled"] | None = None,
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        every: int = 1,
    ) -> None:
        super().__init__(name, settings, every)
        if mode not in (None, "online", "offline", "disabled"):
            raise ValueError(
                f"WeightsAndBiases: got mode={mode!r}, expected online, offline or disabled; give one, or leave it out"
            )
        self._wandb = needed("WeightsAndBiases", "wandb", "wandb")
        self.project, self.folder, self.mode = project, Path(folder), mode
        self.run: Any = None

    def start(self, name: str | None, settings: Mapping[str, Plain]) -> None:
        """A run of its own, whatever other runs this process has there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run = self._wandb.init(
            project=self.project,
            name=str(settings["problem"]) if name is None else name,
            dir=str(self.folder),
            mode=self.mode,
            config=dict(settings),
            reinit="create_new",
        )
        # An axis of our own: wandb's goes up with every call, and a step may be recorded in two parts.
        self.run.define_metric("step", hidden=True)
        self.run.define_metric("*", step_metric="step")

    def record(self, step: int, numbers: Mapping[str, float]) -> None:
        """A row."""
        self.run.log({"step": step, **numbers})

    def finish(self, result: Mapping[str, Plain]) -> None:
        """The result as the run's summary."""
        self.run.summary.update({f"result/{name}": value for name, value in result.items()})
        self.run.finish()

    def fail(self, reason: str) -> None:
        """The run as failed."""
        self.run.summary["failed"] = reason
        self.run.finish(exit_code=1)
