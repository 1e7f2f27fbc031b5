"""Entry of the console script `pinn` and of `python -m experiments`.

    pinn problem=burgers seconds=20     solves
    pinn problems                       and other commands, each an application of this folder
    pinn --help

An application is loaded when it is called, since torch takes its time; help and completion do without.
"""

from __future__ import annotations

import importlib
import os
import sys

from .command_line.catalogue import CONF, groups
from .command_line.completion import COMMANDS
from .command_line.names import choose
from .command_line.telling import told


def main() -> None:
    """Run the command that is named first, or solve."""
    if told(sys.argv[1:]):
        return
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    if first in COMMANDS:
        del sys.argv[1]
        try:
            importlib.import_module(f".{first}", __package__).main()
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read on, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if first.isidentifier():
        known = first in groups([CONF]).get("problem", ())
        cure = (
            f"to solve it, give problem={first}" if known else f"{choose(first, COMMANDS)}; to solve, give problem=..."
        )
        sys.stderr.write(f"error: {first!r} is {'a problem and ' * known}no command; {cure}\n")
        raise SystemExit(2)
    importlib.import_module(".train", __package__).main()


if __name__ == "__main__":
    main()
