"""What optimizers and strategies remember between steps, as plain values: numbers, text, tensors, lists and mappings.

A file holds plain values only, so a run can be stopped and continued from one without running code out of it. Each
names its attributes that a continuation needs; a strategy that wraps another names the wrapped one among them, whose
own state is then an entry of the outer's.

    >>> from pinn.sampling import RAD, Growing
    >>> Growing(RAD(), start=100).state_dict()
    {'inner': {}, 'size': 100, '_previous': inf}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Stateful(Protocol):
    """What keeps a state of its own."""

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        ...


def state_of(owner: Any, names: Sequence[str]) -> dict[str, Any]:
    """Copies of an object's attributes, as plain values; of those that keep a state of their own, that state.

    Args:
        owner: the object.
        names: its attributes that a continuation needs.
    """
    entries = {name: getattr(owner, name) for name in names}
    return {
        name: value.state_dict() if isinstance(value, Stateful) else copied(value) for name, value in entries.items()
    }


def restore(owner: Any, names: Sequence[str], state: Mapping[str, Any]) -> None:
    """Write an object's attributes back from what `state_of` returned.

    Args:
        owner: the object.
        names: its attributes that a continuation needs.
        state: attribute -> value.

    Raises:
        ValueError: when the entries are not those.
    """
    if set(state) != set(names):
        raise ValueError(
            f"{type(owner).__name__}.load_state_dict: got entries {sorted(state)}, expected {sorted(names)}; "
            f"give what state_dict() of another {type(owner).__name__} returned"
        )
    for name in names:
        present = getattr(owner, name)
        if isinstance(present, Stateful):
            present.load_state_dict(state[name])
        else:
            setattr(owner, name, copied(state[name]))


def copied(value: Any) -> Any:
    """A plain value, with its tensors, lists, tuples and mappings copied."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {key: copied(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(copied(entry) for entry in value)
    return value
