"""Pictures of a solution: what was found, what is true, and how far apart they are, at every point.

One coordinate is drawn as lines, two as images, more as images of slices: two coordinates vary, time takes three
values, and what is left stays in the middle. All slices of an output have one scale of colours. Points outside the
domain (holes, corners) stay white. The error panel shows |u - u*| on a logarithmic scale, since an error that matters
is often confined to a layer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pinn.plotting.canvas import INK, MUTED, PALETTE, headline, logarithmic, new_figure, quiet, save
from pinn.plotting.drawable import Array, Drawable, Fields
from pinn.plotting.panels import (
    TIMES,
    Sampled,
    Slice,
    centres,
    colors_of,
    draw_image,
    on_cells,
    sampled,
    shape_of,
    sizes_of,
    to_scale,
)
from pinn.plotting.readings import draw_on_image, draw_readings, on_slice

KINDS = ("solution", "values", "error", "estimate", "residual", "streamlines")

_ERROR = "|solution − reference|"
_SIZES = {"estimate": "estimated error", "residual": "|residual|"}
_PANEL = 3.6  # inches across
_BESIDE = 1.2  # inches beside a panel, for its scale of colours
_OVER = 5  # values of a coordinate drawn beside each other


def plot_solution(
    solution: Drawable,
    path: str | os.PathLike[str] | None = None,
    *,
    kind: str = "solution",
    held: Mapping[str, float] = MappingProxyType({}),
    over: str | None = None,
    axes: Axes | None = None,
) -> Figure:
    """Solution, reference and error side by side, one row an output and slice; without reference the solution alone.

    Args:
        solution: what `solve` returned, or anything else that has `fields()`.
        path: file to write, its suffix says the format; left out, nothing is written.
        kind: one of `KINDS`: "solution" is all three; "values" and "error" are one of them; "estimate" and "residual"
            draw the fields as sizes, on a logarithmic scale; "streamlines" takes the first two outputs as a velocity.
        held: coordinates that are held, and where.
        over: a coordinate of which five values are drawn, lowest to highest; time by default, with three.
        axes: where one panel is drawn, of the first output, instead of on a figure of its own.

    Returns:
        The figure, which belongs to the caller.

    Raises:
        ValueError: for another kind, names that are no coordinates, a picture that takes more panels than given.

    Example:
        >>> plot_solution(solution, "burgers.png")  # doctest: +SKIP
    """
    fields = solution.fields()
    _validate(fields, kind, held, over)
    varying = [name for name in fields.coordinates if name not in held]
    if len(varying) == 1:
        figure = _lines(fields, kind, held, axes)
    elif kind == "streamlines":
        figure = _streamlines(fields, slices(fields, held, over)[-1], axes)
    elif axes is not None:
        figure = _one_image(fields, kind, slices(fields, held, over)[0], axes)
    else:
        figure = _images(fields, kind, slices(fields, held, over))
    if axes is None:
        headline(figure, fields.title)
    if path is not None:
        save(figure, path)
    return figure


def _validate(fields: Fields, kind: str, held: Mapping[str, float], over: str | None) -> None:
    if kind not in KINDS:
        raise ValueError(f"plot: got kind={kind!r}, expected one of {list(KINDS)}")
    for name in (*held, *(() if over is None else (over,))):
        if name not in fields.coordinates:
            raise ValueError(f"plot: {name!r} is no coordinate; choose among {list(fields.coordinates)}")
    if over is not None and over in held:
        raise ValueError(f"plot: {over!r} is held at {held[over]:.6g} and drawn over; leave one of them out")
    if len(held) >= len(fields.coordinates):
        raise ValueError(f"plot: every coordinate is held, so nothing is left to draw; leave one of {sorted(held)} out")
    if kind == "error" and fields.exact is None:
        raise ValueError("plot: there is no reference to measure the error against; kind='estimate' draws an estimate")
    if kind == "streamlines" and (
        len(fields.outputs) < 2 or len([c for c in fields.coordinates if c not in TIMES]) < 2
    ):
        raise ValueError(
            f"plot: streamlines want a velocity of two outputs over two coordinates of space, got "
            f"{list(fields.outputs)} over {list(fields.coordinates)}"
        )


def slices(fields: Fields, held: Mapping[str, float] = MappingProxyType({}), over: str | None = None) -> list[Slice]:
    """The two-dimensional slices in which fields of two or more coordinates are drawn."""
    bounds = fields.bounds
    names = [name for name in fields.coordinates if name not in held]
    fixed = {name: float(value) for name, value in held.items()}
    times = [name for name in names if name in TIMES]
    space = [name for name in names if name not in times]
    if over is not None and len(names) > 2:
        first, second, *others = [name for name in names if name != over]
        if first in space and second in times:
            first, second = second, first
        fixed |= {name: float(np.mean(bounds[name])) for name in others}
        return [Slice(first, second, fixed | {over: float(value)}) for value in np.linspace(*bounds[over], _OVER)]
    if len(space) == 1:
        return [Slice(times[0], space[0], fixed | {name: float(np.mean(bounds[name])) for name in times[1:]})]
    fixed |= {name: float(np.mean(bounds[name])) for name in [*space[2:], *times]}
    if not times:
        return [Slice(space[0], space[1], fixed)]
    return [Slice(space[0], space[1], fixed | {times[0]: float(t)}) for t in np.linspace(*bounds[times[0]], 3)]


# -- one coordinate ---------------------------------------------------------------------------------------------------


def _lines(fields: Fields, kind: str, held: Mapping[str, float], given: Axes | None) -> Figure:
    name = next(name for name in fields.coordinates if name not in held)
    x = np.linspace(*fields.bounds[name], 1001)
    columns = {name: x} | {other: np.full(x.shape, float(value)) for other, value in held.items()}
    found, true = sampled(fields, columns)
    both = kind == "solution" and bool(true) and given is None
    figure = new_figure(11 if both else 6.5, 4.2) if given is None else _figure_of(given)
    axes = quiet(figure.add_subplot(1, 2 if both else 1, 1)) if given is None else given
    errors = {output: np.abs(found[output] - values) for output, values in true.items()}
    if kind in _SIZES:
        _draw_sizes(axes, fields, name, x, found, _SIZES[kind])
    elif kind == "error":
        _draw_sizes(axes, fields, name, x, errors, _ERROR)
    else:
        _draw_values(axes, fields, name, x, found, true)
        _draw_observations(axes, fields, name, held)
    if both:
        axes.set_title(fields.what, fontsize=11, color=INK)
        second = quiet(figure.add_subplot(1, 2, 2))
        _draw_sizes(second, fields, name, x, errors, _ERROR)
        second.set_title("error", fontsize=11, color=INK)
    return figure


def _draw_values(
    axes: Axes, fields: Fields, name: str, x: Array, found: Mapping[str, Array], true: Mapping[str, Array]
) -> None:
    """Each output as a broad line, its reference dashed within it: where they agree, both can be seen."""
    color = {output: PALETTE[index % len(PALETTE)] for index, output in enumerate(found)}
    for output, values in found.items():
        axes.plot(x, values, color=color[output], lw=3.4, alpha=0.55, label=fields.label(output))
    for output, values in true.items():
        label = "reference" if len(found) == 1 else f"{output}: reference"
        axes.plot(x, values, color=INK if len(found) == 1 else color[output], lw=1.3, ls=(0, (4, 3)), label=label)
    axes.set(xlabel=fields.label(name), xlim=(x[0], x[-1]), ylabel=", ".join(fields.label(one) for one in found))
    axes.legend(frameon=False, fontsize=9)


def _draw_observations(axes: Axes, fields: Fields, name: str, held: Mapping[str, float]) -> None:
    """What was read of each output, where it lies on the line that is drawn."""
    color = {output: PALETTE[index % len(PALETTE)] for index, output in enumerate(fields.outputs)}
    drawn = False
    for seen in fields.observations:
        if seen.name in color and (near := on_slice(fields, dict(held), seen)).any():
            draw_readings(axes, seen.only(near), name, color[seen.name], None)
            drawn = True
    if drawn:  # one entry for all outputs, whose colours the lines tell
        axes.plot([], [], "o", color=PALETTE[0] if len(color) == 1 else INK, mfc="white", ms=4.5, label="readings")
        axes.legend(frameon=False, fontsize=9)


def _draw_sizes(axes: Axes, fields: Fields, name: str, x: Array, sizes: Mapping[str, Array], text: str) -> None:
    order = [*fields.outputs, *(output for output in sizes if output not in fields.outputs)]
    for output, values in sizes.items():
        color = PALETTE[order.index(output) % len(PALETTE)]
        axes.plot(x, np.where(values > 0, values, np.nan), color=color, lw=1.4, label=fields.label(output))
    logarithmic(axes, *sizes.values())
    axes.set(xlabel=fields.label(name), xlim=(x[0], x[-1]), ylabel=text)
    if len(sizes) > 1:
        axes.legend(frameon=False, fontsize=9)


# -- two coordinates and more -----------------------------------------------------------------------------------------


def _images(fields: Fields, kind: str, cuts: Sequence[Slice]) -> Figure:
    parts = [on_cells(fields, cut) for cut in cuts]
    outputs = [name for name in fields.outputs if kind != "error" or name in parts[0].true]
    columns = 3 if kind == "solution" and fields.exact is not None else 1
    if columns == 1 and len(cuts) > 1:
        return _beside(fields, kind, cuts, parts, outputs)
    height = _height(fields, cuts[0])
    figure = new_figure((_PANEL + _BESIDE) * columns, height * len(cuts) * len(outputs) + 0.4)
    grid = figure.subplots(len(cuts) * len(outputs), columns, squeeze=False)
    for index, output in enumerate(outputs):
        for row, (cut, part) in enumerate(zip(cuts, parts, strict=True)):
            panels = grid[row * len(outputs) + index]
            if columns == 3:
                _row(panels, fields, cut, part, output, parts)
            else:
                _panel(panels[0], fields, cut, part, output, kind, parts)
    return figure


def _beside(
    fields: Fields, kind: str, cuts: Sequence[Slice], parts: Sequence[Sampled], outputs: Sequence[str]
) -> Figure:
    """Slices beside each other, one row an output."""
    figure = new_figure((_PANEL + _BESIDE) * len(cuts), _height(fields, cuts[0]) * len(outputs) + 0.4)
    grid = figure.subplots(len(outputs), len(cuts), squeeze=False)
    for panels, output in zip(grid, outputs, strict=True):
        for axes, cut, part in zip(panels, cuts, parts, strict=True):
            _panel(axes, fields, cut, part, output, kind, parts)
    return figure


def _height(fields: Fields, cut: Slice) -> float:
    """Of a panel with its title, in inches: true to scale in space, a fixed shape where time is one of the axes."""
    shape = shape_of(fields, cut) if to_scale(fields, cut) else 0.85
    return float(np.clip(_PANEL * shape, 1.7, 4.6)) + 0.5


def _one_image(fields: Fields, kind: str, cut: Slice, axes: Axes) -> Figure:
    """The first output on given axes."""
    part = on_cells(fields, cut)
    _panel(axes, fields, cut, part, fields.outputs[0], "values" if kind == "solution" else kind, [part])
    return _figure_of(axes)


def _panel(
    axes: Axes, fields: Fields, cut: Slice, part: Sampled, output: str, kind: str, parts: Sequence[Sampled]
) -> None:
    """One output of one slice alone; its colours are those of all slices."""
    where = f"  ({cut.text})" if cut.held else ""
    if kind in ("error", *_SIZES):
        values = _error(part, output) if kind == "error" else part.found[output]
        scale = sizes_of(*(_error(one, output) if kind == "error" else one.found[output] for one in parts))
        text = _ERROR if kind == "error" else _SIZES[kind]
        _draw_size(axes, fields, cut, part, values, scale, f"{fields.label(output)}: {text}", where)
        return
    scale_of_values = colors_of(*(one.found[output] for one in parts))
    text = f"{fields.label(output)}: {fields.what}"
    if draw_on_image(axes, fields, cut, output, *scale_of_values):
        text += " and readings"
    draw_image(axes, fields, cut, part.found[output], scale_of_values, text + where, part.outline)


def _row(
    axes: Sequence[Axes], fields: Fields, cut: Slice, part: Sampled, output: str, parts: Sequence[Sampled]
) -> None:
    """Solution, reference and error of one output and slice."""
    where = f"  ({cut.text})" if cut.held else ""
    found, true = part.found[output], part.true.get(output)
    label = fields.label(output)
    scale = colors_of(*(one.true.get(output, one.found[output]) for one in parts))
    read = " and readings" if draw_on_image(axes[0], fields, cut, output, *scale) else ""
    draw_image(axes[0], fields, cut, found, scale, f"{label}: {fields.what}{read}{where}", part.outline)
    if true is None:
        for unused in axes[1:]:
            unused.set_visible(False)
        return
    draw_image(axes[1], fields, cut, true, scale, f"{label}: reference{where}", part.outline)
    errors = sizes_of(*(_error(one, output) for one in parts))
    _draw_size(axes[2], fields, cut, part, np.abs(found - true), errors, f"{label}: {_ERROR}", "")


def _draw_size(
    axes: Axes, fields: Fields, cut: Slice, part: Sampled, values: Array, scale: object, text: str, where: str
) -> None:
    norm = sizes_of(values) if scale is None else scale
    if norm is None or not np.nanmax(values) > 0:
        axes.text(0.5, 0.5, "no error at all", transform=axes.transAxes, ha="center", color=MUTED)
        return
    text = f"{text}, at most {float(np.nanmax(values)):.1e}{where}"
    draw_image(axes, fields, cut, values, (norm, "magma"), text, part.outline)  # type: ignore[arg-type]


def _error(part: Sampled, output: str) -> Array:
    return np.abs(part.found[output] - part.true[output])


def _streamlines(fields: Fields, cut: Slice, given: Axes | None) -> Figure:
    """Speed as an image, with the lines along which the first two outputs point."""
    figure = new_figure(_PANEL + 2.4, _height(fields, cut) + 1.4) if given is None else _figure_of(given)
    axes = figure.add_subplot() if given is None else given
    part = on_cells(fields, cut)
    first, second = (part.found[name] for name in fields.outputs[:2])
    speed = np.hypot(first, second)
    where = f"  ({cut.text})" if cut.held else ""
    names = ", ".join(fields.label(name) for name in fields.outputs[:2])
    draw_image(axes, fields, cut, speed, colors_of(speed), f"|({names})| and streamlines{where}", part.outline)
    across, up = (centres(fields, name) for name in (cut.horizontal, cut.vertical))
    axes.streamplot(across, up, first, second, color="white", linewidth=0.8, arrowsize=0.8, density=1.2)
    return figure


def _figure_of(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise ValueError("plot: the axes given belong to no figure; take those of matplotlib.pyplot.subplots()")
    return figure
