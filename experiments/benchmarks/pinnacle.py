"""The account of the PINNacle suite: each task's error beside the best that was published, and the median of ratios.

Published errors are means of three runs of twelve methods, of about 776 GPU hours in all (Hao et al., arXiv:2306.08827,
main table). An error below what its reference is known to be wrong by counts as that.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ..command_line.errors import ConfigurationError
from .results import Record
from .tables import grouped, heading, judged, missing_table, shown, spread, table, times_table

AIM = 1e-3
"""What the median over the tasks of error over best published error is to be at the most."""


def suite_of(tasks: Mapping[str, Any]) -> dict[str, Any]:
    """The tasks as the benchmarks' suite: without the published errors, with a hundredth of them as targets.

    Raises:
        ConfigurationError: for a task without a published error.
    """
    for name, task in tasks.items():
        best = task.get("best") if isinstance(task, Mapping) else None
        if isinstance(best, bool) or not isinstance(best, (int, float)) or not best > 0:
            raise ConfigurationError(
                f"suite.{name}.best: expected the published error, a positive number, got {best!r}; give such as "
                f"suite.{name}.best=1e-3"
            )
    return {
        name: {**{key: value for key, value in task.items() if key != "best"}, "target": float(task["best"]) / 100}
        for name, task in tasks.items()
    }


def markdown(
    records: Sequence[Record], tasks: Mapping[str, Any], command: str, gaps: Sequence[tuple[str, str, str]] = ()
) -> str:
    """The table, its median, what is missing, and where the time went.

    Args:
        records: finished runs.
        tasks: name -> problem and best published error.
        command: what was typed.
        gaps: problem, method and reason of what was planned and is not finished.
    """
    groups, suite = grouped(records), suite_of(tasks)
    parts = [heading(records, command)]
    if groups:
        rows, ratios = [], []
        for (problem, _), runs in groups.items():
            values, known = [judged(run, suite) for run in runs], max(float(run["reference_error"]) for run in runs)
            median, best = max(statistics.median(values), known), float(tasks[problem]["best"])
            ratios.append(median / best)
            rows.append(
                [
                    problem,
                    shown(median, known),
                    spread(values, known),
                    f"{best:.2e}",
                    f"{median / best:.1e}" if math.isfinite(median) else "—",
                    "met" if median <= best / 100 else "missed",
                    f"{known:.1e}" if known > 0 else "exact",
                    f"{statistics.median(run['history']['seconds'][-1] for run in runs):.0f}",
                    str(len(runs)),
                ]
            )
        names = ("task", "median", "least–greatest", "best published", "ratio", "a hundredth", "reference’s error")
        parts += [
            table((*names, "seconds", "seeds"), rows),
            f"Median ratio over {len(ratios)} tasks: {statistics.median(ratios):.1e}, where {AIM:.0e} is aimed at.",
        ]
    parts += missing_table(gaps)
    return "\n\n".join([*parts, times_table(groups)] if groups else parts) + "\n"
