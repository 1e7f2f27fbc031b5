"""The algebra of a basis: its size, its closure, and Leibniz's rule on polynomials, exactly."""

import itertools
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinn.derivatives.jets.algebra import DerivativeBasis, OutsideBasis

SIZES = {
    "heat with a convection": ([{(1,): 1.0, (0, 0): -0.3}, {(0,): 1.0}], 3),
    "third order in space, first in time": ([{(1,): 1.0, (0, 0, 0): 0.01}, {(0,): 1.0}], 4),
    "Laplacian in ten dimensions": ([{(i, i): 1.0 for i in range(10)}], 12),
    "Laplacian and one of its parts": ([{(0, 0): 1.0, (1, 1): 1.0}, {(0, 0): 1.0}], 5),
    "biharmonic": ([{(0, 0, 0, 0): 1.0, (0, 0, 1, 1): 2.0, (1, 1, 1, 1): 1.0}], 9),
    "nothing": ([], 1),
    "nearly equal": ([{(1,): 1.0, (0, 0): -0.1}, {(1,): 1.0, (0, 0): -0.1 * (1 + 1e-15)}], 4),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name):
    required, size = SIZES[name]
    basis = DerivativeBasis(required)
    assert basis.size == size
    assert basis.operators[0] == {(): 1}
    for p in required:
        assert combined(basis, p) == {m: Fraction(c) for m, c in p.items()}


def combined(basis, p):
    total = Counter()
    for k, c in basis.express(p):
        for m, q in basis.operators[k].items():
            total[m] += Fraction(c) * q
    return {m: c for m, c in total.items() if c}


def test_what_is_not_carried():
    with pytest.raises(OutsideBasis, match="not carried"):
        DerivativeBasis([{(0, 0): 1.0}]).express({(1,): 1.0})


def derivative(monomial, field):
    """∂^monomial of a polynomial field {exponents: coefficient}."""
    for i in monomial:
        moved = Counter()
        for powers, c in field.items():
            if powers[i]:
                moved[tuple(p - (j == i) for j, p in enumerate(powers))] += c * powers[i]
        field = moved
    return field


def operate(p, field):
    total = Counter()
    for monomial, c in p.items():
        for powers, value in derivative(monomial, field).items():
            total[powers] += c * value
    return total


def product(f, g):
    total = Counter()
    for (a, c), (b, e) in itertools.product(f.items(), g.items()):
        total[tuple(i + j for i, j in zip(a, b, strict=True))] += c * e
    return total


monomials = st.lists(st.integers(0, 1), max_size=4).map(lambda m: tuple(sorted(m)))
operators = st.dictionaries(monomials, st.integers(-3, 3).filter(bool), min_size=1, max_size=3)
fields = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(-3, 3), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(operators, min_size=1, max_size=3), fields, fields)
def test_leibniz(required, f, g):
    """Q_k(∂)(fg) = Σ c[k][a][b] Q_a(∂)f Q_b(∂)g for polynomials f and g, in exact arithmetic."""
    basis = DerivativeBasis(required)
    left = [operate(q, product(f, g)) for q in basis.operators]
    right = [Counter() for _ in basis.operators]
    for k, a, b, c in basis.terms:
        for powers, value in product(operate(basis.operators[a], f), operate(basis.operators[b], g)).items():
            right[k][powers] += Fraction(c) * value
    for first, second in zip(left, right, strict=True):
        for powers in {*first, *second}:
            assert abs(float(first[powers] - second[powers])) <= 1e-9 * (1 + abs(float(first[powers])))
