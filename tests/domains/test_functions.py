"""Functions as inputs of a domain: their covariance, their terms in other functions, and draws of them."""

import math

import numpy as np
import pytest
import torch

from pinn.derivatives import d
from pinn.domains import Box, Disc, GaussianField, RandomSeries
from pinn.domains.projection import project
from pinn.tables import Table

UNIT = {"x": (0.0, 1.0)}
SQUARE = {"x": (0.0, 1.0), "y": (-1.0, 1.0)}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [0.1, 0.3, 1.0])
def test_the_terms_have_the_covariance_of_the_field(length):
    """Σ ψ_k(x) ψ_k(y) = σ² exp(−(x − y)²/2 l²), but for what further terms would add."""
    terms = GaussianField("x", length=length, size=3.0, accuracy=1e-5).expand(UNIT)
    x = torch.linspace(0, 1, 41, dtype=torch.float64)
    psi = terms.terms([x])
    expected = 9.0 * torch.exp(-0.5 * ((x[:, None] - x) / length) ** 2)
    # The mean square that is left is 9e-10 over the line; at the ends it is up to the number of terms times as much.
    assert float((psi @ psi.T - expected).abs().max()) < 9.0 * terms.count * 1e-10 * 10


def test_the_terms_are_orthogonal_and_what_is_left_is_the_sum_of_the_others():
    many = GaussianField("x", length=0.2, terms=14).expand(UNIT)
    node, weight = np.polynomial.legendre.leggauss(80)
    psi = many.terms([torch.from_numpy(0.5 * (node + 1))]) * torch.from_numpy(np.sqrt(0.5 * weight))[:, None]
    gram = psi.T @ psi
    values = gram.diagonal()
    assert float((gram - torch.diag(values)).abs().max()) < 1e-12
    assert bool((values[1:] < values[:-1]).all())
    few = GaussianField("x", length=0.2, terms=9).expand(UNIT)
    assert few.left**2 == pytest.approx(float(values[9:].sum()) + many.left**2, rel=1e-6)
    chosen = GaussianField("x", length=0.2, accuracy=few.left * (1 + 1e-9)).expand(UNIT)
    assert chosen.count == 9


def test_a_periodic_field_has_the_wrapped_covariance():
    """Σ over shifts of exp(−(x − y − m L)²/2 l²), over its own value at zero."""
    terms = GaussianField("x", length=0.2, periodic="x", accuracy=1e-6).expand({"x": (-1.0, 1.0)})
    x = torch.linspace(-1, 1, 33, dtype=torch.float64)
    psi = terms.terms([x])
    shifts = 2.0 * torch.arange(-4, 5)
    wrapped = torch.exp(-0.5 * ((x[:, None, None] - x[:, None] - shifts) / 0.2) ** 2).sum(-1)
    torch.testing.assert_close(psi @ psi.T, wrapped / wrapped[0, 0], rtol=0, atol=1e-10)
    torch.testing.assert_close(psi[0], psi[-1], rtol=0, atol=1e-13)


def test_a_field_of_two_coordinates_is_made_of_products():
    law = GaussianField(["x", "y"], length={"x": 0.5, "y": 1.0}, accuracy=1e-4)
    terms = law.expand(SQUARE)
    x, y = 2 * torch.rand(2, 30, generator=seeded(), dtype=torch.float64) - 1
    x = 0.5 * (x + 1)
    psi = terms.terms([x, y])
    expected = torch.exp(-0.5 * ((x[:, None] - x) / 0.5) ** 2 - 0.5 * (y[:, None] - y) ** 2)
    assert float((psi @ psi.T - expected).abs().max()) < 1e-5


def test_units_do_not_change_the_terms():
    metres = GaussianField("x", length=0.2, size=2.0).expand(UNIT)
    millimetres = GaussianField("x", length=200.0, size=2e3).expand({"x": (0.0, 1e3)})
    x = torch.linspace(0, 1, 9, dtype=torch.float64)
    assert metres.count == millimetres.count
    torch.testing.assert_close(1e3 * metres.terms([x]), millimetres.terms([1e3 * x]), rtol=1e-9, atol=1e-9)


def test_derivatives_of_a_function_are_exact():
    """Against differences of order four, at every order that equations take."""
    terms = GaussianField("x", length=0.3).expand(UNIT)
    xi = torch.randn(terms.count, generator=seeded(), dtype=torch.float64).tolist()

    def derivative(x, order):
        x = x.clone().requires_grad_()
        value = terms([x], xi)
        for _ in range(order):
            value = d(value, x)
        return value.detach()

    x, h = torch.linspace(0.1, 0.9, 7, dtype=torch.float64), 1e-3
    for order in (1, 2, 3, 4):
        far, near, ahead, beyond = (derivative(x + j * h, order - 1) for j in (-2, -1, 1, 2))
        difference = (far - 8 * near + 8 * ahead - beyond) / (12 * h)
        slope = derivative(x, order)
        torch.testing.assert_close(slope, difference, rtol=0, atol=1e-7 * float(slope.abs().max()))


def test_draws_are_normal_independent_and_cut_off():
    family = Box(x=(0, 1)).function(f=GaussianField("x", length=0.2))
    drawn = family.sample(4096, generator=seeded())
    xi = torch.stack([drawn.column(f"f_{k}") for k in range(1, 12)], 1)
    assert float(xi.abs().max()) <= 4.0
    torch.testing.assert_close(xi.mean(0), torch.zeros(11).double(), rtol=0, atol=0.02)
    torch.testing.assert_close(xi.T @ xi / 4096, torch.eye(11).double(), rtol=0, atol=0.08)
    assert float((drawn.column("x") < 0.25).double().mean()) == pytest.approx(0.25, abs=0.01)


def test_functions_have_no_boundary_and_measure_one():
    disc = Disc(x=0, y=0, radius=1)
    family = disc.function(f=GaussianField(["x", "y"], length=1.0, terms=4)).parameter(k=(1, 3))
    assert family.coordinates == ("x", "y", "f_1", "f_2", "f_3", "f_4", "k")
    assert family.parameters == ("f_1", "f_2", "f_3", "f_4", "k") and list(family.functions) == ["f"]
    assert family.measure == pytest.approx(2 * math.pi)
    square = Box(x=(0, 1), t=(0, 2)).function(f=GaussianField("x", terms=3))
    walls = square.boundary().sample(200, generator=seeded())
    assert float(walls.normals[:, 2:].abs().max()) == 0 and square.boundary().measure == pytest.approx(6)
    assert square.face(t=0).measure == pytest.approx(1)
    line = Box(x=(0, 2)).function(f=GaussianField("x", terms=3))
    extents = {"x": 2.0, **dict.fromkeys(("f_1", "f_2", "f_3"), 8.0)}
    ends = (line.face(x=0) | line.face(x=2)).sample(10, generator=seeded(), extents=extents)
    assert ends.n == 10 and int((ends.column("x") == 2).sum()) == 5
    assert bool(
        square.contains(torch.tensor([[0.5, 1, 3.9, 0, 0], [0.5, 1, 4.1, 0, 0]]).double()).tolist() == [True, False]
    )


def test_several_functions_each_have_their_own_coefficients():
    family = Box(x=(0, 1), t=(0, 1)).function(f=GaussianField("x", terms=2), g=GaussianField("t", terms=3))
    assert family.coordinates == ("x", "t", "f_1", "f_2", "g_1", "g_2", "g_3")
    again = family.function(h=RandomSeries(["x", "t"], [lambda x, t: x * t]))
    assert list(again.functions) == ["f", "g", "h"] and again.coordinates[-1] == "h_1"


def test_projection_finds_the_coefficients_of_what_is_of_the_kind():
    terms = GaussianField("x", length=0.2, size=2.0, mean=1.0).expand(UNIT)
    xi = np.random.default_rng(0).standard_normal(terms.count)

    def f(x):
        return terms([torch.from_numpy(x)], xi.tolist()).numpy()

    found = project("f", terms, f)
    np.testing.assert_allclose(found.coefficients, xi, atol=1e-9)
    assert found.error < 1e-12
    xs = np.linspace(0, 1, 30)
    np.testing.assert_allclose(project("f", terms, {"x": xs, "f": f(xs)}).coefficients, xi, atol=1e-8)
    xs = np.linspace(0, 1, 400)
    np.testing.assert_allclose(project("f", terms, Table({"x": xs}, f(xs))).coefficients, xi, atol=1e-4)
    assert project("f", terms, 1.0).coefficients == pytest.approx(np.zeros(terms.count), abs=1e-12)


def test_what_is_left_of_another_function_is_told():
    """Of |x − ½| no less than its distance from the terms; of few samples nothing, as the likeliest function has it."""
    terms = GaussianField("x", length=0.2).expand(UNIT)
    found = project("f", terms, lambda x: np.abs(x - 0.5))
    x = torch.linspace(0, 1, 20001, dtype=torch.float64)
    wrong = terms([x], found.coefficients.tolist()) - (x - 0.5).abs()
    assert found.left == pytest.approx(float(wrong.square().mean().sqrt()), rel=0.1)  # a kink between nodes
    assert found.error == pytest.approx(found.left / math.sqrt(1 / 12), rel=0.01)
    few = project("f", terms, {"x": [0.2, 0.5, 0.9], "f": [1.0, -1.0, 0.5]})
    assert few.error < 1e-12
    places = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    kernel = terms.terms([places]) @ terms.terms([places]).T
    likeliest = terms.terms([places]).T @ torch.linalg.solve(kernel, torch.tensor([1.0, -1.0, 0.5]).double())
    np.testing.assert_allclose(few.coefficients, likeliest.numpy(), atol=1e-9)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Box(x=(0, 1)).function(), ValueError, "function: got none"),
        (lambda: Box(x=(0, 1)).function(f=3), TypeError, "function: got f=3, expected how it is random"),
        (lambda: Box(x=(0, 1)).function(f=GaussianField), TypeError, "expected how it is random"),
        (lambda: Box(x=(0, 1)).function(f=GaussianField("t")), ValueError, "function 'f': got over='t'; choose among"),
        (lambda: Box(x=(0, 1)).function(x=GaussianField("x")), ValueError, "got the name 'x'"),
        (
            lambda: Box(x=(0, 1)).function(f=GaussianField("x", terms=2)).function(g=GaussianField("f_1")),
            ValueError,
            "function 'g': got over='f_1'",
        ),
        (lambda: GaussianField("x", length=0.0), ValueError, "GaussianField: got length=0.0, expected a positive"),
        (lambda: GaussianField(["x", "x"]), ValueError, "expected each coordinate once"),
        (lambda: GaussianField("x", length={"y": 1}), ValueError, "got length for"),
        (lambda: GaussianField("x", periodic="y"), ValueError, "got periodic='y'"),
        (lambda: GaussianField("x", terms=0), ValueError, "got terms=0"),
        (lambda: GaussianField("x", length=2.0, terms=40).expand(UNIT), ValueError, "got terms=40, of which rounding"),
        (
            lambda: GaussianField("x", length=1e-4).expand(UNIT),
            ValueError,
            "got accuracy=0.001, which 400 terms do not",
        ),
        (lambda: RandomSeries("x", []), ValueError, "RandomSeries: got no function"),
        (lambda: RandomSeries("x", [lambda y: y]), ValueError, "got a function of 'y'"),
        (lambda: RandomSeries("x", [3]), TypeError, "got 3 among the functions"),
        (
            lambda: RandomSeries("x", [lambda x: 1 / (x - x)]).expand(UNIT),
            ValueError,
            "a function of .'x'. that is not fi",
        ),
        (lambda: GaussianField(3), TypeError, "got over=3, expected names of coordinates"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(make, error, said):
    with pytest.raises(error, match=said) as found:
        make()
    assert "\n" not in str(found.value)
