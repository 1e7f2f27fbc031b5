"""Solve a differential problem: one call, sensible everything.

An affine problem is solved on fixed neurons by linear least squares. What they do not carry, and every other problem,
is trained: a small network in float64 by Levenberg-Marquardt on exact rows of the Jacobian, with few points first and
more as the network begins to fit the points rather than the equation. As training goes on, linear solves on neurons
over its hidden layer correct it, until the estimated error is small enough or nothing helps (`pinn.alternation`).
`pinn.defaults` has every other choice and the measurement behind it; each can be replaced by an object of the library,
and they combine freely.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch

from pinn.alternation import DEFAULT, Alternation, Features, uncorrected
from pinn.ambient import own_settings
from pinn.defaults import default_network, default_stage
from pinn.derivatives import Engine, Jets
from pinn.features.rows import weighed_as
from pinn.model import Model, NetworkFactory
from pinn.objective import Equations
from pinn.optimizers import Optimizer
from pinn.options import validate_options
from pinn.problem import Problem
from pinn.sampling import Sampler
from pinn.solution import Report, Solution
from pinn.training import Stage, Trainer
from pinn.training.callback import CallbackLike, as_callbacks
from pinn.training.choice import chosen
from pinn.verification import Certificate, VerificationError, VerificationTable, verify_before_training
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
    features: Features | None = DEFAULT,
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
        tolerance: estimated relative error of the answer at which the run ends; that of the residuals is a criterion of
            a stage, `Stage(stop=[Tolerance(1e-6)])`. Without a limit a run ends when more work does not help.
        seconds: wall seconds at the most, counted from this call.
        steps: optimizer steps at the most; linear solves come on top, in proportion.
        seed: of weights and points; with the same one a machine repeats a run that `seconds` does not cut.
        dtype, device: precision of everything, float64 or float32, and where to compute.
        threads: that share large matrix products; left out, as many as torch uses when called; all else runs on one.
        verify: compare derivatives, gradients, reference first; log them (INFO), what is ill-posed (WARNING) or refuse.
        certify: end with `solution.certificate`: the answer's estimated error, and what is determined.
        features: linear solves on fixed neurons, which begin an affine problem where nothing is named of how to train,
            and correct what is trained; None for training alone, as where stages are a whole schedule.
        start: continue from the parameters of an earlier solution; its network is taken where none is named.
        progress: show a progress bar on a terminal.
        callbacks: functions of a `Progress`, called after every step, or `Callback`s; `Stop("why")` ends the run.

    Raises:
        VerificationError: when the verification before training fails.
        TypeError, ValueError: for options of another type, out of range or in contradiction, before anything is done.

    Example:
        >>> from pinn.problems import oscillator
        >>> solution = solve(oscillator(), steps=40, progress=False)
        >>> bool(solution.error() < 1e-4)
        True
    """
    validate_options(locals())
    started = time.perf_counter()
    with own_settings(dtype):
        generator = torch.Generator().manual_seed(seed)
        model = _model(problem, network, start, generator, dtype).to(device)
        equations = Equations(model, Jets() if derivatives is None else derivatives)
        table = _verified(equations) if verify else None
        named = any(one is not None for one in (network, optimizer, sampling, weighting, stages, start))
        seconds = _for_solving(seconds, certify)
        features = None if stages is not None else features
        loop = _loop(equations, features, named, start, seed, tolerance, seconds, steps, started)
        stages = [_stage(model, optimizer, sampling, weighting, steps, network, start)] if stages is None else stages
        trainer = Trainer(
            equations,
            generator=generator,
            seconds=seconds,
            progress=progress,
            callbacks=[*as_callbacks(callbacks), loop.watch],
            started=started,
            workers=torch.get_num_threads() if threads is None else threads,
        )
        return _solution(loop.run(trainer, stages), loop, trainer, table, certify, chosen_of=stages)


def _loop(
    equations: Equations,
    features: Features | None,
    named: bool,
    start: Solution | None,
    seed: int,
    tolerance: float | None,
    seconds: float | None,
    steps: int | None,
    started: float,
) -> Alternation:
    """Training and solves in turn; nothing is solved from nothing where it is named how to train."""
    return Alternation(
        equations,
        features=None if features is None else replace(features, fixed=features.fixed and not named),
        start=None if start is None else start.model,
        seed=seed,
        tolerance=tolerance,
        seconds=seconds,
        steps=steps is not None,
        started=started,
    )


def _solution(
    model: Model,
    loop: Alternation,
    trainer: Trainer,
    table: VerificationTable | None,
    certify: bool,
    *,
    chosen_of: Sequence[Stage],
) -> Solution:
    """The answer with its certificate and report."""
    equations = weighed_as(loop.equations, model)
    solution = Solution(equations.problem, model, trainer.history)
    solution.noise = trainer.noise.estimate()
    solution.certificate = _certificate(model, loop) if certify else None
    made = chosen(model.network, chosen_of)
    solution.report = Report.of(solution, equations, check=table, outcome=loop.outcome, seed=loop.seed, chosen=made)
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
    begun = uncorrected(start.model)
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


def _certificate(model: Model, loop: Alternation) -> Certificate | None:
    """The certificate of the answer, in proportion to the work of the run; None where it was interrupted."""
    try:
        return loop.certificate(model, loop.allowed(_SHARE * loop.work, _MOST_SECONDS))
    except KeyboardInterrupt:
        return None


def _stage(
    model: Model,
    optimizer: Optimizer | None,
    sampling: Sampler | None,
    weighting: Weighting | None,
    steps: int | None,
    network: NetworkFactory | None,
    start: Solution | None,
) -> Stage:
    """The one stage of a run without a schedule."""
    return default_stage(
        model.problem,
        sum(parameter.numel() for parameter in model.parameters()),
        optimizer=optimizer,
        sampling=sampling,
        weighting=weighting,
        steps=steps,
        own_network=network is not None,
        begun=start is not None,
    )
