"""Weights of points that are functions of the coordinates, known beforehand.

    lambda_i = f(x_i) / mean f

so that the constraint's part of the loss is the integral of f r^2 over that of f: a condition can count more near a
corner, an equation less where its coefficients are singular. The division by the mean keeps the share of the
constraint, which its own weight decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from pinn.binding import bind, named_errors, names_of
from pinn.objective import ConstraintBlock, Objective
from pinn.problem import choices
from pinn.validation import count
from pinn.weighting.weighting import Constant, Weighting, Weights, require_weighting


@dataclass
class Prescribed(Weighting):
    """Weigh the points of constraints by functions of the coordinates.

    Args:
        inner: weighting of the constraints and of their points, which are multiplied.
        functions: constraint -> function of coordinates by name, in their own units, at least zero; of any size.
        every: steps between updates; new points are weighed at once.

    Raises:
        TypeError: when `inner` is no weighting, `functions` no mapping, or one of them no function.
        ValueError: when `every` is out of its range; when points are weighed, for a constraint or coordinate that there
            is not, for an integral, and for values below zero.

    Example:
        >>> rule = Prescribed(functions={"equation": lambda t: torch.exp(-t)})
    """

    inner: Weighting = field(default_factory=Constant)
    functions: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    every: int = 1000

    def __post_init__(self) -> None:
        require_weighting("Prescribed", self.inner)
        count("Prescribed", 1, every=self.every)
        if not isinstance(self.functions, Mapping):
            raise TypeError(
                f"Prescribed: got functions={self.functions!r}, expected functions by constraint; give one such as "
                "{'equation': lambda x: 1 + x**2}"
            )
        for name, function in self.functions.items():
            if isinstance(function, type) or not callable(function):
                raise TypeError(
                    f"Prescribed: got functions[{name!r}]={function!r}, expected a function of coordinates; give one "
                    "such as lambda x: 1 + x**2"
                )

    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """See `Weighting.weigh`."""
        blocks = {block.name: block for block in objective.blocks}
        chosen = dict(weights.points)
        for name, function in self.functions.items():
            if name not in blocks:
                raise ValueError(
                    f"Prescribed: functions of {name!r}, which is no constraint; {choices(name, tuple(blocks))}"
                )
            if not blocks[name].reduction.pointwise:
                raise ValueError(
                    f"Prescribed: functions of {name!r}, an integral, whose points have no weights; multiply its "
                    "integrand by the function"
                )
            lam = _values(name, function, blocks[name], objective)
            chosen[name] = lam * chosen.get(name, torch.ones_like(lam))
        return replace(weights, points=chosen)


def _values(name: str, function: Callable[..., Tensor], block: ConstraintBlock, objective: Objective) -> Tensor:
    """The function over its mean at a block's points, (n,)."""
    owner, points = f"Prescribed: the function of {name!r}", block.points
    for argument in names_of(function)[0]:
        if argument not in points.names:
            raise ValueError(f"{owner} has the argument {argument!r}; {choices(argument, points.names)}")
    with named_errors(owner):
        (values,) = bind(function, {})({key: points.column(key).detach() for key in points.names}, {}, {})
        values = torch.as_tensor(values, dtype=objective.dtype, device=objective.device).expand(points.n)
    if not bool((values.isfinite() & (values >= 0)).all()) or not float(values.sum()) > 0:
        raise ValueError(
            f"{owner} is between {float(values.min()):.3g} and {float(values.max()):.3g}, expected finite numbers of "
            "at least zero, not all zero; give such a function"
        )
    return values / values.mean()
