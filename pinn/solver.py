"""Solve a differential problem: one call, sensible everything.

An affine problem is solved on fixed neurons by linear least squares. What they do not carry, and every other problem,
is trained: a small network in float64 by Levenberg-Marquardt on exact rows of the Jacobian, with few points first and
more as the network begins to fit the points rather than the equation. As training goes on, linear solves on neurons
over its hidden layer correct it, until the estimated error is small enough or nothing helps (`pinn.alternation`).
`pinn.defaults` has every other choice and the measurement behind it; each can be replaced by an object of the library,
and they combine freely.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Never

import torch

from pinn.alternation import Alternation
from pinn.ambient import own_settings
from pinn.analysis import analyze
from pinn.defaults import default_network, default_stage
from pinn.derivatives import Engine, Jets
from pinn.features.answers import stands_alone, uncorrected
from pinn.features.options import DEFAULT, Features
from pinn.features.rows import weighed_as
from pinn.model import Model, NetworkFactory, by_region
from pinn.networks import Windows
from pinn.objective import Equations
from pinn.optimizers import Optimizer
from pinn.options import validate_options
from pinn.problem import Problem
from pinn.ranks import ALONE, Leader, RankError, Ranks, Worker
from pinn.ritz import energies, require_descent
from pinn.sampling import Sampler
from pinn.solution import History, Report, Solution
from pinn.structure import described, rebuilt
from pinn.training import Checkpoints, Stage, Trainer
from pinn.training.callback import CallbackLike, FailureTold, as_callbacks
from pinn.training.checkpoint import Checkpoint, CheckpointWriter
from pinn.training.choice import chosen
from pinn.training.resuming import checkpoint_writer, opened, run_options
from pinn.verification import VerificationError, VerificationTable, verify_before_training
from pinn.weighting import Weighting

_LOG = logging.getLogger("pinn.verification")

_SHARE = 0.08  # of the work of a run, and of its seconds, that the certificate may take
_MOST_SECONDS = 2.0  # that are kept for it
_LEAST_EFFORT = 1.5e10  # operations that it may take in any case, about half a second


def solve(
    problem: Problem,
    *,
    network: NetworkFactory | Mapping[str, NetworkFactory] | None = None,
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
    certify: bool = True,
    features: Features | None = DEFAULT,
    start: Solution | None = None,
    checkpoint: Checkpoints | str | os.PathLike[str] | None = None,
    every: int | None = None,
    resume: str | os.PathLike[str] | None = None,
    ranks: Ranks = ALONE,
    progress: bool = True,
    callbacks: Iterable[CallbackLike] = (),
    **misspelt: Never,
) -> Solution:
    """Solve `problem` and return the solution that was best on points never trained on; Ctrl-C ends it with that too.

    Args:
        problem: what is to be solved.
        network: what builds the network, e.g. `partial(MLP, width=50, depth=4)`, or a dictionary of those by output or
            region; left out, `default_network(problem)`. Each region has one of its own.
        optimizer: left out, Levenberg-Marquardt, or a matrix-free Gauss-Newton for large networks.
        sampling: where the points go; left out, points that follow the residual and grow in number, or fixed ones.
        weighting: how weights change; left out, they stay as the problem states them.
        stages: a whole schedule in place of network, optimizer, sampling and weighting.
        derivatives: engine, `Jets()` (default) or `Autograd()`.
        tolerance: estimated relative error of the answer at which the run ends; that of the residuals is a criterion of
            a stage, `Stage(stop=[Tolerance(1e-6)])`. Without a limit a run ends when more work does not help.
        seconds: wall seconds at the most, counted from this call.
        steps: optimizer steps at the most; linear solves come on top, in proportion.
        seed: of weights and points; with the same one a machine repeats a run that `seconds` does not cut.
        dtype: precision of everything, float64 or float32.
        device: where to compute.
        threads: that share large matrix products; left out, as many as torch uses when called; all else runs on one.
        verify: compare derivatives, gradients, reference first; log them (INFO), what is ill-posed (WARNING) or refuse.
        certify: end with `solution.certificate`: the answer's estimated error, and what is determined.
        features: linear solves on fixed neurons, which begin an affine problem where nothing is named of how to train,
            and correct what is trained; None for training alone, as where stages are a whole schedule.
        start: continue from the parameters of an earlier solution; its network is taken where none is named.
        checkpoint: folder for checkpoints, or `Checkpoints`; left out, none are written, or those of `resume` go on.
        every: steps between two checkpoints; left out, as many as keep their cost at 1 % of the steps'.
        resume: go on from a checkpoint, or the newest in a folder, with the other arguments as they were; the end is
            that of a whole run, bit for bit. `steps` and `seconds` count from the first start.
        ranks: processes that each have a part of the points, `pinn.ranks.join()`; all call `solve` alike, and rank 0
            alone writes, says and reports.
        progress: show a bar on a terminal or in a notebook; elsewhere a line a minute is logged (INFO).
        callbacks: functions of a `Progress`, called after every step, or `Callback`s; `Stop("why")` ends the run.

    Raises:
        VerificationError: when the verification before training fails.
        TypeError, ValueError: for options of another name or type, out of range or in contradiction, at once.

    Example:
        >>> from pinn.problems import oscillator
        >>> bool(solve(oscillator(), steps=40, progress=False).error() < 1e-4)
        True
    """
    given = dict(locals())
    validate_options(given)
    with own_settings(dtype):
        return _run(given, time.perf_counter()) if ranks.first else _helped(given)


def _run(given: dict[str, Any], started: float) -> Solution:
    """The run, in the one process or the first rank of several; callbacks hear of its end, whatever it is."""
    saved = opened(given["checkpoint"], given["every"], given["resume"])
    given["callbacks"] = callbacks = as_callbacks(given["callbacks"])
    with FailureTold(callbacks):
        solution = _solved(given, saved, started) if given["ranks"].size == 1 else _led(given, saved, started)
        for callback in callbacks:
            callback.solved(solution)
        return solution


def _led(given: Mapping[str, Any], saved: Checkpoint | None, started: float) -> Solution:
    """`_solved` where this is the first of several ranks, which tells the others how it ended."""
    leader = Leader(given["ranks"])
    ended: dict[str, Any] = {"error": "an error, which that rank tells"}
    try:
        solution = _solved(given, saved, started, leader)
        ended = {"model": described(solution.model), "history": solution.history.as_plain()}
    finally:
        with contextlib.suppress(RankError):
            leader.end(ended)
    return solution


def _helped(given: Mapping[str, Any]) -> Solution:
    """The solution of rank 0, as the other ranks have it, which compute their part of the rows."""
    problem, network = given["problem"], given["network"]
    engine = Jets() if given["derivatives"] is None else given["derivatives"]
    said = Worker(given["ranks"], problem, engine, network, given["device"]).serve()
    model = rebuilt("rank 0", problem, said["model"], network)
    return Solution(problem, model, History.from_plain(said["history"]))


def _solved(
    given: Mapping[str, Any], saved: Checkpoint | None, started: float, sharing: Leader | None = None
) -> Solution:
    """What `solve` does with its arguments once they are validated.

    Args:
        given: the arguments by name.
        saved: what the run goes on from.
        started: reading of the clock at the call.
        sharing: asks the other ranks, where there are any.
    """
    generator = torch.Generator().manual_seed(given["seed"])
    going_on = saved is not None and saved.begun
    begun = _gone_on(given, saved) if saved is not None and going_on else _begun(given, generator, saved)
    model, stages, options = begun
    equations = Equations(model, Jets() if given["derivatives"] is None else given["derivatives"])
    table = _verified(equations) if given["verify"] else None
    equations.sharing = sharing
    writer = checkpoint_writer(given["checkpoint"], given["every"], given["problem"], options, saved)
    loop = _loop(given, equations, started)
    trainer = _trainer(given, equations, generator, started, writer, loop)
    if saved is not None and going_on:
        loop.load_state_dict(saved.driver, given["network"])
        trainer.resume(saved.training, given["network"])
    answer = loop.run(trainer, stages)
    return _concluded(given, answer, loop, table, stages)


def _loop(given: Mapping[str, Any], equations: Equations, started: float) -> Alternation:
    """Training and solves in turn; nothing is solved on fixed neurons where it is named how to train.

    A problem that is not affine goes on from an answer that has nothing else by steps of Gauss-Newton on these.
    """
    start, named = given["start"], ("network", "optimizer", "sampling", "weighting", "stages")
    free = all(given[name] is None for name in named)
    free &= start is None or (stands_alone(start.model.network) and not analyze(given["problem"]).affine)
    features = None if given["stages"] is not None else given["features"]
    return Alternation(
        equations,
        features=None if features is None else replace(features, fixed=features.fixed and free),
        start=None if given["start"] is None else given["start"].model,
        seed=given["seed"],
        tolerance=given["tolerance"],
        seconds=_for_solving(given["seconds"], given["certify"]),
        steps=given["steps"] is not None,
        started=started,
    )


def _trainer(
    given: Mapping[str, Any],
    equations: Equations,
    generator: torch.Generator,
    started: float,
    writer: CheckpointWriter | None,
    loop: Alternation,
) -> Trainer:
    """What runs the stages by the arguments of `solve`, under the eyes of the loop."""
    if writer is not None:
        writer.driver = loop
    return Trainer(
        equations,
        generator=generator,
        seconds=_for_solving(given["seconds"], given["certify"]),
        started=started,
        workers=torch.get_num_threads() if given["threads"] is None else given["threads"],
        checkpoints=writer,
        progress=given["progress"],
        callbacks=[loop.watch, *given["callbacks"]],
    )


def _concluded(
    given: Mapping[str, Any],
    model: Model,
    loop: Alternation,
    table: VerificationTable | None,
    stages: Sequence[Stage],
) -> Solution:
    """The answer with what is known of its noise and error, and its report; a KeyboardInterrupt costs one of these.

    Args:
        given: arguments of `solve`.
        model: the answer.
        loop: that has run.
        table: of comparisons before training.
        stages: of the run.
    """
    trainer, end = loop.trainer, loop.trainer.end
    equations = weighed_as(loop.equations, model)
    solution = Solution(equations.problem, model, trainer.history)
    solution.noise = end.after(trainer.noise.estimate)
    if given["certify"]:
        seconds = given["seconds"]
        kept = 0.0 if seconds is None else seconds - loop.seconds
        effort = loop.allowed(max(_SHARE * loop.work, _LEAST_EFFORT), kept)
        effort = min(effort, _MOST_SECONDS * loop.pace) if end.interrupted else effort
        solution.certificate = end.after(lambda: loop.certificate(model, effort))
    choices = chosen(model.network, stages, trainer.journal.steps > 0, solution.problem.outputs)
    engines = loop.equations.engines  # those of training, with the reason
    told = {"seed": given["seed"], "chosen": choices, "engines": engines, "seconds": loop.took}
    report = partial(Report.of, solution, equations, check=table, **told)
    solution.report = made = end.after(lambda: report(outcome=end.outcome)) or report(outcome=end.outcome)
    if loop.solved:
        solution.history.conclude(loop.took, made.loss, made.error, solution.coefficients)
    return solution


def _model(
    problem: Problem,
    network: NetworkFactory | Mapping[str, NetworkFactory] | None,
    start: Solution | None,
    generator: torch.Generator,
    dtype: torch.dtype,
) -> Model:
    """The model with its first parameters: new ones, or those of an earlier solution with its network."""
    chosen = by_region(problem, default_network(problem) if network is None else network)
    model = Model(problem, chosen, generator=generator, dtype=dtype)
    if start is None:
        return model
    before = start.model.problem
    for what in ("coordinates", "outputs", "periodic", "features"):
        mine, its = tuple(getattr(problem, what)), tuple(getattr(before, what))
        if its != mine:
            raise ValueError(f"solve: start has {what}={its}, the problem {mine}; start from a solution with the same")
    begun = uncorrected(start.model)
    if isinstance(begun.network, Windows):  # which are not trained: a new network is, and they are the answer to beat
        return model
    if network is None:
        model.network = copy.deepcopy(begun.network)
        model.fields = copy.deepcopy(begun.fields)
    try:
        model.load_state_dict(begun.state_dict())
    except RuntimeError as error:
        raise ValueError(
            f"solve: start does not fit the network or the unknowns ({error}); leave network out"
        ) from None
    return model.to(dtype)


def _verified(equations: Equations) -> VerificationTable:
    """The table of comparisons before a run, logged; an error where one fails."""
    table = verify_before_training(equations)
    if not table.ok:
        raise VerificationError(table)
    _LOG.info("compared before training\n%s", table)
    for finding in table.findings:
        _LOG.warning("%s %s", "the problem as stated:" if finding.certain else "suspected of the problem:", finding)
    return table


def _for_solving(seconds: float | None, certify: bool) -> float | None:
    """The seconds that are left for training and solves."""
    return seconds if seconds is None or not certify else seconds - min(_SHARE * seconds, _MOST_SECONDS)


def _begun(
    given: Mapping[str, Any], generator: torch.Generator, saved: Checkpoint | None
) -> tuple[Model, Sequence[Stage], dict[str, Any]]:
    """The model of a run at its beginning, its stages, and what must be the same for it to go on later.

    Args:
        given: arguments of `solve`.
        generator: source of the first weights.
        saved: of a run that was broken off before it began to train.
    """
    problem, network, start = given["problem"], given["network"], given["start"]
    model = _model(problem, network, start, generator, given["dtype"]).to(given["device"])
    # A run that goes on makes the same choices, whatever has become of the network.
    parameters = sum(parameter.numel() for parameter in model.parameters())
    asked = {"own_network": network is not None, "begun": start is not None, "parameters": parameters}
    stages = _fitting(given, _stages(given, asked))
    options = run_options(given, stages, asked)
    if saved is not None:
        saved.require_same(problem, options)
    return model, stages, options


def _gone_on(given: Mapping[str, Any], saved: Checkpoint) -> tuple[Model, Sequence[Stage], dict[str, Any]]:
    """The same for a run that goes on, with the model as it was.

    Raises:
        ValueError: where it would be another run, naming what differs.
    """
    asked = saved.options["asked"]
    stages = _fitting(given, _stages(given, asked))
    options = run_options(given, stages, asked)
    saved.require_same(given["problem"], options)
    return saved.model(given["problem"], given["network"], given["device"]), stages, options


def _stages(given: Mapping[str, Any], asked: Mapping[str, Any]) -> Sequence[Stage]:
    """The schedule of a run, or its one stage."""
    if given["stages"] is not None:
        stages: Sequence[Stage] = given["stages"]
        return stages
    named = {name: given[name] for name in ("optimizer", "sampling", "weighting", "steps")}
    return [default_stage(given["problem"], **named, **asked)]


def _fitting(given: Mapping[str, Any], stages: Sequence[Stage]) -> Sequence[Stage]:
    """The stages, where they and the processes can do with the energies of the problem."""
    require_descent(given["problem"], [stage.optimizer for stage in stages])
    if given["ranks"].size > 1 and (found := energies(given["problem"])):
        raise ValueError(f"solve: got {given['ranks'].size} ranks and the energies {[*found]}; run it in one process")
    return stages
