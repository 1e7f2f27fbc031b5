"""The equations of a model with features about it."""

from __future__ import annotations

from pinn.derivatives import Autograd, Engine, Jets
from pinn.model import Model
from pinn.objective import Equations


def engine_of(equations: Equations) -> Engine:
    """What linearizes features about an answer: jets without another comparison, or the reference where that serves.

    Jets were compared with the reference when training began. About a good answer residuals are differences of larger
    terms, whose size cannot be read off parameters that are zero.
    """
    if any(choice.engine != "jets" and choice.reason for choice in equations.engines.values()):
        return Autograd()
    rules = equations.engine.rules if isinstance(equations.engine, Jets) else ()
    return Jets(probe=False, rules=rules)


def trained_alone(equations: Equations) -> str:
    """What in a problem no linear solve can take, in a few words; empty where there is nothing."""
    robust = [name for name, constraint in equations.problem.constraints.items() if constraint.robust is not None]
    if robust:
        return f"the robust losses of {robust}"
    return f"the energies {list(equations.energies)}, which are trained" if equations.energies else ""


def weighed_as(equations: Equations, model: Model) -> Equations:
    """The equations of another model with the weights that a run has found for these."""
    found = Equations(model, engine_of(equations))
    found.weights, found.point_weights = dict(equations.weights), dict(equations.point_weights)
    return found
