"""What `solve` chooses where nothing is named: network, optimizer, points, widening, end. No model is built for it."""

import pytest
import torch

from pinn import Box, Constraint, Problem, Unknown, d, defaults, problems
from pinn.defaults import default_network, default_sampling, default_stage, default_widening, most_points
from pinn.model import Model
from pinn.optimizers import LBFGS, LevenbergMarquardt, MatrixFree, Optimizer
from pinn.sampling import RAD, Fixed, Growing, Marching
from pinn.training import Widening

CHOSEN = {
    "poisson_2d": (20, 3, torch.tanh),
    "helmholtz_2d": (20, 3, torch.tanh),
    "poisson_5d": (35, 3, torch.tanh),
    "kovasznay": (30, 3, torch.tanh),
    "euler_beam": (20, 3, torch.tanh),
    "oscillator": (20, 3, torch.tanh),
    "lorenz_inverse": (30, 3, torch.tanh),
    "burgers_inverse": (20, 3, torch.tanh),
    "burgers": (16, 4, torch.tanh),
    "heat_1d": (16, 4, torch.tanh),
    "wave_1d": (16, 4, torch.sin),
    "reaction": (20, 3, torch.tanh),
    "convection": (20, 3, torch.sin),
    "kdv": (20, 4, torch.sin),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_the_network_follows_dimensions_outputs_order_and_time(name):
    network = default_network(getattr(problems, name)())(inputs=2, outputs=1, generator=torch.Generator())
    found = network.first.linear.out_features, 1 + len(network.hidden), network.first.activation
    assert found == CHOSEN[name]


@pytest.mark.parametrize("name", problems.__all__)
def test_all_is_chosen_without_a_model(name, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a model was built")

    monkeypatch.setattr(Model, "__init__", refuse)
    problem = getattr(problems, name)()
    stage = default_stage(problem, 1000)
    assert callable(default_network(problem))
    assert isinstance(stage.optimizer, LevenbergMarquardt)
    assert stage.patience == defaults.PATIENCE
    assert stage.weighting is None


def test_points_grow_march_where_time_is_stuck_and_stay_for_quasi_newton():
    boundary = default_sampling(problems.poisson_2d(), LevenbergMarquardt())
    assert isinstance(boundary, Growing) and isinstance(boundary.inner, RAD)
    assert (boundary.size, boundary.maximum) == (400, 8000)
    carried = default_sampling(problems.convection(), LevenbergMarquardt())
    assert isinstance(carried, Marching) and carried.time == "t" and carried.after == 6
    ordinary = default_sampling(problems.lotka_volterra(), LevenbergMarquardt())
    assert isinstance(ordinary, Marching) and ordinary.after == 0
    further = default_sampling(problems.lotka_volterra(), LevenbergMarquardt(), begun=True)
    assert isinstance(further, Marching) and further.after == 6
    assert default_sampling(problems.convection(), LBFGS()) == Fixed(4000)
    assert default_sampling(problems.poisson_2d(), LevenbergMarquardt(), most=300).maximum == 300


def test_what_is_named_is_what_the_strategies_have_by_themselves():
    """The page repeats the defaults of the strategies' constructors; the two must not drift apart."""
    chosen = default_sampling(problems.convection(), LevenbergMarquardt())
    assert chosen == Marching(Growing(RAD()), time="t", after=defaults.MARCH_AFTER)
    assert default_widening(problems.burgers()) == Widening()


def test_points_are_as_many_as_the_optimizer_can_take():
    problem = problems.cavity()  # three rows a point inside, two on lid and walls, one at a corner
    for rows in (100, 5000, 20_000):
        size = most_points(problem, rows)
        taken = [rows_of(problem, n) for n in (size, -(-size * 10 // 9) + 1)]
        assert taken[0] <= rows < taken[1]
    assert most_points(problem, None) == most_points(problem, 10**9) == 8000


def rows_of(problem, size):
    from pinn.sampling import counts

    number = counts(problem, size)
    return 3 * number["equation"] + 2 * number["lid"] + 2 * number["walls"] + number["pressure"]


def test_any_optimizer_may_bound_its_rows():
    class Narrow(Optimizer):
        def step(self, objective): ...

        def reset(self, growth=None): ...

        def most_rows(self, parameters, itemsize=8):
            return 3 * parameters

    class Wide(Narrow):
        most_rows = Optimizer.most_rows

    problem = problems.poisson_2d()
    narrow = default_stage(problem, 100, optimizer=Narrow()).sampler
    assert narrow.maximum == most_points(problem, 300) < 300
    assert default_stage(problem, 100, optimizer=Wide()).sampler.maximum == 8000


def test_the_network_that_solve_chose_grows_where_points_are_new_and_the_order_is_two():
    burgers, convection = problems.burgers(), problems.convection()
    assert default_stage(burgers, 1000).widening == Widening()
    assert default_stage(convection, 1000).widening is None
    assert default_stage(burgers, 1000, own_network=True).widening is None
    assert default_stage(burgers, 1000, begun=True).widening is None
    assert default_stage(burgers, 1000, optimizer=LBFGS()).widening is None
    assert default_stage(burgers, 1000, sampling=Fixed()).widening is None


def test_what_is_given_is_taken():
    optimizer, sampling = LevenbergMarquardt(memory=1e8), Fixed(77)
    stage = default_stage(problems.burgers(), 1000, optimizer=optimizer, sampling=sampling, steps=3)
    assert (stage.optimizer, stage.sampler, stage.steps) == (optimizer, sampling, 3)


def test_large_networks_are_carried_without_rows():
    assert isinstance(default_stage(problems.burgers(), 1_000_000).optimizer, MatrixFree)


def test_orders_beyond_four_count():
    """Before anything of such an equation was compared, its order was taken for that of its lower terms."""
    box = Box(x=(0, 1), t=(0, 1))
    problem = Problem(
        box,
        ["u"],
        {
            "equation": Constraint(lambda u, x, t, k: d(u, t) + k * d(u, x, x, x, x, x), on=box),
            "start": Constraint(lambda u, x: u - x, on=box.face(t=0)),
        },
        coefficients={"k": Unknown(1.0)},
    )
    assert default_network(problem).keywords == {"width": 20, "depth": 4, "activation": torch.sin}


def test_conditions_weigh_a_hundred_times():
    problem = problems.burgers()
    assert [problem.weight(name) for name in problem.constraints] == [1.0, *[defaults.CONDITION_WEIGHT] * 2]
