"""Some entries of φ(z), and φ(z) of what varies alike at every point: a network's last and its first activation.

    y_k = φ₁ z_k + Σ_m φ_m (δᵐ)_k,       ḡ_z[b] = Σ c[k][a][b] w_a ḡ_k over those k alone,
    w₀ = φ₁,   w_a = 2 φ₂ z_a + Σ_m (m + 1) φ_{m+1} (δᵐ)_a   for a ≥ 1

Of a Laplacian in ten dimensions the output wants one number in twelve, and the gradients of the other eleven are zero.
Before the first activation δ is the same at every point, so that its gradient is made of the sums Σ φ_m ḡ_k over the
points, and that of the value of Σ_k (δᵐ)_k ḡ_k: two passes over ḡ, and none of its size is written.

The coefficients φ_m and the powers of δ are saved for the backward pass; in
`pinn.derivatives.jets.kernels.compose`, which makes every entry, they are recomputed from the entries themselves. Where
φ' = p₀ + p₁ φ + p₂ φ² and the basis is of second order, so that φ₂ = σ φ₁ with σ = p₁/2 + p₂ y₀, no coefficient is made
at all:

    y_k = φ₁ t_k,   t_k = z_k + σ q_k,   q = δ²,     h_k = φ₁ ḡ_k:
    ḡ_z[0] = Σ 2σ h_k t_k + p₂ φ₁ h_k q_k,   ḡ_z[k] = h_k,   ḡ_z[b] += 2σ h_k c[k][a][b] z_a

Source: `pinn.derivatives.jets.algebra` for the programs, `pinn.derivatives.jets.taylor` for the coefficients.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from pinn.derivatives.jets.algebra import PartialComposition
from pinn.derivatives.jets.kernels.compose import apart, first_order, is_constant, powers_of
from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.jets.taylor import SmoothFunction

Powers = dict[int, list[tuple[int, Tensor, float]]]
"""key -> (m, tensor, factor) of (δᵐ)_key."""

Gradients = tuple[Tensor, Tensor, Tensor | None]
"""ḡ of the value and of the tail of z, and of the stack where they lie in one."""


class Made(NamedTuple):
    """Some entries, and what serves the way back: tensors, and what says which they are."""

    entries: Tensor
    kept: list[Tensor]
    notes: list[Any]


def partly_composed(
    function: SmoothFunction, program: PartialComposition, value: Tensor, tail: Tensor | None, space: Workspace
) -> Tensor:
    """Some entries of φ(z) for a stack z (tail is None), or for a value and a tail."""
    if torch.is_grad_enabled() and (value.requires_grad or (tail is not None and tail.requires_grad)):
        found: Tensor = ComposePart.apply(function, program, value, tail, space)
        return found
    return _made(function, program, *apart(value, tail), 0, space).entries


def _made(
    function: SmoothFunction, program: PartialComposition, z0: Tensor, tail: Tensor, further: int, space: Workspace
) -> Made:
    if _is_polynomial(function, program) and not is_constant(z0, tail):
        return _by_polynomial(function, program, z0, tail, space)
    return _by_coefficients(function, program, z0, tail, further, space)


def _is_polynomial(function: SmoothFunction, program: PartialComposition) -> bool:
    """Whether φ₂ = σ φ₁ is all that is needed of φ."""
    second = len(program.powers) <= 1 and program.entries != (0,)
    return second and function.pullback is not None and function.riccati is not None and function.riccati[2] != 0.0


class ComposePart(torch.autograd.Function):
    """Some entries of φ(z) for a stack z (tail is None), or for a value and a tail."""

    @staticmethod
    def forward(
        ctx: Any,
        function: SmoothFunction,
        program: PartialComposition,
        value: Tensor,
        tail: Tensor | None,
        space: Workspace,
    ) -> Tensor:
        """The entries of φ(z), (len(entries), n, …)."""
        made = _made(function, program, *apart(value, tail), 1, space)
        ctx.function, ctx.program, ctx.space, ctx.notes, ctx.split = (
            function,
            program,
            space,
            made.notes,
            tail is not None,
        )
        ctx.constant = is_constant(value, tail)
        ctx.save_for_backward(value if tail is None else tail, *made.kept)
        return made.entries

    @staticmethod
    @first_order
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        """The adjoint of the product with φ'(z), for the entries that were made."""
        held, *kept = ctx.saved_tensors
        tail, program, space = held if ctx.split else held[1:], ctx.program, ctx.space
        if ctx.constant:
            gz0, gt, gz = _constant_adjoint(program, g, tail, *_coefficients(kept, ctx.notes), space)
        elif _is_polynomial(ctx.function, program):
            gz0, gt, gz = _polynomial_adjoint(ctx.function, program, g, tail, kept, ctx.notes, space)
        else:
            gz0, gt, gz = _adjoint(program, g, tail, *_coefficients(kept, ctx.notes), space)
        return (None, None, gz0, gt, None) if ctx.split else (None, None, gz, None, None)


class _Sums:
    """A stack that sums are collected in; what nothing was added to yet is not read."""

    def __init__(self, space: Workspace, entries: int, value: Tensor) -> None:
        self.stack = space.stack(entries, value)
        self._entries = self.stack.unbind(0)
        self._unwritten = set(range(entries))

    def claim(self, b: int) -> Tensor:
        """Entry b, for the caller to write or, where it was written, to add to."""
        self._unwritten.discard(b)
        return self._entries[b]

    def add(self, b: int, left: Tensor, right: Tensor, c: float) -> None:
        """Entry b += c · left · right."""
        if b not in self._unwritten:
            self._entries[b].addcmul_(left, right, value=c)
            return
        torch.mul(left, right, out=self._entries[b])
        if c != 1.0:
            self._entries[b].mul_(c)
        self._unwritten.discard(b)

    def add_run(self, b: int, rows: Tensor, factor: Tensor, c: float) -> None:
        """Entries b, b + 1, … += c · factor · rows."""
        run = range(b, b + rows.shape[0])
        if self._unwritten.isdisjoint(run):
            self.stack[b : run.stop].addcmul_(rows, factor, value=c)
        elif self._unwritten.issuperset(run):
            torch.mul(rows, factor if c == 1.0 else factor * c, out=self.stack[b : run.stop])
            self._unwritten.difference_update(run)
        else:
            for place, row in zip(run, rows.unbind(0), strict=True):
                self.add(place, row, factor, c)

    def finished(self) -> Gradients:
        """The value's, the tail's, and the stack of both; zero where nothing was added."""
        for b in self._unwritten:
            self._entries[b].zero_()
        return self._entries[0], self.stack[1:], self.stack


# -- by coefficients -----------------------------------------------------------------------------------------------


def _by_coefficients(
    function: SmoothFunction, program: PartialComposition, z0: Tensor, tail: Tensor, further: int, space: Workspace
) -> Made:
    """The entries; kept are the powers of δ, and φ₁ … to `further` orders more than the entries need."""
    y = space.stack(len(program.entries), z0)
    valued = program.entries[0] == 0
    y0 = y[0] if valued else space.like(z0)
    extra = function.value(z0, y0, space)
    order = (1 + len(program.powers) if program.entries != (0,) else 0) + further
    slopes = function.taylor(z0, y0, extra, order, space) if order else []
    powers = powers_of(program.powers, program.keys, tail, space)
    written = {0} if valued else set()
    for k, a, m in program.linear:
        torch.mul(tail[a - 1 : a - 1 + m], slopes[0], out=y[k : k + m])
        written.update(range(k, k + m))
    for k, m in program.higher:
        total, scale = powers[m - 2][program.entries[k]]
        if k in written:
            y[k].addcmul_(slopes[m - 1], total, value=scale)
        else:
            torch.mul(slopes[m - 1], total, out=y[k])
            if scale != 1.0:
                y[k].mul_(scale)
            written.add(k)
    # A coefficient that is the value itself, as of exp, is kept apart from the result.
    slopes = [space.product(y0, 1.0) if slope is y0 else slope for slope in slopes]
    totals = [total for power in powers for total, _ in power.values()]
    notes = [(m, key, scale) for m, power in enumerate(powers, 2) for key, (_, scale) in power.items()]
    return Made(y, totals + slopes, notes)


def _coefficients(kept: list[Tensor], notes: list[tuple[int, int, float]]) -> tuple[list[Tensor], Powers]:
    """φ₁, φ₂, … and the powers of δ, of what was kept."""
    powers: Powers = {}
    for (m, key, scale), total in zip(notes, kept[: len(notes)], strict=True):
        powers.setdefault(key, []).append((m, total, scale))
    return kept[len(notes) :], powers


def _adjoint(
    program: PartialComposition, gradient: Tensor, tail: Tensor, slopes: list[Tensor], powers: Powers, space: Workspace
) -> Gradients:
    """ḡ_z of the value, (n, …), and of the tail, (K', n, …)."""
    g = gradient.unbind(0)
    sums = _Sums(space, 1 + tail.shape[0], g[0])
    if program.entries[0] == 0:
        sums.add(0, g[0], slopes[0], 1.0)
    common: Tensor | None = None
    for k, a, m in program.linear:
        sums.add_run(a, gradient[k : k + m], slopes[0], 1.0)
        for left, right in zip(g[k : k + m], tail[a - 1 : a - 1 + m].unbind(0), strict=True):
            common = space.product(left, right) if common is None else common.addcmul_(left, right)
    bent: dict[int, tuple[Tensor, float]] = {}
    for k, key, b, c in program.bent:
        if key not in bent:
            (m, total, scale), *others = powers[key]
            found, factor = space.product(slopes[m], total), (m + 1) * scale
            for m, total, scale in others:
                found.addcmul_(slopes[m], total, value=(m + 1) * scale / factor)
            bent[key] = found, factor
        found, factor = bent[key]
        sums.add(b, found, g[k], c * factor)
    if common is not None:
        sums.add(0, common, slopes[1], 2.0)
    shared: dict[int, Tensor] = {}
    for k, a, b, m, c in program.straight:
        if k not in shared:
            shared[k] = space.product(g[k], slopes[1])
        sums.add_run(b, tail[a - 1 : a - 1 + m], shared[k], 2.0 * c)
    return sums.finished()


def _constant_adjoint(
    program: PartialComposition, g: Tensor, tail: Tensor, slopes: list[Tensor], powers: Powers, space: Workspace
) -> Gradients:
    """ḡ_z of the value, (n, …), and of a tail that is the same at every point, (K', 1, …)."""
    gt = torch.zeros_like(tail)
    gz = space.like(g[0])
    if program.entries[0] == 0:
        torch.mul(g[0], slopes[0], out=gz)
    else:
        gz.zero_()
    for k, a, m in program.linear:
        gt[a - 1 : a - 1 + m] += _over_points(g[k : k + m], slopes[0])
        gz.addcmul_(_over_entries(g[k : k + m], tail[a - 1 : a - 1 + m]), slopes[1], value=2.0)
    sums: dict[tuple[int, int], Tensor] = {}

    def over_points(k: int, order: int) -> Tensor:
        if (k, order) not in sums:
            sums[k, order] = _over_points(g[k : k + 1], slopes[order - 1])
        return sums[k, order]

    for k, a, b, m, c in program.straight:
        gt[b - 1 : b - 1 + m].addcmul_(tail[a - 1 : a - 1 + m], over_points(k, 2), value=2.0 * c)
    for k, key, b, c in program.bent:
        for m, total, scale in powers[key]:
            if b:
                gt[b - 1].addcmul_(total, over_points(k, m + 1)[0], value=c * (m + 1) * scale)
            else:
                gz.addcmul_(g[k] * total, slopes[m], value=c * (m + 1) * scale)
    return gz, gt, None


def _over_points(g: Tensor, factor: Tensor) -> Tensor:
    """Σ over the points of g (m, n, …) times a factor (n, …): (m, 1, …)."""
    if g.ndim == 3 and g.shape[0] > 1:
        # The order of the factors decides which kernel is taken, and ten times the time.
        return torch.bmm(factor.T.unsqueeze(1), g.permute(2, 1, 0)).permute(2, 1, 0)
    return (g * factor).sum(1, keepdim=True)


def _over_entries(g: Tensor, constants: Tensor) -> Tensor:
    """Σ over the entries of g (m, n, …) times constants (m, 1, …): (n, …)."""
    if g.ndim == 3:
        return torch.bmm(constants.permute(2, 1, 0).contiguous(), g.permute(2, 0, 1)).squeeze(1).T
    return (g * constants).sum(0)


# -- where the slope is a polynomial in the value --------------------------------------------------------------------


def _by_polynomial(
    function: SmoothFunction, program: PartialComposition, z0: Tensor, tail: Tensor, space: Workspace
) -> Made:
    """The entries for a basis of second order; kept are y₀, and q_k and t_k of each k that has them."""
    assert function.pullback is not None and function.riccati is not None
    _, p1, p2 = function.riccati
    y = space.stack(len(program.entries), z0)
    y0 = space.like(z0)
    function.value(z0, y0, space)
    if program.entries[0] == 0:
        y[0].copy_(y0)
    powers = powers_of(program.powers, program.keys, tail, space)
    z = {k + i: tail[a - 1 + i] for k, a, m in program.linear for i in range(m)}
    kept, notes = [y0], []
    for k, _ in program.higher:
        q, scale = powers[0][program.entries[k]]
        t = torch.addcmul(z.get(k, space.numbers((0.0,), z0)), q, y0, value=p2 * scale, out=space.like(z0))
        if p1:
            t.add_(q, alpha=0.5 * p1 * scale)
        z[k] = t
        kept += [q, t]
        notes.append((k, scale))
    for k, t in z.items():
        function.pullback(t, y0, y[k])
    return Made(y, kept, notes)


def _polynomial_adjoint(
    function: SmoothFunction,
    program: PartialComposition,
    g: Tensor,
    tail: Tensor,
    kept: list[Tensor],
    notes: list[tuple[int, float]],
    space: Workspace,
) -> Gradients:
    """ḡ_z of the value, (n, …), and of the tail, (K', n, …)."""
    assert function.pullback is not None and function.riccati is not None
    _, p1, p2 = function.riccati
    y0, *pairs = kept
    sigma, factor = (y0, p2) if p1 == 0.0 else (torch.add(y0 * p2, 0.5 * p1), 1.0)
    sums = _Sums(space, 1 + tail.shape[0], y0)
    if program.entries[0] == 0:
        function.pullback(g[0], y0, sums.claim(0))
    place = {k + i: a + i for k, a, m in program.linear for i in range(m)}
    h = {k: function.pullback(g[k], y0, sums.claim(a)) for k, a in place.items()}
    for k in place.keys() - {k for k, _ in notes}:
        sums.add(0, space.product(h[k], tail[place[k] - 1]), sigma, 2.0 * factor)
    for (k, scale), q, t in zip(notes, pairs[::2], pairs[1::2], strict=True):
        if k not in h:
            h[k] = function.pullback(g[k], y0, space.like(y0))
        shared = space.product(h[k], sigma)
        sums.add(0, shared, t, 2.0 * factor)
        curved = space.product(h[k], q)
        sums.claim(0).add_(function.pullback(curved, y0, curved), alpha=p2 * scale)
        for j, a, b, m, c in program.straight:
            if j == k:
                sums.add_run(b, tail[a - 1 : a - 1 + m], shared, 2.0 * factor * c)
    return sums.finished()
