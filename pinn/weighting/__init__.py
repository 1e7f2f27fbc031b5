"""How constraints and points are weighed against each other while training: every weight is a scale of rows."""

from pinn.weighting.attention import ResidualAttention
from pinn.weighting.causal import Causal
from pinn.weighting.gradient_norm import GradientNorm
from pinn.weighting.weighting import Constant, Weighting, Weights

__all__ = ["Causal", "Constant", "GradientNorm", "ResidualAttention", "Weighting", "Weights"]
