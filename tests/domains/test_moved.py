"""Sets that are moved, turned, scaled, revolved and extruded, alone and over other coordinates, and shapes by name.

Gauss's theorem holds to rounding where the set's own quadrature is Gauss's rule and the field a polynomial.
"""

import math

import numpy as np
import pytest
import torch
from scipy.special import ellipe

from pinn.domains import (
    Annulus,
    Ball,
    Box,
    Capsule,
    Cone,
    Cylinder,
    Disc,
    Domain,
    Ellipse,
    Parametric,
    Polygon,
    Scatter,
    Sector,
    Torus,
    Triangle,
)

T, SQUARE = Box(t=(0, 1)), Box(x=(0, 1), y=(0, 1))
PI = math.pi
L = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
# A solid, its measure and that of its boundary.
SOLIDS = {
    "ellipse": (Ellipse(x=1, y=2, radii=(2, 1), angle=0.7), 2 * PI, 8 * ellipe(0.75)),
    "ellipsoid": (
        Ellipse(x=1, y=2, z=3, radii=(1, 1, 2)),
        8 / 3 * PI,
        2 * PI * (1 + 4 / math.sqrt(3) * math.asin(math.sqrt(3) / 2)),
    ),
    "annulus": (Annulus(x=1, y=2, radii=(1, 2)), 3 * PI, 6 * PI),
    "shell": (Annulus(x=1, y=0, z=0, radii=(1, 2)), 28 / 3 * PI, 20 * PI),
    "quarter": (Sector(x=1, y=0, radius=2, angles=(0.3, 0.3 + PI / 2)), PI, 4 + PI),
    "gap": (Sector(x=0, y=0, radius=2, inner=1, angles=(0.5, 6)), 1.5 * 5.5, 2 + 3 * 5.5),
    "triangle": (Triangle((0, 0), (3, 0), (0, 4)).turned(1.0).scaled(2), 24, 24),
    "cylinder": (Cylinder(x=0, y=0, z=(1, 3), radius=1), 2 * PI, 6 * PI),
    "tilted cylinder": (Cylinder(x=0, y=0, z=(1, 3), radius=1).turned(0.5, "y", "z"), 2 * PI, 6 * PI),
    "cone": (Cone(x=1, y=0, z=(0, 4), radius=3), 12 * PI, 24 * PI),
    "frustum": (Cone(x=0, y=0, z=(0, 4), radius=4, top=1), 28 * PI, (17 + 5 * 5) * PI),
    "torus": (Torus(x=0, y=1, z=0, radii=(3, 1)), 6 * PI**2, 12 * PI**2),
    "part of a torus": (
        Disc(r=3, z=0, radius=1).revolved((1, 2), r=("x", "y")),
        3 * PI,
        6 * PI + 2 * PI,
    ),
    "stadium": (Capsule({"x": 0, "y": 0}, {"x": 3, "y": 4}, radius=1), 10 + PI, 10 + 2 * PI),
    "capsule": (Capsule({"x": 0, "y": 0, "z": 0}, {"x": 3, "y": 4, "z": 0}, radius=1), 19 / 3 * PI, 14 * PI),
    "square tube": (
        Polygon([(1, 0), (2, 0), (2, 1), (1, 1)], ("r", "z")).revolved(r=("x", "y")),
        3 * PI,
        6 * PI + 6 * PI,
    ),
    "mirrored": (Triangle((0, 0), (1, 0), (0, 1)).scaled(x=-2).moved(y=1), 1, 3 + math.sqrt(5)),
    "drifting": (Ball(x=0, y=0, z=0, radius=1).moved(x=lambda t: t * t) * T, 4 / 3 * PI, (4 + 8 / 3) * PI),
    "growing": (Disc(x=0, y=0, radius=lambda t: 1 + t) * T, 7 / 3 * PI, 3 * PI + 5 * PI),
    "family": (Disc(x=0, y=0, radius="R") * Box(R=(1, 2)), 7 / 3 * PI, 3 * PI + 5 * PI),
    "stirrer": (Box(x=(-1, 1), y=(-2, 2)).turned(lambda t: 3 * t) * T, 8, 12 + 16),
    "moving wall": (Box(x=(0, 1)).scaled(x=lambda t: 1 + t) * T, 1.5, 2 + 3),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=SOLIDS, ids=[name.replace(" ", "_") for name in SOLIDS])
def case(request):
    return SOLIDS[request.param]


def test_measures_have_their_closed_forms(case):
    solid, measure, around = case
    assert solid.measure == pytest.approx(measure, rel=1e-9)
    assert solid.boundary().measure == pytest.approx(around, rel=1e-9)


def test_the_divergence_theorem(case):
    """The integral of div F is that of F · n, for F = (x₁³ + x₂, x₂³ + x₃, …); over a wall that moves, n has n_t."""
    solid, *_ = case
    (inside, weights), (around, others) = solid.quadrature(20), solid.boundary().quadrature(20)
    divergence = float(weights @ (3 * inside.x**2).sum(1))
    field = around.x**3 + around.x.roll(-1, 1)
    flux = float(others @ (field * around.normals).sum(1))
    # Gauss's rule is exact for polynomials, and converges fast for analytic maps; more dimensions take Sobol' points.
    assert flux == pytest.approx(divergence, rel=1e-9 if solid.dimension <= 3 else 1e-2)


def test_normals_are_gradients_of_the_level(case):
    solid, *_ = case
    points = solid.boundary().sample(200, generator=seeded())
    assert float(solid.level(points.x).abs().max()) < 1e-12
    step, columns = 1e-6, torch.eye(points.x.shape[1], dtype=torch.float64)
    gradient = torch.stack(
        [(solid.level(points.x + step * e) - solid.level(points.x - step * e)) / (2 * step) for e in columns], 1
    )
    cosine = (gradient * points.normals).sum(1) / gradient.norm(dim=1) / points.normals.norm(dim=1)
    assert float((cosine > 1 - 1e-6).double().mean()) > 0.98  # at an edge the level has no gradient


def test_points_belong_and_lie_within_bounds(case):
    solid, *_ = case
    for part in (solid, solid.boundary()):
        points = part.sample(300, generator=seeded())
        assert points.n == 300
        assert bool(part.contains(points.x).all())
        for name, (low, high) in solid.bounds.items():
            assert low - 1e-6 < float(points.column(name).min()), name
            assert float(points.column(name).max()) < high + 1e-6, name


def test_bounds_are_reached(case):
    """To a twentieth of the extent, by a few thousand points of the boundary."""
    solid, *_ = case
    points = solid.boundary().sample(4096, generator=seeded())
    for name, (low, high) in solid.bounds.items():
        column, slack = points.column(name), 0.05 * (high - low)
        assert float(column.min()) < low + slack, name
        assert float(column.max()) > high - slack, name


@pytest.mark.parametrize("name", ["ellipse", "gap", "cone", "torus", "stadium", "growing", "stirrer"])
def test_points_are_spread_evenly(name):
    """Moments of drawn points are those of the set's quadrature; of the boundary too."""
    for part in (SOLIDS[name][0], SOLIDS[name][0].boundary()):
        nodes, weights = part.quadrature(24)
        drawn = part.sample(2**13, generator=seeded(1)).x
        for power in (1, 2):
            wanted = weights @ nodes.x**power / weights.sum()
            size = (weights @ nodes.x**2 / weights.sum()).sqrt() ** power
            assert float(((drawn**power).mean(0) - wanted).abs().div(size).max()) < 0.03, (power, part)


def test_a_radius_that_is_a_coordinate():
    family = Disc(x=0, y=0, radius="R") * Box(R=(0.5, 1))
    points = family.sample(2000, generator=seeded())
    x, y, R = points.x.T
    assert bool((x * x + y * y <= R * R * (1 + 1e-12)).all())
    # The share of points with R below 3/4 is that of ∫ R² dR, not that of the interval.
    assert float((R < 0.75).double().mean()) == pytest.approx((0.75**3 - 0.5**3) / (1 - 0.5**3), abs=0.02)
    ends = family.face(R=1).sample(50, generator=seeded())
    assert ends.x[:, 2].unique().tolist() == [1.0]
    assert ends.normals.unique(dim=0).tolist() == [[0, 0, 1]]
    walls = (Disc(x=0, y=0, radius="R").boundary() * Box(R=(0.5, 1))).sample(50, generator=seeded())
    torch.testing.assert_close(walls.normals[:, :2] * walls.x[:, 2:], walls.x[:, :2])


def test_normals_of_a_moving_wall_carry_its_speed():
    """A wall at x = 1 + t² moves at 2t; its normal along x is 1 and along t −2t."""
    front = Box(x=(0, 1)).scaled(x=lambda t: 1 + t * t).boundary() * Box(t=(0, 2))
    points = front.sample(64, generator=seeded())
    moving = points.x[:, 0] > 0
    assert points.normals[moving, 0].unique().tolist() == [1.0]
    torch.testing.assert_close(points.normals[moving, 1], -2 * points.x[moving, 1])
    assert points.normals[~moving].unique(dim=0).abs().tolist() == [[1.0, 0.0]]


def test_they_combine_with_the_sets_that_were_there():
    ring = Annulus(x=0, y=0, radii=(1, 2))
    box = Box(x=(-3, 3), y=(-3, 3))
    assert (box - Ellipse(x=0, y=0, radii=(2, 1))).measure == pytest.approx(36 - 2 * PI, rel=1e-12)
    assert (box - ring).measure == pytest.approx(36 - 3 * PI, rel=1e-12)
    assert (ring | Disc(x=0, y=0, radius=1.0)).measure == pytest.approx(4 * PI, rel=1e-3)
    assert (ring & Box(x=(0, 3), y=(0, 3))).measure == pytest.approx(0.75 * PI, rel=5e-3)
    assert (box - ring).boundary().measure == pytest.approx(24 + 6 * PI, rel=1e-3)
    pierced = L - Disc(x=-0.5, y=-0.5, radius=0.2)
    assert pierced.turned(0.5).moved(x=1).measure == pytest.approx(3 - 0.04 * PI, rel=1e-3)
    assert (pierced * Box(z=(0, 2))).turned(0.5, "y", "z").measure == pytest.approx(6 - 0.08 * PI, rel=1e-3)
    carved = (pierced.turned(0.5).boundary()).sample(500, generator=seeded())
    step = 1e-6 * carved.normals
    solid = pierced.turned(0.5)
    assert float((solid.contains(carved.x - step) & ~solid.contains(carved.x + step)).double().mean()) > 0.98
    channel = box * T - Disc(x=lambda t: t, y=0, radius=0.5) * T  # a cylinder drifts through a channel
    assert channel.measure == pytest.approx(36 - 0.25 * PI, rel=1e-3)
    walls = channel.boundary().sample(500, generator=seeded())
    assert float((channel.level(walls.x).abs() < 1e-12).double().mean()) == 1.0


def test_parameters_of_a_family_stay_parameters():
    family, values = SQUARE.parameter(k=(1, 2)), Box(k=(1, 2))
    hole = Disc(x=0.5, y=0.5, radius=0.1) * values
    made = [family - hole, family - hole - hole.moved(x=0.3), family & hole, family | family.moved(x=2), family * T]
    made += [T * family, family.moved(x=1), family.turned(0.3, "x", "y"), family.scaled(x=2), family.named(all=family)]
    for domain in made:
        assert domain.parameters == ("k",), domain
    assert (family * T).parameter(q=(0, 1)).parameters == ("k", "q")
    assert (SQUARE - Disc(x=0.5, y=0.5, radius=0.1)).parameters == ()


def test_motions_follow_each_other_and_may_be_undone():
    there = L.moved(x=1, y=2).turned(0.3).scaled(2, about={"x": 1, "y": 1})
    back = there.scaled(0.5, about={"x": 1, "y": 1}).turned(-0.3).moved(x=-1, y=-2)
    x = Box(x=(-2, 2), y=(-2, 2)).sample(200, generator=seeded()).x
    torch.testing.assert_close(back.level(x), L.level(x))
    assert back.bounds["x"] == pytest.approx((-1, 1))
    seen = Scatter({"x": [1.0, 0.0], "y": [0.0, 1.0]}, {"u": [3.0, 4.0]}).turned(PI / 2)
    points = seen.sample(1, generator=seeded())
    torch.testing.assert_close(points.x, torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64))
    assert points.values["u"].tolist() == [3.0, 4.0]
    assert Box(x=(0, 1), y=(0, 2), z=(0, 3)).face(x=0, y=0).turned(1.0, "x", "y").measure == 3


def test_any_number_of_dimensions():
    names = [f"x{i}" for i in range(5)]
    ball = Ball(radius=1, **dict.fromkeys(names, 0)).scaled(x0=3).turned(0.4, "x0", "x3").moved(x2=7)
    assert ball.measure == pytest.approx(3 * 8 * PI**2 / 15, rel=1e-12)
    assert bool(ball.contains(ball.sample(100, generator=seeded()).x).all())
    shell = Annulus(radii=(1, 2), **dict.fromkeys(names, 0))
    assert shell.measure == pytest.approx(31 * 8 * PI**2 / 15, rel=1e-12)
    assert shell.boundary().measure == pytest.approx(17 * 8 * PI**2 / 3, rel=1e-12)
    rod = Capsule(dict.fromkeys(names, 0), dict.fromkeys(names, 1), radius=0.5)
    assert rod.measure == pytest.approx(8 * PI**2 / 15 / 32 + math.sqrt(5) * PI**2 / 2 / 16, rel=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: L.moved(), r"moved: got no coordinate; give one and how far"),
        (lambda: L.moved(z=1), r"moved: no coordinate 'z'; choose among \['x', 'y'\]"),
        (lambda: L.moved(x=math.nan), r"moved: got x=nan, expected a finite number"),
        (lambda: L.moved(x="1t"), r"moved: got x='1t', expected the name of a coordinate"),
        (lambda: L.moved(x=lambda: 1), r"moved: x is a function of no coordinate"),
        (lambda: L.scaled(0), r"scaled: got a factor 0, which leaves nothing"),
        (lambda: L.scaled(), r"scaled: give one factor"),
        (lambda: L.scaled(2, x=1), r"scaled: give one factor"),
        (lambda: L.turned(1, "x", "z"), r"turned: no coordinate 'z'"),
        (lambda: (L * T).turned(1), r"turned: got the plane \['x', 'y', 't'\], expected two"),
        (lambda: L.turned(1, about={"z": 0}), r"about: no coordinate 'z'"),
        (lambda: L.moved(x="s") * T, r"it depends on 's'; multiply by a set of it, e.g. ... \* Box\(s=\(0, 1\)\)"),
        (lambda: L.moved(x="t") * Box(t=(0, 1), x=(0, 1)), r"both factors have the coordinate 'x'"),
        (lambda: Box(x=(0, 1), y=(0, 1), z=(0, 1)).face(x=0, y=0).scaled(z=2), r"has no normals, .* scale evenly"),
        (lambda: L.moved(x=1).face(x=2), r"face: \['x'\] has no flat face .* move a face instead"),
        (lambda: L.revolved(r=("x", "y")), r"revolved: no coordinate 'r'"),
        (lambda: L.revolved(x=("a",)), r"revolved: got \['a'\], expected two coordinates or more"),
        (lambda: L.revolved(x=("y", "z")), r"revolved: the coordinate 'y' comes twice"),
        (lambda: L.revolved(x=("a", "b"), y=("c", "d")), r"revolved: got \['x', 'y'\], expected one coordinate"),
        (lambda: L.revolved((0, 1), x=("a", "b")), r"lies on both sides of the axis; with angles, give x >= 0"),
        (lambda: Box(r=(1, 2)).revolved((0, 7), r=("x", "y")), r"got angles=\(0, 7\), expected \(first, last\)"),
        (lambda: Disc(r=0.5, z=0, radius=1).revolved(r=("x", "y")), r"both sides of the axis, and is not the same"),
        (lambda: Box(r=(-2, -1)).revolved(r=("x", "y")), r"has no r > 0; move it off the axis"),
        (lambda: Ellipse(x=0, y=0, radii=(1,)), r"Ellipse: got radii=\(1,\), expected 2 positive numbers"),
        (lambda: Ellipse(x=0, y=0, radii=(1, -1)), r"Ellipse: got radii\[1\]=-1, expected a positive"),
        (lambda: Annulus(x=0, y=0, radii=(2, 1)), r"Annulus: .* expected \(inner, outer\)"),
        (lambda: Sector(x=0, y=0, radius=1, inner=2, angles=(0, 1)), r"Sector: got 2 coordinates and inner=2"),
        (lambda: Torus(x=0, y=0, z=0, radii=(1, 2)), r"Torus: .* a smaller one of the tube"),
        (lambda: Cone(x=0, y=0, z=1, radius=1), r"Cone: got .* expected two numbers or more and one interval"),
        (lambda: Capsule({"x": 0, "y": 0}, {"x": 0, "z": 0}, radius=1), r"Capsule: got ends in"),
        (lambda: Capsule({"x": 0, "y": 0}, {"x": 0, "y": 0}, radius=1), r"Capsule: both ends are .* give a Ball"),
    ],
)
def test_what_cannot_be_meant_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_an_amount_of_another_type_is_refused():
    with pytest.raises(
        TypeError, match=r"moved: got x=\[1\], expected a number, the name of a coordinate or a function"
    ):
        L.moved(x=[1])
    assert isinstance(Disc(x="t", y=0, radius=1), Parametric)
    assert isinstance(Disc(x=np.int64(0), y=0, radius=np.float32(1)), Ball)
    assert not isinstance(Disc(x="t", y=0, radius=1), Domain)
