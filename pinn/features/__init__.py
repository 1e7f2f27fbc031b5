"""Fixed neurons and linear solves: affine problems to rounding, without training."""

from pinn.features.solve import EFFORT, Ending, FeatureSolve, Round, affine_refusal, solve_affine, solve_smooth

__all__ = ["EFFORT", "Ending", "FeatureSolve", "Round", "affine_refusal", "solve_affine", "solve_smooth"]
