"""Fixed neurons of a domain or of each of its regions: the same polynomials on each box, singular functions of its own.

A region's neurons see it as the box [-1, 1], and their weights are its own, so that the coefficients of all regions
together are the unknowns of one linear system; rows of a region have zeros in the columns of the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from pinn.features.geometry import Singularities, singularities
from pinn.model import NetworkFactory, side_by_side
from pinn.networks import ByOutput, Chebyshev, Enriched
from pinn.networks.chebyshev import Index
from pinn.networks.coordinate_map import CoordinateMap
from pinn.networks.enriched import neurons
from pinn.problem import Problem

Bases = Sequence[nn.Module]
"""Polynomials, and then singular functions."""


@dataclass(frozen=True)
class Parts:
    """The parts of a domain that have neurons of their own.

    Attributes:
        problem: whose domain it is.
        singular: what is not smooth in each region, or in the whole.
        maps: where polynomials are dense along each coordinate; empty for the coordinates themselves.
    """

    problem: Problem
    singular: tuple[Singularities, ...]
    maps: tuple[CoordinateMap | None, ...] = ()

    @classmethod
    def of(cls, problem: Problem) -> Parts:
        """The regions of a problem, or its domain."""
        of_regions = tuple(singularities(problem, region.domain) for region in problem.regions.values())
        return cls(problem, of_regions or (singularities(problem),))

    @property
    def any_singular(self) -> bool:
        """Whether any part has corners or holes."""
        return any(map(bool, self.singular))

    def bases(self, index: Sequence[Index], order: int) -> list[Bases]:
        """The neurons of each part.

        Args:
            index: of the polynomials.
            order: terms of each singular series.
        """
        layout = [2 if name in self.problem.periodic else 1 for name in self.problem.coordinates]
        return [[Chebyshev(layout, index, self.maps or None), *one.bases(self.problem, order)] for one in self.singular]

    def network(self, inputs: int, bases: Sequence[Bases], beside: nn.Module | None, dtype: torch.dtype) -> nn.Module:
        """These neurons with all weights out of them zero.

        Args:
            inputs: of the network.
            bases: of each part.
            beside: a frozen network, or none; beside one, all parts have the neurons of the first.
            dtype: precision of the weights.
        """
        if len(bases) == 1 or beside is not None:
            return Enriched(inputs, len(self.problem.outputs), bases=bases[0], network=beside, dtype=dtype)
        factories: dict[str, NetworkFactory] = {
            name: partial(Enriched, bases=own) for name, own in zip(self.problem.regions, bases, strict=True)
        }
        source = torch.Generator().manual_seed(0)
        made = side_by_side(self.problem, factories)
        return made(inputs=inputs, outputs=len(self.problem.outputs), generator=source, dtype=dtype)


def largest(bases: Sequence[Bases]) -> Bases:
    """Those of the part with the most neurons."""
    return max(bases, key=neurons)


def layers(network: nn.Module) -> Iterator[Enriched]:
    """The layers of fixed neurons in a network that `Parts` made."""
    for one in network.networks if isinstance(network, ByOutput) else [network]:
        assert isinstance(one, Enriched)
        yield one


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights out of the neurons of one round, with which the next begins.

    Attributes:
        known: in each part, place of a layer and label of one of its neurons -> weights (outputs,).
    """

    known: tuple[dict[tuple[int, Hashable], Tensor], ...] = ()

    @classmethod
    def of(cls, network: Sequence[Enriched]) -> Weights:
        """Those of the layers at hand."""
        return cls(tuple(dict(zip(_labels(one), one.last.weight.detach().clone().T, strict=True)) for one in network))

    @torch.no_grad()
    def give(self, network: Sequence[Enriched]) -> None:
        """Give these to the same neurons of other layers; what is new stays as it is."""
        for one, known in zip(network, self.known, strict=False):
            for column, label in enumerate(_labels(one)):
                if label in known:
                    one.last.weight[:, column] = known[label]


def _labels(network: Enriched) -> list[tuple[int, Hashable]]:
    """Of each neuron the place of its layer and what tells it there."""
    found: list[tuple[int, Hashable]] = []
    for place, basis in enumerate(network.bases):
        labels = basis.index if isinstance(basis, Chebyshev) else cast(Any, basis).labels
        found += [(place, label) for label in labels]
    return found


def polynomials_of(network: Enriched) -> Chebyshev:
    """The polynomials of such a layer, which come first."""
    first = network.bases[0]
    assert isinstance(first, Chebyshev)
    return first
