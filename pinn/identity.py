"""What tells one problem from another, as plain values, and what differs between two.

Equations are code, which no file of this library holds. What a file holds of them is what they say of a fixed smooth
field at fixed points: the rows of

    u_k(x) = 0.3 + 0.5 sin(x_1 + ... + x_d + k)                            (`pinn.problem.trial_fields`)

at a few points of each constraint, with the first guesses of unknowns. Another equation, sign, coefficient, law, set or
observation gives other rows; the same one gives the same to rounding on any machine. What is stated as numbers is
compared as such: coordinates, bounds, outputs, coefficients, periods.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pinn.ambient import default_dtype, plain_tensors
from pinn.binding import bind
from pinn.domains import Domain, Points
from pinn.problem import Problem, trial_fields, trial_rows

_POINTS = 16  # of each constraint at which its rows are compared
_SAME = 1e-9  # difference over the largest number of a trace below which two are the same to rounding


def identity(problem: Problem) -> dict[str, Any]:
    """A problem's identity: what it states, and the values of its functions at fixed points.

    Read once, and kept with the problem.
    """
    return problem.once(_identity)


def differences(stored: Mapping[str, Any], problem: Problem) -> list[str]:
    """What of a stored identity is not the problem's, in words; empty where it is the same problem.

    Args:
        stored: an `identity`, or some entries of one.
        problem: what it is compared with.

    Example:
        >>> from pinn.problems import burgers
        >>> differences(identity(burgers(nu=0.02)), burgers(nu=0.01))[0]
        "coefficients: {'nu': 0.02} in the file, {'nu': 0.01} here"
    """
    own, found = identity(problem), []
    for what in ("coordinates", "bounds", "outputs", "forms", "periodic", "coefficients", "unknowns"):
        if what in stored and stored[what] != own[what]:
            found.append(f"{what}: {stored[what]} in the file, {own[what]} here")
    for what, one in (("features", "feature"), ("ansatz", "ansatz"), ("constraints", "constraint")):
        before, now = stored.get(what, own[what]), own[what]
        if list(before) != list(now):
            found.append(f"{what}: {list(before)} in the file, {list(now)} here")
            continue
        if found:
            continue  # other names or numbers give other values
        found += [f"{one} {name!r} {text}" for name in now if (text := _differs(before[name], now[name]))]
    return found


def _identity(problem: Problem) -> dict[str, Any]:
    with plain_tensors(), default_dtype(torch.float64):
        fields, numbers = trial_fields(problem)
        inside = _few(problem.domain)
        return {
            "coordinates": list(problem.coordinates),
            "bounds": {name: [float(low), float(high)] for name, (low, high) in problem.domain.bounds.items()},
            "outputs": list(problem.outputs),
            "forms": {
                name: {
                    "positive": form.positive,
                    "bounds": None if form.bounds is None else list(form.bounds),
                    "smooth": form.smooth,
                }
                for name, form in problem.forms.items()
            },
            "periodic": sorted(problem.periodic),
            "coefficients": dict(problem.known),
            "unknowns": {
                name: {
                    "initial": float(one.initial),
                    "positive": one.positive,
                    "bounds": None if one.bounds is None else [float(end) for end in one.bounds],
                    "inputs": list(one.inputs),
                }
                for name, one in problem.unknowns.items()
            },
            "features": {
                name: _trace(inside, _values(bind(function, {})(inside_columns(inside), {}, {}), inside.n))
                for name, function in problem.features.items()
            },
            "ansatz": {
                name: _trace(inside, _values(_made(problem, function, inside, fields), inside.n))
                for name, function in problem.ansatz.items()
            },
            "constraints": {
                name: _rows(problem, name, _few(one.on), fields, numbers) for name, one in problem.constraints.items()
            },
        }


def inside_columns(points: Points) -> dict[str, Tensor]:
    """The coordinates of points by name, (n,) each."""
    return {name: points.column(name) for name in points.names}


def _made(problem: Problem, function: Any, points: Points, fields: Mapping[str, Any]) -> list[Any]:
    columns = inside_columns(points)
    raw = {name: field(columns) for name, field in fields.items() if name in problem.outputs}
    return bind(function, problem.known, problem.tables)(columns, raw, {})


def _few(domain: Domain) -> Points:
    return domain.sample(_POINTS, generator=torch.Generator().manual_seed(0), method="uniform")


def _rows(
    problem: Problem, name: str, points: Points, fields: Mapping[str, Any], numbers: Mapping[str, float]
) -> dict[str, Any]:
    rows = trial_rows(problem, name, points, fields, numbers)
    return _trace(points, _values(rows, points.n))


def _values(rows: list[Any], n: int) -> Tensor:
    return torch.stack([row.detach().double().cpu().expand(n) for row in rows], 1)


def _trace(points: Points, rows: Tensor) -> dict[str, Any]:
    """Places and rows of the first points, and the root mean square of all rows, so that no observation is left out."""
    return {
        "points": points.n,
        "places": points.x[:_POINTS].detach().double().cpu(),
        "rows": rows[:_POINTS],
        "size": rows.square().mean(0).sqrt(),
    }


def _differs(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two traces; empty where nothing does."""
    if before["points"] != now["points"]:
        return f"has {before['points']} points in the file, {now['points']} here"
    for what, text in (("places", "holds elsewhere"), ("rows", "is another"), ("size", "is another")):
        a, b = before[what], now[what]
        if a.shape != b.shape:
            return f"{text}: shape {tuple(a.shape)} in the file, {tuple(b.shape)} here"
        both = a.isfinite() & b.isfinite()
        largest = max(float(a[both].abs().max()), float(b[both].abs().max())) if bool(both.any()) else 0.0
        apart = float((a[both] - b[both]).abs().max()) if bool(both.any()) else 0.0
        if not torch.equal(a.isfinite(), b.isfinite()):
            apart = math.inf
        if apart > _SAME * largest:
            relative = apart / largest if largest else math.inf
            return f"{text}: its {what} differ by {relative:.1e} of the largest, on a fixed smooth field"
    return ""
