# %% [markdown]
# # A geometry of one's own
#
# A bracket with a bored hole: the hole is hot, $T = 1$, and the outside gives its heat to the air, $\partial_n T = -T$.

# %%
from pinn import Constraint, Disc, Polygon, Problem, laplacian, normal_derivative, solve

bracket = Polygon([(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)])
hole = Disc(x=0.5, y=0.5, radius=0.2)
plate = bracket - hole

problem = Problem(
    plate,
    outputs=["T"],
    constraints={
        "conduction": Constraint(lambda T, x, y: laplacian(T, x, y), on=plate),
        "hole": Constraint(lambda T: T - 1, on=hole.boundary()),
        "outside": Constraint(
            lambda T, x, y, nx, ny: normal_derivative(T, (x, y), (nx, ny)) + T, on=bracket.boundary()
        ),
    },
    labels={"T": "temperature"},
    name="bracket",
)
solution = solve(problem, tolerance=1e-6, progress=False)
print(solution)

# %%
solution.plot()

# %% [markdown]
# There is no formula for this one. What can be checked is a law: what flows in through the hole flows out through the
# outside. Both are integrals of the solution along a boundary.

# %%
from itertools import pairwise

import numpy as np

angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
circle = {"x": 0.5 + 0.2 * np.cos(angle), "y": 0.5 + 0.2 * np.sin(angle)}
gradient = solution.gradient("T")(**circle)
into = -np.mean(gradient["x"] * np.cos(angle) + gradient["y"] * np.sin(angle)) * 2 * np.pi * 0.2

nodes, weights = np.polynomial.legendre.leggauss(40)
corners = np.array([(0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3), (0, 0)], dtype=float)
out = 0.0
for start, end in pairwise(corners):
    points = start + 0.5 * (nodes[:, None] + 1) * (end - start)
    out += 0.5 * np.linalg.norm(end - start) * weights @ solution(x=points[:, 0], y=points[:, 1])
print(f"in through the hole {into:.6f}, out to the air {out:.6f}")
