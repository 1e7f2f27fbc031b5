"""The same problem in other units: x = X x', u = U u' + U₀, unknowns a = A a', rows R r, whatever the equations are.

An equation is run in its own units on fields that know how they differ from the ones outside: u = U u' + U₀, and
d(u, x) = (U / X) d(u', x'). Nothing of it is rewritten.
"""

from dataclasses import replace

import torch

from pinn import Box, Problem, Scatter, Unknown, d
from pinn.domains.box import Face
from pinn.domains.combined import Union


class Field:
    """A field in the units of the equation; `leaf` is the coordinate outside where it is one, of `unit` times it."""

    def __init__(self, value, leaf=None, unit=1.0):
        self.value, self.leaf, self.unit = value, leaf, unit

    def differentiate(self, *xs):
        value = self.value
        for x in xs:
            value = d(value, x.leaf) / x.unit
        return Field(value)

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return Field(function(*map(bare, args), **{key: bare(value) for key, value in (kwargs or {}).items()}))

    def __neg__(self):
        return Field(-self.value)

    def __add__(self, other):
        return Field(self.value + bare(other))

    def __sub__(self, other):
        return Field(self.value - bare(other))

    def __mul__(self, other):
        return Field(self.value * bare(other))

    def __truediv__(self, other):
        return Field(self.value / bare(other))

    def __pow__(self, other):
        return Field(self.value ** bare(other))

    def __rsub__(self, other):
        return Field(bare(other) - self.value)

    def __rtruediv__(self, other):
        return Field(bare(other) / self.value)

    __radd__, __rmul__ = __add__, __mul__


def bare(x):
    if isinstance(x, (tuple, list)):
        return type(x)(map(bare, x))
    return x.value if isinstance(x, Field) else x


class Units:
    """How large the old units are in new ones, and where the old zero of outputs lies, in old units."""

    def __init__(self, coordinates=None, outputs=None, rows=1.0, unknowns=None, zeros=None):
        self.coordinates, self.outputs = coordinates or {}, outputs or {}
        self.rows, self.unknowns, self.zeros = rows, unknowns or {}, zeros or {}


def restated(problem, units):
    """The problem in other units; its domain and sets are boxes, their faces, unions of these, and observations.

    A new value is the old one times its unit; of an output, the old one less its zero.
    """
    columns = {name: units.coordinates.get(name, 1.0) for name in problem.coordinates}
    domain = _set(problem.domain, columns)
    constraints = {}
    for name, constraint in problem.constraints.items():
        factor = units.rows if not isinstance(units.rows, dict) else units.rows.get(name, 1.0)
        constraints[name] = replace(
            constraint,
            equation=_equation(problem, constraint.equation, units, columns, factor),
            on=_set(constraint.on, columns),
        )
    coefficients = {}
    for name, value in problem.coefficients.items():
        by = units.unknowns.get(name, 1.0)
        if isinstance(value, Unknown):
            bounds = None if value.bounds is None else tuple(by * bound for bound in value.bounds)
            value = replace(value, initial=by * value.initial, bounds=bounds)
        coefficients[name] = value
    return Problem(
        domain,
        problem.outputs,
        constraints,
        coefficients,
        reference=_reference(problem, units, columns) if problem.reference is not None else None,
        ansatz={key: _ansatz(problem, key, function, units, columns) for key, function in problem.ansatz.items()},
        periodic=problem.periodic,
        features={key: _feature(function, columns) for key, function in problem.features.items()},
        name=problem.name,
    )


def _set(one, columns):
    if isinstance(one, Box):
        return Box(**{key: (columns[key] * low, columns[key] * high) for key, (low, high) in one.bounds.items()})
    if isinstance(one, Face):
        return _set(one.box, columns).face(**{key: columns[key] * at for key, at in one.at.items()})
    if isinstance(one, Union):
        first, *others = (_set(member, columns) for member in one.members)
        for other in others:
            first = first | other
        return first
    if isinstance(one, Scatter):
        points = one.sample(1, generator=torch.Generator().manual_seed(0))
        return Scatter(
            {key: (columns[key] * points.column(key)).numpy() for key in points.names},
            {key: value.numpy() for key, value in points.values.items()},
        )
    return _set(one.of, columns).boundary()  # of a box


def _inward(problem, units, columns, given):
    """Arguments from outside in the equation's units."""
    inner = {}
    for name, value in given.items():
        if name in columns:
            inner[name] = Field(value / columns[name], value, 1.0 / columns[name])
        elif name in problem.outputs:
            inner[name] = Field(value / units.outputs.get(name, 1.0) + units.zeros.get(name, 0.0))
        elif name in problem.unknowns:
            inner[name] = Field(value / units.unknowns.get(name, 1.0))
        else:
            inner[name] = value
    return inner


def _named(function, call):
    """`call` with the names of the function's arguments, by which arguments are matched."""
    import inspect

    call.__signature__ = inspect.signature(function)
    return call


def _equation(problem, equation, units, columns, factor):
    def rows(**given):
        found = equation(**_inward(problem, units, columns, given))
        many = found if isinstance(found, (tuple, list)) else (found,)
        factors = factor if isinstance(factor, tuple) else (factor,) * len(many)
        return tuple(bare(row) * by for row, by in zip(many, factors, strict=True))

    return _named(equation, rows)


def _ansatz(problem, key, function, units, columns):
    def made(**given):
        inner = bare(function(**_inward(problem, units, columns, given)))
        return (inner - units.zeros.get(key, 0.0)) * units.outputs.get(key, 1.0)

    return _named(function, made)


def _feature(function, columns):
    return _named(function, lambda **given: function(**{key: x / columns[key] for key, x in given.items()}))


def _reference(problem, units, columns):
    def true(**given):
        value = problem.reference(**{key: x / columns[key] for key, x in given.items()})
        values = value if isinstance(value, dict) else {problem.outputs[0]: value}
        return {key: (array - units.zeros.get(key, 0.0)) * units.outputs.get(key, 1.0) for key, array in values.items()}

    return true
