"""What comes out of a run: the solution, its error, its history and its report."""

from pinn.solution.ensemble import Ensemble
from pinn.solution.error import ErrorMeasure, evaluation_points
from pinn.solution.history import History
from pinn.solution.report import Report
from pinn.solution.solution import Solution

__all__ = ["Ensemble", "ErrorMeasure", "History", "Report", "Solution", "evaluation_points"]
