"""Certified solutions: what others are measured against, each with the error it is known to have.

Closed forms written with torch are `Analytic`; all that is computed here is a `Reference`. Both are called with NumPy
arrays by coordinate name and carry an `error`. A reference is computed when it is first called, and where that takes
more than a moment it is kept in the user's cache folder. Finite elements are loaded when they are asked for, since
SciPy's matrices take their time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pinn.reference.analytic import Analytic
from pinn.reference.cahn_hilliard import cahn_hilliard
from pinn.reference.cavity import cavity
from pinn.reference.cole_hopf import cole_hopf
from pinn.reference.diffusion_reaction import reaction_diffusion
from pinn.reference.driven import driven_heat
from pinn.reference.kuramoto import kuramoto_sivashinsky
from pinn.reference.ordinary import lorenz, lotka_volterra, ordinary, oscillator
from pinn.reference.periodic import allen_cahn, kdv
from pinn.reference.plane_evolutions import gray_scott, reacting_heat, vector_burgers, wave_plane
from pinn.reference.result import Reference
from pinn.reference.trefftz import laplace_four_holes, poisson_l_shape

if TYPE_CHECKING:
    from pinn.reference.finite_elements import fem

__all__ = [
    "Analytic",
    "Reference",
    "allen_cahn",
    "cahn_hilliard",
    "cavity",
    "cole_hopf",
    "driven_heat",
    "fem",
    "gray_scott",
    "kdv",
    "kuramoto_sivashinsky",
    "laplace_four_holes",
    "lorenz",
    "lotka_volterra",
    "ordinary",
    "oscillator",
    "poisson_l_shape",
    "reacting_heat",
    "reaction_diffusion",
    "vector_burgers",
    "wave_plane",
]


def __getattr__(name: str) -> Any:
    if name == "fem":
        return importlib.import_module("pinn.reference.finite_elements").fem
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
