"""The model: scaled inputs, exact periodicity and ansatz, sizes read off the conditions, unknown coefficients."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from pinn.derivatives import d
from pinn.domains import Box
from pinn.model import Model
from pinn.networks import MLP
from pinn.problem import Constraint, Problem, Unknown
from pinn.scales import Scales

STRIP = Box(x=(-1, 3), t=(0, 10))


def seeded():
    return torch.Generator().manual_seed(0)


def problem(**changes):
    given = {
        "domain": STRIP,
        "outputs": ["u"],
        "constraints": {"equation": Constraint(lambda u, x, t: d(u, t) - d(u, x, x), on=STRIP)},
    }
    return Problem(**{**given, **changes})


class Watching(nn.Module):
    """A network that keeps the inputs it was given."""

    def __init__(self, inputs, outputs, generator, dtype):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, dtype=dtype)
        self.seen = None

    def forward(self, x):
        self.seen = x.detach() if isinstance(x, torch.Tensor) else None
        return self.linear(x)


def test_inputs_are_scaled_to_the_box_of_minus_one_to_one():
    model = Model(problem(), Watching, generator=seeded())
    model(torch.tensor([[-1.0, 0.0], [3.0, 10.0], [1.0, 5.0]], dtype=torch.float64))
    torch.testing.assert_close(model.network.seen, torch.tensor([[-1.0, -1], [1, 1], [0, 0]], dtype=torch.float64))


def test_periodic_outputs_repeat_with_their_derivatives():
    model = Model(problem(periodic=["x"]), partial(MLP, width=8, depth=2), generator=seeded())
    t = torch.linspace(0, 10, 7, dtype=torch.float64)
    sides = []
    for end in (-1.0, 3.0):
        x = torch.full((7,), end, dtype=torch.float64, requires_grad=True)
        u = model.outputs({"x": x, "t": t.clone().requires_grad_()})["u"]
        sides.append(torch.stack([u, d(u, x), d(u, x, x), d(u, x, x, x)]).detach())
    torch.testing.assert_close(sides[0], sides[1], rtol=1e-10, atol=1e-12)


def test_a_feature_lets_periodic_outputs_have_a_kink():
    features = {"bend": lambda x: 0.5 * (x - 1) ** 2 - 1}
    model = Model(problem(periodic=["x"], features=features), partial(MLP, width=8, depth=2), generator=seeded())
    t = torch.linspace(0, 10, 7, dtype=torch.float64)
    sides, slopes = [], []
    for end in (-1.0, 3.0):
        x = torch.full((7,), end, dtype=torch.float64, requires_grad=True)
        u = model.outputs({"x": x, "t": t})["u"]
        sides.append(u.detach())
        slopes.append(d(u, x).detach())
    torch.testing.assert_close(sides[0], sides[1], rtol=1e-10, atol=1e-12)
    assert (slopes[0] - slopes[1]).abs().min() > 1e-3


def test_features_are_further_inputs_in_their_order():
    features = {"first": lambda x: x**2, "second": lambda x, t: x * t}
    model = Model(problem(features=features), Watching, generator=seeded())
    model(torch.tensor([[3.0, 10.0], [1.0, 5.0]], dtype=torch.float64))
    torch.testing.assert_close(model.network.seen, torch.tensor([[1.0, 1, 9, 30], [0, 0, 1, 5]], dtype=torch.float64))


def test_the_ansatz_is_exact():
    model = Model(
        problem(ansatz={"u": lambda u, x, t: torch.sin(x) + t * u}), partial(MLP, width=8, depth=2), generator=seeded()
    )
    x = torch.linspace(-1, 3, 9, dtype=torch.float64)
    assert torch.equal(model(torch.stack([x, torch.zeros_like(x)], -1))[:, 0], torch.sin(x))


@pytest.mark.parametrize(
    "unknown", [Unknown(0.3), Unknown(-2e-4), Unknown(0.0), Unknown(5.0, positive=True), Unknown(0.2, bounds=(-1, 3))]
)
def test_unknowns_start_at_the_first_guess_and_keep_their_bounds(unknown):
    model = Model(
        problem(
            coefficients={"k": unknown},
            constraints={"equation": Constraint(lambda u, x, t, k: d(u, t) - k * d(u, x, x), on=STRIP)},
        ),
        partial(MLP, width=4, depth=1),
        generator=seeded(),
    )
    assert float(model.coefficients()["k"].detach()) == pytest.approx(unknown.initial, rel=1e-14, abs=0)
    for value in (-3.0, 3.0):
        with torch.no_grad():
            model.raw["k"].fill_(value)
        found = float(model.coefficients()["k"].detach())
        assert not unknown.positive or found > 0
        assert unknown.bounds is None or unknown.bounds[0] < found < unknown.bounds[1]


def test_a_field_unknown_depends_on_its_own_inputs_only():
    model = Model(
        problem(
            coefficients={"k": Unknown(2.0, positive=True, inputs="x")},
            constraints={"equation": Constraint(lambda u, x, t, k: d(u, t) - d(k * d(u, x), x), on=STRIP)},
        ),
        partial(MLP, width=4, depth=1),
        generator=seeded(),
    )
    x = torch.linspace(-1, 3, 5, dtype=torch.float64)
    early, late = (model.outputs({"x": x, "t": torch.full_like(x, t)})["k"] for t in (0.0, 9.0))
    assert torch.equal(early, late)
    assert bool((early > 0).all())


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="give what builds one"):
        Model(problem(), nn.Linear(2, 1), generator=seeded())
    with pytest.raises(TypeError, match=r"network: got 'MLP', expected what builds a network; give e.g."):
        Model(problem(), "MLP", generator=seeded())
    with pytest.raises(TypeError, match=r"expected an nn\.Module"):
        Model(problem(), lambda **_: math.sin, generator=seeded())
    with pytest.raises(ValueError, match=r"maps \(3, 2\) to \(3, 4\), expected \(3, 1\)"):
        Model(
            problem(), lambda inputs, outputs, generator, dtype: nn.Linear(inputs, 4, dtype=dtype), generator=seeded()
        )


def test_scales_have_an_entry_for_everything():
    lacking = Scales({"v": (0.0, 1.0)}, {"equation": (1.0,)})
    with pytest.raises(ValueError, match=r"scales: got outputs \['v'\], expected one entry for each of \['u'\]"):
        Model(problem(), partial(MLP, width=4, depth=1), generator=seeded(), scales=lacking)


def test_the_same_seed_gives_the_same_model_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    one, two = (Model(problem(), partial(MLP, width=8, depth=2), generator=seeded()) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_scales_keep_their_precision_and_place_when_a_model_is_moved():
    model = Model(problem(), partial(MLP, width=3, depth=1), generator=seeded())
    before = model.sizes.clone()
    model.to(torch.float32)
    assert model.sizes.dtype == torch.float64 and torch.equal(model.sizes, before)
    assert next(model.parameters()).dtype == torch.float32
    model.to("meta")
    assert model.shifts.device.type == "cpu" and next(model.parameters()).device.type == "meta"
