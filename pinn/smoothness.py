"""The rows that keep smooth what data with noise find: unknown fields, and outputs that nothing else tells.

A field k is found from noisy data only as well as something else is known of it: the equation differentiates what was
seen, which amplifies noise without bound (Hadamard; Tikhonov, Soviet Math. Dokl. 4 (1963) 1035). What is added here is
Tikhonov's term, the mean over the domain of

    (L_x ∂k/∂x / size)²                                             for a field of one coordinate x, of extent L_x
    sum over its coordinates x, y of (L_x L_y ∂²k/∂x∂y / size)²     for one of several

which is dimensionless and prefers constants, or planes; `pinn.training.noise` chooses its weight. The order s is the
least with s > d/2, since of a lower one samples of the prior that belongs to it are no functions (Stuart, Acta Numerica
19 (2010) 451, sec. 2.4): with slopes alone and the best weight the conductivity of `pinnacle.poisson_inverse` has an
error of 3.3e-2, with curvatures 2.2e-2 (the linear problem about the answer after 20 steps), and by a classical solve,
`python -m experiments.benchmark_fields --classical`, 3.0e-2 and 1.3e-2.

An output is kept smooth where data state their noise, no observation takes it, and there are fewer equations than
outputs: then it is found as an unknown field is. `Output(smooth=...)` says otherwise.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from pinn.binding import names_of
from pinn.constraint import Constraint
from pinn.derivatives import d
from pinn.domains import Domain
from pinn.output import Output
from pinn.unknowns import Unknown

SMOOTHNESS = "smoothness of "
"""What the names of the constraints begin with that keep fields and outputs smooth; the name follows."""


def kept_smooth(
    domain: Domain,
    outputs: Sequence[str],
    forms: Mapping[str, Output],
    unknowns: Mapping[str, Unknown],
    constraints: Mapping[str, Constraint],
    rows: Callable[[str], int],
) -> dict[str, Constraint]:
    """The constraints to add: where there are data, and no rows for it in the problem.

    Args:
        domain: of the problem.
        outputs: their names.
        forms: output -> what is known of it.
        unknowns: coefficient -> what is to be found.
        constraints: of the problem.
        rows: constraint -> number of its residual components.
    """
    takes = {name: {*itertools.chain(*names_of(one.equation))} for name, one in constraints.items()}
    observed = [name for name, one in constraints.items() if one.few.values]
    if not observed:
        return {}
    whole = [name for name, one in constraints.items() if one.on.dimension == domain.dimension]
    alone = [takes[name] for name in whole if not takes[name] & set(outputs)]
    found: dict[str, tuple[Sequence[str], float]] = {
        name: (unknown.inputs, abs(unknown.initial) or 1.0)
        for name, unknown in unknowns.items()
        if unknown.inputs and unknown.smooth and not any(name in names for names in alone)
    }
    if any(constraints[name].few.sigma is not None or constraints[name].robust is not None for name in observed):
        told = {name: form.smooth for name, form in forms.items() if form.smooth is not None}
        few = sum(map(rows, whole)) < len(outputs)
        lost = {name for name in outputs if few and not any(name in takes[one] for one in observed)}
        found |= {name: (domain.coordinates, 1.0) for name in outputs if told.get(name, name in lost)}
    return {
        f"{SMOOTHNESS}{name}": Constraint(smoothness(name, *of, domain.bounds), on=domain) for name, of in found.items()
    }


def smoothness(
    name: str, inputs: Sequence[str], size: float, bounds: Mapping[str, tuple[float, float]]
) -> Callable[..., tuple[Tensor, ...]]:
    """The slopes or curvatures of an unknown field as an equation, see the module; dimensionless rows.

    Args:
        name: of the field or output, by which the equation asks for it.
        inputs: coordinates that it depends on.
        size: of it, in its own units.
        bounds: coordinate -> (low, high) of the domain.

    Returns:
        An equation whose arguments are the field and its coordinates, by name.
    """
    extent = {x: bounds[x][1] - bounds[x][0] for x in inputs}

    def slopes(**given: Any) -> tuple[Tensor, ...]:
        return tuple(d(given[name], given[x]) * (extent[x] / size) for x in inputs)

    def curvatures(**given: Any) -> tuple[Tensor, ...]:
        return tuple(
            d(given[name], given[x], given[y]) * (extent[x] * extent[y] * (1.0 if x == y else math.sqrt(2.0)) / size)
            for x, y in itertools.combinations_with_replacement(inputs, 2)
        )

    rows = slopes if len(inputs) == 1 else curvatures
    keywords = [inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY) for one in (name, *inputs)]
    rows.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    return rows
