"""Taylor coefficients of elementary functions against SymPy's."""

import pytest
import sympy
import torch

from pinn.derivatives.jets import taylor
from pinn.derivatives.jets.kernels.workspace import Workspace

Z = sympy.Symbol("z", real=True)
FUNCTIONS = {
    taylor.TANH: sympy.tanh(Z),
    taylor.SIGMOID: 1 / (1 + sympy.exp(-Z)),
    taylor.EXP: sympy.exp(Z),
    taylor.EXP2: 2**Z,
    taylor.TAN: sympy.tan(Z),
    taylor.RECIPROCAL: 1 / Z,
    taylor.SIN: sympy.sin(Z),
    taylor.COS: sympy.cos(Z),
    taylor.SINH: sympy.sinh(Z),
    taylor.COSH: sympy.cosh(Z),
    taylor.LOG: sympy.log(Z),
    taylor.LOG2: sympy.log(Z, 2),
    taylor.LOG10: sympy.log(Z, 10),
    taylor.LOG1P: sympy.log(1 + Z),
    taylor.EXPM1: sympy.exp(Z) - 1,
    taylor.power(0.5): sympy.sqrt(Z),
    taylor.power(3.0): Z**3,
    taylor.power(-1.5): Z ** sympy.Rational(-3, 2),
}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_coefficients(function, coefficients):
    coefficients(function, FUNCTIONS[function], (0.3, 0.7, 1.1))


def test_a_cube_at_zero():
    """Integer powers are polynomials, also where the base is zero."""
    z = torch.zeros(1, dtype=torch.float64)
    assert [c.item() for c in taylor.power(3.0).taylor(z, z, (), 5, Workspace())] == [0.0, 0.0, 1.0, 0.0, 0.0]
