"""Pairs of runs that must be bitwise equal, whatever goes on around them: `make test-repeat`.

Each pair is one call of `solve` in a process of its own, undisturbed, and the same call under a disturbance: load,
a callback that sleeps, a clock that runs fast, slow or in jumps, more threads, a progress bar, another grad mode or
default of torch. Compared are the parameters, the history but for its seconds, and the report but for its seconds, by
their SHA-256. The exit code is the number of pairs that differ.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Boundary, evolution that marches, waves, a system of ordinary equations, flow, an unknown coefficient, an integral.
DIGESTS = ("parameters", "history", "report")
PROBLEMS = ("poisson_2d", "burgers", "kdv", "lotka_volterra", "kovasznay", "diffusion_inverse")
PAIRS = (
    *((problem, "the same in another process") for problem in PROBLEMS),
    *((problem, "two busy processes beside") for problem in ("poisson_2d", "burgers", "kdv")),
    *((problem, "a callback that sleeps") for problem in ("poisson_2d", "burgers", "lotka_volterra")),
    *((problem, "a clock 1000 times as fast") for problem in ("burgers", "kdv")),
    ("burgers", "a clock that stands still"),
    ("kovasznay", "a clock that jumps"),
    *((problem, "threads=2 for threads=1") for problem in ("poisson_2d", "kovasznay", "diffusion_inverse")),
    ("burgers", "a progress bar"),
    ("burgers", "a callback that asks for the solution"),
    ("burgers", "under no_grad"),
    ("poisson_2d", "under inference_mode"),
    ("burgers", "deterministic algorithms"),
    ("poisson_2d", "default dtype float32"),
    ("poisson_2d", "default device meta"),
)


class _Terminal(io.StringIO):
    """Where a progress bar shows itself."""

    def isatty(self) -> bool:
        """As it claims to be."""
        return True


def disturbed(what: str) -> tuple[dict[str, object], list[object]]:
    """Options of `solve` and contexts to enter for a disturbance."""
    import contextlib
    import time

    import torch

    options: dict[str, object] = {}
    contexts: list[object] = []
    clock = time.perf_counter
    if what == "a callback that sleeps":
        options["callbacks"] = [lambda progress: time.sleep(0.05)]
    elif what == "a callback that asks for the solution":
        options["callbacks"] = [lambda progress: progress.solution() and None]
    elif what == "a clock 1000 times as fast":
        time.perf_counter = lambda: 1000 * clock()
    elif what == "a clock that stands still":
        time.perf_counter = lambda: 1.0
    elif what == "a clock that jumps":
        count = iter(range(10**9))
        time.perf_counter = lambda: clock() + 100.0 * (next(count) % 7)
    elif what == "threads=2 for threads=1":
        options["threads"] = 2
    elif what == "a progress bar":
        options["progress"] = True
        sys.stderr = _Terminal()
    elif what == "under no_grad":
        contexts.append(torch.no_grad())
    elif what == "under inference_mode":
        contexts.append(torch.inference_mode())
    elif what == "deterministic algorithms":
        torch.use_deterministic_algorithms(True)
    elif what == "default dtype float32":
        torch.set_default_dtype(torch.float32)
    elif what == "default device meta":
        contexts.append(torch.device("meta"))
    elif what not in ("", "the same in another process", "two busy processes beside"):
        raise ValueError(f"no disturbance is called {what!r}")
    return options, [contextlib.nullcontext(), *contexts]


def one(problem: str, what: str, steps: int) -> dict[str, str]:
    """Digests of a run's parameters, history and report."""
    import contextlib

    import pinn.problems
    from pinn import solve

    options, contexts = disturbed(what)
    with contextlib.ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        call = {"steps": steps, "seed": 0, "threads": 1, "progress": False} | options
        solution = solve(getattr(pinn.problems, problem)(), **call)
    found = hashlib.sha256()
    for name, value in sorted(solution.model.state_dict().items()):
        found.update(name.encode() + value.detach().numpy().tobytes())
    rows = [{key: value for key, value in row.items() if not key.startswith("seconds")} for row in solution.history]
    report = {key: value for key, value in solution.report.as_dict().items() if key != "seconds"}
    return {
        "parameters": found.hexdigest(),
        "history": hashlib.sha256(repr(rows).encode()).hexdigest(),
        "report": hashlib.sha256(json.dumps(report, sort_keys=True).encode()).hexdigest(),
        "error": f"{solution.error():.4e}",
    }


def child(problem: str, what: str, steps: int) -> dict[str, str]:
    """`one` in a process of its own; beside two busy processes where that is the disturbance."""
    command = [sys.executable, __file__, "--one", problem, what, "--steps", str(steps)]
    busy = 2 if what == "two busy processes beside" else 0
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    finally:
        for other in others:
            other.kill()
            other.wait()
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    found: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def differences(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """What is not the same in two runs; a run that failed is the same as nothing, not even as itself."""
    failed = [f"a run failed ({found['failed']})" for found in (first, second) if "failed" in found]
    return failed or [name for name in DIGESTS if first[name] != second[name]]


def main() -> int:
    """Compare every pair, a line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--every", type=int, default=1, help="take every n-th pair only (default 1, all)")
    parser.add_argument("--one", nargs=2, metavar=("PROBLEM", "DISTURBANCE"))
    given = parser.parse_args()
    if given.one:
        sys.stdout.write(json.dumps(one(*given.one, given.steps)) + "\n")
        return 0
    undisturbed: dict[str, dict[str, str]] = {}
    pairs = PAIRS[:: given.every]
    unequal = 0
    for problem, what in pairs:
        if problem not in undisturbed:
            undisturbed[problem] = child(problem, "", given.steps)
        first, second = undisturbed[problem], child(problem, what, given.steps)
        different = differences(first, second)
        unequal += bool(different)
        said = f"DIFFERENT: {', '.join(different)}" if different else "bitwise equal"
        sys.stdout.write(f"{problem:<18} {what:<38} {said}; error {second.get('error', '-')}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(pairs)} pairs, {unequal} different\n")
    return unequal


if __name__ == "__main__":
    sys.exit(main())
