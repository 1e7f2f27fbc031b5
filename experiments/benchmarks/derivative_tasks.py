"""What is timed, and the process that times it: one for the plain network, one for each way to differentiate.

A worker builds its tasks once and then answers every request for a round with the seconds of each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives import Autograd, BoundEquation, Engine, Jets
from pinn.derivatives.jets.kernels.workspace import Workspace

from .children import end_with_parent
from .derivative_cases import CASES, Case, Perceptron

Task = Callable[[], Any]
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}
GROUPS = ("plain", "jets", "nested", "torch.func")
JACOBIAN_BYTES = 200e6
PRODUCT_ROWS = 4000
PRODUCTS = 20
"""Matrix products timed together, since one is over within a millisecond."""


@dataclass(frozen=True)
class Setting:
    """One equation (by name), width and precision, n points, a network of some depth, threads, and the device."""

    case: str
    width: int
    dtype: str
    points: int
    depth: int
    seed: int
    threads: int
    device: str = "cpu"

    def build(self) -> tuple[Perceptron, Tensor]:
        """The network and the points (n, d)."""
        precision = PRECISIONS[self.dtype]
        case = CASES[self.case]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            model = Perceptron(case, self.width, self.depth, precision)
            x = torch.rand(self.points, len(case.coordinates), dtype=precision)
            return model.to(self.device), x.to(self.device)

    def fewer(self) -> int:
        """Points that J is taken at: 4096, or as many as its buffer has room for."""
        model, x = self.build()
        size = sum(parameter.numel() for parameter in model.parameters())
        room = JACOBIAN_BYTES / (size * self._fields() * x.element_size())
        return int(min(self.points, 4096, max(64, room)))

    def __str__(self) -> str:
        return f"{self.case}, width {self.width}, {self.dtype}, {self.points} points"

    def rows(self) -> int:
        """Rows of J."""
        return self.fewer() * self._fields()

    def _fields(self) -> int:
        """Rows of the equation at a point, counted on a trial."""
        case = CASES[self.case]
        columns = {name: torch.rand(1, requires_grad=True) for name in case.coordinates}
        total = torch.stack(list(columns.values())).sum(0)
        return len(case.equation(columns, {name: torch.sin(total) for name in case.outputs}, {}))


def tasks(group: str, place: Setting) -> dict[str, Task]:
    """The tasks of a group, by name."""
    case = CASES[place.case]
    model, x = place.build()
    parameters = list(model.parameters())
    few = x[: place.fewer()]

    def bind(engine: Engine) -> BoundEquation:
        return engine.bind(model.outputs, case.equation, case.coordinates)

    def gradient(bound: BoundEquation, where: Tensor) -> Task:
        return lambda: bound.gradient(where, parameters)

    def forward(bound: BoundEquation) -> Task:
        def run() -> None:
            with torch.no_grad():
                bound.residual(x)

        return run

    if group == "plain":
        weight = torch.rand(place.width, place.width, dtype=x.dtype, device=x.device)
        columns = torch.rand(place.width, PRODUCT_ROWS, dtype=x.dtype, device=x.device)
        space = Workspace()

        def products() -> None:
            for _ in range(PRODUCTS):
                space.matmul(weight, columns)

        return {"plain": lambda: torch.autograd.grad(model(x).pow(2).sum(), parameters), "product": products}
    if group == "jets":
        jets = bind(Jets(fallback=False))
        jacobian = torch.empty(sum(p.numel() for p in parameters), place.rows(), dtype=x.dtype, device=x.device).T
        return {
            "jets": gradient(jets, x),
            "jets forward": forward(jets),
            "jets few": gradient(jets, few),
            "jets J": lambda: jets.linearize(few, parameters, out=jacobian),
        }
    if group == "nested":
        nested = bind(Autograd())

        def sixteen_rows() -> None:
            flat = nested.residual(few).reshape(-1)
            seeds = torch.eye(16, flat.numel(), dtype=x.dtype, device=x.device)
            torch.autograd.grad(flat, parameters, seeds, is_grads_batched=True, allow_unused=True)

        return {
            "nested": gradient(nested, x),
            "nested forward": forward(nested),
            "nested 16 rows": sixteen_rows,
        }

    def by_forward_mode() -> None:
        torch.autograd.grad(case.forward_mode(model, x).pow(2).sum(), parameters, allow_unused=True)

    return {"torch.func": by_forward_mode}


def work(pipe: Connection[Any, Any], group: str, place: Setting) -> None:
    """Answer each "round" with the seconds of every task of the group, until ended.

    A task runs once untimed before it is timed, as one step of a training follows another; those of a second and more,
    to which that makes no difference, only in the first round.
    """
    end_with_parent()
    torch.set_num_threads(place.threads)
    # One thread's own seconds do not count what other programs on the machine took; several threads' would add up.
    clock = time.process_time if place.threads == 1 else time.perf_counter
    mine = tasks(group, place)
    times: dict[str, float] = {}
    while True:
        pipe.recv()
        for name, run in mine.items():
            if times.get(name, 0.0) < 1.0:
                run()
            began = clock()
            run()
            times[name] = clock() - began
        pipe.send(times)


def carried(case: Case, model: Perceptron, x: torch.Tensor) -> int:
    """K, as the largest stack that comes out of the network."""
    sizes: list[int] = []

    def spy(columns: dict[str, Any]) -> dict[str, Any]:
        outputs = model.outputs(columns)
        sizes.extend(1 + len(getattr(output, "keys", ())) for output in outputs.values())
        return outputs

    Jets(fallback=False, probe=False).bind(spy, case.equation, case.coordinates).residual(x[:2])
    return max(sizes)


def peak_here(place: Setting, engine: str) -> float:
    """Peak bytes of one loss gradient in this process, above those before it."""
    torch.set_num_threads(place.threads)
    case = CASES[place.case]
    model, x = place.build()
    chosen: Engine = Jets(fallback=False, probe=False) if engine == "jets" else Autograd()
    bound, parameters = chosen.bind(model.outputs, case.equation, case.coordinates), list(model.parameters())
    # A few points first, so that libraries are loaded and plans made.
    bound.gradient(x[:4], parameters)
    before = _high_water()
    bound.gradient(x, parameters)
    return _high_water() - before


def _high_water() -> float:
    """The process's own peak of resident bytes; NaN where the system does not tell (it does on Linux)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    # Not getrusage: its peak is inherited from the process that started this one.
    return 1024.0 * next(int(row.split()[1]) for row in status.read_text().splitlines() if row.startswith("VmHWM"))
