"""Steps and branches in an equation: where they are constant their derivative is zero, as nested autograd has it.

Every branch has points in it, and is checked to, so that no derivative is compared on one side of a jump alone.
"""

import logging

import pytest
import torch

from pinn.derivatives import Autograd, Jets, MissingRule, attach, d

POINTS = torch.rand(60, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def conductivity(u, x, y, k):
    """A step beside a branch, under a derivative: the branch's own derivative is not lost."""
    return d((torch.where(x > 0.9, 20 * x**2, 1.0 + 0 * x) + 1.0 * (y > 0.5)) * d(u, x), x)


STEPS = {
    "a branch and a step": conductivity,
    "a step and a field": lambda u, x, y, k: d(torch.sin(1.0 * (y > 0.5) + u), x),
    "a step of the output": lambda u, x, y, k: d(torch.cos((u > 0) * 2.0 + u * y), x, y),
    "functions of steps": lambda u, x, y, k: d(torch.exp(1.0 * (x > 0.5)) * torch.sqrt(1 + 3.0 * (y > 0.4)) * u, x, x),
    "two steps": lambda u, x, y, k: d((1.0 * (x > 0.3) + 1.0 * (y > 0.5)) * d(u, x), x),
    "two truth values": lambda u, x, y, k: d(((x > 0.3) + (y > 0.5)) * u, x) + ((x > 0.3) * (y > 0.5)) * u,
    "truth values beside a field": lambda u, x, y, k: (x > 0.3) + ((y > 0.5) + u) + d((y > 0.5) + u, x),
    "a shared factor": lambda u, x, y, k: 0.1 * ((x > 0.5) + u) + d(0.3 * (u - 1.0 * (x > 0.5)), y),
    "constants beside a step": lambda u, x, y, k: (1 - 1.0 * (x > 0.5)) * u + d((3.0 * (x > 0.5) + 2) / 4 * u, x),
    "a coefficient times a step": lambda u, x, y, k: d(k * (x > 0.5) * u, x) + d(torch.tanh(u + k * (y > 0.5)), y),
    "a step as a number": lambda u, x, y, k: d((x > 0.5).double() * d(u, x) + (y > 0.5).to(u.dtype) * u, x),
    "logic": lambda u, x, y, k: d(((x > 0.3) & ~(y > 0.5)) * torch.sin(u), x) + (1.0 * ((x < 0.3) | (y < 0.5))) * u,
    "a sign": lambda u, x, y, k: d(torch.sigmoid(torch.sign(u) + u) * torch.sign(x - y), x),
    "powers of steps": lambda u, x, y, k: d((2.0 + (x > 0.5)) ** u + (2 + u) ** (1.0 * (x > 0.5)), x),
    "a choice of numbers": lambda u, x, y, k: d(torch.where(x > 0.5, 1.0, 3.0) * d(u, x), x),
    "a constant like a field": lambda u, x, y, k: (
        d(torch.where(x > 0.5, torch.full_like(x, 0.3), x * u), x)
        + d(torch.ones_like(y) * u + torch.zeros_like(u), y)
        + torch.full_like(u, fill_value=2.0, dtype=torch.float64) * u
    ),
    "a step made to vary": lambda u, x, y, k: d(attach(1.0 * (x > 0.5), x, y), x) + d(u, x),
    "an infimum": lambda u, x, y, k: d(torch.minimum(torch.maximum(u, x - y), 0.3 + 0 * x), x),
    "a bound that varies": lambda u, x, y, k: d(torch.clamp(u, max=0.5 - x), x) + d(torch.clamp(x * y, min=u), x, y),
    "named operands": lambda u, x, y, k: (
        d(torch.where(x > 0.5, input=u, other=x * y), x)
        + d(torch.maximum(u, other=x), x)
        + d(torch.pow(u + 3, exponent=x), x, y)
    ),
    "numbers of NumPy": lambda u, x, y, k: d(u ** torch.arange(4)[2:3].numpy()[0], x, y),
    "an equality": lambda u, x, y, k: (u == x) * u + (u != x) * d(u, x),
    "the ends of a bound": lambda u, x, y, k: d(torch.clamp(x, 0.25, 0.75) * u, x) + d(abs(x - 0.5) * u, x),
    "ties": lambda u, x, y, k: d(torch.maximum(u, 1.0 * u) + torch.minimum(x**2, x * x) * torch.relu(x - x), x, x),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps(name, networks, ansatz, twins):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = ansatz(networks["tanh"], ("x", "y"), ("u",))
    x, y = POINTS.T
    # Outputs of either sign, and none of them zero.
    u = model.outputs({"x": x, "y": y})["u"].detach()
    middle = u.median() + 1e-3
    u = u - middle
    for branch in (x > 0.9, x > 0.5, x > 0.3, y > 0.5, y > 0.4, u > 0, u > x - y, u > 0.5 - x, x * y > u):
        assert 2 <= int(branch.sum()) <= 58

    class Centred:
        names, parameters, constants = model.names, model.parameters, model.constants

        def outputs(self, columns):
            return {"u": model.outputs(columns)["u"] - middle}

    twins(Centred(), lambda c, o, k: [STEPS[name](o["u"], c["x"], c["y"], k["nu"])], POINTS, block=25)


def test_a_tie_is_shared():
    """At equal values torch halves the gradient of a maximum between both; a bound that is met lets all of it pass."""
    x = torch.tensor([[-0.5], [0.0], [0.5]], dtype=torch.float64)

    def equation(c, o, k):
        x = c["x"]
        zero = 0.0 * x
        return [
            d(torch.maximum(x, zero), x),
            d(torch.minimum(zero, x), x),
            d(torch.maximum(x, x**2) ** 2, x, x),
            d(torch.clamp(x, 0.0, 0.5), x),
            d(torch.clamp(x, min=zero), x),
            d(torch.relu(x) + torch.abs(x), x),
        ]

    engines = Jets(fallback=False), Autograd()
    fast, slow = (engine.bind(lambda c: {}, equation, ("x",)).residual(x) for engine in engines)
    assert torch.equal(fast[1, :2], torch.tensor([0.5, 0.5], dtype=torch.float64))
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-15)


def test_a_step_alone_has_no_derivative():
    """Nested autograd says that there is no graph, and so do both engines."""
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    for step in (lambda x: 1.0 * (x > 0), lambda x: torch.exp((x > 0) * 2.0), lambda x: (x > 0) + (x < 0.5)):
        task = (lambda c: {}, lambda c, o, k, step=step: [d(step(c["x"]), c["x"])], ("x",))
        with pytest.raises(MissingRule, match=r"the derivative of torch\.gt"):
            Jets(fallback=False).bind(*task).residual(x)
        for engine in (Jets(), Autograd()):
            with pytest.raises((ValueError, TypeError), match=r"no graph|expected real floating point"):
                engine.bind(*task).residual(x)


def test_rare_branches_are_looked_at(caplog):
    """A rule of jets that is wrong in two in a hundred of the points, and in the last of a coordinate, is found out."""
    n = 400
    x = torch.linspace(0, 1, n, dtype=torch.float64)[:, None]
    order = torch.randperm(n, generator=torch.Generator().manual_seed(1))
    for where in (0.98, 0.9999):

        def equation(c, o, k, where=where):
            x = c["x"]
            # Code that looks at types: a branch that tensors take and fields do not.
            wrong = 1.0 if isinstance(x, torch.Tensor) else 2.0
            return [torch.where(x > where, wrong * x, x)]

        fast, slow = (engine.bind(lambda c: {}, equation, ("x",)) for engine in (Jets(), Autograd()))
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
            assert torch.equal(fast.residual(x[order]), slow.residual(x[order]))
        assert "in the residual" in caplog.text
