"""What the benchmark found: a table in Markdown, the comparison with peers, and error against time in pictures.

Rules: the median over seeds, with least and greatest beside it; an error below what its reference is known to be wrong
by is printed as that floor; a target is met when the median, or the floor where that is greater, is not above it. Peers
are compared run by run at the same seed: the time of our run to the error that the peer ended with over the peer's
time, and the error of our answer at the time the peer ended over the peer's error; medians of those ratios are shown.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from pinn.plotting.canvas import INK, MUTED, PALETTE, logarithmic, new_figure, quiet, save
from pinn.report import score

from ._results import Record

Array = NDArray[np.float64]
TIMES = ("import", "reference", "first step", "training", "evaluation")


def judged(record: Mapping[str, Any], suite: Mapping[str, Any]) -> float:
    """The number that a run is judged by, dimensionless: rel-L2, or the largest relative coefficient error.

    NaN where the run has none, infinity where it is not finite.
    """
    if suite[record["problem"]].get("by", "error") == "coefficients":
        errors = record.get("coefficient_errors") or {}
        values = [math.inf if value is None else float(value) for value in errors.values()]
        return max(values, default=math.nan)
    return math.inf if record.get("error") is None else float(record["error"])


def grouped(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    """Runs that differ in their seed alone, by (problem, method), in order of appearance."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["problem"], record["method"]), []).append(record)
    return groups


def met(value: float, floor: float, target: float) -> bool:
    """Whether a target is reached for certain: neither the error nor the reference's own error is above it."""
    return max(value, floor) <= target


def markdown(records: Sequence[Record], suite: Mapping[str, Any], origin: str) -> str:
    """The whole account: where it comes from, the table, the times, the comparison with peers where some ran.

    Args:
        records: finished runs.
        suite: targets, by problem.
        origin: the command, the date and the revision, in Markdown.
    """
    groups = grouped(records)
    if not groups:
        return f"Nothing is finished yet.\n\n{origin}\n"
    machines = sorted({f"{r['machine']}, torch {r['versions']['torch']}" for r in records})
    limits = sorted({f"{r['seconds']:g} s on {r['threads']} threads" for r in records})
    parts = [
        f"{origin}; {'; '.join(limits)}; {'; '.join(machines)}.",
        "Errors are relative L2 on a fixed grid, or, where coefficients are to be found, the largest of their relative "
        "errors (C): the median over seeds (least–greatest).",
        errors_table(groups, suite),
        "Wall seconds, medians: the library's import, the certified reference (cached on disk after the first time), "
        "from the call of `solve` to the end of its first step, the other steps, the report.",
        times_table(groups),
    ]
    compared = peers_table(groups, suite)
    if compared:
        parts += [
            "Peers in the same interleaved run. Time: ours to the error that the peer ended with, over the peer's. "
            "Error: ours when the peer ended, over the peer's. Medians over seeds; below 1 is better than the peer. "
            "A peer that is through with its published schedule before the limit goes on with the same Adam.",
            compared,
        ]
    return "\n\n".join(parts) + "\n"


def errors_table(groups: Mapping[tuple[str, str], Sequence[Record]], suite: Mapping[str, Any]) -> str:
    """Error, target, and what it took, one line a problem and method."""
    rows = []
    for (problem, method), runs in groups.items():
        values = [judged(run, suite) for run in runs]
        coefficients = suite[problem].get("by", "error") == "coefficients"
        floor = 0.0 if coefficients else max(float(run["floor"]) for run in runs)
        median, target = statistics.median(values), float(suite[problem]["target"])
        shown = score(median, floor).removeprefix("rel-L2 ") + (" (C)" if coefficients else "")
        rows.append(
            [
                problem,
                method,
                shown,
                spread(values, floor),
                f"{target:.0e}",
                "met" if met(median, floor, target) else "missed",
                f"{floor:.1e}" if floor > 0 else "exact",
                _count(run["points"] for run in runs),
                _count(run["parameters"] for run in runs),
                ", ".join(sorted({run["dtype"] for run in runs})),
                str(len(runs)),
            ]
        )
    names = ("problem", "method", "median", "least–greatest", "target", "", "reference’s floor")
    return _table((*names, "points", "parameters", "precision", "seeds"), rows)


def times_table(groups: Mapping[tuple[str, str], Sequence[Record]]) -> str:
    """Where the wall time went, one line a problem and method."""
    rows = []
    for (problem, method), runs in groups.items():
        split = [f"{statistics.median(run['times'][name] for run in runs):.1f}" for name in TIMES]
        rows.append([problem, method, *split, _count(run["steps"] for run in runs)])
    return _table(("problem", "method", *TIMES, "steps"), rows)


def peers_table(groups: Mapping[tuple[str, str], Sequence[Record]], suite: Mapping[str, Any]) -> str:
    """Each of our methods against each peer on each problem; empty where no pair ran."""
    rows = []
    for (problem, method), runs in groups.items():
        if not _is_peer(runs[0]):
            continue
        for (other, own), mine in groups.items():
            if other != problem or _is_peer(mine[0]):
                continue
            by_seed = {run["seed"]: run for run in mine}
            pairs = [(by_seed[run["seed"]], run) for run in runs if run["seed"] in by_seed]
            if pairs:
                rows.append([problem, method, own, *_compared(pairs, suite)])
    names = ("problem", "peer", "ours", "peer's error", "peer's seconds", "time: ours / peer's", "error: ours / peer's")
    return _table((*names, "published schedule's end", "the peer's recipe"), rows) if rows else ""


def _compared(pairs: Sequence[tuple[Record, Record]], suite: Mapping[str, Any]) -> list[str]:
    errors = [judged(peer, suite) for _, peer in pairs]
    ends = [float(peer["history"]["seconds"][-1]) for _, peer in pairs]
    times, ratios = [], []
    for (ours, _), error, end in zip(pairs, errors, ends, strict=True):
        seconds, values = curve(ours, suite)
        times.append(reached(seconds, values, error) / end)
        ratios.append(at(seconds, values, end) / error if error > 0 else math.nan)
    median = statistics.median(times)
    return [
        f"{statistics.median(errors):.1e}",
        f"{statistics.median(ends):.1f}",
        f"{median:.2g}" if math.isfinite(median) else "not reached",
        f"{statistics.median(ratios):.1e}",
        _published([peer for _, peer in pairs]),
        str(pairs[0][1].get("source", "")),
    ]


def _published(peers: Sequence[Mapping[str, Any]]) -> str:
    """Error and time at which the peer's published schedule was through, where the limit let it; rel-L2."""
    ends = [peer["published"] for peer in peers if peer.get("published")]
    if not ends:
        return f"cut by the limit: {peers[0]['reason']}"
    error, seconds = (statistics.median(float(end[name]) for end in ends) for name in ("error", "seconds"))
    return f"rel-L2 {error:.1e} after {seconds:.0f} s"


def curve(record: Mapping[str, Any], suite: Mapping[str, Any]) -> tuple[Array, Array]:
    """Seconds and what the run is judged by, both of shape (looks,); NaN where it is not known."""
    name = "coefficients" if suite[record["problem"]].get("by", "error") == "coefficients" else "error"
    history = record["history"]
    return np.array(history["seconds"], dtype=np.float64), np.array(history[name], dtype=np.float64)


def reached(seconds: Array, values: Array, level: float) -> float:
    """The first time at which a curve is not above `level`; infinity where it never is."""
    below = np.flatnonzero(values <= level)
    return float(seconds[below[0]]) if below.size else math.inf


def at(seconds: Array, values: Array, when: float) -> float:
    """The last value known at time `when`; NaN before the first."""
    index = int(np.searchsorted(seconds, when, side="right")) - 1
    return float(values[index]) if index >= 0 else math.nan


def median_curve(curves: Sequence[tuple[Array, Array]], count: int = 200) -> tuple[Array, Array]:
    """The median over runs of the last value known at each of `count` times, from when all have one.

    A run that has ended keeps its last value.
    """
    start = max(float(seconds[0]) for seconds, _ in curves)
    end = max(float(seconds[-1]) for seconds, _ in curves)
    times = np.geomspace(max(start, 1e-3), max(end, start, 1e-3), count)
    times[-1] = max(end, start)
    values = np.array([[at(seconds, value, when) for when in times] for seconds, value in curves])
    known = np.isfinite(values).any(axis=0)
    return times[known], np.nanmedian(values[:, known], axis=0)


def picture(records: Sequence[Record], suite: Mapping[str, Any], path: Path) -> None:
    """Median error against wall seconds, one panel a problem, one line a method; target and floor as thin lines."""
    groups = grouped(records)
    problems = list(dict.fromkeys(problem for problem, _ in groups))
    colors = {method: PALETTE[i % len(PALETTE)] for i, method in enumerate(dict.fromkeys(m for _, m in groups))}
    across = min(4, len(problems))
    down = -(-len(problems) // across)
    figure = new_figure(max(4.5, 3.4 * across), 2.7 * down + 0.4)
    for index, problem in enumerate(problems):
        axes = quiet(figure.add_subplot(down, across, index + 1))
        shown = []
        for (name, method), runs in groups.items():
            curves = [pair for pair in (curve(run, suite) for run in runs) if np.isfinite(pair[1]).any()]
            if name == problem and curves:
                times, values = median_curve(curves)
                axes.plot(times, values, color=colors[method], lw=1.6, label=method)
                shown.append(values)
        floor = max(float(run["floor"]) for (name, _), runs in groups.items() if name == problem for run in runs)
        target = float(suite[problem]["target"])
        logarithmic(axes, *shown, np.array([target]))
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.axhline(target, color=MUTED, lw=0.9, ls="--", label="target")
        if floor > 0 and suite[problem].get("by", "error") == "error":
            axes.axhline(floor, color=MUTED, lw=0.9, ls=":", label="reference’s floor")
        axes.set_title(problem, fontsize=10, color=INK)
        axes.set_xlabel("wall time (s)", fontsize=9)
        if index % across == 0:
            axes.set_ylabel("median error", fontsize=9)
        axes.legend(frameon=False, fontsize=7)
    save(figure, path)


def spread(values: Sequence[float], floor: float) -> str:
    """Least and greatest, those below the floor as the floor."""
    low, high = ("≤" * (value < floor) + f"{max(value, floor):.1e}" for value in (min(values), max(values)))
    return low if low == high else f"{low}–{high}"


def _is_peer(record: Mapping[str, Any]) -> bool:
    return "peer" in record["settings"]["method"]


def _count(values: Iterable[float]) -> str:
    return f"{statistics.median(values):.0f}"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
