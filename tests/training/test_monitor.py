"""Evaluations follow the work of the steps, counted in operations."""

from functools import partial

import numpy as np
import pytest
import torch

from pinn.networks import MLP
from pinn.optimizers import LBFGS, LevenbergMarquardt, MatrixFree
from pinn.sampling import RAD, Fixed, Growing
from pinn.solution.solution import ErrorMeasure
from pinn.training import Stage, ValidationMonitor, Widening
from pinn.training.work import Metered, Pace, outputs_work, residual_work
from tests.training.runs import decay, trainer


def no_limit():
    """A deadline that never comes."""


def evaluated(run):
    return np.flatnonzero(np.isfinite(run.history.column("validation"))) + 1


def test_evaluations_take_a_twentieth_of_the_work_at_the_most():
    monitor = trainer().monitor
    counts, work = 0, 0.0
    for _ in range(1000):
        monitor.note(0.3 * monitor.cost)
        work += 0.3 * monitor.cost
        if monitor.due():
            monitor.evaluate()
            counts += 1
    assert 5 < counts <= 1 + 0.025 * work / monitor.cost


def test_a_real_run_spends_a_twentieth_of_its_counted_work_on_evaluations(monkeypatch):
    """All but the one after the first step and the last are bounded; the error is measured, but more rarely."""
    spent, evaluations, errors = [], [], []
    note, evaluate, error = ValidationMonitor.note, ValidationMonitor.evaluate, ValidationMonitor.error
    monkeypatch.setattr(ValidationMonitor, "note", lambda self, work: [spent.append(work), note(self, work)][1])
    monkeypatch.setattr(ValidationMonitor, "evaluate", lambda self: [evaluations.append(self.cost), evaluate(self)][1])
    monkeypatch.setattr(ValidationMonitor, "error", lambda self: [errors.append(self.error_cost), error(self)][1])
    run = trainer(validation=400, network=partial(MLP, width=20, depth=3))
    run.run([Stage(LevenbergMarquardt(), Fixed(400), steps=40)])
    assert min(evaluations + errors) > 0 and len(evaluations) > 4 and len(errors) > 2
    assert sum(evaluations[1:-1]) + sum(errors[1:-1]) <= 0.04 * sum(spent)
    assert sum(evaluations[1:-1]) > 0.005 * sum(spent)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [LBFGS(), MatrixFree()])
def test_the_existence_of_a_reference_changes_no_bit_of_a_run(optimizer):
    found, ends = [], []
    for problem in (decay(), decay(reference=None)):
        run = trainer(problem=problem, validation=50, network=partial(MLP, width=40, depth=3))
        run.run([Stage(optimizer, Fixed(20), steps=60, patience=30), Stage(optimizer, Fixed(30), steps=5)])
        hidden = ("error", "seconds")
        found.append([{k: v for k, v in row.items() if not k.startswith(hidden)} for row in run.history])
        ends.append((run.outcome, run.monitor.objective.vector().tolist()))
        assert [row["step"] for row in run.history if "error" in row] or problem.reference is None
    assert found[0] == found[1] and ends[0] == ends[1]


def test_the_error_is_measured_at_the_last_evaluation_of_every_stage_and_at_none_that_was_not_made():
    run = trainer(validation=50)
    run.run([Stage(LBFGS(), Fixed(50), steps=30), Stage(LBFGS(), Fixed(50), steps=30)])
    assert {1, 30, 60} <= {row["step"] for row in run.history if "error" in row} <= set(evaluated(run).tolist())


def test_the_row_of_the_answer_tells_its_error():
    """Where the best parameters were not the last ones and their error was not yet measured, it is after the run."""

    class Away(LBFGS):
        taken = 0

        def step(self, objective):
            step = super().step(objective)
            self.taken += 1
            if self.taken > 20:
                objective.assign(objective.vector() + 1.0)
            return step

    run = trainer(validation=50, network=partial(MLP, width=100, depth=3))
    run.run([Stage(Away(), Fixed(20), steps=24)])
    best = int(np.nanargmin(run.history.column("validation")))
    measured = ErrorMeasure(run.equations.problem)(run.equations.model)
    assert best < len(run.history) - 1 and run.history[best]["error"] == measured


def test_the_first_and_the_last_step_of_a_stage_are_evaluated():
    run = trainer(validation=2000)
    run.run([Stage(LBFGS(), Fixed(50), steps=7), Stage(LBFGS(), Fixed(50), steps=5)])
    steps = evaluated(run).tolist()
    assert {1, 7, 12} <= set(steps) and len(steps) == run.outcome.evaluations < 12


def test_steps_that_are_dear_are_all_evaluated():
    run = trainer(validation=20, network=partial(MLP, width=30, depth=2))
    run.run([Stage(LevenbergMarquardt(), Fixed(4000), steps=3)])
    assert evaluated(run).tolist() == [1, 2, 3]


def test_the_network_is_evaluated_before_it_grows():
    run = trainer(validation=2000)
    eager = Widening(window=1, stall=1e-9, times=1)
    run.run([Stage(LevenbergMarquardt(), Growing(RAD(every=3), start=30), steps=9, widening=eager)])
    sizes = run.history.column("parameters")
    grown = int(np.flatnonzero(np.diff(sizes))[0]) + 1
    assert grown in evaluated(run).tolist()


def test_the_best_parameters_are_kept_and_copied():
    run = trainer()
    monitor = run.monitor
    first = monitor.objective.vector()
    monitor.evaluate()
    monitor.objective.assign(first + 10.0)
    monitor.evaluate()
    assert monitor.evaluations == 2 and monitor.idle == 1
    copied = monitor.best_model()
    assert torch.equal(torch.cat([p.detach().reshape(-1) for p in copied.parameters()]), first)
    assert torch.equal(monitor.objective.vector(), first + 10.0)
    monitor.restore()
    assert torch.equal(monitor.objective.vector(), first)


def test_a_metered_objective_answers_the_same_and_counts():
    objective = trainer().monitor.objective
    meter = Metered(objective, no_limit)
    one = residual_work(objective)
    assert torch.equal(meter.residual(), objective.residual()) and meter.work == one
    assert torch.equal(meter.gradient()[1], objective.gradient()[1]) and meter.work == 4 * one
    assert torch.equal(meter.linearize()[1], objective.linearize()[1])
    v = torch.ones(objective.size, dtype=torch.float64)
    before, operator = meter.work, meter.operator()
    assert torch.equal(operator.jvp(v), objective.operator().jvp(v)) and meter.work == before + 4 * one
    before = meter.work
    images = [piece.jvp(v) for _, piece in meter.pieces()]
    assert torch.cat(images).shape == (objective.rows,) and meter.work == pytest.approx(before + 4 * one)
    assert float(meter.loss()) == float(objective.loss()) == float(meter.differentiable_loss().detach())


def test_work_grows_with_points_and_parameters():
    small, model = trainer().monitor.objective, trainer().equations.model
    assert outputs_work(model, 200) == 2 * outputs_work(model, 100)
    assert residual_work(trainer(validation=500).monitor.objective) > residual_work(small)
    assert 0 == MatrixFree().flops(100, 10) < LevenbergMarquardt().flops(100, 10) < LevenbergMarquardt().flops(200, 10)


def test_the_product_of_squares_is_counted_once():
    """Within the optimizer's algebra, N p² and more, and not when the objective forms it as well."""
    objective = trainer().monitor.objective
    one, other = Metered(objective, no_limit), Metered(objective, no_limit)
    one.linearize()
    other.normal_equations()
    assert one.work == other.work == one.linearization
    rows, size = objective.rows, objective.size
    assert LevenbergMarquardt().flops(rows, size) >= min(rows, size) ** 2 * max(rows, size)


def test_the_pace_is_that_of_the_last_three_steps():
    pace = Pace()
    assert pace.expected(10.0, 5.0) == 0.0
    for seconds in (100.0, 1.0, 2.0, 3.0):
        pace.note(seconds, work=20.0, linearization=10.0, algebra=80.0)
    assert pace.expected(10.0, 80.0) == pytest.approx(2.0)
    assert pace.expected(10.0, 980.0) == pytest.approx(20.0)  # 2 linearizations as before, and the algebra of now
    assert pace.expected(460.0, 80.0) == pytest.approx(20.0)


def test_the_pace_of_the_first_step_is_a_quarter_of_that_of_the_loss():
    pace = Pace()
    pace.begin(2.0, work=100.0)
    assert pace.expected(300.0, 500.0) == pytest.approx(0.25 * 16.0)
