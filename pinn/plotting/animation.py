"""A moving picture of one output: one coordinate moves on from frame to frame, on one scale throughout."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.figure import Figure

from pinn.files import replacing
from pinn.plotting.canvas import INK, PALETTE, new_figure, quiet
from pinn.plotting.drawable import Drawable, Fields
from pinn.plotting.panels import Slice, colors_of, draw_image, filled, on_cells, sampled
from pinn.validation import count

_CELLS = 160  # along each axis of an image
_DOTS = 100  # an inch


def animate(
    solution: Drawable,
    path: str | os.PathLike[str],
    *,
    over: str = "t",
    output: str | None = None,
    frames: int = 50,
    held: Mapping[str, float] = MappingProxyType({}),
    fps: int = 12,
) -> None:
    """Write a moving picture; see `Solution.animate`.

    Args:
        solution: what has `fields()`.
        path: file to write, .gif or .mp4.
        over: the coordinate that moves.
        output: what is drawn; may be left out where there is one.
        frames: pictures.
        held: further coordinates, and where they are held; what else is not drawn stays in the middle.
        fps: pictures a second.

    Raises:
        ValueError: for names that are none, or another suffix.
        RuntimeError: for .mp4 where ffmpeg is not installed.
    """
    fields = solution.fields()
    name = _output(fields, output)
    space = _space(fields, over, held)
    count("animate", 2, frames=frames)
    count("animate", 1, fps=fps)
    writer = _writer(path, fps)
    middle = {
        other: float(np.mean(fields.bounds[other]))
        for other in fields.coordinates
        if other not in (over, *space, *held)
    }
    fixed = middle | {key: float(value) for key, value in held.items()}
    places = np.linspace(*fields.bounds[over], frames)
    figure, show = (_line if len(space) == 1 else _image)(fields, name, space, fixed, over, places)
    with replacing(path) as temporary, writer.saving(figure, str(temporary), _DOTS):
        for index in range(frames):
            show(index)
            writer.grab_frame()


def _output(fields: Fields, output: str | None) -> str:
    if output is None and len(fields.outputs) == 1:
        return fields.outputs[0]
    if output is None or output not in fields.outputs:
        raise ValueError(f"animate: got output={output!r}, expected one of {list(fields.outputs)}")
    return output


def _space(fields: Fields, over: str, held: Mapping[str, float]) -> list[str]:
    """The one or two coordinates that are drawn."""
    for name in (over, *held):
        if name not in fields.coordinates:
            raise ValueError(f"animate: {name!r} is no coordinate; choose among {list(fields.coordinates)}")
    left = [name for name in fields.coordinates if name != over and name not in held]
    if over in held or not left:
        raise ValueError(f"animate: {over!r} moves, so it is not held, and one coordinate at least is left to draw")
    return left[:2]


def _writer(path: str | os.PathLike[str], fps: int) -> AbstractMovieWriter:
    suffix = Path(path).suffix.lower()
    if suffix == ".gif":
        return PillowWriter(fps=fps)
    if suffix != ".mp4":
        raise ValueError(f"animate: got a file {suffix or 'without suffix'}, expected .gif or .mp4")
    if not FFMpegWriter.isAvailable():
        raise RuntimeError("animate: .mp4 wants ffmpeg, which is not installed; write a .gif, or install ffmpeg")
    return FFMpegWriter(fps=fps)


Show = Callable[[int], None]
"""Draws the frame of that number."""


def _line(
    fields: Fields, name: str, space: list[str], fixed: Mapping[str, float], over: str, places: np.ndarray
) -> tuple[Figure, Show]:
    x = np.linspace(*fields.bounds[space[0]], 401)

    def at(value: float) -> np.ndarray:
        columns = {space[0]: x} | {key: np.full(x.shape, of) for key, of in {**fixed, over: value}.items()}
        return sampled(fields, columns)[0][name]

    values = [at(float(value)) for value in places]
    figure = new_figure(6.4, 4.2)
    axes = quiet(figure.add_subplot())
    (curve,) = axes.plot(x, values[0], color=PALETTE[0], lw=2.2)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.05 * (high - low or 1.0)
    axes.set(
        xlabel=fields.label(space[0]), ylabel=fields.label(name), xlim=(x[0], x[-1]), ylim=(low - room, high + room)
    )

    def show(index: int) -> None:
        curve.set_ydata(values[index])
        axes.set_title(f"{over} = {places[index]:.3g}", fontsize=11, color=INK)

    return figure, show


def _image(
    fields: Fields, name: str, space: list[str], fixed: Mapping[str, float], over: str, places: np.ndarray
) -> tuple[Figure, Show]:
    cuts = [Slice(space[0], space[1], {**fixed, over: float(value)}) for value in places]
    parts = [on_cells(fields, cut, _CELLS) for cut in cuts]
    scale = colors_of(*(part.found[name] for part in parts))
    figure = new_figure(5.6, 4.8)
    axes = figure.add_subplot()
    label = fields.label(name)
    image = draw_image(axes, fields, cuts[0], parts[0].found[name], scale, label, parts[0].outline)

    def show(index: int) -> None:
        values = parts[index].found[name]
        image.set_data(values if parts[index].outline is None else filled(values))
        axes.set_title(f"{label},  {cuts[index].text}", fontsize=10, color=INK)

    return figure, show
