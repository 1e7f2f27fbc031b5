"""Boundaries: unit normals that point out, Gauss' theorem, and what coincides, touches or is covered."""

import math

import pytest
import torch

from pinn.domains import Ball, Box, Disc, Polygon

SQUARE = Box(x=(-1, 1), y=(-1, 1))
DISC = Disc(x=0.8, y=0.2, radius=0.5)
TRIANGLE = Polygon([(0, 0), (2, 0.5), (-0.5, 2)])
SOLIDS = {
    "interval": Box(x=(-1, 3)),
    "box": Box(x=(-1, 1), y=(0, 2), z=(0, 0.5)),
    "disc": DISC,
    "ball": Ball(x=0, y=1, z=2, radius=3),
    "ball in four": Ball(a=0, b=1, c=2, d=0, radius=0.7),
    "triangle": TRIANGLE,
    "clockwise": Polygon([(0, 0), (0, 1), (1, 1), (1, 0)]),
    "star": Polygon(
        [(math.cos(k * math.pi / 5) * r, math.sin(k * math.pi / 5) * r) for k in range(10) for r in [1 - 0.6 * (k % 2)]]
    ),
    "hole": SQUARE - Disc(x=0.2, y=0.1, radius=0.5),
    "bite": SQUARE - DISC,
    "bite out of a disc": DISC - SQUARE,
    "union": SQUARE | DISC,
    "intersection": SQUARE & DISC,
    "nested": ((SQUARE | DISC) - TRIANGLE) & Disc(x=0, y=0, radius=1.2),
    "hole with an island": SQUARE - (Disc(x=0, y=0, radius=0.8) - Disc(x=0, y=0, radius=0.4)),
    "cylinder": Disc(x=0, y=0, radius=1) * Box(t=(0, 2)),
    "holed prism": (SQUARE - DISC) * Box(t=(0, 2)),
    "touching boxes": Box(x=(0, 1), y=(0, 1)) | Box(x=(1, 2), y=(0, 0.5)),
    "overlapping edges": Box(x=(0, 1), y=(0, 1)) | Box(x=(0.5, 2), y=(0, 1)),
    "shared edge removed": Box(x=(0, 2), y=(0, 1)) - Box(x=(1, 2), y=(0, 1)),
    "small hole": Box(x=(0, 1), y=(0, 1)) - Disc(x=0.5, y=0.5, radius=1e-3),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=SOLIDS, ids=[name.replace(" ", "_") for name in SOLIDS])
def solid(request):
    return SOLIDS[request.param]


def test_normals_are_unit_vectors_that_point_out(solid):
    points = solid.boundary().sample(500, generator=seeded())
    assert points.normals is not None
    torch.testing.assert_close(points.normals.norm(dim=1), torch.ones(points.n, dtype=torch.float64))
    step = 1e-6 * points.normals
    outside, inside = ~solid.contains(points.x + step), solid.contains(points.x - step)
    # A corner may be nearer than the step.
    assert float((outside & inside).double().mean()) > 0.99


def test_the_divergence_theorem(solid):
    """The integral of div F over the solid is that of F · n over its boundary, for F = (x₁³ + x₂, x₂³ + x₃, …)."""
    inside = solid.sample(2**15, generator=seeded(1))
    surface = solid.boundary()
    around = surface.sample(2**15, generator=seeded(2))
    divergence = (3 * inside.x**2).sum(1)
    flux = ((around.x**3 + around.x.roll(-1, 1) * (around.x.shape[1] > 1)) * around.normals).sum(1)
    left, right = solid.measure * float(divergence.mean()), surface.measure * float(flux.mean())
    assert left == pytest.approx(right, rel=4e-3)


def test_the_boundary_of_a_boundary_is_refused(solid):
    with pytest.raises(ValueError, match="has no inside"):
        solid.boundary().boundary()


def test_a_hole_turns_its_normals_around():
    domain = Box(x=(-0.5, 0.5), y=(-0.5, 0.5)) - Disc(x=0.3, y=0.3, radius=0.1)
    points = domain.boundary().sample(2000, generator=seeded())
    radial = points.x - 0.3
    hole = radial.norm(dim=1) < 0.1 + 1e-9
    torch.testing.assert_close(points.normals[hole], -radial[hole] / 0.1)
    assert float(hole.double().mean()) == pytest.approx(0.2 * math.pi / (4 + 0.2 * math.pi), abs=1e-3)


def test_coinciding_boundaries_count_once():
    lengths = {
        "touching boxes": 6.0,
        "overlapping edges": 6.0,
        "shared edge removed": 4.0,
    }
    for name, length in lengths.items():
        assert SOLIDS[name].boundary().measure == pytest.approx(length, rel=2e-4), name


def test_a_lens_has_two_arcs():
    """Two unit circles at distance one: each arc of the lens spans 2π/3."""
    lens = Disc(x=0, y=0, radius=1) & Disc(x=1, y=0, radius=1)
    assert lens.boundary().measure == pytest.approx(4 * math.pi / 3, rel=1e-3)
    assert lens.measure == pytest.approx(2 * math.pi / 3 - math.sqrt(3) / 2, rel=1e-3)


def test_normals_of_a_product_lie_in_one_factor():
    side = (Disc(x=0, y=0, radius=1).boundary() * Box(t=(0, 2))).sample(50, generator=seeded())
    assert side.normals[:, 2].abs().max() == 0
    torch.testing.assert_close(side.normals[:, :2], side.x[:, :2])
    lid = (Disc(x=0, y=0, radius=1) * Box(t=(0, 2))).face(t=2).sample(50, generator=seeded())
    assert lid.normals.unique(dim=0).tolist() == [[0, 0, 1]]
    assert lid.constants()["nt"].tolist() == [1.0] * 50


def test_units_of_the_coordinates_do_not_matter():
    """A channel in metres and nanoseconds."""
    channel = Box(x=(0, 1e3), t=(0, 1e-9)) - Box(x=(0, 1e2), t=(0, 5e-10))
    assert channel.measure == pytest.approx(0.95e-6, rel=1e-12)
    points = channel.boundary().sample(400, generator=seeded())
    step = points.normals * torch.tensor([1e-3, 1e-15], dtype=torch.float64)
    assert bool(channel.contains(points.x - step).all())
    assert not bool(channel.contains(points.x + step).any())
