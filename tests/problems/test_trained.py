"""Every problem of the suite, trained by `solve` without linear solves, reaches a golden error in so many steps.

Steps, not seconds, so that a slow machine takes the same ones. The short runs show that a problem trains, each ending
behind the steps in which its error falls; the long ones that it trains to what the library is for. A new problem adds
its line to `SHORT`, and its name to `DEAR` where that takes more than two seconds of a processor and another of its
kind does not; `LONGEST` names those whose long runs take more than ten (`make long`).

What the short runs reached was measured five times: from the start of seed 0, and from four with every parameter moved
by 1e-12 of itself. The largest of the five errors stands beside the bound, which has room of a factor of three or more.
"""

import pytest

from pinn import problems, solve

# Optimizer steps, relative L2 error and, where coefficients are unknown, their largest relative error.
SHORT = {
    "allen_cahn": (45, 5e-2),  # 1.7e-3
    "burgers": (45, 2e-1),  # 2.0e-3
    "burgers_inverse": (30, 1e-1, 4e-1),  # 8.7e-3, 1.8e-2
    "burgers_smooth": (25, 6e-3),  # 4.3e-4
    "cavity": (15, 3e-1),  # 5.1e-2
    "convection": (20, 1e-4),  # 2.3e-5
    "diffusion_inverse": (25, 8e-6, 1.5e-6),  # 2.9e-6, 3.9e-7
    "euler_beam": (20, 1.2e-4),  # 1.3e-7
    "heat_1d": (24, 1.5e-5),  # 8.3e-7
    "helmholtz_2d": (45, 2e-2),  # 3.6e-3
    "kdv": (24, 1.2e-2),  # 1.9e-3
    "kovasznay": (17, 2.5e-2),  # 2.5e-3
    "laplace_four_holes": (30, 2e-1),  # 2.4e-2
    "laplace_solid": (6, 2e-3),  # 8.9e-5
    "linear_ode": (21, 2.5e-6),  # 3.0e-7
    "lorenz_inverse": (30, 1e-4, 1.2e-5),  # 2.5e-6, 1.7e-6
    "lotka_volterra": (60, 3e-6),  # 9.7e-7
    "oscillator": (30, 1.5e-6),  # 5.0e-7
    "poisson_2d": (20, 1.5e-5),  # 5.2e-6
    "poisson_5d": (12, 8e-3),  # 3.1e-4
    "poisson_l_shape": (20, 4e-3),  # 1.7e-3
    "reaction": (20, 4e-4),  # 1.5e-4
    "reaction_inverse": (10, 1.5e-1, 8e-1),  # 6.7e-3, 1.8e-1
    "wave_1d": (25, 2e-2),  # 4.5e-3
}
# Whose short runs are slow tests: of each kind of problem a quicker one stays.
DEAR = [
    "allen_cahn",
    "burgers",
    "burgers_inverse",
    "cavity",
    "helmholtz_2d",
    "kdv",
    "kovasznay",
    "laplace_four_holes",
    "laplace_solid",
    "lorenz_inverse",
    "lotka_volterra",
    "poisson_5d",
    "reaction_inverse",
    "wave_1d",
]
# Arguments with which those are trained that do not move within a hundred steps, or whose steps are dear.
EASIER = {
    "convection": {"beta": 5.0},
    "kdv": {"delta": 0.1},
    "lorenz_inverse": {"length": 1.5},
    "wave_1d": {"a": 1.0},
}
# Some five times what one run reached, and not its spread.
LONG = {
    "allen_cahn": (160, 5e-4),
    "burgers": (190, 5e-5),
    "burgers_inverse": (240, 1e-5, 2e-5),
    "burgers_smooth": (65, 5e-4),
    "cavity": (45, 8e-3),
    "convection": (240, 2e-3),
    "diffusion_inverse": (50, 6e-7, 3e-7),
    "euler_beam": (60, 1e-8),
    "heat_1d": (60, 3e-7),
    "helmholtz_2d": (230, 2e-6),
    "kdv": (200, 3e-3),
    "kovasznay": (70, 3e-6),
    "laplace_four_holes": (150, 3e-3),
    "linear_ode": (60, 1e-7),
    "lorenz_inverse": (60, 2e-6, 2e-6),
    "lotka_volterra": (100, 1e-7),
    "oscillator": (100, 7e-8),
    "poisson_2d": (60, 3e-7),
    "poisson_5d": (90, 2e-5),
    "poisson_l_shape": (100, 2e-4),
    "reaction": (50, 1e-4),
    "reaction_inverse": (28, 3e-3, 7e-3),
    "wave_1d": (160, 5e-4),
}
# Of these the short run is what every change is checked by.
LONGEST = [
    "allen_cahn",
    "burgers",
    "burgers_inverse",
    "cavity",
    "convection",
    "helmholtz_2d",
    "kdv",
    "kovasznay",
    "laplace_four_holes",
    "lorenz_inverse",
    "poisson_5d",
    "reaction_inverse",
    "wave_1d",
]


def marked(name):
    return pytest.param(name, marks=pytest.mark.slow) if name in DEAR else name


@pytest.mark.parametrize("name", [marked(name) for name in sorted({*problems.__all__, *SHORT, *LONG, *EASIER, *DEAR})])
def test_golden_error_of_a_short_run(name):
    assert name in problems.__all__, f"{name} has a line in this module and is not in pinn.problems; remove the line"
    assert name in SHORT, (
        f"pinn.problems.{name} has no golden error: train it for some tens of steps from several perturbed starts and "
        f'add its line to SHORT here, "{name}": (steps, error[, error of the coefficients]), bounds with room'
    )
    trained(name, *SHORT[name], **EASIER.get(name, {}))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in LONGEST else pytest.mark.slow) for name in LONG]
)
def test_golden_error_of_a_long_run(name):
    trained(name, *LONG[name])


def trained(name, steps, error, coefficients=0.0, **arguments):
    made = getattr(problems, name)(**arguments)
    solution = solve(made, steps=steps, features=None, progress=False, certify=False)
    assert solution.error() < error
    assert max(solution.coefficient_errors().values(), default=0.0) <= coefficients
