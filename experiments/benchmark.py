"""How good is this, really? Problems × methods × seeds, each run in its own process, and a table that says so.

    python -m experiments.benchmark                                        # the public suite, three seeds, 120 s a run
    python -m experiments.benchmark problems=[burgers,kdv] seeds=[0] seconds=20
    python -m experiments.benchmark methods=[default,deepxde,pina] problems=[poisson_2d,burgers]
    python -m experiments.benchmark only_report=true                       # table and picture again from the file
    python -m experiments.benchmark -m 'seeds=[0],[1],[2]' hydra/launcher=joblib

Runs of one problem and seed follow each other directly, peers' among them, so that all meet the same machine. What is
finished in `folder/results.jsonl` is not run again; `table.md` and `error.png` beside it show the runs asked for. The
peers (`pip install .[peers]`) may live in an environment of their own: `peers_python=/path/to/bin/python`. The jobs of
a sweep share the file of results; `only_report=true` afterwards shows them together.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from pinn.solver import solve

from ._command_line import CONF, clean_exit, plain, prepare
from ._configuration import ConfigurationError, check, choose, target
from ._folder import write_text
from ._results import Record, Run, add, chosen, missing, read
from ._scoreboard import markdown, picture

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = __package__ or "experiments"


def benchmark(
    suite: dict[str, Any],
    known_methods: dict[str, Any],
    methods: list[str],
    seeds: list[int],
    folder: str,
    problems: list[str] | None = None,
    seconds: float = 120.0,
    threads: int = 2,
    same_revision: bool = False,
    only_report: bool = False,
    peers_python: str | None = None,
) -> None:
    """Run what is missing and write table and picture of what was asked for.

    Args:
        suite: name -> problem (a call), target, and by: error or coefficients.
        known_methods: name -> options of `solve`, or peer and the problems that it has a recipe for.
        methods: those to run.
        seeds: of weights and points.
        folder: where `results.jsonl`, `table.md` and `error.png` lie.
        problems: those to run; left out, the whole suite.
        seconds: wall seconds of a run at the most.
        threads: of each run's process.
        same_revision: count only runs of this git revision as finished.
        only_report: run nothing.
        peers_python: the interpreter that runs peers; left out, this one.
    """
    planned = plan(suite, known_methods, methods, seeds, problems, seconds, threads)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    results = place / "results.jsonl"
    now = revision()
    todo = [] if only_report else missing(planned, read(results), now if same_revision else None)
    for index, run in enumerate(todo, start=1):
        print(f"[{index}/{len(todo)}] {run.problem}, {run.method}, seed {run.seed} ...", end=" ", flush=True)
        record = perform(run, sys.executable if run.peer is None else peers_python or sys.executable)
        add(results, record | {"revision": now})
        print(record.get("error") if record["status"] == "done" else f"failed: {record['reason']}", flush=True)
    records = chosen(planned, read(results))
    command = " ".join(["python -m experiments.benchmark", *(word.lstrip("+") for word in sys.argv[1:])])
    table = markdown(records, suite, f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, revision {now}")
    print(f"\n{table}")
    if records:
        write_text(place / "table.md", table)
        picture(records, suite, place / "error.png")
        print(f"written to {place}")


def plan(
    suite: Mapping[str, Any],
    known_methods: Mapping[str, Any],
    methods: Sequence[str],
    seeds: Sequence[int],
    problems: Sequence[str] | None,
    seconds: float,
    threads: int,
) -> list[Run]:
    """All runs, checked, in the order they are made: by seed, problem and method, so that methods interleave.

    Raises:
        ConfigurationError: for an unknown name, or an option that no constructor takes.
    """
    names = list(suite) if problems is None else list(problems)
    for what, given, known in (("problems", names, suite), ("methods", methods, known_methods)):
        for name in given:
            if name not in known:
                raise ConfigurationError(f"{what}: {name!r} is not known; {choose(name, known)}")
    if not seconds > 0 or threads < 1:
        raise ConfigurationError(f"seconds={seconds}, threads={threads}: give positive numbers")
    runs = []
    for seed in seeds:
        for name in names:
            problem = suite[name]["problem"]
            check(target(problem, f"suite.{name}.problem"), problem, f"suite.{name}.problem")
            for method in methods:
                options = known_methods[method]
                if "peer" not in options:
                    check(solve, {**options, "problem": problem}, f"known_methods.{method}")
                elif name not in options["problems"]:
                    continue
                kept = {option: value for option, value in options.items() if option != "problems"}
                runs.append(Run(name, method, seed, seconds, threads, {"problem": problem, "method": kept}))
    return runs


def perform(run: Run, python: str) -> Record:
    """Run it in a fresh process with fixed threads; the record of what came of it, failed or done."""
    module = f"{PACKAGE}._one_run" if run.peer is None else f"{PACKAGE}.peers"
    began = time.time()
    with tempfile.TemporaryDirectory() as temporary:
        given, found = Path(temporary) / "run.json", Path(temporary) / "result.json"
        given.write_text(json.dumps({"run": run.as_dict(), "started": began}), encoding="utf-8")
        try:
            done = subprocess.run(
                [python, "-m", module, str(given), str(found)],
                env=environment(run.threads),
                cwd=temporary,
                capture_output=True,
                text=True,
                check=False,
                timeout=2 * run.seconds + 600,
            )
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            failed = "" if done.returncode == 0 and found.exists() else said[-1]
        except subprocess.TimeoutExpired:
            failed = f"no end after {2 * run.seconds + 600:.0f} s"
        result = {"reason": failed} if failed else json.loads(found.read_text(encoding="utf-8"))
    return {
        **run.as_dict(),
        "status": "failed" if failed else "done",
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "wall": round(time.time() - began, 3),
        **result,
    }


def environment(threads: int) -> dict[str, str]:
    """The variables of a run's process: as many threads as asked for, everywhere, and this code on its path."""
    counts = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    path = os.pathsep.join([_import_root(), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **dict.fromkeys(counts, str(threads)), "PYTHONPATH": path, "MPLBACKEND": "Agg"}


def _import_root() -> str:
    """The folder from which this package is imported: the checkout, or site-packages in a wheel."""
    return str(Path(__file__).resolve().parents[PACKAGE.count(".") + 1])


def revision() -> str:
    """The git revision of this checkout, with + where it was changed; "unknown" without git."""
    try:
        head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        changed = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "") if head.returncode == 0 else "unknown"


def run(config: DictConfig) -> None:
    """One job of Hydra."""
    with clean_exit():
        call = plain(config)
        check(benchmark, call)
        benchmark(**call)


def main() -> None:
    """Entry of `python -m experiments.benchmark`."""
    prepare("benchmark", benchmark)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark")(run)()


if __name__ == "__main__":
    main()
