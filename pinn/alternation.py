"""The loop that `solve` runs: training and linear solves in turn, until the estimated error is small enough.

    fixed neurons come first (`pinn.features.first`); where they carry the problem, that is all
    training (`pinn.training.Trainer`), which no solve disturbs
        whenever its work has doubled, a correction of the best network so far (`pinn.features.lift`)
    a last correction, as large as the work or the seconds that are left allow
    the best of all answers on fresh points, which neither training nor a solve has used

Training bends the network's hidden layer to the solution; a solve on fixed neurons over that layer then finds what is
still missing. A correction goes into the answer, never back into training: the next one begins with the network, which
is better by then, and with more neurons. A corrected answer is not trained: its network has a tenth to a half of its
parameters, and one step of Levenberg-Marquardt on all of them costs as much as a round of the correction.
A correction may take a quarter of the work of training so far (`SHARE`), so that all of them, each after twice the work
of the one before, stay under half of it. With a half, Kovasznay's flow ended at 2.7e-4 in place of 8e-5 after 10 s.

The run ends where the tolerance is met, where nothing helps any more, or at a limit. With a tolerance the estimated
error is the larger of two: the change by the last correction times what it left, ρ / (1 − ρ), as in `solve_affine`; and
that of the certificate. Without a limit it ends when twice in a row twice the work has not halved the residual that
corrections leave, or when training itself goes no further.

Every decision is one of operations and residuals. The clock is read where `seconds` are given: to end training early
enough for the last correction, and to size that by the pace so far.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from pinn.derivatives.sight import finer_nodes
from pinn.features import Ending as Fixed
from pinn.features import lift, lift_refusal, most_neurons, residual_norms, smooth_refusal
from pinn.features.answers import answer_to, copied
from pinn.features.effort import PACE
from pinn.features.first import first_solves
from pinn.features.found import CLAIM, UnsuitedError
from pinn.features.options import Features
from pinn.features.rows import weighed_as
from pinn.model import Model, NetworkFactory
from pinn.networks import Enriched, Windows
from pinn.objective import Equations
from pinn.solution.history import History
from pinn.solution.outcome import Contribution, Ending, Outcome
from pinn.structure import described, rebuilt
from pinn.training import Callback, Progress, Stage, Stop, Trainer
from pinn.verification.certificate import Certificate, certify, has_noise

AT_LAST = 0.75  # of the work of training that the last correction may take where no seconds limit it
AGAIN = 2.0  # times that work, when the next is tried
LAST = 0.5  # of the seconds that are kept for the last correction where corrections pay
FEWEST = 150  # neurons of the first correction; 300 over a network of 80 steps leave 0.3 to 0.6 of the residual
CONFIRMED = 0.7  # of the residual of another answer on fresh points, above which that one stays
HALVED = 0.5  # of the residual of the best answer that a correction must leave, or ...
IDLE = 2  # ... so many in a row end the run
ALONE = 5e9  # operations, a second, before the certificate is asked for a tolerance in a run without corrections
UNCARRIED = 0.3  # of the residual on fresh points, above which a certificate alone is up to 7 times too low
ROUNDING = 1e-13  # estimated error below which nothing is sought
UNTRAINED = 1e-9  # claimed error of fixed neurons below which no training was seen to help
UNFINISHED = 1e-2  # the same where seconds are limited, and what is left of them does not pay for a finer solve
FRESH = 1500  # points of each equation on which answers are compared

ENDINGS: Mapping[Fixed, Ending] = {
    Fixed.TOLERANCE: Ending.TOLERANCE,
    Fixed.ROUNDING: Ending.STATIONARY,
    Fixed.INTERRUPTED: Ending.INTERRUPTED,
}
"""How a solve on fixed neurons ended after which nothing is trained."""

OVER = "neurons over the network"
"""Kind of contribution that corrects what is trained."""

INTERRUPTED = Stop("interrupted", Ending.INTERRUPTED, run=True)


@dataclass(frozen=True, eq=False)
class Candidate:
    """An answer, its estimated error, what is left of the residual, neurons, whether fixed ones carry it, and whether
    another solve has measured that error.
    """

    model: Model
    error: float
    residual: float
    neurons: int
    settled: bool = False
    measured: bool = False


class Alternation:
    """Training and linear solves of one run.

    Args:
        equations: problem, the model to train, and engine.
        seed: of neurons and points of the solves; those of training come from other ones.
        tolerance: estimated relative error at which the run ends.
        seconds: wall seconds at the most, those for the certificate taken off.
        steps: whether steps limit the run.
        start: an earlier answer, which training goes on from; where it was corrected, it is the best answer at first.
        features: which solves are made; None for none.
        started: reading of the clock at the call.
        clock: what tells the seconds; left out, `time.perf_counter`.

    Attributes:
        best: the best corrected answer so far.
        contributions: what was done, in turn.
        outcome: how the run ended.
        watch: the callback that corrects while training goes on.
        wish: to stop, as the watch has said it last.
        solved: whether linear solves made the answer.
        took: seconds until it was there.
    """

    def __init__(
        self,
        equations: Equations,
        *,
        seed: int = 0,
        tolerance: float | None = None,
        seconds: float | None = None,
        steps: bool = False,
        start: Model | None = None,
        features: Features | None = None,
        started: float | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.equations, self.tolerance, self.steps, self.seed = equations, tolerance, steps, seed
        self.features = Features(fixed=False, lifted=False) if features is None else features
        self.clock = time.perf_counter if clock is None else clock
        self.started = self.clock() if started is None else started
        self.seconds = math.inf if seconds is None else seconds
        self.generator = torch.Generator().manual_seed((seed + 0x11F7) % 2**63)
        self.best: Candidate | None = None
        self.contributions: list[Contribution] = []
        self.outcome: Outcome | None = None
        self.watch = _Watch(self)
        self.idle = 0
        self.tried = 0.0  # work of training at the last correction
        self.following = 0.0  # and at the next one
        self.pace = PACE
        self.paid = False
        self.claimed = 0.0  # error of the answer, where it is a corrected one
        self.wish: Stop | None = None
        self.resumed = self.solved = False
        self.took = 0.0
        if start is not None and isinstance(start.network, Enriched | Windows):
            again = weighed_as(equations, answer_to(equations, start))
            left = residual_norms([again], FRESH, 0.0, self.generator)[0]
            self.best = Candidate(again.model, math.nan, left, start.network.count)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return math.inf if self.seconds == math.inf else self.seconds - (self.clock() - self.started)

    # -- the run --------------------------------------------------------------------------------------------------

    def run(self, trainer: Trainer, stages: Sequence[Stage]) -> Model:
        """Solve, train, correct; returns the model of the best answer. The trainer has `watch` among its callbacks."""
        self.trainer = trainer
        trainer.journal.answer, trainer.journal.bar.tolerance = self._so_far, self.tolerance
        stop = self._before_training() if self._begins_fixed() and not self.resumed else None
        stop = self._trained(stages) if stop is None else stop
        trainer.journal.bar.close()
        answer = self._answer()
        self.took, self.solved = trainer.elapsed, answer is not trainer.equations.model
        ended = Outcome(stop.ending, stop.why) if trainer.outcome is None else trainer.outcome
        ended = replace(ended, ending=stop.ending, detail=stop.why)
        tried = any(one.kind == OVER for one in self.contributions) or not trainer.journal.steps
        why = "" if tried else self._refused() or f"the run was too short for one of {FEWEST} neurons"
        self.outcome = trainer.end.outcome = replace(ended, contributions=tuple(self.contributions), uncorrected=why)
        return answer

    def _before_training(self) -> Stop | None:
        """Fixed neurons from nothing; the reason to end where that is all, or where a callback says so."""
        journal, objective = self.trainer.journal, self.trainer.monitor.objective
        if self.trainer.checkpoints is not None:
            self.trainer.checkpoints.write(self.equations.model, None, 0, 0.0, self.trainer.elapsed)
        if stops := journal.begin(objective):
            return stops[0]
        try:
            stop = self._fixed_neurons(self.trainer.history)
        except KeyboardInterrupt:
            if self.best is None:  # there is no answer yet
                raise
            self.trainer.end.break_off()
            stop = INTERRUPTED
        if stop is not None:
            journal.end(objective)
        return stop

    def _so_far(self) -> Model:
        """A copy of the best answer so far: the corrected one, where there is one."""
        return self.trainer.monitor.best_model() if self.best is None else copied(self.best.model)

    # -- what a run that is broken off goes on with ---------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values."""
        best = self.best
        counted = ("idle", "tried", "following", "pace", "paid", "claimed")
        return {
            "generator": self.generator.get_state(),
            "best": None if best is None else {**vars(best), "model": described(best.model)},
            "contributions": [asdict(one) for one in self.contributions],
            "wish": None if self.wish is None else [self.wish.why, self.wish.ending.name],
            **{name: getattr(self, name) for name in counted},
        }

    def load_state_dict(self, state: Mapping[str, Any], network: NetworkFactory | None = None) -> None:
        """Continue from what `state_dict` returned.

        Args:
            state: plain values.
            network: what builds a network that is not the library's own.
        """
        given = dict(state)
        self.generator.set_state(given.pop("generator"))
        self.contributions = [Contribution(**one) for one in given.pop("contributions")]
        best, wish = given.pop("best"), given.pop("wish")
        if best is not None:
            like = next(self.equations.model.parameters())
            model = rebuilt("the best answer", self.equations.problem, best["model"], network).to(like.device)
            self.best = Candidate(**{**best, "model": model})
        self.wish = None if wish is None else Stop(wish[0], Ending[wish[1]], run=True)
        for name, value in given.items():
            setattr(self, name, value)
        self.resumed = True

    def _begins_fixed(self) -> bool:
        return self.features.fixed and not smooth_refusal(self.equations) and not has_noise(self.equations)

    def _trained(self, stages: Sequence[Stage]) -> Stop:
        """Train, with corrections on the way, and a last one; returns why it ended."""
        self.trainer.run(stages)
        outcome = self.trainer.outcome
        assert outcome is not None
        ended = Stop(outcome.detail, outcome.ending, run=True)
        if outcome.ending in (Ending.INTERRUPTED, Ending.TOLERANCE, Ending.NOT_FINITE):
            return ended
        try:
            return self._last_correction() or ended
        except KeyboardInterrupt:
            self.trainer.end.break_off()
            return INTERRUPTED

    def _fixed_neurons(self, history: History) -> Stop | None:
        """Solve an affine problem from nothing; the reason to end where that is all."""
        self.trainer.journal.bar.describe("linear solves on fixed neurons ")
        carried = []
        for one in first_solves(self.equations):
            try:
                found = one(self.equations, self.generator, tolerance=self.tolerance, left=self.left, steps=self.steps)
            except UnsuitedError:  # training says by constraint and point what is the matter
                continue
            carried += [(one, found)] if found.carried else []
            if not found.carried:
                left = found.best.neurons, found.work, 1.0, found.held, math.nan, False
                self.contributions.append(Contribution("fixed neurons", 0, *left))
            elif not one.passes_on(found):
                break
        if not carried:
            return None
        solve, found = min(carried, key=lambda pair: pair[1].error)
        equations = weighed_as(self.equations, found.model.requires_grad_(True))  # an objective wants such parameters
        with finer_nodes() as finer:
            before, after = residual_norms([self.equations, equations], FRESH, 0.0, self.generator)
        # What the solve claims is the error of the equation with sums; that of the sums more nodes tell.
        summed = finer.replaced and found.ending is Fixed.TOLERANCE
        error = max(found.error, self.certificate(found.model, math.inf).error) if summed else found.error
        self.contributions.append(
            Contribution("fixed neurons", 0, found.best.neurons, found.work, before, after, error, True)
        )
        settled = found.ending in (Fixed.TOLERANCE, Fixed.ROUNDING) and not finer.replaced
        measured = solve.kind == "windows" and math.isfinite(found.error)
        self.best = Candidate(found.model, error, after, found.best.neurons, settled, measured)
        timed = solve.kind != "affine" and self.left < math.inf and found.error <= UNFINISHED
        if found.ending not in ENDINGS and not timed and not (self.tolerance is None and found.error <= UNTRAINED):
            return None
        self.trainer.end.interrupted |= found.ending is Fixed.INTERRUPTED
        history.append(
            {
                "step": 0.0,
                "stage": 0.0,
                "seconds": self.clock() - self.started,
                "loss": 0.5 * after**2,
                "validation": 0.5 * after**2,
                "points": float(found.best.rows),
                "rows": float(found.best.rows),
                "parameters": float(sum(one.numel() for one in found.model.parameters() if one.requires_grad)),
                "accepted": 1.0,
            }
        )
        if summed and not error <= (self.tolerance or 0.0):
            said = f"the estimated error, {error:.1e}, is that of the integrals' nodes, which neurons do not change"
            return Stop(said, Ending.STATIONARY, run=True)
        return Stop(str(found), ENDINGS.get(found.ending, Ending.SECONDS if timed else Ending.STATIONARY), run=True)

    def watch_step(self, progress: Progress) -> Stop | None:
        """After a step of training: a correction where one is due, and the reason to end, if there is one."""
        work = self.trainer.work
        if self.paid and self.left < LAST * self.seconds:
            return Stop("the time left is for the last correction", Ending.SECONDS, run=True)
        if work < self.following:
            return None
        if self._refused():
            self.following = AGAIN * max(work, ALONE)
            return self._met(self.trainer.monitor.best_model(), 0.0) if work >= ALONE else None
        neurons = most_neurons(self.equations, self.allowed(self.features.share * work))
        if neurons < FEWEST:
            self.following = 1.1 * work
            return None
        self.tried, self.following = work, AGAIN * work
        level = math.inf if self.best is None else self.best.residual
        trained = self.trainer.monitor.best_model()
        self._correct(trained, neurons, int(progress.row.get("step", 0)))
        if not self.paid and (stop := self._met(trained, 0.0)) is not None:
            return stop
        if self.best is None:
            return None
        self.idle = 0 if self.best.residual < HALVED * level else self.idle + 1
        return self._reached()

    def _reached(self) -> Stop | None:
        """Whether the best corrected answer is good enough, or no better for twice the work."""
        best = self.best
        assert best is not None
        if stop := self._met(best.model, best.error):
            return stop
        if best.error < ROUNDING:
            return Stop("what is left is rounding", Ending.STATIONARY, run=True)
        if self.paid and self.idle >= IDLE:
            return Stop("twice the work has twice not halved what corrections leave", Ending.PATIENCE, run=True)
        return None

    def _met(self, model: Model, claimed: float) -> Stop | None:
        """Whether the error of an answer, as claimed and by its certificate, is within the tolerance."""
        if self.tolerance is None or not claimed <= self.tolerance:
            return None
        found = max(claimed, self.certificate(model, math.inf).error)
        if not found <= self.tolerance:
            return None
        return Stop(f"the estimated error, {found:.1e}, is within the tolerance", Ending.TOLERANCE, run=True)

    # -- corrections ------------------------------------------------------------------------------------------------

    def _refused(self) -> str:
        """Why corrections are not made of this problem, empty where they are; noise may be found while training."""
        if not self.features.lifted:
            return "none were asked for"
        return "the data have noise" if has_noise(self.equations) else lift_refusal(self.equations)

    @property
    def work(self) -> float:
        """Operations of all training and solves."""
        solved = sum(one.work for one in self.contributions if one.kind != "training")
        return solved + self.trainer.work

    def allowed(self, work: float, further: float = 0.0) -> float:
        """So many operations, or what the seconds left, and further ones, allow."""
        return work if self.left == math.inf else min(work, 0.8 * self.pace * max(self.left + further, 0.0))

    def _last_correction(self) -> Stop | None:
        """One more about the best network, a larger one; what it reached, where that is an end of its own."""
        work = self.trainer.work
        timed = self.seconds < math.inf and self.paid
        if self._refused():
            return None
        neurons = most_neurons(
            self.equations, self.allowed(math.inf if timed else max(AT_LAST, self.features.share) * work)
        )
        if neurons < FEWEST:
            return None
        self._correct(copied(self.equations.model), neurons, self.trainer.journal.steps)
        return None if self.best is None else self._reached()

    def _correct(self, model: Model, neurons: int, steps: int) -> None:
        """A correction of a trained model, taken where fresh points confirm it against the best so far."""
        began, equations = self.clock(), weighed_as(self.equations, model)
        found = lift(equations, neurons, self.generator)
        if found is None:
            return
        self.pace = found.work / max(self.clock() - began, 1e-9) if self.seconds < math.inf else self.pace
        error, taken = found.error, found.taken
        if taken and self.best is not None:
            rivals = [weighed_as(self.equations, one) for one in (self.best.model, found.model)]
            old, new = residual_norms(rivals, FRESH, 0.5, self.generator)
            taken = new < CONFIRMED * old
        self.contributions.append(
            Contribution(OVER, steps, neurons, found.work, found.before, found.after, error, taken)
        )
        self.paid = taken
        if taken:
            self.best = Candidate(found.model, error, found.after, neurons)
            self.trainer.journal.bar.estimated(error)

    def _answer(self) -> Model:
        """The model of the best answer, trained or corrected, on points that are fresh once more."""
        trained = self.equations.model
        steps, work = self.trainer.journal.steps, self.trainer.work
        if self.best is None:
            return trained
        if steps or not self.best.settled:  # else there is no other answer
            rivals = [self.equations, weighed_as(self.equations, self.best.model)]
            old, new = residual_norms(rivals, FRESH, 0.5, self.generator)
            if steps:
                self.contributions.append(Contribution("training", steps, 0, work, math.nan, old, math.nan, True))
            if not new < CONFIRMED * old:
                return trained
        self.claimed = self.best.error
        return self.best.model

    def certificate(self, model: Model, effort: float) -> Certificate:
        """The certificate of an answer; no less than solves have told, half of what those from nothing claimed, where
        features do not carry what is left, and that where another solve has measured it, or features carry nothing.
        """
        own = self.best if self.best is not None and model is self.best.model else None
        settled, measured = (own.settled, own.measured) if own is not None else (False, False)
        # Solves in a row have told it. Further ones found the same, in 2.7 of 4.1 s for poisson_5d and in 1.2 of 2.2 s
        # where neurons over a network had the last word: of eight such answers the claim decided in all.
        solved = [one.kind for one in self.contributions if one.taken and one.kind != "training"]
        over = 0 < self.claimed < math.inf and solved[-1:] == [OVER]
        effort = 0.0 if settled or measured or over else effort
        found = certify(weighed_as(self.equations, model), seed=self.seed, effort=effort)
        estimate = self.claimed if over else self.claimed / CLAIM  # of kdv 2.0e-8, as is true; features say 1.1e-6
        least = 0.0 if measured or (settled and found.carried > 1) else found.error
        if not (found.error > 0 and found.carried > UNCARRIED and math.inf > estimate > least):
            return found
        factor = estimate / found.error
        return replace(found, error=estimate, errors={name: factor * of for name, of in found.errors.items()})


class _Watch(Callback):
    """Tells the loop of every step."""

    def __init__(self, loop: Alternation) -> None:
        self._loop = loop

    def step(self, progress: Progress) -> Stop | None:
        """See `Alternation.watch_step`."""
        self._loop.wish = self._loop.watch_step(progress)
        return self._loop.wish

    def begin(self, progress: Progress) -> Stop | None:
        """A wish to stop that was not yet heard when the run was broken off."""
        return self._loop.wish
