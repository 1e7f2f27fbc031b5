"""A solution as the pictures take it: its outputs and reference, the error that is estimated, the residuals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pinn.domains import Points
from pinn.plotting import Banded, Drawable, Fields, Shown
from pinn.problem import Problem
from pinn.solution import functions
from pinn.solution.error import score
from pinn.solution.observed import observations

if TYPE_CHECKING:
    from pinn.solution.solution import Solution

_PLACES, _CELLS = 201, 61  # along each coordinate of an unknown field, where it has one, and more

Array = NDArray[np.float64]
Columns = Mapping[str, Array]


def drawn(solution: Solution, kind: str) -> Drawable:
    """What is drawn of a kind of picture.

    Raises:
        ValueError: for an estimate of the error where there is none.
    """
    if kind == "estimate":
        made = estimated_fields(solution)
        if made is None:
            raise ValueError("plot: there is no estimated error to draw; solve with certify=True, or train on")
        return Shown(made())
    return Shown(_residuals(solution)) if kind == "residual" else solution


def fields_of(solution: Solution) -> Fields:
    """See `Solution.fields`."""
    problem = solution.problem

    def found(columns: Columns) -> dict[str, Array]:
        values = solution.evaluate(columns)
        return {name: values[name] for name in problem.stated_outputs}

    known = _over(problem)
    noise = None if solution.noise is None else solution.noise.sigma
    read = observations(problem, solution.coefficients, noise)
    return replace(known, title=_title(solution), outputs=problem.stated_outputs, evaluate=found, observations=read)


def reference_fields(problem: Problem) -> Fields:
    """The reference of a problem, of those outputs that it gives.

    Raises:
        ValueError: when the problem has none.
    """
    few = problem.domain.sample(1, generator=torch.Generator().manual_seed(0), method="uniform")
    outputs = tuple(problem.exact(few))  # which says so where there is no reference
    known = _over(problem)
    return replace(
        known,
        title=f"reference of {problem.name}",
        outputs=outputs,
        evaluate=known.exact or known.evaluate,
        exact=None,
        what="reference",
    )


def _over(problem: Problem) -> Fields:
    """The domain of a problem and its reference; no fields yet."""

    def matrix(columns: Columns) -> Tensor:
        return torch.from_numpy(np.stack([columns[name] for name in problem.coordinates], axis=1))

    def true(columns: Columns) -> Mapping[str, Array]:
        return problem.exact(Points(problem.coordinates, matrix(columns)))

    return Fields(
        title=problem.name,
        coordinates=problem.coordinates,
        bounds=problem.domain.bounds,
        outputs=(),
        contains=lambda columns: problem.domain.contains(matrix(columns)).numpy(),
        evaluate=lambda columns: {},
        exact=true if problem.reference is not None else None,
        labels=problem.labels,
        level=lambda columns: problem.domain.level(matrix(columns)).numpy(),
    )


def estimated_fields(solution: Solution) -> Callable[[], Fields] | None:
    """Makes the estimated error of each output as fields: what the certificate's correction changes.

    None where there is no correction, or the problem leaves the answer open, whose error is then not known.
    """
    certificate = solution.certificate
    if certificate is None or certificate.correction is None or certificate.undetermined:
        return None
    correction = certificate.correction

    def made() -> Fields:
        before = solution.fields()
        after = type(solution)(solution.problem, correction.corrected(solution.model)).fields()

        def difference(columns: Columns) -> dict[str, Array]:
            old, new = before.evaluate(columns), after.evaluate(columns)
            return {name: np.abs(new[name] - old[name]) for name in old}

        return replace(before, title="", evaluate=difference, exact=None, observations=())

    return made


def drawn_unknowns(solution: Solution) -> dict[str, Callable[[], Banded]]:
    """Makes each unknown field, with its standard error where noise of the data leaves one, and what was read."""
    problem, certificate = solution.problem, solution.certificate
    bands = {} if certificate is None else certificate.bands

    def made(name: str, inputs: Sequence[str]) -> Banded:
        bounds = problem.domain.bounds
        size = _PLACES if len(inputs) == 1 else _CELLS
        axes = {one: np.linspace(*bounds[one], size) for one in inputs}
        if name in bands:
            axes = {one: places.double().numpy() for one, places in bands[name].axes.items()}
        held = {one: np.asarray(np.mean(bounds[one])) for one in problem.coordinates if one not in axes}
        meshed = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
        columns = {**held, **meshed}
        everywhere = dict(zip(columns, np.broadcast_arrays(*columns.values()), strict=True))
        read = fields_of(solution).observations
        return Banded(
            name,
            axes,
            solution.evaluate(everywhere)[name],
            bands[name](**meshed) if name in bands else None,
            problem.labels,
            tuple(one for one in read if one.name == name),
            {one: np.concatenate([seen.columns[one] for seen in read]) for one in axes} if read else {},
        )

    return {name: partial(made, name, one.inputs) for name, one in problem.unknowns.items() if one.inputs}


def _residuals(solution: Solution) -> Fields:
    """|r| of every constraint that holds all over the domain."""
    problem = solution.problem
    made = {
        name: functions.residual(problem, solution.model, name)
        for name, constraint in problem.constraints.items()
        if constraint.on.dimension >= problem.domain.dimension and constraint.reduction.pointwise
    }

    def sizes(columns: Columns) -> dict[str, Array]:
        return {
            name: np.sqrt(np.sum(np.square(np.stack(function.at(columns))), axis=0)) for name, function in made.items()
        }

    return replace(solution.fields(), title="", outputs=tuple(made), evaluate=sizes, exact=None, observations=())


def _title(solution: Solution) -> str:
    parts = [solution.problem.name]
    if solution.problem.reference is not None:
        parts.append(score(solution.error(), solution.problem.reference_error))
    wrong = solution.coefficient_errors()
    for name, value in solution.coefficients.items():
        parts.append(f"{name} = {value:.6g}" + (f" (relative error {wrong[name]:.1e})" if name in wrong else ""))
    return "   ·   ".join(parts)
