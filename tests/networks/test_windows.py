"""The network of windows: its values against the sums, the window at each time, jets against autograd, and files."""

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, d
from pinn.derivatives import Autograd, Jets
from pinn.model import Model
from pinn.networks import CoordinateMap, Enriched, Windows, rebuild
from pinn.objective import Equations
from pinn.sampling.uniform import sample_uniform

EDGES = [-1.0, -0.25, 0.5, 1.0]


def drawn(layout, time, neurons=(7, 5), outputs=2, maps=None):
    network = Windows(sum(layout), outputs, layout=layout, time=time, edges=EDGES, neurons=neurons, maps=maps)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        network.coefficients.copy_(torch.randn(network.coefficients.shape, generator=random, dtype=torch.float64))
    return network


@pytest.mark.parametrize("time", [0, 1])
def test_values_are_those_of_numpy_in_the_window_of_each_time(time):
    network = drawn([1, 1], time)
    x = 2 * torch.rand(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 1
    x[:3, time] = torch.tensor([-1.0, -0.25, 1.0])
    for row, values in zip(x.numpy(), network(x).numpy(), strict=True):
        window = min(int(np.searchsorted(EDGES, row[time], side="right")) - 1, 2)
        low, high = EDGES[window : window + 2]
        local = (2 * row[time] - low - high) / (high - low)
        expected = np.polynomial.chebyshev.chebval2d(
            row[1 - time], local, np.moveaxis(network.coefficients[window].numpy(), 0, -1)
        )
        assert np.abs(values - expected).max() < 1e-12


def test_time_alone_and_one_neuron():
    network = drawn([1], 0, neurons=(1, 4), outputs=1)
    c = network.coefficients
    assert float(network(torch.tensor([[1.0]], dtype=torch.float64))) == pytest.approx(float(c[2].sum()))
    constant = drawn([1], 0, neurons=(1, 1), outputs=1)
    values = constant(torch.tensor([[-1.0], [0.0], [0.9]], dtype=torch.float64))
    assert torch.equal(values.flatten(), constant.coefficients.flatten())


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("periodic", [True, False])
def test_jets_are_nested_autograd(periodic, mapped):
    box = Box(x=(0, 2), t=(1, 3))
    problem = Problem(
        box,
        ["u"],
        {"equation": Constraint(lambda u, x, t: d(u, t, t) + u * d(u, x, x, x) - d(u, x, t), on=box)},
        periodic=["x"] if periodic else [],
        scales={"u": (0.0, 1.0)},
    )
    maps = [None, CoordinateMap.about([(0.5, 0.1)], 0.5, periodic), None] if mapped else None
    network = drawn([2 if periodic else 1, 1], 1, outputs=1, maps=maps)
    model = Model(problem, lambda **sizes: network, generator=torch.Generator().manual_seed(0))
    points = sample_uniform(problem, 60, generator=torch.Generator().manual_seed(0))["equation"]
    fast, slow = (
        Equations(model, engine).rows("equation", points) for engine in (Jets(fallback=False, probe=False), Autograd())
    )
    assert torch.allclose(fast, slow, rtol=1e-11, atol=1e-11 * float(slow.detach().abs().max()))


def test_no_points_have_no_values():
    network = drawn([1, 1], 1)
    assert network(torch.zeros(0, 2, dtype=torch.float64)).shape == (0, 2)


def test_files_build_it_again_alone_and_within_another():
    network = drawn([2, 1], 1, maps=[CoordinateMap.about([(0.5, 0.1)], 0.5, True), None, None])
    again = rebuild("Windows", {**network.arguments, "inputs": 3, "outputs": 2})
    again.load_state_dict(network.state_dict())
    x = torch.rand(9, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.equal(again(x), network(x))
    both = Enriched(3, 2, bases=[{"basis": "Chebyshev", "layout": [2, 1], "index": [[0, 0]]}], network=network)
    twice = rebuild("Enriched", {**both.arguments, "inputs": 3, "outputs": 2})
    twice.load_state_dict(both.state_dict())
    assert torch.equal(twice(x), network(x))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"edges": [-1.0, 0.5, 0.5]}, "ascend"),
        ({"edges": [1.0]}, "two or more"),
        ({"time": 2}, "not periodic"),
        ({"layout": [1, 2]}, "not periodic"),
        ({"layout": [1, 1, 1, 1]}, "two other"),
        ({"layout": [1, 1, 1]}, "those along each"),
        ({"maps": [None]}, "1 maps for 3 windows"),
    ],
)
def test_refused(wrong, message):
    options = {"layout": [1, 1], "time": 1, "edges": EDGES, "neurons": (3, 3), **wrong}
    with pytest.raises(ValueError, match=message):
        Windows(2, 1, **options)


def test_nothing_in_it_is_trained():
    assert not any(parameter.requires_grad for parameter in drawn([1], 0, neurons=(1, 3)).parameters())
