"""Solve a differential problem: one call, sensible everything.

By default a small tanh network is trained in float64 by Levenberg-Marquardt on exact rows of the Jacobian, with few
points first and more as the network begins to fit the points rather than the equation, until the residual on fresh
points stops falling. Every choice can be replaced by an object of the library, and they combine freely.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import torch

from pinn.ambient import own_settings
from pinn.defaults import default_optimizer
from pinn.derivatives import Engine, Jets
from pinn.model import Model, NetworkFactory
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.optimizers import LevenbergMarquardt, Optimizer
from pinn.problem import Problem
from pinn.sampling import RAD, Fixed, Growing, Marching, Sampler, counts, evolves
from pinn.sampling.uniform import spread
from pinn.solution import Report, Solution
from pinn.training import Stage, Trainer, Widening
from pinn.training.callback import CallbackLike, as_callbacks
from pinn.verification.before_training import CheckError, CheckTable, asked, check
from pinn.weighting import Weighting

_LOG = logging.getLogger("pinn.check")
T = TypeVar("T")

# Evaluations without a fall by a tenth. There is at most one a step, so no run ends before the 200 steps of standstill
# that were allowed when patience counted steps. Measured: of the first 100 steps of four problems every fourth has one.
_PATIENCE = 200
_START, _MOST, _FIXED = 400, 8000, 4000  # points on the domain: first, at the most, and where they are kept


def solve(
    problem: Problem,
    *,
    network: NetworkFactory | None = None,
    optimizer: Optimizer | None = None,
    sampling: Sampler | None = None,
    weighting: Weighting | None = None,
    stages: Sequence[Stage] | None = None,
    derivatives: Engine | None = None,
    tolerance: float | None = None,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
    threads: int | None = None,
    verify: bool = True,
    start: Solution | None = None,
    progress: bool = True,
    callbacks: Iterable[CallbackLike] = (),
) -> Solution:
    """Solve `problem` and return the solution that was best on points never trained on.

    Args:
        problem: what is to be solved.
        network: what builds the network, e.g. `partial(MLP, width=50, depth=4)`; left out, `default_network(problem)`.
        optimizer: left out, Levenberg-Marquardt, or a matrix-free Gauss-Newton for large networks.
        sampling: where the points go; left out, points that follow the residual and grow in number, or fixed ones
            for an optimizer whose memory new points would spoil.
        weighting: how weights change; left out, they stay as the problem states them.
        stages: a whole schedule in place of the four above.
        derivatives: engine, `Jets()` (default) or `Autograd()`.
        tolerance: stop when the root-mean-square of the weighted residuals on fresh points is below it.
        seconds: wall seconds at the most, counted from this call.
        steps: optimizer steps at the most.
        seed: of weights and points; with the same one a machine repeats a run that `seconds` does not cut.
        dtype, device: precision of everything, float64 or float32, and where to compute.
        threads: that share large matrix products; left out, as many as torch uses when called. All else runs on one:
            small kernels gain little from more, and lose much where the machine is shared.
        verify: compare derivatives, gradients and reference before training, refuse to train on a failure, and log the
            table (logger `pinn.check`, level INFO).
        start: continue from the parameters of an earlier solution; its network is taken where none is named.
        progress: show a progress bar on a terminal.
        callbacks: functions of a `Progress`, called after every step, or `Callback`s; `Stop("why")` ends the run.

    Raises:
        CheckError: when the verification before training fails.
        ValueError, TypeError: for options that contradict each other.

    Example:
        >>> from pinn.problems import oscillator
        >>> solution = solve(oscillator(), steps=40, progress=False)
        >>> bool(solution.error() < 1e-4)
        True
    """
    started = time.perf_counter()
    _validate(tolerance, seconds, steps, threads, dtype)
    if stages is not None and any(option is not None for option in (optimizer, sampling, weighting, steps)):
        raise ValueError("solve: got stages together with optimizer, sampling, weighting or steps; put them in a Stage")
    workers = torch.get_num_threads() if threads is None else threads
    watching = as_callbacks(callbacks)
    with own_settings(dtype):
        generator = torch.Generator().manual_seed(seed)
        model = _model(problem, network, start, generator, dtype).to(device)
        equations = Equations(model, _given(derivatives, Engine, "derivatives", "Jets()") or Jets())
        table = _verified(equations) if verify else None
        if stages is None:
            stages = [_stage(equations, optimizer, sampling, weighting, steps, network is None, start is not None)]
        trainer = Trainer(
            equations,
            generator=generator,
            seconds=seconds,
            tolerance=tolerance,
            progress=progress,
            callbacks=watching,
            started=started,
            workers=workers,
        )
        solution = Solution(problem, model, trainer.run(stages))
        solution.report = Report.of(solution, equations, check=table, outcome=trainer.outcome, seed=seed)
        return solution


def _model(
    problem: Problem,
    network: NetworkFactory | None,
    start: Solution | None,
    generator: torch.Generator,
    dtype: torch.dtype,
) -> Model:
    """The model with its first parameters: new ones, or those of an earlier solution with its network."""
    model = Model(problem, default_network(problem) if network is None else network, generator=generator, dtype=dtype)
    if start is None:
        return model
    before = start.model.problem
    for what in ("coordinates", "outputs", "periodic", "features"):
        mine, its = tuple(getattr(problem, what)), tuple(getattr(before, what))
        if its != mine:
            raise ValueError(f"solve: start has {what}={its}, the problem {mine}; start from a solution with the same")
    if network is None:
        model.network = copy.deepcopy(start.model.network)
        model.fields = copy.deepcopy(start.model.fields)
    try:
        model.load_state_dict(start.model.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"solve: start does not fit the network or the unknowns ({error}); leave network out"
        ) from None
    return model.to(dtype)


def _verified(equations: Equations) -> CheckTable:
    """The table of comparisons before a run, logged; an error where one fails."""
    table = check(equations)
    if not table.ok:
        raise CheckError(table)
    _LOG.info("checked before training\n%s", table)
    return table


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
    Boundary problems fare two to four times worse with four layers.
    """
    width = 20 + 10 * (len(problem.outputs) > 1) + 5 * max(0, len(problem.coordinates) - 2)
    time = evolves(problem)
    if len(problem.coordinates) == 1 or time is None:
        return partial(MLP, width=width, depth=3)
    before, across = _orders(problem, time)
    activation = torch.tanh if across == 0 or (across == 2 and before < 2) else torch.sin
    return partial(MLP, width=4 * width // 5 if across == 2 else width, depth=3 + (across > 1), activation=activation)


def _orders(problem: Problem, time: str | None) -> tuple[int, int]:
    """The highest derivatives that a constraint asks of an output: by the time, and by all other coordinates."""
    generator = torch.Generator().manual_seed(0)
    trial = Equations(Model(problem, partial(MLP, width=1, depth=1), generator=generator), Jets())
    place = None if time is None else problem.coordinates.index(time)
    found = [axes for _, axes in asked(Objective(trial, spread(problem, 2, generator)))]
    before = max((axes.count(place) for axes in found), default=0) if place is not None else 0
    return before, max((sum(axis != place for axis in axes) for axes in found), default=0)


def default_sampling(problem: Problem, optimizer: Optimizer, most: int = _MOST, begun: bool = False) -> Sampler:
    """The points `solve` takes: growing and following the residual; early times first where an evolution is stuck.

    A system of ordinary equations with values at the start takes early times first from the beginning. An optimizer
    whose memory new points would spoil gets fixed ones.

    Args:
        problem: what is to be solved.
        optimizer: what takes the steps.
        most: points at the most on the domain itself.
        begun: whether the run continues an earlier one, which has seen all times.
    """
    if not optimizer.redraws:
        return Fixed(min(_FIXED, most))
    growing = Growing(RAD(), start=min(_START, most), maximum=most)
    time = evolves(problem)
    if time is None:
        return growing
    # A system marches at once: it is cheap, and a network that sees all times first may end at a state of rest.
    at_once = len(problem.coordinates) == 1 and len(problem.outputs) > 1 and not begun
    return Marching(growing, time=time, after=0 if at_once else 6)


def _stage(
    equations: Equations,
    optimizer: Optimizer | None,
    sampling: Sampler | None,
    weighting: Weighting | None,
    steps: int | None,
    widen: bool,
    begun: bool,
) -> Stage:
    """The one stage of a run without a schedule, with what was left out chosen; a network left out may grow."""
    _given(optimizer, Optimizer, "optimizer", "LevenbergMarquardt() or FirstOrder(partial(torch.optim.Adam, lr=1e-3))")
    _given(sampling, Sampler, "sampling", "Growing(RAD())")
    _given(weighting, Weighting, "weighting", "Causal()")
    size = sum(parameter.numel() for parameter in equations.model.parameters())
    chosen = default_optimizer(size) if optimizer is None else optimizer
    if sampling is None:
        rows = chosen.most_rows(size) if isinstance(chosen, LevenbergMarquardt) else None
        most = _MOST if rows is None else _most_points(equations, rows)
        sampling = default_sampling(equations.problem, chosen, most, begun)
    # First order: the error gathers along characteristics, and was not less with twice the parameters.
    widens = widen and not begun and sampling.every and chosen.redraws
    widens = widens and _orders(equations.problem, evolves(equations.problem))[1] > 1
    widening = Widening() if widens else None
    return Stage(chosen, sampling, weighting, steps, widening=widening, patience=_PATIENCE)


def _most_points(equations: Equations, rows: int) -> int:
    """The largest number of points on the domain itself, up to `_MOST`, whose rows an optimizer can carry."""
    few = spread(equations.problem, 1, torch.Generator().manual_seed(0))
    widths = {name: equations.residual(name, points.take(torch.arange(1))).shape[1] for name, points in few.items()}
    size = _MOST
    while size > 1 and sum(widths[name] * n for name, n in counts(equations.problem, size).items()) > rows:
        size = size * 9 // 10
    return size


def _given(value: T | None, kind: type[Any], name: str, example: str) -> T | None:
    """The value, where it is left out or an object of the kind."""
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"solve: {name}={value!r}; give an object such as {example}, or leave it out")
    return value


def _validate(
    tolerance: float | None, seconds: float | None, steps: int | None, threads: int | None, dtype: torch.dtype
) -> None:
    options = {"tolerance": tolerance, "seconds": seconds, "steps": steps, "threads": threads}
    for name, value in options.items():
        if value is not None and not value > 0:
            raise ValueError(f"solve: {name}={value}; give a positive number or leave it out")
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"solve: dtype={dtype}; choose torch.float64 (default) or torch.float32")
