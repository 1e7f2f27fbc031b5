"""Nested derivatives: any order and mixture, zero where one runs out, an error where a coordinate is a stranger."""

import gc
import math
import weakref

import pytest
import torch

from pinn.derivatives import attach, d, grad, scalar_gradient
from pinn.derivatives.nested import partials


def leaf(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def close(actual, expected, tolerance=1e-10):
    torch.testing.assert_close(
        actual.detach(), torch.as_tensor(expected, dtype=torch.float64).to(actual), rtol=tolerance, atol=tolerance
    )


@pytest.fixture
def x():
    return leaf(1.0, 2.0, 3.0, 4.0)


@pytest.fixture
def y():
    return leaf(0.5, 1.5, 2.5, 3.5)


def test_every_order_of_sine(x):
    u = torch.sin(2 * x)
    for k in range(1, 8):
        close(d(u, *[x] * k), 2**k * torch.sin(2 * x + k * math.pi / 2))


def test_mixed_derivatives_commute(x, y):
    u = torch.exp(x * y / 4) * torch.sin(x + y**2)
    close(d(u, x, y, y), d(u, y, x, y))
    close(d(u, x, y, y), d(d(d(u, y), y), x))


def test_parabola_plus_one_runs_out_after_two_orders(x):
    u = x**2 + 1
    close(d(u, x), [2, 4, 6, 8])
    close(d(u, x, x), [2, 2, 2, 2])
    for k in range(3, 7):
        assert torch.equal(d(u, *[x] * k), torch.zeros(4, dtype=torch.float64))


def test_a_derivative_that_ran_out_stays_differentiable_through_arithmetic(x, y):
    second = d(x**2, x, x)
    close(d(3 * second + 1, x), [0, 0, 0, 0])
    close(d(second * torch.sin(x), x), 2 * torch.cos(x))
    # The graph of u_x = 2x no longer reaches y, that of u did.
    close(d(d(x**2 + y, x), y), [0, 0, 0, 0])
    close(d(torch.exp(d(x**2 + y, x)), y), [0, 0, 0, 0])


def test_a_derivative_with_a_graph_to_parameters_only_is_zero_by_the_coordinate(x):
    k = leaf(3.0)
    second = d(k * x**2, x, x)
    close(d(second, x), [0, 0, 0, 0])
    (slope,) = torch.autograd.grad(second.sum(), k)
    assert slope.item() == 8.0


def test_the_zero_of_a_derivative_holds_at_infinite_points():
    x = leaf(math.inf, 1.0)
    close(d(2 * x, x, x), [0, 0])


def test_derivative_of_a_number_is_zero(x, y):
    close(d(3.0, x), [0, 0, 0, 0])
    close(d(d(3.0, x), y), [0, 0, 0, 0])
    close(d(2, torch.ones(3)), [0, 0, 0])
    assert all(torch.equal(g, torch.zeros_like(g)) for g in grad(1.0, x, y))


def test_derivatives_of_a_number_ask_for_real_numbers(x):
    with pytest.raises(TypeError, match=r"got u of type str"):
        d("u", x)
    with pytest.raises(TypeError, match=r"got u of type bool"):
        d(True, x)


def test_a_coordinate_differentiates_to_one_by_itself(x):
    close(d(x, x), [1, 1, 1, 1])
    close(d(x, x, x), [0, 0, 0, 0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_follows_the_input(dtype):
    x = leaf(1.0, 2.0, dtype=dtype)
    for k in range(1, 5):
        assert d(x**3, *[x] * k).dtype == dtype


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_device_follows_the_input():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, device="cuda", requires_grad=True)
    y = torch.tensor([3.0, 4.0], dtype=torch.float64, device="cuda", requires_grad=True)
    for u in (d(x**2, x), d(x**2, x, x, x), d(x**2 + y, x, y), d(3.0, x), d(x**2, x, upstream=2.0)):
        assert u.device == x.device


def test_upstream_gradient_of_the_quadratic_log():
    x, y = leaf(1.0), leaf(2.0)
    u = (x**2 + 2 * x) * torch.log(y)
    close(d(u, x, upstream=2.0), [5.545177444479562])
    close(d(u, y, upstream=torch.tensor([2.0], dtype=torch.float64)), [3.0])
    both = partials(u, (x, y), upstream=2.0)
    close(torch.cat(both), [5.545177444479562, 3.0])


def test_upstream_multiplies_the_highest_derivative_and_keeps_its_own_graph(x):
    weight = leaf(1.0, -1.0, 2.0, 0.5)
    close(d(x**3, x, x, upstream=weight), 6 * x * weight)
    passed_on = d(x + 1, x, upstream=weight)
    close(passed_on, weight)
    close(d(passed_on, weight), [1, 1, 1, 1])
    close(d(passed_on, x), [0, 0, 0, 0])
    assert weight.grad_fn is None


def test_upstream_of_another_shape(x):
    with pytest.raises(ValueError, match=r"got upstream of shape \(2,\) for u of shape \(4,\)"):
        d(x**2, x, upstream=torch.ones(2))


def test_nothing_of_the_callers_is_touched(x, y):
    before = x.detach().clone()
    y.grad = torch.full_like(y, 7.0)
    u = torch.sin(x) * y
    first, again = d(u, x, y), d(u, x, y)
    assert torch.equal(first, again)
    assert x.grad is None
    assert torch.equal(y.grad, torch.full_like(y, 7.0))
    assert torch.equal(x.detach(), before)
    assert u.grad_fn is not None and not u.grad_fn.metadata


def test_works_inside_no_grad_when_the_field_was_computed_outside(x):
    u = x**3
    with torch.no_grad():
        close(d(u, x, x, x, x), [0, 0, 0, 0])


def test_points_taken_apart_before_the_field(y):
    points = torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    a, b = points.unbind(1)
    close(d(a**2 * b, a, b), 2 * a)
    close(d(d(a**2 + b, a), b), torch.zeros(5))


def test_rows_of_another_shape_entry_by_entry():
    a, t = (torch.ones(2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    along_a, along_t = grad(a**2 + t, a, t)
    close(along_a, 2 * torch.ones(2, 2))
    close(along_t, torch.ones(2, 2))


def test_an_empty_batch_has_empty_derivatives():
    x = torch.empty(0, dtype=torch.float64, requires_grad=True)
    assert d(x**2, x, x, x).shape == (0,)


def test_the_graph_is_released_with_the_derivative():
    class Saved:
        def __init__(self, tensor):
            self.tensor = tensor

    saved = weakref.WeakSet()

    def pack(tensor):
        box = Saved(tensor)
        saved.add(box)
        return box

    x = leaf(1.0, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
        u = torch.sin(x) ** 2
        second = d(u, x, x)
    assert len(saved) > 0
    del u, second
    gc.collect()
    assert len(saved) == 0


# ---- strangers -------------------------------------------------------------------------------------------------------


def test_never_made_a_leaf():
    x = torch.ones(3)
    with pytest.raises(
        ValueError, match=r"x of shape \(3,\) does not require grad .* call x\.requires_grad_\(\) first"
    ):
        d(leaf(1.0, 2.0, 3.0) ** 2, x.double())


def test_made_a_leaf_after_the_field():
    x = torch.ones(3)
    u = x**2
    x.requires_grad_()
    with pytest.raises(ValueError, match=r"u of shape \(3,\) has no graph"):
        d(u, x)


def test_detached_coordinate_and_detached_field(x):
    with pytest.raises(ValueError, match="does not require grad"):
        d(x**2, x.detach())
    with pytest.raises(ValueError, match=r"has no graph.*detached"):
        d((x**2).detach(), x)
    with torch.no_grad():
        u = x**2
    with pytest.raises(ValueError, match=r"computed under torch\.no_grad"):
        d(u, x)


def test_a_detached_derivative_is_not_a_zero(x):
    with pytest.raises(ValueError, match="has no graph"):
        d(d(x**3, x).detach(), x)


def test_integer_tensors():
    x = torch.arange(3)
    with pytest.raises(TypeError, match=r"x is a tensor of torch\.int64.*x\.double\(\)\.requires_grad_\(\)"):
        d(leaf(1.0, 2.0, 3.0), x)
    with pytest.raises(TypeError, match=r"u is a tensor of torch\.int64"):
        d(x**2, x)
    with pytest.raises(TypeError, match=r"x is a tensor of torch\.int64"):
        d(1.0, x)


def test_complex_field(x):
    with pytest.raises(TypeError, match="expected real floating point"):
        d(torch.complex(x, x), x)


def test_not_a_tensor(x):
    with pytest.raises(TypeError, match="got a coordinate of type float"):
        d(x**2, 1.0)


def test_another_length(x):
    with pytest.raises(ValueError, match=r"got u of shape \(4,\) and x of shape \(2,\), expected equal shapes"):
        d(x**2, leaf(1.0, 2.0))
    with pytest.raises(ValueError, match=r"use scalar_gradient\(u, x\)"):
        d((x**2).mean(), x)


def test_a_column_vector_beside_a_field(x):
    column = x.detach().clone()[:, None].requires_grad_()
    with pytest.raises(ValueError, match=r"u of shape \(4,\) and x of shape \(4, 1\).*points\.unbind\(1\)"):
        d(x**2, column)
    with pytest.raises(ValueError, match=r"one component at a time"):
        d(torch.stack([x, x**2], 1), x)


def test_a_name_that_took_no_part(x, y):
    message = r"x of shape \(4,\) took no part in u of shape \(4,\).*attach\(u, x\)"
    for call in (
        lambda: d(x**2, y),
        lambda: d(x**2, y, x),
        lambda: d(x**2, x, y),
        lambda: d(d(x**2, x), y),
        lambda: d(d(x**2, x, x, x), y),
        lambda: d(y, x),
        lambda: d(x**2, x[:]),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_the_stranger_among_several_is_named(x, y):
    with pytest.raises(ValueError, match=r"coordinate 2 of 3 .* took no part"):
        grad(x**2, x, y, x)


def test_a_column_sliced_after_the_field():
    points = torch.rand(4, 2, dtype=torch.float64, requires_grad=True)
    u = (points**2).sum(1)
    with pytest.raises(ValueError, match=r"before this column was sliced from them.*Slice columns first"):
        d(u, points[:, 0])


def test_attach_says_that_a_field_is_constant_along_a_coordinate(x, y):
    u = attach(y**2, x, y)
    close(d(u, x), [0, 0, 0, 0])
    close(d(u, y), 2 * y)
    close(d(attach(2.0, x), x), [0, 0, 0, 0])


def test_no_coordinates(x):
    with pytest.raises(ValueError, match="got no coordinate to differentiate by"):
        d(x**2)
    with pytest.raises(ValueError, match="grad: got no coordinate"):
        grad(x**2)


def test_second_pass_over_a_freed_graph(x):
    u = x**3
    u.sum().backward()
    with pytest.raises(ValueError, match=r"graph of u was freed.*retain_graph=True"):
        d(u, x)


def test_other_errors_of_the_backward_pass_are_passed_on(x):
    u = torch.exp(x)
    u.mul_(2)  # exp needs its result for the backward pass
    with pytest.raises(RuntimeError, match="inplace"):
        d(u, x)


# ---- reductions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reduce", "expected"),
    [
        (torch.mean, [0.5, 1.0, 1.5, 2.0]),
        (torch.max, [0.0, 0.0, 0.0, 8.0]),
        (torch.min, [2.0, 0.0, 0.0, 0.0]),
        (torch.sum, [2.0, 4.0, 6.0, 8.0]),
    ],
)
def test_gradients_of_reductions(x, reduce, expected):
    (found,) = scalar_gradient(reduce(x**2 + 1), x)
    close(found, expected)
    assert x.grad is None


def test_scalar_gradient_of_a_non_scalar(x):
    with pytest.raises(ValueError, match=r"got values of shape \(4,\), expected a single number"):
        scalar_gradient(x**2, x)


def test_scalar_gradient_refuses_strangers(x, y):
    with pytest.raises(ValueError, match=r"coordinate 2 of 2 .* took no part"):
        scalar_gradient((x**2).sum(), x, y)
    with pytest.raises(ValueError, match="has no graph"):
        scalar_gradient((x**2).sum().detach(), x)
    with pytest.raises(TypeError, match="got u of type float"):
        scalar_gradient(1.0, x)


def test_scalar_gradient_runs_out_to_zero(x):
    (first,) = scalar_gradient((3 * x).sum(), x)
    close(scalar_gradient(first.sum(), x)[0], [0, 0, 0, 0])
