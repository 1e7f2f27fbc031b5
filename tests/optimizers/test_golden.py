"""Three small differential problems to an error that each optimizer must reach, from the same network and points."""

import math
from functools import partial

import pytest
import torch

from pinn import Box, Constraint, Problem, d, laplacian
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.optimizers import (
    BFGS,
    LBFGS,
    SOAP,
    SPRING,
    SSBFGS,
    FirstOrder,
    LevenbergMarquardt,
    MatrixFree,
    NaturalGradient,
    Sketched,
    SSBroyden,
)
from pinn.sampling.uniform import spread

LINE, SQUARE = Box(x=(0, 1)), Box(x=(0, 1), y=(0, 1))


def decay():
    """u' = −3u, u(0) = 1."""
    return Problem(
        LINE,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x) + 3 * u, on=LINE),
            "start": Constraint(lambda u: u - 1, on=LINE.face(x=0)),
        },
    ), lambda x: torch.exp(-3 * x)


def bending():
    """u'' = −π² sin πx, u = 0 at both ends."""
    return Problem(
        LINE,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x, x) + math.pi**2 * torch.sin(math.pi * x), on=LINE),
            "ends": Constraint(lambda u: u, on=LINE.boundary(), weight=100.0),
        },
    ), lambda x: torch.sin(math.pi * x)


def poisson():
    """−Δu = 2π² sin πx sin πy, u = 0 on the sides of the unit square."""

    def equation(u, x, y):
        return laplacian(u, x, y) + 2 * math.pi**2 * torch.sin(math.pi * x) * torch.sin(math.pi * y)

    return Problem(
        SQUARE,
        ["u"],
        {
            "equation": Constraint(equation, on=SQUARE),
            "sides": Constraint(lambda u: u, on=SQUARE.boundary(), weight=100.0),
        },
    ), lambda x, y: torch.sin(math.pi * x) * torch.sin(math.pi * y)


# What makes it, its steps, and the errors for decay, bending and poisson that it must reach in them.
METHODS = {
    "LevenbergMarquardt": (LevenbergMarquardt, 40, (5e-8, 2e-7, 1e-4)),
    "MatrixFree": (MatrixFree, 15, (2e-3, 2e-3, 1e-1)),
    "Sketched": (partial(Sketched, 1.0), 40, (1e-2, 5e-7, 2e-4)),
    "LBFGS": (LBFGS, 150, (2e-4, 3e-3, 4e-2)),
    "BFGS": (BFGS, 150, (2e-3, 4e-4, 2e-1)),
    "SSBFGS": (SSBFGS, 150, (4e-6, 3e-5, 2e-2)),
    "SSBroyden": (SSBroyden, 150, (2e-6, 1e-4, 2e-2)),
    "NaturalGradient": (NaturalGradient, 40, (5e-6, 1e-6, 5e-4)),
    "SPRING": (SPRING, 40, (4e-3, 1e-2, 2e-2)),
    "SOAP": (partial(FirstOrder, partial(SOAP, lr=1e-2)), 150, (3e-1, 2e-2, 3e-1)),
    "Adam": (partial(FirstOrder, partial(torch.optim.Adam, lr=1e-2)), 150, (8e-1, 1e-2, 4e-1)),
}


@pytest.mark.parametrize("name", METHODS)
def test_golden_errors(name):
    make, steps, errors = METHODS[name]
    for (problem, exact), golden in zip((decay(), bending(), poisson()), errors, strict=True):
        generator = torch.Generator().manual_seed(0)
        model = Model(problem, partial(MLP, width=10, depth=2), generator=generator, dtype=torch.float64)
        objective = Objective(Equations(model, Jets()), spread(problem, 60, generator))
        optimizer = make()
        for _ in range(steps):
            if optimizer.step(objective).done:
                break
        error = relative_error(model, problem, exact)
        assert error < golden


def relative_error(model, problem, exact):
    grid = torch.linspace(0, 1, 21, dtype=torch.float64)
    axes = torch.meshgrid(*[grid] * len(problem.coordinates), indexing="ij")
    columns = {name: axis.reshape(-1) for name, axis in zip(problem.coordinates, axes, strict=True)}
    with torch.no_grad():
        u = model.outputs(columns)["u"]
    truth = exact(*columns.values())
    return float((u - truth).norm() / truth.norm())
