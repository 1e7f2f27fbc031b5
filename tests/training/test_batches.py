"""Minibatches of observations: right in the mean, for methods that can do with them, and the same bits every time."""

import itertools
import math
from functools import partial

import pytest
import torch

from pinn import Constraint, Scatter, Unknown, d, solve
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.objective import Equations, Objective
from pinn.optimizers import LBFGS, FirstOrder, LevenbergMarquardt
from pinn.problems import burgers_inverse
from pinn.sampling import Budgets, Fixed, Growing, Redrawn
from pinn.training import Checkpoints
from pinn.training.batches import batch_sizes
from tests.training.runs import LINE, SMALL, decay, digest

ADAM = FirstOrder(partial(torch.optim.Adam, lr=1e-2))
FEW = Budgets(Fixed(50), {"data": 8})


def observed(n=200, **changes):
    """u' = −k u with u seen at n places: k = 2."""
    x = torch.linspace(0, 1, n, dtype=torch.float64)
    seen = Scatter({"x": x}, values={"seen": torch.exp(-2 * x)}, sigma=changes.pop("sigma", None))
    constraints = {
        "equation": Constraint(lambda u, x, k: d(u, x) + k * u, on=LINE),
        "data": Constraint(lambda u, seen: u - seen, on=seen, **changes),
    }
    given = {"constraints": constraints, "coefficients": {"k": Unknown(1.0)}, "reference": None}
    return decay(**given)


def objective(problem, **options):
    equations = Equations(Model(problem, SMALL, generator=torch.Generator().manual_seed(0)), Jets())
    points = Fixed(20).draw(problem, torch.Generator().manual_seed(1), lambda name, points: None)
    return Objective(equations, points, **options)


def run(problem=None, **options):
    call = {
        "network": SMALL,
        "steps": 6,
        "features": None,
        "progress": False,
        "certify": False,
        "verify": False,
        **options,
    }
    return solve(observed() if problem is None else problem, **call)


@pytest.mark.parametrize("sigma", [None, [0.1, 0.2, 0.3, 0.4, 0.5]])
def test_the_mean_over_all_batches_is_the_whole(sigma):
    """All ten batches of two among five observations, each with a weight of its own."""
    weights = {"data": torch.tensor([1.0, 0.5, 2.0, 0.0, 3.0], dtype=torch.float64)}
    whole = objective(observed(5, sigma=sigma), point_weights=weights)
    batches = [whole.taking({"data": torch.tensor(pair)}) for pair in itertools.combinations(range(5), 2)]
    assert [one.rows for one in batches] == [22] * 10 and whole.rows == 25
    assert math.isclose(sum(float(one.loss()) for one in batches) / 10, float(whole.loss()), rel_tol=1e-12)
    slope = sum(one.gradient()[1] for one in batches) / 10
    assert torch.allclose(slope, whole.gradient()[1], rtol=1e-10, atol=1e-14)
    assert math.isclose(batches[0].losses()["equation"], whole.losses()["equation"], rel_tol=1e-15)


class Counting(FirstOrder):
    """Adam that notes how many rows it was shown, and which loss."""

    def __init__(self):
        super().__init__(partial(torch.optim.Adam, lr=1e-2))
        self.shown = []

    def __deepcopy__(self, memo):
        return self

    def step(self, objective):
        self.shown.append(objective.rows)
        return super().step(objective)


def test_a_step_sees_so_many_observations():
    counting = Counting()
    solution = run(optimizer=counting, sampling=FEW)
    assert counting.shown == [58] * 6
    assert solution.history[-1]["rows"] == 250
    counting.shown.clear()
    run(observed(points=5), optimizer=counting, sampling=Fixed(50))
    assert counting.shown == [55] * 6


@pytest.mark.slow
def test_an_unknown_is_found_from_batches():
    """k comes to where all observations bring it, with 8 of 200 at a step."""
    schedule = partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=400)
    adam = FirstOrder(partial(torch.optim.Adam, lr=2e-2), schedule)
    options = {"optimizer": adam, "steps": 400, "seed": 1}  # 1.83 with batches, 1.94 with all
    whole = run(observed(weight=10), sampling=Fixed(50), **options)
    some = run(observed(weight=10), sampling=FEW, **options)
    assert some.coefficients["k"] > 1.5
    assert abs(some.coefficients["k"] - whole.coefficients["k"]) < 0.3


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), LBFGS()])
def test_methods_of_rows_and_curvature_take_all(optimizer):
    assert digest(run(optimizer=optimizer, sampling=FEW)) == digest(
        run(optimizer=optimizer, sampling=Budgets(Fixed(50)))
    )


def test_batches_are_the_same_every_time():
    first = run(optimizer=ADAM, sampling=FEW)
    assert digest(first) == digest(run(optimizer=ADAM, sampling=FEW))
    assert digest(first) != digest(run(optimizer=ADAM, sampling=FEW, seed=1))
    losses = first.history.column("loss")
    assert (
        digest(first) != digest(run(optimizer=ADAM, sampling=Budgets(Fixed(50), {"data": 9}))) and len(losses) == 7 - 1
    )


def test_a_run_goes_on_to_the_same_bits(tmp_path):
    sampling = Budgets(Redrawn(30, every=3), {"data": 8})
    options = {"optimizer": ADAM, "sampling": sampling, "steps": 8}
    whole = run(checkpoint=Checkpoints(tmp_path, every=2, keep=9), **options)
    for middle in sorted(tmp_path.iterdir())[1:4]:
        assert digest(run(resume=middle, checkpoint=tmp_path / middle.stem, **options)) == digest(whole)


def test_what_makes_a_batch():
    """A number below that of the points, through any strategies around it."""
    stated = burgers_inverse(observations=500)
    around = Growing(Budgets(Redrawn(), {"data": 50, "equation": 800}))
    assert batch_sizes(stated, around) == {"data": 50}
    assert batch_sizes(stated, Budgets(Budgets(Redrawn(), {"data": 50}), {"data": 20})) == {"data": 20}
    assert batch_sizes(stated, Budgets(Redrawn(), {"data": 500})) == {}
    assert batch_sizes(observed(points=5), Redrawn()) == {"data": 5}
