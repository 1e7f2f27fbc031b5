"""Maps of a coordinate: derivatives against autograd, the inverse, ends, and what is refused."""

import math

import pytest
import torch

from pinn.networks import CoordinateMap

LINE = CoordinateMap.about([(0.3, 0.01), (-1.0, 1e-4)], 0.8)
CIRCLE = CoordinateMap.about([(0.0, 1e-4), (3.0, 0.02)], 0.8, periodic=True)


def inputs(x, map):
    return torch.stack([torch.cos(x), torch.sin(x)], 1) if map.periodic else x[:, None]


def outputs(x, map):
    found = map(inputs(x, map))
    return torch.atan2(found[:, 1], found[:, 0]) if map.periodic else found[:, 0]


@pytest.mark.parametrize("map", [LINE, CIRCLE])
def test_derivatives_are_those_of_autograd(map):
    low, high = (0.01, 6.2) if map.periodic else (-0.99, 0.99)
    x = torch.linspace(low, high, 40, dtype=torch.float64).requires_grad_()
    found, z = map.derivatives(x.detach(), 4), outputs(x, map)
    turns = torch.round((z.detach() - found[0]) / (2 * math.pi)) * 2 * math.pi if map.periodic else 0.0
    assert torch.allclose(z.detach() - turns, found[0], rtol=0, atol=1e-14)
    for one in found[1:]:
        (z,) = torch.autograd.grad(z.sum(), x, create_graph=True)
        assert torch.allclose(z.detach(), one, rtol=0, atol=1e-12 * float(one.abs().max()))


@pytest.mark.parametrize("map", [LINE, CIRCLE])
def test_it_keeps_the_range_and_its_inverse_is_one(map):
    low, high = (0.0, 2 * math.pi) if map.periodic else (-1.0, 1.0)
    ends = torch.tensor([low, high], dtype=torch.float64)
    assert torch.allclose(map.derivatives(ends, 0)[0], ends, rtol=0, atol=1e-11)
    z = torch.linspace(low, high, 501, dtype=torch.float64)
    x = map.inverse(z)
    assert bool((x[1:] > x[:-1]).all())
    assert torch.allclose(map.derivatives(x, 0)[0], z, rtol=0, atol=1e-11)
    assert float(map.derivatives(x, 1)[1].min()) > 0


def test_the_density_about_a_layer_is_that_of_a_pole():
    map = CoordinateMap.about([(0.0, 0.01)], 0.9)
    x = torch.logspace(-2.5, -0.5, 50, dtype=torch.float64)
    density = (map.derivatives(x, 1)[1] - 0.1) * (x**2 + 0.01**2).sqrt()
    assert float(density.max() / density.min()) < 1.6


@pytest.mark.parametrize(
    "wrong", [((0.0,), (0.1, 0.2), (0.5,)), ((0.0,), (0.0,), (0.5,)), ((0.0,), (0.1,), (1.0,)), ((), (), ())]
)
def test_refused(wrong):
    with pytest.raises(ValueError, match="expected as many of each"):
        CoordinateMap(*wrong)


@pytest.mark.parametrize("layers", [[], [(0.0, 0.0)], [(0.0, -0.1)], [(0.0, float("nan"))]])
def test_layers_that_are_none_are_refused(layers):
    with pytest.raises(ValueError, match="expected as many of each"):
        CoordinateMap.about(layers, 0.5)
