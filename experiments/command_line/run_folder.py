"""What a run leaves behind: its configuration, numbers, history, solution, pictures; each file whole or not there."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from pinn.files import replacing
from pinn.solution import Solution


def write_run(folder: Path, config: DictConfig, solution: Solution) -> None:
    """Write `config.yaml`, `metrics.json`, `report.txt`, `.md`, `.html`, `history.csv`, `solution.pt`, the pictures.

    Args:
        folder: an existing folder.
        config: the run's configuration, written with every reference in it resolved.
        solution: what the run found, with its report.
    """
    from pinn.plotting import plot_history, plot_solution, plot_trace  # Matplotlib, which no refusal has to wait for

    write_text(folder / "config.yaml", OmegaConf.to_yaml(config, resolve=True))
    solution.save(folder / "solution.pt")
    solution.history.save(folder / "history.csv")
    if solution.report is not None:
        write_text(folder / "report.txt", f"{solution.report}\n")
        write_text(folder / "report.md", solution.report.markdown())
        solution.report.save_html(folder / "report.html")
        write_json(folder / "metrics.json", solution.report.as_dict() | surroundings())
    name = solution.problem.name
    plot_solution(solution, folder / "solution.png")
    plot_history(solution.history, folder / "history.png", reference_error=solution.problem.reference_error, title=name)
    plot_trace(solution.history, folder / "trace.png", title=name)


def surroundings() -> dict[str, Any]:
    """What a measured time depends on: versions, threads, machine."""
    try:
        own = version("pinn")
    except PackageNotFoundError:  # a checkout that was never installed
        own = "checkout"
    return {
        "versions": {"pinn": own, "torch": torch.__version__, "python": platform.python_version()},
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
