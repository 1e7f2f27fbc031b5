"""Equations are plain functions: their arguments are matched by name to coordinates, outputs and coefficients.

    bind(f, known)(coordinates, outputs, constants) -> [rows of f]

An argument with a default value that no name matches keeps it. What a function raises on tensors is said again in one
line with the name of the constraint and the cure, for the mistakes that are made most often.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

_CURES = (
    (
        ("Boolean value of Tensor",),
        "an equation is computed at all points at once, so that a branch on values (if, while, and, or, not, min, max) "
        "cannot be taken; give torch.where(condition, a, b)",
    ),
    (
        ("converted to Scalar", "converted to Python scalar", "converted to a Python", "be converted to Scalar"),
        "functions of the module math, float() and .item() take a single number; give torch's, such as torch.sin(u)",
    ),
    (
        ("call numpy()", "__array__", "'numpy.ndarray'", "to numpy"),
        "functions of NumPy cut the graph; give torch's, such as torch.exp(x), and what is tabulated as a "
        "Table, e.g. coefficients={'k': Table({'x': xs}, ks)}",
    ),
    (
        ("must match the size of tensor",),
        "a field has one entry a point, and their number changes from run to run; give a number, or values by place as "
        "a Table or with the points of a Scatter",
    ),
    (
        ("grad can be implicitly created",),
        "the derivative of a field is d(u, x), which sums over the points itself",
    ),
    (
        ("is not defined",),
        "an equation is called with what its arguments name; take it as an argument",
    ),
    (
        ("complex", "Complex"),
        "a complex field is two outputs, its real and its imaginary part, and a complex equation two rows",
    ),
)
"""What is found in the message of an error that an equation raises -> what to do."""

FAILURES = (
    TypeError,
    ValueError,
    RuntimeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    NameError,
)
"""What the code of an equation may raise on tensors, and on what it was not written for: trial fields, recorded fields,
jets, for which a rule may be missing. Nothing that stops a program."""


def names_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The argument names of a function: those without a default value, and those with one.

    Raises:
        ValueError: for `*args`, `**kwargs` and functions such as `torch.exp`, which have no names to match.
    """
    required: list[str] = []
    optional: list[str] = []
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        called = getattr(function, "__name__", "f")
        raise ValueError(
            f"arguments are matched by name, but those of {called} have none; write them out, lambda x: {called}(x)"
        ) from None
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ValueError(f"arguments are matched by name, but {parameter} has none; write the names out")
        (required if parameter.default is parameter.empty else optional).append(name)
    return tuple(required), tuple(optional)


def bind(
    function: Callable[..., Any],
    known: Mapping[str, float],
    tables: Mapping[str, Callable[[Mapping[str, Any]], Any]] = MappingProxyType({}),
    owner: str = "",
) -> Callable[..., list[Any]]:
    """Turn a function with arguments matched by name into one of (coordinates, outputs, constants) -> list of rows.

    Args:
        function: an equation, boundary condition or ansatz.
        known: numeric coefficients, passed on as Python floats.
        tables: name -> what makes a field (n,) of coordinates and outputs by name, such as `Table.field`.
        owner: what to name where the function raises on tensors, see `named_errors`; empty for what it raises itself.
    """
    required, optional = names_of(function)
    wanted = set(required) | set(optional)
    fields = {name: field for name, field in tables.items() if name in wanted}

    def call(coordinates: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        arguments: dict[str, Any] = {}
        for source in (known, constants, coordinates, outputs):
            arguments.update({name: value for name, value in source.items() if name in wanted})
        # What other values make of an equation, such as jets, is theirs to say.
        plain = owner and all(isinstance(value, Tensor) for value in coordinates.values())
        with named_errors(owner) if plain else nullcontext():
            arguments |= {name: field({**coordinates, **outputs}) for name, field in fields.items()}
            rows = function(**arguments)
        return list(rows) if isinstance(rows, (tuple, list)) else [rows]

    return call


@contextmanager
def named_errors(owner: str) -> Iterator[None]:
    """What is raised inside, again in one line that begins with the owner and ends with the cure, where one is known.

    Args:
        owner: whose function runs, such as "constraint 'equation'".

    Raises:
        TypeError: for a TypeError.
        ValueError: for any other failure of ordinary code. The original is the cause of either.

    Example:
        >>> with named_errors("constraint 'walls'"):
        ...     1 + "2"
        Traceback (most recent call last):
        TypeError: constraint 'walls': unsupported operand type(s) for +: 'int' and 'str'
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except FAILURES as error:
        said = str(error).splitlines()[0] if str(error) else ""
        if not isinstance(error, (TypeError, ValueError)) or not said:
            said = f"{type(error).__name__}: {said}" if not isinstance(error, RuntimeError) else said
        said = said.removesuffix(" Use tensor.detach().numpy() instead.")  # the very mistake, in torch's advice
        cures = () if said.startswith("d: ") else _CURES  # what d raises has its own
        cure = next((cure for marks, cure in cures if any(mark in said for mark in marks)), "")
        text = f"{owner}: {said.removesuffix('.')}; {cure}" if cure else f"{owner}: {said}"
        raise (TypeError(text) if isinstance(error, TypeError) else ValueError(text)) from error


def on_arrays(function: Callable[..., Any], columns: Mapping[str, np.ndarray]) -> Any:
    """A function of arrays, or of tensors where it is written with torch's functions, at arrays.

    Args:
        function: called with the columns by name; returns an array or tensor, or a dict of them.
        columns: name -> (n,), float64.

    Returns:
        What it returns, tensors as arrays.

    Example:
        >>> on_arrays(lambda t: torch.exp(-t), {"t": np.zeros(2)})
        array([1., 1.])
    """
    try:
        value = function(**columns)
    except TypeError as error:
        if "Tensor" not in str(error):  # as in "exp(): argument 'input' must be Tensor, not numpy.ndarray"
            raise
        value = function(**{name: torch.from_numpy(column.copy()) for name, column in columns.items()})
    if isinstance(value, Mapping):
        return {name: _as_array(entry) for name, entry in value.items()}
    return _as_array(value)


def _as_array(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value


def taking(names: Iterable[str], function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of keywords that says which ones it takes.

    Args:
        names: of its arguments.
        function: called with each of them.

    Example:
        >>> names_of(taking(["u", "v"], lambda **given: given["u"] - given["v"]))
        (('u', 'v'), ())
    """
    return _signed(function, [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names])


def renamed(function: Callable[..., Any], names: Mapping[str, str]) -> Callable[..., Any]:
    """The same function with other names of its arguments.

    Args:
        function: with arguments by name.
        names: name of an argument -> its new name; those left out stay.

    Example:
        >>> renamed(lambda u, x: u - x, {"u": "u_copper"})(u_copper=3, x=1)
        2
    """
    parameters = inspect.signature(function).parameters
    back = {names.get(key, key): key for key in parameters}
    keywords = [
        inspect.Parameter(new, inspect.Parameter.KEYWORD_ONLY, default=parameters[old].default)
        for new, old in back.items()
    ]
    return _signed(lambda **given: function(**{back[name]: value for name, value in given.items()}), keywords)


def gathered(functions: Sequence[Callable[..., Any]], combine: Callable[..., Any]) -> Callable[..., Any]:
    """A function of all arguments of several functions, made of their rows.

    Args:
        functions: each returns a row or a tuple of them.
        combine: called with a tuple of rows of each.

    Example:
        >>> both = gathered([lambda u: u, lambda u, x: (x, u)], lambda one, two: (*one, *two))
        >>> both(u=1, x=2), names_of(both)
        ((1, 2, 1), (('u', 'x'), ()))
    """
    taken = [inspect.signature(function).parameters for function in functions]
    keywords: dict[str, inspect.Parameter] = {}
    for parameters in taken:
        for key, one in parameters.items():
            if key not in keywords or one.default is one.empty:
                keywords[key] = inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=one.default)

    def call(**given: Any) -> Any:
        rows = []
        for function, own in zip(functions, taken, strict=True):
            value = function(**{key: given[key] for key in own if key in given})
            rows.append(tuple(value) if isinstance(value, (tuple, list)) else (value,))
        return combine(*rows)

    return _signed(call, list(keywords.values()))


def _signed(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> Callable[..., Any]:
    """A function of keywords with a signature."""

    def call(**given: Any) -> Any:
        return function(**given)

    # Those without a default value come first, as a signature wants them.
    ordered = sorted(parameters, key=lambda one: one.default is not one.empty)
    call.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    return call


def as_fields(function: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Rows of numbers alone, as a prior on them has, as fields: the same at every point."""

    def call(coordinates: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        nothing = 0.0 * next(iter(coordinates.values()))
        rows = function(coordinates, outputs, constants)
        return [nothing + row if isinstance(row, Tensor) and row.ndim == 0 else row for row in rows]

    return call
