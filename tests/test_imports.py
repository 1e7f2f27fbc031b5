"""What is slow to load is loaded when it is used: asked in a process of its own, by module and not by the clock."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SLOW = ("sympy", "scipy", "matplotlib", "hydra", "omegaconf", "experiments")

# Each stage says which of the slow packages are there after it; torch comes first, and may bring what it likes.
PROGRAM = f"""
import contextlib, io, json, sys
import torch
brought, stages = {{name for name in {SLOW} if name in sys.modules}}, {{}}

def stage(name):
    stages[name] = sorted(package for package in {SLOW} if package in sys.modules and package not in brought)

import pinn
from pinn import Box, Constraint, Problem, d, laplacian, solve
stage("solve")
import pinn.problems
stage("problems")

from experiments import train
for name, words in (("help", ["--help"]), ("misspelt", ["secnds=3"])):
    sys.argv = ["train", *words]
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        train.main()
    stage(name)

from threadpoolctl import threadpool_info
counts = set()

def decay(u, t):
    counts.update(each["num_threads"] for each in threadpool_info())
    return d(u, t) + u

line = Box(t=(0, 1))
start = Constraint(lambda u: u - 1, on=line.face(t=0))
problem = Problem(line, ["u"], {{"equation": Constraint(decay, on=line), "start": start}})
counts.clear()
solve(problem, steps=1, threads=1, progress=False)
stage("solved")
print(json.dumps([stages, sorted(counts)]))
"""


@pytest.fixture(scope="module")
def told():
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("stage", ["solve", "problems"])
def test_the_library_alone_loads_torch_and_numpy(told, stage):
    assert told[0][stage] == []


@pytest.mark.parametrize("stage", ["help", "misspelt"])
def test_the_command_line_answers_before_it_loads_what_runs(told, stage):
    assert told[0][stage] == ["experiments", "hydra", "omegaconf"]


def test_a_run_draws_nothing(told):
    assert "matplotlib" not in told[0]["solved"]


def test_what_is_loaded_late_keeps_to_the_threads_of_a_run_too(told):
    assert told[1] == [1]
