"""Whether a problem is posed, told before training: what is missing in it, what is superfluous, what contradicts.

What its statement shows comes first (`pinn.verification.statement`): outputs and unknowns that nothing depends on,
observations outside the domain, constants that are free, conditions that clash. Then the constraints are linearized on
random features (`pinn.verification.determination`); where a singular value says that something is left open, the
condition that closes it is named (`pinn.verification.conditions`), or the unknowns that change together. Where counting
wants a condition and smooth features see none missing, less is asked of the gain, and features for layers are tried: a
convection-dominated problem leaves open what no smooth change shows.

A small value may also be that of a condition which is there and says little: cooling by a Robin coefficient of 1e-5
has σ = 4e-7, a plate without any of its walls 1e-8 to 1e-3. What tells them apart is what the value is made of. Where a
condition is missing the features come ever nearer to a change that no row sees, and the value falls: with three times
as many to 0.02 … 0.37 of what it was (stokes with half a lid, the others to 0.18). That of a weak condition stays: 0.73
(the layers of a conductor) … 1.2. In ordinary differential equations features are near at once, and rounding decides;
but there such a change meets the conditions exactly, which make less than 0.02 of its value, and 0.25 or more of it
where a weak one tells it.

Measured, smallest singular value σ about an untrained network of smooth features; the thresholds stand between:

| problems | σ |
|---|---|
| 23 of the library, 65 others that are posed, but for the next four rows | 0.02 … 1.2 |
| posed, but growing along the field that they are linearized at (lotka_volterra, lorenz, a double well) | 2e-4 … 8e-4 |
| posed, conductivities of 1 : 1e4 in layers | 5e-5 |
| posed, a Robin coefficient of 1e-2 … 1e-5 | 7e-4 … 4e-7 |
| posed, with an unknown field that data tell | 2e-3 … 0.4 |
| a condition taken away, 50 problems; those above 1e-2 are found by counting and layers | 1e-9 … 0.4 |
| an unknown that nothing tells, 12 problems | 1e-16 … 1e-4 |

In the second and third row no condition is wanted, so that nothing is said. Processor time: 0.03 to 0.05 s in one
dimension, 0.05 to 0.14 s in two, two to four times that where a condition is missing or weak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch

from pinn.ambient import own_settings
from pinn.analysis import analyze
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.problem import Problem
from pinn.verification.conditions import Condition, bare_faces, missing_conditions
from pinn.verification.determination import Determination
from pinn.verification.direction import Direction
from pinn.verification.finding import Finding, Kind
from pinn.verification.statement import free_levels, levels, of_conditions, outside, unused

_WEAK = 0.02  # stability under which a condition is looked for
_STEEP, _STEEP_GAIN = 0.2, 4.0  # the same with features for layers, where counting wants that condition too
_GAIN = 10.0  # factor by which that condition, or knowing the unknowns, must raise it
_UNKNOWN = 1e-3  # stability under which unknowns are not told by what is given
_OPEN = 1e-6  # stability under which an answer is not determined although no condition is wanted
_ROUNDED = 1e-7  # stability that rounding explains
_FINER, _STAYS = 3.0, 0.55  # times as many features, with which a direction that is told keeps so much of its stability
_MET = 0.1  # part of a direction's stability below which conditions do not tell it, but what features do not resolve
_PROVEN, _TOLD = 1e-3, 1e-4  # stability under which a missing condition, and an unknown, are no suspicion any more


def posedness(problem: Problem | Equations) -> tuple[Finding, ...]:
    """What is missing in a problem, superfluous or contradictory, worst first; nothing where it is posed.

    Args:
        problem: a problem, which is judged about a first guess; or equations, which are judged about their model,
            trained or not.

    Example:
        >>> from pinn import Box, Constraint, Problem, d
        >>> line = Box(t=(0, 1))
        >>> decay = {"equation": Constraint(lambda u, t: d(u, t) + u, on=line)}
        >>> for finding in posedness(Problem(line, ["u"], decay)):
        ...     print(finding)
        a condition is missing: u at t = 0, or u at t = 1; add a constraint that gives it
        >>> posedness(Problem(line, ["u"], {**decay, "start": Constraint(lambda u: u - 1, on=line.face(t=0))}))
        ()
    """
    with own_settings(torch.float64):
        if isinstance(problem, Problem):
            first = partial(MLP, width=8, depth=1)
            model = Model(problem, first, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            problem = Equations(model, Jets(probe=False))  # derivatives are compared elsewhere
        return tuple(_findings(problem))


def left_open(equations: Equations) -> tuple[Finding, ...] | None:
    """What the constraints leave open about an answer, nothing else being told.

    Args:
        equations: problem, model (the answer) and engine; the model is left as it is.

    Returns:
        Findings that are `undetermined`; None where an equation cannot be read, so that nothing can be told.
    """
    with own_settings(torch.float64):
        found = _open(equations, [name for one in unused(equations.problem) for name in one.names])
    return None if any(one.kind is Kind.UNREAD for one in found) else tuple(found)


def _findings(equations: Equations) -> list[Finding]:
    problem = equations.problem
    idle = unused(problem)
    traits = analyze(problem)
    said = [*idle, *outside(problem), *of_conditions(problem, traits), *levels(problem, traits)]
    return said + _open(equations, [name for one in idle for name in one.names])


def _open(equations: Equations, without: Sequence[str]) -> list[Finding]:
    """What is left open; one finding of the kind UNREAD where that cannot be told.

    Args:
        equations: problem, model and engine.
        without: outputs and unknowns that nothing depends on.
    """
    problem = equations.problem
    if set(problem.outputs) <= set(without):
        return []
    unread = {name: one.untraceable for name, one in analyze(problem).constraints.items() if one.untraceable}
    if unread:
        return [_unread({name: f"cannot run on recorded fields ({why})" for name, why in unread.items()})]
    constants = free_levels(problem, list(problem.constraints))
    # A datum at a point fixes a constant, and is seen by few points of any set: it says nothing of the rest.
    sets = [name for name, one in problem.constraints.items() if one.on.dimension >= problem.domain.dimension - 1]
    given = free_levels(problem, sets)
    fixed = list(dict.fromkeys([*constants, *given]))
    rest = Determination(equations, fixed=fixed, without=without)
    if rest.undefined:
        return [_unread(dict.fromkeys(rest.undefined, "is not finite everywhere about this answer"))]
    open_still = _left_open(rest)
    if not open_still and len(rest.values) and (bare := bare_faces(rest)) is not None:
        open_still = _counted(rest, bare)
        if not open_still and len(problem.coordinates) < 3:
            ends = [(key, bound) for key in dict(bare) for bound in problem.domain.bounds[key]]
            open_still = _counted(Determination(equations, fixed=fixed, without=without, layers=ends), bare)
    valued = {name for one in open_still if one.kind is Kind.MISSING_CONDITION for name in one.names}
    return [_level(name) for name in constants if name not in valued] + open_still


def _left_open(rest: Determination) -> list[Finding]:
    """What the constraints leave open, by the stability of what they say."""
    if len(rest.values) == 0 or float(rest.values[0]) >= _WEAK:
        return []
    least = float(rest.values[0])
    unknown = least < _UNKNOWN and rest.known_unknowns() >= _GAIN * least
    conditions, after = ([], least) if unknown else missing_conditions(rest, _WEAK)
    missing = bool(conditions) and after >= _GAIN * least
    if not (unknown or missing or least < _OPEN) or _told_weakly(rest):
        return []
    if unknown:
        return [_unknowns(rest, least)]
    if missing:
        return [_missing(one, words, least, rest.direction(0)) for one, words in conditions]
    if least < _OPEN:
        direction = rest.direction(0)
        what = f"the constraints leave a change of the answer open: {direction}"
        cure = "add what fixes it: a normalisation where the problem is homogeneous, a condition, or data"
        return [Finding(Kind.UNDETERMINED_OUTPUT, what, cure, tuple(direction.outputs), False, direction)]
    return []


def _told_weakly(rest: Determination) -> bool:
    """Whether the weakest direction is told all the same, by a condition or data of little effect; see the module."""
    least = float(rest.values[0])
    if least < _ROUNDED or rest.beside_equations(0) < _MET:
        return False
    finer = rest.finer(_FINER).values
    return len(finer) > 0 and _STAYS * least < float(finer[0]) < least / _STAYS


def _counted(rest: Determination, faces: Sequence[tuple[str, float]]) -> list[Finding]:
    """The condition that counting wants, where stability says so too."""
    if len(rest.values) == 0 or float(rest.values[0]) >= _STEEP:
        return []
    least = float(rest.values[0])
    conditions, after = missing_conditions(rest, 1.0, faces, most=1)
    wide = float((rest.values < _STEEP).sum()) > 1  # one condition on a face closes a function's worth of directions
    if not wide and after < _STEEP_GAIN * least:
        return []
    return [_missing(one, words, least, rest.direction(0)) for one, words in conditions]


def _unread(why: Mapping[str, str]) -> Finding:
    """That nothing can be told: why, and of which constraints."""
    names = {reason: [repr(name) for name, its in why.items() if its == reason] for reason in why.values()}
    said = "; ".join(f"{', '.join(those)} {reason}" for reason, those in names.items())
    what = f"whether conditions or data are missing could not be told, since {said}"
    cure = (
        "make sure of them, or write the equation with torch's functions such that it is defined where an answer begins"
    )
    return Finding(Kind.UNREAD, what, cure, tuple(why), certain=False)


def _level(name: str) -> Finding:
    what = f"the constraints see derivatives of {name!r} alone, so that a constant can be added to it"
    return Finding(Kind.LEVEL, what, f"give {name!r} at one point, or its mean by an integral constraint", (name,))


def _missing(one: Condition, words: str, least: float, direction: Direction) -> Finding:
    what = f"a condition is missing: {words}"
    return Finding(
        Kind.MISSING_CONDITION,
        what,
        "add a constraint that gives it",
        (one.output,),
        certain=least < _PROVEN,
        direction=direction,
    )


def _unknowns(rest: Determination, least: float) -> Finding:
    direction = rest.direction(0)
    names = (*direction.unknowns, *(name for name in direction.outputs if name in rest.problem.unknowns))
    what = f"what is given does not determine the unknowns: {direction}"
    cure = "give more or other data, give one of them, or state what ties them together"
    return Finding(Kind.UNDETERMINED_UNKNOWN, what, cure, names, certain=least < _TOLD, direction=direction)
