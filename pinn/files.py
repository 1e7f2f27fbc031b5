"""Files that are either the old one or the new one, never half of either, also after the power was cut.

A file is written beside its final place, flushed to the disk, and moved there by `os.replace`, which POSIX makes atomic
on one file system; then the folder, which holds the name, is flushed too (Pillai et al., All file systems are not
created equal, OSDI 2014, sec. 2). What is no regular file, such as a device, a pipe or a link, is refused: moving
another file to its place would destroy it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_LONGEST = 40  # characters of a file's name that its temporary neighbour shows, within what a file system allows


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path of the same suffix beside `path`, which takes its place when the block ends without an error.

    Args:
        path: the file to be written, a new one or a regular one; its folder must exist.

    Raises:
        FileNotFoundError: when the folder does not exist.
        OSError: naming `path`, when it is no regular file or cannot be written, the disk is full, or the folder goes
            away meanwhile. What was there before is left as it was.

    Example:
        >>> with replacing("table.csv") as temporary:  # doctest: +SKIP
        ...     temporary.write_text("x,y")
    """
    path = Path(path)
    _require_regular(path)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:_LONGEST]}-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        _flush(temporary)
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except OSError as error:
        if _is_about_another(error, temporary, path):
            raise
        raise OSError(error.errno, f"{error.strerror}; not written", str(path)) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):  # moved to its place, or gone with its folder
                temporary.unlink()


def _require_regular(path: Path) -> None:
    """Refuse what cannot be replaced by a file without destroying something else."""
    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist; create it first")
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        if path.parent.is_dir():
            return
        raise
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "no regular file")
        raise OSError(errno.EINVAL, f"{kind}, expected a new file or a regular one; give another path", str(path))


def _is_about_another(error: OSError, temporary: Path | None, path: Path) -> bool:
    """Whether an error names a file that has nothing to do with writing `path`, or is not from the system."""
    if error.errno is None:
        return True
    named = {str(name) for name in (error.filename, error.filename2) if name is not None}
    # What is raised before there is a temporary file names one that was tried.
    return bool(named) and temporary is not None and not named & {str(temporary), str(path), str(path.parent)}


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(path: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return  # a system on which folders cannot be opened
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that has no need of it
            raise
    finally:
        os.close(handle)
