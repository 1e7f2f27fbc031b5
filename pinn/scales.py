"""How large everything in a problem is: shift and size of each output, size of each row and of each unknown.

A model writes an output as shift + size * N, the objective divides each row by its size, and an unknown is
value = size * raw, so that the units a problem is stated in decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scales:
    """Shifts and sizes of one problem, all in its own units, sizes positive and finite.

    Attributes:
        outputs: output -> (shift, size).
        rows: constraint -> size of each of its residual components, as many as it returns at every point.
        unknowns: unknown coefficient, number or field -> size.
    """

    outputs: Mapping[str, tuple[float, float]]
    rows: Mapping[str, tuple[float, ...]]
    unknowns: Mapping[str, float] = field(default_factory=dict)
