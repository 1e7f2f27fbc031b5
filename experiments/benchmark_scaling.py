"""Growth of time and memory with points and parameters, and two ranks beside one.

    python -m experiments.benchmark_scaling                      # a few minutes on one thread; can be resumed
    python -m experiments.benchmark_scaling folder=/tmp/growth points=[1000,10000] parameters=[] ranks=[]

Writes `results.jsonl`, `table.md` and `picture.png` into its folder, from which `python -m experiments.figures` takes
`docs/growth.md` and `docs/growth.png`. What the file of results holds is not measured again: delete it to begin anew.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from .benchmarks import growth
from .benchmarks.children import Children, ended_together, require_no_survivors
from .command_line.configuration import ConfigurationError
from .command_line.overrides import CONF, clean_exit, plain, prepare
from .command_line.run_folder import write_text

_TIMEOUT = 900.0  # seconds of one measurement, after which it is given up


def benchmark_scaling(
    folder: str,
    points: Mapping[str, Sequence[int]],
    parameters: Mapping[str, Sequence[int]],
    ranks: Sequence[Mapping[str, Any]],
    width: int = 12,
    size: int = 1000,
) -> list[growth.Found]:
    """Measure what is not yet on file.

    Args:
        folder: for the results.
        points: method -> numbers of points, with a network of `width`.
        parameters: method -> widths, with `size` points.
        ranks: method, points, width and number of ranks of each comparison.
        width: of the hidden layers where points grow.
        size: points where parameters grow.

    Raises:
        ConfigurationError: for another method.
    """
    for method in [*points, *parameters, *(one["method"] for one in ranks)]:
        if method not in growth.METHODS:
            raise ConfigurationError(f"{method}: no such method; choose among {', '.join(growth.METHODS)}")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    file = place / "results.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    known = {line.partition("\t")[0]: json.loads(line.partition("\t")[2]) for line in lines}
    require_no_survivors()
    children, found = Children(), []
    with ended_together(children):
        for along, number, task in _plan(points, parameters, ranks, width, size):
            key = json.dumps([along, number, task], sort_keys=True)
            if key not in known:
                known[key] = {**_measured(children, task, number), "along": along}
                with file.open("a") as end:
                    end.write(f"{key}\t{json.dumps(known[key])}\n")
            print(_line(known[key]), flush=True)
            found.append(known[key])
    return found


def _plan(
    points: Mapping[str, Sequence[int]],
    parameters: Mapping[str, Sequence[int]],
    ranks: Sequence[Mapping[str, Any]],
    width: int,
    size: int,
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """What grows, number of ranks, and what one process is told; the small sizes first."""
    for method, sizes in points.items():
        yield from (("points", 1, {"method": method, "points": one, "width": width}) for one in sorted(sizes))
    for method, widths in parameters.items():
        yield from (("parameters", 1, {"method": method, "points": size, "width": one}) for one in sorted(widths))
    for one in ranks:
        task = {name: one[name] for name in ("method", "points", "width")}
        yield "ranks", int(one["ranks"]), task


def _measured(children: Children, task: Mapping[str, Any], ranks: int) -> growth.Found:
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"] if ranks > 1 else []
    command = [sys.executable, *launcher, "-m", "experiments.benchmarks.growth", json.dumps(task)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = children.run(command, env={**os.environ, **threads, "PYTHONPATH": path}, cwd=root, timeout=_TIMEOUT)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with code {done.returncode} and said nothing"]
        raise ConfigurationError(f"{json.dumps(task)}: {said[-1]}")
    found: growth.Found = json.loads(done.stdout.splitlines()[-1])
    return found


def _line(one: Mapping[str, Any]) -> str:
    shared = f", alone {one['wall_alone']:.2f} s" if "wall_alone" in one else ""
    sizes = f"{one['points']} points, {one['parameters']} parameters, {one['ranks']} rank(s)"
    return f"{one['method']}: {sizes}: {one['wall']:.2f} s{shared}"


def run(config: DictConfig) -> None:
    """One job of Hydra."""
    words = " ".join(word.lstrip("+") for word in HydraConfig.get().overrides.task)
    with clean_exit():
        call = plain(config)
        found = benchmark_scaling(**call)
        where = f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"
        command = f"python -m experiments.benchmark_scaling {words}".strip()
        text = growth.markdown(found, f"`{command}`, {where}, one thread a process.")
        write_text(Path(call["folder"]) / "table.md", text)
        growth.picture(found, Path(call["folder"]) / "picture.png")
        print(f"{text}\nwritten to {call['folder']}")


def main() -> None:
    """Entry of `python -m experiments.benchmark_scaling`."""
    prepare("benchmark_scaling", benchmark_scaling)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="benchmark_scaling")(run)()


if __name__ == "__main__":
    main()
