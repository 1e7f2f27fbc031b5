"""Processes that a benchmark starts: they end with it, however it ends; nothing is timed beside one left over.

A child leads a process group of its own, which is killed when the benchmark ends by itself or by a signal. Where the
benchmark is killed outright, the system kills the child (Linux, `PR_SET_PDEATHSIG`, which the child asks for itself).
What should be left all the same is found by the variable that its environment carries, since its parent is another now.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..command_line.errors import ConfigurationError
from ..command_line.interruption import Interruption

MARK = "PINN_BENCHMARK_PROCESS"
_PDEATHSIG = 1  # of prctl(2)


class Children:
    """The processes that are running now."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def run(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: str, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """`subprocess.run` of a text process, in a group of its own, all of which is gone when this returns.

        Raises:
            subprocess.TimeoutExpired: when it did not end in time; it is killed.
        """
        process = subprocess.Popen(
            command,
            env={**env, MARK: str(os.getpid())},
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with self._lock:
            self._running.add(process)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            _kill(process)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            with self._lock:
                self._running.discard(process)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def end(self) -> None:
        """Kill all that run, with all that they have started."""
        with self._lock:
            for process in self._running:
                _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
        process.wait()


def end_with_parent() -> None:
    """Called by a child at its start: the system kills it when its parent dies; where it has died already, end now."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    parent = os.environ.get(MARK)
    if parent is not None and os.getppid() != int(parent):
        sys.exit("the benchmark that started this process has ended")


def survivors() -> list[int]:
    """Processes of benchmarks that have ended; none where the system does not tell (no /proc)."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            marks = [one for one in (place / "environ").read_bytes().split(b"\0") if one.startswith(MARK.encode())]
            state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
            if marks and state != "Z" and int(parent) != int(marks[0].partition(b"=")[2]):
                found.append(int(place.name))
    return sorted(found)


def require_no_survivors() -> None:
    """Refuse to time anything beside what an earlier benchmark has left running.

    Raises:
        ConfigurationError: naming the processes.
    """
    found = survivors()
    if found:
        raise ConfigurationError(
            f"processes {', '.join(map(str, found))} of an earlier benchmark still run, and would slow this one; end "
            f"them first: kill -9 {' '.join(map(str, found))}"
        )


@contextlib.contextmanager
def ended_together(children: Children) -> Iterator[None]:
    """A block whose end, by itself, by an error or by a signal, is the end of the children; a signal's code is kept.

    Raises:
        SystemExit: 130 or 143 after a signal.
    """
    with Interruption() as interruption:
        try:
            yield
        except KeyboardInterrupt:
            sys.stderr.write(f"ended by {interruption.name}; what is on file stays, and the rest runs next time\n")
            raise SystemExit(interruption.code) from None
        finally:
            children.end()
