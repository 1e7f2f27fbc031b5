"""One march through time: windows of lengths that the last coefficients choose, each by Gauss-Newton steps.

A window whose steps do not converge is halved; one whose last coefficients in time are above the tolerance is cut, and
the next one is as long as they allow, at the most twice as long. Neurons in space are kept from window to window: their
number grows while the last coefficients in space are above the tolerance and adding neurons helps, and shrinks to those
that count.

Steps begin at the Taylor polynomial of second degree at the end of the window before. The first window begins at what
the conditions at the start determine, by steps of their own.

Source: Hairer, Wanner, Solving Ordinary Differential Equations II (1996), IV.8, for lengths and first guesses.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pinn.analysis import Role, Traits, analyze
from pinn.derivatives import Jets
from pinn.derivatives.jets import MissingRule
from pinn.derivatives.jets.given import GivenField
from pinn.features.found import UnsuitedError
from pinn.features.layers import adapted, moved
from pinn.features.rows import engine_of
from pinn.features.space import Space, polynomials
from pinn.features.split import split_solver, splits
from pinn.features.window import Field, Linear, Nodes, Rows, dense_solver, descend, monomials, radau
from pinn.model import Model
from pinn.objective import Equations
from pinn.problem import Problem
from pinn.spread import spread_points

_COLUMNS, _SPLIT = 4000, 12000  # of a window at the most: of J, and where space and time are split
_FEWEST = 10  # nodes in time for which columns are left
_FIRST = 0.1  # of the time axis: the first window
_LEAST = 1e-6  # of it: shorter windows are given up
_PERIODIC, _BOUNDED = 33, 17  # neurons in space at first
_GROWTH = 1.4  # of neurons in space
_KINKED = 385  # from here on more neurons that do not halve the last coefficients are not taken
_WINDOWS = 2000  # at the most
_FINER = 8  # times as many nodes at the start where it has a kink: with one, allen_cahn ends at 4e-5
_MAPS = 8  # that are tried in turn for one window
_CALL = 2e8  # operations, at 5·10¹⁰ a second, in whose time a window's rows are set up


def ends_of(problem: Problem, name: str, traits: Traits) -> list[tuple[float, dict[str, Tensor]]]:
    """The ends of space that a boundary condition holds at, with the constants there; empty for others."""
    space = [key for key in problem.coordinates if key != traits.time_coordinate]
    points = spread_points(problem, name, 64, generator=torch.Generator().manual_seed(0))
    if len(space) != 1:
        return []
    column = points.column(space[0]).double()
    found, seen = [], 0
    for end in problem.domain.bounds[space[0]]:
        here = torch.nonzero(column == end)[:, 0]
        seen += here.numel()
        if here.numel():
            found.append((end, points.take(here[:1]).constants()))
    return found if seen == points.n else []


class _Shown(nn.Module):
    """Stands for the network: answers with what it was given last."""

    def __init__(self) -> None:
        super().__init__()
        self.inner: Any = None

    def forward(self, x: Any) -> Any:
        """What was given, whatever x."""
        return self.inner


@dataclass(frozen=True, eq=False)
class Marched:
    """One march.

    Attributes:
        fields: its windows in turn.
        held: root mean square of all rows between the nodes; infinite where it was given up.
        work: operations.
        finished: whether it reached the end.
        kinked: whether more neurons in space did not help somewhere.
        unresolved: the largest of the last coefficients in space over the size of all that was above the tolerance.
    """

    fields: list[Field]
    held: float
    work: float
    finished: bool
    kinked: bool
    unresolved: float


@dataclass(frozen=True, eq=False)
class _Start:
    """Neurons in space, g at the start, what its conditions leave between nodes, the last coefficients, operations."""

    space: Space
    values: list[Tensor]
    left: float
    tail: float
    kinked: bool
    work: float


class March:
    """The marches through one evolution.

    Args:
        equations: whose problem it is; its model's scales, forms and ansatz are kept.

    Attributes:
        axis: number of the time coordinate.
        start, end: of it.
        orders: order in time of each output.

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
        rows = sum(
            self.traits.constraints[name].residuals_per_point * len(ends) for name, ends in self.boundary.items()
        )
        self.fewer = rows // len(self.orders)  # nodes in space, by the rows at its ends
        self.columns = _SPLIT if {1} == set(self.orders) and rows == self.fewer * len(self.orders) else _COLUMNS

    def _order(self, output: str) -> int:
        """The order in time of one output."""
        return max(
            (axes.count(self.axis) for name, axes in self.traits.required_derivatives if name == output), default=0
        )

    def through(self, tolerance: float, most: int, effort: float) -> Marched:
        """The whole evolution.

        Args:
            tolerance: of the last coefficients over the size of all.
            most: P in every window, fewer where neurons in space are many.
            effort: operations after which it is given up.
        """
        whole = self.end - self.start
        began = self._first(self._space(), tolerance)
        space, values, held, work = began.space, began.values, began.left**2, began.work
        fields: list[Field] = []
        t, length = self.start, _FIRST * whole
        before, accepted, kinked = math.inf, began.tail, began.kinked  # last coefficients in space
        unresolved = began.tail if began.tail > tolerance else 0.0
        adaptations = 0
        while t < self.end - 1e-12 * whole:
            length = self._fitted(t, length)
            count = self._count(most, space)
            nodes = Nodes(count, max(self.orders), length)
            guess = self._guess(fields[-1], nodes, space) if fields else None
            field, converged, operations = self._window(space, values, nodes, t, tolerance, guess)
            work += operations
            if work > effort or length < _LEAST * whole or len(fields) >= _WINDOWS:
                fields.append(self._held_on(space, values, t))
                return Marched(fields, math.inf, work, False, kinked, unresolved)
            if not converged:
                length *= 0.5
                continue
            in_space, in_time = field.tails()
            factor = 0.9 * (tolerance / max(in_time, 1e-30)) ** (1 / count)
            if in_time > 3 * tolerance:
                length *= min(0.7, max(0.1, factor))
                continue
            if in_space > max(tolerance, 3 * accepted) and space.count < self._most(space):
                better = adapted(space, field.ends(), tolerance, self._most(space)) if adaptations < _MAPS else None
                if better is not None:
                    adaptations += 1
                    before = math.inf
                    if fields:
                        values = [moved(space, better, value) for value in values]
                        space = better
                    else:
                        began = self._first(better, tolerance)
                        space, values, held, work = began.space, began.values, began.left**2, work + began.work
                    continue
                if space.count >= _KINKED and in_space > 0.5 * before:
                    accepted, kinked = in_space, True  # more neurons do not help
                else:
                    before, space = in_space, self._wider(space)
                    if not fields:
                        began = self._first(space, tolerance)
                        space, values, held, work = began.space, began.values, began.left**2, work + began.work
                    values = [_padded(value, space.count, 0) for value in values]
                    continue
            before, accepted, adaptations = math.inf, min(accepted, in_space), 0
            unresolved = max(unresolved, in_space) if in_space > tolerance else unresolved
            fields.append(field)
            held += length / whole * self._residual(field) ** 2
            t += length
            values, space = self._following(field, tolerance)
            length *= min(2.0, max(0.5, factor))
        return Marched(fields, math.sqrt(held), work, True, kinked, unresolved)

    def _fitted(self, t: float, length: float) -> float:
        """The length of the next window, so that no sliver is left."""
        left = self.end - t
        if length >= 0.999 * left:
            return left
        return 0.5 * left if length > 0.5 * left else length

    def _space(self) -> Space:
        others = [i for i in range(len(self.problem.coordinates)) if i != self.axis]
        if not others:
            return Space(None, 0.0, 1.0, False, 1)
        name = self.problem.coordinates[others[0]]
        periodic = name in self.problem.periodic and self.traits.order_in_space > 0
        return Space(others[0], *self.problem.domain.bounds[name], periodic, _PERIODIC if periodic else _BOUNDED)

    def _count(self, most: int, space: Space) -> int:
        return max(3, min(most, self.columns // (space.count * len(self.orders))))

    def _most(self, space: Space) -> int:
        """Neurons in space at the most; none are added where there is no such coordinate."""
        most = 1 if space.axis is None else self.columns // (_FEWEST * len(self.orders))
        return most - (most + 1) % 2 if space.periodic else most

    def _wider(self, space: Space) -> Space:
        wanted = min(self._most(space), math.ceil(_GROWTH * space.count))
        return space.resized(wanted - (wanted + 1) % 2 if space.periodic else wanted)

    def _following(self, field: Field, tolerance: float) -> tuple[list[Tensor], Space]:
        """The values at a window's end, and the neurons of the next one: with another map where that needs fewer."""
        better = adapted(field.space, field.ends()[-len(self.orders) :], tolerance, self._most(field.space))
        if better is None:
            return self._narrower(field, tolerance)
        return [moved(field.space, better, value) for value in field.at_end(self.orders)], better

    def _narrower(self, field: Field, tolerance: float) -> tuple[list[Tensor], Space]:
        """The values at a window's end, and the space without the neurons that do not count there."""
        values, space = field.at_end(self.orders), field.space
        size = field.coefficients.abs().sum(2).amax(0)
        counting = torch.nonzero(size > 1e-3 * tolerance * size.max())
        needed = math.ceil(1.15 * (int(counting.max()) + 1)) + 2
        needed += (needed + 1) % 2 if space.periodic else 0
        if needed < 0.85 * space.count:
            space = space.resized(max(needed, _PERIODIC if space.periodic else _BOUNDED))
            values = [value[: space.count] for value in values] if space.count < field.space.count else values
            space = space if space.count < field.space.count else field.space
        return values, space

    # -- one window -----------------------------------------------------------------------------------------------

    def _rows(
        self,
        name: str,
        space: Space,
        x: Tensor,
        t: Tensor,
        times: list[Tensor],
        constants: Mapping[str, Tensor] | None = None,
    ) -> Rows:
        columns = [torch.empty(0)] * len(self.problem.coordinates)
        columns[self.axis] = t.repeat(x.shape[0])
        if space.axis is not None:
            columns[space.axis] = x.repeat_interleave(t.shape[0])
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
        self, space: Space, start: float, length: float, tau: Tensor, times: list[Tensor], between: bool = False
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
            for end, constants in ends:
                at = torch.tensor([end], dtype=torch.float64)
                found.append(self._rows(name, space, at, t, times, constants))
        return found

    def _plain(self, tau: Tensor, count: int, length: float) -> list[Tensor]:
        """By order, coefficients of T_0 … -> derivatives at scaled times."""
        return [polynomials(tau, count, b) * (2 / length) ** b for b in range(max(self.orders) + 1)]

    def _at_start_rows(self, x: Tensor, space: Space, count: int, length: float) -> list[Rows]:
        """The conditions at the start, for coefficients of T_0 … T_{count−1}."""
        t = torch.tensor([self.start], dtype=torch.float64)
        times = self._plain(torch.tensor([-1.0], dtype=torch.float64), count, length)
        return [self._rows(name, space, x, t, times) for name in self.traits.of_role(Role.START)]

    def _window(
        self, space: Space, values: list[Tensor], nodes: Nodes, start: float, tolerance: float, guess: Tensor | None
    ) -> tuple[Field, bool, float]:
        free = [nodes.free(order) for order in self.orders]
        fixed = torch.stack([nodes.fixed(value) for value in values])

        def coefficients(weights: Tensor) -> Tensor:
            own = weights.reshape(len(free), space.count, nodes.count)
            return fixed + torch.stack([one @ psi for one, psi in zip(own, free, strict=True)])

        rows = self.rows(space, start, nodes.length, nodes.tau, nodes.tables())
        first = torch.zeros(len(free), space.count, nodes.count, dtype=torch.float64) if guess is None else guess
        found = descend(rows, coefficients, free, first.reshape(-1), max(1e-13, 1e-2 * tolerance), solver)
        pairs = zip(coefficients(found.weights), values, strict=True)
        whole = torch.stack([nodes.joined(one, value) for one, value in pairs])
        return Field(space, whole, start, nodes.length), found.converged, found.work + _CALL

    def _guess(self, before: Field, nodes: Nodes, space: Space) -> Tensor:
        """Weights (m, M, P) of the Taylor polynomial of degree two at the end of the window before."""
        found = torch.zeros(len(self.orders), space.count, nodes.count, dtype=torch.float64)
        end, half = torch.ones(1, dtype=torch.float64), 0.5 * nodes.length
        count = before.coefficients.shape[2]
        for output, order in enumerate(self.orders):
            if order:
                c = before.coefficients[output]
                if before.space.map is space.map:
                    c = _padded(c, max(space.count, before.space.count), 0)[: space.count]
                else:
                    c = moved(before.space, space, c)
                first, second = (c @ polynomials(end, count, b)[0] * (2 / before.length) ** b for b in (1, 2))
                # (τ + 1)² = T_2 / 2 + 2 T_1 and a constant
                found[output, :, 0] = first * half + second * half**2
                found[output, :, 1] = 0.25 * second * half**2
        return found

    def _residual(self, field: Field) -> float:
        """Root mean square of all rows between the nodes of a window."""
        count = field.coefficients.shape[2]
        nodes = torch.cat([torch.tensor([-1.0], dtype=torch.float64), radau(count)])
        tau = 0.5 * (nodes[1:] + nodes[:-1])
        times = self._plain(tau, count, field.length)
        rows = self.rows(field.space, field.start, field.length, tau, times, between=True)
        return math.sqrt(sum(float(one.residual(field.coefficients).square().mean()) for one in rows))

    def _first(self, space: Space, tolerance: float) -> _Start:
        """Values and derivatives at the start from the conditions there, with as many neurons as they need."""
        order, length = max(self.orders), self.end - self.start
        names = self.traits.of_role(Role.START)
        free = [_padded(monomials(q, length), order, 1) for q in self.orders]
        work, tail, finer, adaptations = 0.0, math.inf, 1, 0
        while True:
            rows = self._at_start_rows(space.resized(finer * space.count).nodes(), space, order, length)
            field = torch.zeros(len(self.orders), space.count, order, dtype=torch.float64)
            for _ in range(20):
                parts = [one.linearize(field, free) for one in rows]
                residual, jacobian = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
                solved = torch.linalg.lstsq(jacobian, -residual[:, None], driver="gelsd")
                work += 20.0 * jacobian.shape[0] * jacobian.shape[1] ** 2
                if int(solved.rank) < jacobian.shape[1]:
                    raise UnsuitedError(
                        f"solve_windows: got conditions {list(names)} that determine {int(solved.rank)} of "
                        f"{jacobian.shape[1]} values at the start, expected all; give values, and derivatives of "
                        "orders below that in time"
                    )
                split = solved.solution[:, 0].split([space.count * q for q in self.orders])
                pieces = zip(split, free, self.orders, strict=True)
                step = torch.stack([part.reshape(space.count, q) @ psi for part, psi, q in pieces])
                field = field + step
                if float(step.abs().max()) <= 1e-13 * max(1.0, float(field.abs().max())):
                    break
            found = Field(space, field, self.start, length)
            tail, before = found.tails()[0], tail
            if tail > tolerance and adaptations < _MAPS and finer == 1:
                better = adapted(space, field[:, :, 0], tolerance, self._most(space))
                if better is not None:
                    space, tail, adaptations = better, math.inf, adaptations + 1
                    continue
            kinked = space.count >= _KINKED and tail > 0.5 * before
            if kinked and finer == 1:
                finer, tail = _FINER, before  # what no neuron here can be is not to be taken for one that can
                continue
            if tail <= tolerance or kinked or space.count >= self._most(space):
                between = self._at_start_rows(space.between(), space, order, length)
                left = math.sqrt(sum(float(one.residual(field).square().mean()) for one in between))
                return _Start(space, self._at_start(field, length), left, tail, kinked, work)
            space = self._wider(space)

    def _at_start(self, field: Tensor, length: float) -> list[Tensor]:
        """g (M, q_o) of each output from coefficients of polynomials of degree below the order."""
        return [
            c[:, :q] @ torch.linalg.inv(monomials(q, length)) if q else c[:, :0]
            for c, q in zip(field, self.orders, strict=True)
        ]

    def _held_on(self, space: Space, values: list[Tensor], start: float) -> Field:
        """The values at a time until the end, where a solve was given up."""
        kept = [value[:, :1] if value.shape[1] else value.new_zeros(space.count, 1) for value in values]
        return Field(space, torch.stack(kept), start, self.end - start)

    def size(self) -> float:
        """Root mean square of all rows at a network of zeros."""
        space, length = self._space(), self.end - self.start
        zero = torch.zeros(len(self.orders), space.count, 1, dtype=torch.float64)
        tau = torch.linspace(-1, 1, 20, dtype=torch.float64)
        rows = self.rows(space, self.start, length, tau, self._plain(tau, 1, length), between=True)
        rows += self._at_start_rows(space.between(), space, 1, length)
        return math.sqrt(sum(float(one.residual(zero).square().mean()) for one in rows))


def solver(parts: Sequence[Linear], free: Sequence[Tensor]) -> tuple[Callable[[Tensor], Tensor | None], float]:
    """Space and time apart where a window is large, else its whole J."""
    return split_solver(parts, free) if splits(parts, free) else dense_solver(parts, free)


def _padded(table: Tensor, count: int, axis: int) -> Tensor:
    """A matrix with zeros behind, up to so many entries along an axis."""
    shape = list(table.shape)
    shape[axis] = count - shape[axis]
    return torch.cat([table, table.new_zeros(shape)], axis)
