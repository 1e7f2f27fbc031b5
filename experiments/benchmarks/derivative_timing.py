"""Times and memory of the ways to differentiate: interleaved rounds of processes, their medians and ratios.

Every group of tasks has a process of its own and runs once a round, so that all meet the same machine; a ratio is the
median over the rounds of the ratio within one.
"""

from __future__ import annotations

import multiprocessing
import signal
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Literal

import torch

from .derivative_cases import Case
from .derivative_tasks import GROUPS, PRODUCT_ROWS, PRODUCTS, Setting, carried, peak_here, work

START: Literal["spawn"] = "spawn"
"""How a process comes to be: as a new one, which has nothing of this one's memory."""
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
    context = multiprocessing.get_context(START)
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
    with ProcessPoolExecutor(1, multiprocessing.get_context(START)) as pool:
        try:
            return pool.submit(peak_here, place, engine).result()
        except BrokenProcessPool as error:
            what = f"the process that measures the memory of {engine} on {place}"
            raise RuntimeError(f"{what} ended, expected an answer; give fewer points, or memory=false") from error
