"""One run of a peer: `python -m experiments.peers RUN.json RESULT.json`, started by the benchmark."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ..benchmarks.children import end_with_parent
from .recipes import ADAPTERS, RECIPES


def measure(run: dict[str, Any], started: float) -> dict[str, Any]:
    """Run the named peer on the problem by its recipe.

    Args:
        run: a `Run` as plain values.
        started: wall clock when its process was started.

    Raises:
        ValueError: when there is no recipe.
    """
    peer, name = run["settings"]["method"]["peer"], run["problem"]
    recipe = RECIPES.get(peer, {}).get(name)
    if recipe is None:
        raise ValueError(f"{peer} has no recipe for {name}; choose among {', '.join(RECIPES.get(peer, {}))}")
    os.environ["DDE_BACKEND"] = "pytorch"

    import torch

    from ..benchmarks import yardstick
    from ..command_line.configuration import build, target
    from ..command_line.run_folder import surroundings
    from .monitor import ErrorMonitor

    torch.set_num_threads(run["threads"])
    adapter = importlib.import_module(f"{__package__}.with_{ADAPTERS.get(peer, peer)}")
    imported = time.time()
    before = yardstick.measure()
    began = time.time()
    node = run["settings"]["problem"]
    clock = time.process_time if run.get("clock") == "processor" else time.perf_counter
    monitor = ErrorMonitor(build(target(node, "problem"), node), run["seconds"], clock=clock)
    referenced = time.time()
    monitor.begin()
    result = adapter.solve(name, recipe, monitor, run["seed"])
    total = time.time() - referenced
    end = result["history"]["seconds"][-1]
    result["times"] = {
        "import": imported - started,
        "reference": referenced - began,
        "first step": monitor.first,
        "training": end - monitor.first,
        "evaluation": total - end,
    }
    result["yardstick"] = yardstick.together(before, yardstick.measure()).as_dict()
    found = surroundings()
    found["versions"] |= adapter.versions()
    return result | found | {"source": recipe.source, "changed": recipe.changed}


def main() -> None:
    """Read the run, measure it, write the result."""
    end_with_parent()
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = measure(given["run"], given["started"])

    from ..command_line.run_folder import write_json

    write_json(Path(sys.argv[2]), result)


if __name__ == "__main__":
    main()
