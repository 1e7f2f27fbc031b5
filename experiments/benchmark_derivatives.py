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
import math
import multiprocessing
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pinn import validation
from pinn.plotting.canvas import MUTED, PALETTE, new_figure, quiet, save

from .benchmarks.derivative_cases import CASES, Case
from .benchmarks.derivative_tasks import GROUPS, PRECISIONS, PRODUCT_ROWS, PRODUCTS, Setting, carried, peak_here, work
from .benchmarks.one_run import processor
from .command_line.configuration import check_names
from .command_line.overrides import CONF, clean_exit, plain, prepare
from .command_line.run_folder import write_text

MEMORY_CASES = ("burgers", "biharmonic")
MAY_END = "torch.func"
"""The group of tasks that the system may end for want of memory, and the name of its task."""


@dataclass
class Measurement:
    """One equation, width and precision: seconds by task, and what they are compared with.

    Args:
        case, width, dtype: what was measured.
        seconds: task -> median seconds; without `torch.func` where the memory did not suffice for it.
        plain: task -> its time in plain passes of the network, the median over the rounds.
        speedup: how many times faster the loss gradient is than by nested autograd, the median over the rounds.
        per_gradient: J by jets in loss gradients of as many points, the median over the rounds.
        entries: K, numbers that jets carry where the network carries one.
        floor: seconds of the matrix products of the loss gradient by jets.
        rows: of J; the reference is asked for 16 of them.
        memory: engine -> peak bytes of a loss gradient.
    """

    case: str
    width: int
    dtype: str
    seconds: dict[str, float]
    plain: dict[str, float]
    speedup: float
    per_gradient: float
    entries: int
    floor: float
    rows: int
    memory: dict[str, float] = field(default_factory=dict)


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


def measure(
    case: Case, width: int, dtype: str, points: int, depth: int, seconds: float, seed: int, memory: bool = False
) -> Measurement:
    """Medians of interleaved rounds for one equation, width and precision; if asked, memory where it is measured."""
    place = Setting(case.name, width, dtype, points, depth, seed, torch.get_num_threads())
    times = interleaved(place, seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    model, x = place.build()
    entries = carried(case, model, x)
    # Of the (K n, in) x (in, out) products, three a layer: forward, by the activations and by the weights.
    products = 3 * points * entries * sum(p.numel() for p in model.parameters() if p.ndim == 2)
    floor = products * medians.pop("product") / (PRODUCTS * PRODUCT_ROWS * width * width)
    return Measurement(
        case=case.name,
        width=width,
        dtype=dtype,
        seconds=medians,
        plain={name: ratio(times, name, "plain") for name in medians},
        speedup=ratio(times, "nested", "jets"),
        per_gradient=ratio(times, "jets J", "jets few"),
        entries=entries,
        floor=floor,
        rows=place.rows(),
        memory={engine: peak(place, engine) for engine in ("jets", "nested")}
        if memory and width == 50 and case.name in MEMORY_CASES
        else {},
    )


def ratio(times: Mapping[str, Sequence[float]], task: str, other: str) -> float:
    """How many times as long one task took as another in the same round, the median over the rounds."""
    return statistics.median(a / b for a, b in zip(times[task], times[other], strict=True))


def interleaved(place: Setting, seconds: float) -> dict[str, list[float]]:
    """Seconds of each task in rounds in which each runs once, after one round that does not count.

    Every group of tasks has a process of its own, so that each meets the memory allocator as it would alone; a round
    goes through them all, one at a time.
    """
    context = multiprocessing.get_context("spawn")
    workers = {}
    times: dict[str, list[float]] = {}
    try:
        for group in GROUPS:
            here, there = context.Pipe()
            process = context.Process(target=work, args=(there, group, place), name=group, daemon=True)
            process.start()
            there.close()  # ours, so that the pipe ends when the worker does
            workers[group] = process, here
        start = time.perf_counter()
        rounds = -1
        while rounds < 3 or (time.perf_counter() - start < seconds and rounds < 30):
            for group, (process, pipe) in tuple(workers.items()):
                try:
                    pipe.send("round")
                    answer = pipe.recv()
                except (EOFError, ConnectionError):
                    process.join()
                    lost(group, process.exitcode, place)
                    del workers[group]
                    times.pop(group, None)
                    continue
                for name, value in answer.items():
                    if rounds >= 0:
                        times.setdefault(name, []).append(value)
            rounds += 1
    finally:
        for process, _ in workers.values():
            process.kill()
            process.join()
    return times


def lost(group: str, code: int | None, place: Setting) -> None:
    """Say that a group's process has ended, and go on if it may.

    Raises:
        RuntimeError: if the others are nothing without it.
    """
    what = f"{group} on {place}"
    if group != MAY_END or code != -signal.SIGKILL:
        cure = "give fewer points, or see the error above" if code else "see the error above"
        raise RuntimeError(f"the process that times {what}, ended with exit code {code}, expected an answer; {cure}")
    print(f"left out, killed by the system, as it does when memory runs out: {what}", file=sys.stderr, flush=True)


def peak(place: Setting, engine: str) -> float:
    """Peak bytes of one loss gradient above those before it, in a process of its own.

    Raises:
        RuntimeError: if that process ends before its time.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(peak_here, place, engine).result()
        except BrokenProcessPool as error:
            what = f"the process that measures the memory of {engine} on {place}"
            raise RuntimeError(f"{what} ended, expected an answer; give fewer points, or memory=false") from error


def line(m: Measurement) -> str:
    """One row of the table, in Markdown."""
    base = m.seconds["plain"]
    numbers = [m.plain.get(name) for name in ("jets", "nested", "torch.func", "jets forward", "nested forward")]
    reference = m.seconds["nested 16 rows"] / 16 / (m.seconds["jets J"] / m.rows)
    memory = " / ".join(f"{value / 2**20:.0f}" for value in m.memory.values()) or "–"
    target = f" (≥ {CASES[m.case].target:g})" if m.width == 50 else ""
    return (
        f"| {m.case} | {m.width} | {m.dtype} | {m.entries} | "
        + " | ".join("–" if value is None else f"{value:.1f}" for value in numbers)
        + f" | {m.floor / base:.1f} | **{m.speedup:.1f}**{target} | {m.per_gradient:.1f} | {reference:.0f} | {memory} |"
    )


HEAD = (
    "| equation | width | precision | K | jets | nested | `torch.func` | jets, rows only | nested, rows only | floor "
    "| nested ÷ jets | J ÷ loss gradient | a row of J, nested ÷ jets | peak MB, jets / nested |"
)


def table(found: Sequence[Measurement], origin: str) -> str:
    """The whole account in Markdown."""
    rule = "|" + "---|" * (HEAD.count("|") - 1)
    note = (
        f"{origin}. Loss gradient (columns jets, nested, torch.func), rows alone without a graph, and the floor in "
        "plain forward-backward passes of the same network on the same points."
    )
    if any(MAY_END not in m.plain for m in found):
        note += f" Where `{MAY_END}` has no figure, the machine's memory did not suffice for it."
    return "\n".join([note, "", HEAD, rule, *map(line, found)]) + "\n"


def picture(found: Sequence[Measurement], path: Path) -> None:
    """Bars of the loss gradient's cost in plain passes, jets beside nested autograd, at the middle width."""
    widths = sorted({m.width for m in found})
    width = 50 if 50 in widths else widths[len(widths) // 2]
    dtypes = sorted({m.dtype for m in found})
    figure = new_figure(4.5 * len(dtypes) + 1, 3.6)
    for index, dtype in enumerate(dtypes):
        axes = quiet(figure.add_subplot(1, len(dtypes), index + 1))
        shown = [m for m in found if m.width == width and m.dtype == dtype]
        for place, (name, label) in enumerate((("jets", "jets"), ("nested", "nested"), ("torch.func", "torch.func"))):
            heights = [m.plain.get(name, math.nan) for m in shown]
            places = [i + 0.27 * (place - 1) for i in range(len(shown))]
            axes.bar(places, heights, 0.25, color=PALETTE[place], label=label)
        for i, m in enumerate(shown):
            axes.plot([i - 0.4, i - 0.14], [m.floor / m.seconds["plain"]] * 2, color=MUTED, linewidth=1.5)
            axes.annotate(
                f"{m.speedup:.1f}×",
                (i - 0.27, m.plain["jets"]),
                ha="center",
                va="bottom",
                fontsize=8,
                color=PALETTE[0],
            )
        axes.set_yscale("log")
        axes.set_xticks(range(len(shown)), [m.case.replace("_", " ") for m in shown], rotation=30, ha="right")
        axes.set_title(f"loss gradient, width {width}, {dtype}", fontsize=10)
        if index == 0:
            axes.set_ylabel("plain forward-backward passes")
            axes.legend(frameon=False, fontsize=9)
    save(figure, path)


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
