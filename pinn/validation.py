"""Arguments of references and of the problems that they solve, validated once, where they enter.

Every refusal is one line that says what was got, what was expected and what to give instead:
    burgers: got nu=-1.0, expected a positive finite number; give nu > 0
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any


def positive(owner: str, **given: Any) -> None:
    """Refuse what is not a positive finite number.

    Raises:
        ValueError: naming the first such argument.

    Example:
        >>> positive("heat_1d", conductivity=0.25)
    """
    _check(owner, given, lambda value: value > 0, "a positive finite number", "{} > 0")


def not_negative(owner: str, **given: Any) -> None:
    """Refuse what is not a finite number of at least zero.

    Raises:
        ValueError: naming the first such argument.
    """
    _check(owner, given, lambda value: value >= 0, "a finite number of at least zero", "{} >= 0")


def finite(owner: str, **given: Any) -> None:
    """Refuse what is not a finite number.

    Raises:
        ValueError: naming the first such argument.
    """
    _check(owner, given, lambda value: True, "a finite number", "{} as one")


def whole(owner: str, least: int, **given: Any) -> None:
    """Refuse what is not a whole number of at least `least`; 4.0 is one.

    Raises:
        ValueError: naming the first such argument.
    """
    fits = lambda value: value >= least and float(value).is_integer()  # noqa: E731
    _check(owner, given, fits, f"a whole number of at least {least}", f"{{}} >= {least}")


def count(owner: str, least: int, **given: Any) -> None:
    """Refuse what is not an integer of at least `least`; 4.0 is none.

    Raises:
        ValueError: naming the first such argument.
    """
    fits = lambda value: isinstance(value, Integral) and int(value) >= least  # noqa: E731
    _check(owner, given, fits, f"an integer of at least {least}", f"{{}} >= {least}")


def positive_each(owner: str, length: int, **given: Any) -> None:
    """Refuse what is not a sequence of `length` positive finite numbers.

    Raises:
        ValueError: naming the first such argument.
    """
    for name, values in given.items():
        entries = list(values) if isinstance(values, (tuple, list)) else []
        if len(entries) != length or not all(_is_number(value) and value > 0 for value in entries):
            raise ValueError(
                f"{owner}: got {name}={values!r}, expected {length} positive finite numbers; "
                f"give a tuple of {length}, each > 0"
            )


def _check(owner: str, given: Mapping[str, Any], fits: Callable[[Any], bool], expected: str, cure: str) -> None:
    for name, value in given.items():
        if not (_is_number(value) and fits(value)):
            raise ValueError(f"{owner}: got {name}={value!r}, expected {expected}; give {cure.format(name)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def require_positive_integers(owner: str, **given: Any) -> None:
    """Refuse what is no positive integer.

    Raises:
        TypeError: when it is no integer.
        ValueError: when it is not positive.
    """
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{owner}: {name}={value!r}; expected an integer")
        if value < 1:
            raise ValueError(f"{owner}: {name}={value}; expected a positive integer")


def require_positive(owner: str, **given: float | None) -> None:
    """Refuse a number that is not finite and positive; None passes.

    Raises:
        ValueError: naming the argument.
    """
    for name, value in given.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{owner}: {name}={value}; expected a positive number")


def pair(owner: str, factorisation: Any) -> tuple[float, float] | None:
    """(μ, σ) of a factorisation, or None.

    Raises:
        ValueError: when it is neither.
    """
    if factorisation is None:
        return None
    if isinstance(factorisation, (bool, str)) or not hasattr(factorisation, "__len__") or len(factorisation) != 2:
        raise ValueError(f"{owner}: factorisation={factorisation!r}; give (mean, deviation), e.g. (1.0, 0.1), or None")
    mean, deviation = (float(value) for value in factorisation)
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation >= 0):
        raise ValueError(f"{owner}: factorisation=({mean}, {deviation}); expected finite numbers, deviation >= 0")
    return mean, deviation
