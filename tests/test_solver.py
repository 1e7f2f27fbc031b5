"""What `solve` chooses where nothing is named: network, points, optimizer."""

import pytest
import torch

from pinn import problems
from pinn.optimizers import LBFGS, LevenbergMarquardt
from pinn.sampling import RAD, Fixed, Growing, Marching
from pinn.solver import default_network, default_sampling

CHOSEN = {
    "poisson_2d": (20, 3, torch.tanh),
    "helmholtz_2d": (20, 3, torch.tanh),
    "poisson_5d": (35, 3, torch.tanh),
    "kovasznay": (30, 3, torch.tanh),
    "euler_beam": (20, 3, torch.tanh),
    "oscillator": (20, 3, torch.tanh),
    "lorenz_inverse": (30, 3, torch.tanh),
    "burgers_inverse": (20, 3, torch.tanh),
    "burgers": (16, 4, torch.tanh),
    "heat_1d": (16, 4, torch.tanh),
    "wave_1d": (16, 4, torch.sin),
    "reaction": (20, 3, torch.tanh),
    "convection": (20, 3, torch.sin),
    "kdv": (20, 4, torch.sin),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_the_network_follows_dimensions_outputs_order_and_time(name):
    network = default_network(getattr(problems, name)())(inputs=2, outputs=1, generator=torch.Generator())
    found = network.first.linear.out_features, 1 + len(network.hidden), network.first.activation
    assert found == CHOSEN[name]


def test_points_grow_march_where_time_is_stuck_and_stay_for_quasi_newton():
    boundary = default_sampling(problems.poisson_2d(), LevenbergMarquardt())
    assert isinstance(boundary, Growing) and isinstance(boundary.inner, RAD)
    assert (boundary.size, boundary.maximum) == (400, 8000)
    carried = default_sampling(problems.convection(), LevenbergMarquardt())
    assert isinstance(carried, Marching) and carried.time == "t" and carried.fraction == 1.0
    ordinary = default_sampling(problems.lotka_volterra(), LevenbergMarquardt())
    assert isinstance(ordinary, Marching) and ordinary.fraction == 0.1
    assert default_sampling(problems.convection(), LBFGS()) == Fixed(4000)
    assert default_sampling(problems.poisson_2d(), LevenbergMarquardt(), most=300).maximum == 300
