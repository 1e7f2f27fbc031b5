"""Pictures of residuals at points: how large each is, and where.

Where one coordinate varies, as on a wall, the dots stand against it; where more do, the first of time and space, or the
first two, span the panel and colour says |r|, on a logarithmic scale of four decades below the largest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pinn.plotting.canvas import INK, MUTED, PALETTE, logarithmic, new_figure, quiet, save
from pinn.plotting.drawable import Array

_TIMES = ("t", "time")
_DECADES = 1e-4


def plot_residuals(
    residuals: Mapping[str, tuple[Mapping[str, Array], Array]],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
) -> Figure:
    """|r| at points, one panel a constraint.

    Args:
        residuals: constraint -> (coordinate -> (n,), |r| (n,)), in their own units.
        path: file to write; left out, nothing is written.
        title: above the panels.

    Returns:
        The figure, which belongs to the caller.

    Example:
        >>> figure = plot_residuals({"equation": ({"x": np.array([0.0, 1.0])}, np.array([1e-3, 1e-4]))})
        >>> len(figure.axes)
        1
    """
    columns = min(3, max(1, len(residuals)))
    rows = max(1, -(-len(residuals) // columns))
    figure = new_figure(4.3 * columns, 3.3 * rows + 0.2)
    for index, (name, (place, size)) in enumerate(residuals.items()):
        axes = quiet(figure.add_subplot(rows, columns, index + 1))
        axes.set_title(name, fontsize=10, color=INK)
        first, *others = _axes_of(place)
        positive = np.isfinite(size) & (size > 0)
        axes.set_xlabel(first)
        if not others or not positive.any():
            axes.plot(place[first][positive], size[positive], ".", ms=2.5, color=PALETTE[index % len(PALETTE)])
            logarithmic(axes, size)
            axes.set_ylabel("|r|")
            continue
        largest = float(size[positive].max())
        dots = axes.scatter(
            place[first],
            place[others[0]],
            c=np.clip(np.nan_to_num(size), largest * _DECADES, largest),
            norm=LogNorm(largest * _DECADES, largest),
            s=5,
            cmap="magma",
            linewidths=0,
        )
        axes.set_ylabel(others[0])
        bar = figure.colorbar(dots, ax=axes, shrink=0.9)
        bar.ax.tick_params(labelsize=8, colors=MUTED)
    if title:
        figure.suptitle(title, fontsize=12, color=INK)
    if path is not None:
        save(figure, path)
    return figure


def _axes_of(place: Mapping[str, Array]) -> list[str]:
    """The coordinates that are drawn, of those that vary: time first, then space, as in the pictures of solutions."""
    varying = [name for name, column in place.items() if len(column) and float(np.ptp(column)) > 0] or list(place)[:1]
    times = [name for name in varying if name in _TIMES]
    return [*times[:1], *(name for name in varying if name not in times)][:2]
