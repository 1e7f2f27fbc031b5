"""The processes of one run: messages from rank 0 to all, and sums from all to rank 0.

    message    rank 0 -> all        plain values and tensors
    sum        all -> rank 0        each rank's part of an answer, over gloo, or NCCL where every rank has a GPU

Rank 0 runs the program; the others wait for its messages (`pinn.ranks.worker`). What is to be whole, a message or the
sums that answer it, is done in a thread of its own, where a KeyboardInterrupt does not come: it is raised when that is
done. A rank that has ended closes its connections, upon which gloo's next operation fails in all others.
"""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")

# Rank 0 may be busy for as long as it likes, with a solve or a picture: what ends the wait is a connection that closes.
_PATIENCE = timedelta(days=30)


class RankError(RuntimeError):
    """Another rank has failed, or is gone."""


class Ranks:
    """The processes of a run, one of which this is.

    Args:
        rank: of this process, 0 for the one that runs the program.
        size: number of processes.
        local: rank among those of this machine, which tells its GPU.
        direct: whether tensors on a GPU are summed there (NCCL), or by way of the CPU.

    Attributes:
        lost: whether another rank is gone, so that nothing can be asked of any.

    Example:
        >>> Ranks(0, 1).first
        True
    """

    def __init__(self, rank: int, size: int, local: int = 0, direct: bool = False) -> None:
        self.rank, self.size, self.local, self.direct = rank, size, local, direct
        self.lost = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pinn-ranks") if size > 1 else None

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which alone writes."""
        return self.rank == 0

    def whole(self, work: Callable[[], T]) -> T:
        """Do what no KeyboardInterrupt may cut in two; it is raised afterwards.

        Raises:
            RankError: when another rank is gone.
        """
        assert self._thread is not None
        done = self._thread.submit(work)
        try:
            return done.result()
        except RankError:
            self.lost = True
            raise
        finally:
            wait([done])

    def tell(self, message: Any) -> None:
        """Rank 0 says something to all others; within `whole`."""
        content = torch.frombuffer(bytearray(pickle.dumps(message, protocol=5)), dtype=torch.uint8)
        _joined(lambda: dist.broadcast(torch.tensor([content.numel()]), 0))
        _joined(lambda: dist.broadcast(content, 0))

    def hear(self) -> Any:
        """What rank 0 says next; another rank waits for it."""
        length = torch.zeros(1, dtype=torch.int64)
        _joined(lambda: dist.broadcast(length, 0))
        content = torch.empty(int(length), dtype=torch.uint8)
        _joined(lambda: dist.broadcast(content, 0))
        return pickle.loads(content.numpy().data)

    def settled(self, well: bool) -> bool:
        """Whether all ranks are well: every one says so, and hears of all; within `whole`."""
        failed = torch.tensor([0 if well else 1])
        _joined(lambda: dist.all_reduce(failed))
        return int(failed) == 0

    def add(self, part: Tensor) -> None:
        """Put the sum over all ranks into rank 0's part, which is contiguous; within `whole`."""
        if part.device.type == "cpu" or self.direct:
            _joined(lambda: dist.reduce(part, 0))
            return
        copy = part.cpu()
        _joined(lambda: dist.reduce(copy, 0))
        part.copy_(copy)

    def gathered(self, said: str) -> list[str]:
        """What every rank says, at rank 0; empty at the others."""
        found: list[Any] | None = [None] * self.size if self.first else None
        _joined(lambda: dist.gather_object(said, found, 0))
        return [] if found is None else found

    def close(self) -> None:
        """Let go of the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)


ALONE = Ranks(0, 1)
"""This process alone."""


@contextlib.contextmanager
def join() -> Iterator[Ranks]:
    """The processes that `torchrun` has started, while the block lasts; this one alone where it has started none.

    Ranks of one machine take its GPUs in turn where there are enough for each; their sums are then NCCL's, else gloo's.

    Raises:
        RankError: when the others cannot be found.

    Example:
        >>> with join() as ranks:  # under torchrun --nproc_per_node=2 one of two
        ...     ranks.size
        1
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "RANK" not in os.environ:
        yield ALONE
        return
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", size))
    direct = torch.cuda.is_available() and torch.cuda.device_count() >= here and dist.is_nccl_available()
    if direct:
        torch.cuda.set_device(local)  # NCCL takes the current one
    _joined(lambda: dist.init_process_group("cpu:gloo,cuda:nccl" if direct else "gloo", timeout=_PATIENCE))
    ranks = Ranks(rank, size, local, direct)
    try:
        yield ranks
    finally:
        ranks.close()
        if not ranks.lost:  # who is gone is not waited for
            dist.destroy_process_group()


def _joined(operation: Callable[[], Any]) -> None:
    """One collective operation; a connection that is closed says that a rank has ended."""
    try:
        operation()
    except RuntimeError as error:
        raise RankError("another rank has ended in the middle of the run; its own output says why") from error
