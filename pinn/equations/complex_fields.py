"""Complex fields: an equation written in ψ, on two real outputs.

    ψ = a + i b,    (a + i b)(c + i d) = (ac − bd) + i (ad + bc),    a complex row is two real ones

Networks, jets and optimizers stay real, as the least-squares problem is: the squared modulus of a complex row is the
sum of the squares of its parts. Source: any text on complex numbers; two real outputs for ψ are those of Raissi,
Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019) 686, section 3.1.1.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from pinn.binding import names_of
from pinn.derivatives import d


@dataclass(frozen=True, eq=False)
class ComplexField:
    """A complex field as its real and its imaginary part, each (n,): tensors, jets, or numbers.

    Sums, differences, products and quotients with real and complex fields and numbers; `conj()`, `abs2()` and `d(x)`.

    Args:
        re: real part.
        im: imaginary part.

    Example:
        >>> z = ComplexField(3.0, 4.0)
        >>> (1j * z).re, z.abs2(), (z / z).re
        (-4.0, 25.0, 1.0)
    """

    re: Any
    im: Any
    made_of_fields: ClassVar[bool] = True
    """Jets leave operations with this to it."""

    def conj(self) -> ComplexField:
        """a − i b."""
        return ComplexField(self.re, -self.im)

    def abs2(self) -> Any:
        """|ψ|² = a² + b², real."""
        return self.re * self.re + self.im * self.im

    def d(self, *xs: Any) -> ComplexField:
        """∂ψ/∂x…, as `pinn.derivatives.d` of both parts."""
        return ComplexField(d(self.re, *xs), d(self.im, *xs))

    def __add__(self, other: Any) -> ComplexField:
        re, im = _parts(other)
        return ComplexField(self.re + re, self.im + im)

    def __mul__(self, other: Any) -> ComplexField:
        re, im = _parts(other)
        return ComplexField(self.re * re - self.im * im, self.re * im + self.im * re)

    def __truediv__(self, other: Any) -> ComplexField:
        if not isinstance(other, (ComplexField, complex)):
            return ComplexField(self.re / other, self.im / other)
        re, im = _parts(other)
        above, square = self * ComplexField(re, -im), re * re + im * im
        return ComplexField(above.re / square, above.im / square)

    def __neg__(self) -> ComplexField:
        return ComplexField(-self.re, -self.im)

    def __sub__(self, other: Any) -> ComplexField:
        re, im = _parts(other)
        return ComplexField(self.re - re, self.im - im)

    def __rsub__(self, other: Any) -> ComplexField:
        return -self + other

    def __rtruediv__(self, other: Any) -> ComplexField:
        return ComplexField(*_parts(other)) / self

    __radd__ = __add__
    __rmul__ = __mul__


def _parts(given: Any) -> tuple[Any, Any]:
    """Real and imaginary part of a complex field or number; of anything else itself and zero.

    Raises:
        TypeError: for a complex tensor, which jets do not know.
    """
    if isinstance(given, ComplexField):
        return given.re, given.im
    if isinstance(given, Tensor) and given.is_complex():
        raise TypeError(
            "ComplexField: got a complex tensor, expected real and imaginary part apart; give such as "
            "ComplexField(torch.cos(x), torch.sin(x)) for torch.exp(1j * x)"
        )
    return (given.real, given.imag) if isinstance(given, complex) else (given, 0.0)


def parts_of(name: str) -> tuple[str, str]:
    """The names of the two outputs that stand for a complex field.

    Example:
        >>> parts_of("psi")
        ('psi_re', 'psi_im')
    """
    return f"{name}_re", f"{name}_im"


def complex_equation(equation: Callable[..., Any], *fields: str) -> Callable[..., tuple[Any, ...]]:
    """An equation in complex fields, as one in their real and imaginary parts.

    Args:
        equation: function of anything that has a name in the problem; of each of `fields` it gets a `ComplexField`. It
            returns a complex or a real row, or a tuple of them.
        fields: names of its complex arguments; the problem's outputs are `parts_of` each.

    Returns:
        The equation for a `Constraint`, with two rows for each that is complex.

    Raises:
        ValueError: when no field is named, or one is no argument of the equation.

    Example:
        >>> from pinn import Box, Constraint, Problem
        >>> domain = Box(x=(-5, 5), t=(0, 1))
        >>> def nls(psi, x, t):
        ...     return 1j * psi.d(t) + 0.5 * psi.d(x, x) + psi.abs2() * psi
        >>> constraints = {"equation": Constraint(complex_equation(nls, "psi"), on=domain)}
        >>> Problem(domain, parts_of("psi"), constraints).outputs
        ('psi_re', 'psi_im')
    """
    required, optional = names_of(equation)
    known = (*required, *optional)
    if not fields or not set(fields) <= set(known):
        raise ValueError(
            f"complex_equation: got the fields {list(fields)}, expected at least one of the equation's arguments; "
            f"choose among {list(known)}"
        )

    def rows(**given: Any) -> tuple[Any, ...]:
        arguments: Mapping[str, Any] = {name: given[name] for name in known if name in given}
        whole = {name: ComplexField(*(given[part] for part in parts_of(name))) for name in fields}
        found = equation(**arguments, **whole)
        several = found if isinstance(found, (tuple, list)) else (found,)
        return tuple(part for row in several for part in (_parts(row) if isinstance(row, ComplexField) else (row,)))

    parameters = inspect.signature(equation).parameters
    named = [part for name in fields for part in parts_of(name)]
    keyword = inspect.Parameter.KEYWORD_ONLY
    # Its arguments are those of the equation, with two parts in the place of each complex field.
    rows.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            *(inspect.Parameter(name, keyword) for name in named),
            *(one.replace(kind=keyword) for name, one in parameters.items() if name not in fields),
        ]
    )
    return rows
