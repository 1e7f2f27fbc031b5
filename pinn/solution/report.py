"""The run's account of itself: a verdict as a value, its evidence in plain words, and the numbers that they rest on.

Residuals are measured on fresh Sobol points that neither training nor the choice of the best parameters has seen (see
`residuals`); what follows from them, from the certificate and from the reference is judged in `verdict`. An error below
that of its reference is not printed as one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pinn.derivatives import EngineChoice
from pinn.domains import Points
from pinn.files import replacing
from pinn.objective import Equations
from pinn.sampling.uniform import sample_uniform
from pinn.scales import Scales
from pinn.solution.account import account
from pinn.solution.drawing import drawn_unknowns, estimated_fields
from pinn.solution.error import ErrorMeasure
from pinn.solution.findings import LARGEST_TRUSTED, Findings, Known
from pinn.solution.noise import NoiseEstimate
from pinn.solution.outcome import Outcome
from pinn.solution.page import Drawn, page
from pinn.solution.residuals import ConstraintReport, homogeneous, measured_constraints, of_the_reference
from pinn.solution.solution import Solution
from pinn.solution.verdict import Judgement, judge
from pinn.verification.certificate import Certificate
from pinn.verification.finding import Finding

Array = NDArray[np.float64]

_CONSTANT = 0.02  # extent of an output, of its size, below which it is called constant
_VANISHING = 1e-3  # size of outputs of a homogeneous problem, in units of their scale, below which they are zero


@dataclass(frozen=True)
class Report:
    """What a run says of itself; `print(report)` for people, `report.as_dict()` for files.

    Attributes:
        problem: its name.
        judgement: the verdict, the error that the answer is trusted to, the evidence and what to do next.
        error: relative L2 of all outputs stacked, None without a reference.
        errors: relative L2 of each output that the reference gives.
        reference_error: relative L2 that the reference is known to be wrong by.
        coefficients: the unknowns that were found, in their own units.
        coefficient_errors: their relative errors, where the truth is known.
        fields: unknown field -> lowest and highest value over the domain, and the half width of its band of one
            standard error, the median over the domain, None where none is known; in its own units.
        constraints: one entry each, on fresh points.
        loss: half the weighted mean square of the rows on those points.
        seconds: wall time until the answer was there, linear solves and all, without certificate and report.
        steps: optimizer steps.
        outcome: how training ended, None where it is not known; `reason` and `ending` say the same as text.
        parameters: number of trained numbers.
        dtype: their precision.
        seed: of weights and points.
        checked: number of comparisons made before the run, 0 where it was not verified.
        engines: constraint -> the engine that took its derivatives, and why where another was asked for.
        certificate: what a linear solve about the answer says of it; None where none was made.
        stated: what was found of the problem as it is stated, before training, without what the answer refutes.
        noise: what the run found of the noise in its data; None where they have none.
        scales: shifts and sizes that the run was scaled by; None where the model has none.
        chosen: network, optimizer, sampling, weighting -> what it was.
        energies: constraints that were trained by their energy, and are judged by the equation that it leads to.
        drawn: what the page draws.
    """

    problem: str
    judgement: Judgement
    error: float | None
    errors: Mapping[str, float]
    reference_error: float
    coefficients: Mapping[str, float]
    coefficient_errors: Mapping[str, float]
    fields: Mapping[str, tuple[float, float, float | None]]
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
    certificate: Certificate | None = None
    stated: tuple[Finding, ...] = ()
    noise: NoiseEstimate | None = None
    scales: Scales | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)
    energies: tuple[str, ...] = ()
    drawn: Drawn | None = field(default=None, repr=False, compare=False)

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
        chosen: Mapping[str, str] | None = None,
        engines: Mapping[str, EngineChoice] | None = None,
        seconds: float | None = None,
    ) -> Report:
        """Measure a solution on fresh points, and judge it.

        Args:
            solution: what was found, with its certificate where one was made.
            equations: the constraints and engine it was trained with.
            check: the table of comparisons made before the run.
            outcome: how training ended.
            seed: of the run; the fresh points come from another one.
            size: fresh points on the domain itself.
            chosen: network, optimizer, sampling, weighting -> what it was, for people.
            engines: that took the derivatives in training; those of `equations` by default.
            seconds: wall seconds after which the answer was there; those of the history's last row by default.
        """
        problem, history = solution.problem, solution.history
        points = sample_uniform(problem, size, torch.Generator().manual_seed(seed + 0x5EED))
        measured = measured_constraints(equations, points)
        parameters = list(solution.model.parameters())
        known = _known(solution, points, measured.constraints)
        certificate = solution.certificate
        seen = Findings(
            problem=problem,
            constraints=measured.constraints,
            loss=measured.loss,
            history=history,
            outcome=outcome,
            certificate=certificate,
            known=known,
            coefficients=solution.coefficients,
            stated=() if check is None else check.findings,
            **_trivial(solution, points),
        )
        judgement = judge(seen)
        drawn_error = None if judgement.undetermined(certificate, problem.outputs) else estimated_fields(solution)
        return cls(
            problem=problem.name,
            judgement=judgement,
            error=known.error,
            errors=known.outputs,
            reference_error=problem.reference_error,
            coefficients=solution.coefficients,
            coefficient_errors=known.coefficients,
            fields=_fields(solution),
            constraints=measured.constraints,
            loss=measured.loss,
            seconds=(float(history[-1]["seconds"]) if len(history) else 0.0) if seconds is None else seconds,
            steps=int(history[-1]["step"]) if len(history) else 0,
            outcome=outcome,
            parameters=sum(parameter.numel() for parameter in parameters),
            dtype=str(parameters[0].dtype).removeprefix("torch."),
            seed=seed,
            checked=0 if check is None else len(check.rows),
            engines=equations.engines if engines is None else engines,
            certificate=certificate,
            stated=seen.standing,
            noise=solution.noise,
            scales=solution.model.scales,
            chosen=dict(chosen or {}),
            energies=tuple(equations.energies),
            drawn=Drawn(
                solution.fields,
                history,
                measured.pointwise,
                problem.reference_error,
                drawn_error,
                drawn_unknowns(solution),
            ),
        )

    @property
    def verdict(self) -> str:
        """The verdict in words, such as "trusted"; the value of a `Verdict`."""
        return self.judgement.verdict.value

    @property
    def trusted(self) -> bool:
        """Whether the answer can be relied on to `judgement.error`."""
        return self.judgement.trusted

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why not to trust the answer, the gravest first, and what to do; empty where it is trusted."""
        if self.trusted:
            return ()
        return (*self.judgement.evidence, *((self.judgement.advice,) if self.judgement.advice else ()))

    @property
    def reason(self) -> str:
        """Why training ended, in plain words; empty where it is not known."""
        return "" if self.outcome is None else str(self.outcome)

    @property
    def ending(self) -> str:
        """What ended training, the value of an `Ending`; empty where it is not known."""
        return "" if self.outcome is None else self.outcome.ending.value

    def as_dict(self) -> dict[str, Any]:
        """Plain values only, as JSON wants them."""
        apart = (
            "constraints",
            "engines",
            "outcome",
            "judgement",
            "certificate",
            "scales",
            "noise",
            "stated",
            "drawn",
            "fields",
        )
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in apart}
        plain |= {"reason": self.reason, "ending": self.ending}
        plain |= {"contributions": [] if self.outcome is None else plain_values(self.outcome.contributions)}
        plain |= {"uncorrected": "" if self.outcome is None else self.outcome.uncorrected}
        plain |= {name: dict(value) for name, value in plain.items() if isinstance(value, Mapping)}
        plain |= {"verdict": self.verdict, "trusted": self.trusted, "trusted_error": self.judgement.error}
        plain |= {"evidence": list(self.judgement.evidence), "advice": self.judgement.advice}
        plain |= {"warnings": list(self.warnings)}
        plain["fields"] = {
            name: dict(zip(("low", "high", "band"), of, strict=True)) for name, of in self.fields.items()
        }
        plain["engines"] = {name: asdict(choice) for name, choice in self.engines.items()}
        plain["certificate"] = None if self.certificate is None else plain_values(self.certificate)
        plain["stated"] = [str(one) for one in self.stated]
        plain["noise"] = None if self.noise is None else plain_values(self.noise)
        plain["scales"] = None if self.scales is None else plain_values(self.scales)
        plain["constraints"] = {
            one.name: {key: value for key, value in plain_values(one).items() if key != "name"}
            for one in self.constraints
        }
        return plain

    def __str__(self) -> str:
        return account(self).text

    def markdown(self) -> str:
        """The same as Markdown."""
        return account(self).markdown

    def html(self) -> str:
        """The same as one page that needs nothing else, with pictures."""
        return page(self)

    def _repr_html_(self) -> str:
        return page(self, whole=False)

    def save_html(self, path: str | os.PathLike[str]) -> None:
        """Write the page to `path`: verdict, solution, error, residuals, history, all in one file."""
        with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(self.html())


def plain_values(value: Any) -> Any:
    """Dataclasses, mappings and sequences as dictionaries and lists of numbers and text; what is neither is left out.

    Pairs of names, as keys, are joined by a comma.
    """
    if hasattr(value, "__dataclass_fields__"):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__ if name not in _APART}
    if isinstance(value, Mapping):
        found = {", ".join(key) if isinstance(key, tuple) else str(key): plain_values(of) for key, of in value.items()}
        return {key: of for key, of in found.items() if of is not _LEFT_OUT}
    if isinstance(value, (tuple, list)):
        return [plain_values(entry) for entry in value]
    return value if value is None or isinstance(value, (str, bool, int, float)) else _LEFT_OUT


_LEFT_OUT = object()
_APART = ("correction", "bands")


def _known(solution: Solution, points: Mapping[str, Points], measured: tuple[ConstraintReport, ...]) -> Known:
    """What the reference says of the answer, or what is wrong with it."""
    problem = solution.problem
    coefficients = solution.coefficient_errors()
    if problem.reference is None:
        return Known(coefficients=coefficients)
    try:
        measure = ErrorMeasure(problem)
    except ValueError as refused:
        return Known(coefficients=coefficients, fault=str(refused))
    exact = problem.exact(measure.points)
    bad = {name: int((~np.isfinite(values)).sum()) for name, values in exact.items()}
    if any(bad.values()):
        name, count = next((name, count) for name, count in bad.items() if count)
        fault = f"the reference gives no number for {name} at {count} of {measure.points.n} points"
        return Known(coefficients=coefficients, fault=fault)
    left = of_the_reference(problem, points, measured)
    met = {one.name for one in measured if one.relative is not None and one.relative < LARGEST_TRUSTED}
    violates = {name: value for name, value in left.items() if name in met and value > LARGEST_TRUSTED}
    by_output = measure.by_output(solution.model)
    return Known(measure(solution.model), problem.reference_error, by_output, coefficients, violates)


def _trivial(solution: Solution, points: Mapping[str, Points]) -> dict[str, Any]:
    """Whether the answer is zero or constant where it should not be; for `Findings`."""
    problem = solution.problem
    inside = problem.domain.sample(256, generator=torch.Generator().manual_seed(0))
    value = solution(**{name: inside.column(name).numpy() for name in inside.names})
    outputs = value if isinstance(value, dict) else {problem.stated_outputs[0]: value}
    sizes = dict(zip(problem.outputs, solution.model.get_buffer("sizes").tolist(), strict=True))
    sizes |= {name: max(sizes[own] for own in owned.values()) for name, owned in problem.joined.items()}
    constant = tuple(name for name, of in outputs.items() if float(np.ptp(of)) < _CONSTANT * sizes[name])
    vanishing = all(float(np.abs(of).max()) < _VANISHING * sizes[name] for name, of in outputs.items())
    return {
        "constant": constant,
        "vanishing": vanishing,
        "homogeneous": vanishing and homogeneous(problem, points),
    }


def _fields(solution: Solution) -> dict[str, tuple[float, float, float | None]]:
    """Lowest and highest value of each unknown field, and the half width of its band where one is known."""
    problem = solution.problem
    names = [name for name, unknown in problem.unknowns.items() if unknown.inputs]
    inside = problem.domain.sample(1024, generator=torch.Generator().manual_seed(0))
    columns = {name: inside.column(name).numpy() for name in inside.names}
    found: dict[str, tuple[float, float, float | None]] = {}
    for name in names:
        values = solution.field(name, **columns)
        band = None if solution.certificate is None else solution.certificate.bands.get(name)
        found[name] = (float(values.min()), float(values.max()), None if band is None else band.median)
    return found
