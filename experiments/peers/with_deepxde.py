"""DeepXDE with the PyTorch backend, by the numbers of its own demos (`recipes.DEEPXDE`), in its own precision, float32.

Source: Lu, Meng, Mao, Karniadakis, DeepXDE, SIAM Rev. 63 (2021) 208; github.com/lululxvi/deepxde, `examples/`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import deepxde as dde
import numpy as np
import torch

from .monitor import Array, ErrorMonitor
from .recipes import Phase, Recipe

# L-BFGS hands back control only after so many iterations; the demo's 1000 would overrun the limit.
LBFGS_CHUNK = 50


class Measurements(dde.callbacks.Callback):
    """Measures along the way and stops the training when the time is up."""

    def __init__(self, monitor: ErrorMonitor, coefficients: dict[str, Any]) -> None:
        super().__init__()
        self.monitor, self.coefficients = monitor, coefficients
        self.seen = 0

    def predict(self, x: Array) -> Array:
        """The network at points (n, d)."""
        return np.asarray(self.model.predict(x.astype(np.float32)))

    def values(self) -> dict[str, float]:
        """The unknown coefficients now."""
        return {name: float(value.detach()) for name, value in self.coefficients.items()}

    def on_epoch_end(self) -> None:
        """After each step of Adam, or each chunk of L-BFGS."""
        done = int(self.model.train_state.iteration)
        if self.monitor.step(self.predict, self.values(), done - self.seen):
            self.model.stop_training = True
        self.seen = done


def versions() -> dict[str, str]:
    """What ran."""
    return {"deepxde": version("deepxde")}


def solve(name: str, recipe: Recipe, monitor: ErrorMonitor, seed: int) -> dict[str, Any]:
    """Follow the recipe until its end or the limit; Adam alone goes on to the limit.

    Args:
        name: of the problem in the suite.
        recipe: its settings.
        monitor: clock and measure, begun.
        seed: of the library.
    """
    dde.config.set_random_seed(seed)
    data, net, more = PROBLEMS[name](recipe)
    model = dde.Model(data, net)
    coefficients = more.pop("coefficients", {})
    measurements = Measurements(monitor, coefficients)
    callbacks = [measurements, *more.pop("callbacks", [])]
    if coefficients:
        more["external_trainable_variables"] = list(coefficients.values())
    if more.pop("balanced", False):
        model.compile("adam", lr=recipe.schedule[0].rate)
        before, _ = model.train(iterations=0)
        more["loss_weights"] = list(5 / np.asarray(before.loss_train[0]))
    reason = ""
    for phase in recipe.schedule:
        before = measurements.seen
        _train(model, phase, phase.iterations, callbacks, more)
        reason = f"{phase.optimizer} {measurements.seen - before} of {phase.iterations}"
        if monitor.over:
            break
    else:
        monitor.end_of_schedule(measurements.predict, measurements.values())
        if recipe.schedule[-1].optimizer == "Adam":
            _train(model, recipe.schedule[-1], 10**9, callbacks, None)
            reason += f", then on to {measurements.seen - before}"
        else:
            reason += ", ended by itself"
    error = monitor.evaluate(measurements.predict, measurements.values())
    return monitor.result(
        error,
        reason=reason,
        points=len(data.train_x),
        parameters=sum(p.numel() for p in net.parameters()) + len(coefficients),
        dtype=dde.config.default_float(),
    )


def _train(model: Any, phase: Phase, iterations: int, callbacks: list[Any], more: dict[str, Any] | None) -> None:
    """One phase; `more` are options of `compile`, None to go on with the same optimizer."""
    if phase.optimizer == "L-BFGS":
        options = dict(more or {})
        options.pop("decay", None)
        dde.optimizers.set_LBFGS_options(maxiter=iterations)
        dde.optimizers.config.LBFGS_options["iter_per_step"] = LBFGS_CHUNK
        dde.optimizers.config.LBFGS_options["fun_per_step"] = LBFGS_CHUNK * 5 // 4
        model.compile("L-BFGS", **options)
        model.train(callbacks=callbacks, verbose=0)
        return
    if more is not None:
        model.compile("adam", lr=phase.rate, **more)
    model.train(iterations=iterations, callbacks=callbacks, verbose=0)


def _network(recipe: Recipe, inputs: int = 2, initializer: str = "Glorot uniform") -> Any:
    return dde.nn.FNN([inputs, *recipe.layers, 1], recipe.activation, initializer)


def _second(y: Any, x: Any, i: int) -> Any:
    return dde.grad.hessian(y, x, i=i, j=i)


def _everywhere(_: Any, on_boundary: bool) -> bool:
    return on_boundary


def _evolution(low: float, high: float) -> Any:
    return dde.geometry.GeometryXTime(dde.geometry.Interval(low, high), dde.geometry.TimeDomain(0, 1))


def _counts(recipe: Recipe) -> dict[str, int]:
    return {f"num_{place}": count for place, count in recipe.points.items()}


def poisson_2d(recipe: Recipe) -> tuple[Any, Any, dict[str, Any]]:
    """-Δu = 2π² sin πx sin πy, u = 0 around the unit square."""

    def equation(x: Any, y: Any) -> Any:
        source = 2 * math.pi**2 * torch.sin(math.pi * x[:, 0:1]) * torch.sin(math.pi * x[:, 1:2])
        return -_second(y, x, 0) - _second(y, x, 1) - source

    square = dde.geometry.Rectangle([0, 0], [1, 1])
    walls = dde.icbc.DirichletBC(square, lambda x: 0, _everywhere)
    return dde.data.PDE(square, equation, walls, **_counts(recipe)), _network(recipe), {}


def helmholtz_1_4(recipe: Recipe) -> tuple[Any, Any, dict[str, Any]]:
    """Δu + u = (1 − 17π²) sin πx sin 4πy, u = 0 around [−1, 1]²."""

    def equation(x: Any, y: Any) -> Any:
        wave = torch.sin(math.pi * x[:, 0:1]) * torch.sin(4 * math.pi * x[:, 1:2])
        return _second(y, x, 0) + _second(y, x, 1) + y - (1 - 17 * math.pi**2) * wave

    square = dde.geometry.Rectangle([-1, -1], [1, 1])
    net = _network(recipe)
    net.apply_output_transform(lambda x, y: (1 - x[:, 0:1] ** 2) * (1 - x[:, 1:2] ** 2) * y)
    return dde.data.PDE(square, equation, [], **_counts(recipe)), net, {}


def burgers(recipe: Recipe) -> tuple[Any, Any, dict[str, Any]]:
    """u_t + u u_x = (0.01/π) u_xx, u(x, 0) = −sin πx, u(±1, t) = 0."""

    def equation(x: Any, y: Any) -> Any:
        y_x, y_t = (dde.grad.jacobian(y, x, i=0, j=j) for j in (0, 1))
        return y_t + y * y_x - 0.01 / math.pi * _second(y, x, 0)

    plane = _evolution(-1, 1)
    walls = dde.icbc.DirichletBC(plane, lambda x: 0, _everywhere)
    start = dde.icbc.IC(plane, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on_initial: on_initial)
    data = dde.data.TimePDE(plane, equation, [walls, start], **_counts(recipe))
    return data, _network(recipe, initializer="Glorot normal"), {}


def allen_cahn(recipe: Recipe) -> tuple[Any, Any, dict[str, Any]]:
    """u_t = 1e-4 u_xx + 5(u − u³), periodic, u = x² cos πx + t N(cos πx, sin πx, t)."""

    def equation(x: Any, y: Any) -> Any:
        return dde.grad.jacobian(y, x, i=0, j=1) - 1e-4 * _second(y, x, 0) - 5 * (y - y**3)

    def inputs(x: Any) -> Any:
        angle = math.pi * x[:, 0:1]
        return torch.cat([torch.cos(angle), torch.sin(angle), x[:, 1:2]], dim=1)

    net = _network(recipe, inputs=3, initializer="Glorot normal")
    net.apply_feature_transform(inputs)
    net.apply_output_transform(lambda x, y: x[:, 0:1] ** 2 * torch.cos(math.pi * x[:, 0:1]) + x[:, 1:2] * y)
    return dde.data.TimePDE(_evolution(-1, 1), equation, [], **_counts(recipe)), net, {}


def wave_1d(recipe: Recipe) -> tuple[Any, Any, dict[str, Any]]:
    """u_tt = 4 u_xx; balanced losses, points redrawn at every step, a decaying rate, as in the demo."""

    def equation(x: Any, y: Any) -> Any:
        return _second(y, x, 1) - 4 * _second(y, x, 0)

    def exact(x: Array) -> Array:
        x, t = np.pi * x[:, 0:1], np.pi * x[:, 1:2]
        return np.asarray(np.sin(x) * np.cos(2 * t) + 0.5 * np.sin(4 * x) * np.cos(8 * t))

    plane = _evolution(0, 1)
    conditions = [
        dde.icbc.DirichletBC(plane, exact, _everywhere),
        dde.icbc.IC(plane, exact, lambda _, on_initial: on_initial),
        dde.icbc.OperatorBC(
            plane, lambda x, y, _: dde.grad.jacobian(y, x, i=0, j=1), lambda x, _: dde.utils.isclose(x[1], 0)
        ),
    ]
    net = _network(recipe)
    net.apply_feature_transform(lambda x: (x - 0.5) * 2 * math.sqrt(3))
    redrawn = [dde.callbacks.PDEPointResampler(period=1)]
    more = {"balanced": True, "callbacks": redrawn, "decay": ("inverse time", 2000, 0.9)}
    return dde.data.TimePDE(plane, equation, conditions, **_counts(recipe)), net, more


def diffusion_inverse(recipe: Recipe) -> tuple[Any, Any, dict[str, Any]]:
    """u_t = C u_xx − e^{−t} (1 − π²) sin πx with ten observations at t = 1; C starts at 2."""
    C = dde.Variable(2.0)

    def equation(x: Any, y: Any) -> Any:
        source = torch.exp(-x[:, 1:2]) * (1 - math.pi**2) * torch.sin(math.pi * x[:, 0:1])
        return dde.grad.jacobian(y, x, i=0, j=1) - C * _second(y, x, 0) + source

    def exact(x: Array) -> Array:
        return np.asarray(np.sin(np.pi * x[:, 0:1]) * np.exp(-x[:, 1:2]))

    plane = _evolution(-1, 1)
    places = np.stack([np.linspace(-1, 1, 10), np.ones(10)], axis=1)
    conditions = [
        dde.icbc.DirichletBC(plane, exact, _everywhere),
        dde.icbc.IC(plane, exact, lambda _, on_initial: on_initial),
        dde.icbc.PointSetBC(places, exact(places), component=0),
    ]
    data = dde.data.TimePDE(plane, equation, conditions, anchors=places, **_counts(recipe))
    return data, _network(recipe), {"coefficients": {"C": C}}


PROBLEMS: dict[str, Callable[[Recipe], tuple[Any, Any, dict[str, Any]]]] = {
    "poisson_2d": poisson_2d,
    "helmholtz_1_4": helmholtz_1_4,
    "burgers": burgers,
    "allen_cahn": allen_cahn,
    "wave_1d": wave_1d,
    "diffusion_inverse": diffusion_inverse,
}
