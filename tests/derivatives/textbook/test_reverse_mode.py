"""Hand-written reverse mode against autograd, and the textbook's numbers."""

import numpy as np
import pytest
import torch

from pinn.derivatives import d, grad
from pinn.derivatives.textbook.reverse_mode import (
    Add,
    Divide,
    Exp,
    Log,
    Power,
    Sin,
    Times,
    quadratic_log_by_hand,
)


def test_times_of_two_and_three():
    times = Times()
    assert times.forward(2.0, 3.0) == 6.0
    assert times.backward() == (3.0, 2.0)
    assert times.backward(10.0) == (30.0, 20.0)


def test_quadratic_log_chained_by_hand():
    f, dx, dy = quadratic_log_by_hand(1.0, 2.0)
    assert f == pytest.approx(2.0794415416798357, abs=1e-12)
    assert dx == pytest.approx(2.772588722239781, abs=1e-12)
    assert dy == pytest.approx(1.5, abs=1e-12)


def test_chain_by_hand_is_autograd_on_a_batch():
    x, y = (torch.rand(9, dtype=torch.float64, generator=torch.Generator().manual_seed(s)) + 0.5 for s in (0, 1))
    x.requires_grad_(), y.requires_grad_()
    f, dx, dy = quadratic_log_by_hand(x, y)
    expected = grad((x**2 + 2 * x) * torch.log(y), x, y)
    torch.testing.assert_close(dx, expected[0], rtol=1e-12, atol=0)
    torch.testing.assert_close(dy, expected[1], rtol=1e-12, atol=0)
    found = quadratic_log_by_hand(x.detach().numpy(), y.detach().numpy())
    np.testing.assert_allclose(found[1], expected[0].detach().numpy(), rtol=1e-12)
    torch.testing.assert_close(f, (x**2 + 2 * x) * torch.log(y), rtol=1e-12, atol=0)


@pytest.mark.parametrize("operation", [Add(), Times(), Divide(), Log(), Exp(), Sin(), Power(3), Power(-0.5)])
def test_every_rule_is_autograds(operation):
    inputs = [torch.tensor([0.4 + i, 1.7], dtype=torch.float64, requires_grad=True) for i in range(operation.inputs)]
    value = operation.forward(*inputs)
    for x, slope in zip(inputs, operation.backward(2.0), strict=True):
        torch.testing.assert_close(
            torch.as_tensor(slope, dtype=torch.float64).expand(2), d(value, x, upstream=2.0), rtol=1e-12, atol=0
        )


def test_backward_before_forward():
    with pytest.raises(ValueError, match="Log: backward before forward; run forward"):
        Log().backward(1.0)


def test_another_number_of_inputs():
    with pytest.raises(ValueError, match="Times: got 1 inputs, expected 2"):
        Times().forward(1.0)
