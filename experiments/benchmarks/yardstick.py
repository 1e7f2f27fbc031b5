"""How fast is this machine, now? Fixed kernels, timed in the same run as what they are a yardstick for.

Four kernels that training spends its time in: a symmetric product JᵀJ, a Cholesky factorization, tanh of a long array,
and the loss gradient of a small network with second derivatives by nested autograd. Each runs on one thread in float64
on data that a seed fixes, a few times; the median counts, in processor seconds, which other programs on the machine do
not lengthen, and in wall seconds, which they do. The factor is the geometric mean over the kernels of the time here
over that on the machine of `REFERENCE`: seconds divided by it are comparable between machines.

Plain torch, so that no change of this library moves the yardstick.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ROWS, COLUMNS = 1500, 500
LENGTH = 1_000_000
POINTS, WIDTH = 500, 20
REPEATS = 5
Kernel = Callable[[], Tensor]


@dataclass(frozen=True)
class Machine:
    """A machine as the kernels saw it.

    Attributes:
        kind: processor, cores and torch.
        date: of the measurement.
        seconds: kernel -> processor seconds, median of repeats.
    """

    kind: str
    date: str
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Yardstick:
    """What the kernels took here, and now.

    Attributes:
        processor: kernel -> processor seconds, median of repeats.
        wall: kernel -> wall seconds, median of repeats.
    """

    processor: Mapping[str, float]
    wall: Mapping[str, float]

    @property
    def factor(self) -> float:
        """Processor seconds here over those of the reference: above 1 is slower. Dimensionless."""
        return factor(self.processor)

    @property
    def wall_factor(self) -> float:
        """Wall seconds here over processor seconds of the reference: what a user waits here, on a machine in use."""
        return factor(self.wall)

    def as_dict(self) -> dict[str, object]:
        """Plain values."""
        values = {"processor": dict(self.processor), "wall": dict(self.wall)}
        return {**values, "factor": self.factor, "wall_factor": self.wall_factor}


def kernels() -> dict[str, Kernel]:
    """The kernels by name; each returns what it computed, the same at every call."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    J, long = normal(ROWS, COLUMNS), normal(LENGTH)
    gram = J.T @ J
    sizes = (2, WIDTH, WIDTH, WIDTH, 1)
    weights = [normal(a, b) / math.sqrt(a) for a, b in itertools.pairwise(sizes)]
    parameters = [nn.Parameter(weight) for weight in weights]
    points = torch.rand(POINTS, 2, generator=generator, dtype=torch.float64)

    def loss_gradient() -> Tensor:
        x, t = (column.clone().requires_grad_(True) for column in points.T)
        u = torch.stack([x, t], 1)
        for weight in parameters[:-1]:
            u = torch.tanh(u @ weight)
        value = (u @ parameters[-1])[:, 0]
        u_x, u_t = torch.autograd.grad(value.sum(), (x, t), create_graph=True)
        (u_xx,) = torch.autograd.grad(u_x.sum(), x, create_graph=True)
        loss = (u_t + value * u_x - 0.01 * u_xx).square().mean()
        return torch.cat([gradient.reshape(-1) for gradient in torch.autograd.grad(loss, parameters)])

    return {
        "syrk": lambda: J.T @ J,
        "cholesky": lambda: torch.linalg.cholesky(gram),
        "tanh": lambda: torch.tanh(long),
        "loss gradient": loss_gradient,
    }


def measure(repeats: int = REPEATS) -> Yardstick:
    """Time every kernel, after one run that does not count; about half a second.

    Args:
        repeats: of each.

    Example:
        >>> sorted(measure(repeats=1).processor)
        ['cholesky', 'loss gradient', 'syrk', 'tanh']
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        processor, wall = {}, {}
        for name, kernel in kernels().items():
            kernel()
            times = [timed(kernel) for _ in range(repeats)]
            processor[name], wall[name] = (statistics.median(column) for column in zip(*times, strict=True))
        return Yardstick(processor, wall)
    finally:
        torch.set_num_threads(threads)


def timed(kernel: Kernel) -> tuple[float, float]:
    """Processor and wall seconds of one run."""
    began, started = time.process_time(), time.perf_counter()
    kernel()
    return time.process_time() - began, time.perf_counter() - started


def factor(seconds: Mapping[str, float], reference: Mapping[str, float] | None = None) -> float:
    """Geometric mean over the kernels of the seconds here over those there.

    Args:
        seconds: kernel -> seconds.
        reference: the same of the other machine; left out, that of `REFERENCE`.

    Example:
        >>> factor({"syrk": 0.02, "tanh": 0.08}, {"syrk": 0.01, "tanh": 0.01})
        4.0
    """
    other = REFERENCE.seconds if reference is None else reference
    return math.exp(statistics.fmean(math.log(seconds[name] / other[name]) for name in other))


def together(*measured: Yardstick) -> Yardstick:
    """The mean of several, before and after what they are a yardstick for."""

    def mean(name: str) -> dict[str, float]:
        return {
            kernel: statistics.fmean(getattr(one, name)[kernel] for one in measured)
            for kernel in getattr(measured[0], name)
        }

    return Yardstick(mean("processor"), mean("wall"))


REFERENCE = Machine(
    kind="AMD EPYC, 2 cores, torch 2.13.0+cpu",
    date="2026-11-27",
    seconds={"syrk": 0.0182, "cholesky": 0.0023, "tanh": 0.00507, "loss gradient": 0.0028},
)
"""The processor of today's README, measured when other programs ran on the machine as well."""
