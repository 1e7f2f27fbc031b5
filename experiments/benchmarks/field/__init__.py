"""Problems from the field, each with a truth of its own: what people brought, restated with constants of our own.

`forward`, `unposed`, `inverse` and `units` state them, `truths` computes what is true without this library's networks:
closed forms, series, Runge-Kutta steps, finite volumes with extrapolation, least squares.
"""

from .forward import (
    double_well,
    euler_cauchy,
    heat_with_mean,
    helmholtz_disc,
    inlet,
    moving_beam,
    schroedinger,
    sod,
    stirred_tank,
)
from .inverse import (
    beam_slope,
    decay_rate,
    depolymerisation,
    mean_relaxation,
    reaction_field,
    three_coefficients,
    varying_conductivity,
)
from .units import heat_flux, layered_conductor, plate, start_divided
from .unposed import (
    blow_up,
    hidden_name,
    lost_heat,
    misplaced_data,
    no_number,
    one_condition,
    product_of_unknowns,
    tiny_equation,
    unused_output,
    unused_unknown,
    wrong_reference,
)

__all__ = [
    "beam_slope",
    "blow_up",
    "decay_rate",
    "depolymerisation",
    "double_well",
    "euler_cauchy",
    "heat_flux",
    "heat_with_mean",
    "helmholtz_disc",
    "hidden_name",
    "inlet",
    "layered_conductor",
    "lost_heat",
    "mean_relaxation",
    "misplaced_data",
    "moving_beam",
    "no_number",
    "one_condition",
    "plate",
    "product_of_unknowns",
    "reaction_field",
    "schroedinger",
    "sod",
    "start_divided",
    "stirred_tank",
    "three_coefficients",
    "tiny_equation",
    "unused_output",
    "unused_unknown",
    "varying_conductivity",
    "wrong_reference",
]
