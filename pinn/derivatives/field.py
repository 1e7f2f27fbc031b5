"""Fields: what an equation computes with, written down before anything is computed.

A field is a sum of constant-coefficient operators on a few bases, and a constant,

    f = Σ_b P_b(∂) b + c,

where a base is an output of the model, a coordinate, or the result of an operation that is not linear. Sums, multiples
by numbers and derivatives change the polynomials alone; so u_t − ν u_xx is one operator on u, and the plan of the
network's jets can carry it as one entry. Everything else makes a new base, whose value is the same torch function of the
operands' values, and whose derivatives, where an equation asks for any, come from the jets of its operands.

An equation runs once on fields; then `Program` knows every operator that is asked of every output.

Source: the algebra is that of `pinn.derivatives.plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jet import Frame, Jet, MissingRule, name_of
from pinn.derivatives.plan import ONE, Algebra, Monomial, Polynomial, times
from pinn.derivatives.table import DISCRETE, POINTWISE

Key = tuple[tuple[Monomial, float], ...]
IDENTITY: Key = ((ONE, 1.0),)


class Base:
    """An output (by name), a coordinate (by number) or an operation (by function)."""

    __slots__ = ("args", "discrete", "function", "index", "jets", "kwargs", "name", "number")

    def __init__(
        self,
        index: int,
        *,
        name: str | None = None,
        number: int | None = None,
        function: Callable[..., Any] | None = None,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        discrete: bool = False,
    ) -> None:
        self.index, self.name, self.number = index, name, number
        self.function, self.args, self.kwargs, self.discrete = function, args, dict(kwargs or {}), discrete
        # Where derivatives of the operation are asked for: their plan, and each operand's entries as fields.
        self.jets: tuple[Algebra, list[Any]] | None = None


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
        discrete = function in DISCRETE
        if not discrete and function not in POINTWISE:
            raise MissingRule(f"{name_of(function)} in an equation: jets have no rule for it")
        if all(not x.terms for x in args if isinstance(x, Field)) and not any(
            isinstance(x, Field) for x in kwargs.values()
        ):
            plain = (x.plain() if isinstance(x, Field) else x for x in args)
            return Field(self, {}, function(*plain, **kwargs))
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

    def __bool__(self) -> bool:
        raise MissingRule("a branch on the values of a field (if, while, and, or): use torch.where")

    def __iter__(self) -> Any:
        raise MissingRule("iteration over the points of a field")

    def __getattr__(self, name: str) -> Any:
        function = getattr(torch.Tensor, name, None)
        if name.startswith("__") or not callable(function):
            raise AttributeError(f"Field has no attribute {name!r}")
        return lambda *args, **kwargs: _apply(function, (self, *args), kwargs)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _apply(function, tuple(args), kwargs or {})

    def plain(self) -> Tensor:
        """A field without terms as a tensor () or (n,)."""
        if isinstance(self.constant, Tensor):
            return self.constant
        return torch.full((), self.constant, dtype=self.dtype, device=self.device)

    # -- linear operations --------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Field:
        if isinstance(other, Field):
            return self._plus(other, 1.0)
        return Field(self.trace, self.terms, _checked(self, other) + self.constant)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Field:
        if isinstance(other, Field):
            return self._plus(other, -1.0)
        return Field(self.trace, self.terms, self.constant - _checked(self, other))

    def __rsub__(self, other: Any) -> Field:
        return (-self) + other

    def _plus(self, other: Field, sign: float) -> Field:
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
        if isinstance(other, (int, float)):
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

    # -- derivatives --------------------------------------------------------------------------------------------

    def differentiate(self, *xs: Any) -> Field:
        """Derivative by coordinates, one after the other."""
        symbol: Monomial = ONE
        for x in xs:
            symbol = times(symbol, (_number(x),))
        return self.apply({symbol: 1.0})

    def apply(self, operator: Polynomial) -> Field:
        """P(∂) of the field."""
        terms: dict[Base, Polynomial] = {}
        constant = operator.get(ONE, 0.0) * self.constant
        for base, p in self.terms.items():
            if base.discrete:
                raise MissingRule(f"the derivative of {name_of(base.function or torch.lt)}")
            product: dict[Monomial, float] = {}
            for left, c in p.items():
                for right, k in operator.items():
                    monomial = times(left, right)
                    product[monomial] = product.get(monomial, 0.0) + c * k
            if base.number is not None:
                # A coordinate has itself, one derivative that is a number, and no more.
                constant = constant + product.get((base.number,), 0.0)
                product = {ONE: product[ONE]} if ONE in product else {}
            product = {monomial: c for monomial, c in product.items() if c}
            if product:
                terms[base] = product
        return Field(self.trace, terms, constant)


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
    field = next(x for x in (*args, *kwargs.values()) if isinstance(x, Field))
    return field.trace.operation(function, tuple(_checked(field, x) for x in args), kwargs)


# -- programs ---------------------------------------------------------------------------------------------------


class Program:
    """What the rows of an equation ask of the outputs, and how they are computed from them.

    Args:
        trace: the run.
        rows: the q rows, fields or constants.
        algebra: operators -> plan; called for operations that are differentiated.

    Attributes:
        asked: output name -> operators asked of it.
    """

    def __init__(self, trace: Trace, rows: Sequence[Any], algebra: Callable[[Iterable[Key]], Algebra]) -> None:
        self.trace = trace
        self.rows = [row if isinstance(row, Field) else _constant_row(trace, row) for row in rows]
        self.asked: dict[str, set[Key]] = {}
        waiting: dict[int, tuple[Base, set[Key]]] = {}

        def ask(field: Field) -> None:
            for base, p in field.terms.items():
                key = key_of(p)
                if not key:
                    continue
                if base.name is not None:
                    self.asked.setdefault(base.name, set()).add(key)
                elif base.function is not None:
                    waiting.setdefault(base.index, (base, set()))[1].add(key)

        for row in self.rows:
            ask(row)
        # An operation is younger than its operands, so that all that is asked of one is known when its turn comes.
        while waiting:
            base, keys = waiting.pop(max(waiting))
            keys = {key for key in keys if any(monomial for monomial, _ in key)}
            if keys:
                plan = algebra(keys)
                base.jets = plan, [_entries(plan, x) for x in base.args]
                for entries in base.jets[1]:
                    for _, entry in entries or ():
                        ask(entry)
            for x in (*base.args, *base.kwargs.values()):
                if isinstance(x, Field):
                    ask(x)


def _entries(plan: Algebra, operand: Any) -> list[tuple[int, Field]] | None:
    """The entries (k, Q_k(∂) operand) beyond the value that are not zero."""
    if not isinstance(operand, Field) or any(base.discrete for base in operand.terms):
        return None
    found = []
    for k, q in enumerate(plan.basis):
        if k:
            entry = operand.apply({m: float(c) for m, c in q.items()})
            if entry.terms or isinstance(entry.constant, Tensor) or entry.constant != 0.0:
                found.append((k, entry))
    return found


def key_of(p: Polynomial) -> Key:
    """An operator as something that can be looked up; coefficients of zero left out."""
    return tuple(sorted((m, c) for m, c in p.items() if c))


def _constant_row(trace: Trace, row: Any) -> Field:
    if isinstance(row, Tensor) and tuple(row.shape) not in ((), (trace.n,)):
        raise ValueError(f"equation: a row of shape {tuple(row.shape)}, expected ({trace.n},), one entry a point")
    return Field(trace, {}, row if isinstance(row, Tensor) else float(row))


class Evaluation:
    """The values of a program's rows on a block of points.

    Args:
        program: the program.
        frame: plan, number of points of the block, and tape.
        outputs: output name -> jet or tensor (n,).
        coordinates: values (n, d) of the block.
        block: which of the trace's points these are.
    """

    def __init__(
        self, program: Program, frame: Frame, outputs: Mapping[str, Any], coordinates: Tensor, block: slice
    ) -> None:
        self._program, self._frame, self._outputs = program, frame, outputs
        self._coordinates, self._block = coordinates, block
        self._whole = frame.n == program.trace.n
        self._known: dict[tuple[int, Key], Tensor | None] = {}
        self._jets: dict[int, Jet] = {}
        self._parts: dict[str, tuple[Tensor, ...]] = {}

    def rows(self) -> list[Tensor]:
        """The q rows, (n,) each."""
        found = []
        for row in self._program.rows:
            value = self.value(row)
            if not isinstance(value, Tensor):
                value = torch.full((), value, dtype=self._coordinates.dtype, device=self._coordinates.device)
            found.append(value.expand(self._frame.n) if value.ndim == 0 else value)
        return found

    def value(self, field: Field) -> Any:
        """A field's value: (n,), or a number or 0-d tensor where it is constant."""
        total: Any = None
        for base, p in field.terms.items():
            key = key_of(p)
            term = self._term(base, key) if key else None
            if term is not None:
                total = term if total is None else total + term
        constant = self._plain(field.constant)
        if total is None:
            return constant
        return total if not isinstance(constant, Tensor) and constant == 0.0 else total + constant

    def _plain(self, x: Any) -> Any:
        """A constant that meets the block's values: cut to the block, and copied for each point where rows are taken."""
        if not isinstance(x, Tensor):
            return x
        if x.ndim == 1 and not self._whole:
            x = x[self._block]
        if self._frame.tape is not None and x.requires_grad:
            return self._frame.tape.constant(x, 1)
        return x

    def _term(self, base: Base, key: Key) -> Tensor | None:
        place = (base.index, key)
        if place not in self._known:
            self._known[place] = self._compute(base, key)
        return self._known[place]

    def _compute(self, base: Base, key: Key) -> Tensor | None:
        if base.number is not None:
            ((_, c),) = key
            x = self._coordinates[:, base.number]
            return x if c == 1.0 else c * x
        if base.name is not None:
            return self._combined(self._frame.algebra, self._output(base.name), key)
        if not any(monomial for monomial, _ in key):
            if key != IDENTITY:
                whole = self._term(base, IDENTITY)
                assert whole is not None
                return key[0][1] * whole
            return self._operation(base)
        assert base.jets is not None
        return self._combined(base.jets[0], self._jet(base), key)

    def _operation(self, base: Base) -> Tensor:
        assert base.function is not None
        args = (self._operand(x) for x in base.args)
        kwargs = {name: self._operand(x) for name, x in base.kwargs.items()}
        result: Tensor = base.function(*args, **kwargs)
        return result

    def _operand(self, x: Any) -> Any:
        if not isinstance(x, Field):
            return self._plain(x)
        value = self.value(x)
        if not isinstance(value, Tensor):
            return torch.full((), value, dtype=self._coordinates.dtype, device=self._coordinates.device)
        return value

    def _output(self, name: str) -> Any:
        output = self._outputs[name]
        if tuple(output.shape) not in ((self._frame.n,), ()):
            raise ValueError(
                f"model: output {name!r} has shape {tuple(output.shape)}, expected ({self._frame.n},), one entry a point"
            )
        return output

    def _combined(self, algebra: Algebra, jet: Any, key: Key) -> Tensor | None:
        """An operator on a jet, from its entries."""
        total: Tensor | None = None
        for k, c in algebra.express(dict(key)):
            entry = self._entry(jet, k)
            if entry is not None:
                entry = entry if c == 1.0 else c * entry
                total = entry if total is None else total + entry
        return total

    def _entry(self, jet: Any, k: int) -> Tensor | None:
        if not isinstance(jet, Jet):
            return self._plain(jet) if k == 0 else None
        if k and k not in jet.keys:
            return None
        if not jet.stacked:
            return jet.entry(k)
        # One node of the graph for all entries of a jet.
        name = str(id(jet))
        if name not in self._parts:
            self._parts[name] = jet.stack.unbind(0)
        return self._parts[name][jet.keys.index(k) + 1 if k else 0]

    def _jet(self, base: Base) -> Jet:
        """The jet of an operation, by the rules, from those of its operands."""
        if base.index not in self._jets:
            assert base.jets is not None and base.function is not None
            plan, operands = base.jets
            frame = Frame(plan, self._frame.n, self._frame.tape)
            args = [
                self._operand(x) if entries is None else self._operand_jet(frame, x, entries)
                for x, entries in zip(base.args, operands, strict=True)
            ]
            kwargs = {name: self._operand(x) for name, x in base.kwargs.items()}
            self._jets[base.index] = POINTWISE[base.function](*args, **kwargs)
        return self._jets[base.index]

    def _operand_jet(self, frame: Frame, field: Field, entries: list[tuple[int, Field]]) -> Jet:
        n = frame.n
        value = self._operand(field)
        value = value.expand(n)
        keys, tail = [], []
        for k, entry in entries:
            found = self._operand(entry)
            keys.append(k)
            tail.append(found)
        if not keys:
            return frame.constant(value)
        if all(x.ndim == 0 for x in tail):
            return Jet(frame, tuple(keys), value, torch.stack(tail).view(-1, 1))
        return Jet(frame, tuple(keys), stack=torch.stack([value, *(x.expand(n) for x in tail)]))
