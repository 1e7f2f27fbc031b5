"""Places outside of the domain: refused where rows depend on them, in one sentence, and nowhere else."""

import pytest
import torch

from pinn import Box, Constraint, Disc, Problem, Unknown, at, d, integral, solve
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.verification import verify_before_training

LINE = Box(t=(0, 6))
SQUARE = Box(x=(0, 1), t=(0, 1))
ONE = torch.ones_like


def state(equation, domain=LINE, **options):
    return Problem(domain, ["u"], {"equation": Constraint(equation, on=domain)}, **options)


def verify(problem, seed=0):
    model = Model(problem, MLP, generator=torch.Generator().manual_seed(seed))
    return verify_before_training(Equations(model, Jets()), seed=seed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("equation", "options", "said"),
    [
        (lambda u, t: d(u, t) + at(u, t=t - 1), {}, "t - 1. takes the outputs at t=-1, 1 below 0.*min=0"),
        (lambda u, t: d(u, t) + at(d(u, t), t=t + 0.25), {}, "t=6.25, 0.25 above 6.*max=6"),
        (
            lambda u, t, tau: d(u, t) + at(u, t=t - tau),
            {"coefficients": {"tau": Unknown(1e-3)}},
            "t=-0.000994, 0.000994 below 0",
        ),
        (lambda u, t: d(u, t) + torch.where(t < 1, ONE(t), at(u, t=t - 2)), {}, "below 0"),
        (lambda u, t: d(u, t) + integral(u, over="t", from_=t - 1, to=t), {}, "below 0"),
        (lambda u, t: d(u, t) + at(u, t=torch.clamp(t, min=0)) + at(u, t=t - 1), {}, "at.u, t=t - 1. takes"),
        (lambda u, x, t: d(u, t) + at(u, x=x - 0.3), {"domain": SQUARE}, "x=-0.3, 0.3 below 0"),
        (lambda u: u + at(u, x=0.9), {"domain": Disc(x=0, y=0, radius=1)}, "outside of the domain.*give a place in"),
    ],
)
def test_what_leaves_is_refused(equation, options, said, seed):
    with pytest.raises(ValueError, match=f"constraint 'equation': .*{said}") as raised:
        verify(state(equation, **options), seed)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("equation", "options"),
    [
        (lambda u, t: d(u, t) + at(u, t=torch.clamp(t - 1, min=0.0)), {}),
        (lambda u, t: d(u, t) + torch.where(t < 1, ONE(t), at(u, t=t - 1)), {}),
        (lambda u, t: d(u, t) + (t > 1) * at(u, t=t - 1), {}),
        (lambda u, t: d(u, t) + at(u, t=6 - t), {}),
        (lambda u, t: d(u, t) + integral(u, over="t", to=t), {}),
        (lambda u, x, t: d(u, t) + at(u, x=x - 0.3), {"domain": SQUARE, "periodic": ["x"]}),
        (lambda u, x, y: u + at(u, x=-x, y=-y), {"domain": Disc(x=0, y=0, radius=1)}),
        (
            lambda u, k, x, t: d(u, t) + k * u - torch.where(t < 0.5, ONE(t), at(k, t=t - 0.5)),
            {"domain": SQUARE, "coefficients": {"k": Unknown(1.0, inputs=("x",))}},
        ),
    ],
)
def test_what_stays_or_does_not_count_is_not(equation, options):
    assert verify(state(equation, **options)).ok


def test_a_field_of_other_coordinates_does_not_leave():
    """k depends on x alone, so that a place in time before the start is none."""
    problem = state(
        lambda u, k, t: d(u, t) + u * at(k, t=t - 5), SQUARE, coefficients={"k": Unknown(1.0, inputs=("x",))}
    )
    assert verify(problem).ok


def test_solve_refuses_before_training():
    seen = []
    with pytest.raises(ValueError, match="1 below 0"):
        solve(state(lambda u, t: d(u, t) + at(u, t=t - 1)), progress=False, callbacks=[seen.append])
    assert not seen
