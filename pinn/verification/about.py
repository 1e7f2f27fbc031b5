"""A model with random features about it: what the certificate and the measure of stability linearize.

    û = u(N + Σⱼ cⱼ φ(wⱼ · z − bⱼ)),    q̂ = q(N_q + Σⱼ c_qⱼ φ(…)) for each unknown field, unknown numbers as they are

The corrected model is an ordinary `Model` whose network is the frozen one plus features (`pinn.networks`), so scaling,
ansatz, periodic coordinates, further inputs and unknown coefficients take part as they do in training, and J = ∂r/∂c
is what any objective's `linearize` gives.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pinn.domains import Points
from pinn.model import Model
from pinn.networks import Enriched
from pinn.networks.random_features import FeatureDraw, RandomNeurons, draw_features
from pinn.objective import Equations


@dataclass(frozen=True)
class Group:
    """The columns of J that move one output, one unknown field, or one unknown number.

    Attributes:
        name: of what they move; outputs that an ansatz mixes are moved through the network's own.
        kind: "output", "field" or "number".
        columns: their places among the columns of J, shape (M + 1,) with that of the constant last; (1,) for a number.
    """

    name: str
    kind: str
    columns: Tensor


def inputs_at(model: Model, points: Points, names: Sequence[str] | None = None) -> Tensor:
    """What a model's network (or, with names, a field's) sees at points, shape (n, inputs).

    Args:
        model: the model.
        points: where.
        names: coordinates of an unknown field; left out, those of the network, further inputs included.
    """
    columns = {name: points.column(name) for name in points.names}
    embedded = model.embed(columns, model.problem.coordinates if names is None else tuple(names))
    if names is None:
        embedded += model.further_inputs(columns)
    return torch.stack(embedded, -1)


def networks_at(model: Model, points: Points) -> dict[str, Tensor]:
    """What the network ("") and each unknown field's network give at points, (n, outputs) each, without a graph."""
    found = {}
    for name in ("", *model.fields):
        network = model.fields[name] if name else model.network
        with torch.no_grad():
            found[name] = network(inputs_at(model, points, model.problem.unknowns[name].inputs if name else None))
    return found


def frames_of(model: Model, points: Points) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and deviation of what the network ("") and each unknown field's network give at points, (outputs,) each."""
    found = {}
    for name, raw in networks_at(model, points).items():
        size = raw.std(0)
        size = torch.where(size > 1e-12 * raw.abs().amax(0).clamp(min=1e-300), size, torch.ones_like(size))
        found[name] = raw.mean(0), size
    return found


def with_features(model: Model, draws: Mapping[str, FeatureDraw], frames: Mapping[str, tuple[Tensor, Tensor]]) -> Model:
    """A copy of a model whose network and fields are frozen and have features of zeros beside them.

    Args:
        model: any; it is left as it is.
        draws: features by the name of the unknown field they belong to, "" for the network; of the inputs, or of
            these and the network's outputs.
        frames: from `frames_of`.
    """
    about: Model = copy.deepcopy(model, {id(model.problem): model.problem})
    like = next(model.parameters())
    for name, draw in draws.items():
        mean, size = frames[name]
        beside = about.fields[name] if name else about.network
        neurons = RandomNeurons.of(draw)
        joined = Enriched(neurons.inputs, mean.numel(), bases=[neurons], network=beside, mean=mean, size=size)
        joined = joined.to(like.device, like.dtype)
        if name:
            about.fields[name] = joined
        else:
            about.network = joined
    return about


def groups_of(about: Model) -> list[Group]:
    """Which columns of J move what, for a model from `with_features`."""
    places: dict[str, Tensor] = {}
    start = 0
    for name, parameter in about.named_parameters():
        if parameter.requires_grad:
            places[name] = torch.arange(start, start + parameter.numel()).reshape(parameter.shape)
            start += parameter.numel()

    def linear(prefix: str, row: int) -> Tensor:
        return torch.cat([places[f"{prefix}.weight"][row], places[f"{prefix}.bias"][row : row + 1]])

    found = []
    for index, name in enumerate(about.problem.outputs):
        found.append(Group(name, "output", linear("network.last", index)))
    for name in about.fields:
        found.append(Group(name, "field", linear(f"fields.{name}.last", 0)))
    for name in about.raw:
        found.append(Group(name, "number", places[f"raw.{name}"].reshape(1)))
    return found


def outputs_at(model: Model, points: Points) -> dict[str, Tensor]:
    """Outputs and unknown fields at points by name, each (n,), without a graph."""
    columns = {name: points.column(name) for name in points.names}
    with torch.no_grad():
        return {name: value.detach().expand(points.n) for name, value in model.outputs(columns).items()}


def outputs_of(model: Model, points: Points, given: Mapping[str, Tensor], *, beside: bool = False) -> dict[str, Tensor]:
    """`outputs_at` without another evaluation of networks whose values are known.

    Args:
        model: what has them; it is left as it is.
        points: n of the domain.
        given: from `networks_at`, at these points.
        beside: whether the model is from `with_features`, and what is given are the networks beside the features.
    """
    known: Model = copy.deepcopy(model, {id(model.problem): model.problem})
    for name, raw in given.items():
        if beside:
            joined: Any = known.fields[name] if name else known.network
            joined.network = _Given(raw)
        elif name:
            known.fields[name] = _Given(raw)
        else:
            known.network = _Given(raw)
    return outputs_at(known, points)


def uniform_draws(
    model: Model,
    points: Points,
    count: int,
    scales: Sequence[float],
    generator: torch.Generator,
    *,
    fields: int | None = None,
) -> dict[str, FeatureDraw]:
    """Features of the inputs alone about given points, for the network and every unknown field.

    Args:
        model: the model.
        points: at least one; each feature lies about one of them, in turn.
        count: features of the network.
        scales: of their weights.
        generator: source of the weights.
        fields: features of each unknown field; left out, as many.
    """
    draws = {}
    for name in ("", *model.fields):
        names = model.problem.unknowns[name].inputs if name else None
        number = count if not name or fields is None else fields
        inputs = inputs_at(model, points, names)
        draws[name] = draw_features(inputs[torch.arange(number) % points.n].double().cpu(), scales, generator)
    return draws


def own_draws(
    model: Model, points: Points, scales: Sequence[float], generator: torch.Generator, frame: tuple[Tensor, Tensor]
) -> FeatureDraw:
    """Features of the inputs and the network's own outputs, one about each point.

    Args:
        model: the model.
        points: where.
        scales: of their weights.
        generator: source of the weights.
        frame: mean and size of the network's outputs.
    """
    like = next(model.parameters())
    inputs = inputs_at(model, points.to(like.dtype, like.device))
    with torch.no_grad():
        own = (model.network(inputs) - frame[0]) / frame[1]
    return draw_features(torch.cat([inputs, own], 1).double().cpu(), scales, generator)


def dtype_of(equations: Equations) -> torch.dtype:
    """The precision of a model's parameters."""
    return next(equations.model.parameters()).dtype


class _Given(nn.Module):
    """A network that returns given numbers, so that derivatives by them can be taken."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = values

    def forward(self, x: Tensor) -> Tensor:
        return self.values


def changes_at(about: Model, points: Points) -> tuple[dict[tuple[str, str], Tensor], dict[str, Tensor]]:
    """What the columns of J do to the answer at points, at c = 0.

    Args:
        about: a model from `with_features`.
        points: n of the domain.

    Returns:
        (output or field that changes, group that moves it) -> derivative by the group's network, (n,), those that are
        not zero; name of each group -> its basis (n, M + 1), the constant last.
    """
    problem = about.problem
    columns = {name: points.column(name) for name in points.names}
    given = copy.deepcopy(about, {id(problem): problem})
    leaves: dict[str, Tensor] = {}
    bases: dict[str, Tensor] = {}
    with torch.enable_grad():
        for name in ("", *about.fields):
            joined: Any = about.fields[name] if name else about.network
            names = problem.unknowns[name].inputs if name else None
            with torch.no_grad():
                raw, basis = joined.parts(inputs_at(about, points, names))
                basis = torch.cat([basis, torch.ones_like(raw[:, :1])], 1)
            leaves[name] = raw.clone().requires_grad_(True)
            if name:
                given.fields[name] = _Given(leaves[name])
                bases[name] = basis
            else:
                given.network = _Given(leaves[name])
                bases.update(dict.fromkeys(problem.outputs, basis))
        values = given.outputs(columns)
        slopes: dict[tuple[str, str], Tensor] = {}
        for target in (*problem.outputs, *about.fields):
            leaf = leaves[target if target in about.fields else ""]
            if not values[target].requires_grad:
                continue  # an ansatz that leaves the network out
            (found,) = torch.autograd.grad(values[target].sum(), leaf, retain_graph=True)
            movers = (target,) if target in about.fields else tuple(problem.outputs)
            for index, mover in enumerate(movers):
                if bool(found[:, index].any()):
                    slopes[target, mover] = found[:, index]
    return slopes, bases


def number_sizes(about: Model) -> dict[str, tuple[float, float]]:
    """Unknown number -> (its size, its derivative by the raw parameter), in its own units.

    The size of an unknown is its own, but no less than a tenth of the one it was given: one near zero has no other.
    """
    found = {}
    with torch.enable_grad():
        for name, value in about.coefficients().items():
            (slope,) = torch.autograd.grad(value, about.raw[name])
            found[name] = max(abs(float(value.detach())), 0.1 * about.scales.unknowns[name]), float(slope)
    return found
