"""The equations and conditions of a problem as formulas, found by running them on symbols.

An output u becomes the symbol u(x, t) of which nothing is known, so that what an equation asks of it stays written in
its derivatives: `d(u, t) + u * d(u, x) - nu * d(u, x, x)` is `u_t + u*u_x - nu*u_xx`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import sympy
from sympy.printing.str import StrPrinter

from pinn.binding import FAILURES, names_of
from pinn.derivatives.witnesses.symbolic import Symbolic
from pinn.problem import Problem
from pinn.tables import Table
from pinn.unknowns import Unknown

_CLOSE = 1e-14  # of a floating-point number to a fraction of π
_DENOMINATOR = 12  # of such fractions, at the most
_DIGITS = 6  # of other numbers


def formulas(problem: Problem, name: str) -> tuple[str, ...]:
    """The rows of a constraint, each an expression that vanishes.

    Args:
        problem: whose constraint it is.
        name: of the constraint.

    Returns:
        One formula a row: derivatives have their coordinates as an index, `u_xx`, and what is no formula, since it
        uses an operation without a symbolic rule, is the function's name with its arguments, `equation(u, x)`.

    Example:
        >>> from pinn.problems import burgers
        >>> formulas(burgers(), "initial"), formulas(burgers(), "equation")
        (('u + sin(pi*x)',), ('-nu*u_xx + u*u_x + u_t',))
    """
    equation = problem.constraints[name].equation
    required, optional = names_of(equation)
    coordinates = {one: sympy.Symbol(one, real=True) for one in problem.coordinates}

    def symbol(one: str) -> Symbolic:
        if one in coordinates:
            return Symbolic(coordinates[one])
        coefficient = problem.coefficients.get(one)
        if one in problem.outputs:
            inputs: Any = problem.coordinates
        elif isinstance(coefficient, Unknown):
            inputs = coefficient.inputs
        elif isinstance(coefficient, Table):
            inputs = coefficient.axes
        elif one in problem.domain.functions:
            inputs = problem.domain.functions[one].expansion.over
        else:
            inputs = ()
        places = [coordinates[key] if key in coordinates else symbol(key).expression for key in inputs]
        return Symbolic(sympy.Function(one)(*places) if places else sympy.Symbol(one, real=True))

    known = {*coordinates, *problem.outputs, *problem.coefficients, *problem.domain.functions}
    known |= set(problem.constraints[name].few.constants())
    given = {one: symbol(one) for one in (*required, *(key for key in optional if key in known))}
    try:
        rows = equation(**given)
    except FAILURES:
        title = getattr(equation, "__name__", type(equation).__name__)
        return (f"{'function' if title == '<lambda>' else title}({', '.join(given)})",)
    return tuple(_written(row) for row in (rows if isinstance(rows, (tuple, list)) else [rows]))


def _written(row: Any) -> str:
    expression = row.expression if isinstance(row, Symbolic) else sympy.sympify(row)
    numbers = {number: _fraction_of_pi(number) for number in expression.atoms(sympy.Float)}
    return str(_Printer().doprint(expression.xreplace(numbers)))


def _fraction_of_pi(number: sympy.Float) -> sympy.Expr:
    """A number as the fraction that it is, times a power of π; to a few digits where it is none."""
    value = float(number)
    for power in (0, 1, 2, -1):
        fraction = Fraction(value / math.pi**power).limit_denominator(_DENOMINATOR)
        if fraction and math.isclose(float(fraction) * math.pi**power, value, rel_tol=_CLOSE):
            return sympy.Rational(fraction.numerator, fraction.denominator) * sympy.pi**power
    return sympy.Float(value, _DIGITS)


class _Printer(StrPrinter):
    """Outputs by their names alone, and derivatives with an index."""

    _default_settings: Mapping[str, Any] = MappingProxyType({**StrPrinter._default_settings, "full_prec": False})

    def _print_Derivative(self, expression: Any) -> str:
        by = "".join(str(one) * int(times) for one, times in expression.variable_count)
        return f"{self._print(expression.expr)}_{by}"

    def _print_Function(self, expression: Any) -> str:
        if isinstance(expression, sympy.core.function.AppliedUndef):
            return str(expression.func)
        return str(super()._print_Function(expression))
