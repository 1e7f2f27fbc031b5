"""Equations of the field, ready to be constraints: plain functions with your names, from one call each.

    from pinn import equations

    equations.heat(("x", "y"))                                      u_t = ∇·(k ∇u), of u, x, y, t and k
    equations.heat(("x", "y"), output="T", diffusivity=0.1)         T_t = 0.1 ΔT
    equations.heat("x", diffusivity=lambda x: 1 + x, time=None)     −((1 + x) u')' = 0
    equations.heat("x", source=lambda u: u * (1 - u))               Fisher's equation
    equations.heat(("r", None, "z"), frame=cylindrical)             axisymmetric, in cylindrical coordinates

One way for all of them. A call says the coordinates, in their order, and what is not as usual; it returns a function
whose arguments are those names, and `Constraint` finds outputs, coordinates and coefficients for them, as for any
equation. Outputs, coordinates and time are names (`time=None`: steady). A quantity (a coefficient, a source, a
component of a force) is

    a name      of one of the problem's coefficients, a number, `Table` or `Unknown`, or of an output;
    a number    that is put in;
    a function  of anything that has a name in the problem: coordinates, outputs, coefficients.

What is returned are residual rows, left minus right side, in SI units or without any: the equations do not mind, and
each docstring says what belongs together.

Example:
    >>> from pinn import Box, Constraint, Problem, equations
    >>> plate = Box(x=(0, 1), y=(0, 1), t=(0, 1))
    >>> heat = equations.heat(("x", "y"), output="T", source=lambda x, y: x * y)
    >>> problem = Problem(plate, ["T"], {"equation": Constraint(heat, on=plate)}, coefficients={"k": 0.1})
"""

from __future__ import annotations

from pinn.equations.complex_fields import ComplexField, complex_equation, parts_of
from pinn.equations.conservation import euler, shallow_water
from pinn.equations.diffusion import advection_diffusion, heat, poisson
from pinn.equations.elastic import elasticity, elasticity_mixed, isotropic, plane_stress, strain, traction
from pinn.equations.electromagnetic import maxwell, maxwell_te, maxwell_tm
from pinn.equations.finance import black_scholes
from pinn.equations.incompressible import navier_stokes, stokes, streamfunction
from pinn.equations.phase_field import allen_cahn, cahn_hilliard, double_well
from pinn.equations.porous import darcy
from pinn.equations.quantum import schroedinger, schroedinger_stationary
from pinn.equations.waves import helmholtz, wave

__all__ = [
    "ComplexField",
    "advection_diffusion",
    "allen_cahn",
    "black_scholes",
    "cahn_hilliard",
    "complex_equation",
    "darcy",
    "double_well",
    "elasticity",
    "elasticity_mixed",
    "euler",
    "heat",
    "helmholtz",
    "isotropic",
    "maxwell",
    "maxwell_te",
    "maxwell_tm",
    "navier_stokes",
    "parts_of",
    "plane_stress",
    "poisson",
    "schroedinger",
    "schroedinger_stationary",
    "shallow_water",
    "stokes",
    "strain",
    "streamfunction",
    "traction",
    "wave",
]
