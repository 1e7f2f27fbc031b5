"""Which optimizer, given the same time? Error against wall seconds, from the same parameters, on the same points.

    python -m experiments.benchmark_optimizers                       # nine problems, ten optimizers, 60 s each
    python -m experiments.benchmark_optimizers seconds=5 problems=[poisson_2d] optimizers=[levenberg_marquardt,adam]
    python -m experiments.benchmark_optimizers mode=large            # Burgers, 5 000 and 30 000 parameters, 120 s each
    python -m experiments.benchmark_optimizers mode=targets          # solve alone, three seeds, at 20 s and at 60 s
    python -m experiments.benchmark_optimizers jobs=4                # four runs at a time, where cores are free
    python -m experiments.benchmark_optimizers only_report=true      # tables and picture again from the file

Each run is a call of `solve` in a process of its own with fixed threads. One seed gives one start: initial parameters,
validation points that judge, and the points of all that keep theirs; those that redraw use the same generator. What is
finished in `results.jsonl` of the run folder is not run again; `table.md` and `error.png` show the runs asked for, the
jobs of a sweep together; the exit code is 1 when a run failed.
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
import torch
from omegaconf import DictConfig

from .benchmarks import session
from .benchmarks.comparison import account, picture
from .benchmarks.one_run import PACKAGE, revision
from .benchmarks.results import Record, Run
from .benchmarks.suite import plan_optimizers
from .command_line.overrides import CONF


def benchmark_optimizers(
    mode: str,
    modes: dict[str, Any],
    suite: dict[str, Any],
    known_optimizers: dict[str, Any],
    problems: list[str],
    optimizers: list[str],
    seeds: list[int],
    seconds: float,
    folder: str,
    jobs: int,
    threads: int = 1,
    same_revision: bool = False,
    only_report: bool = False,
    invocation: session.Invocation | None = None,
) -> None:
    """Run what is missing and write tables and picture of what was asked for.

    Args:
        mode: which of `modes` the other options come from where they are not given, and which account is written.
        modes: name -> problems, optimizers, seeds, seconds, and compare or memory.
        suite: name -> problem (a call), by: error or coefficients, targets: seconds -> error, cause: why one of them is
            missed, network.
        known_optimizers: name -> options of `solve`.
        problems: those to run.
        optimizers: those to run.
        seeds: of weights and points.
        seconds: wall seconds of a run at the most, from the call of `solve`.
        folder: where `results.jsonl`, `table.md` and `error.png` lie; the run folder.
        jobs: runs at a time.
        threads: of each run's process.
        same_revision: count only runs of this git revision as finished.
        only_report: run nothing.
        invocation: the start of the program that this belongs to; left out, one of its own.
    """
    invocation = invocation or session.Invocation(session.name_of_session())
    beside = jobs * invocation.beside
    planned = plan_optimizers(suite, known_optimizers, problems, optimizers, seeds, seconds, threads, beside)
    place = Path(folder)
    if not only_report:
        same = revision() if same_revision else None
        session.carry_out(planned, place, jobs, invocation.session, same=same)

    def text(records: Sequence[Record], gaps: Sequence[tuple[str, str, str]]) -> str:
        return account(mode, modes[mode], records, suite, invocation.command, gaps)

    def draw(records: Sequence[Record], path: Path) -> None:
        picture(records, suite, path)

    session.report(place, session.whole(planned, folder, invocation, plan_of), text, draw)


def plan_of(call: session.Call, beside: int) -> list[Run]:
    """The plan of a job's configuration, of which `beside` go on at a time."""
    given = session.with_defaults(benchmark_optimizers, call)
    names = ("suite", "known_optimizers", "problems", "optimizers", "seeds", "seconds", "threads")
    return plan_optimizers(**{name: given[name] for name in names}, jobs=given["jobs"] * beside)


def cosine(optimizer: torch.optim.Optimizer, seconds: float) -> torch.optim.lr_scheduler.LambdaLR:
    """The learning rate falls from its start to zero as (1 + cos πt/T)/2 in wall time t, and so ends when the run does.

    A schedule over steps would have to know how many of them a problem gets done in the time.
    Source: Loshchilov, Hutter, ICLR (2017), eq. (5), without restarts.

    Args:
        optimizer: whose rate is scaled.
        seconds: T, from this call.
    """
    began = time.perf_counter()

    def factor(step: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (time.perf_counter() - began) / seconds)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def main() -> None:
    """Entry of `python -m experiments.benchmark_optimizers`."""
    swept = ("problems", "optimizers", "seeds")
    invocation = session.begin("benchmark_optimizers", benchmark_optimizers, plan_of, swept)

    def run(config: DictConfig) -> None:
        session.job(config, benchmark_optimizers, invocation)

    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark_optimizers")(run)()
    session.end(invocation)


if __name__ == "__main__":
    # Not as __main__: a launcher that starts processes hands them functions by the name of their module.
    importlib.import_module(f"{PACKAGE}.benchmark_optimizers").main()
