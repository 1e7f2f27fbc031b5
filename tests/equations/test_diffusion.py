"""Poisson's equation, heat, and transport, by manufactured solutions."""

import pytest
import sympy as sp
import torch

from pinn.derivatives import cylindrical, polar, spherical
from pinn.equations import advection_diffusion, heat, poisson

x, y, z, t, r, a, k, c = sp.symbols("x y z t r a k c")
U = sp.sin(x + 2 * y) * sp.exp(-t) + x * y**2 * t
K = 1 + x * y / 2 + x**2


def laplacian(u, *xs):
    return sum(sp.diff(u, one, 2) for one in xs)


def conduction(k, u, *xs):
    """∇·(k ∇u) by the product rule."""
    return k * laplacian(u, *xs) + sum(sp.diff(k, one) * sp.diff(u, one) for one in xs)


def test_poisson(manufactured):
    u = U.subs(t, 1)
    manufactured(poisson(("x", "y")), "x y", {"u": u}, [-laplacian(u, x, y)])
    manufactured(poisson(("x", "y"), diffusivity="k"), "x y", {"u": u}, [-k * laplacian(u, x, y)], k=0.7)
    varying = poisson(("x", "y"), diffusivity=lambda x, y: 1 + x * y / 2 + x**2, source=lambda y: y**2)
    manufactured(varying, "x y", {"u": u}, [-conduction(K, u, x, y) - y**2])
    manufactured(poisson("x", output="phi"), "x", {"phi": sp.sin(3 * x)}, [9 * sp.sin(3 * x)])


def test_heat(manufactured):
    manufactured(heat(("x", "y")), "x y t", {"u": U}, [sp.diff(U, t) - k * laplacian(U, x, y)], k=0.3)
    body = heat(("x", "y"), output="T", diffusivity="K", capacity="c", source=lambda T, x: x * T**2)
    row = c * sp.diff(U, t) - conduction(K, U, x, y) - x * U**2
    manufactured(body, "x y t", {"T": U, "K": K}, [row], c=2.5)
    u = U.subs(t, z)
    steady = heat(["x", "y", "z"], time=None, diffusivity=0.5)
    manufactured(steady, "x y z", {"u": u}, [-laplacian(u, x, y, z) / 2])


def test_heat_with_a_diffusivity_of_the_temperature(manufactured):
    row = sp.diff(U, t) - U * laplacian(U, x, y) - sp.diff(U, x) ** 2 - sp.diff(U, y) ** 2
    manufactured(heat(("x", "y"), diffusivity="u"), "x y t", {"u": U}, [row])


def test_heat_in_other_coordinates(manufactured):
    u = r**2 * sp.cos(a) * sp.exp(-t) + r
    along = sp.diff(r * sp.diff(u, r), r) / r
    row = sp.diff(u, t) - k * (along + sp.diff(u, a, 2) / r**2)
    manufactured(heat(("r", "a"), frame=polar), "r a t", {"u": u}, [row], k=0.3)
    u = r**2 * sp.sin(z) * sp.exp(-t)
    row = sp.diff(u, t) - (sp.diff(r * z * sp.diff(u, r), r) / r + sp.diff(z * sp.diff(u, z), z))
    around = heat(("r", None, "z"), diffusivity=lambda z: z, frame=cylindrical)
    manufactured(around, "r z t", {"u": u}, [row])
    u = sp.sin(2 * r) * sp.exp(-t)
    row = sp.diff(u, t) - sp.diff(r**2 * sp.diff(u, r), r) / r**2
    particle = heat(("r", None, None), diffusivity=1.0, frame=spherical)
    manufactured(particle, "r t", {"u": u}, [row])


def test_advection_diffusion(manufactured):
    carried = advection_diffusion(("x", "y"), velocity=("b", lambda x, y: x * y), source="f")
    row = sp.diff(U, t) + 1.5 * sp.diff(U, x) + x * y * sp.diff(U, y) - k * laplacian(U, x, y) - y
    manufactured(carried, "x y t", {"u": U, "f": y}, [row], k=0.2, b=1.5)
    conservative = advection_diffusion(
        ("x", "y"), velocity=(1.5, lambda x, y: x * y), diffusivity=0.0, conservative=True, time=None
    )
    u = U.subs(t, 1)
    manufactured(conservative, "x y", {"u": u}, [sp.diff(1.5 * u, x) + sp.diff(x * y * u, y)])
    manufactured(
        advection_diffusion("x", velocity="c", diffusivity=0.0),
        "x t",
        {"u": U.subs(y, 1)},
        [(sp.diff(U, t) + c * sp.diff(U, x)).subs(y, 1)],
        c=3.0,
    )


def test_what_carries_itself_along_is_burgers_equation(manufactured):
    u = U.subs(y, 1)
    row = sp.diff(u, t) + u * sp.diff(u, x) - k * sp.diff(u, x, 2)
    manufactured(advection_diffusion("x", velocity="u"), "x t", {"u": u}, [row], k=0.1)


def test_a_velocity_of_other_components_is_refused():
    message = "advection_diffusion: got 1 components of velocity and 2 coordinates, expected one for each"
    with pytest.raises(ValueError, match=message):
        advection_diffusion(("x", "y"), velocity=torch.sin)
