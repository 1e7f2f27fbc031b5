# %% [markdown]
# # The derivatives in a training loop of one's own
#
# The derivatives are a library by themselves: for any network, any loss and any optimizer of torch.

# %%
import torch

from pinn.derivatives import check_derivatives, d, laplacian

x = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64, requires_grad=True)
u = x**2 + 1
print(d(u, x), d(u, x, x), d(u, x, x, x))  # 2x, 2, 0

y = torch.linspace(0, 1, 4, dtype=torch.float64, requires_grad=True)
print(laplacian(torch.sin(x) * torch.exp(y), x, y))  # zero: it is harmonic

# %% [markdown]
# How is one to know that a derivative is right? By comparing what was computed in different ways: nested automatic
# differentiation, complex steps and differences, each with the formula of computer algebra.

# %%
print(check_derivatives(lambda x: (x**2 + 2 * x) * torch.log(x), 1.0))

# %% [markdown]
# ## A loop
#
# The heat equation $u_t = u_{xx}$ with $u(x, 0) = \sin \pi x$. `residual_function` gives the residual of an equation
# for a network: by jets, one pass for all its derivatives.

# %%
import math

from pinn import residual_function

torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Linear(2, 24), torch.nn.Tanh(), torch.nn.Linear(24, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1)
).double()
residual = residual_function(net, lambda u, x, t: d(u, t) - d(u, x, x), ("x", "t"))

inner = torch.rand(300, 2, dtype=torch.float64) * torch.tensor([1.0, 0.2])
start = torch.stack([torch.linspace(0, 1, 60), torch.zeros(60)], dim=1).double()
walls = torch.cartesian_prod(torch.tensor([0.0, 1.0]), torch.linspace(0, 0.2, 30)).double()


def loss():
    equation = residual(inner).square().mean()
    initial = (net(start)[:, 0] - torch.sin(math.pi * start[:, 0])).square().mean()
    return equation + 20 * (initial + net(walls).square().mean())


optimizer = torch.optim.LBFGS(
    net.parameters(), max_iter=1000, max_eval=1200, history_size=50, line_search_fn="strong_wolfe"
)
before = loss().item()


def closure():
    optimizer.zero_grad()
    value = loss()
    value.backward()
    return value


optimizer.step(closure)
print(f"loss {before:.1e} to {loss().item():.1e} by {residual.engine.engine}")

# %% [markdown]
# Beside the exact solution $\sin(\pi x)\,e^{-\pi^2 t}$:

# %%
import matplotlib.pyplot as plt

line = torch.linspace(0, 1, 101, dtype=torch.float64)
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
worst = 0.0
for t in (0.0, 0.05, 0.1, 0.2):
    points = torch.stack([line, torch.full_like(line, t)], dim=1)
    found = net(points)[:, 0].detach()
    exact = torch.sin(math.pi * line) * math.exp(-(math.pi**2) * t)
    worst = max(worst, (found - exact).abs().max().item())
    axes.plot(line, found, label=f"t = {t}")
    axes.plot(line, exact, "k:", linewidth=1)
axes.set(xlabel="x", ylabel="u", title="dotted: exact")
axes.legend()
print(f"largest error {worst:.1e}")
