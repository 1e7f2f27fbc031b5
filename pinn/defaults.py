"""The optimizer that `solve` takes where none is named, and how many rows it can carry.

Three methods carry networks of thousands of parameters: Levenberg-Marquardt, in its dual form once rows are fewer than
parameters; matrix-free Gauss-Newton; and the sketched form. Measured on Burgers' equation, rel-L2 error after so many
seconds of processor time of one core, points growing from 400 as the optimizer's memory allows:

| parameters | seconds | Levenberg-Marquardt | matrix-free | sketched (s) | L-BFGS |
|---|---|---|---|---|---|
| 3 441 | 40 | 3.2e-5 | | 1.7e-3 (345), 8.1e-3 (1377) | |
| 5 081 | 100 | 2.5e-5 | 5.7e-2 | | 3.1e-1 |
| 30 501 | 58 | 1.2e-2 | 1.6e-1 | 2.7e-1 (611) | |
| 30 701 | 120 | 7.7e-5 | 2.7e-1 | | 3.5e-1 |
| 99 901 | 58 | 2.7e-1, loss 1.0e-2 | 3.2e-1, loss 8.4e-2 | 4.9e-1, loss 1.6 (500) | |

With rows made from one backward pass, all of J costs two to three gradients, about as much as a single product Jv and
Jᵀw; its dual form costs N²p, which stays small where the memory holds N down. So Levenberg-Marquardt is taken as long
as its memory holds enough rows, 625 at 100 000 parameters, and products alone beyond. The sketched form never wins
here: its SVD and its transform of s p numbers are dear, and the s that one core can afford is too small a part of p. It
is to be named, where a GPU or time allows s of p/3.
"""

from __future__ import annotations

from pinn.optimizers.levenberg_marquardt import LevenbergMarquardt
from pinn.optimizers.matrix_free import MatrixFree
from pinn.optimizers.optimizer import Optimizer

_FEWEST = 500  # rows under which a problem is hardly posed


def default_optimizer(parameters: int) -> Optimizer:
    """Levenberg-Marquardt while J (500 rows at least) fits into its memory, matrix-free Gauss-Newton beyond.

    Args:
        parameters: p.

    Raises:
        ValueError: for less than one parameter.

    Example:
        >>> [type(default_optimizer(p)).__name__ for p in (921, 30_000, 1_000_000)]
        ['LevenbergMarquardt', 'LevenbergMarquardt', 'MatrixFree']
    """
    if parameters < 1:
        raise ValueError(f"default_optimizer: got {parameters} parameters; expected at least 1")
    first = LevenbergMarquardt()
    most = first.most_rows(parameters)
    return first if most is None or most >= _FEWEST else MatrixFree()
