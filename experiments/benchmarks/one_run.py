"""One run of the benchmark in a process of its own: `python -m experiments.benchmarks.one_run RUN.json RESULT.json`.

`perform` starts that process, or that of a peer, and says what came of it; `measure` is what it does.

The wall time is split into what the user waits for: import (start of the process until library and `LATE` are loaded),
reference (problem, certified solution on the evaluation grid), first step (from the call of `solve` to the end of the
first step: network, checks before the run, plans of derivatives), training, evaluation (the report, the errors).

The curve of error against time is that of the answer `solve` would give if it were stopped then: of the parameters with
the least validation loss so far, which is what a run returns.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import math
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinn.files import replacing

from . import yardstick
from .children import Children, end_with_parent
from .results import Record, Run

if TYPE_CHECKING:
    from pinn.solution import Report, Solution

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = __package__.rpartition(".")[0]
PATIENCE = 10
"""Wall seconds that a run of the processor's clock is given for each of its own."""
LATE = (
    "scipy.linalg",
    "scipy.sparse.linalg",
    "scipy.stats",
    "sympy.codegen.ast",
    "sympy.tensor.tensor",
    "pinn.derivatives.witnesses.symbolic",
)
"""What the library loads when it is first used. It is loaded before the clock starts, as a peer's program loads all of
its own: half a second of the processor, most of it for the one sequence of points that is SciPy's."""

Curve = dict[str, list[float | None]]


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 1e6 if sys.platform == "darwin" else largest * 1024 / 1e6


def measure(run: Mapping[str, Any], started: float) -> dict[str, Any]:
    """Solve the problem of one run and say what came of it.

    Args:
        run: a `Run` as plain values; where its settings say blind, the problem is solved without reference and true
            coefficients, which then measure the answer and cannot have made its verdict.
        started: wall clock (`time.time()`) when its process was started.

    Returns:
        plain values: error, coefficients, coefficient_errors, reference_error, estimate and verdict, points and rows
        at the end, parameters, dtype, steps, reason, times, history, ...
    """
    import torch

    from pinn.solution import Solution, evaluation_points
    from pinn.solver import solve

    from ..command_line.configuration import build, target
    from ..command_line.run_folder import surroundings

    torch.set_num_threads(run["threads"])
    for late in LATE:
        importlib.import_module(late)
    imported = time.time()
    before = yardstick.measure()
    began = time.time()
    node = run["settings"]["problem"]
    problem = build(target(node, "problem"), node)
    if problem.reference is not None:
        problem.exact(evaluation_points(problem))
    referenced = time.time()
    asked = replace(problem, reference=None, exact_coefficients={}) if run["settings"].get("blind") else problem
    call = {"problem": asked, "seed": run["seed"], "seconds": run["seconds"]}
    call |= {"threads": run["threads"], "progress": False}
    with processor_clock() if run.get("clock") == "processor" else contextlib.nullcontext():
        solution = build(solve, {**run["settings"]["method"], **call})
    report, history = solution.report, solution.history
    assert report is not None
    known = Solution(problem, solution.model) if asked is not problem else None
    ended = time.time()
    rows = list(history)
    first, last = rows[0]["seconds"], rows[-1]["seconds"]
    measured = yardstick.together(before, yardstick.measure())
    return {
        "error": report.error if known is None else known.error() if problem.reference is not None else None,
        "coefficients": dict(report.coefficients),
        "coefficient_errors": dict(report.coefficient_errors if known is None else known.coefficient_errors()),
        "reference_error": problem.reference_error,
        "estimate": estimate(solution),
        "verdict": verdict(report),
        "points": int(history[-1]["points"]),
        "rows": int(history[-1]["rows"]),
        "parameters": report.parameters,
        "dtype": report.dtype,
        "memory": peak_memory(),
        "steps": report.steps,
        "reason": report.reason,
        "ended_by_itself": report.outcome is not None and not report.outcome.ending.cut,
        "times": {
            "import": imported - started,
            "reference": referenced - began,
            "first step": first,
            "training": last - first,
            "evaluation": ended - referenced - history[-1]["seconds"],
        },
        "yardstick": measured.as_dict(),
        "history": curve(rows, problem.exact_coefficients),
        **surroundings(),
    }


@contextlib.contextmanager
def processor_clock() -> Iterator[None]:
    """Seconds that a run of one thread counts and foresees are those of its processor meanwhile."""
    wall = time.perf_counter
    time.perf_counter = time.process_time
    try:
        yield
    finally:
        time.perf_counter = wall


def estimate(solution: Solution) -> dict[str, Any] | None:
    """What the certificate says of a solution, as plain values; None where there is none."""
    found = getattr(solution, "certificate", None)
    if found is None:
        return None
    return {
        "error": found.error,
        "coefficient_errors": dict(found.coefficient_errors),
        "carried": found.carried,
        "stability": found.stability,
        "bound": found.bound,
        "undetermined": len(found.undetermined),
    }


def verdict(report: Report) -> dict[str, Any]:
    """Verdict, whether the answer is trusted, and the error it is trusted to, where the report tells them."""
    judgement = getattr(report, "judgement", None)
    if judgement is None:
        return {"value": "trusted" if report.trusted else "not trusted", "trusted": report.trusted, "error": None}
    return {"value": judgement.verdict.value, "trusted": judgement.trusted, "error": judgement.error}


def curve(rows: Iterable[Mapping[str, float]], exact: Mapping[str, float]) -> Curve:
    """Seconds, error and largest relative coefficient error of the answer so far, at every evaluation.

    Args:
        rows: of a history; those without `validation` are passed over.
        exact: true values of the unknown coefficients.
    """
    found: Curve = {"seconds": [], "error": [], "coefficients": []}
    least, error, wrong = math.inf, math.nan, math.nan
    for row in rows:
        if "validation" not in row:
            continue
        if row["validation"] < least or math.isnan(least):
            least = row["validation"]
            error = row.get("error", error)  # not measured at every evaluation
            wrong = max(
                (abs(row[f"coefficient/{name}"] - true) / (abs(true) or 1.0) for name, true in exact.items()),
                default=math.nan,
            )
        found["seconds"].append(round(row["seconds"], 3))
        for name, value in (("error", error), ("coefficients", wrong)):
            found[name].append(float(f"{value:.4g}") if math.isfinite(value) else None)
    return found


def perform(
    run: Run, python: str, children: Children | None = None, *, module: str | None = None, pictures: Path | None = None
) -> Record:
    """Run it in a fresh process with fixed threads; the record of what came of it, failed or done.

    Args:
        run: what is to be run.
        python: the program that runs it.
        children: are told of the process while it runs.
        module: that the program runs; left out, this one, or the peers'.
        pictures: folder that gets what the run has drawn where it works, PNG.
    """
    module = module or (f"{PACKAGE}.benchmarks.one_run" if run.peer is None else f"{PACKAGE}.peers")
    began = time.time()
    patience = (2 if run.clock == "wall" else 2 * PATIENCE) * run.seconds + 600
    with tempfile.TemporaryDirectory() as temporary:
        given, found = Path(temporary) / "run.json", Path(temporary) / "result.json"
        given.write_text(json.dumps({"run": run.as_dict(), "started": began}), encoding="utf-8")
        try:
            done = (Children() if children is None else children).run(
                [python, "-m", module, str(given), str(found)],
                env=environment(run.threads),
                cwd=temporary,
                timeout=patience,
            )
            failed = "" if done.returncode == 0 and found.exists() else _reason(done)
        except subprocess.TimeoutExpired:
            failed = f"no end after {patience:.0f} s"
        result = {"reason": failed} if failed else json.loads(found.read_text(encoding="utf-8"))
        if pictures is not None and not failed:
            _keep_pictures(Path(temporary), pictures)
    return {
        **run.as_dict(),
        "status": "failed" if failed else "done",
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "wall": round(time.time() - began, 3),
        "processor": processor(),
        "cores": os.cpu_count(),
        **result,
    }


def _keep_pictures(where: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for drawn in sorted(where.glob("*.png")):
        with replacing(folder / drawn.name) as kept:
            shutil.copyfile(drawn, kept)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Why a process ended without a result: the signal that ended it, or the last line that it wrote."""
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}"
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def environment(threads: int) -> dict[str, str]:
    """The variables of a run's process: as many threads as asked for, everywhere, and this code on its path."""
    counts = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    path = os.pathsep.join([_import_root(), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **dict.fromkeys(counts, str(threads)), "PYTHONPATH": path, "MPLBACKEND": "Agg"}


def _import_root() -> str:
    """The folder from which this package is imported: the checkout, or site-packages in a wheel."""
    return str(Path(__file__).resolve().parents[PACKAGE.count(".") + 2])


def processor() -> str:
    """The model of this machine's processor, as /proc/cpuinfo has it where there is one."""
    listing = Path("/proc/cpuinfo")
    text = listing.read_text(encoding="utf-8") if listing.exists() else ""
    found = re.search(r"^model name\s*:\s*(.*\S)", text, re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()


def revision() -> str:
    """The git revision of this checkout, `abc1234`, or `abc1234+9f3e` with a hash of what was changed since.

    Changed are tracked files, and new ones of code and configuration; "unknown" where this is no checkout.
    """
    new = ("ls-files", "--others", "--exclude-standard", "-z", "--", "*.py", "*.yaml")
    top, head, changes, names = (
        _git(*words)
        for words in (("rev-parse", "--show-toplevel"), ("rev-parse", "--short", "HEAD"), ("diff", "HEAD"), new)
    )
    if top is None or head is None or Path(os.fsdecode(top.strip())).resolve() != ROOT:
        return "unknown"
    content = changes or b""
    for name in filter(None, (names or b"").split(b"\0")):
        path = ROOT / os.fsdecode(name)
        content += name + (path.read_bytes() if path.is_file() else b"")
    return head.decode().strip() + (f"+{hashlib.sha256(content).hexdigest()[:4]}" if content else "")


def _git(*words: str) -> bytes | None:
    """What git says, None where it cannot."""
    try:
        said = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    except OSError:
        return None
    return said.stdout if said.returncode == 0 else None


def main() -> None:
    """Read the run, measure it, write the result; the exit code says whether there is one."""
    end_with_parent()
    started = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = measure(started["run"], started["started"])

    from ..command_line.run_folder import write_json

    write_json(Path(sys.argv[2]), result)


if __name__ == "__main__":
    main()
