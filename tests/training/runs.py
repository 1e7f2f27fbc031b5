"""A problem solved in a blink, runs of it under any clock, and all bits of what comes out."""

import hashlib
from functools import partial

import torch

from pinn import Box, Constraint, Problem, d
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.reference import Analytic
from pinn.training import Trainer

LINE = Box(x=(0, 1))
SMALL = partial(MLP, width=6, depth=2)


def decay(rate=1.0, **changes):
    """u' = -rate u, u(0) = 1."""
    given = {
        "domain": LINE,
        "outputs": ["u"],
        "constraints": {
            "equation": Constraint(lambda u, x: d(u, x) + rate * u, on=LINE),
            "start": Constraint(lambda u: u - 1, on=LINE.face(x=0)),
        },
        "reference": Analytic(lambda x: torch.exp(-rate * x)),
    }
    return Problem(**{**given, **changes})


class Clock:
    """Tells a time that goes on by `tick` at each reading, and by what is added from outside."""

    def __init__(self, tick=0.0):
        self.now, self.tick = 0.0, tick

    def __call__(self):
        self.now += self.tick
        return self.now


def trainer(network=SMALL, problem=None, **options):
    """A trainer on the decay, with few validation points."""
    problem = decay() if problem is None else problem
    generator = torch.Generator().manual_seed(0)
    model = Model(problem, network, generator=generator)
    options = {"generator": generator, "progress": False, "validation": 50, "clock": Clock(), **options}
    return Trainer(Equations(model, Jets()), **options)


def digest(solution):
    """A hash of all bits of a solution: parameters, history and report, but for the seconds."""
    found = hashlib.sha256()
    for name, value in solution.model.state_dict().items():
        found.update(name.encode() + value.detach().cpu().numpy().tobytes())
    for row in solution.history:
        found.update(repr([(key, value) for key, value in row.items() if not key.startswith("seconds")]).encode())
    report = solution.report.as_dict()
    del report["seconds"]
    found.update(repr(report).encode())
    return found.hexdigest()
