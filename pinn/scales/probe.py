"""A problem on smooth random fields of the scaled box: rows, and their derivatives by the fields' coefficients.

    u_j = shift_j + size_j Σ_k c_jk φ_k(x̂),    φ_k = √2 sin(w_k · x̂ + b_k),    φ_0 = 1

The first waves have 1 ≤ |w| ≤ 2 in every scaled coordinate, half a wave to a whole one over the box: what a smooth
answer does. The others, for a coarse solve, are drawn as random features for differential equations are (Rahimi, Recht,
NeurIPS 2007; Dong, Li, Comput. Methods Appl. Mech. Engrg. 387 (2021) 114129), w from normal laws of several widths.
Everything lives in the scaled box, so that the units of the coordinates do not enter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pinn.binding import FAILURES, bind
from pinn.derivatives import Autograd, BoundEquation, Jets, MissingRule
from pinn.domains import Points
from pinn.problem import Problem
from pinn.scales.outputs import embedded
from pinn.spread import spread_points

SMOOTH = 12  # waves of order one
_WIDTHS = (1.0, 2.0, 4.0)  # of the normal laws that the coarse features' w are drawn from

State = Mapping[str, Tensor]
"""Field -> the coefficients c of its features, (M,)."""


class Waves:
    """The features of fields of some coordinates.

    Args:
        inputs: number of the network's inputs that they would be.
        coarse: number of those for the coarse solve.
        generator: draws them.

    Attributes:
        number: M in all: the constant, the smooth and the coarse ones, in this order.
    """

    def __init__(self, inputs: int, coarse: int, generator: torch.Generator) -> None:
        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator, dtype=torch.float64)

        sign = torch.where(uniform(SMOOTH, inputs) < 0.5, -1.0, 1.0)
        smooth = sign * (1 + uniform(SMOOTH, inputs))
        normal = torch.randn(coarse, inputs, generator=generator, dtype=torch.float64)
        widths = torch.tensor(_WIDTHS, dtype=torch.float64)[torch.arange(coarse) % len(_WIDTHS)]
        zero = torch.zeros(1, inputs, dtype=torch.float64)
        self.weight = torch.cat([zero, smooth, normal * widths[:, None]])
        phases = 2 * math.pi * uniform(SMOOTH + coarse)
        self.bias = torch.cat([torch.full((1,), 0.25 * math.pi, dtype=torch.float64), phases])  # √2 sin(π/4) = 1
        self.number = len(self.bias)

    def __call__(self, inputs: Sequence[Any]) -> Any:
        """φ/√2, (n, M), a tensor or jet."""
        return torch.sin(torch.nn.functional.linear(torch.stack(list(inputs), -1), self.weight, self.bias))


@dataclass(frozen=True)
class Response:
    """One constraint's rows at a state and their derivatives.

    Attributes:
        rows: what the constraint states to be zero, (n, q); n is one for an integral.
        slopes: field -> derivatives by its coefficients, (n, q, M); unknown number -> (n, q, 1), in its own units.
    """

    rows: Tensor
    slopes: Mapping[str, Tensor]

    @property
    def defined(self) -> Tensor:
        """Where the rows and all their derivatives are finite, (n, q)."""
        found = torch.isfinite(self.rows)
        for slope in self.slopes.values():
            found = found & torch.isfinite(slope).all(-1)
        return found


class Probe:
    """The problem's constraints on trial fields of the features.

    Args:
        problem: what is probed.
        coarse: features a field for the coarse solve.
        points: of each constraint on the domain itself; half as many of the others, observations whole.

    Attributes:
        fields: the outputs and the unknown fields, by name, with their features.
        points: constraint name -> where it is probed.
    """

    def __init__(self, problem: Problem, coarse: int, points: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.problem = problem
        self.fields: dict[str, Waves] = {}
        inputs = dict.fromkeys(problem.outputs, problem.coordinates)
        inputs |= {name: unknown.inputs for name, unknown in problem.unknowns.items() if unknown.inputs}
        self._inputs = inputs
        shared: dict[tuple[str, ...], Waves] = {}
        for name, names in inputs.items():
            if names not in shared:
                width = sum(2 if key in problem.periodic else 1 for key in names)
                shared[names] = Waves(width, coarse, generator)
            self.fields[name] = shared[names]
        self.points = {
            name: _at_most(
                points,
                spread_points(
                    problem,
                    name,
                    points if constraint.on.dimension >= problem.domain.dimension else points // 2,
                    generator=generator,
                ),
            )
            for name, constraint in problem.constraints.items()
        }
        self._ansatz = {
            name: bind(function, problem.known, problem.tables) for name, function in problem.ansatz.items()
        }
        self._leaves = {
            name: torch.zeros(waves.number, dtype=torch.float64, requires_grad=True)
            for name, waves in self.fields.items()
        }
        self._numbers = {
            name: torch.zeros((), dtype=torch.float64, requires_grad=True)
            for name, unknown in problem.unknowns.items()
            if not unknown.inputs
        }
        self._origins: dict[str, float] = {}
        self._free = False
        self._bound: dict[str, BoundEquation] = {}

    def respond(
        self, name: str, origins: Mapping[str, float], state: State | None = None, free: bool = False
    ) -> Response:
        """A constraint's rows, and their derivatives by the coefficients, in the units of the problem.

        Args:
            name: of the constraint.
            origins: output -> the value about which it varies.
            state: coefficients; left out, zeros.
            free: whether outputs are taken without their ansatz.
        """
        self._origins, self._free = dict(origins), free
        for key, leaf in self._leaves.items():
            with torch.no_grad():
                leaf.zero_() if state is None or key not in state else leaf.copy_(state[key])
        leaves = {**self._leaves, **self._numbers}
        points = self.points[name]
        constants = {
            key: self.problem.unknowns[key].initial + leaf for key, leaf in self._numbers.items()
        } | points.constants()
        rows, jacobian = self._linearized(name, points, list(leaves.values()), constants)
        return self._stated(name, rows.detach(), jacobian, leaves)

    def waves_at(self, name: str, points: Points) -> Tensor:
        """The features of a field at points, (n, M)."""
        columns = {key: points.column(key) for key in points.names}
        return math.sqrt(2.0) * self.fields[name](embedded(self.problem, columns, self._inputs[name]))

    def _outputs(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        features: dict[tuple[str, ...], Any] = {}
        values: dict[str, Any] = {}
        for name, waves in self.fields.items():
            names = self._inputs[name]
            if names not in features:
                features[names] = waves(embedded(self.problem, columns, names))
            # One row of weights, so that a field is a linear layer of its own.
            inner = torch.nn.functional.linear(features[names], self._leaves[name][None, :])[..., 0]
            origin = self._origins.get(name, 0.0)
            values[name] = inner * math.sqrt(2.0) + origin
        if not self._free:
            values.update({name: function(columns, values, {})[0] for name, function in self._ansatz.items()})
        return values

    def _linearized(
        self, name: str, points: Points, leaves: Sequence[Tensor], constants: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        if name not in self._bound:
            equation = self.problem.equation(name)
            bound = Jets(fallback=False).bind(self._outputs, equation, self.problem.coordinates)
            try:
                found = bound.linearize(points.x, leaves, constants)
            except FAILURES:  # where the mistake is the equation's own, the definition makes it too, and says so
                self._bound[name] = Autograd().bind(self._outputs, equation, self.problem.coordinates)
            else:
                self._bound[name] = bound
                return found
        try:
            return self._bound[name].linearize(points.x, leaves, constants)
        except MissingRule:  # jets differ from the definition at this state
            self._bound[name] = Autograd().bind(self._outputs, self.problem.equation(name), self.problem.coordinates)
            return self._bound[name].linearize(points.x, leaves, constants)

    def _stated(self, name: str, rows: Tensor, jacobian: Tensor, leaves: Mapping[str, Tensor]) -> Response:
        n, q = rows.shape
        jacobian = jacobian.reshape(n, q, -1)
        reduction = self.problem.constraints[name].reduction
        if not reduction.pointwise:
            rows = reduction.stated(rows)
            jacobian = reduction.stated(jacobian.reshape(n, -1)).reshape(1, q, -1)
        slopes, start = {}, 0
        for key, leaf in leaves.items():
            slopes[key] = jacobian[:, :, start : start + leaf.numel()]
            start += leaf.numel()
        return Response(rows, slopes)


def _at_most(n: int, points: Points) -> Points:
    """All of the points, or n of them, evenly chosen, where there are many observations."""
    if points.n <= n:
        return points
    return points.take(torch.linspace(0, points.n - 1, n, dtype=torch.float64).round().long())
