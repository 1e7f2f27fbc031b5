"""What ends a run: every ending is reached once, time only by a clock that the test holds."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import torch

from pinn import solve
from pinn.networks import MLP
from pinn.objective import Objective
from pinn.optimizers import LevenbergMarquardt, MatrixFree, Optimizer, Step
from pinn.optimizers.optimizer import StepEnding
from pinn.sampling import Fixed, Growing, Redrawn, Sampler
from pinn.training import (
    Callback,
    Ending,
    MaxSeconds,
    MaxSteps,
    Patience,
    Stage,
    Standing,
    Stop,
    Tolerance,
)
from pinn.weighting import Causal, Weighting
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


class Late(Slow):
    """Each step takes so long after it has computed all, when no time is checked."""

    def __deepcopy__(self, memo):
        return Late(self.clock, self.seconds)

    def step(self, objective):
        step = LevenbergMarquardt.step(self, objective)
        self.clock.now += self.seconds
        return step


class Still(Optimizer):
    """Looks, and stays where it is."""

    def step(self, objective):
        return Step(float(objective.loss()), True)

    def reset(self, growth=None):
        """Nothing."""


class Broken(LevenbergMarquardt):
    def step(self, objective):
        return dataclasses.replace(super().step(objective), loss=math.nan)


class BrokenOff(LevenbergMarquardt):
    """Is broken off in its third step, when the parameters have changed."""

    def __init__(self):
        super().__init__()
        self.taken = 0

    def step(self, objective):
        self.taken += 1
        step = super().step(objective)
        if self.taken == 3:
            raise KeyboardInterrupt
        return step


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
        Ending.INTERRUPTED: ended(Stage(BrokenOff(), Fixed(30))).outcome,
    }
    assert {ending: outcome.ending for ending, outcome in outcomes.items()} == {key: key for key in outcomes}
    assert set(outcomes) == set(Ending)
    assert {str(outcome) for outcome in outcomes.values()} == {
        "the tolerance on validation points is met",
        "3 steps taken",
        "time is up",
        "the stage's time is up",
        "the validation loss has not fallen by a tenth in 2 evaluations",
        "enough",
        "the loss is not finite after going back 8 times",
        "seen enough",
        "interrupted",
    }
    limits = [Ending.STEPS, Ending.SECONDS, Ending.STAGE_SECONDS]
    assert [ending for ending in Ending if ending.cut] == [*limits, Ending.INTERRUPTED]


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


def test_a_stop_says_itself_whether_it_ends_the_run():
    def first_of_two(stop):
        class Now:
            def check(self, standing):
                return stop

        return ended([stage(stop=[Now()], steps=9), stage(steps=2)]).outcome

    assert first_of_two(Stop("now")).steps == 3
    outcome = first_of_two(Stop("now", run=True))
    assert (outcome.steps, outcome.ending, outcome.detail) == (1, Ending.STOPPED, "now")
    once = lambda progress: Stop("next", run=False) if progress.row["step"] == 2 else None  # noqa: E731
    outcome = ended([stage(steps=9), stage(steps=3)], callbacks=[once]).outcome
    assert (outcome.steps, outcome.ending) == (5, Ending.STEPS)
    for run, steps in ((True, 1), (False, 2)):
        met = ended([stage(stop=[Tolerance(1e3, run=run)]), stage(steps=1)]).outcome
        assert met.steps == steps and (met.ending is Ending.TOLERANCE) == run


@pytest.mark.parametrize("run", [True, False])
@pytest.mark.parametrize("seconds", [1.0, 2.5])
def test_the_run_s_seconds_end_the_run_wherever_they_are_given(run, seconds):
    """At a step's end or before a step that would overrun them, by the same clock."""
    clock = Clock()
    slow = Stage(Late(clock, 1.0), Fixed(30), stop=[MaxSeconds(seconds, run=run)])
    outcome = ended([slow, stage(steps=2)], clock=clock).outcome
    assert outcome.steps == int(seconds) + (0 if run else 2)
    assert outcome.ending is (Ending.SECONDS if run else Ending.STEPS)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"steps": 0}, ValueError, "Stage: got steps=0, expected .*; give "),
        ({"steps": 2.5}, ValueError, "Stage: got steps=2.5, expected .*; give "),
        ({"steps": "many"}, ValueError, "Stage: got steps='many', expected .*; give "),
        ({"seconds": -1.0}, ValueError, "Stage: got seconds=-1.0, expected .*; give "),
        ({"patience": 1.5}, ValueError, "Stage: got patience=1.5, expected .*; give "),
        ({"stop": MaxSeconds(1)}, TypeError, r"Stage: got stop=MaxSeconds.*, expected a list .*; give stop=\["),
        ({"stop": "never"}, TypeError, "Stage: got stop='never', expected a list .*; give "),
        ({"stop": [3]}, TypeError, r"Stage: got stop=\[3\], expected .*; give "),
    ],
)
def test_limits_that_cannot_be_meant_are_refused_in_one_voice(wrong, error, message):
    with pytest.raises(error, match=message):
        stage(**wrong)
    assert stage(seconds=math.inf).criteria == ()


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


# -- broken off ------------------------------------------------------------------------------------------------------


def test_a_run_broken_off_in_a_step_keeps_the_parameters_from_before_it():
    whole = ended(stage(steps=2))
    run = ended([Stage(BrokenOff(), Fixed(30)), stage(steps=5)])
    assert run.outcome.ending is Ending.INTERRUPTED and run.outcome.limits == (Ending.INTERRUPTED,)
    assert run.history.column("loss").tolist() == whole.history.column("loss").tolist()
    assert run.history[-1]["validation"] == whole.history[-1]["validation"]
    assert torch.equal(run.monitor.objective.vector(), whole.monitor.objective.vector())


@pytest.mark.parametrize("when", ["begin", "step", "evaluation"])
def test_a_run_broken_off_in_a_callback_is_answered_with_a_report(when):
    class Spoil(Callback):
        """Changes the parameters and is broken off, once."""

        spoiled = False

    def spoil(self, progress):
        if not self.spoiled and progress.row.get("step", 1) == 1:
            self.spoiled = True
            progress.objective.assign(progress.objective.vector() + 1.0)
            raise KeyboardInterrupt

    setattr(Spoil, when, spoil)
    solution = solve(decay(), network=SMALL, steps=5, progress=False, callbacks=[Spoil()])
    plain = solve(decay(), network=SMALL, steps=1, progress=False)
    assert solution.report.outcome.ending is Ending.INTERRUPTED and solution.report.reason == "interrupted"
    assert solution.report.outcome.steps == (0 if when == "begin" else 1)
    if when != "begin":
        assert solution.history[-1]["validation"] == plain.history[-1]["validation"]
        assert solution.error() == plain.error()


def test_a_second_interrupt_is_left_to_python():
    class Always(Callback):
        """Is broken off after the second step, and again when that is evaluated."""

        def step(self, progress):
            if progress.row["step"] == 2:
                raise KeyboardInterrupt

        evaluation = step

    with pytest.raises(KeyboardInterrupt):
        solve(decay(), network=SMALL, steps=5, progress=False, callbacks=[Always()])


# -- time ---------------------------------------------------------------------------------------------------------


def test_a_step_that_would_overrun_is_not_begun():
    """Steps of one second, two and a half allowed: the third would end at three."""
    clock = Clock()
    run = ended(Stage(Slow(clock, 1.0), Fixed(30)), clock=clock, seconds=2.5)
    assert len(run.history) == 2 and clock.now == 2.0


def test_the_expected_time_grows_with_the_points():
    """The second set of points is 1000 times as large: a step of one second would take more than three."""

    class Jump(Redrawn):
        def observe(self, old, new):
            self.size = 20_000
            return True

    clock = Clock()
    run = ended(Stage(Slow(clock, 1.0), Jump(20, every=1)), clock=clock, seconds=4.0)
    assert run.outcome.ending is Ending.SECONDS and len(run.history) == 1


def test_a_first_step_that_is_hopelessly_long_is_not_begun(monkeypatch):
    """The loss on these points takes 6 seconds of the clock; a step would take many times as long."""
    clock, loss = Clock(), Objective.loss

    def slow_loss(objective):
        clock.now += 6.0
        return loss(objective)

    monkeypatch.setattr(Objective, "loss", slow_loss)
    run = trainer(clock=clock, seconds=15.0, network=partial(MLP, width=20, depth=3))
    run.run([Stage(LevenbergMarquardt(), Fixed(800))])
    assert run.outcome.ending is Ending.SECONDS and run.outcome.steps == 0
    clock.now = 0.0
    run = trainer(clock=clock, seconds=15.0, network=partial(MLP, width=20, depth=3))
    monkeypatch.setattr(Objective, "loss", loss)
    run.run([Stage(LevenbergMarquardt(), Fixed(800), steps=1)])
    assert run.outcome.steps == 1


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), MatrixFree()])
def test_a_step_is_cut_where_the_time_is_up_and_the_parameters_are_those_before(optimizer, monkeypatch):
    """The clock goes on at each question to the objective, so that the first step of a stage ends in its middle."""
    whole = ended(Stage(optimizer, Fixed(30), steps=2))
    clock = Clock()

    def hurry(progress):
        if progress.row["step"] == 2:
            clock.tick = 0.3

    begun, step = [], type(optimizer).step
    monkeypatch.setattr(type(optimizer), "step", lambda self, objective: [begun.append(1), step(self, objective)][1])
    run = trainer(clock=clock, seconds=3.0, callbacks=[hurry])
    run.run([Stage(optimizer, Fixed(30), steps=2), Stage(optimizer, Fixed(30))])
    assert run.outcome.ending is Ending.SECONDS and len(run.history) == 2 and len(begun) == 3
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


class _Every:
    """What a strategy from outside may have forgotten to define."""

    def draw(self, *given, **options):
        """Never asked."""

    def observe(self, old, new):
        """Never asked."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": LevenbergMarquardt}, r"^Stage: got optimizer=<class .*expected an object; give one such as Lev"),
        ({"optimizer": 3}, r"^Stage: got optimizer=3, expected an object"),
        ({"sampler": Fixed}, r"^Stage: got sampler=.*give one such as Growing\(RAD\(\)\)$"),
        ({"weighting": Causal}, r"^Stage: got weighting=.*give one such as Causal\(\)$"),
        ({"widening": 3}, r"^Stage: got widening=3, expected an object"),
    ],
)
def test_parts_of_a_stage_are_objects(options, message):
    with pytest.raises(TypeError, match=message):
        Stage(**{"optimizer": LevenbergMarquardt(), **options})


@pytest.mark.parametrize("every", [None, "x", 2.5, -1])
def test_a_strategy_from_outside_says_how_often_it_is_due(every):
    sampler = type("Mine", (_Every, Sampler), {"every": every, "size": 10})()
    with pytest.raises(ValueError, match=r"^Mine: got every=.*, expected an integer of at least 0; give every >= 0$"):
        Stage(LevenbergMarquardt(), sampler)
    weighting = type("Mine", (Weighting,), {"every": every, "weigh": lambda self, *given: given[1]})()
    with pytest.raises(ValueError, match=r"^Mine: got every=.*, expected an integer of at least 1; give every >= 1$"):
        Stage(LevenbergMarquardt(), weighting=Causal(weighting))
