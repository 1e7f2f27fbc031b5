"""The energy of a field, whose least value is the solution, in the place of the equation: the Deep Ritz method.

    E(u) = ∫ L(x, u, ∂u) dx        is least, among fields that meet the conditions, where
    r = Σ_α (−1)^|α| D_α ∂L/∂(∂_α u) = 0        Euler and Lagrange's equation holds, one row an output

An energy is trained by its integral, Σ w_i L(x_i) over nodes x_i, and judged by its equation: what measures scales,
judges points never trained on, certifies and reports sees r, which is what this function of fields returns. L is read
as a formula (`pinn.derivatives.witnesses.symbolic`), so that r is exact; where it is none, `equation` says r. From the
formula comes also the second derivative of the energy in the directions of the parameters,

    G = ∫ Σ_αβ ∂_θ(∂_α u) L_αβ ∂_θ(∂_β u)ᵀ dx,        L_αβ = ∂²L / ∂(∂_α u) ∂(∂_β u),

the energy metric of natural gradient descent, which for a convex L is positive semidefinite.

Source: E, Yu, Commun. Math. Stat. 6 (2018) 1, sec. 2; for the metric Müller, Zeinhofer, ICML 2023 (2302.13163), sec. 3;
for r Gelfand, Fomin, Calculus of Variations (1963), secs. 4, 11 and 35.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pinn.binding import names_of
from pinn.validation import count

if TYPE_CHECKING:
    from pinn.density import Formula

_NODES, _LEAST, _MOST = 1000, 10, 64  # of all axes together, and of one at the least and at the most


@dataclass(frozen=True, eq=False)
class Energy:
    """A density whose integral is least at the solution; it stands where the equation does.

    Args:
        density: function by name, as an equation is, returning L (n,); first and higher derivatives by `d`.
        equation: the equation that holds where the integral is least, with the conditions that it brings, where the
            density is no formula of arithmetic and elementary functions, or lies on a boundary. One row an output.
        of: the outputs that the energy is least in; left out, those that the density differentiates.
        nodes: Gauss nodes along each axis of each piece of the set; left out, 64 on a line, 32 on a plane, 10 in
            space and beyond. A network of 921 parameters that has seen too few bends between them: Poisson's equation
            on a square has an error of 1e-1 with 8, 5e-6 with 12 and 1e-6 with 16 to 50 after 25 steps; a sine of one
            and a half periods on a line 1.3 with 10, 3e-5 with 20 and 6e-6 with 40 and 100 after 40.
        coordinates: of the set; the constraint tells them.

    Raises:
        TypeError, ValueError: when the density is no function, a name is none of its arguments, or a number is out of
            range.

    Example:
        >>> from pinn import Box, Constraint, Exact, Problem, d
        >>> square = Box(x=(0, 1), y=(0, 1))
        >>> membrane = Energy(lambda u, x, y: 0.5 * (d(u, x) ** 2 + d(u, y) ** 2) - u)
        >>> problem = Problem(square, ["u"], {"energy": Constraint(membrane, on=square)},
        ...                   exactly=[Exact(on=square.boundary(), u=0)])
    """

    density: Callable[..., Any]
    equation: Callable[..., Any] | None = None
    of: Sequence[str] = ()
    nodes: int | None = None
    coordinates: tuple[str, ...] = ()
    __signature__: inspect.Signature = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("density", "equation"):
            given = getattr(self, name)
            if not callable(given) and not (given is None and name == "equation"):
                raise TypeError(f"Energy: got {name}={given!r}, expected a function of fields and coordinates")
        if self.nodes is not None:
            count("Energy", 1, nodes=self.nodes)
        object.__setattr__(self, "of", (self.of,) if isinstance(self.of, str) else tuple(self.of))
        names = names_of(self.density)
        if missing := [name for name in self.of if name not in itertools.chain(*names)]:
            raise ValueError(
                f"Energy: got of={list(self.of)}, but the density takes no {missing[0]!r}; name outputs that it takes"
            )
        functions = (self.density,) if self.equation is None else (self.density, self.equation)
        parameters = {key: one for each in functions for key, one in inspect.signature(each).parameters.items()}
        given = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters.values()]
        object.__setattr__(self, "__signature__", inspect.Signature(given))

    def over(self, coordinates: Sequence[str]) -> Energy:
        """The same on a set with these coordinates."""
        return replace(self, coordinates=tuple(coordinates))

    def number(self, dimension: int) -> int:
        """Nodes along each axis of a set of so many dimensions."""
        return self.nodes or min(_MOST, max(_LEAST, round(_NODES ** (1 / max(dimension, 1)))))

    @property
    def readable(self) -> bool:
        """Whether the density is read as a formula, so that its second derivatives are known."""
        try:
            return bool(self.formula.fields)
        except ValueError:
            return False

    @cached_property
    def formula(self) -> Formula:
        """The density as a formula.

        Raises:
            ValueError: where it is none, with the operation that has no rule.
        """
        from pinn.density import read_density  # SymPy is loaded where there is an energy

        return read_density(self.density, self.coordinates, tuple(self.of), guess=self.equation is not None)

    def __call__(self, **given: Any) -> Any:
        """The rows of the equation that holds where the energy is least, as fields (n,)."""
        if self.equation is not None:
            wanted = set(itertools.chain(*names_of(self.equation)))
            return self.equation(**{name: value for name, value in given.items() if name in wanted})
        return tuple(self.formula.row(name, given) for name in self.formula.fields)

    def variations(self, **given: Any) -> tuple[Any, ...]:
        """The K values and derivatives ∂_α u in which the density is not affine, as fields (n,), by the names of it."""
        return tuple(one.of(given) for one in self.formula.curved)

    def curvature(self, **given: Any) -> tuple[Any, ...]:
        """L_αβ for α ≤ β row by row, K (K + 1)/2 of them, as fields (n,) or numbers."""
        return self.formula.curvature(given)
