"""Schrödinger's equation, by manufactured solutions from the complex equation."""

import pytest
import sympy as sp

from pinn.derivatives import spherical
from pinn.equations import schroedinger, schroedinger_stationary

x, y, t, r = sp.symbols("x y t r", real=True)
g, E, hbar, m = sp.symbols("g E hbar m", real=True)
A, B = sp.cos(x + y) * sp.exp(-t), sp.sin(x * y) + t * x


def complex_rows(a, b, v, g, hbar, m, laplacian):
    """Real and imaginary part of i ħ ψ_t + (ħ²/2m) Δψ − (V + g |ψ|²) ψ."""
    psi = a + sp.I * b
    row = sp.I * hbar * sp.diff(psi, t) + hbar**2 / (2 * m) * laplacian(psi) - (v + g * psi * sp.conjugate(psi)) * psi
    parts = sp.expand(row).as_real_imag()
    # The coordinates of the check are plain symbols.
    return [part.subs({one: sp.Symbol(str(one)) for one in part.free_symbols}) for part in parts]


def test_in_time(manufactured):
    def laplacian(u):
        return sp.diff(u, x, 2) + sp.diff(u, y, 2)

    fields = {
        name: part.subs({one: sp.Symbol(str(one)) for one in (x, y, t)})
        for name, part in zip("ab", (A, B), strict=True)
    }
    rows = complex_rows(A, B, x**2 + y, g, hbar, m, laplacian)
    full = schroedinger(
        ("x", "y"), wave=("a", "b"), potential=lambda x, y: x**2 + y, coupling="g", hbar="hbar", mass="m"
    )
    manufactured(full, "x y t", fields, rows, g=-1.2, hbar=0.7, m=1.5)
    linear = complex_rows(A, B, 0, 0, 1, 1, laplacian)
    manufactured(schroedinger(("x", "y"), wave=("a", "b")), "x y t", fields, linear)


def test_a_soliton_solves_the_cubic_equation(manufactured):
    """i ψ_t + ½ ψ_xx + |ψ|² ψ = 0 with ψ = e^{it/2} / cosh x; one more term, ψ, so that there is something to see."""
    sech = 1 / sp.cosh(sp.Symbol("x"))
    re, im = sech * sp.cos(sp.Symbol("t") / 2), sech * sp.sin(sp.Symbol("t") / 2)
    manufactured(schroedinger("x", coupling=-1.0, potential=-1.0), "x t", {"re": re, "im": im}, [re, im])


def test_of_one_energy(manufactured):
    x, r, E = sp.symbols("x r E")
    psi = x * sp.exp(-(x**2))
    row = -sp.Rational(1, 2) * sp.diff(psi, x, 2) + (x**2 / 2 - E) * psi
    manufactured(schroedinger_stationary("x", potential=lambda x: x**2 / 2), "x", {"psi": psi}, [row], E=1.1)
    # The ground state of hydrogen has E = −½; at another energy what is left is the difference.
    hydrogen = schroedinger_stationary(("r", None, None), potential=lambda r: -1 / r, frame=spherical)
    manufactured(hydrogen, "r", {"psi": sp.exp(-r)}, [(-sp.Rational(1, 2) - E) * sp.exp(-r)], E=0.5)


def test_a_wave_has_two_parts():
    with pytest.raises(ValueError, match="schroedinger: got 1 parts of wave, expected 2"):
        schroedinger("x", wave="psi")
