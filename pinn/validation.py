"""Arguments, validated once, where they enter.

Every refusal is one line that says whose argument it is, what was got, what was expected and what to give instead:

    burgers: got nu=-1.0, expected a positive finite number; give nu > 0

Each function takes the owner's name and the arguments by theirs.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
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


def fraction(owner: str, *, zero: bool = False, one: bool = False, **given: Any) -> None:
    """Refuse what is not a number between 0 and 1.

    Args:
        owner: whose arguments they are.
        zero: whether 0 is allowed.
        one: whether 1 is allowed.
        given: the arguments.

    Raises:
        ValueError: naming the first such argument.

    Example:
        >>> fraction("SPRING", zero=True, momentum=0.0)
    """
    fits = lambda value: 0 < value < 1 or (zero and value == 0) or (one and value == 1)  # noqa: E731
    ends = f"{'[' if zero else '('}0, 1{']' if one else ')'}"
    _check(owner, given, fits, f"a number in {ends}", f"0 {'<=' if zero else '<'} {{}} {'<=' if one else '<'} 1")


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


def choices(name: str, available: Sequence[str]) -> str:
    """`choose among …`, with the nearest spelling first, for error messages."""
    near = difflib.get_close_matches(name, available, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"choose among {sorted(available)}{hint}"


def _check(owner: str, given: Mapping[str, Any], fits: Callable[[Any], bool], expected: str, cure: str) -> None:
    for name, value in given.items():
        if not (_is_number(value) and fits(value)):
            raise ValueError(f"{owner}: got {name}={value!r}, expected {expected}; give {cure.format(name)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
