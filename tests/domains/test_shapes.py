"""Single shapes: closed forms of their measure, faces, and the errors of what cannot be meant."""

import math

import numpy as np
import pytest
import torch

from pinn.domains import Ball, Box, Disc, Point, Points, Polygon, Scatter


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_measures_have_their_closed_forms():
    box = Box(x=(-1, 1), y=(0, 3), z=(0, 0.5))
    assert box.measure == 3
    assert box.face(x=1).measure == 1.5
    assert box.face(x=1, y=0).measure == 0.5
    assert box.face(x=1, y=0, z=0.5).measure == 1
    assert box.boundary().measure == 2 * (1.5 + 1 + 6)
    assert Box(x=(0, 4)).boundary().measure == 2
    assert Disc(x=1, y=2, radius=3).measure == pytest.approx(9 * math.pi, rel=1e-14)
    assert Disc(x=1, y=2, radius=3).boundary().measure == pytest.approx(6 * math.pi, rel=1e-14)
    assert Ball(x=0, y=0, z=0, radius=2).measure == pytest.approx(32 / 3 * math.pi, rel=1e-14)
    assert Ball(x=0, y=0, z=0, radius=2).boundary().measure == pytest.approx(16 * math.pi, rel=1e-14)
    assert Ball(a=0, b=0, c=0, d=0, radius=2).measure == pytest.approx(8 * math.pi**2, rel=1e-14)
    assert Polygon([(0, 0), (3, 0), (0, 4)]).measure == 6
    assert Polygon([(0, 0), (3, 0), (0, 4)]).boundary().measure == 12
    assert Scatter({"x": [1.0, 2.0, 3.0]}).measure == 3


def test_measures_of_combinations_are_exact_where_bounds_tell():
    square = Box(x=(-0.5, 0.5), y=(-0.5, 0.5))
    discs = [Disc(x=a, y=b, radius=0.1) for a in (-0.3, 0.3) for b in (-0.3, 0.3)]
    holes = square - discs[0] - discs[1] - discs[2] - discs[3]
    assert holes.measure == pytest.approx(1 - 0.04 * math.pi, rel=1e-14)
    assert holes.boundary().measure == pytest.approx(4 + 0.8 * math.pi, rel=1e-14)
    assert (holes * Box(t=(0, 2))).measure == pytest.approx(2 - 0.08 * math.pi, rel=1e-14)
    assert (discs[0] | discs[1] | discs[2]).measure == pytest.approx(0.03 * math.pi, rel=1e-14)
    one, two = Box(x=(0, 2), y=(0, 1)), Box(x=(1, 3), y=(0.5, 2))
    assert (one & two).measure == pytest.approx(0.5, rel=1e-14)
    assert (one | two).measure == pytest.approx(4.5, rel=1e-14)
    assert (one - two).measure == pytest.approx(1.5, rel=1e-14)


def test_faces_keep_all_coordinates_and_know_their_side():
    box = Box(x=(-1, 1), t=(0, 2))
    points = box.face(x=-1).sample(20, generator=seeded())
    assert points.column("x").unique().tolist() == [-1]
    assert points.normals.unique(dim=0).tolist() == [[-1, 0]]
    assert sorted(points.constants()) == ["nt", "nx"]
    assert len(box.faces()) == 4
    assert box.face(x=1, t=0).sample(5, generator=seeded()).x.tolist() == [[1, 0]]
    assert box.face(x=1, t=0).sample(5, generator=seeded()).constants() == {}


def test_a_bound_that_is_off_by_rounding_is_a_bound():
    box = Box(x=(0, 0.1 + 0.2))
    assert box.face(x=0.3).sample(1, generator=seeded()).x.item() == 0.1 + 0.2


def test_points_on_an_interval_s_ends_come_whole():
    line = Box(x=(0, 4))
    points = line.boundary().sample(1, generator=seeded())
    assert points.x.tolist() == [[0], [4]]
    assert points.normals.tolist() == [[-1], [1]]
    assert (line.face(x=0) | line.face(x=4)).sample(7, generator=seeded()).n == 2


def test_products_of_boxes_are_boxes():
    box = Box(x=(0, 1)) * Box(t=(0, 2))
    assert isinstance(box, Box)
    assert box.coordinates == ("x", "t")
    cylinder = Disc(x=0, y=0, radius=1) * Box(z=(0, 1)) * Box(t=(0, 1))
    assert cylinder.face(t=0).dimension == 3
    assert cylinder.face(t=0, z=1).dimension == 2


def test_observations_come_whole_with_their_values():
    data = Scatter({"x": np.array([0.1, 0.2, 0.3]), "t": [1, 2, 3]}, values={"seen": torch.tensor([4.0, 5.0, 6.0])})
    for n in (1, 3, 100):
        points = data.sample(n, generator=seeded())
        assert points.x.tolist() == [[0.1, 1], [0.2, 2], [0.3, 3]]
        assert points.constants()["seen"].tolist() == [4, 5, 6]
    assert data.dimension == 0
    assert data.bounds == {"x": (0.1, 0.3), "t": (1.0, 3.0)}
    assert data.contains(torch.tensor([[0.2, 2.0], [0.2, 3.0]], dtype=torch.float64)).tolist() == [True, False]
    both = data | Scatter({"x": [7.0], "t": [8.0]}, values={"seen": [9.0]})
    assert both.sample(1, generator=seeded()).constants()["seen"].tolist() == [4, 5, 6, 9]
    left = data - Box(x=(0, 0.15), t=(0, 5))
    assert left.sample(1, generator=seeded()).constants()["seen"].tolist() == [5, 6]
    assert Point(x=1, t=2).sample(9, generator=seeded()).x.tolist() == [[1, 2]]


def test_observations_are_copied():
    x = np.array([0.1, 0.2])
    data = Scatter({"x": x})
    x[0] = 9
    assert data.points.x[0, 0] == 0.1


def test_a_polygon_knows_its_inside():
    corner = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
    x = torch.tensor(
        [[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [0, 0], [0, 0.5], [1e-6, 0.5], [-2, 0]], dtype=torch.float64
    )
    assert corner.contains(x).tolist() == [True, False, True, True, True, False, False]
    torch.testing.assert_close(
        corner.level(x[:3]), torch.tensor([-0.25, 0.25, -0.25], dtype=torch.float64)
    )  # distance over extent
    reversed_corners = Polygon(corner.corners.flip(0))
    assert torch.equal(reversed_corners.corners.sort(0).values, corner.corners.sort(0).values)
    assert torch.equal(reversed_corners.level(x), corner.level(x))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Box(), r"Box: got no coordinate"),
        (lambda: Box(x=(1, -1)), r"^Box: x=\(1, -1\) is empty; give \(low, high\)$"),
        (lambda: Box(x=(0, 1), t=(2, 2)), r"Box: t=\(2, 2\) is empty"),
        (lambda: Box(x=(math.nan, 1)), r"Box: x=\(nan, 1\) is not finite"),
        (lambda: Box(x=(0, math.inf)), r"Box: x=\(0, inf\) is not finite"),
        (lambda: Box(x=3), r"Box: x=3 is no interval; give \(low, high\)"),
        (lambda: Box(x=(0, 1, 2)), r"Box: x=\(0, 1, 2\) is no interval"),
        (lambda: Box(x="01"), r"Box: x='01' is no interval"),
        (lambda: Box(x=(-1, 1)).face(x=0.5), r"^face: x=0.5 is not a bound of the box, choose -1 or 1$"),
        (lambda: Box(x=(-1, 1)).face(y=1), r"face: no coordinate 'y'; choose among \['x'\]"),
        (lambda: Box(x=(-1, 1)).face(), r"face: got no coordinate"),
        (lambda: Box(x=(-1, 1)).face(x=1).boundary(), r"boundary: .* has no inside; take an edge"),
        (lambda: Ball(x=0, y=0, radius=0), r"Ball: got radius=0.0, expected a positive finite number; give radius > 0"),
        (lambda: Ball(x=0, y=math.nan, radius=1), r"Ball: got y=nan, expected a finite number"),
        (lambda: Ball(x=0, radius=1), r"Ball: got coordinates \['x'\], expected two or more"),
        (lambda: Disc(x=0, y=0, z=0, radius=1), r"Disc: got coordinates \['x', 'y', 'z'\], expected two"),
        (lambda: Polygon([(0, 0), (1, 1)]), r"Polygon: corners have shape \(2, 2\)"),
        (lambda: Polygon([(0, 0), (1, 0), (1, 0), (0, 1)]), r"comes twice in a row"),
        (lambda: Polygon([(0, 0), (1, 0), (0, 1), (0, 0)]), r"comes twice in a row"),
        (lambda: Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), r"cross or touch"),
        (lambda: Polygon([(0, 0), (2, 0), (1, 0)]), r"cross or touch"),
        (lambda: Polygon([(0, 0), (2, 0), (2, 1), (1, 0), (0, 1)]), r"cross or touch"),
        (lambda: Polygon([(0, 0), (math.inf, 0), (0, 1)]), r"not finite"),
        (lambda: Polygon([(0, 0), (1, 0), (0, 1)], coordinates=("x",)), r"two different names"),
        (lambda: Scatter({}), r"Scatter: got no coordinate"),
        (lambda: Scatter({"x": []}), r"Scatter: got no points"),
        (lambda: Scatter({"x": [1.0], "t": [1.0, 2.0]}), r"Scatter: lengths .* differ"),
        (lambda: Scatter({"x": [1.0]}, values={"u": [1.0, 2.0]}), r"Scatter: lengths .* differ"),
        (lambda: Scatter({"x": [1.0]}, values={"x": [1.0]}), r"'x' is a coordinate and a value"),
        (
            lambda: Scatter({"x": [1.0, math.nan]}),
            r"Scatter: x holds 1 of 2 numbers that are not finite, the first x\[1\] = nan",
        ),
        (lambda: Scatter({"x": 1.0}), r"Scatter: x has shape \(\), expected \(n,\)"),
        (lambda: Box(x=(0, 1)) * Box(x=(0, 1)), r"product: both factors have the coordinate 'x'"),
        (lambda: Box(x=(0, 1)) | Box(y=(0, 1)), r"union: coordinates \['x'\] and \['y'\] differ"),
        (
            lambda: Box(x=(0, 1), y=(0, 1), t=(0, 1)) - Disc(x=0, y=0, radius=1),
            r"difference: coordinates .* differ; multiply by what gives \['t'\], e.g. ... \* Box\(t=\(0, 1\)\)",
        ),
        (lambda: Box(x=(0, 1), y=(0, 1)) | Box(x=(0, 1), y=(0, 1)).face(x=0), r"union: .* share no measure"),
        (lambda: Box(x=(0, 1), y=(0, 1)) - Box(x=(0, 1), y=(0, 1)).face(x=0), r"nothing would be removed"),
        (lambda: Box(x=(0, 1)) & Box(x=(2, 3)), r"have no point in common"),
        (lambda: Box(x=(0, 1)).face(x=0) & Box(x=(0, 1)).face(x=0), r"neither .* is a solid"),
        (lambda: (Disc(x=0, y=0, radius=1) * Box(t=(0, 1))).face(x=1), r"'x' belongs to Disc\(.*\), which has no flat"),
        (lambda: (Disc(x=0, y=0, radius=1) * Box(t=(0, 1))).face(s=1), r"no coordinate 's'"),
        (lambda: Scatter({"x": [1.0]}).boundary(), r"has no inside"),
        (lambda: (Box(x=(0, 1)).face(x=0) | Box(x=(0, 1)).face(x=1)).boundary(), r"has no inside"),
    ],
)
def test_what_cannot_be_meant_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_other_types_are_no_operands():
    for operate in (lambda a: a | 1, lambda a: a & 1, lambda a: a - 1, lambda a: a * 2):
        with pytest.raises(TypeError, match="unsupported operand"):
            operate(Box(x=(0, 1)))


def test_points_check_their_shapes():
    x = torch.zeros(3, 2, dtype=torch.float64)
    with pytest.raises(TypeError, match=r"floating tensor of shape \(n, d\), got torch.int64"):
        Points(("x", "t"), x.long())
    with pytest.raises(ValueError, match=r"x has shape \(3, 2\), expected \(n, 1\)"):
        Points(("x",), x)
    with pytest.raises(ValueError, match=r"normals have shape \(2, 2\)"):
        Points(("x", "t"), x, x[:2])
    with pytest.raises(ValueError, match=r"value 'u' has shape \(3, 1\), expected \(3,\)"):
        Points(("x", "t"), x, values={"u": x[:, :1]})
    with pytest.raises(ValueError, match=r"column: no coordinate 'y'; choose among \['x', 't'\]"):
        Points(("x", "t"), x).column("y")
    with pytest.raises(ValueError, match="no points to join"):
        Points.cat([])
    with pytest.raises(ValueError, match=r"coordinates \['x'\] and \['x', 't'\] differ"):
        Points.cat([Points(("x", "t"), x), Points(("x",), x[:, :1])])
    with pytest.raises(ValueError, match=r"values \['u'\] and \[\] differ"):
        Points.cat([Points(("x", "t"), x), Points(("x", "t"), x, values={"u": x[:, 0]})])


def test_points_are_taken_moved_and_joined_with_all_that_belongs_to_them():
    x = torch.arange(6, dtype=torch.float64).reshape(3, 2)
    points = Points(("x", "t"), x, x + 10, {"u": x[:, 0]})
    taken = points.take(torch.tensor([2, 0]))
    assert taken.x.tolist() == [[4, 5], [0, 1]]
    assert taken.normals.tolist() == [[14, 15], [10, 11]]
    assert taken.values["u"].tolist() == [4, 0]
    assert points.take(torch.tensor([True, False, True])).n == 2
    moved = points.to(torch.float32)
    assert {moved.x.dtype, moved.normals.dtype, moved.values["u"].dtype} == {torch.float32}
    joined = Points.cat([points, taken])
    assert joined.n == 5
    assert joined.constants()["nx"].tolist() == [10, 12, 14, 14, 10]
    assert Points.cat([points, Points(("x", "t"), x, None, {"u": x[:, 0]})]).normals is None
