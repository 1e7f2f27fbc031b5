"""PINA by the numbers of its own tutorials (`recipes.PINA`), in its own precision, float32.

Source: Coscia, Ivagnes, Demo, Rozza, Physics-Informed Neural networks for Advanced modeling, J. Open Source Softw. 8
(2023) 5352; github.com/PINA-org/PINA, formerly mathLab/PINA, `tutorials/` and, of older versions, `examples/`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import lightning
import numpy as np
import torch
from pina import Condition, LabelTensor, Trainer
from pina.domain import CartesianDomain, Union
from pina.equation import Equation
from pina.model import FeedForward
from pina.operator import grad, laplacian
from pina.optim import TorchOptimizer
from pina.problem import InverseProblem, SpatialProblem, TimeDependentProblem
from pina.solver import PhysicsInformedSingleModelSolver

from .monitor import Array, ErrorMonitor
from .recipes import Recipe

Columns = dict[str, Any]
Box = dict[str, Any]
Place = tuple[tuple[Box, ...], Callable[..., Any]]
Sampling = tuple[int | dict[str, int], str]
ACTIVATIONS = {"tanh": torch.nn.Tanh, "softplus": torch.nn.Softplus}


@dataclass(frozen=True)
class Stated:
    """A problem for PINA.

    Attributes:
        box: extent by coordinate, in the order of the inputs; "t" is time.
        conditions: place -> (the boxes that it is the union of, residual).
        sampling: place -> (points and how): in all, or of a grid a side of each box or by coordinate; a union shares
            them out.
        inputs: what the network sees, from the coordinates.
        shape: the solution from coordinates and the network's output.
        unknowns: coefficient -> (low, high, start).
        data: observed (points (n, d), values (n, 1)), where there are any.
    """

    box: Box
    conditions: Mapping[str, Place]
    sampling: Mapping[str, Sampling]
    inputs: Callable[[Columns], list[Any]] | None = None
    shape: Callable[[Columns, Any], Any] | None = None
    unknowns: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    data: tuple[Array, Array] | None = None


class Shaped(torch.nn.Module):
    """A network between a map of its inputs and a map of its output."""

    def __init__(self, stated: Stated, recipe: Recipe) -> None:
        super().__init__()
        self.stated, self.names = stated, list(stated.box)
        width = len(self._inputs(dict.fromkeys(self.names, torch.zeros(1, 1))))
        self.net = FeedForward(width, 1, layers=list(recipe.layers), func=ACTIVATIONS[recipe.activation])

    def _inputs(self, columns: Columns) -> list[Any]:
        return list(columns.values()) if self.stated.inputs is None else self.stated.inputs(columns)

    def forward(self, points: Any) -> Any:
        """The solution (n, 1) at labelled points (n, d)."""
        columns = {name: points.extract([name]).as_subclass(torch.Tensor) for name in self.names}
        raw = self.net(torch.cat(self._inputs(columns), dim=1))
        return raw if self.stated.shape is None else self.stated.shape(columns, raw)


class Measurements(lightning.pytorch.Callback):
    """Measures along the way, marks the end of the published schedule, stops when the time is up."""

    def __init__(self, monitor: ErrorMonitor, names: list[str], published: int) -> None:
        super().__init__()
        self.monitor, self.names, self.published = monitor, names, published

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """After each epoch, which is one step of Adam on all points."""
        solver = pl_module

        def predict(x: Array) -> Array:
            with torch.no_grad():
                return np.asarray(solver.forward(_labelled(x, self.names)).as_subclass(torch.Tensor))

        values = _coefficients(solver.problem)
        if self.monitor.step(predict, values):
            trainer.should_stop = True
        if self.monitor.steps == self.published:
            self.monitor.end_of_schedule(predict, values)


def versions() -> dict[str, str]:
    """What ran."""
    return {"pina-mathlab": version("pina-mathlab")}


def solve(name: str, recipe: Recipe, monitor: ErrorMonitor, seed: int) -> dict[str, Any]:
    """Follow the recipe, and go on to the limit with the same optimizer.

    Args:
        name: of the problem in the suite.
        recipe: its settings.
        monitor: clock and measure, begun.
        seed: of the library.
    """
    lightning.pytorch.seed_everything(seed)
    stated = PROBLEMS[name](recipe)
    problem = state(stated)
    (phase,) = recipe.schedule
    adam = TorchOptimizer(torch.optim.Adam, lr=phase.rate, weight_decay=recipe.weight_decay)
    model = Shaped(stated, recipe)
    solver = PhysicsInformedSingleModelSolver(problem=problem, model=model, optimizer=adam)
    measurements = Measurements(monitor, list(stated.box), phase.iterations)
    trainer = Trainer(
        solver=solver,
        max_epochs=-1,
        train_size=recipe.trained_fraction,
        test_size=1 - recipe.trained_fraction,
        accelerator="cpu",
        callbacks=[measurements],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.train()
    with torch.no_grad():
        error = monitor.evaluate(
            lambda x: np.asarray(solver.forward(_labelled(x, measurements.names)).as_subclass(torch.Tensor)),
            _coefficients(problem),
        )
    after = f", then on to {monitor.steps}" if monitor.steps > phase.iterations else ""
    return monitor.result(
        error,
        reason=f"Adam {min(monitor.steps, phase.iterations)} of {phase.iterations}{after}",
        points=sum(len(split["train"]) for split in trainer.data_module.split_idxs.values()),
        parameters=sum(p.numel() for p in model.parameters()) + len(stated.unknowns),
        dtype="float32",
    )


def _labelled(x: Array, names: list[str]) -> Any:
    return LabelTensor(torch.as_tensor(x, dtype=torch.float32), names)


def _coefficients(problem: Any) -> dict[str, float]:
    unknown = getattr(problem, "unknown_parameters", {})
    return {name: float(value.detach()) for name, value in unknown.items()}


def state(stated: Stated) -> Any:
    """The problem with its points. PINA states a problem as a class; this makes it from its parts."""
    space = {name: extent for name, extent in stated.box.items() if name != "t"}
    bases: list[type] = [SpatialProblem]
    content: dict[str, Any] = {"output_variables": ["u"], "spatial_domain": CartesianDomain(space)}
    if "t" in stated.box:
        bases.insert(0, TimeDependentProblem)
        content["temporal_domain"] = CartesianDomain({"t": stated.box["t"]})
    if stated.unknowns:
        bases.append(InverseProblem)
        ranges = {name: [low, high] for name, (low, high, _) in stated.unknowns.items()}
        content["unknown_parameter_domain"] = CartesianDomain(ranges)
    content["domains"] = {place: _domain(boxes) for place, (boxes, _) in stated.conditions.items()}
    content["conditions"] = {
        place: Condition(domain=place, equation=Equation(residual))
        for place, (_, residual) in stated.conditions.items()
    }
    if stated.data is not None:
        points, values = stated.data
        target = LabelTensor(torch.as_tensor(values, dtype=torch.float32), ["u"])
        content["conditions"]["data"] = Condition(input=_labelled(points, list(stated.box)), target=target)
    problem = type("Stated", tuple(bases), content)()
    for name, (_, _, start) in stated.unknowns.items():
        problem.unknown_parameters[name] = torch.nn.Parameter(torch.tensor([start]))
    for place, (count, mode) in stated.sampling.items():
        if isinstance(count, dict):
            rules = {name: {"n": n, "mode": mode} for name, n in count.items()}
            problem.discretise_domain(domains=[place], sample_rules=rules)
        else:
            problem.discretise_domain(count, mode, domains=[place])
    return problem


def _domain(boxes: tuple[Box, ...]) -> Any:
    made = [CartesianDomain(box) for box in boxes]
    return made[0] if len(made) == 1 else Union(made)


def _zero(points: Any, u: Any) -> Any:
    return u


def _faces(box: Box, *names: str) -> tuple[Box, ...]:
    """Both ends of the named coordinates."""
    return tuple({**box, name: end} for name in names for end in box[name])


def _derivative(u: Any, points: Any, name: str) -> Any:
    return grad(u, points, components=["u"], d=[name])


def _second(u: Any, points: Any, *names: str) -> Any:
    return laplacian(u, points, components=["u"], d=list(names))


def _sine(points: Any, name: str, wave: float = 1.0) -> Any:
    return torch.sin(wave * math.pi * points.extract([name]))


def _walls(c: Columns, u: Any) -> Any:
    return (1 - c["x"] ** 2) * (1 - c["y"] ** 2) * u


def poisson_2d(recipe: Recipe) -> Stated:
    """-Δu = 2π² sin πx sin πy, u = 0 around the unit square."""

    def equation(points: Any, u: Any) -> Any:
        source = 2 * math.pi**2 * _sine(points, "x") * _sine(points, "y")
        return _second(u, points, "x", "y") + source

    box: Box = {"x": [0, 1], "y": [0, 1]}
    conditions: dict[str, Place] = {"D": ((box,), equation), "boundary": (_faces(box, "x", "y"), _zero)}
    return Stated(
        box, conditions, {"D": (recipe.points["side"], "grid"), "boundary": (recipe.points["boundary"], "grid")}
    )


def helmholtz_1_4(recipe: Recipe) -> Stated:
    """Δu + u = (1 − 17π²) sin πx sin 4πy, u = 0 around [−1, 1]² exactly."""

    def equation(points: Any, u: Any) -> Any:
        source = (1 - 17 * math.pi**2) * _sine(points, "x") * _sine(points, "y", 4)
        return _second(u, points, "x", "y") + u - source

    box: Box = {"x": [-1, 1], "y": [-1, 1]}
    return Stated(box, {"D": ((box,), equation)}, {"D": (recipe.points["side"], "grid")}, shape=_walls)


def burgers(recipe: Recipe) -> Stated:
    """u_t + u u_x = (0.01/π) u_xx, u(x, 0) = −sin πx, u(±1, t) = 0."""

    def equation(points: Any, u: Any) -> Any:
        viscous = 0.01 / math.pi * _second(u, points, "x")
        return _derivative(u, points, "t") + u * _derivative(u, points, "x") - viscous

    box: Box = {"x": [-1, 1], "t": [0, 1]}
    start: Place = (({"x": [-1, 1], "t": 0.0},), lambda points, u: u + _sine(points, "x"))
    left, right = _faces(box, "x")
    conditions: dict[str, Place] = {
        "D": ((box,), equation),
        "start": start,
        "left": ((left,), _zero),
        "right": ((right,), _zero),
    }
    wall = (recipe.points["boundary"], "random")
    sampling: dict[str, Sampling] = {"left": wall, "right": wall, "start": (recipe.points["initial"], "random")}
    return Stated(box, conditions, sampling | {"D": ({name: recipe.points[name] for name in box}, "grid")})


def allen_cahn(recipe: Recipe) -> Stated:
    """u_t = 1e-4 u_xx + 5(u − u³), periodic inputs, u(x, 0) = x² cos πx."""

    def equation(points: Any, u: Any) -> Any:
        return _derivative(u, points, "t") - 1e-4 * _second(u, points, "x") + 5 * (u**3 - u)

    def start(points: Any, u: Any) -> Any:
        x = points.extract(["x"])
        return u - x**2 * torch.cos(math.pi * x)

    def inputs(c: Columns) -> list[Any]:
        angle = math.pi * c["x"]
        return [torch.ones_like(angle), torch.cos(angle), torch.sin(angle), c["t"]]

    box: Box = {"x": [-1, 1], "t": [0, 1]}
    conditions: dict[str, Place] = {"D": ((box,), equation), "start": (({"x": [-1, 1], "t": 0.0},), start)}
    sampling = {"D": (recipe.points["domain"], "random"), "start": (recipe.points["initial"], "random")}
    return Stated(box, conditions, sampling, inputs=inputs)


def wave_1d(recipe: Recipe) -> Stated:
    """u_tt = 4 u_xx, u = sin πx + ½ sin 4πx and u_t = 0 at t = 0, u = x(1 − x) N."""

    def equation(points: Any, u: Any) -> Any:
        return _second(u, points, "t") - 4 * _second(u, points, "x")

    def start(points: Any, u: Any) -> Any:
        return u - _sine(points, "x") - 0.5 * _sine(points, "x", 4)

    def rest(points: Any, u: Any) -> Any:
        return _derivative(u, points, "t")

    box: Box = {"x": [0, 1], "t": [0, 1]}
    line: tuple[Box] = ({"x": [0, 1], "t": 0.0},)
    conditions: dict[str, Place] = {"D": ((box,), equation), "start": (line, start), "rest": (line, rest)}
    sampling = dict.fromkeys(conditions, (recipe.points["initial"], "random"))
    sampling["D"] = (recipe.points["domain"], "random")
    return Stated(box, conditions, sampling, shape=lambda c, u: c["x"] * (1 - c["x"]) * u)


def diffusion_inverse(recipe: Recipe) -> Stated:
    """u_t = C u_xx − e^{−t} (1 − π²) sin πx with ten observations at t = 1; C starts at 2."""

    def equation(points: Any, u: Any, unknown: Any) -> Any:
        source = torch.exp(-points.extract(["t"])) * (1 - math.pi**2) * _sine(points, "x")
        return _derivative(u, points, "t") - unknown["C"] * _second(u, points, "x") + source

    box: Box = {"x": [-1, 1], "t": [0, 1]}
    start: Place = (({"x": [-1, 1], "t": 0.0},), lambda points, u: u - _sine(points, "x"))
    boundary: Place = (_faces(box, "x"), _zero)
    conditions: dict[str, Place] = {"D": ((box,), equation), "start": start, "boundary": boundary}
    places = np.stack([np.linspace(-1, 1, 10), np.ones(10)], axis=1)
    values = np.sin(np.pi * places[:, :1]) * math.exp(-1)
    sampling: dict[str, Sampling] = {
        "D": (recipe.points["side"], "grid"),
        "start": (recipe.points["initial"], "random"),
        "boundary": (recipe.points["boundary"], "random"),
    }
    return Stated(box, conditions, sampling, unknowns={"C": (0.0, 4.0, 2.0)}, data=(places, values))


PROBLEMS: dict[str, Callable[[Recipe], Stated]] = {
    "poisson_2d": poisson_2d,
    "helmholtz_1_4": helmholtz_1_4,
    "burgers": burgers,
    "allen_cahn": allen_cahn,
    "wave_1d": wave_1d,
    "diffusion_inverse": diffusion_inverse,
}
