"""Burgers' equation: solved, measured against its exact solution, pictured, and compared with what is usually done.

    python -m experiments.demo                # under three minutes; pictures in outputs/demo
    python -m experiments.demo seconds=20
    python -m experiments.demo docs=true      # also renew the pictures and figures of the README, in docs/

The default `solve` has `seconds` of wall time. Adam and L-BFGS then have as many, from the same initial network, with
points as is usual for each: drawn anew for Adam, kept for L-BFGS.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import hydra
import numpy as np
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pinn.optimizers import LBFGS, FirstOrder
from pinn.plotting import plot_history
from pinn.problems import burgers
from pinn.sampling import Fixed, Redrawn
from pinn.solution import History, Solution
from pinn.solver import solve
from pinn.training import Stage

from .benchmarks.one_run import processor
from .command_line.configuration import build, check
from .command_line.overrides import CONF, clean_exit, plain, prepare
from .command_line.run_folder import surroundings, write_run, write_text

DOCS = Path(__file__).resolve().parent.parent / "docs"
DEFAULT = "solve, by default"


def usual(steps: int | None = None) -> dict[str, Stage]:
    """What is usually done, by name: each with the points that suit it."""
    return {
        "L-BFGS": Stage(LBFGS(), Fixed(4000), steps=steps),
        "Adam": Stage(FirstOrder(partial(torch.optim.Adam, lr=1e-3)), Redrawn(2000, every=100), steps=steps),
    }


def demo(seconds: float = 40.0, seed: int = 0, docs: bool = False, steps: int | None = None) -> dict[str, Solution]:
    """Solve Burgers' equation three times.

    Args:
        seconds: wall seconds of each, at the most.
        seed: of weights and points.
        docs: whether the pictures and figures of the README are renewed as well.
        steps: of each, at the most; left out, as many as there is time for.

    Returns:
        What was found, by the method's name, the default first.

    Raises:
        ValueError: when `docs` is asked for outside of a checkout.
    """
    if docs and not DOCS.with_name("README.md").exists():
        raise ValueError(f"docs=true: {DOCS.parent} is not a checkout; run it where README.md lies")
    print(f"Burgers' equation by default, at most {seconds:g} s", flush=True)
    found = {DEFAULT: solve(burgers(), seconds=seconds, steps=steps, seed=seed)}
    print(found[DEFAULT].report, flush=True)
    for name, stage in usual(steps).items():
        print(f"\nthe same by {name}, at most {seconds:g} s", flush=True)
        found[name] = solve(burgers(), stages=[stage], seconds=seconds, seed=seed, verify=False)
        print(f"rel-L2 {found[name].error():.1e}", flush=True)
    return found


def table(found: Mapping[str, Solution]) -> str:
    """Error, steps and time of each method, and how soon the default had reached the error that it ended with."""
    first = found[DEFAULT].history
    lines = [f"{'':<21}{'rel-L2':>9}{'steps':>8}{'seconds':>9}   the default was there after"]
    for name, solution in found.items():
        error, last = solution.error(), solution.history[-1]
        there = "" if name == DEFAULT else f"{reached(first, error):26.1f} s"
        lines.append(f"{name:<21}{error:>9.1e}{last['step']:>8.0f}{last['seconds']:>9.1f}   {there}".rstrip())
    return "\n".join(lines)


def reached(history: History, error: float) -> float:
    """Wall seconds after which the error stayed below `error`; NaN where it never did."""
    seconds, errors = history.column("seconds"), history.column("error")
    evaluated = np.flatnonzero(np.isfinite(errors))
    above = np.flatnonzero(errors[evaluated] > error)
    after = 0 if above.size == 0 else int(above[-1]) + 1
    return float(seconds[evaluated][after]) if after < evaluated.size else float("nan")


def machine() -> str:
    """Where and when: what a measured time depends on."""
    around = surroundings()
    return (
        f"{time.strftime('%Y-%m-%d')}, {processor()}, {os.cpu_count()} cores, "
        f"threads: {around['threads']}, torch {around['versions']['torch']}"
    )


def compare(found: Mapping[str, Solution], folder: Path, name: str) -> None:
    """Write the picture of all errors against time and the table, as `name.png` and `name.txt`."""
    histories = {method: solution.history for method, solution in found.items()}
    wrong = found[DEFAULT].problem.reference_error
    plot_history(
        histories, folder / f"{name}.png", reference_error=wrong, title="burgers   ·   the same start and time"
    )
    write_text(folder / f"{name}.txt", f"{table(found)}\n\npython -m experiments.demo, {machine()}\n")


def run(config: DictConfig) -> None:
    """Solve, print, and fill the run's folder."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    with clean_exit():
        call = plain(config)
        check(demo, call)
        found = build(demo, call)
    write_run(folder, config, found[DEFAULT])
    compare(found, folder, "comparison")
    if config.get("docs"):
        DOCS.mkdir(exist_ok=True)
        found[DEFAULT].plot(DOCS / "burgers.png")
        compare(found, DOCS, "burgers_comparison")
    print(f"\n{table(found)}\n\npictures in {folder}")


def main() -> None:
    """Entry of `python -m experiments.demo` and of `make demo`."""
    prepare("demo", demo)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="demo")(run)()


if __name__ == "__main__":
    main()
