"""Derivatives by every route (nested autograd, differences, symbols, by hand), and the operators built on them.

The witnesses and the textbook, which bring SymPy, are loaded when one of their names is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pinn.derivatives.autograd import Autograd
from pinn.derivatives.curvilinear import Orthogonal, cartesian, cylindrical, polar, spherical
from pinn.derivatives.engine import BoundEquation, Engine, EngineChoice
from pinn.derivatives.jets.engine import Jets
from pinn.derivatives.jets.jet import MissingRule
from pinn.derivatives.nested import attach, scalar_gradient
from pinn.derivatives.operators import (
    biharmonic,
    curl,
    d,
    directional,
    divergence,
    grad,
    hessian,
    jacobian,
    laplacian,
    material_derivative,
    normal_derivative,
)
from pinn.derivatives.own_loop import Residual, residual_function
from pinn.derivatives.sight import at, integral
from pinn.linearization import Linearization

if TYPE_CHECKING:
    from pinn.derivatives.textbook.functions import TEXTBOOK, TextbookFunction
    from pinn.derivatives.textbook.tangent import TangentLine, TangentPlane, tangent_line, tangent_plane
    from pinn.derivatives.witnesses.check import Comparison, DerivativeTable, check_derivatives, check_rows_independent
    from pinn.derivatives.witnesses.finite_difference import (
        Estimate,
        central_difference,
        complex_step,
        default_step,
        forward_difference,
        mixed_difference,
        numerical_gradient,
        richardson,
    )
    from pinn.derivatives.witnesses.symbolic import (
        NoSymbolicRuleError,
        Symbolic,
        SymbolicFunction,
        manufacture,
        symbolic_function,
    )

__all__ = [
    "TEXTBOOK",
    "Autograd",
    "BoundEquation",
    "Comparison",
    "DerivativeTable",
    "Engine",
    "EngineChoice",
    "Estimate",
    "Jets",
    "Linearization",
    "MissingRule",
    "NoSymbolicRuleError",
    "Orthogonal",
    "Residual",
    "Symbolic",
    "SymbolicFunction",
    "TangentLine",
    "TangentPlane",
    "TextbookFunction",
    "at",
    "attach",
    "biharmonic",
    "cartesian",
    "central_difference",
    "check_derivatives",
    "check_rows_independent",
    "complex_step",
    "curl",
    "cylindrical",
    "d",
    "default_step",
    "directional",
    "divergence",
    "forward_difference",
    "grad",
    "hessian",
    "integral",
    "jacobian",
    "laplacian",
    "manufacture",
    "material_derivative",
    "mixed_difference",
    "normal_derivative",
    "numerical_gradient",
    "polar",
    "residual_function",
    "richardson",
    "scalar_gradient",
    "spherical",
    "symbolic_function",
    "tangent_line",
    "tangent_plane",
]

_HOMES = {
    "textbook.functions": ("TEXTBOOK", "TextbookFunction"),
    "textbook.tangent": ("TangentLine", "TangentPlane", "tangent_line", "tangent_plane"),
    "witnesses.check": ("Comparison", "DerivativeTable", "check_derivatives", "check_rows_independent"),
    "witnesses.finite_difference": (
        "Estimate",
        "central_difference",
        "complex_step",
        "default_step",
        "forward_difference",
        "mixed_difference",
        "numerical_gradient",
        "richardson",
    ),
    "witnesses.symbolic": (
        "NoSymbolicRuleError",
        "Symbolic",
        "SymbolicFunction",
        "manufacture",
        "symbolic_function",
    ),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
