"""What a problem is, read once and without a model: required derivatives, roles, time, affinity, sizes of outputs."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Scatter, Unknown, biharmonic, d, laplacian, problems
from pinn.analysis import Role, analyze
from pinn.defaults import default_network, marching_coordinate
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.sampling import Fixed

BOX = Box(x=(-1, 1), t=(0, 2))
E, S, B, D = Role.EQUATION, Role.START, Role.BOUNDARY, Role.DATA

# problem -> orders by coordinate, time, roles of the constraints in their order, residuals a point of each, affine in
# outputs and unknowns, affine in outputs
SUITE = {
    "allen_cahn": ({"x": 2, "t": 1}, "t", [E, S], [1, 1], False, False),
    "burgers": ({"x": 2, "t": 1}, "t", [E, S, B], [1, 1, 1], False, False),
    "burgers_inverse": ({"x": 2, "t": 1}, "t", [E, S, B, D], [1, 1, 1, 1], False, False),
    "burgers_smooth": ({"x": 2, "t": 1}, "t", [E, S], [1, 1], False, False),
    "cavity": ({"x": 2, "y": 2}, None, [E, B, B, B], [3, 2, 2, 1], False, False),
    "convection": ({"x": 1, "t": 1}, "t", [E, S], [1, 1], True, True),
    "diffusion_inverse": ({"x": 2, "t": 1}, "t", [E, S, B, D], [1, 1, 1, 1], False, True),
    "euler_beam": ({"x": 4}, None, [E, B, B], [1, 2, 2], True, True),
    "heat_1d": ({"x": 2, "t": 1}, "t", [E, S, B], [1, 1, 1], True, True),
    "helmholtz_2d": ({"x": 2, "y": 2}, None, [E, B], [1, 1], True, True),
    "kdv": ({"x": 3, "t": 1}, "t", [E, S], [1, 1], False, False),
    "kovasznay": ({"x": 2, "y": 2}, None, [E, B, B], [3, 2, 1], False, False),
    "laplace_four_holes": ({"x": 2, "y": 2}, None, [E, B, B], [1, 1, 1], True, True),
    "laplace_solid": ({"x": 2, "y": 2, "z": 2}, None, [E, B], [1, 1], True, True),
    "linear_ode": ({"t": 2}, "t", [E, S, S], [1, 1, 1], True, True),
    "lorenz_inverse": ({"t": 1}, "t", [E, S, D], [3, 3, 3], False, False),
    "lotka_volterra": ({"t": 1}, "t", [E, S], [2, 2], False, False),
    "oscillator": ({"t": 2}, "t", [E, S, S], [1, 1, 1], True, True),
    "poisson_2d": ({"x": 2, "y": 2}, None, [E, B], [1, 1], True, True),
    "poisson_5d": ({f"x{i}": 2 for i in range(1, 6)}, None, [E, B], [1, 1], True, True),
    "poisson_l_shape": ({"x": 2, "y": 2}, None, [E, B], [1, 1], True, True),
    "reaction": ({"x": 0, "t": 1}, "t", [E, S], [1, 1], False, False),
    "reaction_inverse": ({"x": 2, "t": 1}, "t", [E, S, B, B, D], [2, 2, 2, 2, 2], False, False),
    "wave_1d": ({"x": 2, "t": 2}, "t", [E, S, S, B], [1, 1, 1, 1], True, True),
}


@pytest.fixture
def no_model(monkeypatch):
    """Whoever builds a model fails."""

    def refuse(*args, **kwargs):
        raise AssertionError("a model was built")

    monkeypatch.setattr(Model, "__init__", refuse)


def posed(equation, domain=BOX, outputs=("u",), **changes):
    return Problem(domain, list(outputs), {"equation": Constraint(equation, on=domain)}, **changes)


def required(problem):
    """u_x for ("u", (0,)), and so on."""
    names = problem.coordinates
    return [f"{key}_" + "".join(names[axis] for axis in axes) for key, axes in analyze(problem).required_derivatives]


def test_every_problem_of_the_suite_is_listed():
    assert sorted(SUITE) == sorted(problems.__all__)


@pytest.mark.parametrize("name", SUITE)
def test_the_suite_is_read_without_a_model(name, no_model):
    problem = getattr(problems, name)()
    traits = analyze(problem)
    constraints = traits.constraints.values()
    assert list(traits.constraints) == list(problem.constraints)
    found = (
        traits.orders,
        traits.time_coordinate,
        [one.role for one in constraints],
        [one.residuals_per_point for one in constraints],
        traits.affine,
        traits.affine_in_outputs,
    )
    assert found == SUITE[name]
    assert traits.observed == (D in SUITE[name][2])
    assert not any(one.untraceable for one in constraints)
    default_network(problem)


def test_a_problem_is_read_once_and_a_changed_one_anew():
    calls = []

    def slope(u, x):
        calls.append(1)
        return d(u, x)

    problem = posed(slope, Box(x=(0, 1)))
    traits = analyze(problem)
    count = len(calls)
    assert analyze(problem) is traits
    assert len(calls) == count
    changed = replace(problem, constraints={"equation": Constraint(lambda u, x: d(u, x, x), on=problem.domain)})
    assert analyze(changed).orders == {"x": 2}
    assert analyze(copy.deepcopy(problem)).orders == {"x": 1}


# -- required derivatives ---------------------------------------------------------------------------------------------


def test_the_derivatives_are_those_that_the_equations_require():
    assert required(problems.kdv()) == ["u_x", "u_t", "u_xx", "u_xxx"]
    assert required(problems.poisson_2d()) == ["u_x", "u_y", "u_xx", "u_yy"]
    assert required(posed(lambda u, x, t: d(u, x, t) - u)) == ["u_x", "u_xt"]
    assert required(posed(lambda u, x: u - x)) == []


def test_derivatives_within_products_and_of_unknown_fields_are_required_too():
    unknown = {"k": Unknown(1.0, positive=True, inputs=("x",))}
    problem = posed(lambda u, k, x, t: d(u, t) - d(k * d(u, x), x), coefficients=unknown)
    assert required(problem) == ["k_x", "u_x", "u_t", "u_xx"]


def test_each_constraint_has_its_own():
    traits = analyze(problems.euler_beam())
    axes = {name: [axes for _, axes in one.required_derivatives] for name, one in traits.constraints.items()}
    assert axes == {
        "equation": [(0,), (0, 0), (0, 0, 0), (0, 0, 0, 0)],
        "clamped": [(0,)],
        "free": [(0,), (0, 0), (0, 0, 0)],
    }
    assert [traits.order(["x"], constraint=name) for name in axes] == [4, 1, 3]


def test_orders_count_mixed_derivatives_and_have_no_limit():
    mixed = analyze(
        Problem(
            BOX,
            ["u"],
            {
                "equation": Constraint(lambda u, x, t: d(u, x, x, t) - d(u, t), on=BOX),
                "start": Constraint(lambda u: u, on=BOX.face(t=0)),
            },
        )
    )
    assert (mixed.orders, mixed.order_in_time, mixed.order_in_space) == ({"x": 2, "t": 1}, 1, 2)
    assert mixed.order(["x", "t"]) == 3
    plate = Box(x=(0, 1), y=(0, 1))
    assert analyze(posed(lambda u, x, y: biharmonic(u, x, y) - laplacian(u, x, y), plate)).order_in_space == 4
    assert analyze(posed(lambda u, x: d(u, x, x, x, x, x, x) + u, Box(x=(0, 1)))).orders == {"x": 6}


def test_an_equation_that_cannot_run_on_recorded_fields_is_taken_to_require_every_first_derivative():
    problem = posed(lambda u, x, t: d(u, t, t) - torch.cumsum(0 * x, 0) - u, outputs=["u", "v"])
    traits = analyze(problem)
    assert required(problem) == ["u_x", "u_t", "v_x", "v_t"]
    assert "cumsum" in traits.constraints["equation"].untraceable
    assert analyze(problems.heat_1d()).constraints["equation"].untraceable == ""


# -- roles and time ---------------------------------------------------------------------------------------------------


def evolution(on=None, **further):
    start = {} if on is None else {"start": Constraint(lambda u: u - 1, on=on)}
    return Problem(
        BOX, ["u"], {"equation": Constraint(lambda u, x, t: d(u, t) - d(u, x, x), on=BOX), **start, **further}
    )


def test_time_is_given_at_its_low_end_alone():
    assert analyze(evolution(BOX.face(t=0))).time_coordinate == "t"
    assert analyze(evolution()).time_coordinate is None
    assert analyze(evolution(BOX.face(t=2))).time_coordinate is None
    assert analyze(evolution(BOX.face(t=0) | BOX.face(t=2))).time_coordinate is None
    both = evolution(BOX.face(t=0), left=Constraint(lambda u: u, on=BOX.face(x=-1)))
    assert analyze(both).time_coordinate is None  # x and t alike
    walls = evolution(BOX.face(t=0), walls=Constraint(lambda u: u, on=BOX.face(x=-1) | BOX.face(x=1)))
    assert analyze(walls).time_coordinate == "t"
    assert (analyze(walls).of_role(Role.START), analyze(walls).of_role(Role.BOUNDARY)) == (("start",), ("walls",))


@pytest.mark.parametrize("seen_at", [0.0, 1.0, 2.0])
def test_observations_are_data_and_change_neither_time_nor_the_other_roles(seen_at):
    data = Scatter(coordinates={"x": [0.0], "t": [seen_at]}, values={"seen": [0.5]})
    seen = Constraint(lambda u, seen: u - seen, on=data)
    problem = evolution(BOX.face(t=0), data=seen)
    traits = analyze(problem)
    assert (traits.time_coordinate, traits.observed) == ("t", True)
    assert (traits.of_role(Role.START), traits.of_role(Role.DATA)) == (("start",), ("data",))
    assert marching_coordinate(problem) is None
    assert not analyze(evolution(BOX.face(t=0))).observed
    assert analyze(evolution(data=seen)).time_coordinate is None  # data alone begin nothing


def test_affinity_is_tried_once_and_not_before_it_is_asked_for():
    calls = []

    def slope(u, x):
        calls.append(1)
        return d(u, x)

    traits = analyze(posed(slope, Box(x=(0, 1))))
    before = len(calls)
    assert traits.affine
    tried = len(calls)
    assert tried > before
    assert traits.affine and traits.affine_in_outputs
    assert len(calls) == tried


def test_an_integral_is_one_row_a_field():
    mass = Constraint(lambda u: (u - 1, u), on=BOX.face(t=0), integral=True)
    traits = analyze(evolution(BOX.face(t=0), mass=mass))
    assert traits.constraints["mass"].role is Role.INTEGRAL
    assert traits.rows({"equation": 10, "start": 3, "mass": 7}) == 10 + 3 + 2


@pytest.mark.parametrize("name", ["cavity", "reaction_inverse", "burgers"])
def test_rows_are_those_of_the_objective(name):
    problem = getattr(problems, name)()
    generator = torch.Generator().manual_seed(0)
    model = Model(problem, lambda **shape: MLP(width=2, depth=1, **shape), generator=generator)
    points = Fixed(9).draw(problem, generator, lambda name, points: torch.zeros(points.n, 1))
    objective = Objective(Equations(model, Jets()), points)
    assert analyze(problem).rows({key: value.n for key, value in points.items()}) == objective.rows


# -- affine or not ----------------------------------------------------------------------------------------------------

LINE = Box(x=(0, 1))
RATE = {"k": Unknown(2.0)}
FIELD = {"k": Unknown(1.0, positive=True, inputs=("x",))}
BOUNDED = {"k": Unknown(0.5, bounds=(0.0, 1.0))}


@pytest.mark.parametrize(
    ("equation", "coefficients", "together", "alone"),
    [
        (lambda u, x: d(u, x, x) + torch.exp(x) * u - torch.sin(x), {}, True, True),
        (lambda u, x: d(u, x) + 3.0, {}, True, True),
        (lambda u, x: u / x**6, {}, True, True),
        (lambda u, x: u + 1e6 * (((u + x) - x) - u), {}, True, True),
        (lambda u, x: d(u, x) - u**2, {}, False, False),
        (lambda u, x: u * d(u, x), {}, False, False),
        (lambda u, x: d(u, x, x) + 1e-6 * torch.sin(u), {}, False, False),
        (lambda u, x: d(u, x) + torch.abs(u), {}, False, False),
        (lambda u, x: d(u, x) + 0.01 * torch.relu(u - 2), {}, False, False),
        (lambda u, x: d(u, x) + torch.where(u > 5, u, 0 * u), {}, False, False),
        (lambda u, x: d(u, x) - torch.sqrt(u), {}, False, False),
        (lambda u, x, k: d(u, x) - k * u, RATE, False, True),
        (lambda u, x, k: d(u, x) - k * torch.sin(x), RATE, True, True),
        (lambda u, x, k: d(u, x) - k**2, RATE, False, True),
        (lambda u, x, k: d(u, x) - k * u**2, RATE, False, False),
        (lambda u, x, k: d(k * d(u, x), x) - 1, FIELD, False, True),
        (lambda u, x, k: d(u, x, x) - k, FIELD, True, True),
        (lambda u, x, k: d(u, x) - torch.sqrt(k * (1 - k)) * u, BOUNDED, False, True),
    ],
)
def test_affinity_is_told_from_second_differences(equation, coefficients, together, alone):
    traits = analyze(posed(equation, LINE, coefficients=coefficients))
    assert (traits.affine, traits.affine_in_outputs) == (together, alone)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_units_of_rows_outputs_and_coordinates_do_not_decide(scale):
    line = Box(x=(1e3 * scale, 1.001e3 * scale))

    def told(equation):
        conditions = {
            "equation": Constraint(equation, on=line),
            "left": Constraint(lambda u: u - scale, on=line.face(x=1e3 * scale)),
        }
        return analyze(Problem(line, ["u"], conditions)).affine

    assert told(lambda u, x: scale**3 * d(u, x, x) + u)
    assert not told(lambda u, x: scale**3 * (d(u, x, x) + 1e-3 * (u / scale) ** 2 / scale))


def test_an_equation_that_refuses_some_values_is_not_affine_in_them():
    def tabulated(u, x):
        if bool((u.abs() > 100).any()) if isinstance(u, torch.Tensor) else False:
            raise ValueError("outside of the table")
        return d(u, x) + u

    traits = analyze(posed(tabulated, LINE))
    assert not traits.affine
    assert traits.constraints["equation"].residuals_per_point == 1


def test_one_constraint_that_is_not_affine_is_told_from_the_others():
    conditions = {
        "equation": Constraint(lambda u, x: d(u, x, x), on=LINE),
        "radiation": Constraint(lambda u, x: d(u, x) + u**4, on=LINE.face(x=1)),
    }
    traits = analyze(Problem(LINE, ["u"], conditions))
    assert {name: one.affine for name, one in traits.constraints.items()} == {"equation": True, "radiation": False}
    assert not traits.affine


# -- sizes ------------------------------------------------------------------------------------------------------------


def test_sizes_come_from_the_conditions():
    conditions = {
        "equation": Constraint(lambda u, v, x: (d(u, x), d(v, x)), on=BOX),
        "start": Constraint(lambda u, x: u - 1e5 * x, on=BOX.face(t=0)),
        "slope": Constraint(lambda u, x: d(u, x) - 1e9, on=BOX.face(x=-1)),
    }
    sizes = analyze(Problem(BOX, ["u", "v"], conditions)).sizes
    assert 5e4 < sizes["u"] <= 1e5
    assert sizes["v"] == 1.0


def test_the_rounding_of_a_zero_is_no_size():
    conditions = {
        "equation": Constraint(lambda u, x: d(u, x), on=BOX),
        "sides": Constraint(lambda u, x: u - torch.sin(4 * math.pi * x), on=BOX.face(x=-1) | BOX.face(x=1)),
    }
    assert analyze(Problem(BOX, ["u"], conditions)).sizes["u"] == 1.0


def test_observations_prescribe_a_size():
    seen = np.array([3.0, -40.0])
    data = Scatter(coordinates={"x": [0.0, 0.5], "t": [1.0, 1.5]}, values={"seen": seen})
    problem = Problem(
        BOX,
        ["u"],
        {
            "equation": Constraint(lambda u, t: d(u, t), on=BOX),
            "data": Constraint(lambda u, seen: u - seen, on=data),
        },
    )
    assert analyze(problem).sizes == {"u": 40.0}


# -- surroundings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_graphs_that_the_caller_turned_off_change_nothing(mode):
    problem = problems.diffusion_inverse()
    with mode():
        found = analyze(problem)
    assert found == analyze(problems.diffusion_inverse())


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    analyze(problems.cavity())
    assert torch.equal(torch.get_rng_state(), before)
