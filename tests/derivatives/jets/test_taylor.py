"""Taylor coefficients against SymPy's, and fused kernels against a power series put together plainly."""

import pytest
import sympy
import torch

from pinn.derivatives.jets import activations, special, taylor
from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.kernels.affine import Linear, Multiple, Sum
from pinn.derivatives.jets.kernels.compose import Compose, Product
from pinn.derivatives.jets.kernels.compose_part import partly_composed
from pinn.derivatives.jets.kernels.workspace import Workspace

SPACE = Workspace()
Z = sympy.Symbol("z", real=True)
ROOT = sympy.sqrt(2)
FUNCTIONS = {
    taylor.TANH: sympy.tanh(Z),
    taylor.SIGMOID: 1 / (1 + sympy.exp(-Z)),
    taylor.EXP: sympy.exp(Z),
    taylor.TAN: sympy.tan(Z),
    taylor.RECIPROCAL: 1 / Z,
    taylor.SIN: sympy.sin(Z),
    taylor.COS: sympy.cos(Z),
    taylor.SINH: sympy.sinh(Z),
    taylor.COSH: sympy.cosh(Z),
    taylor.LOG: sympy.log(Z),
    taylor.LOG1P: sympy.log(1 + Z),
    taylor.EXPM1: sympy.exp(Z) - 1,
    special.ERF: sympy.erf(Z),
    special.ATAN: sympy.atan(Z),
    activations.SILU: Z / (1 + sympy.exp(-Z)),
    activations.GELU: Z * (1 + sympy.erf(Z / ROOT)) / 2,
    activations.ABS: Z,
    activations.RELU: Z,
    activations.softplus(): sympy.log(1 + sympy.exp(Z)),
    activations.softplus(2.0): sympy.log(1 + sympy.exp(2 * Z)) / 2,
    taylor.power(0.5): sympy.sqrt(Z),
    taylor.power(3.0): Z**3,
    taylor.power(-1.5): Z ** sympy.Rational(-3, 2),
}


@pytest.mark.parametrize("rule", FUNCTIONS, ids=lambda rule: rule.name)
def test_coefficients(rule):
    """φ⁽ᵐ⁾(z)/m! for m up to 6, by SymPy in 30 digits."""
    points = [0.3, 0.7, 1.1]
    z = torch.tensor(points, dtype=torch.float64)
    y = torch.empty_like(z)
    extra = rule.value(z, y, SPACE)
    found = [y, *rule.taylor(z, y, extra, 6, SPACE)]
    for m, coefficient in enumerate(found):
        exact = sympy.diff(FUNCTIONS[rule], Z, m) / sympy.factorial(m)
        true = torch.tensor([float(exact.subs(Z, sympy.Float(p, 30)).evalf(30)) for p in points], dtype=torch.float64)
        assert torch.allclose(coefficient, true, rtol=2e-13, atol=1e-14)


def test_a_cube_at_zero():
    """Integer powers are polynomials, also where the base is zero."""
    z = torch.zeros(1, dtype=torch.float64)
    assert [c.item() for c in taylor.power(3.0).taylor(z, z, (), 5, SPACE)] == [0.0, 0.0, 1.0, 0.0, 0.0]


def stacks(size, *shape):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(size, *shape, dtype=torch.float64, generator=generator) + 0.3


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rule", [taylor.TANH, taylor.SIGMOID, taylor.EXP, taylor.SIN, activations.GELU, taylor.LOG])
def test_fused_gradients(rule, order):
    """The hand-written backward passes against finite differences of the forward ones."""
    basis = DerivativeBasis([{(0,) * order: 1.0}, {(0, 1): 1.0}, {(1, 1): 1.0, (0, 0): 1.0}])
    keys = tuple(range(1, basis.size))
    program = basis.composition(keys)
    z = stacks(basis.size, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: Compose.apply(rule, program, keys, z, None, SPACE), z)
    value, tail = z.detach()[0].clone().requires_grad_(), z.detach()[1:, :1].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v, t: Compose.apply(rule, program, keys, v, t, SPACE), (value, tail))
    spread = Compose.apply(rule, program, keys, torch.cat([value[None], tail.expand(-1, 2, -1)]), None, SPACE)
    assert torch.allclose(spread, Compose.apply(rule, program, keys, value, tail, SPACE))


ASKED = [{(0,) * 4: 1.0}, {(0, 1): 1.0}, {(1, 1): 1.0, (0, 0): 1.0}]
PARTS = {
    "value": lambda size: (0,),
    "last": lambda size: (size - 1,),
    "first and last": lambda size: (1, size - 1),
    "a run": lambda size: tuple(range(1, size - 1)),
    "all": lambda size: tuple(range(size)),
}


@pytest.mark.parametrize("asked", [ASKED, ASKED[1:], [{(i, i): 1.0 for i in range(5)}]], ids=["4", "2", "laplacian"])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "rule",
    [taylor.TANH, taylor.SIGMOID, taylor.EXP, taylor.SIN, activations.GELU, activations.RELU],
    ids=lambda r: r.name,
)
def test_some_entries(rule, part, asked):
    """Some entries are those of the whole, and so are their gradients; also where z varies alike at every point."""
    basis = DerivativeBasis(asked)
    entries = PARTS[part](basis.size)
    keys = tuple(k for k in range(1, basis.size) if k != 2)
    program = basis.composition(keys)
    places = {k: place for place, k in enumerate((0, *program.keys))}
    entries = tuple(k for k in entries if k in places)
    some = basis.partial(keys, entries)
    assert some.entries == entries

    def partly(value, tail):
        return partly_composed(rule, some, value, tail, SPACE)

    def whole(value, tail):
        return Compose.apply(rule, program, keys, value, tail, SPACE)[[places[k] for k in entries]]

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
            torch.testing.assert_close(partly_composed(rule, some, z, None, SPACE), partly(z, None))
    assert torch.autograd.gradcheck(lambda z: partly(z, None), stacks(1 + len(keys), 2, 2).requires_grad_())


def test_products_and_linear_maps():
    basis = DerivativeBasis([{(0, 0, 1): 1.0}])
    f, g = stacks(basis.size, 2, 3).requires_grad_(), (stacks(basis.size, 2, 3) ** 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda f, g: Product.apply(basis.terms, basis.size, f, g, SPACE), (f, g))
    weight, bias = stacks(4, 3).requires_grad_(), stacks(4).requires_grad_()
    assert torch.autograd.gradcheck(lambda *given: Linear.apply(*given, SPACE), (f, weight, bias))
    assert torch.autograd.gradcheck(lambda f, g: Sum.apply(f, g, -0.7, SPACE), (f, g))
    torch.testing.assert_close(Sum.apply(f, g, -0.7, SPACE), f - 0.7 * g, rtol=1e-14, atol=1e-15)
    assert torch.autograd.gradcheck(lambda f: Multiple.apply(f, -0.7, 0.3, SPACE), f)
    expected = torch.cat([-0.7 * f[:1] + 0.3, -0.7 * f[1:]])
    torch.testing.assert_close(Multiple.apply(f, -0.7, 0.3, SPACE), expected, rtol=1e-14, atol=1e-15)
