"""A run's account of itself: measured on points it never saw, and suspicious where there is reason to be."""

import json
import math
from dataclasses import FrozenInstanceError, replace
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, d
from pinn.derivatives import Autograd, EngineChoice, Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.problem import CONDITION_WEIGHT
from pinn.reference import Analytic
from pinn.scales import Scales, unit_scales
from pinn.solution import History, Solution
from pinn.solution.noise import NoiseEstimate
from pinn.solution.outcome import Ending, Outcome
from pinn.solution.report import Report
from pinn.verification import VerificationTable
from pinn.verification.finding import Finding, Kind

LINE = Box(x=(0, 1))


def growth(ansatz=None, reference=True, weight=None):
    """u' = u, u(0) = 1."""
    return Problem(
        LINE,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x) - u, on=LINE),
            "start": Constraint(lambda u: u - 1, on=LINE.face(x=0), weight=weight),
        },
        ansatz={} if ansatz is None else {"u": ansatz},
        reference=Analytic(lambda x: torch.exp(x)) if reference else None,
        name="growth",
    )


def history(losses, fresh=None):
    fresh = losses if fresh is None else fresh
    return History(
        [
            {"step": step + 1, "seconds": float(step), "loss": a, "validation": b}
            for step, (a, b) in enumerate(zip(losses, fresh, strict=True))
        ]
    )


def report(problem, rows=None, engine=None, **options):
    model = Model(
        problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0), scales=unit_scales(problem)
    )
    solution = Solution(problem, model, rows)
    return Report.of(solution, Equations(model, engine or Autograd()), **options)


def test_the_exact_solution_is_trusted():
    made = report(growth(lambda u, x: torch.exp(x) + 0 * u), history(np.logspace(0, -30, 31)))
    assert made.trusted and made.error == 0.0 and made.steps == 31 and made.seconds == 30.0
    assert all(one.rms < 1e-15 for one in made.constraints)
    text = str(made)
    assert text.startswith("growth: trusted to a relative error of 0.0e+00\n") and "30.0 s, 31 steps" in text
    assert made.warnings == () and made.verdict == "trusted"


def test_residuals_are_those_of_the_equation():
    # u = 1 + x + x²/2: u' − u = −x²/2, with mean square 1/20 and the largest at x = 1.
    made = report(growth(lambda u, x: 1 + x + 0.5 * x**2 + 0 * u))
    equation, start = made.constraints
    assert equation.rms == pytest.approx(math.sqrt(1 / 20), rel=1e-2)
    assert equation.largest == pytest.approx(0.5, rel=1e-2) and equation.where["x"] == pytest.approx(1, abs=1e-2)
    # Its largest term is the mean of u, 1 + 1/2 + 1/6; u' has a root mean square of 1.53.
    assert equation.fraction_of_loss == pytest.approx(1)
    assert equation.relative == pytest.approx(math.sqrt(1 / 20) / (5 / 3), rel=1e-2)
    assert start.rms == 0 and start.relative == 0
    assert made.loss == pytest.approx(0.5 / 20, rel=1e-2)
    # Half of ∫x⁴ lies beyond (1/2)^(1/5) = 0.8706.
    assert equation.concentrated["x"] == pytest.approx((0.5**0.2, 1), abs=1e-2)
    assert "half of the squared residual of 'equation' lies in 0.8" in str(made)
    at_once = replace(made, constraints=(replace(equation, concentrated={"x": (0.99001, 0.99002)}), start))
    assert "half of the squared residual of 'equation' lies at x = 0.99\n" in str(at_once)


def test_a_trivial_solution_is_called_one():
    made = report(growth(lambda u, x: 0 * u))
    assert made.verdict == "equation not satisfied"
    assert made.warnings[0] == "u is (nearly) constant"
    assert made.warnings[1] == "'start' is violated: its residual is all of its own terms, the largest at x = 0"


def test_a_condition_left_behind_is_named():
    box = Box(x=(0, 1))
    problem = Problem(
        box,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x) - 1, on=box),
            "start": Constraint(lambda u: u - 1, on=box.face(x=0)),
        },
        ansatz={"u": lambda u, x: 1.1 + x + 0 * u},
    )
    made = report(problem)
    assert made.judgement.advice == f"raise the weight of 'start' (now {CONDITION_WEIGHT:g})"


def test_overfitting_and_a_run_cut_short_are_named():
    losses, cut = np.logspace(0, -6, 61), Outcome(Ending.SECONDS, "time is up")
    far = growth(lambda u, x: 1 + x + 0.5 * x**2 + 0 * u)
    made = report(far, history(losses, 100 * losses), outcome=cut)
    assert made.verdict == "not converged" and made.judgement.advice == "more time would help"
    assert any(warning.startswith("the loss still fell, from 1.0e-01 to 1.0e-04") for warning in made.warnings)
    made = report(far, history(losses, 100 * losses))
    assert made.judgement.advice.startswith("give it more points")
    assert "100 times that on the points trained on" in " ".join(made.warnings)
    # What is right is right, however it was found.
    assert report(growth(lambda u, x: torch.exp(x) + 0 * u), history(losses, 100 * losses), outcome=cut).trusted


def test_nothing_finite_is_said_first():
    made = report(growth(lambda u, x: u / torch.zeros_like(x)))
    assert made.verdict == "numbers failed"
    assert made.warnings[0] == "'equation' gives numbers that are not finite"


def test_it_is_a_value_and_goes_to_json():
    made = report(growth(reference=False), history([1.0, 1e-3]))
    with pytest.raises(FrozenInstanceError):
        made.error = 0.0
    content = json.loads(json.dumps(made.as_dict()))
    assert content["error"] is None and set(content["constraints"]) == {"equation", "start"}
    assert "no reference" in str(made)


def test_the_engine_of_the_derivatives_is_named_in_one_line():
    for engine, name in ((Jets(), "jets"), (Autograd(), "autograd")):
        made = report(growth(), engine=engine)
        assert made.engines == dict.fromkeys(("equation", "start"), EngineChoice(name))
        assert f"\nderivatives by {name}\n" in str(made)
        assert made.as_dict()["engines"]["start"] == {"engine": name, "reason": ""}


def test_a_constraint_that_left_its_engine_is_named_with_the_reason():
    problem = Problem(
        LINE,
        ["u"],
        {
            "equation": Constraint(lambda u, x: d(u, x) - u, on=LINE),
            "start": Constraint(lambda u: torch.cumsum(u, 0) - u, on=LINE.face(x=0)),
        },
    )
    made = report(problem, engine=Jets())
    assert made.engines["equation"] == EngineChoice("jets")
    reason = made.engines["start"].reason
    assert made.engines["start"].engine == "autograd" and "cumsum" in reason
    said = [line for line in str(made).splitlines() if line.startswith("derivatives")]
    assert said == [f"derivatives of 'start' by autograd: {reason}"]
    assert json.loads(json.dumps(made.as_dict()))["engines"]["start"] == {"engine": "autograd", "reason": reason}


def test_what_was_found_before_training_is_told_once():
    corner = Finding(Kind.CORNER, "'start' and 'wall' do not meet", "mend the values", ("start", "wall"), certain=False)
    check = VerificationTable((), (corner,))
    made = report(growth(lambda u, x: torch.exp(x) + 0 * u), history(np.logspace(0, -30, 31)), check=check)
    assert made.trusted and made.stated == (corner,)
    for text in (str(made), made.markdown(), made.html().replace("&#x27;", "'")):
        assert text.count("as stated: 'start' and 'wall' do not meet; mend the values") == 1
    assert json.loads(json.dumps(made.as_dict()))["stated"] == [str(corner)]
    wrong = report(growth(lambda u, x: 1.5 + 0 * u), check=check)
    assert wrong.judgement.evidence.count(corner.what) == str(wrong).count(corner.what) == 1


def test_the_noise_of_the_data_is_shown():
    problem = growth(lambda u, x: torch.exp(x) + 0 * u)
    model = Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))
    noise = NoiseEstimate({"data": (0.0123, 0.5)}, {"data": 1.04}, {"data": 12}, {"q is smooth": 1.5e-4})
    made = Report.of(Solution(problem, model, noise=noise), Equations(model, Autograd()))
    for text in (str(made), made.markdown(), made.html()):
        assert all(one in text for one in ("0.0123, 0.5", "1.04", "12", "q is smooth", "0.00015"))
    assert made.as_dict()["noise"]["held_out"] == {"data": 12}
    assert "noise" not in str(report(problem))


def test_shifts_and_sizes_that_a_run_was_scaled_by_are_shown():
    problem = growth(lambda u, x: torch.exp(x) + 0 * u)
    model = Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))
    object.__setattr__(model, "scales", Scales({"u": (298.0, 21.5)}, {"equation": (5.25e6,), "start": (7.5,)}, {}))
    made = Report.of(Solution(problem, model), Equations(model, Autograd()))
    for text in (str(made), made.markdown(), made.html()):
        assert all(one in text for one in ("298", "21.5", "5.25e+06", "7.5"))
    assert made.as_dict()["scales"]["outputs"] == {"u": [298.0, 21.5]}
