"""What an optimizer is: something that takes a step of f(θ) = ½ |r(θ)|² and says what happened.

An optimizer sees a least-squares objective (`LeastSquares`) and nothing of equations, networks or points. It is the
only one that writes parameters, and only inside `step`. What it remembers between steps is plain numbers and tensors,
so that a run can be stopped and continued bit by bit (`state_dict`, `load_state_dict`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor


class Linearization(Protocol):
    """Rows at one θ and products with their derivative J (N, p), without J."""

    @property
    def residual(self) -> Tensor:
        """Rows r (N,)."""

    def jvp(self, v: Tensor) -> Tensor:
        """J v for v (p,); shape (N,)."""

    def vjp(self, w: Tensor) -> Tensor:
        """Jᵀ w for w (N,); shape (p,)."""


class LeastSquares(Protocol):
    """f(θ) = ½ |r(θ)|² on fixed points and weights, with N rows and p parameters; see `pinn.objective.Objective`."""

    size: int
    dtype: torch.dtype
    device: torch.device

    @property
    def rows(self) -> int:
        """Number N of rows."""

    def vector(self) -> Tensor:
        """A copy of the parameters θ, shape (p,)."""

    def assign(self, theta: Tensor) -> None:
        """Write the parameters from θ (p,)."""

    def parameters(self) -> Sequence[torch.nn.Parameter]:
        """The parameters, in the order of the flat vector."""

    def residual(self) -> Tensor:
        """Rows r (N,), without a graph."""

    def loss(self) -> Tensor:
        """f, 0-d, without a graph."""

    def differentiable_loss(self) -> Tensor:
        """f, 0-d, with a graph to the parameters."""

    def gradient(self) -> tuple[Tensor, Tensor]:
        """f (0-d) and Jᵀr (p,)."""

    def linearize(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """r (N,) and J (N, p), written into `out` where given."""

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """f (0-d), Jᵀr (p,) and JᵀJ (p, p), block by block."""

    def operator(self) -> Linearization:
        """Matrix-free products with J at the current θ."""

    def pieces(self) -> Iterator[tuple[slice, Linearization]]:
        """The same piece by piece, one held at a time: rows of r, and products with those rows of J; they add up."""


class Clock:
    """Seconds spent in the parts of a step.

    They are rows (r, J or the gradient at θ), system (forming, factoring or updating a matrix), solve (directions from
    it) and trials (evaluations elsewhere than at θ).

    Example:
        >>> clock = Clock()
        >>> with clock("rows"):
        ...     pass
        >>> list(clock.seconds)
        ['seconds/rows', 'seconds/system', 'seconds/solve', 'seconds/trials']
    """

    def __init__(self) -> None:
        self.seconds = {f"seconds/{part}": 0.0 for part in ("rows", "system", "solve", "trials")}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Add the time of the block to `part`."""
        began = time.perf_counter()
        yield
        self.seconds[f"seconds/{part}"] += time.perf_counter() - began


@dataclass(frozen=True)
class Step:
    """What a step did.

    Args:
        loss: f after the step, on the objective it was taken on.
        accepted: whether the parameters moved.
        info: numbers for the trace, dimensionless but for keys that begin with `seconds/`.
        done: whether the optimizer can go no further on these points.
        reason: why it is done.
    """

    loss: float
    accepted: bool
    info: dict[str, float] = field(default_factory=dict)
    done: bool = False
    reason: str = ""


class Optimizer(ABC):
    """Takes steps on a least-squares objective.

    Two class attributes tell a trainer how to feed it: `redraws` says whether new points between steps are harmless (a
    method that builds curvature out of differences of gradients wants its points kept), and `_state` names the
    attributes that a continuation needs.

    Attributes:
        workers: threads that may share a large matrix product; the run sets it.
    """

    redraws: ClassVar[bool] = True
    workers: int = 1
    _state: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def step(self, objective: LeastSquares) -> Step:
        """Take one step; only this writes parameters, and on return they hold the point whose loss is reported."""

    @abstractmethod
    def reset(self, growth: float | None = None) -> None:
        """Points or weights have changed: drop what belongs to the old ones.

        Args:
            growth: loss of the current parameters on the new points over that on the old ones; None when not known.
        """

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain numbers and tensors."""
        return {name: _copied(getattr(self, name)) for name in self._state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned.

        Raises:
            ValueError: when the entries are not those of this optimizer.
        """
        if set(state) != set(self._state):
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: got entries {sorted(state)}, expected {sorted(self._state)}"
            )
        for name in self._state:
            setattr(self, name, _copied(state[name]))


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, list):
        return [_copied(entry) for entry in value]
    return value
