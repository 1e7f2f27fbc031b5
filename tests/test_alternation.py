"""The loop of training and linear solves: when it corrects, when it ends, and that no answer gets worse."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Scatter, Solution, d, solve
from pinn.alternation import Alternation
from pinn.derivatives import Jets
from pinn.features import residual_norms
from pinn.features.answers import uncorrected
from pinn.features.options import Features
from pinn.features.rows import weighed_as
from pinn.model import Model
from pinn.networks import MLP, Enriched
from pinn.objective import Equations
from pinn.problems import oscillator, reaction, wave_1d
from pinn.robust import Huber
from pinn.solution.outcome import Ending
from pinn.training import Callback, Stop
from pinn.verification.certificate import certify

STEPS = 30
LIFTED = Features(fixed=False)  # windows of time carry the problem, which is trained here


@pytest.fixture(scope="module")
def corrected():
    return solve(reaction(), features=LIFTED, steps=STEPS, progress=False)


@pytest.fixture(scope="module")
def trained():
    return solve(reaction(), steps=STEPS, features=None, progress=False, certify=False)


def test_corrections_gain_decades(corrected, trained):
    assert corrected.error() < 0.1 * trained.error()
    taken = [one for one in corrected.report.outcome.contributions if one.taken]
    assert [one.kind for one in taken][-2:] == ["neurons over the network", "training"]


def test_training_takes_the_same_steps_with_and_without_corrections(corrected, trained):
    *steps, answer = corrected.history.column("loss").tolist()
    assert steps == trained.history.column("loss").tolist() and math.isnan(answer)
    last = corrected.history[-1]
    assert last["answer"] == 1 and last["error"] == corrected.report.error < 0.1 * corrected.history[-2]["error"]
    assert last["validation"] == corrected.report.loss and last["seconds"] >= corrected.history[-2]["seconds"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits(corrected):
    again = solve(reaction(), features=LIFTED, steps=STEPS, progress=False)
    assert again(x=1.0, t=0.5) == corrected(x=1.0, t=0.5)
    assert again.report.outcome.contributions == corrected.report.outcome.contributions


def test_the_certificate_of_a_corrected_answer_is_honest(corrected):
    assert 0.5 < corrected.certificate.error / corrected.error() < 50


def test_further_solves_of_the_certificate_would_say_no_more_of_a_corrected_answer(corrected):
    """Over three seeds all of them say 0.5, 0.9 and 1.1 of what the certificate does, which has made one."""
    further = certify(Equations(corrected.model, Jets()))
    assert further.carried > 0.5
    assert further.error < 2 * corrected.certificate.error


def test_a_corrected_answer_is_an_ordinary_one(corrected, tmp_path):
    corrected.save(tmp_path / "reaction.pt")
    again = Solution.load(tmp_path / "reaction.pt", reaction())
    x = np.linspace(0, 6, 7)
    np.testing.assert_array_equal(again(x=x, t=0.5), corrected(x=x, t=0.5))
    further = solve(reaction(), features=LIFTED, start=again, steps=2, progress=False, certify=False)
    assert further.error() <= 1.01 * corrected.error()


def test_what_is_beneath_a_correction_is_the_trained_network(corrected, trained):
    beneath = uncorrected(corrected.model)
    assert isinstance(corrected.model.network, Enriched) and isinstance(beneath.network, MLP)
    assert all(parameter.requires_grad for parameter in beneath.parameters())
    points = reaction().domain.sample(5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(beneath(points.x), trained.model(points.x))


def test_the_answer_is_the_better_one_on_fresh_points(corrected, trained):
    rivals = [weighed_as(Equations(one.model, Jets()), one.model) for one in (trained, corrected)]
    before, after = residual_norms(rivals, 500, 0.0, torch.Generator().manual_seed(9))
    assert after < 0.1 * before


def test_a_tolerance_is_the_error_and_ends_the_run():
    solution = solve(reaction(), tolerance=1e-5, progress=False)
    assert solution.report.outcome.ending is Ending.TOLERANCE
    assert solution.error() < 1e-5
    assert solution.certificate.error < 1e-5


def test_an_affine_problem_needs_no_training_and_ends_by_itself():
    solution = solve(oscillator(), progress=False)
    outcome = solution.report.outcome
    assert outcome.ending is Ending.STATIONARY and outcome.steps == 0
    assert solution.error() < 1e-12
    assert [one.kind for one in outcome.contributions] == ["fixed neurons"]


@pytest.mark.parametrize("seed", [0, 1])
def test_where_features_carry_nothing_it_is_what_solves_in_a_row_claim(seed):
    """Windows of time leave 3e-13 of the wave; features that make what is left larger said 1.3e-10 with seed 1."""
    problem = wave_1d()
    solution = solve(replace(problem, reference=None), steps=10, seed=seed, progress=False, verify=False)
    error = Solution(problem, solution.model).error()
    assert solution.report.outcome.contributions[-1].kind == "fixed neurons"
    assert error / 10 < solution.certificate.error < 1e-11


def test_who_names_a_network_sees_it_trained():
    solution = solve(oscillator(), network=partial(MLP, width=10, depth=2), steps=3, progress=False, certify=False)
    assert solution.report.outcome.steps == 3
    solution = solve(oscillator(), features=Features(fixed=False), steps=3, progress=False, certify=False)
    assert solution.report.outcome.steps == 3


def test_an_interruption_returns_the_best_answer(corrected):
    class Interrupting(Callback):
        def step(self, progress) -> Stop | None:
            if progress.row["step"] == STEPS - 1:
                raise KeyboardInterrupt
            return None

    solution = solve(reaction(), features=LIFTED, callbacks=[Interrupting()], progress=False, certify=False)
    assert solution.report.outcome.ending is Ending.INTERRUPTED
    assert solution.error() < 1e-4


def test_what_the_loop_remembers_can_be_copied_and_pickled():
    problem = oscillator()
    model = Model(problem, partial(MLP, width=8, depth=2), generator=torch.Generator().manual_seed(0))
    loop = Alternation(Equations(model, Jets()), features=Features())
    plain = {name: value for name, value in vars(loop).items() if name not in ("equations", "watch", "clock")}
    assert pickle.loads(pickle.dumps(plain))["following"] == copy.deepcopy(plain)["following"] == 0.0


def test_seconds_that_a_clock_tells_end_training_for_a_last_correction():
    problem = reaction()
    model = Model(problem, partial(MLP, width=8, depth=2), generator=torch.Generator().manual_seed(0))
    loop = Alternation(Equations(model, Jets()), seconds=10.0, started=0.0, clock=lambda: 4.0)
    assert loop.left == 6.0
    assert loop.allowed(math.inf) < 6.0 * loop.pace
    loop.clock = lambda: 11.0
    assert loop.allowed(1e9) == 0.0


def test_no_share_is_refused():
    with pytest.raises(ValueError, match="Features: got share=0"):
        Features(share=0)


def robust():
    """Growth seen by one who may be wrong at times."""
    line, seen = Box(t=(0, 1)), Scatter({"t": [0.0, 0.5, 1.0]}, {"seen": [1.0, 1.6, 2.7]})
    data = Constraint(lambda u, seen: u - seen, on=seen, robust=Huber())
    return Problem(line, ["u"], {"equation": Constraint(lambda u, t: d(u, t) - u, on=line), "data": data})


@pytest.mark.parametrize(
    ("problem", "options", "why"),
    [
        (robust(), {}, "the data have noise"),
        (oscillator(), {"features": None}, "none were asked for"),
        (oscillator(), {}, "the run was too short for one of 150 neurons"),
    ],
)
def test_the_report_says_why_an_answer_was_not_corrected(problem, options, why):
    network = partial(MLP, width=4, depth=1)
    report = solve(problem, network=network, steps=1, certify=False, progress=False, **options).report
    assert report.outcome.uncorrected == why and f"not corrected by linear solves: {why}" in str(report)
    assert report.as_dict()["uncorrected"] == why
