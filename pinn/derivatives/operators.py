"""Differential operators on scalar fields, written once for tensors and for anything that knows its own derivatives.

    d(u, x, ..., y)   ∂…∂u / ∂x…∂y
    grad u = (u_x, …),   div v = Σ ∂vᵢ/∂xᵢ,   curl v = ∇ × v,   Δu = Σ ∂²u/∂xᵢ²,   Δ²u = Δ(Δu),
    ∂u/∂a = a · grad u,  ∂u/∂n = n · grad u,  Du/Dt = u_t + v · grad u       (Cartesian coordinates)

A field is a tensor (n,), one value a point; a coordinate is a tensor (n,) that the field was computed from. A field
that is not a tensor but has a method `differentiate(*xs)` (a jet, a symbolic expression) is asked for its derivative;
so one text of an equation serves them all. Vector fields are tuples of scalar fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pinn.derivatives import nested

Field = Any
"""A tensor (n,), a number, or an object with `differentiate(*xs)`."""


def d(u: Field, *xs: Field, upstream: Tensor | float | None = None) -> Field:
    """Derivative of a field by its coordinates, of any order and mixture: `d(u, x, x, y)` is ∂³u/∂x²∂y.

    Args:
        u: field (n,); a number is a constant, with derivative zero. A column (n, 1), or a grid of values whose columns
            stand by themselves, is differentiated entry by entry by an x of its shape.
        xs: coordinates (n,), one for each order.
        upstream: factor on the result, a number or (n,) (autograd's `grad_outputs`).

    Returns:
        Field (n,) that can be differentiated again; zero where the derivative has run out.

    Raises:
        TypeError: where a tensor is not of real floating point.
        ValueError: where shapes differ, a column of u depends on other columns of x, a coordinate took no part in u,
            its graph has been freed, or nothing was recorded (`torch.no_grad`, `torch.inference_mode`).

    Example:
        >>> import torch
        >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64, requires_grad=True)
        >>> u = x**2 + 1
        >>> d(u, x).tolist(), d(u, x, x).tolist(), d(u, x, x, x).tolist()
        ([2.0, 4.0, 6.0, 8.0], [2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0])
    """
    if not _knows_its_derivatives(u):
        if all(isinstance(x, Tensor) for x in xs) or not any(_knows_its_derivatives(x) for x in xs):
            return nested.derivative(u, *xs, upstream=upstream)
        # A plain tensor or number among jets is a constant of theirs.
        u = nested.attach(u, xs[0])
    if not xs:
        raise ValueError("d: got no coordinate to differentiate by; give at least one, as in d(u, x)")
    found = u.differentiate(*xs)
    return found if upstream is None else upstream * found


def grad(u: Field, *xs: Field) -> tuple[Field, ...]:
    """Gradient (∂u/∂x₁, …, ∂u/∂x_d), one field a coordinate, in one backward pass on tensors.

    Args:
        u: field (n,).
        xs: the d coordinates (n,).

    Returns:
        d fields (n,). Raises as `d` does.

    Example:
        >>> import torch
        >>> x, y = (torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in (2.0, 3.0))
        >>> [p.item() for p in grad(x**2 - y**2, x, y)]
        [4.0, -6.0]
    """
    if not xs:
        raise ValueError("grad: got no coordinate; give every one that the gradient is taken by, as in grad(u, x, y)")
    if any(_knows_its_derivatives(field) for field in (u, *xs)):
        return tuple(d(u, x) for x in xs)
    return nested.partials(u, xs)


def jacobian(fields: Sequence[Field], xs: Sequence[Field]) -> tuple[tuple[Field, ...], ...]:
    """Jacobian ∂uᵢ/∂xⱼ of m fields by d coordinates, row i being the gradient of field i.

    Args:
        fields: m fields (n,).
        xs: d coordinates (n,).

    Returns:
        m tuples of d fields (n,). Raises as `d` does.
    """
    return tuple(grad(u, *_sequence("jacobian", "coordinates", xs)) for u in _sequence("jacobian", "fields", fields))


def hessian(u: Field, *xs: Field) -> tuple[tuple[Field, ...], ...]:
    """Hessian ∂²u/∂xᵢ∂xⱼ as d tuples of d fields; symmetric entries are the same field.

    Args:
        u: field (n,).
        xs: the d coordinates (n,).

    Returns:
        d tuples of d fields (n,). Raises as `d` does.
    """
    rows = [grad(first, *xs[i:]) for i, first in enumerate(grad(u, *xs))]
    return tuple(tuple(rows[min(i, j)][abs(i - j)] for j in range(len(xs))) for i in range(len(xs)))


def laplacian(u: Field, *xs: Field) -> Field:
    """Laplacian Δu = Σ ∂²u/∂xᵢ² in Cartesian coordinates.

    Args:
        u: field (n,).
        xs: the d coordinates (n,), each once.

    Returns:
        Field (n,). Raises as `d` does.

    Example:
        >>> import torch
        >>> x, y = (torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in (1.0, 2.0))
        >>> laplacian(x**2 * y**2, x, y).item()
        10.0
    """
    if any(_knows_its_derivatives(field) for field in (u, *xs)):
        return _total([d(u, x, x) for x in xs])
    # On tensors one backward pass gives the whole gradient row.
    return _total([d(first, x) for first, x in zip(grad(u, *xs), xs, strict=True)])


def biharmonic(u: Field, *xs: Field) -> Field:
    """Biharmonic Δ²u = Σᵢⱼ ∂⁴u/∂xᵢ²∂xⱼ² in Cartesian coordinates; u'''' in one dimension.

    Args:
        u: field (n,).
        xs: the d coordinates (n,), each once.

    Returns:
        Field (n,). Raises as `d` does.
    """
    if not any(_knows_its_derivatives(field) for field in (u, *xs)):
        return laplacian(laplacian(u, *xs), *xs)
    pure = [d(u, x, x, x, x) for x in xs]
    mixed = [2 * d(u, x, x, y, y) for i, x in enumerate(xs) for y in xs[i + 1 :]]
    return _total(pure + mixed)


def divergence(fields: Sequence[Field], xs: Sequence[Field]) -> Field:
    """Divergence Σ ∂vᵢ/∂xᵢ of a vector field.

    Args:
        fields: d components (n,).
        xs: d coordinates (n,), in the components' order.

    Returns:
        Field (n,).

    Raises:
        ValueError: where the numbers of components and coordinates differ; else as `d` does.
    """
    _match("divergence", "components", fields, xs)
    return _total([d(v, x) for v, x in zip(fields, xs, strict=True)])


def curl(fields: Sequence[Field], xs: Sequence[Field]) -> Field | tuple[Field, Field, Field]:
    """Curl ∇ × v: the scalar ∂q/∂x − ∂p/∂y of (p, q) in the plane, a vector field in space.

    Args:
        fields: 2 or 3 components (n,).
        xs: as many coordinates (n,).

    Returns:
        Field (n,) in two dimensions, three of them in three.

    Raises:
        ValueError: in any other dimension; else as `d` does.
    """
    _match("curl", "components", fields, xs)
    if len(xs) == 2:
        (p, q), (x, y) = fields, xs
        return d(q, x) - d(p, y)
    if len(xs) == 3:
        (p, q, r), (x, y, z) = fields, xs
        return d(r, y) - d(q, z), d(p, z) - d(r, x), d(q, x) - d(p, y)
    raise ValueError(f"curl: got {len(xs)} components, expected 2 or 3: the curl is defined in the plane and in space")


def directional(u: Field, xs: Sequence[Field], direction: Sequence[Field]) -> Field:
    """Directional derivative a · grad u; a is taken as it is, not scaled to length one.

    Args:
        u: field (n,).
        xs: d coordinates (n,).
        direction: d components of a, numbers or fields (n,).

    Returns:
        Field (n,).

    Raises:
        ValueError: where the numbers of components and coordinates differ; else as `d` does.
    """
    _match("directional", "direction components", direction, xs)
    return _total([a * first for a, first in zip(direction, grad(u, *xs), strict=True)])


def normal_derivative(u: Field, xs: Sequence[Field], normal: Sequence[Field]) -> Field:
    """Normal derivative ∂u/∂n = n · grad u on a boundary with outward unit normal n.

    Args:
        u: field (n,).
        xs: d coordinates (n,).
        normal: d components (n,) of the outward unit normal.

    Returns:
        Field (n,).

    Raises:
        ValueError: where the numbers of components and coordinates differ; else as `d` does.
    """
    _match("normal_derivative", "normal components", normal, xs)
    return directional(u, xs, normal)


def material_derivative(u: Field, t: Field, xs: Sequence[Field], velocity: Sequence[Field]) -> Field:
    """Material derivative Du/Dt = u_t + v · grad u, the rate seen by a particle moving with v.

    Args:
        u: field (n,).
        t: time (n,).
        xs: d coordinates (n,).
        velocity: d components of v, numbers or fields (n,).

    Returns:
        Field (n,).

    Raises:
        ValueError: where the numbers of components and coordinates differ; else as `d` does.
    """
    _match("material_derivative", "velocity components", velocity, xs)
    rate, *slopes = grad(u, t, *xs)
    return _total([rate, *(v * slope for v, slope in zip(velocity, slopes, strict=True))])


def _knows_its_derivatives(field: Any) -> bool:
    return not isinstance(field, Tensor) and hasattr(field, "differentiate")


def _total(terms: Sequence[Field]) -> Field:
    """Sum without the integer 0 that `sum` starts from, which would be one more operation on every field."""
    if not terms:
        raise ValueError("operator: got no coordinate; give each one that it acts on, as in laplacian(u, x, y)")
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _sequence(operator: str, what: str, given: Any) -> Sequence[Field]:
    if isinstance(given, (tuple, list)):
        return given
    raise TypeError(f"{operator}: got {type(given).__name__} for the {what}, expected a tuple of fields, as in (x, y)")


def _match(operator: str, what: str, fields: Any, xs: Any) -> None:
    if len(_sequence(operator, what, fields)) != len(_sequence(operator, "coordinates", xs)):
        raise ValueError(f"{operator}: got {len(fields)} {what} and {len(xs)} coordinates, expected one for each")
