"""Programs: what the rows of an equation ask of the model's outputs, and their values once the outputs are known.

    r_j = Σ_b P_b(∂) b + c    on bases b in the order in which the equation made them

All that is asked of an operation is known before its operands are asked, since it is younger than they are. The value
of P(∂) on an output is read off its jet, Σ p_k Q_k(∂), and that on an operation off the jet that the rules make of its
operands' entries Q_k(∂) f, each a field in turn.

Source: `pinn.derivatives.jets.algebra` for the algebra, `pinn.derivatives.jets.trace` for the fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets.algebra import ONE, Algebra, Monomial, Polynomial
from pinn.derivatives.jets.jet import Frame, Jet
from pinn.derivatives.jets.registry import POINTWISE
from pinn.derivatives.jets.trace import Base, Field, Trace

Key = tuple[tuple[Monomial, float], ...]
IDENTITY: Key = ((ONE, 1.0),)


class Program:
    """What the rows of an equation ask of the outputs, and how they are computed from them.

    Args:
        trace: the run.
        rows: the q rows, fields or constants.
        algebra: operators -> plan; called for operations that are differentiated.

    Attributes:
        asked: output name -> operators asked of it.
    """

    def __init__(self, trace: Trace, rows: Sequence[Any], algebra: Callable[[Iterable[Key]], Algebra]) -> None:
        self.trace = trace
        self.rows = [row if isinstance(row, Field) else _constant_row(trace, row) for row in rows]
        self.asked: dict[str, set[Key]] = {}
        waiting: dict[int, tuple[Base, set[Key]]] = {}

        def ask(field: Field) -> None:
            for base, p in field.terms.items():
                key = key_of(p)
                if not key:
                    continue
                if base.name:
                    self.asked.setdefault(base.name, set()).add(key)
                elif base.function is not None:
                    waiting.setdefault(base.index, (base, set()))[1].add(key)

        for row in self.rows:
            ask(row)
        # An operation is younger than its operands, so that all that is asked of one is known when its turn comes.
        while waiting:
            base, keys = waiting.pop(max(waiting))
            keys = {key for key in keys if any(monomial for monomial, _ in key)}
            if keys:
                plan = algebra(keys)
                named = {name: _entries(plan, x) for name, x in base.kwargs.items()}
                base.jets = plan, [_entries(plan, x) for x in base.args], named
                for entries in (*base.jets[1], *named.values()):
                    for _, entry in entries or ():
                        ask(entry)
            for x in (*base.args, *base.kwargs.values()):
                if isinstance(x, Field):
                    ask(x)


def _entries(plan: Algebra, operand: Any) -> list[tuple[int, Field]] | None:
    """The entries (k, Q_k(∂) operand) beyond the value that are not zero; None for what is not a field."""
    if not isinstance(operand, Field):
        return None
    found = []
    for k, q in enumerate(plan.basis):
        if k:
            entry = operand.apply({m: float(c) for m, c in q.items()})
            if entry.terms or isinstance(entry.constant, Tensor) or entry.constant != 0.0:
                found.append((k, entry))
    return found


def key_of(p: Polynomial) -> Key:
    """An operator as something that can be looked up; coefficients of zero left out."""
    return tuple(sorted((m, c) for m, c in p.items() if c))


def _constant_row(trace: Trace, row: Any) -> Field:
    if isinstance(row, Tensor) and tuple(row.shape) not in ((), (trace.n,)):
        raise ValueError(f"equation: a row of shape {tuple(row.shape)}, expected ({trace.n},), one entry a point")
    return Field(trace, {}, row if isinstance(row, Tensor) else float(row))


class Evaluation:
    """The values of a program's rows on a block of points.

    Args:
        program: the program.
        frame: plan, number of points of the block, and tape.
        outputs: output name -> jet or tensor (n,).
        coordinates: values (n, d) of the block.
        block: which of the trace's points these are.
    """

    def __init__(
        self, program: Program, frame: Frame, outputs: Mapping[str, Any], coordinates: Tensor, block: slice
    ) -> None:
        self._program, self._frame, self._outputs = program, frame, outputs
        self._coordinates, self._block = coordinates, block
        self._whole = frame.n == program.trace.n
        self._known: dict[tuple[int, Key], Tensor | None] = {}
        self._jets: dict[int, Jet] = {}
        self._parts: dict[str, dict[int, Tensor]] = {}

    def rows(self) -> list[Tensor]:
        """The q rows, (n,) each."""
        found = []
        for row in self._program.rows:
            value = self.value(row)
            if not isinstance(value, Tensor):
                value = torch.full((), value, dtype=self._coordinates.dtype, device=self._coordinates.device)
            found.append(value.expand(self._frame.n) if value.ndim == 0 else value)
        return found

    def value(self, field: Field) -> Any:
        """A field's value: (n,), or a number or 0-d tensor where it is constant."""
        total: Any = None
        smooth = not field.stepwise
        for base, p in field.terms.items():
            key = key_of(p)
            term = self._term(base, key) if key else None
            if term is not None:
                if base.discrete and smooth:
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
        if self._frame.tape is not None and x.requires_grad:
            return self._frame.tape.constant(x, 1)
        return x

    def _term(self, base: Base, key: Key) -> Tensor | None:
        place = (base.index, key)
        if place not in self._known:
            self._known[place] = self._compute(base, key)
        return self._known[place]

    def _compute(self, base: Base, key: Key) -> Tensor | None:
        if base.number is not None:
            ((_, c),) = key
            x = self._coordinates[:, base.number]
            return x if c == 1.0 else c * x
        if base.name:
            return self._combined(self._frame.algebra, self._output(base.name), key)
        if not any(monomial for monomial, _ in key):
            if key != IDENTITY:
                whole = self._term(base, IDENTITY)
                assert whole is not None
                return key[0][1] * (whole.to(self._coordinates.dtype) if base.discrete else whole)
            return self._operation(base)
        assert base.jets is not None
        return self._combined(base.jets[0], self._jet(base), key)

    def _operation(self, base: Base) -> Tensor:
        assert base.function is not None
        args = (self._operand(x) for x in base.args)
        kwargs = {name: self._operand(x) for name, x in base.kwargs.items()}
        result: Tensor = base.function(*args, **kwargs)
        return result

    def _operand(self, x: Any) -> Any:
        if not isinstance(x, Field):
            return self._plain(x)
        value = self.value(x)
        if not isinstance(value, Tensor):
            return torch.full((), value, dtype=self._coordinates.dtype, device=self._coordinates.device)
        return value

    def _output(self, name: str) -> Any:
        output = self._outputs[name]
        if tuple(output.shape) not in ((self._frame.n,), ()):
            got, expected = tuple(output.shape), (self._frame.n,)
            raise ValueError(f"model: output {name!r} has shape {got}, expected {expected}, one entry a point")
        return output

    def _combined(self, algebra: Algebra, jet: Any, key: Key) -> Tensor | None:
        """An operator on a jet, from its entries."""
        total: Tensor | None = None
        for k, c in algebra.express(dict(key)):
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
            part = jet.frame.part(jet.keys) if jet.waits else None
            self._parts[name] = dict(zip(part or (0, *jet.keys), jet.some(part).unbind(0), strict=True))
        return self._parts[name][k]

    def _jet(self, base: Base) -> Jet:
        """The jet of an operation, by the rules, from those of its operands."""
        if base.index not in self._jets:
            assert base.jets is not None and base.function is not None
            plan, operands, named = base.jets
            frame = Frame(plan, self._frame.n, self._frame.space, self._frame.tape)
            args = [self._operand_jet(frame, x, entries) for x, entries in zip(base.args, operands, strict=True)]
            kwargs = {name: self._operand_jet(frame, x, named[name]) for name, x in base.kwargs.items()}
            self._jets[base.index] = POINTWISE[base.function](*args, **kwargs)
        return self._jets[base.index]

    def _operand_jet(self, frame: Frame, field: Any, entries: list[tuple[int, Field]] | None) -> Any:
        """An operand with the entries that are not zero; what is not a field, or is a truth value, as it is."""
        n = frame.n
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
            return frame.constant(value)
        if all(x.ndim == 0 for x in tail):
            return Jet(frame, tuple(keys), value, torch.stack(tail).view(-1, 1))
        return Jet(frame, tuple(keys), stack=torch.stack([value, *(x.expand(n) for x in tail)]))
