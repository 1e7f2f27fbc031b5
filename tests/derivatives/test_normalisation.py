"""Layer normalisation: its value is torch's, its derivatives are those of its formula and of central differences."""

import math

import pytest
import torch
from torch import nn

from pinn.derivatives import Autograd, EngineChoice, Jets, d, laplacian
from pinn.derivatives.normalisation import ArithmeticNormalisation, layer_norm

WIDTH = 6


class Network(nn.Module):
    """Two layers with a normalisation between them: torch's, or one by hand."""

    def __init__(self, by_hand=False):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        uniform = lambda *shape: 2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1  # noqa: E731
        self.by_hand = by_hand
        self.first, self.last = nn.Linear(2, WIDTH, dtype=torch.float64), nn.Linear(WIDTH, 1, dtype=torch.float64)
        self.normal = nn.LayerNorm(WIDTH, dtype=torch.float64)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(uniform(*parameter.shape))

    def outputs(self, columns):
        h = torch.tanh(self.first(torch.stack([columns["x"], columns["y"]], -1)))
        if self.by_hand:
            m = sum(h[..., i] for i in range(WIDTH)) / WIDTH
            v = sum((h[..., i] - m) ** 2 for i in range(WIDTH)) / WIDTH
            rows = [
                (h[..., i] - m) / (v + self.normal.eps) ** 0.5 * self.normal.weight[i] + self.normal.bias[i]
                for i in range(WIDTH)
            ]
            h = torch.stack(rows, -1)
        else:
            h = self.normal(h)
        return {"u": self.last(torch.sin(h))[..., 0]}


@pytest.fixture
def points():
    return 2 * torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1


def fourth(c, o, k):
    x, y, u = c["x"], c["y"], o["u"]
    return [u, d(u, x), d(u, x, y), d(u, x, x, x), d(u, x, x, y, y)]


def test_the_value_is_torchs():
    z = torch.randn(4, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weight, bias = torch.linspace(0.5, 2.0, 15, dtype=torch.float64).view(3, 5), torch.ones(3, 5, dtype=torch.float64)
    for arguments in (((5,),), ((3, 5),), ((3, 5), weight), ((3, 5), weight, bias, 0.3), ((5,), None, bias[0])):
        expected = nn.functional.layer_norm(z, *arguments)
        torch.testing.assert_close(layer_norm(z, *arguments), expected, rtol=1e-13, atol=1e-14)
        with ArithmeticNormalisation():
            found = nn.functional.layer_norm(z, *arguments), torch.layer_norm(z, *arguments)
        torch.testing.assert_close(found, (layer_norm(z, *arguments),) * 2, rtol=0.0, atol=0.0)
    assert torch.equal(nn.functional.layer_norm(z, (5,)), torch.layer_norm(z, (5,)))


@pytest.mark.parametrize("engine", [Jets(fallback=False), Autograd()], ids=["jets", "nested"])
def test_derivatives_are_those_of_the_formula(engine, points):
    """Rows up to order four and their J, against nested autograd through sums and products alone."""
    network, hand = Network(), Network(by_hand=True)
    parameters, same = list(network.parameters()), list(hand.parameters())
    found = engine.bind(network.outputs, fourth, ("x", "y")).linearize(points, parameters)
    expected = Autograd().bind(hand.outputs, fourth, ("x", "y")).linearize(points, same)
    for a, b in zip(found, expected, strict=True):
        assert float((a - b).detach().abs().max() / b.detach().abs().max()) < 1e-12


@pytest.mark.parametrize("engine", [Jets(fallback=False), Autograd()], ids=["jets", "nested"])
def test_derivatives_are_those_of_central_differences(engine, points):
    """By the coordinates: each derivative is the difference of the one before. By the parameters: J of a Laplacian."""
    network = Network()
    parameters, names, h = list(network.parameters()), ("x", "y"), 1e-3
    step = torch.tensor([h, 0.0], dtype=torch.float64)

    def rows(where, equation):
        with torch.no_grad():
            return engine.bind(network.outputs, equation, names).residual(where)

    def powers(lowest, highest):
        return lambda c, o, k: [o["u"] if i == 0 else d(o["u"], *[c["x"]] * i) for i in range(lowest, highest + 1)]

    near, far = (rows(points + s * step, powers(0, 3)) - rows(points - s * step, powers(0, 3)) for s in (1, 2))
    exact, central = rows(points, powers(1, 4)), (8 * near - far) / (12 * h)
    assert float(((exact - central).abs().amax(0) / central.abs().amax(0)).max()) < 1e-6

    equation = lambda c, o, k: [laplacian(o["u"], c["x"], c["y"])]  # noqa: E731
    _, jacobian = engine.bind(network.outputs, equation, names).linearize(points, parameters)
    generator = torch.Generator().manual_seed(2)
    for parameter, block in zip(parameters, jacobian.split([p.numel() for p in parameters], 1), strict=True):
        v = torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
        start, moved = parameter.detach().clone(), {}
        with torch.no_grad():
            for s in (-2, -1, 1, 2):
                parameter.copy_(start + s * h * v)
                moved[s] = rows(points, equation)
            parameter.copy_(start)
        central = (8 * (moved[1] - moved[-1]) - (moved[2] - moved[-2])) / (12 * h)
        slope = (block @ v.reshape(-1))[:, None]
        assert float((slope - central).abs().max()) < 1e-6 * max(1.0, float(central.abs().max()))


def test_a_network_with_layer_normalisation_keeps_its_jets(points, caplog):
    network = Network()
    bound = Jets().bind(network.outputs, lambda c, o, k: [laplacian(o["u"], c["x"], c["y"])], ("x", "y"))
    bound.gradient(points, list(network.parameters()))
    assert not caplog.records and bound.choice == EngineChoice("jets")
    assert math.isfinite(float(bound.residual(points).detach().sum()))
