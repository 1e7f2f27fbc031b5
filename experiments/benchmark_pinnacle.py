"""PINNacle's tasks by `solve` alone, beside the best errors that were published.

    python -m experiments.benchmark_pinnacle                                   # all, three seeds, 120 s a run: an hour
    python -m experiments.benchmark_pinnacle problems=[poisson_nd] seeds=[0] seconds=20
    python -m experiments.benchmark_pinnacle only_report=true                  # table and picture again from the file

Each run is a call of `solve` with nothing but a time limit, in a process of its own; what is finished in
`results.jsonl` of the folder is not run again, so that a benchmark that was broken off goes on when it is called again.
`table.md` and `error.png` beside it show the runs asked for; the exit code is 1 when a run failed. Which tasks there
are, and which not and why, is in `docs/pinnacle.md`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from .benchmarks import pinnacle, session, tables
from .benchmarks.one_run import PACKAGE, revision
from .benchmarks.results import Record, Run
from .benchmarks.suite import plan
from .command_line.overrides import CONF


def benchmark_pinnacle(
    suite: dict[str, Any],
    seeds: list[int],
    seconds: float,
    folder: str,
    problems: list[str] | None = None,
    options: dict[str, Any] | None = None,
    jobs: int = 1,
    clock: str = "wall",
    threads: int = 1,
    same_revision: bool = False,
    only_report: bool = False,
    invocation: session.Invocation | None = None,
) -> None:
    """Run what is missing and write table and picture.

    Args:
        suite: name -> problem (a call) and best (published error); by, cause and enough as in the public suite.
        seeds: of weights and points.
        seconds: of a run at the most.
        folder: where `results.jsonl`, `table.md` and `error.png` lie.
        problems: those to run; left out, the whole suite.
        options: of `solve`; left out, its own.
        jobs: runs at a time.
        clock: what seconds are counted by: wall, or processor where other programs use the machine.
        threads: of each run's process.
        same_revision: count only runs of this git revision as finished.
        only_report: run nothing.
        invocation: the start of the program that this belongs to; left out, one of its own.
    """
    invocation = invocation or session.Invocation(session.name_of_session())
    planned = _plan(suite, seeds, seconds, problems, options, threads, jobs * invocation.beside, clock)
    place = Path(folder)
    if not only_report:
        session.carry_out(planned, place, jobs, invocation.session, same=revision() if same_revision else None)

    def text(records: Sequence[Record], gaps: Sequence[tuple[str, str, str]]) -> str:
        return pinnacle.markdown(records, suite, invocation.command, gaps)

    def draw(records: Sequence[Record], path: Path) -> None:
        tables.picture(records, pinnacle.suite_of(suite), path)

    session.report(place, session.whole(planned, folder, invocation, plan_of), text, draw)


def _plan(
    suite: dict[str, Any],
    seeds: list[int],
    seconds: float,
    problems: list[str] | None,
    options: dict[str, Any] | None,
    threads: int,
    jobs: int,
    clock: str,
) -> list[Run]:
    """All runs: of each seed, every task."""
    tasks, methods = pinnacle.suite_of(suite), {"default": options or {}}
    return plan(tasks, methods, ["default"], seeds, problems, seconds, threads, jobs, clock)


def plan_of(call: session.Call, beside: int) -> list[Run]:
    """The plan of a job's configuration, of which `beside` go on at a time."""
    given = session.with_defaults(benchmark_pinnacle, call)
    names = ("suite", "seeds", "seconds", "problems", "options", "threads", "clock")
    return _plan(**{name: given[name] for name in names}, jobs=given["jobs"] * beside)


def main() -> None:
    """Entry of `python -m experiments.benchmark_pinnacle`."""
    invocation = session.begin("benchmark_pinnacle", benchmark_pinnacle, plan_of, ("problems", "seeds"))

    def run(config: DictConfig) -> None:
        session.job(config, benchmark_pinnacle, invocation)

    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark_pinnacle")(run)()
    session.end(invocation)


if __name__ == "__main__":
    # Not as __main__: a launcher that starts processes hands them functions by the name of their module.
    importlib.import_module(f"{PACKAGE}.benchmark_pinnacle").main()
