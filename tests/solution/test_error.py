"""The error of a model: a relative L2 norm over a fixed grid, told no smaller than its reference's own."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, d
from pinn.model import Model
from pinn.networks import MLP
from pinn.reference import Analytic, Reference
from pinn.solution import ErrorMeasure, Solution, evaluation_points
from pinn.solution.error import score

LINE = Box(x=(0, 1))


def model(reference, ansatz=lambda u, x: 1.5 * x + 0 * u):
    """u = 3x/2, whatever the network says."""
    equation = Constraint(lambda u, x: d(u, x) - 1, on=LINE)
    problem = Problem(LINE, ["u"], {"equation": equation}, ansatz={"u": ansatz}, reference=reference)
    return Model(problem, partial(MLP, width=2, depth=1), generator=torch.Generator().manual_seed(0))


def test_errors_are_relative_to_the_reference():
    made = model(Analytic(lambda x: 1.0 * x))
    measure = ErrorMeasure(made.problem)
    assert measure(made) == pytest.approx(0.5, rel=1e-14)
    assert measure.by_output(made) == {"u": pytest.approx(0.5, rel=1e-14)}


def test_against_a_reference_that_vanishes_errors_are_absolute():
    made = model(Analytic(lambda x: 0.0 * x))
    x = evaluation_points(made.problem).column("x").numpy()
    assert ErrorMeasure(made.problem)(made) == pytest.approx(1.5 * math.sqrt(np.mean(x**2)), rel=1e-14)


def test_no_error_below_the_references():
    assert score(1e-9, 2e-7) == "rel-L2 at the reference’s own error 2.0e-07"
    assert score(1e-6, 2e-7) == "rel-L2 1.0e-06"


def test_a_problem_knows_the_error_of_its_reference():
    assert model(None).problem.reference_error == 0
    assert model(lambda x: x).problem.reference_error == 0
    assert model(Reference.exact(lambda x: x, {"x": (0, 1)}, error=2e-7)).problem.reference_error == 2e-7


def test_a_solution_as_a_reference_tells_no_error_of_its_own():
    made = model(None)
    problem = model(Solution(made.problem, made)).problem
    assert problem.reference_error == 0
    assert ErrorMeasure(problem)(made) == 0
