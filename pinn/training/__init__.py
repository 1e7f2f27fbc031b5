"""Training: stages of a schedule, the loop that runs them, when it stops, and the growth of the network."""

from pinn.solution.outcome import Ending, Outcome
from pinn.training.callback import Callback, Latest, Progress
from pinn.training.checkpoint import Checkpoint, Checkpoints
from pinn.training.monitor import ValidationMonitor
from pinn.training.stage import Stage
from pinn.training.stopping import MaxSeconds, MaxSteps, Patience, Standing, Stop, StoppingCriterion, Tolerance
from pinn.training.trainer import Trainer
from pinn.training.widening import Widening

__all__ = [
    "Callback",
    "Checkpoint",
    "Checkpoints",
    "Ending",
    "Latest",
    "MaxSeconds",
    "MaxSteps",
    "Outcome",
    "Patience",
    "Progress",
    "Stage",
    "Standing",
    "Stop",
    "StoppingCriterion",
    "Tolerance",
    "Trainer",
    "ValidationMonitor",
    "Widening",
]
