"""The error of a model against its problem's reference: measured on a fixed grid, and told as text.

Errors are relative L2, |u - u*| / |u*|, all outputs that the reference gives stacked.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.model import Model
from pinn.problem import Problem
from pinn.sampling.evaluation import evaluation_points

__all__ = ["ErrorMeasure", "evaluation_points", "score"]


class ErrorMeasure:
    """Relative L2 error of a model against its problem's reference, evaluated once on fixed points.

    Args:
        problem: a problem with a reference.
        points: where to measure; left out, `evaluation_points(problem)`.
    """

    def __init__(self, problem: Problem, points: Points | None = None) -> None:
        self.points = evaluation_points(problem) if points is None else points
        self._exact = {name: torch.from_numpy(array.copy()) for name, array in problem.exact(self.points).items()}
        self._norm = float(torch.stack([array.pow(2).sum() for array in self._exact.values()]).sum().sqrt())

    def _differences(self, model: Model) -> dict[str, Tensor]:
        like = next(model.parameters())
        points = self.points.to(like.dtype, like.device)
        with torch.no_grad():
            values = model.stated_outputs({name: points.column(name) for name in points.names})
        return {name: values[name].detach().double().cpu() - exact for name, exact in self._exact.items()}

    def __call__(self, model: Model) -> float:
        """All outputs stacked; the absolute root-mean-square error where the reference vanishes."""
        squares = torch.stack([difference.pow(2).sum() for difference in self._differences(model).values()]).sum()
        return float(squares.sqrt()) / (self._norm or self.points.n**0.5)

    def by_output(self, model: Model) -> dict[str, float]:
        """One error an output."""
        return {
            name: float(difference.norm()) / (float(self._exact[name].norm()) or self.points.n**0.5)
            for name, difference in self._differences(model).items()
        }


def score(error: float, reference_error: float = 0.0) -> str:
    """An error as text, never below what the reference itself is known to be wrong by.

    Args:
        error: relative L2 against the reference, dimensionless.
        reference_error: relative L2 of the reference against the truth, dimensionless; 0 for closed forms.

    Example:
        >>> score(3.21e-6), score(1e-9, reference_error=2e-7)
        ('rel-L2 3.2e-06', 'rel-L2 at the reference’s own error 2.0e-07')
    """
    if error < reference_error:
        return f"rel-L2 at the reference’s own error {reference_error:.1e}"
    return f"rel-L2 {error:.1e}"
