"""The peers' own published settings: network, points and schedule of the demo that each run follows, with its source.

Where a library has a demo of the very problem, its numbers stand here; where it has none, those of its nearest demo,
and `changed` says what is different. Facts only: the code that follows them is in `with_deepxde` and `with_pina`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Phase:
    """A part of a schedule.

    Attributes:
        optimizer: "Adam" or "L-BFGS".
        iterations: as published.
        rate: learning rate, dimensionless; of Adam only.
    """

    optimizer: str
    iterations: int
    rate: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """What a demo does.

    Attributes:
        source: the demo, in the library's repository.
        layers: widths of the hidden layers.
        activation: "tanh", "sin" or "softplus".
        schedule: its phases in order.
        points: collocation points by place.
        changed: what differs from the demo here, and why.
        weight_decay: of Adam, dimensionless.
    """

    source: str
    layers: tuple[int, ...]
    activation: str
    schedule: tuple[Phase, ...]
    points: dict[str, int] = field(default_factory=dict)
    changed: str = ""
    weight_decay: float = 0.0


DEEPXDE = {
    "poisson_2d": Recipe(
        source="examples/pinn_forward/Poisson_Lshape.py",
        layers=(50, 50, 50, 50),
        activation="tanh",
        schedule=(Phase("Adam", 50_000, 1e-3), Phase("L-BFGS", 15_000)),
        points={"domain": 1200, "boundary": 120},
        changed="the square and its source in place of the L and 1",
    ),
    "helmholtz_1_4": Recipe(
        source="examples/pinn_forward/Helmholtz_Dirichlet_2d.py",
        layers=(150, 150, 150),
        activation="sin",
        schedule=(Phase("Adam", 5_000, 1e-3),),
        points={"domain": 1600, "boundary": 160},
        changed="ten points a wavelength of the faster direction, as there; walls exact by (1 − x²)(1 − y²)",
    ),
    "burgers": Recipe(
        source="examples/pinn_forward/Burgers.py",
        layers=(20, 20, 20),
        activation="tanh",
        schedule=(Phase("Adam", 15_000, 1e-3), Phase("L-BFGS", 15_000)),
        points={"domain": 2540, "boundary": 80, "initial": 160},
        changed="t up to 1 in place of 0.99",
    ),
    "allen_cahn": Recipe(
        source="examples/pinn_forward/Allen_Cahn.py",
        layers=(20, 20, 20),
        activation="tanh",
        schedule=(Phase("Adam", 40_000, 1e-3), Phase("L-BFGS", 15_000)),
        points={"domain": 8000, "boundary": 400, "initial": 800},
        changed="diffusion 1e-4; inputs cos πx, sin πx in place of u(±1) = −1, which this problem does not say",
    ),
    "wave_1d": Recipe(
        source="examples/pinn_forward/wave_1d.py",
        layers=(100, 100, 100),
        activation="tanh",
        schedule=(Phase("Adam", 10_000, 1e-3),),
        points={"domain": 360, "boundary": 360, "initial": 360},
        changed="a plain network: the multiscale features of the demo do not exist for the PyTorch backend",
    ),
    "diffusion_inverse": Recipe(
        source="examples/pinn_inverse/diffusion_1d_inverse.py",
        layers=(32, 32, 32),
        activation="tanh",
        schedule=(Phase("Adam", 50_000, 1e-3),),
        points={"domain": 40, "boundary": 20, "initial": 10},
    ),
}

PINA = {
    "poisson_2d": Recipe(
        source="tutorials/tutorial2 (two-dimensional Poisson problem, without extra features)",
        layers=(10, 10),
        activation="softplus",
        schedule=(Phase("Adam", 1_000, 6e-3),),
        points={"side": 25},
        weight_decay=1e-8,
        changed="2π² in the source",
    ),
    "helmholtz_1_4": Recipe(
        source="tutorials/tutorial9 (Helmholtz problem, periodic, one-dimensional)",
        layers=(64, 64),
        activation="tanh",
        schedule=(Phase("Adam", 2_000, 1e-3),),
        points={"side": 45},
        changed="two dimensions, walls exact by (1 − x²)(1 − y²) as tutorial3 does; about 2000 points in place of 200",
    ),
    "burgers": Recipe(
        source="examples/run_burgers.py (without extra feature)",
        layers=(30, 20, 10, 5),
        activation="softplus",
        schedule=(Phase("Adam", 5_000, 6e-3),),
        points={"domain": 2000, "boundary": 150, "initial": 150},
    ),
    "allen_cahn": Recipe(
        source="tutorials/tutorial9 (periodic inputs, network), problem.zoo (equation), run_burgers.py (points)",
        layers=(64, 64),
        activation="tanh",
        schedule=(Phase("Adam", 2_000, 1e-3),),
        points={"domain": 2000, "initial": 150},
        changed="no demo of this problem: three put together",
    ),
    "wave_1d": Recipe(
        source="tutorials/tutorial3 (wave problem with hard constraint)",
        layers=(40, 40),
        activation="tanh",
        schedule=(Phase("Adam", 1_000, 1e-3),),
        points={"domain": 1000, "initial": 1000},
        changed="one dimension, with the initial velocity; tanh, as the demo's ReLU has no second derivative",
    ),
    "diffusion_inverse": Recipe(
        source="tutorials/tutorial7 (inverse Poisson problem)",
        layers=(20, 20, 20),
        activation="softplus",
        schedule=(Phase("Adam", 5_000, 1e-3),),
        points={"side": 100},
        changed="this equation and its ten observations; C starts at 2",
    ),
}

RECIPES = {"deepxde": DEEPXDE, "pina": PINA}
