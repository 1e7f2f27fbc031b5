"""How large everything in a problem is: shift and size of each output, size of each row and of each unknown.

A model writes an output as shift + size * N, the objective divides each row by its size, and an unknown is
value = size * raw, so that the units a problem is stated in decide nothing. `measure_scales` finds them.
"""

from pinn.scales.measure import measure_scales
from pinn.scales.outputs import embedded, formed
from pinn.scales.values import Scales, unit_scales

__all__ = ["Scales", "embedded", "formed", "measure_scales", "unit_scales"]
