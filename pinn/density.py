"""The density of an energy as a formula: its equation, and its second derivatives, by SymPy.

    r = Σ_α (−1)^|α| D_α ∂L/∂(∂_α u)            L_αβ = ∂²L / ∂(∂_α u) ∂(∂_β u)

Values and derivatives ∂_α u become symbols, in which L is differentiated; the total derivatives D_α are the library's
`d` of the fields that come out, so that r is one function on tensors, jets and symbols.

Source: `pinn.energy`.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from pinn.binding import FAILURES, names_of
from pinn.derivatives import d
from pinn.derivatives.witnesses.symbolic import NoSymbolicRuleError, Symbolic, SymbolicFunction


@dataclass(frozen=True)
class Entry:
    """A value or derivative that a density contains, under a symbol.

    Attributes:
        symbol: in the formula.
        name: of the argument.
        by: the coordinates that it is differentiated by, one after the other.
        default: value of the argument where it is not given.
    """

    symbol: sympy.Symbol
    name: str
    by: tuple[str, ...]
    default: Any = None

    def of(self, given: Mapping[str, Any]) -> Any:
        """It, of what is given by name; a number has no derivative."""
        value = given.get(self.name, self.default)
        if not self.by:
            return value
        return 0.0 if isinstance(value, (int, float)) else d(value, *(given[axis] for axis in self.by))


@dataclass(frozen=True)
class Formula:
    """A density as a formula in symbols.

    Attributes:
        density: L.
        entries: what its symbols stand for.
        fields: the outputs that it is least in.
    """

    density: sympy.Expr
    entries: tuple[Entry, ...]
    fields: tuple[str, ...]

    @property
    def varied(self) -> tuple[Entry, ...]:
        """Values and derivatives of these outputs."""
        return tuple(one for name in self.fields for one in self.entries if one.name == name)

    @property
    def curved(self) -> tuple[Entry, ...]:
        """Those of `varied` that have second derivatives of L; the first, where none has."""
        symbols = [one.symbol for one in self.varied]
        bent = [one for one in self.varied if any(sympy.diff(self.density, one.symbol, other) for other in symbols)]
        return tuple(bent) or self.varied[:1]

    def value(self, expression: sympy.Expr, given: Mapping[str, Any]) -> Any:
        """An expression in these symbols, of what is given by name."""
        used = [one for one in self.entries if one.symbol in expression.free_symbols]
        if not used:
            return float(expression)
        return SymbolicFunction(expression, tuple(one.symbol for one in used))(*(one.of(given) for one in used))

    def curvature(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """∂²L/∂α∂β for α ≤ β among the `curved`, row by row, as fields (n,) or numbers."""
        pairs = itertools.combinations_with_replacement([one.symbol for one in self.curved], 2)
        return tuple(self.value(sympy.diff(self.density, *pair), given) for pair in pairs)

    def row(self, name: str, given: Mapping[str, Any]) -> Any:
        """Σ_α (−1)^|α| D_α ∂L/∂(∂_α u) of one output."""
        total = 0.0 * given[name]
        for one in self.varied:
            slope = self.value(sympy.diff(self.density, one.symbol), given) if one.name == name else 0.0
            if one.by and not isinstance(slope, float):
                slope = (-1) ** len(one.by) * d(slope, *(given[axis] for axis in one.by))
            elif one.by:  # the derivative of a number
                continue
            total = total + slope
        return total


def read_density(
    density: Callable[..., Any], coordinates: Sequence[str], of: tuple[str, ...] = (), guess: bool = False
) -> Formula:
    """A density as a formula, found by running it on symbols.

    Args:
        density: function by name.
        coordinates: of the set that it is integrated over.
        of: the outputs that it is least in; left out, those that it differentiates.
        guess: whether it is least in all its arguments where it differentiates none.

    Raises:
        ValueError: where it is no formula, with the operation that has no rule, or differentiates no output.

    Example:
        >>> from pinn.derivatives import d
        >>> formula = read_density(lambda u, x: 0.5 * d(u, x) ** 2 - u, ("x",))
        >>> str(formula.density), formula.fields
        ('-u + 0.5*u__x**2', ('u',))
    """
    names = list(itertools.chain(*names_of(density)))
    defaults = {name: one.default for name, one in inspect.signature(density).parameters.items()}
    axes = {name: sympy.Symbol(name, real=True) for name in names if name in coordinates}
    others = [name for name in names if name not in axes]
    functions = {name: sympy.Function(name)(*axes.values()) if axes else sympy.Symbol(name) for name in others}
    symbols = {**axes, **functions}
    try:
        found = density(**{name: Symbolic(symbols[name]) for name in names})
    except (NoSymbolicRuleError, *FAILURES) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"Energy: the density is no formula ({said}); give the equation that it leads to") from error
    if not isinstance(found, Symbolic):
        raise ValueError(f"Energy: the density returned {type(found).__name__}, expected one field (n,)")
    entries, table = [], {}
    derivatives = found.expression.atoms(sympy.Derivative)
    for one in sorted(derivatives, key=lambda one: (one.derivative_count, str(one))):
        by = tuple(itertools.chain(*([str(axis)] * int(times) for axis, times in one.variable_count)))
        name = one.expr.func.__name__
        entries.append(Entry(sympy.Symbol(f"{name}__{'_'.join(by)}", real=True), name, by, defaults[name]))
        table[one] = entries[-1].symbol
    values = [Entry(sympy.Symbol(name, real=True), name, (), defaults[name]) for name in names]
    table |= {functions[one.name]: one.symbol for one in values if one.name in functions}
    fields = of or tuple(name for name in names if any(one.name == name for one in entries))
    if guess and not fields:  # those that do not depend on the parameters have no derivative
        fields = tuple(name for name in names if name not in axes)
    if not fields:
        raise ValueError("Energy: the density differentiates no output; say which it is least in, of=['u']")
    expression = found.expression.xreplace(table)
    kept = [one for one in values if one.symbol in expression.free_symbols]
    return Formula(expression, (*kept, *entries), fields)
