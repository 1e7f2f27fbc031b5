"""Derivatives by every route (nested autograd, finite differences, symbols, by hand), and the operators built on them."""

from pinn.derivatives.nested import attach, scalar_gradient
from pinn.derivatives.operators import (
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
)

__all__ = [
    "attach",
    "biharmonic",
    "curl",
    "d",
    "directional",
    "divergence",
    "grad",
    "hessian",
    "jacobian",
    "laplacian",
    "material_derivative",
    "normal_derivative",
    "scalar_gradient",
]
