"""JᵀJ by blocks of points, on a differential problem: the steps of the whole J, with few points held."""

import weakref
from functools import partial

import pytest
import torch

from pinn import Box, Constraint, Problem, d
from pinn.derivatives import Autograd, Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.optimizers import LevenbergMarquardt
from pinn.optimizers.system import Blockwise, Buffers, Orthogonal, Primal, resolution
from pinn.sampling.uniform import sample_uniform

BOX = Box(x=(0, 1), t=(0, 1))
HEAT = Problem(
    BOX,
    ["u"],
    {
        "equation": Constraint(lambda u, x, t: d(u, t) - 0.1 * d(u, x, x), on=BOX),
        "start": Constraint(lambda u, x: u - torch.sin(torch.pi * x), on=BOX.face(t=0)),
        "walls": Constraint(lambda u, nx: u * nx, on=BOX.face(x=0) | BOX.face(x=1)),
        "mean": Constraint(lambda u, x: u * x, on=BOX, integral=True),
    },
)


def heat(size=150, engine=None):
    generator = torch.Generator().manual_seed(0)
    model = Model(HEAT, partial(MLP, width=6, depth=2), generator=generator, dtype=torch.float64)
    return Objective(Equations(model, engine or Jets()), sample_uniform(HEAT, size, generator))


def test_steps_are_those_of_the_whole_jacobian():
    whole, blocks = heat(), heat()
    one, two = LevenbergMarquardt(), LevenbergMarquardt(memory=1e5)
    assert whole.rows * whole.size * 8 > 1e5
    for _ in range(6):
        two.load_state_dict(one.state_dict())
        blocks.assign(whole.vector())
        first, second = one.step(whole), two.step(blocks)
        torch.testing.assert_close(blocks.vector(), whole.vector(), rtol=1e-10, atol=1e-10)
        assert second.info["ratio"] == pytest.approx(first.info["ratio"], rel=1e-8)


@pytest.mark.parametrize("part", [1.0, 0.1])
def test_solves_near_the_resolution_are_refined_as_those_of_the_whole_jacobian(part):
    objective = heat()
    optimizer = LevenbergMarquardt()
    for _ in range(15):
        optimizer.step(objective)
    residual, J = objective.linearize()
    systems = [Blockwise(objective, Buffers()), Primal(residual, J, Buffers()), Orthogonal(residual, J)]
    damping = part * resolution(systems[0])
    steps = [system.damped(damping)(residual.clone()) for system in systems]
    blocks, whole, exact = (float((residual + J @ d).square().sum() + damping * d.square().sum()) for d in steps)
    assert systems[0].refinements > 0
    assert abs(systems[0].refinements - systems[1].refinements) <= 1
    # Both end where the preconditioned gradient is a thousandth of its start: 4e-9 above the minimum was measured.
    assert blocks == pytest.approx(exact, rel=1e-7)
    assert whole == pytest.approx(exact, rel=1e-7)
    torch.testing.assert_close(systems[0].gradient, systems[1].gradient, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("engine", [Autograd, Jets], ids=["autograd", "jets"])
def test_the_points_that_its_products_hold_at_once_are_bounded(engine, monkeypatch):
    objective = heat(3000, engine())
    held, most = weakref.WeakKeyDictionary(), []

    def operator(made, points, *rest):
        found = made(points, *rest)
        held[found] = points.shape[0]
        most.append(sum(held.values()))
        return found

    for bound in objective.equations.bound.values():
        monkeypatch.setattr(bound, "operator", partial(operator, bound.operator))
        monkeypatch.setattr(bound, "gram", lambda *rest: (0.0, 0.0, 0.0))
    monkeypatch.setattr(Objective, "linearize", None)
    system = Blockwise(objective, Buffers())
    v = torch.ones(objective.size, dtype=torch.float64)
    w = torch.linspace(0, 1, objective.rows, dtype=torch.float64)
    most.clear()
    assert float(system.matvec(v).dot(w)) == pytest.approx(float(system.rmatvec(w).dot(v)), rel=1e-9)
    assert sum(points.n for points in objective.points.values()) > 4000
    assert max(most) <= 2048
