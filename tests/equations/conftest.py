"""Equations on exact fields: rows against a source that SymPy has derived from the same fields by another text."""

import pytest
import sympy
import torch

from pinn.binding import bind, names_of
from pinn.derivatives import Autograd, Jets, SymbolicFunction

TOLERANCE = 1e-12  # of the largest value of all rows; the rows are sums of about ten terms of that size


@pytest.fixture
def manufactured():
    """Compares an equation with its source: both engines, coefficients as numbers and as what is to be found."""

    def check(equation, coordinates, fields, expected, **numbers):
        symbols = sympy.symbols(coordinates, seq=True)
        names = tuple(str(symbol) for symbol in symbols)
        required, optional = names_of(equation)
        assert set(required) == {*names, *fields, *numbers} and not optional
        generator = torch.Generator().manual_seed(0)
        points = torch.rand(5, len(names), dtype=torch.float64, generator=generator) + 0.4
        exact = {name: SymbolicFunction(sympy.sympify(field), symbols) for name, field in fields.items()}
        values = {sympy.Symbol(name): value for name, value in numbers.items()}

        def model(columns):
            return {name: field(*columns.values()) for name, field in exact.items()}

        sources = [SymbolicFunction(sympy.sympify(row).subs(values), symbols) for row in expected]
        truth = torch.stack([source(*points.unbind(1)) for source in sources], 1)
        size = float(truth.abs().max())
        assert size > 0.1, "a source of nothing shows nothing"
        given = {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
        for engine in (Autograd(), Jets(fallback=False)):
            for known, sought in ((numbers, {}), ({}, given))[: 2 if numbers else 1]:
                rows = engine.bind(model, bind(equation, known), names).residual(points, sought)
                assert rows.shape == (5, len(expected))
                torch.testing.assert_close(rows.detach(), truth, rtol=0, atol=TOLERANCE * size)

    return check
