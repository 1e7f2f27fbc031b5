"""A card computes what the processor computes: every problem, optimizer, sampler, weighting and network, and the rest.

Skipped where torch finds no card. The same points and weights are drawn on both; what is compared are the answers after
a few steps, within what the order of additions can change.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

import pinn.problems
from pinn import Box, Constraint, Problem, Solution, Weak, d, integral, networks, optimizers, sampling, solve, weighting
from pinn.networks import MLP
from pinn.optimizers import FirstOrder, LevenbergMarquardt
from pinn.problems import burgers_smooth, oscillator, poisson_2d

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no card")

SMALL = partial(MLP, width=8, depth=2)
QUIET = {"progress": False, "seed": 0}
PROBLEMS = [name for name in pinn.problems.__all__ if callable(getattr(pinn.problems, name))]
SECOND_ORDER = (
    "BFGS",
    "LBFGS",
    "LevenbergMarquardt",
    "MatrixFree",
    "NaturalGradient",
    "SPRING",
    "SSBFGS",
    "SSBroyden",
    "Sketched",
)
OPTIMIZERS = {name: getattr(optimizers, name)() for name in SECOND_ORDER} | {
    "Adam": FirstOrder(partial(torch.optim.Adam, lr=1e-3)),
    "SOAP": FirstOrder(partial(optimizers.SOAP, lr=1e-3)),
}
SAMPLERS = {
    "Budgets": sampling.Budgets(sampling.Fixed(50), {"equation": 40}),
    "Growing": sampling.Growing(sampling.RAD(50, every=1)),
    "Importance": sampling.Importance(50, density=sampling.near({"x": 0.5}, 0.2)),
    "Marching": sampling.Marching(sampling.RAD(50, every=1)),
    "R3": sampling.R3(50, every=1),
    "RAD": sampling.RAD(50, every=1),
    "Redrawn": sampling.Redrawn(50),
}
WEIGHTINGS = ("Causal", "GradientNorm", "NTK", "ReLoBRaLo", "ResidualAttention", "SelfAdaptive")
NETWORKS = (
    "ChebyshevKAN",
    "DeepONet",
    "FBPINN",
    "FourierFeatures",
    "HyperNetwork",
    "ModifiedMLP",
    "PirateNet",
    "SIREN",
    "Separable",
)


def both(problem, **options):
    """The answers of the processor and of the card at the same places, one array an output."""
    options = QUIET | {"certify": False, "verify": False} | options
    asked = replace(problem, reference=None, exact_coefficients={})
    here, there = (solve(asked, device=device, **options) for device in ("cpu", "cuda"))
    points = problem.domain.sample(64, generator=torch.Generator().manual_seed(1), method="sobol")
    columns = {name: points.column(name).numpy() for name in points.names}
    return [values(one, columns) for one in (here, there)]


def values(solution, columns):
    found = solution(**columns)
    return list(found.values()) if isinstance(found, dict) else [found]


def same(pair, within=1e-6):
    for here, there in zip(*pair, strict=True):
        assert np.abs(here - there).max() <= within * max(np.abs(here).max(), 1e-3)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_by_plain_training(name):
    same(both(getattr(pinn.problems, name)(), network=SMALL, optimizer=LevenbergMarquardt(), features=None, steps=3))


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_by_default(name):
    """What is solved on fixed neurons is nearly singular: values agree as far as both are answers."""
    within = 0.2 if name == "lorenz_inverse" else 1e-2  # three steps into a chaotic path
    same(both(getattr(pinn.problems, name)(), steps=3, certify=True, verify=True), within)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer(name):
    # The eigenvectors that SOAP turns by are those of nearly equal eigenvalues.
    within = 1e-2 if name == "SOAP" else 1e-6
    same(both(burgers_smooth(), network=SMALL, optimizer=OPTIMIZERS[name], features=None, steps=4), within)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler(name):
    chosen = {"optimizer": LevenbergMarquardt(), "features": None}
    same(both(burgers_smooth(), network=SMALL, sampling=SAMPLERS[name], steps=4, **chosen))


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_a_weighting(name):
    chosen = {"optimizer": LevenbergMarquardt(), "features": None}
    same(both(burgers_smooth(), network=SMALL, weighting=getattr(weighting, name)(), steps=4, **chosen))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network(name):
    same(both(burgers_smooth(), network=getattr(networks, name), features=None, steps=3))


def test_a_run_on_a_card_is_saved_loaded_and_resumed(tmp_path):
    first = solve(oscillator(), steps=4, device="cuda", checkpoint=tmp_path / "run", **QUIET)
    first.save(tmp_path / "solution.pt")
    again = Solution.load(tmp_path / "solution.pt", oscillator())
    t = np.linspace(0, 1, 9)
    assert np.abs(again(t=t) - first(t=t)).max() < 1e-12
    longer = solve(oscillator(), resume=tmp_path / "run", steps=6, device="cuda", **QUIET)
    assert longer.report.steps >= first.report.steps


def test_what_a_solution_on_a_card_is_asked(tmp_path):
    solution = solve(poisson_2d(), steps=2, device="cuda", **QUIET)
    x = y = np.linspace(0.1, 0.9, 5)
    assert np.isfinite(solution.derivative("u", "x", "x")(x=x, y=y)).all()
    assert all(np.isfinite(one).all() for one in solution.gradient("u")(x=x, y=y).values())
    assert np.isfinite(solution.residual("equation")(x=x, y=y)).all()
    solution.plot()
    solution.report.save_html(tmp_path / "report.html")
    assert solution.certificate is not None and solution.error() < 1e-3


def test_integrals_on_a_card():
    line = Box(x=(0, 1))
    problem = Problem(
        line,
        ["u"],
        {
            "equation": Constraint(
                lambda u, x: u - x - integral(u, over="x", from_=0, to=x, kernel=lambda x, s: s - x), on=line
            ),
        },
    )
    same(both(problem, steps=3), 1e-4)


def test_rows_by_cells_on_a_card():
    line = Box(x=(0, 1))
    problem = Problem(
        line,
        ["u"],
        {
            "equation": Constraint(Weak(lambda u, v, x: d(u, x) * d(v, x) - v, cells={"x": 4}, test=3), on=line),
            "ends": Constraint(lambda u: u, on=line.boundary()),
        },
    )
    same(both(problem, steps=3), 1e-4)
