"""Finite elements of high order by scikit-fem, in plain programs of a resolution.

Source: Gustafsson, McBain, scikit-fem, J. Open Source Softw. 5 (2020) 2369; meshes with holes by MeshPy, which wraps
Shewchuk's Triangle.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import meshpy.triangle
import numpy as np
import skfem
from skfem.helpers import dot, grad

from .monitor import ErrorMonitor
from .programs import run
from .recipes import Resolutions

Array = Any
pi = np.pi


@skfem.BilinearForm
def stiffness(u: Any, v: Any, w: Any) -> Any:
    """∫ ∇u · ∇v."""
    return dot(grad(u), grad(v))


@skfem.BilinearForm
def mass(u: Any, v: Any, w: Any) -> Any:
    """∫ u v."""
    return u * v


def read_off(basis: Any, u: Array) -> Callable[[Array, Array], Array]:
    """The function (x, y) -> u of coefficients u of a basis."""
    return lambda x, y: basis.probes(np.stack([x, y])) @ u


def poisson_2d(order: int, cells: int) -> Any:
    """-Δu = 2π² sin πx sin πy on (0, 1)², u = 0 around it: P4 triangles, or squares of the order given."""
    side = np.linspace(0, 1, cells + 1)
    if order == 4:
        basis = skfem.Basis(skfem.MeshTri.init_tensor(side, side), skfem.ElementTriP4(), intorder=10)
    else:
        basis = skfem.Basis(skfem.MeshQuad.init_tensor(side, side), skfem.ElementQuadP(order), intorder=2 * order + 2)
    load = skfem.LinearForm(lambda v, w: 2 * pi**2 * np.sin(pi * w.x[0]) * np.sin(pi * w.x[1]) * v)
    u = skfem.solve(*skfem.condense(stiffness.assemble(basis), load.assemble(basis), D=basis.get_dofs()))
    return read_off(basis, u)


def helmholtz_1_4(order: int, cells: int) -> Any:
    """Δu + u = (1 − 17π²) sin πx sin 4πy on (−1, 1)², u = 0 around it: squares of the order given."""
    side = np.linspace(-1, 1, cells + 1)
    basis = skfem.Basis(skfem.MeshQuad.init_tensor(side, side), skfem.ElementQuadP(order), intorder=2 * order + 2)
    load = skfem.LinearForm(lambda v, w: (17 * pi**2 - 1) * np.sin(pi * w.x[0]) * np.sin(4 * pi * w.x[1]) * v)
    A = stiffness.assemble(basis) - mass.assemble(basis)
    return read_off(basis, skfem.solve(*skfem.condense(A, load.assemble(basis), D=basis.get_dofs())))


def poisson_l_shape(refinements: int, levels: int) -> Any:
    """-Δu = 1 on [−1, 1]² less its upper right quadrant, u = 0 around it: P4, graded towards the corners."""
    mesh = skfem.MeshTri.init_lshaped().refined(refinements)
    corners = np.array([(0, 0), (1, 0), (0, 1), (-1, 1), (-1, -1), (1, -1)]).T
    for level in range(levels):  # cells as small as their distance to a corner asks for
        distances = np.linalg.norm(mesh.p[:, mesh.t, None] - corners[:, None, None], axis=0).min((0, 2))
        mesh = mesh.refined(np.flatnonzero(distances < 0.3 * 0.5**level))
    basis = skfem.Basis(mesh, skfem.ElementTriP4(), intorder=8)
    load = skfem.LinearForm(lambda v, w: v)
    u = skfem.solve(*skfem.condense(stiffness.assemble(basis), load.assemble(basis), D=basis.get_dofs()))
    return read_off(basis, u)


class CurvedTriangles(skfem.MeshTri2):
    """Triangles with curved edges, which lie inside those with straight ones where the domain is hollow."""

    def element_finder(self, mapping: Any = None) -> Any:
        """Which triangle a point is in."""
        return skfem.MeshTri(self.p[:, : self.t.max() + 1], self.t).element_finder()


def laplace_four_holes(arcs: int, area: float) -> Any:
    """Δu = 0 on [−½, ½]² less discs of radius 0.1 at (±0.3, ±0.3), u = 1 outside, 0 on them: P4, curved edges."""
    centres = [(a, b) for a in (-0.3, 0.3) for b in (-0.3, 0.3)]
    side = np.arange(arcs // 2) / (arcs // 2) - 0.5
    points = [
        p for c, d in ((1, 0), (0, 1), (-1, 0), (0, -1)) for p in zip(side * c + d / 2, side * d - c / 2, strict=True)
    ]
    edges = [(i, (i + 1) % len(points)) for i in range(len(points))]
    for a, b in centres:
        first = len(points)
        points += [(a + 0.1 * np.cos(s), b + 0.1 * np.sin(s)) for s in 2 * pi * (np.arange(arcs) + 0.5) / arcs]
        edges += [(first + i, first + (i + 1) % arcs) for i in range(arcs)]
    info = meshpy.triangle.MeshInfo()
    info.set_points(points)
    info.set_facets(edges)
    info.set_holes(centres)
    made = meshpy.triangle.build(info, max_volume=area, min_angle=30, allow_boundary_steiner=False)
    mesh = skfem.MeshTri2.from_mesh(skfem.MeshTri(np.array(made.points).T, np.sort(made.elements, axis=1).T))
    nodes = mesh.doflocs.copy()
    for a, b in centres:
        radius = np.hypot(nodes[0] - a, nodes[1] - b)
        near = radius < 0.1 + 1e-12  # the middles of the chords, which are put on the circle
        nodes[:, near] = np.array([[a], [b]]) + 0.1 * (nodes[:, near] - [[a], [b]]) / radius[near]
    basis = skfem.Basis(CurvedTriangles(nodes, mesh.t), skfem.ElementTriP4(), intorder=10)
    u = basis.zeros()
    u[basis.get_dofs(lambda x: np.maximum(abs(x[0]), abs(x[1])) > 0.5 - 1e-9)] = 1
    A = stiffness.assemble(basis)
    return read_off(basis, skfem.solve(*skfem.condense(A, x=u, D=basis.get_dofs())))


PROBLEMS: dict[str, Callable[..., Any]] = {
    "poisson_2d": poisson_2d,
    "helmholtz_1_4": helmholtz_1_4,
    "poisson_l_shape": poisson_l_shape,
    "laplace_four_holes": laplace_four_holes,
}


def versions() -> dict[str, str]:
    """What ran."""
    return {name: version(name) for name in ("scikit-fem", "meshpy", "scipy")}


def solve(name: str, recipe: Resolutions, monitor: ErrorMonitor, seed: int) -> dict[str, Any]:
    """Run the program at its resolutions; nothing in it is random."""
    return run(PROBLEMS[name], recipe, monitor)
