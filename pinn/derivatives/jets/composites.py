"""Functions that are made of others, written with jets.

    softmax    e^{z−m}/Σ e^{z−m}            logsumexp    m + log Σ e^{z−m},   m = max z, a constant
    logaddexp  max + log(1 + e^{min−max})   atan2(y, x)  atan(y/x) or −atan(x/y), of the smaller quotient, + a constant
    hypot      (f² + g²)^{1/2}              xlogy        f log g, zero where f is

Arguments are those of the torch functions of the same names. `inplace` has no effect: jets are never written over.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets import activations, arithmetic, features, special, taylor
from pinn.derivatives.jets.arithmetic import compose, detached_value, where
from pinn.derivatives.jets.jet import Jet, MissingRule
from pinn.expansions import Expansion


def softmax(z: Any, dim: int, dtype: None = None, *, _stacklevel: int = 3) -> Any:
    """e^{z_i}/Σ e^{z_j} over an axis of features."""
    # The largest value is subtracted as a constant: the quotient does not depend on it.
    powers = compose(taylor.EXP, z - z.value.detach().amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def softmin(z: Any, dim: int, dtype: None = None, *, _stacklevel: int = 3) -> Any:
    """The softmax of −z."""
    return softmax(-z, dim)


def log_softmax(z: Any, dim: int, dtype: None = None, *, _stacklevel: int = 3) -> Any:
    """z − log Σ e^{z_j} over an axis of features."""
    shifted = z - z.value.detach().amax(dim, keepdim=True)
    return shifted - compose(taylor.LOG, compose(taylor.EXP, shifted).sum(dim, keepdim=True))


def logsumexp(z: Any, dim: Any, keepdim: bool = False) -> Any:
    """log Σ e^{z_j} over an axis of features."""
    largest = z.value.detach().amax(dim, keepdim=True)
    total = compose(taylor.EXP, z - largest).sum(dim, keepdim=keepdim)
    return compose(taylor.LOG, total) + (largest if keepdim else largest.squeeze(dim))


def gelu(z: Any, approximate: str = "none") -> Any:
    """z Φ(z), or its approximation by tanh."""
    if approximate == "none":
        return compose(activations.GELU, z)
    inner = (z + 0.044715 * z * z * z) * math.sqrt(2.0 / math.pi)
    return z * 0.5 * arithmetic.add(compose(taylor.TANH, inner), 1.0)


def tanhshrink(z: Any) -> Any:
    """z − tanh z."""
    return arithmetic.subtract(z, compose(taylor.TANH, z))


def prelu(z: Any, weight: Any) -> Any:
    """z above zero, weight · z below; one weight, or one for each entry of axis 1."""
    if isinstance(weight, Tensor) and weight.ndim == 1:
        weight = weight.reshape(()) if weight.numel() == 1 else weight.reshape(-1, *(1,) * (z.ndim - 2))
    return where(detached_value(z) > 0, z, arithmetic.multiply(z, weight))


def rrelu(z: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False) -> Any:
    """The leaky rectifier at rest, with the mean of its slopes."""
    if training:
        raise MissingRule("torch.rrelu in training mode draws its slopes: call model.eval()")
    return compose(activations.leaky_relu(0.5 * (float(lower) + float(upper))), z)


def glu(z: Any, dim: int = -1) -> Any:
    """a σ(b), for the two halves a and b of an axis of features."""
    a, b = features.pieces(torch.chunk, "chunk")(z, 2, dim)
    return arithmetic.multiply(a, compose(taylor.SIGMOID, b))


def dropout(z: Jet, p: float = 0.5, training: bool = True, inplace: bool = False) -> Jet:
    """Dropout at rest."""
    if training and p > 0:
        raise MissingRule("dropout in training mode: call model.eval()")
    return z


def batch_norm(
    z: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Batch normalisation at rest, with its running statistics: a linear map of each entry of axis 1."""
    if training or running_mean is None or running_var is None:
        raise MissingRule("batch normalisation by the batch couples the points: call model.eval()")
    along = (-1, *(1,) * (z.ndim - 2))
    scaled = (z - running_mean.reshape(along)) * torch.rsqrt(running_var + eps).reshape(along)
    if weight is not None:
        scaled = scaled * weight.reshape(along)
    return scaled if bias is None else scaled + bias.reshape(along)


def rms_norm(z: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """z over its root mean square along the last axes."""
    axes = tuple(range(-len(normalized_shape), 0))
    floor = torch.finfo(z.dtype).eps if eps is None else eps
    scaled = z * torch.rsqrt((z * z).mean(axes, keepdim=True) + floor)
    return scaled if weight is None else scaled * weight


def logit(z: Any, eps: float | None = None) -> Any:
    """log(z/(1 − z)), of z held within [eps, 1 − eps]."""
    return compose(special.LOGIT, z if eps is None else arithmetic.clamp(z, eps, 1.0 - eps))


def logaddexp(f: Any, g: Any) -> Any:
    """log(e^f + e^g)."""
    return _log_of_sum(f, g, 1.0)


def logaddexp2(f: Any, g: Any) -> Any:
    """log₂(2^f + 2^g)."""
    return _log_of_sum(f, g, math.log(2.0))


def _log_of_sum(f: Any, g: Any, beta: float) -> Any:
    larger = detached_value(f) > detached_value(g)
    high, low = where(larger, f, g), where(larger, g, f)
    return high + compose(activations.log_one_plus_exp(beta), low - high)


def hypot(f: Any, g: Any) -> Any:
    """(f² + g²)^{1/2}."""
    return compose(taylor.power(0.5), f * f + g * g)


def atan2(y: Any, x: Any) -> Any:
    """The angle of the point (x, y)."""
    v, u = detached_value(y), detached_value(x)
    steep = abs(v) > abs(u)
    quotient = arithmetic.divide(where(steep, -x, y), where(steep, y, x))
    found = compose(special.ATAN, quotient)
    v, u = (torch.as_tensor(w, dtype=found.dtype, device=found.device) for w in (v, u))
    # Both angles are exact up to a multiple of π/2, which does not vary.
    turns = torch.round((torch.atan2(v, u) - detached_value(found)) / (0.5 * math.pi))
    return arithmetic.add(found, turns * (0.5 * math.pi))


def xlogy(f: Any, g: Any) -> Any:
    """f log g, and zero where f is zero and g is not positive."""
    return _product_with_log(taylor.LOG, f, g, 0.0)


def xlog1py(f: Any, g: Any) -> Any:
    """f log(1 + g), and zero where f is zero and g is not above −1."""
    return _product_with_log(taylor.LOG1P, f, g, -1.0)


def _product_with_log(logarithm: taylor.SmoothFunction, f: Any, g: Any, end: float) -> Any:
    if not isinstance(g, Jet):
        function = torch.log if end == 0.0 else torch.log1p
        owner = f.value
        g = torch.as_tensor(g, dtype=owner.dtype, device=owner.device)
        vanishing = (detached_value(f) == 0) & (g.detach() <= end)
        return f * function(torch.where(vanishing, 1.0 + end, g))
    vanishing = (detached_value(f) == 0) & (detached_value(g) <= end)
    return f * compose(logarithm, where(vanishing, 1.0 + end, g) if bool(vanishing.any()) else g)


def polygamma(n: Any, z: Any) -> Any:
    """The derivative of order n of digamma; as a method of a tensor, with the tensor first."""
    n, z = (z, n) if isinstance(n, Jet) else (n, z)
    return compose(special.polygamma(int(n)), z)


def unchanged(z: Any, *args: Any, **kwargs: Any) -> Any:
    """What leaves a jet as it is: clone, contiguous, positive."""
    return z


def same_kind(z: Jet, *args: Any, **kwargs: Any) -> Jet:
    """`to`, `double`, `type_as`: allowed where they change nothing."""
    kinds = [a.dtype if isinstance(a, Tensor | Jet) else a for a in (*args, *kwargs.values())]
    for kind in kinds:
        if isinstance(kind, torch.dtype) and kind != z.dtype:
            raise MissingRule(f"a change of precision from {z.dtype} to {kind}: keep one precision in a model")
    return z


def expansion(given: Expansion, *columns: Any) -> Any:
    """A function given by coefficients; numbers and plain tensors beside jets are constants."""
    owner = next(x for x in columns if isinstance(x, Jet))
    return given.combined([x if isinstance(x, Jet) else arithmetic.as_jet(owner, x) for x in columns])
