"""Scales measured on the problem, stated with it, and what cannot be measured."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Output, Problem, Unknown, d, solve
from pinn.model import Model
from pinn.networks import MLP
from pinn.scales import Scales, formed, measure_scales

LINE = Box(x=(0, 1))


def build(equation, start=lambda u: u - 1, **more):
    constraints = {"equation": Constraint(equation, on=LINE), "start": Constraint(start, on=LINE.face(x=0))}
    return Problem(LINE, more.pop("outputs", ["u"]), constraints, **more)


def test_a_bar_in_si_units_has_the_size_of_its_displacement():
    # E u'' = −f, clamped at one end, pulled with P at the other: u = (P + f L) x/E − f x²/(2E).
    modulus, length, pull, force = 210e9, 0.1, 1e6, 2e7
    bar = Box(x=(0, length))
    problem = Problem(
        bar,
        ["u"],
        {
            "equation": Constraint(lambda u, x: modulus * d(u, x, x) + force, on=bar),
            "clamped": Constraint(lambda u: u, on=bar.face(x=0)),
            "pulled": Constraint(lambda u, x: modulus * d(u, x) - pull, on=bar.face(x=length)),
        },
    )
    scales = measure_scales(problem)
    largest = (pull + force * length) * length / modulus - force * length**2 / (2 * modulus)
    assert scales.outputs["u"] == (0.0, pytest.approx(largest, rel=0.02))
    assert scales.rows["clamped"][0] == pytest.approx(largest, rel=0.2)
    assert 0.5 * pull < scales.rows["pulled"][0] < 10 * pull


def test_rows_of_one_tuple_have_sizes_of_their_own():
    problem = Problem(
        LINE,
        ["u", "s"],
        {
            "equation": Constraint(lambda u, s, x: (s - 2e11 * d(u, x), d(s, x) + 1e6), on=LINE),
            "ends": Constraint(lambda u: u, on=LINE.boundary()),
        },
    )
    scales = measure_scales(problem)
    assert scales.outputs["s"][1] == pytest.approx(1e6, rel=0.05)
    assert scales.outputs["u"][1] == pytest.approx(1e6 / 8 / 2e11, rel=0.05)


def test_values_that_conditions_prescribe_are_the_shift_whatever_their_slope():
    scales = measure_scales(build(lambda u, x: d(u, x) + u - 300, start=lambda u: 7 * (u - 298)))
    shift, size = scales.outputs["u"]
    assert shift == pytest.approx(298) and size == pytest.approx(2 * (1 - math.exp(-1)), rel=0.05)


@pytest.mark.parametrize("unit", [2.0**-40, 2.0**40])
def test_whether_a_row_prescribes_a_value_is_tried_as_far_away_as_the_value_is(unit):
    def ends(size):
        return measure_scales(build(lambda T, x: d(T, x, x), lambda T: T + T**2 / size - 2 * size, outputs=["T"]))

    assert ends(unit).outputs["T"] == tuple(unit * value for value in ends(1.0).outputs["T"])


@pytest.mark.parametrize(
    "equation",
    [
        lambda u, x: d(u, x) + 40 * torch.exp(-4 / u),
        lambda u, x: d(u, x) + torch.sqrt(u),
        lambda u, x: d(u, x) - torch.log(u) + 0.2,
    ],
    ids=["exp(-E/u)", "sqrt", "log"],
)
def test_equations_that_are_undefined_at_zero_start_where_they_are_defined(equation):
    solution = solve(build(equation), steps=6, progress=False)
    assert all(math.isfinite(row["loss"]) for row in solution.history.rows)
    assert solution.history.rows[-1]["loss"] < 1e-3


def test_what_can_be_evaluated_nowhere_is_named_with_its_cure():
    problem = build(lambda u, x: d(u, x) + torch.log(u), start=lambda u, x: d(u, x) - 1)
    with pytest.raises(ValueError, match=r"'equation' is -inf at the values tried first, u = 0: .*scales=\{'u': "):
        measure_scales(problem)
    stated = build(lambda u, x: d(u, x) + torch.log(u), start=lambda u, x: d(u, x) - 1, scales={"u": (0.4, 0.2)})
    assert measure_scales(stated).outputs["u"] == (0.4, 0.2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"v": (0.0, 1.0)}, r"scales: 'v' is no output; choose among \['u'\]"),
        ({"u": 1.0}, r"scales 'u': got 1.0, expected \(shift, size\)"),
        ({"u": (0.0, 0.0)}, r"scales 'u': got size=0.0, expected a positive finite number"),
        ({"u": (math.nan, 1.0)}, r"scales 'u': got shift=nan"),
    ],
)
def test_scales_that_cannot_be_meant_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        build(lambda u, x: d(u, x), scales=given)


def test_a_homogeneous_problem_has_scales_too():
    scales = measure_scales(build(lambda u, x: d(u, x, x) + u, start=lambda u: u))
    assert scales.outputs["u"] == (0.0, 1.0) and all(size > 0 for sizes in scales.rows.values() for size in sizes)


def test_rows_that_an_ansatz_satisfies_are_not_divided_by_rounding():
    problem = build(lambda u, x: d(u, x) + u, ansatz={"u": lambda u, x: 1 + torch.sin(math.pi * (1 + x)) * u})
    assert measure_scales(problem).rows["start"][0] > 1e-3


def test_an_unknown_without_a_guess_has_the_size_at_which_it_matters():
    problem = build(lambda u, x, k: d(u, x) + k * u, coefficients={"k": Unknown(0.0)}, start=lambda u: u - 1e-6)
    assert 0.1 < measure_scales(problem).unknowns["k"] < 10
    assert (
        Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0)).coefficients()["k"]
        == 0
    )


@pytest.mark.parametrize("positive", [False, True])
def test_an_unknown_that_no_row_feels_at_its_first_guess_has_the_size_at_which_it_matters(positive):
    def decay(guess):
        return build(lambda u, x, k: d(u, x) + 1e-9 * k * u, coefficients={"k": Unknown(guess, positive=positive)})

    assert measure_scales(decay(1e5)).unknowns["k"] == 1e5
    size = measure_scales(decay(1.0)).unknowns["k"]
    assert 1e9 < size < 1e11
    model = Model(decay(1.0), partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))
    assert model.coefficients()["k"].item() == pytest.approx(size if positive else 1.0)


def test_they_are_measured_once_and_read_as_a_table():
    problem = build(lambda u, x: d(u, x) + u)
    scales = measure_scales(problem)
    assert measure_scales(problem) is scales and isinstance(scales, Scales)
    first, *_ = scales.table().splitlines()
    assert first.startswith("output u") and "size" in first


@pytest.mark.parametrize(
    ("form", "low", "high"), [(Output("u", positive=True), 0.0, math.inf), (Output("u", bounds=(-1, 3)), -1.0, 3.0)]
)
@pytest.mark.parametrize(("shift", "size"), [(0.5, 2.0), (2.0, 1e-3)])
def test_forms_keep_outputs_where_they_belong(form, low, high, shift, size):
    inner = torch.linspace(-30, 30, 201, dtype=torch.float64)
    values = formed(form, inner, shift, size)
    assert bool((values >= low).all()) and bool((values <= high).all())
    assert bool((values[1:] >= values[:-1]).all())
    if shift >= size * math.log(2.0) or form.bounds:
        assert float(values[100]) == pytest.approx(shift)


def test_a_positive_output_is_solved_for_and_stays_positive():
    problem = build(lambda c, x: d(c, x) + torch.sqrt(c), start=lambda c: c - 1, outputs=[Output("c", positive=True)])
    assert problem.outputs == ("c",) and type(problem.outputs[0]) is str
    solution = solve(problem, steps=20, progress=False)
    x = np.linspace(0, 1, 50)
    assert np.abs(solution(x=x) - (1 - x / 2) ** 2).max() < 1e-4 and (solution(x=x) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positive": True, "bounds": (0, 1)}, "got positive=True and bounds"),
        ({"bounds": (1, 0)}, "hold nothing between them"),
        ({"bounds": 3}, "expected two finite numbers"),
        ({"bounds": (0, math.inf)}, "high=inf"),
    ],
)
def test_forms_that_cannot_be_meant_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Output("u", **arguments)
