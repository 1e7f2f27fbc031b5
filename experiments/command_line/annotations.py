"""Annotations of constructors, read as what a configuration file may give for them."""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

import torch

SEQUENCES = (tuple, list, collections.abc.Sequence, collections.abc.Iterable)


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
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


def members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the hint itself."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def is_sequence(hint: Any) -> bool:
    """Whether a sequence may be given."""
    return any(typing.get_origin(member) in SEQUENCES for member in members(hint))


def entry_hint(hint: Any) -> Any:
    """The annotation of a sequence's entries, where they all have the same."""
    for member in members(hint):
        inner = [entry for entry in typing.get_args(member) if entry is not Ellipsis]
        if typing.get_origin(member) in SEQUENCES and len(inner) == 1:
            return inner[0]
    return Any


def is_mapping(hint: Any) -> bool:
    """Whether a mapping may be given."""
    return any(
        typing.get_origin(member) in (dict, collections.abc.Mapping) or member is dict for member in members(hint)
    )


def functions_in(hint: Any) -> Any:
    """The annotation of the entries of a mapping of functions, `Mapping[str, Callable[..., Any]]`; else None."""
    for member in members(hint):
        inner = typing.get_args(member)
        if typing.get_origin(member) in (dict, collections.abc.Mapping) and len(inner) == 2 and is_function(inner[1]):
            return inner[1]
    return None


def is_function(hint: Any) -> bool:
    """Whether a function may be given."""
    return any(
        member is collections.abc.Callable or typing.get_origin(member) is collections.abc.Callable
        for member in members(hint)
    )


def admits(hint: Any, made: Any) -> bool:
    """Whether an object that was made can stand where the annotation says `hint`; True where that cannot be told."""
    return any(_admits_one(member, made) for member in members(hint))


def _admits_one(hint: Any, made: Any) -> bool:
    if hint is None:
        return made is None
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if is_function(hint):
        return callable(made)
    if origin in SEQUENCES:
        entries = [one for one in inner if one is not Ellipsis]
        if not isinstance(made, origin):  # one call may stand for a sequence of one
            return not isinstance(made, (str, bytes)) and (not entries or admits(entries[0], made))
        whole = not isinstance(made, (tuple, list)) or len(entries) != 1
        return whole or all(admits(entries[0], entry) for entry in made)
    kind = origin or hint
    if not inspect.isclass(kind) or typing.get_origin(hint) is typing.Literal:
        return True
    if kind is float:
        kind = (float, int)
    with contextlib.suppress(TypeError):  # a protocol that is not made for it
        return isinstance(made, kind)
    return True


def makes_another(function: Any, hint: Any) -> bool:
    """Whether `function` is a class, and the annotation names classes of which it is none."""
    kinds = members(hint)
    if not inspect.isclass(function) or not all(inspect.isclass(kind) for kind in kinds):
        return False
    with contextlib.suppress(TypeError):
        return not any(issubclass(function, kind) for kind in kinds)
    return False


def describe(hint: Any) -> str:
    """An annotation in the words of a configuration file."""
    several = members(hint)
    if len(several) > 1:
        return " or ".join(dict.fromkeys(describe(member) for member in several))
    if hint in (None, type(None)):
        return "null"
    if is_function(hint):
        return "the dotted name of a function, such as torch.sin"
    if hint is torch.dtype:
        return "a precision such as float64"
    if hint is torch.device:
        return "a device such as cuda"
    if hint in (int, float, bool, str):
        return typing.cast(str, hint.__name__)
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    if is_sequence(hint):
        inner = [describe(entry) for entry in typing.get_args(hint) if entry is not Ellipsis]
        fixed = typing.get_origin(hint) is tuple and Ellipsis not in typing.get_args(hint)
        return f"a list [{', '.join(inner)}]" if fixed else f"a list of {' '.join(inner) or 'values'}"
    if is_mapping(hint):
        return "a mapping"
    return f"{getattr(hint, '__name__', hint)}, made by a _target_"
