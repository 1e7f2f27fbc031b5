"""Strategies combine: whatever wraps whatever, the points reach the whole time and their number grows to its end."""

import copy
import io
import itertools

import pytest
import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.optimizers import LevenbergMarquardt
from pinn.problem import Constraint, Problem
from pinn.sampling import RAD, Fixed, Growing, Marching, Redrawn, Sampler
from pinn.solver import solve

END = 2.0
BOX = Box(x=(-1, 1), t=(0, END))
EVOLUTION = Problem(
    BOX,
    ["u"],
    {
        "equation": Constraint(lambda u, x, t: d(u, t) + d(u, x), on=BOX),
        "initial": Constraint(lambda u, x: u - x, on=BOX.face(t=0)),
    },
)
DRAWS = {"RAD": RAD, "Redrawn": Redrawn}
SOLVED, OVERFIT, FAIR = (1e-9, 1e-9), (1e-2, 1.0), (0.5, 0.5)  # loss on the points left, on those just drawn


def grow(inner):
    return Growing(inner, start=40, factor=2, maximum=160)


def march(inner, after=0):
    return Marching(inner, start=0.25, factor=2, pace=3, after=after)


NESTINGS = {
    "Growing(Marching(...))": lambda inner, **options: grow(march(inner, **options)),
    "Marching(Growing(...))": lambda inner, **options: march(grow(inner), **options),
}


def seeded():
    return torch.Generator().manual_seed(0)


def bump(name, points):
    return torch.exp(-30 * points.column("x") ** 2)[:, None]


def drive(sampler, losses, generator=None):
    """The points that each redraw of a run with these losses leaves: (number, latest time), as the trainer draws."""
    generator = seeded() if generator is None else generator
    for old, new in losses:
        points = sampler.draw(EVOLUTION, generator, bump)
        if sampler.observe(old, new):
            points = sampler.draw(EVOLUTION, generator, bump)
        yield points["equation"]


def extent(points):
    return points.n, float(points.column("t").max()) / END


@pytest.fixture(params=itertools.product(NESTINGS, DRAWS), ids="-".join)
def nested(request):
    nesting, inner = request.param
    return NESTINGS[nesting](DRAWS[inner](every=7))


def test_the_points_reach_the_whole_time_and_their_number_its_end(nested):
    nested.begin(1.0)
    assert (nested.every, nested.size, nested.complete, nested.full) == (3, 40, False, False)
    first = nested.draw(EVOLUTION, seeded(), bump)["equation"]
    assert first.n == 40
    assert extent(first)[1] <= 0.25
    reached = [extent(points) for points in drive(nested, [FAIR, OVERFIT, OVERFIT, SOLVED, SOLVED, FAIR])]
    # Growth is seen at the next draw; the third pair finds a loss on new points as large as before, and so grows again.
    assert [n for n, _ in reached] == [40, 40, 80, 160, 160, 160]
    for (_, time), (low, high) in zip(reached, [(0, 0.25)] * 3 + [(0.4, 0.5)] + [(0.9, 1)] * 2, strict=True):
        assert low < time <= high
    assert (nested.every, nested.size, nested.complete, nested.full) == (7, 160, True, True)


@pytest.mark.parametrize("after", [0, 2])
def test_the_order_of_nesting_changes_nothing(after):
    chance = torch.Generator().manual_seed(1)
    losses = [[SOLVED, OVERFIT, FAIR][int(torch.randint(3, (), generator=chance))] for _ in range(12)]
    one, other = (NESTINGS[name](RAD(), after=after) for name in NESTINGS)
    one.begin(1.0)
    other.begin(1.0)
    for left, right in zip(drive(one, losses), drive(other, losses), strict=True):
        assert torch.equal(left.x, right.x)
        for what in ("every", "size", "complete", "full", "redraws"):
            assert getattr(one, what) == getattr(other, what)
    assert one.complete
    assert one.full


def test_a_number_from_outside_is_the_one_that_counts():
    for sampler in (Fixed(), Redrawn(), RAD(), grow(RAD()), march(Redrawn()), march(grow(RAD())), grow(march(RAD()))):
        before = sampler.size
        assert sampler.draw(EVOLUTION, seeded(), bump, size=50)["equation"].n == 50
        assert sampler.size == before


def test_fixed_points_march_and_then_stay():
    sampler = march(Fixed(40))
    sampler.begin(1.0)
    assert sampler.every == 3
    times = [extent(points)[1] for points in drive(sampler, [FAIR, SOLVED, SOLVED])]
    assert times[0] < 0.26 < times[1] < 0.51 < 0.9 < times[2]
    assert sampler.complete
    assert sampler.every == 0
    assert not sampler.redraws
    with pytest.raises(ValueError, match=r"Growing: got inner=Marching\(.*, which never redraws in the end"):
        grow(march(Fixed()))


@pytest.mark.parametrize(("losses", "reached"), [((0.9, 0.8), 0.25), ((0.9, 1e-3), 1.0)])
def test_fixed_points_show_first_whether_the_run_is_stuck(losses, reached):
    sampler = march(Fixed(40), after=2)
    sampler.begin(1.0)
    for loss in losses:
        assert (sampler.every, sampler.complete) == (3, False)
        sampler.observe(loss, loss)
    assert sampler.fraction == reached
    assert sampler.complete == (reached == 1)


def test_few_points_grow_whatever_the_factor():
    sampler = Growing(Redrawn(), start=1, factor=1.01, maximum=3)
    for _ in range(3):
        sampler.observe(1.0, 100.0)
    assert sampler.size == 3


@pytest.mark.parametrize("at", range(0, 9, 2))
def test_a_run_continues_from_plain_values(nested, at):
    """The state is what a file without code holds; who loads it goes on with the same points."""
    losses = [FAIR, OVERFIT, SOLVED, OVERFIT, OVERFIT, SOLVED, FAIR, OVERFIT, OVERFIT, SOLVED]
    again = copy.deepcopy(nested)
    nested.begin(1.0)
    list(drive(nested, losses[:at]))
    file = io.BytesIO()
    torch.save(nested.state_dict(), file)
    file.seek(0)
    again.load_state_dict(torch.load(file, weights_only=True))
    assert again.state_dict() == nested.state_dict()
    for left, right in zip(drive(nested, losses[at:]), drive(again, losses[at:]), strict=True):
        assert torch.equal(left.x, right.x)
    assert again.state_dict() == nested.state_dict()


def test_a_state_of_another_strategy_is_refused():
    state = grow(RAD()).state_dict()
    assert state == {"inner": {}, "size": 40, "_previous": float("inf")}
    with pytest.raises(ValueError, match=r"Marching.load_state_dict: got entries .*'size'\], expected \['_draws', "):
        march(RAD()).load_state_dict(state)
    with pytest.raises(ValueError, match=r"RAD.load_state_dict: got entries .*, expected \[\]; give what state_dict"):
        march(RAD()).load_state_dict(march(march(RAD())).state_dict())


class Recorded(Sampler):
    """Hands on what another strategy draws, and notes it."""

    _state = ("inner",)

    def __init__(self, inner, note):
        self.inner, self.note = inner, note

    every = property(lambda self: self.inner.every)
    size = property(lambda self: self.inner.size)

    def draw(self, problem, generator, residual, **options):
        points = self.inner.draw(problem, generator, residual, **options)
        self.note(points["equation"])
        return points

    def observe(self, old, new):
        return self.inner.observe(old, new)


@pytest.mark.parametrize(
    "nesting",
    [
        lambda inner: Growing(Marching(inner, solved=0.5, pace=1), start=10, maximum=30, threshold=1e-9, stall=1e-9),
        lambda inner: Marching(Growing(inner, start=10, maximum=30, threshold=1e-9, stall=1e-9), solved=0.5, pace=1),
    ],
    ids=list(NESTINGS),
)
def test_a_run_reaches_the_whole_time_with_all_its_points(nesting):
    time = Box(t=(0, END))
    decay = Problem(
        time,
        ["u"],
        {
            "equation": Constraint(lambda u, t: d(u, t) + u, on=time),
            "initial": Constraint(lambda u: u - 1, on=time.face(t=0)),
        },
    )
    drawn = []
    sampler = Recorded(nesting(RAD(every=1)), lambda points: drawn.append(points))
    plain = {"progress": False, "verify": False, "certify": False}
    solve(decay, optimizer=LevenbergMarquardt(), sampling=sampler, steps=60, **plain)
    assert extent(drawn[0])[0] == 10
    assert extent(drawn[0])[1] <= 0.1
    assert extent(drawn[-1])[0] == 30
    assert extent(drawn[-1])[1] > 0.9
