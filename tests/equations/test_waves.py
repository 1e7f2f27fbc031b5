"""The wave equation and Helmholtz's, by manufactured solutions."""

import sympy as sp

from pinn.derivatives import polar
from pinn.equations import helmholtz, wave

x, y, t, r, c, k, b = sp.symbols("x y t r c k b")
U = sp.sin(x + 2 * y) * sp.cos(3 * t) + x**2 * y * t**2


def test_wave(manufactured):
    lap = sp.diff(U, x, x) + sp.diff(U, y, y)
    manufactured(wave(("x", "y")), "x y t", {"u": U}, [sp.diff(U, t, t) - c**2 * lap], c=1.3)
    damped = wave(("x", "y"), output="p", speed=lambda y: 1 + y, damping="b", source=lambda x, t: x * t)
    row = sp.diff(U, t, t) + b * sp.diff(U, t) - (1 + y) ** 2 * lap - x * t
    manufactured(damped, "x y t", {"p": U}, [row], b=0.4)


def test_a_drum(manufactured):
    u = sp.exp(-r) * sp.cos(t)
    row = sp.diff(u, t, t) - 4 * (sp.diff(u, r, r) + sp.diff(u, r) / r)
    manufactured(wave(("r", None), frame=polar, speed=2.0), "r t", {"u": u}, [row])


def test_helmholtz(manufactured):
    u = U.subs(t, 1)
    lap = sp.diff(u, x, x) + sp.diff(u, y, y)
    manufactured(helmholtz(("x", "y")), "x y", {"u": u}, [lap + k**2 * u], k=2.2)
    layered = helmholtz(("x", "y"), output="re", wavenumber=lambda x: 2 + x, source=lambda y: y)
    manufactured(layered, "x y", {"re": u}, [lap + (2 + x) ** 2 * u - y])
