"""What is verified about a problem and its derivatives before, and of a solution after, training."""

from pinn.verification.before_training import reference_residuals, verify_before_training
from pinn.verification.certificate import Certificate, Direction, certify
from pinn.verification.finding import Finding, Kind
from pinn.verification.posedness import posedness
from pinn.verification.stability import Stability, stability_of
from pinn.verification.table import VerificationError, VerificationRow, VerificationTable

__all__ = [
    "Certificate",
    "Direction",
    "Finding",
    "Kind",
    "Stability",
    "VerificationError",
    "VerificationRow",
    "VerificationTable",
    "certify",
    "posedness",
    "reference_residuals",
    "stability_of",
    "verify_before_training",
]
