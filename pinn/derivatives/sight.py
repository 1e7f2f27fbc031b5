"""What an equation sees beside its own point: integrals over a line or a box, and values at other points.

    integral(f, over="s", from_=a, to=b, kernel=K)    I(x) = ∫ₐᵇ K(x, s) f(s) ds  ≈  (b − a) Σ_q w_q K(x, s_q) f(s_q)
    at(f, t=torch.clamp(t - tau, min=0))              f at the point of the row with some coordinates replaced

f is whatever expression of outputs, derivatives, coordinates and coefficients stands there; limits and places may
depend on the point of the row, on outputs and on unknowns. The nodes s_q = a + (b − a) ξ_q and weights are those of
Gauss-Legendre, exact for polynomials of degree 2 Q − 1; over several coordinates they are products.

An expression is known on the points of the rows. Where it is asked for elsewhere, the equation is run again on those
points, up to the very call of `integral` or `at` that asks, whose first argument then is the expression there. So both
engines compute the same sum, and what is differentiated is the sum itself, nodes that move with the limits included.
What is solved is the equation with the sum in the place of the integral. How far the one is from the other is seen
afterwards: the certificate and the residuals of the report are those of a finer sum (`finer_nodes`).

Row i still depends on point i alone: on Q evaluations of the network, whose places follow from that point.

Source: Gauss-Legendre nodes by `numpy.polynomial.legendre.leggauss`; Lu, Meng, Mao, Karniadakis, SIAM Review 63 (2021)
208, sec. 2.6, for integro-differential equations by quadrature (there over fixed auxiliary points).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np

from pinn.binding import names_of
from pinn.validation import count, finite

ModelFunction = Callable[[Any], Mapping[str, Any]]
"""Coordinates by name -> outputs by name."""

Bounds = Mapping[str, tuple[float, float]]

NODES = {1: 32, 2: 16}
"""Gauss nodes along each coordinate, by the number of coordinates integrated over; 8 for more."""

FINER = {1: 2.0}
"""Times so many nodes along each coordinate are in a sum that tells the error of another; 1.5 over several ones."""

HERE = "@"
"""What the name of a coordinate of the row's own point begins with, beside that of the node."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where an expression is wanted: Q nodes for each point.

    Attributes:
        starts: replaced coordinate -> its value at ξ = 0, a number or a field (n,).
        lengths: replaced coordinate -> what is added at ξ = 1; none for a value at a point.
        xi: (Q, k), in the order of `lengths`, in [0, 1].
        weights: (Q,), with sum 1.
        kernel: factor by name: coordinates of the row's point, and the node's as `s` or `s_x`; None for one.
    """

    starts: Mapping[str, Any]
    lengths: Mapping[str, Any]
    xi: np.ndarray[Any, Any]
    weights: np.ndarray[Any, Any]
    kernel: Callable[..., Any] | None = None

    @property
    def size(self) -> int:
        """Q."""
        return len(self.weights)

    def factor(self, here: Mapping[str, Any], node: Mapping[str, Any]) -> Any:
        """The kernel at the coordinates of the row's point and of the node, each by name; one where there is none."""
        if self.kernel is None:
            return 1.0
        known = {**here, **{f"s_{name}": node[name] for name in self.lengths}}
        if len(self.lengths) == 1:
            known["s"] = node[next(iter(self.lengths))]
        required, optional = names_of(self.kernel)
        for name in required:
            if name not in known:
                raise ValueError(
                    f"integral: the kernel takes {name!r}, expected coordinates of the row's point {sorted(here)} and "
                    f"the place integrated over as {sorted(set(known) - set(here))}; rename it"
                )
        return self.kernel(**{name: known[name] for name in (*required, *optional) if name in known})


@dataclass(eq=False)
class Sight:
    """One run of an equation, as `integral` and `at` find it.

    Attributes:
        model: coordinates -> outputs, for other points than these.
        equation: that runs.
        columns, outputs, constants: what it was given.
        see: how an expression elsewhere is computed: (sight, number of the call, expression, where) -> a field.
        wanted: number of the call whose expression is sought; None in a run for rows.
        here: the coordinates of the row's own point where an expression is sought elsewhere; None in a run for rows.
        asked: calls so far.
        deferring: whether the calls before that one give stand-ins, which are not computed.
    """

    model: ModelFunction
    equation: Callable[..., Any]
    columns: Mapping[str, Any]
    outputs: Mapping[str, Any]
    constants: Mapping[str, Any]
    see: Callable[[Sight, int, Any, Places], Any]
    wanted: int | None = None
    here: Mapping[str, Any] | None = None
    asked: int = 0
    deferring: bool = False

    def run(self) -> Any:
        """What the equation returns."""
        token = _SIGHT.set(self)
        try:
            return self.equation(self.columns, self.outputs, self.constants)
        finally:
            _SIGHT.reset(token)

    def expression(self) -> Any:
        """The expression of the call that is wanted."""
        try:
            self.run()
        except _FoundSignal as found:
            if found.sight is not self:
                raise
            return found.expression
        raise ValueError(
            "integral, at: the equation did not come to the same call when it ran again on other points; it must take "
            "the same way through its text each time"
        )


class _FoundSignal(BaseException):
    """Ends a run of an equation at the call whose expression was wanted; nothing else may catch it."""

    def __init__(self, sight: Sight, expression: Any) -> None:
        super().__init__()
        self.sight, self.expression = sight, expression


_SIGHT: ContextVar[Sight | None] = ContextVar("pinn.sight", default=None)
_BOUNDS: ContextVar[Bounds] = ContextVar("pinn.sight.bounds", default=MappingProxyType({}))


@dataclass(eq=False)
class Finer:
    """What integrals had nodes for while `finer_nodes` lasted.

    Attributes:
        replaced: the most Gauss nodes along a coordinate that one of them has otherwise; 0 where there was none.
    """

    replaced: int = 0


_FINER: ContextVar[Finer | None] = ContextVar("pinn.sight.finer", default=None)


@contextmanager
def finer_nodes() -> Iterator[Finer]:
    """While it lasts, integrals have twice the nodes along each coordinate, 1.5 times over several coordinates.

    Rows of an answer to the equation with fewer nodes then are not zero: they are what the sum is wrong by. Every
    evaluation runs the equation anew, so that those bound before have the finer sum as well.

    Example:
        >>> import torch
        >>> from pinn.derivatives import Autograd, integral
        >>> bound = Autograd().bind(lambda c: {"u": c["x"] ** 3},
        ...                         lambda c, o, k: [integral(o["u"], over="x", from_=0, to=1, nodes=1)], ("x",))
        >>> point = torch.zeros(1, 1, dtype=torch.float64)
        >>> with finer_nodes() as made:
        ...     finer = bound.residual(point).item()
        >>> round(bound.residual(point).item(), 12), round(finer, 12), made.replaced
        (0.125, 0.25, 1)
    """
    made = Finer()
    token = _FINER.set(made)
    try:
        yield made
    finally:
        _FINER.reset(token)


def within_bounds(function: Callable[..., list[Any]], bounds: Bounds, over: Sequence[str]) -> Callable[..., list[Any]]:
    """An equation that knows the bounds of its domain, and whose rows are integrated over some coordinates.

    Args:
        function: (coordinates, outputs, constants) -> rows.
        bounds: coordinate -> (low, high): limits of integrals that have none.
        over: coordinates over which each row is integrated, a row for each point of the others; none for the rows.
    """

    def call(coordinates: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        token = _BOUNDS.set(bounds)
        try:
            rows = function(coordinates, outputs, constants)
            return [integral(row, over) for row in rows] if over else rows
        finally:
            _BOUNDS.reset(token)

    return call


def integral(
    expression: Any,
    over: str | Sequence[str],
    from_: Any = None,
    to: Any = None,
    kernel: Callable[..., Any] | None = None,
    nodes: int | None = None,
    where: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """∫ K f over one or several coordinates, by Gauss nodes, in an equation.

    Args:
        expression: f, of outputs, their derivatives, coordinates and coefficients: `u`, `u * d(u, x)`; or a tuple of
            them, for which the network is evaluated once.
        over: the coordinate that is integrated over, or several of them: a box.
        from_, to: limits, numbers or fields (n,) such as the coordinate x itself; over several coordinates one a
            coordinate. Left out, the bounds of the domain, where that is a box.
        kernel: K, a function by name of the coordinates at the row's own point, and of the place integrated over as
            `s`, or `s_x` for the coordinate x; left out, one.
        nodes: Gauss nodes Q along each coordinate; left out, 32 over one coordinate, 16 each over two, 8 over more.
            The certificate has twice as many, and so tells whether they are enough.
        where: places of coordinates that are not integrated over, as `at` has them: `where={"t": 0.0}`.

    Returns:
        Field (n,), which can be differentiated: the derivative of the sum; a list of them for a tuple.

    Raises:
        ValueError: outside of an equation, for unknown coordinates, and for limits that are missing or do not fit.

    Example:
        >>> import torch
        >>> from pinn.derivatives import Autograd, integral
        >>> bound = Autograd().bind(lambda c: {"u": c["x"] ** 2},
        ...                         lambda c, o, k: [integral(o["u"], over="x", from_=0, to=c["x"])], ("x",))
        >>> [round(v, 12) for v in bound.residual(torch.tensor([[1.0], [3.0]], dtype=torch.float64))[:, 0].tolist()]
        [0.333333333333, 9.0]
    """
    sight = _entered("integral")
    names = (over,) if isinstance(over, str) else tuple(over)
    _require_coordinates("integral", "over", names, sight)
    if nodes is not None:
        count("integral", 1, nodes=nodes)
    starts, lengths = {}, {}
    for name, low, high in zip(names, _limits("from_", from_, names, 0), _limits("to", to, names, 1), strict=True):
        _require_inside("integral", name, low, high)
        starts[name], lengths[name] = low, high - low
    if where:
        _require_coordinates("integral", "a place for", (*names, *where), sight)
        for name, place in where.items():
            _require_inside("integral", name, place)
    taken = nodes or NODES.get(len(names), 8)
    if (finer := _FINER.get()) is not None:
        finer.replaced = max(finer.replaced, taken)
        taken = math.ceil(FINER.get(len(names), 1.5) * taken)
    xi, weights = gauss(taken, len(names))
    found = _seen(sight, expression, Places({**starts, **where}, lengths, xi, weights, kernel))
    several = found if isinstance(found, list) else [found]
    for length in lengths.values():
        several = [one * length for one in several]
    return several if isinstance(found, list) else several[0]


def at(expression: Any, **places: Any) -> Any:
    """An expression at the point of the row with some coordinates replaced: delays, nonlocal conditions, pairs.

    Args:
        expression: of outputs, their derivatives, coordinates and coefficients: `u`, `d(u, x)`.
        places: coordinate -> number or field (n,), such as `x=0.5` or `t=torch.clamp(t - tau, min=0)`. Coordinates that
            are not named stay. Nothing determines outputs outside of the domain: a run whose rows depend on them is
            refused before it begins (`pinn.verification.beyond`).

    Returns:
        Field (n,), which can be differentiated.

    Raises:
        ValueError: outside of an equation, for unknown coordinates, and for a number outside of the domain.

    Example:
        >>> import torch
        >>> from pinn.derivatives import Autograd, at
        >>> bound = Autograd().bind(lambda c: {"u": c["t"] ** 2},
        ...                         lambda c, o, k: [at(o["u"], t=c["t"] - 1)], ("t",))
        >>> bound.residual(torch.tensor([[1.0], [3.0]], dtype=torch.float64))[:, 0].tolist()
        [0.0, 4.0]
    """
    sight = _entered("at")
    if not places:
        raise ValueError("at: got no coordinate; give the place of at least one, as in at(u, x=0.5)")
    _require_coordinates("at", "a place for", tuple(places), sight)
    for name, place in places.items():
        _require_inside("at", name, place)
    return _seen(sight, expression, Places(dict(places), {}, np.zeros((1, 0)), np.ones(1)))


def _entered(owner: str) -> Sight:
    sight = _SIGHT.get()
    if sight is None:
        raise ValueError(
            f"{owner}: got a call outside of an equation, expected one inside; it stands in the function of a "
            "Constraint, where the points and the fields on them are known"
        )
    return sight


def _seen(sight: Sight, expression: Any, places: Places) -> Any:
    number = sight.asked
    sight.asked += 1
    if sight.wanted == number:
        raise _FoundSignal(sight, expression)
    return sight.see(sight, number, expression, places)


def standing(columns: Mapping[str, Any]) -> tuple[Mapping[str, Any], Bounds]:
    """In an equation: the coordinates of the row's own point, also while it runs elsewhere, and the domain's bounds.

    Args:
        columns: the coordinates as the equation was given them.
    """
    sight = _SIGHT.get()
    return columns if sight is None or sight.here is None else sight.here, _BOUNDS.get()


def _require_coordinates(owner: str, what: str, names: Sequence[str], sight: Sight) -> None:
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{owner}: got {what} {list(names)}, expected different coordinates; name each once")
    for name in names:
        if name not in sight.columns:
            raise ValueError(f"{owner}: got {what} {name!r}, expected one of the coordinates {sorted(sight.columns)}")


def _limits(what: str, given: Any, names: Sequence[str], side: int) -> Sequence[Any]:
    """One limit a coordinate."""
    if given is None:
        bounds = _BOUNDS.get()
        for name in names:
            if name not in bounds:
                raise ValueError(
                    f"integral: got no {what} for {name!r}, expected one, since the domain is no box; give from_= and "
                    "to="
                )
        return [float(bounds[name][side]) for name in names]
    if isinstance(given, (tuple, list)):
        if len(given) != len(names):
            raise ValueError(
                f"integral: got {len(given)} limits {what}, expected one for each of {list(names)}; give a tuple"
            )
        return given
    if len(names) > 1:
        raise ValueError(f"integral: got one limit {what} over {list(names)}, expected one for each; give a tuple")
    return (given,)


def _require_inside(owner: str, name: str, *numbers: Any) -> None:
    """Refuse numbers outside of the bounds, where nothing is learned of the outputs."""
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, Real):
            continue
        finite(owner, **{name: number})
        if name in (bounds := _BOUNDS.get()):
            low, high = bounds[name]
            if not low - 1e-9 * (high - low) <= float(number) <= high + 1e-9 * (high - low):
                raise ValueError(
                    f"{owner}: got {name}={number:g}, expected a place in the domain, {name} from {low:g} to {high:g}; "
                    "nothing determines the outputs outside"
                )


@functools.cache
def gauss(nodes: int, dimension: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Gauss-Legendre nodes (Q^k, k) in the unit cube and their weights (Q^k,), with sum 1.

    Example:
        >>> xi, w = gauss(3, 1)
        >>> bool(abs((w * xi[:, 0] ** 5).sum() - 1 / 6) < 1e-15)
        True
    """
    x, w = np.polynomial.legendre.leggauss(nodes)
    x, w = 0.5 * (x + 1.0), 0.5 * w
    xi = np.stack([axis.reshape(-1) for axis in np.meshgrid(*[x] * dimension, indexing="ij")], -1)
    weights = functools.reduce(np.multiply.outer, [w] * dimension).reshape(-1)
    xi.setflags(write=False)
    weights.setflags(write=False)
    return xi, weights
