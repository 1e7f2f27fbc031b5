"""How good is this, really? Problems × methods × seeds, each run in its own process, and a table that says so.

    python -m experiments.benchmark                                        # the public suite, three seeds, 120 s a run
    python -m experiments.benchmark problems=[burgers,kdv] seeds=[0] seconds=20
    python -m experiments.benchmark methods=[default,deepxde,pina] problems=[poisson_2d,burgers]
    python -m experiments.benchmark jobs=4                                 # four runs at a time, where cores are free
    python -m experiments.benchmark only_report=true                       # table and picture again from the file
    python -m experiments.benchmark -m 'seeds=[0],[1],[2]' hydra/launcher=joblib

Runs of one problem and seed follow each other directly, peers' among them, so that all meet the same machine. What is
finished in `folder/results.jsonl` is not run again; `table.md` and `error.png` beside it show the runs asked for, and
list what failed or never ran; the exit code is 1 when a run failed. The peers (`pip install .[peers]`) may live in an
environment of their own: `peers_python=/path/to/bin/python`.

Runs made side by side share caches and memory, so how many there were belongs to a run, and those of another number are
other runs. The jobs of a sweep share one file of results, and the table that the last of them writes shows all.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from pinn.solver import solve

from .benchmarks.one_run import PACKAGE, perform, revision
from .benchmarks.results import Record, Run, add, chosen, gaps, key, locked, missing, read
from .benchmarks.tables import markdown, picture
from .command_line.configuration import ConfigurationError, check, check_names, choose, target
from .command_line.overrides import CONF, clean_exit, plain, prepare, words
from .command_line.run_folder import write_text
from .peers.recipes import RECIPES

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
        peers_python: the interpreter that runs peers; left out, this one.
        invocation: the start of the program that this belongs to; left out, one of its own.
    """
    invocation = invocation or Invocation(name_of_session())
    planned = plan(suite, known_methods, methods, seeds, problems, seconds, threads, jobs * invocation.beside)
    peers = interpreter(peers_python) if any(run.peer for run in planned) else sys.executable
    place = Path(folder)
    if not only_report:
        carry_out(planned, place, jobs, invocation.session, peers, revision() if same_revision else None)

    def account(records: Sequence[Record], left: Sequence[tuple[str, str, str]]) -> str:
        return markdown(records, suite, invocation.command, left)

    def draw(records: Sequence[Record], path: Path) -> None:
        picture(records, suite, path)

    report(place, whole(planned, folder, invocation, plan_of), account, draw)


def plan(
    suite: Mapping[str, Any],
    known_methods: Mapping[str, Any],
    methods: Sequence[str],
    seeds: Sequence[int],
    problems: Sequence[str] | None,
    seconds: float,
    threads: int,
    jobs: int = 1,
) -> list[Run]:
    """All runs, checked, in the order they are made: by seed, problem and method, so that methods interleave.

    Raises:
        ConfigurationError: for a name that is not known or given twice, a problem without target, a peer or a recipe
            that there is not, or an option that no constructor takes.
    """
    names = list(suite) if problems is None else list(problems)
    for what, given, known in (("problems", names, suite), ("methods", methods, known_methods), ("seeds", seeds, None)):
        check_names(what, given, known)
    if not seconds > 0 or threads < 1 or jobs < 1:
        raise ConfigurationError(f"seconds={seconds}, threads={threads}, jobs={jobs}: give positive numbers")
    for name in names:
        check_entry(name, suite[name], needs=("problem", "target"), takes=("by", "cause", "enough"))
    for method in methods:
        check_method(method, known_methods[method])
    runs = []
    for seed, name, method in itertools.product(seeds, names, methods):
        options = known_methods[method]
        if "peer" in options and name not in options["problems"]:
            continue
        settings = {"problem": suite[name]["problem"], "method": _settings(name, options)}
        limit = min(seconds, float(suite[name].get("enough", seconds)))
        runs.append(Run(name, method, seed, limit, threads, settings, jobs))
    if not runs:
        having = "; ".join(f"{method} has {', '.join(known_methods[method]['problems'])}" for method in methods)
        raise ConfigurationError(f"problems={names}: methods={list(methods)} have no recipe for any of them; {having}")
    return runs


def plan_of(call: Call, beside: int) -> list[Run]:
    """The plan of a job's configuration, of which `beside` go on at a time."""
    given = with_defaults(benchmark, call)
    names = ("suite", "known_methods", "methods", "seeds", "problems", "seconds", "threads")
    return plan(**{name: given[name] for name in names}, jobs=given["jobs"] * beside)


def check_entry(name: str, entry: Any, needs: Sequence[str], takes: Sequence[str]) -> None:
    """Refuse an entry of the suite that lacks something, has something else, or has values that make no sense.

    Raises:
        ConfigurationError: which, and what to do.
    """
    where = f"suite.{name}"
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"{where}: expected a mapping with {' and '.join(needs)}, got {entry!r}")
    for key_ in entry:
        if key_ not in (*needs, *takes):
            raise ConfigurationError(f"{where}.{key_}: a problem has no such option; {choose(key_, [*needs, *takes])}")
    for key_ in needs:
        if key_ not in entry:
            raise ConfigurationError(f"{where}: it has no {key_}; give {where}.{key_}")
    problem, aim, by, enough = (
        entry["problem"],
        entry.get("target", 1.0),
        entry.get("by", "error"),
        entry.get("enough", 1),
    )
    if not isinstance(problem, Mapping) or "_target_" not in problem:
        raise ConfigurationError(f"{where}.problem: expected a call, {{_target_: pinn.problems....}}, got {problem!r}")
    check(target(problem, f"{where}.problem"), problem, f"{where}.problem")
    for key_, value in (("target", aim), ("enough", enough)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise ConfigurationError(f"{where}.{key_}: expected a positive number, got {value!r}")
    if by not in ("error", "coefficients"):
        raise ConfigurationError(f"{where}.by: expected error or coefficients, got {by!r}")
    if not isinstance(entry.get("cause", ""), str):
        raise ConfigurationError(f"{where}.cause: expected a text, got {entry['cause']!r}")


def check_method(name: str, options: Mapping[str, Any]) -> None:
    """Refuse a peer that is not known, has no problems or none of that name, and options that `solve` does not have.

    Raises:
        ConfigurationError: which, and what to do.
    """
    where = f"known_methods.{name}"
    if "peer" not in options:
        check_options(where, options)
        return
    peer, problems = options["peer"], options.get("problems")
    if peer not in RECIPES:
        raise ConfigurationError(f"{where}.peer: {peer!r} is not known; {choose(str(peer), RECIPES)}")
    if not problems:
        known = ", ".join(RECIPES[peer])
        raise ConfigurationError(f"{where}: {peer} has no problems; give {where}.problems, among {known}")
    for option in options:
        if option not in ("peer", "problems"):
            raise ConfigurationError(f"{where}.{option}: {peer} follows its recipe and takes no options; leave it out")
    check_names(f"{where}.problems", problems, RECIPES[peer])


def check_options(where: str, options: Mapping[str, Any]) -> None:
    """Refuse options that `solve` does not have, and those that each run sets itself.

    Raises:
        ConfigurationError: which, and what to do.
    """
    own = [option for option in ("problem", "seed", "seconds", "threads", "progress") if option in options]
    if own:
        raise ConfigurationError(f"{where}.{own[0]}: each run sets it; give {own[0]} to the benchmark, or leave it out")
    check(solve, {**options, "_partial_": True}, where)


def _settings(name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is on file of a method: its options, or the recipe that the peer follows, which is as much a setting."""
    if "peer" not in options:
        return options
    return {"peer": options["peer"], "recipe": asdict(RECIPES[options["peer"]][name])}


def interpreter(path: str | None) -> str:
    """The program that runs peers; this one where none is given.

    Raises:
        ConfigurationError: when there is no such program.
    """
    found = sys.executable if path is None else shutil.which(path)
    if found is None:
        raise ConfigurationError(
            f"peers_python={path}: no such program; give the python of an environment with `pip install .[peers]`"
        )
    return os.path.abspath(found)  # runs have folders of their own; a link into an environment has to stay one


def carry_out(
    planned: Sequence[Run], place: Path, jobs: int, session: str, peers: str, same: str | None = None
) -> None:
    """Run what is not on file, `jobs` at a time in the plan's order, and add each record as it comes.

    Args:
        planned: all runs.
        place: the folder of `results.jsonl`.
        jobs: runs at a time.
        session: of this start of the program.
        peers: the interpreter that runs peers.
        same: count only runs of this revision as finished; None for all.
    """
    results = place / "results.jsonl"
    todo = missing(planned, read(results), same)

    def one(index: int, run: Run) -> None:
        title = f"[{index}/{len(todo)}] {run.problem}, {run.method}, seed {run.seed}"
        print(f"{title} ...", flush=True)
        of = revision()
        record = perform(run, sys.executable if run.peer is None else peers)
        add(results, record | {"revision": of, "session": session})
        found = record.get("error") if record["status"] == "done" else f"failed: {record['reason']}"
        print(f"{title}: {'diverged' if found is None else found}", flush=True)

    numbered = list(enumerate(todo, start=1))
    if jobs == 1:
        for item in numbered:
            one(*item)
        return
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, *item) for item in numbered]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()


def report(
    place: Path,
    shown: Sequence[Run],
    account: Callable[[Sequence[Record], Sequence[tuple[str, str, str]]], str],
    draw: Callable[[Sequence[Record], Path], None],
) -> None:
    """Write `table.md` and `error.png` from the file; who writes last has read the latest.

    Args:
        place: the folder.
        shown: the runs that they show.
        account: the text, from the finished records and what is missing.
        draw: makes the picture of the finished records.
    """
    place.mkdir(parents=True, exist_ok=True)
    with locked(place / "table.md"):
        on_file = read(place / "results.jsonl")
        records = chosen(shown, on_file)
        text = account(records, gaps(shown, on_file))
        write_text(place / "table.md", text)
        if records:
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


def name_of_session() -> str:
    """A name that no other start of the program has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def with_defaults(function: Callable[..., Any], call: Call) -> Call:
    """The arguments of a call, those of the signature among them."""
    bound = inspect.signature(function).bind(**call)
    bound.apply_defaults()
    return dict(bound.arguments)


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


def end(invocation: Invocation) -> None:
    """Leave with exit code 1 when a run of this session failed."""
    places = {Path(call["folder"]) / "results.jsonl" for call in invocation.calls}
    records = itertools.chain.from_iterable(read(place) for place in places)
    failed = sum(one.get("session") == invocation.session and one["status"] == "failed" for one in records)
    if failed:
        sys.stderr.write(f"{failed} run{'s' * (failed > 1)} failed\n")
        raise SystemExit(1)


def main() -> None:
    """Entry of `python -m experiments.benchmark`."""
    invocation = begin("benchmark", benchmark, plan_of, ("problems", "methods", "seeds"))

    def run(config: DictConfig) -> None:
        job(config, benchmark, invocation)

    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark")(run)()
    end(invocation)


if __name__ == "__main__":
    # Not as __main__: a launcher that starts processes hands them functions by the name of their module.
    importlib.import_module(f"{PACKAGE}.benchmark").main()
