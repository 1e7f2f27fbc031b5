"""Dense and randomized linear algebra of least squares.

| module | solves |
|---|---|
| `damped` | steps with damping λ: JᵀJ + λI by Cholesky, refined or not, QR; low-rank preconditioners |
| `tall` | min |J c + r| for tall J of any conditioning: random features |
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
from pinn.linalg.tall import TallQR

__all__ = [
    "Block",
    "BlockMatrix",
    "DampedQR",
    "Nystrom",
    "TallQR",
    "cholesky",
    "cholesky_solve",
    "condition",
    "conjugate_gradients",
    "gram",
    "least_squares",
    "nystrom",
    "refined",
    "solve_blocks",
    "square",
]
