"""Functions about holes: which ones a problem wants, where its points lie, and what they find."""

from dataclasses import replace

import pytest
import torch

from pinn import Box, Constraint, Disc, Problem, Solution, laplacian
from pinn.derivatives import Jets
from pinn.features import Ending, solve_affine, solve_smooth
from pinn.features.geometry import singularities
from pinn.features.placement import place_points
from pinn.model import Model
from pinn.networks import MLP, HoleFunctions, HoleProducts
from pinn.objective import Equations
from pinn.problems import gallery, laplace_four_holes
from pinn.problems.gallery.cylinder_flow import forces
from pinn.solution.error import ErrorMeasure

BOX, DISC = Box(x=(-1, 1), y=(-0.7, 0.7)), Disc(x=0.1, y=0, radius=0.3)
DOMAIN = BOX - DISC


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def equations_of(problem):
    return Equations(Model(problem, MLP, generator=seeded()), Jets())


def exact(x, y):
    """sin 3x and cos 2θ / r, about the centre of the disc."""
    first, square = x - 0.1, (x - 0.1) ** 2 + y**2
    return torch.sin(3 * x) + (first**2 - y**2) / square**1.5


def problem_of(equation):
    return Problem(
        DOMAIN,
        ["u"],
        {
            "equation": Constraint(equation, on=DOMAIN),
            "around": Constraint(lambda u, x, y: u - exact(x, y), on=DOMAIN.boundary()),
        },
    )


def screened(u, x, y):
    """Δu − u, less what the exact solution leaves: Δ (cos 2θ / r) = −3 cos 2θ / r³."""
    first, square = x - 0.1, (x - 0.1) ** 2 + y**2
    wave = (first**2 - y**2) / square**1.5
    return laplacian(u, x, y) - u + 10 * torch.sin(3 * x) + wave + 3 * wave / square


def kinds(equation, effort=1e9):
    solve = solve_affine if equation is not cubic else solve_smooth
    found = solve(equations_of(problem_of(equation)), generator=seeded(), effort=effort)
    return {type(basis) for basis in found.model.network.bases}


def cubic(u, x, y):
    return laplacian(u, x, y) - u**3


def poisson(u, x, y):
    return laplacian(u, x, y) + torch.exp(x)


def conducting(u, x, y):
    return (1 + x**2) * laplacian(u, x, y)


@pytest.mark.parametrize(
    ("equation", "harmonic"), [(poisson, True), (conducting, True), (screened, False), (cubic, False)]
)
def test_harmonic_functions_where_the_equations_are_those_of_such(equation, harmonic):
    assert (HoleFunctions in kinds(equation)) == harmonic
    assert (HoleProducts in kinds(equation)) != harmonic


def test_an_equation_that_is_not_laplaces_is_solved_about_a_hole():
    problem = problem_of(screened)
    answer = solve_affine(equations_of(problem), generator=seeded(), tolerance=1e-8)
    assert answer.ending is Ending.TOLERANCE
    x, y = DOMAIN.sample(500, generator=seeded(1)).x.T
    error = torch.as_tensor(Solution(problem, answer.model)(x=x, y=y)) - exact(x, y)
    assert float(error.abs().max()) < 1e-7  # harmonic functions end at 1e-2 of the residual


def test_points_lie_about_holes_and_everywhere():
    problem = problem_of(screened)
    singular = replace(singularities(problem), harmonic=False)
    inside = place_points(problem, "equation", 2000, singular, seeded())
    assert bool(DOMAIN.contains(inside.x).all()) and 1900 < inside.n <= 2000
    part = 0.3 / (inside.x - torch.tensor([0.1, 0.0])).norm(dim=1)
    assert 0.2 < float((part > 0.75).double().mean()) < 0.6  # evenly spread: 0.05
    around = place_points(problem, "around", 400, singular, seeded())
    on_disc = DISC.level(around.x).abs() < 1e-9
    assert 0.25 < float(on_disc.double().mean()) < 0.75
    outwards = (torch.tensor([0.1, 0.0], dtype=torch.float64) - around.x[on_disc]) / 0.3
    assert torch.allclose(around.normals[on_disc], outwards, atol=1e-9)
    for name, end in (("x", -1.0), ("x", 1.0), ("y", -0.7), ("y", 0.7)):
        assert int((around.x[:, ["x", "y"].index(name)] == end).sum()) > 20


@pytest.mark.slow
def test_four_holes_keep_their_series():
    problem = laplace_four_holes()
    answer = solve_affine(equations_of(problem), generator=seeded(), tolerance=1e-6)
    assert any(isinstance(basis, HoleFunctions) for basis in answer.model.network.bases)
    assert ErrorMeasure(problem)(answer.model) < 3e-6


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, 1])
def test_the_flow_around_a_cylinder_has_its_drag_and_lift(seed):
    """628 neurons, 9 s of a processor."""
    problem = gallery.cylinder_flow()
    answer = solve_smooth(equations_of(problem), generator=seeded(seed), effort=4e10)
    found = forces(Solution(problem, answer.model))
    for name, most in (("drag", 5e-3), ("pressure difference", 1e-2)):
        value, true = found[name]
        assert abs(value / true - 1) < most
    assert abs(found["lift"][0] - found["lift"][1]) < 0.02
