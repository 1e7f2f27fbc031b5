"""Tables: measured or tabulated functions as smooth interpolants with derivatives, in any number of dimensions.

    k(x) = Σ_i c_i B_i(x),      k(x, y) = Σ_ij c_ij B_i(x) B_j(y),      …

the interpolating spline of degree p (not-a-knot ends) through the samples, a tensor product on a grid. B-splines are
evaluated as the polynomials that they are between two knots, gathered by interval, so that autograd, nested as often as
one likes, gives the derivatives of that very spline, and jets (`pinn.derivatives.jets.tables`) the same.

A spline of degree p has p − 1 continuous derivatives; the p-th jumps at the knots, and all further ones are zero. By
default p = 5: enough for a coefficient under four derivatives. The interpolant is no better than the table: its error
falls as h^(p+1) for smooth functions with samples h apart, and noise in the samples is amplified by 1/h a derivative.

Source: de Boor, A Practical Guide to Splines, revised ed. (2001), ch. IX, XIII and XVII; SciPy does the fitting.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

DEGREE = 5
"""Of the spline where none is asked for, and where there are enough samples."""

_ROUNDING = 1e-9  # part of an axis by which a point may lie outside: the rounding of a place on the boundary


class Table:
    """A function given by samples, as a smooth interpolant.

    As a coefficient of a problem it is a field like any other: `Problem(..., coefficients={"k": Table({"x": xs}, ks)})`
    hands an equation with the argument `k` the values k(x) of shape (n,), and `d(k * d(u, x), x)` has the term with k'.
    Its axes are then named like coordinates, or like outputs for a law of the material, `Table({"T": ...}, ...)`.
    It can also be called in an equation, on tensors and on jets: `k(x)`, `law(u)`.

    Args:
        axes: name -> where it is sampled along this axis, in its units; strictly increasing numbers.
        values: the samples in their own units, one axis of the array for each name in its order: (n,) for one axis,
            (n_x, n_y) for two.
        degree: p of the spline, dimensionless; left out, 5, or less where an axis has fewer than six samples.
            1 is linear between the samples.
        extend: what happens outside the samples. False refuses such points; True goes on along the tangent, as a law
            of a quantity that is being found may need on the way.

    Raises:
        TypeError: when the axes are not given by name.
        ValueError: when an axis does not increase, lengths do not fit, numbers are not finite or real, or there are
            too few samples for the degree.

    Example:
        >>> xs = np.linspace(0, 1, 21)
        >>> k = Table({"x": xs}, 1 + xs / 2 + xs**2 / 4)
        >>> x = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
        >>> bool(torch.allclose(torch.autograd.grad(k(x).sum(), x)[0], 0.5 + x / 2))
        True
    """

    def __init__(self, axes: Mapping[str, Any], values: Any, degree: int | None = None, extend: bool = False) -> None:
        if not isinstance(axes, Mapping) or not axes:
            raise TypeError(f"Table: got axes {axes!r}, expected samples by name; give e.g. Table({{'x': xs}}, ks)")
        if degree is not None and (isinstance(degree, bool) or not isinstance(degree, int) or degree < 1):
            raise ValueError(f"Table: got degree={degree!r}, expected an integer of at least 1; give degree >= 1")
        places = {name: _samples(name, given) for name, given in axes.items()}
        grid = _numbers("values", values)
        shape = tuple(len(place) for place in places.values())
        if grid.shape != shape:
            lengths = {name: len(place) for name, place in places.items()}
            raise ValueError(
                f"Table: got values of shape {grid.shape} for axes of {lengths} samples, expected {shape}; give one "
                "value for each sample, axes in the order of their names"
            )
        from scipy.interpolate import make_interp_spline  # half a second, for those who have a table

        self.axes = tuple(places)
        self.degrees = tuple(_degree(name, len(place), degree) for name, place in places.items())
        self.extend = bool(extend)
        self.bounds = {name: (float(place[0]), float(place[-1])) for name, place in places.items()}
        coefficients, splines = grid, []
        for axis, (place, k) in enumerate(zip(places.values(), self.degrees, strict=True)):
            spline = make_interp_spline(place, np.moveaxis(coefficients, axis, 0), k=k)
            coefficients = np.moveaxis(spline.c, 0, axis)
            splines.append(spline.t)
        self._axes = tuple(
            Axis(name, knots, k, coefficients if len(shape) == 1 else None)
            for name, knots, k in zip(self.axes, splines, self.degrees, strict=True)
        )
        self._coefficients = torch.from_numpy(np.ascontiguousarray(coefficients))

    def __repr__(self) -> str:
        spans = ", ".join(
            f"{name}: {one.samples} samples on [{one.low:g}, {one.high:g}]"
            for name, one in zip(self.axes, self._axes, strict=True)
        )
        return f"Table({spans}; degree {max(self.degrees)})"

    def __call__(self, *columns: Any) -> Any:
        """Values at points, one argument an axis in the order of the names.

        Args:
            columns: (n,) each: tensors, jets, or NumPy arrays and numbers, which give an array.

        Raises:
            TypeError: for another number of arguments than axes.
            ValueError: for points outside the samples, where `extend` is not set.
        """
        if len(columns) != len(self.axes):
            raise TypeError(
                f"{self!r}: got {len(columns)} arguments, expected {len(self.axes)}; call it with {list(self.axes)}"
            )
        if all(isinstance(x, (int, float, list, tuple, np.ndarray, np.generic)) for x in columns):
            given = [torch.as_tensor(np.asarray(x, dtype=np.float64)) for x in columns]
            return evaluate(self, *torch.broadcast_tensors(*given)).numpy()
        return evaluate(self, *columns)

    def field(self, values: Mapping[str, Any]) -> Any:
        """Its values where the quantities that name its axes have these values, (n,); never refused.

        That it covers the domain, `require_fit` says once; differences across the boundary step a little outside.

        Args:
            values: name -> (n,), all of the axes among them.
        """
        extended = copy.copy(self)
        extended.extend = True
        return evaluate(extended, *(values[name] for name in self.axes))

    def require_fit(self, owner: str, bounds: Mapping[str, tuple[float, float]], outputs: Sequence[str]) -> None:
        """Refuse a problem that asks for values outside the samples, or lacks what the axes are named after.

        Args:
            owner: whose table it is, for the message.
            bounds: coordinate -> where it runs.
            outputs: names of outputs, whose values nobody knows beforehand.

        Raises:
            ValueError: naming the axis.
        """
        for one in self._axes:
            if one.name not in bounds and one.name not in outputs:
                raise ValueError(
                    f"{owner}: axis {one.name!r} of {self!r} is neither a coordinate {list(bounds)} nor an output "
                    f"{list(outputs)}; rename it, or call the table in the equation"
                )
            if self.extend:
                continue
            if one.name in outputs:
                raise ValueError(
                    f"{owner}: axis {one.name!r} of {self!r} is an output, whose values may leave the samples on the "
                    "way to the solution; give extend=True, which goes on along the tangent"
                )
            low, high = bounds[one.name]
            margin = _ROUNDING * (one.high - one.low)
            if low < one.low - margin or high > one.high + margin:
                raise ValueError(
                    f"{owner}: {self!r} does not cover the domain, whose {one.name} runs from {low:g} to {high:g}; "
                    "give samples that do, or extend=True to go on along the tangent"
                )

    # -- what an evaluation is made of ---------------------------------------------------------------------------

    def axis(self, number: int) -> Axis:
        """One of its axes."""
        return self._axes[number]

    def window(self, columns: list[Tensor]) -> Tensor:
        """The coefficients that take part at each point, (n, p_1 + 1, …, p_d + 1).

        Args:
            columns: (n,) each, or of any other shape in place of it; without a graph.
        """
        strides = self._coefficients.stride()
        first = torch.zeros((), dtype=torch.long)
        offsets = torch.zeros((), dtype=torch.long)
        for one, column, stride in zip(self._axes, columns, strides, strict=True):
            first = first.to(column.device) + one.first(one.piece(column)) * stride
            offsets = offsets[..., None] + torch.arange(one.degree + 1) * stride
        flat = self._coefficients.reshape(-1).to(columns[0])
        return flat[first.reshape(*first.shape, *(1,) * offsets.ndim) + offsets.to(first.device)]

    def require_inside(self, columns: list[Tensor]) -> None:
        """Refuse points outside the samples, unless the table goes on there.

        Raises:
            ValueError: naming the axis and the value.
        """
        if self.extend:
            return
        for name, one, column in zip(self.axes, self._axes, columns, strict=True):
            edges = one.edges(column)
            outside = (column < edges[0]) | (column > edges[-1])
            if bool(outside.any()):
                raise ValueError(
                    f"{self!r}: got {name}={float(column[outside][0]):g}, expected values in [{one.low:g}, "
                    f"{one.high:g}]; give samples that cover it, or extend=True to go on along the tangent"
                )


class Axis:
    """One axis of a table: its knots, and the polynomials between them.

    Args:
        name: of the axis.
        knots: of the B-splines.
        degree: p.
        coefficients: of the B-splines, where they are to be summed here, as a table of one axis allows; else None.
    """

    def __init__(self, name: str, knots: NDArray[np.float64], degree: int, coefficients: Any) -> None:
        self.name, self.degree, self.samples = name, degree, len(knots) - degree - 1
        inner = knots[degree : len(knots) - degree]
        self.low, self.high = float(inner[0]), float(inner[-1])
        pieces = len(inner) - 1
        if coefficients is not None:
            polynomials = _polynomials(knots, np.asarray(coefficients), degree)[:, None]
        else:
            # Of any p + 1 B-splines in a row each has another remainder by p + 1, so that the sums over equal
            # remainders are told apart on every piece.
            remainders = np.arange(self.samples) % (degree + 1)
            sums = [_polynomials(knots, 1.0 * (remainders == r), degree) for r in range(degree + 1)]
            every = np.stack(sums, 1)
            order = (np.arange(pieces)[:, None] + np.arange(degree + 1)) % (degree + 1)
            polynomials = np.take_along_axis(every, order[:, :, None], 1)
        # Beyond the ends the tangent: two pieces more.
        widths = np.diff(inner)
        left, right = _tangent(polynomials[0], 0.0), _tangent(polynomials[-1], widths[-1])
        self._polynomials = torch.from_numpy(np.concatenate([left[None], polynomials, right[None]]))
        self._origins = torch.from_numpy(np.concatenate([inner[:1], inner[:-1], inner[-1:]]))
        self._edges = torch.from_numpy(inner.copy())

    def edges(self, like: Tensor) -> Tensor:
        """Where pieces meet, the two ends moved out by a rounding."""
        edges = self._edges.to(like)
        size = max(self.high - self.low, abs(self.low), abs(self.high))
        margin = max(_ROUNDING * (self.high - self.low), 4 * torch.finfo(like.dtype).eps * size)
        edges = edges.clone()
        edges[0] -= margin
        edges[-1] += margin
        return edges

    def piece(self, column: Tensor) -> Tensor:
        """Number of the polynomial at each point: 0 and the last are the tangents beyond the ends."""
        return torch.searchsorted(self.edges(column), column.detach().contiguous(), right=True)

    def first(self, piece: Tensor) -> Tensor:
        """Number of the first B-spline that takes part on each piece."""
        return (piece - 1).clamp(0, self._edges.shape[0] - 2)

    def local(self, column: Tensor) -> tuple[Tensor, Tensor]:
        """Coefficients of the polynomials at each point, ascending, (n, q, p + 1), and their origins (n,).

        q is 1 for a table of one axis, else p + 1.
        """
        piece = self.piece(column)
        return self._polynomials.to(column)[piece], self._origins.to(column)[piece]


def evaluate(table: Table, *columns: Any) -> Any:
    """The values of a table at points; the one function that jets have a rule for.

    Args:
        table: the table.
        columns: (n,) each, tensors or jets, numbers beside them; one an axis.

    Returns:
        (n,), differentiable by the columns as often as one likes.

    Raises:
        ValueError: for points outside the samples, where the table does not go on there.
    """
    if has_torch_function(columns):
        return handle_torch_function(evaluate, columns, table, *columns)
    like = next((x for x in columns if isinstance(x, Tensor)), torch.zeros((), dtype=torch.float64))
    given = torch.broadcast_tensors(*(x if isinstance(x, Tensor) else like.new_tensor(float(x)) for x in columns))
    places = [x.detach() for x in given]
    table.require_inside(places)
    bases = []
    for number, x in enumerate(given):
        c, origin = table.axis(number).local(x)
        bases.append(horner(c, (x - origin)[..., None]))
    if len(bases) == 1:
        return bases[0][..., 0]
    return contract(table.window(places), bases)


def horner(c: Tensor, s: Tensor) -> Tensor:
    """Σ_j c_j s^j; c (…, p + 1), s broadcast against (…)."""
    total = c[..., -1]
    for j in range(c.shape[-1] - 2, -1, -1):
        total = total * s + c[..., j]
    return total


def contract(window: Tensor, bases: list[Any]) -> Any:
    """Σ c_{jk…} B_j B'_k …, the axes of `window` (n, P_1, …, P_d) one after the other, from the last."""
    *others, last = bases
    total: Any = window * last.reshape(*last.shape[:-1], *(1,) * (len(bases) - 1), last.shape[-1])
    total = total.sum(-1)
    for base in reversed(others):
        shape = (*base.shape[:-1], *(1,) * (total.ndim - base.ndim), base.shape[-1])
        total = (total * base.reshape(*shape)).sum(-1)
    return total


def binomials(degree: int, order: int) -> tuple[float, ...]:
    """The factors (j choose m), j = m … p, of s^(j−m) in the m-th Taylor coefficient."""
    return tuple(float(math.comb(j, order)) for j in range(order, degree + 1))


def _polynomials(knots: NDArray[np.float64], c: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """The spline's polynomials on its pieces, coefficients ascending, (pieces, p + 1)."""
    from scipy.interpolate import BSpline, PPoly

    pieces = PPoly.from_spline(BSpline(knots, c, degree)).c[::-1].T
    return np.ascontiguousarray(pieces[degree : len(pieces) - degree])


def _tangent(c: NDArray[np.float64], s: float) -> NDArray[np.float64]:
    """The tangent at s of polynomials (q, p + 1), about s."""
    powers = np.arange(c.shape[1])
    found = np.zeros_like(c)
    found[:, 0] = c @ s**powers
    found[:, 1] = c[:, 1:] @ (powers[1:] * s ** (powers[1:] - 1))
    return found


def _numbers(name: str, given: Any) -> NDArray[np.float64]:
    array = given.detach().cpu().numpy() if isinstance(given, Tensor) else np.asarray(given)
    if array.dtype.kind not in "fiu":
        raise ValueError(
            f"Table: got {name} of {array.dtype}, expected real numbers; give two tables for a complex one"
        )
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        missing = int((~np.isfinite(array)).sum())
        raise ValueError(f"Table: got {missing} numbers in {name} that are not finite; leave those samples out")
    return array


def _samples(name: Any, given: Any) -> NDArray[np.float64]:
    if not (isinstance(name, str) and name.isidentifier()):
        raise TypeError(
            f"Table: got {name!r} as the name of an axis; give the coordinate's, e.g. Table({{'x': xs}}, ks)"
        )
    place = _numbers(name, given)
    if place.ndim != 1:
        raise ValueError(f"Table: got {name} of shape {place.shape}, expected (n,): the samples' places along one axis")
    if not (np.diff(place) > 0).all():
        at = int(np.argmax(np.diff(place) <= 0))
        raise ValueError(
            f"Table: {name} does not increase: {place[at]:g} is followed by {place[at + 1]:g}; sort the samples "
            f"(order = np.argsort({name})) and leave out what is double"
        )
    return place


def _degree(name: str, samples: int, degree: int | None) -> int:
    if samples < (2 if degree is None else degree + 1):
        least, cure = (2, "give more") if degree is None else (degree + 1, "give more, or a smaller degree")
        raise ValueError(f"Table: got {samples} samples along {name}, expected at least {least}; {cure}")
    return min(DEGREE, samples - 1) if degree is None else int(degree)
