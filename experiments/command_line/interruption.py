"""Signals of a run: the first one ends it with the answer so far, a second one ends the program at once.

Ctrl-C, `kill` and a closed terminal (SIGINT, SIGTERM, SIGHUP) end training after the step that they come in, when a
checkpoint is exact, so that no step is repeated when the run goes on. What takes longer than `GRACE` seconds, or is no
step of training, is broken off by a KeyboardInterrupt, on which `pinn.solve` returns the best answer until then. The
library itself installs no handlers; these are installed while a run lasts, and those from before are put back. A signal
that was ignored before, as under `nohup`, stays ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from pinn.solution.outcome import Ending
from pinn.training import Callback, Progress, Stop

GRACE = 5.0
"""Seconds that a step, or what follows it, may take after a signal; where the system has no alarm, none."""

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


_ALARM = getattr(signal, "SIGALRM", None)


class Interruption:
    """Handles signals while its block lasts.

    Attributes:
        signal: the first signal that came; None where none did.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._held = self._patient = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # no other can
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
            if _ALARM is not None:
                self._before[_ALARM] = signal.signal(_ALARM, self._late)
        return self

    def __exit__(self, *ended: object) -> None:
        self._wait_no_more()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def code(self) -> int:
        """The exit code that says which signal came: 130 for SIGINT, 143 for SIGTERM; 130 where none did."""
        return 128 + (signal.SIGINT if self.signal is None else self.signal)

    @property
    def name(self) -> str:
        """The signal's name, for people."""
        return "an interrupt" if self.signal is None else self.signal.name

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """While the block lasts a first signal is noted and nothing more: what was computed is being written."""
        self._held = True
        self._wait_no_more()
        try:
            yield
        finally:
            self._held = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.signal = signal.Signals(number)
        if self._patient and _ALARM is not None:
            signal.setitimer(signal.ITIMER_REAL, GRACE)
        elif not self._held:
            raise KeyboardInterrupt

    def _late(self, number: int, frame: FrameType | None) -> None:
        if self._patient:
            raise KeyboardInterrupt

    # -- steps of training ----------------------------------------------------------------------------------------

    def first(self) -> Callback:
        """What is to be called before all other callbacks: what comes after the last step is no step."""
        return _Ends(self._wait_no_more)

    def last(self) -> Callback:
        """What is to be called after all other callbacks: it ends the run after a step in which a signal came."""
        return _AfterSteps(self._after_step)

    def _after_step(self) -> Stop | None:
        if self.signal is not None:
            return Stop("interrupted", Ending.INTERRUPTED, run=True)
        self._patient = True
        return None

    def _wait_no_more(self) -> None:
        if self._patient and _ALARM is not None:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        self._patient = False


class _Ends(Callback):
    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def end(self, progress: Progress) -> None:
        self._end()


class _AfterSteps(Callback):
    def __init__(self, step: Callable[[], Stop | None]) -> None:
        self._step = step

    def step(self, progress: Progress) -> Stop | None:
        return self._step()
