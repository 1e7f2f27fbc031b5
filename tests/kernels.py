"""The numerical tests on the processors that this one can stand in for: `python tests/kernels.py [--quick]`.

What a test asserts must come from the mathematics, not from the order in which a processor's kernels add. Torch, MKL
and oneDNN choose their kernels by the instructions they find and can be told to find fewer; a run a choice follows,
with one thread or two, and beside two processes that keep the cores busy. The exit code is the number of choices under
which a test failed.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Applications, pictures and documents have no numbers of their own to get wrong.
LEFT_OUT = ("tests/experiments", "tests/plotting", "tests/docs")
# Where rounding is nearest to what is asserted: products, factors, chaotic paths of optimizers, bitwise repetition.
NEAREST = ("tests/linalg", "tests/test_objective.py", "tests/optimizers", "tests/training")
# Where numbers are made; what is checked beyond them is text, files and refusals, or is left to the long run.
NUMBERS = (
    *NEAREST,
    "tests/derivatives",
    "tests/features",
    "tests/networks",
    "tests/problems",
    "tests/reference",
    "tests/verification",
    "tests/test_alternation.py",
    "tests/test_eigenvalues.py",
    "tests/test_noise.py",
    "tests/test_regions.py",
    "tests/test_sight.py",
)


@dataclass(frozen=True)
class Variant:
    """One choice of kernels: its name, the variables that make it, and what else goes on."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    threads: int = 1
    busy: int = 0
    quick: tuple[str, ...] = ()


OLDEST = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
}
VARIANTS = (
    Variant("this processor's own"),
    Variant("torch without vectors", {"ATEN_CPU_CAPABILITY": "default"}),
    Variant("torch with AVX2", {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}),
    Variant("MKL compatible", {"MKL_CBWR": "COMPATIBLE"}),
    Variant("the oldest of all three", OLDEST, quick=NUMBERS),
    Variant("two threads", threads=2, quick=("tests/linalg", "tests/test_objective.py", "tests/optimizers")),
    Variant("beside two busy processes", busy=2),
)


def run(variant: Variant, paths: tuple[str, ...], workers: int) -> tuple[int, str, float, float]:
    """Exit code, pytest's last line, wall and processor seconds of the tests under one choice."""
    environment = {**os.environ, **variant.variables, "OMP_NUM_THREADS": str(variant.threads)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths]
    command += [f"--ignore={path}" for path in LEFT_OUT]
    command += ["-n", str(max(1, workers // variant.threads)), "--dist", "worksteal"]
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(variant.busy)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    finally:
        after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        for other in others:
            other.kill()
            other.wait()
    if done.returncode:
        sys.stdout.write(done.stdout[-20_000:] + done.stderr[-2_000:])
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last = re.sub(r"=+", "", (done.stdout.strip().splitlines() or ["no output"])[-1]).strip()
    return done.returncode, last, ended - began, used


def main() -> int:
    """Run what was asked for, a line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the two choices that differ most, in under five minutes")
    parser.add_argument("--workers", type=int, default=2, help="test processes side by side (default 2)")
    parser.add_argument("paths", nargs="*", help="tests to run (default: all numerical ones, doctests too)")
    given = parser.parse_args()
    if given.quick and given.paths:
        parser.error("--quick has tests of its own; give paths or --quick, not both")
    failed = 0
    for variant in VARIANTS:
        paths = variant.quick if given.quick else tuple(given.paths) or ("tests", "pinn")
        if not paths:
            continue
        code, last, wall, used = run(variant, paths, given.workers)
        failed += code != 0
        sys.stdout.write(f"{variant.name:<28} {last}; {used:.0f} s of processor time in {wall:.0f} s\n")
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
