"""What the certificate costs: its share of the processor's time of runs that use all of theirs.

    python -m experiments.benchmark_certificate_share                    # five problems, 20 s of processor time each
    python -m experiments.benchmark_certificate_share --seconds 60 --problems cavity kdv

Each run is a call of `solve(seconds=...)` on one thread, of which every clock counts the seconds of this process, as
those of the wall would be where nothing else runs. Timed is the certificate that ends the run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import torch

from pinn import problems, solve
from pinn.alternation import Alternation

from .benchmarks.one_run import processor_clock

PROBLEMS = ("burgers_inverse", "cavity", "diffusion_inverse", "lorenz_inverse", "reaction_inverse")
"""Of the public suite, those that train for most of 20 s."""


def shares(name: str, seconds: float, seed: int = 0) -> tuple[float, float, int]:
    """Processor seconds of a whole run and of the certificate that ends it, and the steps.

    Args:
        name: of a problem in `pinn.problems`.
        seconds: of processor time at the most.
        seed: of the run.
    """
    problem = replace(getattr(problems, name)(), reference=None, exact_coefficients={})
    spent: list[float] = []
    made: Callable[..., Any] = Alternation.certificate

    def timed(*given: Any) -> Any:
        began = time.process_time()
        try:
            return made(*given)
        finally:
            spent.append(time.process_time() - began)

    began = time.process_time()
    with mock.patch.object(Alternation, "certificate", timed), processor_clock():
        solution = solve(problem, seconds=seconds, seed=seed, threads=1, progress=False)
    assert solution.report is not None
    return time.process_time() - began, spent[-1], solution.report.steps


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--problems", nargs="+", default=PROBLEMS)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| problem | steps | run, s | certificate, s | share |")
    print("|---|---|---|---|---|")
    for name in given.problems:
        whole, certificate, steps = shares(name, given.seconds, given.seed)
        print(f"| {name} | {steps} | {whole:.1f} | {certificate:.2f} | {certificate / whole:.1%} |", flush=True)


if __name__ == "__main__":
    main()
