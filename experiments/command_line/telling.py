"""What a command line only asks to be told: help, and what a shell wants for completion. Torch is not loaded for it."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .completion import answer
from .errors import ConfigurationError
from .help_text import help_text

_HELP = ("--help", "-h")
_COMPLETION = ("--shell-completion", "-sc")


def told(arguments: Sequence[str]) -> bool:
    """Print the help text, the version or an answer about completion, where that is what is asked for.

    Args:
        arguments: the command line without the program.

    Returns:
        Whether it was.

    Raises:
        SystemExit: with code 2, for an answer that no shell asks for.
    """
    if any(flag in arguments for flag in _HELP):
        folders = [Path(two) for one, two in itertools.pairwise(arguments) if one in ("--config-dir", "-cd")]
        _print(help_text([one for one in arguments if not one.startswith("-")], folders) + "\n")
        return True
    if "--version" in arguments:
        _print(f"pinn {version_here()}\n")
        return True
    if any(flag in arguments for flag in _COMPLETION):
        try:
            _print(answer([one for one in arguments if one not in _COMPLETION]))
        except ConfigurationError as error:
            sys.stderr.write(f"error: {error}\n")
            raise SystemExit(2) from None
        return True
    return False


def version_here() -> str:
    """The version of this package, or that it is a checkout that was never installed."""
    try:
        return version("pinn")
    except PackageNotFoundError:
        return "checkout"


def _print(text: str) -> None:
    """Print, as far as whoever reads it wants to read: `pinn --help | head` is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # so that the end of Python finds no error either
