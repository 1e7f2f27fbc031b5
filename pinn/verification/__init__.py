"""What is verified about a problem and its derivatives before, and of a solution after, training."""

from pinn.verification.before_training import reference_residuals, verify_before_training
from pinn.verification.certificate import Certificate, Direction, certify
from pinn.verification.stability import Stability, stability_of
from pinn.verification.table import VerificationError, VerificationRow, VerificationTable

__all__ = [
    "Certificate",
    "Direction",
    "Stability",
    "VerificationError",
    "VerificationRow",
    "VerificationTable",
    "certify",
    "reference_residuals",
    "stability_of",
    "verify_before_training",
]
