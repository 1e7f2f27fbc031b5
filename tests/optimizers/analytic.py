"""Least-squares problems with known answers, implementing what optimizers see of an objective, with counters."""

import math
from collections import Counter

import torch
from torch import Tensor


class Analytic:
    """f(θ) = ½ |r(θ)|² for a function r of one vector; counts what is asked of it."""

    def __init__(self, function, start, dtype=torch.float64):
        self.function = function
        self.parameter = torch.nn.Parameter(torch.as_tensor(start, dtype=dtype).clone())
        self.size, self.dtype, self.device = self.parameter.numel(), dtype, torch.device("cpu")
        self.rows = function(self.parameter.detach()).numel()
        self.count = Counter()

    squares = True

    def vector(self):
        return self.parameter.detach().clone()

    def assign(self, theta: Tensor):
        assert theta.shape == (self.size,)
        with torch.no_grad():
            self.parameter.copy_(theta)

    def parameters(self):
        return [self.parameter]

    def residual(self):
        self.count["residual"] += 1
        with torch.no_grad():
            return self.function(self.parameter)

    def loss(self):
        residual = self.residual()
        return 0.5 * residual.dot(residual)

    def differentiable_loss(self):
        self.count["differentiable_loss"] += 1
        return 0.5 * self.function(self.parameter).square().sum()

    def gradient(self):
        self.count["gradient"] += 1
        residual = self.function(self.parameter)
        (slope,) = torch.autograd.grad(0.5 * residual.square().sum(), self.parameter)
        return 0.5 * residual.detach().square().sum(), slope

    def linearize(self, out=None):
        self.count["linearize"] += 1
        theta = self.parameter.detach()
        J = torch.func.jacrev(self.function)(theta)
        if out is None:
            out = torch.empty(self.size, self.rows, dtype=self.dtype).T
        return self.function(theta), out.copy_(J)

    def held(self, out=None):
        return self.linearize(out)

    def normal_equations(self):
        self.count["normal_equations"] += 1
        residual, J = self.linearize()
        return 0.5 * residual.dot(residual), J.T @ residual, J.T @ J

    def operator(self):
        self.count["operator"] += 1
        return Products(*self.linearize())

    def pieces(self):
        self.count["pieces"] += 1
        residual, J = self.linearize()
        for rows in (slice(0, self.rows // 3), slice(self.rows // 3, self.rows)):
            yield rows, Products(residual[rows], J[rows])


class Products:
    def __init__(self, residual, J):
        self.residual, self.J = residual, J

    def jvp(self, v):
        return self.J @ v

    def vjp(self, w):
        return self.J.T @ w


def matrix(rows, columns, seed=0, condition=None):
    """A matrix of normal numbers, or one with singular values spread evenly in their logarithm up to `condition`."""
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    if condition is None:
        return A
    U, s, V = torch.linalg.svd(A, full_matrices=False)
    s = torch.logspace(0, -torch.log10(torch.tensor(condition, dtype=torch.float64)), s.numel(), dtype=torch.float64)
    return (U * s) @ V


def linear(rows=30, columns=10, seed=0, consistent=True, A=None, dtype=torch.float64):
    """r = Aθ − b; the solution is returned with it."""
    A = matrix(rows, columns, seed) if A is None else A
    generator = torch.Generator().manual_seed(seed + 1)
    exact = torch.randn(A.shape[1], generator=generator, dtype=torch.float64)
    b = A @ exact
    if not consistent:
        b = b + torch.randn(A.shape[0], generator=generator, dtype=torch.float64)
        exact = torch.linalg.lstsq(A, b[:, None], driver="gelsd").solution[:, 0]
    A, b = A.to(dtype), b.to(dtype)
    return Analytic(lambda theta: A @ theta - b, torch.zeros(A.shape[1], dtype=dtype), dtype), exact


def distance(objective, exact):
    """|J (θ − θ*)|, what the rows see of the distance to a solution θ*, J being taken there."""
    J = torch.func.jacrev(objective.function)(exact)
    return float((J @ (objective.vector() - exact)).norm())


def resolved(objective, exact):
    """The `distance` down to which values of f in floating point can lead.

    Near a minimum f(θ) − f* = ½ |J (θ − θ*)|², while a sum of N squares is rounded by up to N ε f*: a method that
    compares values of f stops anywhere within |J (θ − θ*)| ≤ √(N ε) |r*|.
    """
    residual = objective.function(exact)
    return math.sqrt(residual.numel() * torch.finfo(residual.dtype).eps) * float(residual.norm())


def rosenbrock():
    """r = (10 (y − x²), 1 − x); minimum 0 at (1, 1)."""
    return Analytic(lambda z: torch.stack([10 * (z[1] - z[0] ** 2), 1 - z[0]]), [-1.2, 1.0])


def powell():
    """Powell's singular function (1962): J loses rank at the minimum 0 in the origin."""
    return Analytic(
        lambda z: torch.stack(
            [z[0] + 10 * z[1], 5**0.5 * (z[2] - z[3]), (z[1] - 2 * z[2]) ** 2, 10**0.5 * (z[0] - z[3]) ** 2]
        ),
        [3.0, -1.0, 0.0, 1.0],
    )


def fitting(rows=40, seed=0, noise=0.0):
    """Two exponentials fitted to samples: a nonlinear problem with a residual that need not vanish."""
    x = torch.linspace(0, 2, rows, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    y = 2 * torch.exp(-x) + torch.exp(-4 * x) + noise * torch.randn(rows, generator=generator, dtype=torch.float64)
    return Analytic(lambda z: z[0] * torch.exp(-z[1] * x) + z[2] * torch.exp(-z[3] * x) - y, [1.0, 0.5, 1.0, 3.0])


def network(width=8, rows=50, seed=0, dtype=torch.float64):
    """A tanh network of one hidden layer fitted to sin: rank-deficient, many minima, like the real thing."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-2, 2, rows, dtype=dtype)
    start = torch.randn(3 * width + 1, generator=generator, dtype=torch.float64)

    def function(z):
        a, b, c = z[: 3 * width].view(3, width)
        return (torch.tanh(x[:, None] * a + b) @ c + z[-1] - torch.sin(2 * x)) / rows**0.5

    return Analytic(function, start, dtype)
