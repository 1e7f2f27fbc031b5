"""What is verified about a problem and its derivatives before, and of a solution after, training."""

from pinn.verification.before_training import CheckError, CheckRow, CheckTable, check

__all__ = ["CheckError", "CheckRow", "CheckTable", "check"]
