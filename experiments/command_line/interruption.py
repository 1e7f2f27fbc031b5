"""Signals of a run: the first one ends it with the answer so far, a second one ends the program at once.

Ctrl-C, `kill` and a closed terminal (SIGINT, SIGTERM, SIGHUP) become a KeyboardInterrupt, on which `pinn.solve` returns
the best answer until then. The library itself installs no handlers; these are installed while a run lasts, and those
from before are put back. A signal that was ignored before, as under `nohup`, stays ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interruption:
    """Handles signals while its block lasts.

    Attributes:
        signal: the first signal that came; None where none did.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # no other can
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *ended: object) -> None:
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
        if not self._held:
            raise KeyboardInterrupt
