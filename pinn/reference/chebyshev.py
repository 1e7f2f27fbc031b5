"""Chebyshev collocation: nodes, differentiation and interpolation matrices, and interpolation piece by piece.

Nodes are the extrema of T_n, x_j = −cos(πj/n), mapped to [low, high]; the differentiation matrix of any nodes is
    D_ij = (w_j/w_i) / (x_i − x_j), i ≠ j;   D_ii = −Σ_{j≠i} D_ij,
with barycentric weights w, here w_j = (−1)^j, halved at the ends.

Source: Berrut, Trefethen, SIAM Rev. 46 (2004) 501; Trefethen, Spectral Methods in MATLAB (2000), chapter 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pinn.reference.result import Array
from pinn.validation import count


def nodes(n: int, low: float = -1.0, high: float = 1.0) -> Array:
    """The n + 1 extrema of T_n on [low, high], rising.

    Raises:
        ValueError: for n < 1.

    Example:
        >>> nodes(2, 0, 1)
        array([0. , 0.5, 1. ])
    """
    count("nodes", 1, n=n)
    # The sine form is antisymmetric to the last bit.
    unit = np.sin(np.pi * np.arange(-n, n + 1, 2) / (2 * n))
    return low + (high - low) * (unit + 1) / 2


def weights(n: int) -> Array:
    """Barycentric weights (n + 1,) of `nodes(n)`, up to a common factor."""
    w = np.where(np.arange(n + 1) % 2, -1.0, 1.0)
    w[[0, -1]] /= 2
    return w


def differentiation(n: int, low: float = -1.0, high: float = 1.0) -> Array:
    """The matrix (n + 1, n + 1) from values at `nodes(n, low, high)` to the interpolating polynomial's derivative.

    Example:
        >>> x = nodes(4)
        >>> bool(np.abs(differentiation(4) @ x**3 - 3 * x**2).max() < 1e-14)
        True
    """
    angle = np.pi * np.arange(n + 1) / (2 * n)
    # x_i − x_j without cancellation: cos a − cos b = 2 sin((a+b)/2) sin((b−a)/2).
    gap = 2 * np.sin(angle[:, None] + angle) * np.sin(angle[:, None] - angle)
    np.fill_diagonal(gap, 1.0)
    w = weights(n)
    D = w / w[:, None] / gap
    np.fill_diagonal(D, 0.0)
    np.fill_diagonal(D, -D.sum(axis=1))
    return D * 2 / (high - low)


def interpolation(x: Array, n: int, low: float = -1.0, high: float = 1.0) -> Array:
    """The matrix (n_points, n + 1) from values at `nodes(n, low, high)` to the interpolating polynomial at x.

    Args:
        x: where to interpolate (n_points,).
        n: degree.
        low: left end.
        high: right end.
    """
    difference = x[:, None] - nodes(n, low, high)
    hit = difference == 0
    difference[hit] = 1.0
    matrix = weights(n) / difference
    matrix /= matrix.sum(axis=1, keepdims=True)
    rows = hit.any(axis=1)
    matrix[rows] = hit[rows]
    return matrix


@dataclass(frozen=True)
class Panels:
    """An interval cut into pieces, each with Chebyshev nodes of its own: for what changes fast somewhere.

    Args:
        edges: rising ends of the pieces (P + 1,).
        degree: of the polynomial on each.

    Example:
        >>> panels = Panels(np.array([0.0, 0.25, 1.0]), 8)
        >>> panels.nodes(1)[[0, -1]]
        array([0.25, 1.  ])
    """

    edges: Array
    degree: int

    @classmethod
    def graded(cls, length: float, halvings: int, degree: int, per_octave: int = 1) -> Panels:
        """[0, length] halved towards 0 `halvings` times, and each piece cut into `per_octave` equal ones."""
        octaves = np.concatenate([[0.0], 0.5 ** np.arange(halvings, -1, -1)])
        cuts = octaves[:-1, None] + np.diff(octaves)[:, None] * np.arange(per_octave) / per_octave
        return cls(length * np.append(cuts.ravel(), 1.0), degree)

    @classmethod
    def even(cls, length: float, pieces: int, degree: int) -> Panels:
        """[0, length] in equal pieces."""
        return cls(length * np.linspace(0, 1, pieces + 1), degree)

    @property
    def count(self) -> int:
        """The number of pieces."""
        return len(self.edges) - 1

    def nodes(self, piece: int) -> Array:
        """Nodes (degree + 1,) of one piece, its ends included."""
        return nodes(self.degree, self.edges[piece], self.edges[piece + 1])

    def locate(self, t: Array) -> np.ndarray:
        """The piece (n,) that each time is in."""
        return np.clip(np.searchsorted(self.edges, t, side="right") - 1, 0, self.count - 1)

    def interpolation(self, piece: int, t: Array) -> Array:
        """The matrix (n, degree + 1) from values at the piece's nodes to times (n,) in it."""
        return interpolation(t, self.degree, self.edges[piece], self.edges[piece + 1])
