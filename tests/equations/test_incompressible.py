"""Navier-Stokes and Stokes by manufactured solutions, and the streamfunction by the curl of the first."""

import sympy as sp

from pinn.derivatives import cylindrical
from pinn.equations import navier_stokes, stokes, streamfunction

x, y, z, t, rho, mu, nu = sp.symbols("x y z t rho mu nu")
XS = (x, y, z)
# Fields without divergence: curls.
A = (sp.sin(y * z) * sp.exp(-t), sp.cos(x + z), x * y**2 * t)
V3 = (
    sp.diff(A[2], y) - sp.diff(A[1], z),
    sp.diff(A[0], z) - sp.diff(A[2], x),
    sp.diff(A[1], x) - sp.diff(A[0], y),
)
PSI = sp.sin(x) * sp.cos(2 * y) * sp.exp(-t) + x**2 * y**3 / 4
V2 = (sp.diff(PSI, y), -sp.diff(PSI, x))
P = sp.cos(x - y) + x * y * t


def momentum(v, p, xs, rho, mu, inertia=True):
    """ρ (v_t + ∇·(v v)) + ∇p − ∇·τ by index, with τ = μ (∇v + ∇vᵀ): another form where ∇·v = 0."""
    size = range(len(xs))
    found = []
    for i in size:
        stress = [mu * (sp.diff(v[i], xs[j]) + sp.diff(v[j], xs[i])) for j in size]
        row = sp.diff(p, xs[i]) - sum(sp.diff(stress[j], xs[j]) for j in size)
        if inertia:
            row += rho * (sp.diff(v[i], t) + sum(sp.diff(v[i] * v[j], xs[j]) for j in size))
        found.append(row)
    return found


def test_navier_stokes_in_the_plane(manufactured):
    fields = {"u": V2[0], "v": V2[1], "p": P}
    manufactured(navier_stokes(("x", "y")), "x y t", fields, [*momentum(V2, P, XS[:2], rho, mu), 0], rho=1.2, mu=0.3)
    steady = {name: sp.sympify(field).subs(t, 1) for name, field in fields.items()}
    v, p = (steady["u"], steady["v"]), steady["p"]
    first, second = momentum(v, p, XS[:2], 1, sp.Rational(1, 100))
    pushed = navier_stokes(
        ("x", "y"), time=None, density=1.0, viscosity=0.01, force=(lambda x: x, 0.0), velocity=("a", "b"), pressure="q"
    )
    manufactured(pushed, "x y", {"a": v[0], "b": v[1], "q": p}, [first - x, second, 0])


def test_navier_stokes_in_space(manufactured):
    fields = {"u": V3[0], "v": V3[1], "w": V3[2], "p": P}
    rows = [*momentum(V3, P, XS, rho, mu), 0]
    manufactured(navier_stokes(("x", "y", "z")), "x y z t", fields, rows, rho=0.8, mu=0.5)


def test_a_viscosity_that_varies(manufactured):
    fields = {"u": V2[0], "v": V2[1], "p": P, "m": 1 + x * y}
    rows = [*momentum(V2, P, XS[:2], rho, 1 + x * y), 0]
    manufactured(navier_stokes(("x", "y"), viscosity="m"), "x y t", fields, rows, rho=1.2)


def test_what_has_a_divergence_shows_it(manufactured):
    v = (x**2 * y, x * y)
    carried = [sum(b * sp.diff(a, one) for b, one in zip(v, (x, y), strict=True)) for a in v]
    rows = [a - sp.diff(b, x, x) - sp.diff(b, y, y) for a, b in zip(carried, v, strict=True)]
    still = navier_stokes(("x", "y"), time=None, density=1.0, viscosity=1.0)
    manufactured(still, "x y", {"u": v[0], "v": v[1], "p": 1 + 0 * x}, [*rows, 2 * x * y + x])


def test_stokes(manufactured):
    v, p = [one.subs(t, 1) for one in V3], P.subs(t, 1)
    fields = {"u": v[0], "v": v[1], "w": v[2], "p": p}
    manufactured(stokes(("x", "y", "z")), "x y z", fields, [*momentum(v, p, XS, 0, mu, inertia=False), 0], mu=0.7)


def test_the_streamfunction_is_the_curl_of_the_momentum(manufactured):
    first, second = momentum(V2, P, (x, y), 1, nu)
    row = sp.diff(second, x) - sp.diff(first, y)
    manufactured(streamfunction(), "x y t", {"psi": PSI}, [row], nu=0.3)
    psi = PSI.subs(t, 1)
    forced = streamfunction(time=None, viscosity=0.5, source=lambda x: x, output="s")
    manufactured(forced, "x y", {"s": psi}, [row.subs(nu, sp.Rational(1, 2)).subs(t, 1) - _rate() - x])


def _rate():
    """What the time adds to the row above, at t = 1."""
    return sp.diff(sp.diff(V2[1], x) - sp.diff(V2[0], y), t).subs(t, 1)


def test_streamfunction_and_vorticity(manufactured):
    omega = sp.exp(-x * y) + t * x
    carried = sp.diff(omega, t) + V2[0] * sp.diff(omega, x) + V2[1] * sp.diff(omega, y)
    lap = [sp.diff(one, x, 2) + sp.diff(one, y, 2) for one in (omega, PSI)]
    rows = [carried - nu * lap[0], lap[1] + omega]
    manufactured(streamfunction(vorticity="omega"), "x y t", {"psi": PSI, "omega": omega}, rows, nu=0.1)


r = sp.Symbol("r")
SWIRL = (r**2 * sp.sin(z) * sp.exp(-t), r * sp.cos(z) + t, sp.exp(-r) * z)
HEAD = sp.cos(r * z) + t


def around_an_axis(v, p, rho, mu):
    """The momentum balances of an axisymmetric flow and its continuity; Batchelor, appendix 2."""
    u, w, a = v

    def laplacian(f):
        return sp.diff(f, r, 2) + sp.diff(f, r) / r + sp.diff(f, z, 2)

    def follow(f):
        return sp.diff(f, t) + u * sp.diff(f, r) + a * sp.diff(f, z)

    return [
        rho * (follow(u) - w**2 / r) + sp.diff(p, r) - mu * (laplacian(u) - u / r**2),
        rho * (follow(w) + u * w / r) - mu * (laplacian(w) - w / r**2),
        rho * follow(a) + sp.diff(p, z) - mu * laplacian(a),
        sp.diff(r * u, r) / r + sp.diff(a, z),
    ]


def test_flow_around_an_axis(manufactured):
    fields = {"u": SWIRL[0], "v": SWIRL[1], "w": SWIRL[2], "p": HEAD}
    rows = around_an_axis(SWIRL, HEAD, rho, mu)
    manufactured(navier_stokes(("r", None, "z"), frame=cylindrical), "r z t", fields, rows, rho=1.2, mu=0.3)
    rows = around_an_axis((SWIRL[0], 0, SWIRL[2]), HEAD, rho, mu)
    pipe = navier_stokes(("r", None, "z"), velocity=("a", None, "b"), frame=cylindrical)
    fields = {"a": SWIRL[0], "b": SWIRL[2], "p": HEAD}
    manufactured(pipe, "r z t", fields, [rows[0], rows[2], rows[3]], rho=1.2, mu=0.3)


def test_creeping_flow_of_a_viscosity_that_varies_around_an_axis(manufactured):
    """The stress of a flow without divergence, u = −ψ_z / r and w = ψ_r / r; its divergence as Batchelor has it."""
    psi = r**3 * sp.sin(z)
    u, w, m, p = -sp.diff(psi, z) / r, sp.diff(psi, r) / r, 1 + r * z, HEAD.subs(t, 1)
    rr, zz, pp = 2 * m * sp.diff(u, r), 2 * m * sp.diff(w, z), 2 * m * u / r
    rz = m * (sp.diff(u, z) + sp.diff(w, r))
    rows = [
        sp.diff(p, r) - (sp.diff(r * rr, r) / r + sp.diff(rz, z) - pp / r),
        sp.diff(p, z) - (sp.diff(r * rz, r) / r + sp.diff(zz, z)),
        0,
    ]
    paste = stokes(("r", None, "z"), velocity=("u", None, "w"), viscosity=lambda r, z: 1 + r * z, frame=cylindrical)
    manufactured(paste, "r z", {"u": u, "w": w, "p": p}, rows)


def test_a_viscosity_of_one_coordinate(manufactured):
    fields = {"u": V2[0], "v": V2[1], "p": P}
    rows = [*momentum(V2, P, XS[:2], rho, sp.exp(y)), 0]
    warm = navier_stokes(("x", "y"), viscosity=lambda y: y.exp())
    manufactured(warm, "x y t", fields, rows, rho=1.2)
