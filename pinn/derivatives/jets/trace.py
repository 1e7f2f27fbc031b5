"""Fields: what an equation computes with, written down before anything is computed.

A field is a sum of constant-coefficient operators on a few bases, and a constant,

    f = Σ_b P_b(∂) b + c,

where a base is an output of the model, a coordinate, or the result of an operation that is not linear. Sums, multiples
by numbers and derivatives change the polynomials alone; so u_t − ν u_xx is one operator on u, and the plan of the
network's jets can carry it as one entry. Everything else makes a new base, whose value is the same torch function of
the operands' values, and whose derivatives, where an equation asks for any, come from the jets of its operands.

A step (a comparison, and whatever is made of comparisons and constants alone) is constant between jumps: in a sum its
derivative is zero, as nested autograd has it. By itself it has no derivative, there as here. What is made of it is
always an operation, so that it has the type that torch gives it: a truth value, a number of torch's default precision.

An equation runs once on fields; `pinn.derivatives.jets.program` then knows what it asks of every output.

Source: the algebra is that of `pinn.derivatives.jets.algebra`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets.algebra import ONE, Algebra, Monomial, Polynomial, times
from pinn.derivatives.jets.jet import MissingAttribute, MissingRule, name_of, positional
from pinn.derivatives.jets.registry import DISCRETE, POINTWISE


class Base:
    """An output (by name), a coordinate (by number) or an operation (by function)."""

    __slots__ = ("args", "discrete", "function", "index", "jets", "kwargs", "name", "number")

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
    ) -> None:
        self.index, self.name, self.number = index, name, number
        self.function, self.args, self.kwargs, self.discrete = function, args, dict(kwargs or {}), discrete
        # Where derivatives of the operation are asked for: their plan, and each operand's entries as fields.
        self.jets: tuple[Algebra, list[Any], dict[str, Any]] | None = None


class Trace:
    """One run of an equation on fields.

    Args:
        names: coordinate names.
        n: number of points.
        like: a tensor of the points' precision and place.
    """

    def __init__(self, names: Sequence[str], n: int, like: Tensor) -> None:
        self.n, self.dtype, self.device = n, like.dtype, like.device
        self._count = 0
        self.coordinates = {
            name: Field(self, {Base(self._next(), number=i): {ONE: 1.0}}) for i, name in enumerate(names)
        }

    def _next(self) -> int:
        self._count += 1
        return self._count

    def output(self, name: str) -> Field:
        """The model's output of this name."""
        return Field(self, {Base(self._next(), name=name): {ONE: 1.0}})

    def operation(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Field:
        """The result of an operation on fields, not computed yet; computed at once where all are constants."""
        if function not in DISCRETE and function not in POINTWISE:
            raise MissingRule(f"{name_of(function)} in an equation: jets have no rule for it")
        if kwargs:
            args, kwargs = positional(args, kwargs)
        bases = [base for x in (*args, *kwargs.values()) if isinstance(x, Field) for base in x.terms]
        if not bases:
            args = tuple(x.plain() if isinstance(x, Field) else x for x in args)
            kwargs = {name: x.plain() if isinstance(x, Field) else x for name, x in kwargs.items()}
            return Field(self, {}, function(*args, **kwargs))
        discrete = function in DISCRETE or all(base.discrete for base in bases)
        base = Base(self._next(), function=function, args=args, kwargs=kwargs, discrete=discrete)
        return Field(self, {base: {ONE: 1.0}})


class Field:
    """Σ_b P_b(∂) b + constant, a scalar field of shape (n,).

    Args:
        trace: the run it belongs to.
        terms: base -> operator.
        constant: a number, or a tensor () or (n,) that does not vary with the coordinates.
    """

    __slots__ = ("constant", "terms", "trace")
    __array_ufunc__ = None  # so that a NumPy number on the left leaves the operation to the field

    def __init__(self, trace: Trace, terms: dict[Base, Polynomial], constant: float | Tensor = 0.0) -> None:
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
        return bool(self.terms) and all(base.discrete for base in self.terms)

    def plain(self) -> Tensor:
        """A field without terms as a tensor () or (n,)."""
        if isinstance(self.constant, Tensor):
            return self.constant
        return torch.full((), self.constant, dtype=self.dtype, device=self.device)

    # -- linear operations --------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Field:
        if isinstance(other, Field):
            return self._plus(other, 1.0)
        if self.stepwise:
            return self.trace.operation(torch.add, (self, _checked(self, other)), {})
        return Field(self.trace, self.terms, _checked(self, other) + self.constant)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Field:
        if isinstance(other, Field):
            return self._plus(other, -1.0)
        if self.stepwise:
            return self.trace.operation(torch.sub, (self, _checked(self, other)), {})
        return Field(self.trace, self.terms, self.constant - _checked(self, other))

    def __rsub__(self, other: Any) -> Field:
        if self.stepwise:
            return self.trace.operation(torch.rsub, (self, _checked(self, other)), {})
        return (-self) + other

    def _plus(self, other: Field, sign: float) -> Field:
        if (self.stepwise or other.stepwise) and all(x.stepwise or not x.terms for x in (self, other)):
            return self.trace.operation(torch.add if sign > 0 else torch.sub, (self, other), {})
        terms: dict[Base, Polynomial] = dict(self.terms)
        for base, p in other.terms.items():
            held = terms.get(base)
            total = dict(held) if held is not None else {}
            for monomial, c in p.items():
                total[monomial] = total.get(monomial, 0.0) + sign * c
            terms[base] = total
        return Field(self.trace, terms, self.constant + sign * other.constant)

    def __neg__(self) -> Field:
        return self._scaled(-1.0)

    def __pos__(self) -> Field:
        return self

    def _scaled(self, factor: float) -> Field:
        if self.stepwise:
            return self.trace.operation(torch.mul, (self, factor), {})
        terms: dict[Base, Polynomial] = {
            base: {monomial: factor * c for monomial, c in p.items()} for base, p in self.terms.items()
        }
        return Field(self.trace, terms, factor * self.constant)

    def __mul__(self, other: Any) -> Field:
        if isinstance(other, (int, float)):
            return self._scaled(float(other))
        if isinstance(other, Field):
            for f, g in ((self, other), (other, self)):
                if not g.terms:
                    return f * g.constant
        elif not self.terms:
            return Field(self.trace, {}, self.constant * _checked(self, other))
        else:
            _checked(self, other)
        return self.trace.operation(torch.mul, (self, other), {})

    def __rmul__(self, other: Any) -> Field:
        return self * other

    def __truediv__(self, other: Any) -> Field:
        if isinstance(other, (int, float)) and not self.stepwise:
            terms: dict[Base, Polynomial] = {
                base: {monomial: c / other for monomial, c in p.items()} for base, p in self.terms.items()
            }
            return Field(self.trace, terms, self.constant / other)
        return self.trace.operation(torch.div, (self, _checked(self, other)), {})

    def __rtruediv__(self, other: Any) -> Field:
        return self.trace.operation(torch.div, (_checked(self, other), self), {})

    def __pow__(self, other: Any) -> Field:
        return self.trace.operation(torch.pow, (self, _checked(self, other)), {})

    def __rpow__(self, other: Any) -> Field:
        return self.trace.operation(torch.pow, (_checked(self, other), self), {})

    def __abs__(self) -> Field:
        return self.trace.operation(torch.abs, (self,), {})

    def __lt__(self, other: Any) -> Field:
        return self.trace.operation(torch.lt, (self, other), {})

    def __le__(self, other: Any) -> Field:
        return self.trace.operation(torch.le, (self, other), {})

    def __gt__(self, other: Any) -> Field:
        return self.trace.operation(torch.gt, (self, other), {})

    def __ge__(self, other: Any) -> Field:
        return self.trace.operation(torch.ge, (self, other), {})

    def __eq__(self, other: Any) -> Field:  # type: ignore[override]
        return self.trace.operation(torch.eq, (self, other), {})

    def __ne__(self, other: Any) -> Field:  # type: ignore[override]
        return self.trace.operation(torch.ne, (self, other), {})

    __hash__ = object.__hash__

    def __and__(self, other: Any) -> Field:
        return self.trace.operation(torch.logical_and, (self, other), {})

    def __or__(self, other: Any) -> Field:
        return self.trace.operation(torch.logical_or, (self, other), {})

    def __invert__(self) -> Field:
        return self.trace.operation(torch.logical_not, (self,), {})

    __rand__, __ror__ = __and__, __or__

    # -- derivatives --------------------------------------------------------------------------------------------

    def differentiate(self, *xs: Any) -> Field:
        """Derivative by coordinates, one after the other."""
        symbol: Monomial = ONE
        for x in xs:
            symbol = times(symbol, (_number(x),))
        if self.stepwise:
            raise MissingRule(f"the derivative of {', '.join(sorted(_jumps(self)))}: it is constant between jumps")
        return self.apply({symbol: 1.0})

    def apply(self, operator: Polynomial) -> Field:
        """P(∂) of the field."""
        terms: dict[Base, Polynomial] = {}
        constant = operator.get(ONE, 0.0) * self.constant
        for base, p in self.terms.items():
            product: dict[Monomial, float] = {}
            for left, c in p.items():
                for right, k in operator.items():
                    monomial = times(left, right)
                    product[monomial] = product.get(monomial, 0.0) + c * k
            if base.number is not None:
                # A coordinate has itself, one derivative that is a number, and no more.
                constant = constant + product.get((base.number,), 0.0)
                product = {ONE: product[ONE]} if ONE in product else {}
            elif base.discrete:
                product = {ONE: product[ONE]} if ONE in product else {}
            product = {monomial: c for monomial, c in product.items() if c}
            if product:
                terms[base] = product
        return Field(self.trace, terms, constant)


def _jumps(x: Any) -> set[str]:
    """The functions that make the jumps of a field."""
    found: set[str] = set()
    for base in x.terms if isinstance(x, Field) else ():
        if base.function is not None and base.function in DISCRETE:
            found.add(name_of(base.function))
        else:
            found = found.union(*map(_jumps, (*base.args, *base.kwargs.values())))
    return found


def _number(x: Any) -> int:
    """The number of a coordinate."""
    if isinstance(x, Field) and len(x.terms) == 1 and not isinstance(x.constant, Tensor) and x.constant == 0.0:
        ((base, p),) = x.terms.items()
        if base.number is not None and dict(p) == {ONE: 1.0}:
            return base.number
    raise ValueError(f"d: got {x!r} as a coordinate; differentiate by a coordinate itself, as in d(u, x)")


def _checked(field: Field, other: Any) -> Any:
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
    return f + (g if alpha == 1.0 else alpha * g)


def _sub(f: Any, g: Any, *, alpha: float = 1.0) -> Any:
    return f - (g if alpha == 1.0 else alpha * g)


_LINEAR: Mapping[str, Callable[..., Any]] = {
    "add": _add,
    "sub": _sub,
    "subtract": _sub,
    "rsub": lambda f, g: g - f,
    "mul": lambda f, g: g * f if isinstance(g, Field) else f * g,
    "multiply": lambda f, g: g * f if isinstance(g, Field) else f * g,
    "neg": lambda f: -f,
    "negative": lambda f: -f,
    "positive": lambda f: f,
    "square": lambda f: f * f,
    "clone": lambda f: f,
    "zeros_like": lambda f, **_: 0.0 * f,
    "ones_like": lambda f, **_: 0.0 * f + 1.0,
}


def _apply(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    name = getattr(function, "__name__", "")
    if name in _LINEAR:
        if name in ("add", "sub") and not isinstance(args[0], Field):
            first, second, *_ = args
            sign = 1.0 if name == "add" else -1.0
            return (second * (sign * kwargs.get("alpha", 1.0))) + first
        return _LINEAR[name](*args, **kwargs)
    if name in ("div", "true_divide", "divide", "__truediv__") and not kwargs and isinstance(args[0], Field):
        return args[0] / args[1]
    field = next((x for x in (*args, *kwargs.values()) if isinstance(x, Field)), None)
    if field is None:  # they lie in a list, as in torch.stack
        raise MissingRule(f"{name_of(function)} in an equation: fields are not put together, return them one by one")
    return field.trace.operation(function, tuple(_checked(field, x) for x in args), kwargs)
