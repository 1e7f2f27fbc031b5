"""Final errors of the public suite in other units, as a table.

    python -m tests.measured_units                                   # solve as it is, with its linear solves
    python -m tests.measured_units --alone helmholtz_2d              # training alone
    python -m tests.measured_units heat_1d kdv --steps 20

Each problem, some of them easier as those of the golden errors, is stated in its own units and in others: coordinates,
outputs, unknowns and rows by a factor, and outputs from another zero. Errors are measured in the units of the problem
itself, over the variation of the outputs. The factor in the last column is the largest between the error in other units
and that in its own; below 1e-11 two errors count as the same: a zero that is moved by some 500 standard deviations
leaves so much of rounding, 1e-14 of the size.
"""

import argparse
from dataclasses import replace

from pinn import problems, solve
from tests.problems.test_trained import EASIER, SHORT
from tests.restated import Units, restated
from tests.test_equivariance import error

FACTORS = {"× 10": 10.0, "× 1e-6": 1e-6, "× 1e9": 1e9}
SHIFTED = "zero moved by 273.15"
SAME = 1e-11
NAMES = [
    "helmholtz_2d",
    "poisson_2d",
    "heat_1d",
    "wave_1d",
    "convection",
    "euler_beam",
    "linear_ode",
    "oscillator",
    "lotka_volterra",
    "reaction",
    "burgers_smooth",
    "burgers",
    "kdv",
    "diffusion_inverse",
]


def units(problem, how):
    """Those of a column of the table."""
    if how == SHIFTED:
        return Units(zeros=dict.fromkeys(problem.outputs, -273.15))
    by = FACTORS[how]
    return Units(
        dict.fromkeys(problem.coordinates, by),
        dict.fromkeys(problem.outputs, by),
        by,
        dict.fromkeys(problem.unknowns, by),
    )


def final_error(name, how=None, steps=None, seed=0, **options):
    """The error of `solve` in the problem's own units, or in others."""
    problem = getattr(problems, name)(**EASIER.get(name, {}))
    chosen = Units() if how is None else units(problem, how)
    bare = restated(replace(problem, reference=None, exact_coefficients={}), chosen)
    steps = SHORT[name][0] if steps is None else steps
    return error(problem, solve(bare, steps=steps, seed=seed, progress=False, certify=False, **options), chosen)


def factor(here, there):
    """By how much two errors differ, in either direction."""
    here, there = max(here, SAME), max(there, SAME)
    return max(here / there, there / here)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--steps", type=int, help="of each run at the most; left out, those of the golden errors")
    parser.add_argument("--alone", action="store_true", help="without linear solves")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    options = {"steps": given.steps, "seed": given.seed} | ({"features": None} if given.alone else {})
    columns = [*FACTORS, SHIFTED]
    print(f"| problem | as it is | {' | '.join(columns)} | factor |")
    print("|" + "---|" * (len(columns) + 3))
    for name in given.names:
        here = final_error(name, **options)
        others = [final_error(name, how, **options) for how in columns]
        worst = max(factor(here, there) for there in others)
        said = [f"{value:.1e}" for value in (here, *others)]
        print(f"| {name} | {' | '.join(said)} | {worst:.2g} |", flush=True)


if __name__ == "__main__":
    main()
