"""The whole way: a problem is solved, scored on points it never saw, saved and read back."""

import dataclasses
import itertools
import math
import time
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Solution, Unknown, d, solve
from pinn.derivatives import Autograd
from pinn.networks import MLP
from pinn.optimizers import LBFGS, LevenbergMarquardt
from pinn.optimizers.optimizer import StepEnding
from pinn.problems import lotka_volterra, oscillator, poisson_2d
from pinn.reference import Analytic
from pinn.sampling import RAD, Fixed, Growing
from pinn.solution import evaluation_points
from pinn.training import Ending
from pinn.verification import VerificationError
from pinn.weighting import Causal
from tests.training.runs import LINE, decay

SMALL = partial(MLP, width=8, depth=2)


@pytest.fixture(scope="module")
def solution():
    return solve(decay(), network=SMALL, steps=40, progress=False)


def test_a_small_problem_is_solved(solution):
    assert solution.error() < 1e-7
    assert solution.errors().keys() == {"u"}
    assert abs(solution(x=0.5) - math.exp(-0.5)) < 1e-7


def test_a_solution_is_a_vectorised_function(solution):
    assert solution(x=0.5).shape == ()
    assert solution(x=[0.1, 0.2]).shape == (2,)
    assert solution(x=np.linspace(0, 1, 6).reshape(2, 3)).shape == (2, 3)
    with pytest.raises(TypeError, match=r"got coordinates \['y'\], expected all of \['x'\]"):
        solution(y=1.0)


def test_the_history_tells_the_run(solution):
    rows = [row for row in solution.history if "answer" not in row]  # which no step wrote
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    assert np.all(np.diff(solution.history.column("seconds")) >= 0)
    assert rows[-1]["error"] < rows[0]["error"]
    assert "validation" in rows[-1]


def test_the_best_parameters_on_validation_points_are_returned():
    solution = solve(decay(), network=SMALL, steps=15, features=None, progress=False)
    error = solution.history.column("error")
    best = np.nanargmin(solution.history.column("validation"))
    assert solution.error() == pytest.approx(error[best], rel=1e-6)


def test_the_same_seed_gives_the_same_numbers_whatever_the_global_state():
    results = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        results.append(solve(decay(), network=SMALL, steps=5, seed=3, features=None, progress=False)(x=0.3))
    assert results[0] == results[1]
    assert solve(decay(), network=SMALL, steps=5, seed=4, features=None, progress=False)(x=0.3) != results[0]


def test_a_solution_survives_its_file(solution, tmp_path):
    path = tmp_path / "decay.pt"
    solution.save(path)
    again = Solution.load(path, decay())
    x = np.linspace(0, 1, 11)
    np.testing.assert_array_equal(again(x=x), solution(x=x))
    assert len(again.history) == len(solution.history)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["decay.pt"]


def test_unknown_coefficients_survive_the_file(tmp_path):
    problem = decay(
        coefficients={"k": Unknown(0.3, positive=True)},
        constraints={
            "equation": Constraint(lambda u, x, k: d(u, x) + k * u, on=LINE),
            "start": Constraint(lambda u: u - 1, on=LINE.face(x=0)),
            "end": Constraint(lambda u: u - math.exp(-1), on=LINE.face(x=1)),
        },
        exact_coefficients={"k": 1.0},
    )
    solution = solve(problem, network=SMALL, steps=40, progress=False)
    assert solution.coefficient_errors()["k"] < 1e-6
    solution.save(tmp_path / "inverse.pt")
    assert Solution.load(tmp_path / "inverse.pt", problem).coefficients == solution.coefficients


def test_a_file_of_another_problem_is_refused(solution, tmp_path):
    solution.save(tmp_path / "decay.pt")
    with pytest.raises(ValueError, match=r"another problem .*: coordinates: \['x'\] in the file, \['t'\] here"):
        Solution.load(tmp_path / "decay.pt", oscillator())
    with pytest.raises(ValueError, match=r"its network is another one: .*depth=1 for 2 in the file"):
        Solution.load(tmp_path / "decay.pt", decay(), network=partial(MLP, width=5, depth=1))
    torch.save({"other": 1}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="not a solution file"):
        Solution.load(tmp_path / "other.pt", decay())


def test_the_scale_of_units_does_not_matter():
    """The same decay in microseconds and in kilovolts: x in [0, 1e-6], u of order 1e3."""
    tiny = Box(x=(0, 1e-6))
    problem = Problem(
        tiny,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x) + 1e6 * u, on=tiny),
            "start": Constraint(lambda u: u - 1e3, on=tiny.face(x=0)),
        },
        reference=Analytic(lambda x: 1e3 * torch.exp(-1e6 * x)),
    )
    assert solve(problem, network=SMALL, steps=60, progress=False).error() < 1e-6


def test_the_tolerance_stops_the_run():
    solution = solve(decay(), network=SMALL, tolerance=1e-3, features=None, progress=False)
    assert solution.report.outcome.ending is Ending.TOLERANCE
    assert solution.error() < 1e-3


def test_an_optimizer_that_can_go_no_further_gets_new_points_before_the_run_ends():
    class Done(LevenbergMarquardt):
        def step(self, objective):
            return dataclasses.replace(super().step(objective), ending=StepEnding.NO_DESCENT, detail="enough")

    drawn = solve(decay(), network=SMALL, optimizer=Done(), sampling=Growing(RAD()), progress=False)
    kept = solve(decay(), network=SMALL, optimizer=Done(), sampling=Fixed(), progress=False)
    assert [drawn.report.reason, kept.report.reason] == ["enough", "enough"]
    assert [len(drawn.history), len(kept.history)] == [3, 1]


def test_time_stops_the_run(monkeypatch):
    """A clock on which every reading takes ten milliseconds."""
    ticks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: 0.01 * next(ticks))
    solution = solve(decay(), network=SMALL, seconds=3.0, steps=100, progress=False)
    assert solution.report.outcome.ending is Ending.SECONDS and solution.report.reason == "time is up"
    assert 0 < len(solution.history) < 100 and solution.history[-1]["seconds"] < 3.0


def test_a_run_can_be_continued(solution):
    further = solve(decay(), network=SMALL, start=solution, steps=5, progress=False)
    assert further.error() < 1e-6


def test_a_wrong_reference_is_refused_before_training():
    with pytest.raises(VerificationError, match="equation: residual of the reference"):
        solve(decay(reference=Analytic(lambda x: torch.exp(x))), network=SMALL, progress=False)


def test_a_network_that_couples_rows_is_refused_before_training():
    def normalised(inputs, outputs, generator, dtype):
        return torch.nn.Sequential(
            torch.nn.Linear(inputs, 8, dtype=dtype),
            torch.nn.BatchNorm1d(8, dtype=dtype),
            torch.nn.Tanh(),
            torch.nn.Linear(8, outputs, dtype=dtype),
        )

    with pytest.raises(ValueError, match="BatchNorm"):
        solve(decay(), network=normalised, progress=False)


def test_options_that_cannot_be_meant_are_refused():
    for name in ("tolerance", "seconds", "steps"):
        with pytest.raises(ValueError, match=f"solve: got {name}=-1"):
            solve(decay(), **{name: -1})
    with pytest.raises(ValueError, match="solve: got dtype="):
        solve(decay(), dtype=torch.int64)


@pytest.mark.parametrize(
    "option",
    [
        {"optimizer": torch.optim.Adam},
        {"optimizer": LBFGS},
        {"sampling": "rad"},
        {"weighting": Causal},
        {"derivatives": "jets"},
    ],
    ids=str,
)
def test_names_and_classes_in_place_of_objects_are_refused(option):
    with pytest.raises(TypeError, match=rf"solve: got {next(iter(option))}=.*; give an object such as .*\(.*\)"):
        solve(decay(), **option)


def test_a_start_of_another_problem_is_refused(solution):
    with pytest.raises(ValueError, match=r"start has coordinates=\('x',\), the problem \('t',\)"):
        solve(lotka_volterra(), start=solution)
    with pytest.raises(ValueError, match=r"start has periodic=\(\), the problem \('x',\)"):
        solve(decay(periodic=["x"]), start=solution, verify=False)
    with pytest.raises(ValueError, match=r"start does not fit the network"):
        solve(decay(), start=solution, network=partial(MLP, width=9, depth=2))


def test_kernels_have_one_thread_during_the_call_only():
    before, during = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        watch = [lambda _: during.append(torch.get_num_threads())]
        solve(decay(), network=SMALL, steps=2, progress=False, callbacks=watch)
        solve(decay(), network=SMALL, steps=1, threads=2, progress=False, callbacks=watch)
        assert during == [1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    with pytest.raises(ValueError, match="solve: got threads=0"):
        solve(decay(), threads=0)


@pytest.mark.slow
def test_float32_and_the_reference_engine_are_options():
    assert solve(decay(), network=SMALL, steps=30, dtype=torch.float32, progress=False).error() < 1e-4
    assert solve(decay(), network=SMALL, steps=30, derivatives=Autograd(), progress=False).error() < 1e-6


def test_the_evaluation_grid_is_fixed_and_holds_the_ends():
    points = evaluation_points(decay())
    assert points.column("x").min() == 0
    assert points.column("x").max() == 1
    assert points.n == 1001


def test_points_of_a_large_network_stay_within_the_optimizers_memory():
    """30 000 parameters: J of all points would not fit, so the number of points is bounded, not the run refused."""
    from pinn.defaults import most_points
    from pinn.derivatives import Jets
    from pinn.model import Model
    from pinn.objective import Equations, Objective
    from pinn.optimizers import LevenbergMarquardt
    from pinn.sampling.uniform import sample_uniform

    model = Model(poisson_2d(), partial(MLP, width=120, depth=3), generator=torch.Generator().manual_seed(0))
    equations = Equations(model, Jets())
    size = sum(parameter.numel() for parameter in model.parameters())
    rows = LevenbergMarquardt(memory=2e8).most_rows(size)
    assert rows is not None
    most = most_points(poisson_2d(), rows)
    objective = Objective(equations, sample_uniform(poisson_2d(), most, torch.Generator().manual_seed(0)))
    assert 0.8 * rows < objective.rows <= rows
