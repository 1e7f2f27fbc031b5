"""Integrals of energies, which an objective adds to its rows, with their gradient and their metric.

    f(θ) = ½ |r|² + Σ_c ∫ L_c dx / S,        S = max_c max_j ρ_cj U_j |Ω_c|

ρ_cj is the size of row j of the equation that the energy leads to, U_j that of the output (`pinn.scales`): S is a size
of the integral, one for all energies of a problem, since they are one sum. The nodes x_i with weights w_i are Gauss's,
and stay. G = Σ_i w_i V_iᵀ L_αβ(x_i) V_i, V_i (K, p) the derivatives of values and derivatives by the parameters; where
L_αβ has negative eigenvalues they are taken as zero, so that every step along −(G + λI)⁻¹ ∇f goes down.

Source: `pinn.energy`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from pinn.binding import as_fields, bind, names_of, taking
from pinn.derivatives.engine import BoundEquation, Engine, flat_gradient
from pinn.domains import Points
from pinn.energy import Energy
from pinn.linearization import Linearization
from pinn.model import Model
from pinn.problem import Problem

_PIECE = 512  # nodes whose derivatives by the parameters are held at once


def energies(problem: Problem) -> dict[str, Energy]:
    """The energies among the constraints of a problem, by name."""
    every = problem.constraints.items()
    return {name: one.equation for name, one in every if isinstance(one.equation, Energy)}


def require_descent(problem: Problem, optimizers: Sequence[Descends]) -> None:
    """Refuse methods that need rows for a problem with an energy, and natural gradients where its metric is not known.

    Raises:
        TypeError: naming the method and those that can.
    """
    for name, energy in energies(problem).items():
        for optimizer in optimizers:
            if optimizer.of_rows:
                raise TypeError(
                    f"{type(optimizer).__name__}: constraint {name!r} is an Energy, which has no residual rows, and "
                    "this method needs f to be a sum of their squares; take NaturalGradient(), LBFGS(), SSBroyden() or "
                    "Adam, or give the equation in its place"
                )
            if optimizer.of_metric and not energy.readable:
                raise TypeError(
                    f"{type(optimizer).__name__}: the density of constraint {name!r} is no formula of arithmetic and "
                    "elementary functions, so that its second derivatives are not known; take LBFGS() or Adam"
                )


class Descends(Protocol):
    """What is asked of an optimizer here; see `pinn.optimizers.Optimizer`."""

    of_rows: ClassVar[bool]
    of_metric: ClassVar[bool]


@dataclass(frozen=True, eq=False)
class EnergyTerm:
    """One energy of a model under an engine, at its nodes.

    Attributes:
        points: the nodes.
        weights: of each, (n,), over the size of the integral.
        density: L.
        variations: values and derivatives that it depends on, K of them.
        curvature: L_αβ for α ≤ β.
    """

    points: Points
    weights: Tensor
    density: BoundEquation
    variations: BoundEquation
    curvature: BoundEquation


def energy_terms(model: Model, engine: Engine) -> dict[str, EnergyTerm]:
    """The energies of a model's problem by name.

    Raises:
        ValueError: where a density takes an unknown coefficient, which minimising would choose.
    """
    problem, found = model.problem, energies(model.problem)
    size = max((_size(model, name, energy) for name, energy in found.items()), default=1.0)
    like = next(model.parameters())
    terms = {}
    for name, energy in found.items():
        names = list(itertools.chain(*names_of(energy.density)))
        if unknown := sorted(set(problem.unknowns) & set(names)):
            raise ValueError(
                f"constraint {name!r}: the density takes the unknown {unknown[0]!r}, which would be chosen to make the "
                "energy least and not to fit anything; give its equation in the place of the energy"
            )
        on = problem.constraints[name].on
        points, weights = on.quadrature(energy.number(on.dimension))
        reader = model.reader(names)

        def bound(function: Callable[..., Any], owner: str = name, reader: Any = reader) -> BoundEquation:
            equation = as_fields(bind(function, problem.known, problem.tables, owner=f"constraint {owner!r}"))
            return engine.bind(reader, _full(equation), problem.coordinates)

        terms[name] = EnergyTerm(
            points.to(like.dtype, like.device),
            (weights / size).to(like),
            bound(energy.density),
            bound(taking(names, energy.variations)),
            bound(taking(names, energy.curvature)),
        )
    return terms


def _full(equation: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Rows that are numbers, or the same everywhere, as fields."""

    def call(columns: Mapping[str, Any], outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        nothing = 0.0 * next(iter(columns.values()))
        return [nothing + row for row in equation(columns, outputs, constants)]

    return call


def _size(model: Model, name: str, energy: Energy) -> float:
    """max_j ρ_j U_j |Ω|."""
    scales = model.scales
    fields = energy.formula.fields if energy.readable else energy.of or tuple(model.problem.outputs)
    pairs = zip(scales.rows[name], (scales.outputs[one][1] for one in fields), strict=False)
    return max(row * output for row, output in pairs) * float(model.problem.constraints[name].on.measure)


@dataclass(frozen=True, eq=False)
class EnergyBlock:
    """An energy in an objective: no rows, and an integral.

    Args:
        name: of the constraint.
        term: the energy at its nodes.
        points: of the equation that it leads to, which the objective keeps.
        constants: of the model, at points.
        parameters: that are trained.
    """

    name: str
    term: EnergyTerm
    points: Points
    constants: Callable[[Points], Mapping[str, Tensor]]
    parameters: Sequence[torch.nn.Parameter]
    weight: float = 1.0
    rows: int = 0

    def residual(self) -> Tensor:
        """No rows, (0,)."""
        return self.term.weights.new_zeros(0)

    def potential(self) -> Tensor:
        """∫ L dx / S, 0-d, with a graph where grad mode is on."""
        rows = self.term.density.residual(self.term.points.x, self.constants(self.term.points))
        return rows[:, 0] @ self.term.weights

    def gradient(self) -> tuple[Tensor, Tensor]:
        """The integral, and its gradient (p,)."""
        with torch.enable_grad():
            value = self.potential()
        return value.detach(), flat_gradient(value, self.parameters)

    def gram(self) -> tuple[Tensor, Tensor, Tensor]:
        """The integral, its gradient (p,) and its metric G (p, p)."""
        value, slope = self.gradient()
        metric = slope.new_zeros(slope.numel(), slope.numel())
        for start in range(0, self.term.points.n, _PIECE):
            some = torch.arange(start, min(start + _PIECE, self.term.points.n), device=slope.device)
            points = self.term.points.take(some)
            constants = self.constants(points)
            values, jacobian = self.term.variations.linearize(points.x, self.parameters, constants)
            root = _root(self.term.curvature.residual(points.x, constants).detach(), values.shape[1])
            root = root * self.term.weights[some].sqrt()[:, None, None]
            rows = torch.bmm(root, jacobian.reshape(len(some), values.shape[1], -1)).flatten(0, 1)
            metric.addmm_(rows.T, rows)
        return value, slope, metric

    def linearize(self, out: Tensor) -> Tensor:
        """Not defined: there are no rows; see `operator`."""
        raise self._refusal()

    def operator(self) -> Linearization:
        """Not defined: there are no rows, and what wants them is refused before training.

        Raises:
            TypeError: always.
        """
        raise self._refusal()

    def pieces(self, size: int) -> Any:
        """Not defined: there are no rows; see `operator`."""
        raise self._refusal()

    def _refusal(self) -> TypeError:
        return TypeError(f"constraint {self.name!r}: an energy has no rows; take NaturalGradient(), LBFGS() or Adam")


def _root(triangle: Tensor, K: int) -> Tensor:
    """√λ₊ Qᵀ (n, K, K) of symmetric matrices Q λ Qᵀ, given by their upper triangles (n, K (K + 1)/2)."""
    matrix = triangle.new_zeros(len(triangle), K, K)
    i, j = torch.triu_indices(K, K)
    matrix[:, i, j] = triangle
    matrix[:, j, i] = triangle
    values, vectors = torch.linalg.eigh(matrix)
    return values.clamp(min=0).sqrt()[:, :, None] * vectors.mT
