"""Derivatives of the textbook functions by every route, against each other, with pictures.

    python -m experiments.derivatives                     # all of them
    python -m experiments.derivatives function=saddle     # one

Prints one table a function (distance of each method from SymPy's derivative) and writes the pictures and `table.txt`
to the run's folder. Ends with status 1 if a method disagrees.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from matplotlib.figure import Figure
from omegaconf import DictConfig

from pinn.derivatives.textbook.functions import TEXTBOOK, TextbookFunction
from pinn.derivatives.witnesses.check import DerivativeTable, check_derivatives
from pinn.derivatives.witnesses.symbolic import symbolic_function
from pinn.plotting.textbook import (
    picture_descent,
    picture_differences,
    picture_slices,
    picture_surface,
    picture_tangent,
)

from .command_line.overrides import CONF


def chosen(name: str) -> list[TextbookFunction]:
    """The functions that `function=` names: one of them, or all; ends the program for a name that is none of them."""
    if name == "all":
        return list(TEXTBOOK.values())
    if name in TEXTBOOK:
        return [TEXTBOOK[name]]
    near = difflib.get_close_matches(name, TEXTBOOK, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise SystemExit(f"function={name} is not known{hint} Choose all, {', '.join(TEXTBOOK)}")


def table(function: TextbookFunction, order: int) -> DerivativeTable:
    """All derivatives up to `order` at the function's sample points."""
    exact = symbolic_function(function.expression, *function.variables)
    return check_derivatives(function, *function.columns(), order=order, exact=exact, title=function.title)


def pictures(function: TextbookFunction, step: float) -> dict[str, Figure]:
    """The pictures that a function of one or of two variables has, by file name."""
    inside = [
        point
        for point in function.points
        if all(low <= value <= high for value, (low, high) in zip(point, function.box, strict=True))
    ]
    formula = function.title
    if len(function.variables) == 1:
        (box,), (name,) = function.box, function.variables
        places = [point[0] for point in inside]
        return {
            "tangent": picture_tangent(function, box, places[:2], formula=formula, name=name),
            "differences": picture_differences(function, box, places[0], step, formula=formula, name=name),
        }
    (first, second), (x, y) = function.box, function.variables
    boxes, names, at = (first, second), (x, y), (inside[0][0], inside[0][1])
    held = (function.held[0], function.held[1]) if function.held else at
    return {
        "descent": picture_descent(function, boxes, formula=formula, names=names),
        "surface": picture_surface(function, boxes, at=at, formula=formula, names=names),
        "slices": picture_slices(function, boxes, held=held, at=at, formula=formula, names=names),
    }


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="derivatives")
def main(config: DictConfig) -> None:
    """Print the tables, write the pictures, and fail if a method disagrees."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    tables = []
    for function in chosen(config.function):
        tables.append(table(function, config.order))
        print(tables[-1], end="\n\n")
        for name, figure in pictures(function, config.step).items():
            figure.savefig(folder / f"{function.name}_{name}.png", dpi=config.dpi)
    (folder / "table.txt").write_text("\n\n".join(map(str, tables)) + "\n", encoding="utf-8")
    print(f"pictures and table.txt in {folder}")
    failed = [each.title for each in tables if not each.ok]
    if failed:
        raise SystemExit(f"methods disagree on {', '.join(failed)}")


if __name__ == "__main__":
    main()
