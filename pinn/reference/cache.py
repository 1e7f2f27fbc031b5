"""Arrays that were expensive to compute, kept on disk under a hash of what they were computed from.

One npz file a result: <folder>/<name>-<hash>.npz, hash = SHA-256 of (name, version, parameters) as JSON. A file holds
its own key too, is read without pickle, is written whole or not at all, and is rebuilt when it is missing, damaged or
somebody else's.
"""

from __future__ import annotations

import enum
import hashlib
import json
import logging
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pinn.files import replacing

Arrays = dict[str, NDArray[Any]]

_KEY = "key"
_log = logging.getLogger(__name__)


class Folder(enum.Enum):
    """Folders that are known by what they are for."""

    USER = "the user's cache"


Cache = str | os.PathLike[str] | Folder | None


def user_folder() -> Path:
    """The user's cache folder: $XDG_CACHE_HOME/pinn, or ~/.cache/pinn.

    The variable counts only where it is an absolute path, as the XDG base directory specification asks.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given and Path(given).is_absolute() else Path.home() / ".cache"
    return base / "pinn"


def cached(
    name: str,
    parameters: Mapping[str, Any],
    build: Callable[[], Arrays],
    *,
    version: int,
    cache: Cache = Folder.USER,
) -> Arrays:
    """The arrays that `build` computes, from the cache where they lie there.

    Args:
        name: of the result, the beginning of its file's name.
        parameters: all that the result depends on: numbers, strings and lists of them.
        build: computes the arrays; none may be of objects.
        version: of the algorithm; raise it when results change.
        cache: a folder, `Folder.USER` for the user's cache folder, or None to compute without one.

    Returns:
        Arrays by name.

    Raises:
        TypeError: for parameters that JSON cannot hold.

    Example:
        >>> cached("squares", {"n": 3}, lambda: {"n2": np.arange(3) ** 2}, version=1, cache=None)
        {'n2': array([0, 1, 4])}
    """
    if cache is None:
        return build()
    key = json.dumps({"name": name, "version": version, "parameters": dict(parameters)}, sort_keys=True)
    folder = user_folder() if isinstance(cache, Folder) else Path(cache).expanduser()
    path = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    found = _read(path, key)
    if found is not None:
        return found
    _log.info("computing the reference %s; kept in %s", name, path)
    arrays = build()
    _write(path, key, arrays)
    return arrays


def _read(path: Path, key: str) -> Arrays | None:
    """The arrays of a file, or None where it is missing, damaged or holds another result."""
    try:
        # Opened here, since numpy leaves its own handle open where the archive turns out to be damaged.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        _log.info("%s cannot be read (%s); computing it again", path, error)
        return None
    if str(arrays.pop(_KEY, "")) != key:
        _log.info("%s holds another result; computing it again", path)
        return None
    return arrays


def _write(path: Path, key: str, arrays: Arrays) -> None:
    """Write the file whole; a folder that cannot be written costs time at the next run, and no result."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            contents: dict[str, Any] = {_KEY: np.array(key), **arrays}
            np.savez(temporary, **contents)
    except OSError as error:
        _log.info("%s cannot be written (%s); the reference will be computed again next time", path, error)
