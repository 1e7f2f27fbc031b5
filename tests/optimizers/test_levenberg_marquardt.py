"""Levenberg-Marquardt: the forms of its system agree, it solves the classics, and its invariances hold."""

import math

import pytest
import scipy.optimize
import torch

from pinn import linalg
from pinn.optimizers import LevenbergMarquardt
from pinn.optimizers.system import Blockwise, Buffers, Dual, Orthogonal, Primal
from tests.optimizers import analytic

torch_close = torch.testing.assert_close


def run(optimizer, objective, steps=200):
    for count in range(1, steps + 1):
        step = optimizer.step(objective)
        if step.done:
            return step, count
    return step, count


FORMS = {
    "chosen": {},
    "orthogonal": {"orthogonal": True},
    "plain": {"geodesic": False, "corrections": 0},
}


def test_jtj_is_accumulated_in_blocks_where_j_does_not_fit():
    whole, blocks = analytic.network(rows=200), analytic.network(rows=200)
    one, two = LevenbergMarquardt(), LevenbergMarquardt(memory=2e4)
    assert two.most_rows(25) is None
    for _ in range(8):
        one.step(whole)
        two.step(blocks)
        torch_close(blocks.vector(), whole.vector(), rtol=1e-6, atol=1e-7)
    assert blocks.count["normal_equations"] == 8
    assert whole.count["normal_equations"] == 0


@pytest.mark.parametrize("rows, columns", [(30, 10), (10, 30), (12, 12)])
def test_all_forms_of_the_system_give_the_same_step(rows, columns):
    objective, _ = analytic.linear(rows, columns)
    residual, J = objective.linearize()
    e = torch.randn(rows, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    lam = 0.3
    eye = torch.eye(columns, dtype=torch.float64)
    exact = -torch.linalg.solve(J.T @ J + lam * eye, J.T @ e)
    systems = [
        Primal(residual, J, Buffers()),
        Dual(residual, J, Buffers()),
        Orthogonal(residual, J),
        Blockwise(objective, Buffers()),
    ]
    for system in systems:
        torch_close(system.damped(lam)(e), exact, rtol=1e-11, atol=1e-12)
        torch_close(system.damped(10 * lam)(system.residual), system.damped(10 * lam)(residual.clone()))
        torch_close(system.gradient, J.T @ residual)
        assert system.trace == pytest.approx(float((J * J).sum()), rel=1e-13)


def test_qr_keeps_digits_that_squares_lose():
    """Singular values 1 ... 1e-10: JᵀJ holds none below 1e-8, J does."""
    A = analytic.matrix(40, 12, condition=1e10)
    objective, exact = analytic.linear(A=A)
    objective.assign(exact + torch.ones(12, dtype=torch.float64))
    residual, J = objective.linearize()
    lam = 1e-24
    found = Orthogonal(residual, J).damped(lam)(residual)
    torch_close(found, -torch.ones(12, dtype=torch.float64), rtol=1e-4, atol=1e-4)
    squares = Primal(residual, J, Buffers()).damped(lam)
    assert squares is None or float((squares(residual) + 1).abs().max()) > 1e-3


def test_refinement_restores_the_digits_without_qr():
    A = analytic.matrix(40, 12, condition=1e9)
    objective, _ = analytic.linear(A=A)
    residual, J = objective.linearize()
    lam = 1e-17  # the smallest squared singular value is 1e-18, ε tr(JᵀJ) is 4e-16
    exact = Orthogonal(residual, J).damped(lam)(residual)
    L = linalg.cholesky(linalg.gram(J), 4e-16)
    found, made = linalg.refined(
        lambda v: J @ v,
        lambda w: J.T @ w,
        lambda s: linalg.cholesky_solve(L, s),
        residual,
        lam,
        tolerance=1e-12,
        iterations=50,
    )
    torch_close(found, exact, rtol=1e-3, atol=1e-3)
    assert made < 50
    squares = torch.linalg.eigh(J.T @ J + lam * torch.eye(12))
    lost = -squares.eigenvectors @ ((squares.eigenvectors.T @ (J.T @ residual)) / squares.eigenvalues)
    assert float((lost - exact).abs().max()) > 0.05


def test_it_refines_by_itself_when_the_error_asks_for_more_digits_and_says_so():
    A = analytic.matrix(40, 12, condition=1e9)
    objective, exact = analytic.linear(A=A)
    optimizer = LevenbergMarquardt()
    counts = [optimizer.step(objective).info.get("refinements", 0) for _ in range(60)]
    assert counts[0] == 0
    assert max(counts) > 0
    torch_close(objective.vector(), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows, columns, noise", [(60, 150, 1e-9), (150, 60, 1e-10)], ids=["dual", "primal"])
def test_it_turns_to_qr_by_itself_when_the_error_asks_for_more_digits_and_says_so(rows, columns, noise):
    """Singular values 1 … 1e-10 and a solution that uses them all: steps by JᵀJ and its refinement stall, J's do not.

    With A changed by rounding five times, it turned to QR at steps 26 to 29 (dual) and 40 to 41 (primal) with an error
    of 0.3 to 0.9, was done 3 to 17 steps later, and had errors of 3e-7 to 6e-6 then.
    """
    A = analytic.matrix(rows, columns, condition=1e10)
    generator = torch.Generator().manual_seed(1)
    b = A @ torch.randn(columns, generator=generator, dtype=torch.float64)
    b = b + noise * torch.randn(rows, generator=generator, dtype=torch.float64)
    objective = analytic.Analytic(lambda theta: A @ theta - b, torch.zeros(columns, dtype=torch.float64))
    exact = torch.linalg.pinv(A, rtol=1e-15) @ b
    optimizer, flags, errors = LevenbergMarquardt(), [], []
    for _ in range(60):
        step = optimizer.step(objective)
        flags.append(step.info["orthogonal"])
        errors.append(float((objective.vector() - exact).norm() / exact.norm()))
        if step.done:
            break
    first = flags.index(1.0)
    assert step.done and 10 < first < len(flags) - 1
    assert flags == [0.0] * first + [1.0] * (len(flags) - first)
    assert errors[first - 1] > 1e-2
    assert errors[-1] < 100 * torch.finfo(torch.float64).eps * 1e10  # ε times the condition number, with room
    optimizer.reset()
    objective.assign(torch.zeros(columns, dtype=torch.float64))
    assert optimizer.step(objective).info["orthogonal"] == 0.0


def test_the_damping_ends_to_fall_where_it_is_nothing_even_to_j():
    objective, _ = analytic.linear()
    optimizer = LevenbergMarquardt()
    optimizer.step(objective)
    objective.assign(torch.ones(10, dtype=torch.float64))
    optimizer.damping = 1e-310
    assert optimizer.step(objective).accepted
    trace = optimizer.scale * objective.size
    assert optimizer.damping == pytest.approx(torch.finfo(torch.float64).eps ** 2 * trace, abs=0)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_linear_least_squares_in_a_few_steps(form):
    objective, exact = analytic.linear(consistent=False)
    run(LevenbergMarquardt(damping=1e-10, **form), objective, 3)
    assert analytic.distance(objective, exact) < analytic.resolved(objective, exact)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_rosenbrock(form):
    objective = analytic.rosenbrock()
    step, _ = run(LevenbergMarquardt(**form), objective, 40)
    torch_close(objective.vector(), torch.ones(2, dtype=torch.float64), rtol=1e-10, atol=1e-10)
    assert step.loss < 1e-20


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_powell_singular_is_solved_as_far_as_by_scipy(form):
    objective = analytic.powell()
    start = objective.vector().numpy()
    other = scipy.optimize.least_squares(
        lambda z: objective.function(torch.as_tensor(z)).numpy(), start, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    step, _ = run(LevenbergMarquardt(**form), objective, 100)
    assert step.loss < max(other.cost, 1e-20)


def test_a_nonlinear_fit_agrees_with_scipy_where_the_residual_stays():
    objective = analytic.fitting(noise=0.05)
    start = objective.vector().numpy()
    other = scipy.optimize.least_squares(
        lambda z: objective.function(torch.as_tensor(z)).numpy(), start, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    step, _ = run(LevenbergMarquardt(), objective, 100)
    assert step.loss == pytest.approx(other.cost, rel=1e-10)
    end = torch.as_tensor(other.x)
    assert analytic.distance(objective, end) < 2 * analytic.resolved(objective, end)  # each of the two stops within one
    assert step.done and not step.accepted


def test_a_rank_deficient_problem_gets_the_solution_nearest_to_the_start():
    A = analytic.matrix(30, 4) @ analytic.matrix(4, 10, seed=5)
    objective, _ = analytic.linear(A=A)
    step, _ = run(LevenbergMarquardt(), objective, 30)
    b = -objective.function(torch.zeros(10, dtype=torch.float64))
    torch_close(objective.vector(), torch.linalg.pinv(A) @ b, rtol=1e-7, atol=1e-8)
    assert step.loss < 1e-18


def test_corrections_and_acceleration_pay():
    """The same 60 Jacobians bring a network further with them than without."""
    losses = {}
    for name in ("chosen", "plain"):
        objective = analytic.network()
        losses[name] = run(LevenbergMarquardt(**FORMS[name]), objective, 60)[0].loss
        assert objective.count["linearize"] <= 60
    assert losses["chosen"] < 1e-3 * losses["plain"]


def test_the_unit_of_the_residual_does_not_matter():
    paths = []
    for unit in (1.0, 1e4):
        objective = analytic.rosenbrock()
        function = objective.function
        objective.function = lambda z, function=function, unit=unit: unit * function(z)
        optimizer = LevenbergMarquardt()
        paths.append(torch.stack([(optimizer.step(objective), objective.vector())[1] for _ in range(8)]))
    torch_close(paths[0], paths[1], rtol=1e-9, atol=1e-10)


def test_a_rotation_of_the_parameters_rotates_the_path():
    Q = torch.linalg.qr(analytic.matrix(4, 4))[0]
    plain, turned = analytic.powell(), analytic.powell()
    function = turned.function
    turned.function = lambda z: function(Q @ z)
    turned.assign(Q.T @ plain.vector())
    one, two = LevenbergMarquardt(), LevenbergMarquardt()
    for _ in range(8):
        one.step(plain)
        two.step(turned)
        torch_close(Q @ turned.vector(), plain.vector(), rtol=1e-7, atol=1e-9)


def test_undamped_steps_do_not_see_a_linear_change_of_parameters():
    """Gauss-Newton: with vanishing damping, θ = M φ gives the same path for any invertible M."""
    M = analytic.matrix(4, 4, seed=9) + 2 * torch.eye(4, dtype=torch.float64)
    plain, changed = analytic.fitting(), analytic.fitting()
    near = torch.tensor([1.9, 0.95, 1.1, 3.8], dtype=torch.float64)
    plain.assign(near)
    function = changed.function
    changed.function = lambda z: function(M @ z)
    changed.assign(torch.linalg.solve(M, near))
    one, two = (LevenbergMarquardt(damping=1e-15, orthogonal=True) for _ in range(2))
    for _ in range(3):
        one.step(plain)
        two.step(changed)
        torch_close(M @ changed.vector(), plain.vector(), rtol=1e-6, atol=1e-6)


def test_the_state_of_another_method_is_refused():
    with pytest.raises(ValueError, match="got entries"):
        LevenbergMarquardt().load_state_dict({"damping": 1.0})


def test_the_loss_never_rises_and_is_the_loss_of_the_parameters():
    objective = analytic.network()
    optimizer = LevenbergMarquardt()
    last = float(objective.loss())
    for _ in range(40):
        step = optimizer.step(objective)
        assert step.loss <= last
        assert step.loss == pytest.approx(float(objective.loss()), rel=1e-12)
        last = step.loss


def test_new_points_raise_the_damping_by_the_root_of_the_growth_of_the_loss():
    objective = analytic.network()
    optimizer = LevenbergMarquardt()
    for _ in range(20):
        optimizer.step(objective)
    before = optimizer.damping
    optimizer.reset(growth=4.0)
    assert optimizer.damping == pytest.approx(2 * before)
    optimizer.reset(growth=1e30)
    assert optimizer.damping == pytest.approx(optimizer.scale)
    optimizer.reset()
    assert optimizer.damping == pytest.approx(optimizer.scale)


def test_a_failed_step_leaves_the_damping_behind():
    """Points fitted to rounding drive λ up until nothing moves; the next points must not inherit that λ."""
    objective = analytic.network(rows=10)
    optimizer = LevenbergMarquardt()
    before = [optimizer.damping]
    while not optimizer.step(objective).done:
        before.append(optimizer.damping)
    assert (optimizer.damping, optimizer.growth) == (before[-1], 2.0)
    fresh = analytic.network(rows=50)
    fresh.assign(objective.vector())
    start = float(fresh.loss())
    optimizer.reset(growth=start / float(objective.loss()))
    assert optimizer.damping == pytest.approx(optimizer.scale)
    assert run(optimizer, fresh, 10)[0].loss < 0.2 * start


def test_a_large_damping_falls_to_the_size_of_the_system_on_new_points():
    objective = analytic.network()
    optimizer = LevenbergMarquardt()
    optimizer.step(objective)
    for growth in (None, 0.5, 4.0, math.inf):
        optimizer.damping = 1e12 * optimizer.scale
        optimizer.reset(growth)
        assert optimizer.damping == pytest.approx(optimizer.scale)


def test_steps_into_places_where_the_residual_is_not_finite_are_refused():
    objective = analytic.Analytic(lambda z: torch.stack([torch.log(z[0]) + 3, z[1]]), [2.0, 1.0])
    step, _ = run(LevenbergMarquardt(damping=1e-8), objective, 60)
    assert step.loss < 1e-20
    assert float(objective.vector()[0]) == pytest.approx(math.exp(-3), rel=1e-8)
    nowhere = analytic.Analytic(lambda z: torch.log(z), [-1.0])
    step = LevenbergMarquardt().step(nowhere)
    assert step.done and "not finite" in step.reason


def test_float32_rows_with_float64_solves():
    objective = analytic.network(dtype=torch.float32)
    step, _ = run(LevenbergMarquardt(), objective, 100)
    assert objective.vector().dtype == torch.float32
    assert step.loss < 1e-9


def test_the_trace_says_what_happened():
    objective = analytic.network()
    info = LevenbergMarquardt().step(objective).info
    for key in ("damping", "ratio", "corrections", "evaluations", "solves", "condition", "orthogonal"):
        assert math.isfinite(info[key])
    assert {key for key in info if key.startswith("seconds/")} == {
        f"seconds/{part}" for part in ("rows", "system", "solve", "trials")
    }
    assert info["evaluations"] == objective.count["residual"]


def test_numbers_that_cannot_be_meant_are_refused():
    with pytest.raises(ValueError, match="damping=0"):
        LevenbergMarquardt(damping=0)
    with pytest.raises(ValueError, match="retries=0"):
        LevenbergMarquardt(retries=0)
    objective = analytic.network()
    with pytest.raises(
        ValueError, match=r"50 rows of 25 parameters exceed memory=1\.0e\+03 bytes; take at most 5 rows"
    ):
        LevenbergMarquardt(memory=1e3).step(objective)
