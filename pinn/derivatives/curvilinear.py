"""Gradient, divergence, curl and Laplacians in polar, cylindrical and spherical coordinates.

A vector has components along the unit vectors e_i of the coordinates q_i. With the scale factors h_i = |∂x/∂q_i| and
the curvatures of the coordinate lines g_ij = (∂h_i/∂q_j) / (h_i h_j), i ≠ j, the unit vectors turn as

    (1/h_i) ∂e_k/∂q_i = g_ik e_i  (k ≠ i),   (1/h_i) ∂e_i/∂q_i = −Σ_j g_ij e_j,

and with c_i = Σ_j g_ji, and A_i the skew matrix that has g_ij in row i and −g_ij in column i,

    (grad u)_i = (1/h_i) ∂u/∂q_i                 Δu = Σ_i (1/h_i²) ∂²u/∂q_i² + c_i (1/h_i) ∂u/∂q_i
    (∇v)_ii = (1/h_i) ∂v_i/∂q_i + Σ_j g_ij v_j   (∇v)_ij = (1/h_i) ∂v_j/∂q_i − g_ij v_i
    div v = tr ∇v,   curl v = ε : ∇v             Δv = (Δv_j) + Σ_i (2/h_i) A_i ∂v/∂q_i + (A_i² + c_i A_i) v

where neither h_i nor g_ij depends on q_i, as is so in the systems here. So the operators are expanded, second
derivatives times factors, which is what jets carry best.

    polar        (r, φ)      h = (1, r)                  g_φr = 1/r
    cylindrical  (r, φ, z)   h = (1, r, 1)               g_φr = 1/r
    spherical    (r, θ, φ)   h = (1, r, r sin θ)         g_θr = g_φr = 1/r,  g_φθ = cot θ / r

θ is the angle from the z axis, φ that around it; angles in radians, r > 0 (and 0 < θ < π): on the axis the factors are
singular. A coordinate given as None is one that nothing depends on: `cylindrical.laplacian(u, r, None, z)` is the
Laplacian of an axisymmetric field, `spherical.laplacian(u, r, None, None)` that of one of r alone.

Source: Batchelor, An Introduction to Fluid Dynamics (1967), appendix 2; Morse, Feshbach, Methods of Theoretical
Physics (1953), sec. 1.3-1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pinn.derivatives.operators import Field, d, grad

Coordinate = Any
"""A coordinate (n,), or None for one that nothing depends on."""

Curvatures = Mapping[tuple[int, int], Field]
"""(i, j) -> g_ij (n,), those that are not zero; None where it takes a coordinate that is None."""


@dataclass(frozen=True)
class Orthogonal:
    """A system of orthogonal coordinates, by its scale factors and the curvatures of its lines.

    Args:
        name: of the system, for messages.
        names: of its coordinates, in order; any number of them where it is left empty, as in Cartesian coordinates.
        inverse_scales: coordinates -> position of a coordinate -> 1/h_i (n,), those that are not 1.
        curvatures: coordinates -> (i, j) -> g_ij (n,), those that are not zero.

    Neither h_i nor g_ij may depend on q_i.

    Example:
        >>> r, phi = (torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in (2.0, 0.3))
        >>> round(polar.laplacian(r**2 * torch.cos(2 * phi), r, phi).item(), 12)
        0.0
        >>> polar.divergence((r, 0.0), (r, None)).item()
        2.0
    """

    name: str
    names: tuple[str, ...]
    inverse_scales: Callable[..., Mapping[int, Field]]
    curvatures: Callable[..., Curvatures]

    def grad(self, u: Field, *xs: Coordinate) -> tuple[Field, ...]:
        """Gradient, (1/h_i) ∂u/∂q_i along each unit vector.

        Args:
            u: field (n,).
            xs: the coordinates (n,), in the system's order.

        Returns:
            A field (n,) a coordinate; the number 0.0 along one that is None.

        Raises:
            ValueError: where there are not as many coordinates as the system has; else as `d` does.
        """
        self._check("grad", xs)
        return tuple(_or_zero(slope) for slope in _slopes(u, xs, self.inverse_scales(*xs)))

    def divergence(self, fields: Sequence[Field], xs: Sequence[Coordinate]) -> Field:
        """Divergence Σ (1/h_i) ∂v_i/∂q_i + c_i v_i.

        Args:
            fields: the components (n,) along the unit vectors, or the number 0.0.
            xs: as many coordinates (n,).

        Returns:
            Field (n,).

        Raises:
            ValueError: where the numbers of components and coordinates differ; else as `d` does.
        """
        self._check("divergence", xs, fields)
        scales, bent = self.inverse_scales(*xs), self._curvatures("divergence", xs, fields)
        slopes = [_along(v, i, xs, scales) for i, v in enumerate(fields)]
        return self._sum("divergence", [*slopes, *(_times(g, fields[j]) for (_, j), g in bent.items())])

    def vector_gradient(self, fields: Sequence[Field], xs: Sequence[Coordinate]) -> tuple[tuple[Field, ...], ...]:
        """Gradient of a vector field, e_i · ∇v · e_j in row i and column j.

        The rate of strain is its symmetric part, (v · ∇) v has the components Σ_i v_i (∇v)_ij.

        Args:
            fields: the d components (n,) along the unit vectors, or the number 0.0.
            xs: as many coordinates (n,).

        Returns:
            d tuples of d fields (n,); the number 0.0 for what vanishes.

        Raises:
            ValueError: where the numbers of components and coordinates differ; else as `d` does.
        """
        self._check("vector_gradient", xs, fields)
        scales, bent = self.inverse_scales(*xs), self._curvatures("vector_gradient", xs, fields)
        size = range(len(xs))
        terms = {(i, j): [slope] for j in size for i, slope in enumerate(_slopes(fields[j], xs, scales))}
        for (i, j), g in bent.items():
            terms[i, i].append(_times(g, fields[j]))
            terms[i, j].append(_times(-g, fields[i]))
        return tuple(tuple(_total(terms[i, j]) for j in size) for i in size)

    def curl(self, fields: Sequence[Field], xs: Sequence[Coordinate]) -> Field | tuple[Field, Field, Field]:
        """Curl ∇ × v: a scalar in two dimensions, the component out of the plane; a vector field in three.

        Args:
            fields: 2 or 3 components (n,) along the unit vectors, or the number 0.0.
            xs: as many coordinates (n,).

        Returns:
            Field (n,) in two dimensions, three of them in three; the number 0.0 for what vanishes.

        Raises:
            ValueError: in any other dimension, or where the numbers differ; else as `d` does.
        """
        if len(xs) not in (2, 3):
            raise ValueError(f"{self.name}.curl: got {len(xs)} coordinates, expected 2 or 3; give as many")
        slopes = self.vector_gradient(fields, xs)
        if len(xs) == 2:
            return _total([slopes[0][1], _times(-1.0, slopes[1][0])])
        first, second, third = (_total([slopes[i][j], _times(-1.0, slopes[j][i])]) for i, j in ((1, 2), (2, 0), (0, 1)))
        return first, second, third

    def laplacian(self, u: Field, *xs: Coordinate) -> Field:
        """Laplacian of a scalar field, Δu = Σ (1/h_i²) ∂²u/∂q_i² + c_i (1/h_i) ∂u/∂q_i.

        Args:
            u: field (n,).
            xs: the coordinates (n,), in the system's order.

        Returns:
            Field (n,).

        Raises:
            ValueError: where there are not as many coordinates as the system has, or all are None; else as `d` does.
        """
        self._check("laplacian", xs)
        return self._sum("laplacian", self._laplacian(u, xs, self.inverse_scales(*xs), self.curvatures(*xs)))

    def vector_laplacian(self, fields: Sequence[Field], xs: Sequence[Coordinate]) -> tuple[Field, ...]:
        """Laplacian of a vector field, grad div v − curl curl v, along the unit vectors.

        Args:
            fields: the components (n,) along the unit vectors, or the number 0.0.
            xs: as many coordinates (n,).

        Returns:
            A field (n,) a component; the number 0.0 for what vanishes.

        Raises:
            ValueError: where the numbers of components and coordinates differ; else as `d` does.
        """
        self._check("vector_laplacian", xs, fields)
        scales, bent = self.inverse_scales(*xs), self._curvatures("vector_laplacian", xs, fields)
        turned: dict[tuple[int, int, int], Field] = {}  # (i, row, column) -> entry of A_i
        for (i, j), g in bent.items():
            turned[i, i, j], turned[i, j, i] = g, -g
        found = []
        for row in range(len(xs)):
            terms = self._laplacian(fields[row], xs, scales, bent)
            for (i, at, column), a in turned.items():
                if at != row:
                    continue
                terms.append(_times(2 * a, _along(fields[column], i, xs, scales)))
                terms += [_times(a * b, fields[end]) for (k, at_, end), b in turned.items() if (k, at_) == (i, column)]
                terms += [_times(g * a, fields[column]) for (_, j), g in bent.items() if j == i]
            found.append(_total(terms))
        return tuple(found)

    def _laplacian(
        self, u: Field, xs: Sequence[Coordinate], scales: Mapping[int, Field], bent: Curvatures
    ) -> list[Field]:
        """The terms of Δu; None for those that vanish."""
        terms = []
        for i, (x, first) in enumerate(zip(xs, _slopes(u, xs, {}), strict=True)):
            if first is None:
                continue
            second = d(first, x)
            terms.append(second * scales[i] * scales[i] if i in scales else second)
            slope = first * scales[i] if i in scales else first
            terms += [_times(g, slope) for (_, j), g in bent.items() if j == i]
        return terms

    def _curvatures(self, operator: str, xs: Sequence[Coordinate], fields: Sequence[Field]) -> Curvatures:
        """The curvatures; those that would take a coordinate left out are refused, unless they multiply nothing."""
        found = dict(self.curvatures(*xs))
        for (i, j), g in tuple(found.items()):
            if g is None and not (_is_zero(fields[i]) and _is_zero(fields[j])):
                raise ValueError(
                    f"{self.name}.{operator}: got no {self.names[j]}, expected it where the vector has components "
                    f"along {self.names[i]} or {self.names[j]}; give it, or 0.0 for both components"
                )
            if g is None:
                del found[i, j]
        return found

    def _sum(self, operator: str, terms: Sequence[Field]) -> Field:
        found = _total(terms)
        if _is_zero(found):
            raise ValueError(f"{self.name}.{operator}: got nothing that varies with a coordinate; give one of them")
        return found

    def _check(self, operator: str, xs: Any, fields: Any = ()) -> None:
        for what, given in (("components", fields), ("coordinates", xs)):
            if not isinstance(given, (tuple, list)):
                raise TypeError(
                    f"{self.name}.{operator}: got {type(given).__name__} for the {what}, expected a tuple of fields"
                )
        if self.names and len(xs) != len(self.names):
            raise ValueError(
                f"{self.name}.{operator}: got {len(xs)} coordinates, expected {', '.join(self.names)}; give None for "
                "one that nothing depends on"
            )
        if len(fields) not in (0, len(xs)):
            raise ValueError(
                f"{self.name}.{operator}: got {len(fields)} components and {len(xs)} coordinates, expected one for "
                "each; give 0.0 for a component that vanishes"
            )


def _along(u: Field, i: int, xs: Sequence[Coordinate], scales: Mapping[int, Field]) -> Field | None:
    """(1/h_i) ∂u/∂q_i; None where it vanishes."""
    if xs[i] is None or _is_zero(u):
        return None
    slope = d(u, xs[i])
    return slope * scales[i] if i in scales else slope


def _slopes(u: Field, xs: Sequence[Coordinate], scales: Mapping[int, Field]) -> list[Field | None]:
    """(1/h_i) ∂u/∂q_i for every i, in one backward pass on tensors; None where it vanishes."""
    present = [x for x in xs if x is not None]
    if _is_zero(u) or not present:
        return [None] * len(xs)
    found = iter(grad(u, *present))
    slopes = [None if x is None else next(found) for x in xs]
    return [slope * scales[i] if slope is not None and i in scales else slope for i, slope in enumerate(slopes)]


def _times(factor: Field, u: Field | None) -> Field | None:
    return None if u is None or _is_zero(u) else factor * u


def _total(terms: Sequence[Field | None]) -> Field:
    found = [term for term in terms if term is not None and not _is_zero(term)]
    if not found:
        return 0.0
    total = found[0]
    for term in found[1:]:
        total = total + term
    return total


def _or_zero(u: Field | None) -> Field:
    return 0.0 if u is None else u


def _is_zero(u: Any) -> bool:
    return isinstance(u, (int, float)) and u == 0


def _around_an_axis(r: Field, *others: Coordinate) -> Mapping[int, Field]:
    return {1: 1 / _radius(r)}


def _turning_around_an_axis(r: Field, *others: Coordinate) -> Curvatures:
    return {(1, 0): 1 / _radius(r)}


def _around_a_point(r: Field, theta: Coordinate, phi: Coordinate) -> Mapping[int, Field]:
    over = 1 / _radius(r)
    if theta is None and phi is not None:
        raise ValueError("spherical: got phi and no theta, expected theta; give it, since 1/sin(theta) is a factor")
    return {1: over} if theta is None else {1: over, 2: over / torch.sin(theta)}


def _turning_around_a_point(r: Field, theta: Coordinate, phi: Coordinate) -> Curvatures:
    over = 1 / _radius(r)
    turning = {(1, 0): over, (2, 0): over}
    return turning | {(2, 1): None if theta is None else over * torch.cos(theta) / torch.sin(theta)}


def _radius(r: Coordinate) -> Field:
    if r is None:
        raise ValueError("curvilinear: got no r, expected it: 1/r is a factor; give the coordinate")
    return r


cartesian = Orthogonal("cartesian", (), lambda *xs: {}, lambda *xs: {})
"""x, y, z, as many as are given; the operators of `pinn.derivatives`, as a system like the others."""

polar = Orthogonal("polar", ("r", "phi"), _around_an_axis, _turning_around_an_axis)
"""r and φ in the plane."""

cylindrical = Orthogonal("cylindrical", ("r", "phi", "z"), _around_an_axis, _turning_around_an_axis)
"""r and φ around the z axis, and z."""

spherical = Orthogonal("spherical", ("r", "theta", "phi"), _around_a_point, _turning_around_a_point)
"""r, the angle θ from the z axis and the angle φ around it."""
