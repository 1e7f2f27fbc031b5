"""Standard errors against closed forms: linear regression, and equations whose solution is known."""

import math

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Unknown, d
from pinn.derivatives import Jets
from pinn.domains import Scatter
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.verification.covariance import covariance, uncertainty
from pinn.verification.stability import Linearized

TIMES = np.linspace(0.1, 2.0, 20)
NOISE = 0.01


def design():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(30, 4, generator=generator, dtype=torch.float64)


def test_without_exact_rows_it_is_that_of_linear_regression():
    J, sigma = design(), torch.linspace(0.1, 0.4, 30, dtype=torch.float64)
    expected = torch.linalg.inv(J.T @ (J / sigma[:, None].square()))[-2:, -2:]
    torch.testing.assert_close(covariance(J[:0], J, sigma, 2), expected, rtol=1e-10, atol=0)


def test_exact_rows_eliminate_what_they_determine():
    """z₀ = z₃ and z₁ = 2 z₂ exactly: regression on the two that are left."""
    J, sigma = design(), torch.full((30,), 0.2, dtype=torch.float64)
    exact = torch.tensor([[1.0, 0, 0, -1.0], [0, 1.0, -2.0, 0]], dtype=torch.float64)
    left = torch.stack([2 * J[:, 1] + J[:, 2], J[:, 0] + J[:, 3]], 1)
    expected = 0.04 * torch.linalg.inv(left.T @ left)
    torch.testing.assert_close(covariance(exact, J, sigma, 2), expected, rtol=1e-3, atol=0)


def test_what_no_row_sees_is_uncertain_without_bound():
    J = design()
    J[:, 3] = 0
    assert bool(torch.isinf(covariance(J[:0], J, torch.ones(30, dtype=torch.float64), 1)).all())


def decay(observed, coefficients, equation, start):
    """u' = f on (0, 2) with observations, and a model that lies on the solution."""
    line = Box(t=(0, 2))
    data = Scatter({"t": TIMES}, {"seen": observed})
    constraints = {
        "equation": Constraint(equation, on=line),
        "data": Constraint(lambda u, seen: u - seen, on=data),
    }
    if start is not None:
        constraints["start"] = Constraint(start, on=line.face(t=0))
    ansatz = {"u": lambda u, t: torch.exp(-t) + 1e-6 * u}
    return Problem(line, ["u"], constraints, coefficients=coefficients, ansatz=ansatz)


def measured(problem):
    model = Model(problem, MLP, generator=torch.Generator().manual_seed(0))
    return uncertainty(Linearized.of(Equations(model, Jets())))


def noisy():
    """Observations whose misfit has the root-mean-square NOISE with one degree of freedom less."""
    noise = np.where(np.arange(20) % 2, 1.0, -1.0) * NOISE * math.sqrt(19 / 20)
    return np.exp(-TIMES) + noise


def test_the_rate_of_a_decay_from_a_known_start():
    """u = e^{−at}: ∂u/∂a = −t e^{−at}, so that σ_a² = σ² / Σ t² e^{−2t}."""
    problem = decay(noisy(), {"a": Unknown(1.0)}, lambda u, t, a: d(u, t) + a * u, lambda u: u - 1)
    errors, correlation = measured(problem)
    assert errors["a"] == pytest.approx(NOISE / math.sqrt(np.sum((TIMES * np.exp(-TIMES)) ** 2)), rel=0.01)
    assert correlation == {}


def test_the_freedom_of_the_solution_counts():
    """Without the start u = u₀ e^{−at} has two numbers to be found, one of them in the solution alone."""
    problem = decay(noisy(), {"a": Unknown(1.0)}, lambda u, t, a: d(u, t) + a * u, None)
    J = np.stack([-TIMES * np.exp(-TIMES), np.exp(-TIMES)], 1)
    expected = NOISE * math.sqrt(np.linalg.inv(J.T @ J)[0, 0])
    assert measured(problem)[0]["a"] == pytest.approx(expected, rel=0.01)


def test_the_correlation_of_two_unknowns():
    """u' = −a u + b (1 − u) about a = 1, b = 0: S = ∂u/∂(a, b) is known."""
    problem = decay(
        noisy(),
        {"a": Unknown(1.0), "b": Unknown(0.0)},
        lambda u, t, a, b: d(u, t) + a * u - b * (1 - u),
        lambda u: u - 1,
    )
    fall = np.exp(-TIMES)
    J = np.stack([-TIMES * fall, (1 - fall) - TIMES * fall], 1)
    sigma = NOISE * math.sqrt(19 / 18)  # one more unknown, one degree of freedom less
    expected = sigma**2 * np.linalg.inv(J.T @ J)
    errors, correlation = measured(problem)
    assert errors["a"] == pytest.approx(math.sqrt(expected[0, 0]), rel=0.01)
    assert errors["b"] == pytest.approx(math.sqrt(expected[1, 1]), rel=0.01)
    wanted = expected[0, 1] / math.sqrt(expected[0, 0] * expected[1, 1])
    assert correlation["a", "b"] == pytest.approx(wanted, abs=0.01)


def test_without_observations_nothing_is_said():
    line = Box(t=(0, 1))
    constraints = {"equation": Constraint(lambda u, t, a: d(u, t) + a * u, on=line)}
    assert measured(Problem(line, ["u"], constraints, coefficients={"a": Unknown(1.0)})) == ({}, {})
