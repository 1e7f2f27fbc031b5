"""Euler's equations and shallow water, by manufactured solutions in the forms that are not conservative."""

import pytest
import sympy as sp

from pinn.equations import euler, shallow_water

x, y, z, t, g, gamma = sp.symbols("x y z t g gamma")
RHO = 2 + sp.sin(x + y) * sp.exp(-t)
P = 1 + x * y + t**2
V = (sp.cos(x * y) + t, x - y**2 * t, sp.sin(z) + x)
H = 1 + x * y / 2 + sp.exp(-x) * t


def follow(u, v, xs):
    """u_t + v · ∇u."""
    return sp.diff(u, t) + sum(a * sp.diff(u, one) for a, one in zip(v, xs, strict=True))


def gas(rho, v, p, xs, gamma, f):
    """The three balances made of the primitive ones: D for what moves along,
    mass = Dρ + ρ ∇·v,   momentum = ρ Dv + ∇p − ρ f + v mass,
    energy = (Dp + γ p ∇·v)/(γ − 1) + v·(ρ Dv + ∇p − ρ f) + ½ |v|² mass."""
    opening = sum(sp.diff(a, one) for a, one in zip(v, xs, strict=True))
    mass = follow(rho, v, xs) + rho * opening
    push = [rho * follow(a, v, xs) + sp.diff(p, one) - rho * b for a, one, b in zip(v, xs, f, strict=True)]
    momentum = [a + b * mass for a, b in zip(push, v, strict=True)]
    inner = (follow(p, v, xs) + gamma * p * opening) / (gamma - 1)
    work = sum(a * b for a, b in zip(v, push, strict=True))
    return [mass, *momentum, inner + work + sum(a * a for a in v) / 2 * mass]


def test_a_gas_in_a_tube(manufactured):
    rho, u, p = (one.subs(y, 1) for one in (RHO, V[0], P))
    rows = gas(rho, (u,), p, (x,), sp.Rational(7, 5), (0,))
    manufactured(euler("x"), "x t", {"rho": rho, "u": u, "p": p}, rows)


def test_a_gas_in_space(manufactured):
    fields = {"rho": RHO, "u": V[0], "v": V[1], "w": V[2], "p": P}
    rows = gas(RHO, V, P, (x, y, z), gamma, (0, -g, x))
    heavy = euler(("x", "y", "z"), ratio="gamma", force=(0.0, lambda g: -g, lambda x: x))
    manufactured(heavy, "x y z t", fields, rows, gamma=1.3, g=0.5)


def test_steady_gas(manufactured):
    rho, u, v, p = (one.subs(t, 1) for one in (RHO, *V[:2], P))
    manufactured(
        euler(("x", "y"), time=None),
        "x y",
        {"rho": rho, "u": u, "v": v, "p": p},
        gas(rho, (u, v), p, (x, y), sp.Rational(7, 5), (0, 0)),
    )


def water(h, v, xs, g, bed, aside, push):
    """Momentum as h Dv + g h ∇(h + b) − s + v mass."""
    mass = sp.diff(h, t) + sum(sp.diff(h * a, one) for a, one in zip(v, xs, strict=True))
    return [mass] + [
        h * follow(a, v, xs) + g * h * sp.diff(h + bed, one) + h * b - c + a * mass
        for a, one, b, c in zip(v, xs, aside, push, strict=True)
    ]


def test_a_channel(manufactured):
    h, u = H.subs(y, 1), V[0].subs(y, 1)
    manufactured(
        shallow_water("x", gravity="g"), "x t", {"h": h, "u": u}, water(h, (u,), (x,), g, 0, (0,), (0,)), g=9.81
    )


def test_a_lake_on_the_turning_earth(manufactured):
    u, v = V[:2]
    rows = water(H, (u, v), (x, y), 2, sp.sin(x), (-y * v, y * u), (-H * u / 10, 0))
    lake = shallow_water(
        ("x", "y"),
        gravity=2.0,
        bed=lambda x: x.sin(),
        coriolis=lambda y: y,
        force=(lambda h, u: -0.1 * h * u, 0.0),
    )
    manufactured(lake, "x y t", {"h": H, "u": u, "v": v}, rows)


def test_a_turning_channel_is_refused():
    with pytest.raises(ValueError, match="shallow_water: got coriolis='f' and 1 coordinate, expected 2"):
        shallow_water("x", coriolis="f")
