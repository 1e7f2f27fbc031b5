"""Which optimizer, given the same time? Error against wall seconds, from the same parameters, on the same points.

    python -m experiments.benchmark_optimizers                       # nine problems, ten optimizers, 60 s each
    python -m experiments.benchmark_optimizers seconds=5 problems=[poisson_2d] optimizers=[levenberg_marquardt,adam]
    python -m experiments.benchmark_optimizers mode=large            # Burgers, 5 000 and 30 000 parameters, 120 s each
    python -m experiments.benchmark_optimizers mode=targets          # solve alone, three seeds, at 20 s and at 60 s
    python -m experiments.benchmark_optimizers only_report=true      # tables and picture again from the file

Each run is a call of `solve` in a process of its own with fixed threads. One seed gives one start: initial parameters,
fresh points that judge, and the points of all that keep theirs; those that redraw use the same generator. What is
finished in `results.jsonl` of the run folder is not run again; `table.md` and `error.png` show the runs asked for.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hydra
import torch
from omegaconf import DictConfig

from . import benchmark
from ._command_line import CONF, clean_exit, plain, prepare
from ._comparison import comparison, details, picture, targets_table
from ._configuration import ConfigurationError, check, choose
from ._folder import write_text
from ._results import Record, Run, add, chosen, missing, read


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
    threads: int = 2,
    same_revision: bool = False,
    only_report: bool = False,
) -> None:
    """Run what is missing and write tables and picture of what was asked for.

    Args:
        mode: which of `modes` the other options come from where they are not given, and which account is written.
        modes: name -> problems, optimizers, seeds, seconds, and compare or memory.
        suite: name -> problem (a call), by: error or coefficients, targets: seconds -> error, network.
        known_optimizers: name -> options of `solve`.
        problems: those to run.
        optimizers: those to run.
        seeds: of weights and points.
        seconds: wall seconds of a run at the most, from the call of `solve`.
        folder: where `results.jsonl`, `table.md` and `error.png` lie; the run folder.
        threads: of each run's process.
        same_revision: count only runs of this git revision as finished.
        only_report: run nothing.
    """
    planned = plan(suite, known_optimizers, problems, optimizers, seeds, seconds, threads)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    results = place / "results.jsonl"
    now = benchmark.revision()
    todo = [] if only_report else missing(planned, read(results), now if same_revision else None)
    for index, run in enumerate(todo, start=1):
        print(f"[{index}/{len(todo)}] {run.problem}, {run.method}, seed {run.seed} ...", end=" ", flush=True)
        record = benchmark.perform(run, sys.executable)
        add(results, record | {"revision": now})
        print(record.get("error") if record["status"] == "done" else f"failed: {record['reason']}", flush=True)
    records = chosen(planned, read(results))
    command = " ".join(["python -m experiments.benchmark_optimizers", *(one.lstrip("+") for one in sys.argv[1:])])
    text = account(mode, modes[mode], records, suite, f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, revision {now}")
    write_text(place / "table.md", text)
    if records:
        picture(records, suite, place / "error.png")
    print(f"\n{text}\nwritten to {place}")


def plan(
    suite: Mapping[str, Any],
    known_optimizers: Mapping[str, Any],
    problems: Sequence[str],
    optimizers: Sequence[str],
    seeds: Sequence[int],
    seconds: float,
    threads: int,
) -> list[Run]:
    """All runs, checked, in the order they are made: those that are compared follow each other on the same machine.

    Raises:
        ConfigurationError: for an unknown name, or an option that no constructor takes.
    """
    runs = []
    for seed in seeds:
        for name in problems:
            if name not in suite:
                raise ConfigurationError(f"problems: {name!r} is not known; {choose(name, suite)}")
            network = {"network": suite[name]["network"]} if suite[name].get("network") else {}
            options = {one: _here(known_optimizers[one]) | network for one in known_optimizers}
            runs += benchmark.plan(suite, options, optimizers, [seed], [name], seconds, threads)
    return runs


def account(
    mode: str, options: Mapping[str, Any], records: Sequence[Record], suite: Mapping[str, Any], origin: str
) -> str:
    """The Markdown that says what was found.

    Args:
        mode: "targets" for `solve` against its targets; otherwise optimizers against each other.
        options: of that mode.
        records: finished runs.
        suite: the problems.
        origin: the command, the date and the revision, in Markdown.
    """
    if not records:
        return f"Nothing is finished yet.\n\n{origin}\n"
    machines = sorted({f"{r['machine']}, torch {r['versions']['torch']}" for r in records})
    limits = sorted({f"{r['seconds']:g} s on {r['threads']} threads" for r in records})
    head = f"{origin}; {'; '.join(limits)}; {'; '.join(machines)}."
    judged = (
        "Errors are relative L2 on a fixed grid, or the largest relative error of unknown coefficients (C), of the\n"
        "parameters with the least loss on fresh points so far. Wall seconds count from the call of `solve`."
    )
    if mode == "targets":
        parts = [head, judged, targets_table(records, suite, options.get("memory"))]
    else:
        parts = [head, judged, *comparison(records, suite, options.get("compare")), details(records, suite)]
    return "\n\n".join(parts) + "\n"


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


def _here(node: Any) -> Any:
    """A configuration with this package's own functions where the package lies: beside pinn, or in it in a wheel."""
    if isinstance(node, Mapping):
        return {key: _here(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_here(value) for value in node]
    if isinstance(node, str) and node.startswith("experiments."):
        return f"{benchmark.PACKAGE}{node.removeprefix('experiments')}"
    return node


def run(config: DictConfig) -> None:
    """One job of Hydra."""
    with clean_exit():
        call = plain(config)
        check(benchmark_optimizers, call)
        benchmark_optimizers(**call)


def main() -> None:
    """Entry of `python -m experiments.benchmark_optimizers`."""
    prepare("benchmark_optimizers", benchmark_optimizers)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark_optimizers")(run)()


if __name__ == "__main__":
    main()
