"""Ordinary differential equations y' = f(t, y) from given starting values, by Runge-Kutta steps of order eight.

The interval is cut into pieces with Chebyshev nodes. Values at the nodes come from steps that end there (so they have
the method's order, not that of its interpolant), and values between them from the polynomial through the nodes. The
coarse twin, with a tolerance hundred times as large and fewer nodes, tells the error.

Source: Dormand, Prince, J. Comput. Appl. Math. 6 (1980) 19; DOP853 of Hairer, Norsett, Wanner, Solving Ordinary
Differential Equations I, section II.5, as SciPy has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from pinn.reference.chebyshev import Panels
from pinn.reference.result import Array, Built, Columns, Reference, distance, scatter
from pinn.validation import count, finite, positive

Right = Callable[[float, Array], ArrayLike]


def ordinary(
    right: Right,
    start: Sequence[float],
    outputs: Sequence[str],
    *,
    length: float,
    coordinate: str = "t",
    tolerance: float = 1e-13,
    pieces: int = 0,
    description: str = "",
    source: str = "",
) -> Reference:
    """The solution of y' = f(t, y), y(0) = start, on [0, length].

    Args:
        right: f, of t and y (m,), giving (m,).
        start: initial values (m,).
        outputs: names of the components (m).
        length: end of the interval.
        coordinate: name of t.
        tolerance: relative and absolute tolerance of a step at the finer resolution, 2.3e-14 to 1e-2.
        pieces: of the interval, each with a polynomial of degree 20; 0 for eight a unit of time.
        description: what it is.
        source: where it stands.

    Returns:
        The components as functions of t; error: distance of the two resolutions.

    Raises:
        ValueError: for a length that is not positive and finite, a tolerance out of range, a negative number of pieces,
            starting values that are not finite, or as many names as there are not values.
        ArithmeticError: when built, if the integration fails.

    Example:
        >>> wave = ordinary(lambda t, y: (y[1], -y[0]), [1.0, 0.0], ["u", "w"], length=10.0)
        >>> bool(abs(wave(t=9.0)["u"] - np.cos(9.0)) < 1e-11)
        True
    """
    positive("ordinary", length=length)
    count("ordinary", 0, pieces=pieces)
    if not 2.3e-14 <= tolerance <= 1e-2:
        raise ValueError(
            f"ordinary: got tolerance={tolerance!r}, expected 2.3e-14 (a hundred machine epsilons) to 1e-2; "
            "give e.g. tolerance=1e-13"
        )
    if len(start) != len(outputs):
        raise ValueError(f"ordinary: got {len(start)} starting values for the outputs {list(outputs)}; give one each")
    finite("ordinary", **{f"start[{index}]": value for index, value in enumerate(start)})
    pieces = pieces or max(4, round(8 * length))
    return Reference(
        bounds={coordinate: (0.0, length)},
        outputs=tuple(outputs),
        build=partial(_build, right, tuple(start), tuple(outputs), coordinate, length, tolerance, pieces),
        description=description or "Runge-Kutta steps of order eight",
        source=source,
    )


def lorenz(
    sigma: float = 10.0,
    rho: float = 15.0,
    beta: float = 8 / 3,
    *,
    start: Sequence[float] = (-8.0, 7.0, 27.0),
    length: float = 3.0,
) -> Reference:
    """Lorenz' system y₁' = σ(y₂ − y₁), y₂' = y₁(ρ − y₃) − y₂, y₃' = y₁y₂ − βy₃; y1, y2, y3 of t, dimensionless.

    Args:
        sigma: σ.
        rho: ρ.
        beta: β.
        start: y(0).
        length: latest time.
    """
    return ordinary(
        partial(_lorenz, sigma, rho, beta),
        start,
        ("y1", "y2", "y3"),
        length=length,
        source="Lorenz, J. Atmos. Sci. 20 (1963) 130",
    )


def lotka_volterra(
    alpha: float = 1.5,
    beta: float = 1.0,
    gamma: float = 1.0,
    delta: float = 3.0,
    *,
    start: Sequence[float] = (1.0, 1.0),
    length: float = 5.0,
) -> Reference:
    """Prey and predators, r' = αr − βrp, p' = γrp − δp; r, p of t, dimensionless.

    Args:
        alpha: α, growth of the prey.
        beta: β, prey eaten by a predator.
        gamma: γ, predators born of a prey.
        delta: δ, death of the predators.
        start: r(0), p(0).
        length: latest time.
    """
    return ordinary(
        partial(_lotka_volterra, alpha, beta, gamma, delta),
        start,
        ("r", "p"),
        length=length,
        source="Lotka, J. Am. Chem. Soc. 42 (1920) 1595; Volterra, Nature 118 (1926) 558",
    )


def oscillator(
    mass: float = 1.0,
    damping: float = 0.0,
    stiffness: float = 1.0,
    *,
    start: Sequence[float] = (1.0, 0.0),
    length: float = 10.0,
) -> Reference:
    """m u'' + c u' + k u = 0; displacement u and velocity w of t, in any consistent units.

    Args:
        mass: m.
        damping: c.
        stiffness: k.
        start: u(0), u'(0).
        length: latest time.
    """
    return ordinary(partial(_oscillator, mass, damping, stiffness), start, ("u", "w"), length=length)


def _lorenz(sigma: float, rho: float, beta: float, t: float, y: Array) -> ArrayLike:
    return [sigma * (y[1] - y[0]), y[0] * (rho - y[2]) - y[1], y[0] * y[1] - beta * y[2]]


def _lotka_volterra(alpha: float, beta: float, gamma: float, delta: float, t: float, y: Array) -> ArrayLike:
    return [alpha * y[0] - beta * y[0] * y[1], gamma * y[0] * y[1] - delta * y[1]]


def _oscillator(mass: float, damping: float, stiffness: float, t: float, y: Array) -> ArrayLike:
    return [y[1], -(damping * y[1] + stiffness * y[0]) / mass]


@dataclass(frozen=True)
class Trajectory:
    """Components as polynomials on pieces of time.

    Args:
        panels: pieces of time.
        values: at the nodes of each piece (P, degree + 1, m).
        outputs: names of the components (m).
        coordinate: name of t.
    """

    panels: Panels
    values: Array
    outputs: tuple[str, ...]
    coordinate: str

    def __call__(self, columns: Columns) -> dict[str, Array]:
        """The components (n,) at times (n,)."""
        t = columns[self.coordinate]
        y = np.empty((t.size, len(self.outputs)))
        piece_of = self.panels.locate(t)
        for piece in np.unique(piece_of):
            here = piece_of == piece
            y[here] = self.panels.interpolation(int(piece), t[here]) @ self.values[piece]
        return {name: y[:, index] for index, name in enumerate(self.outputs)}


def integrate(right: Right, start: Array, panels: Panels, tolerance: float, longest: float = np.inf) -> Array:
    """Values (P, degree + 1, m) at the nodes of all pieces, each reached by steps that end there.

    Args:
        right: f, of t and y (m,), giving (m,).
        start: y(0) (m,).
        panels: pieces of time.
        tolerance: of a step, relative and (times the start's size) absolute.
        longest: step, where stability and not accuracy limits it.

    Raises:
        ArithmeticError: when the integration fails.
    """
    from scipy.integrate import solve_ivp  # loaded when a trajectory is computed

    values = np.empty((panels.count, panels.degree + 1, len(start)))
    y = np.asarray(start, dtype=np.float64)
    absolute = tolerance * max(1e-300, float(np.abs(y).max()))
    for piece in range(panels.count):
        times = panels.nodes(piece)
        values[piece, 0] = y
        for index, (low, high) in enumerate(pairwise(times)):
            run = solve_ivp(right, (low, high), y, "DOP853", [high], rtol=tolerance, atol=absolute, max_step=longest)
            if not run.success:
                raise ArithmeticError(f"integration stopped before t={high:g}: {run.message}")
            values[piece, index + 1] = y = run.y[:, -1]
    return values


def _build(
    right: Right,
    start: tuple[float, ...],
    outputs: tuple[str, ...],
    coordinate: str,
    length: float,
    tolerance: float,
    pieces: int,
) -> Built:
    def at(degree: int, tolerance: float) -> Trajectory:
        panels = Panels.even(length, pieces, degree)
        return Trajectory(panels, integrate(right, np.array(start), panels, tolerance), outputs, coordinate)

    fine, coarse = at(20, tolerance), at(16, 100 * tolerance)
    points = scatter({coordinate: (0.0, length)}, 501)
    # Two resolutions may agree to the last bit; both still carry the rounding of their steps.
    return Built(fine, distance(coarse, fine, points) + 10 * float(np.finfo(np.float64).eps))
