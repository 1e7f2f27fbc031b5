"""What a run found of the noise in its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class NoiseEstimate:
    """Noise of the data of a run, as the misfit of the answer shows it.

    Attributes:
        sigma: data constraint -> standard deviation of each of its row components, in the rows' units: the root mean
            square of the misfit, corrected for the unknown numbers that were fitted.
        misfit: data constraint with stated sigma -> root mean square of the misfit over it, dimensionless; near 1 where
            the stated noise is that of the data.
        held_out: data constraint -> number of its observations that were held out while something was chosen.
        weights: constraint -> weight in the loss at the end, where a run has changed it: of data seen to be noisy, and
            of the smoothness of unknown fields.
    """

    sigma: Mapping[str, tuple[float, ...]]
    misfit: Mapping[str, float] = field(default_factory=dict)
    held_out: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
