"""The equations of a model with features about it."""

from __future__ import annotations

from pinn.analysis import analyze
from pinn.derivatives import Autograd, Engine, Jets
from pinn.features.found import UnsuitedError
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


def smooth_refusal(equations: Equations) -> str:
    """Why a problem cannot be solved by `solve_smooth`, in a few words; empty where it can."""
    unknowns = equations.problem.unknowns
    return f"the unknowns {sorted(unknowns)}" if unknowns else trained_alone(equations)


def affine_refusal(equations: Equations) -> str:
    """Why a problem cannot be solved by `solve_affine`, in a few words; empty where it can."""
    problem = equations.problem
    if reason := smooth_refusal(equations):
        return reason
    shaped = [name for name, form in problem.forms.items() if form.positive or form.bounds is not None]
    if shaped:
        return f"the outputs {shaped} with a form that is not affine"
    bent = [name for name, one in analyze(problem).constraints.items() if not one.affine]
    return f"the constraints {bent}, which are not affine in the outputs" if bent else ""


def weighed_as(equations: Equations, model: Model) -> Equations:
    """The equations of another model with the weights that a run has found for these."""
    found = Equations(model, engine_of(equations))
    found.weights, found.point_weights = dict(equations.weights), dict(equations.point_weights)
    return found


def require_affine(wrong: float, size: float) -> None:
    """Refuse rows that no straight line foresees.

    Args:
        wrong: how far they are off, rounding apart.
        size: of what was foreseen.

    Raises:
        UnsuitedError: when that is more than a millionth.
    """
    if wrong > 1e-6 * size:
        raise UnsuitedError(
            f"solve_affine: got rows that are off by {wrong / size:.1e} of what a straight line foresees, expected "
            "an affine problem; train it instead (an ansatz may bend what the equations do not)"
        )
