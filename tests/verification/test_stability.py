"""The smallest singular value tells what the constraints determine from what they leave open, and names it."""

import math

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Unknown, d
from pinn.derivatives import Jets
from pinn.domains import Scatter
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.verification.stability import UNREAD, stability_of

LINE = Box(x=(0, 1))
SQUARE = Box(x=(0, 1), t=(0, 1))


def measured(problem, **options):
    model = Model(problem, MLP, generator=torch.Generator().manual_seed(0))
    return stability_of(Equations(model, Jets()), **options)


def oscillator(*conditions):
    both = {
        "value": Constraint(lambda u: u - 1, on=LINE.face(x=0)),
        "slope": Constraint(lambda u, x: d(u, x), on=LINE.face(x=0)),
    }
    equation = Constraint(lambda u, x: d(u, x, x) + u, on=LINE)
    return Problem(LINE, ["u"], {"equation": equation, **{name: both[name] for name in conditions}})


def heat(*without, outputs=("u",), factor=1.0, **coefficients):
    constraints = {
        "equation": Constraint(lambda u, x, t: factor * (d(u, t) - 0.1 * d(u, x, x)), on=SQUARE),
        "start": Constraint(lambda u, x: factor * (u - torch.sin(math.pi * x)), on=SQUARE.face(t=0)),
        "left": Constraint(lambda u: u, on=SQUARE.face(x=0)),
        "right": Constraint(lambda u: u, on=SQUARE.face(x=1)),
    }
    kept = {name: constraint for name, constraint in constraints.items() if name not in without}
    return Problem(SQUARE, outputs, kept, coefficients=coefficients)


def unidentifiable(equation, **coefficients):
    """Data of one decaying sine, about which the model lies: two unknowns act on it alike."""
    rate = 0.5 - 0.1 * math.pi**2
    x, t = torch.rand(2, 60, generator=torch.Generator().manual_seed(1), dtype=torch.float64).numpy()
    data = Scatter({"x": x, "t": t}, {"seen": np.exp(rate * t) * np.sin(math.pi * x)})
    constraints = dict(heat().constraints)
    constraints["equation"] = Constraint(equation, on=SQUARE)
    constraints["data"] = Constraint(lambda u, seen: u - seen, on=data)
    return Problem(
        SQUARE,
        ["u"],
        constraints,
        coefficients=coefficients,
        ansatz={"u": lambda u, x, t: 1e-6 * u + torch.exp(rate * t) * torch.sin(math.pi * x)},
    )


@pytest.mark.parametrize("problem", [oscillator("value", "slope"), heat()], ids=["oscillator", "heat"])
def test_a_determined_problem_has_a_stability_of_order_one(problem):
    found = measured(problem)
    assert found.least > 0.1
    assert found.directions == ()


@pytest.mark.parametrize(
    "problem",
    [oscillator("value"), heat("start"), heat("left"), heat("right"), heat("equation")],
    ids=["one condition", "no start", "no left wall", "no right wall", "no equation"],
)
def test_what_lacks_a_condition_falls_by_decades(problem):
    found = measured(problem)
    assert found.least < UNREAD
    assert found.directions[0].outputs == {"u": pytest.approx(1.0, abs=1e-6)}


def test_a_direction_says_where_the_missing_wall_is():
    low, _ = measured(heat("right")).directions[0].where["x"]
    assert low > 0.7
    assert str(measured(heat("right")).directions[0]).startswith("u can change near x = 0.9")


def test_an_output_and_an_unknown_that_nothing_uses_are_named():
    assert set(measured(heat(outputs=("u", "v"))).directions[0].outputs) == {"v"}
    unused = measured(heat(k=Unknown(1.0)))
    assert str(unused.directions[0]) == "k can change without any constraint seeing it"
    assert len(unused.directions) == 1


def test_the_determined_combination_of_two_unknowns_is_found():
    sums = unidentifiable(lambda u, x, t, a, c: d(u, t) - a * d(u, x, x) - c * u, a=Unknown(0.1), c=Unknown(0.5))
    assert str(measured(sums).directions[0]) == "a and c can change together (only c − 9.87 a is determined)"
    product = unidentifiable(lambda u, x, t, a, b: d(u, t) - a * b * d(u, x, x), a=Unknown(0.2), b=Unknown(0.5))
    assert str(measured(product).directions[0]) == "a and b can change together (only a·b is determined)"


def test_neither_weights_nor_units_of_rows_matter():
    plain, scaled = measured(heat()), measured(heat(factor=1e6))
    assert scaled.least == pytest.approx(plain.least, rel=1e-6)


def test_the_same_seed_gives_the_same_bits_whatever_the_settings_around():
    problem = heat()
    first = measured(problem, seed=3)
    with torch.no_grad():
        second = measured(problem, seed=3)
    assert first.values == second.values
    assert measured(problem, seed=4).values != first.values
