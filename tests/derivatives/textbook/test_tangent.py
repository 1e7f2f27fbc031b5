"""Tangent lines of the textbook, and planes that touch their surface to second order."""

import math

import numpy as np
import pytest
import torch

from pinn.derivatives import tangent_line, tangent_plane


def test_lines_of_the_shallow_parabola():
    def f(x):
        return 0.01 * x**2 + 0.1 * x

    five, ten = tangent_line(f, 5), tangent_line(f, 10)
    assert (five.slope, five.intercept) == pytest.approx((0.2, -0.25), abs=1e-12)
    assert ten.slope == pytest.approx(0.3, abs=1e-12)
    assert str(five) == "y = 0.2 x − 0.25"
    assert five(5.0) == pytest.approx(f(5.0), abs=1e-12)


def test_line_of_the_quadratic_plus_sine():
    line = tangent_line(lambda x: 0.78 * x**2 + torch.sin(x), -0.75)
    assert line.y == pytest.approx(0.78 * 0.75**2 - math.sin(0.75), abs=1e-12)
    assert line.y == pytest.approx(-0.242888760, abs=1e-9)
    assert line.slope == pytest.approx(-0.438311131, abs=1e-9)
    assert line.intercept == pytest.approx(-0.571622108, abs=1e-9)


def test_plane_of_the_saddle_touches_at_the_point():
    plane = tangent_plane(lambda x, y: x**2 - y**2, 2, 3)
    assert plane.slopes == (4.0, -6.0)
    assert plane(2.0, 3.0) == plane.z == -5.0


def test_distance_from_the_plane_is_of_second_order():
    def f(x, y):
        return torch.exp(x) * torch.sin(y)

    plane = tangent_plane(f, 0.3, 0.8)
    distance = [
        abs(
            f(torch.tensor(0.3 + h, dtype=torch.float64), torch.tensor(0.8 - h, dtype=torch.float64)).item()
            - plane(0.3 + h, 0.8 - h)
        )
        for h in (1e-2, 5e-3)
    ]
    assert math.log2(distance[0] / distance[1]) == pytest.approx(2.0, abs=0.02)


def test_values_of_arrays_and_tensors():
    line = tangent_line(lambda x: x**2, 1.0)
    assert line(np.array([0.0, 2.0])).tolist() == line(torch.tensor([0.0, 2.0])).tolist() == [-1.0, 3.0]


def test_a_function_that_breaks_the_graph_is_refused():
    with pytest.raises(ValueError, match="has no graph"):
        tangent_line(lambda x: x.detach() ** 2, 1.0)
    with pytest.raises(ValueError, match="coordinate 2 of 2"):
        tangent_plane(lambda x, y: x**2, 1.0, 1.0)
