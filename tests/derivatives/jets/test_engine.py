"""Jets and nested autograd give the same numbers: rows, gradient of the loss, J, JᵀJ, Jv and Jᵀw, to 1e-12."""

import math

import pytest
import torch

from pinn.derivatives import biharmonic, curl, d, directional, divergence, grad, hessian, laplacian

NU = 0.01 / math.pi


def burgers(c, o, k):
    return [d(o["u"], c["t"]) + o["u"] * d(o["u"], c["x"]) - NU * d(o["u"], c["x"], c["x"])]


def korteweg_de_vries(c, o, k):
    return [d(o["u"], c["t"]) + o["u"] * d(o["u"], c["x"]) + 0.0025 * d(o["u"], c["x"], c["x"], c["x"])]


def allen_cahn(c, o, k):
    u = o["u"]
    return [d(u, c["t"]) - 1e-4 * d(u, c["x"], c["x"]) + 5 * u**3 - 5 * u]


def poisson(c, o, k):
    return [laplacian(o["u"], c["x"], c["t"]) + torch.exp(o["u"]) - torch.sin(3 * c["x"]) * c["t"]]


def plate(c, o, k):
    return [biharmonic(o["u"], c["x"], c["t"]) - 1]


def conductivity(c, o, k):
    x, t, u = c["x"], c["t"], o["u"]
    a = 1 + 0.5 * torch.sin(x) * t
    return [divergence([a * p for p in grad(u, x, t)], (x, t)) - 1, d(torch.exp(-x) * u, x) - u / (2 + t)]


def inverse(c, o, k):
    x, t, u = c["x"], c["t"], o["u"]
    return [
        d(u, t) - k["nu"] * d(u, x, x) + k["nu"] ** 2 * u,
        d(k["nu"] * torch.sin(u), x) - k["seen"] * u,
        u - k["seen"] - k["nu"],
    ]


def boundary(c, o, k):
    return [
        directional(o["u"], (c["x"], c["t"]), (k["seen"], 1 - k["seen"])),
        torch.where(c["x"] > 0, o["u"], 2 * o["u"] - 1),
        torch.maximum(o["u"], d(o["u"], c["x"])),
    ]


def constant_rows(c, o, k):
    return [d(o["u"], c["x"]), 0.0 * o["u"], d(c["x"], c["x"]) - 1, c["x"] * c["t"], d(c["x"] ** 2, c["x"], c["x"])]


SCALAR = [
    burgers,
    korteweg_de_vries,
    allen_cahn,
    poisson,
    plate,
    conductivity,
    inverse,
    boundary,
    constant_rows,
]


def vorticity(c, o, k):
    x, t, (u, v, p) = c["x"], c["t"], (o[name] for name in "uvp")
    first = u * d(u, x) + v * d(u, t) + d(p, x) - NU * laplacian(u, x, t)
    second = u * d(v, x) + v * d(v, t) + d(p, t) - NU * laplacian(v, x, t)
    w = curl((u, v), (x, t))
    ((uxx, uxt), (_, utt)) = hessian(u, x, t)
    return [first, second, divergence((u, v), (x, t)), d(u * w, x) + w**2, uxx * utt - uxt**2]


@pytest.fixture
def points():
    return 2 * torch.rand(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1


def build(network, ansatz, outputs=("u",), **options):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return ansatz(network, ("x", "t"), outputs, **options)


@pytest.mark.parametrize("equation", SCALAR)
def test_equations(equation, networks, ansatz, twins, points):
    seen = torch.linspace(0.2, 0.9, 7, dtype=torch.float64)
    scale = torch.linspace(0.5, 2.0, 7, dtype=torch.float64)
    for name, options in (("tanh", {}), ("silu", {"hard": True, "periodic": True})):
        model = build(networks[name], ansatz, **options)
        twins(model, equation, points, constants={"seen": seen}, scale=scale, block=4, both=True)


def test_systems(networks, ansatz, twins, points):
    scale = torch.rand(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) + 0.5
    for name in ("tanh", "gated"):
        twins(build(networks[name], ansatz, "uvp"), vorticity, points, scale=scale, block=3, both=True)


@pytest.mark.parametrize(
    "name",
    [
        "tanh",
        "silu",
        "gelu",
        "gelu_tanh",
        "softplus",
        "sigmoid",
        "siren",
        "adaptive",
        "factorised",
        "fourier",
        "gated",
        "normalised",
        "rational",
    ],
)
def test_networks(name, networks, ansatz, twins, points):
    """Every kind of parameter has exact rows: weights used twice, scales, factors, unknown coefficients."""
    seen = torch.linspace(0.2, 0.9, 7, dtype=torch.float64)
    model = build(networks[name], ansatz, hard=True)
    for equation in (korteweg_de_vries, inverse, conductivity, plate):
        twins(model, equation, points, constants={"seen": seen}, block=4)


def test_ten_dimensions(networks, ansatz, twins):
    names = tuple(f"x{i}" for i in range(10))
    points = torch.rand(5, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def equation(c, o, k):
        return [laplacian(o["u"], *c.values()) - o["u"] ** 2 + c["x3"]]

    with torch.random.fork_rng():
        torch.manual_seed(3)
        twins(ansatz(networks["tanh"], names, ("u",)), equation, points)


def test_blocks_do_not_change_the_numbers(networks, ansatz, points):
    from pinn.derivatives.jets.engine import Jets

    model = build(networks["tanh"], ansatz)
    found = [
        Jets(block=block).bind(model.outputs, burgers, model.names).gradient(points, list(model.parameters()))
        for block in (1, 2, 5, 7, 100)
    ]
    for loss, slope in found:
        assert torch.allclose(loss, found[0][0], rtol=1e-13)
        assert torch.allclose(slope, found[0][1], rtol=1e-11, atol=1e-14)


def test_the_jacobian_gives_the_gradient(networks, ansatz, points):
    """Jᵀr = ∇ ½|r|², from two routes of the fast engine."""
    from pinn.derivatives.jets.engine import Jets

    model = build(networks["gated"], ansatz)
    parameters = list(model.parameters())
    bound = Jets(fallback=False).bind(model.outputs, burgers, model.names)
    rows, jacobian = bound.linearize(points, parameters)
    _, slope = bound.gradient(points, parameters)
    assert torch.allclose(jacobian.T @ rows.reshape(-1), slope, rtol=1e-12, atol=1e-14)


def test_a_coefficient_that_changes_between_calls(networks, ansatz, points):
    """A basis is of operators, so a number that a closure changes asks for another basis, not wrong numbers."""
    from pinn.derivatives.autograd import Autograd
    from pinn.derivatives.jets.engine import Jets

    held = {"nu": 0.1}

    def equation(c, o, k):
        return [d(o["u"], c["t"]) - held["nu"] * d(o["u"], c["x"], c["x"])]

    model = build(networks["tanh"], ansatz)
    fast, slow = (e.bind(model.outputs, equation, model.names) for e in (Jets(fallback=False), Autograd()))
    for held["nu"] in (0.1, 0.7, 0.0):
        assert torch.allclose(fast.residual(points), slow.residual(points), rtol=1e-12)


@pytest.mark.parametrize("equation", [burgers, plate])
def test_differentiating_twice_raises(equation, networks, ansatz, points):
    from pinn.derivatives.jets.engine import Jets

    model = build(networks["tanh"], ansatz)
    rows = Jets().bind(model.outputs, equation, model.names).residual(points)
    weight = model.network[0].weight
    (slope,) = torch.autograd.grad(rows.pow(2).sum(), weight, create_graph=True)
    with pytest.raises(RuntimeError, match="second derivatives by the parameters"):
        torch.autograd.grad(slope.sum(), weight)
