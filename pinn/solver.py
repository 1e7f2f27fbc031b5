"""Solve a differential problem: one call, sensible everything.

By default a small tanh network is trained in float64 by Levenberg-Marquardt on exact rows of the Jacobian, with few
points first and more as the network begins to fit the points rather than the equation, until the validation
loss stops falling. `pinn.defaults` has every choice and the measurement behind it; each can be replaced by an object
of the library, and they combine freely.
"""

from __future__ import annotations

import copy
import logging
import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Never

import torch

from pinn.ambient import own_settings
from pinn.defaults import default_network, default_stage
from pinn.derivatives import Engine, Jets
from pinn.model import Model, NetworkFactory
from pinn.objective import Equations
from pinn.optimizers import Optimizer
from pinn.options import validate_options
from pinn.problem import Problem
from pinn.sampling import Sampler
from pinn.solution import Report, Solution
from pinn.training import Checkpoint, Checkpoints, Stage, Trainer
from pinn.training.callback import CallbackLike, as_callbacks
from pinn.training.checkpoint import CheckpointWriter
from pinn.training.choice import chosen
from pinn.training.resuming import checkpoint_writer, opened, run_options
from pinn.verification import Certificate, VerificationError, VerificationTable, verify_before_training
from pinn.verification.certificate import certify as certified
from pinn.weighting import Weighting

_LOG = logging.getLogger("pinn.verification")

_SHARE = 0.08  # of the work of a run, and of its seconds, that the certificate may take
_MOST_SECONDS = 2.0  # that are kept for it


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
    certify: bool = True,
    start: Solution | None = None,
    checkpoint: Checkpoints | str | os.PathLike[str] | None = None,
    every: int | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: bool = True,
    callbacks: Iterable[CallbackLike] = (),
    **misspelt: Never,
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
        tolerance: stop when the root-mean-square of the weighted residuals on the validation points is below it.
        seconds: wall seconds at the most, counted from this call.
        steps: optimizer steps at the most.
        seed: of weights and points; with the same one a machine repeats a run that `seconds` does not cut.
        dtype: precision of everything, float64 or float32.
        device: where to compute.
        threads: that share large matrix products; left out, as many as torch uses when called; all else runs on one.
        verify: compare derivatives, gradients, reference first; log them (INFO), what is ill-posed (WARNING) or refuse.
        certify: end with `solution.certificate`: the answer's estimated error, and what is determined.
        start: continue from the parameters of an earlier solution; its network is taken where none is named.
        checkpoint: folder for checkpoints, or `Checkpoints`; left out, none are written, or those of `resume` go on.
        every: steps between two checkpoints; left out, as many as keep their cost at 1 % of the steps'.
        resume: go on from a checkpoint, or the newest in a folder, with the other arguments as they were; the end is
            that of a whole run, bit for bit. `steps` and `seconds` count from the first start.
        progress: show a progress bar on a terminal.
        callbacks: functions of a `Progress`, called after every step, or `Callback`s; `Stop("why")` ends the run.

    Ctrl-C (KeyboardInterrupt) after the first step ends the run with the best answer until then, its ending then
    `Ending.INTERRUPTED`; the callback `pinn.training.Latest` keeps that answer where another error ends the run.

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
    saved = opened(checkpoint, every, resume)
    started = time.perf_counter()
    given["callbacks"] = as_callbacks(callbacks)
    given["threads"] = torch.get_num_threads() if threads is None else threads
    with own_settings(dtype):
        generator = torch.Generator().manual_seed(seed)
        model, stages, options = _begun(given, generator) if saved is None else _gone_on(given, saved)
        equations = Equations(model, Jets() if derivatives is None else derivatives)
        table = _verified(equations) if verify else None
        writer = checkpoint_writer(checkpoint, every, problem, options, saved)
        trainer = _trainer(given, equations, generator, started, writer, saved)
        solution = Solution(problem, model, trainer.run(stages))
        return _concluded(solution, trainer, table, chosen(model.network, stages), seed, seconds, certify)


def _concluded(
    solution: Solution,
    trainer: Trainer,
    table: VerificationTable | None,
    made: Mapping[str, Any],
    seed: int,
    seconds: float | None,
    certify: bool,
) -> Solution:
    """The solution with what is known of its noise and error, and its report; a KeyboardInterrupt costs one of these.

    Args:
        solution: as training has left it.
        trainer: that has run.
        table: of comparisons before training.
        made: choices of the run, for the report.
        seed: of the run.
        seconds: wall seconds of the run at the most.
        certify: whether its error is estimated.
    """
    end = trainer.end
    solution.noise = end.after(trainer.noise.estimate)
    solution.certificate = end.after(lambda: _certificate(trainer, seed, seconds)) if certify else None
    report = partial(Report.of, solution, trainer.equations, check=table, seed=seed, chosen=made)
    solution.report = end.after(lambda: report(outcome=end.outcome)) or report(outcome=end.outcome)
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


def _verified(equations: Equations) -> VerificationTable:
    """The table of comparisons before a run, logged; an error where one fails."""
    table = verify_before_training(equations)
    if not table.ok:
        raise VerificationError(table)
    _LOG.info("compared before training\n%s", table)
    for finding in table.findings:
        _LOG.warning("%s %s", "the problem as stated:" if finding.certain else "suspected of the problem:", finding)
    return table


def _trainer(
    given: Mapping[str, Any],
    equations: Equations,
    generator: torch.Generator,
    started: float,
    writer: CheckpointWriter | None,
    saved: Checkpoint | None,
) -> Trainer:
    """What runs the stages by the arguments of `solve`, where a checkpoint left them if there is one."""
    trainer = Trainer(
        equations,
        generator=generator,
        seconds=_for_training(given["seconds"], given["certify"]),
        started=started,
        workers=given["threads"],
        checkpoints=writer,
        **{name: given[name] for name in ("tolerance", "progress", "callbacks")},
    )
    if saved is not None:
        trainer.resume(saved.training, given["network"])
    return trainer


def _for_training(seconds: float | None, certify: bool) -> float | None:
    """The seconds that are left for training."""
    return seconds if seconds is None or not certify else seconds - min(_SHARE * seconds, _MOST_SECONDS)


def _certificate(trainer: Trainer, seed: int, seconds: float | None) -> Certificate:
    """The certificate of the answer, in proportion to the work of the run; soon where that was interrupted."""
    effort = _SHARE * trainer.work
    left = math.inf if seconds is None else max(seconds - trainer.elapsed, 0.0)
    if trainer.end.interrupted:
        left = min(left, _MOST_SECONDS)
    if left < math.inf and trainer.elapsed > 0:
        effort = min(effort, trainer.work * left / trainer.elapsed)
    return certified(trainer.equations, seed=seed, effort=effort)


def _begun(given: Mapping[str, Any], generator: torch.Generator) -> tuple[Model, Sequence[Stage], dict[str, Any]]:
    """The model of a run at its beginning, its stages, and what must be the same for it to go on later.

    Args:
        given: arguments of `solve`.
        generator: source of the first weights.
    """
    problem, network, start = given["problem"], given["network"], given["start"]
    model = _model(problem, network, start, generator, given["dtype"]).to(given["device"])
    # A run that goes on makes the same choices, whatever has become of the network.
    parameters = sum(parameter.numel() for parameter in model.parameters())
    asked = {"own_network": network is not None, "begun": start is not None, "parameters": parameters}
    stages = _stages(given, asked)
    return model, stages, run_options(given, stages, asked)


def _gone_on(given: Mapping[str, Any], saved: Checkpoint) -> tuple[Model, Sequence[Stage], dict[str, Any]]:
    """The same for a run that goes on, with the model as it was.

    Raises:
        ValueError: where it would be another run, naming what differs.
    """
    asked = saved.options["asked"]
    stages = _stages(given, asked)
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
