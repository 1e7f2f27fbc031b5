"""A run of several ranks, as `torchrun` starts them: rank 0 has the folder, the output and the signals.

The others compute their rows (`pinn.ranks`): they are given a folder that goes away, say nothing but errors of their
own, and end when rank 0 ends. Signals reach rank 0 through `torchrun`, and it ends the run in order.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from pinn.ranks import RankError, Ranks
from pinn.solver import solve

_FAILED = 1
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@contextlib.contextmanager
def aside(ranks: Ranks) -> Iterator[list[str]]:
    """What is added to the command line of a rank: of all but the first, a folder that goes away at the end.

    Args:
        ranks: of the run.
    """
    if ranks.first:
        yield []
        return
    for name in _SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with tempfile.TemporaryDirectory(prefix="pinn-rank-") as folder, open(os.devnull, "w") as nowhere:
        logging.disable(logging.CRITICAL)
        with contextlib.redirect_stdout(nowhere):
            yield [f"hydra.run.dir='{folder}'", f"hydra.sweep.dir='{folder}'"]


def help_rank_0(call: dict[str, Any]) -> None:
    """Compute rows for rank 0 until its run ends.

    Args:
        call: arguments of `solve`, made.

    Raises:
        SystemExit: 1 where the run ends with an error, which rank 0 tells, or its own output where it was killed.
    """
    ranks: Ranks = call["ranks"]
    try:
        solve(**call)
    except RankError as error:
        if ranks.lost:
            sys.stderr.write(f"error: rank {ranks.rank}: {error}\n")
        else:
            _wait(ranks)
        raise SystemExit(_FAILED) from None


def _wait(ranks: Ranks) -> None:
    """Let rank 0 write what it has and say what happened: `torchrun` ends all as soon as one has failed."""
    with contextlib.suppress(RankError):
        ranks.whole(ranks.hear)
