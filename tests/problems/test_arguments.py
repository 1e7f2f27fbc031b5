"""Parameters of problems: a file a problem, one clear error for what has no answer, and nothing computed before it."""

import inspect
import math
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch

from pinn import problems
from pinn.validation import count, finite, fraction, not_negative, positive, positive_each, whole

POSITIVE = {
    "allen_cahn": ["diffusion"],
    "burgers": ["nu"],
    "burgers_inverse": ["nu", "initial"],
    "burgers_smooth": ["nu"],
    "cavity": ["reynolds"],
    "diffusion_inverse": ["coefficient"],
    "heat_1d": ["conductivity"],
    "kdv": ["delta"],
    "kovasznay": ["reynolds"],
    "lorenz_inverse": ["sigma", "rho", "beta", "length"],
    "lotka_volterra": ["alpha", "beta", "gamma", "delta", "length"],
    "oscillator": ["length"],
    "reaction_inverse": ["diffusion", "rate"],
    "wave_1d": ["a"],
}
FINITE = {"allen_cahn": ["rate"], "convection": ["beta"], "diffusion_inverse": ["initial"], "reaction": ["rho"]}
NOT_NEGATIVE = {"burgers_inverse": ["noise"], "helmholtz_2d": ["k"]}
WHOLE = {"helmholtz_2d": ["a1", "a2"]}
COUNT = {
    "burgers_inverse": [("observations", 1), ("seed", 0)],
    "diffusion_inverse": [("observations", 4)],
    "lorenz_inverse": [("observations", 2)],
    "reaction_inverse": [("observations", 3)],
}
GUESSES = {"lorenz_inverse": 3, "reaction_inverse": 2}
NOT_A_NUMBER = (math.nan, math.inf, -math.inf, "1", None, True, 1j)


def each(table):
    return [(name, argument) for name, arguments in table.items() for argument in arguments]


def refused(name, argument, value):
    with pytest.raises(ValueError) as error:
        getattr(problems, name)(**{argument: value})
    message = str(error.value)
    assert message.startswith(f"{name}: got {argument}={value!r}, expected ") and "; give " in message
    assert "\n" not in message


@pytest.mark.parametrize("name", problems.__all__)
def test_a_problem_is_defined_in_a_module_of_its_name(name):
    assert inspect.getmodule(getattr(problems, name)) is sys.modules[f"pinn.problems.{name}"]


@pytest.mark.parametrize(("name", "argument"), each(POSITIVE))
def test_what_must_be_positive(name, argument):
    for value in (0, -1.0, *NOT_A_NUMBER):
        refused(name, argument, value)


@pytest.mark.parametrize(("name", "argument"), each(FINITE))
def test_what_must_be_finite(name, argument):
    for value in NOT_A_NUMBER:
        refused(name, argument, value)


@pytest.mark.parametrize(("name", "argument"), each(NOT_NEGATIVE))
def test_what_must_not_be_negative(name, argument):
    for value in (-1e-3, *NOT_A_NUMBER):
        refused(name, argument, value)


@pytest.mark.parametrize(("name", "argument"), each(WHOLE))
def test_what_must_be_whole(name, argument):
    for value in (0, -2, 1.5, *NOT_A_NUMBER):
        refused(name, argument, value)


@pytest.mark.parametrize(("name", "entry"), each(COUNT))
def test_what_is_counted(name, entry):
    argument, least = entry
    for value in (least - 1, 20.0, *NOT_A_NUMBER):
        refused(name, argument, value)


@pytest.mark.parametrize(("name", "length"), GUESSES.items())
def test_first_guesses(name, length):
    for value in (1.0, (1.0,) * (length + 1), (1.0,) * (length - 1) + (0.0,), (1.0,) * (length - 1) + (math.nan,)):
        refused(name, "initial", value)


TAKEN = [(name, key) for name in problems.__all__ for key in inspect.signature(getattr(problems, name)).parameters]


@pytest.mark.parametrize(("name", "argument"), TAKEN)
def test_every_parameter_is_validated(name, argument):
    """Those of problems that stand in no table above, too."""
    with pytest.raises(ValueError, match=f"^{name}: "):
        getattr(problems, name)(**{argument: math.nan})


def test_every_parameter_in_a_table_is_one_of_a_problem():
    tables = (each(POSITIVE), each(FINITE), each(NOT_NEGATIVE), each(WHOLE))
    found = {pair for table in tables for pair in table} | {(name, entry[0]) for name, entry in each(COUNT)}
    assert found | {(name, "initial") for name in GUESSES} <= set(TAKEN)


@pytest.mark.parametrize("options", [{"radius": 0.25}, {"radius": 0}, {"offset": math.nan}, {"offset": 0.45}])
def test_discs_that_touch(options):
    with pytest.raises(ValueError, match=r"^laplace_four_holes: discs of radius .* touch"):
        problems.laplace_four_holes(**options)


def test_four_holes_of_another_size():
    problem = problems.laplace_four_holes(radius=0.15, offset=0.25)
    assert problem.reference_error < 1e-10
    points = problem.constraints["discs"].on.sample(40, generator=torch.Generator().manual_seed(0), method="uniform")
    np.testing.assert_allclose(problem.exact(points)["u"], 0, atol=1e-10)
    assert problem.domain.measure == pytest.approx(1 - 4 * math.pi * 0.15**2, rel=2e-2)


def test_helmholtz_wave_numbers_at_which_the_solution_is_not_unique():
    """k² = (m² + n²) π²/4: sin(mπ(x + 1)/2) sin(nπ(y + 1)/2) can be added."""
    for m, n in ((1, 1), (1, 2), (6, 8), (3, 7)):
        k = math.pi / 2 * math.hypot(m, n)
        with pytest.raises(ValueError, match="whose square is an eigenvalue"):
            problems.helmholtz_2d(k=k)
        assert problems.helmholtz_2d(k=k * (1 + 1e-9)).name == "helmholtz_2d"
    # 4 = 0 + 4 and 3 are no sums of two positive squares.
    for whole_number in (0, 3, 4):
        assert problems.helmholtz_2d(k=math.pi / 2 * math.sqrt(whole_number)).name == "helmholtz_2d"


def test_numbers_of_every_kind_pass():
    positive("here", a=1, b=0.5, c=np.float64(2), d=Fraction(1, 3))
    not_negative("here", a=0)
    finite("here", a=-3)
    whole("here", 1, a=4.0, b=np.int64(2))
    count("here", 2, a=np.int64(2))
    positive_each("here", 2, a=[1, 2.0], b=(1e-3, 4))
    with pytest.raises(ValueError, match=r"^here: got a=4\.0, expected an integer of at least 2; give a >= 2$"):
        count("here", 2, a=4.0)
    with pytest.raises(ValueError, match=r"^here: got b=0, expected a positive finite number; give b > 0$"):
        positive("here", a=1, b=0)


def test_a_fraction_has_the_ends_that_it_is_allowed():
    fraction("here", a=0.5, b=np.float64(0.1))
    fraction("here", zero=True, a=0)
    fraction("here", one=True, a=1.0)
    with pytest.raises(ValueError, match=r"^here: got a=0, expected a number in \(0, 1\); give 0 < a < 1$"):
        fraction("here", a=0)
    with pytest.raises(ValueError, match=r"^here: got a=1, expected a number in \[0, 1\); give 0 <= a < 1$"):
        fraction("here", zero=True, a=1)
    with pytest.raises(ValueError, match=r"^here: got a=nan, expected a number in \(0, 1\]; give 0 < a <= 1$"):
        fraction("here", one=True, a=math.nan)
