"""Neurons that are singular where a plane domain is: at corners, within holes, and harmonic polynomials beside them.

With z = e^{−iα} ((x₁ − c₁) + i (x₂ − c₂)) / ℓ = r e^{iθ}, |θ| < π, all of them real and imaginary parts of

    corner:    z^λ, and z^m log z for whole m          λ = kπ/2ω at an angle ω: r^λ cos λθ, r^λ sin λθ
               the same times r², r⁴, …                where the equation has terms of lower order, as Helmholtz's has
    products:  z^j z̄^k log z, j + k = 0 … K            all x₁^a x₂^b log r and x₁^a x₂^b θ
    hole:      log r and z^{−k}, k = 1 … K
    harmonic:  z^k, k = 1 … K

The solution of an elliptic equation of second order behaves like r^λ with λ = kπ/ω at a corner where conditions of one
kind meet, and with odd multiples of π/2ω where two kinds do; like r^m log r where m = λ is whole and the right side is
not zero there (Kondratiev 1967; Grisvard, Elliptic Problems in Nonsmooth Domains (1985), ch. 4). About a hole a
harmonic function is a Laurent series. All but the products are harmonic, so that they cost the equation nothing where
it is Laplace's or Poisson's: the method of Trefftz, on top of polynomials. At a right angle the products are more:
where conditions or right sides do not agree, polynomials times log r and θ are the first terms of Poisson's equation
and of Stokes's (Taylor's scraper, ψ = θ r² and p = log r).

Source: Li, Lu, Hu, Cheng, Trefftz and Collocation Methods (2008); Taylor, in: Aeronautics and Astronautics, Pergamon
(1960) 12; Goursat, Bull. Soc. Math. France 26 (1898) 236, for biharmonic functions z̄ f(z).

They are made of products, square roots, logarithms and arc tangents, so that jets pass through. The cut of θ = 2
atan(Im z / (r + Re z)) leaves the centre in the direction α + π, which is to lie outside of the domain.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pinn.networks.chebyshev import Chebyshev, waves
from pinn.validation import count

_SMALL = 1e-30  # added to r², so that nothing is infinite at the centre


class _AboutCentre(nn.Module):
    """What all of them have: z from the first two inputs, and labels that tell a function in layers of other orders."""

    labels: Sequence[Hashable]

    def __init__(self, centre: Sequence[float], stretch: Sequence[float], angle: float = 0.0) -> None:
        super().__init__()
        self.centre = tuple(float(value) for value in centre)
        self.stretch = tuple(float(value) for value in stretch)
        self.angle = float(angle)
        for name, pair in (("centre", self.centre), ("stretch", self.stretch)):
            if len(pair) != 2 or not all(map(math.isfinite, pair)):
                raise ValueError(f"{type(self).__name__}: got {name}={pair}, expected two finite numbers")

    def _parts(self, x: Any) -> tuple[Any, Any]:
        """Re z and Im z, (n,)."""
        first = (x[..., 0] - self.centre[0]) * self.stretch[0]
        second = (x[..., 1] - self.centre[1]) * self.stretch[1]
        c, s = math.cos(self.angle), math.sin(self.angle)
        return c * first + s * second, c * second - s * first


class CornerFunctions(_AboutCentre):
    """Real and imaginary parts of z^λ and z^m log z about a corner, (n, inputs) -> (n, M).

    Args:
        centre: the corner, as the network sees it, in [-1, 1]².
        stretch: what one unit of each input is in units of ℓ, so that z is undistorted.
        angle: α, of the line that halves the corner within the domain; radians.
        powers: λ > 0.
        logarithms: m > 0, whole.
        radial: number of powers 1, r², r⁴, … that each of them is multiplied by; they are the series of the Bessel
            functions J_λ(kr), which take the place of r^λ in −Δu = k²u.

    Example:
        >>> corner = CornerFunctions((0.0, 0.0), (1.0, 1.0), 0.0, [0.5], [])
        >>> corner(torch.tensor([[4.0, 0.0]], dtype=torch.float64)).tolist()
        [[2.0, 0.0]]
    """

    powers: Tensor
    logarithms: Tensor

    def __init__(
        self,
        centre: Sequence[float],
        stretch: Sequence[float],
        angle: float,
        powers: Sequence[float],
        logarithms: Sequence[float],
        radial: int = 1,
    ) -> None:
        super().__init__(centre, stretch, angle)
        count("CornerFunctions", 1, radial=radial)
        self.arguments: dict[str, Any] = {
            "centre": list(self.centre),
            "stretch": list(self.stretch),
            "angle": self.angle,
            "powers": [float(value) for value in powers],
            "logarithms": [float(value) for value in logarithms],
            "radial": int(radial),
        }
        self.radial = int(radial)
        kinds = [(kind, k, part) for kind, all in (("z", powers), ("log", logarithms)) for part in (0, 1) for k in all]
        self.labels = [(*kind, order) for order in range(self.radial) for kind in kinds]
        self.count = len(self.labels)
        self.register_buffer("powers", torch.tensor(self.arguments["powers"], dtype=torch.float64), persistent=False)
        self.register_buffer(
            "logarithms", torch.tensor(self.arguments["logarithms"], dtype=torch.float64), persistent=False
        )

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, M), tensors or jets."""
        real, imaginary = self._parts(x)
        square = real * real + imaginary * imaginary + _SMALL
        size = (0.5 * torch.log(square))[..., None]
        angle = (2.0 * torch.atan(imaginary / (torch.sqrt(square) + real)))[..., None]
        found = []
        for exponents, logarithmic in ((self.powers, False), (self.logarithms, True)):
            if not len(exponents):
                continue
            turned = angle * exponents
            grown = torch.exp(size * exponents)
            p, q = grown * torch.cos(turned), grown * torch.sin(turned)
            found += [size * p - angle * q, size * q + angle * p] if logarithmic else [p, q]
        whole = torch.cat(found, -1)
        if self.radial == 1:
            return whole
        every, factor = [whole], square[..., None]
        for _ in range(self.radial - 1):
            every.append(every[-1] * factor)
        return torch.cat(every, -1)


class CornerProducts(_AboutCentre):
    """x₁^a x₂^b log r and x₁^a x₂^b θ about a corner, a + b ≤ K, (n, inputs) -> (n, (K + 1) (K + 2)).

    Args:
        centre, stretch, angle: as for `CornerFunctions`.
        degree: K.

    Example:
        >>> corner = CornerProducts((0.0, 0.0), (1.0, 1.0), 0.0, 1)  # log r, θ, x₂ log r, x₂ θ, x₁ log r, x₁ θ
        >>> (corner(torch.tensor([[0.0, 2.0]], dtype=torch.float64)) / torch.pi).round(decimals=6).tolist()
        [[0.220636, 0.5, 0.441271, 1.0, 0.0, 0.0]]
    """

    def __init__(self, centre: Sequence[float], stretch: Sequence[float], angle: float, degree: int) -> None:
        super().__init__(centre, stretch, angle)
        count("CornerProducts", 0, degree=degree)
        self.degree, self.count = int(degree), (int(degree) + 1) * (int(degree) + 2)
        self.labels = [(a, b, i) for a in range(degree + 1) for b in range(degree + 1 - a) for i in range(2)]
        self.arguments: dict[str, Any] = {
            "centre": list(self.centre),
            "stretch": list(self.stretch),
            "angle": self.angle,
            "degree": self.degree,
        }

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, (K + 1) (K + 2)), tensors or jets."""
        real, imaginary = self._parts(x)
        square = real * real + imaginary * imaginary + _SMALL
        pair = [0.5 * torch.log(square), 2.0 * torch.atan(imaginary / (torch.sqrt(square) + real))]
        first = torch.stack(pair, -1)
        found = []
        for a in range(self.degree + 1):
            following = first
            for b in range(self.degree + 1 - a):
                found.append(following)
                if a + b < self.degree:
                    following = following * imaginary[..., None]
            first = first * real[..., None]
        return torch.cat(found, -1)


class HoleFunctions(_AboutCentre):
    """log r and real and imaginary parts of z^{−k} about the centre of a hole, (n, inputs) -> (n, 2K + 1).

    Args:
        centre, stretch: as for `CornerFunctions`; ℓ is best the hole's radius.
        order: K.
    """

    def __init__(self, centre: Sequence[float], stretch: Sequence[float], order: int) -> None:
        super().__init__(centre, stretch)
        self.order, self.count = int(order), 2 * int(order) + 1
        self.labels = range(self.count)
        self.arguments: dict[str, Any] = {
            "centre": list(self.centre),
            "stretch": list(self.stretch),
            "order": self.order,
        }

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, 2K + 1), tensors or jets."""
        real, imaginary = self._parts(x)
        square = real * real + imaginary * imaginary + _SMALL
        inverse = 1.0 / square
        return torch.stack([torch.log(square), *_powers(real * inverse, -imaginary * inverse, self.order)], -1)


class HoleProducts(_AboutCentre):
    """T_j(2/r − 1) e^{imθ}, j + m ≤ K, and e^{imθ} log r, m ≤ 2, about a hole, (n, inputs) -> (n, (K + 1)² + 4).

    What is smooth in r and θ outside of the hole, harmonic or not: 1/r goes from 1 on its edge to 0 far away, where all
    of them are smooth. The constant, which polynomials have, is left out.

    Args:
        centre, stretch: as for `CornerFunctions`; ℓ is the hole's radius.
        degree: K.

    Example:
        >>> hole = HoleProducts((0.0, 0.0), (1.0, 1.0), 1)  # cos θ, sin θ, 2/r − 1, and the logarithms
        >>> hole(torch.tensor([[0.0, 2.0]], dtype=torch.float64))[0, :3].tolist()
        [0.0, 1.0, 0.0]
    """

    def __init__(self, centre: Sequence[float], stretch: Sequence[float], degree: int) -> None:
        super().__init__(centre, stretch)
        count("HoleProducts", 1, degree=degree)
        self.degree, self.count = int(degree), (int(degree) + 1) ** 2 + 4
        index = [(j, i) for j in range(degree + 1) for i in range(2 * (degree - j) + 1)]
        self.products = Chebyshev([1, 2], index[1:])
        self.labels = [*index[1:], *(("log", i) for i in range(5))]
        self.arguments: dict[str, Any] = {
            "centre": list(self.centre),
            "stretch": list(self.stretch),
            "degree": self.degree,
        }

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, (K + 1)² + 4), tensors or jets."""
        real, imaginary = self._parts(x)
        square = real * real + imaginary * imaginary + _SMALL
        inverse = 1.0 / torch.sqrt(square)
        cosine, sine = real * inverse, imaginary * inverse
        products = self.products(torch.stack([2.0 * inverse - 1.0, cosine, sine], -1))
        return torch.cat([products, torch.log(square)[..., None] * waves(cosine, sine, 4)], -1)


class HarmonicFunctions(_AboutCentre):
    """Real and imaginary parts of z^k, k = 1 … K, (n, inputs) -> (n, 2K).

    Args:
        centre, stretch: as for `CornerFunctions`; ℓ is best the distance to the farthest point of the domain.
        order: K.
    """

    def __init__(self, centre: Sequence[float], stretch: Sequence[float], order: int) -> None:
        super().__init__(centre, stretch)
        self.order, self.count = int(order), 2 * int(order)
        self.labels = range(self.count)
        self.arguments: dict[str, Any] = {
            "centre": list(self.centre),
            "stretch": list(self.stretch),
            "order": self.order,
        }

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, 2K), tensors or jets."""
        return torch.stack(_powers(*self._parts(x), self.order), -1)


def _powers(real: Any, imaginary: Any, order: int) -> list[Any]:
    """Re z, Im z, Re z², … up to z^order."""
    columns: list[Any] = []
    p, q = real, imaginary
    for k in range(order):
        columns += [p, q]
        if k + 1 < order:
            p, q = p * real - q * imaginary, q * real + p * imaginary
    return columns
