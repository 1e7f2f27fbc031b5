"""Runs beside each other: a table of what they differ in and what came out, and a picture of how they got there.

    pinn compare outputs/burgers/2026-01-31_10-00-00 outputs/burgers/2026-01-31_10-05-00
    pinn compare outputs/sweeps/*/*  --picture sweep.png

Loss and error are drawn against wall seconds, on axes that the runs share.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pinn.plotting import plot_history
from pinn.solution.history import History

PICTURE = Path("outputs/comparison.png")
_FOUND = {
    "error": "error",
    "estimated": "estimated error",
    "seconds": "wall s",
    "steps": "steps taken",
    "parameters": "parameters",
    "verdict": "verdict",
}
_TARGET = "._target_"


@dataclass(frozen=True)
class Run:
    """What a run left behind.

    Args:
        folder: of the run.
        metrics: of `metrics.json`.
        settings: those of `config.yaml` that were made, by dotted key.
        history: of `history.csv`.
    """

    folder: Path
    metrics: Mapping[str, Any]
    settings: Mapping[str, Any]
    history: History


def read(folder: Path) -> Run:
    """Read a run's folder.

    Raises:
        ValueError: where it is none, or a file of it cannot be read.
    """
    if not (folder / "metrics.json").is_file():
        what = "holds no metrics.json" if folder.is_dir() else "there is no such folder"
        raise ValueError(f"{folder}: {what}; give the folder of a run that ended, such as outputs/burgers/...")
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        settings = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")) or {}
        history = History.load(folder / "history.csv")
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{folder}: cannot be read ({' '.join(str(error).split())}); give another run") from None
    return Run(folder, metrics, _flat(settings), history)


def table(runs: Sequence[Run]) -> list[list[str]]:
    """A heading and a row a run: its name, the settings in which the runs differ, and what came out.

    Args:
        runs: two or more.
    """
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    differ = [name for name in names if len({json.dumps(run.settings.get(name)) for run in runs}) > 1]
    outcomes = [{**run.metrics, "estimated": (run.metrics.get("certificate") or {}).get("error")} for run in runs]
    found = {key: title for key, title in _FOUND.items() if any(one.get(key) is not None for one in outcomes)}
    unknowns = list(dict.fromkeys(name for run in runs for name in run.metrics.get("coefficients") or {}))
    rows = [["run", *(name.removesuffix(_TARGET) for name in differ), *found.values(), *unknowns]]
    for (label, run), outcome in zip(labelled(runs).items(), outcomes, strict=True):
        settings = [_setting(name, run.settings.get(name)) for name in differ]
        values = [_text((run.metrics.get("coefficients") or {}).get(name)) for name in unknowns]
        rows.append([label, *settings, *(_text(outcome.get(key)) for key in found), *values])
    return rows


def labelled(runs: Sequence[Run]) -> dict[str, Run]:
    """The runs by as much of their folders' names as tells them apart."""
    parts = [run.folder.resolve().parts for run in runs]
    depth = next(
        (k for k in range(1, max(map(len, parts)) + 1) if len({one[-k:] for one in parts}) == len(parts)), None
    )
    if depth is None:
        raise ValueError(f"{runs[0].folder}: the same run is given twice; name each once")
    return {"/".join(one[-depth:]): run for one, run in zip(parts, runs, strict=True)}


def laid_out(rows: Sequence[Sequence[str]]) -> str:
    """A table as lines of text."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def draw(runs: Sequence[Run], path: Path) -> None:
    """Loss and error of the runs against wall seconds, with a dot for each answer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    problems = ", ".join(dict.fromkeys(str(run.metrics.get("problem", "")) for run in runs))
    wrong = max(float(run.metrics.get("reference_error") or 0.0) for run in runs)
    curves = {label: run.history for label, run in labelled(runs).items()}
    plot_history(curves, path, reference_error=wrong, title=problems)


def _flat(settings: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{path}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return {name: value for name, value in found.items() if not name.endswith("._partial_")}


def _setting(name: str, value: Any) -> str:
    return str(value).rpartition(".")[2] if name.endswith(_TARGET) and value is not None else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)


def main() -> None:
    """Entry of `pinn compare`."""
    parser = argparse.ArgumentParser(prog="pinn compare", description="Runs beside each other.")
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs, two or more")
    parser.add_argument("--picture", type=Path, default=PICTURE, help=f"file to draw (default: {PICTURE})")
    given = parser.parse_args()
    try:
        if len(given.runs) < 2:
            raise ValueError("pinn compare: one run is given, expected two or more; name another folder")
        runs = [read(folder) for folder in given.runs]
        print(laid_out(table(runs)))
        draw(runs, given.picture)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
    print(f"picture: {given.picture}")


if __name__ == "__main__":
    main()
