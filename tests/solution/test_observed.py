"""What pictures take for a reading: whatever says the value of one output or unknown field, and nothing else."""

import math

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Scatter, Solution, Unknown, d
from pinn.model import Model
from pinn.networks import MLP
from pinn.plotting import plot_bands, plot_solution
from pinn.solution.drawing import drawn_unknowns
from pinn.solution.noise import NoiseEstimate
from pinn.solution.observed import observations

LINE = Box(x=(0, 2))
X, Y = np.array([0.1, 0.5, 1.9]), np.array([3.0, 4.0, -5.0])


def problem(row, sigma=None, on=LINE, x=X, **coefficients):
    """A problem whose data are this row at three points."""
    columns = {name: x if name == "x" else np.full(len(x), 0.5) for name in on.coordinates}
    data = Constraint(row, on=Scatter(columns, {"seen": Y}, sigma=sigma))
    equation = Constraint(lambda u, v, x: d(u, x) + v, on=on)
    return Problem(on, ["u", "v"], {"equation": equation, "data": data}, coefficients=coefficients)


@pytest.mark.parametrize(
    ("row", "name", "factor"),
    [
        (lambda u, seen: u - seen, "u", 1),
        (lambda v, seen: (seen - v) / 4, "v", 1),
        (lambda u, x, seen: torch.exp(x) * (2 * u - seen), "u", 0.5),
        (lambda v, k, seen: v - k * seen, "v", 3),  # an unknown number, as it was found
        (lambda q, seen: q - seen, "q", 1),
    ],
)
def test_a_reading_is_the_value_that_makes_its_row_vanish(row, name, factor):
    given = problem(row, sigma=0.2, k=Unknown(1.0), q=Unknown(1.0, inputs=["x"]))
    (seen,) = observations(given, {"k": 3.0})
    assert seen.name == name and seen.columns["x"].tolist() == X.tolist()
    np.testing.assert_allclose(seen.values, factor * Y, rtol=1e-12)
    # As stated, whatever the row's own size; of what an unknown number multiplies, at its first guess.
    np.testing.assert_allclose(seen.deviation, 0.2 * (1 if factor == 3 else factor), rtol=1e-12)


@pytest.mark.parametrize(
    "row",
    [
        lambda u, x, seen: d(u, x) - seen,
        lambda u, x, seen: u + d(u, x) - seen,
        lambda u, v, seen: u - v - seen,
        lambda u, seen: u * u - seen,
    ],
    ids=["flux", "Robin", "difference", "square"],
)
def test_what_says_no_value_is_no_reading(row):
    assert observations(problem(row), {}) == ()


def test_noise_that_was_found_is_that_of_the_reading():
    (seen,) = observations(problem(lambda u, seen: 4 * (u - seen)), {}, {"data": (0.8,)})
    np.testing.assert_allclose(seen.deviation, 0.2, rtol=1e-12)


def solution(given):
    """Of any weights."""
    network = lambda **sizes: MLP(width=3, depth=1, **sizes)  # noqa: E731
    return Solution(given, Model(given, network, generator=torch.Generator().manual_seed(0)), noise=NoiseEstimate({}))


def test_readings_are_drawn_on_the_solution_and_not_on_errors():
    found = solution(problem(lambda u, seen: u - seen))
    figure = plot_solution(found)
    dots = [line.get_xydata() for line in figure.axes[0].lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert len(dots) == 1 and dots[0].tolist() == np.stack([X, Y], 1).tolist()
    assert "readings" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    plain = found.plot(kind="residual")
    assert not any(line.get_marker() == "o" for axes in plain.axes for line in axes.lines)


def test_readings_are_drawn_on_the_slice_that_they_lie_on():
    found = solution(problem(lambda u, seen: u - seen, on=Box(x=(0, 2), y=(0, 1), z=(0, 1))))
    for z, number in ((0.5, 3), (0.9, 0)):
        axes = found.plot(kind="values", slice={"z": z}).axes[0]
        drawn = [len(one.get_offsets()) for one in axes.collections]
        assert sum(drawn) == number and ("readings" in axes.get_title()) is bool(number)


def test_an_unknown_field_is_drawn_with_what_was_read():
    found = solution(problem(lambda q, seen: q - seen, q=Unknown(1.0, inputs=["x"])))
    (make,) = drawn_unknowns(found).values()
    field = make()
    assert field.deviation is None and field.places["x"].tolist() == X.tolist()
    np.testing.assert_array_equal(field.values, found.field("q", x=field.axes["x"]))
    (axes,) = plot_bands([field]).axes
    labels = {text.get_text() for text in axes.get_legend().get_texts()}
    assert labels == {"q", "readings", "where data were read"}
    assert len(found.plot(kind="fields").axes) == 1
    with pytest.raises(ValueError, match="leave slice, over and ax out"):
        found.plot(kind="fields", over="x")
    with pytest.raises(ValueError, match="the problem has none; leave kind out"):
        solution(problem(lambda u, seen: u - seen)).plot(kind="fields")
    plane = solution(problem(lambda u, seen: u - seen, on=Box(x=(0, 2), y=(0, 1)), k=Unknown(1.0, inputs=["x", "y"])))
    titles = [axes.get_title() for axes in plane.plot(kind="fields").axes]
    assert titles[0] == "k; dots: where data were read" and not math.isnan(float(make().values.sum()))


def test_values_that_differ_in_small_units_are_no_reading():
    """u |u|^ε says that u is ε u / (1 + ε), whatever that is before."""
    assert observations(problem(lambda u, seen: u * torch.abs(u) ** 1e-7 + 0 * seen), {}) == ()
