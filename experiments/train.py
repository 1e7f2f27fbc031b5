"""Solve one problem, or sweep over many.

    python -m experiments.train                                         # Burgers' equation, everything by default
    python -m experiments.train problem=heat_1d seconds=10 network=mlp network.width=30
    python -m experiments.train --multirun problem=poisson_2d,heat_1d seed=0,1,2 seconds=10
    python -m experiments.train --cfg job problem=burgers               # show the configuration and stop

The configuration is a call of `pinn.solve`: groups name what builds its arguments (problem, network, optimizer,
sampling, weighting, derivatives), everything else is one of its options (seconds, tolerance, steps, seed, dtype, ...).
Each run has a folder of its own under `outputs/`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pinn.solver import solve

from .command_line.configuration import build, check
from .command_line.overrides import CONF, clean_exit, plain, prepare
from .command_line.run_folder import write_run


def run(config: DictConfig) -> float | None:
    """Solve the configured problem, fill the run's folder, and return the error for sweeps that look for the least."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    with clean_exit():
        call = plain(config)
        check(solve, call)
        solution = build(solve, call)
    write_run(folder, config, solution)
    print(solution.report)
    print(f"written to {folder}")
    return solution.error() if solution.problem.reference is not None else None


def main() -> None:
    """Entry of `python -m experiments.train` and of the console script `pinn`."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, "")  # so that problem._target_ finds the user's own modules from the console script too
    prepare("config", solve)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(run)()


if __name__ == "__main__":
    main()
