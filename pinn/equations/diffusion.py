"""Diffusion: Poisson's equation, heat conduction, and transport of what diffuses and is carried along.

Sources: Carslaw, Jaeger, Conduction of Heat in Solids, 2nd ed. (1959), sec. 1.6-1.7; Evans, Partial Differential
Equations, 2nd ed. (2010), sec. 2.2-2.3.
"""

from __future__ import annotations

from typing import Any

from pinn.derivatives import Orthogonal, cartesian
from pinn.equations.naming import Names, Quantity, Rows, by_name, components, flux_divergence, listed, rate, total


def poisson(
    coordinates: Names,
    *,
    output: str = "u",
    diffusivity: Quantity = 1.0,
    source: Quantity = 0.0,
    frame: Orthogonal = cartesian,
) -> Rows:
    """Poisson's equation, −∇·(k ∇u) = f.

    Args:
        coordinates: names of the d coordinates, lengths L.
        output: name of u, in units U; a potential, a temperature.
        diffusivity: k, in units K: conductivity; 1 where it is left out.
        source: f, in K U / L².
        frame: the system that the coordinates belong to.

    Returns:
        An equation of one row, −∇·(k ∇u) − f, in K U / L².

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does.

    Source: Evans, Partial Differential Equations, 2nd ed. (2010), sec. 2.2.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(poisson(("x", "y"), source=lambda x: 2 * x))
        (('u', 'x', 'y'), ())
    """

    def rows(u: Any, xs: Any, k: Any, f: Any) -> Any:
        return -flux_divergence(k, u, xs, frame) - f

    xs = listed("poisson", coordinates, frame=frame)
    return by_name(
        "poisson", rows, {"output": output, "coordinates": xs}, {"diffusivity": diffusivity, "source": source}
    )


def heat(
    coordinates: Names,
    *,
    time: str | None = "t",
    output: str = "u",
    diffusivity: Quantity = "k",
    capacity: Quantity = 1.0,
    source: Quantity = 0.0,
    frame: Orthogonal = cartesian,
) -> Rows:
    """The heat equation, c u_t = ∇·(k ∇u) + q.

    Args:
        coordinates: names of the d coordinates, m.
        time: name of the time, s; None for the steady equation.
        output: name of u, temperature, K (or concentration, mol/m³).
        diffusivity: k: the diffusivity, m²/s, where the capacity is left out; with it the conductivity, W/(m K).
        capacity: c, heat capacity of a volume, density times specific heat, J/(m³ K); 1 where it is left out.
        source: q, W/m³ (K/s where the capacity is left out); of u too, as in `source=lambda u: u * (1 - u)`.
        frame: the system that the coordinates belong to.

    Returns:
        An equation of one row, c u_t − ∇·(k ∇u) − q.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does.

    Source: Carslaw, Jaeger, Conduction of Heat in Solids, 2nd ed. (1959), sec. 1.6.

    Example:
        >>> from pinn import Box, Constraint, Problem
        >>> plate = Box(x=(0, 1), y=(0, 1), t=(0, 1))
        >>> problem = Problem(plate, ["T"], {"equation": Constraint(heat(("x", "y"), output="T"), on=plate)},
        ...                   coefficients={"k": 0.1})
    """

    def rows(u: Any, xs: Any, t: Any, k: Any, c: Any, q: Any) -> Any:
        return c * rate(u, t) - flux_divergence(k, u, xs, frame) - q

    xs = listed("heat", coordinates, frame=frame)
    return by_name(
        "heat",
        rows,
        {"output": output, "coordinates": xs, "time": time},
        {"diffusivity": diffusivity, "capacity": capacity, "source": source},
    )


def advection_diffusion(
    coordinates: Names,
    *,
    velocity: Any,
    time: str | None = "t",
    output: str = "u",
    diffusivity: Quantity = "k",
    source: Quantity = 0.0,
    conservative: bool = False,
    frame: Orthogonal = cartesian,
) -> Rows:
    """What diffuses and is carried along, u_t + v · ∇u = ∇·(k ∇u) + q.

    Args:
        coordinates: names of the d coordinates, m.
        velocity: the d components of v, numbers, names or functions, m/s; those of a flow that is solved for beside it,
            or u itself, `advection_diffusion("x", velocity="u", diffusivity="nu")`, which is Burgers' equation.
        time: name of the time, s; None for the steady equation.
        output: name of u, concentration or temperature, in units U.
        diffusivity: k, m²/s; 0.0 for pure advection.
        source: q, U/s.
        conservative: whether the transport is ∇·(v u), which differs where v is not free of divergence.
        frame: the system that the coordinates belong to; v has components along its unit vectors.

    Returns:
        An equation of one row, in U/s.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and for a velocity without d components.

    Source: Carslaw, Jaeger, Conduction of Heat in Solids, 2nd ed. (1959), sec. 1.7.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(advection_diffusion("x", velocity="c", diffusivity=0.0))
        (('u', 'x', 't', 'c'), ())
    """

    def rows(u: Any, xs: Any, t: Any, v: Any, k: Any, q: Any) -> Any:
        if conservative:
            carried = frame.divergence(tuple(a * u for a in v), xs)
        else:
            carried = total([a * slope for a, slope in zip(v, frame.grad(u, *xs), strict=True)])
        spread = 0.0 if isinstance(k, (int, float)) and k == 0 else flux_divergence(k, u, xs, frame)
        return rate(u, t) + carried - spread - q

    xs = listed("advection_diffusion", coordinates, frame=frame)
    along = components("advection_diffusion", "velocity", velocity, xs, ())
    return by_name(
        "advection_diffusion",
        rows,
        {"output": output, "coordinates": xs, "time": time},
        {"velocity": along, "diffusivity": diffusivity, "source": source},
    )
