"""Continuation: one problem for a row of values of a coefficient, each answer the start of the next.

    F(u, λ_1) = 0, F(u, λ_2) = 0, …        u_k from u_{k−1}

A nonlinear problem that is far from any answer is solved from one that is near: at a large Reynolds number from that
at a smaller one. An affine problem is solved afresh each time, since its fixed neurons need no start. Where fixed
neurons carry the others, steps of Gauss-Newton go on from the coefficients before. In the cavity, with 21 s of a
processor for each value, Re 100 has an error of 3e-6, Re 400 from there 2e-4. At Re 1000 from Re 400, and from rest,
steps end where the squares have another minimum, at 0.17 and 0.03 of the residual; values in between, 200 and 700,
lead past it, to 6e-3.

Source: Allgower, Georg, Numerical Continuation Methods (1990), ch. 2, natural parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pinn.analysis import analyze
from pinn.problem import Problem
from pinn.regions import with_coefficient
from pinn.solution import Solution
from pinn.solver import solve
from pinn.validation import choices, finite

_OPTIONS = ("start", "checkpoint", "resume", "every")


def solve_along(problem: Problem | Callable[..., Problem], **given: Any) -> list[Solution]:
    """Solve a problem for several values of a coefficient in turn, each from the answer before.

    Args:
        problem: with the coefficient among its `coefficients`; its reference, which is for one value, is left out. Or a
            function that makes the problem of a value, such as `pinn.problems.cavity` of `reynolds`.
        given: the coefficient's name -> two or more values, in the order in which they are solved; and options of
            `solve`, which every solve has. `seconds` and `steps` are those of each.

    Returns:
        The solutions, in the order of the values.

    Raises:
        ValueError: when not exactly one coefficient has values, it is none of the problem's, or an option is one of a
            single run.

    Example:
        >>> from pinn.problems import oscillator
        >>> found = solve_along(oscillator, length=[2.0, 4.0], progress=False, certify=False)
        >>> [bool(solution.error() < 1e-8) for solution in found]
        [True, True]
    """
    name, values, options = _read(problem, given)
    found: list[Solution] = []
    for value in values:
        made = _at(problem, name, value)
        warm = found and not analyze(made).affine
        found.append(solve(made, **options, start=found[-1] if warm else None))
    return found


def _read(problem: Any, given: Mapping[str, Any]) -> tuple[str, list[float], dict[str, Any]]:
    rows = {
        name: list(value)
        for name, value in given.items()
        if isinstance(value, Sequence) and not isinstance(value, str) and name not in ("stages", "callbacks")
    }
    if len(rows) != 1:
        raise ValueError(
            f"solve_along: got values of {sorted(rows) or 'nothing'}, expected those of one coefficient; give e.g. "
            "Re=[100, 400, 1000]"
        )
    ((name, values),) = rows.items()
    for value in values:
        finite("solve_along", **{name: value})
    if isinstance(problem, Problem) and name not in problem.known:
        known = choices(name, list(problem.known))
        raise ValueError(f"solve_along: {name!r} is no number among the coefficients; {known}")
    for option in _OPTIONS:
        if option in given:
            raise ValueError(f"solve_along: got {option}, expected options that every solve can have; leave it out")
    return name, [float(value) for value in values], {key: value for key, value in given.items() if key != name}


def _at(problem: Problem | Callable[..., Problem], name: str, value: float) -> Problem:
    if isinstance(problem, Problem):
        regions = with_coefficient(problem.regions, name, value)
        return replace(problem, coefficients={**problem.coefficients, name: value}, regions=regions, reference=None)
    return problem(**{name: value})
