"""Points of the unit cube (0, 1)^k, evenly spread: Sobol' and Halton sequences, Latin hypercubes, independent points.

Sobol' points are scrambled (Owen, J. Complexity 14 (1998) 466) and drawn in powers of two, as their balance asks
(Sobol', USSR Comput. Math. Math. Phys. 7 (1967) 86); any prefix of them is still of low discrepancy,
O(log(n)^k / n). Latin hypercubes have one point in each of n slices of every axis (McKay, Beckman, Conover,
Technometrics 21 (1979) 239). A Halton sequence has any length (Halton, Numer. Math. 2 (1960) 84), scrambled by random
permutations of its digits (Owen, arXiv:1706.02808). All randomness comes from the passed generator.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

METHODS = ("sobol", "halton", "latin", "uniform")

_DIGITS = 30
# Sobol' points are multiples of 2⁻³⁰, zero included; half a step moves them into the open cube.
_HALF_STEP = 2.0**-31


def batches(size: int, first: int, *, generator: torch.Generator, method: str) -> Iterator[Tensor]:
    """Endless batches of points of the open unit cube; together they are evenly spread.

    Args:
        size: k, number of axes, at least 1.
        first: number of points of the first batch; a Sobol' batch is the next power of two of it.
        generator: source of randomness.
        method: "sobol", "halton", "latin" or "uniform".

    Yields:
        float64 tensors (points, k) on the CPU.
    """
    if method == "uniform":
        while True:
            unit = torch.rand(first, size, generator=generator, dtype=torch.float64, device=generator.device)
            yield unit.cpu().clamp_min(_HALF_STEP)
    random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
    if method == "sobol":
        sequence = Sobol(size, random)
        count = 1 << max(0, first - 1).bit_length()
        yield torch.from_numpy(sequence.draw(count)) + _HALF_STEP
        while True:  # as many again as there were, so that the total stays a power of two
            yield torch.from_numpy(sequence.draw(count)) + _HALF_STEP
            count *= 2
    from scipy.stats import qmc  # half a second, so not where Sobol' points do

    if method == "latin":
        while True:
            yield _tensor(qmc.LatinHypercube(size, seed=random).random(first)).clamp_min(_HALF_STEP)
    halton = qmc.Halton(size, scramble=True, seed=random)
    while True:  # goes on where it was
        yield _tensor(halton.random(first)).clamp(_HALF_STEP, 1 - _HALF_STEP)


class Sobol:
    """Scrambled Sobol' points, those of `scipy.stats.qmc.Sobol` bit by bit, without what that has to load.

        x_i = 2⁻³⁰ (s ⊕ v'_{c₁} ⊕ v'_{c₂} ⊕ …),    c the binary ones of i ⊕ ⌊i / 2⌋

    with directions v of Joe and Kuo, each of which a lower triangular matrix L of random binary digits turns into
    v' = L v, and a random shift s.

    Args:
        size: k, number of axes, at least 1.
        random: source of L and s.

    Source: Joe, Kuo, SIAM J. Sci. Comput. 30 (2008) 2635, for v; Matoušek, J. Complexity 14 (1998) 527, for L and s.
    """

    def __init__(self, size: int, random: np.random.Generator) -> None:
        (source,) = random.spawn(1)
        place = np.arange(_DIGITS)
        digits = source.integers(2, size=(size, _DIGITS), dtype=np.uint32)
        self._shift = digits.astype(np.int64) @ (1 << place)
        lower = np.tril(source.integers(2, size=(size, _DIGITS, _DIGITS), dtype=np.uint32)).astype(np.int64)
        lower[:, place, place] = 1
        directions = torch.quasirandom.SobolEngine(size, scramble=False).sobolstate.numpy()
        leading = (directions[:, :, None] >> (_DIGITS - 1 - place)) & 1  # the highest digit of v first
        turned = np.matmul(leading, lower.transpose(0, 2, 1)) % 2
        self._directions = (turned << (_DIGITS - 1 - place)).sum(-1)
        self._drawn = 0

    def draw(self, count: int) -> NDArray[np.float64]:
        """The next points (count, k) of [0, 1)^k."""
        number = np.arange(self._drawn, self._drawn + count)
        self._drawn += count
        gray = number ^ (number >> 1)
        found = np.repeat(self._shift[None], count, 0)
        for digit in range(int(self._drawn).bit_length()):
            found ^= np.where((gray >> digit & 1)[:, None] == 1, self._directions[:, digit], 0)
        return found * 2.0**-_DIGITS


def _tensor(points: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(points))
