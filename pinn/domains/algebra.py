"""The algebra of sets: what `A | B`, `A & B`, `A - B` and `A * B` are, each written in its shortest form.

    (A ∪ B) ∪ C = ∪{A, B, C},   (A − B) − C = A − {B, C},   A − (B ∪ C) = A − {B, C},   box × box = box

Only here do sets and their combinations meet: a domain's operators ask this module, so that no set has to know of any
combination, nor of any other set.
"""

from __future__ import annotations

from pinn.domains.box import Box
from pinn.domains.combined import Difference, Intersection, Union
from pinn.domains.domain import Domain
from pinn.domains.product import Product


def union(left: Domain, right: Domain) -> Union:
    """`left | right`, with unions of unions written as one.

    Raises:
        ValueError: when coordinates or dimensions differ.
    """
    members = [*(left.members if isinstance(left, Union) else (left,))]
    members += right.members if isinstance(right, Union) else (right,)
    return Union(tuple(members))


def intersection(left: Domain, right: Domain) -> Intersection:
    """`left & right`.

    Raises:
        ValueError: when coordinates differ, neither set is a solid, or they have no point in common.
    """
    return Intersection(left, right)


def difference(left: Domain, right: Domain) -> Difference:
    """`left - right`, with repeated differences and removed unions written as one.

    Raises:
        ValueError: when coordinates differ, or nothing would be removed.
    """
    removed = right.members if isinstance(right, Union) else (right,)
    if isinstance(left, Difference):
        return Difference(left.base, (*left.removed, *removed))
    return Difference(left, removed)


def product(left: Domain, right: Domain) -> Domain:
    """`left * right`; boxes give a box, so that it keeps its faces.

    Raises:
        ValueError: when the sets share a coordinate.
    """
    if isinstance(left, Box) and isinstance(right, Box) and not set(left.coordinates) & set(right.coordinates):
        return Box(**left.bounds, **right.bounds)
    return Product(left, right)
