"""What can be chosen and set, as files and sources say it: groups, their choices, and the options of each.

Light to load: neither torch nor Hydra is imported, so that help and completion answer at once.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .sources import Callee, Option, callee, public_classes, summary_of

CONF = Path(__file__).resolve().parents[2] / "conf"
SOLVE = "pinn.solver.solve"

APPLICATION = (
    Option(
        "write",
        "[]",
        "files beside those of every run, such as [vtk,{animation:{frames:100}}]; vtk takes places and at, animation "
        "over, output, frames, fps, at and format, netcdf places, csv points",
        "list",
    ),
    Option("strict", "false", "end with code 3 unless the answer is trusted; --strict says the same", "bool"),
    Option("trusted", "[]", "modules of your own whose code a configuration may run, such as [mine]", "list"),
)
"""Options of the train application that are none of `solve`."""

GIVEN = ("ranks",)
"""Options of `solve` that the application gives itself: ranks are those that torchrun starts."""

WRITTEN = ("vtk", "animation", "netcdf", "csv", "program")
"""What `write` may list; see `experiments.command_line.writing`."""

_NAMED = "torch.optim.${.name}"


@dataclass(frozen=True)
class Call:
    """A call within a choice.

    Args:
        path: where its options stand, such as "sampling.inner".
        callee: what is called.
        given: what the file sets.
    """

    path: str
    callee: Callee
    given: Mapping[str, Any]

    @property
    def options(self) -> tuple[Option, ...]:
        """What can be set, those that the file sets with its values; calls within are listed by themselves."""
        short = summary_of if self.callee.name.startswith("torch.") else str  # torch's are long
        found = [
            Option(
                option.name, _written(self.given.get(option.name, option.default)), short(option.meaning), option.kind
            )
            for option in self.callee.settable
            if not isinstance(self.given.get(option.name), dict)
        ]
        if self.named:
            known = ", ".join(torch_optimizers())
            found = [Option("name", str(self.given["name"]), f"class of torch.optim: {known}", "str"), *found]
        return tuple(found)

    @property
    def named(self) -> bool:
        """True where the file leaves open which class of torch.optim it is."""
        return self.given.get("_target_") == _NAMED


def groups(folders: Sequence[Path]) -> dict[str, set[str]]:
    """The choices of each group; one in a folder of its own within the group is named with it, as "gallery/solovev"."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in folder.rglob("*.yaml"):
            group, *within = path.relative_to(folder).with_suffix("").parts
            if within:
                found.setdefault(group, set()).add("/".join(within))
    return found


def chosen_by_default() -> dict[str, str]:
    """The choice of each group where nothing is said."""
    listed = _read(CONF / "config.yaml").get("defaults", [])
    return {group: choice for entry in listed if isinstance(entry, dict) for group, choice in entry.items() if choice}


def calls(folders: Sequence[Path], group: str, choice: str, name: str | None = None) -> list[Call]:
    """The calls that a choice stands for: its own, and those within it.

    Args:
        folders: of configurations.
        group: such as "network".
        choice: such as "mlp".
        name: of the class of torch.optim, where the file leaves that open.
    """
    file = next((path for folder in folders if (path := folder / group / f"{choice}.yaml").is_file()), None)
    content = {} if file is None else _read(file)
    root = group if file is None else package_of(file, group)
    if name and content.get("_target_") == _NAMED:
        content = {**content, "name": name}
    return list(_within(root, content))


def package_of(file: Path, group: str) -> str:
    """Where a file of a group stands in the configuration: under the group's name, or where its first line says."""
    found = re.match(r"# @package (\S+)", file.read_text(encoding="utf-8"))
    return group if found is None else found[1].replace("_global_", "")


def torch_optimizers() -> tuple[str, ...]:
    """The classes of torch.optim."""
    return tuple(name for name in public_classes("torch.optim") if name != "Optimizer")


def _within(path: str, content: Mapping[str, Any]) -> Iterator[Call]:
    dotted = content.get("_target_")
    if isinstance(dotted, str):
        found = callee(dotted.replace("${.name}", str(content.get("name"))))
        if found is not None:
            yield Call(path, found, content)
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _within(f"{path}.{key}".lstrip("."), value)


@functools.cache
def _read(path: Path) -> dict[str, Any]:
    """A file of configuration; empty where it cannot be read, which is said when it is used."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _written(value: Any) -> str:
    """A default as one would write it on the command line, where that is another way than Python's."""
    text = str(value)
    words = {"None": "null", "True": "true", "False": "false"}
    if text.startswith("(") and text.endswith(")"):
        return f"[{text[1:-1].rstrip(',')}]"
    quoted = re.fullmatch(r"(['\"])([^'\"]*)\1", text)
    return words.get(text, quoted[2] if quoted else text)


def options_of_solve() -> tuple[Option, ...]:
    """The options of `solve` that are no groups, and those of the application, with the meaning of each."""
    found = callee(SOLVE)
    assert found is not None
    grouped = groups([CONF])
    own = [
        Option(option.name, _written(option.default), option.meaning, option.kind)
        for option in found.settable
        if option.name not in (*grouped, *GIVEN)
    ]
    return (*own, *APPLICATION)


def meaning_of_group(group: str) -> str:
    """What `solve` says of the argument that a group builds."""
    found = callee(SOLVE)
    return next((option.meaning for option in found.options if option.name == group), "") if found else ""
