"""Every function and value of the textbook systems, by every route."""

import numpy as np
import pytest
import torch

from pinn.derivatives import (
    TEXTBOOK,
    central_difference,
    check_derivatives,
    complex_step,
    d,
    numerical_gradient,
    symbolic_function,
)

# (function, point, names, value); an empty tuple of names is the value of the function itself.
VALUES = [
    *[("parabola_plus_one", (x,), (), x * x + 1) for x in (1.0, 2.0, 3.0, 4.0)],
    *[("parabola_plus_one", (x,), ("x",), 2 * x) for x in (1.0, 2.0, 3.0, 4.0)],
    *[("parabola_plus_one", (x,), ("x", "x"), 2.0) for x in (1.0, 2.0, 3.0, 4.0)],
    *[("parabola_plus_one", (x,), ("x", "x", "x"), 0.0) for x in (1.0, 2.0, 3.0, 4.0)],
    ("quadratic_log", (1.0,), (), 0.0),
    ("quadratic_log", (1.0,), ("x",), 3.0),
    ("quadratic_log", (1.0,), ("x", "x"), 5.0),
    ("quadratic_log_of_two", (1.0, 2.0), (), 2.0794415416798357),
    ("quadratic_log_of_two", (1.0, 2.0), ("x",), 2.772588722239781),
    ("quadratic_log_of_two", (1.0, 2.0), ("y",), 1.5),
    ("quadratic_plus_sine", (-0.75,), (), 0.78 * 0.75**2 - np.sin(0.75)),
    ("quadratic_plus_sine", (-0.75,), ("x",), np.cos(0.75) - 1.56 * 0.75),
    ("shallow_parabola", (5.0,), ("x",), 0.2),
    ("shallow_parabola", (10.0,), ("x",), 0.3),
    ("bowl", (3.0, 4.0), ("x0",), 6.0),
    ("bowl", (3.0, 4.0), ("x1",), 8.0),
    ("saddle", (2.0, 3.0), ("x",), 4.0),
    ("saddle", (2.0, 3.0), ("y",), -6.0),
    ("mixed_polynomial", (2.0, 3.0), ("x",), 54.0),
    ("mixed_polynomial", (2.0, 3.0), ("y",), 38.0),
    ("mixed_polynomial", (2.0, 3.0), ("x", "x"), 18.0),
    ("mixed_polynomial", (2.0, 3.0), ("x", "y"), 31.0),
    ("mixed_polynomial", (2.0, 3.0), ("y", "y"), 8.0),
    ("square_plus_parameter", (1.0, 1.0), ("a",), 2.0),
    ("square_plus_parameter", (1.0, 1.0), ("t",), 1.0),
]
PRINTED = [
    ("quadratic_log_of_two", (1.0, 2.0), (), 2.079442, 1e-6),
    ("quadratic_log_of_two", (1.0, 2.0), ("x",), 2.7725887222, 1e-10),
    ("quadratic_plus_sine", (-0.75,), (), -0.242888760, 1e-9),
    ("quadratic_plus_sine", (-0.75,), ("x",), -0.438311131, 1e-9),
]


def autograd(function, point, by):
    xs = dict(
        zip(
            function.variables, (torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in point), strict=True
        )
    )
    u = function(*xs.values())
    return (d(u, *(xs[name] for name in by)) if by else u).item()


@pytest.mark.parametrize(("name", "point", "by", "value"), VALUES)
def test_values_by_autograd_by_sympy_and_by_hand(name, point, by, value):
    function = TEXTBOOK[name]
    exact = symbolic_function(function.expression, *function.variables)
    exact = exact.derivative(*by) if by else exact
    assert autograd(function, point, by) == pytest.approx(value, abs=1e-10)
    assert exact(*point) == pytest.approx(value, abs=1e-10)
    if by:
        assert function.derivatives[by](*point) == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize(("name", "point", "by", "value", "digits"), PRINTED)
def test_values_as_printed(name, point, by, value, digits):
    assert autograd(TEXTBOOK[name], point, by) == pytest.approx(value, abs=digits)


@pytest.mark.parametrize("function", TEXTBOOK.values(), ids=lambda f: f.name)
def test_hand_worked_derivatives_are_autograds_and_sympys_at_every_sample_point(function):
    for by, closed in function.derivatives.items():
        xs = dict(zip(function.variables, function.columns(), strict=True))
        found = d(function(*xs.values()), *(xs[name] for name in by))
        symbolic = symbolic_function(function.expression, *function.variables).derivative(*by)(*xs.values())
        torch.testing.assert_close(found, closed(*xs.values()), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(found, symbolic, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("function", TEXTBOOK.values(), ids=lambda f: f.name)
def test_code_and_expression_are_the_same_function(function):
    traced = symbolic_function(function, *function.variables).expression
    difference = traced - function.expression
    values = function.points[0]
    symbols = sorted(traced.free_symbols | function.expression.free_symbols, key=str)
    assert abs(float(difference.subs({s: values[function.variables.index(str(s))] for s in symbols}))) < 1e-12


@pytest.mark.parametrize("function", TEXTBOOK.values(), ids=lambda f: f.name)
def test_every_route_agrees(function):
    exact = symbolic_function(function.expression, *function.variables)
    table = check_derivatives(function, *function.columns(), order=3, exact=exact, title=function.title)
    assert table.ok, str(table)


@pytest.mark.parametrize("function", TEXTBOOK.values(), ids=lambda f: f.name)
def test_functions_take_numbers_arrays_and_complex_values(function):
    points = np.array(function.points)
    values = function(*points.T)
    assert values.shape == (len(points),)
    assert function(*function.points[0]) == pytest.approx(values[0], abs=1e-12)
    gradient = numerical_gradient(function, points)
    complex_gradient = numerical_gradient(function, points, scheme=complex_step)
    np.testing.assert_allclose(gradient, complex_gradient, atol=1e-7)
    if len(function.variables) == 1:
        np.testing.assert_allclose(central_difference(function, points[:, 0]), complex_gradient[:, 0], atol=1e-7)


def test_columns_are_new_leaves_of_the_asked_precision():
    function = TEXTBOOK["saddle"]
    x, y = function.columns(dtype=torch.float32)
    assert x.is_leaf and x.requires_grad and x.dtype == torch.float32
    assert y.tolist() == [3.0, 0.0, 0.5]


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        TEXTBOOK["other"] = TEXTBOOK["saddle"]
    with pytest.raises(AttributeError):
        TEXTBOOK["saddle"].name = "other"


def test_arrays_keep_their_memory_and_values():
    array = np.array([3.0, 4.0])
    shared, copied = torch.from_numpy(array), torch.tensor(array)
    for points in (array, shared, copied):
        numerical_gradient(TEXTBOOK["bowl"], points)
    assert array.tolist() == shared.tolist() == copied.tolist() == [3.0, 4.0]
    array[0] = 9.0
    assert shared[0] == 9.0 and copied[0] == 3.0
