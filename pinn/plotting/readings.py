"""Readings on the picture of a field: dots with bars of one standard deviation, or dots in the colours of the image."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from pinn.plotting.canvas import INK
from pinn.plotting.drawable import Fields, Observed
from pinn.plotting.panels import Slice

_NEAR = 0.02  # of a held coordinate's extent, within which readings belong to a slice
_MANY = 300  # readings from which dots are small and bars are left out


def draw_readings(axes: Axes, seen: Observed, along: str, color: str, label: str | None) -> None:
    """Dots over one coordinate, with bars of one standard deviation where that is known.

    Args:
        axes: that show the field as a line.
        seen: the readings.
        along: the coordinate.
        color: of the field.
        label: for the legend; None for no entry.
    """
    many = len(seen.values) > _MANY
    axes.errorbar(
        seen.columns[along],
        seen.values,
        yerr=None if many else seen.deviation,
        fmt="o",
        color=color,
        mfc="white",
        ms=2 if many else 4.5,
        mew=0.6 if many else 1.1,
        elinewidth=0.9,
        label=label,
        zorder=3,
    )


def draw_on_image(axes: Axes, fields: Fields, cut: Slice, output: str, norm: Normalize, colors: str) -> bool:
    """Readings of an output that lie on a slice, in the colours of its image; whether there are any."""
    drawn = False
    for seen in fields.observations:
        if seen.name == output and (near := on_slice(fields, cut.held, seen)).any():
            across, up = (seen.columns[name][near] for name in (cut.horizontal, cut.vertical))
            size = 6 if near.sum() > _MANY else 22
            axes.scatter(
                across,
                up,
                s=size,
                c=seen.values[near],
                norm=norm,
                cmap=colors,
                edgecolors=INK,
                linewidths=0.6,
                zorder=3,
            )
            drawn = True
    return drawn


def on_slice(fields: Fields, held: dict[str, float], seen: Observed) -> np.ndarray:
    """Which readings (n,) lie where other coordinates are held, to 2 % of their extent."""
    near = np.ones(seen.values.shape, dtype=bool)
    for name, value in held.items():
        low, high = fields.bounds[name]
        near &= np.abs(seen.columns[name] - value) <= _NEAR * (high - low)
    return near
