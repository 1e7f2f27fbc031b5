"""Laplace's equation in any solid: the geometry is read from a file.

    Δu = 0 inside a closed surface, u = e^{x/L} cos(y/L) + z/L on it; that is u inside too

L is the largest extent of the solid, so that its units do not matter.

Source: Lagaris, Likas, Papageorgiou, IEEE Trans. Neural Networks 11 (2000) 1041, section IV (harmonic functions on
irregular boundaries).
"""

from __future__ import annotations

import os
from types import NoneType

import torch

from pinn.derivatives import laplacian
from pinn.domains import Mesh
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import positive

_TETRAHEDRON = ([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def laplace_solid(surface: str | os.PathLike[str] | None = None, scale: float = 1.0) -> Problem:
    """A harmonic function inside a surface of triangles, given on it; u is dimensionless, lengths are the file's.

    Args:
        surface: an STL, OBJ, PLY or OFF file with a closed surface; left out, a tetrahedron at the origin.
        scale: what the file's numbers are multiplied by, 1e-3 for millimetres.

    Raises:
        ImportError: without trimesh, where a file is given.
        ValueError: when there is no such file, its surface is not closed, or the scale is not positive.

    Example:
        >>> laplace_solid().domain
        Mesh(4 triangles in ['x', 'y', 'z'])
    """
    positive("laplace_solid", scale=scale)
    if not isinstance(surface, (str, os.PathLike, NoneType)):
        raise ValueError(f"laplace_solid: surface must be the path of a file, got {surface!r}")
    vertices, triangles = _TETRAHEDRON
    tetrahedron = Mesh([[scale * value for value in vertex] for vertex in vertices], triangles)
    domain = tetrahedron if surface is None else Mesh.read(os.fspath(surface), scale=scale)
    extent = max(high - low for low, high in domain.bounds.values())

    def exact(x, y, z):
        return torch.exp(x / extent) * torch.cos(y / extent) + z / extent

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, y, z: laplacian(u, x, y, z), on=domain),
            "surface": Constraint(lambda u, x, y, z: u - exact(x, y, z), on=domain.boundary()),
        },
        reference=Analytic(exact),
        name="laplace_solid",
    )
