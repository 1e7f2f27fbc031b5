"""Operators in curvilinear coordinates, against the same operators in Cartesian ones, on tensors and on jets."""

import pytest
import torch

from pinn.derivatives import (
    Autograd,
    Jets,
    cartesian,
    curl,
    cylindrical,
    d,
    divergence,
    grad,
    jacobian,
    laplacian,
    polar,
    spherical,
)

SYSTEMS = {"polar": polar, "cylindrical": cylindrical, "spherical": spherical}


def place(name, q):
    """Cartesian coordinates of a point."""
    if name == "spherical":
        r, theta, phi = q
        return (
            r * torch.sin(theta) * torch.cos(phi),
            r * torch.sin(theta) * torch.sin(phi),
            r * torch.cos(theta),
        )
    return q[0] * torch.cos(q[1]), q[0] * torch.sin(q[1]), *q[2:]


def frame(name, q):
    """The unit vectors, in rows, as numbers or fields."""
    if name == "spherical":
        _, theta, phi = q
        st, ct, sp, cp = torch.sin(theta), torch.cos(theta), torch.sin(phi), torch.cos(phi)
        return (st * cp, st * sp, ct), (ct * cp, ct * sp, -st), (-sp, cp, 0.0)
    s, c = torch.sin(q[1]), torch.cos(q[1])
    return ((c, s), (-s, c)) if len(q) == 2 else ((c, s, 0.0), (-s, c, 0.0), (0.0, 0.0, 1.0))


def scalar(xs):
    return torch.sin(xs[0] + 2 * xs[1]) * torch.exp(-0.5 * xs[1]) + xs[0] ** 2 * xs[-1]


def vector(xs):
    """Cartesian components of a vector field, in as many dimensions."""
    x, y, z = (*xs, 0.3)[:3]
    return (x * y + torch.sin(y) + 0.2 * z**2, torch.cos(x - y) + y**2 * z, x**2 + torch.exp(0.3 * y) * z)[: len(xs)]


def turned(rows, components):
    """Components along the unit vectors in rows."""
    return tuple(sum(e * v for e, v in zip(row, components, strict=True)) for row in rows)


def along(name, q):
    """The vector field in the system's own components."""
    return turned(frame(name, q), vector(place(name, q)))


def coordinates(name, n=6):
    generator = torch.Generator().manual_seed(0)
    count = 2 if name == "polar" else 3
    return torch.rand(n, count, dtype=torch.float64, generator=generator) + 0.4


def close(found, expected):
    torch.testing.assert_close(found, expected.expand_as(found), rtol=1e-11, atol=1e-11)


@pytest.fixture(params=SYSTEMS)
def name(request):
    return request.param


@pytest.fixture
def q(name):
    return tuple(column.clone().requires_grad_() for column in coordinates(name).unbind(1))


@pytest.fixture
def xs(name, q):
    """The same points, as Cartesian leaves."""
    return tuple(x.detach().requires_grad_() for x in place(name, q))


def test_gradient_and_laplacian(name, q, xs):
    u, system = scalar(place(name, q)), SYSTEMS[name]
    for found, expected in zip(system.grad(u, *q), turned(frame(name, q), grad(scalar(xs), *xs)), strict=True):
        close(found, expected)
    close(system.laplacian(u, *q), laplacian(scalar(xs), *xs))


def test_divergence_and_curl(name, q, xs):
    v, system = along(name, q), SYSTEMS[name]
    close(system.divergence(v, q), divergence(vector(xs), xs))
    expected = curl(vector(xs), xs)
    if name == "polar":
        close(system.curl(v, q), expected)
    else:
        for found, one in zip(system.curl(v, q), turned(frame(name, q), expected), strict=True):
            close(found, one)


def test_gradient_and_laplacian_of_a_vector(name, q, xs):
    v, system = along(name, q), SYSTEMS[name]
    expected = turned(frame(name, q), [laplacian(component, *xs) for component in vector(xs)])
    for found, one in zip(system.vector_laplacian(v, q), expected, strict=True):
        close(found, one)
    slopes = jacobian(vector(xs), xs)  # ∂v_a/∂x_b
    rows = frame(name, q)
    for i, row in enumerate(system.vector_gradient(v, q)):
        for j, found in enumerate(row):
            size = range(len(xs))
            close(found, sum(rows[i][b] * slopes[a][b] * rows[j][a] for a in size for b in size))


def test_the_laplacian_of_a_vector_is_grad_div_minus_curl_curl(name, q):
    v, system = along(name, q), SYSTEMS[name]
    if name == "polar":
        w = system.curl(v, q)
        along_r, along_phi = system.grad(w, *q)
        twice = (along_phi, -along_r)  # curl of w e_z
    else:
        twice = system.curl(system.curl(v, q), q)
    for found, first, second in zip(
        system.vector_laplacian(v, q), system.grad(system.divergence(v, q), *q), twice, strict=True
    ):
        close(found, first - second)


def test_jets_give_the_same(name):
    system, points = SYSTEMS[name], coordinates(name)
    names = ("r", "a", "b")[: points.shape[1]]
    outputs = ("u", "v", "w")[: points.shape[1]]

    def model(columns):
        xs = tuple(columns.values())
        return dict(zip(outputs, vector(xs), strict=True)) | {"s": scalar(xs)}

    def equation(c, o, k):
        q, v, s = tuple(c.values()), tuple(o[one] for one in outputs), o["s"]
        turning = system.curl(v, q)
        rows = [system.divergence(v, q), *system.vector_laplacian(v, q), *system.grad(s, *q), system.laplacian(s, *q)]
        return rows + (list(turning) if isinstance(turning, tuple) else [turning]) + [d(s, q[0])]

    found = [engine.bind(model, equation, names).residual(points) for engine in (Autograd(), Jets(fallback=False))]
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-12)


def test_cartesian_coordinates_are_a_system_too():
    x, y, z = (column.clone().requires_grad_() for column in coordinates("cylindrical").unbind(1))
    v = vector((x, y, z))
    close(cartesian.divergence(v, (x, y, z)), divergence(v, (x, y, z)))
    close(cartesian.laplacian(v[1], x, y, z), laplacian(v[1], x, y, z))
    for found, expected in zip(cartesian.curl(v, (x, y, z)), curl(v, (x, y, z)), strict=True):
        close(found, expected)


def test_what_depends_on_no_angle_needs_none():
    r, theta, phi = (column.clone().requires_grad_() for column in coordinates("spherical").unbind(1))
    u = torch.sin(r) / r
    close(spherical.laplacian(u, r, None, None), -u)
    close(polar.laplacian(torch.log(r), r, None), torch.tensor(0.0, dtype=torch.float64))
    close(spherical.divergence((r, 0.0, 0.0), (r, None, None)), torch.tensor(3.0, dtype=torch.float64))
    close(spherical.vector_laplacian((r**2, 0.0, 0.0), (r, None, None))[0], torch.full_like(r, 4.0))
    whole = u + 0 * theta + 0 * phi
    close(spherical.laplacian(u, r, None, None), spherical.laplacian(whole, r, theta, phi))
    # Poiseuille's flow: Δ of an axial velocity, and swirl in solid rotation, which has no strain and the curl 2.
    assert spherical.grad(u, r, None, None)[1:] == (0.0, 0.0)
    close(cylindrical.vector_laplacian((0.0, 0.0, 1 - r**2), (r, None, None))[2], torch.full_like(r, -4.0))
    close(cylindrical.curl((0.0, r, 0.0), (r, None, None))[2], torch.full_like(r, 2.0))
    slopes = cylindrical.vector_gradient((0.0, r, 0.0), (r, None, None))
    close(slopes[0][1] + slopes[1][0], torch.zeros_like(r))


def test_harmonics():
    r, theta, phi = (column.clone().requires_grad_() for column in coordinates("spherical").unbind(1))
    nothing = torch.zeros((), dtype=torch.float64)
    close(polar.laplacian(r**3 * torch.cos(3 * phi), r, phi), nothing)
    close(spherical.laplacian(r**-3 * (3 * torch.cos(theta) ** 2 - 1) + 0 * phi, r, theta, phi), nothing)
    close(polar.laplacian(r**2, r, None), torch.full_like(r, 4.0))


def test_refusals_in_one_line():
    r, theta, phi = (column.clone().requires_grad_() for column in coordinates("spherical").unbind(1))
    with pytest.raises(ValueError, match=r"polar\.laplacian: got 3 coordinates, expected r, phi; give None"):
        polar.laplacian(r * phi, r, theta, phi)
    with pytest.raises(ValueError, match=r"polar\.divergence: got 1 components and 2 coordinates"):
        polar.divergence((r,), (r, phi))
    with pytest.raises(TypeError, match=r"polar\.divergence: got Tensor for the components"):
        polar.divergence(r, (r, phi))
    with pytest.raises(ValueError, match=r"spherical\.divergence: got no theta, expected it"):
        spherical.divergence((r, r, 0.0), (r, None, None))
    with pytest.raises(ValueError, match="got phi and no theta"):
        spherical.laplacian(r * phi, r, None, phi)
    with pytest.raises(ValueError, match="got no r"):
        polar.laplacian(phi, None, phi)
    with pytest.raises(ValueError, match=r"cartesian\.laplacian: got nothing that varies"):
        cartesian.laplacian(r, None)
    with pytest.raises(ValueError, match=r"cartesian\.curl: got 1 coordinates, expected 2 or 3"):
        cartesian.curl((r,), (r,))
