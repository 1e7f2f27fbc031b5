"""Fused kernels of compositions and products: their backward passes against finite differences of the forward ones."""

import pytest
import torch

from pinn.derivatives.jets import activations, taylor
from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.kernels.compose import Compose, LeibnizProduct
from pinn.derivatives.jets.kernels.workspace import Workspace

SPACE = Workspace()


def stacks(size, *shape):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(size, *shape, dtype=torch.float64, generator=generator) + 0.3


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "function", [taylor.TANH, taylor.SIGMOID, taylor.EXP, taylor.SIN, activations.GELU, taylor.LOG]
)
def test_fused_gradients(function, order):
    """The hand-written backward passes against finite differences of the forward ones."""
    basis = DerivativeBasis([{(0,) * order: 1.0}, {(0, 1): 1.0}, {(1, 1): 1.0, (0, 0): 1.0}])
    keys = tuple(range(1, basis.size))
    program = basis.composition(keys)
    z = stacks(basis.size, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: Compose.apply(function, program, keys, z, None, SPACE), z)
    value, tail = z.detach()[0].clone().requires_grad_(), z.detach()[1:, :1].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v, t: Compose.apply(function, program, keys, v, t, SPACE), (value, tail))
    spread = Compose.apply(function, program, keys, torch.cat([value[None], tail.expand(-1, 2, -1)]), None, SPACE)
    assert torch.allclose(spread, Compose.apply(function, program, keys, value, tail, SPACE))


def test_products():
    basis = DerivativeBasis([{(0, 0, 1): 1.0}])
    f, g = stacks(basis.size, 2, 3).requires_grad_(), (stacks(basis.size, 2, 3) ** 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda f, g: LeibnizProduct.apply(basis.terms, basis.size, f, g, SPACE), (f, g))
