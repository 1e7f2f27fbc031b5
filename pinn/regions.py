"""Regions of a domain, each with coefficients and outputs of its own, and what holds where two of them meet.

    −∇·(k_r ∇u_r) = f in region r,        u_a = u_b  and  k_a ∂u_a/∂n = k_b ∂u_b/∂n  on the interface of a and b

Across an interface a solution has a kink or a jump, which no smooth network has: each region has networks of its own
(domain decomposition: Jagtap, Karniadakis, Commun. Comput. Phys. 28 (2020) 2002, sec. 3). What is stated once, for u
and k, is written out for every region: output u of the region copper is `u_copper`, its coefficient k is `k_copper`,
and an equation that holds on the whole domain is one on each region. What results is an ordinary problem, which every
method solves; `Problem.joined` says which of its outputs are one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

import torch
from torch import Tensor

from pinn.binding import gathered, names_of, renamed, taking
from pinn.constraint import Constraint, Equation
from pinn.domains import Domain, Part
from pinn.energy import Energy
from pinn.output import Output
from pinn.validation import count, positive

_POINTS = 2**12  # at which it is seen which regions a set lies in


class Region:
    """A part of the domain, with coefficients of its own.

    Args:
        domain: the part; regions share their boundaries and nothing else.
        coefficients: name -> number, `Table` or `Unknown`, as those of a problem.

    Raises:
        TypeError: when the domain is none.

    Example:
        >>> from pinn import Box
        >>> Region(Box(x=(0, 0.4)), k=400.0).coefficients
        {'k': 400.0}
    """

    def __init__(self, domain: Domain, **coefficients: Any) -> None:
        if not isinstance(domain, Domain):
            raise TypeError(f"Region: got {domain!r}, expected a domain such as Box(...); give Region(box, k=400.0)")
        self.domain = domain
        self.coefficients = coefficients

    def __repr__(self) -> str:
        return f"Region({', '.join([repr(self.domain), *(f'{k}={v!r}' for k, v in self.coefficients.items())])})"


@dataclass(frozen=True)
class Interface:
    """What holds where two regions meet: outputs are continuous, and so is a flux; or a law of its own.

    Args:
        first, second: names of the regions; the normal, `nx` for coordinate `x`, points out of the first.
        flux: function of outputs, coefficients, coordinates and normals by name, whose values on both sides are the
            same; a tuple of them for several fluxes. Left out, no flux is asked for.
        continuous: outputs that are continuous; left out, all.
        law: rows in addition, a function in which what belongs to a side has its region's name:
            `lambda u_a, u_b, x, nx: u_a - u_b - R * d(u_a, x) * nx`, a contact resistance.
        on: where; left out, the part of the first region's boundary that belongs to the second's.
        weight, points: as those of a `Constraint`.

    Raises:
        TypeError: when a flux or law is no function, or the place is no domain.
        ValueError: when both regions are the same, or nothing is stated.
    """

    first: str
    second: str
    flux: Equation | None = None
    continuous: Sequence[str] | None = None
    law: Equation | None = None
    on: Domain | None = None
    weight: float | None = None
    points: int | None = None

    def __post_init__(self) -> None:
        for name in ("flux", "law"):
            given = getattr(self, name)
            if given is not None and not callable(given):
                raise TypeError(f"Interface: {name} must be a function, got {given!r}")
        if self.on is not None and not isinstance(self.on, Domain):
            raise TypeError(f"Interface: on must be a domain such as box.face(x=0.4), got {self.on!r}")
        if self.first == self.second:
            raise ValueError(f"Interface: got region {self.first!r} on both sides; give two")
        if self.flux is None and self.law is None and self.continuous is not None and not tuple(self.continuous):
            raise ValueError("Interface: got nothing that holds there; give flux, continuous or law")
        if self.weight is not None:
            positive("Interface", weight=self.weight)
        if self.points is not None:
            count("Interface", 1, points=self.points)


@dataclass(frozen=True)
class Stated:
    """A problem's statement, written out for its regions or before that.

    Attributes:
        domain: of all.
        outputs: names, or `Output`s.
        constraints, coefficients, ansatz, scales: as those of `Problem`.
        joined: output as stated -> region -> the output there.
    """

    domain: Domain
    outputs: Sequence[str]
    constraints: Mapping[str, Any]
    coefficients: Mapping[str, Any]
    ansatz: Mapping[str, Callable[..., Any]]
    scales: Mapping[str, tuple[float, float]]
    joined: Mapping[str, Mapping[str, str]]


def written_out(
    regions: Mapping[str, Region],
    domain: Domain | None,
    outputs: Sequence[str],
    constraints: Mapping[str, Any],
    coefficients: Mapping[str, Any],
    ansatz: Mapping[str, Callable[..., Any]],
    scales: Mapping[str, tuple[float, float]],
) -> Stated:
    """The statement with outputs, coefficients and constraints of every region; what is written out already stays.

    Args:
        regions: name -> region, two or more.
        domain: of all; left out, their union.
        outputs, constraints, coefficients, ansatz, scales: as stated.

    Raises:
        TypeError, ValueError: for names and sets that do not fit, naming the region or the constraint.
    """
    _validate(regions)
    names = _as_stated(regions, outputs)
    writer = _Writer(regions, names, {key for region in regions.values() for key in region.coefficients})
    own = {f"{key}_{name}": value for name, region in regions.items() for key, value in region.coefficients.items()}
    for key, value in own.items():  # of a copy with changes; which of both was changed is not known
        if key in coefficients and coefficients[key] is not value and coefficients[key] != value:
            raise ValueError(
                f"Problem: coefficient {key!r} is {coefficients[key]!r} among the coefficients and {value!r} in its "
                "region; change it in regions=, and leave it out of coefficients="
            )
    if clash := sorted(set(coefficients) & writer.keys):
        raise ValueError(
            f"Problem: coefficient {clash[0]!r} is one of all regions and of {_owner(regions, clash[0])!r}; give it "
            "in one place"
        )
    found: dict[str, Constraint] = {}
    for name, constraint in constraints.items():
        if isinstance(getattr(constraint, "equation", None), Energy):
            raise ValueError(
                f"constraint {name!r}: got an Energy beside regions=, expected equations; state one problem whose "
                "density has the coefficients of all regions, as functions of the coordinates"
            )
        found |= writer.constraints(name, constraint)
    return Stated(
        domain=reduce(or_, [region.domain for region in regions.values()]) if domain is None else domain,
        outputs=[_renamed(one, name) for name in regions for one in names],
        constraints=found,
        coefficients={**coefficients, **own},
        ansatz={key: function for name, given in ansatz.items() for key, function in writer.of_each(name, given)},
        scales={
            key: pair
            for name, pair in scales.items()
            for key in ([f"{name}_{region}" for region in regions] if name in names else [name])
        },
        joined={str(one): {name: f"{one}_{name}" for name in regions} for one in names},
    )


def with_coefficient(regions: Mapping[str, Region], name: str, value: Any) -> dict[str, Region]:
    """Regions of which one has another value of a coefficient, e.g. of `k_copper`; the same where none has it.

    Example:
        >>> from pinn import Box
        >>> with_coefficient({"a": Region(Box(x=(0, 1)), k=1.0)}, "k_a", 2.0)["a"].coefficients
        {'k': 2.0}
    """
    return {
        key: Region(region.domain, **{k: value if f"{k}_{key}" == name else v for k, v in region.coefficients.items()})
        for key, region in regions.items()
    }


def membership(regions: Mapping[str, Region], x: Tensor) -> Tensor:
    """The number of the region that each point belongs to, (n,); of those on an interface that of the first.

    Args:
        regions: name -> region.
        x: points (n, d).
    """
    levels = torch.stack([region.domain.level(x) for region in regions.values()])
    inside = levels <= 1e-9
    # A point of no region, by rounding, is nearest to one.
    return torch.where(inside.any(0), inside.to(torch.int8).argmax(0), levels.argmin(0))


def _validate(regions: Mapping[str, Region]) -> None:
    if not isinstance(regions, Mapping) or len(regions) < 2:
        raise ValueError(f"Problem: got regions={regions!r}, expected two or more by name; give Region(...) for each")
    for name, region in regions.items():
        if not isinstance(region, Region):
            raise TypeError(f"region {name!r}: expected Region(...), got {region!r}")
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"region {name!r}: it becomes a part of names such as u_copper; use a plain name")
    first, *others = regions.items()
    for name, region in others:
        if region.domain.coordinates != first[1].domain.coordinates:
            raise ValueError(
                f"region {name!r}: it has coordinates {region.domain.coordinates}, the region {first[0]!r} "
                f"{first[1].domain.coordinates}; give all the same"
            )
    source = torch.Generator().manual_seed(0)
    for name, region in regions.items():
        inside = region.domain.sample(256, generator=source).x
        for other, another in regions.items():
            if other != name and bool((another.domain.level(inside) < -1e-6).any()):
                raise ValueError(f"regions {name!r} and {other!r} overlap; take one away from the other, a - b")


def _owner(regions: Mapping[str, Region], key: str) -> str:
    return next(name for name, region in regions.items() if key in region.coefficients)


def _as_stated(regions: Mapping[str, Region], outputs: Sequence[str]) -> list[str]:
    """The outputs before they were written out, as a problem that is copied with changes has them."""
    first = next(iter(regions))
    base = [one for one in outputs if one.endswith(f"_{first}")]
    stems = [one.removesuffix(f"_{first}") for one in base]
    whole = {f"{stem}_{name}" for stem in stems for name in regions}
    if not base or whole != set(map(str, outputs)):
        return list(outputs)
    return [_named(one, stem) for one, stem in zip(base, stems, strict=True)]


def _named(output: str, name: str) -> str:
    return Output(name, output.positive, output.bounds, output.smooth) if isinstance(output, Output) else name


def _renamed(output: str, region: str) -> str:
    return _named(output, f"{output}_{region}")


@dataclass(frozen=True)
class _Writer:
    """Writes constraints out.

    Args:
        regions: name -> region.
        outputs: as stated.
        keys: coefficients that are a region's.
    """

    regions: Mapping[str, Region]
    outputs: Sequence[str]
    keys: set[str]

    @property
    def _own(self) -> set[str]:
        return {*self.outputs, *self.keys}

    def constraints(self, name: str, given: Any) -> dict[str, Constraint]:
        """One constraint as those of the regions that it holds in, under its own name where it is one."""
        if isinstance(given, Interface):
            return {name: self._interface(name, given)}
        if not isinstance(given, Constraint) or not {*sum(names_of(given.equation), ())} & self._own:
            return {name: given}
        places = self._places(given.on)
        if not places:
            raise ValueError(f"constraint {name!r}: its set {given.on!r} lies in no region of {list(self.regions)}")
        made = {
            region: replace(given, equation=self.of(given.equation, region), on=on) for region, on in places.items()
        }
        if len(made) == 1:
            return {name: next(iter(made.values()))}
        return {f"{name} in {region}": one for region, one in made.items()}

    def _places(self, on: Domain) -> dict[str, Domain]:
        """Region -> the part of a set that belongs to it."""
        points = _few(on)
        found: dict[str, Domain] = {}
        solid = on.dimension >= len(on.coordinates)
        for name, region in self.regions.items():
            if on is region.domain:
                return {name: on}
            inside = region.domain.contains(points)
            if bool(inside.all()):
                found[name] = on
            elif bool(inside.any()) or self._reaches(on, region.domain):
                part = on & region.domain if on.dimension > 0 else None
                if part is None:
                    raise ValueError(
                        f"the points of {on!r} lie in several regions; give a constraint for those of each region"
                    )
                # What covers a region is that region itself, whose points are drawn without trials.
                covered = solid and bool(on.contains(_few(region.domain)).all())
                found[name] = region.domain if covered else part
        return found

    @staticmethod
    def _reaches(on: Domain, region: Domain) -> bool:
        """Whether a set has points of a region that is too small to be met by points of the set."""
        thin = len(on.coordinates) - on.dimension
        if thin > 1 or on.dimension == 0:
            return False
        return bool(on.contains(_few(region.boundary() if thin else region)).any())

    def of(self, function: Callable[..., Any], region: str) -> Callable[..., Any]:
        """A function whose outputs and coefficients are those of a region."""
        return renamed(function, {key: f"{key}_{region}" for key in self._own if self._has(region, key)})

    def _has(self, region: str, key: str) -> bool:
        return key in self.outputs or key in self.regions[region].coefficients

    def of_each(self, name: str, function: Callable[..., Any]) -> list[tuple[str, Callable[..., Any]]]:
        """An ansatz of an output as those of the regions."""
        if name not in self.outputs or not callable(function):
            return [(name, function)]
        return [(f"{name}_{region}", self.of(function, region)) for region in self.regions]

    def _interface(self, name: str, given: Interface) -> Constraint:
        for side in (given.first, given.second):
            if side not in self.regions:
                raise ValueError(f"interface {name!r}: no region {side!r}; choose among {list(self.regions)}")
        for one in given.continuous or ():
            if one not in self.outputs:
                raise ValueError(f"interface {name!r}: no output {one!r}; choose among {list(map(str, self.outputs))}")
        first, second = (self.regions[side].domain for side in (given.first, given.second))
        on = given.on
        if on is None:
            try:
                on = Part(first.boundary(), second)
            except ValueError:  # nothing of it
                raise ValueError(
                    f"interface {name!r}: regions {given.first!r} and {given.second!r} do not touch; give on="
                ) from None
        continuous = self.outputs if given.continuous is None else given.continuous
        equal = _equal([(f"{one}_{given.first}", f"{one}_{given.second}") for one in continuous])
        parts = [equal] if continuous else []
        if given.flux is not None:
            parts.append(_difference(self.of(given.flux, given.first), self.of(given.flux, given.second)))
        if given.law is not None:
            parts.append(given.law)
        together = gathered(parts, lambda *rows: tuple(row for some in rows for row in some))
        return Constraint(together, on=on, weight=given.weight, points=given.points)


def _few(domain: Domain) -> Tensor:
    return domain.sample(_POINTS, generator=torch.Generator().manual_seed(0)).x


def _equal(pairs: Sequence[tuple[str, str]]) -> Callable[..., Any]:
    """Rows a − b of pairs of names."""
    names = [name for pair in pairs for name in pair]
    return taking(names, lambda **given: tuple(given[one] - given[two] for one, two in pairs))


def _difference(one: Callable[..., Any], two: Callable[..., Any]) -> Callable[..., Any]:
    """The differences of two functions' rows."""
    return gathered([one, two], lambda left, right: tuple(a - b for a, b in zip(left, right, strict=True)))
