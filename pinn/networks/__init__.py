"""Networks: smooth functions of (n, inputs) to (n, outputs), each row by itself, drawn from a passed generator."""

from pinn.networks.dense import FactorisedLinear
from pinn.networks.mlp import MLP
from pinn.networks.rebuild import rebuild

__all__ = ["MLP", "FactorisedLinear", "rebuild"]
