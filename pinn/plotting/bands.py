"""Pictures of fields that are known up to a standard error: a line with its bands, or two images.

A field of one coordinate is drawn as a line with bands of one and two standard errors about it, one of two coordinates
as an image with that of its standard error beside it; of more the first two vary, the others stay in the middle.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pinn.plotting.canvas import INK, PALETTE, new_figure, quiet, save
from pinn.plotting.drawable import Banded


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
        names = list(field.axes)
        if len(names) == 1:
            x, values, deviation = field.axes[names[0]], field.values, field.deviation
            axes = quiet(figure.add_subplot(len(fields), 1, row + 1))
            color = PALETTE[row % len(PALETTE)]
            for width, alpha in ((2, 0.15), (1, 0.25)):
                low, high = values - width * deviation, values + width * deviation
                axes.fill_between(
                    x, low, high, color=color, alpha=alpha, lw=0, label=f"± {width} standard error{'s' * (width > 1)}"
                )
            axes.plot(x, values, color=color, lw=2.2, label=field.name)
            axes.set(xlabel=names[0], ylabel=field.name, xlim=(x[0], x[-1]))
            axes.legend(frameon=False, fontsize=9)
            continue
        x, y = field.axes[names[0]], field.axes[names[1]]
        for column, (text, shown) in enumerate(((field.name, field.values), ("standard error", field.deviation))):
            while shown.ndim > 2:
                shown = shown[..., shown.shape[-1] // 2]
            axes = figure.add_subplot(len(fields), 2, 2 * row + column + 1)
            image = axes.pcolormesh(x, y, np.ma.masked_invalid(shown.T), shading="nearest", rasterized=True)
            figure.colorbar(image, ax=axes)
            axes.set(xlabel=names[0], ylabel=names[1])
            axes.set_title(text, fontsize=10, color=INK)
    if path is not None:
        save(figure, path)
    return figure
