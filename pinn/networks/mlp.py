"""The multilayer perceptron.

    h₁ = φ(W₁ x + b₁),   hₖ = φ(Wₖ hₖ₋₁ + bₖ),   y = W h + b

with hₖ = hₖ₋₁ + φ(Wₖ hₖ₋₁ + bₖ) where `residual` (He, Zhang, Ren, Sun, CVPR (2016) 770, eq. (1)). A smooth φ makes
y smooth, as the derivatives in an equation ask. Source: Rumelhart, Hinton, Williams, Nature 323 (1986) 533; as ansatz
for differential equations Lagaris, Likas, Fotiadis, IEEE Trans. Neural Networks 9 (1998) 987.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record
from pinn.networks.layer import Layer, Style
from pinn.validation import count


class MLP(nn.Module):
    """A multilayer perceptron.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        width: neurons a hidden layer.
        depth: number of hidden layers.
        activation: φ, any smooth function of a tensor.
        residual: add each hidden layer's input, from the second layer on.
        adaptive: n ≥ 1 of activations φ(n a z) with a learned slope a per layer; None for φ(z).
        factorisation: (μ, σ) of random weight factorisation, (1.0, 0.1) in its paper; None for plain weights.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = MLP(2, 1, width=8, depth=2, generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(5, 2, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 50,
        depth: int = 4,
        activation: Activation = torch.tanh,
        residual: bool = False,
        adaptive: float | None = None,
        factorisation: tuple[float, float] | None = None,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("MLP", 1, inputs=inputs, outputs=outputs, width=width, depth=depth)
        style = Style("MLP", activation, adaptive, factorisation, generator, dtype)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            width=width,
            depth=depth,
            activation=style.activation,
            residual=residual,
            adaptive=adaptive,
            factorisation=style.factorisation,
            dtype=dtype,
        )
        self.residual = residual
        self._activation = style.activation
        self.first = style.layer(inputs, width)
        self.hidden = nn.ModuleList(style.layer(width, width) for _ in range(depth - 1))
        self.last = style.linear(width, outputs)

    @property
    def width(self) -> int | None:
        """Neurons a hidden layer; None where layers are factorised, which `widened` cannot take."""
        return None if self.arguments["factorisation"] is not None else int(self.arguments["width"])

    def widened(self, width: int, generator: torch.Generator) -> MLP:
        """The same function as a wider network: the first neurons of every layer are this one's.

        What the new neurons tell the old ones and the outputs has weight zero at first, so that nothing changes until
        training moves it; what they hear is drawn with the spread that the layer's weights and biases have now
        (growth that preserves the function: Chen, Goodfellow, Shlens, ICLR 2016, arXiv:1511.05641, without copies).

        Args:
            width: neurons a hidden layer, more than now.
            generator: source of the new weights.

        Raises:
            ValueError: when the width is not larger, or the layers are factorised.
        """
        record = self.arguments
        if not width > record["width"]:
            raise ValueError(f"MLP.widened: got width={width}, expected more than {record['width']}; give a larger one")
        if record["factorisation"] is not None:
            raise ValueError("MLP.widened: got factorised layers, expected plain ones; give factorisation=None")
        last = self.last
        assert isinstance(last, nn.Linear)
        network = MLP(
            record["inputs"],
            record["outputs"],
            width=width,
            depth=record["depth"],
            activation=self._activation,
            residual=self.residual,
            adaptive=record["adaptive"],
            generator=generator,
            dtype=last.weight.dtype,
        ).to(last.weight.device)
        _grow(self.first, network.first, generator)
        for old, new in zip(self.hidden, network.hidden, strict=True):
            _grow(old, new, generator)
        end = network.last
        assert isinstance(end, nn.Linear)
        with torch.no_grad():
            end.weight.zero_()
            end.weight[:, : record["width"]].copy_(last.weight)
            end.bias.copy_(last.bias)
        return network

    def represent(self, x: Tensor) -> Tensor:
        """The values of the last hidden layer, (..., inputs) -> (..., width)."""
        h: Tensor = self.first(x)
        for layer in self.hidden:
            h = h + layer(h) if self.residual else layer(h)
        return h

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return self.last(self.represent(x))


def _grow(old: nn.Module, new: nn.Module, generator: torch.Generator) -> None:
    """Write a layer into a larger one: old neurons hear old ones alone, new ones hear all."""
    assert isinstance(old, Layer) and isinstance(new, Layer)
    if isinstance(old.activation, nn.Module) and isinstance(new.activation, nn.Module):
        new.activation.load_state_dict(old.activation.state_dict())
    now, grown = old.linear, new.linear
    assert isinstance(now, nn.Linear) and isinstance(grown, nn.Linear)
    rows, columns = now.weight.shape
    with torch.no_grad():
        for small, large in ((now.weight, grown.weight), (now.bias, grown.bias)):
            noise = torch.randn(large.shape, generator=generator, dtype=torch.float64, device=generator.device)
            spread = small.double().square().mean().sqrt().clamp(min=torch.finfo(small.dtype).eps)
            large.copy_(noise.to(small.device) * spread)
        grown.weight[rows:] *= (columns / grown.weight.shape[1]) ** 0.5
        grown.weight[:rows].zero_()
        grown.weight[:rows, :columns].copy_(now.weight)
        grown.bias[:rows].copy_(now.bias)
