"""From a formula to an equation whose arguments are the user's names.

    by_name("heat", rows, names={"output": "T", ...}, quantities={"diffusivity": 0.1, ...})

is an equation: a function whose arguments are the names, so that `pinn.binding` finds outputs, coordinates and
coefficients for them. What is no name has its value here: a number as it is, a function of names as what it gives.
"""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor

from pinn.binding import names_of
from pinn.derivatives import Orthogonal, cartesian, d
from pinn.validation import finite

Names = str | Sequence[str | None]
"""A name, or several; None in the place of a coordinate that nothing depends on."""

Quantity = Any
"""A number, the name of a coefficient or output, or a function of anything that has a name."""

Rows = Callable[..., Any]
"""An equation: a function of fields by name that returns a row (n,) or a tuple of them."""

_NOTHING: Mapping[str, Quantity] = MappingProxyType({})


def by_name(
    owner: str, rows: Rows, names: Mapping[str, Names | None], quantities: Mapping[str, Quantity] = _NOTHING
) -> Rows:
    """An equation whose arguments are the names among what is given.

    Args:
        owner: the equation's name, for messages.
        rows: the formula, a function of the values of `names` and `quantities`, in their order; a tuple stays one.
        names: role -> name, tuple of names, or None for what there is not: outputs, coordinates, time. All different.
        quantities: role -> number, name, function of names, or a tuple of these.

    Returns:
        A function with keyword arguments, as `Constraint` takes it.

    Raises:
        TypeError: for a quantity that is none of these.
        ValueError: for what cannot be an argument's name, a name that stands for two things, or a number that is not
            finite.

    Example:
        >>> growth = by_name("growth", lambda u, t, k: d(u, t) - k * u, {"output": "u", "time": "t"}, {"rate": "k"})
        >>> names_of(growth)
        (('u', 't', 'k'), ())
    """
    required: list[str] = []
    for role, given in names.items():
        for name in _leaves(given):
            if name is None:
                continue
            _check_name(owner, role, name)
            if name in required:
                raise ValueError(f"{owner}: {name!r} stands for two things; give {role} another name")
            required.append(name)
    optional: dict[str, Any] = {}
    for role, given in quantities.items():
        for leaf in _leaves(given):
            asked, free = _names_in(owner, role, leaf)
            required += [name for name in asked if name not in required]
            optional |= free
    readers = [_reader(_tuples(given)) for given in (*names.values(), *quantities.values())]

    def equation(**given: Any) -> Any:
        return rows(*(read(given) for read in readers))

    keywords = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in required]
    keywords += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
        for name, value in optional.items()
        if name not in required
    ]
    equation.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    equation.__name__ = equation.__qualname__ = owner
    return equation


def listed(
    owner: str,
    coordinates: Names,
    dimensions: Sequence[int] = (),
    role: str = "coordinates",
    frame: Orthogonal = cartesian,
) -> tuple[Any, ...]:
    """Names as a tuple, as many as an equation has a meaning for.

    Args:
        owner: the equation's name, for messages.
        coordinates: a name, or several.
        dimensions: the numbers of them that are allowed; any number from one on where it is empty.
        role: what they are, for messages.
        frame: the system that they belong to.

    Raises:
        TypeError: for what is no name and no sequence of names.
        ValueError: for another number of them, or than the system has.

    Example:
        >>> listed("heat", "x"), listed("heat", ["x", "y"])
        (('x',), ('x', 'y'))
    """
    if isinstance(coordinates, str):
        coordinates = (coordinates,)
    if not is_several(coordinates):
        raise TypeError(f"{owner}: got {role}={coordinates!r}, expected names; give a tuple such as ('x', 'y')")
    wanted = " or ".join(str(number) for number in dimensions) or "at least 1"
    if not coordinates or (dimensions and len(coordinates) not in dimensions):
        raise ValueError(f"{owner}: got {len(coordinates)} {role}, expected {wanted}; give a tuple of as many names")
    if frame.names and len(coordinates) != len(frame.names):
        raise ValueError(
            f"{owner}: got {len(coordinates)} {role} and frame={frame.name}, expected {', '.join(frame.names)}; give "
            "None for one that nothing depends on"
        )
    return tuple(coordinates)


def components(
    owner: str, role: str, given: Any, coordinates: Sequence[Any], default: Sequence[Any]
) -> tuple[Any, ...]:
    """The components of a vector, one a coordinate: those given, or as many of the default ones.

    Raises:
        ValueError: where there are not as many as coordinates.

    Example:
        >>> components("stokes", "velocity", None, ("x", "y"), ("u", "v", "w"))
        ('u', 'v')
    """
    if given is None:
        return tuple(default[: len(coordinates)])
    found = tuple(given) if is_several(given) else (given,)
    if len(found) != len(coordinates):
        raise ValueError(
            f"{owner}: got {len(found)} components of {role} and {len(coordinates)} coordinates, expected one for "
            f"each; give {role} as a tuple of {len(coordinates)}"
        )
    return found


def rate(u: Any, t: Any) -> Any:
    """∂u/∂t (n,), and 0.0 of what is steady, where t is None."""
    return 0.0 if t is None else d(u, t)


def flux_divergence(k: Any, u: Any, xs: Sequence[Any], frame: Orthogonal = cartesian) -> Any:
    """div(k grad u) (n,): k Δu where k is a number, which jets carry as one entry.

    Args:
        k: number, 0-d tensor, field (n,), or a tuple of them, one for each axis.
        u: field (n,).
        xs: coordinates (n,).
        frame: their system.
    """
    if not isinstance(k, tuple) and is_uniform(k):
        return k * frame.laplacian(u, *xs)
    along = k if isinstance(k, tuple) else (k,) * len(xs)
    return frame.divergence(tuple(a * slope for a, slope in zip(along, frame.grad(u, *xs), strict=True)), xs)


def is_several(given: Any) -> bool:
    """Whether something is a tuple, list or other sequence of quantities, and no name."""
    return isinstance(given, Sequence) and not isinstance(given, str)


def is_uniform(k: Any) -> bool:
    """Whether a coefficient is the same everywhere: a number, given or to be found."""
    return isinstance(k, (int, float)) or (isinstance(k, Tensor) and k.ndim == 0)


def total(terms: Sequence[Any]) -> Any:
    """The sum of terms, without a zero to begin with."""
    found = terms[0]
    for term in terms[1:]:
        found = found + term
    return found


def _leaves(given: Any) -> list[Any]:
    if is_several(given):
        return [leaf for entry in given for leaf in _leaves(entry)]
    return [given]


def _tuples(given: Any) -> Any:
    return tuple(_tuples(entry) for entry in given) if is_several(given) else given


def _check_name(owner: str, role: str, name: Any) -> None:
    if not (isinstance(name, str) and name.isidentifier()) or keyword.iskeyword(name):
        raise ValueError(f"{owner}: got {role}={name!r}, expected the name of an argument; give one such as 'u'")


def _names_in(owner: str, role: str, value: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names that a quantity asks for, and those that it has a default for."""
    if isinstance(value, str):
        _check_name(owner, role, value)
        return (value,), {}
    if callable(value):
        try:
            required, _ = names_of(value)
        except ValueError as error:
            raise ValueError(f"{owner}: {role}: {error}") from None
        signature = inspect.signature(value).parameters
        return required, {name: one.default for name, one in signature.items() if one.default is not one.empty}
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        finite(owner, **{role: value})
        return (), {}
    raise TypeError(
        f"{owner}: got {role}={value!r}, expected a number, a name or a function of names; name it, and give it in "
        "the problem's coefficients"
    )


def _reader(value: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Arguments by name -> the value of what is given by name, number, function, or a tuple of these."""
    if isinstance(value, tuple):
        readers = [_reader(entry) for entry in value]
        return lambda given: tuple(read(given) for read in readers)
    if isinstance(value, str):
        return lambda given: given[value]
    if callable(value):
        asked = inspect.signature(value).parameters
        return lambda given: value(**{name: given[name] for name in asked if name in given})
    return lambda given: value
