"""The residual rows of a problem on its current points, and everything an optimizer asks of them.

    f(theta) = 1/2 |r(theta)|^2,    row i of constraint c scaled by sqrt(lambda_i w_c / n_c)

r_i is a row of size one: what the equation states, over the size of that row (`pinn.scales`), each component of a
system by its own. w_c is the constraint's weight, lambda_i a point's weight, n_c the number of its points, so that f is
half the sum over constraints of w_c * mean(lambda r^2). This one definition serves every optimizer, weighting and
sampler: J^T r is the gradient, and causal weights or residual-based attention are scales of rows. How a constraint's
residuals at its points become rows is its reduction's affair (`pinn.least_squares`): an integral constraint is the row
sqrt(w_c) * measure * mean(r), one row a residual component.

Rows are ordered by constraint, then by point, then by the constraint's residual components. What trains adds integrals
of energies to f, in the place of the rows of their equations (`pinn.ritz`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from pinn.binding import names_of
from pinn.blocks import Blocks, RowAnswers
from pinn.constraint_rows import ConstraintBlock, ScaledResiduals
from pinn.derivatives.engine import BoundEquation, Engine, EngineChoice, ModelFunction
from pinn.domains import Points
from pinn.least_squares import PIECE
from pinn.linalg import Matrix
from pinn.linearization import Linearization
from pinn.model import Model
from pinn.noise import component_noise, sized, weighed
from pinn.problem import Problem
from pinn.ritz import EnergyBlock, energy_terms

_SHARED = 256  # points below which telling another process of them takes longer than computing them here


class Sharing(Protocol):
    """Several processes that each have a part of the points (`pinn.ranks`)."""

    def answers(self, objective: Objective, alone: Blocks) -> RowAnswers:
        """What answers for the rows of an objective, each process on its part of them; `alone` would do all."""

    def rows(self, equations: Equations, name: str, points: Points) -> Tensor:
        """`Equations.residual`, each process on a part of the points."""


class Equations:
    """A problem's constraints and model seen through one derivative engine.

    Args:
        model: network and unknown coefficients.
        engine: what differentiates.

    Attributes:
        row_sizes: constraint name -> size of each of its residual components, in their own units (`pinn.scales`), or
            what noise leaves of them in proportion.
        functions: constraint name -> its equation as a function (coordinates, outputs, constants) -> rows, each divided
            by its size, so that all that is made of rows is made of rows of size one.
        bound: constraint name -> its equation under the engine, bound once, so that what is learned of it stays.
        energies: constraint name -> the energy that trains in the place of its rows.
        weights: constraint name -> weight in the place of the problem's, where a run has found a better one.
        point_weights: constraint name -> weight of each of its points, shape (n,), where a run has found them: of given
            points, which are the same whenever they are drawn.
        sharing: the processes that have parts of the points; None for this one alone.

    Raises:
        ValueError: when the model has no parameter.
    """

    def __init__(self, model: Model, engine: Engine) -> None:
        if next(model.parameters(), None) is None:
            raise ValueError(
                f"the network {type(model.network).__name__} has no parameters, so there is nothing to train; give one "
                "that registers them as torch.nn.Parameter or holds modules that do"
            )
        self.model = model
        self.engine = engine
        self.problem: Problem = model.problem
        self.row_sizes = {
            name: component_noise(self.problem, name, model.scales.rows[name]) for name in self.problem.constraints
        }
        self.functions = {
            name: sized(self.problem.equation(name), self.row_sizes[name]) for name in self.problem.constraints
        }
        self.bound: dict[str, BoundEquation] = {
            name: engine.bind(self.reader(name), function, self.problem.coordinates)
            for name, function in self.functions.items()
        }
        self.energies = energy_terms(model, engine)
        self._per_point: dict[str, int] = {}
        self.weights: dict[str, float] = {}
        self.point_weights: dict[str, Tensor] = {}
        self.sharing: Sharing | None = None

    def reader(self, name: str) -> ModelFunction:
        """What the named constraint takes of the model, as a function of columns by coordinate."""
        required, optional = names_of(self.problem.constraints[name].equation)
        return self.model.reader((*required, *optional))

    def weight(self, name: str) -> float:
        """The weight of the named constraint in the loss: what a run has found, or what the problem states."""
        return self.weights[name] if name in self.weights else self.problem.weight(name)

    def weighed(self, name: str, points: Points, weights: Tensor | None) -> Tensor | None:
        """Weights (n,) of points: those given, times those that a run has found, times 1/sigma² over its mean."""
        return weighed(points, weights, self.point_weights.get(name))

    @property
    def engines(self) -> dict[str, EngineChoice]:
        """Constraint name -> the engine that computes it, and why where another was asked for.

        What was not evaluated yet, and shows only then, is left out.
        """
        found = {name: bound.choice for name, bound in self.bound.items()}
        return {name: choice for name, choice in found.items() if choice is not None}

    def constants(self, points: Points) -> dict[str, Tensor]:
        """Unknown numbers, normals and observed values, by name."""
        return {**self.model.coefficients(), **points.constants()}

    def residual(self, name: str, points: Points) -> Tensor:
        """Rows (n, q) of a constraint at points, of size one, without weights and without a graph."""
        if self.sharing is not None and points.n >= _SHARED:
            return self.sharing.rows(self, name, points)
        return self.residual_here(name, points)

    def residual_here(self, name: str, points: Points) -> Tensor:
        """The same, computed by this process alone."""
        with torch.no_grad():
            return self.rows(name, points).detach()

    def stated(self, name: str, points: Points) -> Tensor:
        """Rows (n, q) of a constraint at points as the problem states them, in its own units, without a graph."""
        rows = self.residual(name, points)
        return rows * torch.tensor(self.row_sizes[name], dtype=rows.dtype, device=rows.device)

    def rows(self, name: str, points: Points) -> Tensor:
        """Rows (n, q) of a constraint, of size one, unweighted, with a graph to the parameters where grad is on."""
        like = next(self.model.parameters())
        points = points.to(like.dtype, like.device)
        return self.bound[name].residual(points.x, self.constants(points))

    def residuals_per_point(self, name: str, points: Points) -> int:
        """Number q of residual components of a constraint, found once, on a few of these points."""
        if name not in self._per_point:
            self._per_point[name] = self.residual(name, points.take(torch.arange(min(2, points.n)))).shape[1]
        return self._per_point[name]


class Objective:
    """f(theta) = 1/2 |r|^2 on fixed points and weights.

    Args:
        equations: the problem's constraints, its model and engine.
        points: constraint name -> points.
        weights: constraint name -> weight; left out, the problem's.
        point_weights: constraint name -> weight lambda of each point, shape (n,); left out, ones.
        energies: whether energies stand in the place of the rows of their equations, as where they train.

    Raises:
        ValueError: when no parameter requires grad; when points, weights or point weights are missing, unknown,
            negative or of another length.
    """

    def __init__(
        self,
        equations: Equations,
        points: Mapping[str, Points],
        *,
        weights: Mapping[str, float] | None = None,
        point_weights: Mapping[str, Tensor] | None = None,
        energies: bool = False,
    ) -> None:
        self.equations = equations
        self.model = equations.model
        self._parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if not self._parameters:
            raise ValueError(
                f"none of the {len(list(self.model.parameters()))} parameter tensors of the model requires grad, so "
                "there is nothing to train; call requires_grad_(True) on those that are to be trained"
            )
        first = self._parameters[0].detach()
        self.dtype, self.device = first.dtype, first.device
        self.size = sum(parameter.numel() for parameter in self._parameters)
        problem = equations.problem
        _same_names("points", points, problem)
        given = {name: equations.weight(name) for name in problem.constraints} | dict(weights or {})
        _same_names("weights", given, problem)
        for name, weight in given.items():
            if weight < 0:
                raise ValueError(f"weights {name!r}: got {weight}, expected a number of at least zero")
        self.point_weights = dict(point_weights or {})
        if unknown := sorted(set(self.point_weights) - set(problem.constraints)):
            raise ValueError(f"point_weights: unknown constraints {unknown}; the problem has {list(points)}")
        self.blocks: list[ConstraintBlock] = []
        self.terms: list[EnergyBlock] = []
        for name, constraint in problem.constraints.items():
            place, reduction = points[name].to(self.dtype, self.device), constraint.reduction
            if energies and name in equations.energies:
                term = equations.energies[name]
                self.terms.append(EnergyBlock(name, term, place, equations.constants, self._parameters))
                continue
            lam = self.point_weights.get(name)
            if lam is not None and tuple(lam.shape) != (place.n,):
                raise ValueError(
                    f"point_weights {name!r}: shape {tuple(lam.shape)}, expected ({place.n},), one a point"
                )
            scale = reduction.scale(place.n, float(given[name]), equations.weighed(name, place, lam), first)
            residuals = ScaledResiduals(equations, name, place, scale, self._parameters)
            self.blocks.append(ConstraintBlock(name, float(given[name]), residuals, reduction))
        alone = Blocks([*self.blocks, *self.terms], self.size, self.dtype, self.device)
        self._answers = alone if equations.sharing is None else equations.sharing.answers(self, alone)

    def taking(self, chosen: Mapping[str, Tensor]) -> Objective:
        """The same on some of the points, each counting so much more that sums are the same in the mean.

        Args:
            chosen: constraint name -> numbers of its points, (b,); the others keep theirs.
        """
        made = copy.copy(self)
        made.blocks = [block.taking(chosen[block.name]) if block.name in chosen else block for block in self.blocks]
        alone, sharing = Blocks([*made.blocks, *made.terms], self.size, self.dtype, self.device), self.equations.sharing
        made._answers = alone if sharing is None else sharing.answers(made, alone)
        return made

    @property
    def points(self) -> dict[str, Points]:
        """The points of each constraint."""
        rows = {block.name: block.points for block in self.blocks}
        return rows | {term.name: term.points for term in self.terms}

    @property
    def rows(self) -> int:
        """Number N of residual rows."""
        return sum(block.rows for block in self.blocks)

    @property
    def squares(self) -> bool:
        """Whether f is half a sum of squares of rows, and no integral of an energy beside it."""
        return not self.terms

    @property
    def residuals_per_point(self) -> list[int]:
        """Number q of residual components of each constraint."""
        return [block.residuals.per_point for block in self.blocks]

    def parameters(self) -> list[torch.nn.Parameter]:
        """The parameters, in the order of the flat vector."""
        return self._parameters

    def vector(self) -> Tensor:
        """A copy of the parameters as one vector (p,)."""
        return torch.cat([parameter.detach().reshape(-1) for parameter in self._parameters])

    def assign(self, theta: Tensor) -> None:
        """Write the parameters from a vector (p,).

        An optimizer's step does this, and what puts parameters back: the trainer after a step that was cut or a
        callback, and the validation monitor, which gives the best at the end.
        """
        if tuple(theta.shape) != (self.size,):
            raise ValueError(f"assign: got shape {tuple(theta.shape)}, expected ({self.size},)")
        offset = 0
        with torch.no_grad():
            for parameter in self._parameters:
                count = parameter.numel()
                parameter.copy_(theta[offset : offset + count].view_as(parameter))
                offset += count

    def residual(self) -> Tensor:
        """Scaled rows r, shape (N,), without a graph."""
        return self._answers.residual()

    def loss(self) -> Tensor:
        """f = 1/2 |r|^2, 0-d, without a graph."""
        return self._answers.loss()

    def losses(self) -> dict[str, float]:
        """Each constraint's part of the loss."""
        return dict(self._answers.losses())

    def differentiable_loss(self) -> Tensor:
        """f = 1/2 |r|^2, 0-d, with a graph to the parameters, for closures of `torch.optim`."""
        parts = [0.5 * block.residual().pow(2).sum() for block in self.blocks]
        parts += [term.potential() for term in self.terms]
        return torch.stack(parts).sum()

    def gradient(self) -> tuple[Tensor, Tensor]:
        """Loss (0-d) and its gradient (p,)."""
        return self._answers.gradient()

    def gradient_norms(self) -> dict[str, float]:
        """Length of the gradient of each constraint's loss, taken without its weight."""
        slopes = self._answers.gradients()
        return {block.name: float(slopes[block.name].norm()) / block.weight for block in self.blocks}

    def linearize(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Scaled rows r (N,) and their derivatives J (N, p).

        Args:
            out: optional buffer (N, p) that J is written into.
        """
        return self._answers.linearize(out)

    def held(self, out: Matrix | None = None) -> tuple[Tensor, Matrix]:
        """Scaled rows r (N,), and J (N, p) to multiply with, whose rows stay where they are made.

        Args:
            out: an earlier J of the same shape, which may be overwritten.
        """
        return self._answers.held(out)

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """Loss (0-d), J^T r (p,) and J^T J (p, p), accumulated over blocks of points without holding J."""
        return self._answers.normal_equations()

    def pieces(self, size: int = PIECE) -> Iterator[tuple[slice, Linearization]]:
        """J at the current parameters, piece by piece: rows of r, and products with those rows of J, without J.

        The next piece is made when it is asked for: who drops the last one first holds no more than one. The rows of an
        integral constraint are sums over its points, to which each piece adds its own.

        Args:
            size: points of a piece at the most.

        Raises:
            ValueError: when that is less than one.
        """
        if size < 1:
            raise ValueError(f"pieces: got size={size}; expected at least 1 point")
        return self._answers.pieces(size)

    def operator(self) -> Linearization:
        """Rows r (N,) and products with J at the current parameters, without J."""
        return self._answers.operator()


def _same_names(what: str, given: Mapping[str, Any], problem: Problem) -> None:
    missing, unknown = set(problem.constraints) - set(given), set(given) - set(problem.constraints)
    if missing or unknown:
        raise ValueError(
            f"{what}: expected one entry for each of {list(problem.constraints)}; "
            f"missing {sorted(missing)}, unknown {sorted(unknown)}"
        )
