"""A class of `torch.optim` where an optimizer of this library is expected stands for `FirstOrder` of it.

    optimizer=torch optimizer.name=AdamW optimizer.lr=1e-3
    optimizer._target_=torch.optim.AdamW optimizer.lr=1e-3

The options are those of the class, without the parameters that it moves, and `schedule`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch

from pinn.optimizers import FirstOrder, Optimizer

from .annotations import annotations_of, members

_MADE_FROM = "params"
_NAME = "name"  # by which a file's _target_ chooses the class


def adapted(function: Callable[..., Any], hint: Any) -> Callable[..., Any]:
    """What makes a `FirstOrder`, where a class of torch.optim is called for an `Optimizer`; else the function itself.

    Args:
        function: what a configuration names.
        hint: annotation of the argument that it is for.

    Example:
        >>> made = adapted(torch.optim.SGD, Optimizer | None)(lr=1e-2)
        >>> type(made).__name__, adapted(torch.optim.SGD, Any) is torch.optim.SGD
        ('FirstOrder', True)
    """
    ours = any(inspect.isclass(kind) and issubclass(kind, Optimizer) for kind in members(hint))
    if not (ours and inspect.isclass(function) and issubclass(function, torch.optim.Optimizer)):
        return function
    return _first_order(function)


def _first_order(kind: type[torch.optim.Optimizer]) -> Callable[..., FirstOrder]:
    def make(**options: Any) -> FirstOrder:
        options.pop(_NAME, None)
        schedule = options.pop("schedule", None)
        return FirstOrder(functools.partial(kind, **options), schedule)

    own = {name: one for name, one in inspect.signature(kind).parameters.items() if name != _MADE_FROM}
    schedule = inspect.signature(FirstOrder).parameters["schedule"]
    name = inspect.Parameter(_NAME, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=str | None)
    by_name = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own.values() if one.kind != one.VAR_KEYWORD]
    make.__signature__ = inspect.Signature([name, *by_name, schedule.replace(kind=name.kind)])  # type: ignore[attr-defined]
    make.__name__ = kind.__name__
    hints = {key: hint for key, hint in annotations_of(kind).items() if key in own}
    make.__annotations__ = {**hints, _NAME: str | None, "schedule": annotations_of(FirstOrder)["schedule"]}
    return make
