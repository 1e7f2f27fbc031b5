"""The verdict: the gravest finding alone, with its evidence, for each kind of run."""

import itertools
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Unknown, d
from pinn.domains import Scatter
from pinn.networks import MLP
from pinn.solution import History
from pinn.solution.findings import Findings, Known
from pinn.solution.outcome import Ending, Outcome
from pinn.solution.residuals import ConstraintReport
from pinn.solution.verdict import Judgement, Verdict, judge
from pinn.solver import solve
from pinn.verification.band import Band
from pinn.verification.certificate import Certificate, Direction
from pinn.verification.correction import Correction
from pinn.verification.finding import Finding, Kind

TIME, LINE = Box(t=(0, 2)), Box(x=(0, 1))
SMALL = partial(MLP, width=10, depth=2)


def problem(domain, outputs, constraints, **options):
    return Problem(domain, outputs, {name: Constraint(f, on=on) for name, (f, on) in constraints.items()}, **options)


def decay(**options):
    return problem(
        TIME,
        ["u"],
        {"equation": (lambda u, t: d(u, t) + u, TIME), "start": (lambda u: u - 1, TIME.face(t=0))},
        **options,
    )


def judged(given, steps=40, **options):
    options = {"network": SMALL, "progress": False, "verify": False} | options
    return solve(given, steps=steps, **options).report


def history(losses):
    rows = [{"step": i + 1, "seconds": 0.0, "loss": loss, "validation": loss} for i, loss in enumerate(losses)]
    return History(rows)


def left(equation=1e-8, start=1e-8, **more):
    return tuple(
        ConstraintReport(name, relative, relative, {"t": 0.0}, 0.5, relative, **more)
        for name, relative in (("equation", equation), ("start", start))
    )


def certificate(error=1e-8, carried=1e-2, undetermined=(), **more):
    return Certificate(error, {"u": error}, carried, 1.0, undetermined, 10 * error, **more)


FALLING, FLAT = history(np.logspace(0, -9, 60)), history(np.concatenate([np.logspace(0, -3, 20), np.full(60, 1e-3)]))
KNOWN = Correction({}, {}, {})
CUT, STOOD = Outcome(Ending.STEPS, "60 steps taken"), Outcome(Ending.PATIENCE, "it stands still")


def seen(**options):
    return Findings(**{"problem": decay(), "constraints": left(), "loss": 1e-16, "history": FALLING} | options)


@pytest.mark.parametrize(
    ("quadrature", "error", "outcome", "verdict", "advised"),
    [
        (0.0, 0.2, CUT, Verdict.NOT_CONVERGED, "more steps would help"),
        (0.29, 0.2, CUT, Verdict.NOT_SATISFIED, "nodes=64 in place of 32"),
        (0.29, 0.2, STOOD, Verdict.NOT_SATISFIED, "nodes=64 in place of 32"),
        (0.1, 0.2, STOOD, Verdict.NOT_SATISFIED, "check 'equation'"),
    ],
)
def test_integrals_that_are_not_resolved_want_nodes(quadrature, error, outcome, verdict, advised):
    """More steps and larger networks solve the sum, not the integral."""
    measured = left(equation=0.3, nodes=32, quadrature=quadrature)
    found = judge(seen(constraints=measured, loss=1e-2, certificate=certificate(error), outcome=outcome))
    assert found.verdict is verdict and advised in found.advice and found.advice not in found.evidence
    assert any("more nodes" in one for one in found.evidence) == ("nodes" in advised)


@pytest.mark.parametrize(("error", "trusted"), [(0.2, False), (0.02, True), (1e-4, True)])
def test_nodes_are_advised_where_constraints_are_met_and_the_error_is_not_small(error, trusted):
    measured = left(equation=0.03, nodes=32, quadrature=0.03)
    found = judge(seen(constraints=measured, certificate=certificate(error), outcome=STOOD, history=FLAT))
    assert found.trusted == trusted
    assert ("nodes=64" in found.advice) == (error > 1e-2)


# -- each verdict from what was measured -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "verdict", "advice"),
    [
        ({"certificate": certificate()}, Verdict.TRUSTED, ""),
        ({"known": Known(1e-6, outputs={"u": 1e-6})}, Verdict.TRUSTED, ""),
        ({"certificate": certificate(0.03), "outcome": CUT}, Verdict.TRUSTED, "more steps would help"),
        ({"certificate": certificate(1e-3), "outcome": CUT}, Verdict.TRUSTED, ""),
        ({"certificate": certificate(0.3), "outcome": CUT}, Verdict.NOT_CONVERGED, "more steps would help"),
        ({"certificate": certificate(0.3), "outcome": STOOD, "history": FLAT}, Verdict.NOT_CONVERGED, "take another"),
        ({"certificate": certificate(0.02, 0.7), "outcome": STOOD}, Verdict.NOT_CONVERGED, "take another"),
        ({"certificate": certificate(0.03, 0.4), "outcome": CUT}, Verdict.NOT_CONVERGED, "more steps would help"),
        ({"certificate": certificate(1e-3, 0.99)}, Verdict.TRUSTED, ""),
        ({"certificate": replace(certificate(1e-3, 0.99), bound=1.0)}, Verdict.NOT_CONVERGED, "check that"),
        ({"constraints": left(0.3), "outcome": CUT}, Verdict.NOT_CONVERGED, "more steps would help"),
        (
            {
                "constraints": left(0.3),
                "outcome": CUT,
                "history": FLAT,
                "certificate": replace(certificate(0.3), correction=KNOWN),
            },
            Verdict.NOT_CONVERGED,
            "more steps would help",
        ),
        (
            {"outcome": CUT, "history": FLAT, "certificate": replace(certificate(0.3), correction=KNOWN)},
            Verdict.NOT_CONVERGED,
            "more steps would help",
        ),
        ({"constraints": left(0.3), "outcome": STOOD}, Verdict.NOT_SATISFIED, "check 'equation' as it is written"),
        ({"constraints": left(1e-6, 0.3), "outcome": STOOD}, Verdict.NOT_SATISFIED, "raise the weight of 'start'"),
        (
            {"constraints": left(0.3, 0.3), "outcome": STOOD, "certificate": certificate(1e-3, 0.99)},
            Verdict.CONTRADICTORY,
            "'equation' and 'start' do not hold together",
        ),
        (
            {"constraints": left(0.3, 0.3), "outcome": STOOD, "certificate": certificate(1.0)},
            Verdict.NOT_SATISFIED,
            "check",
        ),
        ({"constraints": left(0.3), "certificate": certificate(1e-6)}, Verdict.TRUSTED, ""),
        ({"loss": math.nan, "constraints": left(math.nan)}, Verdict.FAILED, "check the equation"),
        ({"outcome": Outcome(Ending.NOT_FINITE, "the loss is nan")}, Verdict.FAILED, "check the equation"),
        ({"outcome": Outcome(Ending.NOT_FINITE, "nan"), "certificate": certificate()}, Verdict.TRUSTED, ""),
        ({"certificate": certificate(), "known": Known(2.0)}, Verdict.WRONG_REFERENCE, "check the reference"),
        ({"certificate": certificate(1e-3), "known": Known(0.06)}, Verdict.NOT_CONVERGED, "take another"),
        ({"certificate": certificate(), "known": Known(1e-4)}, Verdict.TRUSTED, ""),
        ({"certificate": certificate(), "known": Known(fault="it gives nan")}, Verdict.WRONG_REFERENCE, "correct"),
        ({}, Verdict.UNKNOWN_ERROR, "let solve make a certificate"),
    ],
)
def test_one_verdict_and_one_advice(options, verdict, advice):
    found = judge(seen(**options))
    assert found.verdict is verdict, found
    assert found.advice.startswith(advice) and bool(found.advice) == bool(advice)
    assert found.evidence and found.trusted == (verdict is Verdict.TRUSTED)
    consistent(found)


def consistent(found):
    """No sentence praises what another condemns, and more time is never advised where it would not help."""
    said = " ".join((*found.evidence, found.advice))
    assert not ("more" in found.advice and "no longer falls" in said)
    assert not ("satisfies" in said and "is violated" in said)
    assert not (found.trusted and "is violated" in said)
    assert len(set(found.evidence)) == len(found.evidence)


def test_every_combination_of_findings_is_consistent():
    options = {
        "certificate": [None, certificate(), certificate(0.3), certificate(1e-3, 0.95)],
        "known": [Known(), Known(1e-7), Known(0.5), Known(fault="it gives nan")],
        "constraints": [left(), left(0.3), left(0.3, 0.3), left(1e-3, 1.0)],
        "outcome": [None, CUT, STOOD],
        "history": [FALLING, FLAT, history([1.0])],
    }
    for values in itertools.product(*options.values()):
        found = judge(seen(**dict(zip(options, values, strict=True))))
        consistent(found)
        if found.trusted:
            assert found.error is not None and found.error <= 0.05
        else:
            assert found.advice
        if "more" in found.advice and "would help" in found.advice:
            assert found.error is None or found.error > 1e-2


def test_the_error_is_the_larger_of_estimate_and_reference_and_never_below_the_reference_s_own():
    assert judge(seen(known=Known(1e-9, 1e-6), certificate=certificate())).error == 1e-6
    assert judge(seen(known=Known(1e-4), certificate=certificate())).error == 1e-4
    assert judge(seen(certificate=certificate(1e-3, 0.7))).error == 1e-3
    far = judge(seen(known=Known(1e-4), certificate=certificate()))
    assert any("the reference is further away than the estimate says" in one for one in far.evidence)


def test_a_direction_that_no_constraint_sees_is_named_with_the_cure():
    free = Direction(1e-6, {"u": 1.0}, {"t": (1.5, 2.0)})
    found = judge(seen(certificate=certificate(undetermined=(free,))))
    assert found.verdict is Verdict.NOT_DETERMINED
    assert found.evidence[0] == str(free) and "1.5 … 2" in found.evidence[0]
    assert found.advice.startswith("add a condition or data for u")
    together = Direction(1e-6, {}, {}, {"a": 0.45, "c": 0.89}, {"a": 0.045, "c": 0.444})
    found = judge(seen(certificate=certificate(undetermined=(together,))))
    assert "only c − 9.87 a is determined" in found.evidence[0]
    assert "a or c" in found.advice


def test_what_is_missing_by_name_is_said_instead_of_a_direction():
    named = Direction(
        1e-6, {"u": 1.0}, what="a condition is missing: u at t = 0", cure="add a constraint that gives it"
    )
    found = judge(seen(certificate=certificate(undetermined=(named,))))
    assert found.verdict is Verdict.NOT_DETERMINED
    assert (found.evidence, found.advice) == ((named.what,), named.cure)


MISSING = {
    certain: Finding(
        Kind.MISSING_CONDITION, "a condition is missing", "add a constraint that gives it", ("u",), certain
    )
    for certain in (True, False)
}


@pytest.mark.parametrize("certain", [True, False])
def test_what_was_missing_before_training_holds_until_the_certificate_refutes_it(certain):
    stated = (MISSING[certain],)
    without = judge(seen(stated=stated))
    assert without.verdict is Verdict.NOT_DETERMINED
    assert (without.evidence, without.advice) == (("a condition is missing",), "add a constraint that gives it")
    assert judge(seen(stated=stated, certificate=certificate())).trusted
    assert Findings(**vars(seen(stated=stated, certificate=certificate()))).standing == ()
    weak = Certificate(1e-8, {"u": 1e-8}, 1e-2, 1e-5, (), 1e-3)
    assert judge(seen(stated=stated, certificate=weak)).trusted is not certain


def test_a_suspicion_does_not_outweigh_a_reference():
    known = Known(1e-6, outputs={"u": 1e-6})
    assert judge(seen(stated=(MISSING[False],), known=known)).trusted
    assert judge(seen(stated=(MISSING[True],), known=known)).verdict is Verdict.NOT_DETERMINED


def test_conditions_that_contradict_each_other_are_said_where_one_is_violated():
    clash = Finding(Kind.CONTRADICTORY, "'start' and 'other' prescribe different values", "take one away", ("start",))
    found = judge(seen(stated=(clash,), constraints=left(1e-8, 0.5), outcome=CUT))
    assert found.verdict is Verdict.CONTRADICTORY and found.advice == "take one away"
    assert found.evidence[0] == clash.what and found.evidence[1].startswith("'start' is violated")
    assert judge(seen(stated=(clash,), certificate=certificate())).trusted


def test_conditions_that_do_not_meet_are_evidence_where_there_is_an_error():
    corner = Finding(Kind.CORNER, "'start' and 'wall' do not meet", "mend the values", ("start", "wall"), certain=False)
    assert corner.what in judge(seen(stated=(corner,), constraints=left(1e-8, 0.5))).evidence
    assert corner.what not in judge(seen(stated=(corner,), constraints=left(0.5))).evidence
    assert corner.what in judge(seen(stated=(corner,), certificate=certificate(0.3))).evidence
    assert corner.what not in judge(seen(stated=(corner,), certificate=certificate())).evidence


def test_far_from_an_answer_nothing_is_said_of_the_problem():
    free = Direction(1e-6, {"u": 1.0})
    options = {"certificate": certificate(1.0, undetermined=(free,)), "constraints": left(0.5)}
    assert judge(seen(**options, outcome=CUT)).verdict is Verdict.NOT_CONVERGED
    found = judge(seen(**options, outcome=STOOD))
    assert found.verdict is Verdict.NOT_DETERMINED and found.evidence[1].startswith("'equation' is violated")


def test_an_unknown_is_judged_by_its_size_and_by_the_noise():
    inverse = decay(coefficients={"k": Unknown(1.0)})
    options = {"problem": inverse, "coefficients": {"k": 2.0}}
    found = judge(seen(**options, certificate=certificate(coefficient_errors={"k": 0.3})))
    assert found.verdict is Verdict.NOT_CONVERGED and "the relative error of k is 30%" in found.evidence
    # What is zero is right to its size, and not to its value.
    zero = {"problem": inverse, "coefficients": {"k": 1e-9}}
    assert judge(seen(**zero, certificate=certificate(coefficient_errors={"k": 1.0}))).trusted
    noise = certificate(coefficient_errors={"k": 0.3}, standard_errors={"k": 0.5})
    measured = (*left(), ConstraintReport("data", 0.1, 0.1, {}, 0.5, 0.3, noise=1.0))
    found = judge(seen(**options, certificate=noise, constraints=measured))
    assert found.trusted and "the noise leaves k uncertain: 2 ± 0.5 (one standard error)" in found.evidence
    assert found.error == 0.25 and "noise of the data apart" in found.evidence[0]


# -- and from short runs ---------------------------------------------------------------------------------------------


def test_what_noise_leaves_of_fields_and_outputs_is_said():
    band = Band({"t": torch.tensor([0.0, 2.0])}, torch.tensor([0.3, 0.5]))
    noise = certificate(noise_errors={"u": 0.02, "q": 0.4}, bands={"q": band})
    measured = (*left(), ConstraintReport("data", 0.1, 0.1, {}, 0.5, 0.3, noise=1.0))
    found = judge(seen(certificate=noise, constraints=measured))
    assert found.trusted and found.error == 0.02
    assert found.evidence[0] == "the noise leaves q known only to 40% of its size: ± 0.3 (one standard error)"
    assert "the noise leaves a relative error of 2.0e-02 in the outputs" in found.evidence


def test_a_reference_may_be_as_far_as_noise_brings_the_answer():
    measured = (*left(), ConstraintReport("data", 0.1, 0.1, {}, 0.5, 0.3, noise=1.0))
    for error, trusted in ((0.1, True), (0.3, False)):
        options = {"known": Known(error=error, outputs={"u": error}), "constraints": measured}
        assert judge(seen(certificate=certificate(noise_errors={"u": 0.05}), **options)).trusted is trusted


def test_a_homogeneous_equation_is_judged_by_its_own_terms():
    wave = Box(t=(0, 6))
    constraints = {
        "equation": (lambda u, t: d(u, t, t) + u, wave),
        "start": (lambda u: u - 1, wave.face(t=0)),
        "rest": (lambda u, t: d(u, t), wave.face(t=0)),
    }
    made = judged(problem(wave, ["u"], constraints, reference=lambda t: np.cos(t)), 60)
    assert made.trusted and made.error < 1e-4
    assert all(one.relative is not None and one.relative < 1e-3 for one in made.constraints)


def test_units_of_equation_and_output_do_not_change_the_verdict():
    def run(size, shift, factor):
        return judged(
            problem(
                TIME,
                ["u"],
                {
                    "equation": (lambda u, t: factor * (d(u, t) + (u - shift)), TIME),
                    "start": (lambda u: u - (shift + size), TIME.face(t=0)),
                },
                ansatz={"u": lambda u, t: shift + size * torch.exp(-1.1 * t) + 0 * u},
            ),
            1,
        ).constraints

    plain, other = run(1.0, 0.0, 1.0), run(20.0, 298.0, 1e6)
    for one, two in zip(plain, other, strict=True):
        assert two.relative == pytest.approx(one.relative, rel=1e-6)


@pytest.mark.parametrize("prescribed", [lambda x: 0 * x + 3, lambda x: x, lambda x: 1e6 + x])
def test_where_every_term_vanishes_rounding_is_no_violation(prescribed):
    ends = LINE.face(x=0) | LINE.face(x=1)
    laplace = {"equation": (lambda u, x: d(u, x, x), LINE), "ends": (lambda u, x: u - prescribed(x), ends)}
    ansatz = {"u": lambda u, x: prescribed(x) + 1e-9 * torch.sin(9 * x) + 0 * u}
    made = judged(problem(LINE, ["u"], laplace, ansatz=ansatz), 1)
    assert all(one.relative < 1e-4 for one in made.constraints)


@pytest.mark.slow
def test_a_condition_that_is_missing_is_named_by_a_run():
    constraints = {
        "equation": (lambda u, t: d(u, t, t) + 4 * u, TIME),
        "start": (lambda u: u - 1, TIME.face(t=0)),
    }
    for options in ({"verify": False}, {"verify": True, "certify": False}, {"verify": True}):
        made = judged(problem(TIME, ["u"], constraints), 10, **options)
        assert made.verdict == "not determined"
        assert made.judgement.evidence[0].startswith("a condition is missing: u_t at t = 0")
        assert made.judgement.advice == "add a constraint that gives it"


def test_zero_that_satisfies_everything_is_no_answer():
    ends = LINE.face(x=0) | LINE.face(x=1)
    made = judged(
        problem(
            LINE,
            ["psi"],
            {"equation": (lambda psi, x: d(psi, x, x) + math.pi**2 * psi, LINE), "ends": (lambda psi: psi, ends)},
        ),
        features=None,
    )
    assert made.verdict == "not determined" and "satisfies every constraint" in made.warnings[0]
    assert "sets its size" in made.judgement.advice


@pytest.mark.slow
def test_conditions_that_contradict_each_other_are_named():
    constraints = dict(decay().constraints) | {"other": Constraint(lambda u: u - 2, on=TIME.face(t=0))}
    made = judged(Problem(TIME, ["u"], constraints), 80)
    assert made.verdict == "contradictory conditions", made
    assert made.judgement.advice == "'start' and 'other' do not hold together: correct one, or leave it out"


def test_a_reference_that_is_wrong_or_no_number_is_named():
    made = judged(decay(reference=lambda t: np.where(t > 1, np.nan, np.exp(-t))))
    assert made.verdict == "wrong reference" and made.error is None
    assert made.warnings[0] == "the reference gives no number for u at 500 of 1001 points"
    made = judged(decay(reference=lambda t: -np.exp(-t)))
    assert made.verdict == "wrong reference" and made.warnings[0].endswith("of the terms of 'start'")


def test_one_step_and_tiny_rows_have_a_word():
    made = judged(decay(), 1)
    assert made.verdict == "not converged" and "the run ended after 1 optimizer step" in made.warnings
    made = judged(
        problem(
            TIME,
            ["u"],
            {"equation": (lambda u, t: 1e-200 * (d(u, t) + u), TIME), "start": (lambda u: u - 1, TIME.face(t=0))},
        )
    )
    assert not made.trusted
    if made.constraints[0].relative > 0.05:  # the rows may have been scaled
        assert made.verdict == "equation not satisfied" and "multiply the rows of 'equation'" in made.judgement.advice


@pytest.mark.slow
def test_noise_of_data_is_no_violation_and_a_smooth_misfit_is():
    t = np.linspace(0, 2, 30)
    noise = 0.2 * np.random.default_rng(0).standard_normal(30)

    def run(values):
        data = Scatter({"t": t}, values={"measured": values})
        constraints = dict(decay().constraints) | {
            "data": Constraint(lambda u, measured: u - measured, on=data, weight=1e-6)
        }
        return judged(Problem(TIME, ["u"], constraints)).constraints[-1]

    noisy = run(np.exp(-t) + noise)
    assert noisy.relative > 0.05 and 0.7 < noisy.noise < 1.5
    smooth = run(np.exp(-t) + 0.3 * t)
    assert smooth.relative > 0.05 and smooth.noise is None


def test_a_judgement_says_itself():
    assert str(Judgement(Verdict.TRUSTED, 3e-8)) == "trusted to a relative error of 3.0e-08"
    assert str(Judgement(Verdict.NOT_CONVERGED, 0.3)) == "not converged (relative error about 3.0e-01)"
    assert str(Judgement(Verdict.FAILED)) == "numbers failed"
