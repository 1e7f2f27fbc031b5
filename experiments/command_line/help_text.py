"""`pinn --help`: every group, every choice, every option with its default and meaning, from the sources' docstrings."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

from . import catalogue
from .catalogue import CONF, Call
from .sources import Option

_COLUMN = 34  # where meanings begin
_USAGE = """\
Differential equations, forward and inverse, solved with neural networks.

usage:
  pinn problem=burgers seconds=20 network=mlp network.width=30     solve; every run has a folder of its own
  pinn -m problem=poisson_2d,heat_1d seed=0,1                      a sweep: one run a combination
  pinn problems                                                    the problems of the library, a line each
  pinn show problem=burgers                                        equation, conditions, reference, a picture
  pinn new my_problem                                              a file of your own to begin with
  pinn compare RUN RUN ...                                         runs beside each other: a table and a picture
  pinn study network.width=range(4,41,4) study.trials=20           a search by Optuna: what is best within ranges
  pinn --help network=mlp                                          the options of one choice
  pinn --cfg job problem=burgers                                   the configuration, and stop
  eval "$(pinn -sc install=bash)"                                  completion; also zsh, and fish with `| source`

`python -m experiments` is the same where nothing is installed. Values with brackets, spaces or $ want quotes."""


def help_text(words: Sequence[str] = (), more: Sequence[Path] = ()) -> str:
    """The help, whole or of what is named.

    Args:
        words: groups or choices, such as "network" or "optimizer=torch"; empty for everything.
        more: folders of configurations beside the package's own.
    """
    folders = [CONF, *more]
    known = catalogue.groups(folders)
    asked = [word.split("=", 1) for word in words if word.split("=", 1)[0] in known]
    names = dict(word.split("=", 1) for word in words if word.startswith("optimizer.name="))
    if asked:
        return "\n\n".join(
            _group(folders, group, known[group], choice[0] if choice else None, names.get("optimizer.name"))
            for group, *choice in asked
        )
    parts = [_USAGE, _listed("Options of a run, name=value:", "", catalogue.options_of_solve())]
    first = [name for name in catalogue.chosen_by_default() if name in known]
    parts += [_group(folders, group, known[group]) for group in [*first, *sorted(set(known) - set(first))]]
    return "\n\n".join(parts)


def _group(
    folders: Sequence[Path], group: str, choices: set[str], choice: str | None = None, name: str | None = None
) -> str:
    """One group: what it is for, its choices, and the options of each, or of one."""
    default = catalogue.chosen_by_default().get(group)
    listed = ", ".join(f"{one} (default)" if one == default else one for one in sorted(choices))
    meaning = catalogue.meaning_of_group(group)
    lines = [_wrapped(f"{group}=...  {meaning}".rstrip(), ""), _wrapped(listed, "  ")]
    for one in sorted(choices) if choice is None else [choice]:
        found = catalogue.calls(folders, group, one, name)
        for call in found:
            own = call is found[0]
            title = f"{group}={one}: {call.callee.summary}" if own else f"{call.path}: {_of(call)}"
            lines.append(_listed(title, f"{call.path}.", call.options))
    return "\n".join(lines)


def _of(call: Call) -> str:
    return f"{call.callee.name.rpartition('.')[2]}. {call.callee.summary}"


def _listed(title: str, prefix: str, options: Sequence[Option]) -> str:
    lines = [_wrapped(title, "  " if prefix else "")]
    for option in options:
        head = f"{'    ' if prefix else '  '}{prefix}{option.name}={option.default}"
        body = textwrap.wrap(option.meaning, _width() - _COLUMN) or [""]
        if len(head) < _COLUMN - 1:
            head, body = head.ljust(_COLUMN) + body[0], body[1:]
        lines += [head.rstrip(), *(f"{' ' * _COLUMN}{line}" for line in body if line)]
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, _width(), initial_indent=indent, subsequent_indent=indent + "  ")


def _width() -> int:
    return max(80, min(shutil.get_terminal_size((120, 24)).columns, 120))
