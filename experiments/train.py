"""Solve one problem, or sweep over many.

    python -m experiments.train                                         # Burgers' equation, everything by default
    python -m experiments.train problem=heat_1d seconds=10 network=mlp network.width=30
    python -m experiments.train --multirun problem=poisson_2d,heat_1d seed=0,1,2 seconds=10
    python -m experiments.train problem=burgers seconds=60 --strict     # code 3 unless the answer is trusted
    python -m experiments.train --cfg job problem=burgers               # show the configuration and stop

The configuration is a call of `pinn.solve`: groups name what builds its arguments (problem, network, optimizer,
sampling, weighting, derivatives), everything else is one of its options (seconds, tolerance, steps, seed, dtype, ...).
Each run has a folder of its own under `outputs/`.

The exit code is 0 when the run ended, whatever its verdict; 2 when the command makes no sense. With `--strict`, or
`strict=true`, it is 0 when the answer is trusted, of every run of a sweep, and 3 when one is not.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pinn.solver import solve

from .command_line.configuration import build, check
from .command_line.overrides import CONF, clean_exit, plain, prepare
from .command_line.run_folder import write_run

APART = {"strict": bool}
"""Options of this application that are none of `solve`."""
_STRICT = "strict=true"
_NOT_TRUSTED = 3


def run(config: DictConfig, untrusted: Path | None = None) -> float | None:
    """Solve the configured problem, fill the run's folder, and return the error for sweeps that look for the least.

    Args:
        config: the run's configuration.
        untrusted: a folder that gets a file when the run is strict and its answer not trusted.
    """
    folder = Path(HydraConfig.get().runtime.output_dir)
    with clean_exit():
        call = plain(config)
        strict = bool(call.pop("strict", False))
        check(solve, call)
        solution = build(solve, call)
    write_run(folder, config, solution)
    print(solution.report)
    print(f"written to {folder}")
    report = solution.report
    if strict and untrusted is not None and not (report is not None and report.trusted):
        tempfile.mkstemp(dir=untrusted)
    return None if report is None else report.error


def main() -> None:
    """Entry of `python -m experiments.train` and of the console script `pinn`."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, "")  # so that problem._target_ finds the user's own modules from the console script too
    sys.argv[1:] = [_STRICT if argument == "--strict" else argument for argument in sys.argv[1:]]
    prepare("config", solve, APART)
    # Files and not a list, since a sweep's jobs may run in processes of their own.
    with tempfile.TemporaryDirectory() as kept:

        def job(config: DictConfig) -> float | None:
            return run(config, Path(kept))

        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
        code = _NOT_TRUSTED if any(Path(kept).iterdir()) else 0
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
