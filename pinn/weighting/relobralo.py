"""Relative loss balancing with random lookback: a constraint whose loss has fallen less than the others' counts more.

    bal_c(t, s) = m * softmax over c of L_c(t) / (T L_c(s)),    m constraints
    hist        = rho * w(t - 1) + (1 - rho) * bal(t, 0),       rho random, 1 with probability `lookback`, else 0
    w(t)        = alpha * hist + (1 - alpha) * bal(t, t - 1)

L_c is the unweighted loss of constraint c, so that what counts is how far it has come and not its size; now and then
the comparison goes back to the start. The factors begin at one, have mean one, and multiply the inner rule's weights.
Source: Bischof, Kraus, Comput. Methods Appl. Mech. Engrg. 439 (2025) 117914 (arXiv:2110.09813), eqs. (8)-(11).
Its alpha and lookback, 0.999, are those for 10^5 steps of a first-order method; for hundreds of steps take 0.9.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch

from pinn.objective import Objective
from pinn.validation import count, fraction, positive, whole
from pinn.weighting.weighting import Constant, Weighting, Weights, require_weighting

_LEAST = 1e-12
"""Share of a constraint at the least: by a weight of zero nobody could tell its loss any more."""


@dataclass
class ReLoBRaLo(Weighting):
    """Balance the constraints by how far their losses have fallen.

    Args:
        inner: weighting whose constraints' weights are multiplied and whose points' weights are kept.
        alpha: fraction of the past that is kept at an update, in [0, 1).
        lookback: probability that the past is the last update and not the start, in [0, 1].
        temperature: T of the softmax, dimensionless; large values make all alike.
        seed: of the random lookback.
        every: steps between updates.

    Raises:
        TypeError: when `inner` is no weighting.
        ValueError: when a number is out of its range.
    """

    inner: Weighting = field(default_factory=Constant)
    alpha: float = 0.999
    lookback: float = 0.999
    temperature: float = 0.1
    seed: int = 0
    every: int = 1
    _factors: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _first: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _last: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _updates: int = field(default=0, init=False, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("_factors", "_first", "_last", "_updates")

    def __post_init__(self) -> None:
        require_weighting("ReLoBRaLo", self.inner)
        fraction("ReLoBRaLo", zero=True, alpha=self.alpha)
        fraction("ReLoBRaLo", zero=True, one=True, lookback=self.lookback)
        positive("ReLoBRaLo", temperature=self.temperature)
        whole("ReLoBRaLo", 0, seed=self.seed)
        count("ReLoBRaLo", 1, every=self.every)

    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """See `Weighting.weigh`."""
        if due:
            self._update(_losses(objective))
        factors = {name: self._factors.get(name, 1.0) for name in weights.constraints}
        return replace(weights, constraints={name: w * factors[name] for name, w in weights.constraints.items()})

    def _update(self, losses: dict[str, float]) -> None:
        if not self._first:
            self._first, self._last = dict(losses), dict(losses)
            self._factors = dict.fromkeys(losses, 1.0)
            return
        self._updates += 1
        # Drawn by the number of the update, so that a run that is continued draws what it would have drawn.
        generator = torch.Generator().manual_seed(self.seed + self._updates)
        recent = bool(torch.rand((), generator=generator, dtype=torch.float64) < self.lookback)
        before, now = self._balanced(losses, self._first), self._balanced(losses, self._last)
        for name in losses:
            past = self._factors[name] if recent else before[name]
            self._factors[name] = self.alpha * past + (1 - self.alpha) * now[name]
        self._last = dict(losses)

    def _balanced(self, losses: dict[str, float], since: dict[str, float]) -> dict[str, float]:
        """bal(t, s) of every constraint, never zero; a loss that was zero counts as one that has not changed."""
        ratios = [losses[name] / since[name] if since[name] > 0 else 1.0 for name in losses]
        shares = torch.softmax(torch.tensor(ratios, dtype=torch.float64) / self.temperature, 0)
        shares = shares.clamp_min(_LEAST)
        return {name: len(losses) * float(share) for name, share in zip(losses, shares, strict=True)}


def _losses(objective: Objective) -> dict[str, float]:
    """Each constraint's part of the loss without its weight."""
    losses = objective.losses()
    return {block.name: losses[block.name] / block.weight if block.weight > 0 else 0.0 for block in objective.blocks}
