"""A folder that one process at a time works in: a lock file that names its holder, and is void when that has died.

The system holds the lock (`flock`) and lets go of it when the process ends, however it ends; the file says who it was:
host, process and time. A file that names a process of another host counts as held, since a shared file system may not
tell of locks that other machines hold. Where the system has no such locks (Windows), the file alone decides.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = ".running"


@dataclass(frozen=True)
class Holder:
    """Who holds a folder.

    Attributes:
        host: name of the machine.
        process: its number there.
        since: date and time, UTC.
    """

    host: str
    process: int
    since: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since} UTC"


class Locked(ValueError):
    """Another process works in the folder."""


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[Holder | None]:
    """Hold the folder while the block lasts; yields who died in it without letting go, None where nobody did.

    Args:
        folder: an existing one.

    Raises:
        Locked: when another process holds it; it says which, and what to do.
        OSError: when the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name, locked_folder(Path(name)) as died:
        ...     died is None
        True
    """
    path = folder / NAME
    handle = _opened(path)
    before = _read(handle)
    here = socket.gethostname()
    if before is not None and (before.host != here or fcntl is None):
        os.close(handle)
        raise Locked(_refusal(folder, before, f"; if it has ended, delete {path}"))
    me = Holder(here, os.getpid(), time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()))
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, (json.dumps(asdict(me)) + "\n").encode(), 0)
        yield before
    finally:
        with contextlib.suppress(OSError):  # the folder may be gone by now
            if os.stat(path).st_ino == os.fstat(handle).st_ino:
                path.unlink()
        os.close(handle)


def _opened(path: Path) -> int:
    """The lock file, open and held."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if fcntl is None:
            return handle
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(handle)
            os.close(handle)
            raise Locked(_refusal(path.parent, holder, "")) from None
        with contextlib.suppress(FileNotFoundError):
            if os.stat(path).st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)  # its holder let go, and deleted it, between the two calls


def _read(handle: int) -> Holder | None:
    """Who the file names; None where it names nobody."""
    try:
        content = json.loads(os.pread(handle, 4096, 0))
        return Holder(str(content["host"]), int(content["process"]), str(content["since"]))
    except (ValueError, KeyError, TypeError):
        return None


def _refusal(folder: Path, holder: Holder | None, more: str) -> str:
    who = "another process" if holder is None else str(holder)
    return f"{folder}: in use by {who}; wait for its end, or choose another folder{more}"
