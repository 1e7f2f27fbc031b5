"""Pictures of solutions, runs and derivatives."""

from pinn.plotting.history import plot_history, plot_trace
from pinn.plotting.solution import plot_solution

__all__ = ["plot_history", "plot_solution", "plot_trace"]
