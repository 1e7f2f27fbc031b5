"""A processor beside a card, in one command of under five minutes: derivatives, steps a second, problems to an error.

    python -m experiments.benchmark_gpu                  # with a card: both; without: a small size, as a test
    python -m experiments.benchmark_gpu device=cpu       # the small size on the processor

Derivatives: loss gradients at widths 50, 128 and 256 in float64 and float32, by jets, nested autograd and `torch.func`,
at 65 536 points on the card and 8 192 on the processor. Then steps a second of the default optimizer, and Burgers, KdV
and the cavity at Re 400 to a target error. Writes `table.md` into the run's folder, with the card's name and the date;
`python -m experiments.figures` takes it to `docs/gpu.md`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from .benchmarks import devices, yardstick
from .command_line.configuration import ConfigurationError
from .command_line.overrides import CONF, clean_exit, plain, prepare
from .command_line.run_folder import write_text


def benchmark_gpu(device: str | None = None, seed: int = 0) -> list[devices.Found]:
    """Measure the processor and, where there is one, the card.

    Args:
        device: cuda or cpu; left out, cuda where torch finds one.
        seed: of weights and points.

    Returns:
        what was found: of the processor, and of the card.

    Raises:
        ConfigurationError: for another device, or a card that is not there.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ConfigurationError(f"device={device}: torch finds no such device; give device=cpu, or leave it out")
    if device == "cpu":
        return [devices.measure("cpu", devices.SMALL, seed)]
    return [devices.measure("cpu", devices.PROCESSOR, seed), devices.measure("cuda", devices.CARD, seed)]


def run(config: DictConfig) -> None:
    """One job of Hydra."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    words = HydraConfig.get().overrides.task
    command = " ".join(["python -m experiments.benchmark_gpu", *(word.lstrip("+") for word in words)])
    with clean_exit():
        found = benchmark_gpu(**plain(config))
        where = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, torch {torch.__version__}"
        factor = (
            f"wall factor {yardstick.measure().wall_factor:.2f} of the processor against {yardstick.REFERENCE.kind}"
        )
        text = devices.markdown(found, f"`{command}`, {where}, {torch.get_num_threads()} thread(s), {factor}")
        write_text(folder / "table.md", text)
        print(f"{text}\nwritten to {folder}")


def main() -> None:
    """Entry of `python -m experiments.benchmark_gpu`."""
    prepare("benchmark_gpu", benchmark_gpu)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark_gpu")(run)()


if __name__ == "__main__":
    main()
