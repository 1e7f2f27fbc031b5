"""What a run returns: a function of the coordinates, its error where a reference exists, and its file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from pinn import plotting
from pinn.domains import Points
from pinn.model import Model, NetworkFactory
from pinn.plotting import Fields
from pinn.problem import Problem
from pinn.solution import exports, functions, stored
from pinn.solution.drawing import drawn, drawn_unknowns, fields_of
from pinn.solution.error import ErrorMeasure
from pinn.solution.exports import Grid
from pinn.solution.family import FamilyErrors, family_errors
from pinn.solution.functions import SolutionFunction, columns_of
from pinn.solution.history import History
from pinn.solution.noise import NoiseEstimate
from pinn.verification.certificate import Certificate

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


class Solution:
    """A trained model as a function.

    Args:
        problem: what was solved.
        model: what solves it.
        history: how it got there.
        report: the run's account of itself, where one was made.
        noise: what the run found of the noise in its data, where they have any.
        certificate: how far it can be trusted, where that was measured.

    Example:
        >>> solution = solve(problem)  # doctest: +SKIP
        >>> solution(x=0.3, t=[0.1, 0.5])  # doctest: +SKIP
        array([-0.77..., -0.38...])
    """

    def __init__(
        self,
        problem: Problem,
        model: Model,
        history: History | None = None,
        report: Any | None = None,
        noise: NoiseEstimate | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self.problem = problem
        self.model = model
        self.history = History() if history is None else history
        self.report = report
        self.noise = noise
        self.certificate = certificate

    def __call__(self, *coordinates: ArrayLike, **named: ArrayLike) -> Array | dict[str, Array]:
        """The outputs at points given by place, `solution(x, t)`, or by name; arrays broadcast against each other.

        Args:
            coordinates: in the problem's order, each in its own units.
            named: coordinates by name.

        Returns:
            one float64 array for a problem of one output, a dict by output otherwise; fields k(x) among the unknown
            coefficients are read with `field`.

        Raises:
            TypeError: when a coordinate is missing or unknown.
            ValueError: when the arrays do not broadcast, or points lie outside of the domain.
        """
        return self._outputs(columns_of(self.problem, coordinates, named))

    def extrapolate(self, *coordinates: ArrayLike, **named: ArrayLike) -> Array | dict[str, Array]:
        """The same outside of the domain too, where nothing was asked of it, with an `OutsideDomainWarning`."""
        return self._outputs(columns_of(self.problem, coordinates, named, extrapolate=True))

    def field(self, name: str, *coordinates: ArrayLike, **named: ArrayLike) -> Array:
        """An output or an unknown coefficient field at points, given as in a call of the solution."""
        values = self.evaluate(columns_of(self.problem, coordinates, named))
        if name not in values:
            raise ValueError(f"field: {name!r} is not among {sorted(values)}")
        return values[name]

    def _outputs(self, columns: Mapping[str, Array]) -> Array | dict[str, Array]:
        return functions.stated(self.problem, self.evaluate(columns))

    def derivative(self, name: str, *by: str) -> SolutionFunction:
        """A partial derivative of an output or unknown field, as a function of the coordinates.

        Args:
            name: of the output or field.
            by: coordinates to differentiate by, one after the other: `derivative("u", "x", "x")` is ∂²u/∂x².

        Raises:
            ValueError: for another name.

        Example:
            >>> slope = solution.derivative("u", "x")  # doctest: +SKIP
            >>> slope(x=0.3, t=[0.1, 0.5])  # doctest: +SKIP
            array([...])
        """
        return functions.derivative(self.problem, self.model, name, by)

    def gradient(self, name: str | None = None, by: Sequence[str] = ()) -> SolutionFunction:
        """First derivatives of an output as a function that returns a dictionary by coordinate.

        Args:
            name: of the output or unknown field; may be left out where there is one output.
            by: coordinates; left out, all of them.
        """
        if name is None:
            if len(self.problem.stated_outputs) > 1:
                raise ValueError(f"gradient: of which output? choose among {list(self.problem.stated_outputs)}")
            name = self.problem.stated_outputs[0]
        return functions.gradient(self.problem, self.model, name, tuple(by) or self.problem.coordinates)

    def residual(self, name: str) -> SolutionFunction:
        """What a constraint leaves, in its own units, as a function of the coordinates.

        Args:
            name: of the constraint. What it takes beside outputs, coordinates and coefficients, such as components of
                the outward normal or observed values, is given to the function by name.

        Returns:
            A function that returns one array, or a tuple of them for the rows of a system.

        Raises:
            ValueError: for another name.
        """
        return functions.residual(self.problem, self.model, name)

    def evaluate(self, coordinates: Mapping[str, ArrayLike]) -> dict[str, Array]:
        """Outputs and unknown fields by name, at arrays of one shape by coordinate, inside of the domain or not."""
        arrays = [np.asarray(coordinates[name], dtype=np.float64) for name in self.problem.coordinates]
        shape = arrays[0].shape
        like = next(self.model.parameters())
        flat = [torch.from_numpy(np.ascontiguousarray(array).reshape(-1).copy()).to(like) for array in arrays]
        with torch.no_grad():
            values = self.model.stated_outputs(dict(zip(self.problem.coordinates, flat, strict=True)))
        return {
            name: value.detach().double().cpu().expand(flat[0].shape).numpy().reshape(shape)
            for name, value in values.items()
        }

    def to_xarray(self, grid: Grid = 101) -> xarray.Dataset:
        """Outputs and unknown fields on a grid, with verdict and estimated error among the attributes.

        Args:
            grid: places along every coordinate; or by coordinate a number of places, the places, or as a float the one
                place where it is held: `{"x": 201, "t": [0.0, 0.5, 1.0]}`. Coordinates left out have 101.

        Returns:
            A data set with a dimension a coordinate, NaN outside of the domain.

        Raises:
            ImportError: when xarray is not installed.
            ValueError: for a grid that is none.
        """
        return exports.to_xarray(self.problem, self.evaluate, grid, self._facts())

    def to_dataframe(self, points: int | Points | Mapping[str, ArrayLike] = 1000, *, seed: int = 0) -> pandas.DataFrame:
        """A table with a column for each coordinate, output and unknown field, a row a point.

        Args:
            points: so many, spread evenly over the domain; or points; or columns by coordinate, which broadcast.
            seed: of points that are spread.

        Raises:
            ImportError: when pandas is not installed.
        """
        return exports.to_dataframe(self.problem, self.evaluate, points, seed)

    def to_vtk(
        self, path: str | os.PathLike[str], on: Any = 101, at: Mapping[str, float] = MappingProxyType({})
    ) -> None:
        """Write outputs and unknown fields as a mesh that ParaView and PyVista read.

        Args:
            path: file to write; the suffix says the format, such as .vtu, .vtk or .xdmf.
            on: a `meshio.Mesh`, whose points and cells are taken, or a grid as in `to_xarray`.
            at: coordinates that are held: `{"t": 0.5}`.

        Raises:
            ImportError: when meshio is not installed.
            ValueError: when not one to three coordinates are left.
        """
        exports.to_vtk(self.problem, self.evaluate, path, on, at)

    def _facts(self) -> dict[str, Any]:
        """What is known of the answer, as plain numbers and text."""
        facts: dict[str, Any] = {"problem": self.problem.name}
        if self.report is not None:
            facts["verdict"] = str(self.report.judgement)
        if self.certificate is not None:
            facts["estimated_error"] = self.certificate.error
        return facts | self.coefficients

    def __repr__(self) -> str:
        inside = ", ".join(self.problem.coordinates)
        outputs = ", ".join(f"{name}({inside})" for name in self.problem.stated_outputs)
        found = "".join(f", {name} = {value:.6g}" for name, value in self.coefficients.items())
        if self.report is not None:
            judged = str(self.report.judgement)
        elif self.certificate is not None:
            judged = f"estimated relative error {self.certificate.error:.1e}"
        else:
            judged = "error not known"
        return f"<Solution of {self.problem.name!r}: {outputs}{found}; {judged}>"

    def _repr_html_(self) -> str:
        if self.report is not None:
            shown: str = self.report._repr_html_()
            return shown
        return plotting.as_html(plotting.plot_solution(self), repr(self))

    @property
    def coefficients(self) -> dict[str, float]:
        """The coefficients that were found, by name, in their own units."""
        with torch.no_grad():
            return {name: float(value) for name, value in self.model.coefficients().items()}

    def errors(self, points: Points | None = None) -> dict[str, float]:
        """Relative L2 error of each output that the reference gives, dimensionless.

        Args:
            points: where to measure; left out, `evaluation_points(problem)`.

        Raises:
            ValueError: when the problem has no reference.
        """
        measure = ErrorMeasure(self.problem, points)
        return measure.by_output(self.model)

    def error(self, points: Points | None = None) -> float:
        """Relative L2 error of all outputs that the reference gives, stacked; see `errors`."""
        return ErrorMeasure(self.problem, points)(self.model)

    def family_errors(
        self, members: int = 20, *, reference: Callable[..., Any] | None = None, seed: int = 1
    ) -> FamilyErrors:
        """Errors of members of a family, `box.parameter(...)`, at parameters drawn by themselves.

        Args:
            members: their number.
            reference: called with the parameters by name, it returns the solution of that member, a function of the
                other coordinates by name, such as one by `pinn.reference.fem`; left out, the problem's own reference.
            seed: of the parameters and points.

        Raises:
            ValueError: when the problem has no parameters, or there is no reference.

        Example:
            >>> print(solution.family_errors(10))  # doctest: +SKIP
        """
        return family_errors(self.problem, self.evaluate, members, reference, seed)

    def coefficient_errors(self) -> dict[str, float]:
        """Relative error of each unknown whose true value the problem knows."""
        found = self.coefficients
        true = self.problem.exact_coefficients
        return {name: abs(found[name] - true[name]) / (abs(true[name]) or 1.0) for name in true if name in found}

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        kind: str = "solution",
        slice: Mapping[str, float] = MappingProxyType({}),
        over: str | None = None,
        ax: Axes | None = None,
    ) -> Figure:
        """A picture of the solution, with what was read, beside the reference and the error where there is one.

        Args:
            path: file to write, its suffix says the format; left out, nothing is written.
            kind: "solution", or one alone of "values", "error" (against the reference), "estimate" (the error that the
                certificate estimates), "residual" (of the equations, over the domain) and "fields" (unknown ones, with
                bands of one and two standard errors where noise of the data leaves them).
            slice: coordinates that are held, e.g. `{"z": 0.5}`; by default what is not drawn stays in the middle.
            over: a coordinate, such as time, of which several values are drawn beside each other on one colour scale.
            ax: axes to draw on instead of a figure of its own: one output, one kind that is drawn alone.

        Returns:
            The figure.

        Raises:
            ValueError: for a kind that there is nothing of, or coordinates that are none.
        """
        from pinn.plotting.solution import KINDS  # Matplotlib is loaded where something is drawn

        if kind not in (kinds := (*KINDS, "fields")):
            raise ValueError(f"plot: got kind={kind!r}, expected one of {list(kinds)}")
        if kind == "fields":
            if slice or over is not None or ax is not None:
                raise ValueError("plot: kind='fields' draws whole fields; leave slice, over and ax out")
            if not (made := drawn_unknowns(self)):
                raise ValueError("plot: kind='fields' draws unknown fields, and the problem has none; leave kind out")
            return plotting.plot_bands([make() for make in made.values()], path)
        return plotting.plot_solution(drawn(self, kind), path, kind=kind, held=slice, over=over, axes=ax)

    def animate(
        self,
        path: str | os.PathLike[str],
        *,
        over: str = "t",
        output: str | None = None,
        frames: int = 50,
        slice: Mapping[str, float] = MappingProxyType({}),
        fps: int = 12,
    ) -> None:
        """A moving picture of one output, written to `path`.

        Args:
            path: file to write: .gif, or .mp4 where ffmpeg is installed.
            over: the coordinate that moves on from frame to frame.
            output: which one; may be left out where there is one.
            frames: pictures, from the lowest to the highest value of that coordinate.
            slice: further coordinates that are held.
            fps: pictures a second.

        Raises:
            ValueError: for names that are none, another suffix, or more coordinates than can be drawn.
        """
        plotting.animate(self, path, over=over, output=output, frames=frames, held=slice, fps=fps)

    def fields(self) -> Fields:
        """The outputs, the reference and a title, as the pictures want them.

        The title says name, relative L2 error, and the coefficients that were found, with their errors where the truth
        is known.
        """
        return fields_of(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write parameters, unknown coefficients, history and certificate to one file that `load` reads.

        Raises:
            OSError: naming the path, where it cannot be written.
        """
        stored.save(path, stored.Parts(self.problem, self.model, self.history, self.certificate))

    def export(self, path: str | os.PathLike[str], derivatives: Sequence[Sequence[str]] | None = None) -> None:
        """Write outputs and derivatives as a program that torch runs without this library and without the problem.

        Args:
            path: of the file, "u.pt2" by custom.
            derivatives: outputs or unknown fields, each followed by the coordinates it is differentiated by; left out,
                the outputs and fields themselves.

        Raises:
            ValueError: for other names, or a model that cannot be traced.
            OSError: naming the path, where it cannot be written.

        Example:
            >>> solution.export("u.pt2", [("u",), ("u", "x"), ("u", "x", "x")])  # doctest: +SKIP
            >>> program = torch.export.load("u.pt2").module()  # doctest: +SKIP
            >>> program(torch.tensor([[0.3, 0.5]], dtype=torch.float64))["u_x_x"]  # doctest: +SKIP
            tensor([...], dtype=torch.float64)
        """
        from pinn.solution import standalone  # torch's tracer, which takes a second to load

        standalone.export(path, self.problem, self.model, derivatives)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        problem: Problem,
        network: NetworkFactory | None = None,
        *,
        force: bool = False,
    ) -> Solution:
        """Read a file written by `save`, whatever torch's default device and precision are.

        No code of the file is run. Its hash is checked, its numbers are finite, and it belongs to this problem.

        Args:
            path: the file.
            problem: the problem it solves (its equations are code, so they are not in the file).
            network: the factory that built the network; needed only for a network that is not the library's own.
            force: load the file of another problem all the same, as long as its parameters fit.

        Raises:
            ValueError: when the file is damaged, or belongs to another problem or network, saying what differs.
            OSError: when it cannot be read.
        """
        parts = stored.load(path, problem, network, force)
        return cls(parts.problem, parts.model, parts.history, certificate=parts.certificate)
