"""Differential equations, forward and inverse, solved with neural networks.

    from pinn import Box, Constraint, Problem, d, solve

The names below are loaded when they are first asked for, so that `pinn.derivatives` alone costs only itself.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinn.along import solve_along
    from pinn.derivatives import (
        at,
        biharmonic,
        curl,
        d,
        directional,
        divergence,
        grad,
        hessian,
        integral,
        jacobian,
        laplacian,
        material_derivative,
        normal_derivative,
        residual_function,
    )
    from pinn.domains import (
        Annulus,
        Ball,
        Box,
        Capsule,
        Cloud,
        Cone,
        Cylinder,
        Disc,
        Ellipse,
        GaussianField,
        LevelSet,
        Mesh,
        Point,
        Points,
        Polygon,
        RandomSeries,
        Scatter,
        Sector,
        Spline,
        Torus,
        Triangle,
    )
    from pinn.eigenvalues import eigenpairs
    from pinn.energy import Energy
    from pinn.ensemble import solve_ensemble
    from pinn.exact import Exact
    from pinn.output import Output
    from pinn.problem import Constraint, Problem, Unknown
    from pinn.regions import Interface, Region
    from pinn.robust import Cauchy, Huber
    from pinn.solution import Report, Solution
    from pinn.solver import solve
    from pinn.tables import Table
    from pinn.training import Callback, Stage, Stop
    from pinn.weak import Weak

__all__ = [
    "Annulus",
    "Ball",
    "Box",
    "Callback",
    "Capsule",
    "Cauchy",
    "Cloud",
    "Cone",
    "Constraint",
    "Cylinder",
    "Disc",
    "Ellipse",
    "Energy",
    "Exact",
    "GaussianField",
    "Huber",
    "Interface",
    "LevelSet",
    "Mesh",
    "Output",
    "Point",
    "Points",
    "Polygon",
    "Problem",
    "RandomSeries",
    "Region",
    "Report",
    "Scatter",
    "Sector",
    "Solution",
    "Spline",
    "Stage",
    "Stop",
    "Table",
    "Torus",
    "Triangle",
    "Unknown",
    "Weak",
    "at",
    "biharmonic",
    "curl",
    "d",
    "directional",
    "divergence",
    "eigenpairs",
    "grad",
    "hessian",
    "integral",
    "jacobian",
    "laplacian",
    "material_derivative",
    "normal_derivative",
    "residual_function",
    "solve",
    "solve_along",
    "solve_ensemble",
]

_HOMES = {
    "pinn.along": ("solve_along",),
    "pinn.domains": (
        "Annulus",
        "Ball",
        "Box",
        "Capsule",
        "Cloud",
        "Cone",
        "Cylinder",
        "Disc",
        "Ellipse",
        "GaussianField",
        "LevelSet",
        "Mesh",
        "Point",
        "Points",
        "Polygon",
        "RandomSeries",
        "Scatter",
        "Sector",
        "Spline",
        "Torus",
        "Triangle",
    ),
    "pinn.exact": ("Exact",),
    "pinn.eigenvalues": ("eigenpairs",),
    "pinn.energy": ("Energy",),
    "pinn.ensemble": ("solve_ensemble",),
    "pinn.output": ("Output",),
    "pinn.problem": ("Constraint", "Problem", "Unknown"),
    "pinn.regions": ("Interface", "Region"),
    "pinn.robust": ("Cauchy", "Huber"),
    "pinn.solution": ("Report", "Solution"),
    "pinn.solver": ("solve",),
    "pinn.tables": ("Table",),
    "pinn.training": ("Callback", "Stage", "Stop"),
    "pinn.weak": ("Weak",),
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        home = next((home for home, names in _HOMES.items() if name in names), "pinn.derivatives")
        return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
