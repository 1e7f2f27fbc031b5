"""The equations whose derivatives are timed, each written twice: for the library's engines, and by `torch.func`.

The first form takes every row of a gradient in one call and reuses what it has (the careful nested version); it runs
unchanged on jets. The second pushes tangents forward, `jvp` within `jvp`, so that u, u', … u⁽ᵏ⁾ in one direction come
from one nested call; parameters are reached by reverse mode over that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pinn.derivatives import biharmonic, d, grad, laplacian

NU = 0.01 / math.pi
Fields = Mapping[str, Any]
Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """An equation to be timed.

    Args:
        name: for the table.
        coordinates, outputs: names.
        equation: (coordinates, outputs, constants) -> rows, for the engines.
        forward_mode: (network, points (n, d)) -> rows (n, q), by `torch.func.jvp`.
        target: how many times faster than nested autograd the loss gradient must be, width 50.
    """

    name: str
    coordinates: tuple[str, ...]
    outputs: tuple[str, ...]
    equation: Callable[[Fields, Fields, Fields], Sequence[Any]]
    forward_mode: Callable[[Network, Tensor], Tensor]
    target: float


class Perceptron(nn.Module):
    """A tanh network of `depth` hidden layers, and its outputs by name."""

    def __init__(self, case: Case, width: int, depth: int, dtype: torch.dtype) -> None:
        super().__init__()
        sizes = [len(case.coordinates), *[width] * depth]
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [nn.Linear(inputs, outputs, dtype=dtype), nn.Tanh()]
        self.network = nn.Sequential(*layers, nn.Linear(width, len(case.outputs), dtype=dtype))
        self._case = case

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) -> (n, m)."""
        found: Tensor = self.network(x)
        return found

    def outputs(self, columns: Fields) -> dict[str, Any]:
        """Outputs by name, of tensors or jets."""
        found = self.network(torch.stack([columns[name] for name in self._case.coordinates], -1))
        return {name: found[..., i] for i, name in enumerate(self._case.outputs)}


def tower(f: Network, x: Tensor, i: int, order: int) -> tuple[Tensor, ...]:
    """f and its derivatives by coordinate i up to an order, each (n, m), by nested forward mode."""
    direction = torch.zeros_like(x)
    direction[:, i] = 1.0

    def climb(x: Tensor, order: int) -> tuple[Tensor, ...]:
        if order == 0:
            return (f(x),)
        found = torch.func.jvp(lambda x: climb(x, order - 1), (x,), (direction,))
        values, tangents = found[0], found[1]
        return (*values, tangents[-1])

    return climb(x, order)


def _burgers(c: Fields, o: Fields, k: Fields) -> list[Any]:
    u_t, u_x = grad(o["u"], c["t"], c["x"])
    return [u_t + o["u"] * u_x - NU * d(u_x, c["x"])]


def _burgers_forward(f: Network, x: Tensor) -> Tensor:
    u, u_x, u_xx = tower(f, x, 0, 2)
    return tower(f, x, 1, 1)[1] + u * u_x - NU * u_xx


def _kdv(c: Fields, o: Fields, k: Fields) -> list[Any]:
    u_t, u_x = grad(o["u"], c["t"], c["x"])
    return [u_t + o["u"] * u_x + NU * d(u_x, c["x"], c["x"])]


def _kdv_forward(f: Network, x: Tensor) -> Tensor:
    u, u_x, _, u_xxx = tower(f, x, 0, 3)
    return tower(f, x, 1, 1)[1] + u * u_x + NU * u_xxx


def _laplace(c: Fields, o: Fields, k: Fields) -> list[Any]:
    return [laplacian(o["u"], *c.values())]


def _laplace_forward(f: Network, x: Tensor) -> Tensor:
    return torch.stack([tower(f, x, i, 2)[2] for i in range(x.shape[1])]).sum(0)


def _plate(c: Fields, o: Fields, k: Fields) -> list[Any]:
    return [biharmonic(o["u"], *c.values())]


def _plate_forward(f: Network, x: Tensor) -> Tensor:
    mixed = tower(lambda x: tower(f, x, 0, 2)[2], x, 1, 2)[2]
    return tower(f, x, 0, 4)[4] + 2 * mixed + tower(f, x, 1, 4)[4]


def _navier_stokes(c: Fields, o: Fields, k: Fields) -> list[Any]:
    xs = tuple(c.values())
    slopes = {name: grad(o[name], *xs) for name in ("u", "v", "w", "p")}
    rows = []
    for i, name in enumerate(("u", "v", "w")):
        u_x, u_y, u_z = slopes[name]
        carried = o["u"] * u_x + o["v"] * u_y + o["w"] * u_z
        rows.append(carried + slopes["p"][i] - NU * (d(u_x, xs[0]) + d(u_y, xs[1]) + d(u_z, xs[2])))
    return [*rows, slopes["u"][0] + slopes["v"][1] + slopes["w"][2]]


def _navier_stokes_forward(f: Network, x: Tensor) -> Tensor:
    towers = [tower(f, x, i, 2) for i in range(3)]
    value = towers[0][0]
    rows = []
    for i in range(3):
        carried = torch.stack([value[:, j] * towers[j][1][:, i] for j in range(3)]).sum(0)
        diffusion = torch.stack([towers[j][2][:, i] for j in range(3)]).sum(0)
        rows.append(carried + towers[i][1][:, 3] - NU * diffusion)
    rows.append(towers[0][1][:, 0] + towers[1][1][:, 1] + towers[2][1][:, 2])
    return torch.stack(rows, 1)


CASES = {
    case.name: case
    for case in (
        Case("burgers", ("x", "t"), ("u",), _burgers, _burgers_forward, 1.5),
        Case("kdv", ("x", "t"), ("u",), _kdv, _kdv_forward, 2.2),
        Case("laplacian_2", ("x", "y"), ("u",), _laplace, _laplace_forward, 2.0),
        Case("laplacian_3", ("x", "y", "z"), ("u",), _laplace, _laplace_forward, 1.0),
        Case("laplacian_10", tuple(f"x{i}" for i in range(10)), ("u",), _laplace, _laplace_forward, 2.5),
        Case("biharmonic", ("x", "y"), ("u",), _plate, _plate_forward, 5.0),
        Case("navier_stokes_3d", ("x", "y", "z"), ("u", "v", "w", "p"), _navier_stokes, _navier_stokes_forward, 5.0),
    )
}
"""By name."""
