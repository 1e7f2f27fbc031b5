"""From the command line to Hydra: every option can be set without a prefix, and is checked before anything starts.

Configuration files name what they choose and nothing else, since a default belongs to the constructor that has it. So
`problem.nu=0.02` sets a key that no file holds, which Hydra wants written `++problem.nu=0.02`; that is done here. The
configuration is then composed and checked, each value of a sweep once, before Hydra makes a folder or starts a job.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from .configuration import ConfigurationError, check, choose

CONF = Path(__file__).resolve().parents[2] / "conf"


def prepare(config_name: str, function: Callable[..., Any], apart: Mapping[str, type] | None = None) -> None:
    """Rewrite `sys.argv` for Hydra and check what it asks for; ends the program with code 2 if that makes no sense.

    Args:
        config_name: the application's root configuration.
        function: what the application calls with it.
        apart: options of the application itself, which the function does not have, and the types of their values.
    """
    with clean_exit():
        arguments = words(sys.argv[1:])
        folders = [CONF, *([Path(arguments.config_dir).resolve()] if arguments.config_dir else [])]
        overrides = _parsed(arguments.overrides, folders)
        flags = [argument for argument in sys.argv[1:] if argument not in arguments.overrides]
        sys.argv[1:] = [*flags, *(override.input_line or "" for override in overrides)]
        if arguments.only_tells:
            return
        for lines in _variants([override for override in overrides if not _is_hydra(override)]):
            call = plain(_composed(config_name, lines, folders[1:]))
            for name, kind in (apart or {}).items():
                if not isinstance(call.pop(name, kind()), kind):
                    raise ConfigurationError(f"{name}: expected {kind.__name__}; give {name}=true or leave it out")
            check(function, call)


@dataclass(frozen=True)
class Words:
    """What stands on the command line.

    Attributes:
        overrides: those of the configuration, in order.
        config_dir: the user's own folder of configurations, where one is given.
        only_tells: True where a text is asked for and nothing is to run.
    """

    overrides: tuple[str, ...]
    config_dir: str | None
    only_tells: bool


def words(arguments: Sequence[str]) -> Words:
    """Tell Hydra's flags and their values from overrides; the flags are those of Hydra 1.3's documentation."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("overrides", nargs="*")
    for flags in (("--help", "-h"), ("--hydra-help",), ("--version",), ("--shell-completion", "-sc")):
        parser.add_argument(*flags, dest="only_tells", action="store_true")
    for flags in (("--resolve",), ("--run", "-r"), ("--multirun", "-m")):
        parser.add_argument(*flags, action="store_true")
    for flags in (("--cfg", "-c"), ("--package", "-p"), ("--config-path", "-cp"), ("--config-name", "-cn")):
        parser.add_argument(*flags)
    for flags in (("--config-dir", "-cd"), ("--experimental-rerun",)):
        parser.add_argument(*flags)
    parser.add_argument("--info", "-i", nargs="?")
    found = parser.parse_intermixed_args(list(arguments))
    return Words(tuple(found.overrides), found.config_dir, found.only_tells)


@contextlib.contextmanager
def clean_exit() -> Iterator[None]:
    """Turn an error that the user can mend into one message and exit code 2; HYDRA_FULL_ERROR=1 shows where."""
    try:
        yield
    except (ValueError, TypeError, HydraException, OmegaConfBaseException) as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        hint = "" if isinstance(error, ConfigurationError) else "\n(HYDRA_FULL_ERROR=1 shows where)"
        sys.stderr.write(f"error: {error}{hint}\n")
        raise SystemExit(2) from None


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved configuration as plain containers, without the groups that were left to the program."""
    content = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items() if value not in ({}, None)}


def groups(folders: list[Path]) -> dict[str, set[str]]:
    """The choices of each group."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in folder.rglob("*.yaml"):
            if path.parent != folder:
                found.setdefault(path.parent.relative_to(folder).as_posix(), set()).add(path.stem)
    return found


def _is_hydra(override: Override) -> bool:
    return override.key_or_group.split(".")[0].split("/")[0] == "hydra"


def _parsed(lines: Sequence[str], folders: list[Path]) -> list[Override]:
    """Parse overrides, check the choices of groups, and mark every other one as to be set or added."""
    known = groups(folders)
    parser = OverridesParser.create()
    overrides = []
    for line in lines:
        if "=" not in line and not line.startswith("~"):
            raise ConfigurationError(f"{line!r}: expected key=value, such as problem=burgers or seconds=20")
        try:
            override = parser.parse_override(line)
        except HydraException as error:
            raise ConfigurationError(f"{line!r} cannot be read: {error}") from None
        key = override.key_or_group
        if key in known and override.package is None:
            for value in _values(override):
                if isinstance(value, str) and value not in known[key]:
                    raise ConfigurationError(f"{key}={value}: no such choice; {choose(value, known[key])}")
        elif not _is_hydra(override) and not line.startswith(("+", "~")) and "/" not in key:
            override = parser.parse_override("++" + line)
        overrides.append(override)
    return overrides


def _values(override: Override) -> list[Any]:
    """The value, or those of a sweep, as the command line writes them."""
    if override.is_sweep_override():
        return list(override.sweep_string_iterator())
    return [override.value()]


def _variants(overrides: list[Override]) -> Iterator[list[str]]:
    """Command lines that together show every value of every sweep: the first of each, then one changed at a time."""
    sweeps = {index: list(o.sweep_string_iterator()) for index, o in enumerate(overrides) if o.is_sweep_override()}
    prefixes = [o.input_line.split("=", 1)[0] if o.input_line else "" for o in overrides]
    first = [
        f"{prefixes[index]}={sweeps[index][0]}" if index in sweeps else (override.input_line or "")
        for index, override in enumerate(overrides)
    ]
    yield first
    for index, values in sweeps.items():
        for value in values[1:]:
            yield [*first[:index], f"{prefixes[index]}={value}", *first[index + 1 :]]


def _composed(config_name: str, lines: list[str], more: list[Path]) -> DictConfig:
    search = [f"hydra.searchpath=[{','.join(f'file://{folder}' for folder in more)}]"] if more else []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(config_name, overrides=[*lines, *search])
