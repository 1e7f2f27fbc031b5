"""What one part changes: networks, points and weights, with and without, on a problem where each is known to matter.

    python -m experiments.benchmark_strategies                      # all, three seeds: a quarter of an hour on a core
    python -m experiments.benchmark_strategies --parts FBPINN R3    # some
    python -m experiments.benchmark_strategies --seeds 1            # one seed each

Everything is trained plainly for a number of steps (`features=None`), so that what differs is that part; the default
`solve` reaches much smaller errors on most of these. The table has the median error over the seeds, and is kept in
`docs/strategies.md`. Cases and options stand in `experiments/benchmarks/strategies.py`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

from pinn import solve

from .benchmarks.strategies import CASES, Case, Options

HEAD = ("| part | problem | without | with | ratio |", "|---|---|---|---|---|")
_PLAIN: dict[str, Any] = {"features": None, "verify": False, "certify": False, "progress": False}


def error(case: Case, options: Options, seed: int) -> float:
    """The relative L2 error of a run."""
    return float(solve(case.problem(), **case.common, **options, seed=seed, **_PLAIN).error())


def row(case: Case, seeds: int) -> str:
    """The row of a case."""
    without, with_it = (
        statistics.median(error(case, options, seed) for seed in range(seeds))
        for options in (case.without, case.with_it)
    )
    numbers = f"{without:.1e} | {with_it:.1e} | {without / with_it:.2g}"
    return f"| `{case.part}` | {case.what} ({case.source}) | {numbers} |"


def main() -> None:
    """Entry of `python -m experiments.benchmark_strategies`."""
    names = [case.part for case in CASES]
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--parts", nargs="+", choices=names, default=names)
    reader.add_argument("--seeds", type=int, default=3)
    given = reader.parse_args()
    if given.seeds < 1:
        sys.exit(f"--seeds: got {given.seeds}, expected at least 1; give a positive integer")
    print("\n".join(HEAD))
    for case in CASES:
        if case.part in given.parts:
            print(row(case, given.seeds), flush=True)


if __name__ == "__main__":
    main()
