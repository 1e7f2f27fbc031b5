"""A solution as other programs take it: an xarray data set, a pandas table, a VTK file, a moving picture.

xarray, pandas and meshio are loaded when they are used; `pip install "pinn[export]"` brings them. Outside of the
domain, in a hole or past a corner, grids hold NaN.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from pinn.domains import Points
from pinn.files import replacing
from pinn.problem import Problem
from pinn.validation import choices, count

if TYPE_CHECKING:
    import pandas
    import xarray

Array = NDArray[np.float64]

Evaluate = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Columns (n,) by coordinate, inside of the domain -> fields (n,) by name."""

Grid = int | Mapping[str, int | float | ArrayLike]
"""So many places along every coordinate; or by coordinate how many, which ones, or the one it is held at."""

_PLACES = 101  # along a coordinate of a grid


def axes_of(problem: Problem, grid: Grid) -> dict[str, Array]:
    """The places of a grid along every coordinate, ascending; one place where a coordinate is held.

    Args:
        problem: whose coordinates they are.
        grid: see `Grid`: an integer is a number of places, a float the place where the coordinate is held.

    Raises:
        ValueError: for an unknown coordinate, no places, or places that do not ascend.
    """
    bounds = problem.domain.bounds
    given = dict.fromkeys(problem.coordinates, grid) if isinstance(grid, int) else dict(grid)
    for name in given:
        if name not in problem.coordinates:
            raise ValueError(f"grid: {name!r} is no coordinate; {choices(str(name), problem.coordinates)}")
    axes = {}
    for name in problem.coordinates:
        places: Any = given.get(name, _PLACES)
        if isinstance(places, (int, np.integer)) and not isinstance(places, bool):
            count("grid", 2, **{name: int(places)})
            axes[name] = np.linspace(*bounds[name], int(places))
            continue
        axes[name] = np.atleast_1d(np.asarray(places, dtype=np.float64))
        if axes[name].ndim != 1 or not axes[name].size or (np.diff(axes[name]) <= 0).any():
            raise ValueError(
                f"grid: got {name}={places!r}, expected a number of places, the places in ascending order, or one "
                "place as a float"
            )
    return axes


def on_grid(problem: Problem, evaluate: Evaluate, axes: Mapping[str, Array]) -> dict[str, Array]:
    """Fields on a grid, one axis a coordinate, NaN outside of the domain."""
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    columns = {name: part.reshape(-1) for name, part in zip(axes, mesh, strict=True)}
    return {name: values.reshape(mesh[0].shape) for name, values in everywhere(problem, evaluate, columns).items()}


def everywhere(problem: Problem, evaluate: Evaluate, columns: Mapping[str, Array]) -> dict[str, Array]:
    """Fields at points (n,), NaN outside of the domain."""
    stacked = np.stack([columns[name] for name in problem.coordinates], axis=1)
    inside = problem.domain.contains(torch.from_numpy(stacked)).numpy()
    found = evaluate({name: columns[name][inside] for name in problem.coordinates})
    whole = {}
    for name, values in found.items():
        whole[name] = np.full(len(inside), np.nan)
        whole[name][inside] = values
    return whole


def to_xarray(problem: Problem, evaluate: Evaluate, grid: Grid, facts: Mapping[str, Any]) -> xarray.Dataset:
    """See `Solution.to_xarray`."""
    library = _required("xarray", "to_xarray")
    axes = axes_of(problem, grid)
    fields = on_grid(problem, evaluate, axes)
    data: xarray.Dataset = library.Dataset(
        {name: (tuple(axes), values, _described(problem, name)) for name, values in fields.items()},
        coords={name: (name, places, _described(problem, name)) for name, places in axes.items()},
        attrs=dict(facts),
    )
    return data


def to_dataframe(
    problem: Problem, evaluate: Evaluate, points: int | Points | Mapping[str, ArrayLike], seed: int
) -> pandas.DataFrame:
    """See `Solution.to_dataframe`."""
    library = _required("pandas", "to_dataframe")
    if isinstance(points, int):
        count("to_dataframe", 1, points=points)
        points = problem.domain.sample(points, generator=torch.Generator().manual_seed(seed))
    if isinstance(points, Points):
        columns = {name: points.column(name).double().cpu().numpy() for name in problem.coordinates}
    else:
        if set(points) != set(problem.coordinates):
            raise ValueError(f"to_dataframe: got {sorted(points)}, expected a column for each of {problem.coordinates}")
        arrays = np.broadcast_arrays(*[np.asarray(points[name], dtype=np.float64) for name in problem.coordinates])
        columns = {name: array.reshape(-1) for name, array in zip(problem.coordinates, arrays, strict=True)}
    table: pandas.DataFrame = library.DataFrame({**columns, **everywhere(problem, evaluate, columns)})
    return table


def to_vtk(
    problem: Problem, evaluate: Evaluate, path: str | os.PathLike[str], on: Any, at: Mapping[str, float]
) -> None:
    """See `Solution.to_vtk`."""
    library = _required("meshio", "to_vtk")
    for name in at:
        if name not in problem.coordinates:
            raise ValueError(f"to_vtk: {name!r} is no coordinate; {choices(name, problem.coordinates)}")
    space = [name for name in problem.coordinates if name not in at]
    if not 1 <= len(space) <= 3:
        raise ValueError(
            f"to_vtk: {space} vary, expected one to three coordinates; hold the others, e.g. at={{{space[-1]!r}: 0.5}}"
        )
    if hasattr(on, "points") and hasattr(on, "cells"):
        places, cells = np.asarray(on.points, dtype=np.float64), on.cells
        if places.shape[1] < len(space):
            raise ValueError(f"to_vtk: the mesh has {places.shape[1]} coordinates a point, expected {space}")
    else:
        axes = {name: places for name, places in axes_of(problem, on).items() if name in space}
        places, cells = _cells(list(axes.values()))
    columns = {name: np.ascontiguousarray(places[:, index]) for index, name in enumerate(space)}
    columns |= {name: np.full(len(places), float(value)) for name, value in at.items()}
    fields = everywhere(problem, evaluate, columns)
    padded = np.zeros((len(places), 3))
    padded[:, : min(3, places.shape[1])] = places[:, :3]
    mesh = library.Mesh(padded, cells, point_data={name: fields[name] for name in fields})
    with replacing(path) as temporary:
        library.write(temporary, mesh)


def _cells(axes: Sequence[Array]) -> tuple[Array, list[tuple[str, NDArray[np.int64]]]]:
    """Points of a grid and its cells: lines, quadrilaterals or hexahedra, corners in VTK's order."""
    shape = tuple(len(places) for places in axes)
    points = np.stack([part.reshape(-1) for part in np.meshgrid(*axes, indexing="ij")], axis=1)
    index = np.arange(len(points)).reshape(shape)
    kind = ("line", "quad", "hexahedron")[len(shape) - 1]
    of_dimension: dict[int, list[tuple[int, ...]]] = {
        1: [(0,), (1,)],
        2: [(0, 0), (1, 0), (1, 1), (0, 1)],
        3: [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)],
    }
    corners = of_dimension[len(shape)]
    parts = [
        index[tuple(slice(o, n - 1 + o) for o, n in zip(corner, shape, strict=True))].reshape(-1) for corner in corners
    ]
    return points, [(kind, np.stack(parts, axis=1))]


def _described(problem: Problem, name: str) -> dict[str, str]:
    label = problem.labels.get(name)
    return {} if label is None else {"long_name": label}


def _required(module: str, what: str) -> Any:
    """An optional library.

    Raises:
        ImportError: saying how to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f'{what}: {module} is not installed; pip install "pinn[export]" brings it') from None
