"""One device beside another: derivatives, steps of the default optimizer, and whole problems to a target error.

Derivatives are the loss gradients of `derivative_tasks`, in seconds a point, since a processor is given fewer points
than a card; a card is waited for before the clock is read, and a processor on one thread counts its own seconds. Steps
a second are those of `solve` as it is by default, between the first and the last of so many. Problems are solved until
the error against their reference is at the target.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from pinn.problem import Problem
from pinn.problems import burgers, cavity, kdv
from pinn.solver import solve
from pinn.training import Progress
from pinn.training.stopping import Stop

from .derivative_tasks import Setting, Task, tasks
from .tables import table

WAYS = ("plain", "jets", "nested", "torch.func")
CASES = ("burgers", "kdv", "laplacian_3")
TARGETS = {"burgers": 1e-4, "kdv": 1e-2, "cavity, Re 400": 1e-1}
"""Relative L2 errors that the problems are solved to."""
SHORT = 0.25
"""Seconds of repeats of one task; a task of more seconds runs once after one that does not count."""


@dataclass(frozen=True)
class Size:
    """How much is measured on a device.

    Attributes:
        points: of derivatives.
        widths: of the hidden layers.
        steps: whose time is taken.
        seconds: for each problem, at the most.
        most_steps: of each problem, at the most; None for no limit.
        share: seconds after which no more derivatives are begun; those left out have no figure.
    """

    points: int
    widths: tuple[int, ...]
    steps: int
    seconds: float
    share: float
    most_steps: int | None = None


CARD = Size(points=65_536, widths=(50, 128, 256), steps=60, seconds=20.0, share=45.0)
PROCESSOR = Size(points=8_192, widths=(50, 128, 256), steps=60, seconds=20.0, share=60.0)
SMALL = Size(points=256, widths=(50,), steps=10, seconds=20.0, share=30.0, most_steps=12)
"""Where there is no card: enough to see that everything runs."""


@dataclass
class Found:
    """What was measured on a device.

    Attributes:
        name: of the device.
        size: how much.
        gradients: (case, width, precision, way) -> seconds of a loss gradient at a point.
        rate: steps a second.
        targets: problem -> (seconds to the target or None, error reached, steps).
    """

    name: str
    size: Size
    gradients: dict[tuple[str, int, str, str], float] = field(default_factory=dict)
    rate: float = 0.0
    targets: dict[str, tuple[float | None, float, int]] = field(default_factory=dict)


def measure(device: str, size: Size, seed: int = 0) -> Found:
    """Everything on one device.

    Args:
        device: "cpu" or "cuda".
        size: how much.
        seed: of weights and points.
    """
    found = Found(name_of(device), size)
    began = time.perf_counter()
    for dtype in ("float64", "float32"):
        for width in size.widths:
            for case in CASES:
                if time.perf_counter() - began > size.share:
                    break
                for way, seconds in gradients(case, width, dtype, size.points, device, seed).items():
                    found.gradients[case, width, dtype, way] = seconds / size.points
    found.rate = steps_a_second(device, size.steps, seed)
    for name, problem in problems().items():
        found.targets[name] = to_target(problem, TARGETS[name], device, size, seed)
    return found


def gradients(case: str, width: int, dtype: str, points: int, device: str, seed: int) -> dict[str, float]:
    """Seconds of the loss gradient by each way; without those that the device's memory does not suffice for."""
    place = Setting(case, width, dtype, points, 4, seed, torch.get_num_threads(), device)
    times = {}
    for way in WAYS:
        try:
            times[way] = timed(tasks(way, place)[way], device)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
    return times


def timed(task: Task, device: str) -> float:
    """Median seconds of repeats, after one run that does not count; of the processor where one thread does it all."""
    clock = time.process_time if device == "cpu" and torch.get_num_threads() == 1 else time.perf_counter

    def once() -> float:
        wait(device)
        began = clock()
        task()
        wait(device)
        return clock() - began

    once()
    times = [once()]
    while sum(times) < SHORT:
        times.append(once())
    return statistics.median(times)


def steps_a_second(device: str, steps: int, seed: int) -> float:
    """Of Burgers' equation by default, after the first step."""
    solution = solve(
        burgers(),
        steps=steps,
        seed=seed,
        device=device,
        features=None,
        verify=False,
        certify=False,
        progress=False,
    )
    rows = [row for row in solution.history if "step" in row]
    first, last = rows[0], rows[-1]
    return float((last["step"] - first["step"]) / max(last["seconds"] - first["seconds"], 1e-9))


def to_target(problem: Problem, target: float, device: str, size: Size, seed: int) -> tuple[float | None, float, int]:
    """Seconds until the error is at the target, None where it is not within the limits; the error; steps."""
    when: list[float] = []

    def watch(progress: Progress) -> Stop | None:
        if progress.row.get("error", 1.0) > target:
            return None
        when.append(float(progress.row["seconds"]))
        return Stop(f"error {target:g}")

    solution = solve(
        problem,
        seconds=size.seconds,
        steps=size.most_steps,
        seed=seed,
        device=device,
        features=None,  # training is what is compared
        certify=False,
        progress=False,
        callbacks=[watch],
    )
    report = solution.report
    assert report is not None and report.error is not None
    return (when[0] if when else None), report.error, report.steps


def problems() -> Mapping[str, Problem]:
    """Those that are solved, by name."""
    return {"burgers": burgers(), "kdv": kdv(), "cavity, Re 400": cavity(400.0)}


def wait(device: str) -> None:
    """Until the device has done what it was told."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def name_of(device: str) -> str:
    """The card's own name, or the processor's."""
    from .one_run import processor

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else processor()


def markdown(found: Sequence[Found], origin: str) -> str:
    """The account of one device, or of a processor and a card: three tables.

    Args:
        found: the processor first.
        origin: command, date and versions.
    """
    card = found[-1] if len(found) > 1 else None
    said = (
        f"Card: {card.name}; processor: {found[0].name}."
        if card
        else f"Not yet measured on a card. Processor alone, at a small size: {found[0].name}."
    )
    points = "; ".join(f"{one.size.points} points on {one.name}" for one in found)
    parts = [f"{origin}. {said}", f"Nanoseconds a point of a loss gradient, four hidden layers ({points})."]
    rows = []
    for key in dict.fromkeys(key for one in found for key in one.gradients):
        values = [one.gradients.get(key) for one in found]
        row = [key[0], str(key[1]), key[2], key[3], *("—" if v is None else f"{1e9 * v:.3g}" for v in values)]
        if card:
            row.append(f"{values[0] / values[1]:.2g}" if values[0] and values[1] else "—")
        rows.append(row)
    names = ["processor", "card", "processor ÷ card"][: 3 if card else 1]
    parts.append(table(("equation", "width", "precision", "way", *names), rows))
    parts.append("Steps a second of the default optimizer on Burgers' equation, float64.")
    parts.append(table(("", "steps a second"), [[one.name, f"{one.rate:.3g}"] for one in found]))
    parts.append("Seconds to a relative L2 error, or the error within the limits.")
    parts.append(table(("problem", "target", *names[: len(found)]), target_rows(found)))
    return "\n\n".join(parts) + "\n"


def target_rows(found: Sequence[Found]) -> list[list[str]]:
    """One line a problem."""
    rows = []
    for name, target in TARGETS.items():
        cells: list[Any] = []
        for one in found:
            when, error, steps = one.targets[name]
            reached = f"{when:.1f} s" if when is not None else f"not reached: {error:.1e}"
            cells.append(f"{reached}, {steps} steps")
        rows.append([name, f"{target:.0e}", *cells])
    return rows
