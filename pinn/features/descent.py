"""Gauss-Newton steps on the weights out of fixed neurons, damped as long as they are far from an answer.

    c ← c + argmin_δ |J δ + r|² + μ² |D δ|²,    D = diag |J e_j|,    μ = κ ρ² √p,    ρ = |r| / |r_0| ≤ 1

r_0 are the rows without any neuron. Where J is well conditioned nothing is damped. Neurons that are no basis but a
frame, such as polynomials beside functions of r and θ about a hole, have combinations that nearly vanish: without
damping the first step on the flow around a cylinder, which leaves 3e-4 of the Stokes equations with 527 neurons, has
velocities of 1e4 at the outlet, so that inertia leaves 1e10, and no part of the step helps. With it four or five
steps find the flow at Re 20 from rest. That a damping of the order of |r|² keeps the speed of Newton's method is
known. κ = 1e-3 took seven steps in place of five, κ = 1e-5 with ρ in place of ρ² eight.

A first step may leave more than there was, as from rest to the Stokes flow, and the next ones less: full steps are
made so often before the one that helped last is halved (the watchdog of Chamberlain et al.). Steps end where the rows
are what was foreseen, so that linear solves do no better.

Source: Yamashita, Fukushima, Computing Suppl. 15 (2001) 239, for the damping; Chamberlain, Powell, Lemarechal,
Pedersen, Math. Program. Study 16 (1982) 1; Adcock, Huybrechs, SIAM Rev. 61 (2019) 443, for frames.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pinn.features.found import UnsuitedError
from pinn.linalg import TallQR, least_squares, may_be_squared, solve_normal
from pinn.objective import Objective

_DAMPED = 1e-4  # κ
_STEPS, _HALVINGS = 10, 10  # of a round at the most, and of a step
_WATCHED = 5  # full steps in a row that may leave more, ...
_NEAR = 0.1  # ... while more than that part of r_0 is left, and damping decides what a linear solve leaves
_FALLS = 0.9  # of the residual that a step must leave for another, ...
_FORESEEN = 1.1  # ... and more than so many times what its linear solve left


def linear_step(objective: Objective, damping: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """r, J, and the step that makes |J c + r| least.

    Args:
        objective: rows at hand.
        damping: μ / √p, below rounding for none; not used where J is well conditioned.

    Raises:
        UnsuitedError: when a row is not finite.
    """
    residual, jacobian = objective.linearize()
    if not bool(torch.isfinite(residual).all() and torch.isfinite(jacobian).all()):
        raise UnsuitedError("solve_affine: got rows that are not finite; see where the equations divide by zero")
    if damping <= torch.finfo(jacobian.dtype).eps:
        return residual, jacobian, least_squares(jacobian, residual)
    step = solve_normal(jacobian, residual) if may_be_squared(jacobian) else None
    if step is None:
        step = TallQR.of(jacobian, residual).solve(damping).to(residual.dtype)
    return residual, jacobian, step


def descend(objective: Objective, size: float) -> tuple[float, int]:
    """Steps from the coefficients at hand, which are moved to the best ones.

    Args:
        objective: rows.
        size: |r_0|.

    Returns:
        the norm of the rows that they leave, and the number of linear solves.
    """
    at, least, first = objective.vector(), float(objective.residual().norm()), None
    steps = idle = 0
    while steps < _STEPS:
        now = float(objective.residual().norm())
        residual, jacobian, step = linear_step(objective, _DAMPED * min(1.0, now / size) ** 2 if size > 0 else 0.0)
        foreseen = float((residual + jacobian @ step).norm())
        steps, first = steps + 1, step if idle == 0 else first
        after = _at(objective, objective.vector() + step)
        if least <= after <= least / _FALLS:  # neither up nor down
            break
        if after >= least and (idle := idle + 1) >= (_WATCHED if least > _NEAR * size else 1):
            assert first is not None
            if (after := _halved(objective, at, first, least)) >= least:
                break
            foreseen = 0.0
        if after < least:
            small = after > _FALLS * least or (after <= _FORESEEN * foreseen and after < _NEAR * size)
            at, least, idle = objective.vector(), after, 0
            if small:
                break
    objective.assign(at)
    return least, steps


def _at(objective: Objective, vector: Tensor) -> float:
    objective.assign(vector)
    return float(objective.residual().norm())


def _halved(objective: Objective, at: Tensor, step: Tensor, least: float) -> float:
    """The rows after a half, a quarter, … of a step, the first that leaves less than there was; the last if none."""
    part, after = 0.5, least
    for _ in range(_HALVINGS):
        after = _at(objective, at + part * step)
        if after < least:
            break
        part *= 0.5
    return after
