"""Central differences of two steps, extrapolated, with what is to be allowed for the bend of the function.

    f' ≈ (4 D_h − D_2h)/3,    D_h = (f(x + h) − f(x − h)) / 2h

How far this can be off follows from the same values: |D_h − D_2h|, the bend h/2 |f''| that a kink would show, and
noise over h, of which the fourth difference tells: for a smooth f it is O(h⁴), and terms that cancel leave theirs.

Source: Richardson, Phil. Trans. R. Soc. A 210 (1911) 307 (the extrapolation).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pinn.derivatives import default_step


def balanced_step(like: Tensor) -> float:
    """A step between those that balance forward and central differences, since both are taken; for sizes of one.

    Args:
        like: a tensor of the precision that is computed in.
    """
    one = like.new_zeros(())
    return math.sqrt(float(default_step(one)) * float(default_step(one, method="forward")))


def stencil(x: Tensor, axis: int, h: float) -> Tensor:
    """The places x, x ± h and x ± 2h along one axis, (5 n, d) of points (n, d)."""
    along = torch.zeros_like(x)
    along[:, axis] = h
    return torch.cat([x, x + along, x - along, x + 2 * along, x - 2 * along])


def extrapolated(f: Tensor, h: float) -> tuple[Tensor, Tensor, Tensor]:
    """The derivative by differences, what it may be off by a bend of f, and the noise that f shows.

    Args:
        f: values (5, n) at the places of `stencil`.
        h: its step.

    Returns:
        Derivative and bend, in units of f over those of h, and noise in units of f, (n,) each.

    Example:
        >>> f = torch.sin(stencil(torch.zeros(1, 1, dtype=torch.float64), 0, 1e-3)).view(5, 1)
        >>> slope, bend, noise = extrapolated(f, 1e-3)
        >>> bool((slope - 1).abs() < 1e-11), bool(bend < 1e-6), bool(noise < 1e-15)
        (True, True, True)
    """
    fine, coarse = (f[1] - f[2]) / (2 * h), (f[3] - f[4]) / (4 * h)
    # Half the distance of forward and backward difference: a function with a kink between has either for its slope.
    kink = (f[1] - 2 * f[0] + f[2]).abs() / (2 * h)
    noise = 10 * (f[3] - 4 * f[1] + 6 * f[0] - 4 * f[2] + f[4]).abs()
    return (4 * fine - coarse) / 3, kink + (fine - coarse).abs(), noise
