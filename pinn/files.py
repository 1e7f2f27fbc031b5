"""Files that are either the old one or the new one, never half of either.

A file is written beside its final place and moved there by `os.replace`, which POSIX makes atomic on one file system.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path of the same suffix beside `path`, which takes its place when the block ends without an error.

    Args:
        path: the file to be written; its folder must exist.

    Raises:
        FileNotFoundError: when the folder does not exist.

    Example:
        >>> with replacing("table.csv") as temporary:  # doctest: +SKIP
        ...     temporary.write_text("x,y")
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist; create it first")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
