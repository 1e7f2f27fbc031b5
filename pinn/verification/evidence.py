"""How smooth unknown fields are: as the data find them likeliest.

    maximise over α    p(y | α) = ∫ p(y | z) p(z | α) dz,    −2 log p = Φ(α) + log det H(α) − log det (H(α) − D) + const

z are changes of the answer (`pinn.verification.stability`), D = J_dᵀ Σ⁻¹ J_d what the observations tell of them, and
H(α) = κ² J_eᵀ J_e + D + J_pᵀ J_p + α J_sᵀ J_s with exact rows J_e, priors J_p and smoothness J_s; Φ(α) is the least of
the quadratic form with that matrix. This is the evidence, or marginal likelihood: MacKay, Neural Comput. 4 (1992) 415;
as a choice of Tikhonov's parameter: Wahba, Ann. Statist. 13 (1985) 1378 (GML). Where σ is estimated it is taken out of
it: −2 log p = n log Φ + .... All is made of one QR factorization of the rows at the present α and one SVD of those of
smoothness in its frame, H(1) = RᵀR, J_s R⁻¹ = U S Vᵀ, in which H(α) = 1 − S² + α S² is diagonal.

Observations held out cannot make this choice: what they observe hardly depends on the wiggles of a coefficient under a
derivative. Relative L2 error of the field by criterion, over the least on the way from no smoothness to constants, with
the linear problem about the answer after 20 steps, of the conductivity of `pinnacle.poisson_inverse` and of q in
−u'' + q u = f (50 observations of u, σ = 0.01, three draws):

| criterion | conductivity | q |
|---|---|---|
| evidence | 1.3 | 1.3, 1.4, 1.0 |
| Mallows' Cp | 1.3 | 1.3, 1.8, 1.4 |
| generalized cross-validation | 1.3 | 1.3, 1.8, 1.0 |
| the discrepancy principle | 1.0 | 3.9, 1.8, 43 |
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pinn.ambient import own_settings
from pinn.objective import Equations
from pinn.smoothness import SMOOTHNESS
from pinn.verification.about import dtype_of
from pinn.verification.covariance import Rows, of_outputs, rows_of
from pinn.verification.stability import Linearized

_DECADES = (-8.0, 8.0)  # about the present strength, in which the likeliest is sought ...
_STEP = 0.5  # ... in such steps; the field's error is flat about its least to a factor of three either way
_EXACT = 100.0  # exact rows over what the data tell, as in `pinn.verification.covariance`
_SINGULAR = 1e-13  # of the largest row, below which rows leave a change open
_TOLD = 1e-10  # of a change that the data alone tell, which no smoothness bears on


def likeliest(equations: Equations, seed: int = 0) -> dict[str, float]:
    """Factors of the present weights of smoothness that make the data likeliest, by constraint; dimensionless.

    Args:
        equations: problem, model and weights; the model is left as it is.
        seed: of features and points of the linear problem.

    Returns:
        Smoothness constraint -> factor, each with the others as they are; empty where there is nothing to choose, no
        observation has noise, or the answer has a row that is no number.
    """
    with own_settings(dtype_of(equations)):
        linearized = Linearized.of(equations, seed)
        if not bool(torch.isfinite(linearized.plain).all()):
            return {}
        rows = rows_of(linearized, equations, {})
        if rows is None:
            return {}
        kept = [name.removeprefix(SMOOTHNESS) for name in rows.fields]
        exact = _answered(rows.exact, of_outputs(linearized, kept))
        return {name: _likeliest(exact, rows, some) for name, some in rows.fields.items()}


def _likeliest(exact: Tensor, rows: Rows, own: slice) -> float:
    """The factor of some of the smoothness rows that makes the data likeliest."""
    smooth = rows.smooth[own]
    rest = torch.ones(len(rows.smooth), dtype=torch.bool)
    rest[own] = False
    weight = _EXACT * float(rows.data[:, :-1].norm()) / math.sqrt(exact.shape[1])
    others = torch.cat([weight * exact, rows.data, rows.prior, rows.smooth[rest]])
    upper = torch.linalg.qr(torch.cat([others, smooth])[:, :-1], mode="r")[1]
    diagonal = upper.diagonal()
    floor = _SINGULAR * float(upper.norm())
    upper = upper + torch.diag(torch.where(diagonal.abs() > floor, 0.0, floor - diagonal))
    inverse = torch.linalg.solve_triangular(upper, torch.eye(len(upper), dtype=upper.dtype), upper=True)
    left, values, right = torch.linalg.svd(smooth[:, :-1] @ inverse, full_matrices=False)
    frame = inverse @ right.T
    values = values.clamp(max=1.0)
    fixed, seen = others[:, :-1] @ frame, rows.data[:, :-1] @ frame
    slope, pull, told = fixed.T @ others[:, -1], left.T @ smooth[:, -1], seen.T @ seen
    constant, moved = float(others[:, -1].square().sum()), values * pull
    kept = float(smooth[:, -1].square().sum())
    one = torch.eye(len(values), dtype=values.dtype)

    def doubt(factor: float) -> float:
        """−2 log p, but for a constant."""
        information = 1 - values.square() + factor * values.square()
        information = information.clamp_min(_SINGULAR)
        step = -(slope + factor * moved) / information
        form = constant + factor * kept + float((slope + factor * moved) @ step)
        shared = told / information.sqrt()[:, None] / information.sqrt()
        volume = float(torch.linalg.slogdet((1 + _TOLD) * one - shared)[1])
        count = len(rows.data)
        fits = count * math.log(max(form, 1e-300)) if len(rows.estimated) and _all_estimated(rows) else form
        return fits - volume

    low, high = _DECADES
    factors = [10.0 ** (low + _STEP * k) for k in range(round((high - low) / _STEP) + 1)]
    return min(factors, key=doubt)


def _answered(exact: Tensor, free: Tensor) -> Tensor:
    """Exact rows and their residual, (N_e, K + 1), without what features of outputs cannot answer of them.

    An equation answers whatever its coefficients do; that features do not tells of them, and nothing of a coefficient.
    With that left in, nothing but wiggles of a could answer it in `pinnacle.heat_inverse`, and none was smooth enough.

    Args:
        exact: rows of size one, the residual last.
        free: which changes are of outputs alone, (K,).
    """
    taken = exact[:, :-1][:, free].abs().amax(1) > 0
    basis = torch.linalg.qr(exact[taken, :-1][:, free])[0]
    found, others = exact.clone(), torch.cat([~free, free.new_ones(1)])
    found[taken.nonzero(), others.nonzero().T] = basis @ (basis.T @ exact[taken][:, others])
    return found


def _all_estimated(rows: Rows) -> bool:
    """Whether no observation states its noise."""
    return sum(some.stop - some.start for some in rows.estimated.values()) == len(rows.data)
