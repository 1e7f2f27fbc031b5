"""The correction of a trained network by linear solves on fixed neurons over its last hidden layer.

    û = N + Σⱼ cⱼ φⱼ(x̂, h(x)),    c ← c + argmin |J δ + r|²,    J = ∂r/∂c,    two to five times

h is the last hidden layer of the network N, frozen; φ are `pinn.networks.Lifted`. Unknown fields get such neurons over
their own networks, and unknown numbers move along. Each round is a Gauss-Newton step in c, the whole solve of an affine
problem, on all points so far and new ones that follow what the round before has left: points that were fitted say
nothing of the gaps between them. What it is worth is measured on fresh points that half follow the residuals of both
answers. It is taken where less than three tenths are left there; otherwise the network stays as it is.

What the neurons are fixed to decides. Processor time of one core of a shared machine, one seed; error of the network,
and after the linear solves:

| problem, steps | network | on features of x̂ | of x̂ and N | of x̂ and h |
|---|---|---|---|---|
| Burgers, ν = 0.01, 80 steps, 4 s | 9.6e-5 | 2.6e-4 | 1.7e-4 | 3.9e-7 (600 neurons, 2 s), 4.7e-9 (1200, 6 s) |
| Kovasznay, 20 steps, 6 s | 8.6e-4 | 2.5e-4 | | 7.9e-7 (350, 2 s) |
| reaction, 80 steps, 5 s | 4.9e-6 | 1.5e-6 | 1.5e-6 | 4.7e-8 (800, 2 s) |
| Burgers, ν = 0.01/π, 160 steps, 21 s | 1.1e-6 | no gain | no gain | 1.0e-7 (1500, 15 s) |
| Allen-Cahn, 160 steps, 10 s | 1.0e-4 | no gain | 8e-5 | refused: 8 times the residual on fresh points |

Layers: features of the first hidden layer leave 0.5 of the residual of Burgers' equation (ν = 0.01), of the second
0.23, of the third and the fourth 0.026. Starting the same neurons from the network's answer without keeping it beside
them is better than features of x̂ beside it (Kovasznay 3.3e-7), and useless where there are layers. New points that
follow what is left, Burgers with 1500 neurons: 1.8e-7 of residual on fresh points after one round, 5e-8 after two,
4.5e-8 after three.

Tried and left out: rows of the solve that count as those of the comparison do, the largest two in a hundred as if of
the size of the others. Unknowns of `reaction_inverse` come two to ten times nearer (seven of eight trials), answers of
the cavity and of reaction are 1.3 to 2 times worse, and the others the same.

Source: Gauss-Newton in the outer weights (Dong, Li, Comput. Methods Appl. Mech. Engrg. 387 (2021) 114129, sec. 2.3);
learned coordinates in place of the plain ones are this project's.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.analysis import analyze
from pinn.domains import Points
from pinn.features.answers import stacked_outputs
from pinn.features.followed import followed, followed_objective, of_the_domain, residual_norms
from pinn.features.found import CLAIM
from pinn.features.rows import trained_alone, weighed_as
from pinn.linalg import least_squares
from pinn.model import Model
from pinn.networks import Enriched
from pinn.networks.lifted import BENEATH, Lifted, lifted_inputs
from pinn.networks.random_features import FeatureDraw, draw_features
from pinn.objective import Equations, Objective

_SCALES = (1.0, 2.0, 4.0)  # radians a unit of z whose entries number two; half as large leave as much, 12 times more
_ROWS = 3.0  # of equations for each column in the first round, and as many more in the second
_FOLLOWED, _LEFT = 0.5, 0.7  # of the points that follow residuals: of the network, of what a round has left
_ROUNDS = 5  # at the most, the later ones on the points of the second
_HALVED = 0.5  # of the residual on fresh points that the second round and each later one must leave for another
_HELD = 1500  # fresh points of each equation
_TAKEN = 0.3  # of the residual on fresh points that may be left where an answer is taken
_MOST_LEFT = 0.9  # of the residual that an error is told by
_BACK = (1.0, 0.25, 0.0625)  # parts of a step that are tried
_NEURON, _WRITE, _QR = 100.0, 60.0, 5.0  # as `pinn.training.work` and `pinn.features.solve` count
FEWEST_NEURONS = 100
MOST_COLUMNS = 2500  # J then takes 300 MB, and the solve as much again twice


@dataclass(frozen=True, eq=False)
class Lift:
    """What the linear solves about a trained network gave.

    Attributes:
        model: the corrected one, whose network is an `Enriched`.
        neurons: of the network.
        before, after: residual norms of the network and of the corrected answer on fresh points.
        change: relative L2 change of the outputs.
        left: what is left of the residual on fresh points, as a ratio, the largest rows counting in full: of a heat
            flux that starts 0.01 to 0.04; without them 0.005, by which errors are told ten times too low.
        work: operations, as `pinn.training.work` counts them.
    """

    model: Model
    neurons: int
    before: float
    after: float
    change: float
    left: float
    work: float

    @property
    def carried(self) -> float:
        """What is left of the residual on fresh points, as a ratio."""
        return self.after / self.before if self.before > 0 else 1.0

    @property
    def taken(self) -> bool:
        """Whether fresh points confirm it."""
        return self.carried < _TAKEN

    @property
    def error(self) -> float:
        """The relative error that may be claimed, as `pinn.features.solve` does; NaN where it is not taken."""
        left = min(self.left, _MOST_LEFT)
        return CLAIM * self.change * left / (1 - left) if self.taken else math.nan


def lift_refusal(equations: Equations) -> str:
    """Why an answer cannot be corrected by `lift`, in a few words; empty where it can."""
    if reason := trained_alone(equations):
        return reason
    networks = [equations.model.network, *equations.model.fields.values()]
    if own := [type(one).__name__ for one in networks if not isinstance(one, BENEATH)]:
        return f"the network {own[0]}, which a file of the correction could not name"
    return "" if of_the_domain(equations) else "no equation on the whole domain"


def lift_work(equations: Equations, neurons: int) -> float:
    """Operations of `lift` with so many neurons at the most, as `pinn.training.work` counts those of a run."""
    model = equations.model
    traits = analyze(equations.problem)
    total, columns = 0.0, _columns(model, neurons)
    network = sum(parameter.numel() for parameter in model.parameters())
    for number in range(3):
        n = (1 if number == 0 else 2) * _points(equations, columns)
        sizes = {name: n if name in of_the_domain(equations) else math.isqrt(n) for name in traits.constraints}
        rows = traits.rows(sizes)
        passes = 4 * (2 * network + (2 * network + _NEURON) * 1.0 + (2 * neurons + _NEURON * neurons))
        total += (3 * n + _HELD) * passes + rows * columns * (_WRITE + _QR * columns)
    return total


def most_neurons(equations: Equations, work: float) -> int:
    """The most neurons whose `lift_work` is no more than so many operations, at most `MOST_COLUMNS` columns."""
    neurons = 0
    following = FEWEST_NEURONS
    while _columns(equations.model, following) <= MOST_COLUMNS and lift_work(equations, following) <= work:
        neurons, following = following, math.ceil(1.1 * following)
    return neurons


def lift(equations: Equations, neurons: int, generator: torch.Generator) -> Lift | None:
    """Correct the answer of a trained model by linear solves on neurons over its last hidden layer.

    Args:
        equations: problem, model (the answer) and engine; the model is left as it is.
        neurons: of the network, at least one.
        generator: source of neurons and points.

    Returns:
        what was found, whether fresh points confirm it (`Lift.taken`) or not; None where rows are not finite.

    Example:
        >>> from pinn import solve
        >>> from pinn.derivatives import Jets
        >>> from pinn.problems import reaction
        >>> solution = solve(reaction(), steps=20, progress=False, features=None, certify=False)
        >>> found = lift(Equations(solution.model, Jets()), 400, torch.Generator().manual_seed(0))
        >>> found.taken
        True
    """
    model = _lifted(equations, neurons, generator)
    return _Solves(equations, weighed_as(equations, model), generator).run(neurons)


class _Solves:
    """The rounds of one correction."""

    def __init__(self, plain: Equations, equations: Equations, generator: torch.Generator) -> None:
        self.plain, self.equations, self.generator = plain, equations, generator
        self.objectives: list[Objective] = []

    def run(self, neurons: int) -> Lift | None:
        """Rounds until one does not halve what is left."""
        model, plain = self.equations.model, self.plain
        columns = _columns(plain.model, neurons)
        sample = plain.problem.domain.sample(1000, generator=self.generator)
        outputs = stacked_outputs(plain.model, sample)
        before, after = math.inf, math.inf
        for number in range(_ROUNDS):
            if number < 2:
                along, part = (self.equations, _LEFT) if number else (plain, _FOLLOWED)
                size = _points(plain, columns)
                self.objectives.append(followed_objective(self.equations, [along], size, part, self.generator))
            theta, last = self.objectives[0].vector(), after / before if number else math.inf
            if not self._step():
                break
            found = self._compared()
            if number and not found[1] / found[0] < last:
                self.objectives[0].assign(theta)
                break
            before, after = found
            if number and after / before > _HALVED * last:
                break
        if not (math.isfinite(before) and math.isfinite(after)):
            return None
        changed = stacked_outputs(model, sample)
        change = float((changed - outputs).norm()) / (float(changed.norm()) or 1.0)
        norms = residual_norms([plain, self.equations], _HELD, _FOLLOWED, self.generator, every=True)
        left = max(after / before, norms[1] / norms[0]) if before > 0 and norms[0] > 0 else 1.0
        return Lift(model, neurons, before, after, change, left, lift_work(plain, neurons))

    def _step(self) -> bool:
        """One step of Gauss-Newton on all points so far; False, with the weights as they were, where none descends."""
        total = sum(objective.rows for objective in self.objectives)
        shares = [math.sqrt(objective.rows / total) for objective in self.objectives]
        residuals, jacobians = [], []
        for objective, share in zip(self.objectives, shares, strict=True):
            residual, jacobian = objective.linearize()
            residuals.append(share * residual)
            jacobians.append(share * jacobian)
        residual, jacobian = torch.cat(residuals), torch.cat(jacobians)
        del residuals, jacobians
        if not bool(torch.isfinite(residual).all() and torch.isfinite(jacobian).all()):
            return False
        step = least_squares(jacobian, residual)
        theta, size = self.objectives[0].vector(), float(residual.norm())
        for part in _BACK:
            self.objectives[0].assign(theta + part * step)
            found = [share * one.residual() for one, share in zip(self.objectives, shares, strict=True)]
            if float(torch.cat(found).norm()) < size:
                return True
        self.objectives[0].assign(theta)
        return False

    def _compared(self) -> tuple[float, float]:
        """Residual norms of the network and of the corrected answer, on fresh points that follow both."""
        before, after = residual_norms([self.plain, self.equations], _HELD, _FOLLOWED, self.generator)
        return before, after


def _columns(model: Model, neurons: int) -> int:
    """Number p of columns of J."""
    fields = sum(_of_field(neurons) + 1 for _ in model.fields)
    return (neurons + 1) * len(model.problem.outputs) + fields + len(model.raw)


def _of_field(neurons: int) -> int:
    return max(50, min(100, neurons // 2))


def _points(equations: Equations, columns: int) -> int:
    """Points of each equation that a round adds."""
    traits = analyze(equations.problem).constraints
    per_point = sum(traits[name].residuals_per_point for name in of_the_domain(equations))
    return max(200, math.ceil(_ROWS * columns / max(per_point, 1)))


def _lifted(equations: Equations, neurons: int, generator: torch.Generator) -> Model:
    """A copy of the model, networks frozen, with neurons over their hidden layers, all weights out of them zero."""
    given, problem = equations.model, equations.problem
    model: Model = copy.deepcopy(given, {id(problem): problem})
    like = next(given.parameters())
    points, _ = followed([equations], neurons, _FOLLOWED, generator)
    centres = Points.cat([Points(points[name].names, points[name].x) for name in of_the_domain(equations)])
    for name in ("", *given.fields):
        count = _of_field(neurons) if name else neurons
        some = centres.take(torch.randperm(centres.n, generator=generator)[:count]).to(like.dtype, like.device)
        columns = {coordinate: some.column(coordinate) for coordinate in some.names}
        embedded = given.embed(columns, problem.unknowns[name].inputs if name else problem.coordinates)
        embedded += [] if name else given.further_inputs(columns)
        network = model.fields[name] if name else model.network
        x = torch.stack(embedded, -1)
        basis = Lifted(network, _drawn(lifted_inputs(network, x).detach(), count, generator))
        outputs = 1 if name else len(problem.outputs)
        joined = Enriched(x.shape[1], outputs, bases=[basis], network=network, dtype=like.dtype)
        joined = joined.to(like.device, like.dtype)
        if name:
            model.fields[name] = joined
        else:
            model.network = joined
    return model


def _drawn(z: Tensor, count: int, generator: torch.Generator) -> FeatureDraw:
    """Neurons about the given places z (n, k), in turn, of scales that do not grow with k."""
    z = z.double().cpu()
    scales = [scale * math.sqrt(2 / z.shape[1]) for scale in _SCALES]
    return draw_features(z[torch.arange(count) % z.shape[0]], scales, generator)
