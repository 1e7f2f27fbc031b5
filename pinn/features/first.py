"""Which solves on fixed neurons a run begins with, and how much each may take.

Evolutions are solved by windows of time, other problems that are not affine by steps of Gauss-Newton: Kovasznay's flow
then has an error of 2e-14 after 2.2 s of processor time, the cavity 9e-4 after 4 s. Where they do not carry it, that
shows after a quarter of the effort, about a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pinn.features.found import Ending, FeatureSolve
from pinn.features.rows import affine_refusal
from pinn.features.solve import EFFORT, solve_affine, solve_smooth
from pinn.features.windows import solve_windows, windows_refusal
from pinn.objective import Equations

SMOOTH = 2e11  # operations of fixed neurons for a problem that is not affine, four seconds; see above
# Of windows of time in a plane, a minute of one core: heat whose conductivity varies took 26 s to 8e-7, where 120 s of
# training left 1.6e-2.
IN_PLANE = 3e12
OF_STEPS = 0.1  # of the usual effort where steps limit the run: 2e10 operations, a second or two
_ANSWERED = 150_000  # points at which comparison, certificate and report evaluate an answer
_LEAST = 0.1  # seconds
_KEPT = 0.05  # of the seconds left, for what compares the answer


@dataclass(frozen=True)
class FirstSolve:
    """One of the solves that may carry a problem.

    Attributes:
        kind: "affine", "windows" or "smooth".
        effort: operations that it may take where nothing limits the run.
        further: whether another is tried where this one has spent its effort.
    """

    kind: str
    effort: float
    further: bool = False

    def passes_on(self, found: FeatureSolve) -> bool:
        """Whether another solve is to be tried, the better of both being the answer."""
        return self.further and found.ending is Ending.EFFORT

    def __call__(
        self,
        equations: Equations,
        generator: torch.Generator,
        *,
        tolerance: float | None,
        left: float = math.inf,
        steps: bool = False,
    ) -> FeatureSolve:
        """Make the solve.

        Args:
            equations: the problem and an untrained model.
            generator: source of points.
            tolerance: claimed relative error at which it ends.
            left: seconds that are left, in which comparison, certificate and report of its answer are to be made too.
            steps: whether steps limit the run.
        """
        effort = self.effort * (OF_STEPS if steps else 1.0)
        seconds = max((1 - _KEPT) * left, _LEAST)
        if self.kind == "windows":
            points = _ANSWERED if left < math.inf else 0
            return solve_windows(
                equations, generator=generator, effort=effort, tolerance=tolerance, points=points, seconds=seconds
            )
        solve = solve_affine if self.kind == "affine" else solve_smooth
        return solve(equations, generator=generator, effort=effort, tolerance=tolerance, seconds=seconds)


def first_solves(equations: Equations) -> list[FirstSolve]:
    """Solves on fixed neurons that may carry a problem, the most promising first.

    Example:
        >>> from pinn.derivatives import Jets
        >>> from pinn.model import Model
        >>> from pinn.networks import MLP
        >>> from pinn.problems import kdv
        >>> model = Model(kdv(), MLP, generator=torch.Generator().manual_seed(0))
        >>> [solve.kind for solve in first_solves(Equations(model, Jets()))]
        ['windows']
    """
    windows = not windows_refusal(equations.problem)
    plane = windows and equations.problem.domain.dimension > 2
    found = [] if affine_refusal(equations) else [FirstSolve("affine", EFFORT, further=plane)]
    if windows:
        found.append(FirstSolve("windows", IN_PLANE if plane else EFFORT))
        if plane and not found[:-1]:
            found.append(FirstSolve("smooth", SMOOTH))
    return found or [FirstSolve("smooth", SMOOTH)]
