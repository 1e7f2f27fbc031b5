"""Pictures of solutions, runs and derivatives. They are handed what they draw, and know nothing of where it is from.

The names below are loaded when they are first asked for, so that Matplotlib is loaded by what draws, and not by what
may be drawn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pinn.plotting.drawable import Banded, Drawable, Fields, Observed, Recording, Shown

if TYPE_CHECKING:
    from pinn.plotting.animation import animate
    from pinn.plotting.bands import plot_bands
    from pinn.plotting.canvas import as_html
    from pinn.plotting.history import plot_balance, plot_history, plot_trace
    from pinn.plotting.placed import plot_points
    from pinn.plotting.residuals import plot_residuals
    from pinn.plotting.solution import plot_solution

__all__ = [
    "Banded",
    "Drawable",
    "Fields",
    "Observed",
    "Recording",
    "Shown",
    "animate",
    "as_html",
    "plot_balance",
    "plot_bands",
    "plot_history",
    "plot_points",
    "plot_residuals",
    "plot_solution",
    "plot_trace",
]

_HOMES = {
    "animate": "animation",
    "as_html": "canvas",
    "plot_balance": "history",
    "plot_bands": "bands",
    "plot_history": "history",
    "plot_points": "placed",
    "plot_residuals": "residuals",
    "plot_solution": "solution",
    "plot_trace": "history",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
