"""A Kolmogorov-Arnold network of Chebyshev polynomials: every edge is a learned function, nodes only add.

    hₖ₊₁,ⱼ = bⱼ + Σᵢ Σₘ cⱼᵢₘ T_m(σₖ(hₖ,ᵢ)),    m = 1 … degree,    T_m(cos θ) = cos mθ

The inputs lie in [-1, 1] and meet the first layer as they are (σ₀ the identity); later layers are brought there by
σₖ = tanh. Source: Sidharth, Keerthana, Gokul, Anas, arXiv:2405.07200, section 3 (polynomials on the edges, tanh
between); networks of functions on edges are those of Liu et al., arXiv:2404.19756, eq. (2.5). The constants of the
edges that meet in a node are one number, its bias, since only their sum matters.

At first the coefficients of T_m are 1/m² of what the rule of `pinn.networks.dense` gives, so that edges begin smooth:
T_m has slopes of up to m².
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from pinn.networks.arguments import record
from pinn.networks.chebyshev import polynomials
from pinn.networks.dense import dense
from pinn.networks.layer import require_source
from pinn.validation import count


class ChebyshevKAN(nn.Module):
    """A Kolmogorov-Arnold network of several layers, whose functions are Chebyshev polynomials.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        width: nodes a hidden layer.
        depth: number of hidden layers; there is one more layer of edges.
        degree: of the polynomials.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = ChebyshevKAN(2, 1, width=8, depth=1, generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(5, 2, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 10,
        depth: int = 2,
        degree: int = 5,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("ChebyshevKAN", 1, inputs=inputs, outputs=outputs, width=width, depth=depth, degree=degree)
        require_source("ChebyshevKAN", generator, dtype)
        self.arguments = record(inputs=inputs, outputs=outputs, width=width, depth=depth, degree=degree, dtype=dtype)
        self.degree = degree
        sizes = [inputs, *(width for _ in range(depth)), outputs]
        self.edges = nn.ModuleList(_edges(*pair, degree, generator, dtype) for pair in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        first, *others = self.edges
        h: Tensor = first(self._polynomials(x))
        for edges in others:
            h = edges(self._polynomials(torch.tanh(h)))
        return h

    def _polynomials(self, z: Tensor) -> Tensor:
        """T_1 … T_degree of every feature, (..., inputs) -> (..., degree · inputs)."""
        return polynomials(z, self.degree)[..., 1:].flatten(-2, -1)


def _edges(inputs: int, outputs: int, degree: int, generator: torch.Generator, dtype: torch.dtype) -> nn.Module:
    """The layer of coefficients, degree · inputs to outputs, those of T_m by 1/m² smaller."""
    layer = dense(degree * inputs, outputs, generator=generator, dtype=torch.float64)
    orders = torch.arange(1.0, degree + 1, dtype=torch.float64, device=generator.device)
    with torch.no_grad():
        layer.get_parameter("weight").div_(orders.square().repeat(inputs))
    return layer.to(dtype)
