"""Solves about an answer: what they leave on points not seen, dampings, and rows that would decide alone."""

import math
from functools import partial

import pytest
import torch

import pinn.problems as problems
from experiments.benchmarks.field import reaction_field
from pinn import solve
from pinn.derivatives import Jets
from pinn.features.answers import copied
from pinn.features.followed import outweighed
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.sampling.uniform import sample_uniform
from pinn.verification.certificate import certify
from pinn.verification.correction import Corrector, Plan, damped_steps, least_squares


@pytest.fixture(scope="module")
def layer():
    """Burgers' equation with a layer that training has begun to resolve."""
    network = partial(MLP, width=12, depth=2)
    return solve(
        problems.burgers(nu=0.02), network=network, steps=45, features=None, progress=False, verify=False, certify=False
    )


def corrector(solution):
    model = copied(solution.model)
    return Corrector(Equations(solution.model, Jets()), model, torch.Generator().manual_seed(1)), model


def test_parameters_that_move_carry_what_features_do_not(layer):
    solver, model = corrector(layer)
    before = [value.clone() for value in model.parameters()]
    still = solver.solve(Plan(100))
    moved = solver.solve(Plan(100, followed=0.5, rows=5.0, moving=True))
    assert moved.carried < 0.9 * still.carried
    assert moved.foreseen == moved.carried
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    again = moved.correction.corrected(model)
    for name, value in moved.model.named_parameters():
        assert torch.equal(dict(again.named_parameters())[name], value)


def test_the_error_of_a_layer_is_estimated_within_a_factor_three(layer):
    found, error = certify(Equations(layer.model, Jets())), layer.error()
    assert error / 3 < found.error < 3 * error


def test_a_damped_solve_never_makes_matters_worse():
    solution = solve(
        problems.kdv(), network=partial(MLP, width=8, depth=2), steps=4, features=None, progress=False, certify=False
    )
    solver, _ = corrector(solution)
    assert solver.solve(Plan(40, rows=2.0, moving=True)).carried <= 1


def test_damped_steps_go_from_least_squares_to_nothing():
    generator = torch.Generator().manual_seed(0)
    jacobian = torch.randn(30, 5, generator=generator, dtype=torch.float64) * torch.logspace(-6, 6, 5).double()
    residual = torch.randn(30, generator=generator, dtype=torch.float64)
    small, middle, large = damped_steps(jacobian, residual, (1e-14, 1.0, 1e8))
    assert torch.allclose(small, least_squares(jacobian, residual), rtol=1e-8)
    left = [float((jacobian @ step + residual).norm()) for step in (small, middle, large)]
    assert left == sorted(left) and math.isclose(left[2], float(residual.norm()), rel_tol=1e-6)


def test_the_largest_rows_of_many_count_as_the_others_and_a_few_are_left():
    problem = problems.poisson_2d()
    solution = solve(problem, network=partial(MLP, width=5, depth=1), steps=1, progress=False, certify=False)
    points = sample_uniform(problem, 100, torch.Generator().manual_seed(0))
    points = {
        name: some.take(torch.arange(min(some.n, 100 if name == "equation" else 10))) for name, some in points.items()
    }
    objective = Objective(Equations(solution.model, Jets()), points)
    residual = torch.ones(objective.rows, dtype=torch.float64)
    counts = [block.rows for block in objective.blocks]
    assert counts[0] == 100 and max(counts[1:]) < 50
    residual[[3, 7, 100]] = torch.tensor([50.0, -200.0, 50.0], dtype=torch.float64)
    weights = outweighed(objective, residual)
    assert weights[3] == pytest.approx(1 / 50) and weights[7] == pytest.approx(1 / 200) and weights[100] == 1
    assert int((weights == 1).sum()) == objective.rows - 2


def test_what_keeps_a_field_smooth_does_not_count_where_data_are_exact():
    """Smoothness of training is the greater part of the loss about this answer, and not what its error is."""
    network = partial(MLP, width=10, depth=2)
    solution = solve(
        reaction_field(), network=network, steps=12, features=None, progress=False, verify=False, certify=False
    )
    equations = Equations(solution.model, Jets())
    found, error = certify(equations), solution.error()
    assert found.carried < 0.3
    assert error / 2 < found.error < 2 * error
