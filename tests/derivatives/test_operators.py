"""Differential operators: closed forms, vector identities, invariance under rotation, and dispatch."""

import math

import pytest
import torch

from pinn.derivatives import (
    Symbolic,
    biharmonic,
    curl,
    d,
    directional,
    divergence,
    grad,
    hessian,
    jacobian,
    laplacian,
    material_derivative,
    normal_derivative,
    symbolic_function,
)


def columns(count, n=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.rand(n, dtype=torch.float64, generator=generator).add(0.2).requires_grad_() for _ in range(count)
    )


def close(actual, expected, tolerance=1e-10):
    expected = torch.as_tensor(expected, dtype=torch.float64).to(actual).expand_as(actual)
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def test_gradient_and_hessian_of_the_mixed_polynomial():
    x, y = columns(2)
    u = x**2 * y**2 + 7 * x * y - 3 * x + 6
    along_x, along_y = grad(u, x, y)
    close(along_x, 2 * x * y**2 + 7 * y - 3)
    close(along_y, 2 * x**2 * y + 7 * x)
    (xx, xy), (yx, yy) = hessian(u, x, y)
    close(xx, 2 * y**2)
    close(xy, 4 * x * y + 7)
    close(yx, 4 * x * y + 7)
    close(yy, 2 * x**2)


def test_hessian_of_three_variables_is_symmetric():
    xs = columns(3)
    u = torch.sin(xs[0] * xs[1]) * torch.exp(xs[2]) + xs[0] * xs[2] ** 3
    rows = hessian(u, *xs)
    for i in range(3):
        for j in range(3):
            close(rows[i][j], d(u, xs[i], xs[j]))


def test_jacobian_rows_are_gradients():
    x, y = columns(2)
    rows = jacobian((x * y, x**2 + y), (x, y))
    for found, expected in zip((*rows[0], *rows[1]), (y, x, 2 * x, torch.ones_like(x)), strict=True):
        close(found, expected)


def test_harmonic_and_plane_waves():
    x, y = columns(2)
    close(laplacian(torch.sin(x) * torch.exp(y), x, y), 0.0)
    wave = torch.sin(2 * x + 3 * y)
    close(laplacian(wave, x, y), -13 * wave)
    close(biharmonic(wave, x, y), 169 * wave)


def test_biharmonic_of_a_beam_is_the_fourth_derivative():
    (x,) = columns(1)
    close(biharmonic(x**4 / 24, x), 1.0)
    close(biharmonic(torch.sin(x), x), torch.sin(x))


def test_laplacian_of_a_linear_and_of_a_constant_field():
    x, y = columns(2)
    close(laplacian(3 * x - 2 * y, x, y), 0.0)
    close(biharmonic(x**2 * y + y, x, y), 0.0)
    close(laplacian(5.0, x, y), 0.0)
    close(biharmonic(5.0, x, y), 0.0)


def test_laplacian_is_invariant_under_rotation():
    x, y = columns(2)
    angle = 0.7
    a = (math.cos(angle) * x - math.sin(angle) * y).detach().requires_grad_()
    b = (math.sin(angle) * x + math.cos(angle) * y).detach().requires_grad_()

    def f(p, q):
        return torch.exp(-(p**2)) * torch.tanh(q + p)

    def back(p, q):
        return math.cos(angle) * p + math.sin(angle) * q, -math.sin(angle) * p + math.cos(angle) * q

    close(laplacian(f(*back(a, b)), a, b), laplacian(f(x, y), x, y))
    close(biharmonic(f(*back(a, b)), a, b), biharmonic(f(x, y), x, y), 1e-9)


def test_divergence_of_a_gradient_is_the_laplacian():
    xs = columns(3)
    u = torch.sin(xs[0]) * xs[1] ** 3 * torch.exp(xs[2])
    close(divergence(grad(u, *xs), xs), laplacian(u, *xs))


def test_curl_of_a_gradient_and_divergence_of_a_curl_vanish():
    xs = columns(3)
    x, y, z = xs
    u = torch.sin(x * y) + x * z**2 + torch.exp(y * z)
    for component in curl(grad(u, *xs), xs):
        close(component, 0.0)
    v = (torch.sin(y * z) + x, x**2 * z + y, torch.exp(x * y) * z)
    close(divergence(curl(v, xs), xs), 0.0)


def test_curl_in_the_plane_of_a_rigid_rotation():
    x, y = columns(2)
    close(curl((-y + 0 * x, x + 0 * y), (x, y)), 2.0)


def test_divergence_of_a_constant_diffusivity_times_a_gradient():
    # d(k(x) * d(u, x), x) = k' u' + k u''
    (x,) = columns(1)
    k, u = 1 + x**2, torch.sin(x)
    close(d(k * d(u, x), x), 2 * x * torch.cos(x) - (1 + x**2) * torch.sin(x))


def test_directional_normal_and_material_derivatives():
    x, y = columns(2)
    (t,) = columns(1, seed=3)
    u = x**2 * y + t * x
    close(directional(u, (x, y), (3.0, -1.0)), 3 * (2 * x * y + t) - x**2)
    nx, ny = x.detach(), y.detach()
    close(normal_derivative(u, (x, y), (nx, ny)), nx * (2 * x * y + t) + ny * x**2)
    close(material_derivative(u, t, (x, y), (2.0, y)), x + 2 * (2 * x * y + t) + y * x**2)


def test_a_field_carried_by_the_flow_has_no_material_derivative():
    x, t = columns(2)
    close(material_derivative(torch.sin(x - 2 * t), t, (x,), (2.0,)), 0.0)


@pytest.mark.parametrize("operator", [grad, laplacian, biharmonic, hessian])
def test_operators_work_on_anything_that_differentiates_itself(operator):
    def f(x, y):
        return torch.sin(x * y) + x**3 * torch.exp(y)

    x, y = columns(2)
    a, b = (Symbolic(s) for s in symbolic_function(f, "x", "y").variables)

    def flat(values):
        return [entry for value in values for entry in flat(value)] if isinstance(values, tuple) else [values]

    for found, symbolic in zip(flat(operator(f(x, y), x, y)), flat(operator(f(a, b), a, b)), strict=True):
        close(found, symbolic_function(symbolic.expression, "x", "y")(x, y))


def test_a_number_or_tensor_among_self_differentiating_coordinates_is_constant():
    x = Symbolic(symbolic_function(lambda x: x).variables[0])
    assert d(3.0, x).expression == 0
    assert d(torch.tensor(2.0), x, x).expression == 0
    assert d(x**2, x, upstream=3).expression == 6 * x.expression
    with pytest.raises(ValueError, match="got no coordinate"):
        d(x)


def test_numbers_that_do_not_match():
    x, y = columns(2)
    with pytest.raises(ValueError, match="divergence: got 1 components and 2 coordinates"):
        divergence((x,), (x, y))
    with pytest.raises(ValueError, match="directional: got 3 direction components and 2 coordinates"):
        directional(x * y, (x, y), (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="normal_derivative: got 1 normal components and 2 coordinates"):
        normal_derivative(x * y, (x, y), (1.0,))
    with pytest.raises(ValueError, match="material_derivative: got 1 velocity components and 2 coordinates"):
        material_derivative(x * y, x, (x, y), (1.0,))
    with pytest.raises(ValueError, match="curl: got 1 components, expected 2 or 3"):
        curl((x,), (x,))
    with pytest.raises(ValueError, match="got no coordinate"):
        laplacian(x)
    with pytest.raises(ValueError, match="operator: got no coordinate"):
        divergence((), ())


def test_a_tensor_where_a_tuple_belongs():
    x, y = columns(2)
    with pytest.raises(TypeError, match="divergence: got Tensor for the components, expected a tuple"):
        divergence(x, (x, y))
    with pytest.raises(TypeError, match="jacobian: got Tensor for the coordinates"):
        jacobian((x * y,), x)
