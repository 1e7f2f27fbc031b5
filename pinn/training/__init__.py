"""Training: stages of a schedule, the loop that runs them, and the growth of the network."""

from pinn.training.stage import Stage
from pinn.training.trainer import Progress, Trainer
from pinn.training.widening import Widening

__all__ = ["Progress", "Stage", "Trainer", "Widening"]
