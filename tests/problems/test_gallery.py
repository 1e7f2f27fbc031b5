"""The gallery's applications: references satisfy equations and conditions, each trains, the cheap ones to rounding."""

import itertools
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from pinn import eigenpairs, solve
from pinn.derivatives import Autograd, Jets, d
from pinn.networks import MLP
from pinn.problems import gallery
from pinn.problems.gallery.black_scholes import kink, price
from pinn.problems.gallery.cylinder_flow import CENTER, RADIUS, forces
from pinn.problems.gallery.darcy_inverse import permeabilities, permeability
from pinn.problems.gallery.layered_conductor import LAYERS
from pinn.problems.gallery.particle import into_half_space
from pinn.problems.gallery.plate_with_hole import RADIUS as HOLE
from pinn.problems.gallery.plate_with_hole import concentration, exact
from pinn.problems.gallery.waveguide import cutoffs
from pinn.reference import cahn_hilliard
from pinn.sampling import Fixed
from pinn.solution import Solution
from tests.problems.closed_forms import rows_of_truth
from tests.problems.differences import differences

CLOSED = ["beltrami", "black_scholes", "breather", "darcy_inverse", "pharmacokinetics", "plate_with_hole", "solovev"]
SIZES = {"plate_with_hole": 1e10}
"""Of the terms of an equation where they are not of size one."""


@pytest.mark.parametrize("engine", [Autograd, Jets])
@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_solve_every_constraint(name, engine):
    problem = getattr(gallery, name)()
    known = (lambda columns: {"K": permeability(columns["x"], columns["y"])}) if "K" in problem.unknowns else None
    for constraint, rows in rows_of_truth(problem, engine(), known).items():
        if constraint == "wells":  # what is left is the noise
            assert float(rows.std()) == pytest.approx(1e-3, rel=0.15)
        else:
            assert float(rows.abs().max()) < 1e-12 * SIZES.get(name, 100.0), constraint


def test_a_call_is_worth_what_parity_says():
    """Put and call differ by a forward: C(S) − P(S) = S − K e^{−rτ}, and far in the money the put is worth nothing."""
    S, t = torch.tensor([400.0], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64)
    assert float(price(S, t)) == pytest.approx(400 - 100 * math.exp(-0.05 * 0.5), abs=1e-9)


def test_the_kink_is_the_payoff_at_expiry():
    S = torch.linspace(0, 200, 41, dtype=torch.float64)
    np.testing.assert_allclose(kink(S, torch.ones_like(S)), torch.relu(S - 100), atol=1e-12)
    early = kink(S, torch.full_like(S, 0.99))
    assert float((early - price(S, torch.full_like(S, 0.99))).abs().max()) < 0.2  # of 100, where the payoff is 0.8 off


def test_lithium_satisfies_its_equation_on_both_sides_of_the_seam():
    problem = gallery.particle()
    radius, flux, diffusivity = problem.domain.bounds["r"][1], 29583 * 5.86e-6 / 3 / 3600, 3.3e-14
    r = radius * np.linspace(0.3, 0.9, 30)
    for t in (0.008, 0.5):  # of D t / a²
        seconds = t * radius**2 / diffusivity
        by = differences(
            problem.reference, {"r": r, "t": np.full(30, seconds)}, {"r": 0.01 * radius, "t": 0.02 * seconds}
        )
        rate = diffusivity * (by["r", 2] + 2 / r * by["r", 1])
        np.testing.assert_allclose(by["t", 1], rate, atol=1e-6 * np.abs(rate).max())
        # The flux through the surface, by one-sided differences of the fourth order.
        h = 1e-3 * radius
        edge = problem.reference(r=radius - h * np.arange(5), t=np.full(5, seconds))
        slope = edge @ np.array([25 / 12, -4, 3, -4 / 3, 1 / 4]) / h
        assert diffusivity * slope == pytest.approx(flux, rel=1e-5)
    # The half space has the flux from the beginning, and nothing at the beginning.
    edge = torch.full((3,), radius, dtype=torch.float64, requires_grad=True)
    times = torch.tensor([1.0, 60.0, 900.0], dtype=torch.float64)
    slope = d(into_half_space(edge, times), edge).detach().numpy()
    np.testing.assert_allclose(diffusivity * slope, flux, rtol=1e-12)
    assert float(into_half_space(0.9 * edge, 0 * times).detach().abs().max()) == 0
    both = problem.reference(r=r, t=np.full(30, 0.02 * radius**2 / diffusivity * (1 - 1e-12)))
    after = problem.reference(r=r, t=np.full(30, 0.02 * radius**2 / diffusivity * (1 + 1e-12)))
    np.testing.assert_allclose(both, after, rtol=1e-11)


def test_scattered_sound_satisfies_its_equation_and_both_conditions():
    problem = gallery.scattering()
    k, rng = 2 * math.pi * 1000 / 343, np.random.default_rng(0)
    r, angle = rng.uniform(0.13, 0.27, 40), rng.uniform(0, 2 * math.pi, 40)
    at = {"x": r * np.cos(angle), "y": r * np.sin(angle)}
    for part in ("re", "im"):
        by = differences(lambda part=part, **where: problem.reference(**where)[part], at, {"x": 0.004, "y": 0.004})
        value = problem.reference(**at)[part]
        assert np.abs(by["x", 2] + by["y", 2] + k**2 * value).max() < 1e-6 * k**2

    def along(where, h, weights):
        """Value and slope outwards at a radius, complex."""
        radii = where + h * np.arange(6)
        rows = [problem.reference(x=one * np.cos(angle), y=one * np.sin(angle)) for one in radii]
        values = np.stack([row["re"] + 1j * row["im"] for row in rows])
        return values[0], weights @ values / h

    weights = np.array([-137 / 60, 5, -5, 10 / 3, -5 / 4, 1 / 5])  # one-sided, of the fifth order
    _, slope = along(0.1, 1e-3, weights)
    np.testing.assert_allclose(slope, -1j * k * np.cos(angle) * np.exp(1j * k * 0.1 * np.cos(angle)), atol=1e-6 * k)
    value, slope = along(0.3, -1e-3, weights)
    np.testing.assert_allclose(slope, (1j * k - 1 / 0.6) * value, atol=1e-6 * k)


def test_layers_conduct_what_enters():
    problem = gallery.layered_conductor()
    reference, x = problem.reference, np.linspace(0.001, 0.019, 20)
    ends = []
    for low, high, conductivity in LAYERS.values():
        h = (high - low) / 20
        y = np.linspace(low + 5 * h, high - 5 * h, 20)
        by = differences(reference, {"x": x, "y": y}, {"x": 2e-4, "y": h})
        assert np.abs(by["x", 2] + by["y", 2]).max() < 1e-5 * 4e5  # of waves of 10 K over (L/π)²
        weights = np.array([-137 / 60, 5, -5, 10 / 3, -5 / 4, 1 / 5])

        def flux(edge, step, conductivity=conductivity, weights=weights):
            # Just inside: at the joint itself the layer above is asked.
            values = np.stack([reference(x=x, y=np.full(20, edge + step * (k + 1e-9))) for k in range(6)])
            return -conductivity * (weights @ values) / step

        ends.append((flux(low, h), flux(high, -h)))
    scale = 5e4
    np.testing.assert_allclose(ends[0][0], scale * (1 + np.cos(math.pi * x / 0.02)), atol=1e-4 * scale)
    for below, above in itertools.pairwise(ends):
        np.testing.assert_allclose(below[1], above[0], atol=1e-4 * scale)
    np.testing.assert_allclose(ends[-1][1], 500 * (reference(x=x, y=np.full(20, 0.0075)) - 293), atol=1e-4 * scale)


def test_a_mixture_parts_as_its_equation_says():
    c = cahn_hilliard({2: 0.1, 3: -0.06j, 4: 0.04}, length=0.01, step=1e-5, cache=None)
    assert c.error < 1e-6
    rng = np.random.default_rng(0)
    at = {"x": rng.uniform(0.1, 0.9, 40), "t": rng.uniform(0.002, 0.008, 40)}
    by = differences(c, at, {"x": 0.006, "t": 1e-4})
    cube = differences(lambda **where: c(**where) ** 3, at, {"x": 0.006})
    terms = by["t", 1], -cube["x", 2], by["x", 2], 1e-3 * by["x", 4]
    assert np.abs(sum(terms)).max() < 1e-4 * max(np.abs(term).max() for term in terms)
    x = np.linspace(0, 1, 400, endpoint=False)
    assert abs(c(x=x, t=np.full(400, 0.01)).mean()) < 1e-14  # the mean is conserved
    energy = [float(np.mean((c(x=x, t=np.full(400, t)) ** 2 - 1) ** 2)) for t in np.linspace(0, 0.01, 5)]
    assert np.all(np.diff(energy) < 0)
    start = 0.1 * np.cos(4 * np.pi * x) + 0.06 * np.sin(6 * np.pi * x) + 0.04 * np.cos(8 * np.pi * x)
    np.testing.assert_allclose(c(x=x, t=0 * x), start, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in gallery.__all__ if name != "waveguide"])
def test_every_application_trains(name):
    problem = getattr(gallery, name)()
    small, few = partial(MLP, width=6, depth=1), Fixed(200)
    solution = solve(
        problem, steps=2, network=small, sampling=few, features=None, certify=False, verify=False, progress=False
    )
    first, last = (solution.history[index]["loss"] for index in (0, -1))
    assert math.isfinite(last) and last <= first


class Field:
    """Enough of a solution to have its stress taken: functions by output, derivatives by differences."""

    def __init__(self, **functions):
        self.functions = functions

    def field(self, name, **at):
        return self.functions[name](**at)

    def derivative(self, name, by):
        def slope(**at):
            at = {key: np.atleast_1d(np.asarray(value, dtype=float)) for key, value in at.items()}
            return differences(self.functions[name], at, {by: 1e-3 * HOLE})[by, 1].squeeze()

        return slope


def test_forces_are_those_of_closed_forms():
    """Of a pressure a x + b y without motion: its slope times the area; of shear u = y in no pressure: none."""
    still = Field(u=lambda x, y: 0 * x, v=lambda x, y: 0 * x, p=lambda x, y: 3 * x - 2 * y)
    area, size = math.pi * RADIUS**2, 2 / (0.2**2 * 0.1)
    found = forces(still)
    assert found["drag"][0] == pytest.approx(-3 * area * size)
    assert found["lift"][0] == pytest.approx(2 * area * size)
    assert found["pressure difference"][0] == pytest.approx(-3 * 2 * RADIUS)
    shear = forces(Field(u=lambda x, y: y, v=lambda x, y: x**2, p=lambda x, y: 0 * x))
    # ∮ σ n = ∫ ∇·σ = ν (0, 2) times the area.
    assert shear["drag"][0] == pytest.approx(0, abs=1e-9)
    assert shear["lift"][0] == pytest.approx(1e-3 * 2 * area * size, rel=1e-6)
    assert CENTER == 0.2


def test_permeabilities_are_taken_where_they_are_named():
    def true(x, y):
        return permeability(torch.from_numpy(x), torch.from_numpy(y)).numpy()

    found = permeabilities(Field(K=true))
    assert len(found) == 9 and all(one == other for one, other in found.values())
    assert found["K(0.2, 0.5)"][1] == pytest.approx(1.0) and found["K(0.2, 0.8)"][1] < 1 < found["K(0.2, 0.2)"][1]


def test_the_hole_of_the_exact_plate_has_three_times_the_stress():
    def of(name):
        return lambda x, y: exact(torch.as_tensor(x), torch.as_tensor(y))[name].numpy()

    found, true = concentration(Field(u=of("u"), v=of("v")))["stress concentration"]
    assert found == pytest.approx(true, rel=1e-6) and true == 3.0


def test_cutoffs_of_the_waveguide():
    found = cutoffs(eigenpairs(gallery.waveguide(), "k2", n=4))
    assert list(found) == ["cutoff 1, GHz", "cutoff 2, GHz", "cutoff 3, GHz"]
    assert found["cutoff 1, GHz"][1] == pytest.approx(6.557, abs=1e-3)  # WR-90, as tables have it
    for value, true in found.values():
        assert value == pytest.approx(true, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "bound"),
    [("solovev", 1e-12), ("breather", 1e-11), ("pharmacokinetics", 1e-11), ("layered_conductor", 1e-11)],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_cheap_ones_are_solved_to_rounding(name, bound, seed):
    """1.7e-15, 5.9e-15, 2.0e-14 and 1.3e-14 with seed 0."""
    problem = getattr(gallery, name)()
    solution = solve(replace(problem, reference=None), seed=seed, certify=False, progress=False)
    assert Solution(problem, solution.model).error() < bound
