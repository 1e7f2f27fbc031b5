"""The operations that carry the cost of a jet, each one node of autograd with a backward pass by hand.

    composition  y = φ(z):    y_k = Σ_m φₘ(z₀) (δᵐ)_k,               ḡ_z[b] = Σ c[k][a][b] w_a ḡ_k,   w = φ'(z)
    product      y = f g:     y_k = Σ c[k][a][b] f_a g_b

and, in `pinn.derivatives.jets.kernels.affine`, what treats every entry alike.

The gradient of a composition is the adjoint of the product with w, since dφ(z) = φ'(z) dz holds for jets as for
numbers. Where φ' is a quadratic in φ, w is made of y alone and nothing but y is saved, which the next layer saves too.
Entry a of w begins with q · p_a, with q = p₁ + 2 p₂ y₀ and p = y (or q = 2 φ₂, p = z): the common factor q is taken
out.

Tensors are stacks (K, n, …), the value first, and lie in memory features first, (…, K, n): matrix products W a are
up to twice as fast that way round, and rows of J find their points side by side. A tail (K − 1, 1, …) is the same at
every point (affine functions of the coordinates) and is never spread out. What is as large as a layer is made in a
workspace, which the next block of points finds in the cache. Gradients of first order only: differentiating twice
raises.

Source: adjoints of Taylor arithmetic: Griewank, Walther (2008), sec. 13.3.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets.algebra import Composition, Levels, Terms
from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.jets.taylor import SmoothFunction, quadratic

Power = dict[int, tuple[Tensor, float]]
"""Entry -> a tensor and the number that it is to be multiplied by."""
Backward = Callable[..., tuple[Tensor | None, ...]]


class _Refusal(torch.autograd.Function):
    """Gradients as they are, whose own derivative raises."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensor.view_as(tensor) for tensor in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        raise RuntimeError(
            "jets: second derivatives by the parameters are not carried; use derivatives=Autograd(), or the "
            "engine's linearize and operator for products with the Jacobian"
        )


def first_order(backward: Backward) -> Backward:
    """A backward pass of first order only; under `create_graph` its results raise when they are differentiated."""

    @functools.wraps(backward)
    def guarded(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        if not torch.is_grad_enabled():
            return backward(ctx, g)
        saved = ctx.saved_tensors
        with torch.no_grad():
            found = backward(ctx, g)
        present = [tensor for tensor in found if tensor is not None]
        refused = iter(_Refusal.apply(len(present), *present, g, *saved))
        return tuple(None if tensor is None else next(refused) for tensor in found)

    return guarded


def apart(value: Tensor, tail: Tensor | None) -> tuple[Tensor, Tensor]:
    """The value and the tail of z, given as these or as a stack (tail is None)."""
    return (value[0], value[1:]) if tail is None else (value, tail)


def is_constant(value: Tensor, tail: Tensor | None) -> bool:
    """Whether a tail is the same at every point, and there are several of these."""
    return tail is not None and tail.shape[1] == 1 != value.shape[0]


def powers_of(levels: Levels, keys: tuple[int, ...], tail: Tensor, space: Workspace) -> list[Power]:
    """δ², δ³, …: key -> (tensor, factor), for the entries that are not zero; δ is the tail, with entries `keys`."""
    first: Power = {key: (entry, 1.0) for key, entry in zip(keys, tail.unbind(0), strict=True)}
    found: list[Power] = []
    previous = first
    for level in levels:
        now: Power = {}
        for key, _, _, terms in level:
            total: Tensor | None = None
            scale = 1.0
            for a, b, c in terms:
                (left, one), (right, two) = first[a], previous[b]
                if total is None:
                    total, scale = space.product(left, right), c * one * two
                else:
                    total.addcmul_(left, right, value=c * one * two / scale)
            assert total is not None
            now[key] = total, scale
        found.append(now)
        previous = now
    return found


def _compose(
    function: SmoothFunction, program: Composition, keys: tuple[int, ...], value: Tensor, tail: Tensor, space: Workspace
) -> tuple[Tensor, tuple[Tensor, ...], Power]:
    """The stack of φ(z), what the coefficients need beside the value, and sums that the backward pass uses."""
    y = space.stack(1 + len(program.keys), value)
    extra = function.value(value, y[0], space)
    if not program.keys:
        return y, extra, {}
    if function.pullback is not None and program.same and len(program.powers) <= 1:
        return y, extra, _second_order(function, program, tail, y, space)
    slopes = function.taylor(value, y[0], extra, 1 + len(program.powers), space)
    if program.same:
        torch.mul(tail, slopes[0], out=y[1:])
    else:
        for out, place in program.linear:
            torch.mul(tail[place - 1], slopes[0], out=y[out])
    if program.powers:
        powers = powers_of(program.powers, keys, tail, space)
        for slope, level, power in zip(slopes[1:], program.powers, powers, strict=True):
            for key, out, unwritten, _ in level:
                total, scale = power[key]
                if unwritten:
                    torch.mul(slope, total, out=y[out])
                    if scale != 1.0:
                        y[out].mul_(scale)
                else:
                    y[out].addcmul_(slope, total, value=scale)
    return y, extra, {}


def _second_order(function: SmoothFunction, program: Composition, tail: Tensor, y: Tensor, space: Workspace) -> Power:
    """The entries of φ(z) for φ' = p(φ) and a basis of second order: φ₂ z_a z_b = (p₁/2 + p₂ y₀) y_a z_b.

    All factors are then entries of first order, y_a = φ' z_a, and neither φ' nor φ₂ is made.

    Returns:
        place -> (t, c) with c t = Σ y_a z_b, where that is long and the backward pass uses it again.
    """
    assert function.pullback is not None and function.riccati is not None
    _, p1, p2 = function.riccati
    function.pullback(tail, y[0], y[1:])
    long: Power = {}
    if not program.powers:
        return long
    ys, zs = y.unbind(0), tail.unbind(0)
    place = {key: at for at, key in enumerate(program.keys, 1)}
    for _, out, _, terms in program.powers[0]:
        total: Tensor | None = None
        for a, b, c in terms:
            left, right = ys[place[a]], zs[place[b] - 1]
            if total is None:
                total, scale = space.product(left, right), c
            else:
                total.addcmul_(left, right, value=c / scale)
        assert total is not None
        if p2:
            ys[out].addcmul_(total, ys[0], value=p2 * scale)
        if p1:
            ys[out].add_(total, alpha=0.5 * p1 * scale)
        if p2 and len(terms) > 2:
            long[out] = total, scale
    return long


def composed(
    function: SmoothFunction,
    program: Composition,
    keys: tuple[int, ...],
    value: Tensor,
    tail: Tensor | None,
    space: Workspace,
) -> Tensor:
    """φ(z) for a stack z (tail is None), or for a value and a tail; with a graph where one is being made."""
    if torch.is_grad_enabled() and (value.requires_grad or (tail is not None and tail.requires_grad)):
        found: Tensor = Compose.apply(function, program, keys, value, tail, space)
        return found
    return _compose(function, program, keys, *apart(value, tail), space)[0]


class Compose(torch.autograd.Function):
    """φ(z) for a stack z (tail is None), or for a value and a tail."""

    @staticmethod
    def forward(
        ctx: Any,
        function: SmoothFunction,
        program: Composition,
        keys: tuple[int, ...],
        value: Tensor,
        tail: Tensor | None,
        space: Workspace,
    ) -> Tensor:
        """The stack of φ(z)."""
        ctx.function, ctx.program, ctx.keys, ctx.space, ctx.split = function, program, keys, space, tail is not None
        z0, rest = apart(value, tail)
        y, extra, long = _compose(function, program, keys, z0, rest, space)
        if function.riccati is not None:
            ctx.long = [(place, scale) for place, (_, scale) in long.items()]
            ctx.broadcast = is_constant(z0, tail)
            ctx.save_for_backward(y, *(total for total, _ in long.values()))
        else:
            ctx.save_for_backward(y, value, *((tail,) if tail is not None else ()), *extra)
        return y

    @staticmethod
    @first_order
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        """The adjoint of the product with φ'(z)."""
        function, program, keys, space = ctx.function, ctx.program, ctx.keys, ctx.space
        if function.riccati is not None:
            y, *totals = ctx.saved_tensors
            long = {place: (total, scale) for (place, scale), total in zip(ctx.long, totals, strict=True)}
            weights = _riccati_weights(function, program, y, long, space)
            broadcast = ctx.broadcast
        else:
            y, value, *rest = ctx.saved_tensors
            z0, tail = apart(value, rest.pop(0) if ctx.split else None)
            weights = _series_weights(function, program, keys, y[0], z0, tail, tuple(rest), space)
            broadcast = ctx.split and is_constant(z0, tail)
        gz = _adjoint(program, weights, g, space)
        if not ctx.split:
            return None, None, None, gz, None, None
        gt = gz[1:]
        return None, None, None, gz[0], gt.sum(1, keepdim=True) if broadcast else gt, None


class _Weights:
    """w = φ'(z): products with its value (`scaled`), the common factor q, p_a and the rest.

    The factor is a tensor or None, times a number. Where the p_a are entries of one stack, at their own places, `stack`
    is that.
    """

    __slots__ = ("factor", "parts", "q", "rest", "scaled", "stack")

    def __init__(
        self,
        scaled: Callable[[Tensor], Tensor],
        q: Tensor | None,
        factor: float,
        parts: Mapping[int, Tensor],
        rest: Mapping[int, tuple[Tensor, float]],
        stack: Tensor | None,
    ) -> None:
        self.scaled, self.q, self.factor, self.parts, self.rest, self.stack = scaled, q, factor, parts, rest, stack


def _riccati_weights(
    function: SmoothFunction, program: Composition, stack: Tensor, long: Power, space: Workspace
) -> _Weights:
    assert function.riccati is not None
    _, p1, p2 = function.riccati
    y = stack.unbind(0)
    y0 = y[0]
    if function.pullback is not None:
        pullback = function.pullback
        scaled: Callable[[Tensor], Tensor] = lambda t: pullback(t, y0, space.stack(t.shape[0], t[0]))  # noqa: E731
    else:
        slope = quadratic(function.riccati, y0, space)
        scaled = lambda t: space.scaled(t, slope)  # noqa: E731
    q: Tensor | None
    if p2 == 0.0:
        q, factor = None, p1
    elif p1 == 0.0:
        q, factor = y0, 2.0 * p2
    else:
        q, factor = torch.add(y0 * (2.0 * p2), p1), 1.0
    rest: dict[int, tuple[Tensor, float]] = {}
    if p2:
        for place, terms in program.red.items():
            if place in long:
                # Σ y_a y_b = φ' Σ y_a z_b
                total, scale = long[place]
                rest[place] = scaled(total.unsqueeze(0))[0], scale * p2
                continue
            (a, b, c), *others = terms
            total = space.product(y[a], y[b])
            for i, j, factor_ij in others:
                total.addcmul_(y[i], y[j], value=factor_ij / c)
            rest[place] = total, c * p2
    return _Weights(scaled, q, factor, {k: y[k] for k in range(1, len(program.keys) + 1)}, rest, stack)


def _series_weights(
    function: SmoothFunction,
    program: Composition,
    keys: tuple[int, ...],
    y0: Tensor,
    z0: Tensor,
    tail: Tensor,
    extra: tuple[Tensor, ...],
    space: Workspace,
) -> _Weights:
    slopes = function.taylor(z0, y0, extra, 2 + len(program.powers) if program.keys else 1, space)
    scaled: Callable[[Tensor], Tensor] = lambda t: space.scaled(t, slopes[0])  # noqa: E731
    if not program.keys:
        return _Weights(scaled, None, 1.0, {}, {}, None)
    rest: dict[int, tuple[Tensor, float]] = {}
    if program.powers:
        for m, (level, power) in enumerate(
            zip(program.powers, powers_of(program.powers, keys, tail, space), strict=True), 2
        ):
            for key, out, _, _ in level:
                total, scale = power[key]
                if out not in rest:
                    rest[out] = space.product(slopes[m], total), (m + 1) * scale
                else:
                    found, base = rest[out]
                    found.addcmul_(slopes[m], total, value=(m + 1) * scale / base)
    parts = {out: tail[place - 1] for out, place in program.place_in.items() if out}
    return _Weights(scaled, slopes[1], 2.0, parts, rest, None)


def _adjoint(program: Composition, w: _Weights, gradient: Tensor, space: Workspace) -> Tensor:
    """ḡ_z[b] = Σ c w_a ḡ_k, as places; the common factor q is multiplied in once for each k, or once in all."""
    places = [0, *(out for out, _ in program.linear)]
    if places == list(range(len(places))):
        stack = w.scaled(gradient[: len(places)])
    else:
        stack = w.scaled(gradient[places])
    gz, g = stack.unbind(0), gradient.unbind(0)
    needed = {a + i for _, a, b, m, _ in program.adjoint if b for i in range(m)}
    full: dict[int, Tensor] = {}
    for a in needed & w.rest.keys():
        tensor, scale = w.rest[a]
        total = tensor * scale
        if a in w.parts:
            total = _accumulate(total, w.parts[a], w.q, w.factor)
        full[a] = total
    shared: dict[int, Tensor] = {}
    common: Tensor | None = None
    for k, first_a, first_b, m, c in program.adjoint:
        if first_b == 0:
            a = first_a
            if a in w.parts:
                common = (
                    space.product(g[k], w.parts[a]) if common is None else common.addcmul_(w.parts[a], g[k], value=c)
                )
            if a in w.rest:
                tensor, scale = w.rest[a]
                gz[0].addcmul_(tensor, g[k], value=c * scale)
            continue
        run = range(first_a, first_a + m)
        if m > 1 and w.stack is not None and full.keys().isdisjoint(run):
            if k not in shared:
                shared[k] = g[k] if w.q is None else space.product(g[k], w.q)
            rows = stack[first_b : first_b + m]
            rows.addcmul_(w.stack[first_a : first_a + m], shared[k], value=c * w.factor)
            continue
        for a, b in zip(run, range(first_b, first_b + m), strict=True):
            if a in full:
                gz[b].addcmul_(full[a], g[k], value=c)
            elif a in w.parts:
                if k not in shared:
                    shared[k] = g[k] if w.q is None else space.product(g[k], w.q)
                gz[b].addcmul_(w.parts[a], shared[k], value=c * w.factor)
    if common is not None:
        _accumulate(gz[0], common, w.q, w.factor)
    return stack


def _accumulate(total: Tensor, tensor: Tensor, q: Tensor | None, factor: float) -> Tensor:
    """total += factor · q · tensor, in place."""
    return total.add_(tensor, alpha=factor) if q is None else total.addcmul_(tensor, q, value=factor)


class LeibnizProduct(torch.autograd.Function):
    """Leibniz's rule on two stacks of equal feature shape; `terms` are places (k, a, b, c)."""

    @staticmethod
    def forward(ctx: Any, terms: Terms, entries: int, f: Tensor, g: Tensor, space: Workspace) -> Tensor:
        """The stack of f g."""
        ctx.terms, ctx.space = terms, space
        ctx.save_for_backward(f, g)
        out = space.stack(entries, f[0])
        written: set[int] = set()
        for k, a, b, c in terms:
            if k in written:
                out[k].addcmul_(f[a], g[b], value=c)
            else:
                torch.mul(f[a], g[b], out=out[k])
                if c != 1.0:
                    out[k].mul_(c)
                written.add(k)
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The adjoints of the products with g and with f."""
        f, g = ctx.saved_tensors
        left = right = None
        if ctx.needs_input_grad[2]:
            left = ctx.space.stack(f.shape[0], f[0]).zero_()
            for k, a, b, c in ctx.terms:
                left[a].addcmul_(g[b], grad[k], value=c)
        if ctx.needs_input_grad[3]:
            right = ctx.space.stack(g.shape[0], g[0]).zero_()
            for k, a, b, c in ctx.terms:
                right[b].addcmul_(f[a], grad[k], value=c)
        return None, None, left, right, None
