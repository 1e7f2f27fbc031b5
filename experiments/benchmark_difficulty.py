"""What does it cost as the problem gets harder? Error against seconds, with slopes, in one picture.

    python -m experiments.benchmark_difficulty                          # three families, 60 s a problem: a quarter hour
    python -m experiments.benchmark_difficulty seconds=10 clock=processor
    python -m experiments.benchmark_difficulty families.burgers.values=[0.1,0.01] seeds=[0,1,2]
    python -m experiments.benchmark_difficulty only_report=true         # table and picture again from the file

Families: Helmholtz at 2, 4, 8 and 16 half waves, Poisson in 2 to 8 dimensions, Burgers at ν = 0.1 to 0.001. Each run
is a call of `solve` in a process of its own; what is finished in `results.jsonl` of the folder is not run again;
`table.md` and `error.png` show the runs asked for; the exit code is 1 when a run failed.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from .benchmarks import difficulty, session
from .benchmarks.one_run import PACKAGE, revision
from .benchmarks.results import Record, Run
from .benchmarks.suite import plan
from .command_line.overrides import CONF


def benchmark_difficulty(
    families: dict[str, Any],
    seeds: list[int],
    seconds: float,
    folder: str,
    jobs: int = 1,
    options: dict[str, Any] | None = None,
    clock: str = "wall",
    threads: int = 1,
    same_revision: bool = False,
    only_report: bool = False,
    invocation: session.Invocation | None = None,
) -> None:
    """Run what is missing and write table and picture.

    Args:
        families: name -> what (is varied), parameters (that take the value), values, problem (a call).
        seeds: of weights and points.
        seconds: of a run at the most.
        folder: where `results.jsonl`, `table.md` and `error.png` lie.
        jobs: runs at a time.
        options: of `solve`; left out, its own.
        clock: what seconds are counted by: wall, or processor where other programs use the machine.
        threads: of each run's process.
        same_revision: count only runs of this git revision as finished.
        only_report: run nothing.
        invocation: the start of the program that this belongs to; left out, one of its own.
    """
    invocation = invocation or session.Invocation(session.name_of_session())
    planned = _plan(families, seeds, seconds, options, threads, jobs * invocation.beside, clock)
    place = Path(folder)
    if not only_report:
        session.carry_out(planned, place, jobs, invocation.session, same=revision() if same_revision else None)

    def text(records: Sequence[Record], gaps: Sequence[tuple[str, str, str]]) -> str:
        return difficulty.markdown(records, families, invocation.command, gaps)

    def draw(records: Sequence[Record], path: Path) -> None:
        difficulty.picture(records, families, path)

    session.report(place, session.whole(planned, folder, invocation, plan_of), text, draw)


def _plan(
    families: dict[str, Any],
    seeds: list[int],
    seconds: float,
    options: dict[str, Any] | None,
    threads: int,
    jobs: int,
    clock: str,
) -> list[Run]:
    """All runs: of each seed, every problem of every family."""
    suite = difficulty.suite_of(families)
    return plan(suite, {"default": options or {}}, ["default"], seeds, None, seconds, threads, jobs, clock)


def plan_of(call: session.Call, beside: int) -> list[Run]:
    """The plan of a job's configuration, of which `beside` go on at a time."""
    given = session.with_defaults(benchmark_difficulty, call)
    names = ("families", "seeds", "seconds", "options", "threads", "clock")
    return _plan(**{name: given[name] for name in names}, jobs=given["jobs"] * beside)


def main() -> None:
    """Entry of `python -m experiments.benchmark_difficulty`."""
    invocation = session.begin("benchmark_difficulty", benchmark_difficulty, plan_of, ("seeds",))

    def run(config: DictConfig) -> None:
        session.job(config, benchmark_difficulty, invocation)

    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark_difficulty")(run)()
    session.end(invocation)


if __name__ == "__main__":
    # Not as __main__: a launcher that starts processes hands them functions by the name of their module.
    importlib.import_module(f"{PACKAGE}.benchmark_difficulty").main()
