"""Coefficient fields from noisy observations: their errors against steps, and those of a classical solve.

    python -m experiments.benchmark_fields                       # all problems, 40, 120 and 360 steps, seed 0
    python -m experiments.benchmark_fields --problems poisson_inverse --steps 40 120 --seeds 0 1 2
    python -m experiments.benchmark_fields --classical           # Tikhonov's regularization, of the two without a time

Printed are relative L2 errors of the field, and of solution and field stacked, of runs with a network of 2 x 12; and
classically (`experiments.benchmarks.tikhonov`) with the weight that has the least error, and that of generalized
cross-validation, smoothing by derivatives of first and second order.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pinn import Problem, Solution, solve
from pinn.derivatives import d
from pinn.networks import MLP
from pinn.problems import gallery, pinnacle
from pinn.problems.gallery.darcy_inverse import permeability

from .benchmarks.tikhonov import Case, tikhonov

Array = NDArray[np.float64]

# problem -> how it is built, the name of the field, the constraint with its data, and a first guess of the field
PROBLEMS: dict[str, tuple[Callable[[int], Problem], str, str, float]] = {
    "poisson_inverse": (pinnacle.poisson_inverse, "a", "data", 0.5),
    "heat_inverse": (pinnacle.heat_inverse, "a", "data", 2.0),
    "darcy_inverse": (gallery.darcy_inverse, "K", "wells", 0.5),
}
_WEIGHTS = np.logspace(4, -3, 15)
_CLASSICAL = ("poisson_inverse", "darcy_inverse")  # those without a time


def truth(problem: Problem, field: str, columns: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Solution and field in closed form."""
    reference: Any = problem.reference
    value = reference.fields(columns)
    return (value, permeability(columns["x"], columns["y"])) if field == "K" else (value["u"], value["a"])


def case_of(name: str, seed: int) -> Case:
    """A problem of the library as the classical solve takes it."""
    build, field, data, guess = PROBLEMS[name]
    problem = build(seed)
    points, axes = problem.constraints[data].few, problem.coordinates

    def at(which: int) -> Callable[..., Array]:
        def function(*columns: Array) -> Array:
            given = {axis: torch.from_numpy(np.array(one)) for axis, one in zip(axes, columns, strict=True)}
            found: Array = truth(problem, field, given)[which].numpy()
            return found

        return function

    def source(*columns: Array) -> Array:
        given = {a: torch.from_numpy(np.array(one)).requires_grad_() for a, one in zip(axes, columns, strict=True)}
        u, a = truth(problem, field, given)
        f = -d(a * d(u, given["x"]), given["x"]) - d(a * d(u, given["y"]), given["y"])
        found: Array = f.detach().numpy()
        return found

    (seen,) = points.values.values()
    assert points.sigma is not None
    sigma, known = float(points.sigma.reshape(-1)[0]), "known" in problem.constraints
    exact = (at(0), at(1), source)
    return Case(problem.domain.bounds, (14, 14), (12, 12), points.x.numpy(), seen.numpy(), sigma, *exact, known, guess)


def errors(problem: Problem, field: str, solution: Solution) -> tuple[float, float]:
    """Relative L2 error of the field, and of solution and field stacked."""
    points = problem.domain.sample(4000, generator=torch.Generator().manual_seed(0), method="sobol")
    columns = {axis: points.column(axis) for axis in points.names}
    found, (u, a) = solution.model.outputs(columns), truth(problem, field, columns)
    off = found[problem.outputs[0]].detach() - u, found[field].detach() - a
    return float(off[1].norm() / a.norm()), math.hypot(*(float(one.norm()) for one in off)) / math.hypot(
        float(u.norm()), float(a.norm())
    )


def classical(name: str, seed: int) -> None:
    """Print what the classical solve attains."""
    for order in (1, 2):
        found = tikhonov(case_of(name, seed), order, list(_WEIGHTS))
        best, chosen = min(found, key=lambda one: one.both), min(found, key=lambda one: one.score)
        for how, one in (("best weight", best), ("cross-validation", chosen)):
            print(f"| {name} | {seed} | order {order}, {how} | {one.field:.1e} | {one.both:.1e} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
    parser.add_argument("--steps", nargs="+", type=int, default=[40, 120, 360])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--classical", action="store_true")
    given = parser.parse_args()
    print("| problem | seed | how | field | both |\n|---|---|---|---|---|")
    for name in given.problems:
        build, field, *_ = PROBLEMS[name]
        for seed in given.seeds:
            if given.classical:
                if name in _CLASSICAL:
                    classical(name, seed)
                continue
            problem = build(seed)
            for steps in given.steps:
                options: dict[str, Any] = {"network": partial(MLP, width=12, depth=2), "verify": False}
                solution = solve(problem, steps=steps, seed=seed, certify=False, progress=False, **options)
                one, both = errors(problem, field, solution)
                print(f"| {name} | {seed} | {steps} steps | {one:.1e} | {both:.1e} |", flush=True)


if __name__ == "__main__":
    main()
