"""Units decide nothing: the same problem in other units is the same run."""

import math

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, d, laplacian, problems, solve
from pinn.scales import measure_scales
from tests.restated import Units, restated

ROD = Box(x=(0, 1))
SLAB = Box(x=(0, 1), t=(0, 1))


def fin():
    """A fin with heat loss: 2 θ'' = 5 θ − 1, θ = 1 at one end, none through the other."""
    return Problem(
        ROD,
        ["T"],
        {
            "equation": Constraint(lambda T, x: 2 * d(T, x, x) - 5 * T + 1, on=ROD),
            "base": Constraint(lambda T: T - 1, on=ROD.face(x=0)),
            "tip": Constraint(lambda T, x: d(T, x), on=ROD.face(x=1)),
        },
        reference=lambda x: 0.2 + 0.8 * np.cosh(math.sqrt(2.5) * (1 - x)) / np.cosh(math.sqrt(2.5)),
    )


def source():
    """A source in a slab that begins and stays cold at its sides."""
    return Problem(
        SLAB,
        ["T"],
        {
            "equation": Constraint(
                lambda T, x, t: d(T, t) - 0.3 * d(T, x, x) - 4 * torch.exp(-((x - 0.3) ** 2) * 9), on=SLAB
            ),
            "start": Constraint(lambda T: T, on=SLAB.face(t=0)),
            "sides": Constraint(lambda T: T, on=SLAB.face(x=0) | SLAB.face(x=1)),
        },
    )


def membrane():
    """Δu = −1 on a rectangle, u = 0 around it."""
    plate = Box(x=(0, 2), y=(0, 1))
    return Problem(
        plate,
        ["u"],
        {
            "equation": Constraint(lambda u, x, y: laplacian(u, x, y) + 1, on=plate),
            "sides": Constraint(lambda u: u, on=plate.boundary()),
        },
    )


OWN = {"fin": fin, "source": source, "membrane": membrane}
SUITE = [
    "allen_cahn",
    "burgers",
    "convection",
    "diffusion_inverse",
    "euler_beam",
    "heat_1d",
    "helmholtz_2d",
    "kdv",
    "linear_ode",
    "lotka_volterra",
    "oscillator",
    "poisson_2d",
    "reaction",
    "wave_1d",
]
DEAR = ["burgers_inverse", "cavity", "kovasznay", "lorenz_inverse", "reaction_inverse"]


def by_two(problem):
    """Units of powers of two."""
    of_outputs = (2.0**17, 2.0**-9, 2.0**5)
    return Units(
        {name: (8.0, 2.0**-20)[index % 2] for index, name in enumerate(problem.coordinates)},
        {name: of_outputs[index] for index, name in enumerate(problem.outputs)},
        2.0**-30,
        dict.fromkeys(problem.unknowns, 64.0),
    )


def losses(problem, steps):
    return [
        row["loss"] for row in solve(problem, steps=steps, features=None, progress=False, verify=False).history.rows
    ]


@pytest.mark.parametrize("name", [*OWN, *SUITE, *(pytest.param(name, marks=pytest.mark.slow) for name in DEAR)])
def test_powers_of_two_leave_every_bit_of_the_history(name):
    problem = OWN[name]() if name in OWN else getattr(problems, name)()
    assert losses(restated(problem, by_two(problem)), 3) == losses(problem, 3)


@pytest.mark.parametrize("name", [*OWN, *SUITE, *DEAR])
def test_scales_have_the_units_of_what_they_measure(name):
    problem = OWN[name]() if name in OWN else getattr(problems, name)()
    units = by_two(problem)
    here, there = measure_scales(problem), measure_scales(restated(problem, units))
    for key, pair in here.outputs.items():
        assert there.outputs[key] == tuple(units.outputs[key] * value for value in pair)
    for key, sizes in here.rows.items():
        assert there.rows[key] == tuple(units.rows * size for size in sizes)
    assert there.unknowns == {key: 64.0 * size for key, size in here.unknowns.items()}


OTHER = {
    "small and large": Units({"x": 1e-6, "t": 3e9, "y": 1e-6}, {"T": 1e9, "u": 1e9}, 7e-5),
    "large and small": Units({"x": 1e3, "t": 1e-6, "y": 1e3}, {"T": 1e-6, "u": 1e-6}, 1e9),
    "kelvin for celsius": Units(zeros={"T": -273.15, "u": -273.15}),
}


@pytest.mark.parametrize("units", OTHER.values(), ids=OTHER)
@pytest.mark.parametrize("name", OWN)
def test_any_units_and_zeros_leave_the_first_steps(name, units):
    problem = OWN[name]()
    assert losses(restated(problem, units), 3) == pytest.approx(losses(problem, 3), rel=1e-6)


@pytest.mark.parametrize("units", OTHER.values(), ids=OTHER)
def test_any_units_and_zeros_leave_the_error(units):
    error = variation(solve(fin(), steps=15, features=None, progress=False), Units())
    there = variation(solve(restated(fin(), units), steps=15, features=None, progress=False), units)
    assert error / 3 < there < 3 * error < 1e-3


def variation(solution, units):
    """Error over the variation of the fin's temperature, from 1 to about 0.5."""
    x = np.linspace(0, 1, 101)
    found = solution(x=x * units.coordinates.get("x", 1.0)) / units.outputs.get("T", 1.0) + units.zeros.get("T", 0.0)
    true = fin().reference(x)
    return float(np.abs(found - true).max() / np.ptp(true))
