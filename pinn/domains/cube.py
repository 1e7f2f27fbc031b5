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
    from scipy.stats import qmc  # half a second, so not before the first points are drawn

    random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
    if method == "latin":
        while True:
            yield _tensor(qmc.LatinHypercube(size, seed=random).random(first)).clamp_min(_HALF_STEP)
    if method == "halton":
        sequence = qmc.Halton(size, scramble=True, seed=random)
        while True:  # goes on where it was
            yield _tensor(sequence.random(first)).clamp(_HALF_STEP, 1 - _HALF_STEP)
    engine = qmc.Sobol(size, scramble=True, seed=random)
    power = max(0, first - 1).bit_length()
    yield _tensor(engine.random_base2(power)) + _HALF_STEP
    while True:  # as many again as there were, so that the total stays a power of two
        yield _tensor(engine.random_base2(power)) + _HALF_STEP
        power += 1


def _tensor(points: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(points))
