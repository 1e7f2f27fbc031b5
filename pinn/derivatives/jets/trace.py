"""Traced fields: what an equation computes with, written down before anything is computed.

A field is a sum of constant-coefficient operators on a few atoms, and a constant,

    f = Σ_b P_b(∂) b + c,

where an atom is an output of the model, a coordinate, or the result of an operation that is not linear. Sums, multiples
by numbers and derivatives change the polynomials alone; so u_t − ν u_xx is one operator on u, and the basis of the
network's jets can carry it as one entry. Everything else makes a new atom, whose value is the same torch function of
the operands' values, and whose derivatives, where an equation asks for any, come from the jets of its operands.

A step (a comparison, and whatever is made of comparisons and constants alone) is constant between jumps: in a sum its
derivative is zero, as nested autograd has it. By itself it has no derivative, there as here. What is made of it is
always an operation, so that it has the type that torch gives it: a truth value, a number of torch's default precision.

An equation runs once on fields; `pinn.derivatives.jets.program` then knows what it asks of every output.

Source: the algebra is that of `pinn.derivatives.jets.algebra`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets.algebra import ONE, DerivativeBasis, Monomial, Polynomial, monomial_product
from pinn.derivatives.jets.jet import (
    NO_RULE,
    MissingAttribute,
    MissingRule,
    Rules,
    is_made_of_fields,
    name_of,
    positional,
)
from pinn.derivatives.jets.registry import RULES


class Atom:
    """An output (by name), a coordinate (by number), an operation (by function) or a value seen elsewhere."""

    __slots__ = ("args", "discrete", "function", "index", "jets", "kwargs", "name", "number", "seen")

    def __init__(
        self,
        index: int,
        *,
        name: str = "",
        number: int | None = None,
        function: Callable[..., Any] | None = None,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        discrete: bool = False,
        seen: Any = None,
    ) -> None:
        self.index, self.name, self.number, self.seen = index, name, number, seen
        self.function, self.args, self.kwargs, self.discrete = function, args, dict(kwargs or {}), discrete
        # Where derivatives of the operation are required: their basis, and each operand's entries as fields.
        self.jets: tuple[DerivativeBasis, list[Any], dict[str, Any]] | None = None


class Trace:
    """One run of an equation on fields.

    Args:
        names: coordinate names.
        n: number of points.
        like: a tensor of the points' precision and place.
        rules: the functions that it may use, by torch function.
        moving: number of coordinates that outputs vary with, the first of them; left out, all.
    """

    def __init__(
        self, names: Sequence[str], n: int, like: Tensor, rules: Rules = RULES, moving: int | None = None
    ) -> None:
        self.n, self.dtype, self.device, self.rules = n, like.dtype, like.device, rules
        self.moving = len(names) if moving is None else moving
        self._count = 0
        self.coordinates = {
            name: TracedField(self, {Atom(self._next(), number=i): {ONE: 1.0}}) for i, name in enumerate(names)
        }

    def _next(self) -> int:
        self._count += 1
        return self._count

    def output(self, name: str) -> TracedField:
        """The model's output of this name."""
        return TracedField(self, {Atom(self._next(), name=name): {ONE: 1.0}})

    def seen(self, content: Any) -> TracedField:
        """A value of other points, as `pinn.derivatives.jets.sight` has it: what knows its own derivatives."""
        return TracedField(self, {Atom(self._next(), seen=content): {ONE: 1.0}})

    def operation(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> TracedField:
        """The result of an operation on fields, not computed yet; computed at once where all are constants."""
        rule = self.rules.get(function)
        if rule is None or not rule.pointwise:
            raise MissingRule(f"{name_of(function)} in an equation: {NO_RULE}")
        atoms = [atom for x in (*args, *kwargs.values()) if isinstance(x, TracedField) for atom in x.terms]
        if not atoms:
            args = tuple(x.plain() if isinstance(x, TracedField) else x for x in args)
            kwargs = {name: x.plain() if isinstance(x, TracedField) else x for name, x in kwargs.items()}
            return TracedField(self, {}, function(*args, **kwargs))
        discrete = rule.discrete or all(atom.discrete for atom in atoms)
        atom = Atom(self._next(), function=function, args=args, kwargs=kwargs, discrete=discrete)
        return TracedField(self, {atom: {ONE: 1.0}})


class TracedField:
    """Σ_b P_b(∂) b + constant, a scalar field of shape (n,).

    Args:
        trace: the run it belongs to.
        terms: atom -> operator.
        constant: a number, or a tensor () or (n,) that does not vary with the coordinates.
    """

    __slots__ = ("constant", "terms", "trace")
    __array_ufunc__ = None  # so that a NumPy number on the left leaves the operation to the field

    def __init__(self, trace: Trace, terms: dict[Atom, Polynomial], constant: float | Tensor = 0.0) -> None:
        self.trace, self.terms, self.constant = trace, terms, constant

    # -- what torch code asks of a tensor -----------------------------------------------------------------------

    @property
    def shape(self) -> torch.Size:
        """(n,)."""
        return torch.Size((self.trace.n,))

    @property
    def ndim(self) -> int:
        """One: a field has one entry a point."""
        return 1

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the points."""
        return self.trace.dtype

    @property
    def device(self) -> torch.device:
        """Where the points lie."""
        return self.trace.device

    def dim(self) -> int:
        """One."""
        return 1

    def __len__(self) -> int:
        return self.trace.n

    def __getitem__(self, index: Any) -> Any:
        raise MissingRule("Tensor.__getitem__ in an equation: a field is taken as a whole")

    def __bool__(self) -> bool:
        raise MissingRule("a branch on the values of a field (if, while, and, or): use torch.where")

    def __iter__(self) -> Any:
        raise MissingRule("iteration over the points of a field")

    def __getattr__(self, name: str) -> Any:
        function = getattr(torch.Tensor, name, None)
        if name.startswith("__") or not callable(function):
            raise MissingAttribute(f"the attribute {name!r} in an equation: fields do not have it")
        return lambda *args, **kwargs: _apply(function, (self, *args), kwargs)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _apply(function, tuple(args), kwargs or {})

    @property
    def stepwise(self) -> bool:
        """Whether it is constant between jumps and does jump."""
        return bool(self.terms) and all(atom.discrete for atom in self.terms)

    def plain(self) -> Tensor:
        """A field without terms as a tensor () or (n,)."""
        if isinstance(self.constant, Tensor):
            return self.constant
        return torch.full((), self.constant, dtype=self.dtype, device=self.device)

    # -- linear operations --------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> TracedField:
        if isinstance(other, TracedField):
            return self._plus(other, 1.0)
        if self.stepwise:
            return self.trace.operation(torch.add, (self, _checked(self, other)), {})
        return TracedField(self.trace, self.terms, _checked(self, other) + self.constant)

    __radd__ = __add__

    def __sub__(self, other: Any) -> TracedField:
        if isinstance(other, TracedField):
            return self._plus(other, -1.0)
        if self.stepwise:
            return self.trace.operation(torch.sub, (self, _checked(self, other)), {})
        return TracedField(self.trace, self.terms, self.constant - _checked(self, other))

    def __rsub__(self, other: Any) -> TracedField:
        if self.stepwise:
            return self.trace.operation(torch.rsub, (self, _checked(self, other)), {})
        return (-self) + other

    def _plus(self, other: TracedField, sign: float) -> TracedField:
        if (self.stepwise or other.stepwise) and all(x.stepwise or not x.terms for x in (self, other)):
            return self.trace.operation(torch.add if sign > 0 else torch.sub, (self, other), {})
        terms: dict[Atom, Polynomial] = dict(self.terms)
        for atom, p in other.terms.items():
            held = terms.get(atom)
            total = dict(held) if held is not None else {}
            for monomial, c in p.items():
                total[monomial] = total.get(monomial, 0.0) + sign * c
            terms[atom] = total
        return TracedField(self.trace, terms, self.constant + sign * other.constant)

    def __neg__(self) -> TracedField:
        return self._scaled(-1.0)

    def __pos__(self) -> TracedField:
        return self

    def _scaled(self, factor: float) -> TracedField:
        if self.stepwise:
            return self.trace.operation(torch.mul, (self, factor), {})
        terms: dict[Atom, Polynomial] = {
            atom: {monomial: factor * c for monomial, c in p.items()} for atom, p in self.terms.items()
        }
        return TracedField(self.trace, terms, factor * self.constant)

    def __mul__(self, other: Any) -> TracedField:
        if isinstance(other, (int, float)):
            return self._scaled(float(other))
        if isinstance(other, TracedField):
            for f, g in ((self, other), (other, self)):
                if not g.terms:
                    return f * g.constant
        elif not self.terms:
            return TracedField(self.trace, {}, self.constant * _checked(self, other))
        else:
            _checked(self, other)
        return self.trace.operation(torch.mul, (self, other), {})

    def __rmul__(self, other: Any) -> TracedField:
        return self * other

    def __truediv__(self, other: Any) -> TracedField:
        if isinstance(other, (int, float)) and not self.stepwise:
            terms: dict[Atom, Polynomial] = {
                atom: {monomial: c / other for monomial, c in p.items()} for atom, p in self.terms.items()
            }
            return TracedField(self.trace, terms, self.constant / other)
        return self.trace.operation(torch.div, (self, _checked(self, other)), {})

    def __rtruediv__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.div, (_checked(self, other), self), {})

    def __pow__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.pow, (self, _checked(self, other)), {})

    def __rpow__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.pow, (_checked(self, other), self), {})

    def __abs__(self) -> TracedField:
        return self.trace.operation(torch.abs, (self,), {})

    def __lt__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.lt, (self, other), {})

    def __le__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.le, (self, other), {})

    def __gt__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.gt, (self, other), {})

    def __ge__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.ge, (self, other), {})

    def __eq__(self, other: Any) -> TracedField:  # type: ignore[override]
        return self.trace.operation(torch.eq, (self, other), {})

    def __ne__(self, other: Any) -> TracedField:  # type: ignore[override]
        return self.trace.operation(torch.ne, (self, other), {})

    __hash__ = object.__hash__

    def __and__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.logical_and, (self, other), {})

    def __or__(self, other: Any) -> TracedField:
        return self.trace.operation(torch.logical_or, (self, other), {})

    def __invert__(self) -> TracedField:
        return self.trace.operation(torch.logical_not, (self,), {})

    __rand__, __ror__ = __and__, __or__

    # -- derivatives --------------------------------------------------------------------------------------------

    def differentiate(self, *xs: Any) -> TracedField:
        """Derivative by coordinates, one after the other."""
        symbol: Monomial = ONE
        for x in xs:
            symbol = monomial_product(symbol, (_number(x),))
        if self.stepwise:
            raise MissingRule(f"the derivative of {', '.join(sorted(_jumps(self)))}: it is constant between jumps")
        return self.apply({symbol: 1.0})

    def apply(self, operator: Polynomial) -> TracedField:
        """P(∂) of the field."""
        terms: dict[Atom, Polynomial] = {}
        constant = operator.get(ONE, 0.0) * self.constant
        others: list[TracedField] = []
        for atom, p in self.terms.items():
            product: dict[Monomial, float] = {}
            for left, c in p.items():
                for right, k in operator.items():
                    monomial = monomial_product(left, right)
                    product[monomial] = product.get(monomial, 0.0) + c * k
            if atom.number is not None:
                # A coordinate has itself, one derivative that is a number, and no more.
                constant = constant + product.get((atom.number,), 0.0)
                product = {ONE: product[ONE]} if ONE in product else {}
            elif atom.discrete:
                product = {ONE: product[ONE]} if ONE in product else {}
            elif atom.name:
                product = {m: c for m, c in product.items() if all(i < self.trace.moving for i in m)}
            elif atom.seen is not None:
                others += [c * atom.seen.differentiated(self.trace, m) for m, c in product.items() if m and c]
                product = {ONE: product[ONE]} if ONE in product else {}
            product = {monomial: c for monomial, c in product.items() if c}
            if product:
                terms[atom] = product
        return sum(others, start=TracedField(self.trace, terms, constant))


def _jumps(x: Any) -> set[str]:
    """The functions that make the jumps of a field."""
    found: set[str] = set()
    for atom in x.terms if isinstance(x, TracedField) else ():
        if atom.function is not None and x.trace.rules[atom.function].discrete:
            found.add(name_of(atom.function))
        else:
            found = found.union(*map(_jumps, (*atom.args, *atom.kwargs.values())))
    return found


def _number(x: Any) -> int:
    """The number of a coordinate."""
    if isinstance(x, TracedField) and len(x.terms) == 1 and not isinstance(x.constant, Tensor) and x.constant == 0.0:
        ((atom, p),) = x.terms.items()
        if atom.number is not None and dict(p) == {ONE: 1.0}:
            return atom.number
    raise ValueError(f"d: got {x!r} as a coordinate; differentiate by a coordinate itself, as in d(u, x)")


def _checked(field: TracedField, other: Any) -> Any:
    """A number, a field, or a plain tensor () or (n,); anything else would broadcast to another shape."""
    if isinstance(other, Tensor) and tuple(other.shape) not in ((), (field.trace.n,)):
        if other.numel() == 1 and other.ndim == 1:
            return other.reshape(())
        raise ValueError(
            f"equation: a field of shape {tuple(field.shape)} meets a tensor of shape {tuple(other.shape)}; "
            "expected a number or one entry a point"
        )
    return other


def _add(f: Any, g: Any, *, alpha: float = 1.0) -> Any:
    if not isinstance(f, TracedField):
        return alpha * g + f
    return f + (g if alpha == 1.0 else alpha * g)


def _sub(f: Any, g: Any, *, alpha: float = 1.0) -> Any:
    if not isinstance(f, TracedField):
        return -alpha * g + f
    return f - (g if alpha == 1.0 else alpha * g)


def _divide(f: Any, g: Any, *, rounding_mode: str | None = None) -> Any:
    field = f if isinstance(f, TracedField) else g
    if rounding_mode is None and field is f:
        return f / g
    named = {} if rounding_mode is None else {"rounding_mode": rounding_mode}
    return field.trace.operation(torch.div, (_checked(field, f), _checked(field, g)), named)


_NAMES: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": _add,
        "sub": _sub,
        "subtract": _sub,
        "rsub": lambda f, g: g - f,
        "mul": lambda f, g: g * f if isinstance(g, TracedField) else f * g,
        "multiply": lambda f, g: g * f if isinstance(g, TracedField) else f * g,
        "div": _divide,
        "divide": _divide,
        "true_divide": _divide,
        "__truediv__": _divide,
        "neg": lambda f: -f,
        "negative": lambda f: -f,
        "positive": lambda f: f,
        "square": lambda f: f * f,
        "clone": lambda f: f,
        "zeros_like": lambda f, **_: 0.0 * f,
        "ones_like": lambda f, **_: 0.0 * f + 1.0,
        "full_like": lambda f, fill_value, **_: 0.0 * f + fill_value,
    }
)
"""What keeps a field a sum of operators on atoms, or is written with what does."""

_LINEAR: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {
        getattr(owner, name): linear
        for name, linear in _NAMES.items()
        for owner in (torch, Tensor)
        if hasattr(owner, name)
    }
)
"""The same, by torch's functions."""


def _apply(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if kwargs:
        args, kwargs = positional(args, kwargs)
    linear = _LINEAR.get(function)
    if linear is not None:
        return linear(*args, **kwargs)
    field = next((x for x in (*args, *kwargs.values()) if isinstance(x, TracedField)), None)
    if field is None:  # they lie in a list, as in torch.stack
        raise MissingRule(f"{name_of(function)} in an equation: fields are not put together, return them one by one")
    return field.trace.operation(function, tuple(_checked(field, x) for x in args), kwargs)


def _leaving(operation: Callable[[TracedField, Any], Any]) -> Callable[[TracedField, Any], Any]:
    return lambda self, other: NotImplemented if is_made_of_fields(other) else operation(self, other)


for _name in ("__add__", "__sub__", "__mul__", "__truediv__"):
    setattr(TracedField, _name, _leaving(getattr(TracedField, _name)))
del _name
