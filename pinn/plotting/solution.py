"""Pictures of a solution: what was found, what is true, and how far apart they are, at every point.

One coordinate is drawn as lines, two as images, more as images of slices: two coordinates vary, time takes three
values, and what is left stays in the middle. Points outside the domain (holes, corners) stay white. The error panel
shows |u - u*| on a logarithmic scale, since an error that matters is often confined to a layer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from pinn.plotting.canvas import INK, MUTED, PALETTE, logarithmic, new_figure, quiet, save
from pinn.plotting.drawable import Array, Drawable, Fields

_TIMES = ("t", "time")


@dataclass(frozen=True)
class Slice:
    """Two coordinates that vary, on the horizontal and the vertical axis, and the values the others are held at."""

    horizontal: str
    vertical: str
    held: dict[str, float]

    @property
    def text(self) -> str:
        """What is held, for a title: `t = 0.5`; empty where nothing is."""
        return ", ".join(f"{name} = {value:.3g}" for name, value in self.held.items())


def plot_solution(solution: Drawable, path: str | os.PathLike[str] | None = None) -> Figure:
    """Solution, reference and error side by side, one row an output and slice; without reference the solution alone.

    Args:
        solution: what `solve` returned, or anything else that has `fields()`.
        path: file to write, its suffix says the format; left out, nothing is written.

    Returns:
        The figure, which belongs to the caller.

    Example:
        >>> plot_solution(solution, "burgers.png")  # doctest: +SKIP
    """
    fields = solution.fields()
    figure = _lines(fields) if len(fields.coordinates) == 1 else _images(fields)
    figure.suptitle(fields.title, fontsize=12, color=INK)
    if path is not None:
        save(figure, path)
    return figure


def slices(fields: Fields) -> list[Slice]:
    """The two-dimensional slices in which fields of two or more coordinates are drawn."""
    bounds, names = fields.bounds, fields.coordinates
    times = [name for name in names if name in _TIMES]
    space = [name for name in names if name not in times]
    if len(space) == 1:
        return [Slice(times[0], space[0], {name: float(np.mean(bounds[name])) for name in times[1:]})]
    held = {name: float(np.mean(bounds[name])) for name in [*space[2:], *times]}
    if not times:
        return [Slice(space[0], space[1], held)]
    low, high = bounds[times[0]]
    return [Slice(space[0], space[1], held | {times[0]: float(t)}) for t in np.linspace(low, high, 3)]


def _sample(fields: Fields, columns: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """What was found and what is true at points (n,) by coordinate, NaN outside of the domain."""
    inside = fields.contains(columns)
    within = {name: column[inside] for name, column in columns.items()}
    found = fields.evaluate(within)
    true = {} if fields.exact is None else fields.exact(within)

    def everywhere(part: Array) -> Array:
        whole = np.full(len(inside), np.nan)
        whole[inside] = part
        return whole

    return (
        {name: everywhere(part) for name, part in found.items()},
        {name: everywhere(part) for name, part in true.items()},
    )


def _lines(fields: Fields) -> Figure:
    name = fields.coordinates[0]
    low, high = fields.bounds[name]
    x = np.linspace(low, high, 1001)
    found, true = _sample(fields, {name: x})
    figure = new_figure(11 if true else 6.5, 4.2)
    axes = quiet(figure.add_subplot(1, 2 if true else 1, 1))
    for index, (output, values) in enumerate(found.items()):
        axes.plot(x, values, color=PALETTE[index % len(PALETTE)], lw=2.4, label=output)
    for index, values in enumerate(true.values()):
        axes.plot(x, values, color=INK, lw=1.2, ls=(0, (4, 3)), label="" if index else "reference")
    axes.set(xlabel=name, xlim=(low, high), ylabel=", ".join(found), title=fields.what)
    axes.legend(frameon=False, fontsize=9)
    if true:
        errors = {output: np.abs(found[output] - values) for output, values in true.items()}
        axes = quiet(figure.add_subplot(1, 2, 2))
        for output, error in errors.items():
            color = PALETTE[list(found).index(output) % len(PALETTE)]
            axes.plot(x, np.where(error > 0, error, np.nan), color=color, lw=1.4, label=output)
        logarithmic(axes, *errors.values())
        axes.set(xlabel=name, xlim=(low, high), ylabel="|solution − reference|", title="error")
        if len(errors) > 1:
            axes.legend(frameon=False, fontsize=9)
    return figure


def _images(fields: Fields) -> Figure:
    cuts = slices(fields)
    outputs = fields.outputs
    columns = 1 if fields.exact is None else 3
    aspect = _aspect(fields, cuts[0])
    panel = 3.6
    height = float(np.clip(panel * aspect, 1.7, 4.6)) + 0.5
    figure = new_figure((panel + 0.9) * columns, height * len(cuts) * len(outputs) + 0.4)
    grid = figure.subplots(len(cuts) * len(outputs), columns, squeeze=False)
    for row, cut in enumerate(cuts):
        found, true = _grid(fields, cut)
        for index, output in enumerate(outputs):
            _row(grid[row * len(outputs) + index], fields, cut, output, found[output], true.get(output))
    return figure


def _aspect(fields: Fields, cut: Slice) -> float:
    """Height over width of a panel: true to scale in space, a fixed shape where time is one of the axes."""
    if cut.horizontal in _TIMES:
        return 0.85
    bounds = fields.bounds
    width, height = (bounds[name][1] - bounds[name][0] for name in (cut.horizontal, cut.vertical))
    return height / width if 0.3 < height / width < 3 else 0.85


def _grid(fields: Fields, cut: Slice, size: int = 240) -> tuple[dict[str, Array], dict[str, Array]]:
    """Values at the centres of size x size cells, each an array (vertical, horizontal)."""
    bounds = fields.bounds

    def centres(name: str) -> Array:
        low, high = bounds[name]
        return low + (high - low) * (np.arange(size) + 0.5) / size

    horizontal, vertical = np.meshgrid(centres(cut.horizontal), centres(cut.vertical))
    columns = {cut.horizontal: horizontal.ravel(), cut.vertical: vertical.ravel()}
    columns |= {name: np.full(size * size, value) for name, value in cut.held.items()}
    found, true = _sample(fields, columns)
    return (  # type: ignore[return-value]
        {name: values.reshape(size, size) for name, values in group.items()} for group in (found, true)
    )


def _row(axes: Sequence[Axes], fields: Fields, cut: Slice, output: str, found: Array, true: Array | None) -> None:
    where = f"  ({cut.text})" if cut.held else ""
    norm, colors = _colors(found if true is None else true)
    _image(axes[0], fields, cut, found, norm, colors, f"{output}: {fields.what}{where}")
    if true is None:
        for unused in axes[1:]:
            unused.set_visible(False)
        return
    _image(axes[1], fields, cut, true, norm, colors, f"{output}: reference{where}")
    error = np.abs(found - true)
    largest = float(np.nanmax(error))
    if largest > 0:
        scale: Normalize = LogNorm(vmin=largest * 1e-3, vmax=largest)
        text = f"{output}: |solution − reference|, at most {largest:.1e}"
        _image(axes[2], fields, cut, np.maximum(error, largest * 1e-3), scale, "magma", text)
    else:
        axes[2].text(0.5, 0.5, "no error at all", transform=axes[2].transAxes, ha="center", color=MUTED)


def _colors(values: Array) -> tuple[Normalize, str]:
    """Symmetric and diverging for values of both signs, else from lowest to highest."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if high == low:
        low, high = low - 0.5, high + 0.5
    if low < -0.1 * high and high > -0.1 * low and high > 0 > low:
        largest = max(-low, high)
        return Normalize(-largest, largest), "RdBu_r"
    return Normalize(low, high), "viridis"


def _image(axes: Axes, fields: Fields, cut: Slice, values: Array, norm: Normalize, colors: str, text: str) -> None:
    bounds = fields.bounds
    left, right = bounds[cut.horizontal]
    bottom, top = bounds[cut.vertical]
    scaled = cut.horizontal not in _TIMES and 0.3 < (top - bottom) / (right - left) < 3
    image = axes.imshow(
        values,
        origin="lower",
        extent=(left, right, bottom, top),
        norm=norm,
        cmap=colors,
        aspect="equal" if scaled else "auto",
        interpolation="nearest",
    )
    axes.set_xlabel(cut.horizontal, color=INK)
    axes.set_ylabel(cut.vertical, color=INK)
    axes.set_title(text, fontsize=10, color=INK)
    axes.tick_params(colors=INK, labelsize=8)
    axes.spines[:].set_color(MUTED)
    axes.locator_params(axis="x", nbins=5)
    beside = axes.inset_axes((1.04, 0.02, 0.045, 0.96))
    bar = axes.figure.colorbar(image, cax=beside)
    beside.tick_params(colors=INK, labelsize=8)
    bar.outline.set_visible(False)
