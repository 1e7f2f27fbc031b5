"""Two reacting species that diffuse, by the method of lines on Chebyshev nodes.

    ∂A/∂t = κD A_xx − k A B²,   ∂B/∂t = κD B_xx − 2k A B²   on [0, 1] × [0, T], κ = 10⁻³
    A = B = e^{−20x} at t = 0;   A = B = 1 at x = 0;   A = B = 0 at x = 1

Values at the inner nodes obey an ordinary system, taken by DOP853: what its stability asks for at these resolutions
costs seconds, and makes the error in time a matter of rounding. The nodes crowd at the walls, where the solution has
its boundary layer and, at t = 0, a corner: the walls hold A and B still while the equation would not.

Source: Lu, Meng, Mao, Karniadakis, SIAM Rev. 63 (2021) 208, section 4.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from pinn.reference.cache import Arrays, Cache, Folder, cached
from pinn.reference.chebyshev import Panels, differentiation, interpolation, nodes
from pinn.reference.ordinary import integrate
from pinn.reference.result import Array, Built, Columns, Reference, distance, scatter
from pinn.validation import count, finite, positive

# The equation's own factor: it has 10⁻³ D.
SCALE = 1e-3
# DOP853 is stable for hλ from −6.2 to 0; beyond, its error control would find out by way of overflow.
STABLE = 5.5
OUTPUTS = ("A", "B")


def reaction_diffusion(
    *,
    diffusion: float = 2.0,
    rate: float = 0.1,
    length: float = 10.0,
    degree: int = 72,
    coarse: int = 48,
    cache: Cache = Folder.USER,
) -> Reference:
    """The system of the module's first lines.

    Args:
        diffusion: D (the equation has 10⁻³ D), dimensionless.
        rate: k, dimensionless.
        length: T, dimensionless.
        degree: of the polynomials in x of the finer resolution.
        coarse: of the coarser one.
        cache: folder of the result, None for none; see `pinn.reference.cache`.

    Returns:
        A and B of x and t; error: distance of the two resolutions.

    Raises:
        ValueError: for a diffusion or length that is not positive and finite, a rate that is not finite, or degrees
            that do not rise from 4.

    Example:
        >>> found = reaction_diffusion(length=0.1, degree=24, coarse=16, cache=None)
        >>> {name: round(float(value), 9) for name, value in found(x=0.0, t=0.1).items()}
        {'A': 1.0, 'B': 1.0}
    """
    positive("reaction_diffusion", diffusion=diffusion, length=length)
    finite("reaction_diffusion", rate=rate)
    count("reaction_diffusion", 4, coarse=coarse)
    count("reaction_diffusion", coarse + 1, degree=degree)
    return Reference(
        bounds={"x": (0.0, 1.0), "t": (0.0, length)},
        outputs=OUTPUTS,
        build=partial(_build, float(diffusion), float(rate), float(length), degree, coarse, cache),
        description=f"method of lines on Chebyshev nodes, degree {degree}, DOP853",
        source="Lu et al., SIAM Rev. 63 (2021) 208, section 4.5",
    )


def _build(diffusion: float, rate: float, length: float, degree: int, coarse: int, cache: Cache) -> Built:
    def compute() -> Arrays:
        fine = solve_lines(diffusion, rate, length, degree, 1e-11)
        rough = solve_lines(diffusion, rate, length, coarse, 1e-9, per_octave=1)
        points = scatter({"x": (0.0, 1.0), "t": (0.0, length)}, 61)
        return {"values": fine.values, "edges": fine.panels.edges, "error": np.array(distance(rough, fine, points))}

    parameters = {"diffusion": diffusion, "rate": rate, "length": length, "degree": degree, "coarse": coarse}
    arrays = cached("reaction_diffusion", parameters, compute, module=__name__, cache=cache)
    panels = Panels(arrays["edges"], arrays["values"].shape[1] - 1)
    return Built(Lines(panels, arrays["values"]), float(arrays["error"]))


@dataclass(frozen=True)
class Lines:
    """A and B from their values along the lines x = x_j.

    Args:
        panels: pieces of time.
        values: at the nodes of each piece and all nodes in x (P, degree in t + 1, 2, degree in x + 1).
    """

    panels: Panels
    values: Array

    def __call__(self, columns: Columns) -> dict[str, Array]:
        """A and B (n,) at x (n,) and t (n,)."""
        x, t = columns["x"], columns["t"]
        found = np.empty((2, x.size))
        piece_of = self.panels.locate(t)
        in_x = interpolation(x, self.values.shape[-1] - 1, 0, 1)
        for piece in np.unique(piece_of):
            here = piece_of == piece
            lines = np.tensordot(self.panels.interpolation(int(piece), t[here]), self.values[piece], 1)
            found[:, here] = np.einsum("nmj,nj->mn", lines, in_x[here])
        return dict(zip(OUTPUTS, found, strict=True))


def solve_lines(diffusion: float, rate: float, length: float, n: int, tolerance: float, per_octave: int = 2) -> Lines:
    """One resolution of `reaction_diffusion`: degree n in x, and so many pieces of time between t and 2t."""
    x = nodes(n, 0, 1)
    D = differentiation(n, 0, 1)
    second = SCALE * diffusion * (D @ D)[1:-1]
    walls = np.array([1.0, 0.0])

    def right(t: float, inner: Array) -> Array:
        y = inner.reshape(2, n - 1)
        whole = np.concatenate([np.full((2, 1), walls[0]), y, np.full((2, 1), walls[1])], axis=1)
        burnt = rate * y[0] * y[1] ** 2
        change = whole @ second.T
        change[0] -= burnt
        change[1] -= 2 * burnt
        return change.ravel()

    start = np.exp(-20 * x)
    panels = Panels.graded(length, 10, 12, per_octave)
    stiffest = float(np.abs(np.linalg.eigvals(second[:, 1:-1])).max())
    inner = integrate(right, np.tile(start[1:-1], 2), panels, tolerance, longest=STABLE / stiffest)
    values = np.empty((panels.count, panels.degree + 1, 2, n + 1))
    values[..., 0], values[..., -1] = walls
    values[..., 1:-1] = inner.reshape(panels.count, panels.degree + 1, 2, n - 1)
    return Lines(panels, values)
