"""Several answers to one problem, from several seeds: their mean, and how far they lie apart.

    ū = 1/n Σ u_i,        s² = 1/(n − 1) Σ (u_i − ū)²

The members differ by first weights and points alone. So s is what training leaves to chance, and nothing else: an
answer that has converged has a small one, whatever its data are. It is no standard error of what noise in the data
leaves of an unknown, which is the certificate's; and it is no bound of the error, since what all members share, a
network too small, a wrong equation or noise of the same data, moves ū and not s. The mean has an error of no more than
the root mean square of those of the members, by the triangle inequality.

Source: Lakshminarayanan, Pritzel, Blundell, NeurIPS 2017 (1612.01474), for ensembles by first weights; that they see no
common error: Psaros, Meng, Zou, Guo, Karniadakis, J. Comput. Phys. 477 (2023) 111902, sec. 5.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pinn import plotting
from pinn.domains import Points
from pinn.model import NetworkFactory
from pinn.plotting import Banded
from pinn.problem import Problem
from pinn.sampling.evaluation import evaluation_points
from pinn.solution.functions import columns_of, stated
from pinn.solution.solution import Solution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_PLACES, _CELLS = 301, 81  # of a picture along a line, and along each axis of an image


class Ensemble:
    """Solutions of one problem from several seeds, as a function: their mean.

    Args:
        members: at least two, of the same problem.

    Attributes:
        problem: what was solved.

    Raises:
        ValueError: for fewer than two members, or members of different outputs or coordinates.

    Example:
        >>> ensemble = solve_ensemble(problem, n=5)  # doctest: +SKIP
        >>> ensemble(x=0.3), ensemble.spread(x=0.3)  # doctest: +SKIP
        (array(0.29...), array(1.2...e-05))
    """

    def __init__(self, members: Sequence[Solution]) -> None:
        self.members = tuple(members)
        if len(self.members) < 2:
            raise ValueError(
                f"Ensemble: got {len(self.members)} members, expected at least 2, for a spread; solve more"
            )
        self.problem: Problem = self.members[0].problem
        for other in self.members[1:]:
            for what in ("stated_outputs", "coordinates"):
                mine, its = getattr(self.problem, what), getattr(other.problem, what)
                if mine != its:
                    raise ValueError(f"Ensemble: got members with {what} {mine} and {its}, expected one problem")

    def __len__(self) -> int:
        return len(self.members)

    def __call__(self, *coordinates: ArrayLike, **named: ArrayLike) -> Array | dict[str, Array]:
        """The mean at points, given and returned as those of a `Solution`."""
        return stated(self.problem, self.evaluate(columns_of(self.problem, coordinates, named)))

    def spread(self, *coordinates: ArrayLike, **named: ArrayLike) -> Array | dict[str, Array]:
        """The standard deviation s over the members at points, in the outputs' own units."""
        return stated(self.problem, self.spreads(columns_of(self.problem, coordinates, named)))

    def evaluate(self, coordinates: Mapping[str, ArrayLike]) -> dict[str, Array]:
        """Means of outputs and unknown fields by name, as `Solution.evaluate`."""
        return self._reduced(coordinates, lambda values: np.mean(values, axis=0))

    def spreads(self, coordinates: Mapping[str, ArrayLike]) -> dict[str, Array]:
        """Standard deviations over the members of outputs and unknown fields by name."""
        return self._reduced(coordinates, lambda values: np.std(values, axis=0, ddof=1))

    @property
    def coefficients(self) -> dict[str, float]:
        """Means of the unknown numbers, in their own units."""
        return {name: float(np.mean(values)) for name, values in self._found().items()}

    @property
    def coefficient_spreads(self) -> dict[str, float]:
        """Standard deviations of the unknown numbers over the members: what training leaves to chance."""
        return {name: float(np.std(values, ddof=1)) for name, values in self._found().items()}

    @property
    def standard_errors(self) -> dict[str, float]:
        """What noise of the data leaves of the unknown numbers: the median of the members' certificates."""
        found = {
            name: [one.certificate.standard_errors.get(name, np.inf) for one in self.members if one.certificate]
            for name in self.coefficients
        }
        return {
            name: float(np.median(values)) for name, values in found.items() if values and np.isfinite(values).all()
        }

    def error(self, points: Points | None = None) -> float:
        """Relative L2 error of the mean, all outputs that the reference gives stacked; see `Solution.error`."""
        place = evaluation_points(self.problem) if points is None else points
        exact, found = self.problem.exact(place), self.evaluate(_columns(place))
        wrong = sum(float(np.sum((found[name] - value) ** 2)) for name, value in exact.items())
        size = sum(float(np.sum(value**2)) for value in exact.values())
        return float(np.sqrt(wrong / (size or place.n)))

    def relative_spread(self, points: Points | None = None) -> float:
        """The root mean square of s over that of the mean, all outputs stacked: what training leaves to chance."""
        place = _columns(evaluation_points(self.problem) if points is None else points)
        mean, apart = self.evaluate(place), self.spreads(place)
        names = self.problem.stated_outputs
        size = sum(float(np.sum(mean[name] ** 2)) for name in names)
        away = sum(float(np.sum(apart[name] ** 2)) for name in names)
        return float(np.sqrt(away / (size or 1.0)))

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """The mean of each output with bands of one and two standard deviations over the members, or their images.

        Args:
            path: file to write; left out, nothing is written. Beyond two coordinates the others stay in the middle.
        """
        bounds, shown = self.problem.domain.bounds, self.problem.coordinates[:2]
        axes = {name: np.linspace(*bounds[name], _PLACES if len(shown) == 1 else _CELLS) for name in shown}
        meshed = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
        shape = next(iter(meshed.values())).shape
        columns = {
            name: meshed[name] if name in meshed else np.full(shape, np.mean(bounds[name]))
            for name in self.problem.coordinates
        }
        flat = Points(self.problem.coordinates, _stacked(columns))
        inside = self.problem.domain.contains(flat.x).numpy().reshape(shape)
        mean, apart = self.evaluate(columns), self.spreads(columns)
        fields = [
            Banded(
                name,
                axes,
                np.where(inside, mean[name], np.nan),
                np.where(inside, apart[name], np.nan),
                self.problem.labels,
                called=f"standard deviation over {len(self)} seeds",
            )
            for name in self.problem.stated_outputs
        ]
        return plotting.plot_bands(fields, path)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write each member to a file of the folder, which is made where there is none.

        Raises:
            FileExistsError: where the folder holds files.
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        if any(place.iterdir()):
            raise FileExistsError(f"{place}: it holds files, expected an empty folder; give another")
        for index, one in enumerate(self.members):
            one.save(place / f"member_{index:03d}.pt")

    @classmethod
    def load(cls, folder: str | os.PathLike[str], problem: Problem, network: NetworkFactory | None = None) -> Ensemble:
        """Read what `save` wrote; see `Solution.load`.

        Raises:
            FileNotFoundError: where the folder holds no member.
        """
        files = sorted(Path(folder).glob("member_*.pt"))
        if not files:
            raise FileNotFoundError(f"{folder}: there is no member_*.pt; give a folder that an ensemble was saved to")
        return cls([Solution.load(file, problem, network) for file in files])

    def __str__(self) -> str:
        """Mean, spread and what each means, as lines."""
        lines = [
            f"{self.problem.name}: {len(self)} answers, apart by {self.relative_spread():.1e} of their size, which is "
            "what training leaves to chance"
        ]
        estimates = [one.certificate.error for one in self.members if one.certificate is not None]
        if estimates:
            lines.append(
                f"their certificates estimate relative errors of {min(estimates):.1e} to {max(estimates):.1e}; what "
                "all share is in these, and not in the spread"
            )
        if self.problem.reference is not None:
            each = [one.error() for one in self.members]
            lines.append(f"against the reference: the mean {self.error():.1e}, each {min(each):.1e} to {max(each):.1e}")
        spreads, standard = self.coefficient_spreads, self.standard_errors
        if spreads:
            lines.append(f"{'unknown':<12}{'mean':>14}{'over seeds':>14}{'from noise':>14}")
        for name, mean in self.coefficients.items():
            noise = f"± {standard[name]:.2g}" if name in standard else ""
            lines.append(f"{name:<12}{mean:>14.8g}{f'± {spreads[name]:.2g}':>14}{noise:>14}".rstrip())
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Ensemble of {len(self)} solutions of {self.problem.name!r}>"

    def _found(self) -> dict[str, Array]:
        every = [one.coefficients for one in self.members]
        return {name: np.array([found[name] for found in every]) for name in every[0]}

    def _reduced(self, coordinates: Mapping[str, ArrayLike], reduce: Callable[[Array], Any]) -> dict[str, Array]:
        every = [one.evaluate(coordinates) for one in self.members]
        return {name: reduce(np.stack([values[name] for values in every])) for name in every[0]}


def _columns(points: Points) -> dict[str, Array]:
    return {name: points.column(name).double().cpu().numpy() for name in points.names}


def _stacked(columns: Mapping[str, Array]) -> Any:
    import torch

    return torch.from_numpy(np.stack([column.reshape(-1) for column in columns.values()], 1))
