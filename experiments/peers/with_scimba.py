"""scimba (PyTorch) by its energy natural gradient or by SS-Broyden (`recipes.SCIMBA`), in its own precision, float64.

Conditions are exact, by the library's `post_processing`; time is a coordinate among others, so that every problem is an
elliptic one on a rectangle as the library sees it. The library wants an equation twice, for values and for the Jacobian
by the parameters: `Rectangle` makes both from one statement.

Source: Franck, Imbach, Michel-Dansac, scimba, www.scimba.org; Müller, Zeinhofer, ICML 2023 (natural gradient); Urbán,
Stefanou, Pons, J. Comput. Phys. 523 (2025) 113656 (SS-Broyden).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import scimba_torch  # noqa: F401  sets torch to double precision
import torch
from scimba_torch.approximation_space.nn_space import NNxSpace
from scimba_torch.domain.meshless_domain.domain_2d import Square2D
from scimba_torch.integration.monte_carlo import DomainSampler, TensorizedSampler
from scimba_torch.integration.monte_carlo_parameters import UniformParametricSampler
from scimba_torch.neural_nets.coordinates_based_nets.mlp import GenericMLP
from scimba_torch.numerical_solvers.elliptic_pde.pinns import NaturalGradientPinnsElliptic, PinnsElliptic
from scimba_torch.optimizers.optimizers_data import OptimizerData
from scimba_torch.physical_models.elliptic_pde.abstract_elliptic_pde import StrongFormEllipticPDE
from scimba_torch.utils.scimba_tensors import LabelTensor

from .monitor import Array, ErrorMonitor
from .recipes import Recipe

MANY = 10**9
"""Epochs that no run gets to."""


@dataclass(frozen=True)
class Stated:
    """A problem for scimba, on a rectangle; x and y are any two coordinates.

    Attributes:
        box: extents of both coordinates.
        operator: (u, (u_x, u_y), (u_xx, u_yy)) -> the equation's left side, of values of any shape.
        source: (x, y) -> its right side.
        shape: (x, y, network's output) -> the solution.
    """

    box: tuple[tuple[float, float], tuple[float, float]]
    operator: Callable[[Any, Any, Any], Any]
    source: Callable[[Any, Any], Any]
    shape: Callable[[Any, Any, Any], Any]


class Rectangle(StrongFormEllipticPDE):
    """The equation as scimba wants it."""

    def __init__(self, space: Any, stated: Stated) -> None:
        super().__init__(space, linear=False, residual_size=1, bc_residual_size=1)
        self.stated = stated

    def rhs(self, w: Any, x: Any, mu: Any) -> Any:
        """The right side at points (n, 2)."""
        return self.stated.source(x.x[:, 0:1], x.x[:, 1:2])

    def operator(self, w: Any, x: Any, mu: Any) -> Any:
        """The left side at points (n, 2)."""
        u = w.get_components()
        u_x, u_y = self.grad(u, x)
        u_xx, _ = self.grad(u_x, x)
        _, u_yy = self.grad(u_y, x)
        return self.stated.operator(u, (u_x, u_y), (u_xx, u_yy))

    def bc_rhs(self, w: Any, x: Any, n: Any, mu: Any) -> Any:
        """Not asked for: conditions are exact."""
        raise NotImplementedError

    def bc_operator(self, w: Any, x: Any, n: Any, mu: Any) -> Any:
        """Not asked for: conditions are exact."""
        raise NotImplementedError

    def functional_operator(self, func: Any, x: Any, mu: Any, theta: Any) -> Any:
        """The left side at one point, of a function of point and parameters."""
        slope = torch.func.jacrev(func, 0)
        du, ddu = slope(x, mu, theta), torch.func.jacrev(slope, 0)(x, mu, theta)
        return self.stated.operator(func(x, mu, theta), (du[..., 0], du[..., 1]), (ddu[..., 0, 0], ddu[..., 1, 1]))


def versions() -> dict[str, str]:
    """What ran."""
    return {"scimba": version("scimba")}


def solve(name: str, recipe: Recipe, monitor: ErrorMonitor, seed: int) -> dict[str, Any]:
    """Follow the recipe until the limit.

    Args:
        name: of the problem in the suite.
        recipe: its settings.
        monitor: clock and measure, begun.
        seed: of the library.
    """
    torch.manual_seed(seed)
    (phase,) = recipe.schedule
    space, pinn = state(PROBLEMS[name](), recipe, phase.optimizer)
    recorded = pinn.losses.update_histories

    def predict(x: Array) -> Array:
        with torch.no_grad():
            values = space.evaluate(LabelTensor(torch.as_tensor(x)), LabelTensor(torch.ones(len(x), 1))).w
        return np.asarray(values)

    def after_epoch() -> None:
        if monitor.step(predict, {}):
            pinn.loss_target = math.inf  # what the library ends at
        recorded()

    pinn.losses.update_histories = after_epoch
    pinn.solve(epochs=MANY, n_collocation=recipe.points["domain"], silent=True)
    error = monitor.evaluate(predict, {})
    return monitor.result(
        error,
        reason=f"{phase.optimizer} {monitor.steps}, cut by the limit",
        points=recipe.points["domain"],
        parameters=space.ndof,
        dtype="float64",
    )


def state(stated: Stated, recipe: Recipe, optimizer: str) -> tuple[Any, Any]:
    """The space of networks and what trains it, by the library's natural gradient or its SS-Broyden."""
    domain = Square2D([*stated.box], is_main_domain=True)
    # The library wants a parameter; this one is 1 within rounding and takes no part.
    sampler = TensorizedSampler([DomainSampler(domain), UniformParametricSampler([(1.0, 1.0 + 1e-9)])])
    space = NNxSpace(
        1,
        1,
        GenericMLP,
        domain,
        sampler,
        layer_sizes=list(recipe.layers),
        activation_type=recipe.activation,
        post_processing=lambda raw, x, mu: stated.shape(x.x[:, 0:1], x.x[:, 1:2], raw),
    )
    pde = Rectangle(space, stated)
    if optimizer == "SS-Broyden":
        return space, PinnsElliptic(pde, bc_type="strong", optimizers=OptimizerData({"name": "ssbroyden"}))
    exact = {"functional_post_processing": lambda func, x, mu, theta: stated.shape(x[0], x[1], func(x, mu, theta))}
    damping = {} if recipe.regularization is None else {"matrix_regularization": recipe.regularization}
    return space, NaturalGradientPinnsElliptic(pde, bc_type="strong", **exact, **damping)


def poisson_2d() -> Stated:
    """-Δu = 2π² sin πx sin πy, u = x(1 − x) y(1 − y) N."""
    return Stated(
        ((0.0, 1.0), (0.0, 1.0)),
        lambda u, du, ddu: -ddu[0] - ddu[1],
        lambda x, y: 2 * math.pi**2 * torch.sin(math.pi * x) * torch.sin(math.pi * y),
        lambda x, y, raw: x * (1 - x) * y * (1 - y) * raw,
    )


def helmholtz_1_4() -> Stated:
    """Δu + u = (1 − 17π²) sin πx sin 4πy, u = (1 − x²)(1 − y²) N."""
    return Stated(
        ((-1.0, 1.0), (-1.0, 1.0)),
        lambda u, du, ddu: ddu[0] + ddu[1] + u,
        lambda x, y: (1 - 17 * math.pi**2) * torch.sin(math.pi * x) * torch.sin(4 * math.pi * y),
        lambda x, y, raw: (1 - x**2) * (1 - y**2) * raw,
    )


def burgers() -> Stated:
    """u_t + u u_x = (0.01/π) u_xx, u = −sin πx + t (1 − x²) N."""
    return Stated(
        ((-1.0, 1.0), (0.0, 1.0)),
        lambda u, du, ddu: du[1] + u * du[0] - 0.01 / math.pi * ddu[0],
        lambda x, t: 0 * x,
        lambda x, t, raw: -torch.sin(math.pi * x) + t * (1 - x**2) * raw,
    )


def heat_1d() -> Stated:
    """u_t = ¼ u_xx, u = sin πx + t x(1 − x) N."""
    return Stated(
        ((0.0, 1.0), (0.0, 1.0)),
        lambda u, du, ddu: du[1] - 0.25 * ddu[0],
        lambda x, t: 0 * x,
        lambda x, t, raw: torch.sin(math.pi * x) + t * x * (1 - x) * raw,
    )


def wave_1d() -> Stated:
    """u_tt = 4 u_xx, u = sin πx + ½ sin 4πx + t² x(1 − x) N."""
    return Stated(
        ((0.0, 1.0), (0.0, 1.0)),
        lambda u, du, ddu: ddu[1] - 4 * ddu[0],
        lambda x, t: 0 * x,
        lambda x, t, raw: torch.sin(math.pi * x) + 0.5 * torch.sin(4 * math.pi * x) + t**2 * x * (1 - x) * raw,
    )


PROBLEMS: dict[str, Callable[[], Stated]] = {
    "poisson_2d": poisson_2d,
    "helmholtz_1_4": helmholtz_1_4,
    "burgers": burgers,
    "heat_1d": heat_1d,
    "wave_1d": wave_1d,
}
