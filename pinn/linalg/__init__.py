"""Dense, blocked and randomized linear algebra of least squares, damped or not.

`damped` has the parts of a damped Gauss-Newton step, min |J d + e|² + λ |d|². The others make |J c + r| least;
`least_squares` picks. With w = 2 N p² operations of a QR of J (N, p), and κ the condition of J with columns of size
one:

| solver | operations | resolves | 6 500 × 2 000 |
|---|---|---|---|
| `TallQR`, `least_squares` | w + 2/3 p³ a damping | everything: least residual to 1e-15, any κ | 1.6 s |
| `solve_normal` | w/2 + p³/3, 4 N p a step | as QR to κ = 1e5; declines beyond | 0.9 s |
| `solve_sketched` | 6 p³, 4 N p a step, 30 to 40 steps | residual to 1.1 of the least where κ > 1e12 | 3.0 s |
| `solve_blocks` | 2 n m² for each front of n × m | everything, as QR | 0.4 s at 8 000 × 2 560 in 64 patches |
| LAPACK `gelsd`, `gelsy` | 4 w, 2 w | everything | 3.7 to 4.2 s, 2.6 to 5.3 s |

Times are processor seconds on one thread of an EPYC at 47 GFLOP/s; wall time is more where cores are shared. On
features of poisson_2d, 6 313 × 2 001, ten steps of conjugate gradients with the Cholesky factor of JᵀJ left 2e-3 of r,
`TallQR` 5e-9; on those of euler_beam 6e-6 and 4e-14. A sketch gains nothing below N = 40 p: 40 000 × 2 000 takes 7.8 s
by it and 9.1 s by QR. Cholesky QR (Fukaya et al., SIAM J. Sci. Comput. 42 (2020) A477) takes 1.65 s a pass at 6 500 ×
2 000, of which such matrices need three.
"""

from pinn.linalg.blocks import Block, BlockMatrix, solve_blocks
from pinn.linalg.choice import least_squares
from pinn.linalg.damped import (
    DampedQR,
    Nystrom,
    cholesky,
    cholesky_solve,
    condition,
    conjugate_gradients,
    gram,
    nystrom,
    refined,
    square,
)
from pinn.linalg.matrix import DistantMatrix, Matrix, dense
from pinn.linalg.preconditioned import may_be_squared, solve_normal, solve_sketched
from pinn.linalg.tall import TallQR

__all__ = [
    "Block",
    "BlockMatrix",
    "DampedQR",
    "DistantMatrix",
    "Matrix",
    "Nystrom",
    "TallQR",
    "cholesky",
    "cholesky_solve",
    "condition",
    "conjugate_gradients",
    "dense",
    "gram",
    "least_squares",
    "may_be_squared",
    "nystrom",
    "refined",
    "solve_blocks",
    "solve_normal",
    "solve_sketched",
    "square",
]
