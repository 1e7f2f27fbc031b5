"""A configuration is a call written down: checked against the constructors' signatures, then made.

A mapping with `_target_` is a call of that function or class with the mapping's other keys as arguments;
`_partial_: true` makes a factory of it instead. The root is a call too, of the function that the application runs. A
mapping or a list of calls stands for a sequence, so that a schedule's stages and callbacks have names in YAML, and one
call for a sequence of one. Where an argument is a function or a dtype, its dotted name stands for it:
`network.activation=torch.sin`, `dtype=float32`, `callbacks=[mine.say]`.

Everything is checked before anything is made: names against signatures, values against annotations.
"""

from __future__ import annotations

import collections.abc
import contextlib
import difflib
import functools
import importlib
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Never

import torch

SPECIAL = ("_target_", "_partial_")
_SEQUENCES = (tuple, list, collections.abc.Sequence, collections.abc.Iterable)


class ConfigurationError(ValueError):
    """Something in the configuration that no constructor would take; the message names the key."""


def check(function: Callable[..., Any], node: Mapping[str, Any], path: str = "") -> None:
    """Compare a mapping's keys and values with a function's signature, and those below it with theirs.

    Args:
        function: what is to be called with them.
        node: plain containers (dict, list, numbers, strings, None).
        path: where the node stands in the configuration, for messages.

    Raises:
        ConfigurationError: for the first key or value that does not fit.
    """
    parameters = inspect.signature(function).parameters
    # What may only be `Never` takes nothing: it is there to refuse other names in words of its own.
    others = [parameter for parameter in parameters.values() if parameter.kind is parameter.VAR_KEYWORD]
    open_ended = any(parameter.annotation not in (Never, "Never") for parameter in others)
    named = [name for name, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD]
    hints = _hints(function)
    for key, value in node.items():
        if key in SPECIAL:
            continue
        where = _join(path, key)
        if key not in named:
            if not open_ended:
                raise ConfigurationError(f"{where}: {_title(function)} has no such option; {choose(key, named)}")
            continue
        _check_value(value, hints.get(key, Any), where)
    if node.get("_partial_"):
        return
    for name, parameter in parameters.items():
        required = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        )
        if required and name not in node:
            raise ConfigurationError(f"{_join(path, name)}: {_title(function)} needs it; give it a value")


def build(function: Callable[..., Any], node: Mapping[str, Any]) -> Any:
    """Make the call that a checked mapping stands for, the calls inside it first."""
    hints = _hints(function)
    arguments = {key: _value(value, hints.get(key, Any)) for key, value in node.items() if key not in SPECIAL}
    return functools.partial(function, **arguments) if node.get("_partial_") else function(**arguments)


def target(node: Mapping[str, Any], path: str) -> Callable[..., Any]:
    """The function or class that a mapping names.

    Raises:
        ConfigurationError: when nothing has that name.
    """
    name = node["_target_"]
    try:
        found = _located(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{path}._target_: {name!r} cannot be found ({error})") from None
    if not callable(found):
        raise ConfigurationError(f"{path}._target_: {name!r} is not a function or a class")
    return typing.cast(Callable[..., Any], found)


def choose(given: str, names: Iterable[str]) -> str:
    """`did you mean ...? choose among ...` for messages."""
    names = sorted(names)
    near = difflib.get_close_matches(given, names, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{hint}choose among {', '.join(names)}" if names else f"{hint}it takes none"


def check_names(what: str, given: Sequence[Any], known: Mapping[str, Any] | None) -> None:
    """Refuse an empty list, a name that is not known, and one given twice.

    Raises:
        ConfigurationError: which, and what to do.
    """
    if not given:
        raise ConfigurationError(f"{what}=[]: expected at least one" + (f"; {choose('', known)}" if known else ""))
    for index, name in enumerate(given):
        if known is not None and name not in known:
            raise ConfigurationError(f"{what}: {name!r} is not known; {choose(name, known)}")
        if name in given[:index]:
            raise ConfigurationError(f"{what}: {name!r} is given twice; name each once")


def _located(name: str) -> Any:
    """What a dotted name stands for: an attribute before a submodule of the same name, as Python's import does."""
    head, *rest = name.split(".")
    found: Any = importlib.import_module(head)
    for index, part in enumerate(rest):
        if not hasattr(found, part):
            importlib.import_module(".".join([head, *rest[: index + 1]]))
        found = getattr(found, part)
    return found


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _title(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__name__', function)}()"


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Annotations by argument; what only a type checker knows stays a name within one, or leaves it out.

    An argument without an annotation whose default is a function is one that takes functions.
    """
    made_by = function.__init__ if inspect.isclass(function) else function
    hints: dict[str, Any] = {
        name: Callable
        for name, parameter in inspect.signature(function).parameters.items()
        if callable(parameter.default) and not inspect.isclass(parameter.default)
    }
    for name, annotation in getattr(made_by, "__annotations__", {}).items():
        names = getattr(made_by, "__globals__", None)
        one = types.SimpleNamespace(__annotations__={name: annotation})
        with contextlib.suppress(NameError, TypeError):
            hints[name] = eval(annotation, names) if isinstance(annotation, str) else annotation
            hints |= typing.get_type_hints(one, names)
    return hints


def _is_call(value: Any) -> bool:
    return isinstance(value, Mapping) and "_target_" in value


def _check_value(value: Any, hint: Any, where: str) -> None:
    if _is_call(value):
        check(target(value, where), value, where)
        return
    if isinstance(value, Mapping) and not _is_mapping(hint):
        keys = ", ".join(f"{where}.{key}" for key in value)
        if not _is_sequence(hint):
            raise ConfigurationError(
                f"{keys}: {where} is left to the program, so there is nothing to set; "
                f"name one first with {where}=..., or give {where}._target_"
            )
        value = {key: entry for key, entry in value.items() if entry is not None}
    if isinstance(value, (Mapping, list)) and not _is_mapping(hint):
        entries = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, entry in entries:
            if _is_call(entry) or isinstance(value, Mapping):
                _check_value(entry, _entry_hint(hint), _join(where, str(key)))
        if isinstance(value, Mapping):
            return
    if not _fits(value, hint):
        raise ConfigurationError(f"{where}: expected {describe(hint)}, got {value!r}")


def _members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the hint itself."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _is_sequence(hint: Any) -> bool:
    return any(typing.get_origin(member) in _SEQUENCES for member in _members(hint))


def _entry_hint(hint: Any) -> Any:
    """The annotation of a sequence's entries, where they all have the same."""
    for member in _members(hint):
        inner = [entry for entry in typing.get_args(member) if entry is not Ellipsis]
        if typing.get_origin(member) in _SEQUENCES and len(inner) == 1:
            return inner[0]
    return Any


def _is_mapping(hint: Any) -> bool:
    return any(
        typing.get_origin(member) in (dict, collections.abc.Mapping) or member is dict for member in _members(hint)
    )


def _is_function(hint: Any) -> bool:
    return any(
        member is collections.abc.Callable or typing.get_origin(member) is collections.abc.Callable
        for member in _members(hint)
    )


def _fits(value: Any, hint: Any) -> bool:
    """Whether a plain value can be given where the annotation says `hint`."""
    if hint in (Any, object, inspect.Parameter.empty) or isinstance(hint, typing.TypeVar):
        return True
    if len(_members(hint)) > 1:
        return any(_fits(value, member) for member in _members(hint))
    if hint in (None, type(None)):
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (bool, str):
        return isinstance(value, hint)
    if hint is torch.dtype:
        return isinstance(value, str) and isinstance(getattr(torch, value.removeprefix("torch."), None), torch.dtype)
    if _is_function(hint):
        return isinstance(value, str) and _named(value) is not None
    return _fits_generic(value, hint)


def _fits_generic(value: Any, hint: Any) -> bool:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value in inner
    if origin in (dict, collections.abc.Mapping) or hint is dict:
        return isinstance(value, Mapping)
    if origin in _SEQUENCES or hint in (tuple, list):
        if not isinstance(value, list):
            return False
        if origin is tuple and inner and inner[-1] is not Ellipsis:
            return len(value) == len(inner) and all(map(_fits_entry, value, inner))
        return all(_fits_entry(entry, inner[0] if inner else Any) for entry in value)
    return False


def _fits_entry(value: Any, hint: Any) -> bool:
    return _is_call(value) or _fits(value, hint)


def _named(name: str) -> Any:
    """The function of a dotted name, None where there is none."""
    if "." not in name:
        return None
    try:
        found = _located(name)
    except (ImportError, AttributeError, ValueError):
        return None
    return found if callable(found) else None


def describe(hint: Any) -> str:
    """An annotation in the words of a configuration file."""
    members = _members(hint)
    if len(members) > 1:
        return " or ".join(dict.fromkeys(describe(member) for member in members))
    if hint in (None, type(None)):
        return "null"
    if _is_function(hint):
        return "the dotted name of a function, such as torch.sin"
    if hint is torch.dtype:
        return "a precision such as float64"
    if hint in (int, float, bool, str):
        return typing.cast(str, hint.__name__)
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    if _is_sequence(hint):
        inner = [describe(entry) for entry in typing.get_args(hint) if entry is not Ellipsis]
        several = typing.get_origin(hint) is tuple and Ellipsis not in typing.get_args(hint)
        return f"a list [{', '.join(inner)}]" if several else f"a list of {' '.join(inner) or 'values'}"
    if _is_mapping(hint):
        return "a mapping"
    return f"{getattr(hint, '__name__', hint)}, made by a _target_"


def _value(value: Any, hint: Any) -> Any:
    """The object that a checked value stands for."""
    if _is_call(value):
        one = build(target(value, ""), value)
        return [one] if _is_sequence(hint) and not isinstance(one, collections.abc.Iterable) else one
    if isinstance(value, Mapping) and not _is_mapping(hint):
        return [_value(entry, _entry_hint(hint)) for entry in value.values() if entry is not None]
    if isinstance(value, list):
        made = [_value(entry, _entry_hint(hint)) for entry in value]
        return tuple(made) if any(typing.get_origin(member) is tuple for member in _members(hint)) else made
    if isinstance(value, str) and torch.dtype in _members(hint):
        return getattr(torch, value.removeprefix("torch."))
    if isinstance(value, str) and _is_function(hint) and str not in _members(hint):
        return _named(value)
    return value
