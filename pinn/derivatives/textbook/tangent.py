"""Tangent line and tangent plane, from the library's own derivatives.

y = f(x₀) + f'(x₀) (x − x₀)
z = f(x₀, y₀) + f_x(x₀, y₀) (x − x₀) + f_y(x₀, y₀) (y − y₀)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.operators import d, grad


@dataclass(frozen=True)
class TangentLine:
    """The line through (x, y) with the given slope; call it for its values.

    Args:
        x: abscissa of the point of contact.
        y: value there.
        slope: f'(x).
    """

    x: float
    y: float
    slope: float

    @property
    def intercept(self) -> float:
        """Value of the line at x = 0."""
        return self.y - self.slope * self.x

    def __call__(self, x: Any) -> Any:
        """Value of the line at x, a number, array or tensor."""
        return self.y + self.slope * (x - self.x)

    def __str__(self) -> str:
        return f"y = {self.slope:.6g} x {'−' if self.intercept < 0 else '+'} {abs(self.intercept):.6g}"


@dataclass(frozen=True)
class TangentPlane:
    """The plane that touches a surface at (x, y, z); call it for its values.

    Args:
        x: first coordinate of the point of contact.
        y: second coordinate.
        z: value there.
        slopes: (f_x, f_y) there.
    """

    x: float
    y: float
    z: float
    slopes: tuple[float, float]

    def __call__(self, x: Any, y: Any) -> Any:
        """Value of the plane at (x, y), numbers, arrays or tensors."""
        return self.z + self.slopes[0] * (x - self.x) + self.slopes[1] * (y - self.y)


def tangent_line(f: Callable[[Tensor], Tensor], x: float) -> TangentLine:
    """Tangent line of a function of one variable, its slope by automatic differentiation in float64.

    Args:
        f: function of a tensor, entry by entry.
        x: where the line touches; integers are promoted.

    Returns:
        The line.

    Raises:
        TypeError, ValueError: as `d`, where f breaks the graph or changes the shape.

    Example:
        >>> str(tangent_line(lambda x: 0.01 * x**2 + 0.1 * x, 5))
        'y = 0.2 x − 0.25'
    """
    at = torch.tensor([float(x)], dtype=torch.float64, requires_grad=True)
    value = f(at)
    return TangentLine(float(x), value.item(), d(value, at).item())


def tangent_plane(f: Callable[[Tensor, Tensor], Tensor], x: float, y: float) -> TangentPlane:
    """Tangent plane of a function of two variables, its slopes by automatic differentiation in float64.

    Args:
        f: function of two tensors, entry by entry.
        x: first coordinate of the point of contact.
        y: second coordinate.

    Returns:
        The plane.

    Raises:
        TypeError, ValueError: as `d`, where f breaks the graph, changes the shape or leaves a coordinate out.

    Example:
        >>> tangent_plane(lambda x, y: x**2 - y**2, 2, 3).slopes
        (4.0, -6.0)
    """
    xs = [torch.tensor([float(v)], dtype=torch.float64, requires_grad=True) for v in (x, y)]
    value = f(*xs)
    along_x, along_y = grad(value, *xs)
    return TangentPlane(float(x), float(y), value.item(), (along_x.item(), along_y.item()))
