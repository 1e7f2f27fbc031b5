"""What a run returns: a function of the coordinates, its error where a reference exists, and its file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pinn import plotting
from pinn.domains import Points
from pinn.model import Model, NetworkFactory
from pinn.plotting import Fields
from pinn.problem import Problem
from pinn.solution import stored
from pinn.solution.error import ErrorMeasure, score
from pinn.solution.history import History
from pinn.solution.noise import NoiseEstimate
from pinn.verification.certificate import Certificate

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

    def __call__(self, **coordinates: ArrayLike) -> Array | dict[str, Array]:
        """The outputs at points given by coordinate name; arrays broadcast against each other.

        Returns:
            one float64 array for a problem of one output, a dict by output otherwise; fields k(x) among the unknown
            coefficients are read with `field`.

        Raises:
            TypeError: when a coordinate is missing or unknown.
            ValueError: when the arrays do not broadcast.
        """
        values = self._evaluate(coordinates)
        outputs = {name: values[name] for name in self.problem.outputs}
        return outputs[self.problem.outputs[0]] if len(outputs) == 1 else outputs

    def field(self, name: str, **coordinates: ArrayLike) -> Array:
        """An output or an unknown coefficient field at points given by coordinate name."""
        values = self._evaluate(coordinates)
        if name not in values:
            raise ValueError(f"field: {name!r} is not among {sorted(values)}")
        return values[name]

    def _evaluate(self, coordinates: Mapping[str, ArrayLike]) -> dict[str, Array]:
        expected = self.problem.coordinates
        if set(coordinates) != set(expected):
            raise TypeError(
                f"solution: got coordinates {sorted(coordinates)}, expected all of {list(expected)}, "
                f"e.g. solution({', '.join(f'{name}=0.5' for name in expected)})"
            )
        arrays = np.broadcast_arrays(*[np.asarray(coordinates[name], dtype=np.float64) for name in expected])
        shape = arrays[0].shape
        like = next(self.model.parameters())
        flat = [torch.from_numpy(np.ascontiguousarray(array).reshape(-1).copy()).to(like) for array in arrays]
        with torch.no_grad():
            values = self.model.outputs(dict(zip(expected, flat, strict=True)))
        return {
            name: value.detach().double().cpu().expand(flat[0].shape).numpy().reshape(shape)
            for name, value in values.items()
        }

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

    def coefficient_errors(self) -> dict[str, float]:
        """Relative error of each unknown whose true value the problem knows."""
        found = self.coefficients
        true = self.problem.exact_coefficients
        return {name: abs(found[name] - true[name]) / (abs(true[name]) or 1.0) for name in true if name in found}

    def plot(self, path: str | os.PathLike[str]) -> None:
        """A picture of the solution, the reference and the error where there is one, written to `path`."""
        plotting.plot_solution(self, path)

    def fields(self) -> Fields:
        """The outputs, the reference and a title, as the pictures want them.

        The title says name, relative L2 error, and the coefficients that were found, with their errors where the truth
        is known.
        """
        problem = self.problem

        def matrix(columns: Mapping[str, Array]) -> Tensor:
            return torch.from_numpy(np.stack([columns[name] for name in problem.coordinates], axis=1))

        def found(columns: Mapping[str, Array]) -> dict[str, Array]:
            values = self._evaluate(columns)
            return {name: values[name] for name in problem.outputs}

        def true(columns: Mapping[str, Array]) -> Mapping[str, Array]:
            return problem.exact(Points(problem.coordinates, matrix(columns)))

        return Fields(
            title=self._title(),
            coordinates=problem.coordinates,
            bounds=problem.domain.bounds,
            outputs=tuple(problem.outputs),
            contains=lambda columns: problem.domain.contains(matrix(columns)).numpy(),
            evaluate=found,
            exact=true if problem.reference is not None else None,
        )

    def _title(self) -> str:
        parts = [self.problem.name]
        if self.problem.reference is not None:
            parts.append(score(self.error(), self.problem.reference_error))
        wrong = self.coefficient_errors()
        for name, value in self.coefficients.items():
            parts.append(f"{name} = {value:.6g}" + (f" (relative error {wrong[name]:.1e})" if name in wrong else ""))
        return "   ·   ".join(parts)

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
