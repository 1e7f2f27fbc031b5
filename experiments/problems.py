"""The problems of the library, a line each.

    python -m experiments problems          or  pinn problems
    pinn problems --config-dir mine         those of a folder of your own too

Loads neither torch nor Hydra: what a problem is stands in the docstring of its module.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .command_line import catalogue
from .command_line.catalogue import CONF


def problems(folders: Sequence[Path] = (CONF,)) -> dict[str, str]:
    """Name of each problem -> what it is, in a sentence.

    Args:
        folders: of configurations.

    Example:
        >>> problems()["heat_1d"]
        'Heat conduction on a rod whose ends are kept at zero.'
    """
    found = {}
    for name in sorted(catalogue.groups(folders).get("problem", ())):
        calls = catalogue.calls(folders, "problem", name)
        found[name] = "" if not calls else calls[0].callee.about or calls[0].callee.summary
    return found


def main() -> None:
    """Entry of `pinn problems`."""
    parser = argparse.ArgumentParser(prog="pinn problems", description="The problems of the library, a line each.")
    parser.add_argument("--config-dir", "-cd", type=Path, help="a folder of configurations of your own")
    more = parser.parse_args().config_dir
    listed = problems([CONF] if more is None else [CONF, more])
    width = max(len(name) for name in listed)
    for name, what in listed.items():
        print(f"{name:<{width}}  {what}".rstrip())
    print("\nmore of one: pinn show problem=burgers; one of your own: pinn new my_problem")


if __name__ == "__main__":
    main()
