"""Optimizers of ½ |r(θ)|², one a file, each with its theory and source on top."""

from pinn.least_squares import LeastSquares
from pinn.linearization import Linearization
from pinn.optimizers.first_order import FirstOrder
from pinn.optimizers.lbfgs import LBFGS
from pinn.optimizers.levenberg_marquardt import LevenbergMarquardt
from pinn.optimizers.matrix_free import MatrixFree
from pinn.optimizers.natural_gradient import NaturalGradient
from pinn.optimizers.optimizer import Optimizer, Step, StepEnding
from pinn.optimizers.quasi_newton import BFGS, SSBFGS, SSBroyden
from pinn.optimizers.sketched import Sketched
from pinn.optimizers.soap import SOAP
from pinn.optimizers.spring import SPRING

__all__ = [
    "BFGS",
    "LBFGS",
    "SOAP",
    "SPRING",
    "SSBFGS",
    "FirstOrder",
    "LeastSquares",
    "LevenbergMarquardt",
    "Linearization",
    "MatrixFree",
    "NaturalGradient",
    "Optimizer",
    "SSBroyden",
    "Sketched",
    "Step",
    "StepEnding",
]
