"""Matrices of known condition, and features as a solve meets them."""

import torch


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def decaying(rows, columns, condition, seed=0):
    """J with singular values in even ratios from 1 to 1/condition; and its left factor."""
    U = torch.linalg.qr(normal(rows, columns, seed=seed))[0]
    V = torch.linalg.qr(normal(columns, columns, seed=seed + 1))[0]
    sizes = torch.logspace(0, -torch.log10(torch.tensor(condition)).item(), columns, dtype=torch.float64)
    return (U * sizes) @ V.T, U


def features(rows, columns, seed=0):
    """Random tanh features of a square, of sizes four decades apart, and a smooth function: rank deficient."""
    points = torch.rand(rows, 2, generator=generator(seed), dtype=torch.float64)
    inner = 3 * points @ normal(2, columns, seed=seed + 1) + normal(columns, seed=seed + 2)
    sizes = torch.logspace(-2, 2, columns, dtype=torch.float64)
    return torch.tanh(inner) * sizes, torch.sin(4 * points.sum(1)) + torch.exp(points[:, 0])


def relative(J, c, r):
    """|J c + r| / |r|."""
    return float((J @ c + r).norm() / r.norm())
