"""Linear maps, sums and multiples of stacks: their backward passes against finite differences of the forward ones."""

import torch

from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.kernels.affine import Linear, Multiple, Sum
from pinn.derivatives.jets.kernels.workspace import Workspace

SPACE = Workspace()


def stacks(size, *shape):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(size, *shape, dtype=torch.float64, generator=generator) + 0.3


def test_linear_maps():
    basis = DerivativeBasis([{(0, 0, 1): 1.0}])
    f, g = stacks(basis.size, 2, 3).requires_grad_(), (stacks(basis.size, 2, 3) ** 2).requires_grad_()
    weight, bias = stacks(4, 3).requires_grad_(), stacks(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda *given: Linear.apply(*given, SPACE), (f, weight, bias))
    assert torch.autograd.gradcheck(lambda f, g: Sum.apply(f, g, -0.7, SPACE), (f, g))
    torch.testing.assert_close(Sum.apply(f, g, -0.7, SPACE), f - 0.7 * g, rtol=1e-14, atol=1e-15)
    assert torch.autograd.gradcheck(lambda f: Multiple.apply(f, -0.7, 0.3, SPACE), f)
    expected = torch.cat([-0.7 * f[:1] + 0.3, -0.7 * f[1:]])
    torch.testing.assert_close(Multiple.apply(f, -0.7, 0.3, SPACE), expected, rtol=1e-14, atol=1e-15)
