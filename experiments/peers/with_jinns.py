"""jinns (JAX) with the optimizers that its own notebooks recommend (`recipes.JINNS`), in float64.

Conditions are exact, by the library's `output_transform`: the strongest form that it offers. Time is a coordinate among
others, so that every problem is one on a rectangle. Compilation counts, as it does for who waits for the answer.

Source: Gangloff, Jouvin, jinns, gitlab.com/mia_jinns/jinns; natural gradients after Müller, Zeinhofer, ICML 2023.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jinns
import numpy as np
import optax
from jinns.validation import AbstractValidationModule

from .monitor import Array, ErrorMonitor
from .recipes import Recipe

jax.config.update("jax_enable_x64", True)

MANY = 200_000
"""Iterations that no run gets to, and that no array of the library is too long for."""


@dataclass(frozen=True)
class Stated:
    """A problem for jinns.

    Attributes:
        low, high: the rectangle.
        equation: (value, gradient (2,), second derivatives (2,), point (2,), unknown coefficients) -> residual.
        shape: the solution from a point (2,) and the network's output.
        unknowns: coefficient -> start.
        data: observed (points (n, 2), values (n, 1)), where there are any.
    """

    low: tuple[float, float]
    high: tuple[float, float]
    equation: Callable[[Any, Any, Any, Any, Any], Any]
    shape: Callable[[Any, Any], Any]
    unknowns: tuple[tuple[str, float], ...] = ()
    data: tuple[Array, Array] | None = None


class Measurements(AbstractValidationModule):
    """Measures along the way, from within the compiled loop, and ends it when the time is up."""

    call_every: int = eqx.field(kw_only=True)
    predict: Callable[..., Any] = eqx.field(kw_only=True, static=True)
    record: Callable[..., Any] = eqx.field(kw_only=True, static=True)

    def __call__(self, params: Any) -> Any:
        """As the library asks: (this, whether to stop, the criterion, whether these are the best parameters)."""
        values = self.predict(params)
        coefficients = {} if params.eq_params is None else dict(vars(params.eq_params))
        over = jax.experimental.io_callback(
            self.record, jax.ShapeDtypeStruct((), np.bool_), values, coefficients, ordered=True
        )
        return self, over, jnp.asarray(0.0), jnp.asarray(True)


def versions() -> dict[str, str]:
    """What ran."""
    return {"jinns": version("jinns"), "jax": version("jax")}


def solve(name: str, recipe: Recipe, monitor: ErrorMonitor, seed: int) -> dict[str, Any]:
    """Follow the recipe until the limit.

    Args:
        name: of the problem in the suite.
        recipe: its settings.
        monitor: clock and measure, begun.
        seed: of the library.
    """
    stated = PROBLEMS[name]()
    first, second, third = jax.random.split(jax.random.PRNGKey(seed), 3)
    u, params = network(stated, recipe, first)
    points = {"n": recipe.points["domain"], "nb": None, "dim": 2, "min_pts": stated.low, "max_pts": stated.high}
    if recipe.points.get("batch"):
        points["omega_batch_size"] = recipe.points["batch"]
    weights = {"dyn_loss": 1.0, "boundary_loss": None}
    observed = None
    if stated.data is not None:
        where, values = (jnp.asarray(array) for array in stated.data)
        observed = jinns.data.DataGeneratorObservations(key=third, observed_pinn_in=where, observed_values=values)
        weights["observations"] = 1.0
    keys = jinns.parameters.DerivativeKeysPDEStatio.from_str(params=params, dyn_loss="both", observations="both")
    loss = jinns.loss.LossPDEStatio(
        u=u,
        dynamic_loss=Residual(law=stated.equation),
        loss_weights=jinns.loss.LossWeightsPDEStatio(**weights),
        params=params,
        **({"derivative_keys": keys} if stated.unknowns else {}),
    )
    grid = jnp.asarray(monitor.x)
    ended: dict[str, Any] = {}
    every = 5

    def record(values: Array, coefficients: dict[str, Array]) -> Any:
        ended["values"], ended["coefficients"] = np.asarray(values), {k: float(v) for k, v in coefficients.items()}
        return np.bool_(monitor.step(lambda _: ended["values"], ended["coefficients"], every))

    measured = Measurements(
        call_every=every, predict=lambda params: jax.vmap(lambda x: u(x, params))(grid), record=record
    )
    jinns.solve(
        n_iter=MANY,
        init_params=params,
        data=jinns.data.CubicMeshPDEStatio(key=second, method="uniform", **points),
        loss=loss,
        optimizer=optimizer(recipe, stated),
        validation=measured,
        obs_data=observed,
        verbose=False,
        print_loss_every=MANY,
    )
    error = monitor.evaluate(lambda _: ended["values"], ended["coefficients"])
    phase = recipe.schedule[0]
    return monitor.result(
        error,
        reason=f"{phase.optimizer} {monitor.steps}, {'cut by the limit' if monitor.over else 'ended by itself'}",
        points=recipe.points.get("batch") or recipe.points["domain"],
        parameters=sum(leaf.size for leaf in jax.tree.leaves(params.nn_params)) + len(stated.unknowns),
        dtype="float64",
    )


class Residual(jinns.loss.PDEStatio):
    """The equation of a problem at one point, with derivatives of the network by nested differentiation."""

    law: Callable[..., Any] = eqx.field(kw_only=True, static=True)

    def equation(self, x: Any, u: Any, params: Any) -> Any:
        """The residual (1,) at x (2,)."""

        def value(x: Any) -> Any:
            return u(x, params)[0]

        def slopes(i: int) -> Any:
            return jax.grad(lambda x: jax.grad(value)(x)[i])(x)[i]

        return self.law(value(x), jax.grad(value)(x), (slopes(0), slopes(1)), x, params.eq_params)[None]


def network(stated: Stated, recipe: Recipe, key: Any) -> tuple[Any, Any]:
    """The perceptron of the recipe between points and solution, and its first parameters."""
    layers: list[Any] = []
    for inputs, outputs in zip((2, *recipe.layers), recipe.layers, strict=False):
        layers += [(eqx.nn.Linear, inputs, outputs), (jnp.tanh,)]
    u, first = jinns.nn.PINN_MLP.create(
        key=key,
        eqx_list=(*layers, (eqx.nn.Linear, recipe.layers[-1], 1)),
        eq_type="PDEStatio",
        output_transform=lambda x, raw, params: stated.shape(x, raw),
    )
    return u, jinns.parameters.Params(first, {name: jnp.asarray(start) for name, start in stated.unknowns})


def optimizer(recipe: Recipe, stated: Stated) -> Any:
    """The natural gradient with a line search, beside Adam for unknown coefficients."""
    rate = recipe.schedule[0].rate
    options: dict[str, Any] = {}
    if stated.unknowns:
        options["eq_params_tx"] = {name: optax.adam(rate) for name, _ in stated.unknowns}
    if recipe.regularization is not None:
        options["gram_reg"] = recipe.regularization
    return jinns.optimizers.vanilla_ngd(**options)


def poisson_2d() -> Stated:
    """-Δu = 2π² sin πx sin πy, u = x(1 − x) y(1 − y) N."""

    def equation(u: Any, du: Any, ddu: Any, x: Any, k: Any) -> Any:
        return -ddu[0] - ddu[1] - 2 * math.pi**2 * jnp.sin(math.pi * x[0]) * jnp.sin(math.pi * x[1])

    return Stated((0.0, 0.0), (1.0, 1.0), equation, lambda x, raw: raw * x[0] * (1 - x[0]) * x[1] * (1 - x[1]))


def helmholtz_1_4() -> Stated:
    """Δu + u = (1 − 17π²) sin πx sin 4πy, u = (1 − x²)(1 − y²) N."""

    def equation(u: Any, du: Any, ddu: Any, x: Any, k: Any) -> Any:
        source = (1 - 17 * math.pi**2) * jnp.sin(math.pi * x[0]) * jnp.sin(4 * math.pi * x[1])
        return ddu[0] + ddu[1] + u - source

    return Stated((-1.0, -1.0), (1.0, 1.0), equation, lambda x, raw: raw * (1 - x[0] ** 2) * (1 - x[1] ** 2))


def burgers() -> Stated:
    """u_t + u u_x = (0.01/π) u_xx, u = −sin πx + t (1 − x²) N."""

    def equation(u: Any, du: Any, ddu: Any, x: Any, k: Any) -> Any:
        return du[1] + u * du[0] - 0.01 / math.pi * ddu[0]

    def shape(x: Any, raw: Any) -> Any:
        return -jnp.sin(math.pi * x[0]) + x[1] * (1 - x[0] ** 2) * raw

    return Stated((-1.0, 0.0), (1.0, 1.0), equation, shape)


def heat_1d() -> Stated:
    """u_t = ¼ u_xx, u = sin πx + t x(1 − x) N."""

    def equation(u: Any, du: Any, ddu: Any, x: Any, k: Any) -> Any:
        return du[1] - 0.25 * ddu[0]

    def shape(x: Any, raw: Any) -> Any:
        return jnp.sin(math.pi * x[0]) + x[1] * x[0] * (1 - x[0]) * raw

    return Stated((0.0, 0.0), (1.0, 1.0), equation, shape)


def wave_1d() -> Stated:
    """u_tt = 4 u_xx, u = sin πx + ½ sin 4πx + t² x(1 − x) N."""

    def equation(u: Any, du: Any, ddu: Any, x: Any, k: Any) -> Any:
        return ddu[1] - 4 * ddu[0]

    def shape(x: Any, raw: Any) -> Any:
        start = jnp.sin(math.pi * x[0]) + 0.5 * jnp.sin(4 * math.pi * x[0])
        return start + x[1] ** 2 * x[0] * (1 - x[0]) * raw

    return Stated((0.0, 0.0), (1.0, 1.0), equation, shape)


def diffusion_inverse() -> Stated:
    """u_t = C u_xx − e^{−t} (1 − π²) sin πx, u = sin πx + t (1 − x²) N; ten observations at t = 1; C starts at 2."""

    def equation(u: Any, du: Any, ddu: Any, x: Any, k: Any) -> Any:
        return du[1] - k.C * ddu[0] + jnp.exp(-x[1]) * (1 - math.pi**2) * jnp.sin(math.pi * x[0])

    def shape(x: Any, raw: Any) -> Any:
        return jnp.sin(math.pi * x[0]) + x[1] * (1 - x[0] ** 2) * raw

    places = np.stack([np.linspace(-1, 1, 10), np.ones(10)], axis=1)
    values = math.exp(-1) * np.sin(math.pi * places[:, :1])
    return Stated((-1.0, 0.0), (1.0, 1.0), equation, shape, (("C", 2.0),), (places, values))


PROBLEMS: dict[str, Callable[[], Stated]] = {
    "poisson_2d": poisson_2d,
    "helmholtz_1_4": helmholtz_1_4,
    "burgers": burgers,
    "heat_1d": heat_1d,
    "wave_1d": wave_1d,
    "diffusion_inverse": diffusion_inverse,
}
