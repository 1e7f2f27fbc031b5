"""Methods for many parameters: their products, sketches and transforms are exact, and they solve the classics."""

import math

import pytest
import scipy.fft
import scipy.optimize
import torch

from pinn import linalg
from pinn.defaults import default_optimizer
from pinn.optimizers import LevenbergMarquardt, MatrixFree, Sketched
from pinn.optimizers.sketched import Columns, _Path, count_sketch, dct, inverse_dct
from tests.optimizers import analytic

close = torch.testing.assert_close


def run(optimizer, objective, steps):
    for _ in range(steps):
        step = optimizer.step(objective)
        if step.done:
            break
    return step


def spd(p=30, decay=1.0, seed=0):
    Q = torch.linalg.qr(analytic.matrix(p, p, seed))[0]
    return (Q * torch.exp(-decay * torch.arange(p, dtype=torch.float64))) @ Q.T


def test_nystrom_is_exact_for_low_rank_and_close_for_fast_decay():
    generator = torch.Generator().manual_seed(1)
    low = analytic.matrix(30, 5)
    A = low @ low.T
    near = linalg.nystrom(lambda X: A @ X, 30, 8, generator)
    close((near.U * near.s) @ near.U.T, A, rtol=1e-8, atol=1e-8)
    A = spd()
    near = linalg.nystrom(lambda X: A @ X, 30, 12, generator)
    assert float(torch.linalg.matrix_norm((near.U * near.s) @ near.U.T - A, 2)) < 30 * math.exp(-12)
    close(near.U.T @ near.U, torch.eye(12, dtype=torch.float64), rtol=1e-12, atol=1e-12)


def test_the_nystrom_preconditioner_bounds_the_condition_number():
    A, lam = spd(), 1e-4
    near = linalg.nystrom(lambda X: A @ X, 30, 15, torch.Generator().manual_seed(2))
    eye = torch.eye(30, dtype=torch.float64)
    P = torch.stack([near.precondition(lam, e) for e in eye], 1)
    eigenvalues = torch.linalg.eigvals(P @ (A + lam * eye)).real
    assert float(eigenvalues.max() / eigenvalues.min()) < 5
    b = analytic.matrix(30, 1)[:, 0]
    exact = torch.linalg.solve(A + lam * eye, b)
    close(near.solve(lam, b), exact, rtol=0.1, atol=0.1 * float(exact.abs().max()))
    _, plain, _ = linalg.conjugate_gradients(lambda v: A @ v + lam * v, b, tolerance=1e-8)
    x, made, left = linalg.conjugate_gradients(
        lambda v: A @ v + lam * v, b, precondition=lambda v: near.precondition(lam, v), tolerance=1e-8
    )
    close(x, exact, rtol=1e-5, atol=1e-6 * float(exact.abs().max()))
    assert made < plain
    assert left < 1e-8


def test_conjugate_gradients_end_within_the_number_of_distinct_eigenvalues():
    A = torch.diag(torch.tensor([1.0, 1.0, 1.0, 5.0, 5.0], dtype=torch.float64))
    b = analytic.matrix(5, 1)[:, 0]
    x, made, _ = linalg.conjugate_gradients(lambda v: A @ v, b, tolerance=1e-12)
    assert made == 2
    close(A @ x, b)
    warm, made, _ = linalg.conjugate_gradients(lambda v: A @ v, b, start=x, tolerance=1e-10)
    assert made == 0
    close(warm, x)


@pytest.mark.parametrize("n", [1, 2, 7, 16, 33])
def test_the_cosine_transform_is_scipys_and_orthonormal(n):
    x = analytic.matrix(3, n)
    close(dct(x), torch.as_tensor(scipy.fft.dct(x.numpy(), norm="ortho", axis=-1)), rtol=1e-12, atol=1e-13)
    close(inverse_dct(dct(x)), x, rtol=1e-12, atol=1e-13)


def test_sketches_keep_lengths_on_average_and_columns_are_orthonormal():
    generator = torch.Generator().manual_seed(3)
    for buckets, entries in ((20, 4), (7, 4), (3, 3), (1, 1)):
        S = count_sketch(60, buckets, 4, generator).to_dense()
        assert S.shape == (buckets, 60)
        close((S != 0).sum(0), torch.full((60,), entries))
        close(S.square().sum(0), torch.ones(60, dtype=torch.float64))
        assert (S != 0).any(1).all()
    mean = sum((lambda M: M.T @ M)(count_sketch(60, 20, 4, generator).to_dense()) for _ in range(400)) / 400
    close(mean, torch.eye(60, dtype=torch.float64), rtol=0, atol=0.25)
    columns = Columns(17, 9, generator, torch.device("cpu"))
    back = torch.stack([columns.back(e) for e in torch.eye(9, dtype=torch.float64)])
    close(back @ back.T, torch.eye(9, dtype=torch.float64), rtol=1e-12, atol=1e-12)
    A = analytic.matrix(4, 17)
    close(columns.forth(A), A @ back.T, rtol=1e-12, atol=1e-12)


def test_the_damping_of_a_radius_is_found():
    A = analytic.matrix(20, 8, condition=1e6)
    _, sigma, _ = torch.linalg.svd(A, full_matrices=False)
    path = _Path(sigma, analytic.matrix(8, 1)[:, 0])
    for part in (0.999, 0.5, 1e-2, 1e-6):
        radius = part * path.length(0.0)
        assert path.length(path.damping(radius)) == pytest.approx(radius, rel=1e-8)
    assert path.damping(2 * path.length(0.0)) == 0
    z, promised = path.step(0.1)
    assert promised == pytest.approx(0.5 * float(path.c @ path.c - (path.c + sigma * z).square().sum()), rel=1e-12)


def test_matrix_free_steps_are_those_of_levenberg_marquardt():
    free, held = analytic.network(), analytic.network()
    one = MatrixFree(tolerance=1e-12, iterations=500, corrections=0, geodesic=False)
    two = LevenbergMarquardt(corrections=0, geodesic=False)
    two.step(held)
    one.step(free)
    free.assign(held.vector())
    one.damping, one.growth = two.damping, two.growth
    for _ in range(5):
        one.step(free)
        two.step(held)
        close(free.vector(), held.vector(), rtol=1e-6, atol=1e-7)


def test_a_sketch_whose_noise_hides_the_descent_goes_on_with_the_true_gradient():
    """800 rows that cannot all be met, compressed to 50: near the solution Jᵀr vanishes and AᵀSr does not.

    Over three seeds f ended 4e-6 to 1e-5 above its minimum.
    """
    objective, exact = analytic.linear(A=analytic.matrix(800, 100), consistent=False)
    optimizer = Sketched(0.5)
    steps = [optimizer.step(objective) for _ in range(60)]
    assert all(step.accepted for step in steps)
    residual = objective.function(exact)
    assert steps[-1].loss == pytest.approx(float(0.5 * residual @ residual), rel=5e-5)


def test_what_no_radius_improves_is_sketched_again_before_it_is_given_up():
    """|θ| has a kink at the minimum of this sum: no direction descends there, and only the radius can end it."""
    objective = analytic.Analytic(lambda z: torch.cat([z.abs().sum()[None] + 1, z]), torch.zeros(3).double() + 1e-12)
    optimizer = Sketched(0.5)
    optimizer._radius = 0.1
    step = optimizer.step(objective)
    assert step.done and not step.accepted
    assert step.info["draws"] > 1
    assert "trust region" in step.reason
    assert optimizer._radius == 0.1  # for the next points


def test_an_exactly_singular_sketch_is_no_obstacle():
    objective = analytic.Analytic(lambda z: torch.stack([z[0] - 1, z[1] + 2, z[0] * z[1] + 2]), [0.0, 0.0, 5.0])
    optimizer = Sketched()
    step = optimizer.step(objective)
    assert step.accepted and step.info["condition"] == math.inf
    run(optimizer, objective, 20)
    close(objective.vector(), torch.tensor([1.0, -2.0, 5.0], dtype=torch.float64), rtol=1e-8, atol=1e-8)


def test_a_sketch_too_large_for_the_memory_is_refused_before_j_is_formed():
    objective = analytic.Analytic(lambda z: z[:60], torch.zeros(100_000, dtype=torch.float64))
    objective.rows = 50_000
    with pytest.raises(ValueError, match=r"40000 rows of 100000 .* 1\.2e\+11 bytes.*fraction=0\.0217 or"):
        Sketched().step(objective)
    assert objective.count["linearize"] == 0
    s = math.ceil(0.0217 * 100_000)
    assert 8 * (s * 100_000 + 7 * s**2) <= 2e9 < 8 * ((s + 9) * 100_000 + 7 * (s + 9) ** 2)


def test_sketching_columns_and_rows_still_descends():
    objective = analytic.network(width=40, rows=200)
    optimizer = Sketched(0.5)
    start = float(objective.loss())
    last = start
    for _ in range(40):
        step = optimizer.step(objective)
        assert step.loss <= last
        assert step.loss == pytest.approx(float(objective.loss()), rel=1e-12)
        last = step.loss
    assert last < 1e-4 * start
    assert optimizer.step(objective).info["rank"] <= math.ceil(0.5 * objective.size)


@pytest.mark.parametrize(
    "parameters, method, rows",
    [
        (900, LevenbergMarquardt, None),
        (5_000, LevenbergMarquardt, None),
        (30_000, LevenbergMarquardt, 2083),
        (100_000, LevenbergMarquardt, 625),
        (125_000, LevenbergMarquardt, 500),
        (125_001, MatrixFree, None),
        (200_000, MatrixFree, None),
    ],
)
def test_the_choice_by_size_and_the_rows_that_its_memory_holds(parameters, method, rows):
    chosen = default_optimizer(parameters)
    assert type(chosen) is method
    if isinstance(chosen, LevenbergMarquardt):
        assert chosen.most_rows(parameters) == rows


def test_numbers_that_cannot_be_meant_are_refused():
    with pytest.raises(ValueError, match="got 0 parameters"):
        default_optimizer(0)
    with pytest.raises(ValueError, match="rank=-1"):
        MatrixFree(rank=-1)
    with pytest.raises(ValueError, match="fraction=0"):
        Sketched(0)
    with pytest.raises(ValueError, match="memory=0"):
        Sketched(memory=0)
