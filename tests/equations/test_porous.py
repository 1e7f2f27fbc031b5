"""Darcy's law, by manufactured solutions."""

import pytest
import sympy as sp

from pinn.equations import darcy

x, y, t, K, mu, s = sp.symbols("x y t K mu s")
P = sp.sin(x + 2 * y) * sp.exp(-t) + x * y


def test_pressure_alone(manufactured):
    p = P.subs(t, 1)
    manufactured(darcy(("x", "y")), "x y", {"p": p}, [-K * (sp.diff(p, x, 2) + sp.diff(p, y, 2))], K=0.6)
    k = 1 + x**2 * y
    row = s * sp.diff(P, t) - sp.diff(k / mu * sp.diff(P, x), x) - sp.diff(k / mu * (sp.diff(P, y) + 9 * y), y) - x
    stored = darcy(("x", "y"), time="t", viscosity="mu", storage="s", source=lambda x: x, force=(0.0, lambda y: -9 * y))
    manufactured(stored, "x y t", {"p": P, "K": k}, [row], mu=1.7, s=0.2)


def test_layers_conduct_better_along_than_across(manufactured):
    p = P.subs(t, 1)
    row = -3 * sp.diff(p, x, 2) - sp.diff((1 + y) * sp.diff(p, y), y)
    manufactured(darcy(("x", "y"), permeability=(3.0, lambda y: 1 + y)), "x y", {"p": p}, [row])


def test_flux_and_pressure(manufactured):
    q = (sp.cos(x) * y, x * y**2 * t)
    rows = [q[0] + K * sp.diff(P, x), q[1] + K * sp.diff(P, y), s * sp.diff(P, t) + sp.diff(q[0], x) + sp.diff(q[1], y)]
    mixed = darcy(("x", "y"), time="t", flux=("qx", "qy"), storage="s")
    manufactured(mixed, "x y t", {"p": P, "qx": q[0], "qy": q[1]}, rows, K=0.6, s=0.2)


def test_numbers_of_components():
    with pytest.raises(ValueError, match="darcy: got 1 components of flux and 2 coordinates"):
        darcy(("x", "y"), flux="q")
    with pytest.raises(ValueError, match="darcy: got 3 components of permeability and 2 coordinates"):
        darcy(("x", "y"), permeability=("a", "b", "c"))
