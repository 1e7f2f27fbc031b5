"""How the time and memory of a step grow with points and parameters, each measured in a process of its own.

    seconds ∝ points^a,    seconds ∝ parameters^b,    a and b slopes of lines fitted to logarithms

Poisson's equation in two dimensions on a perceptron of three hidden layers. Times are processor seconds of a process
with one thread, so that others on the machine count little; memory is what points and steps add to the process at its
largest.
Two ranks are measured beside one in the same process, in turns: the shorter wall time of each, and the processor time
of rank 0, which does a rank's share of the rows and all of the dense algebra.

    python -m experiments.benchmarks.growth '{"method": "adam", "points": 1000, "width": 22}'
    python -m torch.distributed.run --standalone --nproc_per_node=2 -m experiments.benchmarks.growth ...
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pinn.ambient import own_settings
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.optimizers import FirstOrder, LevenbergMarquardt, MatrixFree, Optimizer
from pinn.problems import poisson_2d
from pinn.ranks import Leader, Ranks, Worker, join
from pinn.sampling.uniform import sample_uniform

from .children import end_with_parent
from .tables import table

Found = dict[str, Any]
"""One measurement: what was asked for, parameters, seconds, megabytes."""

METHODS: Mapping[str, Callable[[], Optimizer]] = {
    "adam": partial(FirstOrder, partial(torch.optim.Adam, lr=1e-3)),
    "levenberg_marquardt": LevenbergMarquardt,
    "matrix_free": MatrixFree,
}
_LONG = 3.0  # processor seconds of a step after which one is enough
_REPEATS = 3


def measure(method: str, points: int, width: int, ranks: Ranks) -> Found:
    """Time of a step in processor seconds, and the memory that it adds; with several ranks, both in turns.

    Args:
        method: one of `METHODS`.
        points: on the domain.
        width: of the three hidden layers.
        ranks: that share the points.
    """
    with own_settings(torch.float64):
        problem, network = poisson_2d(), partial(MLP, width=width, depth=3)
        if not ranks.first:
            Worker(ranks, problem, Jets(), network).serve()
            return {}
        model = Model(problem, network, generator=torch.Generator().manual_seed(0))
        equations = [Equations(model, Jets())]
        before = _megabytes()
        sampled = sample_uniform(problem, points, torch.Generator().manual_seed(1))
        if ranks.size > 1:
            leader = Leader(ranks)
            equations.append(Equations(model, Jets()))
            equations[1].sharing = leader
        stepping = [(METHODS[method](), Objective(one, sampled)) for one in equations]
        theta = stepping[0][1].vector()
        taken: list[list[tuple[float, float]]] = [[] for _ in stepping]
        for _ in range(_REPEATS):
            for (optimizer, objective), times in zip(stepping, taken, strict=True):
                objective.assign(theta)
                wall, processor = time.perf_counter(), time.process_time()
                optimizer.step(objective)
                times.append((time.perf_counter() - wall, time.process_time() - processor))
            if taken[-1][-1][1] > _LONG:
                break
        if ranks.size > 1:
            leader.end({})
    least = [[min(column) for column in zip(*times, strict=True)] for times in taken]
    found = {"method": method, "points": points, "width": width, "parameters": int(theta.numel()), "ranks": ranks.size}
    found |= {"seconds": least[-1][1], "wall": least[-1][0], "megabytes": _megabytes() - before}
    if ranks.size > 1:
        found |= {"alone": least[0][1], "wall_alone": least[0][0]}
    return found


def _megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The exponent a of y ∝ xᵃ, of the last two of three or more: what small sizes cost anyway is no growth.

    Example:
        >>> round(slope([10, 100, 1000], [5.0, 5.0, 500.0]), 9)
        2.0
    """
    x, y = x[-2:], y[-2:]
    return float(np.log(y[1] / y[0]) / np.log(x[1] / x[0])) if len(x) == 2 and min(y) > 0 else float("nan")


def curves(found: Sequence[Found], along: str) -> dict[str, list[Found]]:
    """Method -> its measurements along points or parameters, in order."""
    own = [one for one in found if one["along"] == along]
    by = {
        one["method"]: sorted((o for o in own if o["method"] == one["method"]), key=lambda o: o[along]) for one in own
    }
    return dict(sorted(by.items()))


def markdown(found: Sequence[Found], origin: str) -> str:
    """The tables: growth with points, with parameters, and two ranks beside one."""
    parts = [origin]
    for along, other in (("points", "parameters"), ("parameters", "points")):
        rows = []
        for method, own in curves(found, along).items():
            exponents = [slope([o[along] for o in own], [o[name] for o in own]) for name in ("seconds", "megabytes")]
            for index, one in enumerate(own):
                last = [f"{value:.2f}" if index == len(own) - 1 else "" for value in exponents]
                sizes = [f"{one[along]}", f"{one[other]}"]
                rows.append([method, *sizes, f"{one['seconds']:.2g}", f"{max(one['megabytes'], 0):.0f}", *last])
        if rows:
            parts.append(f"Growth with {along}; slopes between the last two.")
            names = ["method", along, other, "processor seconds a step", "MB", "slope of seconds", "slope of MB"]
            parts.append(table(names, rows))
    shared = [one for one in found if one["ranks"] > 1]
    if shared:
        parts.append("Ranks of one thread each, over one of one thread, in turns within one run.")
        rows = [
            [
                one["method"], str(one["ranks"]), str(one["points"]), str(one["parameters"]),
                f"{one['wall_alone']:.2g}", f"{one['wall']:.2g}", f"{one['wall'] / one['wall_alone']:.2f}",
                f"{one['seconds'] / one['alone']:.2f}",
            ]
            for one in shared
        ]  # fmt: skip
        names = ["method", "ranks", "points", "parameters", "wall s alone", "wall s shared", "ratio of wall"]
        parts.append(table([*names, "ratio of rank 0’s processor time"], rows))
    return "\n\n".join(parts) + "\n"


def picture(found: Sequence[Found], path: Path) -> None:
    """Seconds and memory against points and parameters, each with its slope."""
    from pinn.plotting.canvas import INK, PALETTE, new_figure, quiet, save

    figure = new_figure(8.6, 6.2)
    names = list(dict.fromkeys(one["method"] for one in found))
    for index, (along, name, label) in enumerate(
        (along, name, label)
        for name, label in (("seconds", "processor seconds a step"), ("megabytes", "memory of points and steps (MB)"))
        for along in ("points", "parameters")
    ):
        axes = quiet(figure.add_subplot(2, 2, index + 1))
        for method, own in curves(found, along).items():
            shown = [one for one in own if one[name] > 0]
            x, y = [one[along] for one in shown], [one[name] for one in shown]
            axes.loglog(
                x, y, "o-", ms=4, lw=1.6, color=PALETTE[names.index(method)], label=f"{method}: slope {slope(x, y):.2f}"
            )
        axes.set_xlabel(along, fontsize=9, color=INK)
        axes.set_ylabel(label, fontsize=9, color=INK)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8)
    save(figure, path)


def main() -> None:
    """One measurement, told as a line of JSON by rank 0."""
    if "RANK" not in os.environ:  # torchrun, which is the benchmark's child, ends those that it starts
        end_with_parent()
    with join() as ranks:
        found = measure(**json.loads(sys.argv[1]), ranks=ranks)
    if ranks.first:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
