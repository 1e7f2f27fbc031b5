"""Equations are plain functions: their arguments are matched by name to coordinates, outputs and coefficients.

    bind(f, known)(coordinates, outputs, constants) -> [rows of f]

An argument with a default value that no name matches keeps it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def names_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The argument names of a function: those without a default value, and those with one.

    Raises:
        ValueError: for `*args` and `**kwargs`, which have no names to match.
    """
    required: list[str] = []
    optional: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ValueError(f"arguments are matched by name, but {parameter} has none; write the names out")
        (required if parameter.default is parameter.empty else optional).append(name)
    return tuple(required), tuple(optional)


def bind(function: Callable[..., Any], known: Mapping[str, float]) -> Callable[..., list[Any]]:
    """Turn a function with arguments matched by name into one of (coordinates, outputs, constants) -> list of rows.

    Args:
        function: an equation, boundary condition or ansatz.
        known: numeric coefficients, passed on as Python floats.
    """
    required, optional = names_of(function)
    wanted = set(required) | set(optional)

    def call(coordinates: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        arguments: dict[str, Any] = {}
        for source in (known, constants, coordinates, outputs):
            arguments.update({name: value for name, value in source.items() if name in wanted})
        rows = function(**arguments)
        return list(rows) if isinstance(rows, (tuple, list)) else [rows]

    return call
