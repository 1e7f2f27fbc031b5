"""Trackers: callbacks that write the numbers of a run to where people compare runs, one a file.

What each needs is loaded when it is made; `pip install "pinn[tensorboard]"`, `"pinn[wandb]"` and `"pinn[mlflow]"` bring
it.
"""

from pinn.training.trackers.json_lines import JSONLines
from pinn.training.trackers.mlflow import MLflow
from pinn.training.trackers.tensorboard import TensorBoard
from pinn.training.trackers.tracker import Tracker
from pinn.training.trackers.wandb import WeightsAndBiases

__all__ = ["JSONLines", "MLflow", "TensorBoard", "Tracker", "WeightsAndBiases"]
