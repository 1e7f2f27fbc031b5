"""Affine problems on fixed neurons: errors against the truth, what is claimed, and what is refused."""

from functools import partial

import pytest
import torch

import pinn.problems as problems
from pinn import Box, Constraint, Output, Problem, Solution, Unknown, d
from pinn.derivatives import Jets
from pinn.features import Ending, solve_affine, solve_smooth
from pinn.model import Model
from pinn.networks import MLP, Enriched
from pinn.objective import Equations
from pinn.solution.error import ErrorMeasure

SMALL = partial(MLP, width=8, depth=2)


def equations_of(problem, seed=0):
    return Equations(Model(problem, SMALL, generator=torch.Generator().manual_seed(seed)), Jets())


def found(problem, seed=0, **options):
    return solve_affine(equations_of(problem, seed), generator=torch.Generator().manual_seed(seed), **options)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("linear_ode", 1e-13),
        ("oscillator", 1e-13),
        ("euler_beam", 1e-13),
        ("poisson_2d", 1e-13),
        ("heat_1d", 1e-13),
        ("poisson_5d", 1e-13),
    ],
)
def test_smooth_affine_problems_end_at_rounding(name, most):
    problem = getattr(problems, name)()
    answer = found(problem)
    assert answer.ending is Ending.ROUNDING
    assert ErrorMeasure(problem)(answer.model) < most
    assert answer.error < 1e-12
    assert answer.carried


@pytest.mark.parametrize(
    ("problem", "tolerance"),
    [
        (problems.wave_1d, 1e-6),
        (problems.helmholtz_2d, 1e-6),
        (problems.convection, 1e-6),
        (problems.poisson_l_shape, 1e-8),
        (problems.laplace_four_holes, 1e-6),
    ],
)
def test_the_tolerance_ends_it_and_holds(problem, tolerance):
    problem = problem()
    answer = found(problem, tolerance=tolerance)
    assert answer.ending is Ending.TOLERANCE
    assert ErrorMeasure(problem)(answer.model) < 3 * answer.error < 3.01 * tolerance
    assert answer.work < 1e11


def test_what_is_claimed_follows_the_error_of_every_round():
    problem = problems.heat_1d()
    measure = ErrorMeasure(problem)
    for effort in (2e9, 4e9, 6e9):
        answer = found(problem, effort=effort)
        if len(answer.rounds) > 1:
            assert 0.05 * answer.error < measure(answer.model) < 3 * answer.error
    assert len(answer.rounds) > 2


def test_a_problem_that_polynomials_do_not_carry_is_noticed():
    line = Box(x=(0, 1), y=(0, 1))
    source = Constraint(
        lambda u, x, y: d(u, x, x) + d(u, y, y) - 1e3 * torch.sin(90 * x) * torch.sin(77 * y) * x, on=line
    )
    problem = Problem(line, ["u"], {"equation": source, "walls": Constraint(lambda u: u, on=line.boundary())})
    answer = found(problem, effort=3e10)
    assert answer.ending is Ending.NOT_CARRIED
    assert not answer.carried
    assert answer.work < 3e10


def test_an_answer_beside_a_network_is_that_of_neurons_alone():
    problem = problems.oscillator()
    equations = equations_of(problem)
    answer = solve_affine(equations, generator=torch.Generator().manual_seed(0), beside=True)
    assert answer.model.network.network is not None
    assert ErrorMeasure(problem)(answer.model) < 1e-12
    assert not any(parameter.requires_grad for parameter in answer.model.network.network.parameters())
    before = equations.model.network.state_dict()
    assert all(parameter.requires_grad for parameter in equations.model.network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in answer.model.network.network.state_dict().items())


def test_the_same_seed_gives_the_same_bits():
    first, second = (found(problems.poisson_2d(), seed=3, tolerance=1e-6) for _ in range(2))
    assert torch.equal(first.model.network.last.weight, second.model.network.last.weight)


def test_a_solution_is_read_back_from_its_file(tmp_path):
    problem = problems.laplace_four_holes()
    solution = Solution(problem, found(problem, tolerance=1e-3).model)
    solution.save(tmp_path / "holes.pt")
    again = Solution.load(tmp_path / "holes.pt", problem)
    assert isinstance(again.model.network, Enriched)
    assert again(x=0.1, y=0.2) == solution(x=0.1, y=0.2)


def test_systems_with_an_ansatz_and_a_periodic_coordinate():
    domain = Box(x=(0, 2), t=(0, 1))

    def waves(u, v, x, t):
        return d(u, t) + d(v, x), d(v, t) + d(u, x)

    def start(u, v, x):
        return u - torch.sin(torch.pi * x), v

    exact = lambda x, t: {  # noqa: E731
        "u": torch.sin(torch.pi * x) * torch.cos(torch.pi * t),
        "v": -torch.cos(torch.pi * x) * torch.sin(torch.pi * t),
    }
    from pinn.reference import Analytic

    problem = Problem(
        domain,
        ["u", "v"],
        {"waves": Constraint(waves, on=domain), "start": Constraint(start, on=domain.face(t=0))},
        periodic=["x"],
        ansatz={"v": lambda v, t: t * v},
        reference=Analytic(exact),
    )
    answer = found(problem)
    assert ErrorMeasure(problem)(answer.model) < 1e-12


line = Box(x=(0, 1))
ends = Constraint(lambda u: u - 1, on=line.boundary())


@pytest.mark.parametrize(
    ("problem", "what"),
    [
        (problems.burgers(), "equation"),
        (problems.diffusion_inverse(), "unknowns"),
        (
            Problem(
                line,
                [Output("u", positive=True)],
                {"equation": Constraint(lambda u, x: d(u, x, x) - u, on=line), "ends": ends},
            ),
            "form",
        ),
        (
            Problem(
                line,
                ["u"],
                {"equation": Constraint(lambda u, x: d(u, x, x) - u, on=line), "ends": ends},
                ansatz={"u": lambda u, x: torch.exp(u)},
            ),
            "ansatz",
        ),
    ],
)
def test_what_is_not_affine_is_refused(problem, what):
    with pytest.raises(ValueError, match=what):
        found(problem)


def test_an_unknown_is_named():
    problem = Problem(
        line,
        ["u"],
        {"equation": Constraint(lambda u, x, k: d(u, x, x) - k, on=line), "ends": ends},
        coefficients={"k": Unknown(1.0)},
    )
    with pytest.raises(ValueError, match="'k'"):
        found(problem)


def test_a_smooth_flow_is_solved_by_gauss_newton_steps():
    problem = problems.kovasznay()
    answer = solve_smooth(equations_of(problem), generator=torch.Generator().manual_seed(0), tolerance=1e-6)
    assert answer.ending is Ending.TOLERANCE
    assert ErrorMeasure(problem)(answer.model) < 3e-6


def test_gauss_newton_steps_refuse_unknowns():
    with pytest.raises(ValueError, match="'C'"):
        solve_smooth(equations_of(problems.diffusion_inverse()), generator=torch.Generator().manual_seed(0))
