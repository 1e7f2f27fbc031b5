"""Certified solutions: what others are measured against, each with the error it is known to have.

Closed forms written with torch are `Analytic`; all that is computed here is a `Reference`. Both are called with NumPy
arrays by coordinate name and carry a `floor`.
"""

from pinn.reference.analytic import Analytic
from pinn.reference.cole_hopf import cole_hopf
from pinn.reference.result import Reference

__all__ = ["Analytic", "Reference", "cole_hopf"]
