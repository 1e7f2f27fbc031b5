"""Processes that each have a part of the points of one run, as `torchrun` starts them.

Example:
    >>> with join() as ranks:  # doctest: +SKIP
    ...     solution = solve(problem, ranks=ranks)
"""

from pinn.ranks.group import ALONE, RankError, Ranks, join
from pinn.ranks.leader import Leader
from pinn.ranks.worker import Worker

__all__ = ["ALONE", "Leader", "RankError", "Ranks", "Worker", "join"]
