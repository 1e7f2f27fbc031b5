"""Torch's settings around a run: its own while it lasts, the caller's afterwards, also when it raises.

A caller may have gradients or threads switched off, another default precision or device. A run gives the same bits
under all of them, so it sets what it depends on. It does not touch what it does not depend on: states of random
generators, deterministic algorithms, warnings.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread for all kernels: torch's own, and those of NumPy and SciPy.

    `threadpool_limits` sees the libraries that NumPy and SciPy brought, but neither the BLAS that is linked into torch
    (with torch at two threads a run of one used 621 + 510 ticks of two threads in place of 247) nor what torch does
    at the first parallel call of a Python thread; only `torch.set_num_threads` does.
    """
    before = torch.get_num_threads()
    importlib.import_module("scipy.linalg")  # the limit holds for the libraries that are loaded when it is set
    with threadpool_limits(limits=1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """The precision of numbers that are not said to have another, such as `torch.tensor(0.5)` in an equation."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def plain_tensors() -> Iterator[None]:
    """Gradients on, inference mode off, and the CPU where no device is named."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # it costs a little at every call of torch
            stack.enter_context(torch.device("cpu"))
        yield


@contextmanager
def own_settings(dtype: torch.dtype) -> Iterator[None]:
    """What a run depends on: gradients on, inference mode off, one thread, its own precision, the CPU as default.

    Args:
        dtype: of the run.

    Example:
        >>> with torch.no_grad(), own_settings(torch.float64):
        ...     torch.is_grad_enabled(), torch.get_default_dtype()
        (True, torch.float64)
    """
    with plain_tensors(), single_thread(), default_dtype(dtype):
        yield
