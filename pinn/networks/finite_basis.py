"""Finite-basis networks: one small perceptron a subdomain, joined by a smooth partition of unity.

    y = Σⱼ ωⱼ(x) Nⱼ((x − cⱼ) / h),    Σⱼ ωⱼ = 1,    ωⱼ = Πᵢ softmaxⱼᵢ(s (cⱼᵢ xᵢ − cⱼᵢ² / 2))

The box [-1, 1]^d is cut into a grid of subdomains with centres cⱼ and half extents h; each network sees its own
subdomain as [-1, 1]^d, so that what oscillates fast over the whole box is slow in each (spectral bias is a matter of
how often a function changes within a network's inputs). Source: Moseley, Markham, Nissen-Meyer, Adv. Comput. Math. 49
(2023) 62, eqs. (12)-(15).

The paper's windows are products of sigmoids, (15); divided by their sum, as here, they are the softmax above, that is
normalised Gaussians of equal widths: analytic, so that any derivative exists, and one in sum at every point. Between
neighbours the weight of one is a logistic function of the distance to their common face.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record
from pinn.networks.layer import Style
from pinn.validation import count, positive


class FBPINN(nn.Module):
    """Perceptrons on overlapping subdomains, as one network.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        subdomains: number along every input, or one number for each input; 1 leaves an input whole. There are as many
            perceptrons as their product.
        overlap: part of a subdomain's extent over which its weight beside a neighbour falls from 0.9 to 0.1.
        width: neurons a hidden layer of each perceptron.
        depth: number of hidden layers of each perceptron.
        activation: φ, any smooth function of a tensor.
        adaptive: n ≥ 1 of activations φ(n a z) with a learned slope a per layer; None for φ(z).
        factorisation: (μ, σ) of random weight factorisation, (1.0, 0.1) in its paper; None for plain weights.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = FBPINN(2, 1, subdomains=(3, 2), width=8, generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(5, 2, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        subdomains: int | Sequence[int] = 2,
        overlap: float = 0.5,
        width: int = 16,
        depth: int = 2,
        activation: Activation = torch.tanh,
        adaptive: float | None = None,
        factorisation: tuple[float, float] | None = None,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("FBPINN", 1, inputs=inputs, outputs=outputs, width=width, depth=depth)
        positive("FBPINN", overlap=overlap)
        self.grid = _grid(subdomains, inputs)
        style = Style("FBPINN", activation, adaptive, factorisation, generator, dtype)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            subdomains=self.grid,
            overlap=overlap,
            width=width,
            depth=depth,
            activation=style.activation,
            adaptive=adaptive,
            factorisation=style.factorisation,
            dtype=dtype,
        )
        self.overlap = overlap
        self.networks = nn.ModuleList(
            nn.Sequential(
                style.layer(inputs, width),
                *(style.layer(width, width) for _ in range(depth - 1)),
                style.linear(width, outputs),
            )
            for _ in range(math.prod(self.grid))
        )

    def windows(self, x: Tensor) -> Tensor:
        """ωⱼ(x), (..., inputs) -> (..., number of subdomains); they sum to one."""
        found: Tensor | None = None
        for i, number in enumerate(self.grid):
            if number == 1:
                continue
            centres = torch.tensor(_centres(number), dtype=x.dtype, device=x.device)
            sharpness = math.log(9) * number**2 / (2 * self.overlap)  # of a logistic from 0.9 to 0.1; see `overlap`
            one = torch.softmax((x[..., i : i + 1] - 0.5 * centres) * (sharpness * centres), -1)
            found = one if found is None else (found.unsqueeze(-1) * one.unsqueeze(-2)).flatten(-2, -1)
        return torch.ones_like(x[..., 0:1]) if found is None else found

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        if len(self.networks) == 1:
            whole: Tensor = self.networks[0](x)
            return whole
        windows = self.windows(x)
        extents = torch.tensor(self.grid, dtype=x.dtype, device=x.device)
        parts = []
        for j, (place, network) in enumerate(zip(product(*map(_centres, self.grid)), self.networks, strict=True)):
            centre = torch.tensor(place, dtype=x.dtype, device=x.device)
            parts.append(network((x - centre) * extents) * windows[..., j : j + 1])
        return torch.stack(parts, -1).sum(-1)


def _grid(subdomains: int | Sequence[int], inputs: int) -> tuple[int, ...]:
    """The number of subdomains along every input.

    Raises:
        ValueError: when there is not one for each input, or one is no integer of at least 1.
    """
    several = not isinstance(subdomains, (int, str)) and isinstance(subdomains, Sequence)
    grid: tuple[Any, ...] = (
        tuple(subdomains) if isinstance(subdomains, Sequence) and several else (subdomains,) * inputs
    )
    if len(grid) != inputs:
        raise ValueError(
            f"FBPINN: got subdomains={subdomains!r} for {inputs} inputs, expected one number for each (a periodic "
            f"coordinate is two inputs); give {inputs} of them, or one for all"
        )
    for i, number in enumerate(grid):
        count("FBPINN", 1, **{f"subdomains[{i}]" if several else "subdomains": number})
    return tuple(int(number) for number in grid)


def _centres(number: int) -> list[float]:
    """Centres of as many equal parts of [-1, 1]."""
    return [(2 * j + 1) / number - 1 for j in range(number)]
