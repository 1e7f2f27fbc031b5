"""Solids inside watertight surfaces of triangles, read from STL or OBJ files or given as arrays.

    volume Σ a · (b × c) / 6 (Gauss),   area Σ |(b − a) × (c − a)| / 2,   level = signed distance / largest extent

The distance is that to the nearest triangle (Ericson, Real-Time Collision Detection (2005), section 5.1.5), found in a
tree of small pieces of the triangles. A point is outside where it lies along the normal of the nearest feature: of a
triangle, of an edge the mean of two, of a corner the mean by angles (Baerentzen, Aanaes, IEEE Trans. Vis. Comput.
Graph. 11 (2005) 243).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pinn.domains.boundary import Boundary
from pinn.domains.box import Box
from pinn.domains.chart import Chart
from pinn.domains.domain import Bounds, Domain
from pinn.domains.points import Points
from pinn.validation import positive

Array = NDArray[np.float64]

_PIECES = 4000  # of triangles in the tree, about; large triangles are cut into several
_FEW = 64  # triangles that are all tried
_PAIRS = 2**20  # of points and triangles at a time


class Mesh(Domain):
    """The inside of a closed surface of triangles.

    Args:
        vertices: (vertices, 3), all coordinates in the same units.
        faces: (triangles, 3), indices of the corners, in turn as seen from one side.
        coordinates: names of the three coordinates.

    Raises:
        ValueError: when shapes or indices make no sense, or the surface is not closed, with the number of open edges.

    Example:
        >>> corners = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
        >>> tetrahedron = Mesh(corners, [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
        >>> round(tetrahedron.measure, 12), round(tetrahedron.boundary().measure, 6)
        (0.166666666667, 2.366025)
    """

    def __init__(self, vertices: Any, faces: Any, coordinates: Sequence[str] = ("x", "y", "z")) -> None:
        self._names = tuple(coordinates)
        if len(self._names) != 3 or len(set(self._names)) != 3:
            raise ValueError(f"Mesh: coordinates={coordinates!r}; expected three different names")
        given, corners = np.asarray(vertices, dtype=np.float64), np.asarray(faces)
        if given.ndim != 2 or given.shape[1] != 3 or not np.isfinite(given).all():
            raise ValueError(f"Mesh: vertices have shape {given.shape}, expected (vertices, 3) finite numbers")
        if corners.ndim != 2 or corners.shape[1] != 3 or len(corners) < 4:
            raise ValueError(f"Mesh: faces have shape {corners.shape}, expected (4 or more, 3)")
        if not np.issubdtype(corners.dtype, np.integer) or corners.min() < 0 or corners.max() >= len(given):
            raise ValueError(f"Mesh: faces must be indices of the {len(given)} vertices, from 0")
        _require_closed(corners)
        volume = float(np.linalg.det(given[corners]).sum()) / 6
        self.vertices, self.faces = given, corners if volume > 0 else corners[:, ::-1]
        self._volume = abs(volume)

    @classmethod
    def read(cls, path: str | Path, coordinates: Sequence[str] = ("x", "y", "z"), scale: float = 1.0) -> Mesh:
        """The solid inside the surface of an STL, OBJ, PLY or OFF file.

        Args:
            path: of the file.
            coordinates: names of the three coordinates.
            scale: what the file's numbers are multiplied by, 1e-3 for millimetres.

        Raises:
            ImportError: without trimesh, which `pip install 'pinn[geometry]'` brings.
            ValueError: when the file holds no surface of triangles, or one that is not closed.
        """
        positive("Mesh.read", scale=scale)
        if not Path(path).is_file():
            raise ValueError(f"Mesh.read: there is no file {str(path)!r}")
        try:
            import trimesh
        except ImportError:
            raise ImportError("Mesh.read: reading files takes trimesh; pip install 'pinn[geometry]'") from None
        found = trimesh.load_mesh(str(path), process=True)  # corners of STL's triangles become shared
        if not isinstance(found, trimesh.Trimesh) or len(found.faces) == 0:
            raise ValueError(f"Mesh.read: {str(path)!r} holds no surface of triangles")
        if found.is_watertight:
            trimesh.repair.fix_winding(found)
        return cls(scale * np.asarray(found.vertices), np.asarray(found.faces), coordinates)

    def __repr__(self) -> str:
        return f"Mesh({len(self.faces)} triangles in {list(self._names)})"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self._names

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return 3

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        low, high = self._used.min(0).tolist(), self._used.max(0).tolist()
        return dict(zip(self._names, zip(low, high, strict=True), strict=True))

    @cached_property
    def _used(self) -> Array:
        return self.vertices[np.unique(self.faces)]

    @property
    def _extent(self) -> float:
        return max(high - low for low, high in self.bounds.values())

    def support(self, directions: Tensor) -> Tensor:
        """How far its corners reach: the largest c · a for directions a (m, 3), shape (m,)."""
        return (directions @ torch.from_numpy(self._used).to(directions).T).amax(1)

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        (around,) = Box(**self.bounds).charts()
        return (around.masked(lambda points: self.contains(points.x), self._volume),)

    def boundary(self) -> Boundary:
        """The surface, with the triangles' normals."""
        a, b, c = (torch.from_numpy(np.ascontiguousarray(self.vertices[self.faces[:, i]])) for i in range(3))
        cross = torch.linalg.cross(b - a, c - a)
        areas = 0.5 * cross.norm(dim=1)
        normals = cross / (2 * areas[:, None]).clamp_min(1e-300)
        reached = areas.cumsum(0)
        total = float(reached[-1])

        def place(unit: Tensor) -> Points:
            arc = total * unit[:, 0]
            index = torch.searchsorted(reached, arc, right=True).clamp_max(len(areas) - 1)
            fraction = ((arc - (reached - areas)[index]) / areas[index]).clamp(0, 1)[:, None]
            root = fraction.sqrt()
            x = a[index] + root * ((b - a)[index] + unit[:, 1:] * (c - b)[index])
            return Points(self._names, x, normals[index])

        return Boundary(self, (Chart(2, total, place),))

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`: the signed distance to the surface, over the largest extent."""
        points = x.detach().double().cpu().numpy()
        found = [self._distances(part) for part in np.array_split(points, 1 + len(points) // 4096)]
        return torch.from_numpy(np.concatenate(found) / self._extent).to(dtype=x.dtype, device=x.device)

    @cached_property
    def _tree(self) -> tuple[Any, NDArray[np.int64], float]:
        """A tree of the middles of pieces of triangles, which triangle each is of, and their largest radius."""
        from scipy.spatial import cKDTree

        pieces, owners = self.vertices[self.faces], np.arange(len(self.faces))
        while len(pieces) < _PIECES:
            sides = np.linalg.norm(pieces - np.roll(pieces, 1, axis=1), axis=2).max(1)
            large = sides > 0.5 * sides.max()
            a, b, c = (pieces[large][:, i] for i in range(3))
            ab, bc, ca = 0.5 * (a + b), 0.5 * (b + c), 0.5 * (c + a)
            quarters = [np.stack(part, 1) for part in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
            pieces = np.concatenate([pieces[~large], *quarters])
            owners = np.concatenate([owners[~large], *[owners[large]] * 4])
        middles = pieces.mean(1)
        radius = float(np.linalg.norm(pieces - middles[:, None], axis=2).max())
        return cKDTree(middles), owners, radius

    def _distances(self, points: Array) -> Array:
        """Signed distances (n,) of points (n, 3)."""
        if len(points) == 0:
            return np.zeros(0)
        finite = np.asarray(np.isfinite(points).all(1))
        points = np.where(finite[:, None], points, 0.0)
        counts, candidates = self._candidates(points)
        found = np.empty(len(points))
        start = np.concatenate([[0], np.cumsum(counts)])
        first = 0
        while first < len(points):  # as many points at a time as have `_PAIRS` candidates
            last = max(first + 1, int(np.searchsorted(start, start[first] + _PAIRS, side="right")) - 1)
            which = np.repeat(np.arange(first, last), counts[first:last])
            triangles = candidates[start[first] : start[last]]
            weights = _closest(points[which], *(self.vertices[self.faces[triangles, i]] for i in range(3)))
            foot = np.einsum("ni,nij->nj", weights, self.vertices[self.faces[triangles]])
            offset = points[which] - foot
            distance = np.linalg.norm(offset, axis=1)
            order = np.lexsort((distance, which))
            best = order[np.concatenate([[0], np.flatnonzero(np.diff(which[order])) + 1])]
            side = np.einsum("ni,ni->n", offset[best], self._normals(triangles[best], weights[best]))
            found[first:last] = np.where(side > 0, distance[best], -distance[best])
            first = last
        return np.where(finite, found, np.nan)

    def _candidates(self, points: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many triangles may be the nearest of each point, and which, one point after the other."""
        if len(self.faces) <= _FEW:
            every = np.arange(len(self.faces))
            return np.full(len(points), len(every)), np.tile(every, len(points))
        tree, owners, radius = self._tree
        nearest, _ = tree.query(points)
        near = tree.query_ball_point(points, nearest + radius * (1 + 1e-9), return_sorted=False)
        counts = np.array([len(one) for one in near])
        return counts, owners[np.concatenate([np.asarray(one, dtype=np.int64) for one in near])]

    @cached_property
    def _features(self) -> tuple[Array, Array, Array]:
        """Unit normals of triangles, (triangles, 3); of their edges, each opposite its corner, (triangles, 3, 3); of
        vertices, by angles, (vertices, 3)."""
        corners = self.vertices[self.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-300)
        by_vertex = np.zeros_like(self.vertices)
        for i in range(3):
            one, two = (corners[:, (i + k) % 3] - corners[:, i] for k in (1, 2))
            sizes = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
            angle = np.arccos(np.clip((one * two).sum(1) / sizes.clip(1e-300), -1, 1))
            np.add.at(by_vertex, self.faces[:, i], angle[:, None] * normals)
        edges = np.stack([np.sort(self.faces[:, [(i + 1) % 3, (i + 2) % 3]], axis=1) for i in range(3)], 1)
        keys, place = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
        sums = np.zeros((len(keys), 3))
        np.add.at(sums, place.reshape(-1), np.repeat(normals, 3, axis=0))
        return normals, sums[place.reshape(-1, 3)], by_vertex

    def _normals(self, triangles: NDArray[np.int64], weights: Array) -> Array:
        """The normals of the features, triangles, edges or vertices, that points with barycentric weights lie on."""
        by_face, by_edge, by_vertex = self._features
        off = weights <= 1e-12
        found = np.where((off.sum(1) == 0)[:, None], by_face[triangles], by_edge[triangles, off.argmax(1)])
        corner = by_vertex[self.faces[triangles, (~off).argmax(1)]]
        return np.where((off.sum(1) >= 2)[:, None], corner, found)


def _require_closed(faces: NDArray[Any]) -> None:
    """Refuse a surface in which an edge does not belong to two triangles that run along it in opposite directions."""
    directed = np.concatenate([faces[:, [i, (i + 1) % 3]] for i in range(3)])
    edges, counts = np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)
    if (wrong := int((counts != 2).sum())) > 0:
        raise ValueError(
            f"Mesh: {wrong} of {len(edges)} edges belong to one triangle or to more than two, so that the surface is "
            "not closed; repair it, e.g. by trimesh.repair.fill_holes"
        )
    if len(np.unique(directed, axis=0)) != len(directed):
        raise ValueError(
            "Mesh: neighbouring triangles list their corners in opposite senses; repair it, e.g. by "
            "trimesh.repair.fix_winding"
        )


def _closest(p: Array, a: Array, b: Array, c: Array) -> Array:
    """Barycentric weights (n, 3) of the point of each triangle that is nearest to each point."""

    def dot(one: Array, two: Array) -> Array:
        return np.einsum("ni,ni->n", one, two)

    ab, ac = b - a, c - a
    d1, d2 = dot(ab, p - a), dot(ac, p - a)
    d3, d4 = dot(ab, p - b), dot(ac, p - b)
    d5, d6 = dot(ab, p - c), dot(ac, p - c)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    zero, one = np.zeros_like(d1), np.ones_like(d1)
    with np.errstate(divide="ignore", invalid="ignore"):
        on_ab, on_ac = d1 / (d1 - d3), d2 / (d2 - d6)
        on_bc = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        total = va + vb + vc
        inside = np.stack([1 - (vb + vc) / total, vb / total, vc / total], 1)
    cases = [
        ((d1 <= 0) & (d2 <= 0), (one, zero, zero)),
        ((d3 >= 0) & (d4 <= d3), (zero, one, zero)),
        ((vc <= 0) & (d1 >= 0) & (d3 <= 0), (1 - on_ab, on_ab, zero)),
        ((d6 >= 0) & (d5 <= d6), (zero, zero, one)),
        ((vb <= 0) & (d2 >= 0) & (d6 <= 0), (1 - on_ac, zero, on_ac)),
        ((va <= 0) & (d4 >= d3) & (d5 >= d6), (zero, 1 - on_bc, on_bc)),
    ]
    found, open_still = inside, np.ones(len(p), dtype=bool)
    for held, weights in cases:
        found = np.where((held & open_still)[:, None], np.stack(weights, 1), found)
        open_still &= ~held
    return found
