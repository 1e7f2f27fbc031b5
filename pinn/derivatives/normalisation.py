"""Layer and group normalisation written as arithmetic, for jets and for nested autograd.

    y = (z − m) (v + ε)^(−1/2) w + b,     m = mean z,   v = mean (z − m)²,   means over the last axes

torch's own layer normalisation is one kernel, whose derivatives are right up to the second and wrong from the third on
(torch 2.13: by a third of their size on a small network, against central differences of the second). A residual with
second derivatives, differentiated by the parameters, is such a third derivative. The arithmetic has none of this.
Group normalisation, the same over groups of channels, is a kernel that batched backward passes refuse.

Source: Ba, Kiros, Hinton, "Layer normalization", arXiv:1607.06450, eq. 4; Wu, He, arXiv:1803.08494, eq. 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode


def layer_norm(
    z: Any,
    normalized_shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Any:
    """Layer normalisation of a tensor or jet; arguments are those of `torch.nn.functional.layer_norm`.

    Args:
        z: (…, *normalized_shape).
        normalized_shape: sizes of the last axes, over which means are taken.
        weight: factor of that shape, or None.
        bias: summand of that shape, or None.
        eps: what is added to the variance.
        cudnn_enable: as `torch.layer_norm` has it; without effect here.

    Returns:
        What z is, of its shape. Raises as torch does where shapes do not fit.

    Example:
        >>> layer_norm(torch.tensor([[1.0, 3.0]]), (2,), eps=0.0).tolist()
        [[-1.0, 1.0]]
    """
    axes = tuple(range(-len(normalized_shape), 0))
    centred = z - z.mean(axes, keepdim=True)
    scaled = centred * torch.rsqrt((centred * centred).mean(axes, keepdim=True) + eps)
    if weight is not None:
        scaled = scaled * weight
    return scaled if bias is None else scaled + bias


def group_norm(
    z: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5, cudnn_enabled: bool = True
) -> Any:
    """Group normalisation of a tensor or jet: each group of channels of a point to mean zero and variance one.

    Args:
        z: (n, C, …).
        num_groups: G, a divisor of C.
        weight: factor (C,), or None.
        bias: summand (C,), or None.
        eps: what is added to the variance.
        cudnn_enabled: as `torch.group_norm` has it; without effect here.

    Returns:
        What z is, of its shape. Raises as torch does where shapes do not fit.

    Example:
        >>> group_norm(torch.tensor([[1.0, 3.0, 5.0, 5.0]]), 2, eps=0.5).shape
        torch.Size([1, 4])
    """
    grouped = z.reshape(z.shape[0], num_groups, -1)
    scaled = layer_norm(grouped, (grouped.shape[-1],), eps=eps).reshape(*z.shape)
    along = (-1, *(1,) * (z.ndim - 2))
    if weight is not None:
        scaled = scaled * weight.reshape(along)
    return scaled if bias is None else scaled + bias.reshape(along)


class ArithmeticNormalisation(TorchFunctionMode):
    """While it is entered, torch's normalisations are done by `layer_norm` and `group_norm`, with right derivatives.

    Example:
        >>> with ArithmeticNormalisation():
        ...     torch.nn.LayerNorm(2, eps=0.0)(torch.tensor([[1.0, 3.0]])).tolist()
        [[-1.0, 1.0]]
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """The function itself, or its arithmetic."""
        if function is F.layer_norm or function is torch.layer_norm:
            function = layer_norm
        elif function is F.group_norm or function is torch.group_norm:
            function = group_norm
        return function(*args, **(kwargs or {}))
