"""Fixed neurons and linear solves: affine problems to rounding, evolutions by windows of time, without training."""

from pinn.features.solve import EFFORT, Ending, FeatureSolve, Round, affine_refusal, solve_affine, solve_smooth
from pinn.features.windows import Pass, solve_windows, windows_refusal

__all__ = [
    "EFFORT",
    "Ending",
    "FeatureSolve",
    "Pass",
    "Round",
    "affine_refusal",
    "solve_affine",
    "solve_smooth",
    "solve_windows",
    "windows_refusal",
]
