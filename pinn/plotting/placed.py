"""Where the constraints of a problem hold: points of each, in a colour of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure

from pinn.plotting.canvas import PALETTE, headline, new_figure, quiet, save
from pinn.plotting.drawable import Array


def plot_points(
    places: Mapping[str, Array],
    axes: tuple[str, ...],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    labels: Mapping[str, str] = MappingProxyType({}),
) -> Figure:
    """Points of several sets.

    Args:
        places: name -> points (n, d); the first two coordinates are drawn, or the only one with a line a set.
        axes: names of the d coordinates.
        path: file to write, its suffix says the format; left out, nothing is written.
        title: above the picture.
        labels: coordinate -> what its axis says, its name where left out.

    Returns:
        The figure, which belongs to the caller.

    Example:
        >>> figure = plot_points({"walls": np.array([[0.0, 0.0], [1.0, 0.5]])}, ("x", "t"))
        >>> figure.axes[0].get_ylabel()
        't'
    """
    line = len(axes) == 1
    figure = new_figure(6.8, 1.6 + 0.3 * len(places) if line else 4.6)
    panel = quiet(figure.add_subplot(), grid=not line)
    for index, (name, points) in enumerate(places.items()):
        height = np.full(len(points), -float(index)) if line else points[:, 1]
        size = 4 if len(points) > 100 else 16
        panel.scatter(points[:, 0], height, s=size, color=PALETTE[index % len(PALETTE)], label=name)
    panel.set_xlabel(labels.get(axes[0], axes[0]))
    if line:
        panel.set_yticks([-float(index) for index in range(len(places))], list(places))
    else:
        panel.set_ylabel(labels.get(axes[1], axes[1]))
        panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, markerscale=2)
    headline(figure, title)
    if path is not None:
        save(figure, path)
    return figure
