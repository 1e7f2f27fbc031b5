"""Processes of the derivative benchmark that end as the system ends them when memory runs out, by themselves."""

import os
import signal
from dataclasses import dataclass


def ended(*arguments):
    """In the place of a measurement: the process that makes it is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class EndingWork:
    """`derivative_tasks.work`, but the process of one group is killed where it would answer first.

    A module of its own, which a new process loads without the tests.
    """

    ends: str

    def __call__(self, pipe, group, place):
        from experiments.benchmarks.derivative_tasks import work

        if group == self.ends:
            pipe.recv()
            ended()
        work(pipe, group, place)
