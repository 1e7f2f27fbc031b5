"""A solution as a function: by place and by name, its derivatives and residuals, inside of the domain and outside."""

import math
import pickle

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Disc, Output, Problem, Unknown, d
from pinn.model import Model
from pinn.solution import Solution
from pinn.solution.functions import OutsideDomainWarning


class Sine(torch.nn.Module):
    """sin(a x̂ + b t̂) with one weight that is trained, so that every derivative has a closed form."""

    def __init__(self, outputs=1):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([2.0, 0.5], dtype=torch.float64))
        self.outputs = outputs

    def forward(self, x):
        angle = x[..., 0] * self.weight[0] + x[..., 1] * self.weight[1]
        return torch.stack([torch.sin(angle + index) for index in range(self.outputs)], -1)


def heat(**changes):
    box = Box(x=(-1, 1), t=(-1, 1))
    constraints = {
        "equation": Constraint(lambda u, x, t, k: d(u, t) - k * d(u, x, x), on=box),
        "flux": Constraint(lambda u, x, nx: nx * d(u, x) - 1, on=box.face(x=1)),
    }
    given = {"coefficients": {"k": 0.7}, "scales": {"u": (0.0, 1.0)}, "name": "heat"}
    return Problem(**{"domain": box, "outputs": ["u"], "constraints": constraints, **given, **changes})


@pytest.fixture(scope="module")
def solution():
    problem = heat()
    return Solution(problem, Model(problem, lambda **build: Sine(), generator=torch.Generator().manual_seed(0)))


X, T = np.linspace(-1, 1, 7)[:, None], np.linspace(-1, 1, 5)


def test_by_place_and_by_name_are_the_same(solution):
    expected = np.sin(2 * X + 0.5 * T)
    for value in (solution(X, T), solution(X, t=T), solution(x=X, t=T)):
        np.testing.assert_allclose(value, expected, atol=1e-15)
    assert solution(0.5, 0.5).shape == ()


def test_derivatives_are_those_of_the_closed_form(solution):
    angle = 2 * X + 0.5 * T
    for by, expected in (
        (("x",), 2 * np.cos(angle)),
        (("x", "x"), -4 * np.sin(angle)),
        (("x", "x", "t"), -2 * np.cos(angle)),
        (("t", "t", "t", "t"), np.sin(angle) / 16),
    ):
        np.testing.assert_allclose(solution.derivative("u", *by)(X, T), expected, atol=1e-13)
    slopes = solution.gradient()(X, t=T)
    np.testing.assert_allclose(slopes["x"], 2 * np.cos(angle), atol=1e-14)
    np.testing.assert_allclose(slopes["t"], 0.5 * np.cos(angle), atol=1e-14)
    assert list(solution.gradient("u", ["t"])(0.0, 0.0)) == ["t"]


def test_residuals_are_in_the_equations_units(solution):
    angle = 2 * X + 0.5 * T
    np.testing.assert_allclose(
        solution.residual("equation")(X, T), 0.5 * np.cos(angle) + 2.8 * np.sin(angle), atol=1e-13
    )
    flux = solution.residual("flux")
    np.testing.assert_allclose(flux(1.0, T, nx=1.0), 2 * np.cos(2 + 0.5 * T) - 1, atol=1e-14)
    with pytest.raises(TypeError, match=r"residual of 'flux'.*\['nx'\].*give nx="):
        flux(1.0, T)


def test_systems_give_a_row_each_and_unknowns_take_part():
    box = Box(x=(-1, 1), t=(-1, 1))
    problem = Problem(
        box,
        ["u", Output("v")],
        {"system": Constraint(lambda u, v, x, k: (d(u, x) - v, k * d(v, x)), on=box)},
        coefficients={"k": Unknown(3.0)},
        scales={"u": (0.0, 1.0), "v": (0.0, 1.0)},
    )
    solution = Solution(problem, Model(problem, lambda **build: Sine(2), generator=torch.Generator()))
    first, second = solution.residual("system")(0.1, 0.2)
    np.testing.assert_allclose(first, 2 * math.cos(0.3) - math.sin(1.3), atol=1e-14)
    np.testing.assert_allclose(second, 6 * math.cos(1.3), atol=1e-13)
    assert set(solution(0.1, 0.2)) == {"u", "v"}
    assert repr(solution) == "<Solution of 'problem': u(x, t), v(x, t), k = 3; error not known>"
    with pytest.raises(ValueError, match=r"gradient: of which output\? choose among \['u', 'v'\]"):
        solution.gradient()


def test_outside_of_the_domain_is_an_error_or_a_warning(solution):
    with pytest.raises(
        ValueError, match=r"1 of 2 points lie outside .*x in \[-1, 1\].*first \(x=1\.5, t=0\).*extrapolate"
    ):
        solution([0.5, 1.5], 0.0)
    with pytest.warns(OutsideDomainWarning, match="1 of 1 points lie outside"):
        assert solution.extrapolate(1.5, t=0.0) == pytest.approx(math.sin(3.0))
    with pytest.warns(OutsideDomainWarning):
        assert solution.derivative("u", "x").extrapolate(1.5, 0.0) == pytest.approx(2 * math.cos(3.0))
    problem = heat(
        domain=Box(x=(-1, 1), t=(-1, 1)) - Disc(x=0, t=0, radius=0.5),
        constraints={
            "equation": Constraint(lambda u, x: d(u, x), on=Box(x=(-1, 1), t=(-1, 1)) - Disc(x=0, t=0, radius=0.5))
        },
    )
    holed = Solution(problem, solution.model)
    with pytest.raises(ValueError, match="1 of 1 points lie outside"):
        holed(0.1, 0.1)
    assert holed(0.5, 0.0) == pytest.approx(math.sin(1.0))  # the edge belongs to it


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda s: s(0.1), TypeError, r"got coordinates \['x'\], expected all of \['x', 't'\]"),
        (lambda s: s(0.1, 0.2, 0.3), TypeError, "got 3 coordinates"),
        (lambda s: s(0.1, 0.2, x=1.0), TypeError, "'x' by place and by name"),
        (lambda s: s([1.0, 0.5], [0.1, 0.2, 0.3]), ValueError, r"x \(2,\), t \(3,\), expected ones that broadcast"),
        (lambda s: s(math.nan, 0.2), ValueError, "1 of 1 points have a coordinate that is no number"),
        (lambda s: s.derivative("v", "x"), ValueError, "'v' is no output"),
        (lambda s: s.derivative("u"), ValueError, "no coordinate to differentiate u by"),
        (lambda s: s.derivative("u", "y"), ValueError, "'y' is no coordinate; choose among"),
        (lambda s: s.residual("equaton"), ValueError, "did you mean 'equation'"),
        (lambda s: s.field("k", 0.1, 0.2), ValueError, "'k' is not among"),
    ],
)
def test_what_cannot_be_meant_is_refused(solution, call, error, said):
    with pytest.raises(error, match=said):
        call(solution)


def test_it_says_what_it_is(solution):
    assert repr(solution) == "<Solution of 'heat': u(x, t); error not known>"
    assert repr(solution.derivative("u", "x", "x")) == "<d(u, x, x) as a function of x, t>"
    assert 'src="data:image/png;base64,' in solution._repr_html_()


def equation(u, x, t):
    return d(u, t) - d(u, x, x)


def network(**build):
    return Sine()


def test_a_solution_of_named_functions_can_be_pickled():
    box = Box(x=(-1, 1), t=(-1, 1))
    problem = Problem(box, ["u"], {"equation": Constraint(equation, on=box)}, scales={"u": (0.0, 1.0)})
    solution = Solution(problem, Model(problem, network, generator=torch.Generator()))
    again = pickle.loads(pickle.dumps(solution))
    np.testing.assert_array_equal(again(X, T), solution(X, T))
