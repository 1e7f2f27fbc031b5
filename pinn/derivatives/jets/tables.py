"""Tables on jets: the Taylor coefficients of a spline are those of its polynomial at the point.

    φ_m = Σ_{j≥m} (j choose m) c_j s^{j−m},    s = z − the piece's left knot

A table of one axis is such a function of one argument. One on a grid is a sum of products of B-splines, each again such
a function, p + 1 of them side by side as features.

Source: `pinn.tables` for the splines.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets import features
from pinn.derivatives.jets.arithmetic import as_jet, compose
from pinn.derivatives.jets.jet import Jet
from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.jets.taylor import SmoothFunction
from pinn.tables import Axis, Table, binomials, contract, horner


def table(given: Table, *columns: Any) -> Jet:
    """A table at jets; numbers and plain tensors beside them are constants."""
    owner = next(x for x in columns if isinstance(x, Jet))
    jets = [x if isinstance(x, Jet) else as_jet(owner, x) for x in columns]
    places = [jet.value.detach() for jet in jets]
    given.require_inside(places)
    axes = [given.axis(number) for number in range(len(jets))]
    if len(jets) == 1:
        return compose(_spline(axes[0]), jets[0])
    bases = []
    for axis, jet in zip(axes, jets, strict=True):
        side_by_side = features.expand(features.unsqueeze(jet, -1), *jet.shape, axis.degree + 1)
        bases.append(compose(_spline(axis), side_by_side))
    found: Jet = contract(given.window(places), bases)
    return found


def _spline(axis: Axis) -> SmoothFunction:
    """The polynomials of an axis as a function of one argument, which is the same along the features."""
    return SmoothFunction(f"table({axis.name})", partial(_value, axis), partial(_taylor, axis))


def _value(axis: Axis, z: Tensor, out: Tensor, space: Workspace) -> tuple[Tensor, ...]:
    c, s = _local(axis, z)
    out.copy_(horner(c, s))
    return c, s


def _taylor(axis: Axis, z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
    c, s = extra
    found = []
    for m in range(1, order + 1):
        if m > axis.degree:
            found.append(torch.zeros_like(z))
            continue
        factors = c.new_tensor(binomials(axis.degree, m))
        found.append(horner(c[..., m:] * factors, s).expand_as(z))
    return found


def _local(axis: Axis, z: Tensor) -> tuple[Tensor, Tensor]:
    """Polynomials (…, p + 1) for each entry of z, and the places of z from their origins."""
    if z.ndim == 1:
        c, origin = axis.local(z)
        return c[:, 0], z - origin
    c, origin = axis.local(z[..., 0])
    return c, z - origin[..., None]
