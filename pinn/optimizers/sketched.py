"""Sketched Gauss-Newton in a trust region whose radius is chosen by trial (Webb, Jerad, Cartis, 2607.02194).

Rows and columns of J (N, p) are compressed to s by random matrices that nearly keep lengths,

    A = S J Ωᵀ (s, s),   b = S r,     z(λ) = −(AᵀA + λI)⁻¹Aᵀb,     θ ← θ + Ωᵀz

S is a CountSketch: every row is added with a random sign to `hashes` of the s buckets and divided by √hashes (Clarkson,
Woodruff, STOC 2013; Nelson, Nguyen, FOCS 2013). Ω gives the columns random signs and a random order, transforms them by
the orthonormal DCT-II and keeps s (a subsampled trigonometric transform; Halko, Martinsson, Tropp, SIAM Rev. 53, 2011,
sec. 4.6); it is orthonormal, so that |Ωᵀz| = |z|. One SVD A = U diag(σ) Vᵀ gives the step of every length: |z(λ)| falls
with λ, and the λ of a radius Δ is found by Newton's method on 1/|z| (Moré, Sorensen; Nocedal, Wright, alg. 4.3).

`probes` radii within a factor 3 of the last are tried by their true loss, the largest first, until the ratio of true
to promised decrease exceeds a target. The ratio adapts: it is `ratio` while λ is still falling, and ½ once a line
fitted to the last 30 values of log λ rises. The method is done when the radius falls below `smallest`.

S and Ω are drawn anew each step. Takes many points (10⁴ and more); J is held once.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pinn.optimizers.base import LeastSquares, Optimizer, Step
from pinn.optimizers.damped import Clock, Trials
from pinn.optimizers.system import Buffers

_WINDOW = 30
_FACTOR = 3.0


class Sketched(Optimizer):
    """Sketched Gauss-Newton with adaptive ratio; see the module.

    Args:
        fraction: s/p.
        hashes: buckets that each row is added to.
        probes: radii tried at the most.
        ratio: target of the decrease ratio before λ has passed its minimum.
        smallest: radius at which the method is done; left out, 1e-8 in float64 and 1e-4 in float32.
        seed: of the sketches.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> Sketched(fraction=0.5).redraws
        True
    """

    _state = ("_radius", "_draws", "_past", "_logs")

    def __init__(
        self,
        fraction: float = 0.4,
        *,
        hashes: int = 4,
        probes: int = 24,
        ratio: float = 0.1,
        smallest: float | None = None,
        seed: int = 0,
    ) -> None:
        if not (0 < fraction <= 1 and hashes >= 1 and probes >= 2 and 0 < ratio < 1):
            raise ValueError(
                f"Sketched: fraction={fraction}, hashes={hashes}, probes={probes}, ratio={ratio}; expected fraction in "
                "(0, 1], hashes ≥ 1, probes ≥ 2 and ratio in (0, 1)"
            )
        self.fraction, self.hashes, self.probes, self.ratio = fraction, hashes, probes, ratio
        self.smallest, self.seed = smallest, seed
        self._radius = 0.0
        self._draws = 0
        self._past = False
        self._logs: list[float] = []
        self._buffers = Buffers()

    def reset(self, growth: float | None = None) -> None:
        """New points: λ may fall again."""
        self._past = False
        self._logs = []

    def step(self, objective: LeastSquares) -> Step:
        """Take one step; see `Optimizer.step`.

        `info` holds damping (λ), radius (|step|), ratio, target, evaluations (of r), rank (singular values above
        rounding), condition and seconds/….
        """
        clock = Clock()
        with clock("rows"):
            residual, J = self._buffers.linearize(objective)
            residual = residual.double()
        loss = float(0.5 * residual.dot(residual))
        if not math.isfinite(loss) or not bool(torch.isfinite(J).all()):
            return Step(loss, False, clock.seconds, True, "the residual or its derivative is not finite")
        with clock("system"):
            sketch, A, b = self._compress(residual, J)
            U, sigma, Vt = torch.linalg.svd(A, full_matrices=False)
            c = U.T @ b
        floor = sigma[0] * torch.finfo(torch.float64).eps * max(A.shape)
        rank = int((sigma > floor).sum())
        if rank == 0:
            return Step(loss, False, clock.seconds, True, "the derivative is zero")
        path = _Path(sigma[:rank], c[:rank])
        longest = path.length(0.0)
        if longest == 0.0:
            return Step(loss, False, clock.seconds, True, "the gradient is zero")
        trials = Trials(objective, loss, clock)
        target = 0.5 if self._past else self.ratio
        self._radius = min(self._radius, longest) if self._radius > 0 else longest
        found = self._probe(path, trials, lambda z: sketch.back(Vt[:rank].T @ z), target)
        accepted = found is not None
        trials.settle(accepted)
        info = {"target": target, "evaluations": float(trials.evaluations), "rank": float(rank)}
        info |= {"condition": float(sigma[0] / sigma[-1].clamp(min=1e-300)) ** 2}
        if found is None:
            self._radius /= _FACTOR**2
        else:
            damping, self._radius, ratio = found
            self._watch(damping)
            info |= {"damping": damping, "radius": self._radius, "ratio": ratio}
        smallest = self.smallest or (1e-4 if objective.dtype == torch.float32 else 1e-8)
        done = self._radius < smallest
        reason = f"the trust region is smaller than {smallest:.0e}" if done else ""
        return Step(trials.best if accepted else loss, accepted, {**info, **clock.seconds}, done, reason)

    def _compress(self, residual: Tensor, J: Tensor) -> tuple[Columns, Tensor, Tensor]:
        """The column sketch, A (s, s') and b (s,)."""
        self._draws += 1
        generator = torch.Generator().manual_seed(self.seed + self._draws)
        rows, p = J.shape
        s = max(1, math.ceil(self.fraction * p))
        if rows > s:
            S = count_sketch(rows, s, self.hashes, generator).to(J.device)
            A, b = (S.to(J.dtype) @ J).double(), S @ residual
        else:
            A, b = J.double(), residual
        columns = Columns(p, min(s, p), generator, J.device)
        return columns, columns.forth(A), b

    def _probe(
        self, path: _Path, trials: Trials, back: Callable[[Tensor], Tensor], target: float
    ) -> tuple[float, float, float] | None:
        """λ, radius and ratio of the step taken; None where nothing lowers the loss."""
        first, last = min(_FACTOR * self._radius, path.length(0.0)), self._radius / _FACTOR
        start, best = trials.best, None
        for k in range(self.probes):
            radius = first * (last / first) ** (k / (self.probes - 1))
            damping = path.damping(radius)
            z, promised = path.step(damping)
            d = back(z)
            before = trials.best
            value = trials.loss(d, trials.residual(d))
            ratio = (start - value) / promised if promised > 0 else 0.0
            if value < before:
                best = (damping, radius, ratio)
            if ratio > target:
                # Taken even where a longer step with a worse ratio went lower: its λ is what the next step needs.
                trials.best, trials.step = value, d
                return damping, radius, ratio
        return best

    def _watch(self, damping: float) -> None:
        """Whether λ has passed its minimum: a line fitted to the last logarithms rises."""
        self._logs = [*self._logs[-_WINDOW + 1 :], math.log(max(damping, 1e-300))]
        if len(self._logs) == _WINDOW:
            middle = (_WINDOW - 1) / 2
            self._past = self._past or sum((k - middle) * y for k, y in enumerate(self._logs)) > 0


class _Path:
    """The steps z(λ) in the basis V of the SVD: z_i = −σ_i c_i / (σ_i² + λ)."""

    def __init__(self, sigma: Tensor, c: Tensor) -> None:
        self.sigma, self.c = sigma, c

    def step(self, damping: float) -> tuple[Tensor, float]:
        """z (k,) and the decrease that the sketched model promises for it."""
        z = -self.sigma * self.c / (self.sigma.square() + damping)
        image = self.sigma * z
        return z, -float(image.dot(self.c + 0.5 * image))

    def length(self, damping: float) -> float:
        """|z(λ)|."""
        return float(self.step(damping)[0].norm())

    def damping(self, radius: float) -> float:
        """The λ ≥ 0 with |z(λ)| = radius; zero where the full step is shorter."""
        if self.length(0.0) <= radius:
            return 0.0
        g = self.sigma * self.c
        squares = self.sigma.square()
        # Newton on φ(λ) = 1/Δ − 1/|z(λ)|, concave and increasing in λ: from the left it converges without safeguards.
        damping = 0.0
        for _ in range(60):
            z = g / (squares + damping)
            size = float(z.norm())
            slope = float((z.square() / (squares + damping)).sum())
            change = (size - radius) / radius * size * size / slope
            damping += change
            if abs(change) <= 1e-10 * damping:
                break
        return max(damping, 0.0)


def count_sketch(rows: int, buckets: int, hashes: int, generator: torch.Generator) -> Tensor:
    """A sparse S (buckets, rows): in each column `hashes` entries ±1/√hashes, E[SᵀS] = I.

    Example:
        >>> S = count_sketch(100, 10, 4, torch.Generator().manual_seed(0)).to_dense()
        >>> round(float(S.square().sum()), 9) <= 4 * 100
        True
    """
    where = torch.randint(buckets, (hashes, rows), generator=generator)
    sign = torch.randint(0, 2, (hashes, rows), generator=generator).double().mul_(2).sub_(1) / math.sqrt(hashes)
    index = torch.stack([where.reshape(-1), torch.arange(rows).repeat(hashes)])
    return torch.sparse_coo_tensor(index, sign.reshape(-1), (buckets, rows), check_invariants=False).coalesce()


class Columns:
    """Ω (s, p) with orthonormal rows: signs, a permutation, the DCT-II, s of its p entries.

    Args:
        size: p.
        kept: s.
        generator: draws signs, order and entries.
        device: of the matrices.
    """

    def __init__(self, size: int, kept: int, generator: torch.Generator, device: torch.device) -> None:
        self.size, self.trivial = size, kept == size
        self.signs = torch.randint(0, 2, (size,), generator=generator).double().mul_(2).sub_(1).to(device)
        self.order = torch.randperm(size, generator=generator).to(device)
        self.kept = torch.randperm(size, generator=generator)[:kept].to(device)

    def forth(self, A: Tensor) -> Tensor:
        """A Ωᵀ (m, s) for A (m, p)."""
        return A if self.trivial else dct((A * self.signs)[:, self.order])[:, self.kept]

    def back(self, z: Tensor) -> Tensor:
        """Ωᵀ z (p,) for z (s,)."""
        if self.trivial:
            return z
        full = z.new_zeros(self.size)
        full[self.kept] = z
        mixed = inverse_dct(full)
        out = torch.empty_like(mixed)
        out[self.order] = mixed
        return out * self.signs


def dct(x: Tensor) -> Tensor:
    """Orthonormal DCT-II along the last axis, X_k = c_k Σ_n x_n cos(π(2n+1)k/2N), by one FFT (Makhoul 1980).

    Example:
        >>> [round(v, 9) for v in dct(torch.ones(4, dtype=torch.float64)).tolist()]
        [2.0, 0.0, 0.0, 0.0]
    """
    n = x.shape[-1]
    folded = torch.cat([x[..., ::2], x[..., 1::2].flip(-1)], -1)
    turn, scale = _twiddle(n, x)
    return (torch.fft.fft(folded) * turn.conj()).real * scale


def inverse_dct(X: Tensor) -> Tensor:
    """Inverse (and transpose) of `dct`.

    Example:
        >>> x = torch.tensor([1.0, -2.0, 5.0], dtype=torch.float64)
        >>> [round(v, 9) for v in inverse_dct(dct(x)).tolist()]
        [1.0, -2.0, 5.0]
    """
    n = X.shape[-1]
    turn, scale = _twiddle(n, X)
    C = X / scale
    mirrored = torch.cat([torch.zeros_like(C[..., :1]), C[..., 1:].flip(-1)], -1)
    folded = torch.fft.ifft(torch.complex(C, -mirrored) * turn).real
    half = (n + 1) // 2
    out = torch.empty_like(X)
    out[..., ::2], out[..., 1::2] = folded[..., :half], folded[..., half:].flip(-1)
    return out


def _twiddle(n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    angle = torch.arange(n, dtype=like.dtype, device=like.device) * (math.pi / (2 * n))
    scale = torch.full_like(angle, math.sqrt(2 / n))
    scale[0] = math.sqrt(1 / n)
    return torch.polar(torch.ones_like(angle), angle), scale
