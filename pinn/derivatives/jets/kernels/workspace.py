"""Memory that one block of points leaves to the next.

Every block needs the same stacks again, a few megabytes each. Given back to the system in between, they would be zeroed
and mapped anew page by page: up to a third of a loss gradient's time. A workspace lends out memory and has it back when
the last tensor on it is gone, so that the latest one returned, still in the cache, is the first one lent again.

How that is known: a tensor made from a NumPy array holds the array for as long as its storage lives, and the end of the
array is told to whoever holds a weak reference to it. Nothing is asked of the system's allocator, whose settings are
the process's own.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets.kernels.matmul import matmul

SMALL = 1 << 15
"""Bytes below which the system's allocator is as good: it keeps such pieces itself."""

BufferKind = tuple[int, torch.dtype]


def capacity(numel: int) -> int:
    """Numbers that a buffer for so many has room for: up to an eighth more, so that blocks of nearly one size share it.

    Example:
        >>> capacity(166_700) == capacity(166_600)
        True
    """
    step = 1 << max(0, numel.bit_length() - 4)
    return -(-numel // step) * step


class Workspace:
    """Buffers, lent as tensors.

    Args:
        limit: bytes that are kept, at most, while nobody uses them.

    Example:
        >>> space = Workspace()
        >>> first = space.empty((100, 100), torch.zeros(0))
        >>> place = first.data_ptr()
        >>> del first
        >>> space.empty((100, 100), torch.zeros(0)).data_ptr() == place
        True
    """

    def __init__(self, limit: int = 1 << 27) -> None:
        self.limit = limit
        self.kept = 0
        self._free: dict[BufferKind, list[Any]] = {}
        self._lent: dict[int, weakref.ref[Any]] = {}
        self._numbers: dict[tuple[Any, ...], Tensor] = {}

    def empty(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """A tensor of this shape with nothing in particular in it, of the other's precision and place."""
        return self._flat(math.prod(shape), like).view(shape)

    def _flat(self, numel: int, like: Tensor) -> Tensor:
        if numel * like.element_size() < SMALL or not like.is_cpu:
            return like.new_empty(numel)
        key = capacity(numel), like.dtype
        try:
            buffer = self._free[key].pop()
            self.kept -= buffer.nbytes
        except (KeyError, IndexError):
            buffer = torch.empty(key[0], dtype=like.dtype).numpy()
        lease = buffer[:numel]
        number = id(lease)

        def returned(_: Any) -> None:
            del self._lent[number]
            self._keep(key, buffer)

        self._lent[number] = weakref.ref(lease, returned)
        return torch.from_numpy(lease)

    def _keep(self, key: BufferKind, buffer: Any) -> None:
        """Have a buffer back, unless it alone is beyond the limit."""
        if buffer.nbytes > self.limit:
            return
        if self.kept + buffer.nbytes > self.limit:
            self._shrink(self.limit - buffer.nbytes)
        self._free.setdefault(key, []).append(buffer)
        self.kept += buffer.nbytes

    def _shrink(self, size: int) -> None:
        """Let buffers go until no more than this is kept, those first whose size has been kept for longest."""
        for oldest in tuple(self._free):
            while self.kept > size:
                try:
                    self.kept -= self._free[oldest].pop(0).nbytes
                except (KeyError, IndexError):
                    self._free.pop(oldest, None)
                    break

    def stack(self, entries: int, value: Tensor) -> Tensor:
        """A stack (K, n, …) of entries like a value (n, …), features first in memory."""
        shape = value.shape
        if len(shape) == 2:
            n, width = shape
            return self._flat(entries * n * width, value).as_strided((entries, n, width), (n, 1, entries * n))
        if len(shape) < 2:
            return value.new_empty((entries, *shape))
        return self.empty((shape[-1], entries, *shape[:-1]), value).movedim(0, -1)

    def like(self, value: Tensor) -> Tensor:
        """One entry like a value (n, …), features first in memory."""
        shape = value.shape
        if len(shape) == 2:
            n, width = shape
            return self._flat(n * width, value).as_strided((n, width), (1, n))
        return value.new_empty(shape) if len(shape) < 2 else self.stack(1, value)[0]

    def numbers(self, values: tuple[float, ...], like: Tensor) -> Tensor:
        """A few constants as a tensor of the other's precision and place, the same one each time: not to be changed."""
        key = values, like.dtype, like.device
        if key not in self._numbers:
            if len(self._numbers) >= 256:
                self._numbers.clear()
            self._numbers[key] = like.new_tensor(values)
        return self._numbers[key]

    def product(self, a: Tensor, b: Tensor | float) -> Tensor:
        """a b, entry by entry, for a number or a b that broadcasts to a."""
        return torch.mul(a, b, out=self.like(a))

    def scaled(self, stack: Tensor, factor: Tensor) -> Tensor:
        """Every entry of a stack times the same factor."""
        return torch.mul(stack, factor, out=self.stack(stack.shape[0], stack[0]))

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        """a b of two matrices, on a buffer unless the library that multiplies makes its own memory."""
        return matmul(a, b, lambda: self.empty((a.shape[0], b.shape[1]), a))
