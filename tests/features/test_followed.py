"""Points that follow residuals, and how answers are compared on them."""

from functools import partial

import pytest
import torch

from pinn import Box, Constraint, Problem
from pinn.derivatives import Jets
from pinn.features import residual_norms
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations


def answer(problem, value):
    """The equations of an answer that is the same everywhere."""
    model = Model(problem, partial(MLP, width=3, depth=1), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.zero_()
        list(model.network.parameters())[-1].fill_(value)
    assert float(model(torch.zeros(1, 1, dtype=torch.float64))[0].detach()) == value
    return Equations(model, Jets())


@pytest.mark.parametrize("part", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_handful_of_rows_that_no_answer_meets_do_not_decide(seed, part):
    """u = 0 but for a spike of 1000 on a thousandth of the line, as the corner of contradicting conditions is."""
    line = Box(x=(0, 1))
    spike = Constraint(lambda u, x: u - 1000 * (x < 1e-3).to(x.dtype), on=line)
    problem = Problem(line, ["u"], {"equation": spike}, scales={"u": (0, 1)})
    answers = [answer(problem, value) for value in (0.1, 0.01)]
    before, after = residual_norms(answers, 1500, part, torch.Generator().manual_seed(seed))
    assert after / before == pytest.approx(0.1, rel=0.5)


def test_what_is_wrong_in_more_than_a_handful_of_rows_counts():
    line = Box(x=(0, 1))
    step = Constraint(lambda u, x: u - (x < 0.1).to(x.dtype), on=line)
    problem = Problem(line, ["u"], {"equation": step}, scales={"u": (0, 1)})
    answers = [answer(problem, value) for value in (0.1, 0.01)]
    before, after = residual_norms(answers, 1500, 0.0, torch.Generator().manual_seed(0))
    # Two in a hundred of the tenth count as the largest of the others, which is as large.
    exact = [(0.1 * (1 - value) ** 2 + 0.9 * value**2) ** 0.5 for value in (0.1, 0.01)]
    assert after / before == pytest.approx(exact[1] / exact[0], rel=0.01)
