"""Cahn-Hilliard and Allen-Cahn, by manufactured solutions from the free energy."""

import sympy as sp

from pinn.equations import allen_cahn, cahn_hilliard

x, y, t, M, kappa = sp.symbols("x y t M kappa")
C = sp.sin(x + 2 * y) * sp.exp(-t) / 2 + x * y / 3


def laplacian(u):
    return sp.diff(u, x, 2) + sp.diff(u, y, 2)


def slope(c):
    """Of ¼ (c² − 1)²."""
    s = sp.Symbol("s")
    return sp.diff((s**2 - 1) ** 2 / 4, s).subs(s, c)


POTENTIAL = slope(C) - kappa * laplacian(C)


def flow(m, w):
    return sp.diff(m * sp.diff(w, x), x) + sp.diff(m * sp.diff(w, y), y)


def test_cahn_hilliard_of_one_output(manufactured):
    row = sp.diff(C, t) - M * laplacian(POTENTIAL)
    manufactured(cahn_hilliard(("x", "y")), "x y t", {"c": C}, [row], M=0.6, kappa=0.3)
    row = sp.diff(C, t) - flow(1 + C**2, POTENTIAL)
    manufactured(cahn_hilliard(("x", "y"), mobility=lambda c: 1 + c**2), "x y t", {"c": C}, [row], kappa=0.3)


def test_cahn_hilliard_of_two_outputs(manufactured):
    w = sp.cos(x * y) + t * x
    rows = [sp.diff(C, t) - flow(1 - C**2, w), w - 2 * C + kappa * laplacian(C)]
    mixed = cahn_hilliard(("x", "y"), potential="w", mobility=lambda c: 1 - c**2, slope=lambda c: 2 * c)
    manufactured(mixed, "x y t", {"c": C, "w": w}, rows, kappa=0.3)


def test_allen_cahn(manufactured):
    row = sp.diff(C, t) + M * (slope(C) - kappa * laplacian(C))
    manufactured(allen_cahn(("x", "y"), mobility="M"), "x y t", {"u": C}, [row], M=5.0, kappa=0.02)
    c = C.subs(t, 1)
    steady = allen_cahn(("x", "y"), time=None, gradient=0.5, output="c")
    manufactured(steady, "x y", {"c": c}, [slope(c) - laplacian(c) / 2])
