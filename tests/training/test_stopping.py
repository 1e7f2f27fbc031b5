"""What ends a run: every ending is reached once, time only by a clock that the test holds."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from pinn import solve
from pinn.optimizers import LevenbergMarquardt, MatrixFree, Optimizer, Step
from pinn.optimizers.optimizer import StepEnding
from pinn.sampling import Fixed, Growing, Redrawn
from pinn.training import (
    Ending,
    MaxSeconds,
    MaxSteps,
    Patience,
    Stage,
    Standing,
    Stop,
    Tolerance,
)
from tests.training.runs import SMALL, Clock, decay, trainer


def ended(stages, **options):
    run = trainer(**options)
    run.run(stages if isinstance(stages, list) else [stages])
    return run


def stage(**options):
    return Stage(LevenbergMarquardt(), Fixed(30), **options)


class Slow(LevenbergMarquardt):
    """Each step takes so long on a clock."""

    def __init__(self, clock, seconds):
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def __deepcopy__(self, memo):
        return Slow(self.clock, self.seconds)

    def step(self, objective):
        self.clock.now += self.seconds
        return super().step(objective)


class Still(Optimizer):
    """Looks, and stays where it is."""

    def step(self, objective):
        return Step(float(objective.loss()), True)

    def reset(self, growth=None):
        """Nothing."""


class Broken(LevenbergMarquardt):
    def step(self, objective):
        return dataclasses.replace(super().step(objective), loss=math.nan)


class Done(LevenbergMarquardt):
    def step(self, objective):
        return dataclasses.replace(super().step(objective), ending=StepEnding.NO_DESCENT, detail="enough")


def test_each_ending_is_reached():
    clock = Clock()
    slow = Stage(Slow(clock, 1.0), Fixed(30))
    outcomes = {
        Ending.TOLERANCE: ended(stage(steps=50), tolerance=1e-2).outcome,
        Ending.STEPS: ended(stage(steps=3)).outcome,
        Ending.SECONDS: ended(slow, clock=clock, seconds=2.5).outcome,
        Ending.STAGE_SECONDS: ended(dataclasses.replace(slow, seconds=2.5), clock=clock).outcome,
        Ending.PATIENCE: ended(Stage(Still(), Fixed(30), patience=2)).outcome,
        Ending.STATIONARY: ended(Stage(Done(), Fixed(30))).outcome,
        Ending.NOT_FINITE: ended(Stage(Broken(), Fixed(30))).outcome,
        Ending.STOPPED: ended(stage(steps=3), callbacks=[lambda progress: Stop("seen enough")]).outcome,
    }
    assert {ending: outcome.ending for ending, outcome in outcomes.items()} == {key: key for key in outcomes}
    assert set(Ending) - set(outcomes) == {Ending.INTERRUPTED}
    assert {str(outcome) for outcome in outcomes.values()} == {
        "the tolerance on validation points is met",
        "3 steps taken",
        "time is up",
        "the stage's time is up",
        "the validation loss has not fallen by a tenth in 2 evaluations",
        "enough",
        "the loss is not finite",
        "seen enough",
    }
    assert [ending for ending in Ending if ending.cut] == [Ending.STEPS, Ending.SECONDS, Ending.STAGE_SECONDS]


def test_all_limits_reached_are_told_what_ends_the_run_first():
    run = ended(stage(steps=1), callbacks=[lambda progress: Stop("enough")])
    assert run.outcome.limits == (Ending.STOPPED, Ending.STEPS) and run.outcome.ending is Ending.STOPPED
    assert (run.outcome.steps, run.outcome.evaluations) == (1, 1)


def test_the_report_knows_the_outcome():
    report = solve(decay(), network=SMALL, steps=2, progress=False).report
    assert report.outcome.ending is Ending.STEPS and report.outcome.steps == 2
    assert report.as_dict()["ending"] == "steps" and report.as_dict()["reason"] == "2 steps taken"


def test_a_stage_ends_a_run_goes_on():
    run = ended([stage(steps=2), stage(steps=3)])
    assert run.history.column("stage").tolist() == [0, 0, 1, 1, 1] and run.outcome.steps == 5
    clock = Clock()
    slow = Stage(Slow(clock, 1.0), Fixed(30), seconds=2.5)
    run = ended([slow, slow], clock=clock)
    assert run.history.column("stage").tolist() == [0, 0, 1, 1]
    run = ended([stage(steps=2), stage(steps=2)], callbacks=[lambda progress: Stop("enough")])
    assert run.outcome.steps == 1


def test_a_criterion_of_ones_own_stops_a_stage():
    class Flat:
        def check(self, standing):
            return Stop(f"loss {standing.loss:.0e}") if standing.loss < 1e-4 else None

    run = ended([stage(steps=40, stop=[Flat()])])
    assert run.outcome.ending is Ending.STOPPED and run.outcome.detail.startswith("loss ")
    assert run.history[-1]["loss"] < 1e-4 and all(row["loss"] >= 1e-4 for row in run.history.rows[:-1])
    run = ended([stage(stop=[MaxSteps(2)]), stage(stop=[MaxSteps(1)])])
    assert run.outcome.steps == 3
    with pytest.raises(TypeError, match=r"Stage: got stop=\[.*expected objects with a method check"):
        stage(stop=[Flat])


def test_criteria_look_at_where_the_run_stands():
    here = Standing(
        steps=9, stage_steps=4, seconds=3.0, stage_seconds=1.0, loss=1.0, validation=5e-7, evaluations=6, idle=2
    )
    met = [MaxSteps(4), MaxSeconds(3.0, run=True), MaxSeconds(1.0), Tolerance(1.1e-3), Patience(2)]
    not_met = [MaxSteps(5), MaxSeconds(3.1, run=True), MaxSeconds(1.1), Tolerance(1e-3), Patience(3)]
    assert [one.check(here).ending for one in met] == [
        Ending.STEPS,
        Ending.SECONDS,
        Ending.STAGE_SECONDS,
        Ending.TOLERANCE,
        Ending.PATIENCE,
    ]
    assert [one.check(here) for one in not_met] == [None] * 5
    for wrong in (lambda: MaxSteps(0), lambda: MaxSeconds(0.0), lambda: Tolerance(-1.0), lambda: Patience(0)):
        with pytest.raises(ValueError, match=r"got .*=.*, expected"):
            wrong()


def test_patience_counts_evaluations_without_a_fall():
    """On a loss that keeps falling a patience of three is never lost; on one that stays it is, after three more."""
    run = ended(stage(steps=12, patience=3))
    validation = run.history.column("validation")
    assert run.outcome.ending is Ending.STEPS and validation[-1] < 1e-3 * validation[0]
    run = ended(Stage(Still(), Fixed(30), patience=3, steps=1000))
    found = [row["step"] for row in run.history if "validation" in row]
    assert run.outcome.ending is Ending.PATIENCE and len(found) == run.outcome.evaluations == 4
    assert found[-1] > 3 * 4  # steps that are cheap beside an evaluation have fewer of them


def test_growing_points_put_the_end_off():
    def run(maximum):
        sampler = Growing(Redrawn(every=10), start=20, factor=4.0, maximum=maximum, threshold=1e-9, stall=1e-9)
        return ended(Stage(Still(), sampler, patience=2, steps=1000))

    kept, grown = run(20), run(1000)
    assert kept.outcome.ending is grown.outcome.ending is Ending.PATIENCE
    points = grown.history.column("points")
    last = int(np.flatnonzero(points < points[-1])[-1])
    assert points[-1] > 1000 and grown.outcome.steps > kept.outcome.steps
    assert sum("validation" in row for row in grown.history.rows[last + 1 :]) >= 2


# -- time ---------------------------------------------------------------------------------------------------------


def test_a_step_that_would_overrun_is_not_begun():
    """Steps of one second, two and a half allowed: the third would end at three."""
    clock = Clock()
    run = ended(Stage(Slow(clock, 1.0), Fixed(30)), clock=clock, seconds=2.5)
    assert len(run.history) == 2 and clock.now == 2.0


def test_the_expected_time_grows_with_the_points():
    """The second set of points is 40 times as large, and so a step on it would take 40 seconds."""

    class Jump(Redrawn):
        def observe(self, old, new):
            self.size = 800
            return True

    clock = Clock()
    run = ended(Stage(Slow(clock, 1.0), Jump(20, every=1)), clock=clock, seconds=30.0)
    assert run.outcome.ending is Ending.SECONDS and len(run.history) == 1


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), MatrixFree()])
def test_a_step_is_cut_where_the_time_is_up_and_the_parameters_are_those_before(optimizer):
    """The clock goes on at each question to the objective, so that the first step of a stage ends in its middle."""
    whole = ended(Stage(optimizer, Fixed(30), steps=2))
    clock = Clock()

    def hurry(progress):
        if progress.row["step"] == 2:
            clock.tick = 0.3

    run = trainer(clock=clock, seconds=1.0, callbacks=[hurry])
    run.run([Stage(optimizer, Fixed(30), steps=2), Stage(optimizer, Fixed(30))])
    assert run.outcome.ending is Ending.SECONDS and len(run.history) == 2
    for mine, other in zip(run.equations.model.parameters(), whole.equations.model.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_no_time_at_all_leaves_one_row_and_the_first_parameters():
    clock = Clock(tick=1.0)
    run = trainer(clock=clock, seconds=0.5)
    before = run.monitor.objective.vector()
    run.run([stage()])
    assert run.outcome.ending is Ending.SECONDS and run.outcome.steps == 0
    assert [row["step"] for row in run.history] == [0] and math.isfinite(run.history[0]["validation"])
    assert torch.equal(run.monitor.objective.vector(), before)
