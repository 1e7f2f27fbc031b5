"""Jets: a quantity at n points together with some of its derivatives, on which ordinary torch code runs unchanged.

A jet of shape (n, …) over a plan Q₀ = 1, …, Q_{K−1} holds its value (n, …) and the entries Q_k(∂) of the plan that are
not zero (its `keys`), stacked as a tail (K' , n, …), or (K', 1, …) where they are the same at every point, as for the
coordinates themselves. Value and tail lie in one stack (1 + K', n, …) wherever that is where they were computed.

What an equation asks of the outputs is known before the network runs (`Frame.wanted`), and is mostly a few of the
entries: of u_xx + u_yy just that one. So the results of activations and of what treats every entry alike are deferred:
the next activation asks for all of them, the equation for those that it wants, and only these are made.

Operations on jets are found through `__torch_function__` in the table of `pinn.derivatives.jets.registry`; what is not
there raises `MissingRule`, which names the operation.

Source: Griewank, Walther, Evaluating Derivatives, 2nd ed. (2008), ch. 13; the algebra: `pinn.derivatives.jets.algebra`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pinn.derivatives.jets.algebra import Algebra

if TYPE_CHECKING:
    from pinn.derivatives.jets.jacobian import Tape
    from pinn.derivatives.jets.kernels.workspace import Workspace


Part = tuple[int, ...]
"""Some entries of a stack, by their numbers in the basis, ascending; 0 is the value."""

Make = Callable[[Part | None], Tensor]
"""Makes the stack of a jet: some of the entries, or all."""


class MissingRule(TypeError):
    """An operation that jets have no rule for. The message names it; the reference engine knows it."""


class MissingAttribute(MissingRule, AttributeError):
    """An attribute of tensors that jets do not have."""


class Frame:
    """What all jets of one evaluation share.

    Args:
        algebra: the plan.
        n: number of points.
        space: where stacks are made.
        tape: where the rows of ∂r/∂θ are to be taken, what they are made of; else None.
        wanted: numbers of the basis, all that will be asked of the outputs; left out, everything.
    """

    __slots__ = ("algebra", "n", "space", "tape", "wanted")

    def __init__(
        self,
        algebra: Algebra,
        n: int,
        space: Workspace,
        tape: Tape | None = None,
        wanted: frozenset[int] | None = None,
    ) -> None:
        self.algebra, self.n, self.space, self.tape, self.wanted = algebra, n, space, tape, wanted

    def coordinate(self, values: Tensor, i: int) -> Jet:
        """Coordinate number i, with values (n,), as a jet."""
        entries = self.algebra.coordinate(i)
        tail = self.space.numbers(tuple(c for _, c in entries), values).view(-1, 1)
        return Jet(self, tuple(k for k, _ in entries), values, tail)

    def constant(self, value: Tensor) -> Jet:
        """A tensor (n, …) that does not vary with the coordinates, as a jet."""
        return Jet(self, (), value, value.new_empty((0, 1, *value.shape[1:])))

    def part(self, keys: tuple[int, ...]) -> Part | None:
        """Of the value and the entries `keys`, those that are wanted; None where making them alone would not pay."""
        if self.wanted is None:
            return None
        found = tuple(k for k in (0, *keys) if k in self.wanted)
        # All together are made in fewer operations, so that leaving out a few of them gains nothing.
        return found if 0 < 2 * len(found) <= 1 + len(keys) else None


class Jet:
    """A quantity (n, …) with the entries `keys` of its frame's plan.

    Args:
        frame: the evaluation it belongs to.
        keys: basis numbers of the entries that are held beyond the value, ascending.
        value: (n, …), or None where `stack` holds it.
        tail: (K', n, …) or (K', 1, …), or None where `stack` holds it.
        stack: (1 + K', n, …), value first.

    Jets behave as tensors of shape (n, …) do under the operations that have a rule; the axis of points stays first.
    """

    __slots__ = ("_columns", "_make", "_parts", "_shape", "_stack", "_tail", "_value", "frame", "keys")
    __array_ufunc__ = None  # so that a NumPy number on the left leaves the operation to the jet

    def __init__(
        self,
        frame: Frame,
        keys: tuple[int, ...],
        value: Tensor | None = None,
        tail: Tensor | None = None,
        stack: Tensor | None = None,
    ) -> None:
        self.frame, self.keys = frame, keys
        self._value, self._tail, self._stack = value, tail, stack
        self._make: Make | None = None
        self._shape: torch.Size | None = None
        self._parts: Tensor | None = None
        self._columns: dict[Part | None, tuple[Tensor, ...]] = {}

    @classmethod
    def deferred(cls, frame: Frame, keys: tuple[int, ...], shape: tuple[int, ...], make: Make) -> Jet:
        """A jet of shape (n, …) whose stack is made when it is asked for: the entries that are wanted, or all."""
        jet = cls(frame, keys)
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
        """Whether value and tail lie in one tensor, or will."""
        return self._stack is not None or self._make is not None

    @property
    def waits(self) -> bool:
        """Whether the stack is yet to be made, so that what is not asked of it need not be."""
        return self._make is not None

    @property
    def stack(self) -> Tensor:
        """Value and tail in one tensor (1 + K', n, …), put together where they are apart."""
        if self._stack is None:
            if self._make is not None:
                self._stack, self._make = self._make(None), None
                return self._stack
            value, tail = self.value, self.tail
            tail = tail.expand(tail.shape[0], *value.shape)
            self._stack = torch.cat([value.unsqueeze(0), tail]) if len(self.keys) else value.unsqueeze(0)
        return self._stack

    def some(self, part: Part | None) -> Tensor:
        """The stack (len(part), n, …) of some entries, which are `Frame.part` of the keys; None for all of them."""
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

    def alike(self, function: Callable[[Tensor, bool], Tensor], shape: tuple[int, ...]) -> Jet:
        """What treats every entry of a stack alike but for the value; put off where this jet waits.

        Args:
            function: (entries, whether the first of them is the value) -> entries.
            shape: (n, …) of the result.
        """

        def make(part: Part | None) -> Tensor:
            return function(self.some(part), part is None or part[0] == 0)

        return self._following(make, shape)

    def _following(self, make: Make, shape: tuple[int, ...]) -> Jet:
        if self.waits:
            return Jet.deferred(self.frame, self.keys, shape, make)
        return Jet(self.frame, self.keys, stack=make(None))

    def each(self, function: Callable[[Tensor, int], Tensor], shape: torch.Size | None = None) -> Jet:
        """A linear function of every entry; it is told how many axes lie before that of the points.

        Args:
            function: (entries, axes before that of the points) -> entries.
            shape: (n, …) of the result; left out, it is found out.
        """
        if not self.stacked:
            return Jet(self.frame, self.keys, function(self.value, 0), function(self.tail, 1))
        if self.waits and shape is None:
            shape = function(torch.empty((1, *self.shape), device="meta"), 1).shape[1:]
        return self.alike(lambda entries, _: function(entries, 1), shape or ())

    def columns(self, part: Part | None = None) -> tuple[Tensor, ...]:
        """The stack taken apart along its last axis, in one node of the graph."""
        if part not in self._columns:
            self._columns[part] = self.some(part).unbind(-1)
        return self._columns[part]

    def column(self, i: int) -> Jet:
        """Feature i of the last axis."""
        if not self.stacked:
            return Jet(self.frame, self.keys, self.value[..., i], self.tail[..., i])
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
        return f"Jet(shape={tuple(self.shape)}, entries={(0, *self.keys)} of {self.frame.algebra.size})"

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
    from pinn.derivatives.jets.registry import RULES

    rule = RULES.get(function)
    if rule is None:
        raise MissingRule(f"{name_of(function)}: jets have no rule for it")
    if kwargs:
        args, kwargs = positional(args, kwargs)
    return rule(*args, **kwargs)


def positional(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments with the operands of torch's functions, where they were named, in their places."""
    rest = dict(kwargs)
    named = [rest.pop(name) for name in ("condition", "input", "other") if name in rest]
    return (*args, *named), rest


def name_of(function: Callable[..., Any]) -> str:
    """A torch function as a reader knows it: torch.cumsum, Tensor.sort."""
    name = getattr(function, "__name__", str(function))
    if name == "__get__":
        return f"the attribute {getattr(getattr(function, '__self__', None), '__name__', '?')}"
    owner = getattr(function, "__qualname__", name).rpartition(".")[0]
    return f"Tensor.{name}" if "Tensor" in owner else f"torch.{name}"


def values_of(x: Any) -> Any:
    """The value of a jet; anything else as it is."""
    return x.value if isinstance(x, Jet) else x


def frame_of(jets: Iterable[Any]) -> Frame:
    """The frame of the first jet among some arguments."""
    for jet in jets:
        if isinstance(jet, Jet):
            return jet.frame
    raise MissingRule("an operation without a jet among its arguments")


def _operator(name: str) -> Callable[..., Any]:
    function = getattr(torch.Tensor, name)

    def method(self: Jet, *args: Any) -> Any:
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
