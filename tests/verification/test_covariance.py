"""Standard errors against closed forms: linear regression, equations whose solution is known, Gaussian processes."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Unknown, d
from pinn.derivatives import Jets
from pinn.domains import Point, Scatter
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.verification.covariance import covariance, posterior_of, quantile
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


def decay(observed, coefficients, equation, start, sigma=None):
    """u' = f on (0, 2) with observations, and a model that lies on the solution."""
    line = Box(t=(0, 2))
    data = Scatter({"t": TIMES}, {"seen": observed}, sigma=sigma)
    constraints = {
        "equation": Constraint(equation, on=line),
        "data": Constraint(lambda u, seen: u - seen, on=data),
    }
    if start is not None:
        constraints["start"] = Constraint(start, on=line.face(t=0))
    ansatz = {"u": lambda u, t: torch.exp(-t) + 1e-6 * u}
    return Problem(line, ["u"], constraints, coefficients=coefficients, ansatz=ansatz)


def equations_of(problem, flat=False):
    model = Model(problem, MLP, generator=torch.Generator().manual_seed(0))
    if flat:  # unknown fields at their first guess
        with torch.no_grad():
            for parameter in model.fields.parameters():
                parameter.zero_()
    return Equations(model, Jets())


def posterior(problem, flat=False, weights=None):
    equations = equations_of(problem, flat)
    equations.weights.update(weights or {})
    return posterior_of(Linearized.of(equations), equations)


def measured(problem):
    found = posterior(problem)
    return found.standard_errors, found.correlation


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
    """Without the start u = u₀ e^{−at} has two numbers to be found, one of them in the solution alone.

    So the data decide two numbers, and the noise is estimated with two degrees of freedom less.
    """
    problem = decay(noisy(), {"a": Unknown(1.0)}, lambda u, t, a: d(u, t) + a * u, None)
    J = np.stack([-TIMES * np.exp(-TIMES), np.exp(-TIMES)], 1)
    expected = NOISE * math.sqrt(19 / 18) * math.sqrt(np.linalg.inv(J.T @ J)[0, 0])
    found = posterior(problem)
    assert found.standard_errors["a"] == pytest.approx(expected, rel=0.01)
    assert found.freedom == pytest.approx(18, abs=0.1)


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
    assert posterior(Problem(line, ["u"], constraints, coefficients={"a": Unknown(1.0)})) is None


def rate(sigma, **more):
    problem = decay(noisy(), {"a": Unknown(1.0)}, lambda u, t, a: d(u, t) + a * u, lambda u: u - 1, sigma)
    return replace(problem, constraints={**problem.constraints, **more})


def test_stated_noise_of_each_point_is_its_weight():
    sigma = np.linspace(0.01, 0.1, 20)
    found = posterior(rate(sigma))
    information = np.sum((TIMES * np.exp(-TIMES) / sigma) ** 2)
    assert found.standard_errors["a"] == pytest.approx(1 / math.sqrt(information), rel=0.01)
    assert found.freedom == math.inf


def test_noise_enters_rows_to_first_order():
    """2 (u - y) has twice the noise of y: the rate is as uncertain as before."""
    doubled = Constraint(lambda u, seen: 2 * (u - seen), on=Scatter({"t": TIMES}, {"seen": noisy()}, sigma=NOISE))
    one, two = (posterior(problem).standard_errors["a"] for problem in (rate(NOISE), rate(NOISE, data=doubled)))
    assert two == pytest.approx(one, rel=1e-3)


def test_the_error_of_the_output_follows_from_that_of_the_rate():
    """δu = −t e^{−t} δa."""
    found = posterior(rate(NOISE))
    t = np.linspace(0, 2, 2001)
    relative = math.sqrt(np.mean((t * np.exp(-t)) ** 2) / np.mean(np.exp(-2 * t)))
    assert found.noise_errors["u"] == pytest.approx(found.standard_errors["a"] * relative, rel=0.03)


def test_the_step_is_the_way_to_least_squares():
    """About a = 1 the misfit e gives the step Σ S e / Σ S², S = −t e^{−t}."""
    found = posterior(rate(NOISE))
    slope, misfit = -TIMES * np.exp(-TIMES), noisy() - np.exp(-TIMES)
    step = float(found.step[found.linearized.units.numbers["a"][0]])
    assert step == pytest.approx(np.sum(slope * misfit) / np.sum(slope**2), rel=0.02)


def test_a_prior_of_the_user_is_a_row_with_its_weight():
    """A prior as informative as the data halves the variance."""
    alone = posterior(rate(NOISE)).standard_errors["a"]
    prior = Constraint(lambda a: a - 1, on=Point(t=0.0))
    sizes = equations_of(rate(NOISE, prior=prior)).row_sizes
    beside = NOISE / (alone * math.sqrt(20)) * sizes["prior"][0] / sizes["data"][0]  # of the mean of 20 rows u - y
    weighed = replace(prior, weight=rate(NOISE).weight("data") * beside**2)
    both = posterior(rate(NOISE, prior=weighed)).standard_errors["a"]
    assert both == pytest.approx(alone / math.sqrt(2), rel=0.01)


SEEN = np.linspace(0.05, 1.0, 20)


def slope_field(sigma, smooth=True):
    """u' = q with u(0) = 0 about q = 1: the field is the derivative of what is observed."""
    line = Box(x=(0, 1))
    constraints = {
        "equation": Constraint(lambda u, x, q: d(u, x) - q, on=line),
        "start": Constraint(lambda u: u, on=line.face(x=0)),
        "data": Constraint(lambda u, seen: u - seen, on=Scatter({"x": SEEN}, {"seen": SEEN}, sigma=sigma)),
    }
    ansatz = {"u": lambda u, x: x + 1e-6 * u}
    field = Unknown(1.0, inputs=("x",), smooth=smooth)
    return Problem(line, ["u"], constraints, coefficients={"q": field}, ansatz=ansatz)


def brownian(x, y):
    """Covariances of q = c + W at x and of ∫ q up to y, with c of variance 1e4 and W a Brownian path."""
    s = (np.arange(4000) + 0.5) / 4000
    kernel = 1e4 + np.minimum(s[:, None], s)
    integral = (s <= y[:, None]) / 4000
    at = 1e4 + np.minimum(x[:, None], s)
    return 1e4 + x, at @ integral.T, integral @ kernel @ integral.T


def test_the_band_of_a_field_is_that_of_a_gaussian_process():
    """To a sixth: the roughest part of a Brownian path is beyond the features."""
    x, sigma = np.linspace(0.1, 0.9, 9), 0.02
    found = posterior(slope_field(sigma), flat=True).bands()["q"](x=x)
    own, mixed, seen = brownian(x, SEEN)
    variance = own - np.sum(mixed * np.linalg.solve(seen + sigma**2 * np.eye(20), mixed.T).T, 1)
    np.testing.assert_allclose(found, np.sqrt(variance), rtol=0.25)


def test_what_the_run_smoothed_away_counts():
    """A run of infinite smoothness gives a constant, but the band is no narrower for it."""
    loose = posterior(slope_field(0.02), flat=True, weights={"smoothness of q": 1.0}).bands()["q"]
    stiff = posterior(slope_field(0.02), flat=True, weights={"smoothness of q": 1e4}).bands()["q"]
    np.testing.assert_allclose(stiff.deviation, loose.deviation, rtol=1e-3)


def test_quantiles_of_students_distribution():
    """From tables: t(0.975; 5, 10, 30)."""
    for freedom, expected in ((5, 2.571), (10, 2.228), (30, 2.042), (math.inf, 1.960)):
        assert quantile(0.95, freedom) == pytest.approx(expected, abs=4e-3)
