"""Arrays that were expensive to compute, kept on disk under a hash of what they were computed from.

One npz file a result: <folder>/<name>-<hash>.npz, hash = SHA-256 of (name, source, parameters) as JSON, where source is
the SHA-256 of the text of the modules that compute it: what an edited solver would compute is never read from a file of
the old one's. A file holds its own key too, is read without pickle, is written whole or not at all, and is rebuilt when
it is missing, damaged or somebody else's.
"""

from __future__ import annotations

import enum
import hashlib
import inspect
import json
import logging
import os
import sys
import types
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
    module: str,
    cache: Cache = Folder.USER,
) -> Arrays:
    """The arrays that `build` computes, from the cache where they lie there.

    Args:
        name: of the result, the beginning of its file's name.
        parameters: all that the result depends on: numbers, strings and lists of them.
        build: computes the arrays; none may be of objects.
        module: name of the loaded module that computes them, `__name__` there; its text, and that of the modules of its
            package that it takes functions and classes from, is part of the key.
        cache: a folder, `Folder.USER` for the user's cache folder, or None to compute without one.

    Returns:
        Arrays by name.

    Raises:
        TypeError: for parameters that JSON cannot hold.

    Example:
        >>> cached("squares", {"n": 3}, lambda: {"n2": np.arange(3) ** 2}, module=__name__, cache=None)
        {'n2': array([0, 1, 4])}
    """
    if cache is None:
        return build()
    source = source_hash(module)
    if source is None:
        _log.info("the text of %s is not there, so the reference %s is computed without the cache", module, name)
        return build()
    key = json.dumps({"name": name, "source": source, "parameters": dict(parameters)}, sort_keys=True)
    folder = user_folder() if isinstance(cache, Folder) else Path(cache).expanduser()
    path = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    found = _read(path, key)
    if found is not None:
        return found
    _log.info("computing the reference %s; kept in %s", name, path)
    arrays = build()
    _write(path, key, arrays)
    return arrays


def source_hash(module: str) -> str | None:
    """SHA-256 of the text of a loaded module and, in turn, of those of its package whose functions and classes it uses.

    Args:
        module: dotted name.

    Returns:
        Hexadecimal digits; None where a text is not there, as in an installation of compiled files alone.

    Example:
        >>> len(source_hash("pinn.reference.cache"))
        64
    """
    package = module.rpartition(".")[0] + "."
    texts: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in texts:
            continue
        try:
            texts[name] = inspect.getsource(sys.modules[name])
        except OSError:
            return None
        used = {_home(value) for value in vars(sys.modules[name]).values()}
        waiting += [other for other in used if other.startswith(package) and other in sys.modules]
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


def _home(value: Any) -> str:
    """The module that a value is or was defined in, if it is a module, a function or a class."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    return value.__module__ if isinstance(value, (types.FunctionType, type)) else ""


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
