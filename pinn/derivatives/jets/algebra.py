"""Bases of derivatives: which operators are carried together, and the algebra that carries them.

A constant-coefficient operator P(∂) is a polynomial P in the symbols ξ₁ … ξ_d. From the operators that are required,
their closure under ∂/∂ξᵢ and row reduction give the graded basis Q₀ = 1, Q₁, …, Q_{K−1}. The space is then closed under
translation of ξ, so that products close (Leibniz's rule in Hörmander's form),

    Q_k(∂)(f g) = Σ_{a,b} c[k][a][b] Q_a(∂)f Q_b(∂)g,      Q_k(ξ + η) = Σ_{a,b} c[k][a][b] Q_a(ξ) Q_b(η),

and a smooth function φ of z = z₀ + δ, δ the entries 1 … K−1 of z, is the finite sum

    Q_k(∂) φ(z) = Σ_m φ⁽ᵐ⁾(z₀)/m! (δᵐ)_k,    powers by the product rule.

Plain partial derivatives, the Laplacian carried as one entry ({1, ξ₁ … ξ_d, |ξ|²}, K = d + 2), the biharmonic and the
linear part of an equation are special cases. K decides the cost. All of it is exact rational arithmetic.

Source: Hörmander, The Analysis of Linear Partial Differential Operators I (1990), sec. 1.1 and 7.1; the collapsed
Laplacian: Li et al., "Forward Laplacian", Nature Machine Intelligence 6 (2024) 209; sums of derivatives carried as one
entry: Dangel et al., "Collapsing Taylor mode", arXiv:2505.13644.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

Monomial = tuple[int, ...]
"""Sorted coordinate numbers: (0, 0, 1) is ξ₀² ξ₁."""

Polynomial = Mapping[Monomial, float]
"""Coefficient of each monomial; a constant-coefficient operator."""

Exact = dict[Monomial, Fraction]
Terms = tuple[tuple[int, int, int, float], ...]
Level = tuple[tuple[int, int, bool, tuple[tuple[int, int, float], ...]], ...]
Levels = tuple[Level, ...]

ONE: Monomial = ()


class OutsideBasis(KeyError):
    """An operator was required that the basis does not span."""


def monomial_product(monomial: Monomial, other: Monomial) -> Monomial:
    """Product of two monomials."""
    return tuple(sorted(monomial + other)) if monomial and other else monomial or other


def _derivative(p: Exact, i: int) -> Exact:
    found: Exact = {}
    for monomial, c in p.items():
        power = monomial.count(i)
        if power:
            at = monomial.index(i)
            rest = monomial[:at] + monomial[at + 1 :]
            found[rest] = found.get(rest, Fraction(0)) + c * power
    return {m: c for m, c in found.items() if c}


def _closure(required: Iterable[Exact]) -> list[Exact]:
    """The operators and all their derivatives by ξ, simplest first."""
    waiting = [p for p in required if p]
    found: dict[frozenset[tuple[Monomial, Fraction]], Exact] = {}
    while waiting:
        p = waiting.pop()
        key = frozenset(p.items())
        if key in found:
            continue
        found[key] = p
        for i in {i for monomial in p for i in monomial}:
            waiting.append(_derivative(p, i))
    found.setdefault(frozenset({(ONE, Fraction(1))}), {ONE: Fraction(1)})
    return sorted(found.values(), key=lambda p: (max(map(len, p)), len(p), sorted(p)))


def _subtract(p: Exact, factor: Fraction, q: Exact) -> Exact:
    result = dict(p)
    for monomial, c in q.items():
        result[monomial] = result.get(monomial, Fraction(0)) - factor * c
    return {m: c for m, c in result.items() if c}


def _row_reduce(candidates: list[Exact]) -> list[tuple[Monomial, Exact]]:
    """A basis of the span, each element with a pivot monomial that no other element holds."""
    basis: list[tuple[Monomial, Exact]] = []
    for p in candidates:
        for pivot, q in basis:
            if pivot in p:
                p = _subtract(p, p[pivot] / q[pivot], q)
        if not p:
            continue
        degree = max(map(len, p))
        # The largest coefficient of the highest degree, for moderate multipliers.
        pivot = max((m for m in p if len(m) == degree), key=lambda m: (abs(p[m]), m))
        basis = [(m, _subtract(q, q[pivot] / p[pivot], p) if pivot in q else q) for m, q in basis]
        basis.append((pivot, p))
    return sorted(basis, key=lambda item: (max(map(len, item[1])), item[0]))


def _scaled(q: Exact, pivot: Monomial, required: list[Exact]) -> Exact:
    """The multiple of a sum q that was required, so that it is read off as it is; else that of pivot coefficient one.

    Where several multiples were required that differ by more than a power of two and a sign, none is chosen: the
    choice, and with it the last digit, must not depend on the units of rows and outputs.
    """
    multiples = [
        p
        for p in (required if len(q) > 1 else ())
        if p.keys() == q.keys() and all(p[m] * q[pivot] == p[pivot] * c for m, c in q.items())
    ]
    if len({math.frexp(abs(p[pivot]))[0] for p in multiples}) == 1:
        return multiples[0]
    return {m: c / q[pivot] for m, c in q.items()}


def _coproduct(q: Exact, pivots: Mapping[Monomial, tuple[int, Fraction]]) -> dict[tuple[int, int], float]:
    """c[a][b] of q(ξ + η) = Σ c[a][b] Q_a(ξ) Q_b(η), read off at the pivot monomials."""
    found: dict[tuple[int, int], Fraction] = {}
    for monomial, c in q.items():
        powers = Counter(monomial)
        choices = [[(i, k, _binomial(n, k)) for k in range(n + 1)] for i, n in sorted(powers.items())]
        for pick in itertools.product(*choices):
            left = tuple(i for i, k, _ in pick for _ in range(k))
            right = tuple(i for i, k, _ in pick for _ in range(powers[i] - k))
            if left in pivots and right in pivots:
                (a, scale_a), (b, scale_b) = pivots[left], pivots[right]
                factor = c / (scale_a * scale_b)
                for _, _, binomial in pick:
                    factor *= binomial
                found[a, b] = found.get((a, b), Fraction(0)) + factor
    return {key: float(value) for key, value in found.items() if value}


def _binomial(n: int, k: int) -> int:
    result = 1
    for i in range(k):
        result = result * (n - i) // (i + 1)
    return result


@dataclass(frozen=True)
class Composition:
    """How φ(z) is put together from the entries of z; entries are named by their place in `keys` plus one.

    Args:
        keys: basis numbers of the entries of φ(z) beyond the value.
        linear: (place in φ(z), place in z) of the entries of δ itself.
        same: whether φ(z) has the entries of z and no others.
        powers: for m = 2, 3, …: (key, place in φ(z), whether it is first there, terms (key a, key b, c)) with
            (δᵐ)_key = Σ c δ_a (δᵐ⁻¹)_b.
        adjoint: runs (k, a, b, m, c) of terms gz_{b+i} += c w_{a+i} g_k, i < m, with a ≥ 1, all as places: k and a in
            φ(z), b in z; m is 1 where b is 0.
        red: place in φ(z) -> terms (place a, place b, c) of the product of two φ(z) without their values.
        place_in: place in φ(z) -> place of the same entry in z.
    """

    keys: tuple[int, ...]
    linear: tuple[tuple[int, int], ...]
    same: bool
    powers: Levels
    adjoint: tuple[tuple[int, int, int, int, float], ...]
    red: Mapping[int, tuple[tuple[int, int, float], ...]]
    place_in: Mapping[int, int]


@dataclass(frozen=True)
class PartialComposition:
    """How some entries of φ(z) are put together, and their gradients taken back to z.

    Runs (k, a, b, m, c) stand for the terms k + i, a + i, b + i, i < m. All but keys are places: k among the entries, a
    and b in z.

    Args:
        keys: entries of z beyond the value, by their numbers.
        entries: those of φ(z) that are made, by their numbers, ascending; 0 is the value.
        powers: what is needed of δ², δ³, …, as in `Composition`.
        linear: runs (k, a, m) of entries beyond the value that z has too.
        higher: (k, m) of terms φ_m δᵐ of entry k.
        straight: runs (k, a, b, m, c), k the same in all, of c z_a in the derivative of entry k by that of z at b ≥ 1.
        bent: terms (k, key, b, c) of the powers (δᵐ)_key in the derivative of entry k by that of z at b ≥ 0.
    """

    keys: tuple[int, ...]
    entries: tuple[int, ...]
    powers: Levels
    linear: tuple[tuple[int, int, int], ...]
    higher: tuple[tuple[int, int], ...]
    straight: tuple[tuple[int, int, int, int, float], ...]
    bent: tuple[tuple[int, int, int, float], ...]


class DerivativeBasis:
    """Operators Q₀ = 1, Q₁, …, Q_{K−1}, their structure constants, and the programs made of them.

    Args:
        required: operators that the basis must span.

    Attributes:
        operators: the Q_k, exactly.
        terms: (k, a, b, c) of Q_k(fg) = Σ c Q_a f Q_b g.

    Example:
        >>> laplacian = DerivativeBasis([{(0, 0): 1.0, (1, 1): 1.0}])
        >>> laplacian.size, laplacian.express({(0, 0): 2.0, (1, 1): 2.0, (): 1.0})
        (4, ((0, 1.0), (3, 2.0)))
    """

    def __init__(self, required: Iterable[Polynomial]) -> None:
        exact = [{m: Fraction(c) for m, c in p.items() if c} for p in required]
        reduced = _row_reduce(_closure(exact))
        scaled = [(pivot, _scaled(q, pivot, exact)) for pivot, q in reduced]
        self.operators: tuple[Exact, ...] = tuple(q for _, q in scaled)
        self._pivots = {pivot: (k, q[pivot]) for k, (pivot, q) in enumerate(scaled)}
        self.terms: Terms = tuple(
            (k, a, b, c)
            for k, q in enumerate(self.operators)
            for (a, b), c in sorted(_coproduct(q, self._pivots).items())
        )
        self._reduced: dict[int, list[tuple[int, int, float]]] = {}
        for k, a, b, c in self.terms:
            if a and b:
                self._reduced.setdefault(k, []).append((a, b, c))
        # Programs depend on the basis alone; they are kept with it because they are looked up at every operation.
        self._products: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[tuple[int, ...], Terms]] = {}
        self._compositions: dict[tuple[int, ...], Composition] = {}
        self._partials: dict[tuple[tuple[int, ...], tuple[int, ...]], PartialComposition] = {}
        self._expressed: dict[tuple[tuple[Monomial, float], ...], tuple[tuple[int, float], ...]] = {}

    @property
    def size(self) -> int:
        """K, the number of entries."""
        return len(self.operators)

    def express(self, p: Polynomial) -> tuple[tuple[int, float], ...]:
        """The operator as a combination (k, coefficient) of the basis.

        Raises:
            OutsideBasis: where the basis does not span it.
        """
        key = tuple(sorted(p.items()))
        found = self._expressed.get(key)
        if found is None:
            rest: Exact = {m: Fraction(c) for m, c in p.items() if c}
            combination = []
            for pivot, (k, scale) in self._pivots.items():
                if pivot in rest:
                    factor = rest[pivot] / scale
                    rest = _subtract(rest, factor, self.operators[k])
                    combination.append((k, float(factor)))
            if rest:
                held = list(map(dict, self.operators))
                raise OutsideBasis(
                    f"operator {dict(p)} is not carried by the basis {held}; require it when that is made"
                )
            found = self._expressed[key] = tuple(sorted(combination))
        return found

    def spans(self, p: Polynomial) -> bool:
        """Whether the operator is a combination of the basis."""
        try:
            self.express(p)
        except OutsideBasis:
            return False
        return True

    def coordinate(self, i: int) -> tuple[tuple[int, float], ...]:
        """The entries (k, Q_k(∂)xᵢ) of coordinate i beyond its value, all constants."""
        return tuple((k, float(q[i,])) for k, q in enumerate(self.operators) if k and (i,) in q)

    def product(self, f: tuple[int, ...], g: tuple[int, ...]) -> tuple[tuple[int, ...], Terms]:
        """Entries of a product of fields with entries f and g, and its terms (k, a, b, c) as places."""
        key = (f, g)
        if key not in self._products:
            at_f, at_g = _places(f), _places(g)
            terms = [term for term in self.terms if term[1] in at_f and term[2] in at_g]
            keys = tuple(sorted({k for k, *_ in terms} - {0}))
            at = _places(keys)
            self._products[key] = keys, tuple((at[k], at_f[a], at_g[b], c) for k, a, b, c in terms)
        return self._products[key]

    def composition(self, keys: tuple[int, ...]) -> Composition:
        """The program of φ(z) for a z with these entries."""
        if keys not in self._compositions:
            self._compositions[keys] = self._compose(keys)
        return self._compositions[keys]

    def partial(self, keys: tuple[int, ...], entries: tuple[int, ...]) -> PartialComposition:
        """The program of some entries of φ(z) for a z with these entries."""
        key = keys, entries
        if key not in self._partials:
            whole, place, at_in = self.composition(keys), {k: i for i, k in enumerate(entries)}, _places(keys)
            known = [(k, a, b, c) for k, a, b, c in self.terms if k in place and a in whole.keys and b in at_in]
            powers = _needed(whole, {*entries, *(a for _, a, _, _ in known)})
            bent = {key for level in powers for key, *_ in level}
            self._partials[key] = PartialComposition(
                keys=keys,
                entries=entries,
                powers=powers,
                linear=_pairs([(place[k], at_in[k]) for k in entries if k and k in at_in]),
                higher=tuple((place[k], m) for m, level in enumerate(powers, 2) for k, *_ in level if k in place),
                straight=_runs([(place[k], at_in[a], at_in[b], c) for k, a, b, c in known if b and a in at_in]),
                bent=tuple((place[k], a, at_in[b], c) for k, a, b, c in known if a in bent),
            )
        return self._partials[key]

    def _compose(self, keys: tuple[int, ...]) -> Composition:
        powers: list[dict[int, list[tuple[int, int, float]]]] = []
        previous = set(keys)
        while True:
            level: dict[int, list[tuple[int, int, float]]] = {}
            for k, terms in self._reduced.items():
                found = [(a, b, c) for a, b, c in terms if a in keys and b in previous]
                if found:
                    level[k] = found if powers else _merged(found)
            if not level:
                break
            powers.append(level)
            previous = set(level)
        out = tuple(sorted(set(keys).union(*powers)))
        at, at_in = _places(out), _places(keys)
        written = set(keys)
        program = []
        for level in powers:
            program.append(tuple((k, at[k], k not in written, tuple(terms)) for k, terms in sorted(level.items())))
            written |= set(level)
        red = {
            at[k]: tuple((at[a], at[b], c) for a, b, c in _merged([t for t in terms if t[0] in at and t[1] in at]))
            for k, terms in self._reduced.items()
            if k in at
        }
        red = {k: terms for k, terms in red.items() if terms}
        adjoint = [(at[k], at[a], at_in[b], c) for k, a, b, c in self.terms if a and k in at and a in at and b in at_in]
        return Composition(
            keys=out,
            linear=tuple((at[k], at_in[k]) for k in keys),
            same=out == keys,
            powers=tuple(program),
            adjoint=_runs(adjoint),
            red=red,
            place_in={at[k]: at_in[k] for k in keys},
        )


def _needed(whole: Composition, targets: set[int]) -> Levels:
    """The powers of δ, as far as these entries of them ask for."""
    found: list[Level] = []
    below: set[int] = set()
    for level in reversed(whole.powers):
        kept = tuple(item for item in level if item[0] in targets or item[0] in below)
        below = {b for *_, terms in kept for _, b, _ in terms}
        found.insert(0, kept)
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def _places(keys: tuple[int, ...]) -> dict[int, int]:
    """Place of each entry in a stack: the value first."""
    return {0: 0} | {k: place + 1 for place, k in enumerate(keys)}


def _runs(terms: list[tuple[int, int, int, float]]) -> tuple[tuple[int, int, int, int, float], ...]:
    """Terms (k, a, b, c), those that go on by one in a and b with the same k and c as one run (k, a, b, m, c)."""
    found: list[tuple[int, int, int, int, float]] = []
    for k, a, b, c in terms:
        if found:
            last_k, start_a, start_b, m, last_c = found[-1]
            if (k, a, b, c) == (last_k, start_a + m, start_b + m, last_c) and start_b:
                found[-1] = k, start_a, start_b, m + 1, c
                continue
        found.append((k, a, b, 1, c))
    return tuple(found)


def _pairs(pairs: list[tuple[int, int]]) -> tuple[tuple[int, int, int], ...]:
    """Pairs (k, a), those that go on by one in both as one run (k, a, m)."""
    found: list[tuple[int, int, int]] = []
    for k, a in pairs:
        if found and (k, a) == (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]):
            found[-1] = (*found[-1][:2], found[-1][2] + 1)
        else:
            found.append((k, a, 1))
    return tuple(found)


def _merged(terms: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Terms of a square: (a, b) and (b, a) added."""
    found: dict[tuple[int, int], float] = {}
    for a, b, c in terms:
        pair = (min(a, b), max(a, b))
        found[pair] = found.get(pair, 0.0) + c
    return [(a, b, c) for (a, b), c in found.items()]
