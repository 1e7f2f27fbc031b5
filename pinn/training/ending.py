"""How a run ended, and what a KeyboardInterrupt does to it: the first ends it with its answer, another the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from pinn.solution.outcome import Ending, Outcome
from pinn.training.journal import Journal
from pinn.training.monitor import ValidationMonitor
from pinn.training.stopping import Stop

BROKEN_OFF = Stop("interrupted", Ending.INTERRUPTED, run=True)
T = TypeVar("T")


class RunEnd:
    """The end of a run.

    Args:
        journal: knows the steps.
        monitor: knows the evaluations.

    Attributes:
        outcome: how it ended; None before its end.
        interrupted: whether a KeyboardInterrupt has come, or a callback has ended the run in the place of one.
    """

    def __init__(self, journal: Journal, monitor: ValidationMonitor) -> None:
        self._journal, self._monitor = journal, monitor
        self.outcome: Outcome | None = None
        self.interrupted = False

    def note(self, stops: list[Stop]) -> None:
        """The run has ended by these, what decides first."""
        # A callback may have heard of the interrupt and waited for the end of the step.
        self.interrupted = self.interrupted or stops[0].ending is Ending.INTERRUPTED
        endings = tuple(dict.fromkeys(stop.ending for stop in stops))
        self.outcome = Outcome(stops[0].ending, stops[0].why, self._journal.steps, self._monitor.evaluations, endings)

    def break_off(self) -> None:
        """A first KeyboardInterrupt makes the outcome what it is, whatever it was; another carries on."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        before = self.outcome
        self.note([BROKEN_OFF])
        if before is not None and self.outcome is not None:
            limits = (*self.outcome.limits, *before.limits)
            self.outcome = replace(self.outcome, limits=limits, contributions=before.contributions)

    def after(self, work: Callable[[], T]) -> T | None:
        """Do what follows training; None where a KeyboardInterrupt breaks it off, which the outcome then says."""
        try:
            return work()
        except KeyboardInterrupt:
            self.break_off()
            return None
