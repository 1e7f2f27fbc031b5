"""Weak rows: an equation tested on cells, and conservation laws as balances of the fluxes through cells.

About each collocation point, as far as the domain allows, lies a cell C whose sides are the domain's over `cells`.

    ∫_C r v dx / |C| = 0         of an equation r, or of a weak form that has v, with v = Π φ_k of degree k = 1 … K,
                                 φ_k(s) = P_{k+1}(s) − P_{k−1}(s) on [−1, 1], zero at both ends: hp-VPINNs
    ∮_{∂C} F · n ds / |C| = ∫_C S dx / |C|        of a conservation law Σ ∂F_i/∂x_i = S; F is not differentiated
    −∫_C F · ∇v dx / |C| = ∫_C S v dx / |C|       the same with test functions

A balance holds for discontinuous solutions, and says where a shock moves; the differential equation does not. By parts,
an equation of second order needs first derivatives alone. Cells overlap and follow the sampler: every cell of that size
is one of them. Integrals are sums over Gauss nodes (`pinn.derivatives.sight`), so that rows of the Jacobian are exact.

Source: Kharazmi, Zhang, Karniadakis, Comput. Methods Appl. Mech. Engrg. 374 (2021) 113547, eqs. (8)-(13); balances over
control volumes: LeVeque, Finite Volume Methods for Hyperbolic Problems (2002), eq. (2.7).
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from pinn.binding import names_of
from pinn.derivatives import at, d, integral
from pinn.derivatives.sight import standing
from pinn.domains import Domain
from pinn.validation import count

SOURCE = "source"
TEST = "v"


@dataclass(frozen=True, eq=False)
class Weak:
    """An equation in weak form, which stands where the equation does: `Constraint(Weak(...), on=box)`.

    Args:
        equation: function by name. It returns the integrand, which may take the test function as `v` and is multiplied
            by it where it does not; or a dictionary coordinate -> flux, of a conservation law, with the right side
            under "source". A tuple in the place of a field is a system. The domain is a box.
        cells: coordinate -> number of cells along the extent of the domain, for every coordinate that is integrated.
        test: degree K: K test functions along each coordinate, a row each. 0 is the constant 1, for balances alone.
        nodes: Gauss nodes along each coordinate of a cell.

    Raises:
        TypeError, ValueError: when the equation is no function, there are no cells, or a number is out of range.

    Example:
        >>> from pinn import Box, Constraint, Problem
        >>> box = Box(x=(-1, 1), t=(0, 1))
        >>> burgers = Weak(lambda u: {"t": u, "x": u**2 / 2}, cells={"x": 20, "t": 10})
        >>> problem = Problem(box, ["u"], {"balance": Constraint(burgers, on=box)})
    """

    equation: Callable[..., Any]
    cells: Mapping[str, int]
    test: int = 0
    nodes: int = 5
    __signature__: inspect.Signature = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.equation):
            raise TypeError(f"Weak: got equation={self.equation!r}, expected a function")
        if not isinstance(self.cells, Mapping) or not self.cells:
            raise TypeError(f"Weak: got cells={self.cells!r}, expected a number for each coordinate; give {{'x': 10}}")
        count("Weak", 1, **self.cells)
        count("Weak", 0, test=self.test)
        count("Weak", 1, nodes=self.nodes)
        required, optional = names_of(self.equation)
        names = [name for name in dict.fromkeys([*required, *self.cells]) if name != TEST]
        plain = inspect.Parameter.KEYWORD_ONLY
        given = [inspect.Parameter(name, plain) for name in names]
        given += [inspect.Parameter(name, plain, default=None) for name in optional if name not in names]
        object.__setattr__(self, "__signature__", inspect.Signature(given))

    def require_extent(self, on: Domain) -> None:
        """Refuse a set that is flat in a coordinate of the cells, which would reach out of it.

        Args:
            on: where the rows are to hold.

        Raises:
            ValueError: where all its points have the same value of such a coordinate.
        """
        points = on.sample(16, generator=torch.Generator().manual_seed(0))
        columns = {name: points.column(name) for name in self.cells if name in points.names}
        if flat := [name for name, column in columns.items() if float(column.max() - column.min()) == 0]:
            raise ValueError(
                f"Weak: got cells along {flat} on {on!r}, expected coordinates in which that has an extent; leave them "
                "out of cells, or hold the equation on the domain"
            )

    def __call__(self, **given: Any) -> Any:
        """The rows, as fields (n,), of what a constraint passes by name."""
        here, bounds = standing({name: given[name] for name in self.cells})
        for name in self.cells:
            if name not in bounds:
                raise ValueError(
                    f"Weak: got cells along {name!r}, expected coordinates of a domain that is a box: "
                    f"{sorted(bounds) or 'this one is none'}"
                )
        sizes = {name: (bounds[name][1] - bounds[name][0]) / number for name, number in self.cells.items()}
        starts = {name: _start(here[name], *bounds[name], size) for name, size in sizes.items()}
        tests = [self._test(degrees, given, starts, sizes) for degrees in self._degrees()]
        integrands, sides = [], []
        for v in tests:
            form = self._form(given, v)
            if isinstance(form, Mapping):
                integrands += self._tested(form, given, v)
                sides.append(form)
            else:
                takes = TEST in {name for names in names_of(self.equation) for name in names}
                integrands += list(_fields(form)) if takes else [one * v for one in _fields(form)]
        if sides and not self.test:
            return tuple(self._balance(sides[0], starts, sizes))
        if not self.test:
            raise ValueError(
                "Weak: got test=0 and an equation that returns no fluxes, expected a dictionary coordinate -> flux; "
                "give one, or test=1"
            )
        ends = [starts[name] + sizes[name] for name in self.cells]
        found = integral(tuple(integrands), tuple(self.cells), tuple(starts.values()), tuple(ends), nodes=self.nodes)
        return tuple(one * (1.0 / math.prod(sizes.values())) for one in found)

    def _degrees(self) -> list[tuple[int, ...]]:
        return list(itertools.product(range(1, self.test + 1), repeat=len(self.cells))) if self.test else [()]

    def _test(
        self, degrees: tuple[int, ...], given: Mapping[str, Any], starts: Mapping[str, Any], sizes: Mapping[str, float]
    ) -> Any:
        """v at the point where the equation runs, of the cell of the row; one without degrees."""
        found: Any = 1.0
        for name, degree in zip(self.cells, degrees, strict=False):
            s = (given[name] - starts[name]) * (2.0 / sizes[name]) - 1.0
            found = found * (legendre(degree + 1, s) - legendre(degree - 1, s))
        return found

    def _form(self, given: Mapping[str, Any], v: Any) -> Any:
        required, optional = names_of(self.equation)
        known = {**{name: value for name, value in given.items() if value is not None}, TEST: v}
        return self.equation(**{name: known[name] for name in (*required, *optional) if name in known})

    def _tested(self, form: Mapping[str, Any], given: Mapping[str, Any], v: Any) -> list[Any]:
        """−F · ∇v − S v of each component."""
        for name in form:
            if name not in (*self.cells, SOURCE):
                raise ValueError(
                    f"Weak: got a flux along {name!r}, expected coordinates that have cells, {sorted(self.cells)}, or "
                    f"{SOURCE!r}"
                )
        numbers = {name: len(_fields(fluxes)) for name, fluxes in form.items()}
        if len(set(numbers.values())) != 1:
            raise ValueError(
                f"Weak: got {numbers or 'no fluxes'}, expected as many components along each coordinate and in "
                f"{SOURCE!r}; give a tuple of one length each"
            )
        if not self.test:
            return []
        parts = [
            [-1.0 * flux * (v if name == SOURCE else d(v, given[name])) for flux in _fields(fluxes)]
            for name, fluxes in form.items()
        ]
        return [sum(terms[1:], start=terms[0]) for terms in zip(*parts, strict=True)]

    def _balance(self, form: Mapping[str, Any], starts: Mapping[str, Any], sizes: Mapping[str, float]) -> list[Any]:
        """∮ F · n − ∫ S over the size of the cell, of each component."""
        parts = []
        for name, fluxes in form.items():
            several = tuple(_fields(fluxes))
            others = [other for other in self.cells if other != name]
            low, high = [starts[o] for o in others], [starts[o] + sizes[o] for o in others]
            if name == SOURCE:
                found = integral(several, tuple(others), tuple(low), tuple(high), nodes=self.nodes)
                parts.append([-1.0 * one for one in found])
                continue
            ends = []
            for end in (starts[name] + sizes[name], starts[name]):
                if others:
                    inside = partial(integral, over=tuple(others), from_=tuple(low), to=tuple(high), nodes=self.nodes)
                    ends.append(inside(several, where={name: end}))
                else:
                    ends.append([at(one, **{name: end}) for one in several])
            parts.append([above - below for above, below in zip(*ends, strict=True)])
        volume = math.prod(sizes.values())
        return [sum(terms[1:], start=terms[0]) * (1.0 / volume) for terms in zip(*parts, strict=True)]


def legendre(degree: int, s: Any) -> Any:
    """P_k(s) by its recurrence, on tensors and on whatever has arithmetic.

    Example:
        >>> legendre(2, 0.5), legendre(3, 1.0)
        (-0.125, 1.0)
    """
    before, found = 1.0, s
    if degree == 0:
        return 0.0 * s + 1.0
    for k in range(1, degree):
        before, found = found, ((2 * k + 1) * s * found - k * before) / (k + 1)
    return found


def _start(x: Any, low: float, high: float, size: float) -> Any:
    """The low end of the cell about x, which stays within the domain."""
    return torch.clamp(x - 0.5 * size, min=low, max=high - size)


def _fields(form: Any) -> tuple[Any, ...]:
    return tuple(form) if isinstance(form, (tuple, list)) else (form,)
