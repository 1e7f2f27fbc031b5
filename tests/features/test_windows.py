"""Evolutions by windows of time: errors against the truth, what is claimed, joints, files, and what is refused."""

import math
from functools import partial

import pytest
import torch

import pinn.problems as problems
from pinn import Box, Constraint, Output, Problem, Scatter, Solution, Unknown, d, laplacian
from pinn.derivatives import Jets
from pinn.features import Ending, solve_windows
from pinn.features.evolution import Evolution
from pinn.features.space import Space
from pinn.features.split import split_solver, splits
from pinn.features.window import Nodes, dense_solver, radau
from pinn.model import Model
from pinn.networks import MLP, rebuild
from pinn.objective import Equations
from pinn.solution.error import ErrorMeasure
from pinn.verification.certificate import certify

SMALL = partial(MLP, width=4, depth=1)


def found(problem, **options):
    random = torch.Generator().manual_seed(0)
    equations = Equations(Model(problem, SMALL, generator=random), Jets())
    return solve_windows(equations, generator=random, **options)


def values(answer, **columns):
    return answer.model.outputs({key: torch.tensor(value, dtype=torch.float64) for key, value in columns.items()})


@pytest.mark.parametrize(
    ("name", "options", "most"),
    [
        ("linear_ode", {}, 1e-13),
        ("oscillator", {}, 1e-13),
        ("lotka_volterra", {}, 2e-13),
        ("heat_1d", {}, 1e-13),
        ("wave_1d", {}, 1e-12),
        ("reaction", {}, 1e-12),  # periodic by name, with a kink at the seam that nothing smooths
    ],
)
def test_smooth_evolutions_end_at_rounding(name, options, most):
    problem = getattr(problems, name)(**options)
    answer = found(problem)
    assert answer.ending is Ending.ROUNDING
    assert ErrorMeasure(problem)(answer.model) < min(most, 5 * answer.error)
    assert answer.error < 1e-9
    assert answer.carried


@pytest.mark.parametrize("name", ["lotka_volterra", "wave_1d", "oscillator", "reaction", "burgers_smooth"])
def test_twice_the_error_is_claimed(name):
    """Measured 1.8 to 2.1 times the error; 0.3 to 11 by the ratio of residuals, which do not fall as errors do."""
    problem = getattr(problems, name)()
    answer = found(problem, tolerance=1e-6)
    assert answer.ending is Ending.TOLERANCE
    error = ErrorMeasure(problem)(answer.model)
    assert 1.2 * error < answer.error < 3.5 * error


def test_less_is_claimed_in_single_precision():
    problem, random = problems.heat_1d(), torch.Generator().manual_seed(0)
    model = Model(problem, SMALL, generator=random, dtype=torch.float32)
    answer = solve_windows(Equations(model, Jets()), generator=random, tolerance=1e-5)
    assert answer.model.network.coefficients.dtype == torch.float32
    assert ErrorMeasure(problem)(answer.model) < answer.error < 1e-5


def test_what_is_not_affine_ends_at_the_tolerance():
    problem = problems.burgers_smooth(nu=0.1)
    answer = found(problem, tolerance=1e-6)
    assert answer.ending is Ending.TOLERANCE
    assert ErrorMeasure(problem)(answer.model) < answer.error <= 1e-6
    assert answer.rounds[0].windows > 3


def test_solitons():
    problem = problems.kdv()
    answer = found(problem, tolerance=1e-5)
    assert answer.ending is Ending.TOLERANCE
    assert ErrorMeasure(problem)(answer.model) < 2e-7
    assert answer.work < 1e11


def test_a_solution_that_is_zero():
    box = Box(x=(0, 1), t=(0, 1))
    conditions = {
        "heat": Constraint(lambda u, x, t: d(u, t) - d(u, x, x), on=box),
        "start": Constraint(lambda u: u, on=box.face(t=0)),
        "ends": Constraint(lambda u: u, on=box.face(x=0) | box.face(x=1)),
    }
    answer = found(Problem(box, ["u"], conditions))
    assert answer.ending is Ending.ROUNDING
    x = torch.rand(20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert not answer.model.outputs({"x": x[:, 0], "t": x[:, 1]})["u"].any()


def test_a_layer_is_followed_by_a_map():
    problem = problems.burgers()
    answer = found(problem, tolerance=1e-5)
    assert answer.ending is Ending.TOLERANCE
    assert ErrorMeasure(problem)(answer.model) < answer.error
    assert max(answer.best.degrees) < 250  # of 2 400 that polynomials of the coordinate take
    assert any(answer.model.network.maps)
    again = rebuild("Windows", {**answer.model.network.arguments, "inputs": 2, "outputs": 1})
    again.load_state_dict(answer.model.network.state_dict())
    x = torch.rand(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.equal(again(x), answer.model.network(x))


def test_a_kink_of_the_start_is_followed_by_a_map():
    problem = problems.allen_cahn()
    answer = found(problem, effort=2.5e10)
    error = ErrorMeasure(problem)(answer.model)  # 1e-8 to 1e-7
    assert error < 2e-6
    assert error < answer.error < 5 * error  # 1.7 to 1.9; 9e4 by the ratio of residuals, which a kink keeps


def test_space_and_time_apart_solve_the_whole_system():
    march = Evolution(Equations(Model(problems.burgers(nu=0.1), SMALL, generator=torch.Generator()), Jets()))
    space, nodes = Space(0, -1.0, 1.0, False, 90), Nodes(6, 1, 0.02)
    random = torch.Generator().manual_seed(0)
    field = torch.randn(1, 90, 7, generator=random, dtype=torch.float64) * 0.5 ** torch.arange(90).double()[:, None]
    rows = march.rows(space, 0.3, nodes.length, nodes.tau, nodes.tables())
    parts, free = [one.linear(field)[1] for one in rows], [nodes.free(1)]
    assert splits(parts, free)
    right = torch.randn(540, generator=random, dtype=torch.float64)
    exact, near = dense_solver(parts, free)[0](right), split_solver(parts, free)[0](right)
    matrix = torch.cat([part.matrix(free) for part in parts])
    assert float((matrix @ exact - right).norm()) < 1e-8 * float(right.norm())
    assert float((matrix @ near - right).norm()) < 1.1e-3 * float(right.norm())


def duffing(end):
    """y'' + 0.2 (y² − 1) y' − y + y³ = 0.53 cos x, y(0) = 0.1, y'(0) = −0.2."""
    line = Box(x=(0, end))
    start = line.face(x=0)
    return Problem(
        line,
        ["y"],
        {
            "equation": Constraint(
                lambda y, x: d(y, x, x) + 0.2 * (y**2 - 1) * d(y, x) - y + y**3 - 0.53 * torch.cos(x), on=line
            ),
            "place": Constraint(lambda y: y - 0.1, on=start),
            "speed": Constraint(lambda y, x: d(y, x) + 0.2, on=start),
        },
    )


def test_a_long_oscillation_of_order_two_and_its_joints():
    # 0.1 at the start and these values by DOP853 and by Radau at rtol 1e-13, which agree to 1e-11 up to x = 12.5.
    answer = found(duffing(12.5), tolerance=1e-8)
    assert answer.ending is Ending.TOLERANCE
    edges = [6.25 * (1 + edge) for edge in answer.model.network.edges[1:-1]]
    assert len(edges) > 4
    step = 1e-9
    x = torch.tensor([[edge - step, edge + step] for edge in edges], dtype=torch.float64).requires_grad_()
    y = answer.model.outputs({"x": x.flatten()})["y"]
    (slope,) = torch.autograd.grad(y.sum(), x)
    y = y.detach().reshape(-1, 2)
    assert float((y[:, 1] - y[:, 0] - 2 * step * slope[:, 0]).abs().max()) < 1e-13
    assert float((slope[:, 1] - slope[:, 0]).abs().max()) < 1e-7  # 2 step y'' and rounding


def test_two_solves_of_different_lengths_agree():
    long, short = found(duffing(8.0), tolerance=1e-9), found(duffing(5.0), tolerance=1e-9)
    assert long.model.network.edges != short.model.network.edges
    x = [0.5, 2.0, 4.9]
    assert torch.allclose(values(long, x=x)["y"], values(short, x=x)["y"], rtol=0, atol=1e-8)


def test_radau_is_of_order_2p_minus_1_and_damps():
    # u' = λ u over one window: the stability function of Radau IIA with two nodes, (1 + z/3) / (1 − 2z/3 + z²/6).
    for z in (-0.5, -40.0):
        nodes = Nodes(2, 1, 1.0)
        value, slope = nodes.tables()
        free, fixed = nodes.free(1), nodes.fixed(torch.ones(1, 1, dtype=torch.float64))[0]
        rows = slope - z * value
        weights = torch.linalg.solve(rows @ free.T, -rows @ fixed)
        end = float((fixed + weights @ free).sum())
        assert end == pytest.approx((1 + z / 3) / (1 - 2 * z / 3 + z**2 / 6), rel=1e-12)
    assert radau(2).tolist() == pytest.approx([-1 / 3, 1.0])


@pytest.mark.parametrize("periodic", [True, False])
def test_tables_in_space_are_derivatives(periodic):
    space = Space(0, 1.0, 3.0, periodic, 9)
    x = torch.linspace(1.1, 2.9, 7, dtype=torch.float64)
    weights = torch.linspace(1, 2, 9, dtype=torch.float64)
    for order in range(3):
        step = 1e-5
        slope = (space.table(x + step, order) - space.table(x - step, order)) @ weights / (2 * step)
        exact = space.table(x, order + 1) @ weights
        assert torch.allclose(slope, exact, rtol=0, atol=1e-6 * float(exact.abs().max()))


def test_a_stiff_reaction_and_a_slow_one():
    # a' = −1e5 (a − cos t) − sin t has a = cos t; b' = a
    line = Box(t=(0, 3))
    problem = Problem(
        line,
        ["a", "b"],
        {
            "equation": Constraint(
                lambda a, b, t: (d(a, t) + 1e5 * (a - torch.cos(t)) + torch.sin(t), d(b, t) - a), on=line
            ),
            "start": Constraint(lambda a, b: (a - 1, b), on=line.face(t=0)),
        },
        reference=lambda t: {"a": torch.cos(t), "b": torch.sin(t)},
    )
    answer = found(problem)
    assert ErrorMeasure(problem)(answer.model) < 1e-12
    assert answer.best.windows < 20


def test_forms_and_scales_are_kept():
    problem = problems.lotka_volterra(length=2.0)
    shifted = Problem(
        problem.domain,
        problem.outputs,
        problem.constraints,
        coefficients=problem.coefficients,
        reference=problem.reference,
        scales={"r": (3.0, 20.0), "p": (-1.0, 0.1)},
    )
    assert ErrorMeasure(shifted)(found(shifted, tolerance=1e-9).model) < 1e-9


def test_effort_ends_it_and_says_that_it_is_not_carried():
    answer = found(problems.kdv(), effort=1e9)
    assert answer.ending is Ending.NOT_CARRIED
    assert not answer.carried
    assert answer.error == math.inf
    assert bool(torch.isfinite(values(answer, x=[0.0, 0.5], t=[0.1, 1.0])["u"]).all())


def test_no_solution_past_a_blow_up():
    line = Box(t=(0, 2))
    problem = Problem(
        line,
        ["u"],
        {
            "equation": Constraint(lambda u, t: d(u, t) - u**2, on=line),
            "start": Constraint(lambda u: u - 1, on=line.face(t=0)),
        },
    )
    answer = found(problem)
    assert not answer.carried
    assert answer.error == math.inf


def test_the_answer_comes_back_from_a_file(tmp_path):
    problem = problems.wave_1d()
    solution = Solution(problem, found(problem, tolerance=1e-6).model)
    solution.save(tmp_path / "string.pt")
    again = Solution.load(tmp_path / "string.pt", problem)
    assert again.error() == solution.error() < 1e-6


def test_refused():
    line = Box(t=(0, 1))
    decay = {"equation": Constraint(lambda u, t, k: d(u, t) + k * u, on=line)}
    start = {"start": Constraint(lambda u: u - 1, on=line.face(t=0))}
    seen = {"data": Constraint(lambda u, seen: u - seen, on=Scatter(coordinates={"t": [0.5]}, values={"seen": [0.6]}))}
    cube = Box(x=(0, 1), y=(0, 1), z=(0, 1), t=(0, 1))
    cases = [
        (problems.poisson_2d(), "does not evolve"),
        (Problem(line, ["u"], {**decay, **start}, coefficients={"k": Unknown(1.0)}), "unknowns"),
        (Problem(line, ["u"], {**decay, **start, **seen}, coefficients={"k": 1.0}), "'data'"),
        (
            Problem(
                cube,
                ["u"],
                {
                    "equation": Constraint(lambda u, x, y, z, t: d(u, t) - laplacian(u, x, y, z), on=cube),
                    "start": Constraint(lambda u: u, on=cube.face(t=0)),
                },
            ),
            "at most two coordinates of space",
        ),
    ]
    for problem, reason in cases:
        with pytest.raises(ValueError, match=reason):
            found(problem)


def test_a_start_that_does_not_determine_is_refused():
    line = Box(t=(0, 1))
    problem = Problem(
        line,
        ["u"],
        {
            "equation": Constraint(lambda u, t: d(u, t, t) + u, on=line),
            "start": Constraint(lambda u: u - 1, on=line.face(t=0)),
        },
    )
    with pytest.raises(ValueError, match="determine 1 of 2"):
        found(problem)


def test_what_jets_do_not_have_is_refused():
    line = Box(t=(0, 1))
    problem = Problem(
        line,
        ["u"],
        {
            "equation": Constraint(lambda u, t: d(u, t) + torch.cumsum(u, 0), on=line),
            "start": Constraint(lambda u: u - 1, on=line.face(t=0)),
        },
    )
    with pytest.raises(ValueError, match="jets do not have"):
        found(problem)


def test_positive_outputs_and_an_ansatz():
    line = Box(t=(0, 2))
    problem = Problem(
        line,
        [Output("p", positive=True), "u"],
        {
            "equation": Constraint(lambda p, u, t: (d(p, t) + p * u, d(u, t) - torch.cos(t)), on=line),
            "start": Constraint(lambda p, u: (p - 1, u), on=line.face(t=0)),
        },
        ansatz={"u": lambda u: 2 * u},
        reference=lambda t: {"p": torch.exp(torch.cos(t) - 1), "u": torch.sin(t)},
    )
    assert ErrorMeasure(problem)(found(problem).model) < 1e-12


def test_what_evaluates_the_answer_counts_as_effort():
    free, held = (found(problems.burgers_smooth(nu=0.1), effort=1.2e10, points=points) for points in (0, 150_000))
    assert len(held.rounds) < len(free.rounds)
    assert len(held.rounds) >= 2  # one alone claims nothing
    assert held.error < math.inf


def test_the_certificate_reads_the_answer():
    problem = problems.lotka_volterra(length=2.0)
    answer = found(problem, tolerance=1e-4)
    certificate = certify(Equations(answer.model, Jets()))
    assert certificate.error == pytest.approx(ErrorMeasure(problem)(answer.model), rel=0.5)
