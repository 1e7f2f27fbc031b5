"""The fast engine: jets through the network, one basis an equation, blocks of points that stay in the cache.

An equation runs on lazy fields (`pinn.derivatives.jets.trace`), which say what operators it asks of the outputs; the
model then runs on jets that carry just those (`pinn.derivatives.jets.algebra`, `pinn.derivatives.jets.jet`), and the
rows are put together.
Rows of J come from one backward pass a field (`pinn.derivatives.jets.jacobian`).

When a bound equation is first evaluated, its rows and their gradient are compared with the reference on some of those
points, and again when more of them come. Where they differ, or an operation has no rule, the reference takes that
equation over: `choice` says why, and so does one line in the log. It is the definition, and taken at its word: should
nested autograd be what is wrong, as a kernel of torch's may be, that reason is the sign of it, and central differences
(`pinn.derivatives.check_derivatives`) tell which of them is right.

Source: Griewank, Walther, Evaluating Derivatives, 2nd ed. (2008), ch. 13.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from pinn.binding import FAILURES
from pinn.derivatives.autograd import Autograd
from pinn.derivatives.engine import (
    BoundEquation,
    Constants,
    Engine,
    EngineChoice,
    ModelFunction,
    ResidualFunction,
    flat_gradient,
    scaled,
)
from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.jacobian import BlockLinearization, leaves_of
from pinn.derivatives.jets.jet import JetContext, MissingRule, Rule
from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.jets.program import Evaluation, OperatorKey, Program
from pinn.derivatives.jets.record import LayerRecord
from pinn.derivatives.jets.registry import with_rules
from pinn.derivatives.jets.sight import traced_rows
from pinn.derivatives.jets.trace import Trace
from pinn.linearization import Linearization

_LOG = logging.getLogger("pinn.derivatives")

# Points at which jets and the reference are compared, of those that come; a few more at the ends of coordinates.
_COMPARED = 64


class Jets(Engine):
    """Jets, with the reference behind them.

    Args:
        fallback: whether the reference takes over where a rule is missing or the comparison fails; else it raises.
        probe: whether each bound equation is compared with the reference before it is first used.
        block: points that are computed together; left out, it follows the basis's size, the width and the threads.
        rules: rules for further functions, or in the place of others, each made by `pinn.derivatives.jets.rule`.

    The memory of a block of points serves the next one and the next call: an engine keeps up to 128 MB of it
    (`pinn.derivatives.jets.kernels.workspace`) for as long as it lives.

    Raises:
        ValueError: where `block` is not a positive integer.
        TypeError: where one of `rules` is not a rule.
        MissingRule: with `fallback=False`, for an operation without a rule, or where the comparison fails.

    Example:
        >>> from pinn.derivatives import d
        >>> net = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
        >>> x = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
        >>> task = (lambda columns: {"u": net(columns["x"][:, None])[:, 0]},
        ...         lambda columns, outputs, constants: [d(outputs["u"], columns["x"], columns["x"])], ("x",))
        >>> torch.allclose(Jets().bind(*task).residual(x), Autograd().bind(*task).residual(x), rtol=1e-12)
        True
    """

    def __init__(
        self, fallback: bool = True, probe: bool = True, block: int | None = None, rules: Iterable[Rule] = ()
    ) -> None:
        if block is not None and not (isinstance(block, int) and block >= 1):
            raise ValueError(f"Jets: got block={block!r}, expected an integer of at least 1; give one, or leave it out")
        self.fallback, self.probe, self.block = fallback, probe, block
        if isinstance(rules, str) or not isinstance(rules, Iterable):
            raise TypeError(f"Jets: got rules={rules!r}, expected a list of them; give rules=[rule(function, ...)]")
        self.rules = tuple(rules)
        self.table = with_rules(self.rules)  # a rule that cannot be one is refused here, where it enters
        self.reference = Autograd()
        self._bases: dict[frozenset[OperatorKey], DerivativeBasis] = {}
        self.space = Workspace()
        self._told: set[str] = set()

    def bind(self, model: ModelFunction, equation: ResidualFunction, names: Sequence[str]) -> BoundEquation:
        """See `Engine.bind`. Jets are compared with the reference when the equation is first evaluated."""
        return _BoundJets(self, model, equation, names)

    def basis(self, required: Iterable[OperatorKey]) -> DerivativeBasis:
        """The basis that carries these operators; the last few hundred bases are kept."""
        keys = frozenset(required)
        if keys not in self._bases:
            if len(self._bases) >= 256:
                self._bases.pop(next(iter(self._bases)))
            self._bases[keys] = DerivativeBasis([dict(key) for key in keys])
        return self._bases[keys]

    def tell(self, reason: str) -> None:
        """Log why the reference takes over, once for all on which it does; numbers do not count."""
        kind = re.sub(r"[\d.]+(e[+-]?\d+)?", "", reason)
        if kind not in self._told:
            self._told.add(kind)
            _LOG.warning("%s; the reference engine takes over where that is so", reason)


class _BoundJets(BoundEquation):
    """One equation on jets, or by the reference where that has taken it over.

    What is learned of the equation is kept here: the names of the outputs, whether jets serve, and on how many points
    they were compared with the reference. That is done at the first evaluation, and again where more points come than
    were compared, up to 64.
    """

    def __init__(self, engine: Jets, model: ModelFunction, equation: ResidualFunction, names: Sequence[str]) -> None:
        self._engine, self._model, self._equation, self._names = engine, model, equation, tuple(names)
        self._reference = engine.reference.bind(model, equation, names)
        self._outputs: tuple[str, ...] | None = None
        self._choice: EngineChoice | None = None
        self._compared = 0

    @property
    def choice(self) -> EngineChoice | None:
        """Jets, or the reference with the reason; None before the first evaluation."""
        return self._choice

    def residual(self, points: Tensor, constants: Constants | None = None) -> Tensor:
        """Rows (n, q)."""
        traced = self._traced(points, constants)
        if traced is None:
            return self._reference.residual(points, constants)
        return torch.cat([torch.stack(traced.rows(block), 1) for block in traced.blocks])

    def linearize(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        out: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Rows (n, q) and J (n q, p), by blocks of points."""
        traced = self._traced(points, constants)
        if traced is None:
            return self._reference.linearize(points, parameters, constants, out, scale)
        count = sum(parameter.numel() for parameter in parameters)
        jacobian = out
        buffer: Tensor | None = None
        found = []
        for block in traced.blocks:
            rows, part = traced.linearized(block, scale)
            found.append(rows)
            if jacobian is None:
                jacobian = points.new_empty(count, points.shape[0] * rows.shape[1]).T
            target = jacobian[block.start * rows.shape[1] : block.stop * rows.shape[1]].T
            if target.stride(1) == 1:
                part.write(parameters, target)
                continue
            if buffer is None or buffer.shape[1] != target.shape[1]:
                buffer = points.new_empty(target.shape)
            part.write(parameters, buffer)
            target.copy_(buffer)
        assert jacobian is not None
        return torch.cat(found), jacobian

    def gradient(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """½|s r|² and its gradient (p,), by blocks of points."""
        traced = self._traced(points, constants)
        if traced is None:
            return self._reference.gradient(points, parameters, constants, scale)
        loss, total = points.new_zeros(()), points.new_zeros(sum(parameter.numel() for parameter in parameters))
        with torch.enable_grad():
            for block in traced.blocks:
                rows = scaled(torch.stack(traced.rows(block), 1), None if scale is None else scale[block])
                part = 0.5 * rows.pow(2).sum()
                # Blocks share the graphs of what was computed from parameters before, such as coefficients.
                total += flat_gradient(part, parameters, retain_graph=True)
                loss += part.detach()
                # The next block is to find this one's memory free, and still in the cache.
                del rows, part
        return loss, total

    def gram(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """½|s r|², Jᵀ r and Jᵀ J, by blocks of points."""
        traced = self._traced(points, constants)
        if traced is None:
            return self._reference.gram(points, parameters, constants, scale)
        count = sum(parameter.numel() for parameter in parameters)
        loss, slope = points.new_zeros(()), points.new_zeros(count)
        total = points.new_zeros(count, count)
        buffer: Tensor | None = None
        for block in traced.blocks:
            rows, part = traced.linearized(block, scale)
            flat = rows.reshape(-1)
            if buffer is None or buffer.shape[1] != flat.numel():
                buffer = points.new_empty(count, flat.numel())
            part.write(parameters, buffer)
            loss += 0.5 * flat.dot(flat)
            slope.addmv_(buffer, flat)
            _add_gram(total, buffer)
        _mirror(total)
        return loss, slope, total

    def operator(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> Linearization:
        """r, and products with J from sensitivities and activations, without rows."""
        traced = self._traced(points, constants)
        if traced is None:
            return self._reference.operator(points, parameters, constants, scale)
        rows, parts = [], []
        for block in traced.blocks:
            found, part = traced.linearized(block, scale)
            rows.append(found.reshape(-1))
            parts.append(part)
        return _StackedBlocks(torch.cat(rows), parts, parameters)

    # -- the reference behind -----------------------------------------------------------------------------------

    def _traced(self, points: Tensor, constants: Constants | None) -> _TracedEquation | None:
        """The equation on these points; None where the reference has taken it over."""
        # Whoever first asks on a point or two, say for the number of rows, does not decide for all points.
        compared = min(points.shape[0], _COMPARED)
        if self._choice is None or (not self._choice.reason and self._compared < compared):
            reason = self._examine(points, constants)
            if reason and not self._engine.fallback:
                raise MissingRule(reason)
            if reason:
                self._engine.tell(reason)
            self._choice, self._compared = EngineChoice("autograd" if reason else "jets", reason), compared
        return None if self._choice.reason else self._fast(points, constants)

    def _fast(self, points: Tensor, constants: Constants | None) -> _TracedEquation:
        """The equation on these points by jets."""
        if self._outputs is None:
            with torch.no_grad():
                self._outputs = tuple(self._model({key: points[:1, i] for i, key in enumerate(self._names)}))
        return _TracedEquation(self._engine, self._model, self._equation, points, self._names, self._outputs, constants)

    def _examine(self, points: Tensor, constants: Constants | None) -> str:
        """Why jets must not be used; empty where they may."""
        n = points.shape[0]
        some = _some(points)
        given = {
            name: value[some] if value.ndim == 1 and value.shape[0] == n else value
            for name, value in (constants or {}).items()
        }
        try:
            with torch.enable_grad():
                fast = torch.stack(self._fast(points[some], given).rows(slice(0, n)), 1)
        except MissingRule as error:
            return str(error)
        except FAILURES as error:
            if not self._engine.fallback:
                raise
            # Where the mistake is the equation's own, the reference makes it too, and says so.
            return ", ".join([f"{type(error).__name__} on jets", *str(error).splitlines()[:1]])
        if not self._engine.probe:
            return ""
        with torch.enable_grad():
            slow = self._reference.residual(points[some], given)
        return _difference(fast, slow)


def _some(points: Tensor) -> Tensor:
    """Numbers of the points to compare at: spread over the set, first and last along every coordinate among them."""
    n = points.shape[0]
    if n <= _COMPARED:
        return torch.arange(n, device=points.device)
    spread = torch.linspace(0, n - 1, _COMPARED, device=points.device, dtype=torch.float64).round().long()
    return torch.unique(torch.cat([spread, points.argmin(0), points.argmax(0)]))


def _difference(fast: Tensor, slow: Tensor) -> str:
    """In what rows and their gradients by the parameters differ, or nothing.

    Rows near zero, as a good solution leaves them, are differences of larger terms and agree to the rounding of those;
    the size of the terms is read off the parameters' parts θ ∂r/∂θ.
    """
    tolerance = 10.0 * torch.finfo(slow.dtype).eps ** 0.5
    if fast.shape != slow.shape:
        return f"jets gave rows of shape {tuple(fast.shape)}, nested autograd {tuple(slow.shape)}"
    leaves, terms = _parameters_of(slow, fast), 0.0
    if leaves:
        seed = torch.linspace(0.5, 1.5, slow.numel(), dtype=slow.dtype, device=slow.device).view_as(slow)
        # The graphs of the constants are the caller's, who has yet to use them.
        first, second = (flat_gradient(rows, leaves, seed, retain_graph=True) for rows in (fast, slow))
        parts = second * torch.cat([leaf.detach().reshape(-1) for leaf in leaves])
        terms = float(parts.nan_to_num().abs().max()) / slow.shape[0]
    error = _distance(fast.detach(), slow.detach(), terms)
    if not error <= tolerance:
        return f"jets differ from nested autograd in the residual, by {error:.1e} relative"
    if leaves and not (error := _distance(first, second)) <= tolerance:
        return f"jets differ from nested autograd in the gradient by the parameters, by {error:.1e} relative"
    return ""


def _distance(a: Tensor, b: Tensor, size: float = 0.0) -> float:
    """Largest difference, relative to the largest of b or to `size`, with equal infinities and NaNs taken as equal."""
    both = torch.isfinite(a) & torch.isfinite(b)
    if bool((torch.isfinite(a) != torch.isfinite(b)).any()):
        return float("inf")
    if not bool(both.any()):
        return 0.0
    return float((a - b)[both].abs().max() / b[both].abs().max().clamp_min(max(size, torch.finfo(b.dtype).tiny)))


def _parameters_of(*rows: Tensor) -> list[Tensor]:
    """The leaves of some graphs that are parameters."""
    found = {id(leaf): leaf for row in rows for leaf in leaves_of(row)}
    return [leaf for leaf in found.values() if isinstance(leaf, torch.nn.Parameter)]


def _add_gram(total: Tensor, rows: Tensor, panel: int = 192) -> None:
    """total += rows rowsᵀ on and below the diagonal, by panels: a little over half of the products."""
    p = total.shape[0]
    for start in range(0, p, panel):
        stop = min(start + panel, p)
        total[start:, start:stop].addmm_(rows[start:], rows[start:stop].T)


def _mirror(total: Tensor) -> None:
    """Fill the part above the diagonal from that below."""
    lower = total.tril(-1)
    total.tril_().add_(lower.T)


class _StackedBlocks:
    """Products with J, block by block."""

    def __init__(self, residual: Tensor, parts: list[BlockLinearization], parameters: Sequence[Tensor]) -> None:
        self.residual = residual
        self._parts, self._parameters = parts, list(parameters)

    def jvp(self, v: Tensor) -> Tensor:
        """J v, shape (N,)."""
        return torch.cat([part.jvp(self._parameters, v) for part in self._parts])

    def vjp(self, w: Tensor) -> Tensor:
        """Jᵀ w, shape (p,)."""
        pieces = w.split([part.n * part.q for part in self._parts])
        total = self._parts[0].vjp(self._parameters, pieces[0])
        for part, piece in zip(self._parts[1:], pieces[1:], strict=True):
            total += part.vjp(self._parameters, piece)
        return total


class _TracedEquation:
    """One equation on one set of points: its program, its basis, and its blocks."""

    def __init__(
        self,
        engine: Jets,
        model: ModelFunction,
        equation: ResidualFunction,
        points: Tensor,
        names: Sequence[str],
        outputs: Sequence[str],
        constants: Mapping[str, Tensor] | None,
    ) -> None:
        self._model, self._points, self._names = model, points.detach(), tuple(names)
        self._space, self._rules = engine.space, engine.table
        trace = Trace(names, points.shape[0], points, self._rules)
        rows = traced_rows(trace, model, equation, outputs, constants)
        self._program = Program(trace, rows, engine.basis)
        required = set().union(*self._program.required.values())
        self._basis = engine.basis(required)
        self._required = frozenset(k for key in required for k, _ in self._basis.express(dict(key)))
        n = points.shape[0]
        nodes = sum(one.look.size * one.basis.size for one in self._program.looks)
        count = max(1, -(-n // (engine.block or block_size(model, self._basis.size + nodes, points))))
        size = max(1, -(-n // count))
        self.blocks = [slice(start, min(start + size, n)) for start in range(0, max(n, 1), size)]

    def rows(self, block: slice, record: LayerRecord | None = None) -> list[Tensor]:
        """The q rows (n,) on a block of points."""
        points = self._points[block]
        context = JetContext(self._basis, points.shape[0], self._space, self._rules, record, self._required)
        outputs = self._model({name: context.coordinate(points[:, i], i) for i, name in enumerate(self._names)})
        return Evaluation(self._program, context, outputs, points, block).rows()

    def linearized(self, block: slice, scale: Tensor | None) -> tuple[Tensor, BlockLinearization]:
        """Scaled rows (n, q) on a block of points, and their derivatives."""
        part = None if scale is None else scale[block]
        with torch.enable_grad():
            record = LayerRecord(self._points[block].shape[0], self._space)
            rows = self.rows(block, record)
            scales = [None if part is None else part if part.ndim == 1 else part[:, j] for j in range(len(rows))]
            linearization = record.linearization(rows, scales)
        return scaled(torch.stack([row.detach() for row in rows], 1), part), linearization


def block_size(model: ModelFunction, entries: int, points: Tensor) -> int:
    """Points whose activations and sensitivities of a layer stay in the cache.

    Args:
        model: its widest layer is looked for where the model is a module's method.
        entries: K, size of the basis.
        points: for their precision and place.
    """
    if points.device.type != "cpu":
        return 1 << 16
    owner = getattr(model, "__self__", model)
    width = 50
    if isinstance(owner, torch.nn.Module):
        width = max((p.shape[0] for p in owner.parameters() if p.ndim == 2), default=width)
    size = 2_400_000 * torch.get_num_threads() // (entries * width * points.element_size())
    return max(128, min(size, 8192))
