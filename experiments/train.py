"""Solve one problem, or sweep over many.

    python -m experiments.train                                         # Burgers' equation, everything by default
    python -m experiments.train problem=heat_1d seconds=10 network=mlp network.width=30
    python -m experiments.train --multirun problem=poisson_2d,heat_1d seed=0,1,2 seconds=10
    python -m experiments.train problem=burgers seconds=60 --strict     # code 3 unless the answer is trusted
    python -m experiments.train resume=outputs/burgers/...  steps=500    # go on with a run that was broken off
    python -m experiments.train problem=heat_1d 'write=[vtk,animation]'  # files beside those of every run
    python -m experiments.train --cfg job problem=burgers               # show the configuration and stop
    python -m experiments.train --multirun seed=0,1 hydra/launcher=joblib     # several at a time; or submitit_slurm
    torchrun --standalone --nproc_per_node=2 -m experiments.train       # two processes, each with half of the points

The configuration is a call of `pinn.solve`: groups name what builds its arguments (problem, network, optimizer,
sampling, weighting, derivatives), everything else is one of its options (seconds, tolerance, steps, seed, dtype, ...).
Each run has a folder of its own under `outputs/`.

A `_target_` of one's own, `problem._target_=mine.heat`, is code that will run: `trusted=[mine]` says that it may.

Ctrl-C, SIGTERM and SIGHUP end a run after its step with the best answer until then, written as always, and a last
checkpoint; a second one ends the program at once. What ends a run in the middle, an error of a callback for example,
leaves that answer too.

The exit code is 0 when the run ended, whatever its verdict; 1 when it ended by an error after training began; 2 when
the command makes no sense; 130 after Ctrl-C and 143 after SIGTERM. With `--strict`, or `strict=true`, it is 0 when the
answer is trusted, of every run of a sweep, and 3 when one is not.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from pinn.ranks import ALONE, Ranks, join
from pinn.solution import Solution
from pinn.solver import solve
from pinn.training.trackers import Tracker

from .command_line.configuration import ConfigurationError, arguments, check
from .command_line.interruption import Interruption
from .command_line.overrides import CONF, clean_exit, flag, groups, plain, prepare, refuse_given, trust_of_command_line
from .command_line.run_folder import CHECKPOINTS, RunFolder
from .command_line.several import aside, help_rank_0
from .command_line.sweep import of_sweep
from .command_line.telling import told
from .command_line.trust import Trust, as_trust
from .command_line.working_folder import importable
from .command_line.writing import validate_names, validate_problem, written

APART = {"strict": flag("strict"), "trusted": as_trust, "write": validate_names, "ranks": refuse_given("ranks")}
"""Options of this application that are none of `solve` -> what refuses a value."""
_STRICT = "strict=true"
_PLACES = ("checkpoint", "resume")  # where files lie is no part of what was run
_NO_SETTINGS = ("callbacks", "progress", *_PLACES)  # of what runs are compared by
_NOT_TRUSTED = 3


def run(config: DictConfig, untrusted: Path | None = None, ranks: Ranks = ALONE) -> float | None:
    """Solve the configured problem, fill the run's folder, and return the error for sweeps that look for the least.

    Args:
        config: the run's configuration.
        untrusted: a folder that gets a file when the run is strict and its answer not trusted.
        ranks: that have parts of the points; all but the first help that one.

    Raises:
        SystemExit: 130 or 143 after a signal, 1 after an error in the middle, 2 where the run is refused.
    """
    with clean_exit():
        trust = trust_of_command_line()
        call = plain(config, trust)
        resumed = call.get("resume") is not None
        if resumed:
            call = resumed_call(call, trust)
            config = OmegaConf.create({name: value for name, value in call.items() if name not in _PLACES})
        strict, verbs = bool(call.pop("strict", False)), call.pop("write", [])
        validate_names(verbs)
        if not ranks.first:
            check(solve, call, trust=trust)
            own = {name: value for name, value in call.items() if name not in (*_PLACES, "callbacks")}
            help_rank_0(arguments(solve, own, trust=trust) | {"ranks": ranks})
            return None
        place = RunFolder(Path(HydraConfig.get().runtime.output_dir), config, resumed)
        call.setdefault("checkpoint", str(place.path / CHECKPOINTS))
    with Interruption() as interruption:
        try:
            solution = _solved(call, trust, place, interruption, verbs, ranks)
        except KeyboardInterrupt:
            if not place.begun:
                sys.stderr.write(f"{interruption.name} before training began: nothing was written\n")
            raise SystemExit(interruption.code) from None
    report = solution.report
    if interruption.signal is not None:
        sys.stderr.write(
            f"ended by {interruption.name}: the best answer until then is in {place.path}\n{place.way_on()}"
        )
        raise SystemExit(interruption.code)
    if strict and untrusted is not None and not (report is not None and report.trusted):
        tempfile.mkstemp(dir=untrusted)
    return least_of(solution)


def least_of(solution: Solution) -> float | None:
    """What a search makes least: the error, or where there is no reference its estimate."""
    if solution.report is not None and solution.report.error is not None:
        return solution.report.error
    return None if solution.certificate is None else solution.certificate.error


def resumed_call(call: Mapping[str, Any], trust: Trust) -> dict[str, Any]:
    """The call of the run that goes on: that of its folder, with what the command line changes.

    Raises:
        ConfigurationError: where the folder holds no run, or what stands on the command line is no way to go on.
    """
    folder = Path(call["resume"])
    written = folder / "config.yaml"
    if not written.is_file():
        raise ConfigurationError(f"resume={folder}: there is no config.yaml; give the folder of a run")
    if not any((folder / CHECKPOINTS).glob("*")):
        raise ConfigurationError(f"resume={folder}: there is no checkpoint in it; start that run again")
    known, changes = groups([CONF]), {}
    for override in OverridesParser.create().parse_overrides(list(HydraConfig.get().overrides.task)):
        name = override.key_or_group
        if name.split(".")[0] in known:
            raise ConfigurationError(f"resume: {name} is that of the run that goes on; leave it out")
        if name in call and name != "resume":
            changes[name] = call[name]
    stored = OmegaConf.load(written)
    assert isinstance(stored, DictConfig)
    return plain(stored, trust) | changes | {"resume": str(folder / CHECKPOINTS)}


def _solved(
    call: dict[str, Any],
    trust: Trust,
    place: RunFolder,
    interruption: Interruption,
    verbs: Sequence[Any],
    ranks: Ranks,
) -> Solution:
    """The solution, everything about it written and printed."""
    with clean_exit(), place:
        check(solve, call, trust=trust)
        given = arguments(solve, call, trust=trust)
        validate_problem(verbs, given["problem"])
        given["callbacks"] = [place, interruption.first(), *given.get("callbacks", ()), interruption.last()]
        for one in given["callbacks"]:
            if isinstance(one, Tracker):
                one.describe(place.name, {key: value for key, value in call.items() if key not in _NO_SETTINGS})
        solution = solve(**given, ranks=ranks)
        with interruption.held():
            place.keep(solution)
            place.account(solution)
            print(solution.report)
            print(f"written to {place.path}")
        if interruption.signal is None:
            with contextlib.suppress(KeyboardInterrupt):
                place.draw(solution)
                place.written += written(verbs, solution, place.path)
    return solution


def _in_its_folder(arguments: Sequence[str]) -> list[str]:
    """The override by which a run goes on in its own folder."""
    resumed = [argument.removeprefix("resume=") for argument in arguments if argument.startswith("resume=")]
    return [f"hydra.run.dir='{resumed[-1]}'"] if resumed and Path(resumed[-1]).is_dir() else []


def main() -> None:
    """Entry of `python -m experiments.train`, and of the console script `pinn` where a run is asked for."""
    if told(sys.argv[1:]):
        return
    importable()
    sys.argv[1:] = [_STRICT if argument == "--strict" else argument for argument in sys.argv[1:]]
    sys.argv[1:] += _in_its_folder(sys.argv[1:])
    # Files and not a list, since a sweep's jobs may run in processes of their own.
    with join() as ranks, aside(ranks) as more, tempfile.TemporaryDirectory() as kept:
        sys.argv[1:] += more
        prepare("config", solve, APART)
        with clean_exit():
            sys.argv[1:] += of_sweep(sys.argv[1:], ranks.size)

        def job(config: DictConfig) -> float | None:
            return run(config, Path(kept), ranks)

        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
        code = _NOT_TRUSTED if any(Path(kept).iterdir()) else 0
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
