"""The fast twin: truncated Taylor polynomials pushed forward, rows of J from one backward pass."""

from pinn.derivatives.jets.engine import Jets
from pinn.derivatives.jets.groups import by_group
from pinn.derivatives.jets.jet import Jet, MissingRule, Rule
from pinn.derivatives.jets.registry import rule

__all__ = ["Jet", "Jets", "MissingRule", "Rule", "by_group", "rule"]
