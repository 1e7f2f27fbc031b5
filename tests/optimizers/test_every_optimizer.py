"""The same demands on every optimizer: exact solutions, agreement with SciPy, rank deficiency, invariances, traces.

Every optimizer that `pinn.optimizers` exports is found and tested, with its defaults.
"""

import inspect
import io
from functools import partial

import pytest
import scipy.optimize
import torch

from pinn import optimizers
from pinn.optimizers import (
    BFGS,
    SOAP,
    SPRING,
    SSBFGS,
    FirstOrder,
    LevenbergMarquardt,
    MatrixFree,
    NaturalGradient,
    Optimizer,
    StepEnding,
)
from tests.optimizers import analytic

close = torch.testing.assert_close


def first_order(factory, rate, steps):
    """A method of `torch.optim` whose learning rate falls to zero within so many steps."""
    schedule = partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=steps)
    return partial(FirstOrder, partial(factory, lr=rate), schedule)


def exported():
    """The optimizers that the package exports, but for the one that wraps others and needs to be told which."""
    found = {name: getattr(optimizers, name) for name in optimizers.__all__}
    return {
        name: method
        for name, method in found.items()
        if inspect.isclass(method) and issubclass(method, Optimizer) and not inspect.isabstract(method)
        if method is not FirstOrder
    }


SECOND = {name: method for name, method in exported().items() if method.redraws}
QUASI = {name: method for name, method in exported().items() if not method.redraws}
FIRST = {
    "SOAP": first_order(SOAP, 0.1, 800),
    "Adam": first_order(partial(torch.optim.Adam, betas=(0.9, 0.95)), 0.1, 800),
}
ALL = SECOND | QUASI | FIRST


def run(optimizer, objective, steps):
    """Steps until the method is done; the last one."""
    for _ in range(steps):
        step = optimizer.step(objective)
        if step.done:
            break
    return step


def steps_of(name, second=60, quasi=200, first=800):
    return second if name in SECOND else quasi if name in QUASI else first


def by_scipy(objective, start=None):
    """SciPy's Levenberg-Marquardt (MINPACK) on the same rows."""
    return scipy.optimize.least_squares(
        lambda z: objective.function(torch.as_tensor(z)).numpy(),
        (objective.vector() if start is None else start).numpy(),
        method="lm",
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
        max_nfev=2000,
    )


# Steps that a linear problem takes; 40 for those not named.
LINEAR = {"LevenbergMarquardt": 8, "MatrixFree": 25, "Sketched": 5, "NaturalGradient": 3, "SPRING": 3}


@pytest.mark.parametrize("name", SECOND | QUASI)
def test_linear_least_squares_as_near_to_the_solution_as_values_of_f_can_tell(name):
    """Those that compare values of f near the end were measured at 0.02 to 0.1 of this bound, the others far below."""
    objective, exact = analytic.linear(consistent=False)
    run(ALL[name](), objective, LINEAR.get(name, 40))
    assert analytic.distance(objective, exact) < analytic.resolved(objective, exact)


@pytest.mark.parametrize("name", FIRST)
def test_linear_least_squares_by_gradients_alone(name):
    """The learning rate has fallen to zero where they end: 4e-7 (Adam) and 2e-6 (SOAP) from the solution."""
    objective, exact = analytic.linear(consistent=False)
    run(ALL[name](), objective, 800)
    close(objective.vector(), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_rosenbrock_ends_where_scipy_ends(name):
    objective = analytic.rosenbrock()
    other = by_scipy(objective)
    run(ALL[name](), objective, steps_of(name))
    assert other.cost < 1e-20
    tolerance = 1e-4 if name in FIRST else 1e-8
    close(objective.vector(), torch.as_tensor(other.x), rtol=tolerance, atol=tolerance)
    assert float(objective.loss()) <= tolerance**2


@pytest.mark.parametrize("name", ALL)
def test_powells_singular_function_falls_as_far_as_scipys_digits(name):
    """J has rank 2 at the minimum, where f grows like the fourth power of the distance along two directions."""
    objective = analytic.powell()
    other = by_scipy(objective)
    assert other.cost < 1e-20
    run(ALL[name](), objective, steps_of(name, second=120))
    bound = 1e-6 if name in FIRST else 1e-13
    assert float(objective.loss()) < bound
    assert float((objective.vector() - torch.as_tensor(other.x)).norm()) < 4 * bound**0.25


@pytest.mark.parametrize("name", SECOND | QUASI)
def test_a_fit_whose_residual_stays_ends_with_the_cost_of_scipy(name):
    objective = analytic.fitting(noise=0.05)
    other = by_scipy(objective)
    step = run(ALL[name](), objective, steps_of(name, second=120, quasi=300))
    assert step.loss == pytest.approx(other.cost, rel=1e-7 if name == "SPRING" else 1e-9)
    close(objective.vector(), torch.as_tensor(other.x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("consistent", [True, False])
@pytest.mark.parametrize("name", SECOND | QUASI)
def test_rank_deficient_rows_give_the_solution_of_least_norm(name, consistent):
    """Steps are combinations of rows of J, and the start is zero: what no row speaks of stays zero."""
    A = analytic.matrix(30, 4) @ analytic.matrix(4, 10, seed=5)
    objective, _ = analytic.linear(A=A, consistent=consistent)
    b = -objective.function(torch.zeros(10, dtype=torch.float64))
    nearest = torch.linalg.pinv(A) @ b
    run(ALL[name](), objective, steps_of(name))
    close(objective.vector(), nearest, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FIRST)
def test_rank_deficient_rows_leave_first_order_methods_a_finite_way_down(name):
    objective, _ = analytic.linear(A=analytic.matrix(30, 4) @ analytic.matrix(4, 10, seed=5))
    start = float(objective.loss())
    run(ALL[name](), objective, 800)
    assert float(objective.loss()) < 1e-8 * start
    assert bool(torch.isfinite(objective.vector()).all())


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", SECOND | QUASI)
def test_a_residual_that_does_not_depend_on_the_parameters_is_said_to_be_stationary(name, rows):
    objective = analytic.Analytic(lambda z: (0 * z.sum() + 1).expand(rows), [1.0, -2.0])
    step = ALL[name]().step(objective)
    assert step.done and not step.accepted and step.ending is StepEnding.GRADIENT_ZERO and "zero" in step.reason
    close(objective.vector(), torch.tensor([1.0, -2.0], dtype=torch.float64), rtol=0, atol=0)


@pytest.mark.parametrize("name", ALL)
def test_where_nothing_is_finite_it_ends(name):
    step = ALL[name]().step(analytic.Analytic(lambda z: torch.log(z), [-1.0, 2.0]))
    assert step.done and step.ending is StepEnding.NOT_FINITE and "not finite" in step.reason


def through_a_file(state):
    """The state as a file gives it back that may hold numbers, containers and tensors only."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("name", ALL)
def test_a_run_continues_from_its_state_bit_by_bit(name):
    objective, again = analytic.network(), analytic.network()
    optimizer, other = ALL[name](), ALL[name]()
    run(optimizer, objective, 12)
    again.assign(objective.vector())
    other.load_state_dict(through_a_file(optimizer.state_dict()))
    for _ in range(12):
        assert optimizer.step(objective).loss == other.step(again).loss
    assert torch.equal(objective.vector(), again.vector())
    with pytest.raises(ValueError, match="got entries"):
        other.load_state_dict({"another method's": 1.0})


class Cut(BaseException):
    """What cuts a step short: neither an `Exception` nor anything that an optimizer could know."""


class Failure(Exception):
    """What an objective may raise by itself."""


class Limited:
    """An objective whose methods raise an exception at the call of a given number."""

    def __init__(self, objective, calls=None, exception=Cut):
        self.objective, self.calls, self.exception = objective, calls, exception
        self.made = 0

    def __getattr__(self, name):
        value = getattr(self.objective, name)
        if not inspect.ismethod(value):
            return value

        def call(*arguments, **options):
            self.made += 1
            if self.made == self.calls:
                raise self.exception
            return value(*arguments, **options)

        return call


@pytest.mark.parametrize("exception", [Cut, Failure])
@pytest.mark.parametrize("before", [0, 4])
@pytest.mark.parametrize("name", ALL)
def test_a_step_that_an_exception_has_cut_can_be_undone(name, before, exception):
    """The caller restores parameters and state from before the step, and the run goes on bit by bit."""
    objective, optimizer = analytic.network(), ALL[name]()
    for _ in range(before):
        optimizer.step(objective)
    theta, state = objective.vector(), optimizer.state_dict()
    whole = Limited(objective)
    losses = [optimizer.step(whole).loss]
    calls = whole.made
    losses += [optimizer.step(objective).loss for _ in range(2)]
    end = objective.vector()
    for call in sorted({1, 2, 3, calls // 2, calls - 1, calls} - {0}):
        objective.assign(theta)
        optimizer.load_state_dict(state)
        with pytest.raises(exception):
            optimizer.step(Limited(objective, call, exception))
        objective.assign(theta)
        optimizer.load_state_dict(state)
        assert [optimizer.step(objective).loss for _ in range(3)] == losses
        assert torch.equal(objective.vector(), end)


@pytest.mark.parametrize("name", ALL)
def test_the_rows_that_it_can_take_are_any_number_or_given_by_its_memory(name):
    assert ALL[name]().most_rows(1000) is None  # all of them take a small network with as many rows as there are
    rows = ALL[name]().most_rows(100_000, itemsize=4)
    assert rows is None or rows >= 1


@pytest.mark.parametrize("name", ALL)
def test_the_trace_says_where_the_time_went(name):
    objective, optimizer = analytic.network(), ALL[name]()
    optimizer.step(objective)
    step = optimizer.step(objective)
    spent = {key: value for key, value in step.info.items() if key.startswith("seconds/")}
    assert list(spent) == [f"seconds/{part}" for part in ("rows", "system", "solve", "trials")]
    assert all(value >= 0 for value in spent.values())
    assert sum(spent.values()) > 0
    assert step.info["evaluations"] >= 1
    parts = ("rows", "solve") if name in FIRST else ("system", "trials")
    assert all(spent[f"seconds/{part}"] > 0 for part in parts)


def path(make, objective, steps):
    optimizer = make()
    return torch.stack([(optimizer.step(objective), objective.vector())[1] for _ in range(steps)])


def changed(objective, M):
    """The same problem in φ, θ = M φ."""
    function, start = objective.function, objective.vector()
    objective.function = lambda z: function(M @ z)
    objective.assign(torch.linalg.solve(M, start))
    return objective


UNDAMPED = {
    "LevenbergMarquardt": partial(LevenbergMarquardt, damping=1e-15, orthogonal=True),
    "MatrixFree": partial(MatrixFree, damping=1e-15, tolerance=1e-13, iterations=60),
    "NaturalGradient": partial(NaturalGradient, 1e-14),
    "SPRING": partial(SPRING, 0.5, 1e-14),
}


@pytest.mark.parametrize("name", UNDAMPED)
def test_gauss_newton_does_not_see_a_linear_change_of_parameters(name):
    """With vanishing damping θ = M φ gives the same path for any invertible M."""
    M = analytic.matrix(4, 4, seed=9) + 2 * torch.eye(4, dtype=torch.float64)
    near = torch.tensor([1.9, 0.95, 1.1, 3.8], dtype=torch.float64)
    plain, other = analytic.fitting(), analytic.fitting()
    plain.assign(near)
    other.assign(near)
    one, two = path(UNDAMPED[name], plain, 3), path(UNDAMPED[name], changed(other, M), 3)
    close(two @ M.T, one, rtol=1e-5, atol=1e-5)


def matrix_free():
    """Solved to the end, with a λ that does not come from a random vector."""
    optimizer = MatrixFree(tolerance=1e-12, iterations=100)
    optimizer.scale, optimizer.damping = 1.0, 0.1
    return optimizer


@pytest.mark.parametrize("name", SECOND | QUASI)
def test_a_rotation_of_the_parameters_rotates_the_path(name):
    """The damping metric and the first inverse Hessian are multiples of I, which a rotation leaves alone."""
    make = matrix_free if name == "MatrixFree" else ALL[name]
    Q = torch.linalg.qr(analytic.matrix(4, 4))[0]
    one, two = path(make, analytic.powell(), 6), path(make, changed(analytic.powell(), Q), 6)
    close(two @ Q.T, one, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", SECOND | QUASI)
def test_the_unit_of_the_residual_does_not_change_the_path(name):
    paths = []
    for unit in (1.0, 32.0):
        objective = analytic.rosenbrock()
        function = objective.function
        objective.function = lambda z, function=function, unit=unit: unit * function(z)
        paths.append(path(ALL[name], objective, 10))
    close(paths[0], paths[1], rtol=1e-6, atol=1e-7)


def test_a_self_scaled_update_forgets_the_unit_of_a_hessian_that_is_too_large():
    """τ = 1/b where b ≥ 1: from H and from cH, c ≤ 1, comes the same H; BFGS keeps c in all directions but one."""
    M = analytic.matrix(6, 6)
    H = torch.linalg.inv(M @ M.T + torch.eye(6, dtype=torch.float64))
    gradient = analytic.matrix(6, 1, seed=2)[:, 0]
    s = -H @ gradient
    y = 0.2 * torch.linalg.solve(H, s) + 0.02 * s
    ends = []
    for method in (SSBFGS, BFGS):
        for c in (1.0, 0.01):
            optimizer = method()
            optimizer._H = c * H
            optimizer._learn(s, y, gradient, 1 / c)
            ends.append(optimizer._H)
    close(ends[0], ends[1], rtol=1e-9, atol=1e-12)
    assert float((ends[2] - ends[3]).norm()) > 0.1 * float(ends[2].norm())


def test_adam_does_not_see_the_unit_of_the_residual_nor_the_signs_of_the_parameters():
    signs = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64))
    make = partial(FirstOrder, partial(torch.optim.Adam, lr=1e-2, eps=1e-30))
    one, two = path(make, analytic.powell(), 50), path(make, changed(analytic.powell(), signs), 50)
    close(two @ signs, one, rtol=1e-12, atol=1e-13)
    scaled = analytic.powell()
    function = scaled.function
    scaled.function = lambda z: 1e3 * function(z)
    close(path(make, scaled, 50), one, rtol=1e-9, atol=1e-10)


def test_natural_gradients_with_and_without_momentum_agree_where_the_rows_say_everything():
    """With N ≥ p and vanishing damping what SPRING carries is corrected away: the solution is unique."""
    one = path(partial(NaturalGradient, 1e-14), analytic.fitting(), 5)
    two = path(partial(SPRING, 0.9, 1e-14), analytic.fitting(), 5)
    close(one, two, rtol=1e-5, atol=1e-6)
