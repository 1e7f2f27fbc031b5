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
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pinn.domains import Points
from pinn.plotting.canvas import INK, MUTED, PALETTE, logarithmic, new_figure, quiet, save
from pinn.solution.error import score
from pinn.solution.solution import Solution

Array = NDArray[np.float64]
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


def plot_solution(solution: Solution, path: str | os.PathLike[str] | None = None) -> Figure:
    """Solution, reference and error side by side, one row an output and slice; without reference the solution alone.

    Args:
        solution: what `solve` returned.
        path: file to write, its suffix says the format; left out, nothing is written.

    Returns:
        The figure, which belongs to the caller.

    Example:
        >>> plot_solution(solution, "burgers.png")  # doctest: +SKIP
    """
    dimension = len(solution.problem.coordinates)
    figure = _lines(solution) if dimension == 1 else _images(solution)
    figure.suptitle(title(solution), fontsize=12, color=INK)
    if path is not None:
        save(figure, path)
    return figure


def title(solution: Solution) -> str:
    """Name, relative L2 error and the coefficients that were found, with their errors where the truth is known."""
    problem = solution.problem
    parts = [problem.name]
    if problem.reference is not None:
        parts.append(score(solution.error(), problem.floor))
    wrong = solution.coefficient_errors()
    for name, value in solution.coefficients.items():
        parts.append(f"{name} = {value:.6g}" + (f" (relative error {wrong[name]:.1e})" if name in wrong else ""))
    return "   ·   ".join(parts)


def slices(solution: Solution) -> list[Slice]:
    """The two-dimensional slices in which a solution of two or more coordinates is drawn."""
    bounds = solution.problem.domain.bounds
    names = list(solution.problem.coordinates)
    times = [name for name in names if name in _TIMES]
    space = [name for name in names if name not in times]
    if len(space) == 1:
        return [Slice(times[0], space[0], {name: float(np.mean(bounds[name])) for name in times[1:]})]
    held = {name: float(np.mean(bounds[name])) for name in [*space[2:], *times]}
    if not times:
        return [Slice(space[0], space[1], held)]
    low, high = bounds[times[0]]
    return [Slice(space[0], space[1], held | {times[0]: float(t)}) for t in np.linspace(low, high, 3)]


def _sample(solution: Solution, columns: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Outputs and reference at points (n,) by coordinate, NaN outside of the domain."""
    problem = solution.problem
    x = np.stack([columns[name] for name in problem.coordinates], axis=1)
    inside = problem.domain.contains(torch.from_numpy(x)).numpy()
    points = Points(problem.coordinates, torch.from_numpy(x[inside]))
    value = solution(**{name: column[inside] for name, column in columns.items()})
    found = value if isinstance(value, dict) else {problem.outputs[0]: value}
    true = problem.exact(points) if problem.reference is not None else {}

    def everywhere(part: Array) -> Array:
        whole = np.full(len(x), np.nan)
        whole[inside] = part
        return whole

    return ({name: everywhere(part) for name, part in group.items()} for group in (found, true))  # type: ignore[return-value]


def _lines(solution: Solution) -> Figure:
    problem = solution.problem
    name = problem.coordinates[0]
    low, high = problem.domain.bounds[name]
    x = np.linspace(low, high, 1001)
    found, true = _sample(solution, {name: x})
    figure = new_figure(11 if true else 6.5, 4.2)
    axes = quiet(figure.add_subplot(1, 2 if true else 1, 1))
    for index, (output, values) in enumerate(found.items()):
        axes.plot(x, values, color=PALETTE[index % len(PALETTE)], lw=2.4, label=output)
    for index, values in enumerate(true.values()):
        axes.plot(x, values, color=INK, lw=1.2, ls=(0, (4, 3)), label="" if index else "reference")
    axes.set(xlabel=name, xlim=(low, high), ylabel=", ".join(found), title="solution")
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


def _images(solution: Solution) -> Figure:
    problem = solution.problem
    cuts = slices(solution)
    outputs = problem.outputs
    columns = 3 if problem.reference is not None else 1
    aspect = _aspect(solution, cuts[0])
    panel = 3.6
    height = float(np.clip(panel * aspect, 1.7, 4.6)) + 0.5
    figure = new_figure((panel + 0.9) * columns, height * len(cuts) * len(outputs) + 0.4)
    grid = figure.subplots(len(cuts) * len(outputs), columns, squeeze=False)
    for row, cut in enumerate(cuts):
        found, true = _grid(solution, cut)
        for index, output in enumerate(outputs):
            _row(grid[row * len(outputs) + index], solution, cut, output, found[output], true.get(output))
    return figure


def _aspect(solution: Solution, cut: Slice) -> float:
    """Height over width of a panel: true to scale in space, a fixed shape where time is one of the axes."""
    if cut.horizontal in _TIMES:
        return 0.85
    bounds = solution.problem.domain.bounds
    width, height = (bounds[name][1] - bounds[name][0] for name in (cut.horizontal, cut.vertical))
    return height / width if 0.3 < height / width < 3 else 0.85


def _grid(solution: Solution, cut: Slice, size: int = 240) -> tuple[dict[str, Array], dict[str, Array]]:
    """Values at the centres of size x size cells, each an array (vertical, horizontal)."""
    bounds = solution.problem.domain.bounds

    def centres(name: str) -> Array:
        low, high = bounds[name]
        return low + (high - low) * (np.arange(size) + 0.5) / size

    horizontal, vertical = np.meshgrid(centres(cut.horizontal), centres(cut.vertical))
    columns = {cut.horizontal: horizontal.ravel(), cut.vertical: vertical.ravel()}
    columns |= {name: np.full(size * size, value) for name, value in cut.held.items()}
    found, true = _sample(solution, columns)
    return (  # type: ignore[return-value]
        {name: values.reshape(size, size) for name, values in group.items()} for group in (found, true)
    )


def _row(axes: Sequence[Axes], solution: Solution, cut: Slice, output: str, found: Array, true: Array | None) -> None:
    where = f"  ({cut.text})" if cut.held else ""
    norm, colors = _colors(found if true is None else true)
    _image(axes[0], solution, cut, found, norm, colors, f"{output}: solution{where}")
    if true is None:
        for unused in axes[1:]:
            unused.set_visible(False)
        return
    _image(axes[1], solution, cut, true, norm, colors, f"{output}: reference{where}")
    error = np.abs(found - true)
    largest = float(np.nanmax(error))
    if largest > 0:
        scale: Normalize = LogNorm(vmin=largest * 1e-3, vmax=largest)
        text = f"{output}: |solution − reference|, at most {largest:.1e}"
        _image(axes[2], solution, cut, np.maximum(error, largest * 1e-3), scale, "magma", text)
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


def _image(axes: Axes, solution: Solution, cut: Slice, values: Array, norm: Normalize, colors: str, text: str) -> None:
    bounds = solution.problem.domain.bounds
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
