"""Evolutions in two coordinates of space by windows of time: closed forms, twins, and what is refused."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch

from pinn import Box, Constraint, Problem, Solution, d, laplacian, solve
from pinn.derivatives import Jets
from pinn.domains import Part
from pinn.features import Ending, solve_windows
from pinn.features.first import first_solves
from pinn.features.march import March
from pinn.features.plane import Plane
from pinn.features.space import Space
from pinn.features.split import Factors, split_solver, splits
from pinn.features.window import Nodes, dense_solver
from pinn.features.windows import windows_refusal
from pinn.model import Model
from pinn.networks import MLP, Windows
from pinn.objective import Equations
from pinn.problems import pinnacle
from pinn.reference import Analytic
from pinn.solution.error import ErrorMeasure

SMALL = partial(MLP, width=4, depth=1)
PI = math.pi


def equations_of(problem):
    return Equations(Model(problem, SMALL, generator=torch.Generator().manual_seed(0)), Jets())


def found(problem, **options):
    return solve_windows(equations_of(problem), generator=torch.Generator().manual_seed(0), **options)


def heat(**changes):
    """u = sin πx sin 2πy e^{−t} on a plate, scales ten times apart."""
    domain = Box(x=(0, 1), y=(0, 10), t=(0, 1))

    def exact(x, y, t):
        return torch.sin(PI * x) * torch.sin(0.2 * PI * y) * torch.exp(-t)

    def equation(u, x, y, t):
        return d(u, t) - 0.5 * d(u, x, x) / PI**2 - 0.5 * d(u, y, y) / (0.2 * PI) ** 2

    sides = domain.face(x=0) | domain.face(x=1) | domain.face(y=0) | domain.face(y=10)
    constraints = {
        "equation": Constraint(equation, on=domain),
        "initial": Constraint(lambda u, x, y, t: u - exact(x, y, t), on=domain.face(t=0)),
        "sides": Constraint(lambda u: u, on=sides),
    }
    return Problem(domain, outputs=["u"], constraints=constraints | changes, reference=Analytic(exact))


def drum():
    """u = cos πx cos πy cos √2πt, reflected at the sides."""
    domain = Box(x=(0, 1), y=(0, 1), t=(0, 1))

    def exact(x, y, t):
        return torch.cos(PI * x) * torch.cos(PI * y) * torch.cos(math.sqrt(2) * PI * t)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, y, t: d(u, t, t) - laplacian(u, x, y), on=domain),
            "position": Constraint(lambda u, x, y, t: u - exact(x, y, t), on=domain.face(t=0)),
            "velocity": Constraint(lambda u, t: d(u, t), on=domain.face(t=0)),
            "ends in x": Constraint(lambda u, x: d(u, x), on=domain.face(x=0) | domain.face(x=1)),
            "ends in y": Constraint(lambda u, y: d(u, y), on=domain.face(y=0) | domain.face(y=1)),
        },
        reference=Analytic(exact),
    )


def carried_around():
    """Two outputs that are carried and damp each other, periodic along both coordinates, not affine."""
    domain = Box(x=(0, 2), y=(0, 1), t=(0, 0.5))

    def u_of(x, y, t):
        return torch.sin(PI * (x - t)) * torch.cos(2 * PI * (y - t))

    def source(x, y, t):
        return u_of(x, y, t) ** 2

    def equation(u, v, x, y, t):
        return d(u, t) + d(u, x) + d(u, y), d(v, t) + v - u**2 + source(x, y, t) - 1

    return Problem(
        domain,
        outputs=["u", "v"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "initial": Constraint(lambda u, v, x, y, t: (u - u_of(x, y, t), v - 2), on=domain.face(t=0)),
        },
        periodic=["x", "y"],
        reference=Analytic(lambda x, y, t: {"u": u_of(x, y, t), "v": 1 + torch.exp(-t) + 0 * x}),
    )


@pytest.mark.parametrize("make", [heat, drum, carried_around])
def test_smooth_evolutions_in_a_plane_are_solved_to_what_is_claimed(make):
    problem = make()
    answer = found(problem, tolerance=1e-6)
    assert answer.ending is Ending.TOLERANCE
    assert ErrorMeasure(problem)(answer.model) < 3 * answer.error < 3e-6


def test_an_unresolved_start_is_not_solved_in_ever_shorter_windows():
    """The start has a slope at a side that asks for none: a kink travels, and its error is that of space."""
    problem = drum()

    def start(u, x, y):
        return u - torch.cos(PI * x) * torch.cos(PI * y) - 0.2 * (1 - x) ** 2

    position = Constraint(start, on=problem.domain.face(t=0))
    kinked = Problem(problem.domain, outputs=["u"], constraints=problem.constraints | {"position": position})
    march = March(equations_of(kinked))
    march.evolution.columns = 10 * 13 * 13  # few neurons: the test is of windows, not of them
    done = march.through(1e-4, 6, lambda work: work > 2e10)
    assert done.finished and len(done.fields) < 100
    assert done.unresolved > 1e-4


@pytest.mark.parametrize("make", [heat, drum])
def test_space_and_time_apart_solve_the_whole_system(make):
    march = March(equations_of(make()))
    evolution = march.evolution
    space = Plane(*(part.resized(11) for part in evolution.first_space().parts))
    nodes = Nodes(5, max(evolution.orders), 0.1)
    rows = evolution.rows(space, 0.0, 0.1, nodes.tau, nodes.tables())
    free = [nodes.free(order) for order in evolution.orders]
    random = torch.Generator().manual_seed(0)
    at = torch.randn(1, space.count, nodes.width, generator=random, dtype=torch.float64)
    parts = [one.linear(at)[1] for one in rows]
    assert splits(parts, free)
    known = Factors()
    (apart, first), (whole, _) = split_solver(parts, free, known), dense_solver(parts, free)
    r = whole(torch.zeros(sum(part.rows for part in parts), dtype=torch.float64))
    r = torch.randn(r.shape, generator=random, dtype=torch.float64)
    exact, near = whole(r), apart(r)
    for _ in range(4):  # each leaves a thousandth of the right side
        j = torch.cat([part.matrix(free) for part in parts])
        near = near + apart(r - j @ near)
    assert float((near - exact).norm()) < 1e-8 * float(exact.norm())
    assert split_solver(parts, free, known)[1] < 0.5 * first  # whose factors are known


def test_products_have_the_derivatives_of_their_factors():
    plane = Plane(Space(0, 0.0, 2.0, False, 5), Space(1, -1.0, 1.0, True, 5))
    x = torch.rand(7, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h = 1e-4
    for axis, orders in ((0, (1, 0)), (1, (0, 1))):
        step = torch.zeros(2, dtype=torch.float64)
        step[axis] = h
        slope = (plane.table(x + step) - plane.table(x - step)) / (2 * h)
        assert float((slope - plane.table(x, orders)).abs().max()) < 1e-4
    assert plane.orders([0, 1, 1, 2]) == (1, 2)


def test_coefficients_stay_with_their_neurons():
    plane = Plane(Space(0, 0.0, 1.0, False, 11), Space(1, 0.0, 1.0, False, 13))
    values = torch.zeros(11, 13, 1, dtype=torch.float64)
    values[2, 4] = 1.0
    larger = Plane(plane.first.resized(15), plane.second.resized(12))
    assert plane.extended(values.reshape(-1, 1), larger).reshape(15, 12)[2, 4] == 1.0
    steep = torch.zeros(1, 11 * 13, 1, dtype=torch.float64)
    steep[0, 10 * 13] = 1.0  # the last of x
    wider = plane.wider(steep, 1.4, 10_000)
    assert wider.counts == (15, 13)
    assert plane.wider(steep, 1.4, 11 * 13 + 5) == plane


def test_a_condition_on_a_part_of_a_side_is_not_for_windows():
    domain = heat().domain
    lower = Part(domain.face(x=0), Box(x=(0, 1), y=(0, 5), t=(0, 1)))
    assert windows_refusal(heat()) == ""
    assert "holds elsewhere" in windows_refusal(heat(part=Constraint(lambda u: u, on=lower)))


def test_the_answer_is_kept_in_a_file(tmp_path):
    problem = heat()
    answer = Solution(problem, found(problem, tolerance=1e-3).model)
    assert isinstance(answer.model.network, Windows) and len(answer.model.network.neurons) == 3
    answer.save(tmp_path / "heat.pt")
    again = Solution.load(tmp_path / "heat.pt", problem)
    assert again(x=0.3, y=4.0, t=0.5) == answer(x=0.3, y=4.0, t=0.5)


def test_a_whole_run_ends_with_a_report_of_its_windows():
    solution = solve(carried_around(), tolerance=1e-4, steps=1, progress=False)
    assert solution.error() < 1e-4
    assert "windows of time" in str(solution.report)


def test_evolutions_in_a_plane_that_are_not_affine_may_be_solved_by_steps_too():
    assert [one.kind for one in first_solves(equations_of(carried_around()))] == ["windows", "smooth"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["heat_multiscale"])
def test_scales_that_differ_from_coordinate_to_coordinate_are_carried(name):
    problem = getattr(pinnacle, name)()
    answer = found(problem, tolerance=1e-6)
    assert ErrorMeasure(problem)(answer.model) < answer.error < 1e-6


def test_windows_follow_where_one_set_of_polynomials_has_spent_its_effort():
    affine, windows = first_solves(equations_of(heat()))
    assert (affine.kind, windows.kind) == ("affine", "windows")
    spent = found(heat(), effort=1e6)
    assert affine.passes_on(replace(spent, ending=Ending.EFFORT)) and not windows.passes_on(spent)
    assert not affine.passes_on(replace(spent, ending=Ending.ROUNDING))
