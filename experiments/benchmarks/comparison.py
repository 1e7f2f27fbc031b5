"""What the optimizers' benchmark found: error by optimizer, time to a rival's error, targets, error against time.

The fraction of time: the first time at which ours has the error that the rival ended with, over the time at which the
rival ended; both of the same seed, and the median over seeds. It is met where that is not above what was asked for.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from .results import Record
from .tables import (
    at,
    curve,
    grouped,
    heading,
    judged,
    median_curve,
    met,
    missing_table,
    reached,
    spread,
    table,
    verdict,
)

Groups = Mapping[tuple[str, str], Sequence[Record]]


def account(
    mode: str,
    options: Mapping[str, Any],
    records: Sequence[Record],
    suite: Mapping[str, Any],
    command: str,
    gaps: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The Markdown that says what was found.

    Args:
        mode: "targets" for `solve` against its targets; otherwise optimizers against each other.
        options: of that mode.
        records: finished runs.
        suite: the problems.
        command: what was typed.
        gaps: problem, optimizer and reason of what was planned and is not finished.
    """
    parts = [heading(records, command)]
    if records:
        parts.append(
            "Errors are relative L2 on a fixed grid, or the largest relative error of unknown coefficients (C), of "
            "the parameters with the least validation loss so far. Wall seconds count from the call of `solve`."
        )
    if records and mode == "targets":
        parts.append(targets_table(records, suite, options.get("memory")))
    elif records:
        parts += [*comparison(records, suite, options.get("compare")), details(records, suite)]
    return "\n\n".join([*parts, *missing_table(gaps)]) + "\n"


def comparison(records: Sequence[Record], suite: Mapping[str, Any], compare: Mapping[str, Any] | None) -> list[str]:
    """One line a problem, one column an optimizer, and the fraction of the rival's time that ours took to its error.

    Args:
        records: finished runs.
        suite: the problems.
        compare: rival, ours, fraction; None for no such columns.

    Returns:
        the table, and before it what the last columns mean.
    """
    groups = grouped(records)
    problems, methods = _names(groups)
    ours = [name for name in compare["ours"] if name in methods] if compare and compare["rival"] in methods else []
    rows = []
    for problem in problems:
        values = {name: _median(groups[problem, name], suite) for name in methods if (problem, name) in groups}
        least = min(values.values())
        cells = []
        for name in methods:
            shown = spread([values[name]], _reference_error(groups[problem, name], suite)) if name in values else "—"
            cells.append(f"**{shown}**" if values.get(name) == least else shown)
        for name in ours:
            cells.append(_fraction_cell(groups, suite, problem, name, compare or {}))
        rows.append([problem + _by(problem, suite), *cells])
    if not ours or compare is None:
        return [table(("problem", *methods), rows)]
    rival = compare["rival"]
    most = float(compare["fraction"])
    said = f"Last: time to the error that {rival} ended with over {rival}'s time; asked for: at most {most:g}."
    return [said, table(("problem", *methods, *(f"{name} / {rival}" for name in ours)), rows)]


def fraction_of_time(ours: Iterable[Record], rivals: Iterable[Record], suite: Mapping[str, Any]) -> float:
    """Median over seeds of our time to the error that the rival ended with, over the rival's time.

    Infinity where the error is not reached; NaN where no seed has both, or the rival has no error to reach.
    """
    by_seed = {record["seed"]: record for record in ours}
    ratios = []
    for rival in rivals:
        error = judged(rival, suite)
        if rival["seed"] in by_seed and math.isfinite(error):
            seconds, values = curve(by_seed[rival["seed"]], suite)
            ratios.append(reached(seconds, values, error) / rival["history"]["seconds"][-1])
    return statistics.median(ratios) if ratios else math.nan


def details(records: Sequence[Record], suite: Mapping[str, Any]) -> str:
    """Each problem and optimizer: error over seeds, what it took, and why it ended."""
    rows = []
    for (problem, method), runs in grouped(records).items():
        rows.append(
            [
                problem + _by(problem, suite),
                method,
                spread([judged(run, suite) for run in runs], _reference_error(runs, suite)),
                _count(run["steps"] for run in runs),
                f"{statistics.median(run['history']['seconds'][-1] for run in runs):.1f}",
                _count(run["parameters"] for run in runs),
                _count(run["rows"] for run in runs),
                _memory(runs),
                ", ".join(sorted({str(run["reason"]) for run in runs})),
            ]
        )
    names = ("problem", "optimizer", "error", "steps", "seconds", "parameters", "rows at the end", "peak memory (MB)")
    return table((*names, "ended because"), rows)


def targets_table(records: Sequence[Record], suite: Mapping[str, Any], memory: float | None = None) -> str:
    """Median error over seeds at each time that has a target, read off the curves, with the peak memory.

    Args:
        records: finished runs.
        suite: problems with their targets, seconds -> error.
        memory: MB that no run should exceed; None for no mark.
    """
    groups = grouped(records)
    whens = sorted({float(when) for problem, _ in groups for when in suite[problem].get("targets", {})})
    rows = []
    for (problem, _), runs in groups.items():
        targets = {float(when): float(value) for when, value in suite[problem].get("targets", {}).items()}
        own, cells = _reference_error(runs, suite), []
        for when in whens:
            values = [_known(at(*curve(run, suite), when)) for run in runs]
            median = statistics.median(values)
            target = targets.get(when)
            cells += [
                f"{spread([median], own, 'none')} ({spread(values, own, 'none')})",
                "" if target is None else f"{target:.0e} {verdict(met(median, own, target), suite[problem])}",
            ]
        peak = max((float(run.get("memory") or math.inf) for run in runs), default=math.inf)
        asked = "" if memory is None or math.isinf(peak) else f" {_mark(peak <= memory)}"
        ended = statistics.median(run["history"]["seconds"][-1] for run in runs)
        rows.append([problem + _by(problem, suite), *cells, f"{ended:.0f}", _memory(runs) + asked, str(len(runs))])
    names = [name for when in whens for name in (f"at {when:g} s: median (least–greatest)", "target")]
    return table(("problem", *names, "ended at (s)", "peak memory (MB)", "seeds"), rows)


def picture(records: Sequence[Record], suite: Mapping[str, Any], path: Path) -> None:
    """Median error against wall seconds, one panel a problem, one line an optimizer; targets as crosses."""
    from matplotlib.ticker import NullFormatter

    from pinn.plotting.canvas import INK, MUTED, PALETTE, logarithmic, new_figure, quiet, save

    groups = grouped(records)
    problems, methods = _names(groups)
    styles = {name: (color, line) for name, (color, line) in zip(methods, _styles(PALETTE), strict=False)}
    across = min(3, len(problems))
    down = -(-len(problems) // across)
    figure = new_figure(max(5.0, 4.0 * across), 3.0 * down + 0.7)
    shown: dict[str, Any] = {}
    for index, problem in enumerate(problems):
        axes = quiet(figure.add_subplot(down, across, index + 1))
        heights = []
        for name in methods:
            curves = [curve(run, suite) for run in groups.get((problem, name), ())]
            curves = [one for one in curves if np.isfinite(one[1]).any()]
            if curves:
                times, values = median_curve(curves)
                color, line = styles[name]
                shown[name] = axes.plot(times, values, color=color, ls=line, lw=1.6, label=name)[0]
                heights.append(values)
        targets = {float(when): float(value) for when, value in suite[problem].get("targets", {}).items()}
        within = [when for when in targets if when <= max(run["seconds"] for run in records)]
        marked = np.array([targets[when] for when in within])
        logarithmic(axes, *heights, marked)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.scatter(within, marked, color=INK, marker="x", s=28, zorder=3)
        reference_error = max(_reference_error(runs, suite) for (name, _), runs in groups.items() if name == problem)
        if reference_error > axes.get_ylim()[0]:
            axes.axhline(reference_error, color=MUTED, lw=0.9, ls=":")
        axes.set_title(problem, fontsize=10, color=INK)
        axes.set_xlabel("wall time (s)", fontsize=9)
        if index % across == 0:
            axes.set_ylabel("error", fontsize=9)
    figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    save(figure, path)


def _names(groups: Groups) -> tuple[list[str], list[str]]:
    """Problems and methods in order of appearance."""
    return list(dict.fromkeys(problem for problem, _ in groups)), list(dict.fromkeys(name for _, name in groups))


def _styles(palette: Sequence[str]) -> Iterable[tuple[str, str]]:
    """As many lines as are wanted that can be told apart: the palette, then again dashed."""
    for line in cycle(("-", "--", "-.", ":")):
        for color in palette:
            yield color, line


def _fraction_cell(
    groups: Groups, suite: Mapping[str, Any], problem: str, name: str, compare: Mapping[str, Any]
) -> str:
    found = fraction_of_time(groups.get((problem, name), ()), groups.get((problem, compare["rival"]), ()), suite)
    if math.isnan(found):
        return "—"
    shown = f"{found:.3f}" if math.isfinite(found) else "not reached"
    return f"{shown} {_mark(found <= float(compare['fraction']))}"


def _median(runs: Sequence[Record], suite: Mapping[str, Any]) -> float:
    return statistics.median(judged(run, suite) for run in runs)


def _reference_error(runs: Sequence[Record], suite: Mapping[str, Any]) -> float:
    """What the reference is known to be wrong by; coefficients are compared with exact ones."""
    coefficients = any(suite[run["problem"]].get("by", "error") == "coefficients" for run in runs)
    return 0.0 if coefficients else max(float(run["reference_error"]) for run in runs)


def _by(problem: str, suite: Mapping[str, Any]) -> str:
    return " (C)" if suite[problem].get("by", "error") == "coefficients" else ""


def _known(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _mark(good: bool) -> str:
    return "met" if good else "missed"


def _memory(runs: Sequence[Record]) -> str:
    """The greatest peak of resident memory; a dash where the runs did not tell."""
    peaks = [float(run["memory"]) for run in runs if run.get("memory")]
    return f"{max(peaks):.0f}" if peaks else "—"


def _count(values: Iterable[float]) -> str:
    return f"{statistics.median(values):.0f}"
