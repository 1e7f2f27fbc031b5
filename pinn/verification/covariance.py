"""What the noise of the data does to an answer: the covariance of outputs, unknown fields and unknown numbers.

    min  |J_d z + r_d|² / σ² + |J_s z + r_s|²   subject to   J_e z + r_e = 0,    z = (features, unknowns)

Equation and conditions are exact (J_e); observations have noise σ (J_d), to first order of what enters their rows
(`pinn.noise`); what the problem or the library asks of unknowns besides is a prior (J_s). The covariance of z is
(J_dᵀ Σ⁻¹ J_d + J_sᵀ J_s + κ² J_eᵀ J_e)⁻¹ for κ → ∞; that of the unknowns is its block, the inverse of the Schur
complement that is left after the features are eliminated. With the rows stacked, the unknowns' columns last and
[κ J_e; Σ^{-1/2} J_d; J_s] = Q R it is (R_θᵀ R_θ)⁻¹ for the last block of R (Björck, Numerical Methods for Least Squares
Problems, SIAM 1996, sec. 2.8 and, for exact rows by weighting, sec. 5.1.4). κ is a hundred times the largest
information of the data, so that the rows are exact to 1e-4 of the variance. What features cannot reproduce of an
unknown's part of exact rows, where that is under a tenth of it, is left out: it is theirs to blame and says nothing of
the unknown.

An unknown field has no error from noise alone: without smoothness it is infinite, and with smoothness as if it were
certain nothing is said of what was smoothed away. So a field is read as a Bayesian posterior does (Stuart, Acta
Numerica 19 (2010) 451, sec. 2), with the smoothness rows as its prior: a Brownian path whose ends differ by as much as
the field is large (what is found, or its first guess if that is larger), or as it is found to vary, and no smoother
than the run made it. The run's own strength of smoothing is the most that the data allow, a choice of the answer and no
knowledge of the field; what it smoothed away counts as error:

    deviation² = posterior variance + (answer's mode − posterior's mode)²

Measured on −u'' + q u = f with q = x², 50 observations of u with σ = 0.01, four draws: root mean square of the true
error of q, of the band, and part of the domain where twice the band holds the truth:

| steps | error | band | held |
|---|---|---|---|
| 30 | 0.30, 0.30, 0.30, 0.31 | 0.29, 0.39, 0.35, 0.38 | all |
| 120 | 0.30, 0.27, 0.27, 0.27 | 0.29, 0.36, 0.33, 0.36 | all |

What is rougher than the features is left out of the band: of a Brownian path (u' = q, 20 observations) a sixth.

Unknown numbers are told without the smoothness rows, which the library adds: data and the user's own priors, rows of
the loss with their own weight, alone speak of them.

`Posterior.step` is the way from the answer to the minimum with the run's smoothness: what is wrong with the answer but
for noise.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor

from pinn.analysis import Role, analyze
from pinn.domains import Points
from pinn.noise import row_noise
from pinn.objective import ConstraintBlock, Equations
from pinn.smoothness import SMOOTHNESS
from pinn.verification.about import changes_at, groups_of, outputs_at
from pinn.verification.band import Band, grid_of
from pinn.verification.stability import Linearized

_EXACT = 100.0
_CARRIED = 0.1  # of an unknown's part of the exact rows, below which what features leave of it is theirs to blame
_SINGULAR = 1e-13  # of the largest row, on the diagonal of R, below which rows leave a column open


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
    rows = data.new_zeros(0, data.shape[1])
    free = torch.ones(data.shape[1], dtype=torch.bool)
    free[-count:] = False
    upper = _triangle(_reachable(exact, free), data / sigma[:, None], rows)[0]
    return _block(upper, count)


def _triangle(exact: Tensor, *rows: Tensor) -> tuple[Tensor, float]:
    """R of exact rows, weighted, over others in units of their noise; and the weight."""
    observed = torch.cat(rows)
    weight = _EXACT * float(rows[0].norm()) / max(1.0, math.sqrt(observed.shape[1]))
    stacked = torch.cat([weight * exact, observed])
    if stacked.shape[0] < stacked.shape[1]:
        stacked = torch.cat([stacked, stacked.new_zeros(stacked.shape[1] - stacked.shape[0], stacked.shape[1])])
    return torch.linalg.qr(stacked, mode="r")[1], weight


def _reduced(rows: Tensor) -> Tensor:
    """The triangle of rows that are more than their columns, which takes their place above others."""
    return torch.linalg.qr(rows, mode="r")[1] if rows.shape[0] > rows.shape[1] else rows


def _block(upper: Tensor, count: int) -> Tensor:
    last = upper[-count:, -count:]
    if bool((last.diagonal().abs() <= _SINGULAR * float(upper.norm())).any()):
        return torch.full((count, count), math.inf, dtype=upper.dtype)
    inverse = torch.linalg.solve_triangular(last, torch.eye(count, dtype=upper.dtype), upper=True)
    return inverse @ inverse.T


def _reachable(exact: Tensor, free: Tensor) -> Tensor:
    """Exact rows without the little that the features of outputs (`free`) cannot answer of the columns of unknowns.

    A response that is singular somewhere, say at a corner, is not quite in the features' reach; taken as exact, what is
    left of it would tell of the unknowns what no observation does.
    """
    if exact.shape[0] == 0 or not bool(free.any()) or bool(free.all()):
        return exact
    basis = torch.linalg.qr(exact[:, free])[0]
    columns = exact[:, ~free]
    answers = basis @ (basis.T @ columns)
    small = (columns - answers).norm(dim=0) < _CARRIED * columns.norm(dim=0)
    found = exact.clone()
    found[:, ~free] = torch.where(small, answers, columns)
    return found


@dataclass(frozen=True, eq=False)
class Rows:
    """The linearized constraints by what they are, in units of the noise but for the exact ones; with residuals.

    Attributes:
        exact: of size one, (N_e, K + 1), the residual last.
        data: over their noise, (N_d, K + 1).
        prior: of the problem's own priors, (N_p, K + 1).
        smooth: of the fields' smoothness as the run weighs it, (N_s, K + 1).
        loosened: factor of each of these that makes it the prior of a field, at most 1, (N_s,).
        estimated: constraint whose noise is not stated -> its rows among those of data.
        fields: smoothness constraint -> its rows among those of smooth.
    """

    exact: Tensor
    data: Tensor
    prior: Tensor
    smooth: Tensor
    loosened: Tensor
    estimated: Mapping[str, slice]
    fields: Mapping[str, slice]


@dataclass(frozen=True, eq=False)
class Posterior:
    """The answer with its uncertainty, linearized.

    Attributes:
        linearized: the constraints, and the unit changes that columns are.
        inverse: R⁻¹, so that R⁻¹ R⁻ᵀ is the covariance of the unit changes, (K, K).
        step: from the answer to its mode, in unit changes, (K,).
        smoothed: from there to the posterior's mode, (K,); zero without unknown fields.
        numbers: covariance of the unknown numbers by name, relative to their sizes, without the fields' smoothness.
        left: |J_e step + r_e| / |r_e|, what the features leave of equation and conditions.
        freedom: degrees of freedom of the noise where it is estimated from the misfit; infinite where it is stated.
    """

    linearized: Linearized
    inverse: Tensor
    step: Tensor
    smoothed: Tensor
    numbers: Tensor
    left: float
    freedom: float

    @property
    def names(self) -> list[str]:
        """The unknown numbers, in the order of `numbers`."""
        numbers = self.linearized.units.numbers
        return sorted(numbers, key=lambda name: numbers[name][0])

    @property
    def standard_errors(self) -> dict[str, float]:
        """Of the unknown numbers, in their own units; infinite where they are not determined."""
        deviations, numbers = self.numbers.diagonal().sqrt().tolist(), self.linearized.units.numbers
        return {name: value * numbers[name][1] for name, value in zip(self.names, deviations, strict=True)}

    @property
    def correlation(self) -> dict[tuple[str, str], float]:
        """Of each pair of unknown numbers, -1 to 1; empty where they are not determined."""
        if not bool(torch.isfinite(self.numbers).all()):
            return {}
        deviations, names = self.numbers.diagonal().sqrt(), self.names
        scaled = self.numbers / (deviations[:, None] * deviations)
        return {(a, b): float(scaled[i, j]) for i, a in enumerate(names) for j, b in enumerate(names) if i < j}

    @property
    def noise_errors(self) -> dict[str, float]:
        """Output or unknown field -> relative L2 standard error, dimensionless."""
        parts = self.linearized.units.parts
        return {name: float(self._variance(part).mean().sqrt()) for name, part in parts.items()}

    @property
    def errors(self) -> dict[str, float]:
        """Output or unknown field -> relative L2 distance from the mode, dimensionless."""
        return {
            name: float((part @ self.step).square().mean().sqrt()) for name, part in self.linearized.units.parts.items()
        }

    @property
    def number_errors(self) -> dict[str, float]:
        """Unknown number -> distance from the mode, relative to its size."""
        return {name: abs(float(self.step[place])) for name, (place, _) in self.linearized.units.numbers.items()}

    def _variance(self, changes: Tensor) -> Tensor:
        """Mean square error (n,) of what unit changes move by `changes` (n, K)."""
        return (changes @ self.inverse).square().sum(1) + (changes @ self.smoothed).square()

    def bands(self) -> dict[str, Band]:
        """Unknown field -> its standard error by place, in its own units."""
        about, units = self.linearized.objective.model, self.linearized.units
        return {
            name: self._band(name, grid_of({one: units.bounds[one] for one in units.inputs[name]}))
            for name in about.fields
        }

    def _band(self, name: str, axes: dict[str, Tensor]) -> Band:
        about, units = self.linearized.objective.model, self.linearized.units
        meshed = dict(zip(axes, torch.meshgrid(*axes.values(), indexing="ij"), strict=True))
        count = next(iter(meshed.values())).numel()
        columns = [
            meshed[one].reshape(-1) if one in meshed else torch.full((count,), float(units.points.column(one)[0]))
            for one in units.points.names
        ]
        points = Points(units.points.names, torch.stack([one.double() for one in columns], 1))
        slopes, bases = changes_at(about, points.to(units.points.x.dtype, units.points.x.device))
        moved = slopes[name, name][:, None] * bases[name]
        own = next(group.columns for group in groups_of(about) if group.name == name)
        changes = moved.double().cpu() @ units.matrix[own]
        return Band(axes, self._variance(changes).sqrt().reshape(next(iter(meshed.values())).shape))


def posterior_of(linearized: Linearized, equations: Equations) -> Posterior | None:
    """What the noise of the data leaves of an answer; None without observations, or where a row is no number.

    Observations are the points that carry observed values; their noise is what they state, else the root mean square
    of their misfit, with as many degrees of freedom less as the observations have decided.

    Args:
        linearized: the constraints about the answer.
        equations: the run's own, which hold the final weights.
    """
    if not bool(torch.isfinite(linearized.plain).all()):
        return None
    decided: dict[str, float] = {}
    rows = rows_of(linearized, equations, decided)
    if rows is None:
        return None
    exact = _reachable(rows.exact[:, :-1], of_outputs(linearized))
    held = _reduced(exact)
    solved = _Solved.of(exact, held, rows, rows.smooth)
    if rows.estimated:
        leverage = (rows.data[:, :-1] @ solved.inverse).square().sum(1)
        decided = {name: float(leverage[some].sum()) for name, some in rows.estimated.items()}
        rows = rows_of(linearized, equations, decided) or rows
        solved = _Solved.of(exact, held, rows, rows.smooth)
    freedom = sum(some.stop - some.start - decided[name] for name, some in rows.estimated.items())
    numbers = torch.zeros(0, 0, dtype=exact.dtype)
    if linearized.units.numbers:
        upper = _triangle(held, rows.data[:, :-1], rows.prior[:, :-1])[0]
        numbers = _block(upper, len(linearized.units.numbers))
    step, inverse = solved.step, solved.inverse
    smoothed = torch.zeros_like(step)
    if rows.smooth.shape[0]:
        looser = _Solved.of(exact, held, rows, rows.smooth * rows.loosened[:, None])
        inverse, smoothed = looser.inverse, looser.step - step
    before = float(rows.exact[:, -1].norm())
    left = float((exact @ step + rows.exact[:, -1]).norm()) / before if before > 0 else 0.0
    return Posterior(linearized, inverse, step, smoothed, numbers, left, freedom if rows.estimated else math.inf)


@dataclass(frozen=True, eq=False)
class _Solved:
    """R⁻¹ of all rows, (K, K), where what is open has an error of 1e13 of what the rows tell; the minimum, (K,)."""

    inverse: Tensor
    step: Tensor

    @classmethod
    def of(cls, exact: Tensor, held: Tensor, rows: Rows, smooth: Tensor) -> _Solved:
        """Those of exact rows, whose triangle is `held`, and the others."""
        upper, weight = _triangle(held, rows.data[:, :-1], rows.prior[:, :-1], smooth[:, :-1])
        diagonal = upper.diagonal()
        floor = _SINGULAR * float(upper.norm())
        kept = torch.where(diagonal.abs() > floor, diagonal, torch.full_like(diagonal, floor))
        upper = upper - torch.diag(diagonal - kept)
        inverse = torch.linalg.solve_triangular(upper, torch.eye(upper.shape[0], dtype=upper.dtype), upper=True)
        others = torch.cat([rows.data, rows.prior, smooth])
        step = exact.new_zeros(exact.shape[1])
        for _ in range(3):  # corrected seminormal equations: Björck, sec. 2.4.6
            slope = weight**2 * exact.T @ (rows.exact[:, -1] + exact @ step)
            slope += others[:, :-1].T @ (others[:, -1] + others[:, :-1] @ step)
            step = step - inverse @ (inverse.T @ slope)
        return cls(inverse, step)


def of_outputs(linearized: Linearized, but: Collection[str] = ()) -> Tensor:
    """Which unit changes are of outputs alone, and of none of those named, (K,)."""
    units, fields = linearized.units, linearized.objective.model.fields
    free = torch.ones(units.count, dtype=torch.bool)
    free[[place for place, _ in units.numbers.values()]] = False
    for name in {*fields, *(one for one in but if one in units.parts)}:
        free &= ~units.parts[name].any(0)
    return free


def rows_of(linearized: Linearized, equations: Equations, decided: Mapping[str, float]) -> Rows | None:
    """The rows by what they are; `decided`: constraint -> degrees of freedom that its observations have decided."""
    objective, problem = linearized.objective, equations.problem
    roles = analyze(problem).constraints
    every = torch.cat([linearized.rows, linearized.residual[:, None]], 1)
    exact, data, prior, looser = [], [], [], []
    smooth: list[Tensor] = []
    estimated: dict[str, slice] = {}
    fields: dict[str, slice] = {}
    start, seen, information, counted = 0, 0, 0.0, 0.0
    for block, q in zip(objective.blocks, objective.residuals_per_point, strict=True):
        name, some = block.name, slice(start, start + block.rows)
        start += block.rows
        changed = math.sqrt(equations.weight(name) / block.weight)
        plain = torch.cat([linearized.plain[some], block.residual().detach().double().cpu()[:, None]], 1)
        sized = every[some]
        if name.startswith(SMOOTHNESS):
            kept = sum(len(one) for one in smooth)
            fields[name] = slice(kept, kept + block.rows)
            smooth.append(changed * plain)
            own = _own_strength(linearized, name.removeprefix(SMOOTHNESS), block)
            looser.append(own / max(changed * math.sqrt(block.weight), 1e-150))
            continue
        if roles[name].role is Role.PRIOR:
            prior.append(changed * plain)
            continue
        if not block.points.values or not problem.constraints[name].reduction.pointwise:
            exact.append(sized)
            continue
        sizes = torch.tensor(objective.equations.row_sizes[name], dtype=torch.float64).repeat(block.points.n)
        scale = block.residuals.scale.double().cpu().repeat_interleave(q)
        stated = row_noise(problem, name, block.points)
        reliable = equations.point_weights.get(name)
        trust = torch.ones(block.points.n) if reliable is None else reliable
        trust = trust.double().cpu().repeat_interleave(q)
        if stated is None:
            misfit = plain[:, -1] / scale * sizes
            freedom = max(1.0, misfit.numel() - decided.get(name, len(linearized.units.numbers)))
            sigma = ((trust * misfit.square()).sum() / freedom).sqrt().expand(block.rows)
        else:
            sigma = stated.reshape(-1)
        noisy = (sigma > 0) & (scale > 0)
        if stated is None and bool(noisy.any()):
            estimated[name] = slice(seen, seen + int(noisy.sum()))
        exact.append(sized[sigma == 0])
        per = (sizes / scale)[noisy] * trust[noisy].sqrt() / sigma[noisy]
        data.append(per[:, None] * plain[noisy])
        seen += int(noisy.sum())
        information += float((trust[noisy] / sigma[noisy].square()).sum())
        counted += float((trust * (changed * scale / sizes).square())[noisy].sum())
    if not data or not seen or not counted > 0:
        return None
    none = linearized.plain.new_zeros(0, linearized.plain.shape[1] + 1)
    factor = math.sqrt(information / counted)  # of a row of the loss, to be one in units of the noise
    loosened = torch.cat([none[:, 0], *looser]) / factor
    return Rows(
        torch.cat([none, *exact]),
        torch.cat(data),
        factor * torch.cat([none, *prior]),
        factor * torch.cat([none, *smooth]),
        loosened.clamp(max=1.0),
        estimated,
        fields,
    )


def _own_strength(linearized: Linearized, field: str, block: ConstraintBlock) -> Tensor:
    """Root of the weight of each row of a field's slopes, in the prior by which it varies as much as it is large, (N,).

    Args:
        linearized: the constraints.
        field: its name, or that of an output that is kept smooth.
        block: its smoothness in the objective.
    """
    equations, points = linearized.objective.equations, linearized.units.points
    unknown = equations.problem.unknowns.get(field)
    guess = 1.0 if unknown is None else abs(unknown.initial) or 1.0
    own = float(outputs_at(linearized.objective.model, points)[field].double().square().mean()) / guess**2
    varies = float(equations.stated(block.name, block.points).double().square().sum(1).mean())
    sizes = torch.tensor(equations.row_sizes[block.name], dtype=torch.float64).repeat(block.points.n)
    return sizes / math.sqrt(max(own, varies, 1.0))


def quantile(level: float, freedom: float) -> float:
    """Half width of a central band in standard errors, of Student's distribution, or the normal one.

    Args:
        level: share of draws that the band holds, between 0 and 1.
        freedom: degrees of freedom; infinite for the normal distribution. Fisher and Cornish's expansion in 1/freedom
            (Abramowitz and Stegun, eq. 26.7.5), to 1 % from 3 degrees on at 95 %.

    Example:
        >>> round(quantile(0.95, float("inf")), 3), round(quantile(0.95, 10), 3)
        (1.96, 2.228)
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    v = max(1.0, freedom)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / v ** (i + 1) for i, term in enumerate(terms))
