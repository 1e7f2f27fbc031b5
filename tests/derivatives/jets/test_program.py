"""Random equations: any expression of fields, their derivatives and coordinates up to order 4, on both engines."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinn.derivatives import Autograd, Jets, attach, d

UNARY = {
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "silu": F.silu,
    "gelu": F.gelu,
    "erf": torch.erf,
    "atan": torch.atan,
    "exp": lambda f: torch.exp(torch.tanh(f)),
    "sinh": lambda f: torch.sinh(torch.tanh(f)),
    "cosh": lambda f: torch.cosh(torch.tanh(f)),
    "tan": lambda f: torch.tan(torch.tanh(f)),
    "log": lambda f: torch.log(2 + torch.sin(f)),
    "sqrt": lambda f: torch.sqrt(1 + f * f),
    "square": lambda f: f**2,
    "cube": lambda f: f**3,
    "power": lambda f: (1 + f**2) ** -0.7,
    "reciprocal": lambda f: 1 / (2 + torch.cos(f)),
    "negative": lambda f: -f,
    "half": lambda f: 0.5 * f,
    "shift": lambda f: f + 0.25,
    "where": lambda f: torch.where(f > 0.1, f, 0.5 * f),
    "abs": torch.abs,
    "relu": torch.relu,
    "clamp": lambda f: torch.clamp(f, -0.5, 0.5),
    "log1p": lambda f: torch.log1p(f * f),
    "expm1": lambda f: torch.expm1(torch.tanh(f)),
    "rsqrt": lambda f: torch.rsqrt(1 + f * f),
}
BINARY = {
    "add": lambda f, g: f + g,
    "sub": lambda f, g: f - g,
    "mul": lambda f, g: f * g,
    "div": lambda f, g: f / (2 + torch.sin(g)),
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "choice": lambda f, g: torch.where(f > g, f, f * g),
    "power": lambda f, g: (1.5 + torch.sin(f)) ** torch.tanh(g),
}
NETWORKS = ("tanh", "silu", "siren", "gated", "rational", "factorised")
LEAVES = st.sampled_from(["u", "v", "x", "y", "k", "w"])


def expressions(order):
    """Trees whose derivatives, counted along any path, are at most of the given order."""
    plain = st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(sorted(UNARY)), inner),
            st.tuples(st.sampled_from(sorted(BINARY)), inner, inner),
        ),
        max_leaves=3,
    )
    if order == 0:
        return plain
    return st.integers(1, order).flatmap(
        lambda k: st.tuples(
            st.sampled_from(["add", "mul", "sub"]),
            st.tuples(st.just("d"), expressions(order - k), st.lists(st.sampled_from("xy"), min_size=k, max_size=k)),
            plain,
        )
    )


def evaluate(tree, fields, sizes):
    """The expression on tensors or fields of jets; on tensors, with the size of every part."""
    if isinstance(tree, str):
        value = fields[tree]
    elif tree[0] == "d":
        inner = attach(evaluate(tree[1], fields, sizes), fields["x"], fields["y"])
        value = d(inner, *(fields[name] for name in tree[2]))
    elif tree[0] in UNARY:
        value = UNARY[tree[0]](evaluate(tree[1], fields, sizes))
    else:
        value = BINARY[tree[0]](*(evaluate(part, fields, sizes) for part in tree[1:]))
    if isinstance(value, torch.Tensor):
        sizes.append(value.detach().abs().max().item())
    return value


def random(examples):
    """Settings and arguments of a test of so many equations, the same ones every time."""
    chosen = settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    return lambda test: chosen(given(tree=expressions(4), network=st.sampled_from(NETWORKS), hard=st.booleans())(test))


@random(60)
def test_random_equations(tree, network, hard, networks, ansatz):
    engines_agree(tree, network, hard, networks, ansatz)


@pytest.mark.slow
@random(400)
def test_many_random_equations(tree, network, hard, networks, ansatz):
    engines_agree(tree, network, hard, networks, ansatz)


def engines_agree(tree, network, hard, networks, ansatz):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = ansatz(networks[network], ("x", "y"), "uv", hard=hard)
    points = 2 * torch.rand(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1
    weights = torch.linspace(0.3, 1.1, 4, dtype=torch.float64)
    sizes = []

    def equation(columns, outputs, constants):
        fields = {**columns, **outputs, "k": constants["nu"], "w": weights}
        return [evaluate(tree, fields, sizes) + 0.0 * outputs["u"]]

    parameters = list(model.parameters())
    answers = []
    for engine in (Autograd(chunk=8), Jets(fallback=False, probe=False)):
        bound = engine.bind(model.outputs, equation, model.names)
        rows, jacobian = bound.linearize(points, parameters, model.constants())
        answers.append((rows, *bound.gradient(points, parameters, model.constants()), jacobian))
    scale = max(1.0, *sizes)
    slow, fast = answers
    # One order of differentiation more than the rows, by parameters of size about one.
    slope_scale = max(scale, slow[3].abs().max().item())
    # The loss and its gradient are sums over the four points.
    for a, b, size in zip(slow, fast, (scale, 4 * scale**2, 4 * slope_scale * scale, slope_scale), strict=True):
        assert torch.allclose(a, b, rtol=0.0, atol=1e-12 * size)


def test_every_function_to_order_four(networks, ansatz):
    """All scalar functions of one argument, differentiated four times as a composite of two networks."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = ansatz(networks["silu"], ("x", "y"), "uv")
    points = 2 * torch.rand(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1

    def equation(columns, outputs, constants):
        x, y = columns["x"], columns["y"]
        return [d(function(outputs["u"] + x * outputs["v"]), x, y, x, x) for function in UNARY.values()]

    engines = Autograd(), Jets(fallback=False)
    slow, fast = (engine.bind(model.outputs, equation, model.names).residual(points) for engine in engines)
    error = (slow - fast).abs().amax(0) / slow.abs().amax(0).clamp_min(1e-3)
    assert dict(zip(UNARY, (error < 1e-12).tolist(), strict=True)) == dict.fromkeys(UNARY, True)
