"""What the benchmark found: a table in Markdown, the comparison with peers, and error against time in pictures.

Rules: the median over seeds, with least and greatest beside it; an error below what its reference is known to be wrong
by is printed as that; a target is met when neither the median nor the reference's own error is above it. An error that
is not a number is the worst there is, and is printed as diverged. Peers are compared run by run at the same seed: the
time of our run to the error that the peer ended with over the peer's time, and the error of our answer at the time the
peer ended over the peer's error; medians of those ratios are shown. Dates, revisions and machines are those of the
runs, and what was planned and is not there is listed.
"""

from __future__ import annotations

import inspect
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pinn.solution.error import score
from pinn.solver import solve

from .results import Record
from .suite import target_of
from .yardstick import REFERENCE

Array = NDArray[np.float64]
PROCESSOR = (
    " First step and other steps are of the processor where the run counts those; evaluation is then the rest of the "
    "wall seconds, in which other programs ran too."
)
TIMES = ("import", "reference", "first step", "training", "evaluation")


def judged(record: Mapping[str, Any], suite: Mapping[str, Any]) -> float:
    """The number that a run is judged by, dimensionless: rel-L2, or the largest relative coefficient error.

    Infinity where the run has none, or none that is finite.
    """
    if suite[record["problem"]].get("by", "error") == "coefficients":
        errors = record.get("coefficient_errors") or {}
        return max((math.inf if value is None else float(value) for value in errors.values()), default=math.inf)
    return math.inf if record.get("error") is None else float(record["error"])


def grouped(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    """Runs that differ in their seed alone, by (problem, method), in order of appearance."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["problem"], record["method"]), []).append(record)
    return groups


def met(value: float, reference_error: float, target: float) -> bool:
    """Whether a target is reached for certain: neither the error nor the reference's own error is above it."""
    return max(value, reference_error) <= target


def markdown(
    records: Sequence[Record],
    suite: Mapping[str, Any],
    command: str,
    gaps: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The whole account: where it comes from, the table, what is missing, the times, the peers where some ran.

    Args:
        records: finished runs.
        suite: targets, by problem.
        command: what was typed.
        gaps: problem, method and reason of what was planned and is not finished.
    """
    groups = grouped(records)
    parts = [heading(records, command)]
    if groups:
        parts += [
            "Errors are relative L2 on a fixed grid, or, where coefficients are to be found, the largest of their "
            "relative errors (C): the median over seeds (least–greatest).",
            errors_table(groups, suite),
        ]
    parts += missing_table(gaps)
    if groups:
        parts += [
            "Wall seconds, medians: the library's import, the certified reference (cached on disk after the first "
            "time), from the call of `solve` to the end of its first step, the other steps, the report."
            + (PROCESSOR if any(one.get("clock") == "processor" for _, runs in groups.items() for one in runs) else ""),
            times_table(groups),
            *peers_part(groups, suite),
        ]
    return "\n\n".join(parts) + "\n"


def heading(records: Sequence[Record], command: str) -> str:
    """When, of which revisions, within what limits and on what machines the runs were made, as they say themselves."""
    if not records:
        return f"Nothing is finished yet.\n\n`{command}`"
    days = sorted({str(record["date"])[:10] for record in records if record.get("date")})
    span = " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "dates unknown"
    revisions = ", ".join(sorted({str(record.get("revision", "unknown")) for record in records}))
    limits = sorted({f"{r['seconds']:g} s{_clock(r)} on {_threads(r)}, {_beside(r)}" for r in records})
    untouched = sorted({f"`{r['method']}` is `solve(problem)` on {_threads(r)}" for r in records if _is_default(r)})
    own = inspect.signature(solve).parameters["threads"].default or "as many as torch does"
    parts = [
        f"`{command}`",
        f"Runs: {span}; revision{'s' * (',' in revisions)} {revisions}; at most {'; '.join(limits)}",
        f"Machine: {'; '.join(sorted({_machine(record) for record in records}))}",
        *_yardstick(records),
        *([f"{', '.join(untouched)}; left to itself, `solve` takes {own}"] if untouched else []),
    ]
    return ". ".join(parts) + "."


def factor(record: Mapping[str, Any]) -> float:
    """How many times slower the machine was than the README's, by the run's own clock; 1 where nothing was timed."""
    found = record.get("yardstick")
    return 1.0 if found is None else float(found["factor" if record.get("clock") == "processor" else "wall_factor"])


def _yardstick(records: Sequence[Record]) -> list[str]:
    """The factor of the machine over the runs, where they timed it."""
    factors = [factor(record) for record in records if record.get("yardstick")]
    if not factors:
        return []
    return [
        f"Factor of the machine: {statistics.median(factors):.2f} ({min(factors):.2f}–{max(factors):.2f}) times the "
        f"seconds of fixed kernels on {REFERENCE.kind}, {REFERENCE.date}"
    ]


def missing_table(gaps: Sequence[tuple[str, str, str]]) -> list[str]:
    """What was planned and is not finished, and why; nothing where there is nothing."""
    rows = [(problem, method, why.replace("|", "\\|")) for problem, method, why in gaps]
    return ["Planned, and not finished:", table(("problem", "method", "why"), rows)] if rows else []


def errors_table(groups: Mapping[tuple[str, str], Sequence[Record]], suite: Mapping[str, Any]) -> str:
    """Error, target, and what it took, one line a problem and method."""
    rows = []
    for (problem, method), runs in groups.items():
        values = [judged(run, suite) for run in runs]
        coefficients = suite[problem].get("by", "error") == "coefficients"
        reference_error = 0.0 if coefficients else max(float(run["reference_error"]) for run in runs)
        median, target = (
            statistics.median(values),
            target_of(suite[problem], max(float(run["seconds"]) for run in runs)),
        )
        result = score(median, reference_error).removeprefix("rel-L2 ") if math.isfinite(median) else "diverged"
        rows.append(
            [
                problem,
                method,
                result + (" (C)" if coefficients else ""),
                spread(values, reference_error),
                f"{target:.0e}",
                verdict(met(median, reference_error, target), suite[problem]),
                f"{reference_error:.1e}" if reference_error > 0 else "exact",
                f"{statistics.median(run['history']['seconds'][-1] for run in runs):.0f}",
                f"{statistics.median(run['history']['seconds'][-1] / factor(run) for run in runs):.0f}",
                _count(run["points"] for run in runs),
                _count(run["parameters"] for run in runs),
                ", ".join(sorted({run["dtype"] for run in runs})),
                str(len(runs)),
            ]
        )
    names = ("problem", "method", "median", "least–greatest", "target", "", "reference’s error")
    return table((*names, "seconds", "÷ factor", "points", "parameters", "precision", "seeds"), rows)


def verdict(good: bool, entry: Mapping[str, Any]) -> str:
    """Whether the target is met, with the cause that the suite gives where it is not."""
    if good:
        return "met"
    return f"missed: {entry['cause']}" if entry.get("cause") else "missed"


def times_table(groups: Mapping[tuple[str, str], Sequence[Record]]) -> str:
    """Where the wall time went, one line a problem and method."""
    rows = []
    for (problem, method), runs in groups.items():
        split = [_seconds(run["times"].get(name) for run in runs) for name in TIMES]
        rows.append([problem, method, *split, _count(run["steps"] for run in runs)])
    return table(("problem", "method", *TIMES, "steps"), rows)


def peers_part(groups: Mapping[tuple[str, str], Sequence[Record]], suite: Mapping[str, Any]) -> list[str]:
    """Each of our methods against each peer on each problem, and where a recipe is not as published."""
    rows: list[list[str]] = []
    together: set[bool] = set()
    changed: dict[str, None] = {}
    for (problem, method), runs in groups.items():
        if not _is_peer(runs[0]):
            continue
        changed |= {f"- {problem}, {method}: {run['changed']}": None for run in runs if run.get("changed")}
        for (other, own), mine in groups.items():
            if other != problem or _is_peer(mine[0]):
                continue
            by_seed = {run["seed"]: run for run in mine}
            pairs = [(by_seed[run["seed"]], run) for run in runs if run["seed"] in by_seed]
            if pairs:
                same = all(_same_session(*pair) for pair in pairs)
                together.add(same)
                rows.append([problem, method if same else f"{method} †", own, *_compared(pairs, suite)])
    changes = ["Changed from the published recipes:\n\n" + "\n".join(changed)] if changed else []
    if not rows:
        return changes
    if together == {True}:
        said = "Peers and ours in the same interleaved run."
    elif together == {False}:
        said = "Peers and ours are from different runs (†), so the machine may have been busier for one of them."
    else:
        said = "Peers and ours in the same interleaved run, but for †: those are from different runs."
    names = ("problem", "peer", "ours", "peer's error", "peer's seconds", "time: ours / peer's", "error: ours / peer's")
    return [
        f"{said} Time: ours to the error that the peer ended with, over the peer's. "
        "Error: ours when the peer ended, over the peer's. Medians over seeds; below 1 is better than the peer. "
        "A peer that is through with its published schedule before the limit goes on with the same Adam.",
        table((*names, "published schedule's end", "the peer's recipe"), rows),
        *changes,
    ]


def _same_session(ours: Mapping[str, Any], peer: Mapping[str, Any]) -> bool:
    return ours.get("session") is not None and ours["session"] == peer.get("session")


def _compared(pairs: Sequence[tuple[Record, Record]], suite: Mapping[str, Any]) -> list[str]:
    errors = [judged(peer, suite) for _, peer in pairs]
    ends = [float(peer["history"]["seconds"][-1]) for _, peer in pairs]
    times, ratios = [], []
    for (ours, _), error, end in zip(pairs, errors, ends, strict=True):
        seconds, values = curve(ours, suite)
        if math.isfinite(error) and error > 0 and end > 0:
            times.append(reached(seconds, values, error) / end)
            ratios.append(at(seconds, values, end) / error)
    known = [ratio for ratio in ratios if math.isfinite(ratio)]
    median = statistics.median(times) if times else math.nan
    return [
        shown(statistics.median(errors)),
        f"{statistics.median(ends):.1f}",
        "not reached" if math.isinf(median) else f"{median:.2g}" if math.isfinite(median) else "—",
        f"{statistics.median(known):.1e}" if known else "—",
        _published([peer for _, peer in pairs]),
        str(pairs[0][1].get("source", "")),
    ]


def _published(peers: Sequence[Mapping[str, Any]]) -> str:
    """Error and time at which the peer's published schedule was through, where the limit let it; rel-L2."""
    ends = [peer["published"] for peer in peers if peer.get("published")]
    if not ends:
        return f"cut by the limit: {peers[0]['reason']}"
    error = statistics.median(math.inf if end["error"] is None else float(end["error"]) for end in ends)
    after = f"after {statistics.median(float(end['seconds']) for end in ends):.0f} s"
    return f"rel-L2 {error:.1e} {after}" if math.isfinite(error) else f"diverged {after}"


def curve(record: Mapping[str, Any], suite: Mapping[str, Any]) -> tuple[Array, Array]:
    """Seconds and what the run is judged by, both of shape (evaluations + 1,); NaN where it is not known.

    The last point is the answer, which a correction may have made after the last evaluation of training.
    """
    name = "coefficients" if suite[record["problem"]].get("by", "error") == "coefficients" else "error"
    history = record["history"]
    seconds, values = (np.array(history[key], dtype=np.float64) for key in ("seconds", name))
    return np.append(seconds, seconds[-1]), np.append(values, judged(record, suite))


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
    """Median error against wall seconds, a panel a problem, a line a method; thin lines: target, reference error."""
    from matplotlib.ticker import NullFormatter

    from pinn.plotting.canvas import INK, MUTED, PALETTE, logarithmic, new_figure, quiet, save

    groups = grouped(records)
    problems = list(dict.fromkeys(problem for problem, _ in groups))
    colors = {method: PALETTE[i % len(PALETTE)] for i, method in enumerate(dict.fromkeys(m for _, m in groups))}
    clock = "processor" if all(record.get("clock") == "processor" for record in records) else "wall"
    across = min(4, len(problems))
    down = -(-len(problems) // across)
    figure = new_figure(max(4.5, 3.4 * across), 2.7 * down + 0.4)
    for index, problem in enumerate(problems):
        axes = quiet(figure.add_subplot(down, across, index + 1))
        drawn = []
        for (name, method), runs in groups.items():
            curves = [pair for pair in (curve(run, suite) for run in runs) if np.isfinite(pair[1]).any()]
            if name == problem and curves:
                times, values = median_curve(curves)
                axes.plot(times, values, color=colors[method], lw=1.6, label=method)
                axes.plot(times[-1], values[-1], "o", color=colors[method], ms=4)
                drawn.append(values)
        mine = [run for (name, _), runs in groups.items() if name == problem for run in runs]
        reference_error = max(float(run["reference_error"]) for run in mine)
        target = target_of(suite[problem], max(float(run["seconds"]) for run in mine))
        logarithmic(axes, *drawn, np.array([target]))
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.axhline(target, color=MUTED, lw=0.9, ls="--", label="target")
        if reference_error > 0 and suite[problem].get("by", "error") == "error":
            axes.axhline(reference_error, color=MUTED, lw=0.9, ls=":", label="reference’s error")
        axes.set_title(problem, fontsize=10, color=INK)
        axes.set_xlabel(f"{clock} time (s)", fontsize=9)
        if index % across == 0:
            axes.set_ylabel("median error", fontsize=9)
        axes.legend(frameon=False, fontsize=7)
    save(figure, path)


def spread(values: Sequence[float], reference_error: float, none: str = "diverged") -> str:
    """Least and greatest, those below the reference's own error as that, those that are not finite as `none`."""
    low, high = (shown(value, reference_error, none) for value in (min(values), max(values)))
    return low if low == high else f"{low}–{high}"


def shown(value: float, reference_error: float = 0.0, none: str = "diverged") -> str:
    """An error as text: the reference's own where it is below that, `none` where it is not finite."""
    return "≤" * (value < reference_error) + f"{max(value, reference_error):.1e}" if math.isfinite(value) else none


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _is_peer(record: Mapping[str, Any]) -> bool:
    return "peer" in record["settings"]["method"]


def _is_default(record: Mapping[str, Any]) -> bool:
    return not record["settings"]["method"]


def _threads(record: Mapping[str, Any]) -> str:
    return f"{record['threads']} thread{'s' * (record['threads'] > 1)}"


def _clock(record: Mapping[str, Any]) -> str:
    return " of processor time" if record.get("clock") == "processor" else ""


def _beside(record: Mapping[str, Any]) -> str:
    """How many runs went on at a time: times taken side by side are not those of a machine left alone."""
    jobs = record.get("jobs", 1)
    return "one run at a time" if jobs == 1 else f"{jobs} runs at a time"


def _machine(record: Mapping[str, Any]) -> str:
    kind = str(record.get("processor", record["machine"]))
    cores = f", {record['cores']} cores" if record.get("cores") else ""
    return f"{kind}{cores}, torch {record['versions']['torch']}"


def _count(values: Iterable[float]) -> str:
    return f"{statistics.median(values):.0f}"


def _seconds(values: Iterable[float | None]) -> str:
    """Median of those that are known."""
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.1f}" if known else "—"
