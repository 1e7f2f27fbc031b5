"""The triangle of a QR: least residuals to rounding at every condition, by rows in parts, by any number of workers."""

import pytest
import torch

from pinn.linalg import TallQR, least_squares, tall
from tests.linalg.known import decaying, features, normal, relative

CONDITIONS = [1e2, 1e6, 1e10, 1e14, 1e18]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_can_be_met_is_met_to_rounding(condition):
    J, _ = decaying(400, 120, condition)
    true = normal(120, seed=5)
    c = least_squares(J, -J @ true)
    assert relative(J, c, -J @ true) < 1e-14
    assert c.norm() < 3 * true.norm()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_cannot_be_met_is_all_that_is_left(condition):
    """r has a part outside the range of J, known from the factor that J was made of."""
    J, U = decaying(400, 120, condition)
    outside = normal(400, seed=6)
    outside -= U @ (U.T @ outside)
    r = J @ normal(120, seed=5) + 1e-3 * outside
    left = (J @ least_squares(J, r) + r).norm()
    assert left < (1e-3 * outside).norm() * (1 + 1e-6)


@pytest.mark.parametrize("condition", [1e2, 1e6, 1e10])
def test_coefficients_have_the_digits_that_the_condition_leaves(condition):
    J, _ = decaying(400, 120, condition)
    true = normal(120, seed=5)
    assert (least_squares(J, -J @ true) - true).norm() < 1e-14 * condition * true.norm()


def test_random_features_reach_what_a_singular_value_decomposition_does():
    J, r = features(900, 300)
    c = least_squares(J, r)
    sizes = J.norm(dim=0)
    U, s, V = torch.linalg.svd(J / sizes, full_matrices=False)
    assert s[-1] < 1e-15 * s[0]
    best = min(
        relative(J, -(V.T[:, :k] @ ((U.T @ r)[:k] / s[:k])) / sizes, r)
        for k in (int((s > rcond * s[0]).sum()) for rcond in (1e-15, 1e-14, 1e-13))
    )
    assert relative(J, c, r) < 2 * best < 1e-6


def test_more_damping_takes_residual_for_size():
    J, r = features(600, 200)
    reduced = TallQR.of(J, r)
    found = [reduced.solve(rcond) for rcond in (1e-16, 1e-12, 1e-8, 1e-4)]
    left, size = [relative(J, c, r) for c in found], [float((c * reduced.sizes).norm()) for c in found]
    assert left == sorted(left)
    assert size == sorted(size, reverse=True)


def test_the_damped_problem_is_the_one_stated():
    J, r = normal(50, 20), normal(50, 2, seed=1)
    rcond, sizes = 0.1, J.norm(dim=0)
    below = (rcond * 20**0.5) * sizes.diag()
    both, right = torch.cat([J, below]), torch.cat([r, torch.zeros(20, 2, dtype=torch.float64)])
    torch.testing.assert_close(TallQR.of(J, r).solve(rcond), -torch.linalg.lstsq(both, right).solution)


def test_units_of_columns_decide_nothing():
    J, r = features(300, 80)
    units = 2.0 ** torch.arange(-40, 40)
    torch.testing.assert_close(least_squares(J * units, r) * units, least_squares(J, r), rtol=1e-12, atol=0)


@pytest.mark.parametrize("cuts", [(150, 300), (40, 100)])
def test_rows_in_parts_are_the_same_problem(cuts):
    J, r = decaying(500, 130, 1e4)[0], normal(500)
    whole, first = TallQR.of(J, r), TallQR.of(J[: cuts[0]], r[: cuts[0]])
    for start, end in ((cuts[0], cuts[1]), (cuts[1], 500)):
        first = first.joined(TallQR.of(J[start:end], r[start:end]))
    torch.testing.assert_close(first.solve(), whole.solve(), rtol=1e-9, atol=1e-12)


def test_fewer_rows_than_columns_and_columns_of_zeros():
    J, r = normal(30, 70), normal(30, seed=1)
    J[:, 3] = 0
    c = least_squares(J, r)
    assert c[3] == 0
    assert relative(J, c, r) < 1e-13


def test_workers_change_no_bit(monkeypatch):
    monkeypatch.setattr(tall, "_LARGE", 1.0)
    J, r = features(700, 400)
    assert torch.equal(least_squares(J, r, workers=1), least_squares(J, r, workers=3))


def test_rows_of_lower_precision_are_damped_at_their_own_rounding():
    J, r = features(600, 200)
    c = least_squares(J.float(), r.float())
    assert c.dtype == torch.float32
    assert relative(J.float().double(), c.double(), r) < 1e-2
    assert c.norm() < 1e-2 * least_squares(J, r).norm()


def test_what_cannot_be_solved_is_refused():
    J, r = normal(8, 3), normal(8)
    with pytest.raises(ValueError, match="8 rows of J and 7 of r"):
        least_squares(J, r[:7])
    with pytest.raises(ValueError, match="not finite"):
        least_squares(J * float("nan"), r)
    with pytest.raises(ValueError, match="rcond above 0"):
        least_squares(J * torch.tensor([1.0, 0.0, 1.0]), r, rcond=0.0)
    with pytest.raises(ValueError, match="same matrix"):
        TallQR.of(J, r).joined(TallQR.of(J[:, :2], r))
