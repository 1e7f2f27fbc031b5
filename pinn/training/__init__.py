"""Training: stages of a schedule, the loop that runs them, its history, checks before it and the solution after it."""

from pinn.training.history import History
from pinn.training.solution import ErrorMeasure, Solution, evaluation_points
from pinn.training.stage import Stage
from pinn.training.trainer import Progress, Trainer
from pinn.training.widening import Widening

__all__ = ["ErrorMeasure", "History", "Progress", "Solution", "Stage", "Trainer", "Widening", "evaluation_points"]
