"""One problem from several seeds: an ensemble, whose spread is what training leaves to chance.

Source: `pinn.solution.ensemble`, which says what the spread is and what it is not.
"""

from __future__ import annotations

from typing import Any

from pinn.problem import Problem
from pinn.solution import Ensemble
from pinn.solver import solve
from pinn.validation import count

_OPTIONS = ("start", "checkpoint", "resume", "every")


def solve_ensemble(problem: Problem, n: int = 5, *, seed: int = 0, **options: Any) -> Ensemble:
    """Solve a problem from n seeds, one after the other.

    Args:
        problem: what is to be solved.
        n: members, at least 2.
        seed: of the first; the others follow, `seed + 1` and so on.
        options: of `solve`, for each member; `seconds` and `steps` are those of each. A problem that fixed neurons
            carry is solved to rounding from any seed: name a network, or `features=None`, to see what training leaves.

    Returns:
        The members as one function, their mean, with their spread.

    Raises:
        ValueError: for fewer than two members, or an option of a single run.

    Example:
        >>> from pinn.problems import oscillator
        >>> found = solve_ensemble(oscillator(), n=2, steps=30, progress=False, certify=False, features=None)
        >>> len(found), bool(found.relative_spread() < 1e-2)
        (2, True)
    """
    count("solve_ensemble", 2, n=n)
    count("solve_ensemble", 0, seed=seed)
    for option in _OPTIONS:
        if option in options:
            raise ValueError(f"solve_ensemble: got {option}, expected options that every member can have; leave it out")
    return Ensemble([solve(problem, **options, seed=seed + index) for index in range(n)])
