"""What `solve` chooses where nothing is named: network, points, optimizer."""

import pytest

from pinn import problems
from pinn.optimizers import LBFGS, LevenbergMarquardt
from pinn.sampling import RAD, Fixed, Growing, Marching
from pinn.solver import default_network, default_sampling

SHAPES = {
    "poisson_2d": (20, 3),
    "helmholtz_2d": (20, 3),
    "poisson_5d": (35, 3),
    "kovasznay": (30, 3),
    "euler_beam": (20, 3),
    "oscillator": (20, 3),
    "lorenz_inverse": (30, 3),
    "burgers_inverse": (20, 3),
    "burgers": (16, 4),
    "wave_1d": (16, 4),
    "reaction": (20, 3),
    "convection": (20, 3),
    "kdv": (20, 4),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_network_follows_dimensions_outputs_order_and_time(name):
    chosen = default_network(getattr(problems, name)()).keywords
    assert (chosen["width"], chosen["depth"]) == SHAPES[name]


def test_points_grow_march_where_time_is_stuck_and_stay_for_quasi_newton():
    boundary = default_sampling(problems.poisson_2d(), LevenbergMarquardt())
    assert isinstance(boundary, Growing) and isinstance(boundary.inner, RAD)
    assert (boundary.size, boundary.maximum) == (400, 8000)
    carried = default_sampling(problems.convection(), LevenbergMarquardt())
    assert isinstance(carried, Marching) and carried.time == "t" and carried.share == 1.0
    assert default_sampling(problems.convection(), LBFGS()) == Fixed(4000)
    assert default_sampling(problems.poisson_2d(), LevenbergMarquardt(), most=300).maximum == 300
