"""What Cholesky and sketched preconditioners resolve, on matrices of known condition."""

import pytest
import torch

from pinn.linalg import least_squares, may_be_squared, solve_normal, solve_sketched
from tests.linalg.known import decaying, features, generator, normal, relative


@pytest.mark.parametrize("condition", [1e1, 1e3])
def test_squares_do_as_well_as_a_qr_where_they_are_trusted(condition):
    J, _ = decaying(900, 300, condition)
    true, units = normal(300, seed=5), torch.logspace(-8, 8, 300, dtype=torch.float64)
    c = solve_normal(J * units, -J @ true)
    assert relative(J, c * units, -J @ true) < 1e-14
    assert (c * units - true).norm() < 1e-13 * condition * true.norm()
    assert torch.equal(least_squares(J * units, -J @ true), c)


@pytest.mark.parametrize("condition", [1e7, 1e12, 1e18])
def test_squares_decline_what_they_lose(condition):
    assert solve_normal(decaying(400, 120, condition)[0], normal(400)) is None
    assert solve_normal(features(400, 120)[0], normal(400)) is None


def test_a_quarter_of_the_columns_shows_random_features():
    assert not may_be_squared(features(900, 300)[0])
    assert not may_be_squared(normal(20, 40))
    assert may_be_squared(normal(900, 300))


@pytest.mark.parametrize("condition", [1e2, 1e6, 1e10, 1e14, 1e18])
def test_a_sketch_meets_what_can_be_met(condition):
    J, _ = decaying(2000, 80, condition)
    r = J @ normal(80, seed=5)
    assert relative(J, solve_sketched(J, r, generator()), r) < 2e-14


@pytest.mark.parametrize("condition", [1e2, 1e6, 1e10])
def test_a_sketch_leaves_what_cannot_be_met(condition):
    J, U = decaying(2000, 80, condition)
    outside = normal(2000, seed=6)
    outside -= U @ (U.T @ outside)
    r = J @ normal(80, seed=5) + 1e-3 * outside
    assert (J @ solve_sketched(J, r, generator()) + r).norm() < (1e-3 * outside).norm() * (1 + 1e-8)


def test_a_sketch_of_random_features_is_near_a_qr():
    J, r = features(4000, 200)
    for right in (r, r + 1e-3 * normal(4000, seed=7)):
        assert relative(J, solve_sketched(J, right, generator()), right) < 1.2 * relative(
            J, least_squares(J, right), right
        )


def test_the_generator_fixes_the_sketch():
    J, r = features(800, 40)
    assert torch.equal(solve_sketched(J, r, generator(3)), solve_sketched(J, r, generator(3)))
