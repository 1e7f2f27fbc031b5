"""The residual of each exact solution, through the library's own equations and engines, is zero.

So a wrong sign can hide neither in an equation nor in a reference.
"""

import pytest
import torch

from pinn import problems
from pinn.derivatives import Autograd, Jets
from pinn.reference import Analytic
from pinn.sampling.uniform import spread

CLOSED = [
    problems.poisson_2d,
    problems.poisson_5d,
    problems.helmholtz_2d,
    lambda: problems.helmholtz_2d(6, 6),
    problems.heat_1d,
    lambda: problems.heat_1d(0.7),
    problems.euler_beam,
    problems.oscillator,
    problems.linear_ode,
    problems.diffusion_inverse,
    problems.wave_1d,
    lambda: problems.wave_1d(2.5),
    problems.convection,
    problems.reaction,
    problems.kovasznay,
    lambda: problems.kovasznay(40),
]


@pytest.mark.parametrize("engine", [Autograd, Jets])
@pytest.mark.parametrize("factory", CLOSED)
def test_the_exact_solution_solves_every_constraint(factory, engine):
    problem = factory()
    reference = problem.reference
    assert isinstance(reference, Analytic)

    def exact(columns):
        value = reference.fields(columns)
        return dict(value) if isinstance(value, dict) else {problem.outputs[0]: value}

    true = {name: torch.tensor(value, dtype=torch.float64) for name, value in problem.exact_coefficients.items()}
    for name, points in spread(problem, 50, torch.Generator().manual_seed(0)).items():
        constants = {**true, **points.constants()}
        rows = engine().residual(exact, problem.equation(name), points.x, points.names, constants)
        scale = max(1.0, 2e3 if "helmholtz" in problem.name else 1.0)
        assert rows.detach().abs().max() <= 1e-10 * scale, name
