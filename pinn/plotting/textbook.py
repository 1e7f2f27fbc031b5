"""Pictures of derivatives: tangents, difference quotients, gradients, surfaces and slices of a function.

Every slope and arrow that is drawn comes from `pinn.derivatives`: tangents and gradients by automatic differentiation,
difference quotients by the schemes of `finite_difference`. Each function returns a Matplotlib `Figure` that belongs to
the caller (`figure.savefig(path)`); nothing global is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from pinn.derivatives.operators import grad
from pinn.derivatives.textbook.tangent import TangentLine, tangent_line, tangent_plane
from pinn.derivatives.witnesses.finite_difference import central_difference, forward_difference

Range = tuple[float, float]

_CURVE = "#1f4e79"
_TANGENT = "#d1495b"
_SECANT = "#e08e0b"
_MUTED = "#7a7a7a"


def picture_tangent(
    f: Callable[[Tensor], Tensor], box: Range, at: Sequence[float], *, formula: str = "f(x)", name: str = "x"
) -> Figure:
    """A curve with its tangent line and the point of contact, for one point or several.

    Args:
        f: function of a tensor, entry by entry.
        box: (low, high) of x.
        at: where to draw tangents.
        formula: how f is written, for the title.
        name: the variable's name.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.add_subplot()
    x, y = _curve(f, box)
    axes.plot(x, y, color=_CURVE, lw=2.2, label=f"f({name}) = {formula}")
    for i, point in enumerate(at):
        line = tangent_line(f, point)
        color = (_TANGENT, _SECANT, _MUTED)[i % 3]
        axes.plot(
            x, line(x), color=color, lw=1.6, label=f"tangent at {name} = {point:g}:  {line}".replace(" x ", f" {name} ")
        )
        axes.plot([line.x], [line.y], "o", color=color, ms=7, mec="white", zorder=5)
    _frame(axes, y, name, f"f({name})", f"Tangent line of {formula}")
    axes.legend(frameon=False, fontsize=9)
    return figure


def picture_differences(
    f: Callable[[Tensor], Tensor], box: Range, at: float, h: float, *, formula: str = "f(x)", name: str = "x"
) -> Figure:
    """Forward beside central difference with a step wide enough to see, each with the true tangent.

    Args:
        f: function of a tensor, entry by entry.
        box: (low, high) of x.
        at: where to differentiate.
        h: step, in x's units.
        formula: how f is written, for the title.
        name: the variable's name.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    x, y = _curve(f, box)
    true = tangent_line(f, at)
    point = torch.tensor(float(at), dtype=torch.float64)
    panels: list[tuple[str, Any, tuple[float, float]]] = [
        (f"Forward:  (f({name}+h) − f({name})) / h", forward_difference(f, point, h), (at, at + h)),
        (f"Central:  (f({name}+h/2) − f({name}−h/2)) / h", central_difference(f, point, h), (at - h / 2, at + h / 2)),
    ]
    for i, (title, slope, ends) in enumerate(panels):
        axes = figure.add_subplot(1, 2, i + 1)
        heights = [f(torch.tensor(end, dtype=torch.float64)).item() for end in ends]
        secant = TangentLine(ends[0], heights[0], float(slope))
        axes.plot(x, y, color=_CURVE, lw=2.2, label=f"f({name}) = {formula}")
        axes.plot(x, true(x), color=_TANGENT, lw=1.4, ls="--", label=f"true tangent, slope {true.slope:.6f}")
        axes.plot(x, secant(x), color=_SECANT, lw=1.6, label=f"difference, slope {secant.slope:.6f}")
        axes.plot(ends, heights, "o", color=_SECANT, ms=6, mec="white", zorder=5)
        axes.plot([true.x], [true.y], "o", color=_TANGENT, ms=7, mec="white", zorder=6)
        _frame(axes, y, name, f"f({name})", title)
        axes.legend(frameon=False, fontsize=9)
        axes.text(
            0.97,
            0.04,
            f"error {abs(secant.slope - true.slope):.1e}",
            transform=axes.transAxes,
            ha="right",
            color=_MUTED,
        )
    figure.suptitle(f"Difference quotients of {formula} at {name} = {at:g}, h = {h:g}")
    return figure


def picture_descent(
    f: Callable[[Tensor, Tensor], Tensor],
    box: tuple[Range, Range],
    *,
    formula: str = "f(x, y)",
    names: tuple[str, str] = ("x", "y"),
    spacing: int = 18,
) -> Figure:
    """The field of −∇f as arrows, which point downhill, over the level lines of f.

    Args:
        f: function of two tensors, entry by entry.
        box: (low, high) of each coordinate; both ends are drawn.
        formula: how f is written, for the title.
        names: the coordinates' names.
        spacing: number of arrows along each coordinate.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(6.6, 5.6), layout="constrained")
    axes = figure.add_subplot()
    x, y, z = _surface(f, box, 121)
    filled = axes.pcolormesh(x, y, z, cmap="Blues", shading="gouraud", alpha=0.8)
    axes.contour(x, y, z, levels=14, colors=_CURVE, linewidths=0.5, linestyles="solid")
    figure.colorbar(filled, ax=axes, label=f"f({', '.join(names)})")
    points = torch.cartesian_prod(*(torch.linspace(*side, spacing, dtype=torch.float64) for side in box))
    columns = [points[:, i].clone().requires_grad_() for i in range(2)]
    slopes = [-slope.detach().numpy() for slope in grad(f(*columns), *columns)]
    axes.quiver(points[:, 0], points[:, 1], *slopes, color=_TANGENT, angles="xy", width=0.0035)
    axes.set(xlabel=names[0], ylabel=names[1], title=f"−∇f of {formula}")
    # Arrows that start on the edge keep their feet inside the picture.
    margin = [0.03 * (high - low) for low, high in box]
    axes.set(xlim=(box[0][0] - margin[0], box[0][1] + margin[0]), ylim=(box[1][0] - margin[1], box[1][1] + margin[1]))
    return figure


def picture_surface(
    f: Callable[[Tensor, Tensor], Tensor],
    box: tuple[Range, Range],
    *,
    at: tuple[float, float] | None = None,
    formula: str = "f(x, y)",
    names: tuple[str, str] = ("x", "y"),
) -> Figure:
    """The graph of f in three dimensions, with its tangent plane at a point if one is given.

    Args:
        f: function of two tensors, entry by entry.
        box: (low, high) of each coordinate.
        at: where a piece of the tangent plane touches the surface.
        formula: how f is written, for the title.
        names: the coordinates' names.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(7.4, 6), layout="constrained")
    axes: Any = figure.add_subplot(projection="3d", computed_zorder=False)
    x, y, z = _surface(f, box, 61)
    # Drawn in this order whatever the view: the plane is seen through the surface instead of lost behind it.
    axes.plot_surface(x, y, z, cmap="viridis", alpha=0.72, lw=0, rcount=60, ccount=60, zorder=1)
    title = formula
    if at is not None:
        plane = tangent_plane(f, *at)
        reach = [0.22 * (high - low) for low, high in box]
        sides = [np.linspace(a - r, a + r, 9) for a, r in zip(at, reach, strict=True)]
        px, py = np.meshgrid(*sides, indexing="ij")
        axes.plot_wireframe(px, py, plane(px, py), color=_TANGENT, lw=0.9, zorder=2)
        axes.scatter([plane.x], [plane.y], [plane.z], color=_TANGENT, s=36, depthshade=False, zorder=3)
        title += f"\ntangent plane at ({at[0]:g}, {at[1]:g}): slopes ({plane.slopes[0]:.4g}, {plane.slopes[1]:.4g})"
    axes.set(xlabel=names[0], ylabel=names[1], title=title)
    axes.set_zlabel(f"f({', '.join(names)})")
    axes.view_init(elev=30, azim=28)
    axes.set_box_aspect(None, zoom=0.9)
    return figure


def picture_slices(
    f: Callable[[Tensor, Tensor], Tensor],
    box: tuple[Range, Range],
    *,
    held: tuple[float, float] = (0.0, 0.0),
    at: tuple[float, float] | None = None,
    formula: str = "f(x, y)",
    names: tuple[str, str] = ("x", "y"),
) -> Figure:
    """Slices of f with one variable held, which is what a partial derivative is the slope of.

    Args:
        f: function of two tensors, entry by entry.
        box: (low, high) of each coordinate.
        held: the value that each coordinate is held at while the other runs.
        at: where each slice's tangent is drawn, one number a coordinate; left out, none.
        formula: how f is written, for the title.
        names: the coordinates' names.

    Returns:
        The figure, one panel a running coordinate.
    """
    figure = Figure(figsize=(10.5, 4.4), layout="constrained")
    for axis in range(2):
        other = 1 - axis

        def slice_of(values: Tensor, axis: int = axis, other: int = other) -> Tensor:
            constant = torch.full_like(values, held[other])
            return f(values, constant) if axis == 0 else f(constant, values)

        axes = figure.add_subplot(1, 2, axis + 1)
        x, y = _curve(slice_of, box[axis])
        axes.plot(x, y, color=_CURVE, lw=2.2, label=f"{names[other]} = {held[other]:g} held")
        if at is not None:
            line = tangent_line(slice_of, at[axis])
            label = f"slope ∂f/∂{names[axis]} = {line.slope:.4g} at {names[axis]} = {at[axis]:g}"
            axes.plot(x, line(x), color=_TANGENT, lw=1.5, ls="--", label=label)
            axes.plot([line.x], [line.y], "o", color=_TANGENT, ms=7, mec="white", zorder=5)
        _frame(axes, y, names[axis], f"f({', '.join(names)})", f"slice along {names[axis]}")
        axes.legend(frameon=False, fontsize=9)
    figure.suptitle(f"Slices of {formula}, one variable held")
    return figure


def _curve(f: Callable[[Tensor], Tensor], box: Range) -> tuple[np.ndarray, np.ndarray]:
    x = torch.linspace(*box, 401, dtype=torch.float64)
    return x.numpy(), f(x).detach().numpy()


def _surface(
    f: Callable[[Tensor, Tensor], Tensor], box: tuple[Range, Range], n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y = torch.meshgrid(*(torch.linspace(*side, n, dtype=torch.float64) for side in box), indexing="ij")
    return x.numpy(), y.numpy(), f(x, y).detach().numpy()


def _frame(axes: Axes, y: np.ndarray, xlabel: str, ylabel: str, title: str) -> None:
    """Titles, grid, and a height range that belongs to the curve: a steep tangent must not shrink it."""
    reach = float(y.max() - y.min()) or 1.0
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title, ylim=(y.min() - 0.12 * reach, y.max() + 0.12 * reach))
    axes.grid(color="#e4e4e4", lw=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
