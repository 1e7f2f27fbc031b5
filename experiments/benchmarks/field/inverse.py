"""Inverse problems from the field: rates, coefficients and fields from observations, with noise and without.

The truths of unknowns from noisy data are what least squares find, with their standard errors: no method can know more.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from pinn.derivatives import d
from pinn.domains import Box, Domain, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import Analytic, Reference
from pinn.tables import Table

from .truths import Fit, drifting, fitted, tikhonov

Array = NDArray[np.float64]

GAS, ENERGY, RATE = 8.314, 111e3, 7.8e8
FALL = (1 / 200 - 1 / 1000) / 1999  # (1/DP)' a day, from DP(1) = 1000 to DP(2000) = 200
TEMPERATURE = ENERGY / (GAS * math.log(RATE / FALL)) - 273  # °C


def _seen(values: Array, sigma: Array | float, **coordinates: Array) -> Scatter:
    """Observations `seen` with noise of standard deviation sigma, one number or one a point; 0 for exact ones."""
    exact = not np.any(sigma)
    return Scatter(coordinates, values={"seen": values}, sigma=None if exact else sigma)


def depolymerised(t: Array, rate: float = RATE) -> Array:
    """DP after t days with DP(1) = 1000: 1/DP = 1/1000 + K (t − 1), K = A e^{−E/(R(T + 273))}."""
    return 1 / (1 / 1000 + rate * math.exp(-ENERGY / (GAS * (TEMPERATURE + 273))) * (t - 1))


def aged_paper(seed: int = 0, noise: float = 0.02) -> tuple[Array, Array]:
    """30 days between 1 and 2000 and the DP observed there, with relative noise."""
    days = np.linspace(30, 2000, 30)
    return days, depolymerised(days) * (1 + noise * np.random.default_rng(seed).standard_normal(30))


def depolymerisation(guess: float = 1e8, seed: int = 0, noise: float = 0.02) -> Problem:
    """DP' = −A e^{−E/(R(T + 273))} DP², DP(1) = 1000, t in days 1 … 2000: A (per day) from 30 observations.

    Args:
        guess: first guess of A, which is 7.8e8.
        seed: of the noise.
        noise: its standard deviation over the value.
    """
    domain = Box(t=(1, 2000))
    days, observed = aged_paper(seed, noise)
    factor = math.exp(-ENERGY / (GAS * (TEMPERATURE + 273)))
    exact = Analytic(lambda t: 1 / (1 / 1000 + FALL * (t - 1)))
    return Problem(
        domain,
        outputs=["DP"],
        constraints={
            "equation": Constraint(lambda DP, t, A: d(DP, t) + A * factor * DP**2, on=domain),
            "start": Constraint(lambda DP: DP - 1000, on=domain.face(t=1)),
            "data": Constraint(lambda DP, seen: DP - seen, on=_seen(observed, noise * observed, t=days)),
        },
        coefficients={"A": Unknown(guess, positive=True)},
        exact_coefficients={"A": RATE},
        reference=exact,
        name="depolymerisation",
    )


def depolymerisation_fit(seed: int = 0) -> Fit:
    """A by least squares from the same observations, and its standard error, about 0.6 %."""
    days, observed = aged_paper(seed)
    sigma = 0.02 * depolymerised(days)
    found = fitted(lambda p: depolymerised(days, RATE * float(p[0])), observed, sigma, np.array([1.0]))
    return Fit(RATE * found.values, RATE * found.errors)


def decay_rate(seed: int = 0, sigma: float = 0.0) -> Problem:
    """u' = −k u, u(0) = 1, k = 0.7 from 20 observations: the plainest of inverse problems.

    Args:
        seed: of the noise.
        sigma: its standard deviation.
    """
    domain = Box(t=(0, 2))
    t = np.linspace(0.1, 2, 20)
    seen = np.exp(-0.7 * t) + sigma * np.random.default_rng(seed).standard_normal(20)
    exact = Analytic(lambda t: torch.exp(-0.7 * t))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t, k: d(u, t) + k * u, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
            "data": Constraint(lambda u, seen: u - seen, on=_seen(seen, sigma, t=t)),
        },
        coefficients={"k": Unknown(1.5, positive=True)},
        exact_coefficients={"k": 0.7},
        reference=exact,
        name="decay_rate",
    )


def drift_data(b: float, sigma: float, seed: int = 0) -> tuple[Array, Array, Array]:
    """x, t and u of 100 observations of `drifting` with a = 0.1, c = 0.5."""
    rng = np.random.default_rng(seed)
    x, t = rng.uniform(0, 1, 100), rng.uniform(0, 1, 100)
    return x, t, drifting(0.1, b, 0.5, x, t) + sigma * rng.standard_normal(100)


def three_coefficients(b: float = 0.0, sigma: float = 0.0, seed: int = 0) -> Problem:
    """u_t = a u_xx + b u_x + c u on (0, 1)², u = 0 at the walls, sin πx at first, 100 observations: a, b, c.

    (a, b, c) = (0.1, b, 0.5). With b = 0 the solution is e^{(c − aπ²)t} sin πx, and c − aπ² is all that can be seen.

    Args:
        b: the true drift.
        sigma: standard deviation of the noise.
        seed: of points and noise.
    """
    domain = Box(x=(0, 1), t=(0, 1))
    x, t, u = drift_data(b, sigma, seed)
    exact = Reference.exact(lambda x, t: drifting(0.1, b, 0.5, x, t), {"x": (0.0, 1.0), "t": (0.0, 1.0)})
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, t, a, b, c: d(u, t) - a * d(u, x, x) - b * d(u, x) - c * u, on=domain),
            "walls": Constraint(lambda u: u, on=domain.face(x=0) | domain.face(x=1)),
            "start": Constraint(lambda u, x: u - torch.sin(math.pi * x), on=domain.face(t=0)),
            "data": Constraint(lambda u, seen: u - seen, on=_seen(u, sigma, x=x, t=t)),
        },
        coefficients={"a": Unknown(0.15, positive=True), "b": Unknown(0.1), "c": Unknown(0.3)},
        exact_coefficients={"a": 0.1, "b": b, "c": 0.5},
        reference=exact,
        name="three_coefficients" if b else "three_coefficients_unseen",
    )


def three_coefficients_fit(b: float = 0.3, sigma: float = 0.01, seed: int = 0) -> Fit:
    """a, b, c by least squares from the same observations, with standard errors; only for b that is not 0."""
    x, t, u = drift_data(b, sigma, seed)
    return fitted(
        lambda p: drifting(float(p[0]), float(p[1]), float(p[2]), x, t, terms=60), u, sigma, np.array([0.12, 0.2, 0.4])
    )


def reaction_data(sigma: float, seed: int = 0) -> tuple[Array, Array]:
    """x and u of 50 observations of sin πx."""
    x = np.linspace(0.01, 0.99, 50)
    return x, np.sin(np.pi * x) + sigma * np.random.default_rng(seed).standard_normal(50)


def reaction_field(sigma: float = 0.0, seed: int = 0) -> Problem:
    """−u'' + q(x) u = (π² + x²) sin πx, u = 0 at the ends: the field q = x² from 50 observations of u = sin πx.

    Args:
        sigma: standard deviation of the noise.
        seed: of the noise.
    """
    domain = Box(x=(0, 1))
    x, u = reaction_data(sigma, seed)
    exact = Analytic(lambda x: torch.sin(math.pi * x))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(
                lambda u, q, x: -d(u, x, x) + q * u - (math.pi**2 + x**2) * torch.sin(math.pi * x), on=domain
            ),
            "ends": Constraint(lambda u: u, on=domain.face(x=0) | domain.face(x=1)),
            "data": Constraint(lambda u, seen: u - seen, on=_seen(u, sigma, x=x)),
        },
        coefficients={"q": Unknown(1.0, inputs=("x",))},
        reference=exact,
        name="reaction_field_noisy" if sigma else "reaction_field",
    )


def reaction_tikhonov(sigma: float = 0.01, seed: int = 0) -> float:
    """The relative L2 error of q that Tikhonov's regularisation leaves from the same observations."""
    x, u = reaction_data(sigma, seed)
    grid, q = tikhonov(x, u, sigma, lambda x: (np.pi**2 + x**2) * np.sin(np.pi * x))
    return float(np.linalg.norm(q - grid**2) / np.linalg.norm(grid**2))


def mean_relaxation() -> Problem:
    """y_t = 0.05 y_xx + k (1 − y), insulated, y(x, 0) = (1 − cos πx)/2: k = 0.7 from spatial means at eight times.

    y = 1 − ½ e^{−kt} − ½ cos πx e^{−(k + 0.05π²)t}. A mean at one time is one integral, so eight constraints.
    """
    domain = Box(x=(0, 1), t=(0, 1))
    k = 0.7

    def mean_at(time: float) -> Constraint:
        mean = 1 - 0.5 * math.exp(-k * time)
        return Constraint(lambda y: y - mean, on=_line(time), integral=True)

    def exact(x, t):
        return 1 - 0.5 * torch.exp(-k * t) - 0.5 * torch.cos(math.pi * x) * torch.exp(-(k + 0.05 * math.pi**2) * t)

    return Problem(
        domain,
        outputs=["y"],
        constraints={
            "equation": Constraint(lambda y, x, t, k: d(y, t) - 0.05 * d(y, x, x) - k * (1 - y), on=domain),
            "walls": Constraint(lambda y, x: d(y, x), on=domain.face(x=0) | domain.face(x=1)),
            "start": Constraint(lambda y, x: y - (1 - torch.cos(math.pi * x)) / 2, on=domain.face(t=0)),
            **{f"mean_{number}": mean_at(number / 8) for number in range(1, 9)},
        },
        coefficients={"k": Unknown(1.5, positive=True)},
        exact_coefficients={"k": k},
        reference=Analytic(exact),
        name="mean_relaxation",
    )


def _line(time: float) -> Domain:
    """The points of the unit interval at one time."""
    return Box(x=(0, 1), t=(time, 2.0)).face(t=time)


def conductivity_truth(x: Array) -> Array:
    """u of (k u')' = −1, u(0) = u(1) = 0, k = 1 + x/2 + x²/4: u = ∫ (c − s)/k ds by quadrature, c from u(1) = 0."""
    z, w = np.polynomial.legendre.leggauss(40)

    def integral(power: int, to: Array) -> Array:
        s = (z + 1) / 2 * to[:, None]
        return np.asarray((s**power / (1 + s / 2 + s**2 / 4)) @ w * to / 2)

    one = np.ones(1)
    c = integral(1, one) / integral(0, one)
    return c * integral(0, x) - integral(1, x)


def varying_conductivity(given: str = "formula") -> Problem:
    """(k u')' = −1, u(0) = u(1) = 0, with k = 1 + x/2 + x²/4.

    Args:
        given: how k is known: "formula"; "table", 21 values; "detached", `numpy.interp` of them, without derivative;
            "field", an unknown field tied to them.
    """
    domain = Box(x=(0, 1))
    nodes = np.linspace(0, 1, 21)
    table = 1 + nodes / 2 + nodes**2 / 4

    def formula(u, x):
        return d((1 + x / 2 + x**2 / 4) * d(u, x), x) + 1

    def detached(u, x):
        values = np.interp(x.detach().cpu().numpy(), nodes, table)
        return d(torch.as_tensor(values, dtype=x.dtype, device=x.device) * d(u, x), x) + 1

    constraints = {
        "equation": Constraint(detached if given == "detached" else formula, on=domain),
        "ends": Constraint(lambda u: u, on=domain.face(x=0) | domain.face(x=1)),
    }
    reference = Reference.exact(lambda x: conductivity_truth(x), {"x": (0.0, 1.0)}, description="quadrature")
    problem = Problem(domain, ["u"], constraints, reference=reference, name=f"conductivity_{given}")
    if given == "table":
        constraints["equation"] = Constraint(lambda u, k, x: d(k * d(u, x), x) + 1, on=domain)
        return replace(problem, constraints=constraints, coefficients={"k": Table({"x": nodes}, table)})
    if given != "field":
        return problem
    constraints["equation"] = Constraint(lambda u, k, x: d(k * d(u, x), x) + 1, on=domain)
    seen = Scatter({"x": nodes}, values={"seen": table})
    constraints["table"] = Constraint(lambda k, seen: k - seen, on=seen)
    return replace(problem, constraints=constraints, coefficients={"k": Unknown(1.0, inputs=("x",))})


def beam_data(sigma: float = 0.002, seed: int = 0) -> tuple[Array, Array]:
    """x and deflection of 20 observations of the beam with u'(0) = 0.1."""
    x = np.linspace(0.05, 1, 20)
    return x, 0.1 * x - x**2 * (x**2 - 4 * x + 6) / 24 + sigma * np.random.default_rng(seed).standard_normal(20)


def beam_slope(sigma: float = 0.002, seed: int = 0) -> Problem:
    """u'''' + 1 = 0, u(0) = 0, u''(1) = u'''(1) = 0, u'(0) = C unknown, 20 observations; u = Cx − x²(x² − 4x + 6)/24.

    Args:
        sigma: standard deviation of the noise.
        seed: of the noise.
    """
    domain = Box(x=(0, 1))
    x, u = beam_data(sigma, seed)
    exact = Analytic(lambda x: 0.1 * x - x**2 * (x**2 - 4 * x + 6) / 24)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x: d(u, x, x, x, x) + 1, on=domain),
            "clamp": Constraint(lambda u, x, C: (u, d(u, x) - C), on=domain.face(x=0)),
            "free": Constraint(lambda u, x: (d(u, x, x), d(u, x, x, x)), on=domain.face(x=1)),
            "data": Constraint(lambda u, seen: u - seen, on=_seen(u, sigma, x=x)),
        },
        coefficients={"C": Unknown(0.3)},
        exact_coefficients={"C": 0.1},
        reference=exact,
        name="beam_slope",
    )


def beam_slope_fit(sigma: float = 0.002, seed: int = 0) -> Fit:
    """C by least squares from the same observations, and its standard error, about 0.00075."""
    x, u = beam_data(sigma, seed)
    return fitted(lambda p: p[0] * x - x**2 * (x**2 - 4 * x + 6) / 24, u, sigma, np.array([0.0]))
