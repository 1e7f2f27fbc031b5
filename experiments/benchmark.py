"""How good is this, really? Problems × methods × seeds, each run in its own process, and a table that says so.

    python -m experiments.benchmark                                        # the public suite, three seeds, 120 s a run
    python -m experiments.benchmark problems=[burgers,kdv] seeds=[0] seconds=20
    python -m experiments.benchmark methods=[default,deepxde,pina] problems=[poisson_2d,burgers]
    python -m experiments.benchmark account=rivals methods=[default,scimba,collocation] problems=[poisson_2d]
    python -m experiments.benchmark jobs=4                                 # four runs at a time, where cores are free
    python -m experiments.benchmark only_report=true                       # table and picture again from the file
    python -m experiments.benchmark -m 'seeds=[0],[1],[2]' hydra/launcher=joblib

Runs of one problem and seed follow each other directly, peers' among them, so that all meet the same machine. What is
finished in `folder/results.jsonl` is not run again; `table.md` and `error.png` beside it show the runs asked for, and
list what failed or never ran; the exit code is 1 when a run failed. The peers live in environments of their own:
DeepXDE and PINA (`pip install .[peers]`) in that of `peers_python=/path/to/bin/python`, the others (`.[rivals]`) in
that of `rivals_python`.

A yardstick of fixed kernels is timed before and after every run; its factor, beside the tables, says how much slower
the machine was than that of the README, and divides seconds. On a machine that others use as well, `clock=processor`
counts processor seconds, in the limit too.

Runs made side by side share caches and memory, so how many there were belongs to a run, and those of another number are
other runs. The jobs of a sweep share one file of results, and the table that the last of them writes shows all.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from .benchmarks import rivals, session, tables
from .benchmarks.one_run import PACKAGE, revision
from .benchmarks.results import Record, Run
from .benchmarks.session import Invocation
from .benchmarks.suite import plan
from .command_line.overrides import CONF
from .peers.recipes import RIVALS

ACCOUNTS = {"suite": (tables.markdown, tables.picture), "rivals": (rivals.markdown, rivals.picture)}
"""Account -> what writes the text, and what draws the picture."""


def benchmark(
    suite: dict[str, Any],
    known_methods: dict[str, Any],
    methods: list[str],
    seeds: list[int],
    folder: str,
    jobs: int,
    problems: list[str] | None = None,
    seconds: float = 120.0,
    threads: int = 1,
    same_revision: bool = False,
    only_report: bool = False,
    peers_python: str | None = None,
    rivals_python: str | None = None,
    clock: str = "wall",
    account: str = "suite",
    invocation: Invocation | None = None,
) -> None:
    """Run what is missing and write table and picture of what was asked for.

    Args:
        suite: name -> problem (a call), target, by: error or coefficients, cause: why its target is missed, enough:
            seconds beyond which a run need not go.
        known_methods: name -> options of `solve`, or peer and the problems that it has a recipe for.
        methods: those to run.
        seeds: of weights and points.
        folder: where `results.jsonl`, `table.md` and `error.png` lie.
        jobs: runs at a time.
        problems: those to run; left out, the whole suite.
        seconds: wall seconds of a run at the most.
        threads: of each run's process.
        same_revision: count only runs of this git revision as finished.
        only_report: run nothing.
        peers_python: the interpreter that runs DeepXDE and PINA; left out, this one.
        rivals_python: the interpreter that runs the other peers; left out, this one.
        clock: what seconds are counted by: wall, or processor where other programs use the machine.
        account: suite, for every problem and its target; rivals, for who wins where.
        invocation: the start of the program that this belongs to; left out, one of its own.
    """
    invocation = invocation or Invocation(session.name_of_session())
    beside = jobs * invocation.beside
    planned = plan(suite, known_methods, methods, seeds, problems, seconds, threads, beside, clock)
    place = Path(folder)
    if not only_report:
        programs = interpreters(planned, {"peers_python": peers_python, "rivals_python": rivals_python})
        session.carry_out(planned, place, jobs, invocation.session, programs, revision() if same_revision else None)

    write, draw_in = ACCOUNTS[account]

    def text(records: Sequence[Record], left: Sequence[tuple[str, str, str]]) -> str:
        return write(records, suite, invocation.command, left)

    def draw(records: Sequence[Record], path: Path) -> None:
        draw_in(records, suite, path)

    session.report(place, session.whole(planned, folder, invocation, plan_of), text, draw)


def interpreters(planned: Sequence[Run], given: Mapping[str, str | None]) -> dict[str, str]:
    """The program that runs each peer of a plan: of the environment that has its library.

    Args:
        planned: all runs.
        given: option -> its value; those that are left out mean this program.
    """
    options = {run.peer: "rivals_python" if run.peer in RIVALS else "peers_python" for run in planned if run.peer}
    return {peer: session.interpreter(option, given[option]) for peer, option in options.items()}


def plan_of(call: session.Call, beside: int) -> list[Run]:
    """The plan of a job's configuration, of which `beside` go on at a time."""
    given = session.with_defaults(benchmark, call)
    names = ("suite", "known_methods", "methods", "seeds", "problems", "seconds", "threads", "clock")
    return plan(**{name: given[name] for name in names}, jobs=given["jobs"] * beside)


def main() -> None:
    """Entry of `python -m experiments.benchmark`."""
    invocation = session.begin("benchmark", benchmark, plan_of, ("problems", "methods", "seeds"))

    def run(config: DictConfig) -> None:
        session.job(config, benchmark, invocation)

    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark")(run)()
    session.end(invocation)


if __name__ == "__main__":
    # Not as __main__: a launcher that starts processes hands them functions by the name of their module.
    importlib.import_module(f"{PACKAGE}.benchmark").main()
