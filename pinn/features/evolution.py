"""An evolution as rows of fixed neurons: its equations and conditions on grids of space and time.

What lies between a network and the outputs (sizes, forms, an ansatz) is kept from a model; its network is not.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pinn.analysis import Role, Traits, analyze
from pinn.derivatives import Jets
from pinn.derivatives.jets import MissingRule
from pinn.derivatives.jets.given import GivenField
from pinn.features.found import UnsuitedError
from pinn.features.plane import Neurons, Plane
from pinn.features.rows import engine_of
from pinn.features.space import Space, polynomials
from pinn.features.window import Field, Rows, radau
from pinn.model import Model
from pinn.objective import Equations
from pinn.problem import Problem
from pinn.spread import spread_points

_COLUMNS, _SPLIT = 4000, 12000  # of a window at the most: of J, and where space and time are split, ...
_SPLIT_IN_PLANE = 14000  # ... in a plane, whose factors serve several windows: 100 MB of them at six nodes in time
_FEWEST = 10  # nodes in time for which columns are left
FIRST_PERIODIC, FIRST_BOUNDED = 33, 17  # neurons in space at first, ...
FIRST_IN_PLANE = 13, 11  # ... and along each of two coordinates
_GROWTH = 1.4  # of neurons in space


def ends_of(problem: Problem, name: str, traits: Traits) -> list[End]:
    """The ends of space that a boundary condition holds at, with the constants there; empty for others."""
    space = [key for key in problem.coordinates if key != traits.time_coordinate]
    points = spread_points(problem, name, 64 * len(space), generator=torch.Generator().manual_seed(0))
    found, seen = [], 0
    for key in space:
        column = points.column(key).double()
        for end in problem.domain.bounds[key]:
            here = torch.nonzero(column == end)[:, 0]
            seen += here.numel()
            if here.numel() and not _whole(problem, name, key, end):
                return []
            if here.numel():
                found.append(End(problem.coordinates.index(key), end, points.take(here[:1]).constants()))
    return found if seen == points.n else []


def _whole(problem: Problem, name: str, key: str, end: float) -> bool:
    """Whether a condition holds on all of a face."""
    generator = torch.Generator().manual_seed(0)
    inside = problem.domain.sample(256, generator=generator).x.double()
    inside[:, problem.coordinates.index(key)] = end
    return bool(problem.constraints[name].on.contains(inside).all())


@dataclass(frozen=True, eq=False)
class End:
    """An end of a coordinate of space: the coordinate's number, its value there, and constants such as normals."""

    axis: int
    value: float
    constants: dict[str, Tensor]


class _Shown(nn.Module):
    """Stands for the network: answers with what it was given last."""

    def __init__(self) -> None:
        super().__init__()
        self.inner: Any = None

    def forward(self, x: Any) -> Any:
        """What was given, whatever x."""
        return self.inner


class Evolution:
    """The rows of one evolution.

    Args:
        equations: whose problem it is; its model's scales, forms and ansatz are kept.

    Attributes:
        axis: number of the time coordinate.
        start, end: of it.
        orders: order in time of each output.
        fewer: nodes in space that rows at its ends stand for, in a plane along each coordinate.
        held: values of each coordinate of space that conditions hold at.
        columns: of a window at the most.

    Raises:
        ValueError: when an equation does not run on jets.
    """

    def __init__(self, equations: Equations) -> None:
        self.equations, self.problem = equations, equations.problem
        self.traits = analyze(self.problem)
        time = self.traits.time_coordinate
        assert time is not None
        self.axis = self.problem.coordinates.index(time)
        self.start, self.end = self.problem.domain.bounds[time]
        self.orders = [self._order(output) for output in self.problem.outputs]
        engine = engine_of(equations)
        if not isinstance(engine, Jets):
            why = next(one.reason for one in equations.engines.values() if one.reason)
            raise UnsuitedError(f"solve_windows: got equations that jets do not serve ({why}); train it instead")
        self.engine = engine
        given = equations.model
        memo: dict[int, Any] = {id(self.problem): self.problem, id(given.network): _Shown()}
        self.shell: Model = copy.deepcopy(given, memo)
        self.boundary = {name: ends_of(self.problem, name, self.traits) for name in self.traits.of_role(Role.BOUNDARY)}
        others = [i for i in range(len(self.problem.coordinates)) if i != self.axis] or [0]
        rows = [sum(self._at_end(name, end, axis) for name, end in self._ends()) for axis in others]
        self.held = [sorted({end.value for _, end in self._ends() if end.axis == axis}) for axis in others]
        fewer = [count // len(self.orders) for count in rows]  # nodes along each, by the rows at its ends
        self.fewer: Any = fewer[0] if len(fewer) == 1 else fewer
        square = [count * len(self.orders) for count in fewer] == rows
        corners = len(fewer) == 1 or fewer[1] == len(self.held[1])
        most = _SPLIT if len(fewer) == 1 else _SPLIT_IN_PLANE
        self.columns = most if square and corners and self.splits else _COLUMNS

    @property
    def splits(self) -> bool:
        """Whether windows may be split into space and time: all outputs are of the same order in time."""
        return set(self.orders) == {1} or (len(self.problem.coordinates) == 3 and len(set(self.orders)) == 1)

    def _ends(self) -> list[tuple[str, End]]:
        return [(name, end) for name, ends in self.boundary.items() for end in ends]

    def _at_end(self, name: str, end: End, axis: int) -> int:
        return self.traits.constraints[name].residuals_per_point if end.axis == axis else 0

    def _order(self, output: str) -> int:
        """The order in time of one output."""
        return max(
            (axes.count(self.axis) for name, axes in self.traits.required_derivatives if name == output), default=0
        )

    def first_space(self) -> Neurons:
        """The neurons in space that a march begins with."""
        others = [i for i in range(len(self.problem.coordinates)) if i != self.axis]
        if not others:
            return Space(None, 0.0, 1.0, False, 1)
        parts = [self._of(axis, (FIRST_PERIODIC, FIRST_BOUNDED)) for axis in others]
        return parts[0] if len(parts) == 1 else Plane(*(self._of(axis, FIRST_IN_PLANE) for axis in others))

    def _of(self, axis: int, first: tuple[int, int]) -> Space:
        name = self.problem.coordinates[axis]
        periodic = name in self.problem.periodic and self.traits.order_in_space > 0
        return Space(axis, *self.problem.domain.bounds[name], periodic, first[0] if periodic else first[1])

    def most(self, space: Neurons) -> int:
        """Neurons in space at the most; none are added where there is no such coordinate."""
        most = 1 if isinstance(space, Space) and space.axis is None else self.columns // (_FEWEST * len(self.orders))
        return most - (most + 1) % 2 if space.periodic else most

    def wider(self, space: Any, coefficients: Tensor) -> Any:
        """The same neurons in space and two fifths more, as far as J allows; in a plane where coefficients ask for it.

        Args:
            space: neurons at hand.
            coefficients: (m, M, K) of functions that they do not resolve.
        """
        return space.wider(coefficients, _GROWTH, self.most(space))

    def _rows(
        self,
        name: str,
        space: Neurons,
        x: Tensor,
        t: Tensor,
        times: list[Tensor],
        constants: Mapping[str, Tensor] | None = None,
    ) -> Rows:
        columns = [torch.empty(0)] * len(self.problem.coordinates)
        columns[self.axis] = t.repeat(x.shape[0])
        for axis, column in space.placed(x).items():
            columns[axis] = column.repeat_interleave(t.shape[0])
        given = self._given(name, torch.stack(columns, 1), constants or {})
        return Rows(given, self.axis, space, x, times)

    def _given(self, name: str, points: Tensor, constants: Mapping[str, Tensor]) -> GivenField:
        spread = {key: value.expand(points.shape[0]) for key, value in constants.items()}
        try:
            return GivenField(
                self.engine,
                self._outputs_of,
                self.problem.outputs,
                self.equations.functions[name],
                points,
                self.problem.coordinates,
                spread,
            )
        except MissingRule as error:
            raise UnsuitedError(
                f"solve_windows: got constraint {name!r} with an operation that jets do not have ({error}); "
                "train it instead"
            ) from None

    def _outputs_of(self, columns: Mapping[str, Any], inner: Any) -> Mapping[str, Any]:
        shown = self.shell.network
        assert isinstance(shown, _Shown)
        shown.inner = inner
        return self.shell.outputs(columns)

    def rows(
        self, space: Neurons, start: float, length: float, tau: Tensor, times: list[Tensor], between: bool = False
    ) -> list[Rows]:
        """Equations and boundary conditions in a window.

        Args:
            space: neurons in space.
            start, length: t₀ and h.
            tau: scaled times (n_t,).
            times: by order, coefficients in time -> derivatives at these (n_t, K).
            between: at points between the nodes in space.
        """
        x, t = space.between() if between else space.nodes(self.fewer), start + 0.5 * length * (tau + 1)
        found = [self._rows(name, space, x, t, times) for name in self.traits.of_role(Role.EQUATION)]
        for name, ends in self.boundary.items():
            for end in ends:
                at = torch.tensor([end.value], dtype=torch.float64)
                if isinstance(space, Plane):
                    at = space.face(end.axis, end.value, self.fewer, self.held)
                found.append(self._rows(name, space, at, t, times, end.constants))
        return found

    def plain(self, tau: Tensor, count: int, length: float) -> list[Tensor]:
        """By order, coefficients of T_0 … -> derivatives at scaled times."""
        return [polynomials(tau, count, b) * (2 / length) ** b for b in range(max(self.orders) + 1)]

    def start_rows(self, x: Tensor, space: Neurons, count: int, length: float) -> list[Rows]:
        """The conditions at the start, for coefficients of T_0 … T_{count−1}."""
        t = torch.tensor([self.start], dtype=torch.float64)
        times = self.plain(torch.tensor([-1.0], dtype=torch.float64), count, length)
        return [self._rows(name, space, x, t, times) for name in self.traits.of_role(Role.START)]

    def residual(self, field: Field) -> float:
        """Root mean square of all rows between the nodes of a window."""
        count = field.coefficients.shape[2]
        nodes = torch.cat([torch.tensor([-1.0], dtype=torch.float64), radau(count)])
        tau = 0.5 * (nodes[1:] + nodes[:-1])
        times = self.plain(tau, count, field.length)
        rows = self.rows(field.space, field.start, field.length, tau, times, between=True)
        return math.sqrt(sum(mean_square(field.space, one.residual(field.coefficients), one.places) for one in rows))

    def size(self) -> float:
        """Root mean square of all rows at a network of zeros."""
        space, length = self.first_space(), self.end - self.start
        zero = torch.zeros(len(self.orders), space.count, 1, dtype=torch.float64)
        tau = torch.linspace(-1, 1, 20, dtype=torch.float64)
        rows = self.rows(space, self.start, length, tau, self.plain(tau, 1, length), between=True)
        rows += self.start_rows(space.between(), space, 1, length)
        return math.sqrt(sum(mean_square(space, one.residual(zero), one.places) for one in rows))


def mean_square(space: Neurons, residual: Tensor, places: int) -> float:
    """Of rows in the order (space, time, component) at so many places, by the length that each stands for."""
    squares = residual.reshape(places, -1).square().mean(1)
    spacing = space.spacing()
    return float(squares @ spacing) if places == spacing.shape[0] else float(squares.mean())
