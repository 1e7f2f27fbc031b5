"""What is said of an answer, against its truth: no wrong one is trusted, no right one is refused.

The run does not see the truth, unless the case is about what is said of a reference.

An answer is wrong when its error is more than ten times the error that it is trusted to, or an output or an unknown
is off by more than 5 %; an unknown field may be, from noisy data, where a sentence of the verdict names it, an unknown
number when least squares are no further than five standard errors away, and an eigenvalue where the verdict says that
there are several. It is right when all errors are below 1e-4, or, from noisy data, when every unknown number is within
one standard error of least squares. Between the two, either verdict will do.
"""

import re

import pytest

from pinn.solution.verdict import Verdict
from pinn.verification import VerificationError
from tests.field.cases import CASES


def marks(case):
    return pytest.mark.long if case.long else pytest.mark.slow if case.slow else ()


MARKED = [pytest.param(name, marks=marks(case)) for name, case in CASES.items()]


@pytest.mark.parametrize("name", MARKED)
def test_the_verdict_is_right(name):
    case = CASES[name]
    try:
        solution = case.solved()
    except (ValueError, TypeError, VerificationError) as refusal:
        assert case.refused is not None, f"refused: {refusal}"
        assert case.refused in str(refusal)
        return
    judgement = solution.report.judgement
    assert solution.report.trusted == judgement.trusted == (judgement.verdict is Verdict.TRUSTED)
    assert judgement.trusted or judgement.evidence, "a verdict has evidence"
    if case.says:
        assert judgement.verdict in case.says, account(case, solution)
        return
    assert not (judgement.trusted and wrong(case, solution)), f"wrong, and trusted: {account(case, solution)}"
    assert judgement.trusted or not right(case, solution), f"right, and refused: {account(case, solution)}"


def wrong(case, solution):
    """Whether the answer must not be trusted."""
    error, stated = case.output_error(solution), solution.report.judgement.error
    floor = max(solution.problem.reference_error, 1e-12)
    if (error > 0.05 and case.fit is None) or (stated is not None and error > 10 * max(stated, floor)):
        return True
    said = " ".join(solution.report.judgement.evidence)
    named = {name for name in case.fields if re.search(rf"\b{name}\b", said)}
    named |= {name for name in solution.problem.unknowns if f"{name!r} is an eigenvalue" in said}
    others = [value for name, value in case.other_errors(solution).items() if name not in named]
    return max(others, default=0) > 0.05 or max(case.deviations(solution).values(), default=0) > 5


def right(case, solution):
    """Whether the answer must be trusted."""
    error, deviations = case.output_error(solution), case.deviations(solution)
    if deviations:
        return max(deviations.values()) < 1
    return not error >= 1e-4 and max(case.other_errors(solution).values(), default=0) < 1e-4


def account(case, solution):
    """All numbers that matter, in one line."""
    judgement, certificate = solution.report.judgement, getattr(solution, "certificate", None)
    said = {
        "output": case.output_error(solution),
        **case.other_errors(solution),
        **{f"{name} in σ": value for name, value in case.deviations(solution).items()},
        "stated": judgement.error,
    }
    if certificate is not None:
        said |= {"estimate": certificate.error, "carried": certificate.carried, "stability": certificate.stability}
    numbers = ", ".join(f"{key} {value:.2g}" for key, value in said.items() if value is not None)
    return f"{judgement.verdict.value}; {numbers}; {'; '.join(judgement.evidence)}"
