"""Incompressible flow: Navier-Stokes in velocity and pressure, creeping flow, and the streamfunction of the plane.

Sources: Landau, Lifshitz, Fluid Mechanics, 2nd ed. (1987), § 15; Batchelor, An Introduction to Fluid Dynamics (1967),
sec. 3.3 and 4.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pinn.derivatives import Orthogonal, attach, biharmonic, cartesian, d, laplacian
from pinn.equations.naming import Names, Quantity, Rows, by_name, components, is_uniform, listed, rate, total

_VELOCITY = ("u", "v", "w")
_NO_FORCE = (0.0, 0.0, 0.0)


def navier_stokes(
    coordinates: Names,
    *,
    time: str | None = "t",
    velocity: Any = None,
    pressure: str = "p",
    density: Quantity = "rho",
    viscosity: Quantity = "mu",
    force: Any = None,
    frame: Orthogonal = cartesian,
) -> Rows:
    """Navier-Stokes, ρ (v_t + (v·∇) v) = −∇p + ∇·(μ (∇v + ∇vᵀ)) + f, ∇·v = 0.

    Since ∇·v = 0, ∇·(μ (∇v + ∇vᵀ)) is computed as μ Δv + (∇v + ∇vᵀ) ∇μ. Without dimensions: density=1.0 and
    viscosity=1 / Re.

    Args:
        coordinates: names of the 2 or 3 coordinates, m.
        time: name of the time, s; None for steady flow.
        velocity: names of the components of v, m/s; u, v and w where they are left out. None for one that vanishes, as
            the swirl of a flow along a pipe: coordinates=("r", None, "z"), velocity=("u", None, "w").
        pressure: name of p, Pa, determined up to a constant unless a condition says more.
        density: ρ, kg/m³.
        viscosity: μ, dynamic, Pa s; of the place or of the outputs too.
        force: the components of f, N/m³; none where it is left out.
        frame: the system that the coordinates belong to; vectors have components along its unit vectors.

    Returns:
        An equation of d + 1 rows: the momentum balance of each component, N/m³, less those of components that are
        None, and the continuity, 1/s.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and where there are not 2 or 3 coordinates, or
            not as many components.

    Source: Landau, Lifshitz, Fluid Mechanics, 2nd ed. (1987), eqs. (15.5)-(15.7).

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(navier_stokes(("x", "y"), time=None, density=1.0, viscosity=0.01))
        (('u', 'v', 'p', 'x', 'y'), ())
    """

    def rows(v: Any, p: Any, xs: Any, t: Any, rho: Any, mu: Any, f: Any) -> Any:
        moving, v = _filled(v)
        slopes = frame.vector_gradient(v, xs)
        balance = _creeping(v, p, xs, mu, f, frame)
        for j in moving:
            carried = total([v[i] * slopes[i][j] for i in range(len(xs))])
            balance[j] = rho * (rate(v[j], t) + carried) + balance[j]
        return (*(balance[j] for j in moving), frame.divergence(v, xs))

    return _flow(
        "navier_stokes", rows, coordinates, time, velocity, pressure, {"density": density}, viscosity, force, frame
    )


def stokes(
    coordinates: Names,
    *,
    velocity: Any = None,
    pressure: str = "p",
    viscosity: Quantity = "mu",
    force: Any = None,
    frame: Orthogonal = cartesian,
) -> Rows:
    """Creeping flow, −∇·(μ (∇v + ∇vᵀ)) + ∇p = f, ∇·v = 0.

    Args:
        coordinates: names of the 2 or 3 coordinates, m.
        velocity: names of the components of v, m/s; u, v and w where they are left out; None for one that vanishes.
        pressure: name of p, Pa.
        viscosity: μ, dynamic, Pa s; of the place or of the outputs too.
        force: the components of f, N/m³; none where it is left out.
        frame: the system that the coordinates belong to; vectors have components along its unit vectors.

    Returns:
        An equation of d + 1 rows: the balance of each component, N/m³, and the continuity, 1/s.

    Raises:
        ValueError, TypeError: as `navier_stokes` does.

    Source: Batchelor, An Introduction to Fluid Dynamics (1967), sec. 4.8.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(stokes(("x", "y")))
        (('u', 'v', 'p', 'x', 'y', 'mu'), ())
    """

    def rows(v: Any, p: Any, xs: Any, t: Any, mu: Any, f: Any) -> Any:
        moving, v = _filled(v)
        balance = _creeping(v, p, xs, mu, f, frame)
        return (*(balance[j] for j in moving), frame.divergence(v, xs))

    return _flow("stokes", rows, coordinates, None, velocity, pressure, {}, viscosity, force, frame)


def streamfunction(
    coordinates: Names = ("x", "y"),
    *,
    time: str | None = "t",
    output: str = "psi",
    vorticity: str | None = None,
    viscosity: Quantity = "nu",
    source: Quantity = 0.0,
) -> Rows:
    """Plane flow by its streamfunction, ω_t + u ω_x + v ω_y = ν Δω + s with u = ψ_y, v = −ψ_x, ω = −Δψ.

    The velocity has no divergence and the pressure is gone. ψ alone takes derivatives of the fourth order; with the
    vorticity as an output of its own there are two equations of the second.

    Args:
        coordinates: names of the 2 Cartesian coordinates, m.
        time: name of the time, s; None for steady flow.
        output: name of ψ, m²/s.
        vorticity: name of ω = ∂v/∂x − ∂u/∂y, 1/s, where it is an output.
        viscosity: ν, kinematic, m²/s, a number.
        source: s, the curl of the force on a mass, 1/s².

    Returns:
        An equation of one row, ω_t + u ω_x + v ω_y − ν Δω − s, 1/s²; with `vorticity` of two, the other Δψ + ω, 1/s.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and where there are not 2 coordinates.

    Source: Landau, Lifshitz, Fluid Mechanics, 2nd ed. (1987), eqs. (10.9), (15.12).

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(streamfunction(time=None, viscosity=0.01))
        (('psi', 'x', 'y'), ())
    """

    def rows(psi: Any, given: Any, xs: Any, t: Any, nu: Any, s: Any) -> Any:
        x, y = xs
        u, v = d(psi, y), -d(psi, x)
        omega = -laplacian(psi, x, y) if given is None else given
        spread = -biharmonic(psi, x, y) if given is None else laplacian(omega, x, y)
        balance = rate(omega, t) + u * d(omega, x) + v * d(omega, y) - nu * spread - s
        return balance if given is None else (balance, laplacian(psi, x, y) + omega)

    xs = listed("streamfunction", coordinates, (2,))
    return by_name(
        "streamfunction",
        rows,
        {"output": output, "vorticity": vorticity, "coordinates": xs, "time": time},
        {"viscosity": viscosity, "source": source},
    )


def _filled(v: Sequence[Any]) -> tuple[list[int], tuple[Any, ...]]:
    """Which components there are, and all of them, 0.0 for those that vanish."""
    return [j for j, a in enumerate(v) if a is not None], tuple(0.0 if a is None else a for a in v)


def _creeping(v: Any, p: Any, xs: Any, mu: Any, f: Any, frame: Orthogonal) -> list[Any]:
    """∇p − μ Δv − (∇v + ∇vᵀ) ∇μ − f, component by component."""
    friction = [mu * a for a in frame.vector_laplacian(v, xs)]
    if not is_uniform(mu):
        slopes = frame.vector_gradient(v, xs)
        thinning = frame.grad(attach(mu, *(x for x in xs if x is not None)), *xs)
        size = range(len(xs))
        sheared = [total([thinning[i] * (slopes[i][j] + slopes[j][i]) for i in size]) for j in size]
        friction = [a + b for a, b in zip(friction, sheared, strict=True)]
    return [slope - drag - a for slope, drag, a in zip(frame.grad(p, *xs), friction, f, strict=True)]


def _flow(
    owner: str,
    rows: Rows,
    coordinates: Names,
    time: str | None,
    velocity: Sequence[str] | None,
    pressure: str,
    inertia: dict[str, Quantity],
    viscosity: Quantity,
    force: Any,
    frame: Orthogonal,
) -> Rows:
    xs = listed(owner, coordinates, (2, 3), frame=frame)
    return by_name(
        owner,
        rows,
        {
            "velocity": components(owner, "velocity", velocity, xs, _VELOCITY),
            "pressure": pressure,
            "coordinates": xs,
            "time": time,
        },
        {**inertia, "viscosity": viscosity, "force": components(owner, "force", force, xs, _NO_FORCE)},
    )
