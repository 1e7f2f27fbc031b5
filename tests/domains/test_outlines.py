"""Smooth outlines through points, polygons with holes, shapely's geometries."""

import math

import pytest
import shapely
import torch
from shapely.geometry import LineString, Point, box

from pinn import Constraint, Exact, Problem, laplacian
from pinn.domains import Box, Difference, Disc, Polygon, Spline, Union, from_shapely

PI = math.pi
L = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def around(n, shape=lambda a: 1 + 0.3 * torch.cos(3 * a)):
    angles = torch.arange(n, dtype=torch.float64) * 2 * PI / n
    return torch.stack([shape(angles) * torch.cos(angles), shape(angles) * torch.sin(angles)], 1)


CLOVER = Spline(around(40))


def test_a_spline_converges_to_the_curve_it_goes_through():
    """To fourth order; the area of r = 1 + 0.3 cos 3φ is π (1 + 0.09/2)."""
    errors = [abs(Spline(around(n)).measure - PI * 1.045) for n in (20, 40, 80)]
    assert errors[0] / errors[1] > 12
    assert errors[1] / errors[2] > 12
    assert errors[2] < 1e-4
    circle = Spline(around(64, torch.ones_like))
    assert circle.boundary().measure == pytest.approx(2 * PI, rel=1e-6)
    assert circle.bounds["x"] == pytest.approx((-1, 1), abs=1e-6)


def test_bounds_hold_a_curve_that_is_symmetric_between_its_points():
    rounded = Spline([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    for spline in (rounded, rounded.turned(0.25 * PI), Spline([(1, 0), (0, 1), (-1, 0), (0, -1)]).turned(0.25 * PI)):
        x = spline.boundary().sample(2000, generator=seeded()).x
        for column, (low, high) in zip(x.T, spline.bounds.values(), strict=True):
            assert float(column.min()) == pytest.approx(low, abs=1e-3)
            assert float(column.max()) == pytest.approx(high, abs=1e-3)
            assert low - 1e-12 < float(column.min())
            assert float(column.max()) < high + 1e-12


def test_points_normals_and_distances():
    points = CLOVER.boundary().sample(400, generator=seeded())
    assert float(CLOVER.level(points.x).abs().max()) < 1e-12
    step = 1e-6 * points.normals
    assert not bool(CLOVER.contains(points.x + step).any())
    assert bool(CLOVER.contains(points.x - step).all())
    extent = max(high - low for low, high in CLOVER.bounds.values())
    away = CLOVER.level(points.x + 1e-3 * points.normals) * extent
    torch.testing.assert_close(away, torch.full((400,), 1e-3, dtype=torch.float64))
    x = Box(x=(-1.5, 1.5), y=(-1.5, 1.5)).sample(2000, generator=seeded()).x
    radius, angle = x.norm(dim=1), torch.atan2(x[:, 1], x[:, 0])
    beyond = radius - (1 + 0.3 * torch.cos(3 * angle))
    assert torch.equal(CLOVER.contains(x)[beyond.abs() > 1e-3], (beyond < 0)[beyond.abs() > 1e-3])
    for part in (CLOVER, CLOVER.boundary()):
        for name, (low, high) in CLOVER.bounds.items():
            column = part.sample(500, generator=seeded()).column(name)
            assert low - 1e-12 < float(column.min())
            assert float(column.max()) < high + 1e-12


def test_the_divergence_theorem_on_a_spline():
    """∮ x · n is twice the area, by Gauss's rule; points by arc length are spread as it is."""
    points, weights = CLOVER.boundary().quadrature(12)
    assert float(weights @ (points.x * points.normals).sum(1)) == pytest.approx(2 * CLOVER.measure, rel=1e-10)
    drawn = CLOVER.boundary().sample(2**12, generator=seeded()).x
    wanted = weights @ points.x**2 / weights.sum()
    torch.testing.assert_close((drawn**2).mean(0), wanted, rtol=2e-3, atol=0)


def test_a_spline_combines_and_moves():
    assert CLOVER.scaled(x=2).turned(0.3).measure == pytest.approx(2 * CLOVER.measure, rel=1e-12)
    assert (CLOVER * Box(z=(0, 2))).boundary().measure == pytest.approx(
        2 * CLOVER.measure + 2 * CLOVER.boundary().measure, rel=1e-10
    )


def test_measures_of_polygons_with_holes_are_exact():
    hole = Polygon([(-0.8, -0.8), (-0.6, -0.8), (-0.6, -0.6)])
    holed = L - hole - Disc(x=0.5, y=-0.5, radius=0.2)
    assert holed.measure == pytest.approx(3 - 0.02 - 0.04 * PI, rel=1e-13)
    assert holed.boundary().measure == pytest.approx(8 + hole.boundary().measure + 0.4 * PI, rel=1e-13)
    assert (L - Disc(x=0, y=0, radius=0.2)).measure == pytest.approx(3 - 0.03 * PI, rel=3e-3)
    assert not L.encloses(Polygon([(-0.5, 0.5), (-0.1, -0.5), (0.5, -0.1)]))  # all corners inside, an edge is not


def test_geometries_of_shapely():
    plate = box(-2, -2, 2, 2).difference(Point(0, 0).buffer(1)).difference(box(1.2, 1.2, 1.8, 1.8))
    made = from_shapely(plate)
    assert isinstance(made, Difference)
    assert made.measure == pytest.approx(plate.area, rel=1e-12)
    assert made.boundary().measure == pytest.approx(plate.length, rel=1e-12)
    x = Box(x=(-2, 2), y=(-2, 2)).sample(1000, generator=seeded()).x
    assert made.contains(x).tolist() == shapely.contains_xy(plate, *x.T.numpy()).tolist()
    pipes = LineString([(0, 0), (3, 0), (3, 2)]).buffer(0.2).union(Point(0, 3).buffer(0.5))
    made = from_shapely(pipes, ("a", "b"))
    assert isinstance(made, Union)
    assert made.coordinates == ("a", "b")
    assert made.measure == pytest.approx(pipes.area, rel=1e-3)
    problem = Problem(
        from_shapely(plate),
        ["u"],
        {"equation": Constraint(lambda u, x, y: laplacian(u, x, y) + 1, on=from_shapely(plate))},
        exactly=[Exact(on=from_shapely(plate).boundary(), u=0)],
    )
    edge = from_shapely(plate).boundary().sample(200, generator=seeded()).x
    assert float(problem.ansatz["u"](u=torch.ones(200), x=edge[:, 0], y=edge[:, 1]).abs().max()) < 1e-13


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match=r"corners have shape \(2, 2\)"):
        Spline([(0, 0), (1, 1)])
    with pytest.raises(ValueError, match=r"cross or touch"):
        Spline([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(TypeError, match=r"from_shapely: got a LineString, expected a Polygon"):
        from_shapely(LineString([(0, 0), (1, 1)]))
    with pytest.raises(TypeError, match=r"from_shapely: got a int"):
        from_shapely(3)
    with pytest.raises(ValueError, match=r"from_shapely: the geometry is empty; mend it"):
        from_shapely(shapely.Polygon())
    with pytest.raises(ValueError, match=r"the geometry is not valid; mend it"):
        from_shapely(shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))
