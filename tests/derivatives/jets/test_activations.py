"""Taylor coefficients of activations against SymPy's, for large arguments and at kinks too."""

import pytest
import sympy
import torch
import torch.nn.functional as F

from pinn.derivatives import Autograd, Jets, d
from pinn.derivatives.jets import activations
from pinn.derivatives.jets.kernels.workspace import Workspace

Z = sympy.Symbol("z", real=True)
ROOT = sympy.sqrt(2)
POINTS = (-30.0, -4.0, -0.8, 0.3, 0.7, 1.1, 5.0, 18.0)
BELOW, ABOVE = tuple(p for p in POINTS if p < 0), tuple(p for p in POINTS if p > 0)
SOFTPLUS = sympy.log(1 + sympy.exp(Z))
ALPHA, SCALE = (
    sympy.Float("1.6732632423543772848170429916717", 30),
    sympy.Float("1.0507009873554804934193349852946", 30),
)
FUNCTIONS = {
    "silu": (activations.SILU, Z / (1 + sympy.exp(-Z)), POINTS),
    "gelu": (activations.GELU, Z * sympy.erfc(-Z / ROOT) / 2, POINTS),
    "mish": (activations.MISH, Z * (1 - 2 / ((1 + sympy.exp(Z)) ** 2 + 1)), POINTS),
    "softplus": (activations.softplus(), SOFTPLUS, POINTS),
    "softplus, steeper": (activations.softplus(2.0), sympy.log(1 + sympy.exp(2 * Z)) / 2, POINTS[:-1]),
    "log(1 + e^z)": (activations.log_one_plus_exp(), SOFTPLUS, (*POINTS, 100.0)),
    "logsigmoid": (activations.LOGSIGMOID, -sympy.log(1 + sympy.exp(-Z)), POINTS),
    "elu above": (activations.elu(1.5), Z, ABOVE),
    "elu below": (activations.elu(1.5), sympy.Rational(3, 2) * (sympy.exp(Z) - 1), BELOW),
    "celu below": (activations.elu(0.75, 1.0, 0.75), sympy.Rational(3, 4) * (sympy.exp(Z * 4 / 3) - 1), BELOW),
    "selu above": (activations.SELU, SCALE * Z, ABOVE),
    "selu below": (activations.SELU, SCALE * ALPHA * (sympy.exp(Z) - 1), BELOW),
    "softsign above": (activations.SOFTSIGN, Z / (1 + Z), ABOVE),
    "softsign below": (activations.SOFTSIGN, Z / (1 - Z), BELOW),
    "abs": (activations.ABS, Z, ABOVE),
    "relu": (activations.RELU, Z, ABOVE),
    "hardsigmoid": (activations.HARDSIGMOID, Z / 6 + sympy.Rational(1, 2), (-2.9, 0.3, 2.9)),
    "hardswish": (activations.HARDSWISH, Z * (Z + 3) / 6, (-2.9, 0.3, 2.9)),
    "hardswish above": (activations.HARDSWISH, Z, (3.1, 50.0)),
    "softshrink": (activations.softshrink(0.25), Z - sympy.Rational(1, 4), ABOVE),
    "hardshrink": (activations.hardshrink(0.25), Z, ABOVE),
    "leaky_relu below": (activations.leaky_relu(0.125), Z / 8, BELOW),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_coefficients(name, coefficients):
    coefficients(*FUNCTIONS[name])


@pytest.mark.parametrize(
    "function",
    [
        *(activations.SILU, activations.GELU, activations.MISH, activations.LOGSIGMOID, activations.SOFTSIGN),
        *(activations.softplus(), activations.log_one_plus_exp(), activations.elu(), activations.SELU),
    ],
    ids=lambda function: function.name,
)
def test_nothing_overflows(function):
    """At ±800, where e^z has no number, functions and coefficients are those of their asymptotes."""
    z = torch.tensor([-800.0, 800.0], dtype=torch.float64)
    y = torch.empty_like(z)
    extra = function.value(z, y, Workspace())
    first, *others = function.taylor(z, y, extra, 5, Workspace())
    assert torch.isfinite(y).all() and torch.isfinite(first).all()
    for coefficient in others:
        assert coefficient.abs().max() < 1e-8


KINKS = {
    "hardswish": F.hardswish,
    "hardtanh": F.hardtanh,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "softshrink": F.softshrink,
    "hardshrink": F.hardshrink,
    "threshold": lambda z: F.threshold(z, 0.5, 1.0),
    "abs": torch.abs,
    "relu": torch.relu,
    "softsign": F.softsign,
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks(name):
    """At and beside every kink the first derivative is the one of torch, and the second."""
    x = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, -3.2, 0.2, 3.2, 7.0], dtype=torch.float64)[:, None]

    def equation(c, o, k):
        # The cube keeps a graph where the second derivative has none.
        f = KINKS[name](c["x"]) + c["x"] ** 3
        return [d(f, c["x"]), d(f, c["x"], c["x"])]

    engines = (Jets(fallback=False), Autograd())
    fast, slow = (engine.bind(lambda c: {}, equation, ("x",)).residual(x) for engine in engines)
    torch.testing.assert_close(fast, slow, rtol=1e-13, atol=1e-13)
