"""Pictures of fields that are known up to a standard error: a line with its bands, or two images.

A field of one coordinate is drawn as a line with bands of one and two standard errors about it, one of two coordinates
as an image with that of its standard error beside it; of more the first two vary, the others stay in the middle.
What was read of the field itself is drawn as dots; ticks, or dots in an image, tell where data of any kind were read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.canvas import INK, PALETTE, new_figure, quiet, save
from pinn.plotting.drawable import Array, Banded
from pinn.plotting.readings import draw_readings


def plot_bands(fields: Sequence[Banded], path: str | os.PathLike[str] | None = None) -> Figure:
    """Fields with their standard errors, one row a field.

    Args:
        fields: at least one.
        path: file to write; left out, nothing is written.

    Returns:
        The figure, which belongs to the caller.

    Example:
        >>> x = np.linspace(0, 1, 11)
        >>> figure = plot_bands([Banded("q", {"x": x}, x**2, 0.1 + 0 * x)])
        >>> len(figure.axes)
        1
    """
    images = any(len(field.axes) > 1 for field in fields)
    figure = new_figure(10.5 if images else 6.5, 3.8 * len(fields))
    for row, field in enumerate(fields):
        if len(field.axes) == 1:
            _line(quiet(figure.add_subplot(len(fields), 1, row + 1)), field, PALETTE[row % len(PALETTE)])
            continue
        shown = [(field.label(field.name), field.values)]
        shown += [] if field.deviation is None else [(field.called, field.deviation)]
        for column, (text, values) in enumerate(shown):
            _image(figure, figure.add_subplot(len(fields), 2, 2 * row + column + 1), field, text, values)
    if path is not None:
        save(figure, path)
    return figure


def _line(axes: Axes, field: Banded, color: str) -> None:
    """The field with its bands, readings of it as dots, and ticks where anything was read that tells of it."""
    name, x = next(iter(field.axes.items()))
    bands = () if field.deviation is None else ((2, 0.15, field.deviation), (1, 0.25, field.deviation))
    for width, alpha, deviation in bands:
        low, high = field.values - width * deviation, field.values + width * deviation
        first, *rest = field.called.split(" over ")
        label = " over ".join([f"± {width} {first}{'s' * (width > 1)}", *rest])
        axes.fill_between(x, low, high, color=color, alpha=alpha, lw=0, label=label)
    axes.plot(x, field.values, color=color, lw=2.2, label=field.label(field.name))
    for index, seen in enumerate(field.readings):
        draw_readings(axes, seen, name, color, None if index else "readings")
    if name in field.places:
        at = np.unique(field.places[name])
        foot = axes.get_xaxis_transform()
        axes.plot(at, np.full(at.shape, 0.02), "|", color=INK, ms=7, transform=foot, label="where data were read")
    axes.set(xlabel=field.label(name), ylabel=field.label(field.name), xlim=(x[0], x[-1]))
    axes.legend(frameon=False, fontsize=9)


def _image(figure: Figure, axes: Axes, field: Banded, text: str, shown: Array) -> None:
    """Values over the first two coordinates, the others in the middle, with dots where anything was read."""
    (first, x), (second, y), *_ = field.axes.items()
    while shown.ndim > 2:
        shown = shown[..., shown.shape[-1] // 2]
    image = axes.pcolormesh(x, y, np.ma.masked_invalid(shown.T), shading="nearest", rasterized=True)
    figure.colorbar(image, ax=axes)
    if field.places:
        axes.plot(field.places[first], field.places[second], ".", color="white", mec=INK, mew=0.4, ms=5)
        text = f"{text}; dots: where data were read"
    axes.set(xlabel=field.label(first), ylabel=field.label(second))
    axes.set_title(text, fontsize=10, color=INK)
