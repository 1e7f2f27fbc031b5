"""Every operation that jets have a rule for, inside a network with parameters: both engines give the same numbers."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pinn.derivatives import Autograd, Jets, biharmonic, d, laplacian
from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.jet import Jet, JetContext
from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.jets.registry import RULES

WIDTH = 6


class Operation(nn.Module):
    """Two layers with an operation between them, which may use a parameter p of the layer's width and a number a."""

    def __init__(self, operation, inputs=2):
        super().__init__()
        self.operation = operation
        self.first = nn.Linear(inputs, WIDTH, dtype=torch.float64)
        self.last = nn.Linear(WIDTH, 1, dtype=torch.float64)
        self.p = nn.Parameter(torch.linspace(0.4, 1.6, WIDTH, dtype=torch.float64))
        self.a = nn.Parameter(torch.tensor(1.7, dtype=torch.float64))

    names = ("x", "y")

    def outputs(self, columns):
        h = torch.tanh(self.first(torch.stack([columns["x"], columns["y"]], -1)))
        return {"u": self.last(torch.tanh(self.operation(h, self)))[..., 0]}

    def constants(self):
        return {}


def halves(h, which):
    return torch.cat([which[1], 0.5 * which[0] * which[1]], -1)


POINTWISE = {
    "abs": lambda h, m: torch.abs(h - 0.01),
    "relu": lambda h, m: torch.relu(h * m.p),
    "clamp": lambda h, m: h.clamp(-0.35, 0.35) + h,
    "clamp below": lambda h, m: torch.clamp(h, min=0.1) * m.p,
    "minimum": lambda h, m: torch.minimum(h, 0.3 * h * h + 0.1 * m.p),
    "maximum": lambda h, m: torch.maximum(h, h**2 * m.a),
    "where": lambda h, m: torch.where(h > 0.05 * m.p, h * m.p, torch.sin(h)),
    "log1p": lambda h, m: torch.log1p(h * h * m.a),
    "expm1": lambda h, m: torch.expm1(h * m.p),
    "rsqrt": lambda h, m: torch.rsqrt(m.a + h),
    "sqrt": lambda h, m: (m.a + h).sqrt(),
    "reciprocal": lambda h, m: 1.0 / (m.a + h),
    "sinh": lambda h, m: torch.sinh(m.p * h),
    "cosh": lambda h, m: torch.cosh(m.p * h),
    "tan": lambda h, m: torch.tan(m.p * h),
    "atan": lambda h, m: torch.atan(m.p * h),
    "erf": lambda h, m: torch.erf(m.p * h),
    "exp": lambda h, m: torch.exp(m.p * h),
    "exp first": lambda h, m: torch.exp(m.first(torch.cat([h[:, :1], h[:, 3:4]], -1))),
    "log": lambda h, m: torch.log(m.a + h),
    "number to the jet": lambda h, m: 2.5**h,
    "parameter to the jet": lambda h, m: m.p**h,
    "jet to the jet": lambda h, m: (m.a + h) ** (h * m.p),
    "jet to a parameter": lambda h, m: (m.a + h) ** m.p,
    "jet to a learned number": lambda h, m: (2 + h) ** m.a,
    "a cube": lambda h, m: h**3 - h**2,
    "a real power": lambda h, m: (2 + h) ** -1.3,
    "quotient of jets": lambda h, m: h / (m.a + h * h),
    "number over a jet": lambda h, m: 2.0 / (3.0 + h),
    "number less a jet": lambda h, m: 1.0 - h * m.p,
    "parameter less a jet": lambda h, m: m.p - h,
}
FEATURES = {
    "chunk": lambda h, m: halves(h, torch.chunk(h, 2, -1)),
    "chunk method": lambda h, m: halves(h, h.chunk(2, dim=1)),
    "split": lambda h, m: halves(h, h.split(WIDTH // 2, dim=-1)),
    "split in parts": lambda h, m: halves(h, torch.split(h, [WIDTH // 2, WIDTH // 2], -1)),
    "unbind and stack": lambda h, m: torch.stack([f * f for f in h.unbind(-1)][::-1], -1),
    "transpose": lambda h, m: h.reshape(-1, 2, 3).transpose(1, 2).flatten(1) * m.p,
    "expand": lambda h, m: h[:, :1].expand(-1, WIDTH) * m.p,
    "squeeze and unsqueeze": lambda h, m: (h.unsqueeze(1) * m.p).squeeze(1),
    "reshape": lambda h, m: (h.reshape(-1, 3, 2) * h.view(-1, 3, 2).sum(-1, keepdim=True)).reshape(-1, WIDTH),
    "a list of features": lambda h, m: h[:, [3, 0, 0, 5, 1, 2]] * m.p,
    "a tensor of features": lambda h, m: h[..., torch.tensor([5, 4, 3, 2, 1, 0])] + h,
    "slices": lambda h, m: torch.cat([h[:, ::2], h[:, 1::2]], dim=1) * m.p,
    "a new axis": lambda h, m: (h[:, None, :] * m.p)[:, 0],
    "mean": lambda h, m: h - h.mean(-1, keepdim=True),
    "sum": lambda h, m: h * (h * h).sum(dim=1, keepdim=True),
    "softmax": lambda h, m: torch.softmax(h * m.p, -1),
    "tied weights": lambda h, m: (h @ m.first.weight) @ m.first.weight.T,
    "tied by F.linear": lambda h, m: F.linear(F.linear(h, m.first.weight.T), m.first.weight, m.first.bias),
    "a vector": lambda h, m: h * (h @ m.p).unsqueeze(-1),
    "outer product": lambda h, m: (h[:, :3, None] * h[:, None, 3:5]).flatten(1),
}


def equation(c, o, k):
    x, y, u = c["x"], c["y"], o["u"]
    return [laplacian(u, x, y), d(u, x, x, y) + u * d(u, y), biharmonic(u, x, y)]


def laplace(c, o, k):
    return [laplacian(o["u"], c["x"], c["y"])]


@pytest.mark.parametrize("name", [*POINTWISE, *FEATURES])
def test_operations(name, twins):
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = Operation({**POINTWISE, **FEATURES}[name])
    points = 2 * torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1
    for one in (equation, laplace):
        twins(model, one, points, block=3)


@pytest.mark.parametrize("activation", [torch.tanh, torch.sin, torch.exp, torch.sigmoid, F.silu])
@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_first_and_last_layers(activation, dimensions, twins):
    """What is alike at every point, and the entries of the outputs that are asked for, from few coordinates to many."""

    class Network(nn.Module):
        names = tuple(f"x{i}" for i in range(dimensions))

        def __init__(self, depth):
            super().__init__()
            sizes = [dimensions, *[WIDTH] * depth]
            self.layers = nn.ModuleList(nn.Linear(a, b, dtype=torch.float64) for a, b in itertools.pairwise(sizes))
            self.last = nn.Linear(sizes[-1], 2, dtype=torch.float64)

        def outputs(self, columns):
            h = torch.stack([columns[name] for name in self.names], -1)
            for layer in self.layers:
                h = activation(layer(h))
            out = self.last(h)
            return {"u": 3.0 * out[:, 0] - 1.0, "v": out[..., 1]}

        def constants(self):
            return {}

    def laplacians(c, o, k):
        return [laplacian(o["u"], *c.values()) + laplacian(o["v"], *c.values())]

    def plates(c, o, k):
        x = c["x0"]
        return [d(o["u"], x, x, x, x) - laplacian(o["u"], *c.values()), o["v"] * d(o["v"], x)]

    points = torch.rand(5, dimensions, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for depth in (1, 2, 3):
        with torch.random.fork_rng():
            torch.manual_seed(4)
            model = Network(depth)
        for one in (laplacians, plates):
            twins(model, one, points, block=3)


def test_single_precision():
    """Jets keep it, and are as near to double precision as nested autograd is."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = Operation(lambda h, m: torch.sin(m.p * h))
    points = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def answers(engine):
        dtype = next(model.parameters()).dtype
        arguments = (model.outputs, equation, points.to(dtype), model.names, list(model.parameters()))
        rows, jacobian = engine.linearize(*arguments)
        found = (rows, jacobian, engine.gradient(*arguments)[1])
        assert all(tensor.dtype == dtype for tensor in found)
        return [tensor.detach().double() for tensor in found]

    exact = answers(Autograd())
    model.float()
    fast, slow = answers(Jets(fallback=False)), answers(Autograd())
    for a, b, true in zip(fast, slow, exact, strict=True):
        size = true.abs().max()
        assert (a - true).abs().max() / size < 3e-5
        assert (a - true).abs().max() < 5 * (b - true).abs().max() + 1e-6 * size


# -- what is not computed ---------------------------------------------------------------------------------------


def context(operators, n=4, required=None):
    return JetContext(DerivativeBasis(operators), n, Workspace(), RULES, required=required)


def test_constant_derivatives_stay_one_number_a_feature():
    """Coordinates, and what linear layers and fixed multiples make of them, have tails (K', 1, …)."""
    here = context([{(i, i): 1.0 for i in range(3)}])
    columns = [here.coordinate(torch.rand(4), i) for i in range(3)]
    # Of ξ₀² + ξ₁² + ξ₂² a coordinate has its own first derivative, and no other.
    assert [column.keys for column in columns] == [(1,), (2,), (3,)]
    assert all(column.tail.shape == (1, 1) for column in columns)
    x = torch.stack([2.0 * column - 1.0 for column in columns], -1)
    assert x.keys == (1, 2, 3) and x.tail.shape == (3, 1, 3) and not x.stacked
    assert torch.equal(x.tail[:, 0], 2.0 * torch.eye(3))
    z = nn.Linear(3, 7)(x)
    assert z.tail.shape == (3, 1, 7) and not z.stacked
    y = torch.tanh(z)
    assert y.keys == (1, 2, 3, 4) and y.stack.shape == (5, 4, 7)


def test_structural_zeros_are_not_computed():
    """A product of functions of x and of y has mixed entries, a sum has none; constants have no entries at all."""
    here = context([{(0, 1): 1.0}])
    x, y = (here.coordinate(torch.rand(4), i) for i in range(2))
    named = {tuple(q): k for k, q in enumerate(here.basis.operators)}
    assert torch.sin(x).keys == (named[(0,),],)
    assert (torch.sin(x) + torch.cos(y)).keys == (named[(0,),], named[(1,),])
    assert (torch.sin(x) * torch.cos(y)).keys == tuple(sorted(named.values()))[1:]
    assert here.constant(torch.rand(4)).keys == ()
    assert torch.sin(here.constant(torch.rand(4))).keys == ()


def test_only_what_is_asked_of_the_outputs_is_made():
    """Of a Laplacian's twelve entries the last layer makes one."""
    basis = DerivativeBasis([{(i, i): 1.0 for i in range(10)}])
    here = JetContext(basis, 4, Workspace(), RULES, required=frozenset({11}))
    x = torch.stack([here.coordinate(torch.rand(4), i) for i in range(10)], -1)
    net = nn.Sequential(nn.Linear(10, 7), nn.Tanh(), nn.Linear(7, 7), nn.Tanh(), nn.Linear(7, 1))
    u = 2.0 * net(x)[:, 0] + 1.0
    assert isinstance(u, Jet) and u.is_deferred and u.shape == (4,)
    part = here.part(u.keys)
    assert part == (11,) and u.select(part).shape == (1, 4) and u.is_deferred
    with torch.no_grad():
        torch.testing.assert_close(u.select(part)[0], u.stack[11])
        torch.testing.assert_close(u.value, 2.0 * net(x.value)[:, 0] + 1.0)
    assert not u.is_deferred


def test_all_entries_are_made_where_most_are_wanted():
    here = JetContext(DerivativeBasis([{(0, 0): 1.0}]), 4, Workspace(), RULES, required=frozenset({0, 2}))
    x = here.coordinate(torch.rand(4), 0)
    assert not torch.sin(torch.sin(x)).is_deferred
    assert here.part(()) is None
