"""What is kept smooth where data have noise, by which rows, and that more steps make it no worse."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Output, Problem, Scatter, Unknown, d, solve
from pinn.analysis import Role, analyze
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.problems import pinnacle
from pinn.sampling import RAD
from pinn.solution.residuals import measured_constraints
from pinn.solution.verdict import Verdict
from pinn.verification import reference_residuals

SQUARE = Box(x=(0, 2), y=(0, 1))


def flow(*outputs, sigma=0.1, known=None, **unknowns):
    """∇·(a∇u) = 0 with observations of u, a an output or an unknown."""
    x = np.linspace(0.1, 0.9, 12)
    constraints = {
        "equation": Constraint(lambda u, a, x, y: d(a * d(u, x), x) + d(a * d(u, y), y), on=SQUARE),
        "data": Constraint(lambda u, seen: u - seen, on=Scatter({"x": x, "y": x}, {"seen": x}, sigma=sigma)),
    }
    if known is not None:
        constraints["known"] = Constraint(lambda a: a - 1, on=known)
    return Problem(SQUARE, list(outputs), constraints, coefficients=unknowns)


def smoothed(problem):
    return [name for name in problem.constraints if name.startswith("smoothness of ")]


def test_a_value_on_the_boundary_is_no_smoothness():
    """What is known of a field on a part of the domain leaves it as rough as before everywhere else."""
    field = Unknown(1.0, inputs=("x", "y"))
    assert smoothed(flow("u", a=field)) == ["smoothness of a"]
    assert smoothed(flow("u", a=field, known=SQUARE.boundary())) == ["smoothness of a"]
    assert smoothed(flow("u", a=field, known=SQUARE)) == []


@pytest.mark.parametrize(
    ("outputs", "sigma", "found"),
    [
        (["u", "a"], 0.1, ["smoothness of a"]),
        (["u", "a"], None, []),  # exact data need none
        (["u", Output("a", smooth=False)], 0.1, []),
        ([Output("u", smooth=True), "a"], 0.1, ["smoothness of u", "smoothness of a"]),
    ],
)
def test_an_output_that_data_alone_find_is_kept_smooth(outputs, sigma, found):
    problem = flow(*outputs, sigma=sigma)
    assert smoothed(problem) == found
    for name in found:
        assert analyze(problem).constraints[name].role is Role.PRIOR


def test_an_output_with_an_equation_of_its_own_is_not():
    problem = flow("u", "a")
    closed = {**problem.constraints, "a": Constraint(lambda u, a, x: d(a, x) - u, on=SQUARE)}
    del closed["smoothness of a"]
    assert smoothed(Problem(SQUARE, ["u", "a"], closed)) == []


def test_smooth_is_true_false_or_left_out():
    with pytest.raises(TypeError, match=r"Output 'a': got smooth=1, expected True, False or None; leave it out"):
        Output("a", smooth=1)


def test_rows_are_slopes_of_one_coordinate_and_curvatures_of_several():
    """k = x² y over its size 4: ∂xx = 2y, ∂xy = 2x, ∂yy = 0, lengths 2 and 1."""
    problem = flow("u", a=Unknown(4.0, inputs=("x", "y")))
    x, y = (torch.tensor(values, requires_grad=True, dtype=torch.float64) for values in ([0.5, 1.5], [0.3, 0.6]))
    columns = {"x": x, "y": y}
    rows = problem.equation("smoothness of a")(columns, {"a": x**2 * y}, {})
    expected = (4 * 2 * y / 4, math.sqrt(2) * 2 * 2 * x / 4, 0 * x)
    for row, value in zip(rows, expected, strict=True):
        torch.testing.assert_close(row, value)
    alone = flow("u", a=Unknown(4.0, inputs=("x",))).equation("smoothness of a")
    (slope,) = alone(columns, {"a": x**3}, {})
    torch.testing.assert_close(slope, 2 * 3 * x**2 / 4)


def test_smoothness_is_a_preference_which_no_truth_need_satisfy():
    """Neither the reference nor an answer is judged by it."""
    problem = pinnacle.poisson_inverse()
    assert "smoothness of a" in problem.constraints
    points = {name: one.few for name, one in problem.constraints.items()}
    assert max(reference_residuals(problem, points).values()) < 1e-12
    model = Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))
    found = {one.name: one.terms for one in measured_constraints(Equations(model, Jets()), points).constraints}
    assert found["equation"] is not None
    assert found["smoothness of a"] is None


def as_field(problem):
    """The same with the conductivity as an unknown field."""
    stated = {name: one for name, one in problem.constraints.items() if not name.startswith("smoothness")}
    field = Unknown(0.5, positive=True, inputs=("x", "y"))
    return Problem(problem.domain, ["u"], stated, coefficients={"a": field})


def conductivity_error(solution, field):
    x, y = (one.reshape(-1) for one in np.meshgrid(*[np.linspace(0, 1, 30)] * 2))
    found = solution.field("a", x=x, y=y) if field else solution(x=x, y=y)["a"]
    exact = pinnacle.poisson_inverse().reference(x=x, y=y)["a"]
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.slow
@pytest.mark.parametrize("field", [True, False])
def test_a_field_of_two_coordinates_is_no_worse_for_three_times_the_steps(field):
    """Tikhonov's regularization with the best strength has 1.3e-2; without smoothness 0.08, then 0.13 and more."""
    problem = pinnacle.poisson_inverse()
    problem = as_field(problem) if field else problem
    options = {"network": partial(MLP, width=10, depth=2), "sampling": RAD(300), "progress": False, "verify": False}
    short, long = (solve(problem, steps=steps, **options) for steps in (40, 120))
    errors = conductivity_error(short, field), conductivity_error(long, field)
    assert errors[1] < 2 * errors[0]
    assert max(errors) < 0.05
    assert not long.certificate.undetermined
    assert long.report.judgement.verdict in (Verdict.TRUSTED, Verdict.NOT_CONVERGED)
