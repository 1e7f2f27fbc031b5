"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2409.11321, alg. 3).

For a weight W (m, n) with gradient G, averages L ← β₂L + (1 − β₂)GGᵀ and R ← β₂R + (1 − β₂)GᵀG have eigenvectors Q_L,
Q_R. Adam runs on the rotated gradient,

    G' = Q_Lᵀ G Q_R,   V ← β₂V + (1 − β₂) G'²,   W ← W − η Q_L (M'/√(V + ε)) Q_Rᵀ,   M' = Q_Lᵀ M Q_R,

M being the average of G. The eigenvectors are renewed every few steps by one power iteration and a QR. Vectors get
plain Adam, as do axes longer than `largest`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from pinn.validation import count, fraction, positive


class SOAP(torch.optim.Optimizer):
    """SOAP as a `torch.optim` class; see the module.

    Args:
        params: parameters.
        lr: learning rate η.
        betas: β₁ of the mean, β₂ of the squares.
        shampoo_beta: β of L and R; left out, β₂.
        eps: ε.
        weight_decay: decoupled, as in AdamW.
        frequency: steps between two renewals of the eigenvectors.
        largest: longest axis that gets a basis.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> w = torch.nn.Parameter(torch.eye(2))
        >>> SOAP([w], lr=1e-3).param_groups[0]["frequency"]
        10
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 3e-3,
        *,
        betas: tuple[float, float] = (0.95, 0.95),
        shampoo_beta: float | None = None,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        frequency: int = 10,
        largest: int = 10_000,
    ) -> None:
        positive("SOAP", lr=lr, eps=eps)
        each: dict[str, Any] = {f"betas[{index}]": beta for index, beta in enumerate(betas)}
        fraction("SOAP", zero=True, **each)
        count("SOAP", 1, frequency=frequency)
        defaults = {
            "lr": lr,
            "betas": betas,
            "shampoo_beta": betas[1] if shampoo_beta is None else shampoo_beta,
            "eps": eps,
            "weight_decay": weight_decay,
            "frequency": frequency,
            "largest": largest,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update; the closure, where given, evaluates loss and gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)
        return loss

    def _update(self, parameter: Tensor, group: dict[str, Any]) -> None:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        if not state:
            state["step"] = 0
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
            sides = parameter.shape if parameter.ndim == 2 else ()
            state["grams"] = [gradient.new_zeros(n, n) if 1 < n <= group["largest"] else None for n in sides]
            _gather(state["grams"], gradient, 0.0)
            state["bases"] = [None if gram is None else torch.linalg.eigh(gram)[1].flip(1) for gram in state["grams"]]
        state["step"] += 1
        beta1, beta2 = group["betas"]
        rotated = _rotate(gradient, state["bases"])
        state["mean"].lerp_(gradient, 1 - beta1)
        state["square"].mul_(beta2).addcmul_(rotated, rotated, value=1 - beta2)
        mean = _rotate(state["mean"], state["bases"]) / (1 - beta1 ** state["step"])
        size = (state["square"] / (1 - beta2 ** state["step"])).sqrt_().add_(group["eps"])
        if group["weight_decay"]:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_(_rotate(mean / size, state["bases"], back=True), alpha=group["lr"])
        _gather(state["grams"], gradient, group["shampoo_beta"])
        if state["step"] % group["frequency"] == 0:
            self._renew(state)

    def _renew(self, state: dict[str, Any]) -> None:
        """One power iteration and QR of each basis, its vectors sorted by size; V follows the order."""
        for axis, (gram, basis) in enumerate(zip(state["grams"], state["bases"], strict=True)):
            if gram is None:
                continue
            order = torch.einsum("ij,ij->j", basis, gram @ basis).argsort(descending=True)
            state["square"] = state["square"].index_select(axis, order)
            state["bases"][axis] = torch.linalg.qr(gram @ basis[:, order])[0]


def _gather(grams: list[Tensor | None], gradient: Tensor, beta: float) -> None:
    products = (gradient @ gradient.T, gradient.T @ gradient) if grams else ()
    for gram, product in zip(grams, products, strict=True):
        if gram is not None:
            gram.mul_(beta).add_(product, alpha=1 - beta)


def _rotate(matrix: Tensor, bases: list[Tensor | None], *, back: bool = False) -> Tensor:
    """Q_Lᵀ M Q_R, or Q_L M Q_Rᵀ when `back`; a missing basis is the identity."""
    if not bases:
        return matrix
    left, right = bases
    if left is not None:
        matrix = (left if back else left.T) @ matrix
    if right is not None:
        matrix = matrix @ (right.T if back else right)
    return matrix
