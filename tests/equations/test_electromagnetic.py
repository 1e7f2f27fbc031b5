"""Maxwell's equations, by manufactured solutions through SymPy's own curl; the plane as a part of space."""

import pytest
import sympy as sp
from sympy.vector import CoordSys3D
from sympy.vector import curl as vector_curl
from sympy.vector import divergence as vector_divergence

from pinn.equations import maxwell, maxwell_te, maxwell_tm

x, y, z, t, epsilon, mu = sp.symbols("x y z t epsilon mu")
SPACE = CoordSys3D("N")
TO = {x: SPACE.x, y: SPACE.y, z: SPACE.z}
E = (sp.sin(x + y) * sp.exp(-t), sp.cos(y * z) * t, x * y * z + sp.sin(t))
H = (sp.cos(x - z) * t, x**2 * y + z * t, sp.exp(-x * y) + t**2)
J = (x, y * z, 0)
NUMBERS = {"epsilon": 1.4, "mu": 0.8}


def vector(v):
    i, j, k = (sp.sympify(one).subs(TO) for one in v)
    return i * SPACE.i + j * SPACE.j + k * SPACE.k


def back(expression):
    return sp.sympify(expression).subs({new: old for old, new in TO.items()})


def laws(e, h, eps, mu, sigma, j, charge):
    """The eight rows."""
    turned_h, turned_e = vector_curl(vector(h)), vector_curl(vector(e))
    units = (SPACE.i, SPACE.j, SPACE.k)
    ampere = [
        eps * sp.diff(a, t) - back(turned_h.dot(unit)) + sigma * a + b for a, unit, b in zip(e, units, j, strict=True)
    ]
    faraday = [mu * sp.diff(a, t) + back(turned_e.dot(unit)) for a, unit in zip(h, units, strict=True)]
    gauss = back(vector_divergence(vector([eps * a for a in e]))) - charge
    return [*ampere, *faraday, gauss, back(vector_divergence(vector([mu * a for a in h])))]


def named(**groups):
    return {f"{letter}{axis}": one for letter, field in groups.items() for axis, one in zip("xyz", field, strict=True)}


def test_space(manufactured):
    rows = laws(E, H, epsilon, mu, 0, (0, 0, 0), 0)
    manufactured(maxwell(), "x y z t", named(E=E, H=H), rows, **NUMBERS)


def test_a_medium_that_varies_with_currents_and_charges(manufactured):
    rows = laws(E, H, 1 + x * y, 2 + z, y, J, x * z)
    medium = maxwell(
        permittivity=lambda x, y: 1 + x * y,
        permeability=lambda z: 2 + z,
        conductivity=lambda y: y,
        current=(lambda x: x, lambda y, z: y * z, 0.0),
        charge=lambda x, z: x * z,
    )
    manufactured(medium, "x y z t", named(E=E, H=H), rows)


def test_the_plane_with_the_magnetic_field_in_it(manufactured):
    e, h = (0, 0, (E[2] * sp.cos(x)).subs(z, 1)), (H[0].subs(z, 1), H[1].subs(z, 1), 0)
    rows = laws(e, h, epsilon, 1 + x * y, 3, (0, 0, y), 0)
    plane = maxwell_tm(permeability=lambda x, y: 1 + x * y, conductivity=3.0, current=lambda y: y)
    fields = {"Ez": e[2], "Hx": h[0], "Hy": h[1]}
    manufactured(plane, "x y t", fields, [rows[2], rows[3], rows[4], rows[7]], epsilon=1.4)


def test_the_plane_with_the_electric_field_in_it(manufactured):
    e, h = (E[0].subs(z, 1), E[1].subs(z, 1), 0), (0, 0, H[2])
    rows = laws(e, h, 1 + x, mu, 3, (x, 0, 0), x * y)
    plane = maxwell_te(
        permittivity=lambda x: 1 + x, conductivity=3.0, current=(lambda x: x, 0.0), charge=lambda x, y: x * y
    )
    fields = {"Ex": e[0], "Ey": e[1], "Hz": h[2]}
    manufactured(plane, "x y t", fields, [rows[0], rows[1], rows[5], rows[6]], mu=0.8)


def test_numbers_of_components():
    with pytest.raises(ValueError, match="maxwell: got 2 coordinates, expected 3"):
        maxwell(("x", "y"))
    with pytest.raises(ValueError, match="maxwell_tm: got 3 components of magnetic, expected 2"):
        maxwell_tm(magnetic=("Hx", "Hy", "Hz"))
