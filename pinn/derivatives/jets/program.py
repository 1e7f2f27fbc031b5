"""Programs: what the rows of an equation require of the model's outputs, and their values once these are known.

    r_j = Σ_b P_b(∂) b + c    on atoms b in the order in which the equation made them

The rows are read from the youngest atom to the oldest. An operation is younger than its operands, so everything that is
required of it is known before its operands' turn. The value of P(∂) on an output is read off its jet, Σ p_k Q_k(∂), and
that on an operation off the jet that its rule makes of its operands' entries Q_k(∂) f, each a field in turn.

Source: `pinn.derivatives.jets.algebra` for the basis, `pinn.derivatives.jets.trace` for the fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
        looks: what is seen elsewhere, one entry a place.
    """

    def __init__(
        self, trace: Trace, rows: Sequence[Any], basis_of: Callable[[Iterable[OperatorKey]], DerivativeBasis]
    ) -> None:
        self.trace = trace
        self.rows = [row if isinstance(row, TracedField) else _constant_row(trace, row) for row in rows]
        self.required: dict[str, set[OperatorKey]] = {}
        seen: dict[int, list[Atom]] = {}
        waiting: dict[int, tuple[Atom, set[OperatorKey]]] = {}

        def require(field: TracedField) -> None:
            for atom, p in field.terms.items():
                key = operator_key(p)
                if not key:
                    continue
                if atom.name:
                    self.required.setdefault(atom.name, set()).add(key)
                elif atom.function is not None or atom.seen is not None:
                    waiting.setdefault(atom.index, (atom, set()))[1].add(key)

        for row in self.rows:
            require(row)
        while waiting:
            atom, keys = waiting.pop(max(waiting))
            if atom.seen is not None:
                seen.setdefault(id(atom.seen.look), []).append(atom)
                for x in atom.seen.fields():
                    if isinstance(x, TracedField):
                        require(x)
                continue
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
        self.looks = [Seen.of(atoms, basis_of) for atoms in seen.values()]

    @property
    def every_required(self) -> dict[str, set[OperatorKey]]:
        """Output name -> operators required of it at the points themselves or elsewhere."""
        found = {name: set(keys) for name, keys in self.required.items()}
        for one in self.looks:
            for name, keys in one.program.every_required.items():
                found.setdefault(name, set()).update(keys)
        return found


@dataclass(frozen=True, eq=False)
class Seen:
    """All values of one place that are required, and how they are computed.

    Attributes:
        look: the place (`pinn.derivatives.jets.sight`).
        atoms: the values.
        program: of the rows there.
        basis: of the derivatives of outputs there.
        carried: entries of the basis that are required.
    """

    look: Any
    atoms: list[Atom]
    program: Program
    basis: DerivativeBasis
    carried: frozenset[int]

    @classmethod
    def of(cls, atoms: list[Atom], basis_of: Callable[[Iterable[OperatorKey]], DerivativeBasis]) -> Seen:
        """The values of atoms that see the same place."""
        look = atoms[0].seen.look
        program = Program(look.trace, [atom.seen.row for atom in atoms], basis_of)
        required = set().union(*program.required.values())
        basis = basis_of(required)
        return cls(look, atoms, program, basis, frozenset(k for key in required for k, _ in basis.express(dict(key))))

    def values(self, evaluation: Evaluation, columns: Sequence[Tensor]) -> dict[int, Tensor]:
        """Σ_q w_q f of each atom, (n,), by its number.

        Args:
            evaluation: of the program that sees, on a block of points.
            columns: the coordinates of the nodes (n Q,), then those of the points, once a node.
        """
        size, base = self.look.size, evaluation.context
        n = base.n * size
        record = None if base.record is None else base.record.inner(size)
        context = JetContext(self.basis, n, base.space, base.rules, record, self.carried)
        outputs = self.look.model({name: context.coordinate(columns[i], i) for i, name in enumerate(self.look.names)})
        block = slice(evaluation.block.start * size, evaluation.block.stop * size)
        rows = Evaluation(self.program, context, outputs, torch.stack(list(columns), 1), block).rows()
        like = columns[0]
        weights = [torch.tensor(atom.seen.weights, dtype=like.dtype, device=like.device) for atom in self.atoms]
        return {
            atom.index: row.reshape(base.n, size).to(like.dtype) @ w
            for atom, row, w in zip(self.atoms, rows, weights, strict=True)
        }


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
        self._program, self.context, self._outputs = program, context, outputs
        self._coordinates, self.block = coordinates, block
        self._whole = context.n == program.trace.n
        self._known: dict[tuple[int, OperatorKey], Tensor | None] = {}
        self._jets: dict[int, Jet] = {}
        self._parts: dict[str, dict[int, Tensor]] = {}
        self._seen: dict[int, Tensor] = {}

    def rows(self) -> list[Tensor]:
        """The q rows, (n,) each."""
        found = []
        for row in self._program.rows:
            value = self.value(row)
            if not isinstance(value, Tensor):
                value = torch.full((), value, dtype=self._coordinates.dtype, device=self._coordinates.device)
            found.append(value.expand(self.context.n) if value.ndim == 0 else value)
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
            x = x[self.block]
        if self.context.record is not None and x.requires_grad:
            return self.context.record.constant(x, 1)
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
            return self._combined(self.context.basis, self._output(atom.name), key)
        if atom.seen is not None:
            ((_, c),) = key
            return c * self._elsewhere(atom)
        if not any(monomial for monomial, _ in key):
            if key != IDENTITY:
                whole = self._term(atom, IDENTITY)
                assert whole is not None
                return key[0][1] * (whole.to(self._coordinates.dtype) if atom.discrete else whole)
            return self._operation(atom)
        assert atom.jets is not None
        return self._combined(atom.jets[0], self._jet(atom), key)

    def _elsewhere(self, atom: Atom) -> Tensor:
        """A seen value; all those of its place are computed with the first."""
        if atom.index not in self._seen:
            look = atom.seen.look
            columns = []
            for start, length, ahead in zip(look.starts, look.lengths, look.xi.T, strict=True):
                place = self._placed(start)[:, None].expand(-1, look.size)
                if ahead.any():
                    place = place + self._placed(length)[:, None] * torch.tensor(ahead).to(place)
                columns.append(place.reshape(-1))
            columns += [x.repeat_interleave(look.size) for x in self._coordinates.unbind(1)[: len(columns)]]
            (seen,) = (one for one in self._program.looks if one.look is look)
            self._seen |= seen.values(self, columns)
        return self._seen[atom.index]

    def _placed(self, x: Any) -> Tensor:
        """A number or field as (n,)."""
        value = self._operand(x)
        if not isinstance(value, Tensor):
            value = torch.full((), float(value), dtype=self._coordinates.dtype, device=self._coordinates.device)
        return value.to(self._coordinates.dtype).expand(self.context.n)

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
        if tuple(output.shape) not in ((self.context.n,), ()):
            got, expected = tuple(output.shape), (self.context.n,)
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
            context = JetContext(basis, self.context.n, self.context.space, self.context.rules, self.context.record)
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
