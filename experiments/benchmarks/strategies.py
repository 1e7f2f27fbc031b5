"""Problems on which a network, a way to place points or a way to weigh them is known to matter: with it and without.

Each case is a problem, options of `solve` that are common, and two sets that differ in the one part. Everything is
trained plainly (`features=None`) for a number of optimizer steps, so that what differs is that part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from pinn import Box, Constraint, Problem, d, problems
from pinn.networks import FBPINN, MLP, ChebyshevKAN, HyperNetwork, Separable
from pinn.optimizers import FirstOrder, LevenbergMarquardt
from pinn.sampling import R3, Fixed, Importance, Redrawn, near
from pinn.weighting import NTK, ReLoBRaLo, SelfAdaptive

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One part, with and without.

    Args:
        part: its name.
        what: the problem, and what the part is set beside.
        problem: builds it, with its reference.
        common: options of `solve` of both.
        without, with_it: options that differ.
        source: where the part is known to matter from.
    """

    part: str
    what: str
    problem: Callable[[], Problem]
    common: Options
    without: Options
    with_it: Options
    source: str


def oscillations(omega: float = 15.0) -> Problem:
    """u' = ω cos ωx, u(0) = 0 on [-2π, 2π]: sin ωx, 30 periods at ω = 15."""
    line = Box(x=(-2 * math.pi, 2 * math.pi))
    return Problem(
        line,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x) - omega * torch.cos(omega * x), on=line),
            "middle": Constraint(lambda u: u, on=Box(x=(-2 * math.pi, 0)).face(x=0)),
        },
        reference=lambda x: torch.sin(omega * x),
        name="oscillations",
    )


def modes() -> Problem:
    """Δu = f on the unit cube of four dimensions with u = Π sin πxᵢ + Π sin 2πxᵢ, zero on its faces."""
    cube = Box(x=(0, 1), y=(0, 1), z=(0, 1), w=(0, 1))

    def product(k: int, *columns: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.sin(k * math.pi * one) for one in columns]).prod(0)

    def equation(u: Any, x: Any, y: Any, z: Any, w: Any) -> Any:
        one = torch.sin(math.pi * x) * torch.sin(math.pi * y) * torch.sin(math.pi * z) * torch.sin(math.pi * w)
        two = torch.sin(2 * math.pi * x) * torch.sin(2 * math.pi * y)
        two = two * torch.sin(2 * math.pi * z) * torch.sin(2 * math.pi * w)
        laplacian = d(u, x, x) + d(u, y, y) + d(u, z, z) + d(u, w, w)
        return laplacian + 4 * math.pi**2 * (one + 4 * two)

    return Problem(
        cube,
        ["u"],
        {"equation": Constraint(equation, on=cube), "walls": Constraint(lambda u: u, on=cube.boundary())},
        reference=lambda x, y, z, w: product(1, x, y, z, w) + product(2, x, y, z, w),
        name="modes_4d",
    )


def waves_of_a_family() -> Problem:
    """u_tt + ω² u = 0, u(0) = 0, u_t(0) = ω for all ω in [1, 12]: sin ωt, with ω a coordinate."""
    family = Box(t=(0, 2), omega=(1, 12))
    return Problem(
        family,
        ["u"],
        {
            "equation": Constraint(lambda u, t, omega: d(u, t, t) + omega**2 * u, on=family),
            "start": Constraint(lambda u, t, omega: (u, d(u, t) / omega - 1), on=family.face(t=0)),
        },
        reference=lambda t, omega: torch.sin(omega * t),
        name="oscillators",
    )


def unbalanced(weight: float = 1e-5) -> Problem:
    """u″ = −(4π)² sin 4πx, u(0) = u(1) = 0, with a weight of the ends at which nobody would see them."""
    line, k = Box(x=(0, 1)), 4 * math.pi
    return Problem(
        line,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x, x) + k * k * torch.sin(k * x), on=line),
            "ends": Constraint(lambda u: u, on=line.face(x=0) | line.face(x=1), weight=weight),
        },
        reference=lambda x: torch.sin(k * x),
        name="unbalanced",
    )


def peak(sharpness: float = 100.0) -> Problem:
    """Δu = f on [-1, 1]² with u = exp(−s |x − c|²), c = (0.3, −0.2): all of it in a hundredth of the square."""
    square = Box(x=(-1, 1), y=(-1, 1))

    def exact(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.exp(-sharpness * ((x - 0.3) ** 2 + (y + 0.2) ** 2))

    def equation(u: Any, x: Any, y: Any) -> Any:
        distance = (x - 0.3) ** 2 + (y + 0.2) ** 2
        return d(u, x, x) + d(u, y, y) - (4 * sharpness**2 * distance - 4 * sharpness) * exact(x, y)

    return Problem(
        square,
        ["u"],
        {
            "equation": Constraint(equation, on=square),
            "walls": Constraint(lambda u, x, y: u - exact(x, y), on=square.boundary()),
        },
        reference=exact,
        name="peak",
    )


def small(width: int, depth: int) -> partial[MLP]:
    """A perceptron."""
    return partial(MLP, width=width, depth=depth)


SECOND = {"optimizer": LevenbergMarquardt()}
FIRST = {"optimizer": FirstOrder(partial(torch.optim.Adam, lr=3e-3))}

CASES = (
    Case(
        "FBPINN",
        "u' = 15 cos 15x on [−2π, 2π]; 20 subdomains of 8 × 1 neurons beside one network of as many parameters",
        oscillations,
        {**SECOND, "sampling": Redrawn(600), "steps": 80},
        {"network": small(20, 2)},
        {"network": partial(FBPINN, subdomains=20, width=8, depth=1)},
        "Moseley et al. (2023), section 5.2",
    ),
    Case(
        "Separable",
        "Δu = f in four dimensions, two products of sines; rank 8 beside a perceptron of about as many parameters",
        modes,
        {**SECOND, "sampling": Redrawn(1500), "steps": 40},
        {"network": small(22, 3)},
        {"network": partial(Separable, rank=8, width=12, depth=2)},
        "Cho et al. (2023), section 4",
    ),
    Case(
        "ChebyshevKAN",
        "Poisson's equation; 283 parameters beside a perceptron of 337",
        problems.poisson_2d,
        {**SECOND, "sampling": Redrawn(600, every=5), "steps": 60},
        {"network": small(16, 2)},
        {"network": partial(ChebyshevKAN, width=6, depth=2, degree=5)},
        "Sidharth et al. (2024)",
    ),
    Case(
        "HyperNetwork",
        "u″ + ω²u = 0 on [0, 2] for all ω in [1, 12]; 500 parameters beside a perceptron of 609",
        waves_of_a_family,
        {**SECOND, "sampling": Redrawn(800), "steps": 40},
        {"network": small(16, 3)},
        {"network": partial(HyperNetwork, width=6, depth=2, hyper_width=6, hyper_depth=1)},
        "de Avila Belbute-Peres et al. (2021)",
    ),
    Case(
        "Halton",
        "Poisson's equation, 150 fixed points, beside independent ones",
        problems.poisson_2d,
        {**SECOND, "network": small(20, 2), "steps": 60},
        {"sampling": Fixed(150, method="uniform")},
        {"sampling": Fixed(150, method="halton")},
        "Wu et al. (2023), section 4",
    ),
    Case(
        "R3",
        "Δu = f, u = exp(−100 |x − c|²), 300 points drawn every second step, beside even ones",
        peak,
        {**SECOND, "network": small(20, 2), "steps": 60},
        {"sampling": Redrawn(300, every=2)},
        {"sampling": R3(300, every=2)},
        "Daw et al. (2023), section 5",
    ),
    Case(
        "Importance",
        "the same by 300 points near c, beside even ones",
        peak,
        {**SECOND, "network": small(20, 2), "steps": 60},
        {"sampling": Redrawn(300)},
        {"sampling": Importance(300, near({"x": 0.3, "y": -0.2}, 0.15, 20.0))},
        "Nabian et al. (2021), section 4",
    ),
    Case(
        "SelfAdaptive",
        "u″ = f by Adam, the weight of the conditions 1e-5",
        unbalanced,
        {**FIRST, "network": small(40, 1), "sampling": Fixed(100), "steps": 800},
        {},
        {"weighting": SelfAdaptive(rate=1.0, largest=100.0, only=["ends"])},
        "McClenny and Braga-Neto (2023), section 4",
    ),
    Case(
        "NTK",
        "the same",
        unbalanced,
        {**FIRST, "network": small(40, 1), "sampling": Fixed(100), "steps": 800},
        {},
        {"weighting": NTK(every=50)},
        "Wang, Yu, Perdikaris (2022), section 7.1",
    ),
    Case(
        "ReLoBRaLo",
        "the same",
        unbalanced,
        {**FIRST, "network": small(40, 1), "sampling": Fixed(100), "steps": 800},
        {},
        {"weighting": ReLoBRaLo(alpha=0.95, lookback=0.95)},
        "Bischof and Kraus (2021), section 4",
    ),
)
