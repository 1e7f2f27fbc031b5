"""One application of the gallery in a process of its own.

    python -m experiments.benchmarks.one_application RUN.json RESULT.json

The problem is solved without its reference and true coefficients, which then measure the answer and cannot have made
its verdict; the picture lies in the folder where the process works. Seconds are the processor's, of all that `solve`
does: a machine that has other work to do makes them no longer.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .children import end_with_parent
from .one_run import estimate, processor_clock, verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pinn.eigenvalues import Eigenpair
    from pinn.problem import Problem
    from pinn.solution import Solution

LARGEST = 80_000
"""Bytes of a picture at the most."""
_DOTS = (100, 80, 65, 50, 40, 30)
_ZERO = 1e-9  # of the largest eigenvalue, below which one is zero


def measure(run: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Solve one application and say what came of it; `NAME.png` in the folder shows it.

    Args:
        run: a `Run` as plain values; its settings have the `problem` (a call), and may have `along` (name -> values in
            turn), `eigenvalues` (arguments of `eigenpairs`), `quantities` (dotted name of a function of the answer that
            returns name -> (found, true)) and `shows` (arguments of `plot`).
        folder: where the picture goes.

    Returns:
        plain values: errors by output, coefficient_errors, quantities, reference_error, estimate, verdict, processor
        seconds, steps, reason.
    """
    import torch

    from ..command_line.configuration import build, target
    from ..command_line.run_folder import surroundings

    torch.set_num_threads(run["threads"])
    settings = run["settings"]
    node = settings["problem"]

    def problem(**given: float) -> Problem:
        made: Problem = build(target(node, "problem"), {**node, **given})
        return made

    solved = _modes if "eigenvalues" in settings else _along if "along" in settings else _once
    return {**solved(problem, run, folder), **surroundings()}


def _once(problem: Callable[..., Problem], run: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A problem that is solved by one call of `solve`."""
    from pinn.solver import solve

    began = time.process_time()
    with processor_clock():
        solution = solve(_blind(problem()), **_options(run, 1))
    return _account(problem(), solution, time.process_time() - began, run, folder)


def _along(problem: Callable[..., Problem], run: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A problem that is solved for several values of a parameter in turn; the last answer counts."""
    from pinn.along import solve_along

    ((name, values),) = run["settings"]["along"].items()

    def blind(**given: float) -> Problem:
        return _blind(problem(**given))

    began = time.process_time()
    with processor_clock():
        solution = solve_along(blind, **{name: values}, **_options(run, len(values)))[-1]
    return _account(problem(**{name: values[-1]}), solution, time.process_time() - began, run, folder)


def _options(run: Mapping[str, Any], parts: int) -> dict[str, Any]:
    """The options of each of so many calls of `solve`."""
    return {
        **run["settings"]["method"],
        "seed": run["seed"],
        "seconds": run["seconds"] / parts,
        "threads": run["threads"],
        "progress": False,
    }


def _blind(problem: Problem) -> Problem:
    return replace(problem, reference=None, exact_coefficients={})


def _account(
    problem: Problem, solution: Solution, seconds: float, run: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    """What is known of a solution, with the truth at hand again."""
    from pinn.solution import Solution

    report = solution.report
    assert report is not None
    known = Solution(problem, solution.model, solution.history, report, solution.noise, solution.certificate)
    quantities = _quantities(run, known)
    _draw(known.plot(**run["settings"].get("shows", {})), folder / f"{run['problem']}.png")
    return {
        "error": known.error() if problem.reference is not None else _largest(quantities),
        "errors": known.errors() if problem.reference is not None else {},
        "coefficient_errors": known.coefficient_errors(),
        "quantities": quantities,
        "reference_error": problem.reference_error,
        "estimate": estimate(solution),
        "noise": _noise(solution),
        "verdict": verdict(report),
        "processor_seconds": seconds,
        "steps": report.steps,
        "reason": report.reason,
    }


def _noise(solution: Solution) -> dict[str, float]:
    """Relative standard errors from the noise of the data, of outputs and unknown fields (L2) and unknown numbers."""
    found = solution.certificate
    if found is None:
        return {}
    numbers = {name: error / abs(solution.coefficients[name]) for name, error in found.standard_errors.items()}
    return {**found.noise_errors, **numbers}


def _modes(problem: Callable[..., Problem], run: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A problem whose eigenvalues are sought; there is no time limit."""
    from pinn.eigenvalues import eigenpairs

    began = time.process_time()
    pairs = eigenpairs(problem(), seed=run["seed"], **run["settings"]["eigenvalues"])
    seconds = time.process_time() - began
    _draw(_functions(pairs), folder / f"{run['problem']}.png")
    largest, quantities = max(abs(pair.value) for pair in pairs), _quantities(run, pairs)
    return {
        "error": _largest(quantities),
        "errors": {},
        "coefficient_errors": {},
        "quantities": quantities,
        "reference_error": 0.0,
        "estimate": {"error": max(pair.error / abs(pair.value) for pair in pairs if abs(pair.value) > _ZERO * largest)},
        "noise": {},
        "verdict": {"value": "none", "trusted": None, "error": None},
        "processor_seconds": seconds,
        "steps": 0,
        "reason": "linear solves",
    }


def _quantities(run: Mapping[str, Any], answer: Any) -> dict[str, list[float]]:
    """Name -> found and true value, where the application has such."""
    name = run["settings"].get("quantities")
    return {} if name is None else {key: list(pair) for key, pair in quantities_of(name)(answer).items()}


def _largest(quantities: Mapping[str, Sequence[float]]) -> float | None:
    """The largest relative error; None where there are no quantities."""
    return max((abs(found - true) / abs(true) for found, true in quantities.values()), default=None)


def quantities_of(name: str) -> Callable[[Any], Mapping[str, tuple[float, float]]]:
    """The function of a dotted name, `package.module.function`.

    Raises:
        ImportError, AttributeError: when there is none.
    """
    module, _, function = name.rpartition(".")
    found: Callable[[Any], Mapping[str, tuple[float, float]]] = getattr(importlib.import_module(module), function)
    return found


def _functions(pairs: Sequence[Eigenpair]) -> Figure:
    """The functions of eigenvalues other than zero beside each other, three a row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    largest = max(abs(pair.value) for pair in pairs)
    pairs = [pair for pair in pairs if abs(pair.value) > _ZERO * largest]
    rows = -(-len(pairs) // 3)
    figure = Figure(figsize=(10, 2.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for index, pair in enumerate(pairs):
        axes = figure.add_subplot(rows, 3, index + 1)
        pair.solution.plot(kind="values", ax=axes)
        axes.set_title(f"{pair.value:.6g}", fontsize=10)
    return figure


def _draw(figure: Figure, path: Path) -> None:
    """Write a picture in 256 colours, with as many dots an inch as keep it below `LARGEST`."""
    from PIL import Image  # which Matplotlib brings

    for dots in _DOTS:
        held = io.BytesIO()
        figure.savefig(held, format="png", dpi=dots)
        Image.open(held).convert("RGB").quantize(256).save(path, format="PNG", optimize=True)
        if path.stat().st_size <= LARGEST:
            return


def main() -> None:
    """Read the run, measure it, write the result; the exit code says whether there is one."""
    end_with_parent()
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = measure(given["run"], Path.cwd())

    from ..command_line.run_folder import write_json

    write_json(Path(sys.argv[2]), result)


if __name__ == "__main__":
    main()
