"""Every problem of the suite, trained by the default `solve`, reaches a golden error in so many optimizer steps.

Steps, not seconds, so that a slow machine takes the same ones. Each bound is some five times what was measured: what
breaks one has made training worse, not just different. The short runs show that a problem trains at all; the long ones
that it trains to what the library is for, and they have the problems that need some hundred steps before they move.
"""

import pytest

from pinn import problems, solve

# Optimizer steps, relative L2 error and, where coefficients are unknown, their largest relative error.
SHORT = {
    "allen_cahn": (60, 5e-2),
    "burgers": (60, 1e-2),
    "burgers_inverse": (50, 1e-2, 3e-2),
    "burgers_smooth": (65, 5e-4),
    "cavity": (18, 5e-1),
    "diffusion_inverse": (50, 6e-7, 3e-7),
    "euler_beam": (60, 1e-8),
    "heat_1d": (60, 3e-7),
    "helmholtz_2d": (80, 5e-3),
    "kovasznay": (18, 1e-2),
    "laplace_four_holes": (50, 8e-2),
    "linear_ode": (60, 1e-7),
    "lotka_volterra": (100, 1e-7),
    "oscillator": (100, 7e-8),
    "poisson_2d": (60, 3e-7),
    "poisson_5d": (25, 3e-3),
    "poisson_l_shape": (50, 2e-3),
    "reaction": (50, 1e-4),
    "reaction_inverse": (8, 2e-1, 8e-1),
}
LONG = {
    "allen_cahn": (160, 5e-4),
    "burgers": (190, 5e-5),
    "burgers_inverse": (170, 1e-5, 2e-5),
    "cavity": (45, 8e-3),
    "convection": (240, 2e-3),
    "helmholtz_2d": (230, 2e-6),
    "kdv": (200, 3e-3),
    "kovasznay": (70, 3e-6),
    "laplace_four_holes": (150, 3e-3),
    "lorenz_inverse": (60, 2e-6, 2e-6),
    "poisson_5d": (90, 2e-5),
    "poisson_l_shape": (100, 2e-4),
    "reaction_inverse": (28, 3e-3, 7e-3),
    "wave_1d": (160, 5e-4),
}


@pytest.mark.parametrize("name", SHORT)
def test_golden_error_of_a_short_run(name):
    trained(name, *SHORT[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_golden_error_of_a_long_run(name):
    trained(name, *LONG[name])


def trained(name, steps, error, coefficients=0.0):
    solution = solve(getattr(problems, name)(), steps=steps, progress=False)
    assert solution.error() < error
    assert max(solution.coefficient_errors().values(), default=0.0) <= coefficients


@pytest.mark.parametrize("name", sorted({*problems.__all__} - {*SHORT, *LONG}))
def test_a_problem_without_a_golden_error_trains(name):
    trained(name, 60, 0.5, 0.5)


def test_every_golden_error_is_of_a_problem():
    assert {*SHORT, *LONG} <= set(problems.__all__)
