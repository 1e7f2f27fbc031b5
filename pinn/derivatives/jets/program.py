"""Programs: what the rows of an equation require of the model's outputs, and their values once these are known.

    r_j = Σ_b P_b(∂) b + c    on atoms b in the order in which the equation made them

The rows are read from the youngest atom to the oldest. An operation is younger than its operands, so everything that is
required of it is known before its operands' turn. The value of P(∂) on an output is read off its jet, Σ p_k Q_k(∂), and
that on an operation off the jet that its rule makes of its operands' entries Q_k(∂) f, each a field in turn.

Source: `pinn.derivatives.jets.algebra` for the basis, `pinn.derivatives.jets.trace` for the fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets.algebra import ONE, DerivativeBasis, Monomial, Polynomial
from pinn.derivatives.jets.jet import Jet, JetContext
from pinn.derivatives.jets.trace import Atom, Trace, TracedField

OperatorKey = tuple[tuple[Monomial, float], ...]
IDENTITY: OperatorKey = ((ONE, 1.0),)


class Program:
    """What the rows of an equation require of the outputs, and how they are computed from them.

    Args:
        trace: the run.
        rows: the q rows, fields or constants.
        basis_of: operators -> basis; called for operations that are differentiated.

    Attributes:
        required: output name -> operators required of it.
    """

    def __init__(
        self, trace: Trace, rows: Sequence[Any], basis_of: Callable[[Iterable[OperatorKey]], DerivativeBasis]
    ) -> None:
        self.trace = trace
        self.rows = [row if isinstance(row, TracedField) else _constant_row(trace, row) for row in rows]
        self.required: dict[str, set[OperatorKey]] = {}
        waiting: dict[int, tuple[Atom, set[OperatorKey]]] = {}

        def require(field: TracedField) -> None:
            for atom, p in field.terms.items():
                key = operator_key(p)
                if not key:
                    continue
                if atom.name:
                    self.required.setdefault(atom.name, set()).add(key)
                elif atom.function is not None:
                    waiting.setdefault(atom.index, (atom, set()))[1].add(key)

        for row in self.rows:
            require(row)
        while waiting:
            atom, keys = waiting.pop(max(waiting))
            keys = {key for key in keys if any(monomial for monomial, _ in key)}
            if keys:
                basis = basis_of(keys)
                named = {name: _entries(basis, x) for name, x in atom.kwargs.items()}
                atom.jets = basis, [_entries(basis, x) for x in atom.args], named
                for entries in (*atom.jets[1], *named.values()):
                    for _, entry in entries or ():
                        require(entry)
            for x in (*atom.args, *atom.kwargs.values()):
                if isinstance(x, TracedField):
                    require(x)


def _entries(basis: DerivativeBasis, operand: Any) -> list[tuple[int, TracedField]] | None:
    """The entries (k, Q_k(∂) operand) beyond the value that are not zero; None for what is not a field."""
    if not isinstance(operand, TracedField):
        return None
    found = []
    for k, q in enumerate(basis.operators):
        if k:
            entry = operand.apply({m: float(c) for m, c in q.items()})
            if entry.terms or isinstance(entry.constant, Tensor) or entry.constant != 0.0:
                found.append((k, entry))
    return found


def operator_key(p: Polynomial) -> OperatorKey:
    """An operator as something that can be looked up; coefficients of zero left out."""
    return tuple(sorted((m, c) for m, c in p.items() if c))


def _constant_row(trace: Trace, row: Any) -> TracedField:
    if isinstance(row, Tensor) and tuple(row.shape) not in ((), (trace.n,)):
        raise ValueError(f"equation: a row of shape {tuple(row.shape)}, expected ({trace.n},), one entry a point")
    return TracedField(trace, {}, row if isinstance(row, Tensor) else float(row))


class Evaluation:
    """The values of a program's rows on a block of points.

    Args:
        program: the program.
        context: basis, number of points of the block, rules and record.
        outputs: output name -> jet or tensor (n,).
        coordinates: values (n, d) of the block.
        block: which of the trace's points these are.
    """

    def __init__(
        self, program: Program, context: JetContext, outputs: Mapping[str, Any], coordinates: Tensor, block: slice
    ) -> None:
        self._program, self._context, self._outputs = program, context, outputs
        self._coordinates, self._block = coordinates, block
        self._whole = context.n == program.trace.n
        self._known: dict[tuple[int, OperatorKey], Tensor | None] = {}
        self._jets: dict[int, Jet] = {}
        self._parts: dict[str, dict[int, Tensor]] = {}

    def rows(self) -> list[Tensor]:
        """The q rows, (n,) each."""
        found = []
        for row in self._program.rows:
            value = self.value(row)
            if not isinstance(value, Tensor):
                value = torch.full((), value, dtype=self._coordinates.dtype, device=self._coordinates.device)
            found.append(value.expand(self._context.n) if value.ndim == 0 else value)
        return found

    def value(self, field: TracedField) -> Any:
        """A field's value: (n,), or a number or 0-d tensor where it is constant."""
        total: Any = None
        smooth = not field.stepwise
        for atom, p in field.terms.items():
            key = operator_key(p)
            term = self._term(atom, key) if key else None
            if term is not None:
                if atom.discrete and smooth:
                    # A step beside smooth terms counts as a number of their precision.
                    term = term.to(self._coordinates.dtype)
                total = term if total is None else total + term
        constant = self._plain(field.constant)
        if total is None:
            return constant
        return total if not isinstance(constant, Tensor) and constant == 0.0 else total + constant

    def _plain(self, x: Any) -> Any:
        """A constant that meets the block's values: cut to the block, one copy a point where rows are taken."""
        if not isinstance(x, Tensor):
            return x
        if x.ndim == 1 and not self._whole:
            x = x[self._block]
        if self._context.record is not None and x.requires_grad:
            return self._context.record.constant(x, 1)
        return x

    def _term(self, atom: Atom, key: OperatorKey) -> Tensor | None:
        place = (atom.index, key)
        if place not in self._known:
            self._known[place] = self._compute(atom, key)
        return self._known[place]

    def _compute(self, atom: Atom, key: OperatorKey) -> Tensor | None:
        if atom.number is not None:
            ((_, c),) = key
            x = self._coordinates[:, atom.number]
            return x if c == 1.0 else c * x
        if atom.name:
            return self._combined(self._context.basis, self._output(atom.name), key)
        if not any(monomial for monomial, _ in key):
            if key != IDENTITY:
                whole = self._term(atom, IDENTITY)
                assert whole is not None
                return key[0][1] * (whole.to(self._coordinates.dtype) if atom.discrete else whole)
            return self._operation(atom)
        assert atom.jets is not None
        return self._combined(atom.jets[0], self._jet(atom), key)

    def _operation(self, atom: Atom) -> Tensor:
        assert atom.function is not None
        args = (self._operand(x) for x in atom.args)
        kwargs = {name: self._operand(x) for name, x in atom.kwargs.items()}
        result: Tensor = atom.function(*args, **kwargs)
        return result

    def _operand(self, x: Any) -> Any:
        if not isinstance(x, TracedField):
            return self._plain(x)
        value = self.value(x)
        if not isinstance(value, Tensor):
            return torch.full((), value, dtype=self._coordinates.dtype, device=self._coordinates.device)
        return value

    def _output(self, name: str) -> Any:
        output = self._outputs[name]
        if tuple(output.shape) not in ((self._context.n,), ()):
            got, expected = tuple(output.shape), (self._context.n,)
            raise ValueError(f"model: output {name!r} has shape {got}, expected {expected}, one entry a point")
        return output

    def _combined(self, basis: DerivativeBasis, jet: Any, key: OperatorKey) -> Tensor | None:
        """An operator on a jet, from its entries."""
        total: Tensor | None = None
        for k, c in basis.express(dict(key)):
            entry = self._entry(jet, k)
            if entry is not None:
                entry = entry if c == 1.0 else c * entry
                total = entry if total is None else total + entry
        return total

    def _entry(self, jet: Any, k: int) -> Tensor | None:
        if not isinstance(jet, Jet):
            return self._plain(jet) if k == 0 else None
        if k and k not in jet.keys:
            return None
        if not jet.stacked:
            return jet.entry(k)
        # One node of the graph for all entries of a jet.
        name = str(id(jet))
        if name not in self._parts:
            part = jet.context.part(jet.keys) if jet.is_deferred else None
            self._parts[name] = dict(zip(part or (0, *jet.keys), jet.select(part).unbind(0), strict=True))
        return self._parts[name][k]

    def _jet(self, atom: Atom) -> Jet:
        """The jet of an operation, by the rules, from those of its operands."""
        if atom.index not in self._jets:
            assert atom.jets is not None and atom.function is not None
            basis, operands, named = atom.jets
            context = JetContext(basis, self._context.n, self._context.space, self._context.rules, self._context.record)
            args = [self._operand_jet(context, x, entries) for x, entries in zip(atom.args, operands, strict=True)]
            kwargs = {name: self._operand_jet(context, x, named[name]) for name, x in atom.kwargs.items()}
            self._jets[atom.index] = context.rules[atom.function].apply(*args, **kwargs)
        return self._jets[atom.index]

    def _operand_jet(self, context: JetContext, field: Any, entries: list[tuple[int, TracedField]] | None) -> Any:
        """An operand with the entries that are not zero; what is not a field, or is a truth value, as it is."""
        n = context.n
        value = self._operand(field)
        if entries is None or value.dtype == torch.bool:
            return value
        value = value.to(self._coordinates.dtype).expand(n)
        keys, tail = [], []
        for k, entry in entries:
            found = self._operand(entry)
            keys.append(k)
            tail.append(found)
        if not keys:
            return context.constant(value)
        if all(x.ndim == 0 for x in tail):
            return Jet(context, tuple(keys), value, torch.stack(tail).view(-1, 1))
        return Jet(context, tuple(keys), stack=torch.stack([value, *(x.expand(n) for x in tail)]))
