"""Which names a configuration may call: a `_target_` runs code, and what is not trusted is not even imported.

Trusted are the constructors of `pinn`, `torch.nn` and `torch.optim`, the elementary functions of `torch`
(`torch.sin`), the problems of this package's own benchmarks, what the user lists on the command line,

    python -m experiments.train problem._target_=mine.heat trusted=[mine]

and a module `trusted` in the working folder. A file of configurations cannot trust anything: whoever sent it would
trust their own code. A trusted name leads to what is at home under it: `pinn.files.os.system` is a name under `pinn`,
but the function is at home elsewhere, and is refused.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ConfigurationError
from .names import near

LIBRARIES = ("pinn", "torch.nn", "torch.optim")
_PACKAGE = (__package__ or "").rpartition(".")[0]
_OWN = (f"{_PACKAGE}.benchmarks.field", f"{_PACKAGE}.benchmarks.difficulty", f"{_PACKAGE}.benchmark_optimizers.cosine")
OF_WORKING_FOLDER = "trusted"
"""The module in the working folder that is trusted for its name."""


@dataclass(frozen=True)
class Trust:
    """What may be called.

    Args:
        names: dotted names of modules, classes or functions beside those of the libraries; all under them is trusted.

    Raises:
        ConfigurationError: for what is no dotted name.

    Example:
        >>> Trust(("mine",)).allows("mine.heat"), Trust().allows("os.system"), Trust().allows("torch.nn.SiLU")
        (True, False, True)
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.names:
            if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
                raise ConfigurationError(
                    f"trusted: got {name!r}, expected dotted names of modules, classes or functions; "
                    "give such as trusted=[mine]"
                )

    def allows(self, name: str) -> bool:
        """Whether a dotted name may be looked up."""
        return self._listed(name) or _of_libraries(name) or _elementary(name) or _in_working_folder(name)

    def locate(self, name: str) -> Any:
        """What a dotted name stands for; its module is imported only where the name is trusted.

        An attribute comes before a submodule of the same name, as in Python's import.

        Raises:
            ConfigurationError: when the name is not trusted, its import fails, or there is nothing of that name.
        """
        if _missing_in_torch(name):
            like = near(name.rpartition(".")[2], dir(importlib.import_module("torch")))
            raise ConfigurationError(f"{name!r} cannot be found (there is no {name}{like and f'; {like}'})")
        if not self.allows(name):
            raise ConfigurationError(
                f"{name!r} is not trusted and was not imported; a configuration is code: where this is your own, "
                f"add trusted=[{name.split('.')[0]}] to the command line"
            )
        free = self._listed(name) or _elementary(name) or _in_working_folder(name)
        head, *rest = name.split(".")
        within: Any = None
        found: Any = _imported(head, name)
        for index, part in enumerate(rest, start=1):
            path = ".".join([head, *rest[:index]])
            if hasattr(found, "__path__") and not hasattr(found, part) and importlib.util.find_spec(path) is not None:
                _imported(path, name)
            if not hasattr(found, part):
                like = near(part, (one for one in dir(found) if not one.startswith("_")))
                raise ConfigurationError(f"{name!r} cannot be found (there is no {path}{like and f'; {like}'})")
            within, found = found, getattr(found, part)
            if not free and path != "torch" and not _at_home(found, within):
                raise ConfigurationError(
                    f"{name!r} leads to code of another library ({path}), which is not trusted and not called"
                )
        return found

    def _listed(self, name: str) -> bool:
        return any(_under(name, listed) for listed in self.names)


def _under(name: str, root: str) -> bool:
    return name == root or name.startswith(root + ".")


def _of_libraries(name: str) -> bool:
    """A public name of the libraries, but none of this application, which can start programs and write files."""
    if any(part.startswith("_") for part in name.split(".")):
        return False
    if any(_under(name, own) for own in _OWN):
        return True
    return any(_under(name, library) for library in LIBRARIES) and not _under(name, "pinn.experiments")


def _elementary(name: str) -> bool:
    """`torch.sin`, `torch.tanh` and the like, which are compiled; loaders and compilers of torch are not."""
    head, _, last = name.rpartition(".")
    if head != "torch" or last.startswith("_"):
        return False
    return inspect.isbuiltin(getattr(importlib.import_module("torch"), last, None))


def _missing_in_torch(name: str) -> bool:
    head, _, last = name.rpartition(".")
    return head == "torch" and not hasattr(importlib.import_module(head), last)


def _in_working_folder(name: str) -> bool:
    folder = Path.cwd()
    here = (folder / f"{OF_WORKING_FOLDER}.py").is_file() or (folder / OF_WORKING_FOLDER / "__init__.py").is_file()
    return here and _under(name, OF_WORKING_FOLDER)


def _at_home(found: Any, within: Any) -> bool:
    """Whether what was found belongs to the libraries, and not to what one of their modules happens to import."""
    if isinstance(found, types.ModuleType):
        return _trusted_home(found.__name__)
    home = getattr(found, "__module__", None)
    if not isinstance(home, str):  # a compiled function
        return isinstance(within, types.ModuleType) and _trusted_home(within.__name__)
    return _trusted_home(home)


def _trusted_home(module: str) -> bool:
    """Whether a module is one of the libraries, or leads to what is trusted of this package."""
    own = any(_under(module, one) or _under(one, module) for one in _OWN)
    return own or (_of_libraries(module.replace("._", ".")) or module == "torch._C._nn")


def _imported(module: str, name: str) -> types.ModuleType:
    with _Told(f"{name!r} cannot be found: the import of {module}"):
        return importlib.import_module(module)


class _Told:
    """Says in one line how the import of a user's code ended, whatever it raised."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SystemExit):
            raise ConfigurationError(f"{self.what} ends the program (SystemExit: {error.code})") from error
        if error is not None and not isinstance(error, KeyboardInterrupt):
            raise ConfigurationError(f"{self.what} fails ({type(error).__name__}: {error})") from error


def trusted_callable(name: str, trust: Trust) -> Callable[..., Any] | None:
    """The function of a dotted name; None where the name is not dotted, or leads to nothing that can be called.

    Raises:
        ConfigurationError: when it is not trusted.
    """
    if "." not in name or not all(part.isidentifier() for part in name.split(".")):
        return None
    found = trust.locate(name)
    return found if callable(found) else None


def as_trust(listed: object) -> Trust:
    """Trust in what a configuration lists.

    Raises:
        ConfigurationError: when that is no list of dotted names.
    """
    if listed is None:
        return Trust()
    if not isinstance(listed, list):
        raise ConfigurationError(f"trusted: got {listed!r}, expected a list of dotted names; give trusted=[{listed}]")
    return Trust(tuple(listed))
