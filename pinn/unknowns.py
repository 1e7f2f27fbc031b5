"""Coefficients that are to be found: numbers and fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pinn.validation import finite


@dataclass(frozen=True)
class Unknown:
    """A coefficient that is to be found together with the solution.

    Args:
        initial: first guess, in the coefficient's own units; its size is the scale the optimizer sees. With a guess so
            small that no row feels it, a millionth of what would, that scale is measured (`pinn.scales`).
        positive: keep it positive (value = size * exp(raw)); it begins at that size, which is the first guess where a
            row feels it.
        bounds: `(low, high)` keeps it between (value = low + (high - low) * sigmoid(raw)).
        inputs: names of the coordinates it depends on; empty for a number, `("x",)` for a field k(x),
            which is then a small network of its own, starting at `initial`.
        smooth: whether a field that is found from noisy data is kept smooth, as smooth as the data find it likeliest
            (`pinn.verification.evidence`); False where the problem's own constraints see to that.

    Raises:
        TypeError: when `inputs` holds anything but names.
        ValueError: when the first guess is not a finite number or `bounds` are not two of them, or when they contradict
            each other or `positive`.

    Example:
        >>> Unknown(0.1, positive=True).initial
        0.1
    """

    initial: float
    positive: bool = False
    bounds: tuple[float, float] | None = None
    inputs: tuple[str, ...] = ()
    smooth: bool = True

    def __post_init__(self) -> None:
        finite("Unknown", initial=self.initial)
        if self.positive and self.bounds is not None:
            raise ValueError("Unknown: got positive=True and bounds; give one of them")
        if self.positive and self.initial <= 0:
            raise ValueError(
                f"Unknown: positive=True needs a positive first guess, got {self.initial}; give initial > 0"
            )
        if self.bounds is not None:
            object.__setattr__(self, "bounds", _interval(self.initial, self.bounds))
        inputs = (self.inputs,) if isinstance(self.inputs, str) else entries(self.inputs)
        if inputs is None or not all(isinstance(name, str) for name in inputs):
            raise TypeError(
                f"Unknown: got inputs={self.inputs!r}, expected names of coordinates; give a tuple such as ('x',)"
            )
        object.__setattr__(self, "inputs", inputs)


def entries(given: Any) -> tuple[Any, ...] | None:
    """The entries of a tuple, list, array or other sequence; None of what is none."""
    return None if isinstance(given, (str, Mapping)) or not hasattr(given, "__iter__") else tuple(given)


def _interval(initial: float, bounds: Any) -> tuple[float, float]:
    """The bounds of an unknown as a pair, with its first guess inside."""
    ends = entries(bounds)
    if ends is None or len(ends) != 2:
        raise ValueError(f"Unknown: got bounds={bounds!r}, expected two finite numbers; give (low, high)")
    if math.inf in ends or -math.inf in ends:
        raise ValueError(
            f"Unknown: got bounds={bounds!r}, expected two finite numbers; give (low, high), or positive=True in place "
            "of (0, inf)"
        )
    finite("Unknown: bounds", low=ends[0], high=ends[1])
    low, high = ends
    if not low < initial < high:
        raise ValueError(f"Unknown: the first guess {initial} is not inside bounds={ends}; give low < initial < high")
    if not 0 < (initial - low) / (high - low) < 1:
        raise ValueError(
            f"Unknown: bounds={ends} are too wide to tell the first guess {initial} from one of them; narrow them"
        )
    return low, high
