"""The deep operator network: values at a place, of functions that are made of an input function.

    u(x; f) = W (b(f) ⊙ t(x)) + c,    t : ℝᵈ → ℝʳ the trunk,    b : ℝᴷ → ℝʳ the branch

f enters by K numbers: coefficients of its terms, or its values at sensors, of which one is a linear image of the other.
Every operator that is continuous on a compact set of functions is such a sum up to any error. With `linear` the branch
is b(f) = A f + (a perceptron): an operator that is linear in f needs no more, and one that is nearly so begins there.
The papers give every output r products of its own; here outputs are combinations of the same ones.

Measured on u_t = 0.01 u_xx + 0.01 u² + f(x) from rest between walls at zero, x and t in [0, 1], f of 11 terms of a
Gaussian field of length 0.2, trained by Levenberg-Marquardt alone on 1500 points drawn anew every 5 steps, r and widths
of 20, trunk of 2 layers, seed 0; relative L2 errors at 20 new functions against Chebyshev collocation and BDF, and
seconds of processor time of one core of a shared machine:

| branch | parameters | steps | mean | worst | s |
|---|---|---|---|---|---|
| linear and perceptron | 1 821 | 30 | 6.6e-3 | 1.6e-2 | 19 |
| linear and perceptron | 1 821 | 90 | 3.2e-3 | 7.1e-3 | 51 |
| perceptron | 1 581 | 30 | 1.8e-2 | 3.6e-2 | 14 |

With points that grow (`pinn.sampling.Growing`) from 400 the first has 6.3e-2 after 30 steps and 6 s, from 1500 7.7e-3
after 18 s. Gauss-Newton steps on 1 680 fixed neurons (`pinn.features.solve_smooth`), linear in f, have a mean of 2.3e-3
and a worst of 4.7e-3 after 39 s, with 0.018 of the residual left, for which no error is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record
from pinn.networks.layer import Style
from pinn.networks.mlp import MLP
from pinn.networks.modified import ModifiedMLP
from pinn.validation import count


class DeepONet(nn.Module):
    """A branch of the function's numbers times a trunk of the place.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        functions: how many of the inputs, the last ones, are numbers of functions; or the places of these among them. A
            model of a problem whose inputs are functions says so by itself.
        rank: number r of products.
        width: neurons a hidden layer of branch and trunk.
        depth: hidden layers of the trunk.
        branch_depth: hidden layers of the branch.
        linear: whether the branch has a linear part beside its perceptron.
        modified: whether both are modified perceptrons, with so many layers with gates after a first one.
        activation: φ of both, any smooth function of a tensor.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = DeepONet(4, 1, functions=3, width=8, generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(5, 4, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        functions: int | Sequence[int] = 1,
        rank: int = 30,
        width: int = 30,
        depth: int = 3,
        branch_depth: int = 1,
        linear: bool = True,
        modified: bool = False,
        activation: Activation = torch.tanh,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("DeepONet", 1, inputs=inputs, outputs=outputs, rank=rank, width=width, depth=depth)
        count("DeepONet", 1, branch_depth=branch_depth)
        numbers = _places(inputs, functions)
        style = Style("DeepONet", activation, None, None, generator, dtype)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            functions=list(numbers),
            rank=rank,
            width=width,
            depth=depth,
            branch_depth=branch_depth,
            linear=bool(linear),
            modified=bool(modified),
            activation=style.activation,
            dtype=dtype,
        )
        self._numbers, self._place = list(numbers), [i for i in range(inputs) if i not in numbers]
        kind: Any = ModifiedMLP if modified else MLP
        common = {"width": width, "activation": style.activation, "generator": generator, "dtype": dtype}
        self.trunk = kind(len(self._place), rank, depth=depth + bool(modified), **common)
        self.branch = kind(len(self._numbers), rank, depth=branch_depth + bool(modified), **common)
        self.direct = style.linear(len(self._numbers), rank) if linear else None
        self.last = style.linear(rank, outputs)

    def represent(self, x: Tensor) -> Tensor:
        """The products of branch and trunk, (..., inputs) -> (..., r)."""
        numbers = x[..., self._numbers]
        branch = self.branch(numbers)
        if self.direct is not None:
            branch = branch + self.direct(numbers)
        return branch * self.trunk(x[..., self._place])

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return self.last(self.represent(x))


def _places(inputs: int, functions: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(functions, bool) or not isinstance(functions, (int, Sequence)) or isinstance(functions, str):
        raise TypeError(
            f"DeepONet: got functions={functions!r}, expected how many of the last inputs are numbers of functions, or "
            "their places; give e.g. functions=10"
        )
    places = tuple(range(inputs - functions, inputs)) if isinstance(functions, int) else tuple(functions)
    if not places or min(places) < 0 or max(places) >= inputs or len(set(places)) < len(places):
        raise ValueError(
            f"DeepONet: got functions={functions!r} of {inputs} inputs, expected some of them; give how many of the "
            "last ones are numbers of functions, or their places"
        )
    if len(places) == inputs:
        raise ValueError(
            f"DeepONet: got functions={functions!r} of {inputs} inputs, expected at least one input that is none; give "
            "a problem with a coordinate beside them"
        )
    return places
