"""Parts of boundaries: by a set, by a condition, by a name that stays with whatever is done to the domain."""

import math

import pytest
import torch

from pinn.domains import Box, Cylinder, Disc, Polygon, Sector

T = Box(t=(0, 2))
HOLE = Disc(x=0, y=0, radius=0.5)
SQUARE = Box(x=(-1, 1), y=(-1, 1))
PLATE = (SQUARE - HOLE).named(hole=HOLE, right=SQUARE.face(x=1), low=SQUARE.face(y=-1))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_part_by_a_set_has_normals_out_of_the_domain():
    part = PLATE.part(HOLE)
    points = part.sample(200, generator=seeded())
    torch.testing.assert_close(points.normals, -points.x / 0.5)
    assert part.measure == pytest.approx(math.pi, rel=1e-12)
    assert PLATE.part(SQUARE.face(x=1)).measure == 2
    bite = SQUARE - Disc(x=1, y=0, radius=0.5)
    assert bite.part(Disc(x=1, y=0, radius=0.5)).measure == pytest.approx(0.5 * math.pi, rel=1e-3)
    assert bite.part(SQUARE.face(x=1)).measure == pytest.approx(1, rel=1e-3)


def test_a_part_by_a_condition():
    upper = PLATE.part(lambda x, y: (y > 0) & (x * x + y * y < 0.3))
    assert upper.measure == pytest.approx(0.5 * math.pi, rel=1e-3)
    assert bool((upper.sample(100, generator=seeded()).x[:, 1] > 0).all())
    lid = Cylinder(x=0, y=0, z=(0, 3), radius=1).part(lambda nz: nz > 0.5)
    assert lid.measure == pytest.approx(math.pi, rel=1e-12)
    points = lid.sample(50, generator=seeded())
    assert points.x[:, 2].unique().tolist() == [3.0]
    assert bool(lid.contains(points.x).all())
    assert not bool(lid.contains(points.x - torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)).any())


def test_names_stay_with_the_domain():
    assert PLATE.part("hole").measure == pytest.approx(math.pi, rel=1e-12)
    assert PLATE.part("right").measure == 2
    assert PLATE.boundary().part("low").measure == 2
    moved = PLATE.turned(0.3).moved(x=5)
    points = moved.part("hole").sample(100, generator=seeded())
    away = points.x - torch.tensor([5.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(points.normals, -away / 0.5)
    assert (PLATE * T).part("hole").measure == pytest.approx(2 * math.pi, rel=1e-12)
    drifting = PLATE.moved(x=lambda t: t) * T
    assert drifting.part("right").sample(20, generator=seeded()).normals[:, [0, 2]].unique(dim=0).tolist() == [[1, -1]]
    drilled = PLATE - Disc(x=1, y=0, radius=0.25)
    assert drilled.part("right").measure == pytest.approx(1.5, rel=1e-3)
    assert drilled.part("hole").measure == pytest.approx(math.pi, rel=1e-3)
    both = PLATE | PLATE.moved(x=3)
    assert both.part("hole").measure == pytest.approx(2 * math.pi, rel=1e-3)
    tube = Box(r=(1, 2), z=(0, 3)).named(inner=lambda nr: nr < -0.5).revolved(r=("x", "y"))
    assert tube.part("inner").measure == pytest.approx(6 * math.pi, rel=1e-9)
    assert PLATE.named(corner=lambda x, y: x + y > 1.5).part("right").measure == 2
    with pytest.raises(ValueError, match=r"part: no part 'corner'; choose among \['hole', 'low', 'right'\]"):
        PLATE.part("corner")


def test_sides_of_a_polygon():
    L = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
    assert [side.measure for side in L.sides()] == [2, 1, 1, 1, 1, 2]
    for side in L.sides():
        points = side.sample(20, generator=seeded())
        assert bool(L.boundary().contains(points.x).all())
        assert bool(L.contains(points.x - 1e-6 * points.normals).all())
        assert not bool(L.contains(points.x + 1e-6 * points.normals).any())
    assert L.part(L.sides()[2]).measure == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SQUARE.part(Disc(x=5, y=0, radius=1)), r"part: nothing of Box.* lies on Disc\(x=5, y=0, radius=1\)"),
        (lambda: SQUARE.part(lambda z: z > 0), r"part: the condition takes 'z'; choose among \['x', 'y', 'nx', 'ny'\]"),
        (lambda: SQUARE.part(Box(x=(0, 1))), r"part: coordinates \['x'\] and \['x', 'y'\] differ"),
        (lambda: SQUARE.part(lambda x: x), r"part: the condition returned Tensor, expected a bool tensor"),
        (lambda: SQUARE.part("lid"), r"part: no part 'lid'; choose among \[\]"),
        (lambda: SQUARE.part(lambda x: x > 0).boundary(), r"has no inside, so it has no boundary of its own"),
        (lambda: Sector(x=0, y=0, radius=1, angles=(0, 1)).named(tip=lambda x: x > 5), r"part: nothing of"),
    ],
)
def test_what_cannot_be_meant_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_another_type_is_refused():
    with pytest.raises(TypeError, match=r"part: got 3, expected a name, a set, or a condition"):
        SQUARE.part(3)
    with pytest.raises(TypeError, match=r"named: got 'x', expected a set or a condition"):
        SQUARE.named(lid="x")
