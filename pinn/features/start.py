"""The start of an evolution: values and time derivatives from its conditions there, on as many neurons as they need."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.analysis import Role
from pinn.features.evolution import Evolution, mean_square
from pinn.features.found import UnsuitedError
from pinn.features.layers import adapted, narrower
from pinn.features.plane import Neurons, Plane
from pinn.features.space import padded
from pinn.features.window import Field, monomials

MAPS = 8  # that are tried in turn at the start, and for one window
KINKED = 385  # from here on more neurons that do not halve the last coefficients are not taken
_MANY = 400  # columns, from which on singular values of a square J are not asked for
FINER = 8  # times as many nodes at the start where it has a kink: with one, allen_cahn ends at 4e-5


@dataclass(frozen=True, eq=False)
class Start:
    """Neurons in space, g at the start, what its conditions leave between nodes, the last coefficients, operations."""

    space: Neurons
    values: list[Tensor]
    left: float
    tail: float
    kinked: bool
    work: float


def at_start(evolution: Evolution, space: Neurons, tolerance: float, finer: int = 1) -> Start:
    """Values and derivatives at the start from the conditions there, with as many neurons as they need.

    Args:
        evolution: whose start it is.
        space: neurons to begin with.
        tolerance: of the last coefficients; infinite for these neurons and no others.
        finer: times as many nodes.
    """
    order, length = max(evolution.orders), evolution.end - evolution.start
    names = evolution.traits.of_role(Role.START)
    free = [padded(monomials(q, length), order, 1) for q in evolution.orders]
    work, tail, adaptations = 0.0, math.inf, 0
    narrow, kink = True, None  # whether narrower maps are tried, and what was found without the last of them
    while True:
        places = space if finer == 1 or isinstance(space, Plane) else space.resized(finer * space.count)
        rows = evolution.start_rows(places.nodes(), space, order, length)
        field = torch.zeros(len(evolution.orders), space.count, order, dtype=torch.float64)
        for _ in range(20):
            parts = [one.linearize(field, free) for one in rows]
            residual, jacobian = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
            solution, rank = _least(jacobian, residual)
            work += (1.0 if rank < 0 else 20.0) * jacobian.shape[0] * jacobian.shape[1] ** 2
            if 0 <= rank < jacobian.shape[1]:
                raise UnsuitedError(
                    f"solve_windows: got conditions {list(names)} that determine {rank} of "
                    f"{jacobian.shape[1]} values at the start, expected all; give values, and derivatives of "
                    "orders below that in time"
                )
            split = solution.split([space.count * q for q in evolution.orders])
            pieces = zip(split, free, evolution.orders, strict=True)
            step = torch.stack([part.reshape(space.count, q) @ psi for part, psi, q in pieces])
            field = field + step
            if float(step.abs().max()) <= 1e-13 * max(1.0, float(field.abs().max())):
                break
        found = Field(space, field, evolution.start, length)
        tail, before = found.tails()[0], tail
        if tail > tolerance and adaptations < MAPS and finer == 1 and kink is None:
            better = adapted(space, field[:, :, 0], tolerance, evolution.most(space))
            if better is not None:
                space, tail, adaptations = better, math.inf, adaptations + 1
                continue
        if kink is not None and tail > 0.5 * kink[1]:  # it was none, or is as narrow as it can be
            space, tail, field, kink = kink[0], kink[1], kink[2], None
            narrow = False
        elif tail > tolerance and narrow and (dense := narrower(space, field[:, :, 0])) is not None:
            kink, space = (space, tail, field), dense
            continue
        else:
            kink = None
        kinked = space.longest >= KINKED and tail > 0.5 * before
        if kinked and finer == 1:
            finer, tail = FINER, before  # what no neuron here can be is not to be taken for one that can
            continue
        more = evolution.wider(space, field)
        if tail <= tolerance or kinked or more == space:
            between = evolution.start_rows(space.between(), space, order, length)
            left = math.sqrt(sum(mean_square(space, one.residual(field), one.places) for one in between))
            return Start(space, _values(evolution, field, length), left, tail, kinked, work)
        space, narrow = more, True


def _least(jacobian: Tensor, residual: Tensor) -> tuple[Tensor, int]:
    """−J⁺ r, and the rank of J; −1 where J is large, square and safely regular, as its factors tell."""
    n, p = jacobian.shape
    if n == p > _MANY:
        factors, pivots, info = torch.linalg.lu_factor_ex(jacobian)
        sizes = factors.diagonal().abs()
        if int(info) == 0 and float(sizes.min()) > 1e-8 * float(sizes.max()):
            return torch.linalg.lu_solve(factors, pivots, -residual[:, None])[:, 0], -1
    solved = torch.linalg.lstsq(jacobian, -residual[:, None], driver="gelsd")
    return solved.solution[:, 0], int(solved.rank)


def _values(evolution: Evolution, field: Tensor, length: float) -> list[Tensor]:
    """g (M, q_o) of each output from coefficients of polynomials of degree below the order."""
    return [
        c[:, :q] @ torch.linalg.inv(monomials(q, length)) if q else c[:, :0]
        for c, q in zip(field, evolution.orders, strict=True)
    ]
