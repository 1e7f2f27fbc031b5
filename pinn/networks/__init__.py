"""Networks: smooth functions of (n, inputs) to (n, outputs), each row by itself, drawn from a passed generator."""

from pinn.networks.dense import FactorisedLinear
from pinn.networks.fourier import FourierFeatures
from pinn.networks.mlp import MLP
from pinn.networks.modified import ModifiedMLP
from pinn.networks.pirate import PirateNet
from pinn.networks.rebuild import rebuild
from pinn.networks.siren import SIREN

__all__ = ["MLP", "SIREN", "FactorisedLinear", "FourierFeatures", "ModifiedMLP", "PirateNet", "rebuild"]
