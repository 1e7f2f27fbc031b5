"""What the problems from the field are measured against is right: two methods agree, or converge at their order."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad, solve_bvp, solve_ivp

from experiments.benchmarks import field
from experiments.benchmarks.field import inverse, truths
from pinn.model import Model
from pinn.networks import MLP
from pinn.reference import Analytic

ANALYTIC = {
    "beam": lambda: field.beam_slope(sigma=0),
    "conductor": field.layered_conductor,
    "conductor_unit": lambda: field.layered_conductor(si=False),
    "decay": field.decay_rate,
    "depolymerisation": lambda: field.depolymerisation(noise=0),
    "euler_cauchy": field.euler_cauchy,
    "heat": field.lost_heat,
    "heat_with_mean": field.heat_with_mean,
    "plate": field.plate,
    "plate_unit": lambda: field.plate(si=False),
    "reaction_field": field.reaction_field,
    "start_divided": field.start_divided,
    "tiny": field.tiny_equation,
    "two_conditions": lambda: field.one_condition(both=True),
}
# How large the terms of a row are, where that is far from one.
SIZES = {"conductor": 1e5, "plate": 1e8, "depolymerisation": 1000.0, "euler_cauchy": 1e3}
FIELDS = {"reaction_field": lambda x: x**2}


@pytest.mark.parametrize("name", ANALYTIC)
def test_closed_forms_satisfy_every_row(name):
    """Through the library's own equations, coefficients at their true values; without data and what only smooths."""
    problem = ANALYTIC[name]()
    assert isinstance(problem.reference, Analytic)
    for constraint, stated in problem.constraints.items():
        if constraint == "data" or constraint.startswith("smoothness"):
            continue
        points = stated.on.sample(40, generator=torch.Generator().manual_seed(0))
        columns = {key: points.column(key).clone().requires_grad_() for key in problem.coordinates}
        found = problem.reference.fields(columns)
        outputs = found if isinstance(found, dict) else {problem.outputs[0]: found}
        if name in FIELDS:
            outputs = {**outputs, "q": FIELDS[name](columns["x"])}
        constants = {key: torch.tensor(value, dtype=torch.float64) for key, value in problem.exact_coefficients.items()}
        for row in problem.equation(constraint)(columns, outputs, {**constants, **points.constants()}):
            assert float(row.detach().abs().max()) < 1e-11 * SIZES.get(name, 1.0), constraint


def test_the_relaxation_satisfies_every_row_and_has_the_means():
    """y by differences: y_t = 0.05 y_xx + 0.7 (1 − y), insulated, and ∫y = 1 − ½ e^{−0.7t}."""
    y, h = field.mean_relaxation().reference, 1e-3
    x, t = np.array([0.2, 0.5, 0.9]), np.array([0.3, 0.6, 0.9])
    second = (y(x=x + h, t=t) - 2 * y(x=x, t=t) + y(x=x - h, t=t)) / h**2
    first = (y(x=x, t=t + h) - y(x=x, t=t - h)) / (2 * h)
    assert np.abs(first - 0.05 * second - 0.7 * (1 - y(x=x, t=t))).max() < 1e-5
    middle = (np.arange(200) + 0.5) / 200
    assert np.mean(y(x=middle, t=0.5)) == pytest.approx(1 - 0.5 * math.exp(-0.35), abs=1e-12)
    assert np.abs(y(x=middle, t=0.0) - (1 - np.cos(np.pi * middle)) / 2).max() < 1e-14


def radau(right, start, times):
    found = solve_ivp(right, (0, times[-1]), start, method="Radau", rtol=1e-10, atol=1e-12, t_eval=times)
    return found.y


@pytest.mark.parametrize("coolant", [280.0, 305.0])
def test_the_stirred_tank_by_two_methods(coolant):
    def right(t, y):
        rate = 7.2e10 * np.exp(-8750 / y[0]) * y[1]
        return [(350 - y[0]) + 209.205 * rate + 2.0921 * (coolant - y[0]), (1 - y[1]) - rate]

    times = np.array([0.5, 1.0, 2.0, 5.0, 10.0])
    exact = field.stirred_tank(coolant).reference(t=times)
    other = radau(right, [324.475443431599, 0.87725294608097], times)
    assert np.abs(exact["T"] - other[0]).max() < 1e-6 and np.abs(exact["C"] - other[1]).max() < 1e-8
    assert (np.ptp(exact["T"]) > 40) == (coolant == 305.0)


def test_the_double_well_by_two_methods():
    def right(x, s):
        return [s[1], 0.53 * np.cos(x) + s[0] - s[0] ** 3 - 0.2 * (s[0] ** 2 - 1) * s[1]]

    x = np.array([5.0, 12.5])
    exact = field.double_well(12.5).reference(x=x)
    assert np.abs(exact - radau(right, [0.1, -0.2], x)[0]).max() < 1e-7


def test_the_moving_beam_converges_and_keeps_its_energy():
    reference = field.moving_beam().reference
    assert reference.error < 1e-6  # of 298 K, which is 3e-4 K
    n, times = 160, np.array([2.0, 9.0])
    x, y = (np.arange(n) + 0.5) * 0.04 / n, (np.arange(n) + 0.5) * 0.02 / n
    grid = np.meshgrid(times, x, y, indexing="ij")
    rise = reference(t=grid[0], x=grid[1], y=grid[2]) - 298
    for time, mean in zip(times, rise.mean(axis=(1, 2)), strict=True):
        # 4e6 × mean rise × area is what came in: ∫∫∫ 5e8 × beam.
        across = quad(lambda s: math.exp(-2 * (s - 0.01) ** 2 / 0.003**2), 0, 0.02, epsabs=1e-14)[0]
        grid_t = (np.arange(400) + 0.5) * time / 400
        along = [
            quad(lambda s, t=t: math.exp(-2 * (s - 0.005 - 0.003 * t) ** 2 / 0.003**2), 0, 0.04, points=[0.02])[0]
            for t in grid_t[::20]
        ]
        brought = 125 * across * np.mean(along) * time / (0.04 * 0.02)
        assert mean == pytest.approx(brought, rel=2e-3)


def test_the_moving_beam_solves_its_equation():
    reference, h = field.moving_beam().reference, 2e-4
    x, y, t = np.array([0.012, 0.02]), np.array([0.009, 0.011]), np.array([3.0, 4.5])

    def T(dx=0.0, dy=0.0, dt=0.0):
        return reference(x=x + dx, y=y + dy, t=t + dt)

    second = (T(dx=h) - 2 * T() + T(dx=-h)) / h**2 + (T(dy=h) - 2 * T() + T(dy=-h)) / h**2
    first = (T(dt=0.01) - T(dt=-0.01)) / 0.02
    beam = 5e8 * np.exp(-2 * ((x - 0.005 - 0.003 * t) ** 2 + (y - 0.01) ** 2) / 0.003**2)
    assert np.abs(4e6 * first - 20 * second - beam).max() < 5e-3 * np.abs(beam).max()


def test_finite_volumes_are_of_second_order_and_their_extrapolation_of_higher():
    def pulse(t):
        return np.sin(6 * np.pi * t) ** 2

    points = {"x": np.linspace(0, 1, 41), "t": np.linspace(0.3, 1, 41)}
    best = truths.extrapolated(200, pulse)(points)["c"]
    errors = [np.abs(truths.finite_volumes(n, pulse)(points)["c"] - best).max() for n in (50, 100, 200)]
    assert 3 < errors[0] / errors[1] < 5 and 3.5 < errors[1] / errors[2] < 4.5
    assert np.abs(truths.extrapolated(100, pulse)(points)["c"] - best).max() < errors[-1] / 5
    assert truths.inlet_reference().error < 2e-4


def test_the_inflow_of_the_finite_volumes_goes_with_the_stream():
    """Constant inflow: c rises to 1 everywhere once the front has passed, which takes a quarter of the time."""
    found = truths.finite_volumes(100, lambda t: np.ones_like(t))(
        {"x": np.array([0.2, 0.9]), "t": np.array([1.0, 1.0])}
    )
    assert np.abs(found["c"] - 1).max() < 1e-3


def test_sod_has_the_values_of_the_textbook():
    """Toro, table 4.2, test 1: p* = 0.30313, u* = 0.92745, ρ*L = 0.42632, ρ*R = 0.26557; γ = 1.4."""
    state = truths.riemann(np.array([0.5, 1.2, -2.0, 2.0]), (1.0, 0.0, 1.0), (0.125, 0.0, 0.1))
    assert state["p"] == pytest.approx([0.30313, 0.30313, 1.0, 0.1], abs=1e-5)
    assert state["u"] == pytest.approx([0.92745, 0.92745, 0, 0], abs=1e-5)
    assert state["rho"] == pytest.approx([0.42632, 0.26557, 1.0, 0.125], abs=1e-5)
    # Across the shock, Rankine-Hugoniot: s [ρ] = [ρu].
    speed = 0.26557 * 0.92745 / (0.26557 - 0.125)
    around = truths.riemann(np.array([speed - 1e-3, speed + 1e-3]), (1.0, 0.0, 1.0), (0.125, 0.0, 0.1))
    assert around["rho"] == pytest.approx([0.26557, 0.125], abs=1e-4)


def test_the_fan_is_isentropic_and_mirrored_states_give_the_mirrored_solution():
    ξ = np.linspace(-2, 2, 81)
    there = truths.riemann(ξ, (1.0, 0.0, 1.0), (0.125, 0.0, 0.1))
    back = truths.riemann(-ξ, (0.125, 0.0, 0.1), (1.0, 0.0, 1.0))
    for name, sign in (("rho", 1), ("u", -1), ("p", 1)):
        assert np.allclose(there[name], sign * back[name], atol=1e-12)
    left = ξ < 0.9
    assert np.allclose(there["p"][left], there["rho"][left] ** 1.4, atol=1e-12)


def test_the_scattered_field_satisfies_equation_and_conditions():
    k, h = 2 * math.pi, 1e-3
    angle = np.linspace(0, 2 * np.pi, 13)

    def at(r):
        return truths.scattered(k, r * np.cos(angle), r * np.sin(angle))

    def slope(r):
        return (8 * (at(r + h) - at(r - h)) - at(r + 2 * h) + at(r - 2 * h)) / (12 * h)

    incoming = 1j * k * np.cos(angle) * np.exp(1j * k * 0.5 * np.cos(angle))
    assert np.abs(slope(0.5) + incoming).max() < 1e-7
    assert np.abs(slope(2.0) - 1j * k * at(2.0)).max() < 1e-7
    x, y = np.array([0.8, -1.1]), np.array([0.3, 0.7])
    u = truths.scattered(k, x, y)
    cross = sum(truths.scattered(k, x + a, y + b) for a, b in ((h, 0), (-h, 0), (0, h), (0, -h)))
    assert np.abs((cross - 4 * u) / h**2 + k**2 * u).max() < 1e-3


def test_the_drifting_series_starts_at_the_sine_and_solves_its_equation():
    x = np.linspace(0, 1, 21)
    start = truths.drifting(0.1, 0.3, 0.5, x, np.zeros_like(x))
    assert np.abs(start - np.sin(np.pi * x)).max() < 1e-5
    x, t, h = np.array([0.2, 0.5, 0.7]), np.array([0.3, 0.5, 0.9]), 1e-3

    def u(dx=0.0, dt=0.0):
        return truths.drifting(0.1, 0.3, 0.5, x + dx, t + dt)

    rows = (u(dt=h) - u(dt=-h)) / (2 * h) - 0.1 * (u(h) - 2 * u() + u(-h)) / h**2 - 0.3 * (u(h) - u(-h)) / (2 * h)
    assert np.abs(rows - 0.5 * u()).max() < 1e-5
    plain = np.exp((0.5 - 0.1 * np.pi**2) * t) * np.sin(np.pi * x)
    assert np.abs(truths.drifting(0.1, 0.0, 0.5, x, t) - plain).max() < 1e-13


def test_the_flux_is_what_flows_in():
    for si in (True, False):
        problem = field.heat_flux(si)
        box = problem.domain.bounds
        length, end = box["x"][1], box["t"][1]
        h = 1e-3 * length
        T = problem.reference(x=np.array([0.0, h, 2 * h, length]), t=np.full(4, end))
        slope = (-3 * T[0] + 4 * T[1] - T[2]) / (2 * h)
        flux = 1e5 * (1 - math.exp(-6)) / 45 if si else 1 - math.exp(-6)
        assert -slope == pytest.approx(flux, rel=1e-3) and T[3] == pytest.approx(293 if si else 0, abs=1e-9)
    # The same in both units.
    x, t = np.linspace(0, 1, 5), np.linspace(0, 1, 5)
    si, unit = field.heat_flux().reference, field.heat_flux(si=False).reference
    assert np.allclose((si(x=0.05 * x, t=60 * t) - 293) / (1e5 * 0.05 / 45), unit(x=x, t=t), atol=1e-10)


def test_both_units_of_a_problem_are_the_same_problem():
    x, y = np.linspace(0, 1, 4), np.linspace(-0.5, 0.5, 4)
    si, unit = field.plate().reference(x=0.1 * x, y=0.1 * y), field.plate(si=False).reference(x=x, y=y)
    assert np.allclose(si["u"] / (1e6 * 0.1 / 210e9), unit["u"]) and np.allclose(si["v"] / (1e5 / 210e9), unit["v"])
    si, unit = field.layered_conductor().reference(s=0.01 * x), field.layered_conductor(si=False).reference(s=x)
    assert np.allclose((si["T1"] - 300) / 40, unit["T1"]) and np.allclose((si["T2"] - 300) / 40, unit["T2"])


def test_conductivity_by_quadrature_and_by_collocation():
    found = solve_bvp(
        lambda x, y: np.stack([y[1], (-1 - (0.5 + x / 2) * y[1]) / (1 + x / 2 + x**2 / 4)]),
        lambda a, b: np.array([a[0], b[0]]),
        np.linspace(0, 1, 41),
        np.zeros((2, 41)),
        tol=1e-9,
    )
    x = np.linspace(0, 1, 9)
    assert np.abs(found.sol(x)[0] - inverse.conductivity_truth(x)).max() < 1e-9


def test_least_squares_find_the_truth_within_their_standard_errors():
    paper = inverse.depolymerisation_fit()
    assert 0.003 < paper.errors[0] / paper.values[0] < 0.01
    assert abs(paper.values[0] - inverse.RATE) < 3 * paper.errors[0]
    beam = inverse.beam_slope_fit()
    assert beam.errors[0] == pytest.approx(0.002 / math.sqrt(np.sum(np.linspace(0.05, 1, 20) ** 2)), rel=1e-6)
    assert abs(beam.values[0] - 0.1) < 3 * beam.errors[0]
    drift = inverse.three_coefficients_fit()
    assert np.all(np.abs(drift.values - [0.1, 0.3, 0.5]) < 3 * drift.errors)
    assert 0.05 < drift.errors[2] / 0.5 < 0.3


def test_standard_errors_are_those_of_many_draws():
    found = np.array([inverse.beam_slope_fit(seed=seed).values[0] for seed in range(200)])
    assert np.std(found) == pytest.approx(inverse.beam_slope_fit().errors[0], rel=0.2)


def test_tikhonov_finds_the_field_as_well_as_noise_allows():
    """Little noise, little error; one per cent leaves most of it unseen."""
    few = inverse.reaction_tikhonov(sigma=1e-5)
    many = inverse.reaction_tikhonov(sigma=0.01)
    assert few < 0.1 < many < 1.5


def test_the_depolymerisation_ends_where_it_is_said_to():
    assert inverse.depolymerised(np.array([1.0, 2000.0])) == pytest.approx([1000, 200])
    assert 100 < inverse.TEMPERATURE < 150


@pytest.mark.parametrize("name", sorted(set(field.__all__) - {"unused_output", "unused_unknown", "hidden_name"}))
def test_every_problem_has_rows_for_a_model(name):
    problem = getattr(field, name)()
    generator = torch.Generator().manual_seed(0)
    model = Model(problem, lambda **build: MLP(**build, width=4, depth=1), generator=generator)
    assert set(problem.constraints) and model.problem is problem
