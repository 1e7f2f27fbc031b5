"""A configuration is a call written down: checked against the constructors' signatures, then made.

A mapping with `_target_` is a call of that function or class with the mapping's other keys as arguments;
`_partial_: true` makes a factory of it instead. The root is a call too, of the function that the application runs. A
mapping or a list of calls stands for a sequence, so that a schedule's stages and callbacks have names in YAML, and one
call for a sequence of one. Where an argument is a function or a dtype, its dotted name stands for it:
`network.activation=torch.sin`, `dtype=float32`, `callbacks=[mine.say]`, `weighting.functions.equation=mine.early`.

Everything is checked before anything is made: names against signatures, values against annotations.
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Never

import torch

from .annotations import (
    SEQUENCES,
    admits,
    annotations_of,
    describe,
    entry_hint,
    functions_in,
    is_function,
    is_mapping,
    is_sequence,
    makes_another,
    members,
)
from .errors import ConfigurationError
from .first_order import adapted
from .names import choose
from .trust import Trust, trusted_callable

__all__ = ["ConfigurationError", "arguments", "build", "check", "check_names", "choose", "describe", "target"]

SPECIAL = ("_target_", "_partial_")
_LIBRARIES = Trust()


def check(function: Callable[..., Any], node: Mapping[str, Any], path: str = "", trust: Trust = _LIBRARIES) -> None:
    """Compare a mapping's keys and values with a function's signature, and those below it with theirs.

    Args:
        function: what is to be called with them.
        node: plain containers (dict, list, numbers, strings, None).
        path: where the node stands in the configuration, for messages.
        trust: the names that may be looked up.

    Raises:
        ConfigurationError: for the first key or value that does not fit.
    """
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # compiled code
        raise ConfigurationError(
            f"{path}: {_title(function)} does not say what it takes; name a Python function"
        ) from None
    # What may only be `Never` takes nothing: it is there to refuse other names in words of its own.
    others = [parameter for parameter in parameters.values() if parameter.kind is parameter.VAR_KEYWORD]
    open_ended = any(parameter.annotation not in (Never, "Never") for parameter in others)
    named = [name for name, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD]
    hints = annotations_of(function)
    for key, value in node.items():
        if key in SPECIAL:
            continue
        where = _join(path, key)
        if key not in named:
            if not open_ended:
                raise ConfigurationError(f"{where}: {_title(function)} has no such option; {choose(key, named)}")
            continue
        _check_value(value, hints.get(key, Any), where, trust)
    if node.get("_partial_"):
        return
    for name, parameter in parameters.items():
        required = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        )
        if required and name not in node:
            raise ConfigurationError(f"{_join(path, name)}: {_title(function)} needs it; give it a value")


def build(function: Callable[..., Any], node: Mapping[str, Any], path: str = "", trust: Trust = _LIBRARIES) -> Any:
    """Make the call that a checked mapping stands for, the calls inside it first.

    Raises:
        ConfigurationError: where what one of those made is not what the annotation asks for.
    """
    given = arguments(function, node, path, trust)
    return functools.partial(function, **given) if node.get("_partial_") else function(**given)


def arguments(
    function: Callable[..., Any], node: Mapping[str, Any], path: str = "", trust: Trust = _LIBRARIES
) -> dict[str, Any]:
    """The arguments that a checked mapping stands for, made, without the call."""
    hints = annotations_of(function)
    found = {}
    for key, value in node.items():
        if key not in SPECIAL:
            where, hint = _join(path, key), hints.get(key, Any)
            found[key] = _value(value, hint, where, trust)
            if not admits(hint, found[key]) and not isinstance(found[key], str):
                raise ConfigurationError(
                    f"{where}: a {type(found[key]).__name__} was made, expected {describe(hint)}; name another _target_"
                )
    return found


def target(node: Mapping[str, Any], path: str, trust: Trust = _LIBRARIES) -> Callable[..., Any]:
    """The function or class that a mapping names.

    Raises:
        ConfigurationError: when it is not trusted, or nothing has that name.
    """
    name = node["_target_"]
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        raise ConfigurationError(f"{path}._target_: got {name!r}, expected a dotted name such as pinn.problems.burgers")
    try:
        found = trust.locate(name)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}._target_: {error}") from error.__cause__
    if not callable(found):
        raise ConfigurationError(f"{path}._target_: {name!r} is not a function or a class")
    return typing.cast(Callable[..., Any], found)


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


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _title(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__name__', function)}()"


def _is_call(value: Any) -> bool:
    return isinstance(value, Mapping) and "_target_" in value


def _check_value(value: Any, hint: Any, where: str, trust: Trust) -> None:
    if _is_call(value):
        function = adapted(target(value, where, trust), hint)
        if not value.get("_partial_") and makes_another(function, hint):
            raise ConfigurationError(f"{where}: expected {describe(hint)}, got {value['_target_']}, which is another")
        check(function, value, where, trust)
        return
    if isinstance(value, Mapping) and (function := functions_in(hint)) is not None:
        _refuse_settings(where, [key for key, entry in value.items() if not isinstance(entry, (Mapping, str))])
        for key, entry in value.items():
            _check_value(entry, function, _join(where, str(key)), trust)
        return
    if isinstance(value, Mapping) and not is_mapping(hint):
        if not is_sequence(hint):
            _refuse_settings(where, list(value))
        value = {key: entry for key, entry in value.items() if entry is not None}
    if isinstance(value, (Mapping, list)) and not is_mapping(hint):
        entries = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, entry in entries:
            if _is_call(entry) or isinstance(value, Mapping):
                _check_value(entry, entry_hint(hint), _join(where, str(key)), trust)
        if isinstance(value, Mapping):
            return
    try:
        fits = _fits(value, hint, trust)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error.__cause__
    if not fits:
        raise ConfigurationError(f"{where}: expected {describe(hint)}, got {value!r}")


def _refuse_settings(where: str, keys: Sequence[str]) -> None:
    """Refuse options of what nobody has chosen."""
    if keys:
        raise ConfigurationError(
            f"{', '.join(f'{where}.{key}' for key in keys)}: {where} is left to the program, so there is nothing to "
            f"set; name one first with {where}=..., or give {where}._target_"
        )


def _fits(value: Any, hint: Any, trust: Trust) -> bool:
    """Whether a plain value can be given where the annotation says `hint`."""
    if hint in (Any, object, inspect.Parameter.empty) or isinstance(hint, typing.TypeVar):
        return True
    if len(members(hint)) > 1:
        return any(_fits(value, member, trust) for member in members(hint))
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
    if is_function(hint):
        return isinstance(value, str) and trusted_callable(value, trust) is not None
    return _fits_generic(value, hint, trust)


def _fits_generic(value: Any, hint: Any, trust: Trust) -> bool:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value in inner
    if origin in (dict, collections.abc.Mapping) or hint is dict:
        return isinstance(value, Mapping)
    if origin in SEQUENCES or hint in (tuple, list):
        if not isinstance(value, list):
            return False
        if origin is tuple and inner and inner[-1] is not Ellipsis:
            return len(value) == len(inner) and all(
                _fits_entry(one, kind, trust) for one, kind in zip(value, inner, strict=True)
            )
        return all(_fits_entry(entry, inner[0] if inner else Any, trust) for entry in value)
    return False


def _fits_entry(value: Any, hint: Any, trust: Trust) -> bool:
    return _is_call(value) or _fits(value, hint, trust)


def _value(value: Any, hint: Any, where: str, trust: Trust) -> Any:
    """The object that a checked value stands for."""
    if _is_call(value):
        one = build(adapted(target(value, where, trust), hint), value, where, trust)
        return [one] if is_sequence(hint) and not isinstance(one, collections.abc.Iterable) else one
    if isinstance(value, Mapping) and (function := functions_in(hint)) is not None:
        return {key: _value(entry, function, _join(where, str(key)), trust) for key, entry in value.items()}
    if isinstance(value, Mapping) and not is_mapping(hint):
        return [
            _value(entry, entry_hint(hint), _join(where, str(key)), trust)
            for key, entry in value.items()
            if entry is not None
        ]
    if isinstance(value, list):
        made = [_value(entry, entry_hint(hint), where, trust) for entry in value]
        return tuple(made) if any(typing.get_origin(member) is tuple for member in members(hint)) else made
    if isinstance(value, str) and torch.dtype in members(hint):
        return getattr(torch, value.removeprefix("torch."))
    if isinstance(value, str) and is_function(hint) and str not in members(hint):
        return trusted_callable(value, trust)
    return value
