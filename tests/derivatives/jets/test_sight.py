"""Integrals and values elsewhere: jets and nested autograd give the same numbers, rows of J included, to 1e-12."""

import math

import pytest
import torch

from pinn.derivatives import Autograd, at, d, integral

TWO = ("x", "t")


def volterra(c, o, k):
    return [d(o["u"], c["t"]) - integral(o["u"], "t", 0, c["t"], kernel=lambda x, t, s: torch.exp(s - t) * x, nodes=5)]


def fredholm(c, o, k):
    u, x, t = o["u"], c["x"], c["t"]
    seen = integral(u * d(u, x) + k["nu"] * x, "x", -1, 1, kernel=lambda x, s: torch.cos(x * s), nodes=4)
    return [u - seen, d(seen, x), d(seen, x, t)]


def moving(c, o, k):
    """Limits that move with the point, their derivatives, and a product with what is integrated."""
    u, x, t = o["u"], c["x"], c["t"]
    area = integral(
        u**2, ("x", "t"), (x * t, 0), (x + 1, t), kernel=lambda x, s_x, s_t: torch.sin(x + s_x * s_t), nodes=3
    )
    return [d(area, x) - u, d(area * u, t, t), torch.exp(area) * k["seen"]]


def delays(c, o, k):
    u, x, t = o["u"], c["x"], c["t"]
    late = at(u, t=t - k["nu"])
    return [d(u, t) + late, d(late, t) * x + at(d(u, x, x), x=0.3, t=torch.sin(t)), at(u, t=t - 0.1 * u**2) * k["seen"]]


def within(c, o, k):
    """Integrals of what is itself seen, side by side: an expression is found without the calls before it."""
    u, x, t = o["u"], c["x"], c["t"]
    inner = integral(u * x, "x", 0, x, nodes=3)
    return [
        integral(inner * u, "t", 0, t, nodes=2) + at(inner, t=0.5),
        d(integral(d(inner, x) * u, "t", 0, t, nodes=2), x),
    ]


@pytest.fixture
def points():
    return 2 * torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1


def build(network, ansatz, **options):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return ansatz(network, TWO, ("u",), **options)


@pytest.mark.parametrize("equation", [volterra, fredholm, moving, delays, within])
def test_twins(equation, networks, ansatz, twins, points):
    seen = torch.linspace(0.2, 0.9, 5, dtype=torch.float64)
    scale = torch.linspace(0.5, 2.0, 5, dtype=torch.float64)
    model = build(networks["tanh"], ansatz, hard=True)
    twins(model, equation, points, constants={"seen": seen}, scale=scale, block=2)


def test_kinds_of_parameters(networks, ansatz, twins, points):
    """Scales and factors meet the nodes' own copies."""
    seen = torch.linspace(0.2, 0.9, 5, dtype=torch.float64)
    for name in ("adaptive", "factorised"):
        twins(build(networks[name], ansatz), delays, points, constants={"seen": seen}, block=3)


def rows(equation, model, points, names=("x",)):
    return Autograd().bind(model, equation, names).residual(points)


def test_closed_forms():
    x = torch.linspace(0.1, 1.2, 4, dtype=torch.float64)[:, None]
    found = rows(
        lambda c, o, k: [
            integral(o["u"] ** 2, "x", 0, c["x"]),
            d(integral(o["u"], "x", c["x"], c["x"] ** 2), c["x"]),
            integral(1.0, "x", c["x"], 2, kernel=lambda x, s: x * s),
            d(at(o["u"], x=2 * c["x"]), c["x"]),
            at(d(o["u"], c["x"]), x=0.25),
        ],
        lambda c: {"u": torch.sin(c["x"])},
        x,
    )
    y = x[:, 0]
    exact = [
        y / 2 - torch.sin(2 * y) / 4,
        2 * y * torch.sin(y**2) - torch.sin(y),
        y * (4 - y**2) / 2,
        2 * torch.cos(2 * y),
        torch.full_like(y, math.cos(0.25)),
    ]
    torch.testing.assert_close(found, torch.stack(exact, 1), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda o, c: integral(o["u"], "y"), "expected one of the coordinates"),
        (lambda o, c: integral(o["u"], "x"), "got no from_ for 'x'"),
        (lambda o, c: integral(o["u"], "x", (0, 1), (1, 2)), "got 2 limits"),
        (lambda o, c: integral(o["u"], "x", 0, 1, kernel=lambda y, s: s), "the kernel takes 'y'"),
        (lambda o, c: at(o["u"]), "got no coordinate"),
        (lambda o, c: at(o["u"], x=torch.zeros(3)), "got a place of shape"),
    ],
)
def test_refusals(call, message):
    x = torch.zeros(2, 1, dtype=torch.float64)
    with pytest.raises(ValueError, match=message):
        rows(lambda c, o, k: [call(o, c)], lambda c: {"u": c["x"]}, x)


def test_outside_of_an_equation():
    with pytest.raises(ValueError, match="outside of an equation"):
        integral(torch.ones(3), "x", 0, 1)
