"""All that an answer is judged by, and what follows from it: error, violated constraints, whether the run went on.

The estimate is the certificate's. It is held against constraints or reference only where its solves carry the residual
(`Certificate.carried`). The less they do, the less it says: from half of the residual left on, as about a layer that is
hardly resolved, it is known to a factor three (Burgers' equation with ν = 0.01/π after 30 steps: 2.8e-2 for 1.0e-1),
and an answer is then trusted up to a third of what otherwise is the limit. Where nothing is carried, the first-order
bound has to be below that limit too. What noise of data leaves is carried by nothing, and says nothing against the
estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pinn.problem import Problem
from pinn.ritz import energies
from pinn.solution.history import History
from pinn.solution.outcome import Ending, Outcome
from pinn.solution.residuals import ConstraintReport
from pinn.verification.certificate import Certificate
from pinn.verification.finding import Finding, Kind

LARGEST_TRUSTED = 0.05  # relative error, and part of its own terms that a constraint may leave
ASKED = 1e-2  # relative error above which more time is advised, where nothing else is asked for
_ROUGH = 3.0  # factor on an estimate that the solves do not carry, before it is trusted
_NOISE = 1.5  # misfit of data in units of their noise that is no violation, beside its own spread
_NOTHING_CARRIED = 0.98  # share of the residual from which the features have told nothing
_UNCARRIED = 0.5  # share of the residual not carried above which an estimate is no ground to overrule others
_PROVEN = 1e-3  # known relative error below which a constraint that leaves much of its terms does not matter
_DETERMINED = 1e-2  # stability about the answer from which a condition that seemed missing before training is not
_MANY = 100  # steps of a run whose last fifth tells whether it went on
_FEW = 10  # steps of a run of which nothing but its shortness is said


@dataclass(frozen=True)
class Known:
    """What reference and true coefficients say of an answer.

    Attributes:
        error: relative L2 of all outputs stacked against the reference; None without one.
        reference_error: relative L2 that the reference itself is known to have.
        outputs: output -> its relative L2 error, those that the reference gives.
        coefficients: unknown number -> its relative error.
        violates: constraint that the answer meets -> what the reference leaves of its terms, where that is much.
        fault: what is wrong with the reference itself, in plain words; empty where nothing is.
    """

    error: float | None = None
    reference_error: float = 0.0
    outputs: Mapping[str, float] = field(default_factory=dict)
    coefficients: Mapping[str, float] = field(default_factory=dict)
    violates: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True)
class Findings:
    """All that an answer is judged by.

    Attributes:
        problem: what was solved.
        constraints: their residuals on fresh points.
        loss: half the weighted mean square of the rows there.
        history: of the run.
        outcome: how training ended; None where it is not known.
        certificate: None where none was made.
        known: what reference and true coefficients say.
        coefficients: unknown number -> what was found, in its own units.
        homogeneous: whether the zero function satisfies every constraint.
        vanishing: whether the answer is that function, to rounding or to what training leaves of it.
        constant: outputs that are the same everywhere, to 2 % of their size.
        stated: what was found of the problem as it is stated, before training.
        tolerance: relative error that is asked for.
    """

    problem: Problem
    constraints: tuple[ConstraintReport, ...]
    loss: float
    history: History = field(default_factory=History)
    outcome: Outcome | None = None
    certificate: Certificate | None = None
    known: Known = field(default_factory=Known)
    coefficients: Mapping[str, float] = field(default_factory=dict)
    homogeneous: bool = False
    vanishing: bool = False
    constant: tuple[str, ...] = ()
    stated: tuple[Finding, ...] = ()
    tolerance: float = ASKED

    @property
    def estimate(self) -> float | None:
        """The estimated relative error; None where there is no certificate, or it found none."""
        if self.certificate is None or not math.isfinite(self.certificate.error):
            return None
        return self.certificate.error

    @property
    def rough(self) -> bool:
        """Whether the features carry little of the residual, and not for the noise of data."""
        if self.certificate is None or any(noisy(one) for one in self.constraints):
            return False
        return not self.certificate.carried < _UNCARRIED

    @property
    def acceptable(self) -> bool:
        """Whether the error is below what is trusted; a rough estimate alone counts up to three times."""
        if self.error is None:
            return False
        if self.known.error is None or self.known.fault:
            return self.error * self.margin <= LARGEST_TRUSTED
        return self.error <= max(LARGEST_TRUSTED, self.allowance)

    @property
    def margin(self) -> float:
        """How many times an estimate alone counts: once where all of the residual is carried, infinitely often where
        nothing is and no bound is left.
        """
        if self.certificate is None or any(noisy(one) for one in self.constraints):
            return 1.0
        carried = self.certificate.carried
        if not (carried < _NOTHING_CARRIED or self.certificate.bound <= LARGEST_TRUSTED):
            return math.inf
        return 1 + (_ROUGH - 1) * min(1.0, carried / _UNCARRIED)

    @property
    def violated(self) -> tuple[ConstraintReport, ...]:
        """Constraints that leave more than 5 % of their own terms, the worst first; misfit of noisy data is none."""
        found = [one for one in self.constraints if (one.relative or 0.0) > LARGEST_TRUSTED and not noisy(one)]
        return tuple(sorted(found, key=lambda one: -(one.relative or 0.0)))

    @property
    def unresolved(self) -> ConstraintReport | None:
        """The constraint that leaves the most of its terms, where that is the error of its integrals."""
        judged = [one for one in self.constraints if one.relative is not None and not noisy(one)]
        worst = max(judged, key=lambda one: one.relative or 0.0, default=None)
        return worst if worst is not None and worst.unresolved else None

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What the problem as stated leaves open, where the certificate says nothing of it and does not refute it.

        The certificate judges about the answer, and what was found about a first guess yields to it: a suspicion
        always, what is proven there where the constraints are seen to determine the answer with room.
        """
        found = tuple(one for one in self.stated if one.undetermined)
        if self.certificate is None:
            return () if self.right and not any(one.certain for one in found) else found
        if self.certificate.undetermined or self.certificate.stability >= _DETERMINED:
            return ()
        return tuple(one for one in found if one.certain)

    @property
    def contradictory(self) -> tuple[Finding, ...]:
        """Conditions that contradict each other as stated, where one of them is violated."""
        names = {one.name for one in self.violated}
        return tuple(one for one in self.stated if one.kind is Kind.CONTRADICTORY and names & set(one.names))

    @property
    def standing(self) -> tuple[Finding, ...]:
        """What was found of the problem as stated, without what the answer refutes."""
        return tuple(one for one in self.stated if not one.undetermined) + self.missing

    @property
    def cut(self) -> bool:
        """Whether the run was ended from outside, and might have gone on."""
        return self.outcome is not None and self.outcome.ending.cut

    @property
    def error(self) -> float | None:
        """The error that is spoken of: the known one where there is a reference, never below what that is known to."""
        if self.known.error is None or self.known.fault or not math.isfinite(self.known.error):
            return self.estimate
        return max(self.known.error, self.known.reference_error)

    @property
    def estimate_holds(self) -> bool:
        """Whether the estimate outweighs constraints or reference: small, carried by the features, all determined."""
        if self.certificate is None or self.estimate is None or self.certificate.undetermined:
            return False
        return self.estimate < self.tolerance and self.certificate.carried < _UNCARRIED

    @property
    def better(self) -> bool:
        """Whether the certificate has an answer with residuals of half the size, so that constraints can be met."""
        certificate = self.certificate
        return certificate is not None and certificate.correction is not None and certificate.carried < _UNCARRIED

    @property
    def right(self) -> bool:
        """Whether the reference says that the answer is right, and nothing else is sought."""
        known = self.known.error is not None and not self.known.fault and not self.problem.unknowns
        return known and (self.known.error or 0.0) < _PROVEN

    @property
    def proven(self) -> bool:
        """Whether the answer is known to be right whatever the residuals are: by the reference, or the estimate."""
        if self.known.error is not None and not self.known.fault and not self.problem.unknowns:
            return self.right
        return self.estimate_holds and self.error is not None and self.error < self.tolerance

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard errors of unknown numbers, in their own units, where the data are noisy; finite ones."""
        if self.certificate is None or not any(noisy(one) for one in self.constraints):
            return {}
        given = self.certificate.standard_errors
        return {name: of for name, of in given.items() if name in self.coefficients and math.isfinite(of)}

    @property
    def noise_errors(self) -> Mapping[str, float]:
        """Output or unknown field -> relative L2 standard error from the noise of the data; empty without noise."""
        return {} if self.certificate is None else self.certificate.noise_errors

    @property
    def noise_of_outputs(self) -> float:
        """The largest of these of an output, 0 without noise."""
        return max((self.noise_errors.get(name, 0.0) for name in self.problem.outputs), default=0.0)

    @property
    def allowance(self) -> float:
        """How far noise alone may bring outputs from the truth: three standard errors, relative."""
        return 3 * self.noise_of_outputs

    @property
    def error_with_noise(self) -> float | None:
        """The error, or what noise of the data leaves of outputs and unknown numbers, relative, where that is more."""
        noise = [of / (abs(self.coefficients[name]) or 1.0) for name, of in self.standard_errors.items()]
        return None if self.error is None else max(self.error, self.noise_of_outputs, *noise)

    @property
    def losses(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Steps at which the validation loss was evaluated, and the least of it until then."""
        steps, validation = self.history.column("step"), self.history.column("validation")
        evaluated = np.flatnonzero(np.isfinite(validation))
        return steps[evaluated], np.minimum.accumulate(validation[evaluated])

    @property
    def steps(self) -> int:
        """Optimizer steps that were taken."""
        return int(self.history[-1]["step"]) if len(self.history) else 0

    @property
    def short(self) -> bool:
        """Whether the run was cut after so few steps that its course tells nothing."""
        return self.cut and self.steps < _FEW

    @property
    def end(self) -> str:
        """The part of the run over which its end is judged: a fifth, or half of a run of few steps."""
        return "fifth" if self.steps >= _MANY else "half"

    @property
    def late(self) -> tuple[float, float]:
        """The least validation loss when the `end` of the steps began, and when they ended; NaN where unknown."""
        steps, least = self.losses
        if len(least) < 2:
            return math.nan, math.nan
        return float(least[np.flatnonzero(steps >= (0.5 if self.end == "half" else 0.8) * steps[-1])[0]]), float(
            least[-1]
        )

    @property
    def falling(self) -> bool:
        """Whether the run was cut while its loss still fell, by half at its `end`, or hardly began."""
        before, after = self.late
        return self.short or (self.cut and before > 2 * after)

    @property
    def still(self) -> bool:
        """Whether the run ended because nothing moved any more."""
        return self.outcome is not None and self.outcome.ending in (Ending.STATIONARY, Ending.PATIENCE)

    @property
    def leaves(self) -> float:
        """The most that a constraint leaves of its own terms, noise of data apart; NaN where none could be judged."""
        measured = [one.relative for one in self.constraints if one.relative is not None and not noisy(one)]
        return max(measured, default=math.nan)

    @property
    def unfinished(self) -> bool:
        """Whether more time would help: the loss still fell, and the error is above the tolerance, or not known."""
        return self.falling and (self.error is None or self.error > self.tolerance)

    @property
    def wrong_coefficients(self) -> dict[str, float]:
        """Relative errors of unknown numbers that are off by more than 5 % of their size and three standard errors."""
        estimated = {} if self.certificate is None else self.certificate.coefficient_errors
        standard = {} if self.certificate is None else self.certificate.standard_errors
        found = {}
        for name, value in self.coefficients.items():
            known = name in self.known.coefficients
            relative = self.known.coefficients[name] if known else estimated.get(name, 0.0)
            # A known error is relative to the truth, an estimated one to what was found; b = 0 is right to 1e-9.
            true = self.problem.exact_coefficients.get(name, 0.0) if known else value
            away = relative * (abs(true) or 1.0)
            size = max(abs(value), abs(self.problem.unknowns[name].initial))
            if away > LARGEST_TRUSTED * size and away > 3 * standard.get(name, 0.0):
                found[name] = relative
        return found

    @property
    def loose_fields(self) -> dict[str, float]:
        """Estimated relative errors of unknown fields, and of outputs of which a reference tells nothing.

        Those above 5 %, and above what noise of the data leaves of them.
        """
        errors = {} if self.certificate is None else self.certificate.errors
        apart = set(self.problem.unknowns) | (
            set(self.problem.outputs) - set(self.known.outputs or self.problem.outputs)
        )
        limits = {name: max(LARGEST_TRUSTED, self.noise_errors.get(name, 0.0)) for name in errors}
        return {name: value for name, value in errors.items() if name in apart and value > limits[name]}

    @property
    def stale(self) -> float:
        """Validation loss over the loss on the points trained on: median of the last five evaluations, or 0.

        An energy is no sum of squares, which another could be held against.
        """
        if energies(self.problem):
            return 0.0
        validation, trained = self.history.column("validation"), self.history.column("loss")
        both = np.flatnonzero(np.isfinite(validation) & np.isfinite(trained) & (trained > 0))[-5:]
        return float(np.median(validation[both] / trained[both])) if len(both) == 5 else 0.0


def noisy(one: ConstraintReport) -> bool:
    """Whether what a constraint leaves is the noise of its data."""
    return one.noise is not None and one.noise < _NOISE
