"""Draws the pictures of the pages on geometry: shapes by their points and normals, and functions that vanish exactly.

    python docs/geometry.py            # writes docs/geometry.png and docs/exact.png

It takes shapely (`pip install 'pinn[geometry]'`).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from shapely.geometry import LineString, Point

from pinn import Constraint, Exact, Problem, d
from pinn.domains import (
    Annulus,
    Box,
    Capsule,
    Cloud,
    Cone,
    Cylinder,
    Disc,
    Domain,
    Ellipse,
    LevelSet,
    Mesh,
    Polygon,
    Sector,
    Spline,
    Torus,
    Triangle,
    from_shapely,
)

HERE = Path(__file__).resolve().parent
T = Box(t=(0, 1))
L = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
SQUARE = Box(x=(-1, 1), y=(-1, 1))
HOLED = SQUARE - Disc(x=0.3, y=0, radius=0.3)
SPIRAL = Polygon([(0, 0), (5, 0), (5, 5), (1, 5), (1, 2), (3, 2), (3, 3), (2, 3), (2, 4), (4, 4), (4, 1), (0, 1)])
ANGLES = torch.arange(40, dtype=torch.float64) * 2 * math.pi / 40
CIRCLE = torch.stack([torch.cos(ANGLES), torch.sin(ANGLES)], 1)
FLAT = torch.tensor([1.0, 0.6], dtype=torch.float64)
PYRAMID = Mesh(
    [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [0, 0, 1.5]],
    [[0, 2, 1], [0, 3, 2], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]],
)
SHAPES: dict[str, Domain] = {
    "Disc": Disc(x=0, y=0, radius=1),
    "Ellipse": Ellipse(x=0, y=0, radii=(1, 0.5), angle=0.5),
    "Annulus": Annulus(x=0, y=0, radii=(0.5, 1)),
    "Sector": Sector(x=0, y=0, radius=1, inner=0.4, angles=(0.3, 4.5)),
    "Triangle": Triangle((-1, -0.8), (1, -0.6), (0, 1)),
    "Polygon": L,
    "Polygon − Disc − Polygon": L - Disc(x=-0.5, y=-0.5, radius=0.3) - L.scaled(0.3).moved(x=-0.5, y=0.5),
    "Capsule": Capsule({"x": -0.5, "y": -0.5}, {"x": 0.5, "y": 0.3}, radius=0.4),
    "Spline": Spline(CIRCLE * (1 + 0.3 * torch.cos(3 * ANGLES))[:, None]),
    "LevelSet": LevelSet(lambda x, y: (x * x + y * y) ** 2 - x * x + 0.6 * y * y - 0.02, x=(-1.3, 1.3), y=(-1, 1)),
    "Cloud": Cloud(CIRCLE * FLAT, CIRCLE / FLAT, ("x", "y")),
    "from_shapely": from_shapely(
        LineString([(-1, -1), (1, -1), (0, 1), (0, 0)]).buffer(0.2) | Point(-0.8, 0.8).buffer(0.2)
    ),
    "A | B": Disc(x=-0.3, y=0, radius=0.6) | Box(x=(0, 1), y=(-0.3, 0.3)),
    "A & B": Disc(x=-0.4, y=0, radius=1) & Disc(x=0.4, y=0, radius=1),
    "A.turned(π/6).scaled(x=1.5)": HOLED.turned(math.pi / 6).scaled(x=1.5),
    "Cylinder": Cylinder(x=0, y=0, z=(-1, 1), radius=0.7),
    "Cone": Cone(x=0, y=0, z=(-1, 1), radius=1, top=0.3),
    "Torus": Torus(x=0, y=0, z=0, radii=(1, 0.35)),
    "Ellipse in space": Ellipse(x=0, y=0, z=0, radii=(1, 0.6, 0.4)),
    "Mesh": PYRAMID,
    "A.revolved((0, 4), …)": L.moved(x=1.5).scaled(0.5).revolved((0.0, 4.0), x=("x", "z")),
    "A * Box(z=…)": L * Box(z=(0, 1)),
    'Disc(radius="R") * Box(R=…)': Disc(x=0, y=0, radius="R") * Box(R=(0.3, 1)),
    "A.turned(lambda t: 2 * t) * Box(t=…)": Box(x=(-1, 1), y=(-0.2, 0.2)).turned(lambda t: 2 * t) * T,
}
WHERE: dict[str, tuple[Domain, Domain]] = {
    "a re-entrant corner": (L, L.boundary()),
    "a spiral": (SPIRAL, SPIRAL.boundary()),
    "a plate and its hole": (HOLED, HOLED.boundary()),
    "half a face": (SQUARE, SQUARE.face(x=1) & Box(x=(-1, 1), y=(-2, 0))),
}


def seeded() -> torch.Generator:
    """The same points each time."""
    return torch.Generator().manual_seed(0)


def shapes() -> Figure:
    """Every shape by its points: inside and on the boundary in the plane, with normals; on the boundary in space."""
    figure = Figure(figsize=(15, 10.5), layout="constrained")
    for place, (name, domain) in enumerate(SHAPES.items(), 1):
        solid = len(domain.coordinates) == 3
        axes: Any = figure.add_subplot(4, 6, place, projection="3d" if solid else None)
        around = domain.boundary().sample(900 if solid else 160, generator=seeded())
        x = around.x.numpy()
        if solid:
            axes.scatter(*x.T, s=2, c=x[:, 2], cmap="viridis")
            axes.set_zlabel(domain.coordinates[2], labelpad=-8)
            axes.set_box_aspect(np.ptp(x, axis=0))
        else:
            assert around.normals is not None
            axes.plot(*domain.sample(400, generator=seeded()).x.numpy().T, ".", ms=1.5, color="tab:blue")
            axes.plot(*x.T, "k.", ms=2)
            axes.quiver(*x[::5].T, *around.normals.numpy()[::5].T, color="tab:red", scale=12, width=0.006)
            axes.set_aspect("equal")
        axes.set_xlabel(domain.coordinates[0], labelpad=-8 if solid else 0)
        axes.set_ylabel(domain.coordinates[1], labelpad=-8 if solid else 0)
        axes.tick_params(labelsize=6, pad=-3 if solid else 2)
        axes.set_title(name, fontsize=9)
    return figure


def vanishing() -> Figure:
    """What an exact value is made of: φ, which vanishes on a boundary or a part of it."""
    figure = Figure(figsize=(13, 3.2), layout="constrained")
    panels = figure.subplots(1, len(WHERE))
    for axes, (name, (domain, on)) in zip(panels, WHERE.items(), strict=True):
        equation = Constraint(lambda u, x: d(u, x), on=domain)
        made = Problem(domain, ["u"], {"equation": equation}, exactly=[Exact(on=on, u=0)]).ansatz["u"]
        (low, high), (bottom, top) = domain.bounds.values()
        across, up = (torch.linspace(*ends, 201, dtype=torch.float64) for ends in ((low, high), (bottom, top)))
        y, x = (part.reshape(-1) for part in torch.meshgrid(up, across, indexing="ij"))
        inside = domain.contains(torch.stack([x, y], 1))
        values = torch.where(inside, made(u=torch.ones_like(x), x=x, y=y), math.nan).reshape(201, 201)
        shown = axes.contourf(across, up, values, levels=np.linspace(-1e-12, 1.05, 22), cmap="viridis")
        axes.set_aspect("equal")
        axes.set_title(name, fontsize=9)
    figure.colorbar(shown, ax=panels, label="φ")
    return figure


if __name__ == "__main__":
    shapes().savefig(HERE / "geometry.png", dpi=80, metadata={"Software": None})
    vanishing().savefig(HERE / "exact.png", dpi=80, metadata={"Software": None})
