"""One start of a benchmark: its jobs checked before any starts, runs carried out and put on file, tables written.

The runs that one job plans are those of `suite`; what is on file is not run again. Runs made side by side share caches
and memory, so how many there were belongs to a run. The jobs of a sweep share one file of results, and the table that
the last of them writes shows all.
"""

from __future__ import annotations

import inspect
import itertools
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from ..command_line.configuration import ConfigurationError, check
from ..command_line.overrides import CONF, clean_exit, plain, prepare, words
from ..command_line.run_folder import write_text
from .children import Children, ended_together, require_no_survivors
from .one_run import perform, revision
from .results import Record, Run, add, chosen, gaps, key, locked, missing, read

Call = dict[str, Any]
Planner = Callable[[Call, int], list[Run]]


@dataclass(frozen=True)
class Invocation:
    """One start of the program, of which a sweep makes several jobs.

    Attributes:
        session: its name, the same in every record of it.
        command: what was typed.
        calls: the configurations of its jobs.
        beside: how many jobs go on at a time.
    """

    session: str
    command: str = ""
    calls: tuple[Call, ...] = ()
    beside: int = 1


def begin(name: str, function: Callable[..., Any], planner: Planner, swept: Sequence[str]) -> Invocation:
    """Check everything that the command line asks for, in all jobs of a sweep, before any of them starts.

    Args:
        name: of the application and its root configuration.
        function: what the application calls.
        planner: the runs of a job.
        swept: options in which jobs that share a folder may differ.
    """
    command = " ".join([f"python -m experiments.{name}", *(word.removeprefix("++") for word in sys.argv[1:])])
    prepare(name, function)
    given = words(sys.argv[1:])
    if given.only_tells:
        return Invocation(name_of_session(), command)
    with clean_exit():
        calls = _calls(name, given.overrides, given.config_dir)
        firsts: dict[str, Call] = {}
        for call in calls:
            planner(call, 1)
            first = firsts.setdefault(call["folder"], call)
            differing = sorted(
                option for option in {**first, **call} if option not in swept and first.get(option) != call.get(option)
            )
            if differing:
                raise ConfigurationError(
                    f"jobs that share folder={call['folder']} differ in {', '.join(differing)}, and one table cannot "
                    f"show both; sweep {', '.join(swept)} alone, or give each a folder of its own, "
                    f"such as 'folder=outputs/${{{differing[-1]}}}'"
                )
    return Invocation(name_of_session(), command, tuple(calls))


def _calls(name: str, lines: Sequence[str], more: str | None) -> list[Call]:
    """The configuration of every job: every combination of the values that are swept, as Hydra makes them."""
    choices = []
    for override in OverridesParser.create().parse_overrides(list(lines)):
        line = override.input_line or ""
        if override.key_or_group.split("/")[0].split(".")[0] == "hydra":
            continue
        values = override.sweep_string_iterator() if override.is_sweep_override() else None
        choices.append([line] if values is None else [f"{line.split('=', 1)[0]}={value}" for value in values])
    search = [f"hydra.searchpath=[file://{Path(more).resolve()}]"] if more else []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return [plain(compose(name, overrides=[*job, *search])) for job in itertools.product(*choices)]


def job(config: DictConfig, function: Callable[..., Any], invocation: Invocation) -> None:
    """One job of Hydra."""
    with clean_exit():
        call = plain(config)
        check(function, call)
        function(**call, invocation=replace(invocation, beside=_beside(len(invocation.calls))))


def _beside(count: int) -> int:
    """How many of a sweep's jobs its launcher starts at a time: one by one, joblib's n_jobs, or else all."""
    launcher = HydraConfig.get().launcher
    if launcher._target_.endswith("BasicLauncher"):
        return 1
    workers = launcher.get("n_jobs")
    if workers is None:
        return count
    cores = os.cpu_count() or 1
    return max(1, min(count, workers if workers > 0 else cores + 1 + workers))


def carry_out(
    planned: Sequence[Run],
    place: Path,
    jobs: int,
    session: str,
    interpreters: Mapping[str, str] | None = None,
    same: str | None = None,
    performing: Callable[..., Record] | None = None,
) -> None:
    """Run what is not on file, `jobs` at a time in the plan's order, and add each record as it comes.

    Args:
        planned: all runs.
        place: the folder of `results.jsonl`.
        jobs: runs at a time.
        session: of this start of the program.
        interpreters: peer -> the program that runs it; this one where there is none.
        same: count only runs of this revision as finished; None for all.
        performing: runs one, as `perform` does, which it is where it is left out.
    """
    results = place / "results.jsonl"
    todo = missing(planned, read(results), same)
    require_no_survivors()
    children = Children()

    def one(index: int, run: Run) -> None:
        title = f"[{index}/{len(todo)}] {run.problem}, {run.method}, seed {run.seed}"
        print(f"{title} ...", flush=True)
        of = revision()
        record = (performing or perform)(run, (interpreters or {}).get(run.peer or "", sys.executable), children)
        add(results, record | {"revision": of, "session": session})
        found = record.get("error") if record["status"] == "done" else f"failed: {record['reason']}"
        print(f"{title}: {'diverged' if found is None else found}", flush=True)

    numbered = list(enumerate(todo, start=1))
    if jobs == 1:
        with ended_together(children):
            for item in numbered:
                one(*item)
        return
    with ThreadPoolExecutor(jobs) as pool, ended_together(children):
        futures = [pool.submit(one, *item) for item in numbered]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()


def interpreter(option: str, path: str | None) -> str:
    """The program that runs a group of peers; this one where none is given.

    Args:
        option: which names it.
        path: its value.

    Raises:
        ConfigurationError: when there is no such program.
    """
    found = sys.executable if path is None else shutil.which(path)
    if found is None:
        raise ConfigurationError(
            f"{option}={path}: no such program; give the python of an environment with "
            f"`pip install .[{option.removesuffix('_python')}]`"
        )
    return os.path.abspath(found)  # runs have folders of their own; a link into an environment has to stay one


def report(
    place: Path,
    shown: Sequence[Run],
    account: Callable[[Sequence[Record], Sequence[tuple[str, str, str]]], str],
    draw: Callable[[Sequence[Record], Path], None] | None,
) -> None:
    """Write `table.md` and `error.png` from the file; who writes last has read the latest.

    Args:
        place: the folder.
        shown: the runs that they show.
        account: the text, from the finished records and what is missing.
        draw: makes the picture of the finished records, where there is one.
    """
    place.mkdir(parents=True, exist_ok=True)
    with locked(place / "table.md"):
        on_file = read(place / "results.jsonl")
        records = chosen(shown, on_file)
        text = account(records, gaps(shown, on_file))
        write_text(place / "table.md", text)
        if records and draw is not None:
            draw(records, place / "error.png")
    print(f"\n{text}\nwritten to {place}")


def whole(planned: Sequence[Run], folder: str, invocation: Invocation, planner: Planner) -> list[Run]:
    """The runs of this job and of all jobs of its sweep that share the folder, each once."""
    calls = [call for call in invocation.calls if call["folder"] == folder]
    runs = itertools.chain(planned, *(planner(call, invocation.beside) for call in calls))
    return list({key(run.as_dict()): run for run in _in_order(runs)}.values())


def _in_order(runs: Iterable[Run]) -> list[Run]:
    """Those of one problem and method together, in order of appearance."""
    runs = list(runs)
    names = list(dict.fromkeys(run.problem for run in runs))
    return sorted(runs, key=lambda run: names.index(run.problem))


def end(invocation: Invocation) -> None:
    """Leave with exit code 1 when a run of this session failed."""
    places = {Path(call["folder"]) / "results.jsonl" for call in invocation.calls}
    records = itertools.chain.from_iterable(read(place) for place in places)
    failed = sum(one.get("session") == invocation.session and one["status"] == "failed" for one in records)
    if failed:
        sys.stderr.write(f"{failed} run{'s' * (failed > 1)} failed\n")
        raise SystemExit(1)


def name_of_session() -> str:
    """A name that no other start of the program has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def with_defaults(function: Callable[..., Any], call: Call) -> Call:
    """The arguments of a call, those of the signature among them."""
    bound = inspect.signature(function).bind(**call)
    bound.apply_defaults()
    return dict(bound.arguments)
