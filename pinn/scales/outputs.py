"""From a network's inputs and outputs to those of the problem: coordinates to the unit box, and outputs to their size.

    x̂ = 2 (x − middle) / extent,  or cos, sin of 2π (x − low) / period      (a coordinate as a network's input)
    u = shift + size N                                                       (an output)
    u = size · softplus(N + c)             softplus(c) = shift / size        (a positive one)
    u = low + (high − low) · σ(k N + c)    with value shift and slope size at N = 0   (one between bounds)

One text for the model and for what measures the scales before there is one; it runs on tensors and on jets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from pinn.output import Output
from pinn.problem import Problem

_MARGIN = 0.05  # of an interval that the value at N = 0 keeps from its ends, where the sigmoid is flat


def embedded(problem: Problem, columns: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    """Coordinates as a network's inputs, each of shape (n,): scaled to [-1, 1], or cosine and sine where periodic.

    Args:
        problem: whose coordinates they are.
        columns: coordinate name -> tensor or jet of shape (n,).
        names: the coordinates wanted.
    """
    features: list[Any] = []
    for name in names:
        low, high = problem.domain.bounds[name]
        if name in problem.periodic:
            angle = (columns[name] - low) * (2 * math.pi / (high - low))
            features += [torch.cos(angle), torch.sin(angle)]
        else:
            features.append((columns[name] - 0.5 * (low + high)) * (2 / (high - low)))
    return features


def formed(form: Output | None, inner: Any, shift: float, size: float) -> Any:
    """An output from the network's, (n,), dimensionless and of size one: see the module.

    Args:
        form: whether it is positive or bounded; None where it is neither.
        inner: N, a tensor or jet.
        shift: what the output is at N = 0, in its own units, where its form allows that.
        size: what it varies by, in its own units, positive.
    """
    if form is not None and form.positive:
        ratio = max(shift / size, math.log(2.0))
        # softplus⁻¹(y) = y + log(1 − e^{−y}), which does not overflow
        return torch.nn.functional.softplus(inner + (ratio + math.log(-math.expm1(-ratio)))) * size
    if form is not None and form.bounds is not None:
        low, high = form.bounds
        extent = high - low
        fraction = min(max((shift - low) / extent, _MARGIN), 1 - _MARGIN)
        slope = size / (extent * fraction * (1 - fraction))
        return torch.sigmoid(inner * slope + math.log(fraction / (1 - fraction))) * extent + low
    value = inner if size == 1.0 else inner * size
    return value if shift == 0.0 else value + shift
