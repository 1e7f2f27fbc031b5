"""Fixed neurons and linear solves: smooth problems without training, and corrections of trained networks."""

from pinn.features.followed import residual_norms
from pinn.features.found import Ending, FeatureSolve, Round
from pinn.features.lift import Lift, lift, lift_refusal, lift_work, most_neurons
from pinn.features.rows import affine_refusal, smooth_refusal
from pinn.features.solve import EFFORT, solve_affine, solve_smooth
from pinn.features.windows import Pass, solve_windows, windows_refusal

__all__ = [
    "EFFORT",
    "Ending",
    "FeatureSolve",
    "Lift",
    "Pass",
    "Round",
    "affine_refusal",
    "lift",
    "lift_refusal",
    "lift_work",
    "most_neurons",
    "residual_norms",
    "smooth_refusal",
    "solve_affine",
    "solve_smooth",
    "solve_windows",
    "windows_refusal",
]
