"""What is verified about a problem and its derivatives before, and of a solution after, training."""

from pinn.verification.before_training import reference_residuals, verify_before_training
from pinn.verification.finding import Finding, Kind
from pinn.verification.posedness import posedness
from pinn.verification.table import VerificationError, VerificationRow, VerificationTable

__all__ = [
    "Finding",
    "Kind",
    "VerificationError",
    "VerificationRow",
    "VerificationTable",
    "posedness",
    "reference_residuals",
    "verify_before_training",
]
