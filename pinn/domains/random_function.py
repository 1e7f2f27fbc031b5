"""Random functions with finitely many coefficients, by which a function is an input of a problem.

    f(x) = m + σ Σ_{k ≤ K} ξ_k √λ_k φ_k(x),    ξ_k ~ N(0, 1) independent

φ_k are the orthonormal eigenfunctions of the field's covariance on a box, ∫ k(x, y) φ_k(y) dy = λ_k φ_k(x) with dy of
the integral one, and λ_1 ≥ λ_2 ≥ …, Σ λ_k = 1 (Karhunen-Loève). Of all expansions with K terms this one leaves the
least, σ √(Σ_{k > K} λ_k) in the root mean square. The covariance is σ² times

    k(x, y) = exp(−Σ_i (x_i − y_i)² / 2 l_i²),    along a period L its sum over shifts, λ_j ∝ exp(−½ (2π j l / L)²)

so that eigenfunctions are products of those of one coordinate. Those of an interval are found at Gauss's nodes x_j with
weights w_j (Nyström), and are then sums of the kernel at these nodes, smooth functions that every derivative knows:

    φ_k(x) = λ_k⁻¹ Σ_j w_j k(x, x_j) φ_k(x_j)

Sources: Rasmussen, Williams, Gaussian Processes for Machine Learning (2006), sections 4.2.1 and 4.3.2; Ghanem, Spanos,
Stochastic Finite Elements (1991), section 2.3; as what is put into operators Lu, Jin, Pang, Zhang, Karniadakis, Nature
Machine Intelligence 3 (2021) 218, methods.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from pinn.binding import names_of
from pinn.expansions import Expansion
from pinn.validation import count, finite, positive

Array = NDArray[np.float64]
Interval = tuple[float, float]

_NODES, _NODES_A_LENGTH = 24, 4  # of the covariance; twice as many change eigenfunctions by 1e-11 for l of 0.05 to 2
_ROUNDING = 1e-13  # of the largest eigenvalue: smaller ones are noise
_MOST = 400  # terms
_TRIED = 64  # places at which given functions are tried


@runtime_checkable
class RandomFunction(Protocol):
    """What `Domain.function` takes: a law of functions of some coordinates."""

    @property
    def over(self) -> str | Sequence[str]:
        """The coordinates that they are functions of."""

    def expand(self, bounds: Mapping[str, Interval]) -> Expansion:
        """Its terms on a box.

        Args:
            bounds: of the coordinates `over`, in order.
        """


@dataclass(frozen=True)
class GaussianField:
    """A smooth Gaussian random function, by its largest terms.

    Args:
        over: the coordinate, or the coordinates, that it is a function of.
        length: l, over which values are alike, in the coordinate's units; or one a coordinate.
        size: σ, standard deviation at every point, in units of the function.
        mean: m, in the same.
        terms: K; left out, as many as leave no more than `accuracy`.
        accuracy: root mean square of what the terms leave, over σ; dimensionless.
        periodic: those of the coordinates along which it is periodic, with the box's extent as the period.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> expansion = GaussianField(over="x", length=0.2).expand({"x": (0.0, 1.0)})
        >>> expansion.count, expansion.left < 1e-3
        (11, True)
    """

    over: str | Sequence[str]
    length: float | Mapping[str, float] = 0.2
    size: float = 1.0
    mean: float = 0.0
    terms: int | None = None
    accuracy: float = 1e-3
    periodic: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        names = names_over("GaussianField", self.over)
        lengths = dict(self.length) if isinstance(self.length, Mapping) else dict.fromkeys(names, self.length)
        if set(lengths) != set(names):
            raise ValueError(
                f"GaussianField: got length for {sorted(map(str, lengths))}, expected {list(names)}; give one each"
            )
        for value in lengths.values():
            positive("GaussianField", length=value)
        positive("GaussianField", size=self.size, accuracy=self.accuracy)
        finite("GaussianField", mean=self.mean)
        if self.terms is not None:
            count("GaussianField", 1, terms=self.terms)
        around = (self.periodic,) if isinstance(self.periodic, str) else tuple(self.periodic)
        if extra := [name for name in around if name not in names]:
            raise ValueError(
                f"GaussianField: got periodic={extra[0]!r}, expected one of {list(names)}; name it in over= too"
            )
        written: dict[str, Any] = {"over": names, "length": lengths, "periodic": around}
        for name, value in written.items():
            object.__setattr__(self, name, value)

    def expand(self, bounds: Mapping[str, Interval]) -> Expansion:
        """See `RandomFunction.expand`.

        Raises:
            ValueError: when more terms are asked for than double precision tells from rounding.
        """
        assert isinstance(self.length, Mapping)
        largest = 1.0  # λ of one term at the most, the integral of the kernel along each coordinate
        for name, (low, high) in bounds.items():
            largest *= min(1.0, math.sqrt(2 * math.pi) * float(self.length[name]) / (high - low))
        if self.terms is None and _MOST * largest < 1 - self.accuracy**2:
            raise self._too_fine(_MOST, math.sqrt(1 - _MOST * largest))
        axes = []
        for name, (low, high) in bounds.items():
            make = _waves if name in self.periodic else _eigenfunctions
            axes.append(make(low, high, float(self.length[name])))
        values, places = _products([axis.values for axis in axes], _MOST if self.terms is None else self.terms)
        left = np.sqrt(np.maximum(0.0, 1.0 - np.cumsum(values)))
        if self.terms is None:
            enough = np.nonzero(left <= self.accuracy)[0]
            if not len(enough):
                raise self._too_fine(len(values), float(left[-1]))
            number = int(enough[0]) + 1
        elif len(values) < self.terms:
            raise ValueError(
                f"GaussianField: got terms={self.terms}, of which rounding leaves {len(values)}; give no more than that"
            )
        else:
            number = self.terms
        sizes = torch.from_numpy(self.size * np.sqrt(values[:number]))
        chosen = [torch.from_numpy(column) for column in places[:number].T]

        def terms(columns: Sequence[Any]) -> Any:
            product: Any = None
            for axis, place, x in zip(axes, chosen, columns, strict=True):
                factor = axis(x)[..., place.to(x.device)]
                product = factor if product is None else product * factor
            return product * sizes.to(dtype=columns[0].dtype, device=columns[0].device)

        return Expansion(tuple(bounds), dict(bounds), number, terms, self.mean, self.size * float(left[number - 1]))

    def _too_fine(self, count: int, left: float) -> ValueError:
        """What is raised where so many terms leave more than was asked for."""
        return ValueError(
            f"GaussianField: got accuracy={self.accuracy:g}, which {count} terms do not reach, they leave {left:.1e}; "
            "give a larger length or accuracy, or terms="
        )


@dataclass(frozen=True)
class RandomSeries:
    """A random function that is a sum of given ones, each times a standard normal number.

    Args:
        over: the coordinate, or the coordinates, that it is a function of.
        functions: what is summed, in units of the function: functions of these coordinates by name, made of torch's
            functions, (n,) to (n,).
        mean: m, in the same.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> bump = RandomSeries("x", [lambda x: torch.sin(math.pi * x), lambda x: 0.5 * torch.sin(2 * math.pi * x)])
        >>> bump.expand({"x": (0.0, 1.0)}).count
        2
    """

    over: str | Sequence[str]
    functions: Sequence[Callable[..., Any]]
    mean: float = 0.0

    def __post_init__(self) -> None:
        names = names_over("RandomSeries", self.over)
        given = tuple(self.functions)
        if not given:
            raise ValueError("RandomSeries: got no function, expected one at least; give e.g. [lambda x: torch.sin(x)]")
        for one in given:
            if not callable(one):
                raise TypeError(f"RandomSeries: got {one!r} among the functions; give functions of {list(names)}")
            if other := set(names_of(one)[0]) - set(names):
                raise ValueError(
                    f"RandomSeries: got a function of {sorted(other)[0]!r}, expected one of {list(names)}; name its "
                    "arguments after the coordinates"
                )
        finite("RandomSeries", mean=self.mean)
        object.__setattr__(self, "over", names)
        object.__setattr__(self, "functions", given)

    def expand(self, bounds: Mapping[str, Interval]) -> Expansion:
        """See `RandomFunction.expand`.

        Raises:
            ValueError: when a function is not finite within the bounds.
        """
        names = tuple(bounds)
        taken = [[name for keys in names_of(one) for name in keys if name in names] for one in self.functions]

        def terms(columns: Sequence[Any]) -> Any:
            named = dict(zip(names, columns, strict=True))
            values = [
                one(**{name: named[name] for name in own}) for one, own in zip(self.functions, taken, strict=True)
            ]
            return torch.stack([value + 0.0 * columns[0] for value in values], -1)

        for one, own in zip(self.functions, taken, strict=True):
            places = {name: torch.linspace(*bounds[name], _TRIED + 2, dtype=torch.float64)[1:-1] for name in own}
            if not bool(torch.isfinite(torch.as_tensor(one(**places))).all()):
                raise ValueError(
                    f"RandomSeries: got a function of {own} that is not finite in {dict(bounds)}; give functions that "
                    "are numbers everywhere"
                )
        return Expansion(names, dict(bounds), len(self.functions), terms, self.mean, 0.0)


def names_over(owner: str, over: str | Sequence[str]) -> tuple[str, ...]:
    """The coordinates that a function is one of.

    Raises:
        TypeError: when they are no names.
        ValueError: when there is none, or one twice.
    """
    names = (over,) if isinstance(over, str) or not isinstance(over, Sequence) else tuple(over)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{owner}: got over={over!r}, expected names of coordinates; give e.g. over='x'")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{owner}: got over={over!r}, expected each coordinate once; give e.g. over='x'")
    return names


@dataclass(frozen=True, eq=False)
class _Axis:
    """Eigenfunctions along one coordinate.

    Args:
        values: λ, descending, of sum one where all are there.
        function: (n,) -> (n, all of them), tensors or jets.
    """

    values: Array
    function: Callable[[Any], Any]

    def __call__(self, x: Any) -> Any:
        return self.function(x)


def _eigenfunctions(low: float, high: float, length: float) -> _Axis:
    """Those of an interval: sums of the kernel at Gauss's nodes."""
    node, weight = np.polynomial.legendre.leggauss(_NODES + math.ceil(_NODES_A_LENGTH * (high - low) / length))
    place, root = low + 0.5 * (high - low) * (node + 1), np.sqrt(0.5 * weight)
    kernel = np.exp(-0.5 * ((place[:, None] - place) / length) ** 2)
    values, vectors = np.linalg.eigh(root[:, None] * kernel * root)
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = values > _ROUNDING * values[0]
    values, vectors = values[kept], vectors[:, kept]
    vectors = vectors * np.where(vectors[0] < 0, -1.0, 1.0)  # positive at the low end, whatever the solver gives
    nodes, matrix = torch.from_numpy(place), torch.from_numpy((root[:, None] * vectors / values).T.copy())

    def function(x: Any) -> Any:
        like = {"dtype": x.dtype, "device": x.device}
        apart = (x[..., None] - nodes.to(**like)) * (1 / length)
        return torch.nn.functional.linear(torch.exp(-0.5 * (apart * apart)), matrix.to(**like))

    return _Axis(values, function)


def _waves(low: float, high: float, length: float) -> _Axis:
    """Those of a period: 1, √2 cos θ, √2 sin θ, √2 cos 2θ, …"""
    period = high - low
    most = max(1, math.ceil(math.sqrt(-2 * math.log(_ROUNDING)) * period / (2 * math.pi * length)))
    wave = np.array([0, *itertools.chain.from_iterable((j, j) for j in range(1, most + 1))], dtype=np.float64)
    values = np.exp(-0.5 * (2 * math.pi * wave * length / period) ** 2)
    values = values / values.sum()
    sizes = torch.tensor([1.0, *(math.sqrt(2.0) for _ in wave[1:])], dtype=torch.float64)
    # sin θ = cos(θ − π/2); the first, of no wave, is one.
    shift = torch.tensor([0.0, *(-0.5 * math.pi * (k % 2) for k in range(len(wave) - 1))], dtype=torch.float64)
    rate = torch.from_numpy(2 * math.pi * wave / period)

    def function(x: Any) -> Any:
        like = {"dtype": x.dtype, "device": x.device}
        return torch.cos((x[..., None] - low) * rate.to(**like) + shift.to(**like)) * sizes.to(**like)

    return _Axis(values, function)


def _products(values: Sequence[Array], most: int) -> tuple[Array, NDArray[np.int64]]:
    """The largest products of one value a coordinate, (K,) descending, and the places of their factors, (K, d)."""
    product, places = values[0], np.arange(len(values[0]))[:, None]
    for one in values[1:]:
        # Of the k largest products no factor is beyond the k-th.
        product = (product[:, None] * one).reshape(-1)
        pairs = np.indices((len(places), len(one))).reshape(2, -1)
        places = np.concatenate([places[pairs[0]], pairs[1][:, None]], 1)
        order = np.argsort(-product, kind="stable")[:most]
        product, places = product[order], places[order]
    return product[:most], places[:most]
