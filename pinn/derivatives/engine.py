"""Engines: residual rows of an equation, and their derivatives by the parameters, from a model and points.

    r = r(θ) (n, q),   ½|s r|²,   Jᵀr = ∇θ ½|s r|²,   J = ∂(s r)/∂θ (n q, p),   JᵀJ

An engine is bound once to a model and an equation, `engine.bind(model, equation, names)`, and what that gives answers
the questions at any points:

    bound = Jets().bind(model, equation, ("x", "t"))
    rows, jacobian = bound.linearize(points, parameters, constants, scale=s)

`Autograd` is the definition: nested reverse mode for the equation's derivatives, and one backward pass a row of J.
`Jets` (in `pinn.derivatives.jets.engine`) is the fast one. Both answer every question here to the same digits.

Rows of J are ordered by point, then by component: row i q + j is component j at point i. The parameters' order is that
of the list given, each flattened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pinn.linearization import Linearization

Columns = dict[str, Any]
"""Coordinate name -> (n,) tensor or jet."""

ModelFunction = Callable[[Columns], Mapping[str, Any]]
"""Coordinates -> outputs by name, ordinary torch code."""

ResidualFunction = Callable[[Columns, Mapping[str, Any], Mapping[str, Any]], Sequence[Any]]
"""(coordinates, outputs, constants) -> q rows (n,)."""

Constants = Mapping[str, Tensor]
"""Name -> 0-d tensor, which may have a graph to parameters, or (n,) values without one."""


@dataclass(frozen=True)
class EngineChoice:
    """Which engine computes an equation, and why it is not the one that was asked for.

    Attributes:
        engine: "jets", "autograd", or the name of an engine from elsewhere.
        reason: why the reference took over from the engine asked for; empty where that one computes.
    """

    engine: str
    reason: str = ""


class BoundEquation(ABC):
    """One equation of one model under an engine: its rows and their linearization at any points.

    It may keep what it learns of the equation, such as whether the engine can compute it, for as long as it lives. In
    every method `points` is (n, d), with coordinates in the order of the names it was bound with; `parameters` is a
    list of leaves, p numbers in all; `scale`, (n,) or (n, q), multiplies the rows; `constants` are as in `Constants`.
    """

    @property
    @abstractmethod
    def choice(self) -> EngineChoice | None:
        """Which engine computes it; None where that shows at the first evaluation, and there was none."""

    @abstractmethod
    def residual(self, points: Tensor, constants: Constants | None = None) -> Tensor:
        """Rows (n, q), with a graph to the parameters where grad mode is on."""

    @abstractmethod
    def linearize(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        out: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Rows (n, q) and their derivatives J (n q, p), both scaled.

        Args:
            points: (n, d).
            parameters: leaves, p numbers in all.
            constants: by name.
            out: buffer (n q, p) that J is written into, of any layout; fastest where its transpose is contiguous
                along the rows, `torch.empty(p, N).T`, which is also what is made where it is left out.
            scale: (n,) or (n, q).
        """

    @abstractmethod
    def gradient(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """½|s r|², 0-d, and its gradient (p,)."""

    @abstractmethod
    def gram(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """½|s r|², 0-d, Jᵀ r (p,) and Jᵀ J (p, p) of the scaled rows, never holding J."""

    @abstractmethod
    def operator(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> Linearization:
        """r and J at the current parameters, scaled, as products with vectors; row i q + j as in `linearize`."""


class Engine(ABC):
    """What differentiates."""

    @abstractmethod
    def bind(self, model: ModelFunction, equation: ResidualFunction, names: Sequence[str]) -> BoundEquation:
        """An equation of a model, ready to be evaluated. Nothing is computed yet, so that binding costs nothing.

        Args:
            model: coordinates -> outputs by name; it may change between evaluations.
            equation: (coordinates, outputs, constants) -> q rows (n,).
            names: the d coordinate names, in the order of the points' columns.
        """


def scaled(rows: Tensor, scale: Tensor | None) -> Tensor:
    """Rows (n, q) times a scale (n,) or (n, q)."""
    if scale is None:
        return rows
    return rows * (scale[:, None] if scale.ndim == 1 else scale)


def flat_gradient(
    value: Tensor, parameters: Sequence[Tensor], seed: Tensor | None = None, *, retain_graph: bool = False
) -> Tensor:
    """Gradient of a value by all parameters as one vector (p,); zero by those that take no part."""
    moving = [parameter for parameter in parameters if parameter.requires_grad]
    slopes: Sequence[Tensor | None] = ()
    if value.requires_grad and moving:
        slopes = torch.autograd.grad(value, moving, seed, retain_graph=retain_graph, allow_unused=True)
    found = {id(parameter): slope for parameter, slope in zip(moving, slopes, strict=False) if slope is not None}
    pieces = [
        found[id(parameter)].reshape(-1) if id(parameter) in found else torch.zeros_like(parameter).reshape(-1)
        for parameter in parameters
    ]
    return torch.cat(pieces) if pieces else value.new_zeros(0)
