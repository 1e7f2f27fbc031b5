"""Derivatives of a function of NumPy arrays by central differences of order eight and less."""

import numpy as np


def differences(function, at, steps):
    """Derivatives of order one to four along each axis, {(axis, m)}.

    Args:
        function: of arrays by coordinate name.
        at: coordinate -> (n,).
        steps: coordinate -> distance of two of nine places.
    """
    found = {}
    for axis, h in steps.items():
        offsets = np.arange(-4, 5)
        values = np.stack([function(**{**at, axis: at[axis] + k * h}) for k in offsets])
        powers = offsets[None, :] ** np.arange(9)[:, None].astype(float)
        for order in range(1, 5):
            unit = np.zeros(9)
            unit[order] = float(np.prod(np.arange(1, order + 1)))
            found[axis, order] = np.linalg.solve(powers, unit) @ values / h**order
    return found
