"""Linear problems of second order by finite elements, on polygons with holes and in boxes, with a stated error.

    −∇·(k ∇u) + v·∇u + c u = f  in the domain,      u = g  on one part of its boundary,
    k ∂u/∂n + α u = h  on another,                  k ∂u/∂n = 0  elsewhere

Elements: on an interval and in a plane box products of polynomials of a high degree, in a box of three dimensions
those of degree two, and on all other plane sets triangles of degree four, smaller towards the corners, with arcs along
circles. Three solves, each with cells half as large as the one before; what is returned is the last, u_h, and its
`error` is |u_2h − u_h| / |u_h| in L2. Where that is no smaller than |u_4h − u_2h| / |u_h| the cells do not resolve the
problem, which is refused.

By scikit-fem (`pip install "pinn[fem]"`): Gustafsson, McBain, J. Open Source Softw. 5 (2020) 2369. Estimates of this
kind: Ciarlet, The Finite Element Method for Elliptic Problems (1978), theorem 3.2.5, where the solution is smooth.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from pinn.binding import names_of, on_arrays
from pinn.domains import Box, Domain
from pinn.reference.plane_mesh import curved, extent, graded, outlines, reentrant, refined, unfolded
from pinn.reference.result import SLACK, Array, Built, Columns, Reference
from pinn.validation import finite, positive

Coefficient = float | Callable[..., Any]
"""A number, or a function of coordinates by name that returns (n,)."""

_DEGREES = {1: 8, 2: 6, 3: 2}  # of products of polynomials in a box of so many dimensions
_CELLS = {1: 4, 2: 3, 3: 3}  # along its largest extent, of the first solve
_TRIANGLES = 3  # along the largest extent of another set
_LEVELS = (6, 4, 4), (2, 1, 1)  # halvings towards corners, re-entrant and others, of each solve
_ROUNDING = 1e-13  # the least error that is stated
_STEPS = 20  # of the search for the cell of a point beside an arc, ...
_NEWTON = 1e-6  # ... and the last of those for its place in the cell: the next would be its square
_PIECE = 20_000  # points of an evaluation at once


@dataclass(frozen=True, eq=False)
class Statement:
    """A problem as finite elements take it; see `fem` for what each is."""

    domain: Domain
    diffusion: Coefficient
    velocity: tuple[Coefficient, ...]
    reaction: Coefficient
    source: Coefficient
    values: Mapping[Domain, Coefficient]
    fluxes: Mapping[Domain, Coefficient | tuple[Coefficient, Coefficient]]
    along: tuple[Domain, ...]

    def at(self, coefficient: Coefficient, x: Array) -> Array:
        """A coefficient at places (d, ...), of the shape of the places."""
        if not callable(coefficient):
            return np.full(x.shape[1:], float(coefficient))
        columns = {name: x[i].ravel() for i, name in enumerate(self.domain.coordinates)}
        wanted = {name: columns[name] for names in names_of(coefficient) for name in names if name in columns}
        found = np.asarray(on_arrays(coefficient, wanted), dtype=np.float64)
        return np.array(np.broadcast_to(found, x[0].ravel().shape)).reshape(x.shape[1:])


def fem(
    domain: Domain,
    *,
    diffusion: Coefficient = 1.0,
    velocity: Sequence[Coefficient] = (),
    reaction: Coefficient = 0.0,
    source: Coefficient = 0.0,
    values: Mapping[Domain, Coefficient] | None = None,
    fluxes: Mapping[Domain, Coefficient | tuple[Coefficient, Coefficient]] | None = None,
    along: Sequence[Domain] = (),
    size: float | None = None,
    output: str = "u",
) -> Reference:
    """The solution of −∇·(k ∇u) + v·∇u + c u = f by finite elements.

    A coefficient is a number or a function of coordinates by name, of NumPy arrays or of tensors.

    Args:
        domain: a box of one to three dimensions; a polygon or a disc; these with polygons, boxes or discs taken away.
        diffusion: k > 0.
        velocity: v, one component a coordinate; left out, none.
        reaction: c.
        source: f.
        values: part of the boundary -> g, e.g. `{box.face(x=0): 0.0}`; a later one has the points of both.
        fluxes: part of the boundary -> h, or (h, α), of k ∂u/∂n + α u = h, n outward; left out, k ∂u/∂n = 0.
        along: sets whose outlines the cells follow, where coefficients jump; in boxes without holes, boxes.
        size: of the cells of the first solve, in units of the coordinates; left out, a few across the domain.
        output: name of u.

    Returns:
        A reference, which is computed when it is first called; `error` is its relative L2 error.

    Raises:
        ValueError: for other domains, parts that hold no piece of the boundary, no condition that determines u; and
            when it is computed, where smaller cells do not bring solutions closer to each other.
        ImportError: when scikit-fem is not installed.

    Example:
        >>> from pinn import Box
        >>> line = Box(x=(0, 1))
        >>> u = fem(line, source=2.0, values={line.boundary(): 0.0})
        >>> round(float(u(x=0.5)), 12), u.error < 1e-12
        (0.25, True)
    """
    if not isinstance(domain, Domain) or domain.dimension != len(getattr(domain, "coordinates", ())):
        raise ValueError(f"fem: got {domain!r}, expected a solid such as Box(...) or Polygon(...)")
    if not isinstance(domain, Box):
        outlines(domain)  # refuses what has none
    elif domain.dimension > 3:
        raise ValueError(f"fem: got {domain!r} of {domain.dimension} dimensions, expected at most three")
    statement = Statement(
        domain, diffusion, tuple(velocity), reaction, source, dict(values or {}), dict(fluxes or {}), tuple(along)
    )
    _validate(statement)
    if size is not None:
        positive("fem", size=size)
    _required()
    elements = "products of polynomials" if isinstance(domain, Box) else "triangles of degree four"
    return Reference(
        bounds=domain.bounds,
        outputs=(output,),
        build=partial(_build, statement, size, output),
        description=f"finite elements, {elements}, three solves with cells halved",
        source="Gustafsson, McBain, J. Open Source Softw. 5 (2020) 2369",
    )


def _required() -> Any:
    try:
        return importlib.import_module("skfem")
    except ImportError:
        raise ImportError('fem needs scikit-fem; pip install "pinn[fem]"') from None


def _validate(given: Statement) -> None:
    coordinates = given.domain.coordinates
    if given.velocity and len(given.velocity) != len(coordinates):
        raise ValueError(
            f"fem: got {len(given.velocity)} components of velocity, expected one for each of {list(coordinates)}"
        )
    for name in ("values", "fluxes"):
        for part in getattr(given, name):
            if not isinstance(part, Domain) or tuple(part.coordinates) != tuple(coordinates):
                raise ValueError(
                    f"fem: got {name} on {part!r}, expected a part of the boundary in {list(coordinates)}; give one "
                    "such as box.face(x=0) or polygon.boundary()"
                )
    pairs = [pair if isinstance(pair, tuple) else (pair, 0.0) for pair in given.fluxes.values()]
    every = [given.diffusion, *given.velocity, given.reaction, given.source, *given.values.values()]
    for coefficient in [*every, *(one for pair in pairs for one in pair)]:
        if not callable(coefficient):
            finite("fem", coefficient=coefficient)
            continue
        for argument in names_of(coefficient)[0]:
            if argument not in coordinates:
                raise ValueError(f"fem: unknown argument {argument!r}; choose among {list(coordinates)}")
    free = all(not callable(alpha) and alpha == 0 for _, alpha in pairs)
    if not given.values and free and not callable(given.reaction) and given.reaction == 0:
        raise ValueError("fem: got no values, no reaction and no α, so that u is free by a constant; give one of them")


@dataclass(frozen=True, eq=False)
class Solved:
    """One solve: its basis, the coefficients, and what finds the cells of points."""

    statement: Statement
    basis: Any
    coefficients: Array
    find: Callable[[Array], Any]
    output: str

    def __call__(self, columns: Columns) -> dict[str, Array]:
        """u (n,) at columns (n,) by coordinate.

        Raises:
            ValueError: for points outside of the domain.
        """
        x = np.stack([columns[name] for name in self.statement.domain.coordinates])
        outside = self.statement.domain.level(torch.from_numpy(np.ascontiguousarray(x.T))).numpy() > SLACK
        if outside.any():
            place = ", ".join(f"{value:g}" for value in x[:, outside][:, 0])
            raise ValueError(f"reference: ({place}) lies outside of the domain")
        pieces = [self._values(x[:, start : start + _PIECE]) for start in range(0, x.shape[1], _PIECE)]
        return {self.output: np.concatenate([np.zeros(0), *pieces])}

    def _values(self, x: Array) -> Array:
        cells, local = self._located(x)
        basis, found = self.basis, np.zeros(x.shape[1])
        for k in range(basis.Nbfun):
            shape = basis.elem.gbasis(basis.mapping, local, k, tind=cells)[0]
            found += np.asarray(shape).reshape(-1) * self.coefficients[basis.element_dofs[k, cells]]
        return found

    def _located(self, x: Array) -> tuple[Any, Array]:
        """The cells of points, and the places in them; beside an arc the cell may be the next one."""
        mesh, mapping = self.basis.mesh, self.basis.mapping
        cells = self.find(x)
        local = _local(mapping, x, cells)
        if not hasattr(mesh, "t2f") or mesh.t.shape[0] != 3 or x.shape[0] != 2:
            return cells, local
        for _ in range(_STEPS):
            # Opposite to the corners 1, 2, 0 of a cell lie its edges (0, 2), (0, 1) and (1, 2).
            inside = np.stack([1 - local[0, :, 0] - local[1, :, 0], local[0, :, 0], local[1, :, 0]])
            worst = inside.argmin(0)
            edge = mesh.t2f[np.array([1, 2, 0])[worst], cells]
            both = mesh.f2t[:, edge]
            other = np.where(both[0] == cells, both[1], both[0])
            move = (inside.min(0) < -1e-9) & (other >= 0)
            if not move.any():
                break
            cells = np.where(move, other, cells)
            local = _local(mapping, x, cells)
        return cells, local


def _local(mapping: Any, x: Array, cells: Any) -> Array:
    """The places (d, n, 1) of points (d, n) in their cells, by Newton's method where edges are arcs."""
    if not isinstance(mapping, _required().MappingIsoparametric):
        return np.asarray(mapping.invF(x[:, :, None], tind=cells))
    local = np.full((*x.shape, 1), 1 / 3)
    for _ in range(_STEPS):
        step = np.einsum("ijkl,jkl->ikl", mapping.invDF(local, cells), x[:, :, None] - mapping.F(local, cells))
        local = local + step
        if np.abs(step).max(initial=0.0) < _NEWTON:
            break
    return local


def _build(statement: Statement, size: float | None, output: str) -> Built:
    meshes = _tensor_meshes(statement, size) if isinstance(statement.domain, Box) else _triangles(statement, size)
    solves = [_solve(statement, basis, find, output) for basis, find in meshes]
    last = solves[-1]
    between = _required().Basis(last.basis.mesh, last.basis.elem, mapping=last.basis.mapping, intorder=4)
    places = np.asarray(between.global_coordinates()).reshape(statement.domain.dimension, -1)
    weights = np.asarray(between.dx).ravel()
    values = [solved._values(places) for solved in solves]
    norm = math.sqrt(float(weights @ values[2] ** 2)) or 1.0
    coarse, fine = (
        math.sqrt(float(weights @ (one - two) ** 2)) / norm for one, two in ((values[0], values[1]), values[1:])
    )
    if not fine <= max(coarse, 1e-9):  # no number is no better
        raise ValueError(
            f"fem: halving the cells moved u by {coarse:.1e} and then by {fine:.1e}, so that they do not resolve it; "
            "give a smaller size, or lines along= where coefficients jump"
        )
    return Built(last, max(fine, _ROUNDING))


def _tensor_meshes(statement: Statement, size: float | None) -> list[tuple[Any, Callable[[Array], Any]]]:
    """Bases on a box cut evenly along each coordinate, three of them, and what finds cells in each."""
    skfem = _required()
    domain = statement.domain
    d, whole = domain.dimension, extent(domain)
    step = whole / _CELLS[d] if size is None else size
    axes = []
    for name, (low, high) in domain.bounds.items():
        stops = {low, high}
        for box in statement.along:
            if not isinstance(box, Box):
                raise ValueError(
                    f"fem: got along {box!r} in a box, expected boxes; give the domain as a Polygon for cells that "
                    "follow other lines"
                )
            stops |= {end for end in box.bounds[name] if low < end < high}
        ends = sorted(stops)
        parts = [
            np.linspace(a, b, max(1, math.ceil((b - a) / step - 1e-9)) + 1)[:-1] for a, b in itertools.pairwise(ends)
        ]
        axes.append(np.append(np.concatenate(parts), high))
    degree = _DEGREES[d]
    kinds = {
        1: (skfem.MeshLine, lambda: skfem.ElementLinePp(degree)),
        2: (skfem.MeshQuad.init_tensor, lambda: skfem.ElementQuadP(degree)),
        3: (skfem.MeshHex.init_tensor, skfem.ElementHex2),
    }
    make, element = kinds[d]
    found = []
    for _ in range(3):
        mesh = make(*axes)
        found.append((skfem.Basis(mesh, element(), intorder=2 * degree + 2), _tensor_finder(mesh, axes)))
        axes = [np.sort(np.concatenate([axis, 0.5 * (axis[:-1] + axis[1:])])) for axis in axes]
    return found


def _tensor_finder(mesh: Any, axes: Sequence[Array]) -> Callable[[Array], Any]:
    shape = [len(axis) - 1 for axis in axes]

    def place(x: Array) -> Any:
        index = [
            np.clip(np.searchsorted(axis, row, side="right") - 1, 0, n - 1)
            for axis, row, n in zip(axes, x, shape, strict=True)
        ]
        return np.ravel_multi_index(index, shape)

    order = np.empty(math.prod(shape), dtype=np.int64)
    order[place(mesh.p[:, mesh.t].mean(1))] = np.arange(mesh.t.shape[1])
    return lambda x: order[place(x)]


def _triangles(statement: Statement, size: float | None) -> list[tuple[Any, Callable[[Array], Any]]]:
    """Bases on triangles, three of them, and what finds cells in each."""
    skfem = _required()
    step = extent(statement.domain) / _TRIANGLES if size is None else size
    mesh, lines = unfolded(statement.domain, step, statement.along)
    sharp = reentrant(statement.domain, lines.corners)
    found = []
    for level, (many, few) in enumerate(zip(*_LEVELS, strict=True)):
        if level:
            mesh = refined(mesh, lines)
        mesh = graded(mesh, lines, lines.corners[sharp], many)
        mesh = graded(mesh, lines, lines.corners[~sharp], few)
        bent = curved(mesh, lines)
        basis = skfem.Basis(bent, skfem.ElementTriP4(), intorder=10)
        if bent is not mesh:  # cells at corners are so small that rounding hides what is asked of places by default
            basis.mapping.invF = partial(basis.mapping.invF, newton_tol=_NEWTON)
        found.append((basis, _triangle_finder(mesh)))
    return found


def _triangle_finder(mesh: Any) -> Callable[[Array], Any]:
    """What finds the triangle of a point: that with the nearest centre whose edges it does not lie beyond."""
    from matplotlib.tri import Triangulation

    finder = Triangulation(mesh.p[0], mesh.p[1], mesh.t.T).get_trifinder()
    edges = mesh.boundary_facets()
    tree, owners = cKDTree(mesh.p[:, mesh.facets[:, edges]].mean(1).T), mesh.f2t[0, edges]

    def find(x: Array) -> Any:
        cells = np.asarray(finder(*x)).astype(np.int64)
        beyond = cells < 0  # between an arc and its chord, or by rounding
        cells[beyond] = owners[tree.query(x[:, beyond].T)[1]]
        return cells

    return find


def _solve(given: Statement, basis: Any, find: Callable[[Array], Any], output: str) -> Solved:
    """Assemble and solve on one mesh."""
    skfem = _required()
    d = given.domain.dimension
    if not (given.at(given.diffusion, np.asarray(basis.global_coordinates())) > 0).all():
        raise ValueError("fem: got a diffusion that is not positive everywhere in the domain; give k > 0")

    def form(u: Any, v: Any, w: Any) -> Any:
        x = np.asarray(w.x)
        found = given.at(given.diffusion, x) * sum(u.grad[i] * v.grad[i] for i in range(d))
        for i, component in enumerate(given.velocity):
            found = found + given.at(component, x) * u.grad[i] * v
        return found + given.at(given.reaction, x) * u * v

    matrix = skfem.BilinearForm(form).assemble(basis)
    load = skfem.LinearForm(lambda v, w: given.at(given.source, np.asarray(w.x)) * v).assemble(basis)
    sides = _PointSides(basis) if d == 1 else _Sides(basis)
    for part, pair in given.fluxes.items():
        flux, alpha = pair if isinstance(pair, tuple) else (pair, 0.0)
        facets = _facets(basis, part, "fluxes")
        load = load + sides.load(facets, partial(given.at, flux))
        matrix = matrix + sides.mass(facets, partial(given.at, alpha))
    known, held = basis.zeros(), np.zeros(basis.N, dtype=bool)
    for part, value in given.values.items():
        facets = _facets(basis, part, "values")
        own = basis.get_dofs(facets).all()
        # The best fit along the part: coefficients inside of edges need not be values.
        mass = sides.mass(facets, lambda x: np.ones(x.shape[1:]))[own][:, own].tocsc()
        known[own] = splu(mass).solve(sides.load(facets, partial(given.at, value))[own])
        held[own] = True
    free = np.flatnonzero(~held)
    known[free] = _solved(matrix[free][:, free].tocsc(), (load - matrix @ known)[free])
    return Solved(given, basis, known, find, output)


def _solved(matrix: Any, load: Array) -> Array:
    """The solution of a sparse system whose pattern is symmetric, with one step of refinement."""
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.01, options={"SymmetricMode": True})
    found = factors.solve(load)
    return np.asarray(found + factors.solve(load - matrix @ found))


@dataclass(frozen=True)
class _Sides:
    """∫ over pieces of the boundary."""

    basis: Any

    def _on(self, facets: Any) -> Any:
        basis = self.basis
        degree = max(2, basis.elem.p if hasattr(basis.elem, "p") else basis.elem.maxdeg)
        return _required().FacetBasis(
            basis.mesh, basis.elem, mapping=basis.mapping, facets=facets, intorder=2 * degree + 2
        )

    def load(self, facets: Any, function: Callable[[Array], Array]) -> Array:
        """∫ h v."""
        form = _required().LinearForm(lambda v, w: function(np.asarray(w.x)) * v)
        return np.asarray(form.assemble(self._on(facets)))

    def mass(self, facets: Any, function: Callable[[Array], Array]) -> Any:
        """∫ α u v."""
        form = _required().BilinearForm(lambda u, v, w: function(np.asarray(w.x)) * u * v)
        return form.assemble(self._on(facets))


@dataclass(frozen=True)
class _PointSides:
    """The same at the ends of an interval, where integrals are values."""

    basis: Any

    def _at(self, facets: Any, function: Callable[[Array], Array]) -> tuple[Any, Array]:
        own = self.basis.nodal_dofs[0, facets]
        return own, function(self.basis.mesh.p[:, facets])

    def load(self, facets: Any, function: Callable[[Array], Array]) -> Array:
        """h v."""
        own, values = self._at(facets, function)
        return np.asarray(np.bincount(own, values, self.basis.N), dtype=np.float64)

    def mass(self, facets: Any, function: Callable[[Array], Array]) -> Any:
        """α u v."""
        own, values = self._at(facets, function)
        return coo_matrix((values, (own, own)), shape=(self.basis.N, self.basis.N)).tocsr()


def _facets(basis: Any, part: Domain, what: str) -> Any:
    """The pieces of the boundary that belong to a part."""
    mesh = basis.mesh
    every = mesh.boundary_facets()
    corners = mesh.p[:, mesh.facets[:, every]]  # (d, corners of a facet, facets)
    # Where edges are arcs their middles lie off the chord; their ends are on the part.
    straight = not isinstance(mesh, _required().MeshTri2)
    places = np.concatenate([corners, corners.mean(1, keepdims=True)], 1) if straight else corners
    flat = torch.from_numpy(np.ascontiguousarray(places.reshape(len(places), -1).T))
    belongs = part.contains(flat).numpy().reshape(places.shape[1:]).all(0)
    if not belongs.any():
        raise ValueError(f"fem: got {what} on {part!r}, which holds no piece of the boundary; give one that does")
    return every[belongs]
