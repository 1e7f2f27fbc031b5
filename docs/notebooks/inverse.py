# %% [markdown]
# # An unknown coefficient from noisy data
#
# A rod cools, $u_t = k\,u_{xx}$ on $(0,1)$ with cold ends and $u(x, 0) = \sin \pi x$. Sixty thermometer readings have
# errors of standard deviation 0.01. What is $k$, and how sure is that?

# %%
import math

import numpy as np
import torch

from pinn import Box, Constraint, Problem, Scatter, Unknown, d, solve

random = np.random.default_rng(1)
x, t = random.random(60), random.random(60)
true_k = 0.4
seen = np.sin(math.pi * x) * np.exp(-true_k * math.pi**2 * t) + random.normal(0, 0.01, 60)

# %%
rod = Box(x=(0, 1), t=(0, 1))
problem = Problem(
    rod,
    outputs=["u"],
    coefficients={"k": Unknown(1.0, positive=True)},
    constraints={
        "equation": Constraint(lambda u, x, t, k: d(u, t) - k * d(u, x, x), on=rod),
        "initial": Constraint(lambda u, x: u - torch.sin(math.pi * x), on=rod.face(t=0)),
        "ends": Constraint(lambda u: u, on=rod.face(x=0) | rod.face(x=1)),
        "data": Constraint(lambda u, seen: u - seen, on=Scatter({"x": x, "t": t}, values={"seen": seen}, sigma=0.01)),
    },
    name="rod",
)
solution = solve(problem, steps=40, progress=False)
k, half = solution.coefficients["k"], solution.certificate.half_width("k")
print(f"k = {k:.4f} ± {half:.4f} (95 %), the truth is {true_k}")

# %% [markdown]
# Is the band right? Here the solution is known for every $k$, so that classical nonlinear least squares can say:
# the same estimate and the same band, though nothing above knew the formula.

# %%
from scipy.optimize import curve_fit

model = lambda where, k: np.sin(math.pi * where[0]) * np.exp(-k * math.pi**2 * where[1])  # noqa: E731
(classical,), covariance = curve_fit(model, (x, t), seen, p0=[1.0], sigma=np.full(60, 0.01), absolute_sigma=True)
print(f"k = {classical:.4f} ± {1.96 * math.sqrt(covariance[0, 0]):.4f} by least squares on the exact formula")

# %% [markdown]
# The misfit is noise and nothing else: its standard deviation is that of the thermometer.

# %%
misfit = solution(x=x, t=t) - seen
print(f"standard deviation of the misfit: {misfit.std():.4f}")
solution.plot(over="t")
