"""Every operation that jets have a rule for, inside a network with parameters: both engines give the same numbers."""

import itertools
import logging
import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import handle_torch_function, has_torch_function

from pinn import Box, Constraint, Problem, solve
from pinn.derivatives import Autograd, EngineChoice, Jets, MissingRule, biharmonic, d, laplacian
from pinn.derivatives.jets import Rule, registry, rule
from pinn.derivatives.jets.registry import RULES, with_rules
from pinn.networks import MLP
from pinn.reference import Analytic

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


def activation(module):
    """An activation of torch on values of both signs, some of them beyond its kinks, and none of them at one."""
    return lambda h, m: module.double()(4.0 * m.p * h - 0.03)


MODULES = {
    "Mish": nn.Mish(),
    "Softsign": nn.Softsign(),
    "Hardtanh": nn.Hardtanh(-0.7, 1.2),
    "Hardswish": nn.Hardswish(),
    "ReLU": nn.ReLU(),
    "ReLU6": nn.ReLU6(),
    "LeakyReLU": nn.LeakyReLU(0.2),
    "RReLU at rest": nn.RReLU().eval(),
    "ELU": nn.ELU(1.3),
    "SELU": nn.SELU(),
    "CELU": nn.CELU(0.5),
    "GELU": nn.GELU(),
    "GELU by tanh": nn.GELU("tanh"),
    "SiLU": nn.SiLU(),
    "Softplus": nn.Softplus(2.0, 3.0),
    "LogSigmoid": nn.LogSigmoid(),
    "Tanh": nn.Tanh(),
    "Tanhshrink": nn.Tanhshrink(),
    "Softshrink": nn.Softshrink(0.3),
    "Hardshrink": nn.Hardshrink(0.3),
    "Threshold": nn.Threshold(0.2, -0.5),
    "PReLU": nn.PReLU(),
    "PReLU for each feature": nn.PReLU(WIDTH),
    "Sigmoid": nn.Sigmoid(),
    "Softmin": nn.Softmin(-1),
    "Softmax": nn.Softmax(-1),
    "LogSoftmax": nn.LogSoftmax(-1),
    "Identity": nn.Identity(),
}
SPECIAL = {
    "asin": lambda h, m: torch.asin(0.6 * m.p * h),
    "acos": lambda h, m: torch.acos(0.6 * m.p * h),
    "asinh": lambda h, m: torch.asinh(2 * m.p * h),
    "acosh": lambda h, m: (1.5 + m.a + m.p * h).acosh(),
    "atanh": lambda h, m: torch.atanh(0.6 * m.p * h),
    "arcsin": lambda h, m: torch.arcsin(0.6 * m.p * h),
    "arctanh": lambda h, m: (0.6 * m.p * h).arctanh(),
    "exp2": lambda h, m: torch.exp2(m.p * h),
    "log2": lambda h, m: torch.log2(m.a + h),
    "log10": lambda h, m: torch.log10(m.a + h),
    "logit": lambda h, m: torch.logit(0.5 + 0.25 * m.p * h),
    "logit within bounds": lambda h, m: torch.special.logit(0.5 + 0.3 * m.p * h, eps=0.3),
    "erfc": lambda h, m: torch.erfc(m.p * h),
    "erfcx": lambda h, m: torch.special.erfcx(m.p * h),
    "erfinv": lambda h, m: torch.erfinv(0.4 * m.p * h),
    "ndtr": lambda h, m: torch.special.ndtr(m.p * h),
    "ndtri": lambda h, m: torch.special.ndtri(0.5 + 0.2 * m.p * h),
    "log_ndtr": lambda h, m: torch.special.log_ndtr(3 * m.p * h),
    "expit": lambda h, m: torch.special.expit(m.p * h),
    "sinc": lambda h, m: torch.sinc(1.2 + 0.5 * m.p * h),
    "entr": lambda h, m: torch.special.entr(m.a + h),
    "lgamma": lambda h, m: torch.lgamma(m.a + h),
    "digamma": lambda h, m: torch.special.psi(m.a + h),
    "polygamma": lambda h, m: torch.polygamma(1, m.a + h) + (m.a + h).polygamma(2),
    "xlogy": lambda h, m: torch.xlogy(h, m.a + h) + torch.xlogy(m.p, 2 + h) + torch.xlogy(h * m.p, 2.5),
    "xlog1py": lambda h, m: torch.special.xlog1py(h, m.p * h * h) + torch.special.xlog1py(h, m.p),
    "logaddexp": lambda h, m: torch.logaddexp(3 * h, m.p * h) + torch.logaddexp(h, m.p),
    "logaddexp2": lambda h, m: torch.logaddexp2(h, m.p * h * h),
    "hypot": lambda h, m: torch.hypot(h, m.p + h * h) + torch.hypot(h, m.p),
    "atan2": lambda h, m: torch.atan2(h, h * h - 0.2 * m.p) + torch.atan2(m.p, h) + torch.atan2(h - 0.01, -m.p),
    "threshold": lambda h, m: torch.threshold(h * m.p, 0.1, 0.3),
    "rsub": lambda h, m: torch.rsub(h, m.p),
    "glu": lambda h, m: F.glu(torch.cat([h, m.p * h], -1), -1),
    "logsumexp": lambda h, m: h - torch.logsumexp(m.p * h, -1, keepdim=True) + h.logsumexp(1)[:, None],
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


def agree(fast_model, slow_model, engine, one):
    """Rows and J by an engine of jets and by nested autograd are equal to 1e-12 of each field's largest entry."""
    points = 2 * torch.rand(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1
    answers = [
        chosen.bind(model.outputs, one, model.names).linearize(points, list(model.parameters()))
        for chosen, model in ((engine, fast_model), (Autograd(), slow_model))
    ]
    q = answers[0][0].shape[1]
    for fast, slow in zip(*answers, strict=True):
        fast, slow = (x.reshape(3, q, -1).transpose(0, 1).flatten(1) for x in (fast, slow))
        assert ((fast - slow).abs().amax(1) < 1e-12 * slow.abs().amax(1)).all()


FUNCTIONS = {**SPECIAL, **{name: activation(module) for name, module in MODULES.items()}}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    """Every activation and special function of torch, up to fourth order."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = Operation(FUNCTIONS[name])
        if name in MODULES:
            model.activation = MODULES[name]
    agree(model, model, Jets(fallback=False, probe=False), equation)


@pytest.mark.parametrize(
    ("module", "exact"),
    [
        (nn.Hardsigmoid(), lambda z: torch.clamp(z / 6 + 0.5, 0, 1)),
        (nn.CELU(0.7), lambda z: 0.7 * F.elu(z / 0.7)),
    ],
)
def test_what_torch_differentiates_in_single_precision(module, exact):
    """Jets of the function agree with nested autograd of the same function, written with what torch does in double."""
    models = []
    for function in (module, exact):
        with torch.random.fork_rng():
            torch.manual_seed(4)
            models.append(Operation(lambda h, m, function=function: function(7.0 * m.p * h - 0.03)))
    agree(*models, Jets(fallback=False, probe=False), equation)


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
        bound = engine.bind(model.outputs, equation, model.names)
        arguments = (points.to(dtype), list(model.parameters()))
        rows, jacobian = bound.linearize(*arguments)
        found = (rows, jacobian, bound.gradient(*arguments)[1])
        assert all(tensor.dtype == dtype for tensor in found)
        return [tensor.detach().double() for tensor in found]

    exact = answers(Autograd())
    model.float()
    fast, slow = answers(Jets(fallback=False)), answers(Autograd())
    for a, b, true in zip(fast, slow, exact, strict=True):
        size = true.abs().max()
        assert (a - true).abs().max() / size < 3e-5
        assert (a - true).abs().max() < 5 * (b - true).abs().max() + 1e-6 * size


# -- rules of one's own ------------------------------------------------------------------------------------------------


def bump(z, width=1.0):
    """e^{−(z/w)²}, an activation of one's own that lets jets and fields through."""
    if has_torch_function((z,)):
        return handle_torch_function(bump, (z,), z, width)
    return torch.exp(-((z / width) ** 2))


def hermite(z, order, width=1.0):
    """Coefficients of e^{−(z/w)²}, by g' = −2 z g/w²."""
    found = [bump(z, width)]
    for k in range(order):
        found.append((-2.0 / width**2 / (k + 1)) * (z * found[k] + (found[k - 1] if k else 0.0)))
    return found[1:]


def gated(z, weight):
    """z σ(w z), with a parameter of its own."""
    if has_torch_function((z, weight)):
        return handle_torch_function(gated, (z, weight), z, weight)
    return z * torch.sigmoid(weight * z)


def factored(m):
    """φ⁽ᵐ⁾ from the coefficients."""
    return lambda z, width=1.0: math.factorial(m) * hermite(z, m, width)[-1]


OWN = {
    "by derivatives": (
        rule(bump, derivatives=[factored(m) for m in range(1, 6)]),
        lambda h, m: bump(m.p * h) + bump(h, 0.7),
    ),
    "by coefficients": (rule(bump, coefficients=hermite), lambda h, m: bump(m.p * h) + bump(h, 0.7)),
    "composed": (
        rule(bump, composed=lambda z, width=1.0: torch.exp(-((z / width) ** 2))),
        lambda h, m: bump(m.p * h) + bump(h, 0.7),
    ),
    "with a parameter": (
        rule(gated, composed=lambda z, weight: z * torch.sigmoid(weight * z)),
        lambda h, m: gated(h, m.p) + gated(h * m.a, m.a),
    ),
    "a function of torch": (
        rule(
            torch.special.i0e,
            # φ' = e^{−z} (I₁ − I₀) for z > 0, and so on by I₀' = I₁, I₁' = I₀ − I₁/z, for an equation of first order.
            derivatives=[
                lambda z: torch.special.i1e(z) - torch.special.i0e(z),
                lambda z: 2.0 * torch.special.i0e(z) - (2.0 + 1.0 / z) * torch.special.i1e(z),
            ],
        ),
        lambda h, m: torch.special.i0e(2 + m.p * h),
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_rules_from_outside(name, caplog):
    """A function of one's own, in a network and in an equation: rows and J are those of nested autograd, to 1e-12."""
    own, operation = OWN[name]
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = Operation(operation)

    def first_order(c, o, k):
        return [d(o["u"], c["x"]) + o["u"] * d(o["u"], c["y"])]

    def composite(c, o, k):
        return [d(bump(o["u"] * c["x"], 0.7), c["x"], c["y"]) + bump(o["u"])]

    used = {"a function of torch": [first_order], "with a parameter": [equation]}.get(name, [equation, composite])
    engine = Jets(rules=[own])
    with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
        for one in used:
            agree(model, model, engine, one)
            with pytest.raises(MissingRule, match=r"pinn\.derivatives\.jets\.rule makes one"):
                agree(model, model, Jets(fallback=False), one)
    assert not caplog.records


def test_a_rule_from_outside_carries_a_whole_run():
    """`solve` with an activation of one's own and its rule: jets take every derivative, without the reference."""
    line = Box(x=(0, 1))
    constraints = {
        "equation": Constraint(lambda u, x: d(u, x, x) + torch.sin(x), on=line),
        "ends": Constraint(lambda u, x: u - torch.sin(x), on=line.boundary()),
    }
    problem = Problem(line, ["u"], constraints, reference=Analytic(lambda x: torch.sin(x)))

    def run(engine, steps=10):
        network = partial(MLP, width=5, depth=1, activation=bump)
        return solve(problem, network=network, derivatives=engine, steps=steps, certify=False, progress=False)

    solution = run(Jets(rules=[OWN["by coefficients"][0]]))
    assert solution.report.engines == dict.fromkeys(constraints, EngineChoice("jets", ""))
    assert solution.error() < 1e-2
    taken_over = run(Jets(), steps=1).report.engines["equation"]
    assert taken_over.engine == "autograd" and "bump" in taken_over.reason


def test_a_rule_with_too_few_derivatives_goes_to_the_reference(caplog):
    own = rule(bump, derivatives=[factored(1), factored(2)])
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = Operation(lambda h, m: bump(h))
    points = torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    task = (model.outputs, laplace, model.names)
    with pytest.raises(MissingRule, match=r"bump: its derivative of order 3 is needed, and its rule has 2; give"):
        Jets(fallback=False, rules=[own]).bind(*task).residual(points)
    with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
        fast, slow = (engine.bind(*task) for engine in (Jets(rules=[own]), Autograd()))
        assert torch.equal(fast.residual(points), slow.residual(points))
    assert len(caplog.records) == 1


def test_arguments_of_rules():
    with pytest.raises(TypeError, match=r"rule: got function='tanh', expected a function; give"):
        rule("tanh", composed=torch.tanh)
    with pytest.raises(TypeError, match=r"rule\(bump\): got 0 descriptions; give one of"):
        rule(bump)
    with pytest.raises(TypeError, match=r"rule\(bump\): got 2 descriptions; give one of"):
        rule(bump, composed=bump, coefficients=hermite)
    for wrong in (factored(1), [], [3]):
        with pytest.raises(TypeError, match=r"rule\(bump\): got derivatives=.*expected a list of functions; give"):
            rule(bump, derivatives=wrong)
    with pytest.raises(TypeError, match=r"rule\(bump\): got 3, expected a function"):
        rule(bump, coefficients=3)
    with pytest.raises(
        TypeError, match=r"Jets: got <function bump.*expected what pinn\.derivatives\.jets\.rule returns"
    ):
        Jets(rules=[bump])
    for wrong in (3, "bump", OWN["composed"][0]):
        with pytest.raises(TypeError, match=r"^Jets: got rules=.*, expected a list of them; give rules=\["):
            Jets(rules=wrong)


def test_a_name_that_torch_does_not_have_is_refused():
    with pytest.raises(AttributeError, match="torch has no 'sinus'"):
        registry.rules_by_name({"sin sinus": torch.sin}, pointwise=True)


def test_coefficients_of_a_wrong_shape_are_named():
    own = rule(bump, coefficients=lambda z, order, width: hermite(z, 1))
    x = torch.rand(3, 1, dtype=torch.float64)
    task = (lambda c: {}, lambda c, o, k: [d(bump(c["x"]), c["x"], c["x"])], ("x",))
    with pytest.raises(ValueError, match=r"rule\(bump\): got shapes \[\(3,\)\]; return 2 tensors of shape \(3,\)"):
        Jets(fallback=False, rules=[own]).bind(*task).residual(x)


def test_the_table_is_never_changed():
    own = rule(torch.tanh, composed=lambda z: 2.0 * torch.sigmoid(2.0 * z) - 1.0)
    table = with_rules([own])
    assert table[torch.tanh] is own and RULES[torch.tanh] is not own
    assert len(table) == len(RULES) and with_rules([]) is RULES
    with pytest.raises(TypeError):
        RULES[torch.tanh] = own
    with pytest.raises(AttributeError):
        own.apply = None
    assert all(isinstance(one, Rule) and one.function is function for function, one in RULES.items())
