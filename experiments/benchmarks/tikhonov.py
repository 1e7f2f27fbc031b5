"""What a classical solve attains: a coefficient field from noisy observations by Tikhonov's regularization.

    minimise  |u(x_i) − y_i|²/σ² + α ∫ |∂ˢa|²,   s = 1 or 2,   subject to   −∇·(a∇u) = f and to what is known

u and a are Legendre polynomials on a box, the equation holds at Gauss points by a heavy weight, and Gauss-Newton steps
solve it for each α, from the strongest on. Two choices of α are told: the one with the least error, which nobody who
does not know the truth can make, and that of generalized cross-validation (Golub, Heath, Wahba, Technometrics 21 (1979)
215).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[..., Array]

_EXACT = 1e4  # weight of rows that hold exactly; data have one over their noise
_ROUNDS = 8  # Gauss-Newton steps for each weight


@dataclass(frozen=True)
class Case:
    """−∇·(a∇u) = f on a rectangle, u observed with noise.

    Attributes:
        bounds: of x and y, (low, high) each.
        degrees: number of polynomials of u in each coordinate.
        of_field: the same of a, in x and y.
        places: observations, (n, 2).
        values: observed, (n,).
        sigma: their noise.
        u, a, f: true solution and field, and the source, as functions of the coordinates.
        known: whether a is known on the boundary; else u is zero there.
        guess: of a, a constant.
    """

    bounds: Mapping[str, tuple[float, float]]
    degrees: Sequence[int]
    of_field: Sequence[int]
    places: Array
    values: Array
    sigma: float
    u: Function
    a: Function
    f: Function
    known: bool
    guess: float


@dataclass(frozen=True)
class Found:
    """Relative L2 error of the field, and of both functions stacked, at one weight; its score, the less the better."""

    weight: float
    field: float
    both: float
    score: float


def tikhonov(case: Case, order: int, weights: Sequence[float]) -> list[Found]:
    """The errors for each weight.

    Args:
        case: what is to be found.
        order: s of the derivatives that are penalised, 1 or 2.
        weights: α, the largest first.
    """
    axes = tuple(case.bounds)
    grid, quadrature = _gauss(case.bounds, [n + 10 for n in case.degrees])
    u_at, a_at = _Basis(case, axes, case.degrees), _Basis(case, axes, case.of_field)
    count = u_at.count
    field = {k: a_at(grid, k) for k in ((0, 0), (1, 0), (0, 1))}
    orders = list(itertools.combinations_with_replacement((0, 1), order))
    smooth = [math.sqrt(len(set(k))) * a_at(grid, (k.count(0), k.count(1))) for k in orders]
    penalty = np.concatenate([quadrature[:, None] * one for one in smooth])
    penalty = np.concatenate([np.zeros((len(penalty), count)), penalty], 1)
    d = {k: u_at(grid, (k.count("x"), k.count("y"))) for k in ("", "x", "y", "xx", "yy")}
    laplace, source = d["xx"] + d["yy"], case.f(*grid.T)
    unseen = np.zeros((len(case.places), a_at.count))
    seen = np.concatenate([u_at(case.places, (0, 0)), unseen], 1) / case.sigma
    held, value = _held(case, axes, u_at, a_at)
    z = np.zeros(count + a_at.count)
    low = u_at.total <= 4
    z[:count][low] = np.linalg.lstsq(seen[:, :count][:, low] * case.sigma, case.values, rcond=None)[0]
    z[count] = case.guess
    truth_u, truth_a = case.u(*grid.T), case.a(*grid.T)
    size = np.linalg.norm(quadrature * truth_a), np.linalg.norm(quadrature * truth_u)
    found = []
    for weight in weights:
        for _ in range(_ROUNDS):
            u, a = z[:count], z[count:]
            ax, ay, a0 = (field[k] @ a for k in ((1, 0), (0, 1), (0, 0)))
            along = -(a0[:, None] * laplace + ax[:, None] * d["x"] + ay[:, None] * d["y"])
            across = field[0, 0] * (laplace @ u)[:, None]
            across = -(across + field[1, 0] * (d["x"] @ u)[:, None] + field[0, 1] * (d["y"] @ u)[:, None])
            rows = quadrature[:, None] * np.concatenate([along, across], 1)
            # The equation is linear in each: its value at z, and so the right-hand side of the step, follows.
            right = quadrature * source + quadrature * (across @ a)
            exact = _EXACT * np.concatenate([rows, held])
            stacked = np.concatenate([exact, seen, math.sqrt(weight) * penalty])
            wanted = np.concatenate([_EXACT * right, _EXACT * value, case.values / case.sigma, np.zeros(len(penalty))])
            q, r = np.linalg.qr(stacked)
            new = np.linalg.lstsq(r, q.T @ wanted, rcond=1e-14)[0]
            moved, z = float(np.abs(new - z).max()), new
            if moved < 1e-6:
                break
        part, n = q[len(exact) : len(exact) + len(seen)], len(seen)
        misfit = float(np.sum((seen @ z - case.values / case.sigma) ** 2))
        errors = (
            np.linalg.norm(quadrature * (field[0, 0] @ z[count:] - truth_a)),
            np.linalg.norm(quadrature * (d[""] @ z[:count] - truth_u)),
        )
        score = misfit / n / (1 - float(np.sum(part**2)) / n) ** 2
        found.append(Found(weight, float(errors[0] / size[0]), float(np.hypot(*errors) / np.hypot(*size)), score))
    return found


class _Basis:
    """Products of Legendre polynomials and their derivatives."""

    def __init__(self, case: Case, axes: Sequence[str], degrees: Sequence[int]) -> None:
        self.bounds, self.degrees = [case.bounds[axis] for axis in axes], degrees
        self.count = math.prod(degrees)
        self.total = np.stack(np.meshgrid(*[np.arange(n) for n in degrees], indexing="ij")).sum(0).reshape(-1)

    def __call__(self, places: Array, orders: Sequence[int]) -> Array:
        product = np.ones((len(places), 1))
        for axis, ((low, high), n, k) in enumerate(zip(self.bounds, self.degrees, orders, strict=True)):
            scaled = 2 * (places[:, axis] - low) / (high - low) - 1
            by = [legendre.legval(scaled, legendre.legder(one, k)) for one in np.eye(n)]
            one = np.stack(by, 1) * (2 / (high - low)) ** k
            product = (product[:, :, None] * one[:, None, :]).reshape(len(places), -1)
        return product


def _gauss(bounds: Mapping[str, tuple[float, float]], counts: Sequence[int]) -> tuple[Array, Array]:
    """Gauss points (n, 2) of a rectangle and the roots of their weights, (n,)."""
    points, weights = zip(*(legendre.leggauss(n) for n in counts), strict=True)
    scaled = [low + (high - low) * (p + 1) / 2 for p, (low, high) in zip(points, bounds.values(), strict=True)]
    grid = np.stack([one.reshape(-1) for one in np.meshgrid(*scaled, indexing="ij")], 1)
    product = np.prod(np.stack(np.meshgrid(*weights, indexing="ij")), axis=0)
    volume = math.prod((high - low) / 2 for low, high in bounds.values())
    return grid, np.sqrt(volume * product.reshape(-1))


def _held(case: Case, axes: Sequence[str], u_at: _Basis, a_at: _Basis) -> tuple[Array, Array]:
    """The rows of what is known on the boundary, and their values."""
    fine = [np.linspace(*case.bounds[axis], 30) for axis in axes]
    places = []
    for axis, end in itertools.product((0, 1), (0, -1)):
        one = [line[[end]] if i == axis else line for i, line in enumerate(fine)]
        places.append(np.stack([part.reshape(-1) for part in np.meshgrid(*one, indexing="ij")], 1))
    at = np.concatenate(places)
    if case.known:
        rows = a_at(at, (0, 0))
        return np.concatenate([np.zeros((len(at), u_at.count)), rows], 1), case.a(*at.T)
    return np.concatenate([u_at(at, (0, 0)), np.zeros((len(at), a_at.count))], 1), np.zeros(len(at))
