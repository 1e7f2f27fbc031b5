"""The run's account of itself: how wrong the answer is known to be, and reasons not to trust it, in plain words.

Residuals are measured on fresh Sobol points that neither training nor the choice of the best parameters has seen (see
`residuals`); what speaks against the answer is said in `doubts`. An error below that of its reference is not printed
as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from pinn.derivatives import EngineChoice
from pinn.objective import Equations
from pinn.sampling.uniform import sample_uniform
from pinn.solution.doubts import reasons_for_distrust
from pinn.solution.error import score
from pinn.solution.outcome import Outcome
from pinn.solution.residuals import ConstraintReport, measured_constraints
from pinn.solution.solution import Solution


@dataclass(frozen=True)
class Report:
    """What a run says of itself; `print(report)` for people, `report.as_dict()` for files.

    Attributes:
        problem: its name.
        error: relative L2 of all outputs stacked, None without a reference.
        errors: relative L2 of each output that the reference gives.
        reference_error: relative L2 that the reference is known to be wrong by.
        coefficients: the unknowns that were found, in their own units.
        coefficient_errors: their relative errors, where the truth is known.
        constraints: one entry each, on fresh points.
        loss: half the weighted mean square of the rows on those points.
        seconds: wall time of training.
        steps: optimizer steps.
        outcome: how training ended, None where it is not known; `reason` and `ending` say the same as text.
        parameters: number of trained numbers.
        dtype: their precision.
        seed: of weights and points.
        checked: number of comparisons made before the run, 0 where it was not verified.
        engines: constraint -> the engine that took its derivatives, and why where another was asked for.
        warnings: reasons not to trust the answer; empty when none was found.
    """

    problem: str
    error: float | None
    errors: Mapping[str, float]
    reference_error: float
    coefficients: Mapping[str, float]
    coefficient_errors: Mapping[str, float]
    constraints: tuple[ConstraintReport, ...]
    loss: float
    seconds: float
    steps: int
    outcome: Outcome | None
    parameters: int
    dtype: str
    seed: int
    checked: int
    engines: Mapping[str, EngineChoice]
    warnings: tuple[str, ...]

    @classmethod
    def of(
        cls,
        solution: Solution,
        equations: Equations,
        *,
        check: Any | None = None,
        outcome: Outcome | None = None,
        seed: int = 0,
        size: int = 4000,
    ) -> Report:
        """Measure a solution on fresh points.

        Args:
            solution: what was found.
            equations: the constraints and engine it was trained with.
            check: the table of comparisons made before the run.
            outcome: how training ended.
            seed: of the run; the fresh points come from another one.
            size: fresh points on the domain itself.
        """
        problem, history = solution.problem, solution.history
        points = sample_uniform(problem, size, torch.Generator().manual_seed(seed + 0x5EED))
        constraints, loss = measured_constraints(equations, points)
        parameters = list(solution.model.parameters())
        known = problem.reference is not None
        return cls(
            problem=problem.name,
            error=solution.error() if known else None,
            errors=solution.errors() if known else {},
            reference_error=problem.reference_error,
            coefficients=solution.coefficients,
            coefficient_errors=solution.coefficient_errors(),
            constraints=constraints,
            loss=loss,
            seconds=float(history[-1]["seconds"]) if len(history) else 0.0,
            steps=int(history[-1]["step"]) if len(history) else 0,
            outcome=outcome,
            parameters=sum(parameter.numel() for parameter in parameters),
            dtype=str(parameters[0].dtype).removeprefix("torch."),
            seed=seed,
            checked=0 if check is None else len(check.rows),
            engines=equations.engines,
            warnings=tuple(reasons_for_distrust(solution, constraints, loss, points, outcome)),
        )

    @property
    def reason(self) -> str:
        """Why training ended, in plain words; empty where it is not known."""
        return "" if self.outcome is None else str(self.outcome)

    @property
    def ending(self) -> str:
        """What ended training, the value of an `Ending`; empty where it is not known."""
        return "" if self.outcome is None else self.outcome.ending.value

    @property
    def trusted(self) -> bool:
        """Whether no reason for distrust was found."""
        return not self.warnings

    def as_dict(self) -> dict[str, Any]:
        """Plain values only, as JSON wants them."""
        apart = ("constraints", "engines", "outcome")
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in apart}
        plain |= {"reason": self.reason, "ending": self.ending}
        plain |= {name: dict(value) for name, value in plain.items() if isinstance(value, Mapping)}
        plain["warnings"] = list(self.warnings)
        plain["engines"] = {name: asdict(choice) for name, choice in self.engines.items()}
        plain["constraints"] = {
            one.name: {
                "rms": one.rms,
                "largest": one.largest,
                "where": dict(one.where),
                "fraction_of_loss": one.fraction_of_loss,
                "relative": one.relative,
                "concentrated": {name: list(interval) for name, interval in one.concentrated.items()},
            }
            for one in self.constraints
        }
        return plain

    def __str__(self) -> str:
        known = "no reference" if self.error is None else score(self.error, self.reference_error)
        lines = [
            f"{self.problem}: {known} after {self.seconds:.1f} s "
            f"({self.steps} steps, {self.parameters} parameters, {self.dtype}, seed {self.seed})",
            f"ended: {self.reason}" if self.reason else "",
            f"checked before: {self.checked} comparisons held" if self.checked else "not verified before the run",
            *_engine_lines(self.engines),
        ]
        if len(self.errors) > 1:
            lines.append("by output: " + ", ".join(f"{name} {value:.1e}" for name, value in self.errors.items()))
        for name, value in self.coefficients.items():
            wrong = self.coefficient_errors.get(name)
            lines.append(f"{name} = {value:.8g}" + ("" if wrong is None else f", relative error {wrong:.1e}"))
        lines += self._table()
        lines += [f"! {warning}" for warning in self.warnings] or ["nothing speaks against the answer"]
        return "\n".join(line for line in lines if line)

    def _table(self) -> list[str]:
        width = max(len("on fresh points"), *(len(one.name) for one in self.constraints))
        lines = [f"{'on fresh points':<{width}}  rms resid.  of zero's   largest  of loss  at"]
        for one in self.constraints:
            relative = "—" if one.relative is None else f"{one.relative:.1e}"
            place = ", ".join(f"{name} = {value:.3g}" for name, value in one.where.items())
            lines.append(
                f"{one.name:<{width}}  {one.rms:10.1e}  {relative:>9}  {one.largest:8.1e}  "
                f"{one.fraction_of_loss:7.0%}   {place}"
            )
        for one in self.constraints:
            for name, (low, high) in one.concentrated.items():
                lines.append(f"half of the squared residual of {one.name!r} lies in {low:.3g} ≤ {name} ≤ {high:.3g}")
        return lines


def _engine_lines(engines: Mapping[str, EngineChoice]) -> list[str]:
    """What took the derivatives: in one line, or each constraint that another engine took over, with the reason."""
    taken_over = {name: choice for name, choice in engines.items() if choice.reason}
    if taken_over:
        return [f"derivatives of {name!r} by {choice.engine}: {choice.reason}" for name, choice in taken_over.items()]
    names = sorted({choice.engine for choice in engines.values()})
    return [f"derivatives by {' and '.join(names)}"] if names else []
