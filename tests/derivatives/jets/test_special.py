"""Taylor coefficients of special functions against SymPy's, also near the ends of where they are defined."""

import math

import pytest
import sympy
import torch

from pinn.derivatives.jets import special
from pinn.derivatives.jets.kernels.workspace import Workspace

Z = sympy.Symbol("z", real=True)
ROOT = sympy.sqrt(2)
INSIDE = (-0.9, 0.0, 0.3, 0.7, 0.999)
ALL = (-2.3, -0.4, 0.0, 0.3, 1.1, 4.0)
FUNCTIONS = {
    special.ATAN: (sympy.atan(Z), ALL),
    special.ATANH: (sympy.atanh(Z), INSIDE),
    special.ASIN: (sympy.asin(Z), INSIDE),
    special.ACOS: (sympy.acos(Z), INSIDE),
    special.ASINH: (sympy.asinh(Z), ALL),
    special.ACOSH: (sympy.acosh(Z), (1.001, 1.5, 7.0)),
    special.LOGIT: (sympy.log(Z / (1 - Z)), (0.001, 0.3, 0.5, 0.999)),
    special.ERF: (sympy.erf(Z), ALL),
    special.ERFC: (sympy.erfc(Z), ALL),
    special.ERFINV: (sympy.erfinv(Z), (-0.6, 0.0, 0.3, 0.9)),
    special.NDTR: (sympy.erfc(-Z / ROOT) / 2, ALL),
    special.NDTRI: (ROOT * sympy.erfinv(2 * Z - 1), (0.05, 0.3, 0.5, 0.8)),
    special.LOG_NDTR: (sympy.log(sympy.erfc(-Z / ROOT) / 2), (-2.0, 0.0, 0.3, 1.1, 4.0)),
    special.SINC: (sympy.sin(sympy.pi * Z) / (sympy.pi * Z), (-3.4, -1.1, -1.0, -0.2, 1e-3, 0.4, 0.999, 1.001, 2.0)),
    special.ENTR: (-Z * sympy.log(Z), (0.01, 0.3, 2.0)),
    special.polygamma(2): (sympy.polygamma(2, Z), (0.3, 1.0, 2.5, 9.0)),
}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_coefficients(function, coefficients):
    coefficients(function, *FUNCTIONS[function], tolerance=2e-12)


def test_the_scaled_error_function(coefficients):
    """Where z is large, φ' = 2 z φ − 2/√π is a difference of nearly equal numbers, as torch has it too."""
    coefficients(special.ERFCX, sympy.exp(Z**2) * sympy.erfc(Z), (-1.3, 0.0, 0.3, 0.8), tolerance=2e-12)


@pytest.mark.parametrize(
    ("function", "expression"), [(special.polygamma(-1), sympy.loggamma(Z)), (special.polygamma(0), sympy.digamma(Z))]
)
def test_the_logarithm_of_the_gamma_function(function, expression, coefficients):
    """Its second derivative, polygamma(1), has nine digits in torch, which nested autograd computes with too."""
    coefficients(function, expression, (0.3, 1.0, 2.5, 9.0), tolerance=1e-8)


def test_sinc_at_zero():
    """sin(πz)/(πz) = Σ (−1)ʲ (πz)²ʲ/(2j + 1)!"""
    z = torch.zeros(1, dtype=torch.float64)
    found = [c.item() for c in special.SINC.taylor(z, torch.ones_like(z), (), 6, Workspace())]
    exact = [0.0 if m % 2 else (-1) ** (m // 2) * math.pi**m / math.factorial(m + 1) for m in range(1, 7)]
    assert found == pytest.approx(exact, rel=1e-14)
