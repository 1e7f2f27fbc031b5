"""One run of the benchmark in a process of its own: `python -m experiments._one_run RUN.json RESULT.json`.

The wall time is split into what the user waits for: import (start of the process until the library is loaded),
reference (problem, certified solution on the evaluation grid), first step (from the call of `solve` to the end of the
first step: network, checks before the run, plans of derivatives), training, evaluation (the report, the errors).

The curve of error against time is that of the answer `solve` would give if it were stopped then: of the parameters with
the least loss on fresh points so far, which is what a run returns.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Curve = dict[str, list[float | None]]


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 1e6 if sys.platform == "darwin" else largest * 1024 / 1e6


def measure(run: Mapping[str, Any], started: float) -> dict[str, Any]:
    """Solve the problem of one run and say what came of it.

    Args:
        run: a `Run` as plain values.
        started: wall clock (`time.time()`) when its process was started.

    Returns:
        plain values: error, coefficient_errors, floor, points and rows at the end, parameters, dtype, steps, reason,
        times, history, ...
    """
    import torch

    from pinn.solver import solve
    from pinn.training import evaluation_points

    from ._configuration import build, target
    from ._folder import surroundings

    torch.set_num_threads(run["threads"])
    imported = time.time()
    node = run["settings"]["problem"]
    problem = build(target(node, "problem"), node)
    if problem.reference is not None:
        problem.exact(evaluation_points(problem))
    referenced = time.time()
    call = {"problem": problem, "seed": run["seed"], "seconds": run["seconds"]}
    call |= {"threads": run["threads"], "progress": False}
    solution = build(solve, {**run["settings"]["method"], **call})
    report, history = solution.report, solution.history
    assert report is not None
    ended = time.time()
    first, last = history[0]["seconds"], history[-1]["seconds"]
    return {
        "error": report.error,
        "coefficient_errors": dict(report.coefficient_errors),
        "floor": report.floor,
        "points": int(history[-1]["points"]),
        "rows": int(history[-1]["rows"]),
        "parameters": report.parameters,
        "dtype": report.dtype,
        "memory": peak_memory(),
        "steps": report.steps,
        "reason": report.reason,
        "times": {
            "import": imported - started,
            "reference": referenced - imported,
            "first step": first,
            "training": last - first,
            "evaluation": ended - referenced - last,
        },
        "history": curve(history, problem.exact_coefficients),
        **surroundings(),
    }


def curve(rows: Iterable[Mapping[str, float]], exact: Mapping[str, float]) -> Curve:
    """Seconds, error and largest relative coefficient error of the answer so far, at every look at fresh points.

    Args:
        rows: of a history; those without `fresh` are no looks.
        exact: true values of the unknown coefficients.
    """
    found: Curve = {"seconds": [], "error": [], "coefficients": []}
    least, error, wrong = math.inf, math.nan, math.nan
    for row in rows:
        if "fresh" not in row:
            continue
        if row["fresh"] < least or math.isnan(least):
            least = row["fresh"]
            error = row.get("error", math.nan)
            wrong = max(
                (abs(row[f"coefficient/{name}"] - true) / (abs(true) or 1.0) for name, true in exact.items()),
                default=math.nan,
            )
        found["seconds"].append(round(row["seconds"], 3))
        for name, value in (("error", error), ("coefficients", wrong)):
            found[name].append(float(f"{value:.4g}") if math.isfinite(value) else None)
    return found


def main() -> None:
    """Read the run, measure it, write the result; the exit code says whether there is one."""
    started = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = measure(started["run"], started["started"])

    from ._folder import write_json

    write_json(Path(sys.argv[2]), result)


if __name__ == "__main__":
    main()
