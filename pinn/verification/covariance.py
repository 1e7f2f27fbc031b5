"""How certain unknown numbers are: their covariance from the noise of the data, with the solution's freedom counted.

    min  |J_d z − e|² / σ²   subject to   J_e z = 0,    z = (features, unknowns)

Equation and conditions are exact (J_e), observations are N values with noise σ (J_d). The covariance of all of z is
(J_dᵀ Σ⁻¹ J_d + κ² J_eᵀ J_e)⁻¹ for κ → ∞; that of the unknowns is its block, the inverse of the Schur complement that
is left after the features are eliminated. With [κ J_e; Σ^{-1/2} J_d] = Q R and the unknowns' columns last it is
(R_θᵀ R_θ)⁻¹ for the last block of R (Björck, Numerical Methods for Least Squares Problems, SIAM 1996, sec. 2.8 and,
for exact rows by weighting, sec. 5.1.4). κ is a hundred times the largest information of the data, so that the rows
are exact to 1e-4 of the variance and what the features leave of them counts for nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pinn.verification.stability import Linearized

_EXACT = 100.0


def covariance(exact: Tensor, data: Tensor, sigma: Tensor, count: int) -> Tensor:
    """Covariance of the last unknowns of a linear least-squares problem with exact rows.

    Args:
        exact: rows that hold exactly, (N_e, p); of size about one for unit columns; may have none.
        data: derivative of the observations' residuals, (N_d, p), in their own units.
        sigma: standard deviation of each observation's noise, (N_d,), positive, in the same units.
        count: k, the unknowns whose covariance is wanted, the last columns.

    Returns:
        (k, k), in the columns' units; infinite variances where the rows leave an unknown open.

    Example:
        >>> design = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
        >>> covariance(design[:0], design, torch.full((3,), 0.1, dtype=torch.float64), 1)
        tensor([[0.0050]], dtype=torch.float64)
    """
    observed = data / sigma[:, None]
    weight = _EXACT * float(observed.norm()) / max(1.0, math.sqrt(observed.shape[1]))
    rows = torch.cat([weight * exact, observed])
    if rows.shape[0] < rows.shape[1]:
        rows = torch.cat([rows, rows.new_zeros(rows.shape[1] - rows.shape[0], rows.shape[1])])
    upper = torch.linalg.qr(rows, mode="r")[1][-count:, -count:]
    floor = 1e-13 * float(rows.norm())
    if bool((upper.diagonal().abs() <= floor).any()):
        return torch.full((count, count), math.inf, dtype=rows.dtype)
    inverse = torch.linalg.solve_triangular(upper, torch.eye(count, dtype=rows.dtype), upper=True)
    return inverse @ inverse.T


def uncertainty(linearized: Linearized) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """Standard errors of unknown numbers, in their own units, and the correlation of each pair.

    Observations are the points that carry observed values; their noise is `points.sigma` where it is given, else the
    root-mean-square of the misfit, with as many degrees of freedom less as there are unknowns. Both are empty without
    unknown numbers or observations.
    """
    objective, units = linearized.objective, linearized.units
    names = sorted(units.numbers, key=lambda name: units.numbers[name][0])
    exact, data, sigmas = [], [], []
    start = 0
    for block, q in zip(objective.blocks, objective.residuals_per_point, strict=True):
        some = slice(start, start + block.rows)
        start += block.rows
        pointwise = objective.equations.problem.constraints[block.name].reduction.pointwise
        if not block.points.values or not pointwise:
            exact.append(linearized.rows[some])
            continue
        scale = block.residuals.scale.double().cpu().repeat_interleave(q)
        given: Tensor | None = getattr(block.points, "sigma", None)
        if given is None:
            misfit = objective.equations.residual(block.name, block.points).double().cpu()
            freedom = max(1, misfit.numel() - len(names))
            sigma = (misfit.square().sum() / freedom).sqrt().expand(block.rows)
        else:
            sigma = given.double().cpu().repeat_interleave(q)
        data.append(linearized.plain[some] / scale[:, None])
        sigmas.append(sigma)
    if not names or not data or not bool(torch.isfinite(linearized.plain).all()):
        return {}, {}
    sigma = torch.cat(sigmas)
    if not bool((sigma > 0).all()):
        return {}, {}
    found = covariance(torch.cat(exact) if exact else data[0][:0], torch.cat(data), sigma, len(names))
    sizes = torch.tensor([units.numbers[name][1] for name in names], dtype=torch.float64)
    deviations = found.diagonal().sqrt()
    errors = dict(zip(names, (deviations * sizes).tolist(), strict=True))
    return errors, _correlation(names, found, deviations)


def _correlation(names: list[str], found: Tensor, deviations: Tensor) -> dict[tuple[str, str], float]:
    if not bool(torch.isfinite(found).all()):
        return {}
    scaled = found / (deviations[:, None] * deviations)
    return {(a, b): float(scaled[i, j]) for i, a in enumerate(names) for j, b in enumerate(names) if i < j}
