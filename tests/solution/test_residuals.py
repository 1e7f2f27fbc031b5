"""Where a residual lies: the shortest interval that holds half of it."""

import numpy as np
import pytest

from pinn.verification.stability import shortest_half


def test_the_shortest_interval_with_half_the_weight():
    x = np.linspace(0, 1, 1001)
    assert shortest_half(x, np.exp(-(((x - 0.4) / 0.01) ** 2))) == pytest.approx(
        (0.4 - 0.00477, 0.4 + 0.00477), abs=2e-3
    )
    low, high = shortest_half(x, np.ones_like(x))
    assert high - low == pytest.approx(0.5, abs=2e-3)
