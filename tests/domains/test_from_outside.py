"""A set defined outside of the library, registered nowhere: sampled, combined, bounded and solved on."""

import math
from functools import partial

import pytest
import torch

from pinn.derivatives import laplacian
from pinn.domains import Boundary, Box, Disc, Domain, Points
from pinn.domains.chart import Chart
from pinn.networks import MLP
from pinn.optimizers import LevenbergMarquardt
from pinn.problem import Constraint, Problem
from pinn.sampling import Redrawn
from pinn.solver import solve


class Ellipse(Domain):
    """(x/a)² + (y/b)² ≤ 1, the affine image of a disc; its boundary evenly by the angle."""

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __repr__(self):
        return f"Ellipse(a={self.a:g}, b={self.b:g})"

    coordinates = ("x", "y")
    dimension = 2

    @property
    def bounds(self):
        return {"x": (-self.a, self.a), "y": (-self.b, self.b)}

    def place(self, unit, radius):
        angle = 2 * math.pi * unit[:, -1]
        return torch.stack([self.a * radius * torch.cos(angle), self.b * radius * torch.sin(angle)], dim=1)

    def charts(self):
        def inside(unit):
            return Points(("x", "y"), self.place(unit, unit[:, 0].sqrt()))

        return (Chart(2, math.pi * self.a * self.b, inside),)

    def level(self, x):
        return (x / torch.tensor([self.a, self.b], dtype=x.dtype)).norm(dim=1) - 1

    def boundary(self):
        def around(unit):
            x = self.place(unit, 1.0)
            normals = x / torch.tensor([self.a**2, self.b**2], dtype=torch.float64)
            return Points(("x", "y"), x, normals / normals.norm(dim=1, keepdim=True))

        # Ramanujan's perimeter, to 1e-7 at this aspect ratio.
        h = ((self.a - self.b) / (self.a + self.b)) ** 2
        length = math.pi * (self.a + self.b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
        return Boundary(self, (Chart(1, length, around),))


ELLIPSE = Ellipse(2.0, 1.0)
HOLE = Disc(x=0.5, y=0, radius=0.25)


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    ("made", "measure"),
    [
        (ELLIPSE, 2 * math.pi),
        (ELLIPSE - HOLE, (2 - 0.25**2) * math.pi),
        (ELLIPSE | Box(x=(3, 4), y=(0, 1)), 2 * math.pi + 1),
        (ELLIPSE & Box(x=(0, 2), y=(0, 1)), 0.5 * math.pi),
        (ELLIPSE * Box(t=(0, 3)), 6 * math.pi),
    ],
    ids=["alone", "with a hole", "and a box", "a quarter", "in time"],
)
def test_it_is_a_set_like_any_other(made, measure):
    assert made.measure == pytest.approx(measure, rel=1e-3)
    for part in (made, made.boundary()):
        points = part.sample(200, generator=seeded())
        assert points.n == 200
        assert bool(made.contains(points.x).all())
    step = 1e-6 * points.normals
    outside, inside = ~made.contains(points.x + step), made.contains(points.x - step)
    assert float((outside & inside).double().mean()) > 0.98  # a corner may be nearer than the step


def test_flat_faces_of_ones_own_are_those_of_a_product():
    class Slab(Ellipse):
        def face(self, **at):
            return Disc(x=0, y=0, radius=self.b).boundary()

    assert (Slab(2.0, 1.0) * Box(t=(0, 1))).face(x=0).dimension == 2
    with pytest.raises(ValueError, match=r"face: 'x' belongs to Ellipse\(a=2, b=1\), which has no flat faces"):
        (ELLIPSE * Box(t=(0, 1))).face(x=0)


@pytest.mark.slow
def test_a_problem_is_solved_on_it():
    """Δu = −1 with u = 0 on the ellipse is u = (1 − x²/a² − y²/b²) a² b² / (2 (a² + b²)), a polynomial."""
    problem = Problem(
        ELLIPSE,
        ["u"],
        {
            "equation": Constraint(lambda u, x, y: laplacian(u, x, y) + 1, on=ELLIPSE),
            "walls": Constraint(lambda u: u, on=ELLIPSE.boundary()),
        },
    )
    network = partial(MLP, width=12, depth=2)
    solution = solve(
        problem, network=network, optimizer=LevenbergMarquardt(), sampling=Redrawn(100), steps=40, progress=False
    )
    points = ELLIPSE.sample(300, generator=seeded())
    x, y = points.x.T
    exact = (1 - x**2 / 4 - y**2) * 4 / (2 * 5)
    found = solution(x=x, y=y)
    assert float((torch.as_tensor(found) - exact).norm() / exact.norm()) < 1e-2
