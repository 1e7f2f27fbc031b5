"""A file of a problem of one's own to begin with: it runs as it is.

    pinn new my_problem

It is never written over one that is there.
"""

from __future__ import annotations

import argparse
import importlib.util
import keyword
import sys
from pathlib import Path
from string import Template

from pinn.files import replacing

_TEMPLATE = Template('''\
"""$title: replace this line by the equation, as the paper has it.

    u_t = k u_xx on [0, 1] x [0, 1],   u(x, 0) = sin(pi x),   u(0, t) = u(1, t) = 0
"""

import math

import torch

from pinn import Box, Constraint, Problem, d, solve


def $name(k: float = 0.1) -> Problem:
    """What is to be solved; its arguments can be set on the command line: problem.k=0.2.

    Args:
        k: diffusivity, in units of length squared over time.
    """
    # Where: one range a coordinate, in your own units. pinn.domains has discs, balls, polygons and their combinations.
    domain = Box(x=(0, 1), t=(0, 1))

    # Equations are plain functions, their arguments matched by name. Each returns what must vanish, one entry a point;
    # a system returns a tuple. Use torch's functions (torch.exp, torch.where), not NumPy's or those of math.
    def equation(u, x, t, k):
        return d(u, t) - k * d(u, x, x)

    def initial(u, x):
        return u - torch.sin(math.pi * x)

    constraints = {
        "equation": Constraint(equation, on=domain),
        "initial": Constraint(initial, on=domain.face(t=0)),
        "walls": Constraint(lambda u: u, on=domain.face(x=0) | domain.face(x=1)),
        # A flux: Constraint(lambda u, x: d(u, x) - 1, on=domain.face(x=1))
        # Data:   Constraint(lambda u, seen: u - seen, on=Scatter({"x": xs, "t": ts}, {"seen": us}, sigma=0.01))
    }

    # The true solution, where it is known, is used to measure the error and never to find the answer. Leave it out
    # otherwise: the error is then estimated.
    def reference(x, t):
        return torch.exp(-k * math.pi**2 * t) * torch.sin(math.pi * x)

    return Problem(
        domain,
        outputs=["u"],
        coefficients={"k": k},  # a number; Unknown(0.5, positive=True) where it is to be found from data
        constraints=constraints,
        reference=reference,
        labels={"u": "temperature", "x": "length", "t": "time"},
        name="$name",
    )


if __name__ == "__main__":
    solution = solve($name(), seconds=20)
    print(solution.report)
    print("u(0.5, 0.5) =", float(solution(x=0.5, t=0.5)))
    solution.plot("$name.png")
    solution.save("$name.pt")
''')


def new(name: str, folder: Path = Path()) -> Path:
    """Write the file.

    Args:
        name: of the problem and its module: letters, digits and underscores.
        folder: where.

    Returns:
        The file.

    Raises:
        ValueError: for a name that a module cannot have.
        FileExistsError: where there is such a file.
    """
    path = folder / f"{name}.py"
    possible = name.isidentifier() and name == name.lower() and not keyword.iskeyword(name)
    if not possible or name in sys.stdlib_module_names or (not path.exists() and _is_installed(name)):
        raise ValueError(
            f"pinn new {name}: expected a name that a module of your own can have; give small letters, digits and "
            "underscores, such as my_problem"
        )
    if path.exists():
        raise FileExistsError(f"{path}: there is such a file, and it stays; give another name")
    with replacing(path) as temporary:
        temporary.write_text(_TEMPLATE.substitute(name=name, title=name.replace("_", " ")), encoding="utf-8")
    return path


def _is_installed(name: str) -> bool:
    """Whether there is a module or package of that name, which the new file would hide from all that imports it."""
    found = importlib.util.find_spec(name)
    return found is not None and found.origin is not None  # a folder without modules has none


def main() -> None:
    """Entry of `pinn new`."""
    parser = argparse.ArgumentParser(prog="pinn new", description="Write a file of a problem of your own; it runs.")
    parser.add_argument("name", help="of the problem and its file, such as my_problem")
    name = parser.parse_args().name.removesuffix(".py")
    try:
        path = new(name)
    except (ValueError, FileExistsError) as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
    given = f"problem._target_={name}.{name} trusted=[{name}]"
    print(f"{path} is written. Next:")
    print(f"  python {path}                        solve it, print the report, draw {name}.png")
    print(f'  pinn show "{given}"'.replace('"', ""))
    print(f"  pinn {given} seconds=20")
    print(f"  pinn -m {given} problem.k=0.05,0.1,0.2 seconds=20")


if __name__ == "__main__":
    main()
