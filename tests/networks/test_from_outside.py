"""A network defined outside of the library, registered nowhere: trained, saved, and loaded with what builds it."""

from functools import partial

import pytest
import torch
from torch import nn

from pinn.derivatives import d
from pinn.domains import Box
from pinn.networks import rebuild
from pinn.optimizers import LevenbergMarquardt
from pinn.problem import Constraint, Problem
from pinn.sampling import Redrawn
from pinn.solution import Solution
from pinn.solver import solve

TIME = Box(t=(0, 2))
DECAY = Problem(
    TIME,
    ["u"],
    {
        "equation": Constraint(lambda u, t: d(u, t) + u, on=TIME),
        "initial": Constraint(lambda u: u - 1, on=TIME.face(t=0)),
    },
)


class Gaussians(nn.Module):
    """A sum of Gaussians with learned places and widths; knows nothing of the library."""

    def __init__(self, inputs, outputs, *, count=8, generator, dtype=torch.float64):
        super().__init__()
        self.arguments = {"inputs": inputs, "outputs": outputs, "count": count}
        places = 2 * torch.rand(count, inputs, generator=generator, dtype=torch.float64) - 1
        self.places = nn.Parameter(places.to(dtype))
        self.width = nn.Parameter(torch.full((count,), 0.5, dtype=dtype))
        self.last = nn.Linear(count, outputs, dtype=dtype)
        with torch.no_grad():
            self.last.weight.normal_(generator=generator)
            self.last.bias.zero_()

    def forward(self, x):
        square = (x[..., None, :] - self.places).pow(2).sum(-1)
        return self.last(torch.exp(-square / (2 * self.width.pow(2))))


@pytest.fixture(scope="module")
def solution():
    return solve(
        DECAY,
        network=partial(Gaussians, count=6),
        optimizer=LevenbergMarquardt(),
        sampling=Redrawn(20),
        steps=40,
        progress=False,
    )


def test_a_problem_is_solved_with_it(solution):
    """u' + u = 0, u(0) = 1 is exp(-t)."""
    t = torch.linspace(0, 2, 50, dtype=torch.float64)
    assert float((torch.as_tensor(solution(t=t)) - torch.exp(-t)).abs().max()) < 1e-3


def test_it_is_loaded_with_what_builds_it(solution, tmp_path):
    solution.save(tmp_path / "decay.pt")
    again = Solution.load(tmp_path / "decay.pt", DECAY, network=partial(Gaussians, count=6))
    t = torch.linspace(0, 2, 7, dtype=torch.float64)
    assert torch.equal(torch.as_tensor(again(t=t)), torch.as_tensor(solution(t=t)))
    with pytest.raises(ValueError, match="its network Gaussians is not the library's; give what builds it as network="):
        Solution.load(tmp_path / "decay.pt", DECAY)


def test_it_is_rebuilt_where_its_class_is_given(solution):
    network = solution.model.network
    again = rebuild("Gaussians", network.arguments, classes=[Gaussians])
    again.load_state_dict(network.state_dict())
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    assert torch.equal(again(x), network(x))
