"""Data with noise: unknowns are those of least squares on the exact solution, whatever the noise and outliers do."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Point, Problem, Scatter, Unknown, d, solve
from pinn.derivatives import Autograd, Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.noise import component_noise, row_noise
from pinn.objective import Equations, Objective
from pinn.robust import Cauchy, Huber
from pinn.sampling import RAD
from pinn.solution.residuals import measured_constraints

SMALL = partial(MLP, width=10, depth=2)
LINE = Box(x=(0, 1))
TRUE, SIGMA, N = 0.3, 0.002, 20
X = np.linspace(0.05, 0.95, N)


def string(seed=0, sigma: float | None = SIGMA, noise=SIGMA, robust=None, wild=0):
    """u'' = −C, u = 0 at both ends, C unknown, so that u = C x (1 − x) / 2; least squares for C, its standard error."""
    rng = np.random.default_rng(seed)
    shape = X * (1 - X) / 2
    y = TRUE * shape + noise * rng.standard_normal(N)
    y[rng.permutation(N)[:wild]] += 0.5
    constraints = {
        "string": Constraint(lambda u, x, C: d(u, x, x) + C, on=LINE),
        "ends": Constraint(lambda u: u, on=LINE.face(x=0) | LINE.face(x=1)),
        "data": Constraint(lambda u, seen: u - seen, on=Scatter({"x": X}, {"seen": y}, sigma=sigma), robust=robust),
    }
    problem = Problem(LINE, ["u"], constraints, coefficients={"C": Unknown(1.0)})
    return problem, float(shape @ y / (shape @ shape)), SIGMA / math.sqrt(shape @ shape)


def run(problem, steps, **options):
    options = {"sampling": RAD(100, every=10), "verify": False, "certify": False, **options}
    return solve(problem, steps=steps, network=SMALL, progress=False, **options)


@pytest.mark.parametrize("sigma", [SIGMA, None])
def test_an_unknown_number_is_that_of_least_squares(sigma):
    """Whether the noise is stated or seen: the equation is not bent to fit it."""
    problem, least_squares, error = string(seed=1, sigma=sigma)
    solution = run(problem, 90)
    assert abs(solution.coefficients["C"] - least_squares) < 0.05 * error
    assert np.abs(solution(x=X) - solution.coefficients["C"] * X * (1 - X) / 2).max() < 0.02 * SIGMA
    misfit = problem.constraints["data"].on.points.values["seen"].numpy() - least_squares * X * (1 - X) / 2
    assert solution.noise.sigma["data"][0] == pytest.approx(math.sqrt(misfit @ misfit / (N - 1)), rel=1e-2)
    assert solution.noise.held_out == {"data": 4}


def test_exact_data_stay_exact():
    solution = run(string(noise=0.0, sigma=None)[0], 40)
    assert solution.noise is None
    assert abs(solution.coefficients["C"] - TRUE) < 1e-6


def test_what_a_point_counts_follows_its_noise():
    """Half of the points have noise a hundred times as large; as good as without them."""
    problem, _, _ = string()
    points = problem.constraints["data"].on.points
    sigma = torch.where(torch.arange(N) % 2 == 0, 1.0, 100.0)
    worse = Scatter({"x": points.x[:, 0]}, {"seen": points.values["seen"]}, sigma=sigma)
    data = Constraint(problem.constraints["data"].equation, on=worse)
    model = Model(problem, SMALL, generator=torch.Generator().manual_seed(0))
    weighed = Problem(LINE, ["u"], {**problem.constraints, "data": data}, coefficients=problem.coefficients)
    model.problem = weighed
    objective = Objective(
        Equations(model, Jets()),
        {k: c.on.sample(9, generator=torch.Generator()) for k, c in weighed.constraints.items()},
    )
    scale = next(block for block in objective.blocks if block.name == "data").residuals.scale
    assert torch.allclose(scale[0] / scale[1], torch.tensor(100.0, dtype=torch.float64))
    assert float(scale.pow(2).sum()) == pytest.approx(weighed.weight("data"))


def test_rows_in_different_units_are_compared_in_units_of_their_noise():
    """Two quantities, the second in units a thousand times as small, with noise of as much: the same rows."""
    x = np.linspace(0, 1, 5)

    def problem(factor):
        on = Scatter({"x": x}, {"a": x, "b": factor * x**2}, sigma={"a": 0.1, "b": 0.2 * factor})
        rows = Constraint(lambda u, v, a, b: (u - a, factor * v - b), on=on)
        return Problem(LINE, ["u", "v"], {"data": rows})

    one, other = problem(1.0), problem(1000.0)
    points = one.constraints["data"].on.points
    assert torch.allclose(row_noise(one, "data", points), torch.tensor([0.1, 0.2], dtype=torch.float64).expand(5, 2))
    sizes = component_noise(one, "data", (1.0, 1.0)), component_noise(other, "data", (1.0, 1000.0))
    assert sizes[0][1] == pytest.approx(2 * sizes[0][0])
    assert sizes[1] == pytest.approx((sizes[0][0], 1000 * sizes[0][1]))
    assert sum(1 / size**2 for size in sizes[0]) == pytest.approx(2)


def test_the_noise_of_a_row_is_that_of_the_values_in_it():
    on = Scatter({"x": [0.1, 0.5]}, {"a": [1.0, 2.0], "b": [1.0, 1.0]}, sigma={"a": 0.3, "b": 0.4})
    rows = Constraint(lambda u, a, b: (u - a + b, u - torch.log(a), u - 3 * b), on=on)
    noise = row_noise(Problem(LINE, ["u"], {"data": rows}), "data", on.points)
    assert torch.allclose(noise, torch.tensor([[0.5, 0.3, 1.2], [0.5, 0.15, 1.2]], dtype=torch.float64))


@pytest.mark.parametrize("loss", [Huber(), pytest.param(Cauchy(), marks=pytest.mark.slow)])
def test_wild_observations_change_the_estimate_little(loss):
    """A tenth of the observations is 250 standard deviations off, and least squares with them by tens of its errors."""
    problem, least_squares, error = string(seed=2, sigma=None, robust=loss, wild=2)
    clean = string(seed=2)[1]
    solution = run(problem, 60)
    assert abs(least_squares - clean) > 20 * error
    assert abs(solution.coefficients["C"] - clean) < 1.5 * error


def test_weights_of_robust_losses():
    t = torch.tensor([0.0, 1.0, -10.0], dtype=torch.float64)
    assert torch.allclose(Huber(2.0).weights(t), torch.tensor([1.0, 1.0, 0.2], dtype=torch.float64))
    assert torch.allclose(Cauchy(1.0).weights(t), torch.tensor([1.0, 0.5, 1 / 101], dtype=torch.float64))


def test_a_robust_loss_is_an_object_on_given_points():
    on = Scatter({"x": [0.1]}, {"seen": [1.0]})
    with pytest.raises(TypeError, match=r"robust must be a loss, got 'huber'; give an object such as Huber\(\)"):
        Constraint(lambda u, seen: u - seen, on=on, robust="huber")
    with pytest.raises(TypeError, match="robust must be a loss"):
        Constraint(lambda u, seen: u - seen, on=on, robust=Huber)
    with pytest.raises(ValueError, match="it is for rows at given points"):
        Constraint(lambda u: u, on=LINE, robust=Huber())
    with pytest.raises(ValueError, match="Huber: got threshold"):
        Huber(0.0)


# -- priors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [Jets(), pytest.param(Autograd(), marks=pytest.mark.slow)])
def test_a_prior_is_a_constraint_like_any_other(engine):
    """(C − c)/s with s the standard error of the data: the estimate is the mean of c and least squares."""
    problem, least_squares, error = string(seed=3)
    prior = Constraint(lambda C: (C - 0.31) / error, on=Point(x=0.0))
    both = Problem(LINE, ["u"], {**problem.constraints, "prior": prior}, coefficients=problem.coefficients)
    found = run(both, 60, derivatives=engine).coefficients["C"]
    assert found == pytest.approx(0.5 * (least_squares + 0.31), abs=0.02 * error)


def test_data_of_different_noise_and_number_count_by_their_noise_alone():
    """Six observations of u, and fourteen of 1000 u with 4000 times the noise: least squares weighted by 1/sigma²."""
    problem, _, _ = string(seed=3)
    shape, y = X * (1 - X) / 2, problem.constraints["data"].on.points.values["seen"].numpy()
    y, coarse = y.copy(), np.arange(N) >= 6
    y[coarse] += 3 * SIGMA * np.random.default_rng(5).standard_normal(coarse.sum())
    sigma = np.where(coarse, 4 * SIGMA, SIGMA)
    constraints = {name: one for name, one in problem.constraints.items() if name != "data"}
    for name, some, factor in (("fine", ~coarse, 1.0), ("coarse", coarse, 1000.0)):
        seen = Scatter({"x": X[some]}, {"seen": factor * y[some]}, sigma=factor * float(sigma[some][0]))
        constraints[name] = Constraint(lambda u, seen, factor=factor: factor * u - seen, on=seen)
    found = run(Problem(LINE, ["u"], constraints, coefficients=problem.coefficients), 90).coefficients["C"]
    best = float(np.sum(shape * y / sigma**2) / np.sum(shape**2 / sigma**2))
    error = 1 / math.sqrt(np.sum(shape**2 / sigma**2))
    assert found == pytest.approx(best, abs=0.05 * error)


def test_what_nothing_can_satisfy_is_refused():
    with pytest.raises(ValueError, match="'eq' uses no output and no unknown, so nothing can satisfy it"):
        Problem(LINE, ["u"], {"eq": Constraint(lambda x, k: x - k, on=LINE)}, coefficients={"k": 2.0})


# -- unknown fields ---------------------------------------------------------------------------------------------------


def schroedinger(noise, seed=1, sigma=None, n=50):
    """−u'' + q u = (π² + x²) sin πx with q = x² an unknown field, u = sin πx."""
    x = np.linspace(0, 1, n + 2)[1:-1]
    y = np.sin(math.pi * x) + noise * np.random.default_rng(seed).standard_normal(n)

    def equation(u, x, q):
        return q * u - d(u, x, x) - (math.pi**2 + x**2) * torch.sin(math.pi * x)

    constraints = {
        "equation": Constraint(equation, on=LINE),
        "ends": Constraint(lambda u: u, on=LINE.face(x=0) | LINE.face(x=1)),
        "data": Constraint(lambda u, seen: u - seen, on=Scatter({"x": x}, {"seen": y}, sigma=sigma)),
    }
    return Problem(LINE, ["u"], constraints, coefficients={"q": Unknown(1.0, inputs=("x",))})


def field_error(solution):
    x = np.linspace(0, 1, 201)
    return float(np.linalg.norm(solution.field("q", x=x) - x**2) / np.linalg.norm(x**2))


@pytest.mark.parametrize(
    ("sigma", "steps"),
    [
        (0.01, 60),
        pytest.param(0.01, 180, marks=pytest.mark.slow),
        pytest.param(None, 100, marks=pytest.mark.slow),
        pytest.param(None, 250, marks=pytest.mark.long),
    ],
)
def test_a_field_from_noisy_data_is_no_worse_for_a_longer_run(sigma, steps):
    """0.23, and 0.6 where sigma is not stated; Tikhonov's regularization by the discrepancy principle has 0.63."""
    solution = run(schroedinger(0.01, sigma=sigma), steps)
    assert field_error(solution) < (0.4 if sigma else 0.8)
    assert solution.noise.sigma["data"][0] == pytest.approx(0.01, rel=0.3)


@pytest.mark.long
def test_a_field_from_exact_data_is_found_exactly():
    solution = run(schroedinger(0.0), 400)
    assert solution.noise is None
    assert field_error(solution) < 5e-5  # 3.0e-5


def test_smoothness_is_added_where_nothing_else_is_known_of_a_field():
    problem = schroedinger(0.01)
    assert "smoothness of q" in problem.constraints
    own = {**problem.constraints, "own": Constraint(lambda q, x: 0.1 * d(q, x), on=LINE)}
    del own["smoothness of q"]
    assert "smoothness of q" not in Problem(LINE, ["u"], own, coefficients=problem.coefficients).constraints
    del own["own"]
    kept = Problem(LINE, ["u"], own, coefficients={"q": Unknown(1.0, inputs=("x",), smooth=False)})
    assert "smoothness of q" not in kept.constraints
    del own["data"]
    assert "smoothness of q" not in Problem(LINE, ["u"], own, coefficients=problem.coefficients).constraints


def test_the_misfit_of_rows_in_units_of_their_own_noise_however_they_are_stated():
    x = np.linspace(0, 1, 40)
    seen = np.sin(x) + 0.01 * np.random.default_rng(0).standard_normal(40)
    line = Box(x=(0, 1))

    def misfit(row):
        data = Constraint(row, on=Scatter({"x": x}, {"u_seen": seen}, sigma=0.01))
        problem = Problem(line, ["u"], {"data": data, "ends": Constraint(lambda u, x: d(u, x), on=line.boundary())})
        model = Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))
        equations = Equations(model, Jets())
        points = {name: one.few for name, one in problem.constraints.items()}
        return next(one.noise for one in measured_constraints(equations, points).constraints if one.name == "data")

    plainly = misfit(lambda u, u_seen: u - u_seen)
    assert misfit(lambda u, u_seen: 5 * (u_seen - u)) == pytest.approx(plainly, rel=1e-6)
    assert misfit(lambda u, u_seen: (u - u_seen, 0 * u)) == pytest.approx(plainly, rel=1e-6)
