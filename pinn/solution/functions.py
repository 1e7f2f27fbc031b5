"""What is made of a solution, as functions of the coordinates: derivatives of its outputs, residuals of its equations.

    ∂u/∂x (x, t),    r(x, t) = what a constraint leaves, in its own units

Both are evaluated as in training: by jets, with nested autograd where an operation has no rule.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pinn.binding import names_of
from pinn.derivatives import Jets, d
from pinn.derivatives.engine import ResidualFunction
from pinn.model import Model
from pinn.problem import Problem
from pinn.regions import membership
from pinn.solution.inputs import OutsideDomainWarning, shown_names, with_coefficients
from pinn.validation import choices

Array = NDArray[np.float64]

Values = Array | tuple[Array, ...] | dict[str, Array]
"""One row, the rows of a system, or rows by name."""

_SHOWN = 3  # points that an error names at the most


def columns_of(
    problem: Problem,
    positional: Sequence[ArrayLike],
    named: Mapping[str, ArrayLike],
    *,
    extrapolate: bool = False,
    further: Sequence[str] = (),
) -> dict[str, Array]:
    """The arguments of a solution as arrays of one shape, by name.

    Args:
        problem: whose coordinates they are.
        positional: the first of them, in the problem's order.
        named: the others, by name; functions by theirs, in the place of their coefficients.
        extrapolate: whether points outside of the domain are a warning, and not an error.
        further: names that may be given beside the coordinates, such as components of a normal.

    Raises:
        TypeError: when a coordinate is missing, given twice, or unknown.
        ValueError: when the arrays do not broadcast, are not finite, or lie outside of the domain.
    """
    expected, shown = problem.coordinates, shown_names(problem)
    functions = problem.domain.functions
    values = (f"{name}={'function' if name in functions else '0.5'}" for name in shown)
    example = f"e.g. solution({', '.join(values)})"
    if len(positional) > len(expected):
        raise TypeError(f"solution: got {len(positional)} coordinates, expected {list(expected)}; {example}")
    given = dict(zip(expected, positional, strict=False))
    if twice := sorted(set(given) & set(named)):
        raise TypeError(f"solution: got {twice[0]!r} by place and by name; give it once, {example}")
    given |= with_coefficients(problem, named, extrapolate)
    if set(given) - set(further) != set(expected):
        got = sorted(
            {*given, *named} - {key for name in set(named) & set(functions) for key in functions[name].coordinates}
        )
        raise TypeError(f"solution: got coordinates {got}, expected all of {shown}, {example}")
    arrays = [np.asarray(value, dtype=np.float64) for value in given.values()]
    try:
        arrays = list(np.broadcast_arrays(*arrays))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(given, arrays, strict=True))
        raise ValueError(
            f"solution: got shapes {shapes}, expected ones that broadcast; for a grid give x[:, None] and t"
        ) from None
    columns = dict(zip(given, arrays, strict=True))
    _require_inside(problem, columns, extrapolate)
    return columns


def _require_inside(problem: Problem, columns: Mapping[str, Array], extrapolate: bool) -> None:
    flat = np.stack([columns[name].reshape(-1) for name in problem.coordinates], axis=1)
    if bad := int((~np.isfinite(flat)).any(1).sum()):
        raise ValueError(f"solution: {bad} of {len(flat)} points have a coordinate that is no number; leave them out")
    outside = ~problem.domain.contains(torch.from_numpy(flat)).numpy()
    if not outside.any():
        return
    first = ", ".join(
        "(" + ", ".join(f"{name}={value:.6g}" for name, value in zip(problem.coordinates, point, strict=True)) + ")"
        for point in flat[outside][:_SHOWN]
    )
    box = ", ".join(f"{name} in [{low:.6g}, {high:.6g}]" for name, (low, high) in problem.domain.bounds.items())
    text = f"solution: {int(outside.sum())} of {len(flat)} points lie outside of the domain ({box}), first {first}"
    if not extrapolate:
        raise ValueError(f"{text}; nothing was asked of the answer there; .extrapolate(...) returns it all the same")
    warnings.warn(f"{text}; nothing was asked of the answer there", OutsideDomainWarning, stacklevel=4)


class SolutionFunction:
    """One or several functions of the coordinates, made from a solution; made by its methods.

    Args:
        problem: what was solved.
        model: what solves it.
        function: (coordinates, outputs, constants) -> rows (n,), as equations are.
        names: of the rows in a dictionary; None for one array, or a tuple of them.
        further: names of what is given beside the coordinates.
        text: what it is.
        joined: whether the function returns the rows of each region in turn, of which every point has its own.
    """

    def __init__(
        self,
        problem: Problem,
        model: Model,
        function: ResidualFunction,
        *,
        names: Sequence[str] | None = None,
        further: Sequence[str] = (),
        text: str = "",
        joined: bool = False,
    ) -> None:
        self.problem, self.model, self.joined = problem, model, joined
        self.names, self.further, self.text = names, tuple(further), text
        read = model.reader((*problem.outputs, *model.fields))
        self._bound = Jets().bind(read, function, problem.coordinates)

    def __call__(self, *coordinates: ArrayLike, **named: ArrayLike) -> Values:
        """Values at points given by place or by name, as a solution is evaluated; arrays broadcast.

        Returns:
            An array; a tuple of them for the rows of a system; a dictionary where the rows have names.

        Raises:
            TypeError: when a coordinate is missing or unknown.
            ValueError: when arrays do not broadcast, or points lie outside of the domain.
        """
        return self._named(self.at(columns_of(self.problem, coordinates, named, further=self.further)))

    def extrapolate(self, *coordinates: ArrayLike, **named: ArrayLike) -> Values:
        """The same outside of the domain too, with an `OutsideDomainWarning`."""
        columns = columns_of(self.problem, coordinates, named, extrapolate=True, further=self.further)
        return self._named(self.at(columns))

    def at(self, columns: Mapping[str, Array]) -> tuple[Array, ...]:
        """The rows at points, arrays of one shape by name.

        Raises:
            TypeError: when something that the function takes beside the coordinates is missing.
        """
        like = next(self.model.parameters())
        shape = next(iter(columns.values())).shape

        def flat(name: str) -> Tensor:
            return torch.from_numpy(columns[name].reshape(-1).copy()).to(like)

        if missing := [name for name in self.further if name not in columns]:
            raise TypeError(f"{self.text}: it takes {missing} beside the coordinates; give {missing[0]}=...")
        points = torch.stack([flat(name) for name in self.problem.coordinates], 1)
        constants = {**self.model.coefficients(), **{name: flat(name) for name in self.further}}
        with torch.no_grad():
            rows = self._bound.residual(points, constants).detach().double().cpu()
        if self.joined:
            number = membership(self.problem.regions, points.double().cpu())
            rows = rows.reshape(len(rows), len(self.problem.regions), -1)[torch.arange(len(rows)), number]
        return tuple(row.numpy().reshape(shape) for row in rows.unbind(1))

    def _named(self, values: tuple[Array, ...]) -> Values:
        if self.names is not None:
            return dict(zip(self.names, values, strict=True))
        return values[0] if len(values) == 1 else values

    def __repr__(self) -> str:
        return f"<{self.text} as a function of {', '.join((*self.problem.coordinates, *self.further))}>"


def derivative(problem: Problem, model: Model, name: str, by: Sequence[str]) -> SolutionFunction:
    """∂ⁿu/∂x… of an output or unknown field as a function; see `Solution.derivative`."""
    _require_output(problem, model, name)
    if not by:
        raise ValueError(f"derivative: got no coordinate to differentiate {name} by; give e.g. {name!r}, 'x'")
    _require_coordinates(problem, by)
    owned = _owned(problem, name)

    def function(columns: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        return [d(outputs[one], *(columns[coordinate] for coordinate in by)) for one in owned]

    text = f"d({', '.join((name, *by))})"
    return SolutionFunction(problem, model, function, text=text, joined=name in problem.joined)


def stated(problem: Problem, values: Mapping[str, Array]) -> Array | dict[str, Array]:
    """The outputs among values by name, as a function returns them: alone where there is one."""
    names = problem.stated_outputs
    return values[names[0]] if len(names) == 1 else {name: values[name] for name in names}


def gradient(problem: Problem, model: Model, name: str, by: Sequence[str]) -> SolutionFunction:
    """∂u/∂x of an output or unknown field for several coordinates; see `Solution.gradient`."""
    _require_output(problem, model, name)
    _require_coordinates(problem, by)
    owned = _owned(problem, name)

    def function(columns: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        return [d(outputs[one], columns[coordinate]) for one in owned for coordinate in by]

    text, joined = f"gradient of {name}", name in problem.joined
    return SolutionFunction(problem, model, function, names=tuple(by), text=text, joined=joined)


def residual(problem: Problem, model: Model, name: str) -> SolutionFunction:
    """What a constraint leaves, as a function; see `Solution.residual`."""
    if name not in problem.constraints:
        raise ValueError(f"residual: no constraint {name!r}; {choices(name, tuple(problem.constraints))}")
    required, optional = names_of(problem.constraints[name].equation)
    known = {*problem.coordinates, *problem.outputs, *problem.coefficients, *problem.domain.functions}
    further = [argument for argument in (*required, *optional) if argument not in known]
    taken = [argument for argument in required if argument in further]
    return SolutionFunction(problem, model, problem.equation(name), further=taken, text=f"residual of {name!r}")


def _owned(problem: Problem, name: str) -> list[str]:
    """The outputs of all regions that are one under this name, or the output itself."""
    return list(problem.joined[name].values()) if name in problem.joined else [name]


def _require_output(problem: Problem, model: Model, name: str) -> None:
    available = (*dict.fromkeys((*problem.stated_outputs, *problem.outputs)), *model.fields)
    if name not in available:
        raise ValueError(f"derivative: {name!r} is no output or unknown field; {choices(str(name), available)}")


def _require_coordinates(problem: Problem, by: Sequence[str]) -> None:
    for coordinate in by:
        if coordinate not in problem.coordinates:
            raise ValueError(
                f"derivative: {coordinate!r} is no coordinate; {choices(str(coordinate), problem.coordinates)}"
            )
