"""Dense linear algebra: Gram matrices of every layout and by any number of workers are the same product."""

import numpy as np
import pytest
import torch

from pinn import linalg
from pinn.linalg import damped


def matrix(rows, columns, transposed):
    generator = torch.Generator().manual_seed(0)
    shape = (columns, rows) if transposed else (rows, columns)
    J = torch.randn(shape, generator=generator, dtype=torch.float64)
    return J.T if transposed else J


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dual", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(40, 7), (7, 40), (1500, 700), (700, 1500)])
def test_a_gram_matrix_is_the_product(rows, columns, dual, transposed):
    J = matrix(rows, columns, transposed)
    found = linalg.gram(J, dual=dual)
    true = (J @ J.T if dual else J.T @ J).numpy()
    np.testing.assert_allclose(found.tril().numpy(), np.tril(true), rtol=0, atol=1e-12 * np.abs(true).max())


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dual", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(1300, 900), (769, 1031), (300, 200)], ids=["even", "odd", "small"])
def test_workers_change_no_bit(rows, columns, dual, transposed):
    """Tiles are cut by the size of the product alone, and each is one call of BLAS on one thread."""
    J = matrix(rows, columns, transposed)
    m = rows if dual else columns
    assert (J.numel() * m > damped._LARGE) == (rows > 300)  # the first two are large enough to be shared
    one = linalg.gram(J, dual=dual, workers=1).tril().clone()
    for workers in (2, 3, 3):
        assert torch.equal(linalg.gram(J, dual=dual, workers=workers, out=linalg.square(m)).tril(), one)


def test_workers_change_no_bit_of_float32_rows():
    J = matrix(2100, 300, False).float()
    for dual in (False, True):
        one = linalg.gram(J, dual=dual, workers=1).tril().clone()
        assert torch.equal(linalg.gram(J, dual=dual, workers=3).tril(), one)
