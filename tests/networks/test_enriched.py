"""Fixed neurons: their values and derivatives against definitions, J against autograd, and files."""

import math

import numpy as np
import pytest
import torch

from pinn import Annulus, Constraint, Disc, Ellipse, Problem, Sector, laplacian
from pinn.derivatives import Autograd, Jets
from pinn.features.geometry import exponents, singularities
from pinn.features.multi_index import grown, shrunk, simplex
from pinn.model import Model
from pinn.networks import (
    MLP,
    Chebyshev,
    CornerFunctions,
    CornerProducts,
    Enriched,
    HarmonicFunctions,
    HoleFunctions,
    HoleProducts,
    rebuild,
)
from pinn.networks.random_features import RandomNeurons, draw_features
from pinn.objective import Equations, Objective
from pinn.problems import convection, laplace_four_holes, poisson_l_shape, wave_1d
from pinn.sampling.uniform import sample_uniform


def test_products_are_those_of_numpy():
    x = 2 * torch.rand(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    index = [(i, j) for i in range(38) for j in range(9)]
    table = np.polynomial.chebyshev.chebvander2d(x[:, 0].numpy(), x[:, 1].numpy(), (37, 8))
    assert np.abs(Chebyshev([1, 1], index)(x).numpy() - table).max() < 1e-12


def test_periodic_products_are_sines_and_cosines():
    angle = torch.linspace(0, 6, 20, dtype=torch.float64)
    x = torch.stack([torch.cos(angle), torch.sin(angle), 0 * angle + 0.3], 1)
    values = Chebyshev([2, 1], [(0, 0), (1, 0), (2, 0), (7, 1), (8, 1)])(x)
    expected = [
        torch.ones(20),
        torch.cos(angle),
        torch.sin(angle),
        0.3 * torch.cos(4 * angle),
        0.3 * torch.sin(4 * angle),
    ]
    assert torch.allclose(values, torch.stack([e.double() for e in expected], 1), atol=1e-13)


@pytest.mark.parametrize(
    "basis",
    [
        CornerFunctions((0.2, -1.0), (1.0, 0.5), 0.4, [0.5, 2 / 3], [2.0]),
        HoleFunctions((0.1, 0.3), (2.0, 1.0), 3),
        HarmonicFunctions((0.0, 0.0), (1.0, 0.7), 4),
    ],
)
def test_singular_functions_are_harmonic(basis):
    x = torch.rand(30, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    values = basis(x)
    assert values.shape == (30, basis.count)
    for column in values.unbind(1):
        (first,) = torch.autograd.grad(column.sum(), x, create_graph=True)
        laplacian = 0.0
        for axis in (0, 1):
            second = torch.autograd.grad(first[:, axis].sum(), x, retain_graph=True)[0][:, axis]
            laplacian = laplacian + second / basis.stretch[axis] ** 2  # per unit of z, in which it is undistorted
        assert laplacian.abs().max() < 1e-9 * (1 + first.abs().max() ** 2)


def test_products_about_a_hole_are_those_of_numpy():
    degree, basis = 4, HoleProducts((0.2, -0.3), (2.0, 1.0), 4)
    x = 2 * torch.rand(30, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 1
    z = (2.0 * (x[:, 0] - 0.2) + 1j * (x[:, 1] + 0.3)).numpy()
    radius, angle = np.abs(z), np.angle(z)
    radial = np.polynomial.chebyshev.chebvander(2 / radius - 1, degree)
    waves = [np.ones(30), *(f(m * angle) for m in range(1, degree + 1) for f in (np.cos, np.sin))]
    expected = [radial[:, j] * waves[i] for j in range(degree + 1) for i in range(2 * (degree - j) + 1)][1:]
    expected += [2 * np.log(radius) * wave for wave in waves[:5]]
    np.testing.assert_allclose(basis(x).numpy(), np.stack(expected, 1), rtol=1e-11, atol=1e-11)
    assert basis.count == len(expected) == len(set(basis.labels))


@pytest.mark.parametrize("kind", [HoleFunctions, HoleProducts])
def test_functions_of_a_hole_keep_their_labels_in_higher_orders(kind):
    small, large = (kind((0.1, 0.2), (3.0, 2.0), order) for order in (2, 5))
    x = torch.rand(7, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    few, many = (dict(zip(one.labels, one(x).unbind(1), strict=True)) for one in (small, large))
    assert all(torch.equal(values, many[label]) for label, values in few.items())


def test_where_all_coefficients_are_zero_every_degree_grows():
    assert grown(dict.fromkeys(simplex(2, 6), 0.0), 10) == simplex(2, 10)


def test_what_matters_most_of_a_set_is_closed_downwards():
    draw = torch.rand(66, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sizes = dict(zip(simplex(2, 66), draw.tolist(), strict=True))
    few = shrunk(sizes, 30)
    assert len(set(few)) == 30 and max(sizes, key=sizes.__getitem__) in few
    assert all((max(i - 1, 0), j) in few and (i, max(j - 1, 0)) in few for i, j in few)


def test_products_at_a_corner_are_biharmonic_and_those_of_numpy():
    basis = CornerProducts((0.2, -1.0), (1.0, 0.5), 0.4, 1)
    x = torch.rand(30, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    z = ((x[:, 0] - 0.2) + 0.5j * (x[:, 1] + 1.0)).numpy() * np.exp(-0.4j)
    parts = (np.log(np.abs(z)), np.angle(z))
    expected = [factor * part for factor in (1.0, z.imag, z.real) for part in parts]
    assert np.abs(basis(x).numpy() - np.stack(expected, 1)).max() < 1e-13

    def twice(values, at):
        for _ in range(2):
            first = torch.autograd.grad(values.sum(), at, create_graph=True)[0]
            pairs = zip((0, 1), basis.stretch, strict=True)
            values = sum(
                torch.autograd.grad(first[:, k].sum(), at, create_graph=True)[0][:, k] / s**2 for k, s in pairs
            )
        return values

    at = x.requires_grad_()
    for column in basis(at).unbind(1):
        assert float(twice(column, at).detach().abs().max()) < 1e-7


def enriched(problem, bases, network=None, frozen=True):
    def build(inputs, outputs, generator, dtype):
        beside = network and MLP(inputs, outputs, width=6, depth=2, generator=generator)
        return Enriched(inputs, outputs, bases=bases, network=beside or None, frozen=frozen, dtype=dtype)

    model = Model(problem, build, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.network.last.weight.normal_(generator=torch.Generator().manual_seed(1))
    return model


@pytest.mark.parametrize(
    ("problem", "layout", "network", "frozen"),
    [
        (wave_1d, [1, 1], False, True),
        (convection, [2, 1], False, True),
        (laplace_four_holes, [1, 1], True, True),
        (poisson_l_shape, [1, 1], True, False),
    ],
)
def test_rows_of_the_jacobian_are_those_of_autograd(problem, layout, network, frozen):
    problem = problem()
    bases = [Chebyshev(layout, simplex(2, 30)), *singularities(problem).bases(problem, 3)]
    model = enriched(problem, bases, network, frozen)
    points = sample_uniform(problem, 20, torch.Generator().manual_seed(2))
    found = [Objective(Equations(model, engine), points).linearize() for engine in (Jets(fallback=False), Autograd())]
    for fast, slow in zip(*found, strict=True):
        assert float((fast - slow).abs().max()) < 1e-12 * float(slow.abs().max())


def test_a_network_beside_them_is_frozen_or_trained():
    network = MLP(1, 1, width=4, depth=1, generator=torch.Generator().manual_seed(0))
    bases = [Chebyshev([1], [(0,), (1,)])]
    trained = Enriched(1, 1, bases=bases, network=network, frozen=False)
    assert sum(p.numel() for p in trained.parameters() if p.requires_grad) == 2 + sum(
        p.numel() for p in network.parameters()
    )
    frozen = Enriched(1, 1, bases=bases, network=network)
    assert sum(p.numel() for p in frozen.parameters() if p.requires_grad) == 2
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    assert torch.equal(frozen(x), network(x))


def test_it_is_rebuilt_from_plain_values():
    generator = torch.Generator().manual_seed(0)
    inner = Enriched(2, 1, bases=[HoleFunctions((0, 0), (1, 1), 2)], network=MLP(2, 1, width=4, generator=generator))
    own = RandomNeurons.of(draw_features(torch.zeros(5, 3, dtype=torch.float64), (1.0, 3.0), generator))
    products = CornerProducts((1, -1), (1, 0.5), 2.3, 2)
    bases = [Chebyshev([1, 1], simplex(2, 10)), CornerFunctions((0, 0), (1, 1), 0.1, [0.5], [2.0]), products, own]
    network = Enriched(2, 1, bases=bases, network=inner, mean=torch.tensor([0.3]), size=torch.tensor([2.0]))
    with torch.no_grad():
        network.last.weight.normal_(generator=generator)
    again = rebuild("Enriched", {**network.arguments, "inputs": 2, "outputs": 1})
    again.load_state_dict(network.state_dict())
    x = torch.rand(6, 2, generator=generator, dtype=torch.float64)
    assert torch.equal(again(x), network(x))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Chebyshev([1], []),
        lambda: Chebyshev([1, 1], [(0,)]),
        lambda: Chebyshev([3], [(0,)]),
        lambda: Chebyshev([1], [(-1,)]),
        lambda: CornerFunctions((0.0,), (1.0, 1.0), 0.0, [0.5], []),
        lambda: CornerProducts((0.0, 0.0), (1.0, 1.0), 0.0, -1),
        lambda: Enriched(1, 1, bases=[]),
        lambda: Enriched(1, 1, bases=[{"basis": "Unknown"}]),
    ],
)
def test_what_cannot_be_meant_is_refused(build):
    with pytest.raises(ValueError, match="got"):
        build()


def test_sets_grow_where_coefficients_are_and_stay_closed():
    sizes = {index: 2.0 ** -(index[0] + 8 * index[1]) for index in simplex(2, 10)}
    larger = grown(sizes, 30)
    assert len(set(larger)) == 30
    assert max(i for i, _ in larger) >= 3 * max(j for _, j in larger)
    for index in larger:
        for axis in (0, 1):
            below = tuple(k - (a == axis) for a, k in enumerate(index))
            assert min(below) < 0 or below in larger


def test_corners_and_holes_are_found():
    corners = singularities(poisson_l_shape()).corners
    assert sorted(round(corner.opening / math.pi, 9) for corner in corners) == [0.5] * 5 + [1.5]
    (reentrant,) = [corner for corner in corners if corner.opening > math.pi]
    assert reentrant.place == (0.0, 0.0)
    assert math.cos(reentrant.direction - math.radians(225)) == pytest.approx(1)
    assert {hole.place for hole in singularities(laplace_four_holes()).holes} == {
        (a, b) for a in (-0.3, 0.3) for b in (-0.3, 0.3)
    }
    assert exponents(2 * math.pi, 1)[0] == [0.25, 0.5]


@pytest.mark.parametrize(
    ("domain", "holes"),
    [
        (Annulus(x=0, y=0, radii=(1, 2)), {(0.0, 0.0): 1}),
        (Annulus(x=0.5, y=-1, radii=(1, 2)).moved(x=1), {(1.5, -1.0): 1}),
        (Annulus(x=0, y=0, radii=(1, 2)).scaled(x=2), {}),
        (Sector(x=0, y=0, radius=2, angles=(0, 1), inner=1), {}),
        (Disc(x=0, y=0, radius=2) - Disc(x=0.3, y=0, radius=1), {(0.3, 0.0): 1}),
        (Annulus(x=0, y=0, radii=(1, 2)) - Disc(x=1.5, y=0, radius=0.2), {(0.0, 0.0): 1, (1.5, 0.0): 0.2}),
        (Ellipse(x=0, y=0, radii=(2, 1)), {}),
    ],
    ids=["annulus", "moved", "no circle", "sector", "discs", "both", "ellipse"],
)
def test_what_is_taken_from_a_disc_is_a_hole(domain, holes):
    problem = Problem(domain, ["u"], {"equation": Constraint(lambda u, x, y: laplacian(u, x, y), on=domain)})
    assert {hole.place: hole.radius for hole in singularities(problem).holes} == holes


def test_without_a_graph_the_sums_are_the_same():
    model = enriched(laplace_four_holes(), [Chebyshev([1, 1], simplex(2, 60)), HoleFunctions((0.1, 0), (1, 1), 3)])
    x = 2 * torch.rand(30, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64) - 1
    with torch.no_grad():
        fast = model.network(x)
    assert torch.allclose(fast, model.network(x), rtol=1e-12, atol=1e-12)
