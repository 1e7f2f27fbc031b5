"""Difference schemes: the textbook's values, orders of convergence, balanced steps, honest error estimates."""

import math

import numpy as np
import pytest
import torch

from pinn.derivatives import (
    central_difference,
    complex_step,
    default_step,
    forward_difference,
    mixed_difference,
    numerical_gradient,
    richardson,
)


def quadratic_log(x):
    return (x**2 + 2 * x) * math.log(x)


def order_of_convergence(scheme, h):
    errors = [abs(scheme(np.exp, 0.3, step) - math.exp(0.3)) for step in (h, h / 2)]
    return math.log2(errors[0] / errors[1])


def test_textbook_values_at_a_wide_step():
    assert forward_difference(quadratic_log, 1, 0.5) == pytest.approx(4.257383635135726, abs=1e-12)
    assert central_difference(quadratic_log, 1, 0.5) == pytest.approx(2.9997299032915508, abs=1e-12)


def test_orders_of_convergence():
    assert order_of_convergence(forward_difference, 1e-2) == pytest.approx(1.0, abs=0.01)
    assert order_of_convergence(central_difference, 1e-1) == pytest.approx(2.0, abs=0.01)
    assert order_of_convergence(complex_step, 1e-2) == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_higher_central_differences_converge_with_the_square_of_the_step(order):
    errors = [abs(central_difference(math.exp, 0.3, h, order=order) - math.exp(0.3)) for h in (0.2, 0.1)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize(("order", "accuracy"), [(1, 1e-10), (2, 1e-7), (3, 1e-5), (4, 1e-3)])
def test_balanced_step_of_central_differences_is_near_the_best_one(order, accuracy):
    def error(h):
        return abs(central_difference(math.exp, 0.3, h, order=order) - math.exp(0.3))

    balanced = default_step(0.3, order=order)
    assert error(balanced) < accuracy
    # Thirty times more or less is much worse: truncation on one side, rounding on the other.
    assert error(30 * balanced) > 10 * accuracy / 1e3
    assert error(balanced) < error(30 * balanced)
    assert error(balanced) < max(error(balanced / f) for f in (20, 30, 40))


def test_balanced_step_of_forward_differences():
    assert abs(forward_difference(math.exp, 0.3) - math.exp(0.3)) < 1e-7


def test_steps_are_powers_of_two_and_grow_with_x():
    steps = default_step(np.array([0.0, -1.0, 1000.0]))
    assert np.all(np.log2(steps) == np.round(np.log2(steps)))
    assert steps[0] == steps[1] < steps[2]
    assert default_step(torch.tensor([1.0])).item() > default_step(torch.tensor([1.0], dtype=torch.float64)).item()


def test_complex_step_has_no_rounding_error():
    assert complex_step(np.exp, 0.3) == pytest.approx(math.exp(0.3), rel=1e-15)
    x = torch.tensor([0.5, 1.0], dtype=torch.float64)
    torch.testing.assert_close(complex_step(torch.log, x), 1 / x, rtol=1e-15, atol=0)
    assert complex_step(torch.exp, x.float()).dtype == torch.float32


def test_complex_step_refuses_what_loses_the_imaginary_part():
    with pytest.raises(ValueError, match=r"f returned real values.*use central_difference"):
        complex_step(abs, 0.3)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_richardson_is_sharper_and_its_error_is_an_upper_bound(order):
    x = np.array([0.3, 1.0, 2.0])
    exact = [np.cos, lambda t: -np.sin(t), lambda t: -np.cos(t), np.sin][order - 1](x)
    estimate = richardson(np.sin, x, order=order)
    assert np.all(np.abs(estimate.value - exact) <= estimate.error)
    assert np.abs(estimate.value - exact).max() < np.abs(central_difference(np.sin, x, order=order) - exact).max()
    assert estimate.error.max() < 1e-6


def test_richardson_passes_over_steps_that_leave_the_domain():
    x = torch.tensor([0.05, 1.0], dtype=torch.float64)
    estimate = richardson(torch.log, x)
    assert torch.all((estimate.value - 1 / x).abs() <= estimate.error)


def test_kinds_are_kept_and_the_callers_are_not_changed():
    array = np.array([1.0, 2.0])
    tensor = torch.tensor([1.0, 2.0], requires_grad=True)
    assert isinstance(central_difference(lambda x: x**2, 1), float)
    assert isinstance(central_difference(lambda x: x**2, array), np.ndarray)
    found = central_difference(lambda x: x**2, tensor)
    assert found.dtype == torch.float32 and not found.requires_grad
    assert array.tolist() == [1.0, 2.0] and tensor.grad is None


def test_integers_are_promoted_to_float64():
    assert central_difference(lambda x: x**2, np.array([3, 4])).dtype == np.float64
    assert central_difference(lambda x: x**2, torch.tensor([3, 4])).dtype == torch.float64
    assert numerical_gradient(lambda x, y: (x**2 + 2 * x) * np.log(y), np.array([1, 2]), 1e-3)[1] == pytest.approx(
        1.50000003, abs=1e-8
    )


def test_float32_shows_the_cancellation_of_the_document():
    point = torch.tensor([1.0, 2.0])
    found = numerical_gradient(lambda x, y: (x**2 + 2 * x) * torch.log(y), point, 1e-3)[1].item()
    assert 1e-6 < abs(found - 1.5) < 2e-3


@pytest.mark.parametrize("wrap", [np.array, lambda x: torch.tensor(x, dtype=torch.float64)])
def test_gradient_of_the_bowl_at_a_point_and_at_a_batch(wrap):
    def bowl(x, y):
        return x**2 + y**2

    assert np.allclose(numerical_gradient(bowl, wrap([3.0, 4.0])), [6, 8], atol=1e-9)
    batch = [[3.0, 4.0], [0.0, 2.0], [3.0, 0.0]]
    assert np.allclose(numerical_gradient(bowl, wrap(batch)), 2 * np.array(batch), atol=1e-9)
    for scheme in (forward_difference, complex_step):
        assert np.allclose(numerical_gradient(bowl, wrap(batch), scheme=scheme), 2 * np.array(batch), atol=1e-6)


def test_batch_gradient_of_a_function_that_is_not_separable():
    points = np.random.default_rng(0).uniform(1, 2, (6, 2))
    found = numerical_gradient(lambda x, y: (x**2 + 2 * x) * np.log(y), points)
    x, y = points.T
    assert np.allclose(found, np.stack([(2 * x + 2) * np.log(y), (x**2 + 2 * x) / y], axis=1), atol=1e-8)


def test_mixed_differences():
    assert mixed_difference(lambda x, y: x**2 * y**3, (1.5, 2.0), (1, 2)) == pytest.approx(36.0, abs=1e-3)
    x = torch.tensor([0.3, 0.6], dtype=torch.float64)
    found = mixed_difference(lambda a, b: torch.sin(a * b), (x, x), (1, 1))
    torch.testing.assert_close(found, torch.cos(x * x) - x * x * torch.sin(x * x), rtol=0, atol=1e-6)


def test_wrong_shapes_of_points():
    def f(x, y):
        return x * y

    with pytest.raises(ValueError, match=r"points of shape \(2, 9\), so 9 coordinates, but f takes 2; .*\(n, 2\)"):
        numerical_gradient(f, np.ones((2, 9)))
    with pytest.raises(ValueError, match=r"expected one point \(d,\) or a batch"):
        numerical_gradient(f, np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match=r"expected one point \(d,\) or a batch"):
        numerical_gradient(f, 1.0)
    with pytest.raises(ValueError, match=r"so 1 coordinates, but f takes 2"):
        numerical_gradient(f, torch.ones(3, 1))


def test_wrong_shape_of_values():
    with pytest.raises(ValueError, match=r"f returned shape \(\) for x of shape \(3,\), expected one value an entry"):
        central_difference(np.sum, np.ones(3))
    with pytest.raises(ValueError, match=r"f returned shape \(3, 1\)"):
        forward_difference(lambda x: x[:, None], torch.ones(3))


@pytest.mark.parametrize("h", [0.0, -1e-3, math.nan, math.inf])
@pytest.mark.parametrize("scheme", [forward_difference, central_difference, complex_step, richardson])
def test_steps_that_are_not_positive(scheme, h):
    with pytest.raises(ValueError, match=r"expected h > 0; leave it out"):
        scheme(lambda x: x**2, 1.0, h)


def test_other_arguments_out_of_range():
    with pytest.raises(ValueError, match="got order=0, expected 1 or more"):
        central_difference(math.exp, 1.0, order=0)
    with pytest.raises(ValueError, match="got levels=1, expected at least 2"):
        richardson(math.exp, 1.0, levels=1)
    with pytest.raises(ValueError, match="got method='backward'"):
        default_step(1.0, method="backward")
    with pytest.raises(ValueError, match="'forward' of order 1"):
        default_step(1.0, method="forward", order=2)
    with pytest.raises(ValueError, match=r"got orders \(1,\) for 2 coordinates"):
        mixed_difference(lambda x, y: x * y, (1.0, 2.0), (1,))
    with pytest.raises(TypeError, match="expected real"):
        central_difference(torch.exp, torch.ones(2, dtype=torch.complex64))
    with pytest.raises(TypeError, match="got x of complex128"):
        central_difference(np.exp, 1j)
    with pytest.raises(TypeError, match="got x of bool"):
        central_difference(np.exp, True)
