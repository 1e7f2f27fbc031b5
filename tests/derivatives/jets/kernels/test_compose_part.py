"""Some entries of a composition: those of the whole, and so are their gradients."""

import pytest
import torch

from pinn.derivatives.jets import activations, taylor
from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.kernels.compose import Compose
from pinn.derivatives.jets.kernels.compose_part import partly_composed
from pinn.derivatives.jets.kernels.workspace import Workspace

SPACE = Workspace()


def stacks(size, *shape):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(size, *shape, dtype=torch.float64, generator=generator) + 0.3


REQUIRED = [{(0,) * 4: 1.0}, {(0, 1): 1.0}, {(1, 1): 1.0, (0, 0): 1.0}]
PARTS = {
    "value": lambda size: (0,),
    "last": lambda size: (size - 1,),
    "first and last": lambda size: (1, size - 1),
    "a run": lambda size: tuple(range(1, size - 1)),
    "all": lambda size: tuple(range(size)),
}


@pytest.mark.parametrize(
    "required", [REQUIRED, REQUIRED[1:], [{(i, i): 1.0 for i in range(5)}]], ids=["4", "2", "laplacian"]
)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "function",
    [taylor.TANH, taylor.SIGMOID, taylor.EXP, taylor.SIN, activations.GELU, activations.RELU],
    ids=lambda r: r.name,
)
def test_some_entries(function, part, required):
    """Some entries are those of the whole, and so are their gradients; also where z varies alike at every point."""
    basis = DerivativeBasis(required)
    entries = PARTS[part](basis.size)
    keys = tuple(k for k in range(1, basis.size) if k != 2)
    program = basis.composition(keys)
    places = {k: place for place, k in enumerate((0, *program.keys))}
    entries = tuple(k for k in entries if k in places)
    some = basis.partial(keys, entries)
    assert some.entries == entries

    def partly(value, tail):
        return partly_composed(function, some, value, tail, SPACE)

    def whole(value, tail):
        return Compose.apply(function, program, keys, value, tail, SPACE)[[places[k] for k in entries]]

    def agree(*given):
        found, expected = partly(*given), whole(*given)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)
        leaves = [tensor for tensor in given if tensor is not None]
        seed = torch.randn(found.shape, dtype=found.dtype, generator=torch.Generator().manual_seed(1))
        slopes = zip(torch.autograd.grad(found, leaves, seed), torch.autograd.grad(expected, leaves, seed), strict=True)
        for slope, reference in slopes:
            torch.testing.assert_close(slope, reference, rtol=1e-12, atol=1e-12)

    for shape in ((3,), (3, 2), (3, 2, 2)):
        z = stacks(1 + len(keys), *shape).requires_grad_()
        agree(z, None)
        value, tail = z.detach()[0].clone().requires_grad_(), z.detach()[1:].clone().requires_grad_()
        agree(value, tail)
        agree(value, z.detach()[1:, :1].clone().requires_grad_())
        with torch.no_grad():
            torch.testing.assert_close(partly_composed(function, some, z, None, SPACE), partly(z, None))
    assert torch.autograd.gradcheck(lambda z: partly(z, None), stacks(1 + len(keys), 2, 2).requires_grad_())
