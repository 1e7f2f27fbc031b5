"""Data with noise while a run goes on: what they count beside the equation, what is held out, how smooth fields are.

With data y of noise sigma the answer sought is that of the equation, exactly satisfied, that minimises
sum (u - y)²/sigma². A run minimises

    half the sum of   mean |equation|²  +  w mean (sigma_0/sigma)² |u - y|²  +  alpha mean |slopes of a field|²

with rows of size one. The smaller w, the less of the equation is given up for noise: a mode that the equation carries
to the data with gain g is fitted to its noise by the share w g² / (1 + w g²), whatever sigma is. So sigma decides what
one observation counts beside another, and w is small. Too small, it waits until the equation holds well enough to be
heard, and unknowns that the data hardly tell apart wait longest. Estimate less that of least squares on the exact
solution, over its standard error, the largest of all unknowns and two draws of the noise, after 60 and 120 steps with w
throughout, on rows as they are stated:

| w | beam, C | diffusion, C | advection, diffusion and growth, a, b, c |
|---|---|---|---|
| 100 | 0.20, 0.20 | 0.32, 0.21 | 0.24, 0.51 |
| 1 | 0.003, 0.003 | 0.011, 0.030 | 0.016, 0.015 |
| 0.01 | 0.000, 0.000 | 0.003, 0.000 | 3.3, 0.12 |
| 0.0001 | 0.000, 0.000 | 0.082, 0.001 | 30, not measured |

With w = 100 throughout, both coefficients of `reaction_inverse` with sigma = 0.02 are 90 % off after 40 steps.

So w is 1 until everything is chosen, and less in the last fit, which begins near its end. How much less was measured
with rows divided by their sizes, one draw, after 60 and 120 steps:

| w of the last fit | beam, C | string, C beside a prior as informative | advection, diffusion and growth, a, b, c |
|---|---|---|---|
| 0.1 | 0.33, 0.33 | 0.086, 0.086 | 0.045, 0.004 |
| 0.02 | 0.078, 0.078 | 0.018, 0.018 | 0.049, 0.0005 |
| 0.01 | 0.040, 0.040 | 0.009, 0.009 | 0.16, 0.0004 |
| 0.005 | 0.020, 0.020 | 0.005, 0.005 | 0.26, 0.005 |

It is 0.02 for the data that tell most, and in proportion to their number and noise for others and for priors, so that
every row counts as r²/sigma².

Data without a stated sigma are taken as exact, w = 2, until their misfit is seen to be noise: the loss no longer
falls, and the misfit of neighbours is no longer alike (`pinn.noise`). What then falls on is taken as exact again.

A fifth of the observations is held out while anything is chosen: the parameters that are kept, and how small the
misfit of data is that are taken as exact. For these the weight alpha of the smoothness of a field falls by hundredths
from where the field is constant each time the loss has settled, until the misfit does not follow: then it is noise (the
corner of the L-curve, Hansen, SIAM Rev. 34 (1992) 561).

With noise alpha is where the data are likeliest by the linear problem about the present answer
(`pinn.verification.evidence`), found anew at every look until it stays; then all observations take part in a last fit,
in which it is found anew until it stays once more, with the loss settled. From there on nothing is chosen, so that a
longer run is the same answer, better converged. `docs/howto/noise.md` has errors of fields against steps. Tried before,
and left out: alpha falling by tenths until observations held out are met worse, or those trained on to within sigma
(Morozov, Soviet Math. Dokl. 7 (1966) 414). What is held out cannot see the wiggles of a coefficient under a derivative,
and a run had no steps left for the levels on the way: a field of one coordinate had 0.66 after 60 steps and 0.3 after
200, where 0.23 is had after 20 now, and the permeability of `gallery.darcy_inverse` 0.057 in place of 0.004.

Where sigma is not stated, the data must be seen to be noisy first; relative L2 error of q = x² in -u'' + q u = f, 50
observations of u with sigma = 0.01, network 2 x 10; Tikhonov's regularization in finite differences with the strength
by the discrepancy principle has 0.63 to 0.68:

| sigma | steps | q |
|---|---|---|
| 0.01 stated | 40, 120 | 0.23, 0.23 |
| exact data, not stated | 150, 300 | 8e-4, 6e-6 (never smooth: 4e-5, 5e-6) |
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pinn.analysis import Role, analyze
from pinn.domains import Points
from pinn.noise import alike, in_units_of, neighbours, row_noise
from pinn.objective import Equations
from pinn.problem import NOISE_WEIGHT, Problem
from pinn.robust import spread
from pinn.smoothness import SMOOTHNESS
from pinn.solution.noise import NoiseEstimate
from pinn.state import copied, restore, state_of
from pinn.verification.evidence import likeliest

_STATE = ("last", "_looks", "_loss", "_losses", "_misfits", "_ratios", "_chosen")  # what a continuation needs

EVERY = 10  # accepted steps between two looks
_HELD_OUT = 0.2  # of the observations of a constraint, where it has ...
_FEWEST = 10  # ... so many
_SETTLED = 0.8  # the loss is not below this times that of the look before
_LOOKS = 5  # at which a level ends, settled or not
_SEARCH_WEIGHT = 1.0  # w of data with noise before the last fit
_SMOOTH = 1e-2  # alpha over the weight of the data at first, where a field is hardly more than a constant or plane
_LAST_FIT = 0.6  # of the steps or seconds of a run, after which the last fit begins
_LEAST, _MOST = 1e-14, 1.0  # alpha over the weight of the data, at the least and at the most
_NEAR = 2.0  # factor of alpha under which it is the same
_STILL, _FLAT = 4, 1e-5  # the last fit ends where so many looks have seen the loss fall by no more than this fraction
_ALIKE = 0.5  # correlation of the misfit of neighbours above which it is no noise
_EXACT = 1e-5  # misfit over the size of the data below which they are exact
_FOLLOWS = 0.5  # with a smoothness of a hundredth the misfit of exact data falls at least to this


@dataclass
class _Data:
    """The observations of one constraint and what was seen of their noise."""

    points: Points
    stated: bool
    held: Tensor
    noise: Tensor | None
    """Of each row (n, q), in its own units, where it is stated."""
    sigma: float | None = None
    """Size of the misfit when it was seen to be noise, where none is stated."""
    neighbours: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.neighbours = neighbours(self.points)

    @property
    def noisy(self) -> bool:
        return self.stated or self.sigma is not None

    def alike(self, rows: Tensor) -> float:
        """Correlation of the misfit of neighbours, -1 to 1: near 1 it is a smooth function, near 0 noise."""
        return alike(rows, self.neighbours)

    def in_units(self, rows: Tensor) -> Tensor:
        """The misfit (n, q) in standard deviations where they are stated, else as it is."""
        return rows if self.noise is None else in_units_of(self.noise, rows)


class NoisyData:
    """What a run knows of the noise in its data; it writes weights into its equations.

    Args:
        equations: problem, model and engine; `weights` and `point_weights` are written.

    Attributes:
        last: whether the last fit has begun, with all observations and nothing left to choose.
    """

    def __init__(self, equations: Equations) -> None:
        self.equations = equations
        problem = equations.problem
        self._data = _observations(problem)
        self._robust = [name for name, one in problem.constraints.items() if one.robust is not None]
        self._fields = [name for name in problem.constraints if name.startswith(SMOOTHNESS)]
        self.last = False
        self._looks, self._loss = 0, math.inf
        self._losses: list[float] = []
        self._misfits: list[float] = []  # of the levels so far of exact data, by which the next is judged
        first = _SMOOTH if self.noisy else _SMOOTH / 100
        self._ratios = dict.fromkeys(self._fields, first)  # alpha over the weight of the data
        self._chosen = False  # in the last fit, once its own answer has confirmed how smooth fields are
        self._parts = _parts(equations, self._data)
        self._weigh()

    @property
    def noisy(self) -> bool:
        """Whether any data are known to have noise."""
        return any(one.noisy for one in self._data.values())

    @property
    def floor(self) -> tuple[str, ...]:
        """The constraints whose rows stay as large as their noise, so that their loss tells nothing of the equation."""
        return tuple(name for name, one in self._data.items() if one.noisy)

    @property
    def ending(self) -> bool:
        """Whether a run that would end now has a last fit before it."""
        return self.noisy and not self.last

    @property
    def fitted(self) -> bool:
        """Whether the last fit is at its end: what is left of the loss is noise, and no longer falls."""
        return self.last and len(self._losses) >= _STILL and self._losses[-1] > (1 - _FLAT) * self._losses[-_STILL]

    def trained_on(self) -> dict[str, Tensor]:
        """Weights (n,) of observations in training: zero for those held out."""
        return self._masks(held=False)

    def judged_by(self) -> dict[str, Tensor]:
        """Weights (n,) of observations in the validation loss: zero for those trained on, while some are held out."""
        return self._masks(held=True)

    def _masks(self, held: bool) -> dict[str, Tensor]:
        if self.last:
            return {}
        chosen = {name: one.held == held for name, one in self._data.items() if one.noisy and bool(one.held.any())}
        return {name: mask.double() / mask.double().mean() for name, mask in chosen.items()}

    def look(self, loss: float, spent: float) -> bool:
        """Look at the data after some steps.

        Args:
            loss: on the points trained on.
            spent: of the run's steps or seconds, 0 to 1.

        Returns:
            Whether weights have changed.
        """
        changed = self._reweigh()
        if not self._data or not math.isfinite(loss):
            return changed
        settled = self._settled(loss)
        if self.noisy:
            moved = (settled or not self.last) and self._choose()
            if not self.last and (spent >= _LAST_FIT or (settled and not moved)):
                self.begin_last_fit()
                return True
            if self.last:
                self._losses.append(loss)
            return moved or self._exact_again() or changed
        if any(self._ratios.values()):
            changed = (settled and self._descend()) or changed
        else:
            changed = self._seen_as_noise(loss) or changed
        if self.noisy and spent >= _LAST_FIT:
            self.begin_last_fit()
        return changed

    def begin_last_fit(self) -> None:
        """Train on all observations from now on; nothing is chosen any more but how smooth fields are, once settled."""
        self.last = True
        self._weigh()
        self._restart()

    def estimate(self) -> NoiseEstimate | None:
        """What was found, where any data have noise; in the units of the rows."""
        if not self.noisy:
            return None
        rows = {name: self._rows(name) for name in self._data}
        numbers = sum(not unknown.inputs for unknown in self.equations.problem.unknowns.values())
        free = max(1, sum(one.numel() for one in rows.values()) - numbers) / max(
            1, sum(one.numel() for one in rows.values())
        )
        return NoiseEstimate(
            sigma={name: tuple((one.pow(2).mean(0) / free).sqrt().tolist()) for name, one in rows.items()},
            misfit={
                name: float(self._data[name].in_units(one).pow(2).mean().sqrt())
                for name, one in rows.items()
                if self._data[name].noise is not None
            },
            held_out={name: int(one.held.sum()) for name, one in self._data.items() if one.noisy},
            weights=dict(self.equations.weights),
        )

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values: what was seen so far, and the weights found."""
        seen = {name: one.sigma for name, one in self._data.items()}
        weights = {"weights": self.equations.weights, "point_weights": self.equations.point_weights}
        return state_of(self, _STATE) | {"sigma": seen} | copied(weights)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, with the weights written into the equations.

        Raises:
            ValueError: when the entries are not those.
        """
        restore(self, _STATE, {name: value for name, value in state.items() if name in _STATE})
        for name, one in self._data.items():
            one.sigma = state["sigma"][name]
        self.equations.weights = dict(state["weights"])
        self.equations.point_weights = copied(state["point_weights"])

    # -- what is looked at ----------------------------------------------------------------------------------------

    def _rows(self, name: str) -> Tensor:
        return self.equations.stated(name, self._data[name].points).double().cpu()

    def _misfit(self, held: bool | None = None) -> float:
        """Root mean square of the misfit of noisy data, of those held out, trained on, or all of them."""
        parts = []
        for name, one in self._data.items():
            rows = one.in_units(self._rows(name))
            weights = self.equations.point_weights.get(name)
            if weights is not None:
                rows = rows * weights.to(rows).sqrt()[:, None]
            parts.append(rows if held is None or not bool(one.held.any()) else rows[one.held == held])
        return float(torch.cat([part.reshape(-1) for part in parts]).pow(2).mean().sqrt())

    def _settled(self, loss: float) -> bool:
        """Whether the loss has stopped falling at the present weights."""
        self._looks += 1
        settled = loss > _SETTLED * self._loss or self._looks >= _LOOKS
        self._loss = loss
        return settled

    def _restart(self) -> None:
        """Weights have changed: the loss begins anew."""
        self._looks, self._loss = 0, math.inf
        self._losses.clear()

    # -- what is chosen -------------------------------------------------------------------------------------------

    def _weigh(self) -> None:
        """Write the weights of data that are known to have noise, and of the smoothness of fields."""
        if not self._data:
            return
        for name, one in self._data.items():
            if one.noisy and self.equations.problem.constraints[name].weight is None:
                self.equations.weights[name] = self._parts.get(name, 1.0) * self._largest
        for name in set(self._parts) - set(self._data):
            self.equations.weights[name] = self._parts[name] * self._largest
        weight = max(self.equations.weight(name) for name in self._data)
        for name in self._fields:
            self.equations.weights[name] = self._ratios[name] * weight

    @property
    def _largest(self) -> float:
        return NOISE_WEIGHT if self.last else _SEARCH_WEIGHT

    def _reweigh(self) -> bool:
        """Renew the weights of robust constraints; whether they have changed."""
        changed = False
        for name in self._robust:
            if (one := self._data.get(name)) is None:
                continue
            rows = self._rows(name)
            sigma = torch.tensor([spread(row) or 1.0 for row in rows.T], dtype=rows.dtype)
            t = rows / sigma if one.noise is None else one.in_units(rows)
            robust = self.equations.problem.constraints[name].robust
            assert robust is not None
            weights = robust.weights(t).mean(1)
            before = self.equations.point_weights.get(name)
            if before is None or float((weights - before.to(weights)).abs().max()) > 1e-2:
                self.equations.point_weights[name] = weights
                changed = True
        return changed

    def _choose(self) -> bool:
        """How smooth fields are, as the data find it likeliest about the present answer; whether that has changed."""
        if not self._fields or self._chosen:
            return False
        found = {name: self._ratios[name] * factor for name, factor in likeliest(self.equations).items()}
        found = {name: min(max(ratio, _LEAST), _MOST) for name, ratio in found.items()}
        moved = any(not 1 / _NEAR < ratio / self._ratios[name] < _NEAR for name, ratio in found.items())
        self._chosen = self.last and not moved
        if moved:
            self._ratios |= found
            self._weigh()
            self._restart()
        return moved

    def _descend(self) -> bool:
        """Less smooth, as long as the misfit of data without noise follows; else it is noise."""
        misfit = self._misfit()
        before = self._misfits[-1] if self._misfits else math.inf
        if misfit > _FOLLOWS * before and self._unlike() and not self._tiny():
            self._call_noisy()
            self._ratios = {name: min(_SMOOTH, 1e4 * ratio) for name, ratio in self._ratios.items()}
        else:
            self._misfits.append(misfit)
            done = self._tiny()
            for name, ratio in self._ratios.items():
                self._ratios[name] = ratio / 100.0 if ratio > 1e-11 and not done else 0.0
        self._weigh()
        self._restart()
        return True

    def _seen_as_noise(self, loss: float) -> bool:
        """Whether the misfit of data so far taken as exact shows itself as noise."""
        self._losses.append(loss)
        if len(self._losses) < 4 or self._losses[-1] < 0.5 * self._losses[-4] or not self._unlike() or self._tiny():
            return False
        share = sum(
            0.5 * self.equations.weight(name) * float(self.equations.residual(name, one.points).pow(2).sum(1).mean())
            for name, one in self._data.items()
        )
        if share < 0.05 * loss:
            return False
        self._call_noisy()
        self._weigh()
        self._restart()
        return True

    def _unlike(self) -> bool:
        return all(one.alike(self._rows(name)) < _ALIKE for name, one in self._data.items())

    def _tiny(self) -> bool:
        """Whether the misfit is as small as that of exact data."""
        for name, one in self._data.items():
            size = max((float(value.abs().max()) for value in one.points.values.values()), default=0.0)
            if float(self._rows(name).pow(2).mean().sqrt()) > _EXACT * size:
                return False
        return True

    def _call_noisy(self) -> None:
        for name, one in self._data.items():
            if not one.noisy:
                one.sigma = float(self._rows(name).pow(2).mean().sqrt())
        self._misfits.clear()

    def _exact_again(self) -> bool:
        """Whether what was taken for noise has fallen away, so that the data are exact after all."""
        taken = {name: one for name, one in self._data.items() if one.sigma is not None}
        if not taken or self._fields:
            return False
        if any(float(self._rows(name).pow(2).mean().sqrt()) > 0.2 * (one.sigma or 0.0) for name, one in taken.items()):
            return False
        for name, one in taken.items():
            one.sigma = None
            self.equations.weights.pop(name, None)
        self.last = False
        self._restart()
        return True


def _parts(equations: Equations, data: Mapping[str, _Data]) -> dict[str, float]:
    """Weights of data whose noise is stated, and of priors at given points, the largest of data being one.

    With them each row counts by its noise alone, r²/sigma², whatever constraint it belongs to: a mean over n points of
    (r/s)², s the size that rows are divided by, is made the sum of r²/sigma² by the weight n s²/sigma². A prior states
    its row in standard deviations.
    """
    problem, roles = equations.problem, analyze(equations.problem).constraints
    counts = {}
    for name, one in data.items():
        if one.noise is not None and problem.constraints[name].weight is None and bool((one.noise > 0).any()):
            sizes = torch.tensor(equations.row_sizes[name], dtype=torch.float64).expand_as(one.noise)
            counts[name] = one.points.n * float((sizes / one.noise)[one.noise > 0].pow(2).mean())
    if not counts:
        return {}
    for name, constraint in problem.constraints.items():
        if roles[name].role is Role.PRIOR and constraint.weight is None and not constraint.on.dimension:
            points = constraint.few
            size = math.sqrt(sum(size**2 for size in equations.row_sizes[name]) / len(equations.row_sizes[name]))
            counts[name] = points.n * size**2
    most = max(counts[name] for name in counts if name in data)
    return {name: value / most for name, value in counts.items()}


def _observations(problem: Problem) -> Mapping[str, _Data]:
    """The given points with values, by constraint; a fixed draw says which of them are held out."""
    found = {}
    generator = torch.Generator().manual_seed(0)
    for name, constraint in problem.constraints.items():
        if constraint.on.dimension or not constraint.reduction.pointwise:
            continue
        points = constraint.few
        if points.n < 2 or not (points.values or constraint.robust):
            continue
        held = torch.zeros(points.n, dtype=torch.bool)
        if points.n >= _FEWEST:
            held[torch.randperm(points.n, generator=generator)[: round(_HELD_OUT * points.n)]] = True
        found[name] = _Data(points, name in problem.noisy, held, row_noise(problem, name, points))
    return found
