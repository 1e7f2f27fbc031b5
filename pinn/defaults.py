"""Everything that `solve` chooses where nothing is named, on one page, each number with what was measured for it.

Networks: `default_network` has the table by kind of problem.

Optimizer: `default_optimizer`. Three methods carry networks of thousands of parameters: Levenberg-Marquardt, in its
dual form once rows are fewer than parameters; matrix-free Gauss-Newton; and the sketched form. Measured on Burgers'
equation, rel-L2 error after so many seconds of processor time of one core, points growing from 400 as the optimizer's
memory allows:

| parameters | seconds | Levenberg-Marquardt | matrix-free | sketched (s) | L-BFGS |
|---|---|---|---|---|---|
| 3 441 | 40 | 3.2e-5 | | 1.7e-3 (345), 8.1e-3 (1377) | |
| 5 081 | 100 | 2.5e-5 | 5.7e-2 | | 3.1e-1 |
| 30 501 | 58 | 1.2e-2 | 1.6e-1 | 2.7e-1 (611) | |
| 30 701 | 120 | 7.7e-5 | 2.7e-1 | | 3.5e-1 |
| 99 901 | 58 | 2.7e-1, loss 1.0e-2 | 3.2e-1, loss 8.4e-2 | 4.9e-1, loss 1.6 (500) | |

With rows made from one backward pass, all of J costs two to three gradients, about as much as a single product Jv and
Jᵀw; its dual form costs N²p, which stays small where the memory holds N down. So Levenberg-Marquardt is taken as long
as its memory holds enough rows, 625 at 100 000 parameters, and products alone beyond. The sketched form never wins
here: its SVD and its transform of s p numbers are dear, and the s that one core can afford is too small a part of p. It
is to be named, where a GPU or time allows s of p/3.

Weights: 2 on conditions and data (`CONDITION_WEIGHT`, which `Problem.weight` takes), 1 on equations, all on rows of
size one (`pinn.scales`). rel-L2 error of the default run after the steps of `tests/problems/test_trained.py`, seed 0,
beside that of a weight of 100 on rows as they are stated, which was the default before rows were measured:

| problem, steps | as stated, 100 | 1 | 2 | 10 | 100 |
|---|---|---|---|---|---|
| Allen-Cahn, 45 | 1.4e-2 | 4.4e-3 | 1.7e-3 | 3.3e-3 | 5.0e-3 |
| Burgers, 45 | 4.5e-2 | 3.1e-2 | 2.0e-3 | 6.4e-3 | 7.9e-3 |
| Burgers, viscous, 25 | 2.9e-4 | 2.5e-2 | 4.3e-4 | 6.2e-4 | 4.2e-4 |
| cavity, 15 | 8.5e-2 | 3.2e-2 | 5.1e-2 | 7.6e-2 | 5.0e-1 |
| convection, 20 | 1.8e-5 | 1.5e-5 | 2.3e-5 | 6.1e-5 | 1.3e-4 |
| beam, 20 | 2.8e-5 | 2.3e-7 | 1.3e-7 | 1.3e-6 | 2.3e-6 |
| Helmholtz, 45 | 4.2e-3 | 1.3e-2 | 3.6e-3 | 1.8e-2 | 2.6e-1 |
| Korteweg-de Vries, 20 | 3.1e-3 | 4.2e-3 | 6.4e-3 | 1.2e-2 | 1.6e-2 |
| Kovasznay, 14 | 5.7e-3 | 2.6e-2 | 1.9e-2 | 5.2e-1 | 4.6e-1 |
| four holes, 30 | 2.8e-2 | 6.9e-3 | 2.4e-2 | 9.4e-3 | 4.2e-3 |
| stiff ordinary equation, 15 | 5.9e-7 | 9.6e-7 | 1.8e-6 | 3.7e-6 | 4.9e-5 |
| oscillator, 30 | 3.4e-7 | 1.6e-6 | 5.0e-7 | 3.0e-7 | 1.2e-5 |
| Poisson, two dimensions, 20 | 3.9e-6 | 7.3e-6 | 5.2e-6 | 2.1e-6 | 3.4e-6 |
| Poisson, five dimensions, 12 | 1.8e-3 | 6.5e-4 | 3.1e-4 | 5.0e-4 | 4.0e-4 |
| string, 25 | 4.1e-3 | 3.0e-3 | 4.5e-3 | 3.5e-4 | 1.2e-3 |

The column of 2 has outputs of the size that `pinn.scales` gives them now, their range; the others half of it. One seed
tells a factor of three at most: after 14 steps Kovasznay's flow has 5e-3 to 4e-2 over four seeds with a weight of 2 and
6e-3 to 6e-2 as stated, and after 40 steps 7e-6 to 4e-5 and 6e-6 to 2e-5.

Points: 400 first, up to 8000, half as many again where the loss shows that there are too few. rel-L2 error after 60
steps, and the seconds of processor time of one core of a shared machine, seed 0:

| first points | 100 | 400 | 1600 | 4000 |
|---|---|---|---|---|
| Burgers | 1.5e-1 in 2.5 s | 1.5e-3 in 5.4 s | 1.1e-4 in 9.5 s | 2.8e-5 in 14 s |
| Poisson, two dimensions | 8.2e-7 in 1.3 s | 2.9e-8 in 2.4 s | 2.7e-8 in 8.0 s | 1.2e-8 in 13 s |
| Kovasznay | 8.4e-5 in 4.3 s | 2.2e-6 in 21 s | | |

Smooth solutions gain little from more than 400 at first and pay three to five times for it; layers gain.

Early times first: from the beginning for a system of ordinary equations, else where a run is stuck after 6 sets of
points. rel-L2 error after 100 steps, seed 0:

| early times first | where stuck | never | from the beginning |
|---|---|---|---|
| predators and prey | | 2.8e+1 | 1.7e-8 |
| Allen-Cahn | 4.1e-4 (it was not stuck) | 4.1e-4 | 2.1e-4 |
| Korteweg-de Vries | 1.3e-1 | 1.4e-2 | 2.6e-2 |
| convection | 8.6e-2 | 6.4e-6 | 3.7e-4 |

It decides for systems. For the two waves the run counts as stuck too soon, and a hundred steps are too few to make
that good; in the longer runs of the public suite both reach the errors that README shows.

Not measured by themselves, but carried by the errors of the public suite: the factor and the ratios by which points
grow, the number of fixed points, when a run counts as stuck or solved in time, how a network is widened, and the
patience.

Elsewhere, each where it is used:

| number | where |
|---|---|
| precision, engine, seed | the arguments of `solve` |
| validation points on the domain itself | the argument `validation` of `pinn.training.Trainer` |
| fraction of the work of the steps that evaluations of the validation loss may take | `pinn.training.monitor` |
| fall of the validation loss that counts as an improvement | `pinn.training.monitor` |
| sets of points in a row on which an optimizer can go no further before its stage ends | `pinn.training.trainer` |
| points on boundaries and of conditions, for so many on the domain itself | `pinn.sampling.budget` |
| damping, memory, tolerances and ranks of an optimizer | its own constructor |
| fresh points of the report | the argument `size` of `pinn.solution.Report.of` |
"""

from __future__ import annotations

from functools import partial

import torch

from pinn import memory
from pinn.analysis import analyze
from pinn.model import NetworkFactory
from pinn.networks import MLP, DeepONet
from pinn.optimizers import LBFGS, LevenbergMarquardt, MatrixFree, NaturalGradient, Optimizer
from pinn.problem import CONDITION_WEIGHT, Problem
from pinn.ritz import energies
from pinn.sampling import RAD, Fixed, Growing, Marching, Sampler, counts
from pinn.training import Stage, Widening
from pinn.weighting import Weighting

__all__ = [
    "CONDITION_WEIGHT",
    "default_network",
    "default_optimizer",
    "default_sampling",
    "default_stage",
    "default_widening",
    "energy_optimizer",
    "marching_coordinate",
    "most_points",
]

# -- the network ------------------------------------------------------------------------------------------------------

WIDTH = 20  # neurons a hidden layer
WIDTH_OF_SYSTEM = 10  # more, where there are several outputs
WIDTH_OF_COORDINATE = 5  # more, for each coordinate beyond two
DEPTH = 3  # hidden layers

# -- the optimizer ----------------------------------------------------------------------------------------------------

MEMORY = 5e8  # bytes that J may take, where the machine has eight times as many
FEWEST_ROWS = 500  # under which a problem is hardly posed, and an optimizer that carries no more is not taken

# -- points on the domain itself --------------------------------------------------------------------------------------

FIRST_POINTS = 400  # of a set that grows
FIRST_DRAWS = 1500  # the same where each has a function of its own, see `pinn.networks.deeponet`
MOST_POINTS = 8000
FIXED_POINTS = 4000  # where they stay, for optimizers that new ones would spoil
REDRAW_EVERY = 10  # accepted steps
GROW_BY = 1.5  # times as many points, where ...
TOO_FEW = 3.0  # ... the loss on new points is so many times that on the old, and ...
NO_LONGER_FALLING = 0.6  # ... so many times that on the new points before

# -- early times first ------------------------------------------------------------------------------------------------

MARCH_AFTER = 6  # sets of points, if the run is then stuck; a system of ordinary equations marches at once
STUCK = 1e-2  # loss over the first of the run above which it is
SOLVED = 1e-3  # loss over the first of the run below which the times reached are solved
FIRST_TIMES = 0.1  # fraction of the time axis at first
LATER_TIMES = 1.5  # growth of that fraction
PACE = 5  # accepted steps between sets of points on the way

# -- a wider network, and the end -------------------------------------------------------------------------------------

WIDEN_BY = 1.5  # times the width
WIDEN_TIMES = 2  # at the most
WIDEN_WINDOW = 4  # sets of points over which ...
WIDEN_STALL = 0.5  # ... the least loss on them has not halved
# Evaluations of the validation loss without a fall by a tenth, after which the run ends. There is at most one a step,
# for cheap steps one in four, so that 100 are 100 to 400 steps of standstill. Measured in 240 s of a busy core: the
# oscillator (1509 steps, error 1e-11), linear_ode (1104, 4e-13) and poisson_2d (324, 3e-10) never had 50 in a row.
PATIENCE = 100


def marching_coordinate(problem: Problem) -> str | None:
    """The time coordinate that the choices follow; None where there is none, and where something is observed.

    Data tie all times together at once, so that an inverse problem is treated as a boundary problem.

    Example:
        >>> from pinn.problems import burgers, burgers_inverse
        >>> marching_coordinate(burgers()), marching_coordinate(burgers_inverse())
        ('t', None)
    """
    traits = analyze(problem)
    return None if traits.observed else traits.time_coordinate


def default_network(problem: Problem) -> NetworkFactory:
    """The network `solve` takes: wider with more outputs and coordinates; depth and activation follow the equation.

    | problem | hidden layers | width | φ |
    |---|---|---|---|
    | boundary, inverse or ordinary; evolution of every point by itself | 3 | 20, see below | tanh |
    | evolution of first order in space | 3 | 20 | sin |
    | of second order, and of first in time | 4 | 16, so that p and the cost stay | tanh |
    | of second order in space and in time | 4 | 16 | sin |
    | of third order or more in space | 4 | 20 | sin |

    A system has 10 neurons more, each coordinate beyond two 5. Measured, one seed: diffusion makes layers, which tanh
    has, and after 180 steps Burgers' equation has an error of 4e-6 with 4 × 16 tanh, 6e-5 with 3 × 20 tanh and 2e-5
    with 4 × 16 sines. Without it waves stay waves: after 40 s convection has 1e-7 with sines and 3e-5 with tanh, the
    Korteweg-de Vries equation 8e-5 with 4 × 20 sines and 3e-4 with 3 × 20 tanh; after 20 s the string 2e-6 and 7e-6.
    Boundary problems fare two to four times worse with four layers. Where functions are inputs it is a `DeepONet`.

    Example:
        >>> from pinn.problems import burgers
        >>> default_network(burgers()).keywords["width"]
        16
    """
    if problem.domain.functions:
        return DeepONet
    system = WIDTH_OF_SYSTEM * (len(problem.outputs) > 1)
    width = WIDTH + system + WIDTH_OF_COORDINATE * max(0, len(problem.coordinates) - 2)
    traits = analyze(problem)
    if len(problem.coordinates) == 1 or marching_coordinate(problem) is None:
        return partial(MLP, width=width, depth=DEPTH)
    space = traits.order_in_space
    diffuses = space == 2 and traits.order_in_time < 2
    return partial(
        MLP,
        width=4 * width // 5 if space == 2 else width,
        depth=DEPTH + (space > 1),
        activation=torch.tanh if space == 0 or diffuses else torch.sin,
    )


def default_optimizer(parameters: int) -> Optimizer:
    """Levenberg-Marquardt while J (500 rows at least) fits into its memory, matrix-free Gauss-Newton beyond.

    Args:
        parameters: p.

    Raises:
        ValueError: for less than one parameter.

    Example:
        >>> [type(default_optimizer(p)).__name__ for p in (921, 30_000, 1_000_000)]
        ['LevenbergMarquardt', 'LevenbergMarquardt', 'MatrixFree']
    """
    if parameters < 1:
        raise ValueError(f"default_optimizer: got {parameters} parameters; expected at least 1")
    # An eighth of a small machine; what a machine has does not change from run to run.
    first = LevenbergMarquardt(memory=min(MEMORY, memory.total() / 8))
    most = first.most_rows(parameters)
    return first if most is None or most >= FEWEST_ROWS else MatrixFree()


def energy_optimizer(problem: Problem, parameters: int) -> Optimizer:
    """What `solve` takes where an energy is among the constraints: natural gradients by its metric, or L-BFGS.

    Args:
        problem: what is to be solved.
        parameters: p.
    """
    readable = all(energy.readable for energy in energies(problem).values())
    held = 2 * 8.0 * parameters**2  # the metric and its factor
    return NaturalGradient(1e-6) if readable and held <= min(MEMORY, memory.total() / 8) else LBFGS()


def default_sampling(problem: Problem, optimizer: Optimizer, most: int = MOST_POINTS, begun: bool = False) -> Sampler:
    """The points `solve` takes: growing and following the residual; early times first where an evolution is stuck.

    A system of ordinary equations with values at the start takes early times first from the beginning. An optimizer
    whose memory new points would spoil gets fixed ones.

    Args:
        problem: what is to be solved.
        optimizer: what takes the steps.
        most: points at the most on the domain itself.
        begun: whether the run continues an earlier one, which has seen all times.
    """
    if not optimizer.redraws or energies(problem):  # whose nodes stay
        return Fixed(min(FIXED_POINTS, most))
    growing = Growing(
        RAD(every=REDRAW_EVERY),
        start=min(FIRST_DRAWS if problem.domain.functions else FIRST_POINTS, most),
        factor=GROW_BY,
        maximum=most,
        threshold=TOO_FEW,
        stall=NO_LONGER_FALLING,
    )
    time = marching_coordinate(problem)
    if time is None:
        return growing
    # A system marches at once: it is cheap, and a network that sees all times first may end at a state of rest.
    at_once = len(problem.coordinates) == 1 and len(problem.outputs) > 1 and not begun
    return Marching(
        growing,
        time=time,
        start=FIRST_TIMES,
        factor=LATER_TIMES,
        solved=SOLVED,
        pace=PACE,
        after=0 if at_once else MARCH_AFTER,
        stuck=STUCK,
    )


def most_points(problem: Problem, rows: int | None) -> int:
    """The largest number of points on the domain itself, up to `MOST_POINTS`, whose rows an optimizer can take.

    Args:
        problem: what is to be solved.
        rows: N at the most; None for any number.
    """
    if rows is None:
        return MOST_POINTS
    traits, size = analyze(problem), MOST_POINTS
    while size > 1 and traits.rows(counts(problem, size)) > rows:
        size = size * 9 // 10
    return size


def default_widening(problem: Problem) -> Widening | None:
    """When the network that `solve` chose grows; None for equations of first order, which do not profit.

    There the error gathers along characteristics, and was not less with twice the parameters.
    """
    time = marching_coordinate(problem)
    if analyze(problem).order([name for name in problem.coordinates if name != time]) < 2:
        return None
    return Widening(factor=WIDEN_BY, times=WIDEN_TIMES, window=WIDEN_WINDOW, stall=WIDEN_STALL)


def default_stage(
    problem: Problem,
    parameters: int,
    *,
    optimizer: Optimizer | None = None,
    sampling: Sampler | None = None,
    weighting: Weighting | None = None,
    steps: int | None = None,
    own_network: bool = False,
    begun: bool = False,
) -> Stage:
    """The one stage of a run without a schedule, with what was left out chosen.

    Args:
        problem: what is to be solved.
        parameters: p, of the model that is trained.
        optimizer: what takes the steps; left out, `default_optimizer`.
        sampling: where the points go; left out, `default_sampling` within the optimizer's memory.
        weighting: how weights change; left out, they stay as the problem states them.
        steps: optimizer steps at the most.
        own_network: whether the caller named the network, which then stays as it is.
        begun: whether the run continues an earlier one.
    """
    if optimizer is None and energies(problem):
        optimizer = energy_optimizer(problem, parameters)
    chosen = default_optimizer(parameters) if optimizer is None else optimizer
    if sampling is None:
        sampling = default_sampling(problem, chosen, most_points(problem, chosen.most_rows(parameters)), begun)
    judged = sampling.redraws and chosen.redraws  # widening looks at the loss on newly drawn points
    widening = default_widening(problem) if judged and not own_network and not begun else None
    return Stage(chosen, sampling, weighting, steps, widening=widening, patience=PATIENCE)
