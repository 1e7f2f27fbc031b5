"""How constraints and points are weighed against each other while training: every weight is a scale of rows."""

from pinn.weighting.attention import ResidualAttention
from pinn.weighting.causal import Causal
from pinn.weighting.gradient_norm import GradientNorm
from pinn.weighting.ntk import NTK
from pinn.weighting.prescribed import Prescribed
from pinn.weighting.relobralo import ReLoBRaLo
from pinn.weighting.self_adaptive import SelfAdaptive
from pinn.weighting.weighting import Constant, Weighting, Weights

__all__ = [
    "NTK",
    "Causal",
    "Constant",
    "GradientNorm",
    "Prescribed",
    "ReLoBRaLo",
    "ResidualAttention",
    "SelfAdaptive",
    "Weighting",
    "Weights",
]
