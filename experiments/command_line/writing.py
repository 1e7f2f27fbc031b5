"""`write=[vtk,animation]`: the verbs of a solution that write files, by name.

What a name wants is asked before anything is trained: whether it is known, whether the library that it takes is
installed, and whether the problem has such a picture or grid.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pinn.problem import Problem
from pinn.solution import Solution

from .errors import ConfigurationError
from .names import choose

_TIME = "t"
_VALUES = 1_000_000  # of a grid, at the most
_PLACES = 101  # along a coordinate of a grid, at the most


@dataclass(frozen=True)
class Verb:
    """What a name writes.

    Args:
        write: writes it of a solution into a folder, and tells the names of the files.
        library: that it takes beside those of this library; empty for none.
        wants: what a problem must have for it, in words; empty where it has that, or anything will do.
    """

    write: Callable[[Solution, Path], Iterator[str]]
    library: str = ""
    wants: Callable[[Problem], str] = lambda problem: ""


def validate_names(names: Any) -> None:
    """Refuse what is no list of known names, and what takes a library that is not there.

    Raises:
        ConfigurationError: which, and what to do.
    """
    if not isinstance(names, list):
        raise ConfigurationError(f"write: got {names!r}, expected a list; give write=[{names}]")
    for name in names:
        if name not in VERBS:
            raise ConfigurationError(f"write: {name!r} is not known; {choose(str(name), VERBS)}")
        library = VERBS[name].library
        if library and importlib.util.find_spec(library) is None:
            raise ConfigurationError(
                f'write: {name} takes {library}, which is not installed; pip install "pinn[export]" brings it'
            )


def validate_problem(names: Sequence[str], problem: Problem) -> None:
    """Refuse what cannot be written of a problem.

    Raises:
        ConfigurationError: which, and what to do.
    """
    for name in names:
        wanted = VERBS[name].wants(problem)
        if wanted:
            raise ConfigurationError(
                f"write: {name} takes {wanted}, and {problem.name!r} has {', '.join(problem.coordinates)}; "
                f"leave {name} out"
            )


def written(names: Sequence[str], solution: Solution, folder: Path) -> Iterator[str]:
    """Write what is named into a folder, and tell the names of the files."""
    for name in names:
        yield from VERBS[name].write(solution, folder)


def _vtk(solution: Solution, folder: Path) -> Iterator[str]:
    held = _held(solution.problem)
    left = len(solution.problem.coordinates) - len(held)
    solution.to_vtk(folder / "solution.vtu", _places(left), at=held)
    yield "solution.vtu"


def _held(problem: Problem) -> Mapping[str, float]:
    """Time at its end, where space alone fills a mesh."""
    if len(problem.coordinates) > 3 and _TIME in problem.coordinates:
        return {_TIME: float(problem.domain.bounds[_TIME][1])}
    return {}


def _meshed(problem: Problem) -> str:
    return "one to three coordinates beside t" if len(problem.coordinates) - len(_held(problem)) > 3 else ""


def _animation(solution: Solution, folder: Path) -> Iterator[str]:
    outputs = solution.problem.outputs
    for output in outputs:
        name = "animation.gif" if len(outputs) == 1 else f"animation_{output}.gif"
        solution.animate(folder / name, over=_TIME, output=output)
        yield name


def _moving(problem: Problem) -> str:
    moves = _TIME in problem.coordinates and len(problem.coordinates) > 1
    return "" if moves else "a coordinate t and one of space"


def _netcdf(solution: Solution, folder: Path) -> Iterator[str]:
    data = solution.to_xarray(_places(len(solution.problem.coordinates)))
    data.to_netcdf(folder / "solution.nc", engine="scipy")
    yield "solution.nc"


def _csv(solution: Solution, folder: Path) -> Iterator[str]:
    solution.to_dataframe(10_000).to_csv(folder / "solution.csv", index=False)
    yield "solution.csv"


def _program(solution: Solution, folder: Path) -> Iterator[str]:
    solution.export(folder / "solution.pt2")
    yield "solution.pt2"


def _places(dimension: int) -> int:
    """Places along each coordinate of a grid that is not too large."""
    return max(2, min(_PLACES, int(_VALUES ** (1 / dimension))))


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "vtk": Verb(_vtk, "meshio", _meshed),
        "animation": Verb(_animation, "", _moving),
        "netcdf": Verb(_netcdf, "xarray"),
        "csv": Verb(_csv, "pandas"),
        "program": Verb(_program),
    }
)
"""Name -> what it writes: solution.vtu, animation.gif, solution.nc, solution.csv, solution.pt2."""
