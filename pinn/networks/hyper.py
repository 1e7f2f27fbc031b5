"""A network whose weights are functions of parameters: one network for a family of problems.

    h₀ = x,    hₖ₊₁ = φ((Wₖ + ΔWₖ(λ)) hₖ + bₖ + Δbₖ(λ)),    y the last of them without φ,    Δ(λ) a perceptron

x are the first inputs and λ the last ones, such as a Reynolds number that is a coordinate of the problem. A perceptron
of (x, λ) has to bend one set of weights to all members of the family; here each member has its own weights, which are
smooth in λ, and a small network for it is enough. Source: de Avila Belbute-Peres, Chen, Sha, NeurIPS 2021 workshop on
the symbiosis of deep learning and differential equations, arXiv:2111.01008, eq. (3); Ha, Dai, Le, ICLR 2017,
arXiv:1609.09106. The weights are written as a mean, initialised as a perceptron's, and a change that begins small.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record
from pinn.networks.layer import Style
from pinn.validation import count

_FIRST_CHANGE = 0.125
"""Change of weights at first, in units of what Glorot's rule gives; a power of two, which no precision rounds."""


class HyperNetwork(nn.Module):
    """A perceptron of the first inputs, whose weights a second perceptron makes of the last ones.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        parameters: how many of the inputs, the last ones, are parameters λ.
        width: neurons a hidden layer of the network of x.
        depth: number of its hidden layers.
        hyper_width: neurons a hidden layer of the network of λ.
        hyper_depth: number of its hidden layers.
        activation: φ of both, any smooth function of a tensor.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = HyperNetwork(2, 1, width=8, generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(5, 2, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        parameters: int = 1,
        width: int = 12,
        depth: int = 2,
        hyper_width: int = 12,
        hyper_depth: int = 1,
        activation: Activation = torch.tanh,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("HyperNetwork", 1, inputs=inputs, outputs=outputs, parameters=parameters, width=width, depth=depth)
        count("HyperNetwork", 1, hyper_width=hyper_width, hyper_depth=hyper_depth)
        if parameters >= inputs:
            raise ValueError(
                f"HyperNetwork: got parameters={parameters} of {inputs} inputs, expected at least one input that is "
                "none; give fewer parameters, or a problem with a coordinate beside them"
            )
        style = Style("HyperNetwork", activation, None, None, generator, dtype)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            parameters=parameters,
            width=width,
            depth=depth,
            hyper_width=hyper_width,
            hyper_depth=hyper_depth,
            activation=style.activation,
            dtype=dtype,
        )
        self._activation = style.activation
        self.parameters_among_inputs = parameters
        sizes = [inputs - parameters, *(width for _ in range(depth)), outputs]
        self._shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
        self.mean = nn.ModuleList(style.linear(into, out) for out, into in self._shapes)
        inner = [style.layer(hyper_width, hyper_width) for _ in range(hyper_depth - 1)]
        end = style.linear(hyper_width, sum(out * (into + 1) for out, into in self._shapes))
        with torch.no_grad():
            end.get_parameter("weight").mul_(_FIRST_CHANGE)
        self.hyper = nn.Sequential(style.layer(parameters, hyper_width), *inner, end)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        split = self.arguments["inputs"] - self.parameters_among_inputs
        h, changes = x[..., :split], self.hyper(x[..., split:])
        start = 0
        for k, (mean, (out, into)) in enumerate(zip(self.mean, self._shapes, strict=True)):
            end = start + out * (into + 1)
            change = changes[..., start:end].reshape(*x.shape[:-1], out, into + 1)
            start = end
            z = mean(h) + (change[..., :into] * h.unsqueeze(-2)).sum(-1) + change[..., into]
            h = z if k == len(self._shapes) - 1 else self._activation(z)
        return h
