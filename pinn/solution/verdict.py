"""What is to be thought of an answer: one of a few values, with its evidence in plain words and what to do next.

The verdict is the gravest of these that is found, and its sentences are those of that finding alone, so that no two
of them contradict each other:

1. numbers failed: loss or residuals are not finite;
2. not determined: the certificate names what is missing, or a change that no constraint sees; or a condition was seen
   missing before training, which the certificate does not refute; or every constraint is homogeneous and the answer is
   zero;
3. contradictory conditions, seen before training, of which one is violated;
4. a constraint leaves more than 5 % of its own terms (`pinn.solution.terms`): not converged where the run was cut while
   its loss fell, or while the certificate had a better answer; contradictory conditions where it stood still and no
   correction exists, equation not satisfied else;
5. wrong reference: it is no number, or it is far from an answer whose estimated error is far smaller;
6. not converged: the error, known or estimated, is above 5 %;
7. error not known: neither certificate nor reference tells it;
8. trusted, to the largest of the estimated error, the known one, and what noise of the data leaves of outputs and
   unknown numbers. An unknown field that noise leaves less certain is named first, with how far it is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from pinn.solution.findings import LARGEST_TRUSTED, Findings, noisy
from pinn.solution.outcome import Ending
from pinn.solution.residuals import ConstraintReport
from pinn.verification.certificate import Certificate, Direction
from pinn.verification.finding import Kind

_FAR = 10.0  # factor between known and estimated error that is said
_BLAMED = 100.0  # factor from which the reference is blamed, and not the estimate
_NOTHING = 0.9  # share of the residual that no change carries, where constraints contradict each other
_WELL = 1e-3  # part of its terms that every constraint leaves at the most, where an error is not for want of training
_UNSEEN = 1e-9  # part of the loss below which training does not see a constraint
_BETTER = "a change of the answer is known that makes its residuals much smaller"
_STALE = 30.0  # loss on new points over that on those trained on, from which points are too few


class Verdict(Enum):
    """What is to be thought of an answer."""

    TRUSTED = "trusted"
    """The estimated error says how far; nothing contradicts it."""
    NOT_CONVERGED = "not converged"
    """The equations determine the answer, and this one is further from it than was asked."""
    NOT_DETERMINED = "not determined"
    """The problem has other answers that are as good."""
    NOT_SATISFIED = "equation not satisfied"
    """A constraint is violated by a part of its own terms, and more training would not mend it."""
    CONTRADICTORY = "contradictory conditions"
    """No function satisfies all constraints together."""
    WRONG_REFERENCE = "wrong reference"
    """The answer satisfies the constraints; the reference does not, or is no number."""
    FAILED = "numbers failed"
    """Loss, parameters or residuals are not finite."""
    UNKNOWN_ERROR = "error not known"
    """Nothing speaks against the answer, and nothing tells its error: no certificate, no reference."""


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it rests on.

    Args:
        verdict: one of the values.
        error: the relative L2 error the answer is trusted to, or is estimated to have; None where none is known.
        evidence: what was seen, in plain words, the gravest first.
        advice: the next thing to do; empty where nothing is to be done.
    """

    verdict: Verdict
    error: float | None = None
    evidence: tuple[str, ...] = ()
    advice: str = ""

    @property
    def trusted(self) -> bool:
        """Whether the answer can be relied on to `error`."""
        return self.verdict is Verdict.TRUSTED

    def undetermined(self, certificate: Certificate | None, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the names that nothing determines, so that no error can be told of them."""
        found = frozenset() if certificate is None else certificate.open
        unnamed = self.verdict is Verdict.NOT_DETERMINED and not found
        return tuple(name for name in names if unnamed or name in found)

    def __str__(self) -> str:
        if self.trusted and self.error is not None:
            return f"trusted to a relative error of {self.error:.1e}"
        return self.verdict.value + ("" if self.error is None else f" (relative error about {self.error:.1e})")


def judge(seen: Findings) -> Judgement:
    """The verdict on an answer.

    Args:
        seen: what was measured of it.

    Returns:
        The gravest finding; see the module.

    Example:
        >>> from pinn.problems import oscillator
        >>> from pinn.verification.certificate import Certificate
        >>> met = ConstraintReport("equation", 1e-9, 2e-9, {}, 1.0, 1e-9)
        >>> exact = Certificate(3e-8, {"u": 3e-8}, 1e-3, 5.0, (), 1e-7)
        >>> str(judge(Findings(oscillator(), (met,), 1e-18, certificate=exact)))
        'trusted to a relative error of 3.0e-08'
    """
    rules: tuple[Callable[[Findings], Judgement | None], ...] = (
        _failed,
        _unseen,
        _not_determined,
        _contradictory,
        _violated,
        _wrong_reference,
        _far,
        _unknown,
    )
    for rule in rules:
        found = rule(seen)
        if found is not None:
            return found
    return _trusted(seen)


# -- the rules, the gravest first --------------------------------------------------------------------------------------


def _failed(seen: Findings) -> Judgement | None:
    finite = math.isfinite(seen.loss) and all(math.isfinite(one.rms) for one in seen.constraints)
    diverged = seen.outcome is not None and seen.outcome.ending is Ending.NOT_FINITE
    error = seen.error
    if finite and not (diverged and (error is None or error > seen.tolerance)):
        return None
    said = [f"{one.name!r} gives numbers that are not finite" for one in seen.constraints if not math.isfinite(one.rms)]
    if diverged:
        said.append(f"training broke off: {seen.outcome}")
    if finite:
        said.append("the answer is the best that was seen before")
    advice = "check the equation where its terms are not defined, or take a smaller step"
    return Judgement(Verdict.FAILED, error if finite else None, tuple(said or ["the loss is not finite"]), advice)


def _unseen(seen: Findings) -> Judgement | None:
    """Constraints so small beside the others that the loss does not hold them, by underflow or by their weight."""
    unseen = [one for one in seen.violated if one.fraction_of_loss < _UNSEEN and one.rms > 0]
    # The certificate's solve weighs rows as training does, and sees them as little: only a reference outweighs this.
    if not unseen or seen.right:
        return None
    name = unseen[0].name
    said = [_violation(one) for one in seen.violated]
    said.append(f"training does not see it: {name!r} is less than a billionth of the loss")
    advice = f"multiply the rows of {name!r}, of size {unseen[0].rms:.0e}, to make them about one"
    return Judgement(Verdict.NOT_SATISFIED, seen.error, tuple(said), advice)


def _not_determined(seen: Findings) -> Judgement | None:
    certificate = seen.certificate
    if seen.homogeneous and seen.vanishing:
        return Judgement(
            Verdict.NOT_DETERMINED,
            None,
            (
                "the answer is zero, which satisfies every constraint whatever the equation is: "
                "nothing in the problem says how large the solution is",
            ),
            "add a condition that sets its size, such as the integral of u² being one, or a value that is not zero",
        )
    violations = [_violation(one) for one in seen.violated]
    if seen.missing:
        said = [one.what for one in seen.missing]
        return Judgement(Verdict.NOT_DETERMINED, None, (*said, *violations), seen.missing[0].cure)
    if certificate is None or not certificate.undetermined or (seen.violated and seen.unfinished):
        return None  # what is far from an answer tells little of the problem
    said = [str(one) for one in certificate.undetermined]
    return Judgement(Verdict.NOT_DETERMINED, None, (*said, *violations), _missing(certificate.undetermined[0]))


def _contradictory(seen: Findings) -> Judgement | None:
    """Conditions that contradicted each other before training, and do in the answer."""
    if not seen.contradictory or seen.right:
        return None
    said = [one.what for one in seen.contradictory] + [_violation(one) for one in seen.violated]
    return Judgement(Verdict.CONTRADICTORY, seen.error, tuple(said), seen.contradictory[0].cure)


def _violated(seen: Findings) -> Judgement | None:
    worst = seen.violated
    if not worst or seen.proven:
        return None
    said = [f"{name} is (nearly) constant" for name in seen.constant] + [_violation(one) for one in worst]
    said += _corners(seen, {one.name for one in worst})
    if seen.unresolved is not None:
        said += [*_error_notes(seen), _sums(seen.unresolved)]
        return Judgement(Verdict.NOT_SATISFIED, seen.error, tuple(said), _more_nodes(seen.unresolved))
    if seen.unfinished:
        return Judgement(Verdict.NOT_CONVERGED, seen.error, (*said, *_error_notes(seen), _fall(seen)), _more_time(seen))
    if seen.cut and seen.better:
        said.append(_BETTER)
        return Judgement(Verdict.NOT_CONVERGED, seen.error, (*said, *_error_notes(seen)), _more_time(seen))
    if _opposed(seen):
        names = " and ".join(repr(one.name) for one in worst)
        said.append("the loss stands still, and making one of them smaller makes another larger")
        advice = f"{names} do not hold together: correct one, or leave it out"
        return Judgement(Verdict.CONTRADICTORY, seen.error, tuple(said), advice)
    return Judgement(Verdict.NOT_SATISFIED, seen.error, (*said, *_error_notes(seen)), _mend(seen, worst[0]))


def _opposed(seen: Findings) -> bool:
    """Whether violated constraints stand against each other: nothing moves any more, in the network or beside it.

    The certificate's features are more than the network has: where they find nothing to correct and yet the residual
    stays, it is the least there is. Where no certificate was made, two conditions are needed.
    """
    worst = seen.violated
    if len(worst) < 2 or seen.falling or any(one.kind is Kind.JUMP for one in seen.stated):
        return False  # no smooth function meets a jump, whatever else is asked of it
    if seen.certificate is not None:
        return seen.certificate.carried > _NOTHING and seen.estimate is not None and seen.estimate < LARGEST_TRUSTED
    dimension = seen.problem.domain.dimension
    conditions = [one for one in worst if seen.problem.constraints[one.name].on.dimension < dimension]
    return seen.still and len(conditions) > 1


def _wrong_reference(seen: Findings) -> Judgement | None:
    known, estimate = seen.known, seen.estimate
    if known.fault:
        said = [known.fault] + ([] if estimate is None else [f"the estimated relative error is {estimate:.1e}"])
        return Judgement(Verdict.WRONG_REFERENCE, estimate, tuple(said), "correct the reference, or leave it out")
    if known.violates and (known.error or 0.0) > LARGEST_TRUSTED:
        said = [f"the reference leaves {value:.0%} of the terms of {name!r}" for name, value in known.violates.items()]
        said.append(f"the answer, which is {known.error:.1e} away from it, satisfies all constraints")
        return Judgement(Verdict.WRONG_REFERENCE, estimate, tuple(said), "correct the reference, or the condition")
    if known.error is None or estimate is None or not seen.estimate_holds:
        return None
    if known.error <= max(LARGEST_TRUSTED, _BLAMED * estimate + 3 * known.reference_error + seen.allowance):
        return None
    said = [
        f"the answer satisfies the constraints, and its estimated relative error is {estimate:.1e}",
        f"the reference is {known.error:.1e} away from it",
    ]
    advice = "check the reference against the equation; if both are right, the problem has several solutions"
    return Judgement(Verdict.WRONG_REFERENCE, estimate, tuple(said), advice)


def _far(seen: Findings) -> Judgement | None:
    error = seen.error
    loose = seen.wrong_coefficients | seen.loose_fields
    if (error is None or seen.acceptable) and not loose:
        return None
    said = [*_error_notes(seen), *(f"the relative error of {name} is {value:.0%}" for name, value in loose.items())]
    said += _corners(seen, set(seen.problem.constraints))
    if seen.certificate is None and seen.leaves < _WELL:
        said.append(f"every constraint is met to {seen.leaves:.1e} of its own terms")
        advice = "let solve make a certificate, which tells whether answer, reference or conditions are at fault"
    elif seen.unresolved is not None:
        said, advice = [*said, _sums(seen.unresolved)], _more_nodes(seen.unresolved)
    elif seen.falling:
        said, advice = [*said, _fall(seen)], _more_time(seen)
    elif seen.cut and seen.better:
        said, advice = [*said, _BETTER], _more_time(seen)
    elif seen.stale > _STALE:
        said, advice = [*said, _staleness(seen)], "give it more points"
    else:
        said.append("the loss no longer falls")
        advice = "take another network, optimizer or sampling than those that were chosen"
        if seen.certificate is not None and seen.certificate.carried > _NOTHING and seen.rough:
            said.append("no small change of the answer makes its residuals smaller")
            advice = "check that a solution exists on the whole domain; if so, " + advice
    return Judgement(Verdict.NOT_CONVERGED, error, tuple(said), advice)


def _unknown(seen: Findings) -> Judgement | None:
    if seen.error is not None:
        return None
    made = "the certificate found no estimate" if seen.certificate is not None else "there is no certificate"
    said = [f"{made}, and no reference, so nothing tells the error"]
    if math.isfinite(seen.leaves):
        said.append(f"every constraint is met to {seen.leaves:.1e} of its own terms, which is no bound of the error")
    return Judgement(Verdict.UNKNOWN_ERROR, None, tuple(said), "let solve make a certificate, or give a reference")


def _trusted(seen: Findings) -> Judgement:
    said = _field_notes(seen, loose=True) + _error_notes(seen)
    known, estimate = seen.known, seen.estimate
    far = math.inf if estimate is None else _FAR * estimate + 3 * known.reference_error + seen.allowance
    if known.error is not None and known.error > far:
        said.append(
            "the reference is further away than the estimate says: one of them is wrong by as much, and the answer is "
            "trusted to the larger"
        )
    said += [
        f"{one.name!r} leaves {_part(one)} of its own terms, which hardly moves the answer" for one in seen.violated
    ]
    said += [one.what for one in seen.stated if one.kind is Kind.LEVELS]
    said += _noise_notes(seen) + _field_notes(seen, loose=False)
    advice = _more_time(seen) if seen.unfinished else ""
    if seen.unresolved is not None and (seen.error or 0.0) > seen.tolerance:
        said, advice = [*said, _sums(seen.unresolved)], _more_nodes(seen.unresolved)
    return Judgement(Verdict.TRUSTED, seen.error_with_noise, tuple(said), advice)


# -- the sentences -------------------------------------------------------------------------------------------------


def _part(one: ConstraintReport) -> str:
    return "all" if (one.relative or 0.0) >= 1 else f"{one.relative:.0%}"


def _violation(one: ConstraintReport) -> str:
    where = ", ".join(f"{name} = {value:.3g}" for name, value in one.where.items())
    said = f"{one.name!r} is violated: its residual is {_part(one)} of its own terms"
    return said + (f", the largest at {where}" if where else "")


def _error_notes(seen: Findings) -> list[str]:
    """What is known and what is estimated of the error, one sentence each."""
    said = []
    known, certificate, estimate = seen.known, seen.certificate, seen.estimate
    if known.error is not None and not known.fault:
        below = known.error < known.reference_error
        said.append(
            f"the answer agrees with the reference to the reference's own error, {known.reference_error:.1e}"
            if below
            else f"the relative error against the reference is {known.error:.1e}"
        )
    if certificate is not None and estimate is not None:
        if seen.error is not None and seen.error < 0.1 * estimate:
            return [*said, f"the estimate of the error, {estimate:.1e}, is coarser than that"]
        more = ", a rough estimate, which carries little of the residual" if seen.rough else ""
        apart = ", noise of the data apart," if any(noisy(one) for one in seen.constraints) else ""
        said.append(f"the estimated relative error{apart} is {estimate:.1e}{more}")
    return said


def _noise_notes(seen: Findings) -> list[str]:
    """Data that are met to within their noise, and what that noise leaves uncertain of outputs and unknowns."""
    said = [f"{one.name!r} is met to within the noise of its data" for one in seen.constraints if noisy(one)]
    said += [
        f"the noise leaves {name} uncertain: {seen.coefficients[name]:.3g} ± {error:.2g} (one standard error)"
        for name, error in seen.standard_errors.items()
    ]
    if seen.noise_of_outputs:
        said.append(f"the noise leaves a relative error of {seen.noise_of_outputs:.1e} in the outputs")
    return said


def _corners(seen: Findings, names: set[str]) -> list[str]:
    """Conditions that jump, or do not meet where their sets do, those of which one is among the names."""
    return [one.what for one in seen.stated if one.kind in (Kind.CORNER, Kind.JUMP) and names & set(one.names)]


def _field_notes(seen: Findings, loose: bool) -> list[str]:
    """What noise leaves uncertain of unknown fields, of those with more than 5 % of their size or of the others."""
    only = "only " if loose else ""
    return [
        f"the noise leaves {name} known {only}to {seen.noise_errors[name]:.0%} of its size: ± {band.median:.2g} (one "
        "standard error)"
        for name, band in ({} if seen.certificate is None else seen.certificate.bands).items()
        if (seen.noise_errors[name] > LARGEST_TRUSTED) == loose
    ]


def _fall(seen: Findings) -> str:
    if seen.short:
        return f"the run ended after {seen.steps} optimizer step{'' if seen.steps == 1 else 's'}"
    before, after = seen.late
    return f"the loss still fell, from {before:.1e} to {after:.1e} in the last {seen.end} of the run"


def _more_time(seen: Findings) -> str:
    steps = seen.outcome is not None and seen.outcome.ending is Ending.STEPS
    return "more steps would help" if steps else "more time would help"


def _sums(one: ConstraintReport) -> str:
    return f"more nodes in the integrals of {one.name!r} change it by {one.quadrature:.1e} of its terms"


def _more_nodes(one: ConstraintReport) -> str:
    return f"give the integrals of {one.name!r} more Gauss nodes, nodes={2 * one.nodes} in place of {one.nodes}"


def _staleness(seen: Findings) -> str:
    return f"the loss on new points is {seen.stale:.0f} times that on the points trained on"


def _mend(seen: Findings, worst: ConstraintReport) -> str:
    """What to do about a constraint that stays violated."""
    if seen.stale > _STALE:
        return f"give it more points: {_staleness(seen)}"
    met = [
        one for one in seen.constraints if one.relative is not None and one.relative < 1e-3 * (worst.relative or 0.0)
    ]
    if (
        met
        and worst.noise is None
        and seen.problem.constraints[worst.name].on.dimension < seen.problem.domain.dimension
    ):
        return f"raise the weight of {worst.name!r} (now {seen.problem.weight(worst.name):g})"
    return (
        f"check {worst.name!r} as it is written; if it is right, a larger network or more points where it is violated"
    )


def _missing(direction: Direction) -> str:
    """What would determine the answer."""
    if direction.cure:
        return direction.cure
    where = " and ".join(f"{low:.3g} ≤ {name} ≤ {high:.3g}" for name, (low, high) in direction.where.items())
    if direction.unknowns:
        names = " or ".join(direction.unknowns)
        return f"give {names} another value by a condition or a prior, or data that tell it"
    outputs = " and ".join(direction.outputs) or "the answer"
    return f"add a condition or data for {outputs}" + (f" in {where}" if where else "")
