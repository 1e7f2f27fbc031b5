"""Finite elements: closed forms in boxes, on polygons with holes and across jumps, and the error that is stated."""

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Disc, Polygon, Problem, d
from pinn.reference import fem, poisson_l_shape

SQUARE = Box(x=(0, 1), y=(0, 1))
L = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])


def relative(u, exact, **at):
    wanted = exact(**at)
    return float(np.linalg.norm(u(**at) - wanted) / np.linalg.norm(wanted))


def test_a_rod_of_two_layers():
    rod, layer = Box(x=(0, 1)), Box(x=(0, 0.4))
    u = fem(
        rod,
        diffusion=lambda x: np.where(x < 0.4, 1.0, 10.0),
        values={rod.face(x=0): 0.0},
        fluxes={rod.face(x=1): (3.0, 2.0)},
        along=[layer],
    )
    # The flux q is the same everywhere: u(1) = q (0.4 + 0.06) and q + 2 u(1) = 3.
    q = 3 / (1 + 2 * 0.46)
    assert relative(u, lambda x: q * np.where(x < 0.4, x, 0.4 + (x - 0.4) / 10), x=np.linspace(0, 1, 201)) < 1e-12


def test_every_coefficient_and_condition_of_a_box():
    def exact(x, y):
        return np.exp(x) * np.cos(y)

    u = fem(
        SQUARE,
        diffusion=lambda x: 1 + x,
        velocity=(1.0, lambda y: y),
        reaction=2.0,
        source=lambda x, y: np.exp(x) * (2 * np.cos(y) - y * np.sin(y)),
        values={SQUARE.face(y=0) | SQUARE.face(y=1): exact},
        fluxes={
            SQUARE.face(x=0): lambda y: -np.cos(y),
            SQUARE.face(x=1): (lambda x, y: 5 * exact(x, y), 3.0),
        },
    )
    x, y = np.random.default_rng(0).uniform(0, 1, (2, 300))
    assert relative(u, exact, x=x, y=y) < 1e-10
    assert u.error < 1e-8


def test_what_the_elements_hold_is_exact_on_a_polygon_with_a_hole():
    plate = Polygon([(0, 0), (3, 0), (3, 1), (1.5, 2), (0, 1)])
    domain = plate - Disc(x=2.3, y=0.6, radius=0.25)

    def exact(x, y):
        return x**2 - y**2 + x * y

    u = fem(domain, values={domain.boundary(): exact}, size=1.0)
    x, y = np.random.default_rng(0).uniform([[0], [0]], [[3], [2]], (2, 400))
    inside = domain.contains(torch.from_numpy(np.stack([x, y], 1))).numpy()
    assert relative(u, exact, x=x[inside], y=y[inside]) < 1e-9
    with pytest.raises(ValueError, match="lies outside of the domain"):
        u(x=2.3, y=0.6)


def test_a_disc_of_two_materials_and_points_on_its_arcs():
    disc, inner = Disc(x=1, y=2, radius=2), Disc(x=1, y=2, radius=1)
    u = fem(
        disc,
        diffusion=lambda x, y: np.where(np.hypot(x - 1, y - 2) < 1, 10.0, 1.0),
        source=1.0,
        values={disc.boundary(): 0.0},
        along=[inner],
    )

    def exact(x, y):
        square = (x - 1) ** 2 + (y - 2) ** 2
        return np.where(square < 1, (1 - square) / 40 + 0.75, (4 - square) / 4)

    random = np.random.default_rng(0)
    radius, angle = 2 * np.sqrt(random.uniform(0, 1, 500)), random.uniform(0, 7, 500)
    radius[:50], radius[50:100] = 2, 1
    found = relative(u, exact, x=1 + radius * np.cos(angle), y=2 + radius * np.sin(angle))
    assert found < u.error < 1e-4


@pytest.mark.slow
def test_a_circle_beside_a_wall():
    """Cells of the default size between them would be thinner than the arc bulges; eˣ cos y is harmonic."""
    domain = Box(x=(-1, 1), y=(-1, 1)) - Disc(x=-0.6, y=0.5, radius=0.3)

    def exact(x, y):
        return np.exp(x) * np.cos(y)

    u = fem(domain, values={domain.boundary(): exact})
    place = domain.sample(200, generator=torch.Generator().manual_seed(0))
    x, y = place.x.numpy().T
    assert np.abs(u(x=x, y=y) - exact(x, y)).max() < 1e-4 and u.error < 1e-4


def test_the_error_at_a_reentrant_corner_is_within_what_is_stated():
    u = fem(L, source=1.0, values={L.boundary(): 0.0}, size=2.0)
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 600))
    inside = (x < 0) | (y < 0)
    found = relative(u, poisson_l_shape(), x=x[inside], y=y[inside])
    assert found < u.error < 1e-4


def test_a_cube():
    cube = Box(x=(0, 1), y=(0, 1), z=(0, 2))

    def exact(x, y, z):
        return x * y * (1 - x) + z**2

    u = fem(cube, source=lambda x, y, z: 2 * y - 2, values={cube.boundary(): exact}, size=1.0)
    places = np.random.default_rng(0).uniform(0, 1, (3, 50))
    assert relative(u, exact, **dict(zip("xyz", places, strict=True))) < 1e-12


def test_a_problem_takes_it_as_reference():
    walls = SQUARE.boundary()
    problem = Problem(
        SQUARE,
        ["u"],
        {
            "equation": Constraint(lambda u, x, y: d(u, x, x) + d(u, y, y) + 1, on=SQUARE),
            "walls": Constraint(lambda u: u, on=walls),
        },
        reference=fem(SQUARE, source=1.0, values={walls: 0.0}),
    )
    # Its value at the middle: Timoshenko, Goodier, Theory of Elasticity, sec. 109.
    assert problem.reference(x=0.5, y=0.5) == pytest.approx(0.0736713533, abs=1e-8)
    assert 0 < problem.reference_error < 1e-5


def test_what_is_refused():
    with pytest.raises(ValueError, match="u is free by a constant"):
        fem(SQUARE, source=1.0)
    with pytest.raises(ValueError, match="expected a box, a polygon or a disc"):
        fem(SQUARE & Disc(x=0, y=0, radius=0.5), values={SQUARE.boundary(): 0.0})
    with pytest.raises(ValueError, match="unknown argument 't'"):
        fem(SQUARE, source=lambda t: t, values={SQUARE.boundary(): 0.0})
    with pytest.raises(ValueError, match="components of velocity"):
        fem(SQUARE, velocity=(1.0,), values={SQUARE.boundary(): 0.0})
    with pytest.raises(ValueError, match="holds no piece of the boundary"):
        _ = fem(SQUARE, values={Disc(x=0.5, y=0.5, radius=0.1).boundary(): 0.0}).error
    line = Box(x=(0, 1))
    for k in (0.0, -1.0, lambda x: x - 0.5):
        with pytest.raises(ValueError, match="diffusion that is not positive everywhere"):
            _ = fem(line, diffusion=k, source=1.0, values={line.boundary(): 0.0}).error
    with pytest.raises(ValueError, match="do not resolve it"):
        _ = fem(line, source=lambda x: x * np.nan, values={line.boundary(): 0.0}).error
    with pytest.raises(ValueError, match="do not resolve it"):  # a peak that the first cells do not see
        _ = fem(line, source=lambda x: np.exp(-(((x - 0.31) / 0.001) ** 2)), values={line.boundary(): 0.0}).error
