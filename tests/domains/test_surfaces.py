"""Solids from triangles, level sets and clouds of points: closed forms, distances, evenness, Gauss's theorem."""

import math

import numpy as np
import pytest
import torch
import trimesh

from pinn import Constraint, Exact, Problem, laplacian
from pinn.domains import Ball, Box, Cloud, Disc, Ellipse, LevelSet, Mesh
from pinn.problems import laplace_solid

PI = math.pi
BLOCK = Box(x=(-0.5, 0.5), y=(-1, 1), z=(-1.5, 1.5))
BLOCK_MESH = trimesh.creation.box((1, 2, 3))
RING = trimesh.creation.torus(2, 0.5, major_sections=24, minor_sections=12)
QUARTIC = LevelSet(lambda x, y: x**4 + y**4 - 1, x=(-1.1, 1.2), y=(-1.1, 1.1))
ELLIPSE = LevelSet(lambda x, y: x * x / 4 + y * y - 1, x=(-2.2, 2.2), y=(-1.1, 1.1))
SPHERE = LevelSet(lambda x, y, z: x * x + y * y + z * z - 1, x=(-1.1, 1.2), y=(-1.1, 1.1), z=(-1.1, 1.1))
TORUS = LevelSet(
    lambda x, y, z: (torch.sqrt(x * x + y * y) - 2) ** 2 + z * z - 0.25, x=(-2.6, 2.6), y=(-2.6, 2.6), z=(-0.6, 0.6)
)
SLICE = LevelSet(lambda x: x * x - 1, x=(-2, 3))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# -- triangles --------------------------------------------------------------------------------------------------------


def test_a_block_of_triangles_is_a_box():
    mesh = Mesh(BLOCK_MESH.vertices, BLOCK_MESH.faces)
    assert mesh.measure == pytest.approx(6, rel=1e-14)
    assert mesh.boundary().measure == pytest.approx(22, rel=1e-14)
    assert mesh.bounds == {"x": (-0.5, 0.5), "y": (-1, 1), "z": (-1.5, 1.5)}
    x = Box(x=(-1, 1), y=(-2, 2), z=(-3, 3)).sample(2000, generator=seeded()).x
    assert torch.equal(mesh.contains(x), BLOCK.contains(x))
    half = torch.tensor([0.5, 1, 1.5], dtype=torch.float64)
    beyond = x.abs() - half
    distance = beyond.clamp_min(0).norm(dim=1) + beyond.amax(1).clamp_max(0)
    torch.testing.assert_close(mesh.level(x) * 3, distance)


def test_distances_to_triangles_are_those_of_brute_force():
    mesh = Mesh(RING.vertices, RING.faces)
    x = Box(x=(-3, 3), y=(-3, 3), z=(-1, 1)).sample(300, generator=seeded()).x
    corners = torch.from_numpy(RING.vertices[RING.faces])
    weights = torch.rand(len(corners), 400, 3, generator=seeded(), dtype=torch.float64)
    dense = torch.einsum("fsi,fij->fsj", -weights.log() / (-weights.log()).sum(2, keepdim=True), corners).reshape(-1, 3)
    nearest = torch.cdist(x, dense).amin(1)
    found = mesh.level(x).abs() * 5
    assert bool((found <= nearest + 1e-12).all())
    assert float((nearest - found).max()) < 0.03
    around = (x[:, :2].norm(dim=1) - 2).square() + x[:, 2].square()
    clear = (around.sqrt() - 0.5).abs() > 0.05  # of the facets
    assert torch.equal(mesh.level(x)[clear] < 0, (around < 0.25)[clear])


def test_the_divergence_theorem_on_triangles():
    """Exactly, facet by facet, for a linear field; and by drawn points for another."""
    mesh = Mesh(RING.vertices, RING.faces)
    surface = mesh.boundary().sample(2**13, generator=seeded())
    flux = float((surface.x * surface.normals).sum(1).mean()) * mesh.boundary().measure
    assert flux == pytest.approx(3 * mesh.measure, rel=5e-3)
    inside = mesh.sample(2**11, generator=seeded(1)).x
    assert bool(mesh.contains(inside).all())
    divergence = float((3 * inside**2).sum(1).mean()) * mesh.measure
    flux = float((surface.x**3 * surface.normals).sum(1).mean()) * mesh.boundary().measure
    assert flux == pytest.approx(divergence, rel=2e-2)
    step = 1e-5 * surface.normals[:500]
    assert not bool(mesh.contains(surface.x[:500] + step).any())
    assert bool(mesh.contains(surface.x[:500] - step).all())


def test_triangles_combine_and_move_as_other_sets_do():
    mesh = Mesh(BLOCK_MESH.vertices, BLOCK_MESH.faces)
    drilled = mesh - Ball(x=0, y=0, z=0, radius=0.4)
    assert drilled.measure == pytest.approx(6 - 4 / 3 * PI * 0.064, rel=3e-3)
    assert mesh.turned(0.4, "x", "z").scaled(2).measure == pytest.approx(48, rel=1e-12)
    assert mesh.part(lambda nz: nz > 0.5).measure == pytest.approx(2, rel=5e-3)
    with pytest.raises(ValueError, match=r"no smooth function is known that vanishes on Mesh\(12 triangles"):
        Exact(on=mesh.boundary(), u=0)


@pytest.mark.parametrize("kind", ["stl", "obj"])
def test_a_problem_in_a_solid_from_a_file(tmp_path, kind):
    path = tmp_path / f"block.{kind}"
    BLOCK_MESH.export(path)
    problem = laplace_solid(str(path), scale=1e-3)
    assert problem.domain.measure == pytest.approx(6e-9, rel=1e-6)
    points = problem.domain.sample(50, generator=seeded())
    assert np.isfinite(problem.exact(points)["u"]).all()


def test_a_surface_that_is_not_closed_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Mesh: 3 of 18 edges belong to one triangle or to more than two"):
        Mesh(BLOCK_MESH.vertices, BLOCK_MESH.faces[:-1])
    turned = BLOCK_MESH.faces.copy()
    turned[0] = turned[0, ::-1]
    with pytest.raises(ValueError, match=r"list their corners in opposite senses"):
        Mesh(BLOCK_MESH.vertices, turned)
    with pytest.raises(ValueError, match=r"Mesh.read: there is no file 'nowhere.stl'"):
        Mesh.read("nowhere.stl")
    with pytest.raises(ValueError, match=r"indices of the 8 vertices"):
        Mesh(BLOCK_MESH.vertices, BLOCK_MESH.faces + 1)
    assert Mesh(BLOCK_MESH.vertices, BLOCK_MESH.faces[:, ::-1]).measure == pytest.approx(6)


# -- level sets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "volume", "surface", "room"),
    [
        (QUARTIC, math.gamma(0.25) ** 2 / (2 * math.sqrt(PI)), None, 1e-4),
        (ELLIPSE, 2 * PI, Ellipse(x=0, y=0, radii=(2, 1)).boundary().measure, 1e-4),
        (SPHERE, 4 / 3 * PI, 4 * PI, 3e-3),
        (TORUS, PI**2, 4 * PI**2, 5e-3),
        (SLICE, 2, 2, 1e-9),
    ],
    ids=["quartic", "ellipse", "sphere", "torus", "interval"],
)
def test_measures_of_level_sets(domain, volume, surface, room):
    assert domain.measure == pytest.approx(volume, rel=room)
    if surface is not None:
        assert domain.boundary().measure == pytest.approx(surface, rel=room)


@pytest.mark.parametrize("domain", [QUARTIC, ELLIPSE, TORUS], ids=["quartic", "ellipse", "torus"])
def test_points_and_normals_of_level_sets(domain):
    points = domain.boundary().sample(300, generator=seeded())
    assert points.n == 300
    assert float(domain.level(points.x).abs().max()) < 1e-12
    torch.testing.assert_close(points.normals.norm(dim=1), torch.ones(300, dtype=torch.float64))
    step = 1e-6 * points.normals
    assert not bool(domain.contains(points.x + step).any())
    assert bool(domain.contains(points.x - step).all())
    assert bool(domain.contains(domain.sample(200, generator=seeded()).x).all())


def test_points_of_a_level_set_are_spread_evenly():
    """Moments of the ellipse's outline, by Gauss's rule on the same ellipse as a scaled disc; Gauss's theorem."""
    points, weights = Ellipse(x=0, y=0, radii=(2, 1)).boundary().quadrature(64)
    drawn = ELLIPSE.boundary().sample(2**12, generator=seeded())
    wanted = weights @ points.x**2 / weights.sum()
    torch.testing.assert_close((drawn.x**2).mean(0), wanted, rtol=0.03, atol=0)
    flux = float((drawn.x * drawn.normals).sum(1).mean()) * ELLIPSE.boundary().measure
    assert flux == pytest.approx(4 * PI, rel=1e-2)


def test_level_sets_combine_move_and_hold_values_exactly():
    assert (QUARTIC - Disc(x=0, y=0, radius=0.5)).measure == pytest.approx(QUARTIC.measure - 0.25 * PI, rel=3e-3)
    assert (ELLIPSE & Box(x=(0, 3), y=(0, 3))).measure == pytest.approx(PI / 2, rel=5e-3)
    assert ELLIPSE.turned(0.3).scaled(x=2).measure == pytest.approx(4 * PI, rel=1e-4)
    assert (ELLIPSE * Box(t=(0, 2))).measure == pytest.approx(4 * PI, rel=1e-4)
    problem = Problem(
        QUARTIC,
        ["u"],
        {"equation": Constraint(lambda u, x, y: laplacian(u, x, y) + 1, on=QUARTIC)},
        exactly=[Exact(on=QUARTIC.boundary(), u=0)],
    )
    x, y = QUARTIC.boundary().sample(100, generator=seeded()).x.T
    assert float(problem.ansatz["u"](u=torch.ones(100), x=x, y=y).abs().max()) < 1e-14


def test_a_cloud_of_points_with_normals():
    angle = torch.arange(120, dtype=torch.float64) * 2 * PI / 120
    places = torch.stack([2 * torch.cos(angle), torch.sin(angle)], 1)
    normals = places / torch.tensor([4.0, 1.0])
    cloud = Cloud(places, normals, ("x", "y"))
    assert cloud.measure == pytest.approx(2 * PI, rel=5e-3)
    points = cloud.boundary().sample(100, generator=seeded())
    exact = points.x / torch.tensor([4.0, 1.0])
    cosine = (points.normals * exact).sum(1) / exact.norm(dim=1)
    assert float(cosine.min()) > 0.999
    assert float((points.x[:, 0] ** 2 / 4 + points.x[:, 1] ** 2 - 1).abs().max()) < 0.02


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LevelSet(lambda x, z: x + z, x=(0, 1), y=(0, 1)), r"LevelSet: the function takes 'z'; choose among"),
        (lambda: LevelSet(lambda x: x + 1, x=(0, 1)), r"negative nowhere in Box"),
        (lambda: LevelSet(lambda x: x - 0.5, x=(0, 1)), r"negative on the boundary of Box.* give a larger box"),
        (
            lambda: LevelSet(lambda x: torch.log(x) - 1, x=(-1, 5)),
            r"not finite everywhere in Box.* give a smaller",
        ),
        (lambda: LevelSet(lambda x: x.mean(), x=(-1, 1)), r"the function returned \(\), expected a tensor \(n,\)"),
        (lambda: Cloud([[0, 0]], [[1, 0]], ("x", "y")), r"Cloud: points and normals have shapes \(1, 2\) and"),
    ],
)
def test_what_cannot_be_meant_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
    with pytest.raises(TypeError, match=r"LevelSet: got 3, expected a function"):
        LevelSet(3, x=(0, 1))
