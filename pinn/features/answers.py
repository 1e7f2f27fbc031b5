"""Answers as models: copies, what lies beneath a correction, and an earlier answer as one to another problem."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from pinn.domains import Points
from pinn.model import Model
from pinn.networks import Chebyshev, Enriched
from pinn.objective import Equations


def uncorrected(model: Model) -> Model:
    """A model whose networks are those beneath its corrections, to be trained on; the model itself where it has none.

    Where neurons stand alone there is nothing beneath them, and the weights out of them are trained.
    """
    found: Model = copied(model)

    def beneath(network: nn.Module) -> nn.Module:
        while isinstance(network, Enriched) and network.network is not None:
            network = network.network.requires_grad_(True)
        return network

    found.network = beneath(found.network)
    for name, network in found.fields.items():
        found.fields[name] = beneath(network)
    return found


def stands_alone(network: nn.Module) -> bool:
    """Whether a network is polynomials and what is singular, with nothing beneath them."""
    return isinstance(network, Enriched) and network.network is None and isinstance(network.bases[0], Chebyshev)


def answer_to(equations: Equations, answer: Model) -> Model:
    """An earlier answer as one to this problem, whose coefficients or domain may be others."""
    model = copied(equations.model)
    model.network, model.fields = copy.deepcopy(answer.network), copy.deepcopy(answer.fields)
    model.load_state_dict(answer.state_dict())
    like = next(equations.model.parameters())
    return model.to(like.device, like.dtype)


def copied(model: Model) -> Model:
    """A copy of a model, frozen where it is; its problem is the same."""
    again: Model = copy.deepcopy(model, {id(model.problem): model.problem})
    return again


def stacked_outputs(model: Model, points: Points) -> Tensor:
    """All outputs of a model at points, in their own units, one after the other, in float64 and without a graph."""
    like = next(model.parameters())
    points = points.to(like.dtype, like.device)
    columns = {name: points.column(name) for name in points.names}
    with torch.no_grad():
        values = model.outputs(columns)
    return torch.cat([values[name].detach().double().expand(points.n) for name in model.problem.outputs])
