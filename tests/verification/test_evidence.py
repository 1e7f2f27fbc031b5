"""The likeliest smoothness against the marginal likelihood of a Gaussian process in closed form."""

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Unknown, d
from pinn.derivatives import Jets
from pinn.domains import Scatter
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.verification.evidence import likeliest

SIGMA, N = 0.02, 40
SEEN = np.linspace(0.05, 1.0, N)
LINE = Box(x=(0, 1))
SMOOTH = "smoothness of q"


def observed(seed):
    """u' = q, u(0) = 0, q = 1 + ½ sin 6x, with noise."""
    exact = SEEN + (1 - np.cos(6 * SEEN)) / 12
    return exact + SIGMA * np.random.default_rng(seed).standard_normal(N)


def equations_of(seen, sigma, weight=1e-3):
    """About q = 1, u = x."""
    constraints = {
        "equation": Constraint(lambda u, x, q: d(u, x) - q, on=LINE),
        "start": Constraint(lambda u: u, on=LINE.face(x=0)),
        "data": Constraint(lambda u, seen: u - seen, on=Scatter({"x": SEEN}, {"seen": seen}, sigma=sigma)),
    }
    ansatz = {"u": lambda u, x: x + 1e-6 * u}
    problem = Problem(LINE, ["u"], constraints, coefficients={"q": Unknown(1.0, inputs=("x",))}, ansatz=ansatz)
    model = Model(problem, lambda **given: MLP(width=5, depth=1, **given), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in model.fields["q"].parameters():
            parameter.mul_(1e-9)
    equations = Equations(model, Jets())
    equations.weights["data"] = 1.0
    equations.weights[SMOOTH] = weight
    return equations


def strength_chosen(seen, sigma, weight):
    """α of −2 log p(q) = α ∫ q'², where weight is that of the smoothness rows before."""
    equations = equations_of(seen, sigma, weight)
    sizes = equations.row_sizes
    unit = N * sizes["data"][0] ** 2 / (SIGMA**2 * sizes[SMOOTH][0] ** 2)
    return likeliest(equations)[SMOOTH] * weight * unit


def closed(seen):
    """−2 log p(y | α) for q = c + W / √α, W a Brownian path and c of variance 1e4, about q = 1; by α."""
    s = (np.arange(2000) + 0.5) / 2000
    integral = (s <= SEEN[:, None]) / 2000
    path = integral @ np.minimum(s[:, None], s) @ integral.T
    level = 1e4 * np.outer(SEEN, SEEN)

    def doubt(alpha):
        covariance = level + path / alpha + SIGMA**2 * np.eye(N)
        return np.linalg.slogdet(covariance)[1] + (seen - SEEN) @ np.linalg.solve(covariance, seen - SEEN)

    return doubt


@pytest.mark.parametrize("seed", [0, 1])
def test_the_choice_is_that_of_a_gaussian_process(seed):
    seen = observed(seed)
    chosen = strength_chosen(seen, SIGMA, 1e-3)
    alphas = 10.0 ** np.arange(-4, 4, 0.05)
    doubt = closed(seen)
    values = [doubt(alpha) for alpha in alphas]
    assert doubt(chosen) - min(values) < 1.0  # steps are half a decade
    assert abs(np.log10(chosen / alphas[int(np.argmin(values))])) < 0.6


def test_neither_the_present_weight_nor_the_noise_being_stated_decides():
    whole = strength_chosen(observed(0), SIGMA, 1e-3)
    assert strength_chosen(observed(0), SIGMA, 1e-6) == pytest.approx(whole, rel=1e-6)
    assert strength_chosen(observed(0), SIGMA, 1.0) == pytest.approx(whole, rel=1e-6)
    assert abs(np.log10(strength_chosen(observed(0), None, 1e-3) / whole)) < 0.6


def test_data_of_a_constant_want_it_as_smooth_as_can_be():
    seen = SEEN + SIGMA * np.random.default_rng(3).standard_normal(N)
    assert strength_chosen(seen, SIGMA, 1e-3) > 10 * strength_chosen(observed(0), SIGMA, 1e-3)


def test_without_a_field_there_is_nothing_to_choose():
    problem = Problem(LINE, ["u"], {"equation": Constraint(lambda u, x: d(u, x) - 1, on=LINE)})
    model = Model(problem, lambda **given: MLP(width=5, depth=1, **given), generator=torch.Generator().manual_seed(0))
    assert likeliest(Equations(model, Jets())) == {}
