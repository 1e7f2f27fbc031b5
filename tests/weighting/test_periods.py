"""Each weighting of a composition keeps its own period, on points that stay and on points drawn anew; and its state."""

import copy
import io
from functools import partial

import pytest
import torch

from pinn.derivatives import Jets, d
from pinn.domains import Box
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.optimizers import LevenbergMarquardt
from pinn.problem import Constraint, Problem
from pinn.sampling import Fixed, Redrawn
from pinn.sampling.uniform import sample_uniform
from pinn.solver import solve
from pinn.weighting import Causal, GradientNorm, ResidualAttention, Weighting

BOX = Box(x=(-1, 1), t=(0, 1))
PROBLEM = Problem(
    BOX,
    ["u"],
    {
        "equation": Constraint(lambda u, x, t: d(u, t) + 3 * d(u, x) + 1, on=BOX),
        "initial": Constraint(lambda u, x: u - torch.sin(x), on=BOX.face(t=0)),
    },
)
EQUATIONS = Equations(
    Model(PROBLEM, partial(MLP, width=6, depth=1), generator=torch.Generator().manual_seed(0)), Jets()
)


class Counted(Weighting):
    """Changes nothing, and notes the steps at which its period had come."""

    def __init__(self, every, inner=None, note=None):
        self.every, self.inner = every, inner
        self.updates = []
        self.note = self.updates.append if note is None else note

    def weigh(self, objective, weights, due):
        if due:
            self.note(self._updated)
        return weights


def drawn(seed=1, size=32):
    return Objective(EQUATIONS, sample_uniform(PROBLEM, size, torch.Generator().manual_seed(seed)))


def run(rule, steps, redrawn=()):
    """Updates as a run asks for them: at the start, on new points, and where a period of a rule ends."""
    objective = drawn()
    weights = {0: rule.update(objective, 0)}
    for step in range(1, steps + 1):
        if step in redrawn:
            objective = drawn(step)
        if step in redrawn or rule.due(step):
            weights[step] = rule.update(objective, step)
    return weights


@pytest.mark.parametrize(
    ("outer", "inner", "redrawn"),
    [
        (10, 100, ()),
        (7, 100, ()),
        (100, 7, ()),
        (10, 100, range(3, 400, 3)),
        (100, 7, range(10, 400, 10)),
        (10, 4, range(1, 400)),
    ],
)
def test_every_rule_updates_at_its_own_period(outer, inner, redrawn):
    rule = Counted(outer, Counted(inner))
    run(rule, 400, set(redrawn))
    assert rule.updates == list(range(0, 401, outer))
    assert rule.inner.updates == list(range(0, 401, inner))


def test_a_run_that_does_not_count_updates_all():
    rule = Counted(10, Counted(100))
    for _ in range(3):
        rule.update(drawn())
    assert rule.updates == rule.inner.updates == [None] * 3


def test_a_rule_that_starts_late_keeps_its_period():
    rule = Counted(10)
    for step in (37, 40, 47, 50, 56, 57):
        rule.update(drawn(), step)
    assert rule.updates == [37, 47, 57]
    rule.update(drawn(), 0)  # another run
    assert rule.updates == [37, 47, 57, 0]


@pytest.mark.parametrize(
    ("sampler", "redraws"), [(Fixed(30), ()), (Redrawn(30, every=1), range(13))], ids=["fixed", "redrawn"]
)
def test_a_run_keeps_the_periods(sampler, redraws):
    outer, inner = [], []
    rule = Counted(2, Counted(5, note=lambda step: inner.append(step)), note=lambda step: outer.append(step))
    solve(
        PROBLEM,
        network=partial(MLP, width=4, depth=1),
        optimizer=LevenbergMarquardt(),
        sampling=sampler,
        weighting=rule,
        steps=12,
        progress=False,
        verify=False,
    )
    # The points of a run that has come to its end are not weighed any more.
    assert outer == [0, 2, 4, 6, 8, 10]
    assert inner == [0, 5, 10]


class Lengths(Weighting):
    """Changes nothing, and notes the parameters and the gradients' lengths that it is shown."""

    def __init__(self, found, every=2):
        self.every, self.found = every, found

    def __deepcopy__(self, memo):
        return Lengths(self.found, self.every)

    def weigh(self, objective, weights, due):
        bare = Objective(objective.equations, objective.points)
        self.found.append((objective.gradient_norms(), bare.gradient_norms()))
        return weights


@pytest.mark.parametrize("sampler", [Fixed(30), Redrawn(30, every=1)], ids=["fixed", "redrawn"])
def test_a_rule_sees_the_problem_s_own_weights_whatever_made_it_due(sampler):
    """Causal weights change the points' weights at once; the gradients shown to the inner rule are without them."""
    found = []
    solve(
        PROBLEM,
        network=partial(MLP, width=4, depth=1),
        optimizer=LevenbergMarquardt(),
        sampling=sampler,
        weighting=Causal(Lengths(found), every=2),
        steps=8,
        progress=False,
        verify=False,
    )
    assert len(found) >= 4 and all(shown == bare for shown, bare in found)


@pytest.mark.parametrize("redrawn", [(), (4, 8, 12, 16, 20)])
def test_constraints_are_balanced_at_their_own_period_beneath_weights_of_points(redrawn):
    both, alone = Causal(GradientNorm(every=10), every=4, epsilons=(0.5,)), GradientNorm(every=10)
    composed, simple = run(both, 20, set(redrawn)), run(alone, 20, set(redrawn))
    assert composed.keys() >= {0, 4, 8, 10, 12, 16, 20}
    for step, weights in composed.items():
        latest = max(known for known in simple if known <= step)
        assert weights.constraints == simple[latest].constraints
        assert (composed[0].constraints == weights.constraints) == (step < 10 or not redrawn)


@pytest.mark.parametrize("rule", [Causal, ResidualAttention])
def test_new_points_are_weighed_at_once(rule):
    made = rule(every=100)
    made.update(drawn(), 0)
    for step, size in ((3, 20), (4, 50)):
        objective = drawn(step, size)
        weights = made.update(objective, step).points
        assert {name: len(lam) for name, lam in weights.items()} == {
            block.name: block.points.n for block in objective.blocks if block.name in weights
        }
        assert float(weights["equation"].std()) > 0


def test_causal_weights_stay_between_updates_and_are_those_of_new_points():
    causal = Causal(every=10, epsilons=(0.5,))
    equations = Equations(
        Model(PROBLEM, partial(MLP, width=6, depth=1), generator=torch.Generator().manual_seed(3)), Jets()
    )
    objective = Objective(equations, drawn().points)
    before = causal.update(objective, 0).points["equation"]
    with torch.no_grad():
        for parameter in equations.model.parameters():
            parameter.mul_(1.5)
    assert torch.equal(causal.update(objective, 5).points["equation"], before)
    after = causal.update(objective, 10).points["equation"]
    assert not torch.equal(after, before)
    assert torch.equal(after, Causal(epsilons=(0.5,)).update(objective).points["equation"])
    new = Objective(equations, drawn(2).points)
    assert torch.equal(
        causal.update(new, 11).points["equation"], Causal(epsilons=(0.5,)).update(new).points["equation"]
    )


def test_attention_between_updates_is_carried_and_does_not_gather():
    rule = ResidualAttention(every=10, decay=0.5, rate=0.5)
    rule.update(drawn(), 0)
    x, lam = rule._seen["equation"]
    rule.update(drawn(), 5)
    assert torch.equal(rule._seen["equation"][1], lam)
    rule.update(drawn(2), 6)
    assert set(rule._seen["equation"][1].tolist()) <= set(lam.tolist())
    assert not torch.equal(rule._seen["equation"][0], x)


@pytest.mark.parametrize(
    "rule",
    [
        Causal(epsilons=(1e-9, 1e-8, 0.5), every=2),
        GradientNorm(every=3),
        ResidualAttention(every=2),
        Causal(ResidualAttention(GradientNorm(every=5), every=3), every=2),
    ],
    ids=lambda rule: type(rule).__name__,
)
@pytest.mark.parametrize("at", [0, 4, 7])
def test_a_run_continues_from_plain_values(rule, at):
    one, other = copy.deepcopy(rule), copy.deepcopy(rule)
    run(one, at, {3, 6})
    file = io.BytesIO()
    torch.save(one.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    for step in range(at + 1, at + 8):
        objective = drawn(step // 3)
        left, right = one.update(objective, step), other.update(objective, step)
        assert left.constraints == right.constraints
        assert left.points.keys() == right.points.keys()
        assert all(torch.equal(left.points[name], right.points[name]) for name in left.points)


def test_a_state_of_another_weighting_is_refused():
    with pytest.raises(ValueError, match=r"Causal.load_state_dict: got entries \['_updated', '_weights', 'inner'\]"):
        Causal().load_state_dict(GradientNorm().state_dict())


@pytest.mark.parametrize("rule", [Causal, ResidualAttention])
def test_a_rule_reads_as_it_was_made(rule):
    used = rule()
    before = repr(used)
    used.update(drawn())
    assert repr(used) == before
    assert used == copy.deepcopy(used)
