"""A layer of fixed neurons, alone or beside a network: only the weights out of it are trained.

    û(x) = N(x) + C φ(x) + c₀,    φ(x) ∈ R^M fixed,    C (outputs, M) parameters like any other

φ is one or several of `Chebyshev`, `CornerFunctions`, `HoleFunctions`, `HarmonicFunctions`, `RandomNeurons`, or any
module of one's own that maps (n, inputs) to (n, M) and says its `count`. N is absent, frozen, or trained beside them. C
is zero at first, so that û is N. c₀ is left out where 1 is among the neurons. An equation that is affine in û is a
linear least-squares problem in C.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from pinn.networks.chebyshev import Chebyshev
from pinn.networks.fourier import FourierFeatures
from pinn.networks.lifted import Lifted
from pinn.networks.mlp import MLP
from pinn.networks.modified import ModifiedMLP
from pinn.networks.pirate import PirateNet
from pinn.networks.random_features import RandomNeurons
from pinn.networks.rebuild import build
from pinn.networks.singular import CornerFunctions, HarmonicFunctions, HoleFunctions
from pinn.networks.siren import SIREN
from pinn.networks.windows import Windows

BASES = (Chebyshev, CornerFunctions, HoleFunctions, HarmonicFunctions, RandomNeurons, Lifted)
"""The fixed layers that a file can name."""

_NETWORKS = (MLP, SIREN, FourierFeatures, ModifiedMLP, PirateNet, Windows)


class Enriched(nn.Module):
    """Fixed neurons, alone or beside a network.

    Args:
        inputs, outputs: numbers of features.
        bases: fixed layers, one or more: modules (n, inputs) -> (n, M_i) with a `count`, or what `arguments` of another
            `Enriched` says of them.
        network: a module (n, inputs) -> (n, outputs) beside them, which is kept as it is; or what `arguments` says.
        frozen: whether the network's parameters stay as they are.
        mean, size: (outputs,), with which neurons of more inputs than the network's see its outputs, (N − mean) / size;
            zeros and ones where left out.
        generator: source of the weights of a network that is given by its arguments.
        dtype: precision of the weights out of the layer.

    Raises:
        ValueError: when there is no basis, or one is unknown.

    Example:
        >>> network = Enriched(1, 1, bases=[Chebyshev([1], [(0,), (1,), (2,)])])
        >>> with torch.no_grad():
        ...     _ = network.last.weight.copy_(torch.tensor([[1.0, 0.0, 1.0]]))
        >>> network(torch.tensor([[0.5]], dtype=torch.float64)).tolist()
        [[0.5]]
    """

    mean: Tensor
    size: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bases: Sequence[nn.Module | Mapping[str, Any]],
        network: nn.Module | Mapping[str, Any] | None = None,
        frozen: bool = True,
        mean: Tensor | None = None,
        size: Tensor | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if not bases:
            raise ValueError("Enriched: got no basis, expected at least one; give bases=[Chebyshev(...)]")
        self.bases = nn.ModuleList(_basis(one) for one in bases)
        self.network = _network(network, inputs, outputs, generator)
        self.frozen = frozen
        self.register_buffer("mean", torch.zeros(outputs, dtype=dtype) if mean is None else mean.to(dtype))
        self.register_buffer("size", torch.ones(outputs, dtype=dtype) if size is None else size.to(dtype))
        if self.network is not None and frozen:
            self.network.requires_grad_(False)
        self.count = neurons(self.bases)
        constant = any(isinstance(basis, Chebyshev) and (0,) * len(basis.layout) in basis.index for basis in self.bases)
        # Made without torch's own first values, which would be drawn from its global generator.
        self.last = nn.Linear(self.count, outputs, bias=not constant, dtype=dtype, device="meta").to_empty(device="cpu")
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was made with, as plain values; bases of one's own by their class alone."""
        network = self.network
        return {
            "bases": [{"basis": type(one).__name__, **getattr(one, "arguments", {})} for one in self.bases],
            "network": None
            if network is None
            else {"network": type(network).__name__, "arguments": dict(getattr(network, "arguments", {}))},
            "frozen": self.frozen,
        }

    def parts(self, x: Any) -> tuple[Any, Any]:
        """The network's outputs (n, outputs), None without one, and the neurons (n, M)."""
        raw = None if self.network is None else self.network(x)
        found = [basis(self._seen(basis, x, raw)) for basis in self.bases]
        return raw, found[0] if len(found) == 1 else torch.cat(found, -1)

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, outputs), tensors or jets."""
        if torch.is_grad_enabled():
            raw, basis = self.parts(x)
            found = self.last(basis)
        else:
            raw = None if self.network is None else self.network(x)
            found = self._combined(x, raw)
        return found if raw is None else raw + found

    def _seen(self, basis: nn.Module, x: Any, raw: Any) -> Any:
        """What a basis is made of: the inputs, and the network's outputs where it takes more."""
        if getattr(basis, "inputs", x.shape[-1]) == x.shape[-1]:
            return x
        return torch.cat([x, (raw - self.mean) * (1 / self.size)], -1)

    def _combined(self, x: Any, raw: Any) -> Any:
        """C φ + c₀ without a graph, where polynomials need not be multiplied one by one."""
        weights = self.last.weight.detach().split([neurons([basis]) for basis in self.bases], 1)
        parts = [
            basis.combined(x, weight)
            if isinstance(basis, Chebyshev)
            else nn.functional.linear(basis(self._seen(basis, x, raw)), weight)
            for basis, weight in zip(self.bases, weights, strict=True)
        ]
        found = parts[0]
        for part in parts[1:]:
            found = found + part
        return found if self.last.bias is None else found + self.last.bias.detach()


def neurons(bases: Iterable[nn.Module]) -> int:
    """How many neurons some fixed layers have together."""
    return sum(int(cast(Any, basis).count) for basis in bases)


def _basis(given: nn.Module | Mapping[str, Any]) -> nn.Module:
    if isinstance(given, nn.Module):
        return given
    known = {kind.__name__: kind for kind in BASES}
    options = dict(given)
    name = options.pop("basis", None)
    if name not in known:
        raise ValueError(
            f"Enriched: got basis {name!r}, expected one of {sorted(known)}; give what builds the network, "
            "network=partial(...), when the solution is loaded"
        )
    return known[name](**options)


def _network(
    given: nn.Module | Mapping[str, Any] | None, inputs: int, outputs: int, generator: torch.Generator | None
) -> nn.Module | None:
    if given is None or isinstance(given, nn.Module):
        return given
    # A network that was enriched twice lies within another of this class.
    classes = (*_NETWORKS, Enriched)
    arguments = {**given["arguments"], "inputs": inputs, "outputs": outputs}
    return build(given["network"], arguments, classes, generator or torch.Generator().manual_seed(0))
