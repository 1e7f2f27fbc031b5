"""Points: how many each set gets, where adaptive ones go, and when their number and their time grow."""

import inspect
import itertools
import math

import pytest
import torch
from scipy.optimize import brentq

from pinn import sampling
from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem
from pinn.sampling import RAD, Fixed, Growing, Marching, Redrawn, Sampler, counts

BOX = Box(x=(-1, 1), t=(0, 2))
PROBLEM = Problem(
    BOX,
    ["u"],
    {
        "equation": Constraint(lambda u, x, t: d(u, t) + d(u, x), on=BOX),
        "initial": Constraint(lambda u, x: u - x, on=BOX.face(t=0)),
        "few": Constraint(lambda u: u, on=BOX.face(x=-1), points=7),
        "data": Constraint(
            lambda u, seen: u - seen,
            on=Scatter(coordinates={"x": [0.0, 0.5], "t": [2.0, 1.0]}, values={"seen": [0, 1]}),
        ),
    },
)


def seeded():
    return torch.Generator().manual_seed(0)


def layer(name, points):
    """Rows that are large in |x| < 0.1 only."""
    return torch.where(points.column("x").abs() < 0.1, 50.0, 0.0)[:, None].double()


def test_counts_follow_the_dimension():
    found = counts(PROBLEM, 900)
    assert found["equation"] == 900
    assert found["initial"] == 4 * 30
    assert found["few"] == 7
    with pytest.raises(ValueError, match="got size=0, expected an integer of at least 1"):
        counts(PROBLEM, 0)


def strategies(start, **arguments):
    """Every strategy that the package exports, alone where it draws, in every order of nesting where it wraps."""
    exported = [getattr(sampling, name) for name in sampling.__all__ if name != "Sampler"]
    found = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Sampler)]
    wraps = [kind for kind in found if "inner" in inspect.signature(kind).parameters]
    made = {}
    for drawing in (kind for kind in found if kind not in wraps):
        for depth in range(len(wraps) + 1):
            for order in itertools.permutations(wraps, depth):
                if drawing is Fixed and Growing in order:
                    continue
                one = drawing(start)
                for kind in reversed(order):
                    one = kind(one, **({"start": start, **arguments} if kind is Growing else {}))
                made["(".join(kind.__name__ for kind in (*order, drawing))] = one
    return made


STRATEGIES = strategies(200)


@pytest.mark.parametrize("sampler", STRATEGIES.values(), ids=list(STRATEGIES))
def test_every_constraint_gets_its_points_and_the_generator_decides_them(sampler):
    one, two = (sampler.draw(PROBLEM, seeded(), layer) for _ in range(2))
    assert {name: points.n for name, points in one.items()} == {"equation": 200, "initial": 57, "few": 7, "data": 2}
    for name in one:
        assert torch.equal(one[name].x, two[name].x)
        assert bool(PROBLEM.constraints[name].on.contains(one[name].x).all())


def test_residual_based_points_gather_where_the_residual_is():
    """A tenth of the domain holds the residual, so its density |r|/mean|r| + 1 is 11 there and 1 elsewhere.

    Drawn one after the other without replacement, of c candidates a point, a candidate of density w is taken with
    probability 1 - exp(-w s), where s is such that all together are one in c.
    """
    number, candidates = 4000, 10

    def taken(s):
        return 0.1 * -math.expm1(-11 * s), 0.9 * -math.expm1(-s)

    s = brentq(lambda s: sum(taken(s)) - 1 / candidates, 0, 1)
    points = RAD(number, candidates=candidates).draw(PROBLEM, seeded(), layer)["equation"]
    inside = float((points.column("x").abs() < 0.1).double().mean())
    # Five standard deviations of as many independent choices, which have more than these.
    expected = candidates * taken(s)[0]
    assert inside == pytest.approx(expected, abs=5 * math.sqrt(expected * (1 - expected) / number))


def test_without_residual_adaptive_points_are_even():
    points = RAD(4000).draw(PROBLEM, seeded(), lambda name, points: torch.zeros(points.n, 1).double())["equation"]
    assert float(points.column("x").mean()) == pytest.approx(0, abs=0.05)


def test_a_residual_spread_evenly_leaves_the_points_even():
    def wave(name, points):
        return torch.sin(7 * points.column("x"))[:, None]

    drawn = RAD(64).draw(PROBLEM, seeded(), wave)["equation"]
    even = BOX.sample(640, generator=seeded(), method="sobol")
    assert torch.equal(drawn.x, even.x[:64])
    assert not torch.equal(RAD(64, smooth=1.0).draw(PROBLEM, seeded(), wave)["equation"].x, even.x[:64])


def test_points_grow_only_when_they_overfit_and_no_longer_help():
    sampler = Growing(Redrawn(), start=100, factor=2, maximum=300, threshold=3, stall=0.6)
    sampler.observe(old=1.0, new=10.0)
    assert sampler.size == 100  # nothing to compare with yet
    sampler.observe(old=9.0, new=10.0)
    assert sampler.size == 100  # no overfitting
    sampler.observe(old=1.0, new=10.0)
    assert sampler.size == 200
    sampler.observe(old=1.0, new=10.0)
    assert sampler.size == 300
    assert sampler.full


def test_fresh_loss_that_still_falls_does_not_grow_the_points():
    sampler = Growing(Redrawn(), start=100)
    sampler.observe(old=0.1, new=10.0)
    before = sampler.size
    sampler.observe(old=0.01, new=1.0)
    assert sampler.size == before


def test_marching_fills_early_times_first_and_leaves_observations_alone():
    sampler = Marching(Redrawn(100), start=0.25, factor=2, solved=1e-2)
    sampler.begin(1.0)
    points = sampler.draw(PROBLEM, seeded(), layer)
    assert float(points["equation"].column("t").max()) <= 0.5
    assert points["data"].column("t").tolist() == [2.0, 1.0]
    assert not sampler.complete
    sampler.observe(old=1e-3, new=0.5)
    assert sampler.fraction == 0.25
    sampler.observe(old=1e-3, new=5e-3)
    sampler.observe(old=1e-3, new=5e-3)
    assert sampler.fraction == 1.0
    assert sampler.complete
    assert float(sampler.draw(PROBLEM, seeded(), layer)["equation"].column("t").max()) > 1.9


def test_marching_can_wait_until_a_run_is_stuck():
    stuck, fine = Marching(Redrawn(100), after=2), Marching(Redrawn(100), after=2)
    for sampler, losses in ((stuck, (0.9, 0.8)), (fine, (0.1, 1e-3))):
        sampler.begin(1.0)
        assert sampler.fraction == 1.0
        assert not sampler.complete
        for loss in losses:
            sampler.observe(old=loss, new=loss)
    assert stuck.fraction == stuck.start
    assert fine.fraction == 1.0
    assert fine.complete


def test_contradictions_are_refused():
    with pytest.raises(ValueError, match="never redraws"):
        Growing(Fixed())
    with pytest.raises(ValueError, match="factor > 1"):
        Growing(Redrawn(), factor=1.0)
    with pytest.raises(ValueError, match="0 < start <= 1"):
        Marching(Redrawn(), start=0.0)
    with pytest.raises(ValueError, match="got time='s', which is no coordinate"):
        Marching(Redrawn(), time="s").draw(PROBLEM, seeded(), layer)


def growing(**arguments):
    return Growing(RAD(), **arguments)


def marching(**arguments):
    return Marching(RAD(), **arguments)


@pytest.mark.parametrize("strategy", [Fixed, Redrawn, RAD])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, r"got size=0, expected an integer of at least 1; give size >= 1"),
        ({"size": 400.0}, r"got size=400.0, expected an integer of at least 1"),
        ({"every": -3}, r"got every=-3, expected an integer of at least 0; give every >= 0"),
        ({"every": "often"}, r"got every='often', expected an integer of at least 0"),
    ],
)
def test_points_and_steps_are_counted(strategy, arguments, message):
    with pytest.raises(ValueError, match=rf"{strategy.__name__}: {message}"):
        strategy(**arguments)


@pytest.mark.parametrize(
    ("strategy", "arguments", "message"),
    [
        (RAD, {"candidates": 0}, r"RAD: got candidates=0, expected an integer of at least 1"),
        (RAD, {"power": math.nan}, r"RAD: got power=nan, expected a finite number of at least zero"),
        (RAD, {"power": -1.0}, r"RAD: got power=-1.0, expected a finite number of at least zero"),
        (RAD, {"uniform": -1.0}, r"RAD: got uniform=-1.0, expected a finite number of at least zero"),
        (RAD, {"smooth": math.nan}, r"RAD: got smooth=nan, expected a finite number of at least zero"),
        (Fixed, {"method": "sobl"}, r"Fixed: got method='sobl'; choose among .*'sobol'.* \(did you mean 'sobol'\?\)"),
        (Redrawn, {"method": 3}, r"Redrawn: got method=3; choose among \['latin', 'sobol', 'uniform'\]"),
        (Fixed, {"every": 5}, r"Fixed: got every=5, expected 0: fixed points stay; take Redrawn\(every=5\)"),
        (growing, {"start": 0}, r"Growing: got start=0, expected an integer of at least 1"),
        (growing, {"start": 400.0}, r"Growing: got start=400.0, expected an integer of at least 1"),
        (growing, {"start": 500, "maximum": 400}, r"1 <= start <= maximum"),
        (growing, {"factor": math.nan}, r"Growing: got factor=nan, expected a finite number"),
        (growing, {"threshold": -3.0}, r"Growing: got threshold=-3.0, expected a positive finite number"),
        (growing, {"stall": math.nan}, r"Growing: got stall=nan, expected a positive finite number"),
        (marching, {"start": 2.0}, r"Marching: got start=2.0, .* give 0 < start <= 1 and factor > 1"),
        (marching, {"factor": 0.5}, r"Marching: .* give 0 < start <= 1 and factor > 1"),
        (marching, {"solved": math.nan}, r"Marching: got solved=nan, expected a positive finite number"),
        (marching, {"stuck": -1.0}, r"Marching: got stuck=-1.0, expected a positive finite number"),
        (marching, {"pace": 0}, r"Marching: got pace=0, expected an integer of at least 1"),
        (marching, {"after": -1}, r"Marching: got after=-1, expected an integer of at least 0"),
    ],
)
def test_arguments_out_of_range_are_refused(strategy, arguments, message):
    with pytest.raises(ValueError, match=message):
        strategy(**arguments)


@pytest.mark.parametrize("strategy", [Growing, Marching])
@pytest.mark.parametrize("inner", ["rad", RAD, None, 400])
def test_an_inner_strategy_is_an_object(strategy, inner):
    with pytest.raises(TypeError, match=rf"{strategy.__name__}: got inner=.*; give an object such as RAD\(\), not a"):
        strategy(inner)


def test_time_is_a_name():
    with pytest.raises(TypeError, match=r"Marching: got time=3, expected a coordinate.s name; give one"):
        Marching(RAD(), time=3)
