"""Flow through porous media by Darcy's law, by its pressure alone or with the flux as an unknown.

Source: Bear, Dynamics of Fluids in Porous Media (1972), ch. 5-6.
"""

from __future__ import annotations

from typing import Any

from pinn.derivatives import divergence, grad
from pinn.equations.naming import Names, Quantity, Rows, by_name, components, is_several, listed, rate

_NO_FORCE = (0.0, 0.0, 0.0)


def darcy(
    coordinates: Names,
    *,
    time: str | None = None,
    pressure: str = "p",
    flux: Any = None,
    permeability: Quantity = "K",
    viscosity: Quantity = 1.0,
    storage: Quantity = 0.0,
    source: Quantity = 0.0,
    force: Any = None,
) -> Rows:
    """Darcy flow, q = −(K/μ) (∇p − f), S p_t + ∇·q = s.

    Args:
        coordinates: names of the 1 to 3 Cartesian coordinates, m.
        time: name of the time, s; None for steady flow.
        pressure: name of p, Pa.
        flux: names of the components of q, the volume through an area, m/s, where they are outputs.
        permeability: K, m², of the place too; a tuple of one for each axis where the medium is not isotropic.
        viscosity: μ, Pa s; 1 where it is left out, and K is then the mobility K/μ, m²/(Pa s).
        storage: S, 1/Pa; counts where there is a time.
        source: s, the volume that comes in, 1/s.
        force: the components of f, N/m³, such as density times gravity; none where it is left out.

    Returns:
        An equation of one row, S p_t − ∇·((K/μ) (∇p − f)) − s, 1/s; with `flux` of d rows, q + (K/μ) (∇p − f), m/s,
        and one more, S p_t + ∇·q − s, 1/s.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and for a number of components that is not that
            of the coordinates.

    Source: Bear, Dynamics of Fluids in Porous Media (1972), sec. 5.2 and 6.2.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(darcy(("x", "y"), flux=("qx", "qy"), permeability=lambda x: 1 + x))
        (('p', 'qx', 'qy', 'x', 'y'), ())
    """
    xs = listed("darcy", coordinates, (1, 2, 3))
    permeabilities = permeability if is_several(permeability) else (permeability,) * len(xs)
    along = components("darcy", "permeability", permeabilities, xs, ())
    outflow = None if flux is None else components("darcy", "flux", flux, xs, ())

    def rows(p: Any, given: Any, xs: Any, t: Any, k: Any, mu: Any, stored: Any, s: Any, f: Any) -> Any:
        moved = [a / mu * (slope - b) for a, slope, b in zip(k, grad(p, *xs), f, strict=True)]
        filling = 0.0 if t is None else stored * rate(p, t)
        if given is None:
            return filling - divergence(moved, xs) - s
        return (*(q + a for q, a in zip(given, moved, strict=True)), filling + divergence(given, xs) - s)

    return by_name(
        "darcy",
        rows,
        {"pressure": pressure, "flux": outflow, "coordinates": xs, "time": time},
        {
            "permeability": along,
            "viscosity": viscosity,
            "storage": storage,
            "source": source,
            "force": components("darcy", "force", force, xs, _NO_FORCE),
        },
    )
