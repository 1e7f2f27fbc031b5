"""Can the verdict be believed? The certificate's estimate against the true error, at several stages of a run.

    python -m experiments.benchmark_certificate                     # the suite and the problems from the field
    python -m experiments.benchmark_certificate mode=quick          # a minute: a few small problems, one seed
    python -m experiments.benchmark_certificate mode=field seeds=[0] stages=[20]
    python -m experiments.benchmark_certificate problems=[burgers,kdv] stages=[15,50,150]
    python -m experiments.benchmark_certificate jobs=4              # four runs at a time, where cores are free
    python -m experiments.benchmark_certificate only_report=true    # tables and picture again from the file

Each run is `solve(problem, steps=N)` in a process of its own, the problem without its reference and true coefficients:
they measure the answer afterwards, and its verdict cannot lean on them. A run that ends by itself before its last step
is that of the later stages too, and is not made again. What is finished in `results.jsonl` of the run
folder is not run again; `table.md`, `estimates.csv` and `error.png` beside it show the runs asked for: how many
estimates are within a factor of three, whether those that are trusted are within ten, and every answer that is trusted
and wrong, or right and refused. The exit code is 1 when a run failed.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from .benchmarks import session
from .benchmarks.estimates import account, listing, picture, same_runs
from .benchmarks.one_run import PACKAGE, revision
from .benchmarks.results import Record, Run, add, read
from .benchmarks.suite import plan_certificate
from .command_line.overrides import CONF
from .command_line.run_folder import write_text


def benchmark_certificate(
    mode: str,
    modes: dict[str, Any],
    suite: dict[str, Any],
    problems: list[str],
    stages: list[int],
    seeds: list[int],
    folder: str,
    jobs: int,
    seconds: float = 600.0,
    threads: int = 1,
    same_revision: bool = False,
    only_report: bool = False,
    invocation: session.Invocation | None = None,
) -> None:
    """Run what is missing and write table, list and picture of what was asked for.

    Args:
        mode: which of `modes` the other options come from where they are not given.
        modes: name -> problems, stages, seeds.
        suite: name -> problem (a call), by: error or coefficients, determined: whether the problem has one answer,
            options: of `solve`, cause: why its estimate is known to be off, answers: unknown -> all values that are
            right, such as the levels of an eigenvalue.
        problems: those to run.
        stages: optimizer steps after which a run is judged, each a run of its own.
        seeds: of weights and points.
        folder: where `results.jsonl`, `table.md`, `estimates.csv` and `error.png` lie; the run folder.
        jobs: runs at a time.
        seconds: wall seconds of a run at the most; a guard, for steps decide.
        threads: of each run's process.
        same_revision: count only runs of this git revision as finished.
        only_report: run nothing.
        invocation: the start of the program that this belongs to; left out, one of its own.
    """
    invocation = invocation or session.Invocation(session.name_of_session())
    planned = plan_certificate(suite, problems, stages, seeds, seconds, threads, jobs * invocation.beside)
    place = Path(folder)
    same = revision() if same_revision else None

    def take_over() -> None:
        for record in same_runs(planned, read(place / "results.jsonl"), same):
            add(place / "results.jsonl", record)

    for stage in sorted(stages) if not only_report else ():
        take_over()
        of_stage = [run for run in planned if run.settings["method"]["steps"] == stage]
        session.carry_out(of_stage, place, jobs, invocation.session, same=same)
    take_over()

    def text(records: Sequence[Record], gaps: Sequence[tuple[str, str, str]]) -> str:
        write_text(place / "estimates.csv", listing(records, suite))
        return account(records, suite, invocation.command, gaps)

    def draw(records: Sequence[Record], path: Path) -> None:
        picture(records, suite, path)

    session.report(place, session.whole(planned, folder, invocation, plan_of), text, draw)


def plan_of(call: session.Call, beside: int) -> list[Run]:
    """The plan of a job's configuration, of which `beside` go on at a time."""
    given = session.with_defaults(benchmark_certificate, call)
    names = ("suite", "problems", "stages", "seeds", "seconds", "threads")
    return plan_certificate(**{name: given[name] for name in names}, jobs=given["jobs"] * beside)


def main() -> None:
    """Entry of `python -m experiments.benchmark_certificate`."""
    invocation = session.begin("benchmark_certificate", benchmark_certificate, plan_of, ("problems", "stages", "seeds"))

    def run(config: DictConfig) -> None:
        session.job(config, benchmark_certificate, invocation)

    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark_certificate")(run)()
    session.end(invocation)


if __name__ == "__main__":
    # Not as __main__: a launcher that starts processes hands them functions by the name of their module.
    importlib.import_module(f"{PACKAGE}.benchmark_certificate").main()
