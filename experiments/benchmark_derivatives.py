"""What derivatives cost: jets, nested autograd and `torch.func` against a plain pass of the same network.

    python -m experiments.benchmark_derivatives seconds=5                         # the README's, half an hour
    python -m experiments.benchmark_derivatives widths=[50] seconds=5             # a few minutes
    python -m experiments.benchmark_derivatives cases=[burgers] threads=2

Times and their ratios are medians over interleaved rounds, each engine in a process of its own, so that all meet the
same machine and none the other's memory, and each task after one run of it that is not timed, as the steps of a
training follow each other; on one thread they are processor time. They are given as multiples of a plain
forward-backward pass of the network on as many points. The floor is the time of the matrix products that the loss
gradient of jets makes, at the rate of a matrix product of that width measured in the same run. Memory is the peak of a
process of its own above that before the measurement. `torch.func` on derivatives of fourth order takes more memory than
a small machine has: where the system ends it, the others go on, and its place in the table is empty. Writes `table.md`,
`results.json` and `ratios.png` into the run's folder, anew after each combination.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pinn import validation

from .benchmarks.derivative_cases import CASES
from .benchmarks.derivative_tables import line, picture, table
from .benchmarks.derivative_tasks import PRECISIONS
from .benchmarks.derivative_timing import Measurement, measure
from .benchmarks.one_run import processor
from .command_line.configuration import check_names
from .command_line.overrides import CONF, clean_exit, plain, prepare
from .command_line.run_folder import write_text


def benchmark_derivatives(
    cases: Sequence[str] | None = None,
    widths: Sequence[int] = (20, 50, 128),
    dtypes: Sequence[str] = ("float32", "float64"),
    points: int = 10_000,
    depth: int = 4,
    threads: int = 1,
    seconds: float = 20.0,
    seed: int = 0,
    memory: bool = True,
) -> Iterator[Measurement]:
    """Measure every combination, one after the other as they are asked for.

    Args:
        cases: names of equations; left out, all.
        widths: of the hidden layers.
        dtypes: float32, float64.
        points: n.
        depth: hidden layers.
        threads: of torch.
        seconds: of interleaved rounds for each combination, three rounds at the least.
        seed: of weights and points.
        memory: measure the peak memory of the loss gradient, width 50, for a second- and a fourth-order equation.

    Raises:
        ValueError: naming the first argument that cannot be measured.
        RuntimeError: if an engine's process ends before its time.
    """
    names = list(CASES) if cases is None else list(cases)
    check_names("cases", names, CASES)
    check_names("widths", list(widths), None)
    check_names("dtypes", list(dtypes), PRECISIONS)
    owner = "benchmark_derivatives"
    for width in widths:
        validation.count(owner, 1, widths=width)
    validation.count(owner, 1, points=points, depth=depth, threads=threads)
    validation.count(owner, 0, seed=seed)
    validation.positive(owner, seconds=seconds)
    torch.set_num_threads(threads)
    combinations = itertools.product(dtypes, widths, names)
    return (
        measure(CASES[name], width, dtype, points, depth, seconds, seed, memory) for dtype, width, name in combinations
    )


def run(config: DictConfig) -> None:
    """One job of Hydra."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    words = HydraConfig.get().overrides.task
    command = " ".join(["python -m experiments.benchmark_derivatives", *(word.lstrip("+") for word in words)])

    def account(found: Sequence[Measurement]) -> str:
        where = f"{datetime.now(UTC):%Y-%m-%d}, {processor()}, {os.cpu_count()} cores, torch {torch.__version__}"
        return table(found, f"`{command}`, {where}, {torch.get_num_threads()} thread(s)")

    found: list[Measurement] = []
    with clean_exit():
        for measurement in benchmark_derivatives(**plain(config)):
            print(line(measurement), flush=True)
            found.append(measurement)
            write_text(folder / "table.md", account(found))
            write_text(folder / "results.json", json.dumps([asdict(m) for m in found], indent=1) + "\n")
            picture(found, folder / "ratios.png")
        print(f"\n{account(found)}\nwritten to {folder}")


def main() -> None:
    """Entry of `python -m experiments.benchmark_derivatives`."""
    prepare("benchmark_derivatives", benchmark_derivatives)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark_derivatives")(run)()


if __name__ == "__main__":
    main()
