"""One march through time: windows of lengths that the last coefficients choose, each by Gauss-Newton steps.

A window whose steps do not converge is halved; one whose last coefficients in time are above the tolerance is cut, and
the next one is as long as they allow, at the most twice as long. Neurons in space are kept from window to window: their
number grows while the last coefficients in space are above the tolerance and adding neurons helps, and shrinks to those
that count. Where a map of the coordinate does with fewer (`pinn.features.layers`), it is taken: values at the start of
a window are moved to it from the neurons in which they were found.

Steps begin at the Taylor polynomial of second degree at the end of the window before. The first window begins at what
the conditions at the start determine, by steps of their own.

Source: Hairer, Wanner, Solving Ordinary Differential Equations II (1996), IV.8, for lengths and first guesses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pinn.features.evolution import FIRST_BOUNDED, FIRST_IN_PLANE, FIRST_PERIODIC, Evolution
from pinn.features.layers import adapted, moved
from pinn.features.plane import Neurons, Plane
from pinn.features.space import Space, polynomials
from pinn.features.split import Factors, split_solver, splits
from pinn.features.start import FINER, KINKED, MAPS, Start, at_start
from pinn.features.window import Field, Linear, Nodes, dense_solver, descend
from pinn.objective import Equations

_FIRST = 0.1  # of the time axis: the first window
_LEAST, _LEAST_AT_START = 1e-6, 1e-13  # of the time since the start, and of the time axis: shorter ones are given up
_WINDOWS = 2000  # at the most
_CUT, _CUT_AGAIN = 0.1, 0.01  # of a window at the least that is kept of it, and where it was cut before
_SLOWEST = 0.3  # order in h of the last coefficients in time that two cuts may show
_ALIKE = 0.9  # of the neurons that count: no other map is sought while they are about as many
_AS_LONG = 1.5  # times as long as in the window before: so much is forgone for its factors (see Hairer and Wanner)
_UNRESOLVED = 0.3  # of the last coefficients in space, to which those in time are brought in a plane
_MORE_IN_SPACE, _MORE_IN_TIME = 1.17, 2  # neurons, times as many and so many more, on which a march is gone again
# Of the time of as many operations of a march, whose steps are more: 0.3 to 0.6 on ten problems, in a plane 0.6 to 0.8.
_SHORTER, _SHORTER_IN_PLANE = 0.4, 0.7
_CALL = 2e8  # operations, at 5·10¹⁰ a second, in whose time a window's rows are set up


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


@dataclass(eq=False)
class _Walk:
    """Where a march is.

    Attributes:
        space, values: neurons of the window at hand, and g at its start.
        known: neurons in which that g was found, and as it was.
        length: h.
        fields: windows behind.
        before: last coefficients in space with fewer neurons.
        accepted: those that adding neurons did not make smaller.
        cut: (length, last coefficients in time) of an attempt at this window that was too long.
        maps: tried for this window.
        sought: neurons for which no better map was found at the end of a window, and how many of them counted.
        held: mean square of rows.
        work, kinked, unresolved: as of `Marched`.
    """

    space: Neurons
    values: list[Tensor]
    known: tuple[Neurons, list[Tensor]]
    length: float
    accepted: float
    held: float
    work: float
    kinked: bool
    unresolved: float
    fields: list[Field] = field(default_factory=list)
    before: float = math.inf
    cut: tuple[float, float] | None = None
    maps: int = 0
    sought: tuple[Neurons, int] | None = None

    def begin(self, space: Neurons, values: list[Tensor]) -> None:
        """Another window, from these values."""
        self.space, self.values, self.known = space, values, (space, values)
        self.before, self.cut, self.maps = math.inf, None, 0

    def change(self, space: Neurons) -> None:
        """The window at hand on other neurons."""
        before, values = self.known
        if isinstance(space, Plane) or (before.map == space.map and space.count >= before.count):
            values = [before.extended(value, space) for value in values]
        else:
            values = [moved(before, space, value) for value in values]
        self.space, self.values = space, values

    def shorten(self, in_time: float, tolerance: float, count: int) -> float:
        """What part of the window has last coefficients within the tolerance, by the order that cuts have shown."""
        order, least = float(count), _CUT
        if self.cut is not None:
            length, tail = self.cut
            seen = math.log(max(tail / in_time, 1.0)) / math.log(length / self.length)
            order, least = min(order, max(seen, _SLOWEST)), _CUT_AGAIN
        self.cut = self.length, in_time
        return min(0.7, max(least, 0.9 * (tolerance / in_time) ** (1 / order)))


class March:
    """The marches through one evolution.

    Args:
        equations: whose problem it is; its model's scales, forms and ansatz are kept.

    Attributes:
        evolution: its rows.
        factors: of the last window that was split.

    Raises:
        ValueError: when an equation does not run on jets.
    """

    def __init__(self, equations: Equations) -> None:
        self.evolution = Evolution(equations)
        self.factors = Factors()

    def through(self, tolerance: float, most: int, enough: Callable[[float], bool]) -> Marched:
        """The whole evolution.

        Args:
            tolerance: of the last coefficients over the size of all.
            most: P in every window, fewer where neurons in space are many.
            enough: operations so far -> whether it is given up.
        """
        evolution = self.evolution
        whole, t = evolution.end - evolution.start, evolution.start
        walk = self._begun(at_start(evolution, evolution.first_space(), tolerance), tolerance, _FIRST * whole)
        while t < evolution.end - 1e-12 * whole:
            walk.length = self._fitted(t, walk.length)
            count = max(3, min(most, evolution.columns // (walk.space.count * len(evolution.orders))))
            found, converged, operations = self._window(walk, count, t, tolerance)
            walk.work += operations
            least = max(_LEAST * (t - evolution.start), _LEAST_AT_START * whole)
            if enough(walk.work) or walk.length < least or len(walk.fields) >= _WINDOWS:
                walk.fields.append(self._held_on(walk, t))
                return Marched(walk.fields, math.inf, walk.work, False, walk.kinked, walk.unresolved)
            if not converged:
                walk.length *= 0.5
                continue
            in_space, in_time = found.tails()
            # What space does not resolve ends in time too: a start that contradicts a side, a kink.
            aim = max(tolerance, _UNRESOLVED * in_space) if isinstance(walk.space, Plane) else tolerance
            if in_time > 3 * aim:
                walk.length *= walk.shorten(in_time, aim, count)
                continue
            if in_space > max(tolerance, 3 * walk.accepted) and self._finer(walk, found, in_space, tolerance):
                continue
            walk.accepted = min(walk.accepted, in_space)
            walk.unresolved = max(walk.unresolved, in_space) if in_space > tolerance else walk.unresolved
            walk.fields.append(found)
            walk.held += walk.length / whole * evolution.residual(found) ** 2
            t += walk.length
            walk.begin(*self._following(walk, found, tolerance))
            factor = min(2.0, max(0.5, 0.9 * (aim / max(in_time, 1e-30)) ** (1 / count)))
            # In a plane the factors of a window serve the next where it is as long.
            walk.length *= 1.0 if isinstance(walk.space, Plane) and 1.0 <= factor <= _AS_LONG else factor
        return Marched(walk.fields, math.sqrt(walk.held), walk.work, True, walk.kinked, walk.unresolved)

    def _begun(self, start: Start, tolerance: float, length: float) -> _Walk:
        unresolved = start.tail if start.tail > tolerance else 0.0
        known = start.space, start.values
        return _Walk(*known, known, length, start.tail, start.left**2, start.work, start.kinked, unresolved)

    def _finer(self, walk: _Walk, found: Field, in_space: float, tolerance: float) -> bool:
        """Whether the window is to be solved again on other neurons in space: with another map, or more of them."""
        evolution = self.evolution
        most = evolution.most(walk.space)
        if walk.space.count >= most:
            return False
        better = adapted(walk.space, found.ends(), tolerance, most) if walk.maps < MAPS else None
        if better is not None:
            walk.before, walk.maps = math.inf, walk.maps + 1
        elif walk.space.longest >= KINKED and in_space > 0.5 * walk.before:
            walk.accepted, walk.kinked = in_space, True  # more neurons do not help
            return False
        else:
            walk.before, better = in_space, evolution.wider(walk.space, found.coefficients)
            if better == walk.space:
                return False
        if walk.fields:
            walk.change(better)
            return True
        start = at_start(evolution, better, tolerance)
        walk.space, walk.values, walk.known = start.space, start.values, (start.space, start.values)
        walk.held, walk.work = start.left**2, walk.work + start.work
        return True

    def _fitted(self, t: float, length: float) -> float:
        """The length of the next window, so that no sliver is left."""
        left = self.evolution.end - t
        if length >= 0.999 * left:
            return left
        return 0.5 * left if length > 0.5 * left else length

    def _following(self, walk: _Walk, field: Field, tolerance: float) -> tuple[Neurons, list[Tensor]]:
        """The neurons of the next window, and the values at the end of this one: with another map where that does with
        fewer, else without those that do not count.
        """
        orders, space = self.evolution.orders, field.space
        values = field.at_end(orders)
        size = field.coefficients.abs().sum(2).amax(0)
        counting = torch.nonzero(size > (1e-3 if space.map is None else 1e-2) * tolerance * size.max())
        if (
            walk.sought is None
            or walk.sought[0] != space
            or not _ALIKE * counting.shape[0] <= walk.sought[1] <= counting.shape[0] / _ALIKE
        ):
            better = adapted(space, field.ends()[-len(orders) :], tolerance, self.evolution.most(space))
            if better is not None:
                return better, [moved(space, better, value) for value in values]
            walk.sought = space, counting.shape[0]
        least = FIRST_IN_PLANE[0] if isinstance(space, Plane) else (FIRST_BOUNDED, FIRST_PERIODIC)[space.periodic]
        smaller = space.trimmed(counting[:, 0], least)
        return smaller, values if smaller is space else [space.extended(value, smaller) for value in values]

    def again(self, fields: Sequence[Field], kinked: bool) -> tuple[list[Field], float]:
        """Every window of a march once more by one Gauss-Newton step on more neurons in space and time, each from the
        values in which the step before it ends: what they lack, up to the square of it.

        Args:
            fields: windows of a march.
            kinked: whether it is so.

        Returns:
            the windows, and operations.
        """
        evolution, found, work = self.evolution, [], 0.0
        start = at_start(evolution, self._finer_space(fields[0].space), math.inf, FINER if kinked else 1)
        space, values, work = start.space, start.values, start.work
        orders = evolution.orders
        for known in fields:
            finer = self._finer_space(known.space)
            same = space.map == finer.map
            values = [space.extended(one, finer) if same else moved(space, finer, one) for one in values]
            space = finer
            nodes = Nodes(known.coefficients.shape[2] - max(orders) + _MORE_IN_TIME, max(orders), known.length)
            guess = torch.zeros(len(orders), space.count, nodes.count, dtype=torch.float64)
            for output, order in enumerate(orders):
                own = known.coefficients[output, :, min(order, 1) :][:, : nodes.count]
                guess[output, :, : own.shape[1]] = known.space.extended(own, space)
            one, _, operations = self._solved(space, values, nodes, known.start, guess, math.inf)
            work += operations
            found.append(one)
            values = one.at_end(orders)
        return found, (_SHORTER_IN_PLANE if isinstance(space, Plane) else _SHORTER) * work

    def _finer_space(self, space: Neurons) -> Neurons:
        """A sixth more neurons in space, as many times more along each of two coordinates."""
        if isinstance(space, Plane):
            return Plane(*(self._finer_along(one, math.sqrt(_MORE_IN_SPACE), math.inf) for one in space.parts))
        return self._finer_along(space, _MORE_IN_SPACE, self.evolution.most(space))

    @staticmethod
    def _finer_along(space: Space, more: float, most: float) -> Space:
        wanted = int(min(most, math.ceil(more * space.count)))
        return space.resized(max(space.count, wanted - (wanted + 1) % 2 if space.periodic else wanted))

    # -- one window -----------------------------------------------------------------------------------------------

    def _window(self, walk: _Walk, count: int, start: float, tolerance: float) -> tuple[Field, bool, float]:
        nodes = Nodes(count, max(self.evolution.orders), walk.length)
        least = max(1e-13, 1e-2 * tolerance)
        return self._solved(walk.space, walk.values, nodes, start, self._guess(walk, nodes), least)

    def _solved(
        self, space: Neurons, values: Sequence[Tensor], nodes: Nodes, start: float, guess: Tensor, least: float
    ) -> tuple[Field, bool, float]:
        """A window from its values at the start: its field, whether steps converged, and operations."""
        evolution = self.evolution
        free = [nodes.free(order) for order in evolution.orders]
        fixed = torch.stack([nodes.fixed(value) for value in values])

        def coefficients(weights: Tensor) -> Tensor:
            own = weights.reshape(len(free), space.count, nodes.count)
            return fixed + torch.stack([one @ psi for one, psi in zip(own, free, strict=True)])

        rows = evolution.rows(space, start, nodes.length, nodes.tau, nodes.tables())
        found = descend(rows, coefficients, free, guess.reshape(-1), least, self._solver)
        pairs = zip(coefficients(found.weights), values, strict=True)
        whole = torch.stack([nodes.joined(one, value) for one, value in pairs])
        return Field(space, whole, start, nodes.length), found.converged, found.work + _CALL

    def _solver(
        self, parts: Sequence[Linear], free: Sequence[Tensor]
    ) -> tuple[Callable[[Tensor], Tensor | None], float]:
        """Space and time apart where a window is large, else its whole J."""
        if self.evolution.splits and splits(parts, free):
            return split_solver(parts, free, self.factors)
        return dense_solver(parts, free)

    def _guess(self, walk: _Walk, nodes: Nodes) -> Tensor:
        """Weights (m, M, P) of the Taylor polynomial of degree two at the end of the window before."""
        orders, space = self.evolution.orders, walk.space
        found = torch.zeros(len(orders), space.count, nodes.count, dtype=torch.float64)
        if not walk.fields:
            return found
        before, end, half = walk.fields[-1], torch.ones(1, dtype=torch.float64), 0.5 * nodes.length
        count = before.coefficients.shape[2]
        for output, order in enumerate(orders):
            if order:
                c = before.coefficients[output]
                if before.space.map == space.map:
                    c = before.space.extended(c, space)
                else:
                    c = moved(before.space, space, c)
                first, second = (c @ polynomials(end, count, b)[0] * (2 / before.length) ** b for b in (1, 2))
                # (τ + 1)² = T_2 / 2 + 2 T_1 and a constant
                found[output, :, 0] = first * half + second * half**2
                found[output, :, 1] = 0.25 * second * half**2
        return found

    def _held_on(self, walk: _Walk, start: float) -> Field:
        """The values at a time until the end, where a solve was given up."""
        count = walk.space.count
        kept = [value[:, :1] if value.shape[1] else value.new_zeros(count, 1) for value in walk.values]
        return Field(walk.space, torch.stack(kept), start, self.evolution.end - start)
