"""Whole runs, alone or under torchrun: the last loss of each optimizer, then that all ranks have the same answer."""

from functools import partial

import torch

from pinn import solve
from pinn.networks import MLP
from pinn.optimizers import FirstOrder, LevenbergMarquardt, Sketched
from pinn.problems import poisson_2d
from pinn.ranks import join
from pinn.sampling import RAD, Growing

OPTIMIZERS = (
    LevenbergMarquardt(),
    LevenbergMarquardt(memory=2e5),
    FirstOrder(partial(torch.optim.Adam, lr=1e-2)),
    Sketched(),
)


def main():
    given = {"network": partial(MLP, width=8, depth=2), "steps": 5, "features": None, "certify": False}
    with join() as ranks:
        for optimizer in OPTIMIZERS:
            sampling = RAD(size=300, every=2)
            solution = solve(poisson_2d(), optimizer=optimizer, sampling=sampling, ranks=ranks, progress=False, **given)
            if ranks.first:
                print(solution.history[-1]["loss"])
        grown = solve(poisson_2d(), ranks=ranks, progress=False, sampling=Growing(RAD(every=2), start=200), **given)
        if ranks.first:
            print(grown.history[-1]["loss"], float(grown(x=0.3, y=0.4)))
        else:
            assert grown.report is None and len(grown.history) == 5


if __name__ == "__main__":
    main()
