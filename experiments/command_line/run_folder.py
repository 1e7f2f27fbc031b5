"""What a run leaves behind: its configuration, numbers, history, solution, pictures; each file whole or not there.

The configuration is written before the first step, the solution as soon as training ends, before certificate, report
and pictures, so that what fails there costs nothing that was computed; what ends a run in the middle leaves the best
answer until then. A run that is refused leaves no folder.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from pinn.files import replacing
from pinn.lock import locked_folder
from pinn.solution import Solution
from pinn.training import Latest, Progress

from .errors import ConfigurationError
from .telling import version_here

CHECKPOINTS = "checkpoints"
_RESULTS = ("solution.pt", "metrics.json")
_FAILED = 1


class RunFolder(Latest):
    """A run's folder while the run lasts: a callback of `solve`, and a block around it.

    Args:
        path: an existing folder; it must not hold the results of an earlier run, nor be one that a run works in.
        config: the run's configuration, written with every reference in it resolved.
        resumed: whether an earlier run of this folder goes on, so that its files are this run's own.

    Attributes:
        path: where files are written; another folder where the first has gone.
        begun: whether training has begun, so that there is something to keep.
        written: names of the files written so far.
    """

    def __init__(self, path: Path, config: DictConfig, resumed: bool = False) -> None:
        super().__init__()
        self.path, self.config, self.resumed = path, config, resumed
        self.begun = False
        self.written: list[str] = []
        self._before = {entry.name for entry in path.iterdir()}
        self._lock = contextlib.ExitStack()

    def __enter__(self) -> RunFolder:
        died = self._lock.enter_context(locked_folder(self.path))
        found = sorted(name for name in _RESULTS if (self.path / name).exists())
        if found and not self.resumed:
            self._lock.close()
            raise ConfigurationError(
                f"{self.path}: holds {found[0]} of an earlier run; name another folder, delete that one, or go "
                f"on with resume={self.path}"
            )
        if died is not None:
            sys.stderr.write(f"{self.path}: an earlier run here died ({died}); its lock is void\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()
        if error is None:
            return
        if not self.begun:
            self._clear()
            return
        if isinstance(error, SystemExit):
            return
        self._rescue(error)
        if isinstance(error, Exception) and os.environ.get("HYDRA_FULL_ERROR") != "1":
            raise SystemExit(_FAILED) from error

    @property
    def name(self) -> str:
        """What the run is called where runs are compared: its folder, as seen from `outputs/`."""
        here = Path.cwd()
        if not self.path.is_relative_to(here):
            return self.path.name
        return self.path.relative_to(here).as_posix().removeprefix("outputs/")

    # -- while solve runs -----------------------------------------------------------------------------------------

    def begin(self, progress: Progress) -> None:
        """The configuration is there before the first step."""
        super().begin(progress)
        self.begun = True
        self.write("config.yaml", OmegaConf.to_yaml(self.config, resolve=True))

    def end(self, progress: Progress) -> None:
        """The solution is there before certificate and report."""
        super().end(progress)
        self.keep(progress.solution())

    # -- writing --------------------------------------------------------------------------------------------------

    def keep(self, solution: Solution) -> None:
        """Write `solution.pt` and `history.csv`."""
        solution.save(self._place() / "solution.pt")
        self._note("solution.pt")
        solution.history.save(self._place() / "history.csv")
        self._note("history.csv")

    def account(self, solution: Solution) -> None:
        """Write `metrics.json` and the report as `report.txt`, `.md`."""
        if solution.report is not None:
            self.write("report.txt", f"{solution.report}\n")
            self.write("report.md", solution.report.markdown())
            write_json(self._place() / "metrics.json", solution.report.as_dict() | surroundings())
            self._note("metrics.json")

    def draw(self, solution: Solution) -> None:
        """Write `report.html` and the pictures."""
        from pinn.plotting import plot_history, plot_solution, plot_trace  # Matplotlib: no refusal has to wait for it

        folder, name = self._place(), solution.problem.name
        wrong = solution.problem.reference_error
        if solution.report is not None:
            solution.report.save_html(folder / "report.html")
            self._note("report.html")
        plot_solution(solution, folder / "solution.png")
        if any(unknown.inputs for unknown in solution.problem.unknowns.values()):
            solution.plot(folder / "fields.png", kind="fields")
            self._note("fields.png")
        plot_history(solution.history, folder / "history.png", reference_error=wrong, title=name)
        plot_trace(solution.history, folder / "trace.png", title=name)
        self.written += ["solution.png", "history.png", "trace.png"]

    def write(self, name: str, text: str) -> None:
        """Write one file of text."""
        write_text(self._place() / name, text)
        self._note(name)

    def way_on(self) -> str:
        """How to go on with the run; empty where there is no checkpoint to go on from."""
        there = any((self.path / CHECKPOINTS).glob("*"))
        return f"to go on: python -m experiments.train resume={self.path}\n" if there else ""

    def _note(self, name: str) -> None:
        if name not in self.written:
            self.written.append(name)

    def _place(self) -> Path:
        """The folder, made anew where it has gone, or another where that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.path = elsewhere()
            self.written.clear()
            sys.stderr.write(f"the run's folder has gone ({error}); writing to {self.path}\n")
        return self.path

    # -- when something fails -------------------------------------------------------------------------------------

    def _rescue(self, error: BaseException) -> None:
        """Keep the best answer so far, and say in a few lines what happened, what is there, and where."""
        solution = self.solution()
        if isinstance(error, Exception):
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            when = "after training" if "solution.pt" in self.written else "the run ended early"
            sys.stderr.write(f"error: {when}: {said}\n")
        shown = "".join(traceback.format_exception(error))
        try:
            self._keep_with(solution, shown)
        except OSError as full:
            sys.stderr.write(f"error: cannot be written: {full}\n")
            here = self.way_on()
            self.path = elsewhere()
            self.written.clear()
            with contextlib.suppress(OSError):
                self._keep_with(solution, shown)
            sys.stderr.write(here)
        steps = 0 if solution is None or not len(solution.history) else int(solution.history[-1]["step"])
        names = ", ".join(self.written) or "nothing"
        sys.stderr.write(f"the best answer of {steps} steps: {names} in {self.path}\n{self.way_on()}")

    def _keep_with(self, solution: Solution | None, shown: str) -> None:
        """Write the answer, where there is one that is not there yet, and where the error came from."""
        if solution is not None and "solution.pt" not in self.written:
            self.keep(solution)
        self.write("error.txt", shown)

    def _clear(self) -> None:
        """A run that was refused leaves no folder; what was there before stays."""
        kept = {name for name in self._before if not name.endswith(".log")}
        with contextlib.suppress(OSError):
            if kept:
                return
            for entry in self.path.iterdir():
                if entry.suffix == ".log":
                    entry.unlink()
                elif entry.is_dir():  # of checkpoints that were not written
                    entry.rmdir()
            self.path.rmdir()
            folder = self.path.resolve().parent
            while folder != Path.cwd() and folder.is_relative_to(Path.cwd()):
                folder.rmdir()
                folder = folder.parent


def elsewhere() -> Path:
    """A new folder where temporary files go, for what the run's own folder does not take."""
    return Path(tempfile.mkdtemp(prefix="pinn-run-"))


def write_run(folder: Path, config: DictConfig, solution: Solution) -> None:
    """Write `config.yaml`, `metrics.json`, `report.txt`, `.md`, `.html`, `history.csv`, `solution.pt`, the pictures.

    Args:
        folder: an existing folder.
        config: the run's configuration, written with every reference in it resolved.
        solution: what the run found, with its report.
    """
    place = RunFolder(folder, config)
    place.write("config.yaml", OmegaConf.to_yaml(config, resolve=True))
    place.keep(solution)
    place.account(solution)
    place.draw(solution)


def surroundings() -> dict[str, Any]:
    """What a measured time depends on: versions, threads, machine."""
    return {
        "versions": {"pinn": version_here(), "torch": torch.__version__, "python": platform.python_version()},
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }


def write_text(path: Path, text: str) -> None:
    """Write a text file at once."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file at once; NaN and infinities, which JSON does not have, become null."""
    write_text(path, json.dumps(_finite(content), indent=2, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
