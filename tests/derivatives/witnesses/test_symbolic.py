"""SymPy derivatives as functions, and manufactured sources that make the chosen solution exact."""

import math
import pickle

import numpy as np
import pytest
import sympy
import torch

from pinn.derivatives import (
    NoSymbolicRuleError,
    Symbolic,
    SymbolicFunction,
    biharmonic,
    d,
    divergence,
    grad,
    laplacian,
    manufacture,
    symbolic_function,
)

X, Y, T = sympy.symbols("x y t")


def leaves(count, n=6):
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(n, dtype=torch.float64, generator=generator).add(0.3).requires_grad_() for _ in range(count)]


def close(actual, expected, tolerance=1e-10):
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def test_derivative_of_an_expression_as_a_function_of_every_kind():
    f = SymbolicFunction((X**2 + 2 * X) * sympy.log(X), (X,)).derivative("x")
    assert f(1.0) == 3.0
    assert f(np.array([1.0]))[0] == 3.0
    assert f(torch.tensor([1.0], dtype=torch.float64)).item() == 3.0
    assert f(torch.tensor([1.0])).dtype == torch.float32
    assert f.derivative("x")(1.0) == 5.0


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"])
def test_elementary_functions(name):
    (x,) = leaves(1)
    x = (x / 2).detach().requires_grad_()
    f = symbolic_function(getattr(torch, name), "x")
    close(f(x), getattr(torch, name)(x))
    close(f.derivative("x")(x), d(getattr(torch, name)(x), x))
    assert f(0.3) == pytest.approx(f(np.array([0.3]))[0], rel=1e-15)


@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "erf", "sigmoid", "expm1", "log1p", "square", "reciprocal", "rsqrt"]
)
def test_more_functions(name):
    (x,) = leaves(1)
    f = symbolic_function(getattr(torch, name), "x")
    close(f(x), getattr(torch, name)(x))
    close(f.derivative("x")(x), d(getattr(torch, name)(x), x))


def test_arithmetic_from_either_side_and_with_numbers_of_every_kind():
    def f(x, y):
        c = torch.tensor(2.0, dtype=torch.float64)
        return (
            (c * x - x / c + c**2 / y) * (1 - y) + 2.0**x + np.float64(3.0) * y - (-x) ** 2 + torch.pow(y, 3) + y.sin()
        )

    x, y = leaves(2)
    found = symbolic_function(f)
    assert found.names == ("x", "y")
    close(found(x, y), f(x, y))
    close(found.derivative("x", "y")(x, y), d(f(x, y), x, y))


def test_a_variable_without_influence_keeps_shape_and_takes_part():
    x, y = leaves(2)
    two = SymbolicFunction(sympy.Integer(2), (X, Y))
    assert torch.equal(two(x, y), torch.full_like(x, 2.0))
    assert np.array_equal(two(np.zeros((2, 3)), np.zeros((2, 3))), np.full((2, 3), 2.0))
    close(d(SymbolicFunction(X**2, (X, Y))(x, y), y), torch.zeros_like(x))


def test_arguments_by_name():
    f = SymbolicFunction(X - Y, (X, Y))
    assert f(y=1.0, x=3.0) == f(3.0, y=1.0) == 2.0
    for call in (lambda: f(1.0), lambda: f(1.0, 2.0, 3.0), lambda: f(1.0, x=2.0), lambda: f(1.0, 2.0, z=1.0)):
        with pytest.raises(TypeError, match=r"expected each of x, y once"):
            call()


def test_pickles_also_after_use():
    f = SymbolicFunction(sympy.sin(X), (X,))
    assert f(0.5) == pickle.loads(pickle.dumps(f))(0.5)


def test_symbols_that_are_missing_or_unknown():
    with pytest.raises(ValueError, match=r"x\*y contains y, which is not among its variables \(x\)"):
        SymbolicFunction(X * Y, (X,))
    with pytest.raises(ValueError, match=r"derivative: z is not a variable of .*choose among x"):
        SymbolicFunction(X**2, (X,)).derivative("z")
    with pytest.raises(ValueError, match="nothing is not a variable"):
        SymbolicFunction(X**2, (X,)).derivative()


def test_operations_without_a_rule_are_named():
    for f, name in (
        (lambda x: torch.cat([x, x]), r"torch\.cat"),
        (lambda x: torch.relu(x), r"torch\.relu"),
        (lambda x: x.unsqueeze(0), "unsqueeze"),
        (lambda x: x * torch.ones(3), r"shape \(3,\)"),
        (lambda x: x + "1", "got str"),
    ):
        with pytest.raises(NoSymbolicRuleError, match=name):
            symbolic_function(f)
    with pytest.raises(NoSymbolicRuleError, match=r"gamma\(x\) contains a function"):
        SymbolicFunction(sympy.gamma(X), (X,))(1.0)
    with pytest.raises(TypeError, match=r"got the coordinate x\*\*2, expected a plain symbol"):
        Symbolic(X).differentiate(Symbolic(X**2))


def test_other_attribute_errors_are_passed_on():
    with pytest.raises(AttributeError, match="no_such_name"):
        symbolic_function(lambda x: math.no_such_name(x))


# ---- manufactured solutions ------------------------------------------------------------------------------------------


def poisson(u, x, y):
    return -laplacian(u, x, y)


def burgers(u, x, t, nu):
    return d(u, t) + u * d(u, x) - nu * d(u, x, x)


def test_source_of_the_poisson_equation_in_closed_form():
    u = sympy.sin(sympy.pi * X) * sympy.sin(sympy.pi * Y)
    f = manufacture(poisson, u=u)
    assert f.names == ("x", "y")
    assert sympy.simplify(f.expression.subs({s: sympy.Symbol(s.name) for s in f.variables}) - 2 * sympy.pi**2 * u) == 0


def test_the_manufactured_solution_solves_the_equation():
    x, t = leaves(2)
    u = sympy.exp(-T) * sympy.sin(3 * X) + X**2 * T
    f = manufacture(burgers, u=u, nu=0.07)
    exact = symbolic_function(u, "x", "t")(x, t)
    close(burgers(exact, x, t, 0.07), f(x, t))
    close(burgers(exact, x, t, 0.07), f(t=t, x=x))


def test_composite_operators_varying_coefficients_and_several_rows():
    def system(u, v, k, x, y):
        return divergence(tuple(k * g for g in grad(u, x, y)), (x, y)) - torch.exp(v), biharmonic(v, x, y) + torch.sin(
            math.pi * u
        )

    x, y = leaves(2)
    u, v, k = X**2 * Y**3, sympy.cos(X) * Y, 1 + X * Y
    first, second = manufacture(system, u=u, v=v, k=k)
    tensors = [symbolic_function(e, "x", "y")(x, y) for e in (u, v, k)]
    rows = system(*tensors, x, y)
    close(first(x, y), rows[0])
    close(second(x, y), rows[1])


def test_boundary_values_keep_the_coordinates_of_the_solution():
    g = manufacture(lambda u: u, u=X * sympy.exp(T))
    assert g.names == ("t", "x")
    assert g(x=2.0, t=0.0) == 2.0


def test_symbols_with_assumptions_are_the_coordinates_of_their_name():
    x = sympy.Symbol("x", positive=True)
    f = manufacture(lambda u, x: d(u, x, x), u=sympy.log(x))
    assert f(2.0) == -0.25


def test_something_given_that_the_equation_does_not_take():
    with pytest.raises(
        ValueError, match=r"manufacture: got v, which the equation does not take; its arguments are u, x, y"
    ):
        manufacture(poisson, u=X, v=Y)
