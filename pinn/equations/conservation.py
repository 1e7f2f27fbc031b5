"""Conservation laws without viscosity: the Euler equations of a gas, and shallow water.

Both are conserved quantities and their fluxes, w_t + ∇·F(w) = s, written in the quantities that one measures: density,
velocity and pressure; depth and velocity. Where a shock stands, the rows have no meaning at a point.

Sources: Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, 3rd ed. (2009), ch. 1 and 3; LeVeque, Finite
Volume Methods for Hyperbolic Problems (2002), ch. 13-14; Vreugdenhil, Numerical Methods for Shallow-Water Flow (1994),
ch. 2.
"""

from __future__ import annotations

from typing import Any

from pinn.derivatives import attach, d, divergence
from pinn.equations.naming import Names, Quantity, Rows, by_name, components, listed, rate, total

_VELOCITY = ("u", "v", "w")
_NO_FORCE = (0.0, 0.0, 0.0)


def euler(
    coordinates: Names,
    *,
    time: str | None = "t",
    density: str = "rho",
    velocity: Any = None,
    pressure: str = "p",
    ratio: Quantity = 1.4,
    force: Any = None,
) -> Rows:
    """The Euler equations of an ideal gas: mass, momentum and energy E = p/(γ − 1) + ½ ρ |v|².

    Args:
        coordinates: names of the 1 to 3 Cartesian coordinates, m.
        time: name of the time, s; None for steady flow.
        density: name of ρ, kg/m³.
        velocity: names of the components of v, m/s; u, v and w where they are left out.
        pressure: name of p, Pa.
        ratio: γ, of the specific heats, dimensionless; that of air where it is left out.
        force: the components of a force on a mass, such as gravity, m/s²; none where it is left out.

    Returns:
        An equation of d + 2 rows: ρ_t + ∇·(ρ v), kg/(m³ s); (ρ v)_t + ∇·(ρ v v + p I) − ρ f, N/m³;
        E_t + ∇·((E + p) v) − ρ f · v, W/m³.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and for a number of components that is not that
            of the coordinates.

    Source: Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, 3rd ed. (2009), sec. 1.1.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(euler("x"))
        (('rho', 'u', 'p', 'x', 't'), ())
    """

    def rows(rho: Any, v: Any, p: Any, xs: Any, t: Any, gamma: Any, f: Any) -> Any:
        flow = [rho * a for a in v]
        energy = p / (gamma - 1) + 0.5 * total([m * a for m, a in zip(flow, v, strict=True)])
        momentum = [
            rate(m, t) + divergence([m * b for b in v], xs) + d(p, x) - rho * a
            for m, x, a in zip(flow, xs, f, strict=True)
        ]
        power = total([a * m for a, m in zip(f, flow, strict=True)])
        return (
            rate(rho, t) + divergence(flow, xs),
            *momentum,
            rate(energy, t) + divergence([(energy + p) * a for a in v], xs) - power,
        )

    xs = listed("euler", coordinates, (1, 2, 3))
    return by_name(
        "euler",
        rows,
        {
            "density": density,
            "velocity": components("euler", "velocity", velocity, xs, _VELOCITY),
            "pressure": pressure,
            "coordinates": xs,
            "time": time,
        },
        {"ratio": ratio, "force": components("euler", "force", force, xs, _NO_FORCE)},
    )


def shallow_water(
    coordinates: Names,
    *,
    time: str | None = "t",
    depth: str = "h",
    velocity: Any = None,
    gravity: Quantity = 9.81,
    bed: Quantity = 0.0,
    coriolis: Quantity = 0.0,
    force: Any = None,
) -> Rows:
    """The shallow-water equations: h_t + ∇·(h v) = 0, (h v)_t + ∇·(h v v + ½ g h² I) = −g h ∇b − f h (e_z × v) + s.

    Args:
        coordinates: names of the 1 or 2 Cartesian coordinates, m.
        time: name of the time, s; None for steady flow.
        depth: name of h, the depth of the water, m.
        velocity: names of the components of v, averaged over the depth, m/s; u and v where they are left out.
        gravity: g, m/s².
        bed: b, the height of the bed, m, of the place.
        coriolis: f = 2 Ω sin(latitude), 1/s; in the plane.
        force: the components of s, a force on an area over the density, m²/s²; of the outputs too, such as the friction
            `lambda h, u, v: -c * u * torch.sqrt(u**2 + v**2)`. None where it is left out.

    Returns:
        An equation of d + 1 rows: the mass, m/s, and the momentum of each component, m²/s².

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, for a number of components that is not that of
            the coordinates, and for a Coriolis force on a line.

    Source: Vreugdenhil, Numerical Methods for Shallow-Water Flow (1994), sec. 2.4-2.5; LeVeque, Finite Volume Methods
    for Hyperbolic Problems (2002), ch. 13.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(shallow_water(("x", "y"), bed=lambda x: 0.1 * x))
        (('h', 'u', 'v', 'x', 'y', 't'), ())
    """
    xs = listed("shallow_water", coordinates, (1, 2))
    still = isinstance(coriolis, (int, float)) and coriolis == 0
    if len(xs) == 1 and not still:
        raise ValueError(
            f"shallow_water: got coriolis={coriolis!r} and 1 coordinate, expected 2: it turns the flow aside; give both"
        )

    def rows(h: Any, v: Any, xs: Any, t: Any, g: Any, b: Any, f: Any, s: Any) -> Any:
        flow = [h * a for a in v]
        aside = (0.0, 0.0) if still else (-f * flow[1], f * flow[0])
        flat = isinstance(b, (int, float))
        momentum = [
            rate(m, t)
            + divergence([m * c for c in v], xs)
            + g * h * (d(h, x) if flat else d(h, x) + d(attach(b, x), x))
            + turned
            - a
            for m, x, turned, a in zip(flow, xs, aside[: len(xs)], s, strict=True)
        ]
        return (rate(h, t) + divergence(flow, xs), *momentum)

    return by_name(
        "shallow_water",
        rows,
        {
            "depth": depth,
            "velocity": components("shallow_water", "velocity", velocity, xs, _VELOCITY),
            "coordinates": xs,
            "time": time,
        },
        {
            "gravity": gravity,
            "bed": bed,
            "coriolis": coriolis,
            "force": components("shallow_water", "force", force, xs, _NO_FORCE),
        },
    )
