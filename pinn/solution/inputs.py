"""Functions as arguments of a solution: their coefficients, and whether the answer holds for them.

A function is put into the terms of its kind (`pinn.domains.projection`). What these leave of it is no part of the
question that the answer answers; a function of the kind leaves σ √(Σ_{k > K} λ_k) in the mean square, and more than z
times that, or a coefficient beyond z standard deviations, is another kind of function, for which nothing was asked.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from pinn.domains import FunctionSpace
from pinn.problem import Problem

_EXACT = 1e-6  # of a function, which is left where its kind leaves nothing


class OutsideDomainWarning(UserWarning):
    """An answer is read where nothing was asked of it."""


def with_coefficients(problem: Problem, named: Mapping[str, Any], extrapolate: bool) -> dict[str, Any]:
    """Arguments of a solution with the coefficients of functions in the place of these.

    Args:
        problem: whose inputs they are.
        named: coordinate or function -> what was given.
        extrapolate: whether a function of another kind is a warning, and not an error.

    Raises:
        TypeError: when something is no function, or is given with coefficients of its own.
        ValueError: when it is of another kind.
    """
    given = dict(named)
    for name, space in problem.domain.functions.items():
        if name not in given:
            continue
        if twice := sorted(set(space.coordinates) & set(given)):
            raise TypeError(f"solution: got {name!r} and its coefficient {twice[0]!r}; give the function alone")
        given |= _coefficients(name, space, given.pop(name), extrapolate)
    return given


def shown_names(problem: Problem) -> list[str]:
    """Coordinates, and functions in the place of their coefficients."""
    spaces = problem.domain.functions
    hidden = {key for space in spaces.values() for key in space.coordinates}
    return [*(name for name in problem.coordinates if name not in hidden), *spaces]


def _coefficients(name: str, space: FunctionSpace, function: Any, extrapolate: bool) -> dict[str, float]:
    found = space.project(function)
    known, z = space.expansion, space.deviations
    values = dict(zip(space.coordinates, found.coefficients.tolist(), strict=True))
    far = max(values, key=lambda key: abs(values[key]))
    size = found.left / found.error if found.error > 0 else 0.0
    said = ""
    if abs(values[far]) > z:
        said = f"its coefficient {far} is {abs(values[far]):.2g} standard deviations, and training had up to {z:g}"
    elif found.left > z * known.left + _EXACT * size:
        share = f"{known.count} terms leave {found.left:.2g} of it, a share of {found.error:.1e}"
        said = f"{share}, and {known.left:.2g} of those of its kind"
    if said and not extrapolate:
        raise ValueError(
            f"solution: {name} is no function of the kind that is known: {said}; train with another length, size or "
            "number of terms, or read the answer all the same by .extrapolate(...)"
        )
    if said:
        warnings.warn(f"solution: {name} is no function of the kind that is known: {said}", OutsideDomainWarning, 5)
    return values
