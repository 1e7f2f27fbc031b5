"""Rows that are no numbers are named: constraint, count, one point, and whether another answer would have any."""

import math

import pytest
import torch

from pinn import Box, Constraint, Problem, Scatter, d
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.verification.finite import not_finite, require_finite

LINE = Box(x=(0.0, 1.0))


def equations(law, **options):
    problem = Problem(LINE, ["u"], {"law": Constraint(law, on=LINE)}, **options)
    model = Model(
        problem,
        lambda **sizes: MLP(**sizes, width=6, depth=1),
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float64,
    )
    return Equations(model, Jets())


def on(*numbers):
    return {"law": Scatter({"x": list(numbers)}).points}


def test_constraint_count_and_point_are_named():
    found = not_finite(equations(lambda u, x: d(u, x) + torch.log(x - 0.5)), on(0.9, 0.25, 0.6, 0.4))
    assert (found.constraint, found.count, found.of, dict(found.point)) == ("law", 2, 4, {"x": 0.25})
    assert found.always and math.isnan(found.value)
    assert str(found) == "'law' is nan at 2 of 4 points, such as x=0.25, whatever the answer"
    assert not_finite(equations(lambda u, x: d(u, x) + torch.log(x)), on(0.9, 0.25)) is None


def test_what_another_answer_would_mend_is_told_from_what_none_does():
    root = equations(lambda u, x: d(u, x) + torch.sqrt(u), scales={"u": (0.5, 0.5)})
    before = [parameter.clone() for parameter in root.model.parameters()]
    found = [not_finite(root, on(place)) for place in (0.0, 0.25, 0.5, 0.75, 1.0)]
    with torch.no_grad():
        values = [float(root.model.outputs({"x": torch.tensor([x], dtype=torch.float64)})["u"]) for x in (0.0, 1.0)]
    assert {one is None for one in found} <= {True, False} and not any(one.always for one in found if one is not None)
    assert (found[0] is None) == (values[0] >= 0) and (found[-1] is None) == (values[1] >= 0)
    assert all(torch.equal(a, b) for a, b in zip(before, root.model.parameters(), strict=True)), "it moved the model"
    wild = equations(lambda u, x: torch.exp(u))
    with torch.no_grad():
        for parameter in wild.model.parameters():
            parameter.mul_(1e6)
    overflow = not_finite(wild, on(0.0, 0.5, 1.0))
    assert overflow is None or not overflow.always


def test_a_part_of_half_a_thousandth_is_found_before_training():
    rare = equations(lambda u, x: d(u, x) + torch.where((x > 0.3) & (x < 0.3005), torch.nan, 1.0))
    with pytest.raises(ValueError, match=r"^'law' is nan at \d of 4096 points, such as x=0\.300\d+, whatever the answ"):
        require_finite(rare)
    require_finite(equations(lambda u, x: d(u, x) + torch.sqrt(u), scales={"u": (0.5, 0.5)}))  # another answer may do


def test_an_observation_is_named_by_its_place():
    with pytest.raises(ValueError, match=r"seen holds 1 of 3 numbers that are not finite, the first seen\[1\] = nan"):
        Scatter({"x": [0.1, 0.2, 0.3]}, values={"seen": [0.1, math.nan, 0.2]})
