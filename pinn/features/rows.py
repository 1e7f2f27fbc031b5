"""The rows of a model with features about it: its equations, and the dense least-squares problem in its weights."""

from __future__ import annotations

import torch
from torch import Tensor

from pinn.derivatives import Autograd, Engine, Jets
from pinn.model import Model
from pinn.objective import Equations

_RIDGE = 1e-15  # appended below unit columns: columns that depend on each other get small weights


def engine_of(equations: Equations) -> Engine:
    """What linearizes features about an answer: jets without another comparison, or the reference where that serves.

    Jets were compared with the reference when training began. About a good answer residuals are differences of larger
    terms, whose size cannot be read off parameters that are zero.
    """
    if any(choice.engine != "jets" and choice.reason for choice in equations.engines.values()):
        return Autograd()
    rules = equations.engine.rules if isinstance(equations.engine, Jets) else ()
    return Jets(probe=False, rules=rules)


def weighed_as(equations: Equations, model: Model) -> Equations:
    """The equations of another model with the weights that a run has found for these."""
    found = Equations(model, engine_of(equations))
    found.weights, found.point_weights = dict(equations.weights), dict(equations.point_weights)
    return found


def orthogonal_least_squares(jacobian: Tensor, residual: Tensor) -> Tensor:
    """c (p,) that makes |J c + r| least, by a QR factorisation of J with unit columns; 2 N p² operations.

    Args:
        jacobian: J, (N, p).
        residual: r, (N,).

    Example:
        >>> design = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
        >>> right = -design @ torch.tensor([3.0, 2e-4], dtype=torch.float64)
        >>> [round(c, 12) for c in orthogonal_least_squares(design, right).tolist()]
        [3.0, 0.0002]
    """
    like, jacobian, residual = residual, jacobian.double(), residual.double()
    sizes = jacobian.norm(dim=0)
    sizes = torch.where(sizes > 0, sizes, torch.ones_like(sizes))
    p = sizes.numel()
    ridge = _RIDGE * torch.eye(p, dtype=torch.float64, device=jacobian.device)
    factor, tau = torch.geqrf(torch.cat([jacobian / sizes, ridge]))
    right = torch.cat([-residual, residual.new_zeros(p)])
    turned = torch.ormqr(factor, tau, right[:, None], transpose=True)[:p]
    return (torch.linalg.solve_triangular(factor[:p].triu(), turned, upper=True)[:, 0] / sizes).to(like)
