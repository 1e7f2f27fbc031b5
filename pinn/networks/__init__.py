"""Networks: smooth functions of (n, inputs) to (n, outputs), each row by itself, drawn from a passed generator.

Each class that is exported here can be rebuilt from a file. A network of one's own is any `nn.Module` that is made with
`inputs`, `outputs`, `generator` and `dtype`, and is used without being listed anywhere: `solve(network=Own)`.
"""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

from torch import Generator, nn

from pinn.networks.chebyshev import Chebyshev
from pinn.networks.chebyshev_kan import ChebyshevKAN
from pinn.networks.coordinate_map import CoordinateMap
from pinn.networks.deeponet import DeepONet
from pinn.networks.dense import FactorisedLinear
from pinn.networks.enriched import ByOutput, Enriched
from pinn.networks.finite_basis import FBPINN
from pinn.networks.fourier import FourierFeatures
from pinn.networks.hyper import HyperNetwork
from pinn.networks.lifted import Lifted
from pinn.networks.mlp import MLP
from pinn.networks.modified import ModifiedMLP
from pinn.networks.pirate import PirateNet
from pinn.networks.rebuild import build
from pinn.networks.separable import Separable
from pinn.networks.singular import CornerFunctions, CornerProducts, HarmonicFunctions, HoleFunctions, HoleProducts
from pinn.networks.siren import SIREN
from pinn.networks.windows import Windows

__all__ = [
    "FBPINN",
    "MLP",
    "SIREN",
    "ByOutput",
    "Chebyshev",
    "ChebyshevKAN",
    "CoordinateMap",
    "CornerFunctions",
    "CornerProducts",
    "DeepONet",
    "Enriched",
    "FactorisedLinear",
    "FourierFeatures",
    "HarmonicFunctions",
    "HoleFunctions",
    "HoleProducts",
    "HyperNetwork",
    "Lifted",
    "ModifiedMLP",
    "PirateNet",
    "Separable",
    "Windows",
    "rebuild",
]


def rebuild(
    class_name: str,
    arguments: Mapping[str, Any],
    *,
    classes: Sequence[type[nn.Module]] = (),
    generator: Generator | None = None,
) -> nn.Module:
    """A network of the class and arguments that another one had; its weights are new ones.

    Args:
        class_name: name of a network that is exported here, or of one of `classes`.
        arguments: a network's `arguments`.
        classes: further classes that may be built.
        generator: source of the initial weights; left out, a fixed one, since they are about to be replaced.

    Raises:
        ValueError: when the class is neither the library's nor among `classes`, or its activation has no name.

    Example:
        >>> network = MLP(2, 1, width=8, depth=2, generator=Generator().manual_seed(0))
        >>> again = rebuild("MLP", network.arguments)
        >>> again.load_state_dict(network.state_dict())
        <All keys matched successfully>
    """
    exported = [value for name, value in globals().items() if name in __all__ and isinstance(value, type)]
    networks = [kind for kind in exported if "inputs" in signature(kind).parameters]  # what is no layer
    chosen = Generator().manual_seed(0) if generator is None else generator
    return build(class_name, arguments, [*classes, *networks], chosen)
