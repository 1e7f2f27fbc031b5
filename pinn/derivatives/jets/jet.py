"""Jets: a quantity at n points together with some of its derivatives, on which ordinary torch code runs unchanged.

A jet of shape (n, …) over a basis of operators Q₀ = 1, …, Q_{K−1} holds its value (n, …) and those entries Q_k(∂) that
are not zero (its `keys`), stacked as a tail (K', n, …), or (K', 1, …) where they are the same at every point, as for
the coordinates themselves. Value and tail lie in one stack (1 + K', n, …) wherever they were computed together.

What an equation requires of the outputs is known before the network runs (`JetContext.required`), and is mostly a few
of the entries: of u_xx + u_yy just that one. So the results of activations, and of operations that treat every entry
alike, are deferred: the next activation computes all entries, the equation only those that it requires.

Operations on jets are found through `__torch_function__` in the table of rules that the context carries. An operation
that is not in it raises `MissingRule`, which names the operation.

Source: Griewank, Walther, Evaluating Derivatives, 2nd ed. (2008), ch. 13; the basis: `pinn.derivatives.jets.algebra`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.kernels.workspace import Workspace

Part = tuple[int, ...]
"""Some entries of a stack, by their numbers in the basis, ascending; 0 is the value."""

Make = Callable[[Part | None], Tensor]
"""Computes the stack of a jet: some of the entries, or all."""


class MissingRule(TypeError):
    """An operation that jets have no rule for. The message names it; the reference engine can do it."""


NO_RULE = "jets have no rule for it (pinn.derivatives.jets.rule makes one)"


class MissingAttribute(MissingRule, AttributeError):
    """An attribute of tensors that jets do not have."""


@dataclass(frozen=True)
class Rule:
    """How one torch function acts on jets; `pinn.derivatives.jets.rule` makes it.

    Args:
        function: the torch function, or a function of yours that calls `torch.overrides.handle_torch_function`.
        apply: what is called in its place, with the same arguments, at least one of them a jet.
        pointwise: whether entry i of the result depends on entry i of the arguments alone. Equations, whose fields
            (n,) have the points as their only axis, can use no other functions.
        discrete: whether the result is constant between jumps, so that its derivative is zero.
    """

    function: Callable[..., Any]
    apply: Callable[..., Any]
    pointwise: bool = True
    discrete: bool = False


Rules = Mapping[Callable[..., Any], Rule]
"""Table of rules: torch function -> rule."""


class Recorder(Protocol):
    """What a jet's operations tell of the parameters that they meet, where the rows of J are wanted."""

    def constant(self, tensor: Tensor, rank: int) -> Tensor:
        """Copies of a constant, one a point, shaped to meet a jet of the given rank."""

    def linear(self, a: Jet, weight: Tensor, bias: Tensor | None) -> Jet:
        """The output of a linear layer, recorded together with its input."""

    def inner(self, size: int) -> Recorder:
        """The record of what `size` nodes a point tell, whose rows are summed over them."""


class JetContext:
    """What all jets of one evaluation share.

    Args:
        basis: the operators that the entries stand for.
        n: number of points.
        space: where stacks are allocated.
        rules: torch function -> rule.
        record: the record of layers, where rows of ∂r/∂θ are wanted; else None.
        required: numbers of the basis that will be read from the outputs; None for all of them.
    """

    __slots__ = ("basis", "n", "record", "required", "rules", "space")

    def __init__(
        self,
        basis: DerivativeBasis,
        n: int,
        space: Workspace,
        rules: Rules,
        record: Recorder | None = None,
        required: frozenset[int] | None = None,
    ) -> None:
        self.basis, self.n, self.space, self.rules = basis, n, space, rules
        self.record, self.required = record, required

    def coordinate(self, values: Tensor, i: int) -> Jet:
        """Coordinate number i, with values (n,), as a jet."""
        entries = self.basis.coordinate(i)
        tail = self.space.numbers(tuple(c for _, c in entries), values).view(-1, 1)
        return Jet(self, tuple(k for k, _ in entries), values, tail)

    def constant(self, value: Tensor) -> Jet:
        """A tensor (n, …) that does not vary with the coordinates, as a jet."""
        return Jet(self, (), value, value.new_empty((0, 1, *value.shape[1:])))

    def part(self, keys: tuple[int, ...]) -> Part | None:
        """Of the value and the entries `keys`, those that are required; None where all are computed as cheaply."""
        if self.required is None:
            return None
        found = tuple(k for k in (0, *keys) if k in self.required)
        # All together take fewer operations, so that leaving out a few of them gains nothing.
        return found if 0 < 2 * len(found) <= 1 + len(keys) else None


class Jet:
    """A quantity (n, …) with the entries `keys` of its context's basis.

    Args:
        context: the evaluation it belongs to.
        keys: basis numbers of the entries that are held beyond the value, ascending.
        value: (n, …), or None where `stack` holds it.
        tail: (K', n, …) or (K', 1, …), or None where `stack` holds it.
        stack: (1 + K', n, …), value first.

    Jets behave as tensors of shape (n, …) do under the operations that have a rule; the axis of points stays first.
    """

    __slots__ = ("_columns", "_make", "_parts", "_shape", "_stack", "_tail", "_value", "context", "keys")
    __array_ufunc__ = None  # so that a NumPy number on the left leaves the operation to the jet

    def __init__(
        self,
        context: JetContext,
        keys: tuple[int, ...],
        value: Tensor | None = None,
        tail: Tensor | None = None,
        stack: Tensor | None = None,
    ) -> None:
        self.context, self.keys = context, keys
        self._value, self._tail, self._stack = value, tail, stack
        self._make: Make | None = None
        self._shape: torch.Size | None = None
        self._parts: Tensor | None = None
        self._columns: dict[Part | None, tuple[Tensor, ...]] = {}

    @classmethod
    def deferred(cls, context: JetContext, keys: tuple[int, ...], shape: tuple[int, ...], make: Make) -> Jet:
        """A jet of shape (n, …) whose stack is computed when it is first read: the entries selected, or all."""
        jet = cls(context, keys)
        jet._make, jet._shape = make, torch.Size(shape)
        return jet

    # -- storage ------------------------------------------------------------------------------------------------

    @property
    def value(self) -> Tensor:
        """The value (n, …)."""
        if self._value is None:
            self._value = self.stack[0]
        return self._value

    @property
    def tail(self) -> Tensor:
        """The entries beyond the value, (K', n, …) or (K', 1, …)."""
        if self._tail is None:
            self._tail = self.stack[1:]
        return self._tail

    @property
    def stacked(self) -> bool:
        """True where value and tail lie in one tensor, or will once it is computed."""
        return self._stack is not None or self._make is not None

    @property
    def is_deferred(self) -> bool:
        """True while evaluation is deferred; `select(part)` then computes only those entries."""
        return self._make is not None

    @property
    def stack(self) -> Tensor:
        """Value and tail in one tensor (1 + K', n, …), stacked here where they are two."""
        if self._stack is None:
            if self._make is not None:
                self._stack, self._make = self._make(None), None
                return self._stack
            value, tail = self.value, self.tail
            tail = tail.expand(tail.shape[0], *value.shape)
            self._stack = torch.cat([value.unsqueeze(0), tail]) if len(self.keys) else value.unsqueeze(0)
        return self._stack

    def select(self, part: Part | None) -> Tensor:
        """The stack (len(part), n, …) of some entries, as `JetContext.part` gives them; of all of them for None."""
        if part is None:
            return self.stack
        if self._make is None:
            return self.stack[[self.keys.index(k) + 1 if k else 0 for k in part]]
        if self._parts is None:
            self._parts = self._make(part)
        return self._parts

    def entry(self, key: int) -> Tensor | None:
        """Entry Q_key(∂), (n, …) or (1, …); None where it is zero."""
        if key == 0:
            return self.value
        if key not in self.keys:
            return None
        place = self.keys.index(key)
        return self.stack[place + 1] if self.stacked else self.tail[place]

    def map_entries(self, function: Callable[[Tensor, bool], Tensor], shape: tuple[int, ...]) -> Jet:
        """Apply a function that treats all entries alike, except perhaps the value; deferred where this jet is.

        Args:
            function: (entries (k, n, …), whether the first of them is the value) -> entries.
            shape: (n, …) of the result.

        Returns:
            A jet with the same keys.
        """

        def make(part: Part | None) -> Tensor:
            return function(self.select(part), part is None or part[0] == 0)

        return self._following(make, shape)

    def _following(self, make: Make, shape: tuple[int, ...]) -> Jet:
        if self.is_deferred:
            return Jet.deferred(self.context, self.keys, shape, make)
        return Jet(self.context, self.keys, stack=make(None))

    def map_features(self, function: Callable[[Tensor, int], Tensor], shape: torch.Size | None = None) -> Jet:
        """Apply a linear function of the features to every entry.

        Args:
            function: (entries, number of axes before that of the points) -> entries.
            shape: (n, …) of the result; left out, a run without data finds it.

        Returns:
            A jet with the same keys.
        """
        if not self.stacked:
            return Jet(self.context, self.keys, function(self.value, 0), function(self.tail, 1))
        if self.is_deferred and shape is None:
            shape = function(torch.empty((1, *self.shape), device="meta"), 1).shape[1:]
        return self.map_entries(lambda entries, _: function(entries, 1), shape or ())

    def columns(self, part: Part | None = None) -> tuple[Tensor, ...]:
        """The stack unbound along its last axis, in one node of the graph."""
        if part not in self._columns:
            self._columns[part] = self.select(part).unbind(-1)
        return self._columns[part]

    def column(self, i: int) -> Jet:
        """Feature i of the last axis."""
        if not self.stacked:
            return Jet(self.context, self.keys, self.value[..., i], self.tail[..., i])
        return self._following(lambda part: self.columns(part)[i], self.shape[:-1])

    # -- what torch code asks of a tensor -----------------------------------------------------------------------

    @property
    def shape(self) -> torch.Size:
        """(n, …), without the axis of entries."""
        if self._shape is not None:
            return self._shape
        return self.value.shape if self._stack is None else self._stack.shape[1:]

    @property
    def ndim(self) -> int:
        """Number of axes, that of the points included."""
        return len(self.shape)

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the entries."""
        return (self.value if self._stack is None else self._stack).dtype

    @property
    def device(self) -> torch.device:
        """Where the entries lie."""
        return (self.value if self._stack is None else self._stack).device

    @property
    def requires_grad(self) -> bool:
        """Whether the entries have a graph to parameters."""
        if self._stack is not None:
            return self._stack.requires_grad
        return self.value.requires_grad or self.tail.requires_grad

    @property
    def is_cuda(self) -> bool:
        """Whether the entries lie on a CUDA device."""
        return self.device.type == "cuda"

    def size(self, axis: int | None = None) -> Any:
        """Shape, or one of its numbers."""
        return self.shape if axis is None else self.shape[axis]

    def dim(self) -> int:
        """Number of axes."""
        return self.ndim

    def is_floating_point(self) -> bool:
        """Whether the entries are real floating point, which they always are."""
        return True

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Jet(shape={tuple(self.shape)}, entries={(0, *self.keys)} of {self.context.basis.size})"

    def __bool__(self) -> bool:
        raise MissingRule("a branch on the values of a jet (if, while, and, or): use torch.where")

    def __iter__(self) -> Any:
        raise MissingRule("iteration over the points of a jet: use unbind(-1) for features")

    def __getattr__(self, name: str) -> Any:
        # Called for what is not defined above: the methods of a tensor, such as x.tanh().
        function = getattr(torch.Tensor, name, None)
        if name.startswith("__") or not callable(function):
            raise MissingAttribute(f"the attribute {name!r}: jets do not have it")
        return lambda *args, **kwargs: _dispatch(function, (self, *args), kwargs)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _dispatch(function, args, kwargs or {})

    def differentiate(self, *xs: Any) -> Any:
        """Derivatives inside a model are not carried; take them in the equation."""
        raise MissingRule("d(...) inside a model: differentiate in the equation")

    def __getitem__(self, index: Any) -> Any:
        return _dispatch(torch.Tensor.__getitem__, (self, index), {})


def _dispatch(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    context = context_of(args) if not kwargs else context_of((*args, *kwargs.values()))
    rule = context.rules.get(function)
    if rule is None:
        raise MissingRule(f"{name_of(function)}: {NO_RULE}")
    if kwargs:
        args, kwargs = positional(args, kwargs)
    return rule.apply(*args, **kwargs)


def positional(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments with the operands of torch's functions, where they were named, in their places."""
    rest = dict(kwargs)
    named = [rest.pop(name) for name in ("condition", "input", "other") if name in rest]
    return (*args, *named), rest


def name_of(function: Callable[..., Any]) -> str:
    """A function as a reader knows it: torch.cumsum, Tensor.sort, or its own name where it is not torch's."""
    name = getattr(function, "__name__", str(function))
    if name == "__get__":
        return f"the attribute {getattr(getattr(function, '__self__', None), '__name__', '?')}"
    if not (getattr(function, "__module__", None) or "torch").startswith("torch"):
        return name
    owner = getattr(function, "__qualname__", name).rpartition(".")[0]
    return f"Tensor.{name}" if "Tensor" in owner else f"torch.{name}"


def value_of(x: Any) -> Any:
    """The value of a jet; anything else as it is."""
    return x.value if isinstance(x, Jet) else x


def context_of(arguments: Iterable[Any]) -> JetContext:
    """The context of the first jet among some arguments, or in a list or tuple among them.

    Raises:
        MissingRule: where there is none.
    """
    for x in arguments:
        if isinstance(x, Jet):
            return x.context
        if isinstance(x, (list, tuple)):
            for inner in x:
                if isinstance(inner, Jet):
                    return inner.context
    raise MissingRule("an operation without a jet among its arguments: give it one, or compute it on tensors")


def is_made_of_fields(other: Any) -> bool:
    """Whether an operand is made of fields, as a complex one is, and has the operations with single ones itself."""
    return getattr(type(other), "made_of_fields", False) is True


def _operator(name: str) -> Callable[..., Any]:
    function = getattr(torch.Tensor, name)

    def method(self: Jet, *args: Any) -> Any:
        if args and is_made_of_fields(args[0]):
            return NotImplemented
        return _dispatch(function, (self, *args), {})

    method.__name__ = name
    method.__doc__ = f"`Tensor.{name}` on jets."
    return method


_OPERATORS = (
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__"),
    *("__pow__", "__rpow__", "__neg__", "__pos__", "__abs__", "__matmul__", "__rmatmul__"),
    *("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__"),
)
for _name in _OPERATORS:
    setattr(Jet, _name, _operator(_name))
del _name
Jet.__hash__ = object.__hash__  # type: ignore[method-assign]
