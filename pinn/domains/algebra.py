"""The algebra of sets: what `A | B`, `A & B`, `A - B` and `A * B` are, each written in its shortest form.

    (A ∪ B) ∪ C = ∪{A, B, C},   (A − B) − C = A − {B, C},   A − (B ∪ C) = A − {B, C},   box × box = box

and what `A.moved(...)`, `A.turned(...)`, `A.scaled(...)`, `A.revolved(...)` and `A.part(...)` are.

Only here do sets and their combinations meet: a domain's operators ask this module, so that no set has to know of any
combination, nor of any other set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pinn.domains.box import Box
from pinn.domains.combined import Difference, Intersection, Union
from pinn.domains.domain import Domain
from pinn.domains.function_space import FunctionSpace
from pinn.domains.image import Parametric, image, scale, shift, turn
from pinn.domains.part import part
from pinn.domains.product import Product
from pinn.domains.random_function import RandomFunction, names_over
from pinn.domains.revolved import Revolved
from pinn.validation import choices

__all__ = [
    "difference",
    "family",
    "intersection",
    "moved",
    "operator",
    "part",
    "product",
    "revolved",
    "scaled",
    "turned",
    "union",
]

Made = TypeVar("Made")

_PARAMETERS = 6  # of a family at the most


def union(left: Domain, right: Domain) -> Union:
    """`left | right`, with unions of unions written as one.

    Raises:
        ValueError: when coordinates or dimensions differ.
    """
    return _with_parameters(Union((*_members(left), *_members(right))), left, right)


def intersection(left: Domain, right: Domain) -> Intersection:
    """`left & right`.

    Raises:
        ValueError: when coordinates differ, neither set is a solid, or they have no point in common.
    """
    return _with_parameters(Intersection(left, right), left, right)


def difference(left: Domain, right: Domain) -> Difference:
    """`left - right`, with repeated differences and removed unions written as one.

    Raises:
        ValueError: when coordinates differ, or nothing would be removed.
    """
    removed = _members(right)
    if isinstance(left, Difference) and not left.parts:
        return _with_parameters(Difference(left.base, (*left.removed, *removed)), left)
    return _with_parameters(Difference(left, removed), left)


def family(of: Domain, bounds: Mapping[str, Sequence[float]]) -> Domain:
    """`of.parameter(...)`: the product with a box whose coordinates are known to be parameters.

    Raises:
        ValueError: for none or more than six parameters, or a name that a coordinate has.
    """
    coefficients = {name for space in of.functions.values() for name in space.coordinates}
    names = tuple(name for name in (*of.parameters, *bounds) if name not in coefficients)
    if not 1 <= len(names) <= _PARAMETERS:
        raise ValueError(
            f"parameter: got {len(names)} of them, expected one to {_PARAMETERS}; give e.g. box.parameter(k=(1, 4))"
        )
    return _known_as(product(of, Box(**bounds)), (*of.parameters, *bounds), of.functions)


def operator(of: Domain, laws: Mapping[str, Any]) -> Domain:
    """`of.function(...)`: the product with spaces of functions, whose coefficients are parameters.

    Raises:
        TypeError: for what is no law of functions.
        ValueError: for none, or a function of what is no coordinate.
    """
    if not laws:
        raise ValueError("function: got none, expected one at least; give e.g. box.function(f=GaussianField(over='x'))")
    made, functions = of, dict(of.functions)
    for name, law in laws.items():
        if isinstance(law, type) or not isinstance(law, RandomFunction):
            raise TypeError(
                f"function: got {name}={law!r:.60}, expected how it is random; give e.g. GaussianField(over='x')"
            )
        over = names_over(f"function {name!r}", law.over)
        if other := [one for one in over if one not in of.coordinates or one in of.parameters]:
            place = [one for one in of.coordinates if one not in of.parameters]
            raise ValueError(f"function {name!r}: got over={other[0]!r}; {choices(other[0], place)}")
        if name in (*of.coordinates, *of.functions):
            raise ValueError(f"function: got the name {name!r}, which something of {of!r} has; give another one")
        space = FunctionSpace(name, law.expand({one: of.bounds[one] for one in over}))
        made, functions[name] = product(made, space), space
    coefficients = (key for space in functions.values() for key in space.coordinates)
    return _known_as(made, tuple(dict.fromkeys((*of.parameters, *coefficients))), functions)


def product(left: Domain, right: Domain) -> Domain:
    """`left * right`; boxes give a box, so that it keeps its faces.

    Raises:
        ValueError: when the sets share a coordinate.
    """
    boxes = isinstance(left, Box) and isinstance(right, Box) and not (left.parts or right.parts)
    if boxes and not set(left.coordinates) & set(right.coordinates):
        return _with_parameters(Box(**left.bounds, **right.bounds), left, right)
    return _with_parameters(Product(left, right), left, right)


def _with_parameters(made: Made, *of: Domain) -> Made:
    """What was made of sets, whose coordinates that are parameters of a family stay parameters."""
    names = tuple(dict.fromkeys(name for one in of for name in getattr(one, "parameters", ())))
    functions = {name: space for one in of for name, space in getattr(one, "functions", {}).items()}
    return _known_as(made, names, functions) if names and isinstance(made, Domain) else made


def _known_as(made: Made, parameters: tuple[str, ...], functions: Mapping[str, Any]) -> Made:
    object.__setattr__(made, "parameters", parameters)  # a set is frozen once it is made
    object.__setattr__(made, "functions", functions)
    return made


def _members(of: Domain) -> tuple[Domain, ...]:
    """Those of a union; one whose parts have names stays whole, so that they are found."""
    return of.members if isinstance(of, Union) and not of.parts else (of,)


def moved(of: Domain, by: Mapping[str, Any]) -> Domain | Parametric:
    """`of.moved(**by)`."""
    return _with_parameters(image(of, shift(of, by)), of)


def turned(of: Domain, angle: Any, plane: tuple[str, ...], about: Mapping[str, float] | None) -> Domain | Parametric:
    """`of.turned(angle, *plane, about=about)`."""
    return _with_parameters(image(of, turn(of, angle, plane, about)), of)


def scaled(of: Domain, factor: Any, about: Mapping[str, float] | None, by: Mapping[str, Any]) -> Domain | Parametric:
    """`of.scaled(factor, about=about, **by)`."""
    return _with_parameters(image(of, scale(of, factor, about, by)), of)


def revolved(of: Domain, angles: Sequence[float] | None, axes: Mapping[str, Sequence[str]]) -> Domain:
    """`of.revolved(angles, **axes)`.

    Raises:
        ValueError: when there is not one coordinate to revolve.
    """
    if len(axes) != 1:
        raise ValueError(
            f"revolved: got {list(axes)}, expected one coordinate, the distance from the axis, and the names that it "
            "becomes; give e.g. revolved(r=('x', 'y'))"
        )
    ((radial, names),) = axes.items()
    return Revolved(of, radial, tuple(names), None if angles is None else tuple(angles))
