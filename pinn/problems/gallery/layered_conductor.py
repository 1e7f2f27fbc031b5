"""Heat through three layers: a chip on copper, a resin that joins, and aluminium in a stream of air.

    −∇·(k ∇T) = 0 in each layer, T and k ∂T/∂n continuous between them, the sides insulated,
    −k ∂T/∂y = q₀ (1 + cos πx/L) at the bottom, −k ∂T/∂y = h (T − T₀) at the top

SI units: layers of 2, 0.5 and 5 mm with k = 400, 2 and 200 W/(m K), L = 20 mm, q₀ = 50 kW/m², h = 500 W/(m² K),
T₀ = 293 K. The exact solution is a mean over x that is linear in y and one wave, in each layer.

Source: Carslaw, Jaeger, Conduction of Heat in Solids, 2nd ed. (1959), sec. 3.2 and 5.2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Reference
from pinn.regions import Interface, Region

LENGTH, FLUX, LOSS, AIR = 0.02, 5e4, 500.0, 293.0
LAYERS = {"copper": (0.0, 0.002, 400.0), "resin": (0.002, 0.0025, 2.0), "aluminium": (0.0025, 0.0075, 200.0)}
"""Name -> y from, y to, m, and conductivity, W/(m K)."""


def layered_conductor() -> Problem:
    """Temperature in K over x and y in m.

    Example:
        >>> layered_conductor().stated_outputs
        ('T',)
    """
    whole = Box(x=(0, LENGTH), y=(0, 0.0075))
    regions = {
        name: Region(Box(x=(0, LENGTH), y=(low, high)), k=conductivity)
        for name, (low, high, conductivity) in LAYERS.items()
    }

    def through(T, x, y, k, nx, ny):
        return k * (d(T, x) * nx + d(T, y) * ny)

    def heated(T, x, y, k):
        return k * d(T, y) + FLUX * (1 + torch.cos(math.pi * x / LENGTH))

    constraints: dict[str, Any] = {
        "balance": Constraint(lambda T, x, y, k: k * (d(T, x, x) + d(T, y, y)), on=whole),
        "chip": Constraint(heated, on=whole.face(y=0)),
        "air": Constraint(lambda T, y, k: k * d(T, y) + LOSS * (T - AIR), on=whole.face(y=0.0075)),
        "sides": Constraint(lambda T, x: d(T, x), on=whole.face(x=0) | whole.face(x=LENGTH)),
        "lower joint": Interface("copper", "resin", flux=through),
        "upper joint": Interface("resin", "aluminium", flux=through),
    }
    return Problem(
        outputs=["T"],
        regions=regions,
        constraints=constraints,
        reference=Reference.exact(exact, bounds=whole.bounds, outputs=("T",)),
        name="gallery_layered_conductor",
        labels={"x": "x / m", "y": "y / m", "T": "temperature / K"},
    )


def exact(x, y):
    """T at arrays x and y."""
    (mean, slope), (even, odd), found = *coefficients(), np.full(np.shape(x), np.nan)
    wave = math.pi / LENGTH
    for layer, (low, high, _) in enumerate(LAYERS.values()):
        here = (y >= low) & (y <= high)
        up = y[here] - low
        swing = even[layer] * np.cosh(wave * up) + odd[layer] * np.sinh(wave * up)
        found[here] = AIR + mean[layer] + slope[layer] * up + swing * np.cos(wave * x[here])
    return found


def coefficients() -> tuple[np.ndarray, np.ndarray]:
    """Of mean and slope (2, 3), and of cosh and sinh (2, 3), y counted from the bottom of each layer."""
    conductivity = np.array([k for _, _, k in LAYERS.values()])
    size = np.array([high - low for low, high, _ in LAYERS.values()])
    wave = math.pi / LENGTH

    def solved(value, rise, bottom):
        # At a layer's top its two terms have these values and slopes; at its bottom one is 1, the other has the slope.
        rows, right = np.zeros((6, 6)), np.zeros(6)
        rows[0, 3], right[0] = conductivity[0] * bottom, -FLUX
        for k in range(2):
            rows[1 + 2 * k, [k, 3 + k, k + 1]] = *value[:, k], -1
            rows[2 + 2 * k, [k, 3 + k, 4 + k]] = *(conductivity[k] * rise[:, k]), -conductivity[k + 1] * bottom
        rows[5, [2, 5]] = conductivity[2] * rise[:, 2] + LOSS * value[:, 2]
        return np.linalg.solve(rows, right).reshape(2, 3)

    a, b = np.cosh(wave * size), np.sinh(wave * size)
    linear = solved(np.array([np.ones(3), size]), np.array([np.zeros(3), np.ones(3)]), 1.0)
    return linear, solved(np.array([a, b]), wave * np.array([b, a]), wave)
