"""One panel of a picture: a field over two coordinates as an image that ends where the domain does.

Values lie at the centres of square cells. Cells beyond the domain take the value of the nearest one inside, and the
image is cut along the zero of the domain's level, so that a hole or a curved wall has a clean edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray
from scipy import ndimage

from pinn.plotting.canvas import INK, MUTED
from pinn.plotting.drawable import Array, Fields

TIMES = ("t", "time")  # names of a coordinate that is drawn across, and not to scale

_SIZE = 240  # cells along each axis
_MOST_DECADES = 6.0  # of a logarithmic scale of colours
_LEAST = 1.0
_APART = 0.2  # decades between two labels of a scale
_LOWEST = 2.0  # percentile of the errors that have a colour of their own


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


@dataclass(frozen=True, eq=False)
class Sampled:
    """Fields on the cells of a slice.

    Args:
        found: output -> values (vertical, horizontal), NaN outside of the domain.
        true: the same of the true fields; empty where they are not known.
        outline: where the domain ends, in the units of the axes; None where it fills the panel.
    """

    found: Mapping[str, Array]
    true: Mapping[str, Array]
    outline: Path | None = None


def sampled(fields: Fields, columns: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
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


def centres(fields: Fields, name: str, size: int = _SIZE) -> Array:
    """The middles of the cells along a coordinate."""
    low, high = fields.bounds[name]
    return low + (high - low) * (np.arange(size) + 0.5) / size


def on_cells(fields: Fields, cut: Slice, size: int = _SIZE) -> Sampled:
    """Values at the centres of size x size cells, each an array (vertical, horizontal), and where the domain ends."""

    def columns(horizontal: Array, vertical: Array) -> dict[str, Array]:
        first, second = np.meshgrid(horizontal, vertical)
        varying = {cut.horizontal: first.ravel(), cut.vertical: second.ravel()}
        return varying | {name: np.full(first.size, value) for name, value in cut.held.items()}

    at = columns(centres(fields, cut.horizontal, size), centres(fields, cut.vertical, size))
    found, true = (
        {name: values.reshape(size, size) for name, values in group.items()} for group in sampled(fields, at)
    )
    whole = bool(fields.contains(at).all())
    return Sampled(found, true, None if whole else _outline(fields, cut, columns, size))


def _outline(fields: Fields, cut: Slice, columns: Callable[[Array, Array], dict[str, Array]], size: int) -> Path | None:
    """The inside of the domain as a path, from its level on the corners of the cells and a ring about them."""
    if fields.level is None:
        return None

    def corners(name: str) -> Array:
        low, high = fields.bounds[name]
        step = (high - low) / size
        return np.linspace(low - step, high + step, size + 3)

    across, up = corners(cut.horizontal), corners(cut.vertical)
    level = np.asarray(fields.level(columns(across, up))).reshape(len(up), len(across))
    drawn = Figure().add_subplot().contourf(across, up, level, levels=[min(-1.0, float(level.min()) - 1.0), 0.0])
    paths = [path for path in drawn.get_paths() if len(path)]
    return Path.make_compound_path(*paths) if paths else None


def filled(values: Array) -> Array:
    """The same with NaN replaced by the nearest number."""
    missing = ~np.isfinite(values)
    if not missing.any() or missing.all():
        return values
    nearest: NDArray[np.int64] = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def colors_of(*values: Array) -> tuple[Normalize, str]:
    """One scale for several panels: symmetric and diverging for values of both signs, else from lowest to highest."""
    low = min(float(np.nanmin(each)) for each in values)
    high = max(float(np.nanmax(each)) for each in values)
    if high == low:
        low, high = low - 0.5, high + 0.5
    if low < -0.1 * high and high > -0.1 * low and high > 0 > low:
        largest = max(-low, high)
        return Normalize(-largest, largest), "RdBu_r"
    return Normalize(low, high), "viridis"


def sizes_of(*values: Array) -> LogNorm | None:
    """One logarithmic scale for several panels of sizes, from a low percentile up; None where all are zero.

    It spans one to six decades, as the values do, so that neither a layer nor the quiet parts lose their shape.
    """
    positive = np.concatenate([each[np.isfinite(each) & (each > 0)] for each in values])
    if not positive.size:
        return None
    largest = float(positive.max())
    lowest = float(np.percentile(positive, _LOWEST))
    return LogNorm(min(max(lowest, largest * 10**-_MOST_DECADES), largest * 10**-_LEAST), largest)


def draw_image(
    axes: Axes, fields: Fields, cut: Slice, values: Array, scale: tuple[Normalize, str], text: str, outline: Path | None
) -> AxesImage:
    """A field over two coordinates, with axes to scale in space, a title and a bar of colours."""
    norm, colors = scale
    left, right = fields.bounds[cut.horizontal]
    bottom, top = fields.bounds[cut.vertical]
    cells = values if outline is None else filled(values)
    if isinstance(norm, LogNorm):
        cells = np.where(np.isfinite(cells), np.clip(cells, norm.vmin, norm.vmax), np.nan)
    image = axes.imshow(
        cells,
        origin="lower",
        extent=(left, right, bottom, top),
        norm=norm,
        cmap=colors,
        aspect="equal" if to_scale(fields, cut) else "auto",
        interpolation="nearest",
    )
    if outline is not None:
        image.set_clip_path(PathPatch(outline, transform=axes.transData))
    axes.set_xlabel(fields.label(cut.horizontal), color=INK)
    axes.set_ylabel(fields.label(cut.vertical), color=INK)
    axes.set_title(text, fontsize=10, color=INK, wrap=True)
    axes.tick_params(colors=INK, labelsize=8)
    axes.spines[:].set_color(MUTED)
    axes.locator_params(axis="x", nbins=5)
    beside = axes.inset_axes((1.04, 0.02, 0.045, 0.96))
    bar = axes.figure.colorbar(image, cax=beside)
    if isinstance(norm, LogNorm):
        ticks = _decades(float(norm.vmin or 1.0), float(norm.vmax or 1.0))
        bar.set_ticks(ticks, labels=[f"{tick:.0e}" for tick in ticks], minor=False)
        bar.minorticks_off()
    beside.tick_params(colors=INK, labelsize=8)
    bar.outline.set_visible(False)
    return image


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten between two numbers, and these themselves where no power is near."""
    powers = [10.0**k for k in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)]
    ends = [end for end in (low, high) if all(abs(math.log10(end / power)) > _APART for power in powers)]
    return sorted([*powers, *ends])


def to_scale(fields: Fields, cut: Slice) -> bool:
    """Whether both axes are space, of sizes that a panel to scale can show."""
    return cut.horizontal not in TIMES and 0.2 < shape_of(fields, cut) < 5


def shape_of(fields: Fields, cut: Slice) -> float:
    """Height over width of what is drawn, in the coordinates' units."""
    width, height = (bounds[1] - bounds[0] for bounds in (fields.bounds[cut.horizontal], fields.bounds[cut.vertical]))
    return float(height / width)
