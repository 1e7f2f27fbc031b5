"""A problem on a page: equation, conditions, coefficients, reference, and a picture.

    pinn show problem=burgers problem.nu=0.02
    pinn show problem._target_=mine.heat trusted=[mine]

The picture is the reference over the domain; of a problem without one, the points where its constraints hold.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from pinn.domains import Domain
from pinn.formulas import formulas
from pinn.plotting import Shown, plot_points, plot_solution
from pinn.problem import Problem
from pinn.solution.drawing import reference_fields
from pinn.solver import solve

from .command_line.configuration import arguments
from .command_line.overrides import clean_exit, one_call
from .command_line.working_folder import importable

FOLDER = Path("outputs/problems")
_POINTS = 300  # of a constraint, in the picture


def described(problem: Problem) -> str:
    """Equations, conditions, coefficients and reference of a problem, a line each.

    Example:
        >>> from pinn.problems import heat_1d
        >>> print(described(heat_1d(conductivity=0.5)))
        heat_1d
          outputs      u(x, t)
          domain       Box(x=(0, 1), t=(0, 1))
          equation     u_t - u_xx/2 = 0   on domain
          initial      u - sin(pi*x) = 0   on domain.face(t=0)
          walls        u = 0   on domain.face(x=0) | domain.face(x=1)
          reference    taken as exact
    """
    lines = list(_lines(problem))
    width = max(len(name) for name, _ in lines)
    return "\n".join([problem.name, *(f"  {name:<{width}}    {text}" for name, text in lines)])


def _lines(problem: Problem) -> Iterator[tuple[str, str]]:
    inside = ", ".join(problem.coordinates)
    yield "outputs", ", ".join(f"{name}({inside})" for name in problem.outputs)
    yield "domain", repr(problem.domain)
    for name, value in problem.coefficients.items():
        known = problem.exact_coefficients.get(name)
        said = f"{value:.6g}" if isinstance(value, (int, float)) else repr(value)
        yield name, said + ("" if known is None else f"   truly {known:.6g}")
    for name, constraint in problem.constraints.items():
        place = _place(constraint.on, problem.domain)
        for index, formula in enumerate(formulas(problem, name)):
            text = f"integral of {formula} = 0   over {place}" if constraint.integral else f"{formula} = 0   on {place}"
            yield "" if index else name, text
    for name, function in problem.ansatz.items():
        yield f"exactly, {name}", f"made of {', '.join(inspect.signature(function).parameters)} before training"
    if problem.periodic:
        yield "periodic in", ", ".join(problem.periodic)
    yield "reference", _reference(problem)


def _place(on: Domain, domain: Domain) -> str:
    """A set as one would write it, the problem's domain by that name."""
    members = getattr(on, "members", None)
    if members is not None:
        return " | ".join(_place(member, domain) for member in members)
    return repr(on).replace(repr(domain), "domain")


def _reference(problem: Problem) -> str:
    if problem.reference is None:
        return "none: errors are estimated, not measured"
    error = problem.reference_error
    return f"known to {error:.1e} of its size" if error else "taken as exact"


def picture(problem: Problem, path: Path) -> None:
    """Draw the reference, or where the constraints hold where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if problem.reference is not None:
        plot_solution(Shown(reference_fields(problem)), path, kind="values")
        return
    generator = torch.Generator().manual_seed(0)
    drawn = {
        name: constraint.on.sample(_POINTS, generator=generator).x.double().numpy()
        for name, constraint in problem.constraints.items()
    }
    plot_points(drawn, problem.coordinates, path, title=problem.name, labels=problem.labels)


def main() -> None:
    """Entry of `pinn show`."""
    importable()
    with clean_exit():
        call, trust = one_call("config", solve, sys.argv[1:])
        problem = arguments(solve, {"problem": call["problem"]}, trust=trust)["problem"]
        print(described(problem))
        path = FOLDER / f"{problem.name}.png"
        picture(problem, path)
    print(f"  picture      {path}")


if __name__ == "__main__":
    main()
