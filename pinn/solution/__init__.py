"""What comes out of a run: the solution, its error, its history and its report."""

from pinn.solution.history import History
from pinn.solution.report import Report
from pinn.solution.solution import ErrorMeasure, Solution, evaluation_points

__all__ = ["ErrorMeasure", "History", "Report", "Solution", "evaluation_points"]
