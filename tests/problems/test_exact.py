"""The residual of each exact solution, through the library's own equations and engines, is zero.

So a wrong sign can hide neither in an equation nor in a reference.
"""

import math

import numpy as np
import pytest
import torch

from pinn import problems
from pinn.derivatives import Autograd, Jets, d, laplacian
from pinn.reference import Analytic
from pinn.sampling.uniform import sample_uniform

CLOSED = [
    problems.poisson_2d,
    problems.poisson_5d,
    problems.helmholtz_2d,
    lambda: problems.helmholtz_2d(6, 6),
    lambda: problems.helmholtz_2d(2, 1, k=5.0),
    lambda: problems.helmholtz_2d(1, 1, k=0),
    problems.heat_1d,
    lambda: problems.heat_1d(0.7),
    problems.euler_beam,
    problems.oscillator,
    problems.linear_ode,
    problems.diffusion_inverse,
    lambda: problems.diffusion_inverse(coefficient=0.3, observations=4),
    problems.wave_1d,
    lambda: problems.wave_1d(2.5),
    problems.convection,
    problems.reaction,
    lambda: problems.reaction(-3.0),
    lambda: problems.reaction(2000.0),
    problems.kovasznay,
    problems.laplace_solid,
    lambda: problems.kovasznay(40),
    lambda: problems.kovasznay(1e9),
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
    for name, points in sample_uniform(problem, 50, torch.Generator().manual_seed(0)).items():
        constants = {**true, **points.constants()}
        rows = engine().bind(exact, problem.equation(name), points.names).residual(points.x, constants)
        scale = max(1.0, 2e3 if "helmholtz" in problem.name else 1.0)
        assert rows.detach().abs().max() <= 1e-10 * scale, name


def cole_hopf_field(nu, nodes=160):
    """The Cole-Hopf integral in torch operations, by Gauss-Hermite quadrature, so that it has derivatives."""
    s, w = (torch.from_numpy(array) for array in np.polynomial.hermite.hermgauss(nodes))

    def exact(columns):
        x, t = columns["x"], columns["t"]
        y = x[:, None] - 2 * torch.sqrt(nu * t)[:, None] * s
        exponent = -torch.cos(math.pi * y) / (2 * math.pi * nu)
        weight = w * torch.exp(exponent - exponent.detach().amax(1, keepdim=True))
        return {"u": -(weight * torch.sin(math.pi * y)).sum(1) / weight.sum(1)}

    return exact


@pytest.mark.parametrize("nu", [0.01 / math.pi, 0.01, 0.1])
def test_the_cole_hopf_solution_solves_burgers_equation(nu):
    problem = problems.burgers(nu)
    points = problem.domain.sample(200, generator=torch.Generator().manual_seed(0), method="uniform")
    late = points.take((points.column("t") > 0.05).nonzero()[:, 0])
    exact = cole_hopf_field(nu)
    columns = {name: late.column(name).clone().requires_grad_() for name in late.names}
    u = exact(columns)["u"]
    np.testing.assert_allclose(u.detach().numpy(), problem.exact(late)["u"], rtol=0, atol=1e-12)
    rows = Autograd().bind(exact, problem.equation("equation"), late.names).residual(late.x)
    terms = (u * d(u, columns["x"])).detach().abs().max()
    assert rows.detach().abs().max() <= 1e-10 * max(1.0, float(terms))


def test_the_singular_function_of_the_l_is_harmonic_and_vanishes_on_both_edges():
    problem = problems.poisson_l_shape()
    corner = problem.features["corner"]
    inside = problem.domain.sample(400, generator=torch.Generator().manual_seed(0), method="uniform")
    far = inside.take((inside.x.norm(dim=1) > 0.05).nonzero()[:, 0])
    x, y = (far.column(name).clone().requires_grad_() for name in ("x", "y"))
    s = corner(x, y)
    assert laplacian(s, x, y).abs().max() < 1e-10
    slopes = (d(s, x) ** 2 + d(s, y) ** 2).sqrt()
    torch.testing.assert_close(slopes, 2 / 3 * (x**2 + y**2) ** (-1 / 6), rtol=1e-10, atol=0)
    edge, zero = torch.linspace(0, 1, 11, dtype=torch.float64), torch.zeros(11, dtype=torch.float64)
    for on in (corner(edge, zero), corner(zero, edge)):
        assert on.abs().max() < 1e-9
