"""Forward problems from the field: reactors, beams, eigenvalues, integral terms, inlets, shocks, scattering.

Each is stated as it was brought, in its own units, with constants of our own and a truth from `truths`.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pinn.derivatives import d, laplacian
from pinn.domains import Box, Disc
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import Analytic, Reference, ordinary
from pinn.tables import Table

from .truths import adaptive, inlet_reference, moving_beam_reference, riemann, scattered


def stirred_tank(coolant: float = 280.0) -> Problem:
    """Temperature T (K) and concentration C of a stirred tank, t ∈ [0, 10]; 280 K rests, 305 K ignites.

    T' = (350 − T) + 209.205 k₀ e^{−8750/T} C + 2.0921 (T_c − T), C' = (1 − C) − k₀ e^{−8750/T} C, k₀ = 7.2e10.

    Args:
        coolant: T_c, K.
    """
    k0, start = 7.2e10, (324.475443431599, 0.87725294608097)
    domain = Box(t=(0, 10))

    def balance(T, C, t):
        rate = k0 * torch.exp(-8750 / T) * C
        return d(T, t) - (350 - T) - 209.205 * rate - 2.0921 * (coolant - T), d(C, t) - (1 - C) + rate

    def right(t, y):
        rate = k0 * np.exp(-8750 / y[0]) * y[1]
        return (350 - y[0]) + 209.205 * rate + 2.0921 * (coolant - y[0]), (1 - y[1]) - rate

    return Problem(
        domain,
        outputs=["T", "C"],
        constraints={
            "balance": Constraint(balance, on=domain),
            "start": Constraint(lambda T, C: (T - start[0], C - start[1]), on=domain.face(t=0)),
        },
        reference=adaptive(right, start, ("T", "C"), 10.0),
        name="stirred_tank",
    )


def moving_beam() -> Problem:
    """A plate, 0.04 m × 0.02 m, heated by a beam that moves along it for 10 s; insulated, 298 K at first.

    4e6 T_t = 20 ΔT + 5e8 exp(−2((x − 0.005 − 0.003t)² + (y − 0.01)²)/0.003²); x, y in m, t in s, T in K.
    """
    domain = Box(x=(0, 0.04), y=(0, 0.02), t=(0, 10))

    def heat(T, x, y, t):
        beam = torch.exp(-2 * ((x - 0.005 - 0.003 * t) ** 2 + (y - 0.01) ** 2) / 0.003**2)
        return 4e6 * d(T, t) - 20 * (d(T, x, x) + d(T, y, y)) - 5e8 * beam

    return Problem(
        domain,
        outputs=["T"],
        constraints={
            "heat": Constraint(heat, on=domain),
            "start": Constraint(lambda T: T - 298, on=domain.face(t=0)),
            "ends": Constraint(lambda T, x: 20 * d(T, x), on=domain.face(x=0) | domain.face(x=0.04)),
            "sides": Constraint(lambda T, y: 20 * d(T, y), on=domain.face(y=0) | domain.face(y=0.02)),
        },
        reference=moving_beam_reference(),
        name="moving_beam",
    )


def schroedinger(level: int = 1, energy: bool = False, guess: float | None = None) -> Problem:
    """−ψ''/2 = Eψ, ψ(0) = ψ(1) = 0; E = (nπ)²/2, ψ = ±√2 sin nπx, the sign being free.

    Args:
        level: n.
        energy: E is given and nothing else, so that any multiple of sin nπx solves it; otherwise E is unknown and
            ∫ψ² = 1.
        guess: first guess of E; left out, four fifths of the true one.
    """
    domain = Box(x=(0, 1))
    exact = (level * math.pi) ** 2 / 2
    constraints = {
        "equation": Constraint(lambda psi, x, E: d(psi, x, x) / 2 + E * psi, on=domain),
        "ends": Constraint(lambda psi: psi, on=domain.face(x=0) | domain.face(x=1)),
    }
    if energy:
        return Problem(domain, ["psi"], constraints, coefficients={"E": exact}, name="schroedinger_given")
    constraints["norm"] = Constraint(lambda psi: psi**2 - 1, on=domain, integral=True)
    return Problem(
        domain,
        outputs=["psi"],
        constraints=constraints,
        coefficients={"E": Unknown(0.8 * exact if guess is None else guess, positive=True)},
        exact_coefficients={"E": exact},
        name=f"schroedinger_{level}",
    )


def heat_with_mean(coupled: bool = False) -> Problem:
    """y_t = y_xx + ∫₀^{π/2} y dx − e^{−t}, y = 0 at x = 0, e^{−t} at π/2, sin x at t = 0; y = e^{−t} sin x on [0, 1].

    The integral s(t) is carried by two auxiliary fields: a_x = y with a = 0 at x = 0, and s_x = 0 with s = a at π/2.

    Args:
        coupled: write π/2 `y.mean()` in place of the integral, which couples the points of a batch and means another
            problem.
    """
    domain = Box(x=(0, math.pi / 2), t=(0, 1))
    low, high = domain.face(x=0), domain.face(x=math.pi / 2)
    if coupled:
        return Problem(
            domain,
            outputs=["y"],
            constraints={
                "equation": Constraint(
                    lambda y, x, t: d(y, t) - d(y, x, x) - math.pi / 2 * y.mean() + torch.exp(-t), on=domain
                ),
                "left": Constraint(lambda y: y, on=low),
                "right": Constraint(lambda y, t: y - torch.exp(-t), on=high),
                "start": Constraint(lambda y, x: y - torch.sin(x), on=domain.face(t=0)),
            },
            name="heat_with_mean_coupled",
        )

    def exact(x, t):
        decay = torch.exp(-t)
        return {"y": decay * torch.sin(x), "a": decay * (1 - torch.cos(x)), "s": decay + 0 * x}

    return Problem(
        domain,
        outputs=["y", "a", "s"],
        constraints={
            "equation": Constraint(lambda y, s, x, t: d(y, t) - d(y, x, x) - s + torch.exp(-t), on=domain),
            "antiderivative": Constraint(lambda y, a, x: d(a, x) - y, on=domain),
            "total": Constraint(lambda s, x: d(s, x), on=domain),
            "left": Constraint(lambda y, a: (y, a), on=low),
            "right": Constraint(lambda y, a, s, t: (y - torch.exp(-t), s - a), on=high),
            "start": Constraint(lambda y, x: y - torch.sin(x), on=domain.face(t=0)),
        },
        reference=Analytic(exact),
        name="heat_with_mean",
    )


def double_well(length: float = 50.0) -> Problem:
    """y'' + 0.2 (y² − 1) y' − y + y³ = 0.53 cos x, y(0) = 0.1, y'(0) = −0.2: it wanders between two wells.

    Args:
        length: end of the interval of x.
    """
    domain = Box(x=(0, length))

    def equation(y, x):
        return d(y, x, x) + 0.2 * (y**2 - 1) * d(y, x) - y + y**3 - 0.53 * torch.cos(x)

    def right(x, s):
        return s[1], 0.53 * np.cos(x) + s[0] - s[0] ** 3 - 0.2 * (s[0] ** 2 - 1) * s[1]

    path = ordinary(right, (0.1, -0.2), ("y", "v"), length=length, coordinate="x", pieces=max(4, round(2.4 * length)))
    reference = Reference.exact(lambda x: path(x=x)["y"], {"x": (0.0, length)}, ("y",))
    return Problem(
        domain,
        outputs=["y"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "start": Constraint(lambda y, x: (y - 0.1, d(y, x) + 0.2), on=domain.face(x=0)),
        },
        reference=reference,
        name="double_well",
    )


def inlet(table: bool = True) -> Problem:
    """c_t + 4 c_x = 0.02 c_xx on (0, 1)², c(0, t) = sin² 6πt, c_x(1, t) = 0, c(x, 0) = 0.

    Args:
        table: the inflow is known by 201 samples; otherwise by its formula.
    """
    domain = Box(x=(0, 1), t=(0, 1))
    times = np.linspace(0, 1, 201)
    by_table = Constraint(lambda c, inflow: c - inflow, on=domain.face(x=0))
    by_formula = Constraint(lambda c, t: c - torch.sin(6 * math.pi * t) ** 2, on=domain.face(x=0))
    return Problem(
        domain,
        outputs=["c"],
        constraints={
            "transport": Constraint(lambda c, x, t: d(c, t) + 4 * d(c, x) - 0.02 * d(c, x, x), on=domain),
            "inlet": by_table if table else by_formula,
            "outlet": Constraint(lambda c, x: d(c, x), on=domain.face(x=1)),
            "start": Constraint(lambda c: c, on=domain.face(t=0)),
        },
        coefficients={"inflow": Table({"t": times}, np.sin(6 * np.pi * times) ** 2)} if table else {},
        reference=inlet_reference(),
        name="inlet_table" if table else "inlet_formula",
    )


def sod() -> Problem:
    """Sod's shock tube, conservative rows at points: ρ, u, p on [0, 1] × [0, 0.2], a jump at x = 0.5.

    Rows in weak form, which a shock wants, cannot be stated.
    """
    domain = Box(x=(0, 1), t=(0, 0.2))
    left, right = (1.0, 0.0, 1.0), (0.125, 0.0, 0.1)

    def conservation(rho, u, p, x, t):
        energy = p / 0.4 + rho * u**2 / 2
        return (
            d(rho, t) + d(rho * u, x),
            d(rho * u, t) + d(rho * u**2 + p, x),
            d(energy, t) + d(u * (energy + p), x),
        )

    def start(rho, u, p, x):
        before = (x < 0.5).to(x.dtype)
        states = [right[i] + before * (left[i] - right[i]) for i in range(3)]
        return rho - states[0], u - states[1], p - states[2]

    def exact(x, t):
        return riemann((x - 0.5) / np.maximum(t, 1e-12), left, right)

    return Problem(
        domain,
        outputs=["rho", "u", "p"],
        constraints={
            "conservation": Constraint(conservation, on=domain),
            "start": Constraint(start, on=domain.face(t=0)),
            "left": Constraint(lambda rho, u, p: (rho - 1, u, p - 1), on=domain.face(x=0)),
            "right": Constraint(lambda rho, u, p: (rho - 0.125, u, p - 0.1), on=domain.face(x=1)),
        },
        reference=Reference.exact(exact, {"x": (0.0, 1.0), "t": (0.0, 0.2)}, ("rho", "u", "p")),
        name="sod",
    )


def helmholtz_disc(k: float = 2 * math.pi) -> Problem:
    """Δu + k²u = 0 between a sound-hard disc, r = ½, and a circle r = 2 with ∂_r u = iku; e^{ikx} comes in, u scatters.

    Args:
        k: wave number.
    """
    domain = Disc(x=0, y=0, radius=2) - Disc(x=0, y=0, radius=0.5)
    inner, outer = Disc(x=0, y=0, radius=0.5).boundary(), Disc(x=0, y=0, radius=2).boundary()

    def hard(re, im, x, y):
        # ∂_r on the disc's rim; the incoming wave's is ik cos θ e^{ikx}.
        nx, ny = x / 0.5, y / 0.5
        return (
            nx * d(re, x) + ny * d(re, y) - k * nx * torch.sin(k * x),
            nx * d(im, x) + ny * d(im, y) + k * nx * torch.cos(k * x),
        )

    def absorbing(re, im, x, y):
        nx, ny = x / 2, y / 2
        return nx * d(re, x) + ny * d(re, y) + k * im, nx * d(im, x) + ny * d(im, y) - k * re

    def exact(x, y):
        u = scattered(k, x, y)
        return {"re": u.real, "im": u.imag}

    bounds = {"x": (-2.0, 2.0), "y": (-2.0, 2.0)}
    return Problem(
        domain,
        outputs=["re", "im"],
        constraints={
            "equation": Constraint(
                lambda re, im, x, y: (laplacian(re, x, y) + k**2 * re, laplacian(im, x, y) + k**2 * im), on=domain
            ),
            "disc": Constraint(hard, on=inner),
            "circle": Constraint(absorbing, on=outer),
        },
        reference=Reference.exact(exact, bounds, ("re", "im"), description="Bessel series"),
        name="helmholtz_disc",
    )


def euler_cauchy() -> Problem:
    """y'' + y'/x − y/x² = 0 on (0.1, 10), y = 10.1 at both ends; y = x + 1/x."""
    domain = Box(x=(0.1, 10))
    return Problem(
        domain,
        outputs=["y"],
        constraints={
            "equation": Constraint(lambda y, x: d(y, x, x) + d(y, x) / x - y / x**2, on=domain),
            "ends": Constraint(lambda y: y - 10.1, on=domain.face(x=0.1) | domain.face(x=10)),
        },
        reference=Analytic(lambda x: x + 1 / x),
        name="euler_cauchy",
    )
