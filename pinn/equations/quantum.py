"""Schrödinger's equation: in time, with the cubic term of Gross and Pitaevskii, and of one energy.

Sources: Landau, Lifshitz, Quantum Mechanics, 3rd ed. (1977), § 17; Gross, Nuovo Cimento 20 (1961) 454; Pitaevskii,
Sov. Phys. JETP 13 (1961) 451.
"""

from __future__ import annotations

from typing import Any

from pinn.derivatives import Orthogonal, cartesian, d
from pinn.equations.naming import Names, Quantity, Rows, by_name, listed


def schroedinger(
    coordinates: Names,
    *,
    time: str = "t",
    wave: Names = ("re", "im"),
    potential: Quantity = 0.0,
    coupling: Quantity = 0.0,
    hbar: Quantity = 1.0,
    mass: Quantity = 1.0,
    frame: Orthogonal = cartesian,
) -> Rows:
    """Schrödinger's equation, i ħ ψ_t = −(ħ²/2m) Δψ + V ψ + g |ψ|² ψ, for ψ = a + i b.

    Args:
        coordinates: names of the d coordinates, m.
        time: name of the time, s.
        wave: names of the real and the imaginary part of ψ, m^(−d/2).
        potential: V, J, of the place and the time.
        coupling: g, J m^d; negative where it attracts. With g = −1 and ħ = m = 1, i ψ_t + ½ Δψ + |ψ|² ψ = 0.
        hbar: ħ, J s; 1 in atomic units.
        mass: m, kg; 1 in atomic units.
        frame: the system that the coordinates belong to.

    Returns:
        An equation of 2 rows, the real and the imaginary part of i ħ ψ_t + (ħ²/2m) Δψ − (V + g |ψ|²) ψ.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does, and where `wave` is not 2 names.

    Source: Landau, Lifshitz, Quantum Mechanics, 3rd ed. (1977), eq. (17.6); Pitaevskii, JETP 13 (1961) 451.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(schroedinger("x", coupling=-1.0))
        (('re', 'im', 'x', 't'), ())
    """

    def rows(psi: Any, xs: Any, t: Any, v: Any, g: Any, h: Any, m: Any) -> Any:
        a, b = psi
        kinetic = h * h / (2 * m)
        height = v if isinstance(g, (int, float)) and g == 0 else v + g * (a * a + b * b)
        real = -h * d(b, t) + kinetic * frame.laplacian(a, *xs) - height * a
        imaginary = h * d(a, t) + kinetic * frame.laplacian(b, *xs) - height * b
        return real, imaginary

    return by_name(
        "schroedinger",
        rows,
        {
            "wave": listed("schroedinger", wave, (2,), "parts of wave"),
            "coordinates": listed("schroedinger", coordinates, frame=frame),
            "time": time,
        },
        {"potential": potential, "coupling": coupling, "hbar": hbar, "mass": mass},
    )


def schroedinger_stationary(
    coordinates: Names,
    *,
    output: str = "psi",
    energy: Quantity = "E",
    potential: Quantity = 0.0,
    hbar: Quantity = 1.0,
    mass: Quantity = 1.0,
    frame: Orthogonal = cartesian,
) -> Rows:
    """A state of one energy, −(ħ²/2m) Δψ + V ψ = E ψ, with a real ψ.

    Args:
        coordinates: names of the d coordinates, m.
        output: name of ψ, m^(−d/2).
        energy: E, J; to be found, as a rule, `coefficients={"E": Unknown(...)}`, and then ψ = 0 must be kept out, such
            as by a norm.
        potential: V, J, of the place.
        hbar: ħ, J s.
        mass: m, kg.
        frame: the system that the coordinates belong to.

    Returns:
        An equation of one row, −(ħ²/2m) Δψ + (V − E) ψ.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does.

    Source: Landau, Lifshitz, Quantum Mechanics, 3rd ed. (1977), eq. (17.7).

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(schroedinger_stationary("x", potential=lambda x: x**2 / 2))
        (('psi', 'x', 'E'), ())
    """

    def rows(psi: Any, xs: Any, e: Any, v: Any, h: Any, m: Any) -> Any:
        return -(h * h / (2 * m)) * frame.laplacian(psi, *xs) + (v - e) * psi

    return by_name(
        "schroedinger_stationary",
        rows,
        {"output": output, "coordinates": listed("schroedinger_stationary", coordinates, frame=frame)},
        {"energy": energy, "potential": potential, "hbar": hbar, "mass": mass},
    )
