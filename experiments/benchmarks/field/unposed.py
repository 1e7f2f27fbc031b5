"""Problems that have no answer, or many, or whose numbers fail: what must not be called solved.

Each lacks one thing, named in its docstring, or has one too many.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import Analytic


def blow_up() -> Problem:
    """u' = u², u(0) = 1 on (0, 2): u = 1/(1 − t) has no continuation past t = 1."""
    domain = Box(t=(0, 2))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t) - u**2, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
        },
        name="blow_up",
    )


def one_condition(both: bool = False) -> Problem:
    """u'' = −u on (0, 3), u(0) = 1, without u'(0) = 0.

    Args:
        both: the well-posed twin, u = cos x.
    """
    domain = Box(x=(0, 3))
    constraints = {
        "equation": Constraint(lambda u, x: d(u, x, x) + u, on=domain),
        "start": Constraint(lambda u: u - 1, on=domain.face(x=0)),
    }
    if both:
        constraints["slope"] = Constraint(lambda u, x: d(u, x), on=domain.face(x=0))
    reference = Analytic(lambda x: torch.cos(x)) if both else None
    return Problem(domain, ["u"], constraints, reference=reference, name="two_conditions" if both else "one_condition")


def lost_heat(missing: str = "") -> Problem:
    """u_t = 0.1 u_xx on (0, 1)², u = 0 at the walls, sin πx at first; u = e^{−0.1π²t} sin πx.

    Args:
        missing: a condition that is left out, "left", "right" or "start"; none for the well-posed twin.
    """
    domain = Box(x=(0, 1), t=(0, 1))
    constraints = {
        "equation": Constraint(lambda u, x, t: d(u, t) - 0.1 * d(u, x, x), on=domain),
        "left": Constraint(lambda u: u, on=domain.face(x=0)),
        "right": Constraint(lambda u: u, on=domain.face(x=1)),
        "start": Constraint(lambda u, x: u - torch.sin(math.pi * x), on=domain.face(t=0)),
    }
    if missing:
        del constraints[missing]
    exact = Analytic(lambda x, t: torch.exp(-0.1 * math.pi**2 * t) * torch.sin(math.pi * x))
    name = f"heat_without_{missing}" if missing else "heat_with_all"
    return Problem(domain, ["u"], constraints, reference=None if missing else exact, name=name)


def unused_output() -> Problem:
    """u' = −u, u(0) = 1, and a second output v that no constraint uses."""
    domain = Box(x=(0, 1))
    return Problem(
        domain,
        outputs=["u", "v"],
        constraints={
            "equation": Constraint(lambda u, x: d(u, x) + u, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(x=0)),
        },
        name="unused_output",
    )


def _observed_decay(unit: float = 1.0, name: str = "seen") -> Scatter:
    t = np.linspace(0.1, 1, 10)
    return Scatter({"t": unit * t}, values={name: np.exp(-0.7 * t)})


def unused_unknown() -> Problem:
    """u' = −0.7 u, u(0) = 1, with data, and an unknown k that nothing uses."""
    domain = Box(t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t) + 0.7 * u, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
            "data": Constraint(lambda u, seen: u - seen, on=_observed_decay()),
        },
        coefficients={"k": Unknown(1.3)},
        name="unused_unknown",
    )


def product_of_unknowns() -> Problem:
    """u' = −ab u, u(0) = 1, with data: ab = 0.7 is seen, a and b are not."""
    domain = Box(t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t, a, b: d(u, t) + a * b * u, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
            "data": Constraint(lambda u, seen: u - seen, on=_observed_decay()),
        },
        coefficients={"a": Unknown(1.0, positive=True), "b": Unknown(1.0, positive=True)},
        name="product_of_unknowns",
    )


def misplaced_data() -> Problem:
    """u' = −k u on (0, 1), u(0) = 1, with data at t = 100 … 1000: milliseconds where the domain has seconds."""
    domain = Box(t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t, k: d(u, t) + k * u, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
            "data": Constraint(lambda u, seen: u - seen, on=_observed_decay(1000.0)),
        },
        coefficients={"k": Unknown(1.0, positive=True)},
        exact_coefficients={"k": 0.7},
        name="misplaced_data",
    )


def hidden_name() -> Problem:
    """u' = −k u, u(0) = 1, with an observed column called u, which the output of that name hides, or is hidden by."""
    domain = Box(t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t, k: d(u, t) + k * u, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
            "data": Constraint(lambda u: u - torch.exp(torch.full_like(u, -0.7)), on=_observed_decay(1.0, "u")),
        },
        coefficients={"k": Unknown(1.0, positive=True)},
        name="hidden_name",
    )


def tiny_equation() -> Problem:
    """1e-200 (u_t + u) = 0, u(0) = 1: the equation as it should be, times a number whose square is no number."""
    domain = Box(t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: (d(u, t) + u) * 1e-200, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
        },
        reference=Analytic(lambda t: torch.exp(-t)),
        name="tiny_equation",
    )


def no_number() -> Problem:
    """u' = −0.2 − √(u − 0.5), u(0) = 1 on (0, 4): u = 0.5 is soon reached, where the root ends."""
    domain = Box(t=(0, 4))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t) + 0.2 + torch.sqrt(u - 0.5), on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
        },
        name="no_number",
    )


def wrong_reference(kind: str = "sign") -> Problem:
    """u' = −u, u(0) = 1, with a reference that is wrong.

    Args:
        kind: "sign", −e^{−t}; "nan", no number at all; "none", the true e^{−t}.
    """
    domain = Box(t=(0, 1))
    references = {
        "sign": lambda t: -np.exp(-np.asarray(t)),
        "nan": lambda t: np.full_like(np.asarray(t, dtype=np.float64), np.nan),
        "none": lambda t: np.exp(-np.asarray(t)),
    }
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t) + u, on=domain),
            "start": Constraint(lambda u: u - 1, on=domain.face(t=0)),
        },
        reference=references[kind],
        name=f"reference_{kind}",
    )
