"""The peers' own published settings: network, points and schedule of the demo that each run follows, with its source.

The classical methods among them have resolutions instead, from coarse to fine.

Where a library has a demo of the very problem, its numbers stand here; where it has none, those of its nearest demo,
and `changed` says what is different. A source is `owner/repository@commit: path`, the text that the numbers were read
from; PINA's are of the versions that `pyproject.toml` asks for. Facts only: the code that follows them is in
`with_deepxde`, `with_pina`, `with_scimba` and `with_jinns`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Phase:
    """A part of a schedule.

    Attributes:
        optimizer: "Adam" or "L-BFGS"; "natural gradient" or "SS-Broyden", which go on to the limit.
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
        source: the demo, in the library's repository at a commit.
        layers: widths of the hidden layers.
        activation: "tanh", "sin" or "softplus".
        schedule: its phases in order.
        points: collocation points by place, or along a coordinate of a grid.
        changed: what differs from the demo here, and why.
        weight_decay: of Adam, dimensionless.
        regularization: of the natural gradient's matrix, where the library's own does not do.
        trained_fraction: of the points of each condition that are trained on; the demo keeps the others for a test.
    """

    source: str
    layers: tuple[int, ...]
    activation: str
    schedule: tuple[Phase, ...]
    points: dict[str, int] = field(default_factory=dict)
    changed: str = ""
    weight_decay: float = 0.0
    regularization: float | None = None
    trained_fraction: float = 1.0


DEEPXDE = {
    "poisson_2d": Recipe(
        source="lululxvi/deepxde@1a2f3178: examples/pinn_forward/Poisson_Lshape.py",
        layers=(50, 50, 50, 50),
        activation="tanh",
        schedule=(Phase("Adam", 50_000, 1e-3), Phase("L-BFGS", 15_000)),
        points={"domain": 1200, "boundary": 120},
        changed="the square and its source in place of the L and 1",
    ),
    "helmholtz_1_4": Recipe(
        source="lululxvi/deepxde@207ef9cb: examples/pinn_forward/Helmholtz_Dirichlet_2d.py",
        layers=(150, 150, 150),
        activation="sin",
        schedule=(Phase("Adam", 5_000, 1e-3),),
        points={"domain": 1600, "boundary": 160},
        changed="ten points a wavelength of the faster direction, as there; walls exact by (1 − x²)(1 − y²)",
    ),
    "burgers": Recipe(
        source="lululxvi/deepxde@3e26da93: examples/pinn_forward/Burgers.py",
        layers=(20, 20, 20),
        activation="tanh",
        schedule=(Phase("Adam", 15_000, 1e-3), Phase("L-BFGS", 15_000)),
        points={"domain": 2540, "boundary": 80, "initial": 160},
        changed="t up to 1 in place of 0.99",
    ),
    "allen_cahn": Recipe(
        source="lululxvi/deepxde@207ef9cb: examples/pinn_forward/Allen_Cahn.py",
        layers=(20, 20, 20),
        activation="tanh",
        schedule=(Phase("Adam", 40_000, 1e-3), Phase("L-BFGS", 15_000)),
        points={"domain": 8000, "boundary": 400, "initial": 800},
        changed="diffusion 1e-4; inputs cos πx, sin πx in place of u(±1) = −1, which this problem does not say",
    ),
    "wave_1d": Recipe(
        source="lululxvi/deepxde@eae43ed4: examples/pinn_forward/wave_1d.py",
        layers=(100, 100, 100),
        activation="tanh",
        schedule=(Phase("Adam", 10_000, 1e-3),),
        points={"domain": 360, "boundary": 360, "initial": 360},
        changed="a plain network: the multiscale features of the demo do not exist for the PyTorch backend",
    ),
    "diffusion_inverse": Recipe(
        source="lululxvi/deepxde@54da8f03: examples/pinn_inverse/diffusion_1d_inverse.py",
        layers=(32, 32, 32),
        activation="tanh",
        schedule=(Phase("Adam", 50_000, 1e-3),),
        points={"domain": 40, "boundary": 20, "initial": 10},
    ),
}

PINA = {
    "poisson_2d": Recipe(
        source="PINA-org/PINA@3358bbc9: tutorials/tutorial2 (Poisson, without extra features)",
        layers=(10, 10),
        activation="softplus",
        schedule=(Phase("Adam", 1_000, 6e-3),),
        points={"side": 30, "boundary": 100},
        changed="the sign of u",
        weight_decay=1e-8,
        trained_fraction=0.8,
    ),
    "helmholtz_1_4": Recipe(
        source="PINA-org/PINA@61500b80: tutorials/tutorial9 (Helmholtz, periodic, one dimension)",
        layers=(64, 64),
        activation="tanh",
        schedule=(Phase("Adam", 2_000, 1e-3),),
        points={"side": 45},
        changed="two dimensions, walls exact by (1 − x²)(1 − y²) as tutorial3 does; about 2000 points in place of 200",
    ),
    "burgers": Recipe(
        source="mathLab/PINA@81e4467e: examples/run_burgers.py (without extra feature)",
        layers=(30, 20, 10, 5),
        activation="softplus",
        schedule=(Phase("Adam", 1_000, 6e-3),),
        points={"x": 20, "t": 200, "boundary": 150, "initial": 150},
        changed="an example of older versions, the last with a run of this problem; those asked for only state it",
    ),
    "allen_cahn": Recipe(
        source="PINA-org/PINA@61500b80: tutorials/tutorial9 (network, periodic inputs, schedule), tutorial3 (points)",
        layers=(64, 64),
        activation="tanh",
        schedule=(Phase("Adam", 2_000, 1e-3),),
        points={"domain": 1000, "initial": 1000},
        changed="no demo of this problem, which problem.zoo states: two put together",
    ),
    "wave_1d": Recipe(
        source="PINA-org/PINA@61500b80: tutorials/tutorial3 (wave, hard constraint)",
        layers=(40, 40),
        activation="tanh",
        schedule=(Phase("Adam", 1_000, 1e-3),),
        points={"domain": 1000, "initial": 1000},
        changed="one dimension, with the initial velocity; tanh, as the demo's ReLU has no second derivative",
    ),
    "diffusion_inverse": Recipe(
        source="PINA-org/PINA@3358bbc9: tutorials/tutorial7 (inverse Poisson problem)",
        layers=(20, 20, 20),
        activation="softplus",
        schedule=(Phase("Adam", 1_500, 5e-3),),
        points={"side": 20, "boundary": 1000, "initial": 1000},
        changed="this equation and its ten observations, a start beside the boundary; C starts at 2",
    ),
}

_SCIMBA = "scimba 1.4.1: www.scimba.org/tutorials/scimba_optimizers.html (2D Laplacian, natural gradient, SS-Broyden)"
_SCIMBA_CHANGED = (
    "the layers are ours, two of 20, the best on poisson_2d of four tried for 12 s on a busy machine "
    "(one of 64, two of 32, six of 20); "
    "conditions exact by post_processing, which gained a factor 100 over weak ones; time a coordinate among others"
)


_DAMPED = "; the matrix regularized by 1e-3, since with the library's own number it ends in a singular or infinite one"
_HARD = {"helmholtz_1_4": 1e-3, "wave_1d": 1e-3}
"""Regularization of natural gradients where the libraries' own fails; of 1e-3 and 1e-1 the better for helmholtz_1_4."""


def _scimba(name: str, optimizer: str) -> Recipe:
    hard = optimizer == "natural gradient" and name in _HARD
    return Recipe(
        source=_SCIMBA,
        layers=(20, 20),
        activation="tanh",
        schedule=(Phase(optimizer, 200),),
        points={"domain": 1000},
        changed=_SCIMBA_CHANGED + (_DAMPED if hard else ""),
        regularization=_HARD[name] if hard else None,
    )


def _jinns(name: str, notebook: str, layers: tuple[int, ...], points: dict[str, int], changed: str = "") -> Recipe:
    exact = "conditions exact by output_transform, the optimizer that the library recommends"
    return Recipe(
        source=f"mia-jinns/jinns@{notebook}",
        layers=layers,
        activation="tanh",
        schedule=(Phase("natural gradient", 100, 1e-2),),
        points=points,
        changed=exact + changed + (_DAMPED if name in _HARD else ""),
        regularization=_HARD.get(name),
    )


_FORWARD = ("poisson_2d", "helmholtz_1_4", "burgers", "heat_1d", "wave_1d")
SCIMBA = {name: _scimba(name, "natural gradient") for name in _FORWARD}
SCIMBA_SSBROYDEN = {name: _scimba(name, "SS-Broyden") for name in _FORWARD}

_HEAT = "bd034b1b: Notebooks/PDE/heat_equation_ngd.ipynb"
_BURGERS = "aae85ce1: Notebooks/PDE/1D_non_stationary_Burgers.ipynb"
_HEAT_POINTS = {"domain": 10_000, "batch": 400}
JINNS = {
    "poisson_2d": _jinns("poisson_2d", _HEAT, (25, 25), _HEAT_POINTS, "; this equation"),
    "helmholtz_1_4": _jinns("helmholtz_1_4", _HEAT, (25, 25), _HEAT_POINTS, "; this equation"),
    "burgers": _jinns("burgers", _BURGERS, (32, 32, 32), {"domain": 2500}),
    "heat_1d": _jinns("heat_1d", _HEAT, (25, 25), _HEAT_POINTS, "; one dimension"),
    "wave_1d": _jinns("wave_1d", _HEAT, (25, 25), _HEAT_POINTS, "; this equation"),
    "diffusion_inverse": _jinns(
        "diffusion_inverse", _HEAT, (25, 25), _HEAT_POINTS, "; this equation, and Adam at 1e-2 for C beside it"
    ),
}


@dataclass(frozen=True)
class Resolutions:
    """What a classical method runs through, each from scratch.

    Attributes:
        source: the method.
        steps: arguments of the program, from coarse to fine.
        changed: nothing; a recipe says it.
    """

    source: str
    steps: tuple[tuple[float, ...], ...]
    changed: str = ""


_CHEBYSHEV, _FOURIER = "Chebyshev collocation, n", "Fourier collocation and ETDRK4, n and steps"
COLLOCATION = {
    "poisson_2d": Resolutions(_CHEBYSHEV, ((8,), (12,), (16,))),
    "helmholtz_1_4": Resolutions(_CHEBYSHEV, ((20,), (26,), (32,), (38,))),
    "helmholtz_6_6": Resolutions(_CHEBYSHEV, ((30,), (40,), (48,))),
    "heat_1d": Resolutions(_CHEBYSHEV, ((8,), (12,), (16,))),
    "wave_1d": Resolutions(_CHEBYSHEV, ((20,), (26,), (32,), (38,))),
    "diffusion_inverse": Resolutions(f"{_CHEBYSHEV}, and least_squares", ((8,), (12,), (16,))),
    "burgers": Resolutions(_FOURIER, ((512, 500), (1024, 2000), (2048, 5000))),
    "burgers_smooth": Resolutions(_FOURIER, ((128, 200), (256, 500), (512, 2000))),
    "kdv": Resolutions(_FOURIER, ((128, 500), (256, 2000), (512, 5000))),
    "allen_cahn": Resolutions(_FOURIER, ((256, 100), (1024, 200), (4096, 500))),
    "convection": Resolutions("Fourier collocation, exact in time, n", ((8,),)),
}
SCIKIT_FEM = {
    "poisson_2d": Resolutions("P4 and QuadP8, cells a side", ((4, 8), (4, 16), (8, 2), (8, 4))),
    "helmholtz_1_4": Resolutions("QuadP6, QuadP8 and QuadP10, cells a side", ((6, 8), (8, 8), (10, 8))),
    "poisson_l_shape": Resolutions("P4 graded to the corners, refinements and levels", ((1, 5), (2, 8), (3, 12))),
    "laplace_four_holes": Resolutions(
        "P4 with curved edges, arcs a circle and largest area", ((16, 5e-3), (32, 2e-3), (96, 5e-4))
    ),
}
SCIPY = {
    "euler_beam": Resolutions("solve_bvp, tolerance", ((1e-3,), (1e-8,), (1e-12,))),
    "lorenz_inverse": Resolutions("least_squares over solve_ivp, tolerance", ((1e-6,), (1e-9,), (1e-12,))),
    "oscillator": Resolutions("solve_ivp by DOP853, tolerance", ((1e-6,), (1e-10,), (1e-13,))),
    "lotka_volterra": Resolutions("solve_ivp by DOP853, tolerance", ((1e-6,), (1e-10,), (1e-13,))),
}

CLASSICAL: dict[str, dict[str, Resolutions]] = {
    "collocation": COLLOCATION,
    "scikit_fem": SCIKIT_FEM,
    "scipy": SCIPY,
}
NEURAL: dict[str, dict[str, Recipe]] = {
    "deepxde": DEEPXDE,
    "pina": PINA,
    "scimba": SCIMBA,
    "scimba_ssbroyden": SCIMBA_SSBROYDEN,
    "jinns": JINNS,
}
RECIPES: dict[str, dict[str, Any]] = {**NEURAL, **CLASSICAL}
RIVALS = ("scimba", "scimba_ssbroyden", "jinns", *CLASSICAL)
"""Peers that live in the environment of `pip install .[rivals]`."""
ADAPTERS = {"scimba_ssbroyden": "scimba"}
"""Peer -> the module `with_...` that runs it, where that has another name."""
