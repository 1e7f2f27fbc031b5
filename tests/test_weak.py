"""Weak rows: they vanish on solutions, by parts and as balances, also across a shock, on both engines alike."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, d, solve
from pinn.derivatives import Autograd, Jets
from pinn.networks import MLP
from pinn.optimizers import LevenbergMarquardt
from pinn.problem import trial_rows
from pinn.weak import Weak, legendre

BOX = Box(x=(-1, 1), t=(0, 1))
LINE = Box(x=(0, 1))


def problem(equation, domain=BOX, outputs=("u",)):
    return Problem(domain, list(outputs), {"equation": Constraint(equation, on=domain)})


def rows(stated, fields, n=40):
    points = stated.domain.sample(n, generator=torch.Generator().manual_seed(0))
    return torch.stack([row.detach() for row in trial_rows(stated, "equation", points, fields, {})], 1)


def test_by_parts():
    """∫ u' v' − π² u v = 0 for u = sin πx, with first derivatives alone."""
    weak = Weak(lambda u, v, x: d(u, x) * d(v, x) - math.pi**2 * u * v, cells={"x": 4}, test=3, nodes=8)
    found = rows(problem(weak, LINE), {"u": lambda c: torch.sin(math.pi * c["x"])})
    assert found.shape == (40, 3) and float(found.abs().max()) < 1e-10
    other = rows(problem(weak, LINE), {"u": lambda c: torch.sin(3 * c["x"])})
    assert float(other.abs().max()) > 1e-2


def test_an_equation_that_takes_no_test_function_is_multiplied_by_it():
    weak = Weak(lambda u, x: d(u, x) - u, cells={"x": 4}, test=2)
    assert float(rows(problem(weak, LINE), {"u": lambda c: torch.exp(c["x"])}).abs().max()) < 1e-12


@pytest.mark.parametrize("test", [0, 2])
def test_a_conservation_law_with_a_source(test):
    """u_t + (u²/2)_x = s for a smooth u."""

    def law(u, x, t):
        exact = torch.sin(x + 2 * t)
        return {"t": u, "x": u**2 / 2, "source": (2 + exact) * torch.cos(x + 2 * t)}

    found = rows(problem(Weak(law, cells={"x": 8, "t": 4}, test=test)), {"u": lambda c: torch.sin(c["x"] + 2 * c["t"])})
    assert float(found.abs().max()) < 1e-8


def test_a_balance_knows_the_speed_of_a_shock():
    """Burgers' equation from 1 to 0: the speed is ½; one that is off by a tenth leaves ten times as much."""
    balance = problem(Weak(lambda u: {"t": u, "x": u**2 / 2}, cells={"x": 2, "t": 2}, nodes=60))

    def shock(speed):
        return {"u": lambda c: torch.sigmoid((speed * c["t"] - c["x"]) / 0.01)}

    right, slow, fast = (float(rows(balance, shock(speed), 20).norm()) for speed in (0.5, 0.4, 0.6))
    assert 3 * right < min(slow, fast)


def trained(stated, steps, **network):
    return solve(
        stated,
        network=partial(MLP, **network),
        optimizer=LevenbergMarquardt(),
        steps=steps,
        features=None,
        progress=False,
        certify=False,
        verify=False,
    )


@pytest.mark.slow
def test_a_shock_is_where_the_balance_has_it():
    """Burgers' equation from 1 to 0 over a layer of 0.02: the shock is at t/2, as ∫ u dx tells."""
    constraints = {
        "balance": Constraint(Weak(lambda u: {"t": u, "x": u**2 / 2}, cells={"x": 10, "t": 10}), on=BOX),
        "start": Constraint(lambda u, x: u - torch.sigmoid(-x / 0.02), on=BOX.face(t=0)),
        "left": Constraint(lambda u: u - 1, on=BOX.face(x=-1)),
        "right": Constraint(lambda u: u, on=BOX.face(x=1)),
    }
    solution = trained(Problem(BOX, ["u"], constraints), 30, width=12, depth=2)
    x = np.linspace(-1, 1, 401)
    for t in (0.5, 1.0):
        assert abs(np.trapezoid(solution(x=x, t=0 * x + t), x) - 1 - t / 2) < 0.1


@pytest.mark.slow
def test_the_shock_of_sods_tube():
    """Sod, J. Comput. Phys. 27 (1978) 1: contact and shock at t = 0.2 have the speeds 0.92745 and 1.75216."""
    tube, gamma = Box(x=(0, 1), t=(0, 0.2)), 1.4

    def euler(rho, u, p):
        energy = p / (gamma - 1) + 0.5 * rho * u**2
        return {"t": (rho, rho * u, energy), "x": (rho * u, rho * u**2 + p, u * (energy + p))}

    def start(rho, u, p, x):
        left = torch.sigmoid((0.5 - x) / 0.01)
        return rho - 0.125 - 0.875 * left, u, p - 0.1 - 0.9 * left

    constraints = {
        "balance": Constraint(Weak(euler, cells={"x": 20, "t": 8}), on=tube),
        "start": Constraint(start, on=tube.face(t=0)),
        "left": Constraint(lambda rho, u, p: (rho - 1, u, p - 1), on=tube.face(x=0)),
        "right": Constraint(lambda rho, u, p: (rho - 0.125, u, p - 0.1), on=tube.face(x=1)),
    }
    solution = trained(Problem(tube, ["rho", "u", "p"], constraints), 40, width=20, depth=3)
    x = np.linspace(0, 1, 1001)
    found = solution(x=x, t=0 * x + 0.2)
    falls = 500 + np.argmin(np.gradient(found["u"], x)[500:])
    assert abs(x[falls] - (0.5 + 0.2 * 1.75216)) < 0.05
    behind = (x > 0.72) & (x < 0.8)  # between contact and shock: ρ = 0.26557, u = 0.92745, p = 0.30313
    for name, value in (("rho", 0.26557), ("u", 0.92745), ("p", 0.30313)):
        assert abs(found[name][behind].mean() / value - 1) < 0.3


def test_systems_have_a_row_a_component():
    law = Weak(lambda rho, m: {"t": (rho, m), "x": (m, m**2 / rho + rho)}, cells={"x": 5, "t": 5}, test=1)
    still = {"rho": lambda c: 1 + 0 * c["x"] * c["t"], "m": lambda c: 0.5 + 0 * c["x"] * c["t"]}
    found = rows(problem(law, outputs=("rho", "m")), still)
    assert found.shape == (40, 2) and float(found.abs().max()) < 1e-12


@pytest.mark.parametrize(
    "weak",
    [
        Weak(lambda u: {"t": u, "x": u**2 / 2}, cells={"x": 4, "t": 2}, nodes=3),
        Weak(lambda u, v, x: d(u, x) * d(v, x) + u * v, cells={"x": 3, "t": 2}, test=2, nodes=3),
    ],
    ids=["balance", "by parts"],
)
def test_jets_and_nested_autograd_agree(weak):
    stated = problem(weak)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1)).double()

    def model(columns):
        return {"u": net(torch.stack([columns["x"], columns["t"]], -1))[..., 0]}

    points = BOX.sample(5, generator=torch.Generator().manual_seed(1)).x
    found = [
        engine.bind(model, stated.equation("equation"), ("x", "t")).linearize(points, list(net.parameters()))
        for engine in (Jets(fallback=False), Autograd())
    ]
    for fast, slow in zip(*found, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-11, atol=1e-12)


def test_legendre():
    s = torch.linspace(-1, 1, 9, dtype=torch.float64)
    for k in range(5):
        expected = np.polynomial.legendre.Legendre.basis(k)(s.numpy())
        assert np.abs(np.asarray(legendre(k, s)) - expected).max() < 1e-14


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: problem(Weak(lambda u: u, cells={"x": 4})), "expected a dictionary coordinate -> flux"),
        (lambda: problem(Weak(lambda u: {"y": u}, cells={"x": 4})), "got a flux along 'y'"),
        (
            lambda: problem(Weak(lambda u: {"x": (u, u), "t": u}, cells={"x": 4, "t": 2})),
            "as many components along",
        ),
        (lambda: problem(Weak(lambda u: {}, cells={"x": 4}, test=1)), "got no fluxes"),
        (lambda: problem(Weak(lambda u: {"x": u}, cells={})), "expected a number for each coordinate"),
        (lambda: problem(Weak(lambda u: {"x": u}, cells={"x": 0})), "x=0"),
        (lambda: problem(Weak(lambda u: {"x": u}, cells={"z": 4})), "unknown argument 'z'"),
        (
            lambda: Constraint(Weak(lambda u: {"x": u, "t": u}, cells={"x": 4, "t": 2}), on=BOX.face(t=0)),
            r"cells along \['t'\] on .*face",
        ),
        (lambda: Constraint(Weak(lambda u: {"x": u}, cells={"x": 3}), on=Box(x=(0, 1)).face(x=0)), r"along \['x'\] on"),
    ],
)
def test_refusals(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
