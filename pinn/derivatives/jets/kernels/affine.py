"""Operations that treat every entry of a jet alike, each one node of autograd with a backward pass by hand.

    linear    z = a Wᵀ + b:   one product of (K n, in) with Wᵀ; the bias joins the value alone
    sum       y = f + α g
    multiple  y = α f + β:    the number β joins the value alone

Stacks lie in memory as `pinn.derivatives.jets.kernels.compose` has them, and are made in a workspace.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pinn.derivatives.jets.kernels.compose import first_order
from pinn.derivatives.jets.kernels.matmul import matmul
from pinn.derivatives.jets.kernels.workspace import Workspace


def combined(f: Tensor, g: Tensor, alpha: float, space: Workspace) -> Tensor:
    """f + α g for two stacks of the same shape; with a graph where one is being made."""
    if torch.is_grad_enabled():
        found: Tensor = Sum.apply(f, g, alpha, space)
        return found
    return torch.add(f, g, alpha=alpha, out=space.stack(f.shape[0], f[0]))


class Sum(torch.autograd.Function):
    """f + α g for two stacks of the same shape."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, g: Tensor, alpha: float, space: Workspace) -> Tensor:
        """The stack of the sum."""
        ctx.alpha, ctx.space = alpha, space
        return torch.add(f, g, alpha=alpha, out=space.stack(f.shape[0], f[0]))

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient itself, and α times it."""
        right = None
        if ctx.needs_input_grad[1]:
            right = grad if ctx.alpha == 1.0 else _multiple(grad, ctx.alpha, 0.0, ctx.space)
        return grad, right, None, None


def multiple(f: Tensor, alpha: float, beta: float, space: Workspace) -> Tensor:
    """α f + β for a stack f and numbers; with a graph where one is being made."""
    if torch.is_grad_enabled():
        found: Tensor = Multiple.apply(f, alpha, beta, space)
        return found
    return _multiple(f, alpha, beta, space)


def _multiple(f: Tensor, alpha: float, beta: float, space: Workspace) -> Tensor:
    out = torch.mul(f, alpha, out=space.stack(f.shape[0], f[0]))
    if beta:
        out[0] += beta
    return out


class Multiple(torch.autograd.Function):
    """α f + β for a stack f and numbers; β joins the value alone."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, alpha: float, beta: float, space: Workspace) -> Tensor:
        """The stack of α f + β."""
        ctx.alpha, ctx.space = alpha, space
        return _multiple(f, alpha, beta, space)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """α times the gradient."""
        return grad if ctx.alpha == 1.0 else _multiple(grad, ctx.alpha, 0.0, ctx.space), None, None, None


def linear(a: Tensor, weight: Tensor, bias: Tensor | None, space: Workspace) -> Tensor:
    """a Wᵀ + b for a stack a; with a graph where one is being made."""
    if torch.is_grad_enabled():
        found: Tensor = Linear.apply(a, weight, bias, space)
        return found
    return _linear(a, weight, bias, space)


def _linear(a: Tensor, weight: Tensor, bias: Tensor | None, space: Workspace) -> Tensor:
    z = _by_feature(space.matmul(weight, a.reshape(-1, a.shape[-1]).T), a)
    if bias is not None:
        z[0] += bias
    return z


def _by_feature(product: Tensor, like: Tensor) -> Tensor:
    """A product (out, K n …) as a stack (K, n, …, out), without a copy."""
    stack = product.view(product.shape[0], *like.shape[:-1])
    return stack.permute(1, 2, 0) if stack.ndim == 3 else stack.movedim(0, -1)


def affine(value: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """a Wᵀ + b of plain values (n, in), features first in memory."""
    if value.ndim != 2:
        return F.linear(value, weight, bias)
    return (weight @ value.T if bias is None else torch.addmm(bias.unsqueeze(1), weight, value.T)).T


class Linear(torch.autograd.Function):
    """a Wᵀ + b for a stack a (K, n, …, in), as one matrix product."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, weight: Tensor, bias: Tensor | None, space: Workspace) -> Tensor:
        """The stack of z."""
        ctx.space = space
        ctx.save_for_backward(a, weight)
        return _linear(a, weight, bias, space)

    @staticmethod
    @first_order
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients by a, W and b."""
        a, weight = ctx.saved_tensors
        columns = g.reshape(-1, g.shape[-1]).T
        ga = _by_feature(ctx.space.matmul(weight.T, columns), a) if ctx.needs_input_grad[0] else None
        gw = matmul(columns, a.reshape(-1, a.shape[-1])) if ctx.needs_input_grad[1] else None
        gb = g[0].reshape(-1, g.shape[-1]).sum(0) if ctx.needs_input_grad[2] else None
        return ga, gw, gb, None
