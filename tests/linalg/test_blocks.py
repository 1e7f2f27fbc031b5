"""Block-sparse least squares: the answers of the dense matrix, at the cost of the blocks."""

import math
from itertools import product

import pytest
import torch

from pinn.linalg import Block, BlockMatrix, least_squares, solve_blocks, tall
from tests.linalg.known import generator, normal, relative


def patches(side, dimension, columns, rows, seed=0):
    """Random features of patches that overlap by half, under a smooth partition of unity."""
    source = generator(seed)
    points = torch.rand(rows, dimension, generator=source, dtype=torch.float64)
    blocks = []
    for where in product(range(side), repeat=dimension):
        z = points * side - torch.tensor(where, dtype=torch.float64) - 0.5
        inside = (z.abs() < 1).all(1).nonzero()[:, 0]
        window = torch.cos(math.pi / 2 * z[inside]).square().prod(1)
        weight = torch.randn(dimension, columns, generator=source, dtype=torch.float64)
        values = torch.tanh(z[inside] @ weight + torch.randn(columns, generator=source).double()) * window[:, None]
        blocks.append(Block(inside, torch.arange(columns) + columns * len(blocks), values))
    shape = (rows, columns * len(blocks))
    return BlockMatrix(tuple(blocks), shape), torch.sin(6 * points.sum(1)) + torch.exp(points[:, 0])


@pytest.mark.parametrize(("side", "dimension", "columns"), [(12, 1, 15), (3, 2, 40)])
def test_local_features_reach_what_the_dense_matrix_does(side, dimension, columns):
    J, r = patches(side, dimension, columns, 1000)
    c, dense = solve_blocks(J, r), J.dense()
    assert torch.linalg.cond(dense) > 1e9
    reached = relative(dense, least_squares(dense, r), r)
    assert relative(dense, c, r) < 1.2 * reached
    assert J.operations < 0.5 * 2 * dense.shape[0] * dense.shape[1] ** 2


def test_coefficients_of_a_well_conditioned_matrix_have_all_digits():
    """Blocks that overlap in rows and columns in every way, values of both in one entry, two right sides."""
    corners = [((0, 40), (0, 6)), ((20, 90), (4, 15)), ((60, 100), (12, 22)), ((0, 100), (22, 25)), ((30, 50), (7, 9))]
    blocks = [
        Block(torch.arange(*rows), torch.arange(*columns), normal(rows[1] - rows[0], columns[1] - columns[0], seed=i))
        for i, (rows, columns) in enumerate(corners)
    ]
    J = BlockMatrix(tuple(blocks), (103, 27))  # three rows and two columns in no block
    true = normal(27, 2, seed=9)
    true[25:] = 0
    torch.testing.assert_close(solve_blocks(J, -J.matvec(true)), true, rtol=0, atol=1e-12)
    right = normal(103, 2, seed=10)
    torch.testing.assert_close(
        least_squares(J, right)[:25], -torch.linalg.lstsq(J.dense()[:, :25], right).solution, rtol=0, atol=1e-12
    )


def test_the_order_of_blocks_and_rows_is_no_matter():
    J, r = patches(3, 2, 4, 400)
    shuffled = torch.randperm(400, generator=generator(1))
    other = tuple(Block(torch.argsort(shuffled)[b.rows], b.columns, b.values) for b in reversed(J.blocks))
    torch.testing.assert_close(
        solve_blocks(BlockMatrix(other, J.shape), r[shuffled]), solve_blocks(J, r), rtol=1e-8, atol=1e-8
    )


def test_products_are_those_of_the_dense_matrix():
    J, _ = patches(3, 2, 4, 200)
    v, w = normal(J.shape[1], 3), normal(J.shape[0], seed=1)
    torch.testing.assert_close(J.matvec(v), J.dense() @ v)
    torch.testing.assert_close(J.rmatvec(w), J.dense().T @ w)


def test_a_chain_costs_in_proportion_to_its_length():
    short, long = patches(10, 1, 8, 500)[0], patches(40, 1, 8, 2000)[0]
    assert long.operations < 5 * short.operations


def test_workers_change_no_bit(monkeypatch):
    monkeypatch.setattr(tall, "_LARGE", 1.0)
    J, r = patches(2, 2, 90, 600)
    assert torch.equal(solve_blocks(J, r, workers=1), solve_blocks(J, r, workers=3))


def test_what_is_not_a_matrix_is_refused():
    index, values = torch.arange(3), torch.ones(3, 3)
    with pytest.raises(ValueError, match="expected \\(3, 3\\)"):
        Block(index, index, values[:2])
    with pytest.raises(ValueError, match="columns 0 to 2, expected 0 to 1"):
        BlockMatrix((Block(index, index, values),), (3, 2))
    with pytest.raises(ValueError, match="3 rows of J and 2 of r"):
        solve_blocks(BlockMatrix((Block(index, index, values),), (3, 3)), torch.ones(2))
    with pytest.raises(ValueError, match="not finite"):
        solve_blocks(BlockMatrix((Block(index, index, values / 0),), (3, 3)), torch.ones(3))
