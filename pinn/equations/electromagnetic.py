"""Maxwell's equations in time, of linear isotropic media: in space, and the two polarisations of the plane.

    ε E_t = ∇×H − σ E − J,   μ H_t = −∇×E,   ∇·(ε E) = ρ,   ∇·(μ H) = 0

The divergences follow from the others where they hold at the start; a least-squares fit is better for having them as
rows. In vacuum and units of length over c: permittivity=1.0, permeability=1.0.

Sources: Jackson, Classical Electrodynamics, 3rd ed. (1999), sec. 6.1; Taflove, Hagness, Computational Electrodynamics,
3rd ed. (2005), ch. 3.
"""

from __future__ import annotations

from typing import Any

from pinn.derivatives import curl, d, divergence
from pinn.equations.naming import Names, Quantity, Rows, by_name, components, listed

_NO_CURRENT = (0.0, 0.0, 0.0)


def maxwell(
    coordinates: Names = ("x", "y", "z"),
    *,
    time: str = "t",
    electric: Names = ("Ex", "Ey", "Ez"),
    magnetic: Names = ("Hx", "Hy", "Hz"),
    permittivity: Quantity = "epsilon",
    permeability: Quantity = "mu",
    conductivity: Quantity = 0.0,
    current: Any = None,
    charge: Quantity = 0.0,
) -> Rows:
    """Maxwell's equations in space.

    Args:
        coordinates: names of the 3 Cartesian coordinates, m.
        time: name of the time, s.
        electric: names of the components of E, V/m.
        magnetic: names of the components of H, A/m.
        permittivity: ε, F/m; of the place too.
        permeability: μ, H/m; of the place too.
        conductivity: σ, S/m.
        current: the components of J, an impressed current density, A/m²; none where it is left out.
        charge: ρ, C/m³.

    Returns:
        An equation of 8 rows: ε E_t − ∇×H + σ E + J (3), A/m²; μ H_t + ∇×E (3), V/m²; ∇·(ε E) − ρ, C/m³; ∇·(μ H).

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and where there are not 3 coordinates and
            components.

    Source: Jackson, Classical Electrodynamics, 3rd ed. (1999), eq. (6.6).

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(maxwell(permittivity=1.0, permeability=1.0))[0][:4]
        ('Ex', 'Ey', 'Ez', 'Hx')
    """

    def rows(e: Any, h: Any, xs: Any, t: Any, eps: Any, mu: Any, sigma: Any, j: Any, rho: Any) -> Any:
        ampere = [eps * d(a, t) - turned + sigma * a + b for a, turned, b in zip(e, curl(h, xs), j, strict=True)]
        faraday = [mu * d(a, t) + turned for a, turned in zip(h, curl(e, xs), strict=True)]
        electric_flux, magnetic_flux = tuple(eps * a for a in e), tuple(mu * a for a in h)
        return (*ampere, *faraday, divergence(electric_flux, xs) - rho, divergence(magnetic_flux, xs))

    xs = listed("maxwell", coordinates, (3,))
    return by_name(
        "maxwell",
        rows,
        {
            "electric": listed("maxwell", electric, (3,), "components of electric"),
            "magnetic": listed("maxwell", magnetic, (3,), "components of magnetic"),
            "coordinates": xs,
            "time": time,
        },
        {
            "permittivity": permittivity,
            "permeability": permeability,
            "conductivity": conductivity,
            "current": components("maxwell", "current", current, xs, _NO_CURRENT),
            "charge": charge,
        },
    )


def maxwell_tm(
    coordinates: Names = ("x", "y"),
    *,
    time: str = "t",
    electric: str = "Ez",
    magnetic: Names = ("Hx", "Hy"),
    permittivity: Quantity = "epsilon",
    permeability: Quantity = "mu",
    conductivity: Quantity = 0.0,
    current: Quantity = 0.0,
) -> Rows:
    """Waves in the plane with the magnetic field in it, TM_z: H_x, H_y and E_z, of x, y and t.

    Args:
        coordinates: names of the 2 Cartesian coordinates, m.
        time: name of the time, s.
        electric: name of E_z, V/m.
        magnetic: names of H_x and H_y, A/m.
        permittivity: ε, F/m; of the place too.
        permeability: μ, H/m; of the place too.
        conductivity: σ, S/m.
        current: J_z, A/m².

    Returns:
        An equation of 4 rows: ε E_t − (∂H_y/∂x − ∂H_x/∂y) + σ E + J, A/m²; μ ∂H_x/∂t + ∂E/∂y and μ ∂H_y/∂t − ∂E/∂x,
        V/m²; ∇·(μ H).

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and where there are not 2 coordinates.

    Source: Taflove, Hagness, Computational Electrodynamics, 3rd ed. (2005), sec. 3.3.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(maxwell_tm())
        (('Ez', 'Hx', 'Hy', 'x', 'y', 't', 'epsilon', 'mu'), ())
    """

    def rows(e: Any, h: Any, xs: Any, t: Any, eps: Any, mu: Any, sigma: Any, j: Any) -> Any:
        x, y = xs
        ampere = eps * d(e, t) - curl(h, xs) + sigma * e + j
        faraday = mu * d(h[0], t) + d(e, y), mu * d(h[1], t) - d(e, x)
        return ampere, *faraday, divergence(tuple(mu * a for a in h), xs)

    return by_name(
        "maxwell_tm",
        rows,
        {
            "electric": electric,
            "magnetic": listed("maxwell_tm", magnetic, (2,), "components of magnetic"),
            "coordinates": listed("maxwell_tm", coordinates, (2,)),
            "time": time,
        },
        {
            "permittivity": permittivity,
            "permeability": permeability,
            "conductivity": conductivity,
            "current": current,
        },
    )


def maxwell_te(
    coordinates: Names = ("x", "y"),
    *,
    time: str = "t",
    electric: Names = ("Ex", "Ey"),
    magnetic: str = "Hz",
    permittivity: Quantity = "epsilon",
    permeability: Quantity = "mu",
    conductivity: Quantity = 0.0,
    current: Any = None,
    charge: Quantity = 0.0,
) -> Rows:
    """Waves in the plane with the electric field in it, TE_z: E_x, E_y and H_z, of x, y and t.

    Args:
        coordinates: names of the 2 Cartesian coordinates, m.
        time: name of the time, s.
        electric: names of E_x and E_y, V/m.
        magnetic: name of H_z, A/m.
        permittivity: ε, F/m; of the place too.
        permeability: μ, H/m; of the place too.
        conductivity: σ, S/m.
        current: J_x and J_y, A/m²; none where they are left out.
        charge: ρ, C/m³.

    Returns:
        An equation of 4 rows: ε ∂E_x/∂t − ∂H/∂y + σ E_x + J_x and ε ∂E_y/∂t + ∂H/∂x + σ E_y + J_y, A/m²;
        μ H_t + ∂E_y/∂x − ∂E_x/∂y, V/m²; ∇·(ε E) − ρ, C/m³.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and where there are not 2 coordinates.

    Source: Taflove, Hagness, Computational Electrodynamics, 3rd ed. (2005), sec. 3.3.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(maxwell_te())
        (('Ex', 'Ey', 'Hz', 'x', 'y', 't', 'epsilon', 'mu'), ())
    """

    def rows(e: Any, h: Any, xs: Any, t: Any, eps: Any, mu: Any, sigma: Any, j: Any, rho: Any) -> Any:
        x, y = xs
        ampere = (
            eps * d(e[0], t) - d(h, y) + sigma * e[0] + j[0],
            eps * d(e[1], t) + d(h, x) + sigma * e[1] + j[1],
        )
        return *ampere, mu * d(h, t) + curl(e, xs), divergence(tuple(eps * a for a in e), xs) - rho

    xs = listed("maxwell_te", coordinates, (2,))
    return by_name(
        "maxwell_te",
        rows,
        {
            "electric": listed("maxwell_te", electric, (2,), "components of electric"),
            "magnetic": magnetic,
            "coordinates": xs,
            "time": time,
        },
        {
            "permittivity": permittivity,
            "permeability": permeability,
            "conductivity": conductivity,
            "current": components("maxwell_te", "current", current, xs, _NO_CURRENT),
            "charge": charge,
        },
    )
