"""Callbacks see a run and may stop it; whatever they do, its numbers stay."""

import pytest
import torch

from pinn import Solution, solve
from pinn.training import Callback, Ending, Stop
from tests.training.runs import SMALL, decay, digest


def run(*callbacks, **options):
    return solve(decay(), network=SMALL, progress=False, callbacks=callbacks, **{"steps": 6, **options})


class Witness(Callback):
    """Writes down what it is called with."""

    def __init__(self):
        self.calls, self.answers = [], []

    def begin(self, progress):
        self.calls.append(("begin", len(progress.history)))
        self.answers.append(progress.solution())

    def step(self, progress):
        self.calls.append(("step", progress.row["step"]))

    def evaluation(self, progress):
        self.calls.append(("evaluation", progress.row["step"]))
        self.answers.append(progress.solution())

    def end(self, progress):
        self.calls.append(("end", progress.row["step"]))
        self.answers.append(progress.solution())


def test_a_callback_sees_beginning_steps_evaluations_and_end():
    """Evaluations come with the work done, before `step`; that made because the run ends comes after it."""
    witness = Witness()
    run(witness, steps=3)
    assert witness.calls == [
        ("begin", 0),
        ("evaluation", 1),
        ("step", 1),
        ("step", 2),
        ("step", 3),
        ("evaluation", 3),
        ("end", 3),
    ]


def test_the_solution_so_far_is_the_best_answer_on_its_own():
    witness = Witness()
    solution = run(witness, features=None)
    assert all(isinstance(one, Solution) for one in witness.answers)
    best = [min(row["validation"] for row in one.history if "validation" in row) for one in witness.answers[1:]]
    assert best == sorted(best, reverse=True)
    assert witness.answers[-1].error() == solution.error() < witness.answers[0].error()
    assert witness.answers[-1].model is not solution.model
    assert witness.answers[-1].problem is solution.problem


@pytest.mark.slow
def test_a_run_is_the_same_bits_whoever_watches():
    def meddle(progress):
        with torch.no_grad():
            for parameter in progress.objective.parameters():
                parameter += 1.0
        progress.row.clear()

    alone = digest(run())
    assert digest(run(Witness())) == alone
    assert digest(run(lambda progress: progress.solution().error())) == alone
    assert digest(run(meddle)) == alone
    assert digest(run(meddle, meddle)) == alone


def test_what_one_callback_writes_neither_the_run_nor_another_sees():
    """Parameters, row and history are shown to each as they are, whoever came before."""
    seen = []

    def zero(progress):
        seen.append((progress.objective.vector().tolist(), dict(progress.row), len(progress.history)))
        seen[-1] += ([dict(row) for row in progress.history],)
        progress.objective.assign(torch.zeros_like(progress.objective.vector()))
        progress.row.clear()
        for row in progress.history:
            row.update(dict.fromkeys(row, 0.0))
        progress.history.rows.clear()

    assert digest(run(zero, zero)) == digest(run())
    assert len(seen) == 12 and seen[::2] == seen[1::2]
    assert [one[2] for one in seen[::2]] == [1, 2, 3, 4, 5, 6]
    assert all(any(one[0]) and one[3][-1] == one[1] for one in seen)


def test_the_history_is_that_of_the_call():
    kept = []
    run(kept.append)
    assert [len(progress.history) for progress in kept] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("when", ["begin", "step", "evaluation"])
def test_a_callback_stops_the_run_after_the_step(when):
    class Enough(Callback):
        pass

    setattr(Enough, when, lambda self, progress: Stop(f"enough at {when}"))
    solution = run(Enough())
    outcome = solution.report.outcome
    assert outcome.ending is Ending.STOPPED and str(outcome) == solution.report.reason == f"enough at {when}"
    assert outcome.steps == (0 if when == "begin" else 1)
    assert "validation" in solution.history[-1]


def test_a_function_stops_the_run_with_the_answer_evaluated():
    solution = run(lambda progress: Stop("three") if progress.row["step"] == 3 else None)
    assert solution.report.outcome.steps == 3 and "validation" in solution.history[-1]
    assert digest(run(steps=3)) != digest(solution)  # the reason differs, and nothing else
    assert solution.history.column("loss").tolist() == run(steps=3).history.column("loss").tolist()


@pytest.mark.parametrize("wrong", [[3], ["print"], [Witness], 5])
def test_what_is_no_callback_is_refused_before_training(wrong):
    with pytest.raises(TypeError, match=r"callbacks.*, expected a"):
        solve(decay(), network=SMALL, callbacks=wrong)
