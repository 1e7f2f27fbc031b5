"""Linear elasticity: the displacement, or displacement and stress, in space, plane strain and plane stress.

    ε = ½ (∇u + ∇uᵀ),   σ = λ tr(ε) I + 2 μ ε,   ρ u_tt = ∇·σ + f,   λ = E ν / ((1 + ν)(1 − 2ν)),  μ = E / (2 (1 + ν))

The law of the material is a function, so that another one may be given:

    isotropic     Hooke's law in space; in two dimensions it is that of plane strain, ε_zz = 0
    plane_stress  that of a thin plate, σ_zz = 0: λ is E ν / (1 − ν²)

Sources: Landau, Lifshitz, Theory of Elasticity, 3rd ed. (1986), § 5 and § 7; Timoshenko, Goodier, Theory of Elasticity,
3rd ed. (1970), ch. 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pinn.derivatives import d, divergence, jacobian
from pinn.equations.naming import Names, Quantity, Rows, by_name, components, listed, total

Tensor2 = Sequence[Sequence[Any]]
"""d rows of d fields (n,)."""

Law = Callable[[Tensor2, Any, Any], Tensor2]
"""(strain, Young's modulus, Poisson's ratio) -> stress."""

_DISPLACEMENT = ("u", "v", "w")
_NO_FORCE = (0.0, 0.0, 0.0)
_PAIRS = {1: ((0, 0),), 2: ((0, 0), (1, 1), (0, 1)), 3: ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))}


def strain(displacement: Sequence[Any], xs: Sequence[Any]) -> Tensor2:
    """Small strain ε = ½ (∇u + ∇uᵀ), dimensionless.

    Args:
        displacement: d components (n,), m.
        xs: d Cartesian coordinates (n,), m.

    Returns:
        d tuples of d fields (n,).

    Source: Landau, Lifshitz, Theory of Elasticity, 3rd ed. (1986), eq. (1.5).
    """
    slopes = jacobian(displacement, xs)
    size = range(len(xs))
    return tuple(tuple(slopes[i][i] if i == j else 0.5 * (slopes[i][j] + slopes[j][i]) for j in size) for i in size)


def isotropic(strains: Tensor2, young: Any, poisson: Any) -> Tensor2:
    """Hooke's law of an isotropic body, σ = λ tr(ε) I + 2 μ ε; with two coordinates, of plane strain.

    Args:
        strains: ε, d rows of d fields (n,).
        young: E, Young's modulus, Pa.
        poisson: ν, Poisson's ratio, dimensionless, below ½.

    Returns:
        σ, d tuples of d fields (n,), Pa.

    Source: Landau, Lifshitz, Theory of Elasticity, 3rd ed. (1986), eq. (5.11).
    """
    return _hooke(strains, young * poisson / ((1 + poisson) * (1 - 2 * poisson)), young / (2 * (1 + poisson)))


def plane_stress(strains: Tensor2, young: Any, poisson: Any) -> Tensor2:
    """Hooke's law of a thin plate that is free to become thinner, σ_zz = 0: λ = E ν / (1 − ν²).

    Args:
        strains: ε in the plane, 2 rows of 2 fields (n,).
        young: E, Pa.
        poisson: ν, dimensionless.

    Returns:
        σ in the plane, 2 tuples of 2 fields (n,), Pa.

    Raises:
        ValueError: where the strain is not that of a plane.

    Source: Timoshenko, Goodier, Theory of Elasticity, 3rd ed. (1970), ch. 2.
    """
    if len(strains) != 2:
        raise ValueError(
            f"plane_stress: got {len(strains)} coordinates, expected 2; give isotropic as the law in space"
        )
    return _hooke(strains, young * poisson / (1 - poisson * poisson), young / (2 * (1 + poisson)))


def elasticity(
    coordinates: Names,
    *,
    time: str | None = None,
    displacement: Any = None,
    law: Law = isotropic,
    young: Quantity = "E",
    poisson: Quantity = "nu",
    density: Quantity = "rho",
    force: Any = None,
) -> Rows:
    """Balance of forces in the displacement, ρ u_tt = ∇·σ(u) + f.

    Args:
        coordinates: names of the 1 to 3 Cartesian coordinates, m. With two, `law` says what the plane is.
        time: name of the time, s; None for equilibrium.
        displacement: names of the components of u, m; u, v and w where they are left out.
        law: from strain to stress: `isotropic` (plane strain in the plane), `plane_stress`, or another.
        young: E, Young's modulus, Pa; of the place too.
        poisson: ν, Poisson's ratio, dimensionless.
        density: ρ, kg/m³; asked for where there is a time.
        force: the components of f, N/m³; none where it is left out.

    Returns:
        An equation of d rows, ρ u_tt − ∇·σ − f, N/m³.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and for a number of components that is not that
            of the coordinates.

    Source: Landau, Lifshitz, Theory of Elasticity, 3rd ed. (1986), eqs. (2.8), (5.11), (22.1).

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(elasticity(("x", "y"), law=plane_stress, young=210e9, poisson=0.3))
        (('u', 'v', 'x', 'y'), ())
    """
    xs, moved, pushed, inertia = _body("elasticity", coordinates, time, displacement, force, density)

    def rows(u: Any, xs: Any, t: Any, young: Any, poisson: Any, f: Any, rho: Any) -> Any:
        return _balance(law(strain(u, xs), young, poisson), u, xs, t, f, rho)

    return by_name(
        "elasticity",
        rows,
        {"displacement": moved, "coordinates": xs, "time": time},
        {"young": young, "poisson": poisson, "force": pushed, "density": inertia},
    )


def elasticity_mixed(
    coordinates: Names,
    *,
    stress: Any,
    time: str | None = None,
    displacement: Any = None,
    law: Law = isotropic,
    young: Quantity = "E",
    poisson: Quantity = "nu",
    density: Quantity = "rho",
    force: Any = None,
) -> Rows:
    """Displacement and stress as outputs of their own: ρ u_tt = ∇·s + f, s = σ(u); derivatives of the first order.

    Args:
        coordinates: names of the 1 to 3 Cartesian coordinates, m.
        stress: names of the components of s, Pa: xx, yy, xy in the plane; xx, yy, zz, xy, xz, yz in space.
        time: name of the time, s; None for equilibrium.
        displacement: names of the components of u, m; u, v and w where they are left out.
        law: from strain to stress, as in `elasticity`.
        young: E, Pa.
        poisson: ν, dimensionless.
        density: ρ, kg/m³; asked for where there is a time.
        force: the components of f, N/m³; none where it is left out.

    Returns:
        An equation of d rows of the balance, ρ u_tt − ∇·s − f, N/m³, and a row s − σ(u), Pa, for each of the stresses.

    Raises:
        ValueError, TypeError: as `elasticity` does, and for another number of stresses.

    Source: Landau, Lifshitz, Theory of Elasticity, 3rd ed. (1986), eqs. (2.8), (5.11).

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(elasticity_mixed(("x", "y"), stress=("sxx", "syy", "sxy")))
        (('u', 'v', 'sxx', 'syy', 'sxy', 'x', 'y', 'E', 'nu'), ())
    """
    owner = "elasticity_mixed"
    xs, moved, pushed, inertia = _body(owner, coordinates, time, displacement, force, density)
    pairs = _PAIRS[len(xs)]
    stresses = listed(owner, stress, (len(pairs),), "stresses")

    def rows(u: Any, s: Any, xs: Any, t: Any, young: Any, poisson: Any, f: Any, rho: Any) -> Any:
        at = {pair: one for (i, j), one in zip(pairs, s, strict=True) for pair in ((i, j), (j, i))}
        size = range(len(xs))
        balance = _balance([[at[i, j] for j in size] for i in size], u, xs, t, f, rho)
        found = law(strain(u, xs), young, poisson)
        return (*balance, *(one - found[i][j] for (i, j), one in zip(pairs, s, strict=True)))

    return by_name(
        owner,
        rows,
        {"displacement": moved, "stress": stresses, "coordinates": xs, "time": time},
        {"young": young, "poisson": poisson, "force": pushed, "density": inertia},
    )


def traction(
    coordinates: Names,
    *,
    displacement: Any = None,
    law: Law = isotropic,
    young: Quantity = "E",
    poisson: Quantity = "nu",
    normal: Any = None,
    load: Any = None,
) -> Rows:
    """The condition of a loaded or free boundary, σ(u) n = g.

    Args:
        coordinates: names of the 1 to 3 Cartesian coordinates, m.
        displacement: names of the components of u, m; u, v and w where they are left out.
        law: from strain to stress, as in `elasticity`.
        young: E, Pa.
        poisson: ν, dimensionless.
        normal: the components of the outward normal; the names by which boundaries have it, nx for x, where left out.
        load: the components of g, the force on an area, Pa; a free boundary where it is left out. None for a component
            that is not known, since the displacement is: `load=(None, 0.0)` beside u = 0 is a wall that slides.

    Returns:
        An equation of d rows, σ n − g, Pa, less those of components that are None, for a constraint on a boundary.

    Raises:
        ValueError, TypeError: as `elasticity` does, and where no component is known.

    Source: Landau, Lifshitz, Theory of Elasticity, 3rd ed. (1986), eq. (2.9).

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(traction(("x", "y"), load=(1e6, 0.0)))
        (('u', 'v', 'x', 'y', 'E', 'nu', 'nx', 'ny'), ())
    """
    xs, moved, pushed, _ = _body("traction", coordinates, None, displacement, load, 0.0)
    known = [i for i, one in enumerate(pushed) if one is not None]
    if not known:
        raise ValueError(f"traction: got load={load!r}, expected a component at least; leave the condition out")
    outward = components("traction", "normal", normal, xs, tuple(f"n{x}" for x in xs))

    def rows(u: Any, xs: Any, young: Any, poisson: Any, n: Any, g: Any) -> Any:
        stress = law(strain(u, xs), young, poisson)
        return tuple(
            total([s * a for s, a in zip(stress[i], n, strict=True)]) - b for i, b in zip(known, g, strict=True)
        )

    return by_name(
        "traction",
        rows,
        {"displacement": moved, "coordinates": xs},
        {"young": young, "poisson": poisson, "normal": outward, "load": tuple(pushed[i] for i in known)},
    )


def _hooke(strains: Tensor2, lame: Any, shear: Any) -> Tensor2:
    size = range(len(strains))
    pressure = lame * total([strains[i][i] for i in size])
    return tuple(
        tuple(pressure + 2 * shear * strains[i][i] if i == j else 2 * shear * strains[i][j] for j in size) for i in size
    )


def _balance(stress: Tensor2, u: Any, xs: Any, t: Any, f: Any, rho: Any) -> tuple[Any, ...]:
    """ρ u_tt − ∇·σ − f, component by component."""
    found = [-divergence(tuple(row), xs) - a for row, a in zip(stress, f, strict=True)]
    return tuple(found) if t is None else tuple(rho * d(a, t, t) + row for a, row in zip(u, found, strict=True))


def _body(
    owner: str, coordinates: Names, time: str | None, displacement: Any, force: Any, density: Quantity
) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...], Quantity]:
    """Coordinates, displacement and force by component, and the density where there is a time."""
    xs = listed(owner, coordinates, (1, 2, 3))
    moved = components(owner, "displacement", displacement, xs, _DISPLACEMENT)
    pushed = components(owner, "force", force, xs, _NO_FORCE)
    return xs, moved, pushed, 0.0 if time is None else density
