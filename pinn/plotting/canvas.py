"""What the pictures share: a figure of its own, quiet axes, one palette, and a file that is whole or not there.

Figures are Matplotlib `Figure` objects that nothing else knows of: no pyplot, no `rcParams`, so that drawing in
a library changes nothing in its caller's session, whatever the backend.
"""

from __future__ import annotations

import base64
import html
import io
import os
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pinn.files import replacing

INK = "#333333"
MUTED = "#7a7a7a"
PALETTE = ("#1f4e79", "#d1495b", "#e08e0b", "#2a9d8f", "#6d597a", "#8d6a4f", "#577590", "#b5838d")


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, laid out by constraints."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def quiet(axes: Axes, *, grid: bool = True) -> Axes:
    """Remove what carries no information from line axes, and add a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=9)
    if grid:
        axes.grid(True, which="major", color="#e6e6e6", linewidth=0.7)
        axes.set_axisbelow(True)
    return axes


def logarithmic(axes: Axes, *curves: NDArray[np.float64]) -> None:
    """Make y logarithmic where the curves have anything positive to show; zeros and NaN are left out."""
    positive = [curve[np.isfinite(curve) & (curve > 0)] for curve in curves]
    values = np.concatenate(positive) if positive else np.array([])
    if not values.size:
        axes.text(0.5, 0.5, "nothing above zero to show", transform=axes.transAxes, ha="center", color=MUTED)
        return
    low, high = float(values.min()), float(values.max())
    axes.set_yscale("log")
    axes.set_ylim(low / 2, high * 2)


_CHARACTER = 0.082  # inches that a character of a title takes, at 12 points


def headline(figure: Figure, text: str) -> None:
    """A title above the whole figure, broken into lines that fit its width."""
    if text:
        width = max(20, int(figure.get_figwidth() / _CHARACTER))
        figure.suptitle("\n".join(textwrap.wrap(text, width, break_long_words=False)), fontsize=12, color=INK)


def as_html(figure: Figure, text: str, dots: int = 110) -> str:
    """The picture as an HTML element that needs no file, PNG in base64.

    Args:
        figure: what is shown.
        text: what a reader who does not see it is told.
        dots: an inch.
    """
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=dots)
    return f'<img alt="{html.escape(text)}" src="data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}">'


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write the figure to `path`; the suffix says the format, 150 dots an inch where it is made of dots.

    Raises:
        FileNotFoundError: when the folder does not exist.
        ValueError: when Matplotlib does not know the suffix.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)
