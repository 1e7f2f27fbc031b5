"""What a problem costs as it gets harder: error against seconds, one family of problems a panel, with slopes.

A family is one problem at several values of what makes it hard: waves in a box, dimensions, a thin layer. Of each curve
the slope is told, d log error / d log seconds by least squares over its fall: from its first value to the first that
is within a factor of three of its least. Of each family the exponent p is told with which the seconds to an error grow,
seconds ∝ difficulty^p, by least squares over the values that get there. Seconds are divided by the factor of the
machine.
"""

from __future__ import annotations

import inspect
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pinn.derivatives import laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import count

from ..command_line.configuration import ConfigurationError
from .results import Record
from .suite import here
from .tables import Array, at, curve, factor, grouped, heading, median_curve, missing_table, reached, shown, table

TIMES = (3.0, 10.0, 60.0)
LEVELS = (1e-2, 1e-4, 1e-6)
NEAR = 3.0


def poisson(dimensions: int) -> Problem:
    """-Δu = π² Σ cos πxᵢ on the unit cube, u = Σ cos πxᵢ around it: `poisson_5d` in any number of dimensions.

    Args:
        dimensions: d, at least 1.

    Raises:
        ValueError: for fewer.

    Example:
        >>> float(poisson(2).reference(x1=0, x2=1))
        0.0
    """
    count("poisson", 1, dimensions=dimensions)
    names = [f"x{i + 1}" for i in range(dimensions)]
    domain = Box(**dict.fromkeys(names, (0, 1)))

    def waves(*x: Any) -> Any:
        return sum(torch.cos(math.pi * xi) for xi in x)

    def equation(u: Any, *x: Any) -> Any:
        return -laplacian(u, *x) - math.pi**2 * waves(*x)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(of(equation, ["u", *names]), on=domain),
            "walls": Constraint(of(lambda u, *x: u - waves(*x), ["u", *names]), on=domain.boundary()),
        },
        reference=Analytic(of(waves, names)),
        name=f"poisson_{dimensions}d",
    )


def of(function: Any, names: Sequence[str]) -> Any:
    """A function of any number of arguments under names of its own."""

    def named(**given: Any) -> Any:
        return function(*(given[name] for name in names))

    kind = inspect.Parameter.KEYWORD_ONLY
    named.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore
    return named


def suite_of(families: Mapping[str, Any]) -> dict[str, Any]:
    """The problems of families, as a benchmark's suite, in order.

    Args:
        families: name -> what (is varied), parameters (that take the value), values, problem (a call).

    Raises:
        ConfigurationError: for a family that lacks one of them.
    """
    suite = {}
    for name, family in families.items():
        lacking = [key for key in ("what", "parameters", "values", "problem") if not family.get(key)]
        if lacking:
            raise ConfigurationError(f"families.{name}: it has no {lacking[0]}; give families.{name}.{lacking[0]}")
        for value in family["values"]:
            problem = {**family["problem"], **dict.fromkeys(family["parameters"], value)}
            suite[name_of(name, value)] = {"target": 1.0, "problem": here(problem)}
    return suite


def name_of(family: str, value: float) -> str:
    """Of one problem of a family."""
    return f"{family} {value:g}"


def markdown(
    records: Sequence[Record],
    families: Mapping[str, Any],
    command: str,
    gaps: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The account: one line a problem, and how fast each family's seconds grow."""
    suite, groups = suite_of(families), grouped(records)
    parts = [heading(records, command)]
    rows, growth = [], []
    for family, entry in families.items():
        costs: dict[float, dict[float, float]] = {level: {} for level in LEVELS}
        for value in entry["values"]:
            runs = [run for (problem, _), found in groups.items() if problem == name_of(family, value) for run in found]
            if not runs:
                continue
            curves = [scaled(run, suite) for run in runs]
            for level in LEVELS:
                costs[level][value] = statistics.median(reached(*one, level) for one in curves)
            floor = float(runs[0]["reference_error"])
            rows.append(
                [
                    family,
                    f"{entry['what']} = {value:g}",
                    *(error_at(curves, when, floor) for when in TIMES),
                    *(f"{costs[level][value]:.1f}" if math.isfinite(costs[level][value]) else "—" for level in LEVELS),
                    told(statistics.median(slope(*one) for one in curves)),
                    f"{statistics.median(run['steps'] for run in runs):.0f}",
                ]
            )
        powers = [exponent(costs[level]) for level in LEVELS]
        growth.append([family, entry["what"], *map(told, powers)])
    if rows:
        levels = [f"to {level:.0e}" for level in LEVELS]
        parts += [
            "Relative L2 error at so many seconds, and seconds to an error, both divided by the machine's factor; "
            "slope: d log error / d log seconds while it falls.",
            table(("family", "problem", *(f"at {when:g} s" for when in TIMES), *levels, "slope", "steps"), rows),
            "Exponent p of seconds ∝ difficulty^p to an error, over the problems that get there (two at the least).",
            table(("family", "difficulty", *levels), growth),
        ]
    parts += missing_table(gaps)
    return "\n\n".join(parts) + "\n"


def told(value: float) -> str:
    """A slope or exponent to one decimal, a dash where there is none."""
    return f"{value:.1f}" if math.isfinite(value) else "—"


def scaled(record: Record, suite: Mapping[str, Any]) -> tuple[Array, Array]:
    """Seconds divided by the machine's factor, and errors."""
    seconds, values = curve(record, suite)
    return seconds / factor(record), values


def error_at(curves: Sequence[tuple[Array, Array]], when: float, floor: float) -> str:
    """Median error at a time, a dash where a run ended long before it."""
    values = [at(*one, when) for one in curves if one[0][-1] >= 0.9 * when]
    return shown(statistics.median(values), floor) if values and np.isfinite(values).all() else "—"


def slope(seconds: Array, values: Array) -> float:
    """d log error / d log seconds over the fall of a curve, by least squares; NaN for fewer than three points of it."""
    known = np.isfinite(values) & (values > 0) & (seconds > 0)
    seconds, values = seconds[known], values[known]
    if seconds.size < 3:
        return math.nan
    end = max(3, int(np.flatnonzero(values <= NEAR * values.min())[0]) + 1)
    return float(np.polyfit(np.log(seconds[:end]), np.log(values[:end]), 1)[0])


def exponent(costs: Mapping[float, float]) -> float:
    """p of seconds ∝ difficulty^p by least squares over the finite costs; NaN for fewer than two.

    Example:
        >>> round(exponent({2: 1.0, 4: 8.0, 8: 64.0, 16: math.inf}), 12)
        3.0
    """
    known = {value: seconds for value, seconds in costs.items() if math.isfinite(seconds) and seconds > 0}
    if len(known) < 2:
        return math.nan
    return float(np.polyfit(np.log(list(known)), np.log(list(known.values())), 1)[0])


def picture(records: Sequence[Record], families: Mapping[str, Any], path: Path) -> None:
    """Error against seconds divided by the machine's factor: a panel a family, a line a difficulty, slopes told."""
    from matplotlib.ticker import NullFormatter

    from pinn.plotting.canvas import INK, PALETTE, logarithmic, new_figure, quiet, save

    suite, groups = suite_of(families), grouped(records)
    figure = new_figure(3.8 * len(families), 3.6)
    for index, (family, entry) in enumerate(families.items()):
        axes = quiet(figure.add_subplot(1, len(families), index + 1))
        heights = []
        for place, value in enumerate(entry["values"]):
            runs = [run for (problem, _), found in groups.items() if problem == name_of(family, value) for run in found]
            curves = [pair for pair in (scaled(run, suite) for run in runs) if np.isfinite(pair[1]).any()]
            if not curves:
                continue
            times, values = median_curve(curves)
            steep = told(statistics.median(slope(*one) for one in curves))
            color = PALETTE[place % len(PALETTE)]
            axes.plot(times, values, color=color, lw=1.6, label=f"{value:g} (slope {steep})")
            heights.append(values)
        if heights:
            logarithmic(axes, *heights)
            axes.set_xscale("log")
            low, high = axes.get_xlim()
            if high > 20 * low:  # a shorter axis may have no power of ten to be told by
                axes.xaxis.set_minor_formatter(NullFormatter())
            axes.legend(frameon=False, fontsize=7, title=entry["what"], title_fontsize=8)
        axes.set_title(family, fontsize=10, color=INK)
        axes.set_xlabel("seconds ÷ factor", fontsize=9)
        if index == 0:
            axes.set_ylabel("error", fontsize=9)
    save(figure, path)
