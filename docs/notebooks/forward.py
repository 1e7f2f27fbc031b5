# %% [markdown]
# # A forward problem, from statement to trust
#
# Heat is made in a square plate whose edges are kept cold, and it is carried along by a stream:
#
# $$-\Delta u + 2\,\partial_x u = f \quad \text{in } (0,1)^2, \qquad u = 0 \text{ on the boundary.}$$
#
# The source $f$ is made so that $u = \sin(\pi x)\,y\,(1-y)\,e^{x}$ solves it: then the error can be measured.

# %%
import math

import torch

from pinn import Box, Constraint, Problem, d, laplacian, solve

plate = Box(x=(0, 1), y=(0, 1))


def exact(x, y):
    return torch.sin(math.pi * x) * y * (1 - y) * torch.exp(x)


def source(x, y):
    s, c, e = torch.sin(math.pi * x), torch.cos(math.pi * x), torch.exp(x)
    u_x = (math.pi * c + s) * e * y * (1 - y)
    u_xx = ((1 - math.pi**2) * s + 2 * math.pi * c) * e * y * (1 - y)
    return -(u_xx - 2 * s * e) + 2 * u_x


problem = Problem(
    plate,
    outputs=["u"],
    constraints={
        "equation": Constraint(lambda u, x, y: -laplacian(u, x, y) + 2 * d(u, x) - source(x, y), on=plate),
        "edges": Constraint(lambda u: u, on=plate.boundary()),
    },
    reference=exact,
    name="plate",
)

# %% [markdown]
# One call. The problem is affine and its solution smooth, so that fixed neurons and linear least squares carry it.

# %%
solution = solve(problem, progress=False)
print(solution.report)

# %%
solution.plot()

# %% [markdown]
# How far can that be trusted where there is no reference? The certificate estimates the error by another linear solve,
# on other features; here both are known.

# %%
print(f"error       {solution.error():.1e}")
print(f"estimated   {solution.certificate.error:.1e}")

# %% [markdown]
# A solution is a function, and so are its derivatives. The flux out of the right edge, $-\partial_x u$, integrated by
# Gauss's rule, beside the exact value $\pi e / 6$:

# %%
import numpy as np

nodes, weights = np.polynomial.legendre.leggauss(12)
y = 0.5 * (nodes + 1)
flux = -solution.derivative("u", "x")(x=np.ones_like(y), y=y)
print(0.5 * weights @ flux, math.pi * math.e / 6)

# %% [markdown]
# And what does the equation leave? A residual is a function too.

# %%
solution.plot(kind="residual")
