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
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from .annotations import annotations_of, is_sequence
from .catalogue import CONF, groups
from .configuration import ConfigurationError, check, choose
from .trust import Trust, as_trust

_TRUSTED = "trusted"


def prepare(
    config_name: str, function: Callable[..., Any], apart: Mapping[str, Callable[[Any], object]] | None = None
) -> None:
    """Rewrite `sys.argv` for Hydra and check what it asks for; ends the program with code 2 if that makes no sense.

    Where a text is all that is asked for, as with `--cfg job`, nothing is checked that would import what it names.

    Args:
        config_name: the application's root configuration.
        function: what the application calls with it.
        apart: options of the application itself, which the function does not have -> what refuses a value of each.
    """
    with clean_exit():
        arguments = words(sys.argv[1:])
        if arguments.completes:
            raise ConfigurationError("-sc: completion is that of the command pinn; give pinn -sc install=bash")
        folders = _folders(arguments)
        overrides = _parsed(arguments.overrides, folders, function)
        flags = [argument for argument in sys.argv[1:] if argument not in arguments.overrides]
        sys.argv[1:] = [*flags, *(override.input_line or "" for override in overrides)]
        if arguments.only_tells:
            return
        trust = _trusted(overrides)
        for lines in _variants([override for override in overrides if not _is_hydra(override)]):
            call = plain(_composed(config_name, lines, folders[1:]), trust)
            for name in [name for name in apart or {} if name in call]:
                (apart or {})[name](call.pop(name))
            check(function, call, trust=trust)


def flag(name: str) -> Callable[[Any], None]:
    """Refuses what is neither true nor false, as the value of an option of that name."""

    def validate(value: Any) -> None:
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name}: expected bool; give {name}=true or leave it out")

    return validate


def refuse_given(name: str) -> Callable[[Any], None]:
    """Refuses any value of an option that the application gives itself."""

    def refuse(value: Any) -> None:
        raise ConfigurationError(f"{name}: is given by the program, as torchrun starts it; leave {name}={value} out")

    return refuse


def one_call(config_name: str, function: Callable[..., Any], lines: Sequence[str]) -> tuple[dict[str, Any], Trust]:
    """The checked call of a command line that is no sweep, without Hydra's folders and logs.

    Args:
        config_name: the root configuration.
        function: what its options are.
        lines: the command line without the program.

    Raises:
        ConfigurationError: for what makes no sense, a sweep among them.
    """
    arguments = words(lines)
    folders = _folders(arguments)
    overrides = _parsed(arguments.overrides, folders, function)
    swept = next((override for override in overrides if override.is_sweep_override()), None)
    if swept is not None:
        raise ConfigurationError(f"{swept.key_or_group}: expected one value; give one at a time")
    trust = _trusted(overrides)
    call = plain(_composed(config_name, [override.input_line or "" for override in overrides], folders[1:]), trust)
    check(function, call, trust=trust)
    return call, trust


def _folders(arguments: Words) -> list[Path]:
    """The folders of configurations: the package's own, and the user's where one is given."""
    if arguments.config_dir is None:
        return [CONF]
    own = Path(arguments.config_dir).resolve()
    if not own.is_dir():
        raise ConfigurationError(
            f"--config-dir {arguments.config_dir}: there is no such folder; give one that holds YAML files"
        )
    return [CONF, own]


def trust_of_command_line() -> Trust:
    """What the command line of the running job of Hydra trusts."""
    return _trusted(OverridesParser.create().parse_overrides(list(HydraConfig.get().overrides.task)))


def _trusted(overrides: Sequence[Override]) -> Trust:
    """What the command line trusts, and no file does."""
    found = Trust()
    for override in overrides:
        if override.key_or_group == _TRUSTED:
            if override.is_sweep_override():
                raise ConfigurationError("trusted: expected one list for all runs of a sweep; give trusted=[mine]")
            found = as_trust(override.value())
    return found


@dataclass(frozen=True)
class Words:
    """What stands on the command line.

    Attributes:
        overrides: those of the configuration, in order.
        config_dir: the user's own folder of configurations, where one is given.
        only_tells: True where a text is asked for and nothing is to run.
        completes: True where that is for a shell's completion.
    """

    overrides: tuple[str, ...]
    config_dir: str | None
    only_tells: bool
    completes: bool = False


def words(arguments: Sequence[str]) -> Words:
    """Tell Hydra's flags and their values from overrides; the flags are those of Hydra 1.3's documentation."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("overrides", nargs="*")
    for flags in (("--help", "-h"), ("--hydra-help",), ("--version",)):
        parser.add_argument(*flags, dest="only_tells", action="store_true")
    parser.add_argument("--shell-completion", "-sc", dest="completes", action="store_true")
    for flags in (("--resolve",), ("--run", "-r"), ("--multirun", "-m")):
        parser.add_argument(*flags, action="store_true")
    for flags in (("--package", "-p"), ("--config-path", "-cp"), ("--config-name", "-cn")):
        parser.add_argument(*flags)
    for flags in (("--config-dir", "-cd"), ("--experimental-rerun",)):
        parser.add_argument(*flags)
    parser.add_argument("--cfg", "-c", default=None)
    parser.add_argument("--info", "-i", nargs="?", const="all", default=None)
    found = parser.parse_intermixed_args(list(arguments))
    only_tells = found.only_tells or found.cfg is not None or found.info is not None
    return Words(tuple(found.overrides), found.config_dir, only_tells, found.completes)


@contextlib.contextmanager
def clean_exit() -> Iterator[None]:
    """Turn an error that the user can mend into one message and exit code 2; HYDRA_FULL_ERROR=1 shows where."""
    try:
        yield
    except (ValueError, TypeError, ImportError, HydraException, OmegaConfBaseException, YAMLError) as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        hint = "" if _refused(error) else "\n(HYDRA_FULL_ERROR=1 shows where)"
        sys.stderr.write(f"error: {_said(error)}{hint}\n")
        raise SystemExit(2) from None


def _refused(error: Exception) -> bool:
    """Whether this library itself refuses something, which is where it is said; not so of the user's own code."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    last = str(frames[-1].f_globals.get("__name__", "")) if frames else ""
    return isinstance(error, ConfigurationError) or (error.__cause__ is None and last.split(".")[0] == "pinn")


def _said(error: Exception) -> str:
    """An error in one line where it is one of reading a configuration; as it is otherwise."""
    if isinstance(error, OmegaConfBaseException):
        key = f" (at {error.full_key})" if error.full_key else ""
        return f"{str(error).splitlines()[0]}{key}"
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{mark.name}, line {mark.line + 1}: {error.problem}; that is no YAML"
    return str(error)


def plain(config: DictConfig, trust: Trust | None = None) -> dict[str, Any]:
    """The resolved configuration as plain containers, without what the command line trusts and empty groups.

    Args:
        config: of a run.
        trust: what the command line trusts.

    Raises:
        ConfigurationError: when the configuration itself says what is trusted.
    """
    content = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(content, dict)
    if content.pop(_TRUSTED, None) is not None and (trust is None or not trust.names):
        raise ConfigurationError(
            "trusted: a file of configurations cannot trust its own code; give trusted=[...] on the command line"
        )
    return {str(key): value for key, value in content.items() if value != {}}


def _is_hydra(override: Override) -> bool:
    return override.key_or_group.split(".")[0].split("/")[0] == "hydra"


def _parsed(lines: Sequence[str], folders: list[Path], function: Callable[..., Any]) -> list[Override]:
    """Parse overrides, check the choices of groups, and mark every other one as to be set or added."""
    known = groups(folders)
    parser = OverridesParser.create()
    overrides = []
    for line in lines:
        if "=" not in line and not line.startswith("~"):
            raise ConfigurationError(f"{line!r}: expected key=value, such as problem=burgers or seconds=20")
        if "==" in line.split("[")[0].split("'")[0]:
            raise ConfigurationError(f"{line!r}: expected key=value with one =; give {line.replace('==', '=', 1)}")
        try:
            override = parser.parse_override(line)
        except HydraException as error:
            said = " ".join(str(error).split())
            raise ConfigurationError(f"{line!r} cannot be read: {said}; put values with signs in quotes") from None
        override = _listed(override, known, parser)
        key = override.key_or_group
        if key in known and override.package is None and not override.is_delete():
            _check_choice(override, known[key], function)
        elif not _is_hydra(override) and not line.startswith(("+", "~")) and "/" not in key and "@" not in line:
            override = parser.parse_override("++" + line)
        overrides.append(override)
    return overrides


def _listed(override: Override, known: Mapping[str, set[str]], parser: OverridesParser) -> Override:
    """An override with the choices of a group that its pattern `glob(...)` means; another as it is."""
    value, group = override.value(), override.key_or_group
    if not isinstance(value, Glob):
        return override
    found = value.filter(sorted(known.get(group, ())))
    if not found:
        raise ConfigurationError(
            f"{override.input_line}: this is no choice of a group; {choose('', known.get(group, known))}"
        )
    return parser.parse_override(f"{group}={','.join(found)}")


def _check_choice(override: Override, choices: set[str], function: Callable[..., Any]) -> None:
    """Refuse what no file of a group is: an unknown name, nothing, and several where one is wanted."""
    group, hints = override.key_or_group, annotations_of(function)
    for value in _values(override):
        if isinstance(value, list) and group in hints and not is_sequence(hints[group]):
            raise ConfigurationError(
                f"{override.input_line}: expected one choice; to run each, give --multirun "
                f"{group}={','.join(map(str, value))}"
            )
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, str):
                raise ConfigurationError(f"{override.input_line}: no such choice; {choose('', choices)}")
            if one not in choices:
                raise ConfigurationError(f"{group}={one}: no such choice; {choose(one, choices)}")


def _values(override: Override) -> list[Any]:
    """The value, or those of a sweep, as the command line writes them."""
    if override.is_sweep_override():
        return list(override.sweep_string_iterator())
    return [override.value()]


def _variants(overrides: list[Override]) -> Iterator[list[str]]:
    """Command lines that together show every value of every sweep: the first of each, then one changed at a time."""
    sweeps = {index: _swept(o) for index, o in enumerate(overrides) if o.is_sweep_override()}
    prefixes = [o.input_line.split("=", 1)[0] if o.input_line else "" for o in overrides]
    first = [
        f"{prefixes[index]}={sweeps[index][0]}" if index in sweeps else (override.input_line or "")
        for index, override in enumerate(overrides)
    ]
    yield first
    for index, values in sweeps.items():
        for value in values[1:]:
            yield [*first[:index], f"{prefixes[index]}={value}", *first[index + 1 :]]


def _swept(override: Override) -> list[str]:
    """The values of a sweep; of an interval, which has no others to name, its ends."""
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [str(value.start), str(value.end)]
    return list(override.sweep_string_iterator())


def _composed(config_name: str, lines: list[str], more: list[Path]) -> DictConfig:
    search = [f"hydra.searchpath=[{','.join(f'file://{folder}' for folder in more)}]"] if more else []
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(config_name, overrides=[*lines, *search])
