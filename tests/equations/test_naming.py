"""Names, numbers and functions in the place of a formula's quantities, and what is refused."""

from collections import UserList

import pytest
import torch

from pinn import Box, Constraint, Problem, Table, Unknown, equations
from pinn.analysis import analyze
from pinn.binding import names_of
from pinn.derivatives import d, polar
from pinn.equations import heat, helmholtz
from pinn.equations.naming import by_name


def test_names_are_the_arguments():
    assert names_of(heat(("x", "y"))) == (("u", "x", "y", "t", "k"), ())
    assert names_of(heat("z", output="T", time="tau", diffusivity=0.1)) == (("T", "z", "tau"), ())
    assert names_of(heat(UserList(["x", "y"]))) == names_of(heat(("x", "y")))
    own = heat("x", diffusivity=lambda u, x, steep=2.0: steep * u + x, source=lambda q: q)
    assert names_of(own) == (("u", "x", "t", "q"), ("steep",))
    assert own.__name__ == "heat"


def test_a_default_is_kept_or_matched():
    x = torch.linspace(0, 1, 3, dtype=torch.float64, requires_grad=True)
    own = helmholtz("x", wavenumber=lambda steep=2.0: steep)
    u = x**2
    assert torch.equal(own(u=u, x=x), 2 + 4 * u)
    assert torch.equal(own(u=u, x=x, steep=3.0), 2 + 9 * u)


@pytest.mark.parametrize(
    ("k", "inputs"),
    [
        (0.3, ()),
        (Unknown(0.3, positive=True), ()),
        (Unknown(0.3, inputs=("x",)), ()),
        (Table({"x": range(9)}, range(9)), ()),
    ],
)
def test_a_coefficient_by_name_may_be_any_coefficient(k, inputs):
    box = Box(x=(0, 8), y=(0, 1), t=(0, 1))
    problem = Problem(box, ["u"], {"equation": Constraint(heat(("x", "y")), on=box)}, coefficients={"k": k})
    traits = analyze(problem)
    assert traits.orders == {"x": 2, "y": 2, "t": 1} and traits.affine_in_outputs


def test_an_unknown_name_is_told_with_the_choices():
    box = Box(x=(0, 1), t=(0, 1))
    with pytest.raises(
        ValueError, match=r"constraint 'equation': unknown argument 'k'; choose among \['t', 'u', 'x'\]"
    ):
        Problem(box, ["u"], {"equation": Constraint(heat("x"), on=box)})
    with pytest.raises(ValueError, match=r"unknown argument 'y'; choose among"):
        Problem(box, ["u"], {"equation": Constraint(heat(("x", "y"), diffusivity=1.0), on=box)})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: heat(()), ValueError, "heat: got 0 coordinates, expected at least 1"),
        (lambda: heat(3), TypeError, "heat: got coordinates=3, expected names"),
        (
            lambda: heat("r", frame=polar),
            ValueError,
            "heat: got 1 coordinates and frame=polar, expected r, phi; give None",
        ),
        (lambda: heat(("x", "x")), ValueError, "heat: 'x' stands for two things"),
        (lambda: heat("x", output="t"), ValueError, "heat: 't' stands for two things; give time another name"),
        (lambda: heat("x", output="u v"), ValueError, "heat: got output='u v', expected the name of an argument"),
        (lambda: heat("lambda"), ValueError, "heat: got coordinates='lambda', expected the name"),
        (lambda: heat("x", diffusivity="2k"), ValueError, "heat: got diffusivity='2k', expected the name"),
        (lambda: heat("x", diffusivity=float("nan")), ValueError, "heat: got diffusivity=nan, expected a finite"),
        (lambda: heat("x", diffusivity=Unknown(1.0)), TypeError, "heat: got diffusivity=Unknown.*name it, and give"),
        (lambda: heat("x", source=None), TypeError, "heat: got source=None, expected a number, a name or a function"),
        (lambda: heat("x", source=lambda *all: 1), ValueError, "heat: source: arguments are matched by name"),
        (lambda: equations.navier_stokes("x"), ValueError, "navier_stokes: got 1 coordinates, expected 2 or 3"),
        (
            lambda: equations.navier_stokes(("x", "y"), velocity=("u", "v", "w")),
            ValueError,
            "navier_stokes: got 3 components of velocity and 2 coordinates",
        ),
        (lambda: equations.streamfunction("x"), ValueError, "streamfunction: got 1 coordinates, expected 2"),
        (lambda: equations.shallow_water(("x", "y", "z")), ValueError, "got 3 coordinates, expected 1 or 2"),
        (lambda: equations.euler("x", velocity=()), ValueError, "euler: got 0 components of velocity"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(make, error, message):
    with pytest.raises(error, match=message) as told:
        make()
    assert "\n" not in str(told.value)


def test_an_equation_of_ones_own():
    growth = by_name("growth", lambda u, t, r: d(u, t) - r * u, {"output": "N", "time": "t"}, {"rate": lambda N: 1 - N})
    t = torch.linspace(0, 1, 3, dtype=torch.float64, requires_grad=True)
    assert names_of(growth) == (("N", "t"), ())
    assert torch.equal(growth(N=t**2, t=t), 2 * t - (1 - t**2) * t**2)


def test_every_equation_is_exported():
    assert all(callable(getattr(equations, name)) for name in equations.__all__)
