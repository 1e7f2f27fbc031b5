"""Textbook functions with their derivatives in closed form: the data that every derivative utility must agree on.

Each is given three times, independently: as code, as a SymPy expression, and by its derivatives worked out by hand.
They are functions of one or two variables that introductions to differentiation use: polynomials, a logarithm, a sine,
a bowl and a saddle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sympy
import torch
from torch import Tensor

from pinn.derivatives.witnesses.elementary import cos, log, sin


@dataclass(frozen=True)
class TextbookFunction:
    """A function of d variables and what is known of it.

    Args:
        name: identifier, such as "quadratic_log".
        title: the formula as it is written.
        function: code f(x, …) for numbers, arrays, tensors, jets and symbols, entry by entry.
        expression: the same as a SymPy expression in symbols named like the variables.
        variables: the d variables' names, in the order of f's arguments.
        points: sample points, each of d numbers; the first is the one that pictures touch.
        derivatives: hand-worked derivatives, each under the names it is taken by: ("x", "y") for ∂²f/∂x∂y.
        box: (low, high) of each variable, for pictures.
        held: value that a slice holds each variable at while another runs; empty for the picture's sample point.
    """

    name: str
    title: str
    function: Callable[..., Any]
    expression: sympy.Expr
    variables: tuple[str, ...]
    points: tuple[tuple[float, ...], ...]
    derivatives: Mapping[tuple[str, ...], Callable[..., Any]]
    box: tuple[tuple[float, float], ...]
    held: tuple[float, ...] = ()

    def __call__(self, *xs: Any) -> Any:
        """Value of f at the coordinates `xs`, of their kind and shape."""
        return self.function(*xs)

    def columns(self, *, dtype: torch.dtype = torch.float64, device: torch.device | None = None) -> tuple[Tensor, ...]:
        """The sample points as d coordinates (n,), new leaves that require grad."""
        points = torch.tensor(self.points, dtype=dtype, device=device)
        return tuple(points[:, i].clone().requires_grad_() for i in range(len(self.variables)))


_x, _y, _a, _t = sympy.symbols("x y a t", real=True)
_x0, _x1 = sympy.symbols("x0 x1", real=True)

PARABOLA_PLUS_ONE = TextbookFunction(
    name="parabola_plus_one",
    title="x² + 1",
    function=lambda x: x**2 + 1,
    expression=_x**2 + 1,
    variables=("x",),
    points=((1.0,), (2.0,), (3.0,), (4.0,)),
    derivatives={("x",): lambda x: 2 * x, ("x", "x"): lambda x: 0 * x + 2, ("x", "x", "x"): lambda x: 0 * x},
    box=((0.0, 5.0),),
)
QUADRATIC_LOG = TextbookFunction(
    name="quadratic_log",
    title="(x² + 2x) ln x",
    function=lambda x: (x**2 + 2 * x) * log(x),
    expression=(_x**2 + 2 * _x) * sympy.log(_x),
    variables=("x",),
    points=((1.0,), (0.5,), (2.0,), (3.0,)),
    derivatives={
        ("x",): lambda x: (2 * x + 2) * log(x) + x + 2,
        ("x", "x"): lambda x: 2 * log(x) + 2 / x + 3,
        ("x", "x", "x"): lambda x: 2 / x - 2 / x**2,
    },
    box=((0.1, 2.5),),
)
QUADRATIC_LOG_OF_TWO = TextbookFunction(
    name="quadratic_log_of_two",
    title="(x² + 2x) ln y",
    function=lambda x, y: (x**2 + 2 * x) * log(y),
    expression=(_x**2 + 2 * _x) * sympy.log(_y),
    variables=("x", "y"),
    points=((1.0, 2.0), (0.5, 1.5), (-2.0, 0.5)),
    derivatives={
        ("x",): lambda x, y: (2 * x + 2) * log(y),
        ("y",): lambda x, y: (x**2 + 2 * x) / y,
        ("x", "x"): lambda x, y: 0 * x + 2 * log(y),
        ("x", "y"): lambda x, y: (2 * x + 2) / y,
        ("y", "y"): lambda x, y: -(x**2 + 2 * x) / y**2,
    },
    box=((-3.0, 1.5), (0.3, 4.0)),
)
QUADRATIC_PLUS_SINE = TextbookFunction(
    name="quadratic_plus_sine",
    title="0.78 x² + sin x",
    function=lambda x: 0.78 * x**2 + sin(x),
    expression=sympy.Rational(78, 100) * _x**2 + sympy.sin(_x),
    variables=("x",),
    points=((-0.75,), (0.0,), (1.5,)),
    derivatives={
        ("x",): lambda x: 1.56 * x + cos(x),
        ("x", "x"): lambda x: 1.56 - sin(x),
        ("x", "x", "x"): lambda x: -cos(x),
    },
    box=((-2.5, 2.0),),
)
SHALLOW_PARABOLA = TextbookFunction(
    name="shallow_parabola",
    title="0.01 x² + 0.1 x",
    function=lambda x: 0.01 * x**2 + 0.1 * x,
    expression=_x**2 / 100 + _x / 10,
    variables=("x",),
    points=((5.0,), (10.0,)),
    derivatives={("x",): lambda x: 0.02 * x + 0.1, ("x", "x"): lambda x: 0 * x + 0.02},
    box=((0.0, 20.0),),
)
BOWL = TextbookFunction(
    name="bowl",
    title="x₀² + x₁²",
    function=lambda x0, x1: x0**2 + x1**2,
    expression=_x0**2 + _x1**2,
    variables=("x0", "x1"),
    points=((3.0, 4.0), (0.0, 2.0), (3.0, 0.0)),
    derivatives={
        ("x0",): lambda x0, x1: 2 * x0 + 0 * x1,
        ("x1",): lambda x0, x1: 2 * x1 + 0 * x0,
        ("x0", "x0"): lambda x0, x1: 0 * x0 + 2,
        ("x0", "x1"): lambda x0, x1: 0 * x0,
        ("x1", "x1"): lambda x0, x1: 0 * x1 + 2,
    },
    box=((-2.0, 2.25), (-2.0, 2.25)),
)
SADDLE = TextbookFunction(
    name="saddle",
    title="x² − y²",
    function=lambda x, y: x**2 - y**2,
    expression=_x**2 - _y**2,
    variables=("x", "y"),
    points=((2.0, 3.0), (0.0, 0.0), (-1.0, 0.5)),
    derivatives={
        ("x",): lambda x, y: 2 * x + 0 * y,
        ("y",): lambda x, y: -2 * y + 0 * x,
        ("x", "x"): lambda x, y: 0 * x + 2,
        ("x", "y"): lambda x, y: 0 * x,
        ("y", "y"): lambda x, y: 0 * y - 2,
    },
    box=((-4.0, 4.0), (-4.0, 4.0)),
    held=(0.0, 0.0),
)
MIXED_POLYNOMIAL = TextbookFunction(
    name="mixed_polynomial",
    title="x²y² + 7xy − 3x + 6",
    function=lambda x, y: x**2 * y**2 + 7 * x * y - 3 * x + 6,
    expression=_x**2 * _y**2 + 7 * _x * _y - 3 * _x + 6,
    variables=("x", "y"),
    points=((1.0, 2.0), (-1.5, 0.5), (0.0, 3.0)),
    derivatives={
        ("x",): lambda x, y: 2 * x * y**2 + 7 * y - 3,
        ("y",): lambda x, y: 2 * x**2 * y + 7 * x,
        ("x", "x"): lambda x, y: 0 * x + 2 * y**2,
        ("x", "y"): lambda x, y: 4 * x * y + 7,
        ("y", "y"): lambda x, y: 2 * x**2 + 0 * y,
    },
    box=((-2.0, 2.0), (-2.5, 2.5)),
)
SQUARE_PLUS_PARAMETER = TextbookFunction(
    name="square_plus_parameter",
    title="a² + t",
    function=lambda a, t: a**2 + t,
    expression=_a**2 + _t,
    variables=("a", "t"),
    points=((1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)),
    derivatives={
        ("a",): lambda a, t: 2 * a + 0 * t,
        ("t",): lambda a, t: 0 * a + 1,
        ("a", "a"): lambda a, t: 0 * a + 2,
        ("a", "t"): lambda a, t: 0 * a,
        ("t", "t"): lambda a, t: 0 * t,
    },
    box=((-2.0, 2.0), (-2.0, 2.0)),
)

TEXTBOOK: Mapping[str, TextbookFunction] = MappingProxyType(
    {
        function.name: function
        for function in (
            PARABOLA_PLUS_ONE,
            QUADRATIC_LOG,
            QUADRATIC_LOG_OF_TWO,
            QUADRATIC_PLUS_SINE,
            SHALLOW_PARABOLA,
            BOWL,
            SADDLE,
            MIXED_POLYNOMIAL,
            SQUARE_PLUS_PARAMETER,
        )
    }
)
"""All of them by name."""
