"""Products of two matrices, in single precision by the library whose kernels fit the processor.

`torch.mm` asks MKL, which on processors of other makers than Intel leaves half of a vector unit of 512 bits idle.
oneDNN, which comes with torch too, does not. Measured on one thread of an AMD EPYC with such units, torch 2.13.0, for
matrices k × k and k × 10 000, in 10⁹ multiplications a second:

    k      W A: oneDNN, MKL     G Aᵀ: oneDNN, MKL
    20          70,  45              46,  31
    50         115,  51              82,  41
    128        122,  50             114,  47

A call takes some 10 µs more, and a shape seen for the first time half a millisecond, so small products stay with MKL,
as does double precision, which oneDNN does not have, and every processor without such units. The choice depends on
shapes and on the machine, never on a measurement, so that a run is repeated exactly.

`torch.backends.mkldnn.enabled = False` turns it off.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

ENOUGH = 1 << 20
"""Multiplications from which a product by oneDNN is over sooner."""

NARROW = 8
"""Length of a side below which vectors are not filled."""


def matmul(a: Tensor, b: Tensor, empty: Callable[[], Tensor] | None = None) -> Tensor:
    """a b of two matrices (m, k) and (k, n), without a graph.

    Args:
        a, b: the matrices.
        empty: makes the (m, n) that `torch.mm` writes into; oneDNN makes its own.

    Raises:
        RuntimeError: from torch, if the matrices do not fit.

    Example:
        >>> matmul(torch.ones(2, 3), torch.ones(3, 4))[0]
        tensor([3., 3., 3., 3.])
    """
    if suits(a, b):
        return by_onednn(a, b)
    return torch.mm(a, b, out=None if empty is None else empty())


def suits(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN is here and quicker at a b than `torch.mm`.

    Both must lie without gaps, by rows or by columns: for others it has a way that is a thousand times slower.
    """
    return (
        a.ndim == b.ndim == 2
        and a.shape[1] == b.shape[0]
        and a.numel() * b.shape[1] >= ENOUGH
        and a.dtype == b.dtype == torch.float32
        and min(*a.shape, b.shape[1]) >= NARROW
        and a.is_cpu
        and b.is_cpu
        and _dense(a)
        and _dense(b)
        and bool(torch.backends.mkldnn.enabled)
        and available()
    )


def by_onednn(a: Tensor, b: Tensor) -> Tensor:
    """a b as the linear layer of oneDNN, x Wᵀ, which is what torch compiles its own linear layers to."""
    product: Tensor = _linear()(a, b.T, None, "none", [], "")
    return product


def _dense(matrix: Tensor) -> bool:
    return matrix.is_contiguous() or matrix.T.is_contiguous()


def _linear() -> Any:
    return torch.ops.mkldnn._linear_pointwise.default


@functools.cache
def available() -> bool:
    """Whether the processor has vectors of 512 bits and torch a oneDNN that agrees with `torch.mm` here.

    The layer is none of torch's public names, so it is tried once, on a product whose entries are whole numbers.
    """
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or not torch.backends.mkldnn.is_available():
        return False
    a, b = (
        torch.arange(rows * columns, dtype=torch.float32, device="cpu").view(rows, columns) % period
        for rows, columns, period in ((9, 16, 7), (16, 12, 5))
    )
    try:
        agrees = all(torch.equal(by_onednn(x, y), torch.mm(x, y)) for x, y in ((a, b), (b.T, a.T)))
    except (AttributeError, RuntimeError, TypeError):
        return False
    if agrees:
        _keep_pages()
    return agrees


def _keep_pages() -> None:
    """Free one large piece of memory, untouched.

    oneDNN's results cannot be put into memory of ours, and the C library gives pieces of a megabyte back to the system
    at once, to have them zeroed and mapped anew for the next product: a sixth of a gradient's time. It stops doing so
    for pieces up to the largest that a program has freed so far, 32 MB at most (mallopt(3), M_MMAP_THRESHOLD), as any
    program has that ever freed a tensor of that size.
    """
    torch.empty(31 << 20, dtype=torch.uint8, device="cpu")
