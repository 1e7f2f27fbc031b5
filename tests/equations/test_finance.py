"""Black and Scholes: a manufactured solution, their formula as an exact one, and a short solve."""

import math
from functools import partial

import sympy as sp
import torch

from pinn import Box, Constraint, Problem, solve
from pinn.binding import bind
from pinn.derivatives import Autograd, Jets
from pinn.equations import black_scholes
from pinn.networks import MLP

S, t, sigma, r, q = sp.symbols("S t sigma r q")


def test_black_scholes(manufactured):
    v = S**3 * sp.exp(-t) + sp.sin(S * t)
    drift = sp.diff(v, t) + sigma**2 * S**2 / 2 * sp.diff(v, S, 2) + (r - q) * S * sp.diff(v, S) - r * v
    manufactured(black_scholes(dividend="q"), "S t", {"V": v}, [drift], sigma=0.4, r=0.1, q=0.03)
    local = drift.subs({sigma: 1 / S, q: 0})
    own = black_scholes(asset="S", output="C", volatility=lambda S: 1 / S)
    manufactured(own, "S t", {"C": v}, [local], r=0.1)


def call(asset, left, strike=1.0, sigma=0.25, r=0.05):
    """The price of a European call, with the time left to expiry; eq. (13) of Black and Scholes."""
    spread = sigma * left**0.5
    first = (torch.log(asset / strike) + (r + sigma**2 / 2) * left) / spread
    normal = [0.5 * (1 + torch.erf(one / math.sqrt(2))) for one in (first, first - spread)]
    return asset * normal[0] - strike * torch.exp(-r * left) * normal[1]


def test_their_formula_solves_their_equation():
    points = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.7
    points[:, 1] -= 0.7
    equation = bind(black_scholes(volatility=0.25, interest=0.05), {})

    def beside_the_price(c, o, k):  # so that there is something to compare
        return [equation(c, o, k)[0] + o["V"]]

    price = call(points[:, 0], 1 - points[:, 1])
    for engine in (Autograd(), Jets(fallback=False)):
        bound = engine.bind(lambda c: {"V": call(c["S"], 1 - c["t"])}, beside_the_price, ("S", "t"))
        torch.testing.assert_close(bound.residual(points).detach()[:, 0], price, rtol=1e-12, atol=1e-12)


def test_a_call_is_priced():
    """To a year backwards from three months before expiry, so that the payoff's kink is no part of it."""
    market = Box(S=(0.4, 2.0), t=(0, 0.75))
    ends = market.face(t=0.75) | market.face(S=0.4) | market.face(S=2.0)
    problem = Problem(
        market,
        ["V"],
        {
            "equation": Constraint(black_scholes(volatility=0.25, interest=0.05), on=market),
            "around": Constraint(lambda V, S, t: V - call(S, 1 - t), on=ends),
        },
        reference=lambda S, t: call(S, 1 - t),
    )
    small = partial(MLP, width=12, depth=2)
    solution = solve(problem, network=small, steps=30, features=None, verify=False, certify=False, progress=False)
    assert solution.error() < 1e-3
