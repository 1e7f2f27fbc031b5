"""Networks that grow while they are trained: the function stays, the criterion sees a standstill, runs go on."""

import copy
import itertools
from functools import partial

import pytest
import torch

from pinn import Solution, solve
from pinn.model import Widenable
from pinn.networks import MLP, SIREN
from pinn.optimizers import LBFGS, SPRING, LevenbergMarquardt, MatrixFree
from pinn.problems import oscillator
from pinn.sampling import RAD, Fixed, Growing
from pinn.training import Stage, Widening
from tests.training.runs import digest


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("options", [{}, {"residual": True}, {"adaptive": 5.0}, {"activation": torch.sin, "depth": 2}])
def test_a_widened_network_is_the_same_function_and_every_new_weight_takes_part(options):
    network = MLP(2, 3, width=7, **{"depth": 3, **options}, generator=seeded())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=seeded(), dtype=torch.float64)
    wide = network.widened(11, seeded())
    x = torch.rand(20, 2, generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(wide(x), network(x), rtol=1e-13, atol=1e-13)
    assert wide.arguments == {**network.arguments, "width": 11}
    # What new neurons tell the outputs has a gradient at once, so that the rest has one after a step.
    wide(x).pow(2).sum().backward()
    assert bool((wide.last.weight.grad[:, 7:].abs().amax(0) > 1e-6).all())


def test_networks_that_cannot_be_widened_are_refused_before_training():
    with pytest.raises(ValueError, match=r"got width=7, expected more than 7"):
        MLP(1, 1, width=7, generator=seeded()).widened(7, seeded())
    with pytest.raises(ValueError, match=r"got factorised layers, expected plain ones"):
        MLP(1, 1, width=7, factorisation=(1.0, 0.1), generator=seeded()).widened(9, seeded())
    growing = Stage(LevenbergMarquardt(), Growing(RAD()), steps=2, widening=Widening())
    for network in (SIREN, partial(MLP, factorisation=(1.0, 0.1))):
        with pytest.raises(TypeError, match=r"cannot be widened; take MLP"):
            solve(oscillator(), network=network, stages=[growing], progress=False)
    with pytest.raises(ValueError, match=r"Stage: got widening with Fixed and LBFGS, which keep.*expected"):
        Stage(LBFGS(), Fixed(), widening=Widening())


@pytest.mark.parametrize("wrong", [{"factor": 1.0}, {"times": 0}, {"window": 0}, {"stall": 1.0}])
def test_numbers_that_contradict_each_other_are_refused(wrong):
    with pytest.raises(ValueError, match=r"Widening: .*expected factor > 1"):
        Widening(**wrong)


def test_a_loss_that_falls_asks_for_nothing():
    widening = Widening(window=3, stall=0.3)
    assert not any(widening.due(0.5**k, 100) for k in range(40))


def test_more_points_come_before_more_neurons():
    widening = Widening(window=3, stall=0.3)
    assert not any(widening.due(1.0, 100 * k) for k in range(1, 20))
    assert widening.due(1.0, 10_000, full=True)


def test_a_network_grows_so_often_and_not_at_once_again():
    widening = Widening(window=3, times=2)
    assert [widening.due(1.0, 100) for _ in range(12)] == [False] * 3 + [True] + [False] * 3 + [True] + [False] * 4


# Every pair of draws is a standstill, so that these runs widen as soon as they may.
EAGER = Widening(window=1, stall=1e-9, times=2)


@pytest.mark.parametrize(
    "optimizer", [LevenbergMarquardt(), pytest.param(MatrixFree(), marks=pytest.mark.slow), SPRING()]
)
def test_a_run_goes_on_with_the_wider_network(optimizer, tmp_path):
    seen = []

    def watch(progress):
        model = progress.objective.model
        seen.append((sum(p.numel() for p in model.parameters()), progress.row["loss"]))

    stage = Stage(copy.deepcopy(optimizer), Growing(RAD(every=5), start=60), steps=60, widening=EAGER)
    network = partial(MLP, width=6, depth=2)
    solution = solve(oscillator(3.0), network=network, stages=[stage], callbacks=[watch], progress=False)
    assert [seen[0][0], seen[-1][0]] == [
        61,
        sum(p.numel() for p in MLP(1, 1, width=14, depth=2, generator=seeded()).parameters()),
    ]
    assert solution.model.network.arguments["width"] == 14
    assert min(loss for _, loss in seen[-20:]) < 1e-2 * seen[0][1]
    solution.save(tmp_path / "grown.pt")
    again = Solution.load(tmp_path / "grown.pt", oscillator(3.0))
    assert again.error() == solution.error()
    further = solve(oscillator(3.0), start=again, steps=3, progress=False)
    assert further.error() <= 1.5 * again.error()


class TwoSines(torch.nn.Module):
    """A network of this test alone: y = W₂ sin(W₁ x + b₁) + b₂."""

    def __init__(self, inputs, outputs, *, width=4, generator, dtype=torch.float64):
        super().__init__()
        self.first = torch.nn.Linear(inputs, width, dtype=dtype)
        self.last = torch.nn.Linear(width, outputs, dtype=dtype)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=dtype))

    @property
    def width(self):
        return self.first.out_features

    def widened(self, width, generator):
        wide = TwoSines(self.first.in_features, self.last.out_features, width=width, generator=generator)
        with torch.no_grad():
            wide.first.weight[: self.width] = self.first.weight
            wide.first.bias[: self.width] = self.first.bias
            wide.last.weight.zero_()[:, : self.width] = self.last.weight
            wide.last.bias.copy_(self.last.bias)
        return wide

    def forward(self, x):
        return self.last(torch.sin(self.first(x)))


def test_a_network_from_outside_grows_too():
    assert isinstance(TwoSines(1, 1, generator=seeded()), Widenable)
    stage = Stage(LevenbergMarquardt(), Growing(RAD(every=5), start=60), steps=40, widening=EAGER)
    solution = solve(oscillator(3.0), network=TwoSines, stages=[stage], progress=False)
    assert isinstance(solution.model.network, TwoSines)
    assert solution.model.network.width == 9  # 4, 6, 9
    assert solution.history[-1]["loss"] < solution.history[0]["loss"]


def test_the_loss_does_not_jump_where_the_network_grows_and_damping_is_kept():
    rows = []
    stage = Stage(LevenbergMarquardt(), Growing(RAD(every=5), start=200), steps=30, widening=EAGER)
    network = partial(MLP, width=6, depth=2)
    solve(oscillator(3.0), network=network, stages=[stage], callbacks=[lambda p: rows.append(p.row)], progress=False)
    jumps = [b["loss"] / a["loss"] for a, b in itertools.pairwise(rows)]
    assert max(jumps) < 3
    damping = [row["damping"] for row in rows if "damping" in row]
    assert max(b / a for a, b in itertools.pairwise(damping)) < 50


def test_a_run_whose_network_grows_repeats_itself():
    stage = Stage(LevenbergMarquardt(), Growing(RAD(every=4), start=40), steps=16, widening=EAGER)
    runs = [
        solve(oscillator(3.0), network=partial(MLP, width=6, depth=2), stages=[stage], progress=False) for _ in range(2)
    ]
    assert runs[0].history.column("parameters")[-1] > runs[0].history.column("parameters")[0]
    assert digest(runs[0]) == digest(runs[1])
