"""The noise of observations, stated with them, goes wherever they go."""

import numpy as np
import pytest
import torch

from pinn import Box, Points, Scatter

X = {"x": [0.1, 0.4, 0.9]}


def test_a_number_is_the_noise_of_every_point():
    assert torch.equal(Scatter(X, {"y": [1, 2, 3]}, sigma=0.5).points.sigma, torch.full((3,), 0.5, dtype=torch.float64))


def test_a_column_is_the_noise_of_each_point():
    points = Scatter(X, {"y": [1, 2, 3]}, sigma=np.array([1.0, 2.0, 4.0])).points
    assert points.sigma.tolist() == [1.0, 2.0, 4.0]
    assert torch.allclose(points.reliability(), torch.tensor([16.0, 4.0, 1.0], dtype=torch.float64) / 7)


def test_values_may_have_noise_of_their_own():
    points = Scatter(X, {"y": [1, 2, 3], "z": [1, 2, 3]}, sigma={"z": [1.0, 2.0, 4.0], "y": 0.1}).points
    assert points.sigma.tolist() == [[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]]
    assert torch.allclose(points.reliability() / points.reliability()[2], torch.tensor([4.0, 2.0, 1.0]).double())


def test_no_noise_is_none():
    assert Scatter(X, {"y": [1, 2, 3]}).points.sigma is None
    assert Scatter(X, {"y": [1, 2, 3]}).points.reliability() is None


def test_the_noise_goes_with_its_points():
    points = Scatter(X, {"y": [1, 2, 3]}, sigma=[1.0, 2.0, 4.0]).points
    assert points.take(torch.tensor([2, 0])).sigma.tolist() == [4.0, 1.0]
    assert points.to(torch.float32).sigma.dtype == torch.float32
    assert Points.cat([points, points.take(torch.tensor([1]))]).sigma.tolist() == [1.0, 2.0, 4.0, 2.0]
    assert Points.cat([points, Scatter(X, {"y": [1, 2, 3]}).points]).sigma is None


def test_a_product_with_a_set_without_values_keeps_the_noise():
    both = Scatter(X, {"y": [1, 2, 3]}, sigma=[1.0, 2.0, 4.0]) * Scatter({"t": [0.0, 1.0]})
    points = both.sample(1, generator=torch.Generator())
    assert points.sigma.tolist() == [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]
    drawn = (Scatter(X, {"y": [1, 2, 3]}, sigma=[1.0, 2.0, 4.0]) * Box(t=(0, 1))).sample(8, generator=torch.Generator())
    assert torch.equal(drawn.sigma, 2.0 ** (drawn.values["y"] - 1))


@pytest.mark.parametrize(
    ("sigma", "message"),
    [
        (0.0, "sigma holds 1 numbers that are not positive"),
        (-1.0, "not positive"),
        (float("nan"), "not positive and finite"),
        ([1.0, 0.0, float("inf")], "sigma holds 2 numbers"),
        ([1.0, 2.0], r"sigma has shape \(2,\), expected a number or \(3,\)"),
        ({"z": 1.0}, r"missing \['y'\], unknown \['z'\]"),
        ({"y": 0.0}, "sigma of 'y' holds 1 numbers"),
    ],
)
def test_noise_that_cannot_be_is_refused(sigma, message):
    with pytest.raises(ValueError, match=message):
        Scatter(X, {"y": [1, 2, 3]}, sigma=sigma)


def test_noise_of_nothing_is_refused():
    with pytest.raises(ValueError, match="got sigma without values"):
        Scatter(X, sigma=1.0)


def test_points_refuse_noise_of_another_length():
    with pytest.raises(ValueError, match=r"sigma has shape \(2,\)"):
        Points(("x",), torch.zeros(3, 1), None, {"y": torch.zeros(3)}, torch.ones(2))
