"""`write=[vtk,{animation:{frames:100}}]`: the verbs of a solution that write files, by name, and options of each.

What a name or option wants is asked before anything is trained: whether it is known, whether the library that it takes
is installed, and whether the problem has such a coordinate, picture or grid.
"""

from __future__ import annotations

import importlib.util
import inspect
import shutil
from collections.abc import Callable, Iterator, Mapping
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
        write: writes it of a solution into a folder, and tells the names of the files; its keywords are the options.
        library: that it takes beside those of this library; empty for none.
        wants: what a problem must have for it, in words; empty where it has that, or anything will do. It is given the
            options too.
    """

    write: Callable[..., Iterator[str]]
    library: str = ""
    wants: Callable[[Problem, Mapping[str, Any]], str] = lambda problem, options: ""

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options."""
        return tuple(
            name for name, one in inspect.signature(self.write).parameters.items() if one.kind is one.KEYWORD_ONLY
        )


def read(given: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """The names of a list, each with its options.

    Raises:
        ConfigurationError: for what is neither a name nor one name with a dictionary of options.
    """
    if not isinstance(given, list):
        raise ConfigurationError(f"write: got {given!r}, expected a list; give write=[{given}]")
    found: list[tuple[str, Mapping[str, Any]]] = []
    for entry in given:
        name, options = next(iter(entry.items())) if isinstance(entry, Mapping) and len(entry) == 1 else (entry, {})
        if not isinstance(name, str) or not isinstance(options, Mapping):
            raise ConfigurationError(
                f"write: got {entry!r}, expected a name, or one with options; give such as {{animation:{{frames:100}}}}"
            )
        found.append((name, options))
    return found


def validate_names(given: Any) -> None:
    """Refuse what is no list of known names with options of theirs, and what takes a library that is not there.

    Raises:
        ConfigurationError: which, and what to do.
    """
    for name, options in read(given):
        if name not in VERBS:
            raise ConfigurationError(f"write: {name!r} is not known; {choose(name, VERBS)}")
        for option, value in options.items():
            if option not in VERBS[name].options:
                raise ConfigurationError(
                    f"write: {name} has no option {option!r}; {choose(str(option), VERBS[name].options)}"
                )
            if expected := _EXPECTED[option](value):
                raise ConfigurationError(f"write: {name} got {option}={value!r}, expected {expected}; give one")
        library = VERBS[name].library
        if library and importlib.util.find_spec(library) is None:
            raise ConfigurationError(
                f'write: {name} takes {library}, which is not installed; pip install "pinn[export]" brings it'
            )
        if options.get("format") == "mp4" and shutil.which("ffmpeg") is None:
            raise ConfigurationError(f"write: {name} as mp4 takes ffmpeg, which is not installed; leave format out")


def validate_problem(given: Any, problem: Problem) -> None:
    """Refuse what cannot be written of a problem.

    Raises:
        ConfigurationError: which, and what to do.
    """
    for name, options in read(given):
        known = {"over": problem.coordinates, "output": problem.stated_outputs}
        for option, names in known.items():
            if option in options and options[option] not in names:
                raise ConfigurationError(
                    f"write: {name} got {option}={options[option]!r}, which {problem.name!r} has not; "
                    f"{choose(str(options[option]), names)}"
                )
        for coordinate in options.get("at", ()):
            if coordinate not in problem.coordinates:
                raise ConfigurationError(
                    f"write: {name} is held at {coordinate!r}, which {problem.name!r} has not; "
                    f"{choose(str(coordinate), problem.coordinates)}"
                )
        wanted = VERBS[name].wants(problem, options)
        if wanted:
            raise ConfigurationError(
                f"write: {name} takes {wanted}, and {problem.name!r} has {', '.join(problem.coordinates)}; "
                f"leave {name} out"
            )


def written(given: Any, solution: Solution, folder: Path) -> Iterator[str]:
    """Write what is named into a folder, and tell the names of the files."""
    for name, options in read(given):
        yield from VERBS[name].write(solution, folder, **options)


# -- what is written ------------------------------------------------------------------------------------------------


def _vtk(
    solution: Solution, folder: Path, *, places: int | None = None, at: Mapping[str, float] | None = None
) -> Iterator[str]:
    held = _held(solution.problem, at)
    left = len(solution.problem.coordinates) - len(held)
    solution.to_vtk(folder / "solution.vtu", _places(left) if places is None else places, at=held)
    yield "solution.vtu"


def _held(problem: Problem, at: Mapping[str, float] | None = None) -> Mapping[str, float]:
    """Coordinates that are held: those given, or time at its end where space alone fills a mesh."""
    if at:
        return at
    if len(problem.coordinates) > 3 and _TIME in problem.coordinates:
        return {_TIME: float(problem.domain.bounds[_TIME][1])}
    return {}


def _meshed(problem: Problem, options: Mapping[str, Any]) -> str:
    left = len(problem.coordinates) - len(_held(problem, options.get("at")))
    return "" if 1 <= left <= 3 else "one to three coordinates beside those that it is held at"


def _animation(
    solution: Solution,
    folder: Path,
    *,
    over: str = _TIME,
    output: str | None = None,
    frames: int = 50,
    fps: int = 12,
    at: Mapping[str, float] | None = None,
    format: str = "gif",
) -> Iterator[str]:
    outputs = solution.problem.stated_outputs if output is None else (output,)
    for one in outputs:
        name = f"animation.{format}" if len(outputs) == 1 else f"animation_{one}.{format}"
        solution.animate(folder / name, over=over, output=one, frames=frames, slice=at or {}, fps=fps)
        yield name


def _moving(problem: Problem, options: Mapping[str, Any]) -> str:
    over, held = options.get("over", _TIME), options.get("at", {})
    left = [name for name in problem.coordinates if name != over and name not in held]
    return "" if over in problem.coordinates and left else f"a coordinate {over} and one of space"


def _netcdf(solution: Solution, folder: Path, *, places: int | None = None) -> Iterator[str]:
    data = solution.to_xarray(_places(len(solution.problem.coordinates)) if places is None else places)
    data.to_netcdf(folder / "solution.nc", engine="scipy")
    yield "solution.nc"


def _csv(solution: Solution, folder: Path, *, points: int = 10_000) -> Iterator[str]:
    solution.to_dataframe(points).to_csv(folder / "solution.csv", index=False)
    yield "solution.csv"


def _program(solution: Solution, folder: Path) -> Iterator[str]:
    solution.export(folder / "solution.pt2")
    yield "solution.pt2"


def _places(dimension: int) -> int:
    """Places along each coordinate of a grid that is not too large."""
    return max(2, min(_PLACES, int(_VALUES ** (1 / dimension))))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(least: int) -> Callable[[Any], str]:
    fits = f"a whole number of at least {least}"
    return lambda value: "" if isinstance(value, int) and not isinstance(value, bool) and value >= least else fits


def _name(value: Any) -> str:
    return "" if isinstance(value, str) else "a name"


def _places_held(value: Any) -> str:
    fits = isinstance(value, Mapping) and all(_number(one) for one in value.values())
    return "" if fits else "numbers by coordinate such as {z:0.5}"


_EXPECTED: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "places": _count(2),
        "points": _count(1),
        "frames": _count(2),
        "fps": _count(1),
        "over": _name,
        "output": _name,
        "at": _places_held,
        "format": lambda value: "" if value in ("gif", "mp4") else "gif or mp4",
    }
)
"""Option -> what it expects in words, where a value is something else; empty where it is that."""

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
