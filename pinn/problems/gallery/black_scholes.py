"""The price of a European call.

    V_t + ½ σ² S² V_SS + r S V_S − r V = 0 on 0 ≤ S ≤ 200, 0 ≤ t ≤ 1 year;  V = max(S − K, 0) at expiry, t = 1
    V = 0 at S = 0, V as exact at S = 200;  K = 100, σ = 0.2 /√year, r = 0.05 /year

The payoff has a kink, which no smooth network has. What it becomes shortly before expiry is the price under a constant
volatility σK, Bachelier's, (S − K) N(z) + s N'(z) with s = σK √(1 − t) and z = (S − K)/s; the network adds the rest.

Source: Black, Scholes, J. Political Economy 81 (1973) 637, eqs. (7) and (13); Bachelier, Ann. Sci. École Norm. Sup. 17
(1900) 21.
"""

from __future__ import annotations

import math

import torch

from pinn.domains import Box
from pinn.equations import black_scholes as equation
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic

STRIKE, SIGMA, RATE, EXPIRY = 100.0, 0.2, 0.05, 1.0


def black_scholes() -> Problem:
    """A call; prices in a currency, time in years.

    Example:
        >>> round(float(black_scholes().reference(S=100.0, t=0.0)), 6)
        10.450584
    """
    domain = Box(S=(0, 200), t=(0, EXPIRY))
    return Problem(
        domain,
        outputs=["V"],
        constraints={
            "equation": Constraint(equation(volatility=SIGMA, interest=RATE), on=domain),
            "payoff": Constraint(lambda V, S: V - torch.relu(S - STRIKE), on=domain.face(t=EXPIRY)),
            "worthless": Constraint(lambda V: V, on=domain.face(S=0)),
            "high": Constraint(lambda V, S, t: V - price(S, t), on=domain.face(S=200)),
        },
        ansatz={"V": lambda V, S, t: V + kink(S, t)},
        reference=Analytic(price),
        name="gallery_black_scholes",
        labels={"S": "price of the asset", "t": "time / year", "V": "price of the call"},
    )


def price(S, t):
    """V, exact: S N(d₁) − K e^{−rτ} N(d₂)."""
    left = torch.clamp(EXPIRY - t, min=1e-300)
    spread = SIGMA * torch.sqrt(left)
    first = (torch.log(torch.clamp(S, min=1e-300) / STRIKE) + (RATE + SIGMA**2 / 2) * left) / spread
    return S * _normal(first) - STRIKE * torch.exp(-RATE * left) * _normal(first - spread)


def kink(S, t):
    """Bachelier's price, which is the payoff at expiry."""
    s = SIGMA * STRIKE * torch.sqrt(torch.clamp(EXPIRY - t, min=1e-300))
    z = (S - STRIKE) / s
    return (S - STRIKE) * _normal(z) + s * torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _normal(z):
    return 0.5 * torch.erfc(-z / math.sqrt(2))
