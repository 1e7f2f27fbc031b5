# %% [markdown]
# # A problem that evolves
#
# Burgers' equation, a wave that steepens and is smoothed by viscosity:
#
# $$u_t + u\,u_x = \nu\,u_{xx}, \qquad u(x, 0) = -\sin \pi x, \qquad u(\pm 1, t) = 0, \qquad \nu = 0.1.$$

# %%
import math

import numpy as np
import torch

from pinn import Box, Constraint, Problem, d, solve

nu = 0.1
domain = Box(x=(-1, 1), t=(0, 1))
problem = Problem(
    domain,
    outputs=["u"],
    constraints={
        "equation": Constraint(lambda u, x, t: d(u, t) + u * d(u, x) - nu * d(u, x, x), on=domain),
        "initial": Constraint(lambda u, x: u + torch.sin(math.pi * x), on=domain.face(t=0)),
        "walls": Constraint(lambda u: u, on=domain.face(x=-1) | domain.face(x=1)),
    },
    name="burgers",
)
solution = solve(problem, progress=False)
print(solution)

# %%
solution.plot(over="t")

# %% [markdown]
# The classical way: second-order differences in $x$ and an integrator in $t$. Both say the same, up to the error of the
# differences, which falls by four when the step is halved.

# %%
from scipy.integrate import solve_ivp


def by_lines(cells):
    x = np.linspace(-1, 1, cells + 1)
    h = x[1] - x[0]

    def rate(t, inner):
        u = np.concatenate([[0.0], inner, [0.0]])
        return -u[1:-1] * (u[2:] - u[:-2]) / (2 * h) + nu * (u[2:] - 2 * u[1:-1] + u[:-2]) / h**2

    end = solve_ivp(rate, (0, 1), -np.sin(np.pi * x[1:-1]), method="LSODA", rtol=1e-9, atol=1e-11).y[:, -1]
    return x[1:-1], end


for cells in (50, 100, 200):
    x, end = by_lines(cells)
    print(f"{cells} cells: largest difference {np.abs(solution(x=x, t=np.ones_like(x)) - end).max():.1e}")

# %% [markdown]
# A law along the way: the energy falls as fast as viscosity takes it,
# $\frac{d}{dt}\int \frac{u^2}{2} = -\nu \int u_x^2$.

# %%
nodes, weights = np.polynomial.legendre.leggauss(60)
for t in (0.25, 0.5, 0.75):
    at = {"x": nodes, "t": np.full_like(nodes, t)}
    u, u_t, u_x = solution(**at), solution.derivative("u", "t")(**at), solution.derivative("u", "x")(**at)
    print(f"t = {t}: {weights @ (u * u_t):.8f} and {-nu * weights @ u_x**2:.8f}")
