"""The optimizer that `solve` takes where none is named, and how many rows it can carry.

Measured on Burgers' equation, one core, rel-L2 error after so many seconds of processor time (points grow from 400):

| parameters | Levenberg-Marquardt | matrix-free Gauss-Newton | L-BFGS |
|---|---|---|---|
| 5 081 | 1.6e-4 at 20 s, 2.5e-5 at 100 s | 9.9e-2 at 60 s, 5.7e-2 at 100 s | 3.7e-1 at 60 s, 3.1e-1 at 100 s |
| 30 701 | 2.3e-1 at 20 s, 7.7e-5 at 120 s | 2.7e-1 at 120 s | 3.5e-1 at 120 s |

With rows made from one backward pass, all of J costs two to three gradients, about as much as a single product Jv and
Jᵀw. As long as J fits into memory its dual form is therefore the choice for any number of parameters; beyond that,
products.
"""

from __future__ import annotations

from pinn.optimizers.base import Optimizer
from pinn.optimizers.levenberg_marquardt import LevenbergMarquardt
from pinn.optimizers.matrix_free import MatrixFree

_FEWEST = 500  # rows under which a problem is hardly posed


def default_optimizer(parameters: int) -> Optimizer:
    """Levenberg-Marquardt while J (500 rows at least) fits into its memory, matrix-free Gauss-Newton beyond.

    Args:
        parameters: p.

    Raises:
        ValueError: for less than one parameter.

    Example:
        >>> type(default_optimizer(921)).__name__, type(default_optimizer(1_000_000)).__name__
        ('LevenbergMarquardt', 'MatrixFree')
    """
    if parameters < 1:
        raise ValueError(f"default_optimizer: got {parameters} parameters; expected at least 1")
    first = LevenbergMarquardt()
    most = first.most_rows(parameters)
    return first if most is None or most >= _FEWEST else MatrixFree()
