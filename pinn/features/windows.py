"""Evolutions by windows of time, each solved by Gauss-Newton steps on fixed neurons and joined into one network.

A window starts from the values of the one before, and as many time derivatives as the order in time needs, met exactly
(`pinn.features.window`). Its length follows from the last coefficients in time: it is halved where the steps do not
converge, cut where those coefficients are above the tolerance, and grows where they are far below. The number of
neurons in space is kept from window to window; it grows by half where the last coefficients in space are above the
tolerance, and shrinks to those that count.

The whole evolution is solved several times, each time with a tolerance 1e-3 times the one before. With ρ the ratio of
the residuals between the nodes,

    |û_k − u| ≈ |û_k − û_{k−1}| ρ / (1 − ρ),

and twice that is claimed: errors that add up or are amplified from window to window are in the difference of two
solves. Where an evolution is chaotic, solves differ by as much as the solution until the tolerance is fine enough.
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
from pinn.derivatives.jets.given import GivenField
from pinn.domains import Box
from pinn.features.rows import engine_of
from pinn.features.solve import EFFORT, MOST_COLUMNS, Ending, FeatureSolve, Round
from pinn.features.window import Field, Nodes, Rows, Space, descend, monomials, polynomials, radau
from pinn.model import Model
from pinn.networks import Windows
from pinn.objective import Equations
from pinn.problem import Problem
from pinn.spread import spread_points
from pinn.validation import positive

_TOLERANCES = (1e-4, 1e-7, 1e-10, 1e-13)  # of the solves in turn: last coefficients over the size of all
_NODES = (5, 7, 9, 11)  # P of each, where there is a coordinate of space, ...
_NODES_ALONE = (8, 12, 16, 20)  # ... and where there is none
_FIRST = 0.1  # of the time axis: the first window
_LEAST = 1e-6  # of it: shorter windows are given up
_PERIODIC, _BOUNDED = 33, 17  # neurons in space at first
_GROWTH = 1.4  # of neurons in space
_KINKED = 385  # from here on more neurons that do not halve the last coefficients are not taken
_WINDOWS = 2000  # at the most
_SAMPLE = 1000  # points on which outputs of two solves are compared
_CLAIM = 2.0  # times the estimated error is what is claimed
_ROUNDING = 1e-14  # least error that is claimed, ...
_ENOUGH = 1e-12  # ... and the one with which a solve without a tolerance is content
_CALL = 2e8  # operations, at 5·10¹⁰ a second, in whose time a window's rows are set up


@dataclass(frozen=True)
class Pass(Round):
    """One solve of the whole evolution.

    Attributes:
        windows: their number.
    """

    windows: int


def windows_refusal(problem: Problem) -> str:
    """Why a problem is not solved by windows of time; empty where it is.

    Example:
        >>> from pinn.problems import kdv, poisson_2d
        >>> windows_refusal(kdv()), windows_refusal(poisson_2d())
        ('', 'it does not evolve: no coordinate has conditions at its low end alone')
    """
    traits = analyze(problem)
    if traits.time_coordinate is None:
        return "it does not evolve: no coordinate has conditions at its low end alone"
    if problem.unknowns:
        return f"it has the unknowns {sorted(problem.unknowns)}"
    if any(one.robust is not None for one in problem.constraints.values()):
        return "it has robust losses"
    for role in (Role.DATA, Role.INTEGRAL, Role.PRIOR):
        if names := traits.of_role(role):
            return f"its constraint {names[0]!r} is of the kind '{role.value}'"
    if not isinstance(problem.domain, Box) or problem.domain.dimension > 2:
        return "its domain is not a box of time and at most one coordinate of space"
    if traits.order_in_time == 0:
        return "no equation has a time derivative"
    for name in traits.of_role(Role.EQUATION):
        if not _fills(problem, name):
            return f"its equation {name!r} holds on a part of the domain"
    for name in traits.of_role(Role.BOUNDARY):
        if not _ends(problem, name, traits):
            return f"its constraint {name!r} holds elsewhere than at the ends of space"
    return ""


def solve_windows(
    equations: Equations,
    *,
    generator: torch.Generator,
    effort: float = EFFORT,
    tolerance: float | None = None,
) -> FeatureSolve:
    """Solve an evolution by windows of time.

    Args:
        equations: a model of the problem, whose scales, forms and ansatz are kept and whose network is not.
        generator: of the points on which solves are compared.
        effort: operations that may be spent.
        tolerance: claimed relative L2 error of the outputs with which it ends; left out, it ends at rounding.

    Raises:
        ValueError: when the problem is not for it, with the reason.

    Example:
        >>> from pinn.networks import MLP
        >>> from pinn.problems import lotka_volterra
        >>> random = torch.Generator().manual_seed(0)
        >>> equations = Equations(Model(lotka_volterra(), MLP, generator=random), Jets())
        >>> found = solve_windows(equations, generator=random, tolerance=1e-8)
        >>> found.error < 1e-8, type(found.model.network).__name__
        (True, 'Windows')
    """
    positive("solve_windows", effort=effort)
    if why := windows_refusal(equations.problem):
        raise ValueError(
            f"solve_windows: got a problem that is not for it, {why}; expected an evolution in time and at most one "
            "coordinate of space; train it instead"
        )
    return _March(equations, generator).run(effort, tolerance)


def _fills(problem: Problem, name: str) -> bool:
    """Whether a constraint holds on the whole box."""
    on = problem.constraints[name].on
    return isinstance(on, Box) and dict(on.bounds) == dict(problem.domain.bounds)


def _ends(problem: Problem, name: str, traits: Traits) -> list[tuple[float, dict[str, Tensor]]]:
    """The ends of space that a boundary condition holds at, with the constants there; empty where it holds elsewhere."""
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
class _Solved:
    """One solve of the whole evolution: its windows, the residual between nodes, operations, and if it was finished."""

    fields: list[Field]
    held: float
    work: float
    finished: bool


class _March:
    """The solves of one evolution."""

    def __init__(self, equations: Equations, generator: torch.Generator) -> None:
        self.equations, self.problem = equations, equations.problem
        self.traits = analyze(self.problem)
        time = self.traits.time_coordinate
        assert time is not None
        self.axis = self.problem.coordinates.index(time)
        self.start, self.end = self.problem.domain.bounds[time]
        self.orders = [self._order(output) for output in self.problem.outputs]
        self.engine = found if isinstance(found := engine_of(equations), Jets) else Jets(probe=False)
        given = equations.model
        memo: dict[int, Any] = {id(self.problem): self.problem, id(given.network): _Shown()}
        self.shell: Model = copy.deepcopy(given, memo)
        like = next(given.parameters())
        self.sample = self.problem.domain.sample(_SAMPLE, generator=generator).to(like.dtype, like.device)
        self.boundary = {
            name: _ends(self.problem, name, self.traits) for name in self.traits.of_role(Role.BOUNDARY)
        }
        rows = sum(self.traits.constraints[name].residuals_per_point * len(ends) for name, ends in self.boundary.items())
        self.fewer = rows // len(self.orders)  # nodes in space, by the rows at its ends

    def _order(self, output: str) -> int:
        """The order in time of one output."""
        return max(
            (axes.count(self.axis) for name, axes in self.traits.required_derivatives if name == output), default=0
        )

    def run(self, effort: float, tolerance: float | None) -> FeatureSolve:
        """Solves with finer and finer tolerances until one of the endings."""
        rounds: list[Pass] = []
        best: tuple[Pass, Model] | None = None
        before: Tensor | None = None
        ending, spent, size = Ending.EFFORT, 0.0, self._size()
        for level in range(len(_TOLERANCES)):
            solved = self._pass(level, effort - spent)
            spent += solved.work
            if not solved.finished and best is not None:
                break
            model = self._joined(solved.fields)
            outputs = self._outputs(model)
            change = math.inf if before is None else float((outputs - before).norm()) / (float(outputs.norm()) or 1.0)
            before = outputs
            held = solved.held / size if size > 0 else 0.0
            made = Pass(
                neurons=sum(field.coefficients[0].numel() for field in solved.fields),
                degrees=self._degrees(solved.fields),
                order=0,
                rows=0,
                fitted=0.0,
                held=held,
                change=change,
                error=self._claimed(change, held, rounds) if solved.finished else math.inf,
                work=solved.work,
                windows=len(solved.fields),
            )
            rounds.append(made)
            if best is None or made.held <= best[0].held:
                best = made, model
            if not solved.finished:
                ending = Ending.NOT_CARRIED
                break
            if tolerance is not None and made.error <= tolerance:
                ending = Ending.TOLERANCE
                break
            if made.error <= _ENOUGH or level == len(_TOLERANCES) - 1:
                ending = Ending.ROUNDING
                break
        assert best is not None
        return FeatureSolve(best[1], best[0], tuple(rounds), ending)

    def _claimed(self, change: float, held: float, rounds: list[Pass]) -> float:
        if not rounds or not math.isfinite(change):
            return math.inf
        ratio = min(0.9, held / rounds[-1].held) if rounds[-1].held > 0 else 0.9
        return max(_ROUNDING, _CLAIM * change * ratio / (1 - ratio))

    # -- one solve ------------------------------------------------------------------------------------------------

    def _pass(self, level: int, effort: float) -> _Solved:
        tolerance, whole = _TOLERANCES[level], self.end - self.start
        space, values, work, held = self._first(self._space(), tolerance)
        held *= held
        fields: list[Field] = []
        t, length = self.start, _FIRST * whole
        before, accepted = math.inf, 0.0  # tails in space
        while t < self.end - 1e-12 * whole:
            length = self._fitted(t, length)
            count = self._count(level, space)
            nodes = Nodes(count, max(self.orders), length)
            field, converged, operations = self._window(space, values, nodes, t, tolerance)
            work += operations
            if work > effort or length < _LEAST * whole or len(fields) >= _WINDOWS:
                fields.append(self._held_on(space, values, t))
                return _Solved(fields, math.inf, work, False)
            if not converged:
                length *= 0.5
                continue
            in_space, in_time = field.tails()
            factor = 0.9 * (tolerance / max(in_time, 1e-30)) ** (1 / count)
            if in_time > 3 * tolerance:
                length *= min(0.7, max(0.1, factor))
                continue
            if in_space > max(tolerance, 3 * accepted) and space.count < self._most(space):
                if space.count >= _KINKED and in_space > 0.5 * before:
                    accepted = in_space  # more neurons do not help: a kink
                else:
                    before, space = in_space, self._wider(space)
                    if not fields:
                        space, values, _, held = self._first(space, tolerance)
                        held *= held
                    values = [_padded(value, space.count, 0) for value in values]
                    continue
            before = math.inf
            fields.append(field)
            held += length / whole * self._residual(field) ** 2
            t += length
            values, space = self._narrower(field, tolerance)
            length *= min(2.0, max(0.5, factor))
        return _Solved(fields, math.sqrt(held), work, True)

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
        periodic = name in self.problem.periodic
        return Space(others[0], *self.problem.domain.bounds[name], periodic, _PERIODIC if periodic else _BOUNDED)

    def _count(self, level: int, space: Space) -> int:
        most = MOST_COLUMNS // (space.count * len(self.orders))
        return max(3, min(most, (_NODES_ALONE if space.axis is None else _NODES)[level]))

    def _most(self, space: Space) -> int:
        """Neurons in space at the most; none are added where there is no such coordinate."""
        most = 1 if space.axis is None else MOST_COLUMNS // (3 * len(self.orders))
        return most - (most + 1) % 2 if space.periodic else most

    def _wider(self, space: Space) -> Space:
        wanted = min(self._most(space), math.ceil(_GROWTH * space.count))
        return space.resized(wanted - (wanted + 1) % 2 if space.periodic else wanted)

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
        self, name: str, space: Space, x: Tensor, t: Tensor, times: list[Tensor],
        constants: Mapping[str, Tensor] | None = None,
    ) -> Rows:
        columns = [torch.empty(0)] * len(self.problem.coordinates)
        columns[self.axis] = t.repeat(x.shape[0])
        if space.axis is not None:
            columns[space.axis] = x.repeat_interleave(t.shape[0])
        given = GivenField(
            self.engine,
            self._outputs_of,
            self.problem.outputs,
            self.equations.functions[name],
            torch.stack(columns, 1),
            self.problem.coordinates,
            {key: value.expand(columns[self.axis].shape[0]) for key, value in (constants or {}).items()},
        )
        return Rows(given, self.axis, space, x, times)

    def _outputs_of(self, columns: Mapping[str, Any], inner: Any) -> Mapping[str, Any]:
        shown = self.shell.network
        assert isinstance(shown, _Shown)
        shown.inner = inner
        return self.shell.outputs(columns)

    def _all_rows(
        self, space: Space, start: float, length: float, tau: Tensor, times: list[Tensor], between: bool = False
    ) -> list[Rows]:
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
        self, space: Space, values: list[Tensor], nodes: Nodes, start: float, tolerance: float
    ) -> tuple[Field, bool, float]:
        free = [nodes.free(order) for order in self.orders]
        fixed = torch.stack([nodes.fixed(value) for value in values])

        def coefficients(weights: Tensor) -> Tensor:
            own = weights.reshape(len(free), space.count, nodes.count)
            return fixed + torch.stack([one @ psi for one, psi in zip(own, free, strict=True)])

        rows = self._all_rows(space, start, nodes.length, nodes.tau, nodes.tables())
        first = torch.zeros(len(free) * space.count * nodes.count, dtype=torch.float64)
        found = descend(rows, coefficients, free, first, max(1e-13, 1e-2 * tolerance))
        pairs = zip(coefficients(found.weights), values, strict=True)
        whole = torch.stack([nodes.joined(one, value) for one, value in pairs])
        return Field(space, whole, start, nodes.length), found.converged, found.work + _CALL

    def _residual(self, field: Field) -> float:
        """Root mean square of all rows between the nodes of a window."""
        count = field.coefficients.shape[2]
        nodes = torch.cat([torch.tensor([-1.0], dtype=torch.float64), radau(count)])
        tau = 0.5 * (nodes[1:] + nodes[:-1])
        times = self._plain(tau, count, field.length)
        rows = self._all_rows(field.space, field.start, field.length, tau, times, between=True)
        return math.sqrt(sum(float(one.residual(field.coefficients).square().mean()) for one in rows))

    def _first(self, space: Space, tolerance: float) -> tuple[Space, list[Tensor], float, float]:
        """Space, values and derivatives at the start from the conditions there, operations, and what they leave."""
        order, length = max(self.orders), self.end - self.start
        names = self.traits.of_role(Role.START)
        free = [_padded(monomials(q, length), order, 1) for q in self.orders]
        work, tail = 0.0, math.inf
        while True:
            rows = self._at_start_rows(space.nodes(), space, order, length)
            field = torch.zeros(len(self.orders), space.count, order, dtype=torch.float64)
            for _ in range(20):
                parts = [one.linearize(field, free) for one in rows]
                residual, jacobian = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
                solved = torch.linalg.lstsq(jacobian, -residual[:, None], driver="gelsd")
                work += 20.0 * jacobian.shape[0] * jacobian.shape[1] ** 2
                if int(solved.rank) < jacobian.shape[1]:
                    raise ValueError(
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
            kinked = space.count >= _KINKED and tail > 0.5 * before
            if tail <= tolerance or kinked or space.count >= self._most(space):
                between = self._at_start_rows(space.between(), space, order, length)
                left = math.sqrt(sum(float(one.residual(field).square().mean()) for one in between))
                return space, self._at_start(field, length), work, left
            space = self._wider(space)

    def _at_start(self, field: Tensor, length: float) -> list[Tensor]:
        """g (M, q_o) of each output from coefficients of polynomials of degree below the order."""
        return [
            c[:, :q] @ torch.linalg.inv(monomials(q, length)) if q else c[:, :0]
            for c, q in zip(field, self.orders, strict=True)
        ]

    # -- the whole ------------------------------------------------------------------------------------------------

    def _held_on(self, space: Space, values: list[Tensor], start: float) -> Field:
        """The values at a time until the end, where a solve was given up."""
        kept = [value[:, :1] if value.shape[1] else value.new_zeros(space.count, 1) for value in values]
        return Field(space, torch.stack(kept), start, self.end - start)

    def _size(self) -> float:
        """Root mean square of all rows at a network of zeros."""
        space, length = self._space(), self.end - self.start
        zero = torch.zeros(len(self.orders), space.count, 1, dtype=torch.float64)
        tau = torch.linspace(-1, 1, 20, dtype=torch.float64)
        rows = self._all_rows(space, self.start, length, tau, self._plain(tau, 1, length), between=True)
        rows += self._at_start_rows(space.between(), space, 1, length)
        return math.sqrt(sum(float(one.residual(zero).square().mean()) for one in rows))

    def _degrees(self, fields: list[Field]) -> tuple[int, ...]:
        found = [max(field.space.count for field in fields) - 1] * len(self.problem.coordinates)
        found[self.axis] = max(field.coefficients.shape[2] for field in fields) - 1
        return tuple(found)

    def _joined(self, fields: list[Field]) -> Model:
        """A copy of the model with these windows as its network."""
        given, problem = self.equations.model, self.problem
        neurons = [max(field.coefficients.shape[axis] for field in fields) for axis in (1, 2)]
        whole = self.end - self.start
        edges = [2 * (field.start - self.start) / whole - 1 for field in fields]
        like = next(given.parameters())
        network = Windows(
            given.inputs,
            len(problem.outputs),
            layout=[2 if name in problem.periodic else 1 for name in problem.coordinates],
            time=self.axis,
            edges=[*edges, 1.0],
            neurons=neurons,
            dtype=like.dtype,
        )
        with torch.no_grad():
            for window, field in enumerate(fields):
                _, space, time = field.coefficients.shape
                network.coefficients[window, :, :space, :time] = field.coefficients
        memo: dict[int, Any] = {id(problem): problem, id(given.network): network.to(like.device)}
        model: Model = copy.deepcopy(given, memo)
        return model

    def _outputs(self, model: Model) -> Tensor:
        """All outputs at the sample, in their own units, one after the other."""
        columns = {name: self.sample.column(name) for name in self.sample.names}
        with torch.no_grad():
            values = model.outputs(columns)
        return torch.cat([values[name].detach().double().expand(self.sample.n) for name in self.problem.outputs])


def _padded(table: Tensor, count: int, axis: int) -> Tensor:
    """A matrix with zeros behind, up to so many entries along an axis."""
    shape = list(table.shape)
    shape[axis] = count - shape[axis]
    return torch.cat([table, table.new_zeros(shape)], axis)
