"""Pictures of a run: loss and error against wall time for one run or several, and the optimizer's own trace.

Loss is half the weighted mean square of the residuals, on the points trained on and on validation points; error is
relative L2 against the reference. Where the two losses part, the network fits its points and not the equation. A dot
is the answer: that of linear solves where they made it, or the parameters of least validation loss.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.canvas import INK, MUTED, PALETTE, logarithmic, new_figure, quiet, save
from pinn.plotting.drawable import Array, Recording


def plot_history(
    histories: Recording | Mapping[str, Recording],
    path: str | os.PathLike[str] | None = None,
    *,
    reference_error: float = 0.0,
    title: str = "",
) -> Figure:
    """Loss and, where there is a reference, error against wall seconds, both logarithmic.

    Args:
        histories: one history, or several by label for a comparison.
        path: file to write; left out, nothing is written.
        reference_error: what the reference is known to be wrong by, drawn as a line where it is reached; dimensionless.
        title: above both panels.

    Returns:
        The figure, which belongs to the caller.
    """
    runs = dict(histories) if isinstance(histories, Mapping) else {"": histories}
    errors = any(np.isfinite(history.column("error")).any() for history in runs.values())
    figure = new_figure(11 if errors else 6.5, 4.2)
    loss = quiet(figure.add_subplot(1, 2 if errors else 1, 1))
    several = len(runs) > 1
    curves = []
    for index, (label, history) in enumerate(runs.items()):
        color = PALETTE[index % len(PALETTE)]
        if several:
            curves.append(_curve(loss, history, "validation", color, label))
        else:
            curves.append(_curve(loss, history, "loss", MUTED, "points trained on", lw=0.9))
            curves.append(_curve(loss, history, "validation", color, "validation points", lw=2))
            _stages(loss, history)
        _answer(loss, history, "seconds", "validation", color)
    logarithmic(loss, *curves)
    loss.set(xlabel="wall time (s)", ylabel="validation loss" if several else "loss", title="loss")
    _legend(loss)
    if errors:
        axes = quiet(figure.add_subplot(1, 2, 2))
        curves = [
            _curve(axes, history, "error", PALETTE[index % len(PALETTE)], label, lw=2)
            for index, (label, history) in enumerate(runs.items())
        ]
        logarithmic(axes, *curves)
        for index, history in enumerate(runs.values()):
            _answer(axes, history, "seconds", "error", PALETTE[index % len(PALETTE)])
        if not several:
            _stages(axes, next(iter(runs.values())))
        if reference_error > 0 and axes.get_ylim()[0] < reference_error:
            axes.axhline(reference_error, color=MUTED, lw=1, ls=":", label="the reference's own error")
        axes.set(xlabel="wall time (s)", ylabel="relative L2 error", title="error")
        _legend(axes)
    return _finish(figure, title, path)


def plot_balance(history: Recording, path: str | os.PathLike[str] | None = None, *, title: str = "") -> Figure:
    """Each constraint's part of the validation loss against wall seconds, logarithmic.

    Args:
        history: of one run.
        path: file to write; left out, nothing is written.
        title: above the panel.

    Returns:
        The figure, which belongs to the caller.
    """
    names = [name for name in dict.fromkeys(name for row in history for name in row) if name.startswith(_PART)]
    figure = new_figure(6.5, 4.2)
    axes = quiet(figure.add_subplot(1, 1, 1))
    curves = [
        _curve(axes, history, name, PALETTE[index % len(PALETTE)], name.removeprefix(_PART))
        for index, name in enumerate(names)
    ]
    logarithmic(axes, *curves)
    axes.set(xlabel="wall time (s)", ylabel="part of the validation loss")
    _legend(axes)
    return _finish(figure, title, path)


# Panel title -> columns of the history that it shows, whether y is logarithmic.
_TRACE: dict[str, tuple[dict[str, str], bool]] = {
    "loss": ({"loss": "points trained on", "validation": "validation points"}, True),
    "error": ({"error": "relative L2"}, True),
    "damping λ": ({"damping": "λ"}, True),
    "ratio ρ, actual over predicted decrease": ({"ratio": "ρ"}, False),
    "points, rows and parameters": ({"points": "points", "rows": "rows", "parameters": "parameters"}, False),
    "corrections used": ({"corrections": "a step"}, False),
    "condition of the system": ({"condition": "estimate"}, True),
    "rank": ({"rank": "rank"}, False),
    "digits of the solves": ({"refinements": "refinements", "orthogonal": "QR of J (1: yes)"}, False),
    "learning rate": ({"rate": "η"}, True),
    "step length": ({"length": "step", "radius": "radius"}, True),
    "gradient": ({"gradient": "|g|"}, True),
    "work a step": (
        {"evaluations": "evaluations", "solves": "solves", "iterations": "iterations", "products": "products"},
        False,
    ),
}
# What an optimizer says of its time, in seconds a step, begins with this.
_TIME = "seconds/"
# What a constraint's part of the validation loss begins with.
_PART = "validation/"


def plot_trace(history: Recording, path: str | os.PathLike[str] | None = None, *, title: str = "") -> Figure:
    """What the optimizer tells of each step, one small panel a quantity, against the steps.

    Args:
        history: of one run; quantities that its optimizer does not report have no panel.
        path: file to write; left out, nothing is written.
        title: above the panels.

    Returns:
        The figure, which belongs to the caller.
    """
    shown = {
        name: ({column: label for column, label in columns.items() if _has(history, column)}, log)
        for name, (columns, log) in _TRACE.items()
    }
    shown = {name: panel for name, panel in shown.items() if panel[0]}
    names = dict.fromkeys(name for row in history for name in row)
    times = {name: name.removeprefix(_TIME) for name in names if name.startswith(_TIME)}
    count = len(shown) + bool(times)
    columns = min(3, max(count, 1))
    rows = max(1, -(-count // columns))
    figure = new_figure(3.9 * columns, 2.7 * rows + 0.3)
    step = history.column("step")
    for index, (name, (quantities, log)) in enumerate(shown.items()):
        axes = quiet(figure.add_subplot(rows, columns, index + 1))
        values = [history.column(column) for column in quantities]
        for k, (label, value) in enumerate(zip(quantities.values(), values, strict=True)):
            good = np.isfinite(value) & ((value > 0) | (not log))
            axes.plot(step[good], value[good], color=PALETTE[k], lw=1.2, label=label)
        for k, column in enumerate(quantities):
            if column in ("validation", "error"):
                _answer(axes, history, "step", column, PALETTE[k])
        if log:
            logarithmic(axes, *values)
        if len(quantities) > 1:
            axes.legend(frameon=False, fontsize=8)
        else:
            axes.set_ylabel(next(iter(quantities.values())), fontsize=9)
        axes.set_title(name, fontsize=10, color=INK)
        axes.set_xlabel("step", fontsize=9)
    if times:
        axes = quiet(figure.add_subplot(rows, columns, count))
        parts = np.stack([np.nan_to_num(history.column(column)) for column in times]).cumsum(axis=1)
        axes.stackplot(step, parts, labels=list(times.values()), colors=PALETTE, alpha=0.85)
        axes.legend(frameon=False, fontsize=8, loc="upper left")
        axes.set_title("where the time went (s)", fontsize=10, color=INK)
        axes.set_xlabel("step", fontsize=9)
    return _finish(figure, title, path)


def _has(history: Recording, column: str) -> bool:
    """Whether any row tells it; zeros tell too, that nothing of the kind was needed."""
    return bool(np.isfinite(history.column(column)).any())


def _curve(axes: Axes, history: Recording, column: str, color: str, label: str, lw: float = 1.6) -> Array:
    """Draw one column against time where it is known and positive; returns its values."""
    seconds, values = history.column("seconds"), history.column(column)
    good = np.isfinite(values) & (values > 0)
    if good.any():
        axes.plot(seconds[good], values[good], color=color, lw=lw, label=label or None)
    return values


def _answer(axes: Axes, history: Recording, along: str, column: str, color: str) -> None:
    """A dot at what the answer has of a column, drawn against `along`; nothing where that is not known."""
    solved, validation = np.flatnonzero(history.column("answer") == 1), history.column("validation")
    if not len(solved) and not np.isfinite(validation).any():
        return
    row = int(solved[-1]) if len(solved) else int(np.nanargmin(validation))
    value = float(history.column(column)[row])
    if np.isfinite(value) and value > 0:
        axes.plot(history.column(along)[row : row + 1], [value], "o", color=color, ms=5, label="_the answer")


def _legend(axes: Axes) -> None:
    """A legend where anything has a label."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9)


def _stages(axes: Axes, history: Recording) -> None:
    """A thin line where one stage of the schedule gives way to the next."""
    stage, seconds = history.column("stage"), history.column("seconds")
    for (before, _), (after, when) in pairwise(zip(stage, seconds, strict=True)):
        if np.isfinite(before) and after != before:
            axes.axvline(float(when), color=MUTED, lw=0.8, ls="--")


def _finish(figure: Figure, title: str, path: str | os.PathLike[str] | None) -> Figure:
    if title:
        figure.suptitle(title, fontsize=12, color=INK)
    if path is not None:
        save(figure, path)
    return figure
