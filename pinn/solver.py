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
import time
from collections.abc import Iterable, Sequence

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
from pinn.training import Stage, Trainer
from pinn.training.callback import CallbackLike, as_callbacks
from pinn.training.choice import chosen
from pinn.verification import Certificate, VerificationError, VerificationTable, verify_before_training
from pinn.verification.certificate import certify as certified
from pinn.weighting import Weighting

_LOG = logging.getLogger("pinn.verification")

_SHARE = 0.08  # of the work of a run, and of its seconds, that the certificate may take
_LEAST_EFFORT = 1.5e10  # operations that it may take in any case, about half a second
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
        tolerance: stop when the root-mean-square of the weighted residuals on the validation points is below it.
        seconds: wall seconds at the most, counted from this call.
        steps: optimizer steps at the most.
        seed: of weights and points; with the same one a machine repeats a run that `seconds` does not cut.
        dtype, device: precision of everything, float64 or float32, and where to compute.
        threads: that share large matrix products; left out, as many as torch uses when called; all else runs on one.
        verify: compare derivatives, gradients, reference first; log them (INFO), what is ill-posed (WARNING) or refuse.
        certify: end with `solution.certificate`: the answer's estimated error, and what is determined.
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
    workers = torch.get_num_threads() if threads is None else threads
    watching = as_callbacks(callbacks)
    with own_settings(dtype):
        generator = torch.Generator().manual_seed(seed)
        model = _model(problem, network, start, generator, dtype).to(device)
        equations = Equations(model, Jets() if derivatives is None else derivatives)
        table = _verified(equations) if verify else None
        stages = [_stage(model, optimizer, sampling, weighting, steps, network, start)] if stages is None else stages
        trainer = Trainer(
            equations,
            generator=generator,
            seconds=_for_training(seconds, certify),
            tolerance=tolerance,
            progress=progress,
            callbacks=watching,
            started=started,
            workers=workers,
        )
        solution = Solution(problem, model, trainer.run(stages))
        solution.noise = trainer.noise.estimate()
        solution.certificate = _certificate(trainer, seed, seconds) if certify else None
        made = chosen(model.network, stages)
        solution.report = Report.of(solution, equations, check=table, outcome=trainer.outcome, seed=seed, chosen=made)
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


def _for_training(seconds: float | None, certify: bool) -> float | None:
    """The seconds that are left for training."""
    return seconds if seconds is None or not certify else seconds - min(_SHARE * seconds, _MOST_SECONDS)


def _certificate(trainer: Trainer, seed: int, seconds: float | None) -> Certificate | None:
    """The certificate of the answer, in proportion to the work of the run; None where it was interrupted."""
    effort = max(_SHARE * trainer.work, _LEAST_EFFORT)
    if seconds is not None and seconds < math.inf and trainer.elapsed > 0:
        effort = min(effort, trainer.work * max(seconds - trainer.elapsed, 0.0) / trainer.elapsed)
    try:
        return certified(trainer.equations, seed=seed, effort=effort)
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
