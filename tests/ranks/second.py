"""The second of two ranks, in a process of its own: it helps the first with one setting after the other.

python -m tests.ranks.second        (with the environment that torchrun would give)
"""

from functools import partial

import torch

from pinn import Box, Constraint, Problem, Unknown, d
from pinn.derivatives import Autograd, Jets
from pinn.domains import Scatter
from pinn.networks import MLP, Chebyshev, Enriched
from pinn.ranks import RankError, Worker, join

BOX = Box(x=(-1, 1), t=(0, 1))
SMALL = partial(MLP, width=6, depth=2)


def flow(equation=None):
    """Two outputs, an unknown, normals, data with noise of their own, and an integral: rows of every kind."""
    data = Scatter(
        coordinates={"x": [0.1, -0.4, 0.7], "t": [0.2, 0.9, 0.5]},
        values={"seen": [0.3, 0.1, -0.2]},
        sigma=[0.1, 0.2, 0.1],
    )

    def moved(u, v, x, t, nu):
        return d(u, t) + u * d(u, x) - nu * d(u, x, x), d(v, t) - d(u * v, x)

    return Problem(
        BOX,
        ["u", "v"],
        {
            "equation": Constraint(moved if equation is None else equation, on=BOX),
            "walls": Constraint(lambda u, v, nx: (u * nx, v), on=BOX.face(x=-1) | BOX.face(x=1)),
            "data": Constraint(lambda u, seen: u - seen, on=data),
            "mass": Constraint(lambda u, v: u + v - 0.5, on=BOX, integral=True, points=20),
        },
        coefficients={"nu": Unknown(0.1, positive=True)},
    )


def enriched(inputs, outputs, generator, dtype):
    """Fixed neurons beside a small network that is not trained."""
    inner = MLP(inputs, outputs, width=4, depth=1, generator=generator, dtype=dtype)
    basis = Chebyshev([1] * inputs, [(i, j) for i in range(3) for j in range(3)])
    return Enriched(inputs, outputs, bases=[basis], network=inner, dtype=dtype)


SERVING = []  # settings that this process helps with, as the second rank


def failing(u, v, x, t, nu):
    """An equation that the second rank alone cannot compute."""
    if SERVING:
        raise ZeroDivisionError("the second rank divides by zero")
    return d(u, t) + d(u, x) * nu, d(v, t)


SETTINGS = {
    "jets": (flow, SMALL, Jets),
    "autograd": (flow, SMALL, Autograd),
    "enriched": (flow, enriched, Jets),
    "failing": (partial(flow, failing), SMALL, Autograd),
}


def main():
    torch.set_num_threads(1)
    with join() as ranks:
        while (name := ranks.whole(ranks.hear)) != "enough":
            SERVING.clear()
            problem, network, engine = SETTINGS[name]
            worker = Worker(ranks, problem(), engine(), network)
            SERVING.append(name)
            try:
                worker.serve()
            except RankError:
                if ranks.lost:
                    raise


if __name__ == "__main__":
    main()
