"""A step length that holds what the strong Wolfe conditions promise, on functions made to be hard."""

import math

import pytest
import torch

from pinn.optimizers.line_search import Trial, strong_wolfe

ONE = torch.ones(1, dtype=torch.float64)


def search(f, slope, **options):
    """Along t -> f(t) with derivative slope(t), in direction +1."""
    start = Trial(0.0, f(0.0), slope(0.0), ONE * slope(0.0))
    return start, strong_wolfe(lambda t: (f(t), ONE * slope(t)), start, ONE, **options)


FUNCTIONS = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far away": (lambda t: (t / 1e4 - 3) ** 2, lambda t: 2e-4 * (t / 1e4 - 3)),
    "very near": (lambda t: (1e4 * t - 3) ** 2, lambda t: 2e4 * (1e4 * t - 3)),
    "Moré-Thuente 1": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
    "Moré-Thuente 2": (
        lambda t: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4,
        lambda t: 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3,
    ),
    "waves": (lambda t: math.cos(3 * t) - t / 2 + t * t / 20, lambda t: -3 * math.sin(3 * t) - 0.5 + t / 10),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("c2", [0.9, 0.1])
@pytest.mark.parametrize("first", [1.0, 1e-3, 10.0])
def test_the_strong_wolfe_conditions_hold(name, c2, first):
    start, found = search(*FUNCTIONS[name], c2=c2, first=first, evaluations=60)
    assert found.wolfe
    point = found.point
    assert point.value <= start.value + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= c2 * abs(start.slope)
    assert found.evaluations <= 30


def test_a_parabola_is_minimised_exactly_by_the_cubic():
    _, found = search(*FUNCTIONS["parabola"], c2=1e-6)
    assert found.point.t == pytest.approx(3.0, abs=1e-12)
    assert found.evaluations <= 4


def test_infinite_values_are_walls():
    _, found = search(
        lambda t: -math.log(1 - t) - 3 * t if t < 1 else math.nan, lambda t: 1 / (1 - t) - 3 if t < 1 else 1.0
    )
    assert found.wolfe
    assert 0 < found.point.t < 1


def test_no_descent_is_refused_and_nothing_lower_is_said():
    with pytest.raises(ValueError, match="expected a descent direction"):
        search(lambda t: t, lambda t: 1.0)
    _, found = search(lambda t: 1.0 + abs(t), lambda t: -1.0)
    assert not found.wolfe
    assert found.point.t == 0
