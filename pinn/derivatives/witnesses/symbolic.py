"""Exact derivatives by SymPy, functions made of them, and sources for manufactured solutions.

An ordinary equation of this library, `lambda u, x, y: -laplacian(u, x, y)`, is run on SymPy expressions by wrapping
them in `Symbolic`, which knows its own derivatives and answers torch's elementary functions. What comes out is the
equation's left side in closed form. With a chosen solution u that is the source f of

    L(u) = f,     which u then solves exactly

(the method of manufactured solutions: Roache, J. Fluids Eng. 124 (2002) 4).
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol
from torch import Tensor

from pinn.derivatives.witnesses.elementary import Elementary


class NoSymbolicRuleError(TypeError):
    """An operation that has no counterpart among SymPy expressions here; it names the operation."""


def _reflected(rule: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: rule(b, a)


_BINARY: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": operator.pow}
    | {"true_divide": operator.truediv, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv}
    | {"rsub": _reflected(operator.sub), "radd": operator.add, "rmul": operator.mul}
    | {"rdiv": _reflected(operator.truediv), "rtruediv": _reflected(operator.truediv)}
    | {"truediv": operator.truediv, "rpow": _reflected(operator.pow)}
)
# fmt: off
_SHARED = (
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "exp", "log", "sqrt", "erf",
)
# fmt: on
_UNARY: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {name: getattr(sympy, name) for name in _SHARED}
    | {"neg": operator.neg, "negative": operator.neg, "pos": operator.pos}
    | {"square": lambda a: a**2, "reciprocal": lambda a: 1 / a, "rsqrt": lambda a: 1 / sympy.sqrt(a)}
    | {"sigmoid": lambda a: 1 / (1 + sympy.exp(-a)), "softplus": lambda a: sympy.log(1 + sympy.exp(a))}
    | {"expm1": lambda a: sympy.exp(a) - 1, "log1p": lambda a: sympy.log(1 + a), "clone": lambda a: a}
    | {"zeros_like": lambda a: sympy.Integer(0), "ones_like": lambda a: sympy.Integer(1)}
)
# What the generated code may call: the same functions on numbers, arrays, tensors and jets.
_CALLABLE: Mapping[str, Elementary] = MappingProxyType({name: Elementary(name) for name in _SHARED})


@dataclass(frozen=True, eq=False)
class Symbolic:
    """A SymPy expression that behaves as a field: arithmetic, torch's elementary functions, and its derivatives.

    Args:
        expression: the expression; a coordinate is a plain symbol.

    Example:
        >>> import torch
        >>> x = Symbolic(Symbol("x"))
        >>> torch.sin(2 * x).differentiate(x).expression
        2*cos(2*x)
    """

    expression: Expr

    def differentiate(self, *xs: Symbolic) -> Symbolic:
        """Derivative by the coordinates `xs`, one after the other.

        Raises:
            TypeError: where a coordinate is not a plain symbol.
        """
        for x in xs:
            if not (isinstance(x, Symbolic) and isinstance(x.expression, Symbol)):
                raise TypeError(f"d: got the coordinate {getattr(x, 'expression', x)}, expected a plain symbol")
        return Symbolic(sympy.diff(self.expression, *(x.expression for x in xs)))

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Symbolic:
        """torch's functions on expressions; raises `NoSymbolicRuleError` for those without a rule."""
        name = getattr(func, "__name__", str(func)).strip("_")
        if not kwargs and len(args) == 1 and name in _UNARY:
            return cls(sympy.sympify(_UNARY[name](_expression(args[0]))))
        if not kwargs and len(args) == 2 and name in _BINARY:
            return cls(sympy.sympify(_BINARY[name](_expression(args[0]), _expression(args[1]))))
        raise NoSymbolicRuleError(
            f"symbolic: torch.{name} has no symbolic rule; use arithmetic and elementary functions"
        )

    def __getattr__(self, name: str) -> Any:
        if name in _UNARY:
            return lambda: Symbolic(sympy.sympify(_UNARY[name](self.expression)))
        raise AttributeError(f"symbolic: a SymPy expression has no attribute {name!r} of a tensor")

    def __add__(self, other: Any) -> Symbolic:
        return Symbolic(self.expression + _expression(other))

    def __sub__(self, other: Any) -> Symbolic:
        return Symbolic(self.expression - _expression(other))

    def __mul__(self, other: Any) -> Symbolic:
        return Symbolic(self.expression * _expression(other))

    def __truediv__(self, other: Any) -> Symbolic:
        return Symbolic(self.expression / _expression(other))

    def __pow__(self, other: Any) -> Symbolic:
        return Symbolic(self.expression ** _expression(other))

    def __rsub__(self, other: Any) -> Symbolic:
        return Symbolic(_expression(other) - self.expression)

    def __rtruediv__(self, other: Any) -> Symbolic:
        return Symbolic(_expression(other) / self.expression)

    def __rpow__(self, other: Any) -> Symbolic:
        return Symbolic(_expression(other) ** self.expression)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Symbolic:
        return Symbolic(-self.expression)


@dataclass(frozen=True)
class SymbolicFunction:
    """A SymPy expression as a function of its variables: on numbers, arrays, tensors or jets, dtype following them.

    Args:
        expression: the expression.
        variables: its variables, in the order of the arguments; those that it does not contain are allowed.

    Raises:
        ValueError: where the expression contains a symbol that is not among the variables.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> f = SymbolicFunction(x**2 * sympy.log(y), (x, y))
        >>> f.derivative("x")(3.0, 1.0), f(y=1.0, x=2.0), str(f.derivative("y"))
        (0.0, 0.0, 'x**2/y')
    """

    expression: Expr
    variables: tuple[Symbol, ...]

    def __post_init__(self) -> None:
        missing = sorted(str(s) for s in self.expression.free_symbols - set(self.variables))
        if missing:
            raise ValueError(
                f"SymbolicFunction: {self.expression} contains {', '.join(missing)}, which is not among its variables "
                f"({', '.join(self.names)}); list every symbol, or substitute its value"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The variables' names, in order."""
        return tuple(str(s) for s in self.variables)

    def derivative(self, *by: str | Symbol) -> SymbolicFunction:
        """Exact derivative, simplified, by variables given by name or symbol, one after the other.

        Raises:
            ValueError: for a name that is not a variable: it took no part in the function.
        """
        table = dict(zip(self.names, self.variables, strict=True))
        unknown = [str(s) for s in by if str(s) not in table]
        if unknown or not by:
            raise ValueError(
                f"derivative: {', '.join(unknown) or 'nothing'} is not a variable of {self.expression}; "
                f"choose among {', '.join(self.names)}"
            )
        return SymbolicFunction(
            sympy.simplify(sympy.diff(self.expression, *(table[str(s)] for s in by))), self.variables
        )

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Value at the variables' values, given in order or by name; of their kind and common shape.

        Raises:
            TypeError: for a missing, repeated or unknown variable.
        """
        found = dict(zip(self.names, values, strict=False))
        if len(values) > len(self.names) or set(found) & set(named) or set(found) | set(named) != set(self.names):
            raise TypeError(
                f"SymbolicFunction: got {len(values)} values and {sorted(named)} by name, expected each of "
                f"{', '.join(self.names)} once"
            )
        found |= named
        arguments = [found[name] for name in self.names]
        result = self._code(*arguments)
        for symbol, value in zip(self.variables, arguments, strict=True):
            if symbol in self.expression.free_symbols or isinstance(value, int | float | complex):
                continue
            # A variable without influence still gives the result its shape, and on tensors and jets a zero derivative.
            if isinstance(value, np.ndarray | np.generic):
                result = result + np.zeros_like(value)
            else:
                result = result + 0 * value
        return result

    @functools.cached_property
    def _code(self) -> Callable[..., Any]:
        unknown = {type(node).__name__ for node in self.expression.atoms(sympy.Function)} - _known_functions()
        if unknown or self.expression.has(sympy.Piecewise, sympy.Max, sympy.Min, sympy.Derivative):
            raise NoSymbolicRuleError(
                f"SymbolicFunction: {self.expression} contains a function that cannot be evaluated here"
            )
        return sympy.lambdify(self.variables, self.expression, modules=[dict(_CALLABLE), "math"], cse=True)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles without the generated code."""
        return SymbolicFunction, (self.expression, self.variables)

    def __str__(self) -> str:
        return str(self.expression)


def symbolic_function(f: Expr | Callable[..., Any], *names: str) -> SymbolicFunction:
    """A formula as a function that SymPy can differentiate, from an expression or from ordinary code.

    Args:
        f: SymPy expression, or a function of the coordinates made of arithmetic and torch's elementary functions.
        names: the coordinates' names; left out, those of f's own arguments, or the expression's symbols in order.

    Returns:
        The function, of the named variables.

    Raises:
        NoSymbolicRuleError: where f uses an operation without a symbolic rule.

    Example:
        >>> import torch
        >>> str(symbolic_function(lambda x: torch.sin(x) ** 2).derivative("x"))
        'sin(2*x)'
    """
    if isinstance(f, Expr):
        table = {str(s): s for s in f.free_symbols}
        chosen = names or tuple(sorted(table))
        return SymbolicFunction(f, tuple(table.get(name, Symbol(name)) for name in chosen))
    symbols = tuple(Symbol(name, real=True) for name in names or tuple(inspect.signature(f).parameters))
    try:
        return SymbolicFunction(_expression(f(*(Symbolic(s) for s in symbols))), symbols)
    except AttributeError as error:
        if "symbolic:" not in str(error):
            raise
        raise NoSymbolicRuleError(str(error)) from error


def manufacture(equation: Callable[..., Any], **given: Any) -> Any:
    """Source f that makes a chosen solution exact: the equation's left side on it, as a function of the coordinates.

    Args:
        equation: equation of this library, arguments matched by name, returning its residual or several of them.
        given: a SymPy expression for each output (and for a coefficient that varies), a number for each coefficient.
            The equation's other arguments are the coordinates; symbols with their names are those coordinates.

    Returns:
        The source, a `SymbolicFunction` of the coordinates in the order of the equation's arguments, followed by
        those that only the expressions contain; a tuple of them where the equation returns several rows.

    Raises:
        ValueError: where something given is not an argument of the equation.
        NoSymbolicRuleError: where the equation uses an operation without a symbolic rule.

    Example:
        >>> from pinn.derivatives.operators import laplacian
        >>> x, y = sympy.symbols("x y")
        >>> f = manufacture(lambda u, x, y: -laplacian(u, x, y), u=sympy.sin(sympy.pi * x) * y)
        >>> str(f), f.names
        ('pi**2*y*sin(pi*x)', ('x', 'y'))
    """
    arguments = tuple(inspect.signature(equation).parameters)
    stray = sorted(set(given) - set(arguments))
    if stray:
        raise ValueError(
            f"manufacture: got {', '.join(stray)}, which the equation does not take; its arguments are "
            f"{', '.join(arguments)}"
        )
    expressions = {name: sympy.sympify(value) for name, value in given.items() if isinstance(value, Expr)}
    coordinates = [name for name in arguments if name not in given]
    found = {str(s) for expression in expressions.values() for s in expression.free_symbols}
    coordinates += sorted(found - set(coordinates))
    # One symbol a name, whatever assumptions the caller's symbols carry.
    table = {name: Symbol(name, real=True) for name in coordinates}
    values: dict[str, Any] = {name: Symbolic(table[name]) for name in arguments if name not in given}
    for name, value in given.items():
        expression = expressions.get(name)
        if expression is None:
            values[name] = value
        else:
            values[name] = Symbolic(expression.subs({s: table[str(s)] for s in expression.free_symbols}))
    rows = equation(**values)
    variables = tuple(table.values())
    if isinstance(rows, tuple | list):
        return tuple(SymbolicFunction(_expression(row), variables) for row in rows)
    return SymbolicFunction(_expression(rows), variables)


def _known_functions() -> set[str]:
    return set(_CALLABLE) | {"Abs"}


def _expression(value: Any) -> Expr:
    """`value` as a SymPy expression; a whole floating-point number becomes an integer, which prints better."""
    if isinstance(value, Symbolic):
        return value.expression
    if isinstance(value, Tensor | np.ndarray | np.generic):
        if (value.numel() if isinstance(value, Tensor) else value.size) != 1:
            raise NoSymbolicRuleError(
                f"symbolic: got shape {tuple(value.shape)} in a formula, expected a single number"
            )
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float | Expr):
        return sympy.sympify(value)
    raise NoSymbolicRuleError(f"symbolic: got {type(value).__name__} in a formula, expected a number or an expression")
