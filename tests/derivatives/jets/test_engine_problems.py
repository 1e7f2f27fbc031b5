"""Jets and nested autograd agree on every constraint of every problem of the library, and on all of its networks."""

import math
from functools import partial

import pytest
import torch

from pinn import problems
from pinn.model import Model
from pinn.networks import (
    FBPINN,
    MLP,
    SIREN,
    ChebyshevKAN,
    DeepONet,
    FourierFeatures,
    HyperNetwork,
    ModifiedMLP,
    PirateNet,
    Separable,
)
from pinn.scales import unit_scales

NETWORKS = {
    "mlp": partial(MLP, width=6, depth=2),
    "residual": partial(MLP, width=6, depth=3, residual=True, activation=torch.sin),
    "adaptive": partial(MLP, width=6, depth=2, adaptive=2.0, activation=torch.nn.functional.silu),
    "factorised": partial(MLP, width=6, depth=2, factorisation=(0.5, 0.1)),
    "siren": partial(SIREN, width=6, depth=2),
    "fourier": partial(FourierFeatures, width=6, depth=2),
    "modified": partial(ModifiedMLP, width=6, depth=2),
    "pirate": partial(PirateNet, width=6, depth=2),
    "separable": partial(Separable, rank=4, width=6, depth=2),
    "chebyshev kan": partial(ChebyshevKAN, width=4, depth=2, degree=4),
    "finite basis": partial(FBPINN, width=4, depth=2),
    "hyper": partial(HyperNetwork, width=4, depth=2, hyper_width=4),
    "deep operator": partial(DeepONet, rank=3, width=4, depth=2),
    "deep operator, modified": partial(DeepONet, rank=3, width=4, depth=2, modified=True),
}


class Seen:
    """A model as the comparison wants it: outputs, coordinate names, parameters, coefficients."""

    def __init__(self, problem, network):
        self.model = Model(problem, network, generator=torch.Generator().manual_seed(0), scales=unit_scales(problem))
        self.names, self.outputs = problem.coordinates, self.model.outputs
        # Away from special values: zero biases, unit scales, coefficients at their first guess, closed gates.
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)

    def parameters(self):
        return self.model.parameters()

    def constants(self):
        return self.model.coefficients()


def agree(problem, network, twins, constraints=None):
    seen = Seen(problem, network)
    for name, constraint in problem.constraints.items():
        if constraints is None or name in constraints:
            points = constraint.on.sample(4, generator=torch.Generator().manual_seed(2), method="uniform")
            twins(seen, problem.equation(name), points.x, constants=points.constants())


@pytest.mark.parametrize("name", problems.__all__)
def test_problems(name, twins):
    agree(getattr(problems, name)(), NETWORKS["mlp"], twins)


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_of_the_library(network, twins):
    for name in ("burgers_inverse", "kovasznay", "euler_beam"):
        if NETWORKS[network].func in (HyperNetwork, DeepONet) and name == "euler_beam":
            continue  # its only coordinate would be the parameter
        agree(getattr(problems, name)(), NETWORKS[network], twins, {"equation", "data", "clamped", "free"})


def test_periodic_and_hard_conditions(twins):
    from pinn import Box, Constraint, Problem, d

    box = Box(x=(-1, 1), t=(0, 2))
    problem = Problem(
        box,
        ["u"],
        {"equation": Constraint(lambda u, x, t: d(u, t) + u * d(u, x) + d(u, x, x, x), on=box)},
        ansatz={"u": lambda u, x, t: torch.cos(math.pi * x) + t * u},
        periodic=["x"],
    )
    agree(problem, NETWORKS["pirate"], twins)


def test_an_unknown_field_has_its_own_network(twins):
    from pinn import Box, Constraint, Problem, Unknown, d

    box = Box(x=(0, 1), y=(0, 1))

    def equation(u, k, x, y):
        return d(k * d(u, x), x) + d(k * d(u, y), y) - 1

    problem = Problem(
        box,
        ["u"],
        {"equation": Constraint(equation, on=box)},
        coefficients={"k": Unknown(1.0, positive=True, inputs=("x",))},
    )
    agree(problem, NETWORKS["mlp"], twins)
