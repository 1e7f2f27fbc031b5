"""Points: how many each set gets, where adaptive ones go, and when their number and their time grow."""

import copy
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
from pinn.sampling import R3, RAD, Budgets, Fixed, Growing, Importance, Marching, Redrawn, Sampler, counts, near

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
    one, two = (copy.deepcopy(sampler).draw(PROBLEM, seeded(), layer) for _ in range(2))
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


def test_points_have_the_density_that_was_asked_for():
    """A density of 11 in |x| < 0.1 and 1 elsewhere, drawn as residual-based points are: see the test of those."""
    number, candidates = 4000, 10

    def density(x):
        return torch.where(x.abs() < 0.1, 11.0, 1.0)

    def taken(s):
        return 0.1 * -math.expm1(-11 * s), 0.9 * -math.expm1(-s)

    s = brentq(lambda s: sum(taken(s)) - 1 / candidates, 0, 1)
    drawn = Importance(number, density=density, candidates=candidates).draw(PROBLEM, seeded(), layer)
    expected = candidates * taken(s)[0]
    inside = float((drawn["equation"].column("x").abs() < 0.1).double().mean())
    assert inside == pytest.approx(expected, abs=5 * math.sqrt(expected * (1 - expected) / number))
    assert float(drawn["initial"].column("x").mean()) == pytest.approx(0, abs=0.05)  # conditions stay even


def test_near_is_a_normal_bump_over_one():
    """(1 + h exp(-(x - c)^2 / 2 w^2)) / its integral over [-1, 1]: the share within a width of the centre."""
    height, width = 30.0, 0.1
    points = Importance(4000, density=near({"x": 0.2}, width, height), candidates=20).draw(PROBLEM, seeded(), layer)
    bump = height * width * math.sqrt(2 * math.pi)
    expected = (2 * width + bump * math.erf(1 / math.sqrt(2))) / (2 + bump)
    share = float(((points["equation"].column("x") - 0.2).abs() < width).double().mean())
    assert 0.8 * expected < share < 1.02 * expected  # without replacement it is a little flatter


@pytest.mark.parametrize(
    ("density", "message"),
    [
        (lambda z: z, r"density has the argument 'z'; choose among \['t', 'x'\]"),
        (
            lambda x: x,
            r"density is between -0.998 and 0.998 on the domain, expected finite numbers of at least zero",
        ),
        (lambda x: 0 * x, r"not all zero; give such a function"),
        (lambda x: x.nothing, r"Importance: density: AttributeError"),
    ],
)
def test_a_density_that_is_none_is_refused(density, message):
    with pytest.raises(ValueError, match=message):
        Importance(50, density=density).draw(PROBLEM, seeded(), layer)


def test_what_describes_a_density_is_checked():
    with pytest.raises(TypeError, match=r"Importance: got density='x', expected a function of coordinates; give one"):
        Importance(density="x")
    with pytest.raises(TypeError, match=r"near: got centre=0.0, expected a mapping of coordinates"):
        near(0.0, 0.1)
    with pytest.raises(ValueError, match=r"near: got an empty centre"):
        near({}, 0.1)
    with pytest.raises(ValueError, match=r"near: got width=0.0, expected a positive finite number"):
        near({"x": 0}, 0.0)


def test_points_above_the_mean_stay_and_the_others_are_released():
    """The residual is zero but in |x| < 0.1, so exactly the points there stay; once it is solved all are even again."""
    sampler = R3(500)
    before = sampler.draw(PROBLEM, seeded(), layer)["equation"].x
    inside = before[before[:, 0].abs() < 0.1]
    after = sampler.draw(PROBLEM, torch.Generator().manual_seed(1), layer)["equation"].x
    even = Redrawn(500).draw(PROBLEM, torch.Generator().manual_seed(1), layer)["equation"].x
    assert 0 < len(inside) < 100
    assert torch.equal(after[: len(inside)], inside)
    assert torch.equal(after[len(inside) :], even[: 500 - len(inside)])
    # By a tenth of what is not retained a draw, until all but one part in m gather: each draw adds to those inside.
    shares = []
    for seed in range(2, 30):
        after = sampler.draw(PROBLEM, torch.Generator().manual_seed(seed), layer)["equation"].x
        shares.append(float((after[:, 0].abs() < 0.1).double().mean()))
    assert shares == sorted(shares)
    assert shares[-1] > 0.5
    solved = sampler.draw(PROBLEM, seeded(), lambda name, points: torch.zeros(points.n, 1).double())["equation"].x
    assert torch.equal(solved, before)


def test_retained_points_follow_the_times_reached():
    sampler = Marching(R3(200), start=0.25, factor=2, solved=1e-2)
    sampler.begin(1.0)
    for _ in range(4):
        points = sampler.draw(PROBLEM, seeded(), layer)["equation"]
    assert 0.45 < float(points.column("t").max()) <= 0.5
    sampler.observe(old=1e-3, new=5e-3)
    points = sampler.draw(PROBLEM, seeded(), layer)["equation"]
    assert 0.95 < float(points.column("t").max()) <= 1.0


def test_the_population_is_continued_from_plain_values():
    one, other = R3(100), R3(100)
    one.draw(PROBLEM, seeded(), layer)
    other.load_state_dict(one.state_dict())
    left, right = (s.draw(PROBLEM, torch.Generator().manual_seed(5), layer)["equation"].x for s in (one, other))
    assert torch.equal(left, right)


def test_budgets_are_those_of_the_run_and_the_rest_follow_the_size():
    sampler = Budgets(Growing(Redrawn(), start=100, factor=2), {"initial": 333, "few": 11, "data": 1})
    found = {name: points.n for name, points in sampler.draw(PROBLEM, seeded(), layer).items()}
    assert found == {"equation": 100, "initial": 333, "few": 11, "data": 2}  # observations come whole
    assert PROBLEM.constraints["initial"].points is None
    sampler.observe(1.0, 100.0)
    sampler.observe(1.0, 100.0)
    assert sampler.size == 200
    assert sampler.draw(PROBLEM, seeded(), layer)["equation"].n == 200
    with pytest.raises(ValueError, match=r"Budgets: points of 'walls', which is no constraint; choose among \['data'"):
        Budgets(Redrawn(), {"walls": 3}).draw(PROBLEM, seeded(), layer)
    with pytest.raises(ValueError, match=r"Budgets: got points\['few'\]=0, expected an integer of at least 1"):
        Budgets(Redrawn(), {"few": 0})
    with pytest.raises(TypeError, match=r"Budgets: got points=300, expected numbers by constraint; give such as"):
        Budgets(Redrawn(), 300)


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


@pytest.mark.parametrize("strategy", [Fixed, Redrawn, RAD, R3, Importance])
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
        (Redrawn, {"method": 3}, r"Redrawn: got method=3; choose among \['halton', 'latin', 'sobol', 'uniform'\]"),
        (Fixed, {"every": 5}, r"Fixed: got every=5, expected 0: fixed points stay; take Redrawn\(every=5\)"),
        (Importance, {"candidates": 0}, r"Importance: got candidates=0, expected an integer of at least 1"),
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


@pytest.mark.parametrize("strategy", [Growing, Marching, Budgets])
@pytest.mark.parametrize("inner", ["rad", RAD, None, 400])
def test_an_inner_strategy_is_an_object(strategy, inner):
    with pytest.raises(TypeError, match=rf"{strategy.__name__}: got inner=.*; give an object such as RAD\(\), not a"):
        strategy(inner)


def test_time_is_a_name():
    with pytest.raises(TypeError, match=r"Marching: got time=3, expected a coordinate.s name; give one"):
        Marching(RAD(), time=3)
