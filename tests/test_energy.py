"""Energies: their equations, their integral, gradient and metric, what trains them, and what is said of the answer."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Annulus, Box, Constraint, Energy, Exact, Problem, Region, Unknown, biharmonic, d, laplacian, solve
from pinn.derivatives import Autograd, Jets
from pinn.formulas import formulas
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.optimizers import LBFGS, FirstOrder, LevenbergMarquardt, MatrixFree, NaturalGradient, Sketched, SSBroyden
from pinn.problem import trial_rows
from pinn.sampling import RAD, Growing
from pinn.solution.verdict import Verdict
from pinn.training import Checkpoints
from pinn.weighting import GradientNorm

SQUARE = Box(x=(0, 1), y=(0, 1))
LINE = Box(x=(0, 1))


def source(x, y):
    return 2 * math.pi**2 * torch.sin(math.pi * x) * torch.sin(math.pi * y)


def dirichlet(u, x, y):
    return 0.5 * (d(u, x) ** 2 + d(u, y) ** 2) - source(x, y) * u


def poisson(energy=None, **changes):
    energy = Energy(dirichlet, nodes=16) if energy is None else energy
    given = {
        "domain": SQUARE,
        "outputs": ["u"],
        "constraints": {"energy": Constraint(energy, on=SQUARE)},
        "exactly": [Exact(on=SQUARE.boundary(), u=0)],
        "reference": lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y),
    }
    return Problem(**{**given, **changes})


def soap_film(c=0.8):
    """A film between two rings: the catenoid, r = c cosh(u / c)."""
    ring = Annulus(x=0, y=0, radii=(1, 2))
    low, high = c * math.acosh(1 / c), c * math.acosh(2 / c)
    return Problem(
        ring,
        outputs=["u"],
        constraints={"area": Constraint(Energy(lambda u, x, y: torch.sqrt(1 + d(u, x) ** 2 + d(u, y) ** 2)), on=ring)},
        exactly=[Exact(on=ring.boundary(), u=lambda x, y: low + (high - low) * (x**2 + y**2 - 1) / 3)],
        reference=lambda x, y: c * np.arccosh(np.sqrt(x**2 + y**2) / c),
    )


SMALL = partial(MLP, width=6, depth=2)


def objective(problem, network=SMALL, engine=None, energies=True):
    model = Model(problem, network, generator=torch.Generator().manual_seed(0))
    equations = Equations(model, engine or Jets())
    points = {
        name: one.on.sample(20, generator=torch.Generator().manual_seed(1)) for name, one in problem.constraints.items()
    }
    return Objective(equations, points, energies=energies)


# -- the equation --------------------------------------------------------------------------------------------------


def curved(u, x, y):
    S = torch.sqrt(1 + d(u, x) ** 2 + d(u, y) ** 2)
    return -d(d(u, x) / S, x) - d(d(u, y) / S, y)


def stretched(u, x, y, p):
    S = (0.1 + d(u, x) ** 2 + d(u, y) ** 2) ** (p / 2 - 1)
    return -d(S * d(u, x), x) - d(S * d(u, y), y) + u**3


CASES = {
    "Dirichlet": (dirichlet, lambda u, x, y: -laplacian(u, x, y) - source(x, y)),
    "area": (lambda u, x, y: torch.sqrt(1 + d(u, x) ** 2 + d(u, y) ** 2), curved),
    "p-Laplace": (lambda u, x, y, p: (0.1 + d(u, x) ** 2 + d(u, y) ** 2) ** (p / 2) / p + u**4 / 4, stretched),
    "plate": (
        lambda u, x, y: 0.5 * laplacian(u, x, y) ** 2 - u,
        lambda u, x, y: biharmonic(u, x, y) - 1,
    ),
    "varying": (
        lambda u, x, y: 0.5 * torch.exp(x) * d(u, x) ** 2 + d(u, x) * d(u, y) * y,
        lambda u, x, y: -d(torch.exp(x) * d(u, x) + y * d(u, y), x) - d(y * d(u, x), y),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("engine", [Jets(), Autograd()])
def test_the_equation_of_a_density(name, engine):
    density, equation = CASES[name]
    rows = []
    for one in (Energy(density), equation):
        given = {"coefficients": {"p": 3.5}, "scales": {"u": (0.0, 1.0)}}
        problem = Problem(SQUARE, ["u"], {"energy": Constraint(one, on=SQUARE)}, **given)
        found = objective(problem, engine=engine, energies=False)
        rows.append(found.equations.stated("energy", found.points["energy"]))
    assert float((rows[0] - rows[1]).abs().max()) < 1e-10 * float(rows[1].abs().max())


def test_a_system_has_an_equation_for_each_output():
    energy = Energy(lambda u, v, x: 0.5 * (d(u, x) ** 2 + d(v, x) ** 2) + u**2 * v)
    problem = Problem(LINE, ["u", "v"], {"energy": Constraint(energy, on=LINE)})
    points = LINE.sample(9, generator=torch.Generator().manual_seed(0))
    fields = {"u": lambda c: torch.sin(c["x"]), "v": lambda c: torch.exp(c["x"])}
    first, second = trial_rows(problem, "energy", points, fields, {})
    x = points.column("x")
    assert torch.allclose(first, torch.sin(x) + 2 * torch.sin(x) * torch.exp(x), atol=1e-12)
    assert torch.allclose(second, -torch.exp(x) + torch.sin(x) ** 2, atol=1e-12)


def test_it_is_shown_as_a_formula():
    problem = Problem(LINE, ["u"], {"energy": Constraint(Energy(lambda u, x: 0.5 * d(u, x) ** 2 - u), on=LINE)})
    assert formulas(problem, "energy") == ("-u_xx - 1",)


# -- the integral --------------------------------------------------------------------------------------------------


def test_the_integral_of_a_known_field():
    """∫ ½ |∇u|² − f u = −π²/4 for u = sin πx sin πy, over the size of the integral."""
    problem = poisson(exactly=[], scales={"u": (0.0, 1.0)})
    found = objective(problem, network=lambda **options: _Sines())
    size = found.model.scales.rows["energy"][0]
    assert math.isclose(float(found.loss()) * size, -(math.pi**2) / 4, rel_tol=1e-12)
    assert found.rows == 0 and not found.squares and found.losses()["energy"] == float(found.loss())


class _Sines(torch.nn.Module):
    """Σ c_jk sin jπx sin kπy on inputs that are scaled to [−1, 1]; c = 1 for the first, 0 for the others."""

    def __init__(self, c=1.0):
        super().__init__()
        self.c = torch.nn.Parameter(torch.eye(9, 1, dtype=torch.float64)[:, 0] * c)

    def forward(self, inputs):
        x, y = (math.pi / 2 * (inputs[..., i] + 1) for i in (0, 1))
        waves = [torch.sin(j * x) * torch.sin(k * y) for j in (1, 2, 3) for k in (1, 2, 3)]
        return torch.nn.functional.linear(torch.stack(waves, -1), self.c[None])


def test_gradient_by_differences():
    for stated in (poisson(), soap_film()):
        found = objective(stated)
        theta, h = found.vector(), 1e-6
        value, slope = found.gradient()
        generator = torch.Generator().manual_seed(2)
        v = torch.randn(len(theta), generator=generator, dtype=torch.float64)
        losses = []
        for sign in (1, -1):
            found.assign(theta + sign * h * v)
            losses.append(float(found.loss()))
        found.assign(theta)
        assert math.isclose((losses[0] - losses[1]) / (2 * h), float(slope @ v), rel_tol=1e-6)
        assert math.isclose(float(value), float(found.differentiable_loss().detach()), rel_tol=1e-13)


@pytest.mark.parametrize("density", [dirichlet, lambda u, x, y: torch.sqrt(1 + d(u, x) ** 2 + d(u, y) ** 2) + u**4])
def test_the_metric_is_the_second_derivative_where_the_network_is_linear(density):
    problem = poisson(Energy(density, nodes=10), exactly=[], scales={"u": (0.0, 1.0)})
    found = objective(problem, network=lambda **options: _Sines(0.7))
    value, slope, metric = found.normal_equations()
    theta = found.vector()
    hessian = torch.zeros_like(metric)
    for i in range(len(theta)):
        slopes = []
        for sign in (1, -1):
            found.assign(theta + sign * 1e-5 * torch.eye(9, dtype=torch.float64)[i])
            slopes.append(found.gradient()[1])
        hessian[i] = (slopes[0] - slopes[1]) / 2e-5
    assert float((metric - hessian).abs().max()) < 1e-8 * float(metric.abs().max())
    found.assign(theta)
    assert torch.allclose(found.gradient()[1], slope) and math.isclose(float(found.loss()), float(value))


def test_rows_beside_an_energy():
    """f is the sum of both, and so are gradient and metric."""
    walls = {"walls": Constraint(lambda u: u, on=SQUARE.boundary(), weight=500.0)}
    both = objective(poisson(exactly=[], constraints={**poisson().constraints, **walls}))
    assert both.rows == 20 and not both.squares
    value, slope, metric = both.normal_equations()
    r, J = both.blocks[0].residual(), torch.empty(20, both.size, dtype=torch.float64)
    both.blocks[0].linearize(J)
    energy, its_slope, its_metric = both.terms[0].gram()
    assert math.isclose(float(value), float(0.5 * r.detach() @ r.detach() + energy), rel_tol=1e-12)
    assert torch.allclose(slope, J.T @ r.detach() + its_slope)
    assert torch.allclose(metric, J.T @ J + its_metric)


def test_units_do_not_decide():
    """The same square in millimetres, u in thousandths, the density in other units: the same f, bit by bit apart from
    rounding."""
    big = Box(x=(0, 1024), y=(0, 1024))

    def density(u, x, y):
        inner = 0.5 * (d(u, x) ** 2 + d(u, y) ** 2) * 1024**2 * 64 - 64 * 256 * source(x / 1024, y / 1024) * u
        return 4.0 * inner

    other = Problem(
        big,
        ["u"],
        {"energy": Constraint(Energy(density, nodes=16), on=big)},
        exactly=[Exact(on=big.boundary(), u=0)],
    )
    first, second = objective(poisson()), objective(other)
    assert math.isclose(float(first.loss()), float(second.loss()), rel_tol=1e-9)


# -- training ------------------------------------------------------------------------------------------------------


def test_natural_gradients_solve_the_ritz_system_at_once():
    problem = poisson(exactly=[], scales={"u": (0.0, 1.0)})
    found = objective(problem, network=lambda **options: _Sines(0.3))
    step = NaturalGradient(1e-14).step(found)
    assert step.accepted and step.info["length"] == 1.0
    assert torch.allclose(found.vector(), torch.eye(9, dtype=torch.float64)[0], atol=1e-10)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_poisson(seed):
    solution = solve(poisson(), steps=25, seed=seed, progress=False)
    assert solution.error() < 5e-5
    report = solution.report
    assert report.verdict == Verdict.TRUSTED.value and 0.2 < report.certificate.error / solution.error() < 5
    assert report.energies == ("energy",) and "was trained by its energy" in str(report)
    assert report.chosen["optimizer"].startswith("NaturalGradient")


@pytest.mark.slow
def test_a_soap_film():
    solution = solve(soap_film(), steps=40, progress=False)
    assert solution.error() < 1e-4 and solution.report.trusted


@pytest.mark.parametrize("optimizer", [LBFGS(), SSBroyden(), FirstOrder(partial(torch.optim.Adam, lr=1e-2))])
def test_methods_that_need_no_rows(optimizer):
    line = Problem(
        LINE,
        ["u"],
        {"energy": Constraint(Energy(lambda u, x: 0.5 * d(u, x) ** 2 - u, nodes=20), on=LINE)},
        ansatz={"u": lambda u, x: x * (1 - x) * u},
        reference=lambda x: x * (1 - x) / 2,
    )
    network = partial(MLP, width=8, depth=2)
    options = {"network": network, "progress": False, "certify": False, "verify": False}
    solution = solve(line, optimizer=optimizer, steps=200, **options)
    assert solution.error() < (0.1 if isinstance(optimizer, FirstOrder) else 1e-3)


def test_an_energy_on_a_boundary():
    """−u″ = 1, u(0) = 0, u′(1) = 2: the work of the force at the end is a part of the energy."""
    pulled = Problem(
        LINE,
        ["u"],
        {
            "energy": Constraint(Energy(lambda u, x: 0.5 * d(u, x) ** 2 - u), on=LINE),
            "end": Constraint(Energy(lambda u: -2 * u, equation=lambda u, x: d(u, x) - 2), on=LINE.face(x=1)),
        },
        ansatz={"u": lambda u, x: x * u},
        reference=lambda x: 3 * x - x**2 / 2,
    )
    solution = solve(pulled, steps=20, progress=False, certify=False)
    assert solution.error() < 1e-3  # 7e-5 with seed 0


def test_strategies_beside_an_energy():
    walls = {"walls": Constraint(lambda u: u, on=SQUARE.boundary(), weight=500.0)}
    stated = poisson(exactly=[], constraints={**poisson().constraints, **walls})
    options = {"network": partial(MLP, width=8, depth=2), "progress": False, "certify": False, "verify": False}
    solution = solve(stated, sampling=Growing(RAD(every=2), start=50), steps=30, **options)
    assert solution.error() < 0.2  # 2e-2 with seed 0
    solution = solve(stated, weighting=GradientNorm(every=3), steps=6, **options)
    assert np.ptp(solution.history.column("loss")) > 0 and np.isfinite(solution.history.column("loss")).all()


def test_a_run_goes_on_to_the_same_bits(tmp_path):
    options = {
        "network": partial(MLP, width=6, depth=2),
        "progress": False,
        "certify": False,
        "verify": False,
        "steps": 6,
    }
    whole = solve(poisson(), checkpoint=Checkpoints(tmp_path / "a", every=2, keep=9), **options)
    middle = sorted((tmp_path / "a").iterdir())[2]
    again = solve(poisson(), resume=middle, checkpoint=tmp_path / "b", **options)
    for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert np.array_equal(whole.history.column("loss"), again.history.column("loss"))


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), MatrixFree(), Sketched()])
def test_methods_that_need_rows_are_refused_by_name(optimizer):
    with pytest.raises(TypeError, match=rf"{type(optimizer).__name__}: constraint 'energy' is an Energy.*LBFGS"):
        solve(poisson(), optimizer=optimizer, progress=False)


def test_a_density_that_is_no_formula():
    """It needs its equation, and cannot have a metric."""
    with pytest.raises(ValueError, match=r"no formula.*give the equation"):
        poisson(Energy(lambda u, x, y: torch.relu(u) + d(u, x) ** 2))
    given = Energy(lambda u, x, y: torch.relu(u) ** 2 + d(u, x) ** 2, equation=lambda u, x: -d(u, x, x) + torch.relu(u))
    with pytest.raises(TypeError, match="NaturalGradient: the density of constraint 'energy'"):
        solve(poisson(given), optimizer=NaturalGradient(), progress=False)
    options = {"network": partial(MLP, width=4, depth=1), "progress": False, "certify": False, "verify": False}
    assert solve(poisson(given), steps=1, **options).report.chosen["optimizer"].startswith("LBFGS")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"weight": 2.0}, "got weight=2.0 with an Energy"),
        ({"integral": True}, "got integral=True with an Energy"),
        ({"over": "x"}, "with an Energy"),
    ],
)
def test_what_a_constraint_refuses(given, said):
    with pytest.raises(ValueError, match=said):
        Constraint(Energy(dirichlet), on=SQUARE, **given)


def test_what_an_energy_refuses():
    with pytest.raises(TypeError, match="got density=3"):
        Energy(3)
    with pytest.raises(ValueError, match="takes no 'w'"):
        Energy(dirichlet, of="w")
    with pytest.raises(ValueError, match="nodes"):
        Energy(dirichlet, nodes=0)
    with pytest.raises(ValueError, match="differentiates no output"):
        poisson(Energy(lambda u: u**2))
    with pytest.raises(ValueError, match="unknown argument 'w'"):
        poisson(Energy(lambda u, w: w * u, equation=lambda u, x: d(u, x)))
    unknown = Energy(lambda u, x, y, k: k * d(u, x) ** 2)
    with pytest.raises(ValueError, match="takes the unknown 'k'"):
        solve(poisson(unknown, coefficients={"k": Unknown(1.0)}), progress=False)
    half = {"a": Region(Box(x=(0, 0.5))), "b": Region(Box(x=(0.5, 1)))}
    with pytest.raises(ValueError, match="beside regions="):
        Problem(
            outputs=["u"], regions=half, constraints={"energy": Constraint(Energy(lambda u, x: d(u, x) ** 2), on=LINE)}
        )
