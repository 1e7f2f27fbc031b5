"""A change of the answer that the constraints hardly see, as numbers and in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_SAME = 1e-3  # relative changes that agree to this are a product or a quotient


@dataclass(frozen=True)
class Direction:
    """A change of the answer that the constraints hardly see.

    Attributes:
        stability: size of the scaled rows that a change of unit size along it makes, dimensionless.
        outputs: output or unknown field -> its part of the change, 0 to 1, those that take part.
        where: coordinate -> (low, high), the shortest interval with half of the change, where that is telling.
        unknowns: unknown number -> its relative change, signed, those that take part.
        changes: unknown number -> the same change in its own units.
        what: what is missing, where it is known, one sentence without its full stop; it is what `str` says.
        cure: what to do about it, an imperative; empty where `what` is.

    Example:
        >>> print(Direction(1e-6, {}, {}, {"a": 0.45, "c": 0.89}, {"a": 0.045, "c": 0.444}))
        a and c can change together (only c − 9.87 a is determined)
        >>> print(Direction(1e-6, {"u": 1.0}, {"x": (0.9, 1.0)}))
        u can change near x = 0.9 … 1 without any constraint seeing it
    """

    stability: float
    outputs: Mapping[str, float]
    where: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unknowns: Mapping[str, float] = field(default_factory=dict)
    changes: Mapping[str, float] = field(default_factory=dict)
    what: str = ""
    cure: str = ""

    def __str__(self) -> str:
        if self.what:
            return self.what
        names = sorted(self.outputs, key=lambda name: -self.outputs[name])
        numbers = [name for name in self.unknowns if name in self.changes]
        place = ", ".join(f"{name} = {low:.3g} … {high:.3g}" for name, (low, high) in self.where.items())
        if not numbers:
            near = f" near {place}" if place else ""
            return f"{_joined(names)} can change{near} without any constraint seeing it"
        together = " together" if len(numbers) + len(names) > 1 else " without any constraint seeing it"
        if names:
            return f"{_joined([*numbers, *names])} can change together without any constraint seeing it"
        return f"{_joined(numbers)} can change{together}{self._determined(numbers)}"

    def _determined(self, numbers: list[str]) -> str:
        """What of the unknown numbers is determined: a combination of each pair, to first order."""
        if len(numbers) < 2:
            return ""
        first, *others = numbers
        found = []
        for other in others:
            left, right = self.unknowns[first], self.unknowns[other]
            if abs(left + right) < _SAME * abs(left):
                found.append(f"{first}·{other}")
            elif abs(left - right) < _SAME * abs(left):
                found.append(f"{other}/{first}")
            else:
                ratio = self.changes[other] / self.changes[first]
                found.append(f"{other} {'−' if ratio > 0 else '+'} {abs(ratio):.3g} {first}")
        return f" (only {_joined(found)} {'is' if len(found) == 1 else 'are'} determined)"


def _joined(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
