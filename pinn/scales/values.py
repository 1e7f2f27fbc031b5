"""The scales of one problem as a value, and as a table to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pinn.analysis import analyze
from pinn.problem import Problem


@dataclass(frozen=True)
class Scales:
    """Shifts and sizes of one problem, all in its own units, sizes positive and finite.

    Attributes:
        outputs: output -> (shift, size).
        rows: constraint -> size of each of its residual components, as many as it returns at every point.
        unknowns: unknown coefficient, number or field -> size.

    Example:
        >>> print(Scales({"T": (298.0, 21.5)}, {"equation": (5e6,)}, {"k": 0.1}).table())
        output T             shift 298, size 21.5
        rows of 'equation'   size 5e+06
        unknown k            size 0.1
    """

    outputs: Mapping[str, tuple[float, float]]
    rows: Mapping[str, tuple[float, ...]]
    unknowns: Mapping[str, float] = field(default_factory=dict)

    def table(self) -> str:
        """One line an output, a constraint and an unknown, in the problem's units."""
        lines = [
            (f"output {name}", f"shift {shift:.3g}, size {size:.3g}") for name, (shift, size) in self.outputs.items()
        ]
        for name, sizes in self.rows.items():
            lines.append((f"rows of {name!r}", "size " + ", ".join(f"{size:.3g}" for size in sizes)))
        lines += [(f"unknown {name}", f"size {size:.3g}") for name, size in self.unknowns.items()]
        width = max((len(label) for label, _ in lines), default=0)
        return "\n".join(f"{label:<{width}}   {text}" for label, text in lines)


def unit_scales(problem: Problem) -> Scales:
    """Shifts of zero and sizes of one: a problem in the units it is stated in, unmeasured.

    Args:
        problem: whose outputs, constraints and unknowns get them; none of its equations need be finite anywhere.
    """
    rows = {name: (1.0,) * one.residuals_per_point for name, one in analyze(problem).constraints.items()}
    return Scales(dict.fromkeys(problem.outputs, (0.0, 1.0)), rows, dict.fromkeys(problem.unknowns, 1.0))
