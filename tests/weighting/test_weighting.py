"""Weights are scales of rows: closed forms of each rule, and their composition."""

import inspect
import itertools
import math
from functools import partial

import pytest
import torch

from pinn import weighting
from pinn.derivatives import Jets, d
from pinn.domains import Box, Points
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.problem import CONDITION_WEIGHT, Constraint, Problem
from pinn.sampling.uniform import sample_uniform
from pinn.weighting import (
    NTK,
    Causal,
    Constant,
    GradientNorm,
    Prescribed,
    ReLoBRaLo,
    ResidualAttention,
    SelfAdaptive,
    Weighting,
)

BOX = Box(x=(-1, 1), t=(0, 1))
# Every rule that the package exports, and those of them that change another's weights.
RULES = [
    kind
    for kind in (getattr(weighting, name) for name in weighting.__all__)
    if issubclass(kind, Weighting) and kind is not Weighting
]
WRAPPING = [kind for kind in RULES if "inner" in inspect.signature(kind).parameters]


@pytest.fixture
def objective():
    problem = Problem(
        BOX,
        ["u"],
        {
            "equation": Constraint(lambda u, x, t: d(u, t) + 3 * d(u, x) + 1, on=BOX),
            "initial": Constraint(lambda u, x: u - torch.sin(x), on=BOX.face(t=0)),
        },
    )
    model = Model(problem, partial(MLP, width=6, depth=1), generator=torch.Generator().manual_seed(0))
    return Objective(Equations(model, Jets()), sample_uniform(problem, 64, torch.Generator().manual_seed(1)))


def weighted(objective, weights):
    return Objective(objective.equations, objective.points, weights=weights.constraints, point_weights=weights.points)


def test_constant_is_what_the_problem_states(objective):
    assert Constant().update(objective).constraints == {"equation": 1.0, "initial": CONDITION_WEIGHT}


def test_causal_weights_fall_with_the_residual_before(objective):
    epsilon, bins = 0.5, 4
    weights = Causal(epsilons=(epsilon,), bins=bins).update(objective).points["equation"]
    points = objective.points["equation"]
    square = objective.equations.residual("equation", points)[:, 0].pow(2)
    slot = (points.column("t") * bins).long()
    for k in range(bins):
        before = sum(float(square[slot == j].mean()) for j in range(k))
        expected = math.exp(-epsilon * before)
        assert weights[slot == k].tolist() == pytest.approx([expected] * int((slot == k).sum()), rel=1e-12)


def test_causal_takes_the_next_strength_when_all_times_count(objective):
    causal = Causal(epsilons=(1e-9, 5.0), bins=4)
    first = causal.update(objective).points["equation"]
    second = causal.update(objective).points["equation"]
    assert float(first.min()) > 0.99
    assert float(second.min()) < 0.99


def test_gradient_norm_gives_every_constraint_the_same_gradient(objective):
    weights = GradientNorm(decay=0.0).update(objective)
    lengths = objective.gradient_norms()
    products = [weights.constraints[name] * length for name, length in lengths.items()]
    assert products == pytest.approx([sum(lengths.values())] * 2, rel=1e-12)


def test_attention_follows_its_recursion(objective):
    rule = ResidualAttention(decay=0.9, rate=0.5)
    rows = objective.equations.residual("equation", objective.points["equation"])[:, 0].abs()
    lam = torch.ones_like(rows)
    for _ in range(3):
        found = rule.update(objective).points["equation"]
        lam = 0.9 * lam + 0.5 * rows / rows.max()
    torch.testing.assert_close(found, lam.pow(2) / lam.pow(2).mean(), rtol=1e-12, atol=0)


def bumpy(bump, **changes):
    """Equations whose residual is a fixed bump, whatever the network."""
    constraints = {"equation": Constraint(lambda u, x, t: 0 * u + bump(x, t), on=BOX)}
    problem = Problem(BOX, ["u"], constraints, **changes)
    model = Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))
    return Equations(model, Jets())


def narrow(x, t):
    return torch.exp(-(((x - 0.4) / 0.2) ** 2) - ((t - 0.5) / 0.2) ** 2)


def contrast(rule, equations, redrawn, size=400, steps=40):
    """Largest over smallest weight after so many steps, on points that stay or that come anew every ten."""
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        if step == 0 or (redrawn and step % 10 == 0):
            points = sample_uniform(equations.problem, size, generator)
        weights = rule.update(Objective(equations, points)).points["equation"]
    return float(weights.max() / weights.min()), weights, points["equation"]


def test_attention_grows_on_redrawn_points_as_on_fixed_ones():
    equations = bumpy(narrow)
    fixed, _, _ = contrast(ResidualAttention(), equations, redrawn=False)
    redrawn, _, _ = contrast(ResidualAttention(), equations, redrawn=True)
    assert fixed > 1.9
    assert redrawn == pytest.approx(fixed, rel=0.05)


def test_attention_on_redrawn_points_is_the_field_of_the_recursion():
    """lambda_k(x) = gamma^k + eta (1 - gamma^k) / (1 - gamma) b(x) for a residual b(x) that stays."""
    decay, rate, steps = 0.95, 0.05, 200
    _, weights, points = contrast(ResidualAttention(decay=decay, rate=rate), bumpy(narrow), True, 2000, steps)
    field = decay**steps + rate * (1 - decay**steps) / (1 - decay) * narrow(points.column("x"), points.column("t"))
    expected = field.pow(2) / field.pow(2).mean()
    assert float((weights - expected).norm() / expected.norm()) < 0.1


def test_attention_stays_bounded_on_redrawn_points():
    rule = ResidualAttention(decay=0.9, rate=0.2)
    equations = bumpy(narrow)
    generator = torch.Generator().manual_seed(1)
    for size in (50, 400, 30, 200, 100, 300) * 10:
        weights = rule.update(Objective(equations, sample_uniform(equations.problem, size, generator))).points[
            "equation"
        ]
        assert weights.shape == (size,)
        assert float(weights.mean()) == pytest.approx(1.0, rel=1e-12)
        lam = rule._seen["equation"][1]
        assert 0 < float(lam.min()) <= float(lam.max()) <= 2  # max(1, eta / (1 - gamma))
    assert float(lam.max()) > 5 * float(lam.min())


@pytest.mark.parametrize(("periodic", "expected"), [((), "low"), (("x",), "high")])
def test_attention_is_carried_around_a_periodic_coordinate(periodic, expected):
    equations = bumpy(lambda x, t: torch.where(x > 0, 1.0, 0.1) + 0 * t, periodic=periodic)
    rule = ResidualAttention(decay=0.5, rate=0.5)

    def at(*x):
        points = Points(("x", "t"), torch.tensor([[value, 0.5] for value in x]).double())
        return Objective(equations, {"equation": points})

    for _ in range(20):
        rule.update(at(-0.9, 0.95))
    rule.update(at(-0.99, 1.0, -1.0))
    low, high = 0.5 * 0.1 + 0.5 * 0.1, 0.5 * 1.0 + 0.5 * 0.1
    found = rule._seen["equation"][1].tolist()
    assert found[0] == pytest.approx({"low": low, "high": high}[expected], rel=1e-3)
    assert found[2] == pytest.approx(found[0], rel=1e-3)


def test_self_adaptive_weights_ascend_the_loss(objective):
    """A step is lambda + rate * n d/dlambda of 1/2 sum lambda^2 r^2 / n, at all points of the constraints named."""
    rule = SelfAdaptive(rate=0.5, only=["equation"])
    lam = torch.ones(objective.points["equation"].n, dtype=torch.float64, requires_grad=True)
    square = objective.equations.residual("equation", objective.points["equation"]).pow(2).sum(1)
    for _ in range(3):
        weights = rule.update(objective)
        (slope,) = torch.autograd.grad((0.5 * lam.pow(2) * square).sum(), lam)
        lam = (lam + 0.5 * slope).detach().requires_grad_()
    torch.testing.assert_close(weights.points["equation"], lam.detach().pow(2), rtol=1e-12, atol=0)
    assert set(weights.points) == {"equation"}
    assert float(SelfAdaptive(rate=1e9, largest=3.0).update(objective).points["initial"].max()) == 9.0
    with pytest.raises(ValueError, match=r"SelfAdaptive: got only=\['walls'\], in which 'walls' is no constraint"):
        SelfAdaptive(only=["walls"]).update(objective)
    with pytest.raises(TypeError, match=r"SelfAdaptive: got only='initial', expected names of constraints"):
        SelfAdaptive(only="initial")


def test_ntk_weights_make_the_traces_equal(objective):
    """tr(J_c J_c^T) / n_c from J itself, row by row by nested autograd; its product with the weight is the same."""
    weights = NTK(sample=1000).update(objective).constraints
    parameters = objective.parameters()
    traces = {}
    for block in objective.blocks:
        rows = objective.equations.rows(block.name, block.points)[:, 0]
        slopes = [torch.autograd.grad(row, parameters, retain_graph=True, allow_unused=True) for row in rows]
        squares = [sum(float(one.pow(2).sum()) for one in slope if one is not None) for slope in slopes]
        traces[block.name] = sum(squares) / len(squares)
    expected = {name: sum(traces.values()) / trace for name, trace in traces.items()}
    assert weights == pytest.approx(expected, rel=1e-10)
    few = NTK(sample=32).update(objective).constraints
    assert few == pytest.approx(expected, rel=0.5)  # half of the points


def test_relative_balancing_follows_its_recursion():
    rule = ReLoBRaLo(alpha=0.7, lookback=1.0, temperature=0.5)
    losses = [{"a": 2.0, "b": 8.0}, {"a": 1.0, "b": 8.0}, {"a": 1.0, "b": 2.0}]
    for one in losses:
        rule._update(one)
    expected = {"a": 1.0, "b": 1.0}
    for before, now in itertools.pairwise(losses):
        share = {name: math.exp(now[name] / before[name] / 0.5) for name in now}
        expected = {n: 0.7 * expected[n] + 0.3 * 2 * share[n] / sum(share.values()) for n in now}
    assert rule._factors == pytest.approx(expected, rel=1e-12)
    back = ReLoBRaLo(alpha=0.7, lookback=0.0, temperature=0.5)
    for one in losses:
        back._update(one)
    start = {name: math.exp(losses[2][name] / losses[0][name] / 0.5) for name in losses[0]}
    last = {name: math.exp(losses[2][name] / losses[1][name] / 0.5) for name in losses[0]}
    for name in losses[0]:
        mixed = 0.7 * 2 * start[name] / sum(start.values()) + 0.3 * 2 * last[name] / sum(last.values())
        assert back._factors[name] == pytest.approx(mixed, rel=1e-12)


def test_relative_balancing_lets_no_weight_vanish():
    """By a weight of zero the constraint's loss could not be told from its part of the loss."""
    rule = ReLoBRaLo(alpha=0.0)
    for one in ({"a": 1.0, "b": 1.0}, {"a": 1e6, "b": 1.0}):
        rule._update(one)
    assert rule._factors == pytest.approx({"a": 2.0, "b": 2e-12}, rel=1e-9)


def test_relative_balancing_counts_losses_without_weights_and_continues(objective):
    rule = ReLoBRaLo(alpha=0.5, lookback=0.5, temperature=1.0)
    assert rule.update(objective).constraints == Constant().update(objective).constraints
    other = weighted(objective, GradientNorm().update(objective))
    again = ReLoBRaLo(alpha=0.5, lookback=0.5, temperature=1.0)
    again.update(objective)
    assert again.update(other).constraints == pytest.approx(rule.update(objective).constraints, rel=1e-10)
    mean = sum(rule._factors.values()) / 2
    assert mean == pytest.approx(1.0, rel=1e-12)
    again.load_state_dict(rule.state_dict())
    for _ in range(5):
        assert again.update(objective).constraints == rule.update(objective).constraints


def test_prescribed_weights_are_the_functions_over_their_mean(objective):
    rule = Prescribed(Causal(epsilons=(0.5,), bins=4), functions={"equation": lambda x, t: torch.exp(-t) + x**2})
    points = objective.points["equation"]
    values = torch.exp(-points.column("t")) + points.column("x") ** 2
    causal = Causal(epsilons=(0.5,), bins=4).update(objective).points["equation"]
    found = rule.update(objective).points["equation"]
    torch.testing.assert_close(found, causal * values / values.mean(), rtol=1e-12, atol=0)
    assert "initial" not in Prescribed(functions={"equation": lambda: 2.0}).update(objective).points


@pytest.mark.parametrize(
    ("functions", "error", "message"),
    [
        ({"walls": lambda x: x}, ValueError, r"Prescribed: functions of 'walls', which is no constraint; choose among"),
        ({"initial": lambda z: z}, ValueError, r"the function of 'initial' has the argument 'z'; choose among"),
        ({"initial": lambda x: x}, ValueError, r"the function of 'initial' is between -.*, expected finite numbers of"),
        ({"initial": 3.0}, TypeError, r"Prescribed: got functions\['initial'\]=3.0, expected a function of coord"),
        ([1], TypeError, r"Prescribed: got functions=\[1\], expected functions by constraint; give one such as"),
    ],
)
def test_functions_that_are_no_weights_are_refused(objective, functions, error, message):
    with pytest.raises(error, match=message):
        Prescribed(functions=functions).update(objective)


def test_points_of_an_integral_have_no_weights():
    constraints = {
        "equation": Constraint(lambda u, x, t: d(u, t) + d(u, x), on=BOX),
        "mean": Constraint(lambda u: u - 1, on=BOX, integral=True),
    }
    problem = Problem(BOX, ["u"], constraints)
    model = Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))
    found = Objective(Equations(model, Jets()), sample_uniform(problem, 20, torch.Generator().manual_seed(1)))
    with pytest.raises(
        ValueError, match=r"Prescribed: functions of 'mean', an integral, .*; multiply its integrand by"
    ):
        Prescribed(functions={"mean": lambda x: 1 + x}).update(found)
    with pytest.raises(ValueError, match=r"SelfAdaptive: got only=\['mean'\], in which 'mean' is an integral"):
        SelfAdaptive(only=["mean"]).update(found)
    assert set(SelfAdaptive().update(found).points) == {"equation"}


def test_every_rule_continues_from_plain_values(objective):
    for kind in RULES:
        one, other = kind(), kind()
        one.update(objective)
        one.update(objective)
        other.load_state_dict(one.state_dict())
        left, right = one.update(objective), other.update(objective)
        assert left.constraints == right.constraints
        assert all(torch.equal(left.points[name], right.points[name]) for name in left.points)


def test_weightings_compose(objective):
    both = Causal(GradientNorm(decay=0.0), epsilons=(0.5,), bins=4).update(objective)
    assert both.constraints == GradientNorm(decay=0.0).update(objective).constraints
    alone = Causal(epsilons=(0.5,), bins=4).update(objective)
    torch.testing.assert_close(both.points["equation"], alone.points["equation"])
    three = Causal(ResidualAttention(), epsilons=(0.5,), bins=4).update(objective).points["equation"]
    attention = ResidualAttention().update(objective).points["equation"]
    torch.testing.assert_close(three, attention * alone.points["equation"])


def test_the_gradient_stays_exact_under_every_weighting(objective):
    nested = [outer(inner()) for outer, inner in itertools.permutations(WRAPPING, 2)]
    nested += [Causal(ResidualAttention(GradientNorm())), SelfAdaptive(Causal(NTK()))]
    for rule in (*(kind() for kind in RULES), *nested):
        changed = weighted(objective, rule.update(objective))
        residual, jacobian = changed.linearize()
        torch.testing.assert_close(jacobian.T @ residual, changed.gradient()[1], rtol=1e-11, atol=1e-12)


def test_bad_settings_are_refused(objective):
    with pytest.raises(ValueError, match="Causal: got time='s', which is no coordinate"):
        Causal(time="s").update(objective)
    with pytest.raises(ValueError, match="0 <= decay < 1"):
        GradientNorm(decay=1.0)
    with pytest.raises(ValueError, match="rate > 0"):
        ResidualAttention(rate=0.0)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("every", [0, -3, 2.5, True, math.nan, "often"])
def test_updates_are_counted(rule, every):
    with pytest.raises(ValueError, match=rf"{rule.__name__}: got every=.*, expected an integer of at least 1; give"):
        rule(every=every)


@pytest.mark.parametrize(
    ("rule", "arguments", "message"),
    [
        (Causal, {"bins": 0}, r"got bins=0, expected an integer of at least 1; give bins >= 1"),
        (Causal, {"bins": 4.0}, r"got bins=4.0, expected an integer"),
        (Causal, {"epsilons": ()}, r"got no epsilons, expected at least one strength"),
        (Causal, {"epsilons": (1.0, -1.0)}, r"got epsilons\[1\]=-1.0, expected a positive finite number"),
        (Causal, {"epsilons": (math.nan,)}, r"got epsilons\[0\]=nan, expected a positive finite number"),
        (Causal, {"done": math.nan}, r"got done=nan, expected a finite number"),
        (Causal, {"done": 1.5}, r"got done=1.5, expected a weight; give 0 <= done <= 1"),
        (GradientNorm, {"decay": -0.1}, r"got decay=-0.1, expected a fraction; give 0 <= decay < 1"),
        (GradientNorm, {"decay": math.nan}, r"got decay=nan, expected a finite number"),
        (GradientNorm, {"decay": "slow"}, r"got decay='slow', expected a finite number"),
        (GradientNorm, {"largest": -1.0}, r"got largest=-1.0, expected a positive finite number"),
        (SelfAdaptive, {"rate": 0.0}, r"got rate=0.0, expected a positive finite number"),
        (SelfAdaptive, {"largest": math.nan}, r"got largest=nan, expected a positive finite number"),
        (NTK, {"sample": 0}, r"got sample=0, expected an integer of at least 1"),
        (NTK, {"largest": -1.0}, r"got largest=-1.0, expected a positive finite number"),
        (ReLoBRaLo, {"alpha": 1.0}, r"got alpha=1.0, expected a number in \[0, 1\)"),
        (ReLoBRaLo, {"lookback": 1.5}, r"got lookback=1.5, expected a number in \[0, 1\]"),
        (ReLoBRaLo, {"temperature": 0.0}, r"got temperature=0.0, expected a positive finite number"),
        (ResidualAttention, {"decay": 1.0}, r"got decay=1.0, expected a fraction; give 0 <= decay < 1"),
        (ResidualAttention, {"rate": math.nan}, r"got rate=nan, expected a positive finite number"),
    ],
)
def test_numbers_out_of_range_are_refused(rule, arguments, message):
    with pytest.raises(ValueError, match=rf"{rule.__name__}: {message}"):
        rule(**arguments)


@pytest.mark.parametrize("rule", WRAPPING)
@pytest.mark.parametrize("inner", ["constant", Constant, None, 1.0])
def test_an_inner_weighting_is_an_object(rule, inner):
    with pytest.raises(TypeError, match=rf"{rule.__name__}: got inner=.*give an object such as GradientNorm\(\), not"):
        rule(inner)


def test_strengths_come_in_a_sequence():
    assert Causal(epsilons=[0.1, 1.0]).epsilons == (0.1, 1.0)
    for epsilons in (1.0, "strong"):
        with pytest.raises(TypeError, match=r"Causal: got epsilons=.*, expected a tuple; give one such as"):
            Causal(epsilons=epsilons)
    with pytest.raises(TypeError, match=r"Causal: got time=3, expected a coordinate's name"):
        Causal(time=3)
