"""Networks with every kind of parameter, and the comparison of the two engines on all that they answer."""

import functools
import itertools
import math

import pytest
import sympy
import torch
import torch.nn.functional as F
from torch import nn

from pinn.derivatives.autograd import Autograd
from pinn.derivatives.jets.engine import Jets
from pinn.derivatives.jets.kernels.workspace import Workspace

WIDTH = 6


def linear(i, o):
    layer = nn.Linear(i, o, dtype=torch.float64)
    nn.init.normal_(layer.weight, std=0.8 / math.sqrt(i))
    nn.init.normal_(layer.bias, std=0.3)
    return layer


def mlp(activation):
    return lambda i, o: nn.Sequential(
        linear(i, WIDTH), activation(), linear(WIDTH, WIDTH), activation(), linear(WIDTH, o)
    )


class Siren(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.first, self.second, self.last = linear(i, WIDTH), linear(WIDTH, WIDTH), linear(WIDTH, o)

    def forward(self, x):
        return self.last(torch.sin(self.second(torch.sin(3.0 * self.first(x)))))


class AdaptiveScale(nn.Module):
    """Activation scales, one a network, one a layer, and one a neuron."""

    def __init__(self, i, o):
        super().__init__()
        self.first, self.second, self.last = linear(i, WIDTH), linear(WIDTH, WIDTH), linear(WIDTH, o)
        self.whole = nn.Parameter(torch.tensor(1.3, dtype=torch.float64))
        self.layer = nn.Parameter(torch.tensor([0.9], dtype=torch.float64))
        self.neuron = nn.Parameter(torch.linspace(0.5, 1.5, WIDTH, dtype=torch.float64))

    def forward(self, x):
        x = torch.tanh(self.whole * self.layer * self.first(x))
        return self.last(torch.tanh(self.second(x) * self.neuron) + 0.1 * self.neuron)


class Factorised(nn.Module):
    """Random weight factorisation W = diag(exp s) V, and a bias made of parameters."""

    def __init__(self, i, o):
        super().__init__()
        sizes = [i, WIDTH, WIDTH, o]
        pairs = list(itertools.pairwise(sizes))
        self.v = nn.ParameterList(torch.randn(b, a, dtype=torch.float64) * 0.4 for a, b in pairs)
        self.s = nn.ParameterList(torch.randn(b, dtype=torch.float64) * 0.3 for _, b in pairs)
        self.b = nn.ParameterList(torch.randn(b, dtype=torch.float64) * 0.3 for _, b in pairs)

    def forward(self, x):
        for index, (v, s, b) in enumerate(zip(self.v, self.s, self.b, strict=True)):
            x = F.linear(x, torch.exp(s)[:, None] * v, torch.tanh(b))
            if index < len(self.v) - 1:
                x = F.silu(x)
        return x


class Fourier(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.register_buffer("frequencies", torch.randn(i, WIDTH // 2, dtype=torch.float64))
        self.first, self.last = linear(WIDTH, WIDTH), linear(WIDTH, o)

    def forward(self, x):
        angle = x @ self.frequencies
        x = torch.cat([torch.cos(angle), torch.sin(angle)], -1)
        return self.last(torch.tanh(self.first(x)))


class Gated(nn.Module):
    """The modified MLP and PirateNet: gates, a residual weight, one layer used twice."""

    def __init__(self, i, o):
        super().__init__()
        self.u, self.v, self.enter = linear(i, WIDTH), linear(i, WIDTH), linear(i, WIDTH)
        self.hidden, self.last = linear(WIDTH, WIDTH), linear(WIDTH, o)
        self.alpha = nn.Parameter(torch.tensor(0.3, dtype=torch.float64))

    def forward(self, x):
        u, v, h = torch.tanh(self.u(x)), torch.tanh(self.v(x)), torch.tanh(self.enter(x))
        for _ in range(2):
            f = torch.tanh(self.hidden(h))
            g = f * u + (1 - f) * v
            h = self.alpha * g + (1 - self.alpha) * h
        return self.last(h)


class Normalised(nn.Module):
    """Layer normalisation, a skip, softmax gates, a matrix product with a parameter, features reshaped."""

    def __init__(self, i, o):
        super().__init__()
        self.first, self.last = linear(i, WIDTH), linear(WIDTH, o)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, WIDTH, dtype=torch.float64))
        self.mix = nn.Parameter(torch.randn(WIDTH, WIDTH, dtype=torch.float64) * 0.4)
        self.normal = nn.LayerNorm(WIDTH, eps=0.1, dtype=torch.float64)

    def forward(self, x):
        h = self.first(x)
        h = h + torch.sigmoid((self.normal(h) * self.scale) @ self.mix)
        pairs = h.reshape(-1, WIDTH // 2, 2)
        gates = torch.softmax(pairs.mean(-1), -1).unsqueeze(-1)
        return self.last((pairs * gates).flatten(1))


class Rational(nn.Module):
    """A trainable rational activation, and a polynomial of the inputs."""

    def __init__(self, i, o):
        super().__init__()
        self.first, self.last = linear(i, WIDTH), linear(WIDTH, o)
        self.p = nn.Parameter(torch.tensor([0.2, 1.0, 0.3], dtype=torch.float64))

    def forward(self, x):
        z = self.first(x)
        return self.last((self.p[0] + self.p[1] * z + self.p[2] * z**3) / (1 + z * z)) + (x * x).sum(-1, keepdim=True)


NETWORKS = {
    "tanh": mlp(nn.Tanh),
    "silu": mlp(nn.SiLU),
    "gelu": mlp(nn.GELU),
    "gelu_tanh": mlp(functools.partial(nn.GELU, approximate="tanh")),
    "softplus": mlp(nn.Softplus),
    "sigmoid": mlp(nn.Sigmoid),
    "siren": Siren,
    "adaptive": AdaptiveScale,
    "factorised": Factorised,
    "fourier": Fourier,
    "gated": Gated,
    "normalised": Normalised,
    "rational": Rational,
}


class Ansatz(nn.Module):
    """A network with hard conditions, and the raw parameters of unknown coefficients."""

    def __init__(self, network, names, outputs, hard=False, periodic=False):
        super().__init__()
        self.names, self.output_names, self.hard, self.periodic = names, outputs, hard, periodic
        self.network = network(len(names) + periodic, len(outputs))
        self.raw = nn.ParameterDict({"nu": nn.Parameter(torch.tensor(-0.4, dtype=torch.float64))})

    def outputs(self, columns):
        features = [columns[name] * 0.9 + 0.05 for name in self.names]
        if self.periodic:
            angle = math.pi * columns[self.names[0]]
            features[:1] = [torch.cos(angle), torch.sin(angle)]
        raw = self.network(torch.stack(features, -1))
        values = {name: raw[..., i] for i, name in enumerate(self.output_names)}
        if self.hard:
            x = columns[self.names[0]]
            values = {name: torch.cos(x) + (1 - x**2) * value * 2.0 for name, value in values.items()}
        return values

    def constants(self):
        return {"nu": 0.5 * torch.exp(self.raw["nu"])}


def distance(a, b, axis=None):
    """Largest difference relative to the size of the reference b: its largest entry, or that of each slice of b.

    Args:
        axis: the axis whose slices are measured by themselves, so that a small field of a system, or the gradient by
            one coefficient, is not hidden behind large ones; None for all entries together.
    """
    assert a.shape == b.shape
    a, b = a.detach(), b.detach()
    if not b.numel():
        return 0.0
    axes = [i for i in range(b.ndim) if i != axis]
    difference, size = ((a - b).abs(), b.abs()) if not axes else ((a - b).abs().amax(axes), b.abs().amax(axes))
    return float((difference / torch.where(size > 0, size, 1.0)).max())


def compare(model, equation, points, *, constants=None, scale=None, tolerance=1e-12, block=None, both=False):
    """Assert that jets give the rows and J of nested autograd, and the gradient, JᵀJ and products with J that follow.

    All to 1e-12, relative: rows (n, q) to the largest row of their own field, J to its largest entry in the rows of its
    own field, the loss to itself, and vectors and JᵀJ, sums over all fields, to their largest entry.

    Args:
        both: ask the reference too for what follows, which takes most of the time and is alike for every equation.
    """
    engines = Jets(fallback=False, probe=False, block=block), Autograd()
    fast, slow = (engine.bind(model.outputs, equation, model.names) for engine in engines)
    parameters = list(model.parameters())

    def given():
        return {**model.constants(), **(constants or {})}

    r, jacobian = fast.linearize(points, parameters, given(), scale=scale)
    r_slow, reference = slow.linearize(points, parameters, given(), scale=scale)
    assert distance(r, r_slow, 1) < tolerance
    by_field = (*r.shape, -1)
    assert distance(jacobian.reshape(by_field), reference.reshape(by_field), 1) < tolerance
    out = torch.full_like(reference, torch.nan).contiguous()
    fast.linearize(points, parameters, given(), out=out, scale=scale)
    assert torch.equal(out, jacobian)
    unscaled = r_slow.detach() if scale is None else r_slow.detach() / scale.reshape(len(scale), -1)
    flat = r_slow.detach().reshape(-1)
    loss, slope = 0.5 * flat.dot(flat), reference.T @ flat
    generator = torch.Generator().manual_seed(5)
    v = torch.randn(jacobian.shape[1], dtype=torch.float64, generator=generator)
    w = torch.randn(jacobian.shape[0], dtype=torch.float64, generator=generator)
    for bound in (fast, slow) if both else (fast,):
        assert distance(bound.residual(points, given()), unscaled, 1) < tolerance
        found = bound.gradient(points, parameters, given(), scale=scale)
        for a, b in zip(found, (loss, slope), strict=True):
            assert distance(a, b) < tolerance
        found = bound.gram(points, parameters, given(), scale=scale)
        for a, b in zip(found, (loss, slope, reference.T @ reference), strict=True):
            assert distance(a, b) < tolerance
        operator = bound.operator(points, parameters, given(), scale=scale)
        assert distance(operator.residual, flat) < tolerance
        assert distance(operator.jvp(v), reference @ v) < tolerance
        assert distance(operator.vjp(w), reference.T @ w) < tolerance


@pytest.fixture(scope="session")
def networks():
    return NETWORKS


@pytest.fixture(scope="session")
def ansatz():
    return Ansatz


@pytest.fixture(scope="session")
def twins():
    return compare


def compare_coefficients(function, expression, points, tolerance=2e-13):
    """Assert that φ⁽ᵐ⁾(z)/m! for m up to 6 are those of SymPy in 30 digits; `expression` is of one symbol."""
    (symbol,) = expression.free_symbols
    z = torch.tensor(points, dtype=torch.float64)
    y = torch.empty_like(z)
    extra = function.value(z, y, Workspace())
    for m, found in enumerate([y, *function.taylor(z, y, extra, 6, Workspace())]):
        exact = sympy.diff(expression, symbol, m) / sympy.factorial(m)
        true = [float(exact.subs(symbol, sympy.Rational(point)).evalf(30)) for point in points]
        torch.testing.assert_close(found, torch.tensor(true, dtype=z.dtype), rtol=tolerance, atol=1e-14)


@pytest.fixture(scope="session")
def coefficients():
    return compare_coefficients
