"""Who wins where: this library beside neural rivals and beside what a user would pick instead, told.

Seconds are those of the run divided by the factor of its machine (`yardstick`), so that they are those of the README's
processor. A time to an error is the first at which a run has it; for a classical method, that of the coarsest
resolution that has it, solved by itself. An error is what the problem is judged by: relative L2, or the largest
relative error of its coefficients (C). Medians over seeds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..peers.recipes import ADAPTERS, CLASSICAL, NEURAL
from .results import Record
from .source_lines import lines_used
from .tables import Array, curve, factor, grouped, heading, judged, median_curve, missing_table, reached, shown, table

LEVELS = (1e-4, 1e-6, 1e-8, 1e-10)
"""Errors that are timed."""
CALL = 2
"""Lines beside the statement of a problem here: the import, and the call of `solve`."""
Groups = Mapping[tuple[str, str], Sequence[Record]]


def markdown(
    records: Sequence[Record], suite: Mapping[str, Any], command: str, gaps: Sequence[tuple[str, str, str]] = ()
) -> str:
    """The whole account: where it comes from, who wins, every method on every problem, what is missing, the recipes.

    Args:
        records: finished runs.
        suite: the problems.
        command: what was typed.
        gaps: problem, method and reason of what was planned and is not finished.
    """
    groups = grouped(records)
    parts = [heading(records, command)]
    if groups:
        parts += [
            "Who wins: the best of each kind by its least error, and ours against it. Time: ours to the error that the "
            "rival ended with, over the rival's time to it. Error: ours at the end over the rival's at the end. "
            "Below 1, ours is better.",
            winners_table(groups, suite),
            "All methods: seconds to an error, divided by the machine's factor, without those in which a program loads "
            "its libraries; lines of code that state the problem (and for a classical method solve it), with the "
            "imports and helpers that they need.",
            methods_table(groups, suite),
        ]
    parts += missing_table(gaps)
    changed = recipes(records)
    if changed:
        parts.append("The rivals' recipes:\n\n" + "\n".join(changed))
    return "\n\n".join(parts) + "\n"


def winners_table(groups: Groups, suite: Mapping[str, Any]) -> str:
    """One line a problem: the best neural rival and the best classical method, each against ours."""
    rows = []
    for problem in dict.fromkeys(problem for problem, _ in groups):
        ours = [method for other, method in groups if other == problem and kind(method) == "ours"]
        if not ours:
            continue
        mine = groups[problem, ours[0]]
        cells = [problem + _by(problem, suite), final(mine, suite)]
        for of in ("neural", "classical"):
            rivals = [method for other, method in groups if other == problem and kind(method) == of]
            if not rivals:
                cells += ["—"] * 3
                continue
            best = min(rivals, key=lambda method: median_error(groups[problem, method], suite))
            cells += [f"{best} {final(groups[problem, best], suite)}", *against(mine, groups[problem, best], suite)]
        rows.append(cells)
    names = ["problem", "ours", "neural rival", "time", "error", "classical", "time", "error"]
    return table(names, rows)


def against(ours: Sequence[Record], rival: Sequence[Record], suite: Mapping[str, Any]) -> tuple[str, str]:
    """Our time to the rival's error over its time to it, and our error over its error."""
    error = median_error(rival, suite)
    floor = max(error, float(rival[0]["reference_error"]))
    mine, its = time_to(ours, suite, floor), time_to(rival, suite, floor)
    time = "not reached" if math.isinf(mine) else f"{mine / its:.2g}" if math.isfinite(its) and its > 0 else "—"
    ratio = median_error(ours, suite) / error if error > 0 else math.inf
    return time, f"{ratio:.1e}" if math.isfinite(ratio) else "—"


def methods_table(groups: Groups, suite: Mapping[str, Any]) -> str:
    """One line a problem and method."""
    rows = []
    for (problem, method), runs in groups.items():
        times = [time_to(runs, suite, level) for level in LEVELS]
        end = statistics.median(float(curve(run, suite)[0][-1]) / factor(run) for run in runs)
        rows.append(
            [
                problem + _by(problem, suite),
                method,
                final(runs, suite),
                duration(end),
                *(duration(time) if math.isfinite(time) else "—" for time in times),
                str(lines_of(problem, method, suite)),
            ]
        )
    levels = [f"to {level:.0e}" for level in LEVELS]
    return table(("problem", "method", "error at the end", "seconds", *levels, "lines"), rows)


def duration(seconds: float) -> str:
    """Seconds to two digits, without an exponent."""
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2g}"


def recipes(records: Sequence[Record]) -> list[str]:
    """What each rival follows and what is changed of it, each once."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        if "source" in record:
            text = record["source"] + (f"; changed: {record['changed']}" if record.get("changed") else "")
            found.setdefault(f"{record['method']}: {text}", {})[record["problem"]] = None
    return [f"- {text} ({', '.join(problems)})" for text, problems in found.items()]


def time_to(runs: Sequence[Record], suite: Mapping[str, Any], level: float) -> float:
    """Median over seeds of the seconds to an error, divided by the machine's factor; infinity where none has it."""
    return statistics.median(reached(*curve(run, suite), level * (1 + 1e-3)) / factor(run) for run in runs)


def median_error(runs: Sequence[Record], suite: Mapping[str, Any]) -> float:
    """Of what the problem is judged by."""
    return statistics.median(judged(run, suite) for run in runs)


def final(runs: Sequence[Record], suite: Mapping[str, Any]) -> str:
    """The median error at the end, never below what the reference is known to be wrong by."""
    coefficients = suite[runs[0]["problem"]].get("by", "error") == "coefficients"
    return shown(median_error(runs, suite), 0.0 if coefficients else float(runs[0]["reference_error"]))


def kind(method: str) -> str:
    """Ours, neural or classical."""
    return "neural" if method in NEURAL else "classical" if method in CLASSICAL else "ours"


def lines_of(problem: str, method: str, suite: Mapping[str, Any]) -> int:
    """Lines of code of a problem with a method."""
    root = Path(__file__).resolve().parent.parent
    if kind(method) != "ours":
        return lines_used(root / "peers" / f"with_{ADAPTERS.get(method, method)}.py", problem)
    import pinn.problems

    name = suite[problem]["problem"]["_target_"].rpartition(".")[2]
    return CALL + lines_used(Path(pinn.problems.__path__[0]) / f"{name}.py", name)


def picture(records: Sequence[Record], suite: Mapping[str, Any], path: Path) -> None:
    """Error against seconds divided by the machine's factor, a panel a problem; classical methods as points."""
    from matplotlib.ticker import NullFormatter

    from pinn.plotting.canvas import INK, PALETTE, logarithmic, new_figure, quiet, save

    groups = grouped(records)
    problems = list(dict.fromkeys(problem for problem, _ in groups))
    methods = sorted(
        dict.fromkeys(method for _, method in groups), key=lambda m: ("ours", "neural").count(kind(m)) == 0
    )
    colors = {method: PALETTE[i % len(PALETTE)] for i, method in enumerate(methods)}
    across = min(4, len(problems))
    down = -(-len(problems) // across)
    figure = new_figure(max(4.5, 3.2 * across), 2.6 * down + 0.7)
    drawn: dict[str, Any] = {}
    for index, problem in enumerate(problems):
        axes = quiet(figure.add_subplot(down, across, index + 1))
        heights: list[Array] = []
        for method in methods:
            runs = groups.get((problem, method), ())
            curves = [(seconds / factor(run), values) for run in runs for seconds, values in [curve(run, suite)]]
            curves = [pair for pair in curves if np.isfinite(pair[1]).any()]
            if not curves:
                continue
            if kind(method) == "classical":
                times, values = curves[0]
                style: dict[str, Any] = {"marker": "o", "ms": 4, "ls": ":"}
            else:
                times, values = median_curve(curves)
                style = {"lw": 2.2 if kind(method) == "ours" else 1.3, "marker": "o", "ms": 4, "markevery": [-1]}
            values = np.maximum(values, 1e-16)
            drawn[method] = axes.plot(times, values, color=colors[method], label=method, **style)[0]
            heights.append(values)
        logarithmic(axes, *heights)
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title(problem, fontsize=10, color=INK)
        if index >= len(problems) - across:
            axes.set_xlabel("seconds ÷ factor", fontsize=9)
        if index % across == 0:
            axes.set_ylabel("error", fontsize=9)
    figure.legend(drawn.values(), drawn.keys(), loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    save(figure, path)


def _by(problem: str, suite: Mapping[str, Any]) -> str:
    return " (C)" if suite[problem].get("by", "error") == "coefficients" else ""
