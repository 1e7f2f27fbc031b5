"""The fast twin: truncated Taylor polynomials pushed forward, rows of J from one backward pass."""

from pinn.derivatives.jets.engine import Jets
from pinn.derivatives.jets.jet import Jet, MissingRule

__all__ = ["Jet", "Jets", "MissingRule"]
