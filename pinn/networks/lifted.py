"""Fixed neurons over what a trained network has learned: random features of its last hidden layer.

    φ_j(x) = tanh or sin (w_j · z + b_j),    z = (x̂, h(x))

h(x) are the values of the last hidden layer of a network, frozen (the network's outputs where it does not say its
hidden ones). Training has bent these coordinates to the solution: where it has a layer, they vary within the layer, and
smooth functions of them carry what is still wrong with the network. Features of x̂ alone do not: after 80 steps on
Burgers' equation with ν = 0.01 a linear solve on 600 of them leaves 0.6 of the residual, one on 600 of these 0.02.

A basis of `Enriched`. Source: random features of a hidden layer are those of Rahimi, Recht, NeurIPS 20 (2007) 1177, in
learned coordinates; the network widened at its last layer and that layer solved for is variable projection (Golub,
Pereyra, SIAM J. Numer. Anal. 10 (1973) 413).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from pinn.networks.chebyshev_kan import ChebyshevKAN
from pinn.networks.deeponet import DeepONet
from pinn.networks.finite_basis import FBPINN
from pinn.networks.fourier import FourierFeatures
from pinn.networks.hyper import HyperNetwork
from pinn.networks.mlp import MLP
from pinn.networks.modified import ModifiedMLP
from pinn.networks.pirate import PirateNet
from pinn.networks.random_features import FeatureDraw
from pinn.networks.rebuild import build
from pinn.networks.separable import Separable
from pinn.networks.siren import SIREN

BENEATH = (
    MLP,
    SIREN,
    FourierFeatures,
    ModifiedMLP,
    PirateNet,
    Separable,
    ChebyshevKAN,
    FBPINN,
    HyperNetwork,
    DeepONet,
)
"""Networks that a file can name beneath such neurons."""


@runtime_checkable
class Representing(Protocol):
    """A network that says the values of its last hidden layer, as `MLP` does."""

    def represent(self, x: Any) -> Any:
        """(n, inputs) -> (n, width)."""


def lifted_inputs(network: nn.Module, x: Any) -> Any:
    """z = (x̂, h(x)) of a network, (n, k); tensors or jets."""
    hidden = network.represent(x) if isinstance(network, Representing) else network(x)
    return torch.cat([x, hidden], -1)


class Lifted(nn.Module):
    """x -> φ(x), M fixed neurons over a frozen copy of a network.

    Args:
        network: what is lifted over, (n, inputs) -> (n, outputs); or what `arguments` says of it.
        draw: weights and biases of the neurons; or what `arguments` says: their number, their inputs, how many sines.

    Example:
        >>> source = torch.Generator().manual_seed(0)
        >>> network = MLP(1, 1, width=4, depth=2, generator=source)
        >>> basis = Lifted(network, FeatureDraw(torch.ones(3, 5).double(), torch.zeros(3).double(), 1))
        >>> basis(torch.zeros(2, 1).double()).shape, basis.count
        (torch.Size([2, 3]), 3)
    """

    def __init__(self, network: nn.Module | Mapping[str, Any], draw: FeatureDraw | Mapping[str, int]) -> None:
        super().__init__()
        if isinstance(draw, Mapping):
            count, inputs = draw["count"], draw["inputs"]
            draw = FeatureDraw(torch.zeros(count, inputs).double(), torch.zeros(count).double(), draw["sines"])
        if isinstance(network, nn.Module):
            self.network = copy.deepcopy(network)
        else:
            source = torch.Generator().manual_seed(0)
            self.network = build(network["network"], network["arguments"], BENEATH, source)
        self.network.requires_grad_(False)
        self.count = draw.count
        self.sines = draw.sines
        self.inner = nn.Linear(draw.weight.shape[1], draw.count, dtype=torch.float64, device="meta")
        self.inner = self.inner.to_empty(device=draw.weight.device).to(draw.weight.dtype)
        with torch.no_grad():
            self.inner.weight.copy_(draw.weight)
            self.inner.bias.copy_(draw.bias)
        self.inner.requires_grad_(False)

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was made with, as plain values."""
        return {
            "network": {
                "network": type(self.network).__name__,
                "arguments": dict(getattr(self.network, "arguments", {})),
            },
            "draw": {"count": self.count, "inputs": self.inner.in_features, "sines": self.sines},
        }

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, M), tensors or jets."""
        angle = self.inner(lifted_inputs(self.network, x))
        smooth = self.count - self.sines
        return torch.cat([torch.tanh(angle[..., :smooth]), torch.sin(angle[..., smooth:])], -1)
