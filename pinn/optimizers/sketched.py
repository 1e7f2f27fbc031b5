"""Sketched Gauss-Newton in a trust region whose radius is chosen by trial (Webb, Jerad, Cartis, 2607.02194).

Rows and columns of J (N, p) are compressed to s by random matrices that nearly keep lengths,

    A = S J Ωᵀ (s, s),   b = S r,     z(λ) = −(AᵀA + λI)⁻¹Aᵀb,     θ ← θ + Ωᵀz

S is a CountSketch: every row is added with a random sign to `hashes` of the s buckets and divided by √hashes (Clarkson,
Woodruff, STOC 2013; Nelson, Nguyen, FOCS 2013). Ω gives the columns random signs and a random order, transforms them by
the orthonormal DCT-II and keeps s (a subsampled trigonometric transform; Halko, Martinsson, Tropp, SIAM Rev. 53, 2011,
sec. 4.6); it is orthonormal, so that |Ωᵀz| = |z|. One SVD A = U diag(σ) Vᵀ gives the step of every length: |z(λ)| falls
with λ, and the λ of a radius Δ is found by Newton's method on 1/|z| (Moré, Sorensen; Nocedal, Wright, alg. 4.3).

`probes` radii within a factor 3 of the last are tried by their true loss, the largest first, until the ratio of true
to promised decrease exceeds a target. The target is `ratio` while λ is still falling, and ½ once a line fitted to the
last 30 values of log λ rises. Where r is large and Jᵀr small, the noise of AᵀSr can hide ΩJᵀr, and no z(λ) descends:
then the same radii are tried with the true gradient, −(AᵀA + λI)⁻¹ΩJᵀr, which always descends (Pilanci, Wainwright,
JMLR 17, 2016, iterative Hessian sketch). Where that fails too, S and Ω are drawn again and the radius divided by 9, J
being the same; the method is done when the radius falls below `smallest`.

S and Ω are drawn anew each step. Takes many points (10⁴ and more); J is held once, and beside it the s p numbers of SJ
and some 7 s² of the SVD, whose time grows like s³.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn import linalg, validation
from pinn.least_squares import LeastSquares
from pinn.optimizers.damped_gauss_newton import Trials
from pinn.optimizers.optimizer import Optimizer, Step, StepEnding, StepTimer
from pinn.optimizers.system import Buffers, stationarity

_WINDOW = 30
_FACTOR = 3.0
_FEWEST = 50  # the smallest s: below it a sketch keeps no lengths and the SVD costs nothing
_START = 1e-2  # λ in units of tr(JᵀJ)/p whose step gives the first radius
_STRIPE = 512  # columns or rows of J compressed at a time
_EPS = torch.finfo(torch.float64).eps


class Sketched(Optimizer):
    """Sketched Gauss-Newton with adaptive ratio; see the module.

    Args:
        fraction: s/p.
        hashes: buckets that each row is added to.
        probes: radii tried at the most.
        ratio: target of the decrease ratio before λ has passed its minimum.
        smallest: radius at which the method is done; left out, 1e-8 in float64 and 1e-4 in float32.
        memory: bytes that the sketch and its SVD may take, beside J.
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
        memory: float = 2e9,
        seed: int = 0,
    ) -> None:
        validation.fraction("Sketched", one=True, fraction=fraction)
        validation.fraction("Sketched", ratio=ratio)
        validation.count("Sketched", 1, hashes=hashes)
        validation.count("Sketched", 2, probes=probes)
        if not memory > 0:
            raise ValueError(f"Sketched: got memory={memory!r}, expected a positive number of bytes; give memory > 0")
        self.fraction, self.hashes, self.probes, self.ratio = fraction, hashes, probes, ratio
        self.smallest, self.memory, self.seed = smallest, memory, seed
        self._radius = 0.0
        self._draws = 0
        self._past = False
        self._logs: list[float] = []
        self._buffers = Buffers()

    def reset(self, growth: float | None = None) -> None:
        """New points: λ may fall again."""
        self._past = False
        self._logs = []

    def flops(self, rows: int, parameters: int) -> float:
        """See `Optimizer.flops`."""
        return 50.0 * rows * parameters + 20.0 * self._size(parameters) ** 3  # the sketch, and the SVD

    def step(self, objective: LeastSquares) -> Step:
        """Take one step; see `Optimizer.step`.

        `info` holds damping (λ), radius (|step|), ratio, target, evaluations (of r), draws (sketches made), rank
        (singular values above rounding), condition and seconds/….

        Raises:
            ValueError: when the sketch does not fit into the memory allowed.
        """
        self._refuse_what_does_not_fit(objective.rows, objective.size)
        timer = StepTimer()
        with timer("rows"):
            residual, rows = self._buffers.linearize(objective)
            J = linalg.dense(rows)
            gradient, trace = (J.T @ residual).double(), float(J.norm()) ** 2
            residual = residual.double()
        loss = float(0.5 * residual.dot(residual))
        if ending := stationarity(residual, gradient, trace):
            return Step(loss, False, timer.seconds, ending)
        smallest = self.smallest or (1e-4 if objective.dtype == torch.float32 else 1e-8)
        trials = Trials(objective, loss, timer)
        info = {"target": 0.5 if self._past else self.ratio, "draws": 0.0}
        began, done = self._radius, False
        while not done:
            with timer("system"):
                sketch = self._sketch(residual, J, gradient)
            info |= {"draws": info["draws"] + 1, "rank": float(sketch.rank), "condition": sketch.condition}
            self._radius = self._radius or sketch.exact.length(_START * trace / objective.size)
            found = self._probe(sketch, trials, info["target"])
            if found is not None and found.radius >= smallest:
                # A full step says nothing of where the model ends to be true.
                self._radius = found.radius if found.damping > 0 else max(found.radius, self._radius)
                self._note_damping(max(found.damping, sketch.negligible_damping))
                info |= {"damping": found.damping, "radius": found.radius, "ratio": found.ratio}
                break
            self._radius /= _FACTOR**2
            done = self._radius < smallest
        if done:
            # New points do not want a radius that has been driven to nothing.
            self._radius = began
        accepted = trials.best < loss
        trials.settle(accepted)
        info |= {"evaluations": float(trials.evaluations), **timer.seconds}
        ending = StepEnding.NO_DESCENT if done else None
        return Step(trials.best, accepted, info, ending, f"the trust region is smaller than {smallest:.0e}")

    def _refuse_what_does_not_fit(self, rows: int, p: int) -> None:
        s = self._size(p)
        needed = 8 * (min(rows, s) * p + 7 * min(s, p) ** 2)
        if needed > self.memory:
            most = (math.sqrt(1 + 3.5 * self.memory / p**2) - 1) / 14
            raise ValueError(
                f"Sketched: {s} rows of {p} parameters and their SVD take {needed:.1e} bytes, more than memory="
                f"{self.memory:.1e}; take fraction={math.floor(1e4 * most) / 1e4:g} or less, allow more memory, or use "
                "MatrixFree()"
            )

    def _size(self, p: int) -> int:
        return max(_FEWEST, math.ceil(self.fraction * p))

    def _sketch(self, residual: Tensor, J: Tensor, gradient: Tensor) -> _Sketch:
        """A new S J Ωᵀ, and the steps that its SVD gives for S r and for Jᵀr."""
        self._draws += 1
        generator = torch.Generator().manual_seed(self.seed + self._draws)
        rows, p = J.shape
        s = self._size(p)
        columns = Columns(p, min(s, p), generator, J.device)
        b = residual
        if rows > s:
            S = count_sketch(rows, s, self.hashes, generator).to(J.device)
            b = S @ residual
            compressed, S = J.new_empty(s, p), S.to(J.dtype)
            for start in range(0, p, _STRIPE):
                # By stripes, for a sparse product would copy the whole of J first.
                compressed[:, start : start + _STRIPE] = S @ J[:, start : start + _STRIPE]
            J = compressed
        A = torch.cat([columns.forth(J[start : start + _STRIPE].double()) for start in range(0, len(J), _STRIPE)])
        U, sigma, Vt = torch.linalg.svd(A, full_matrices=False)
        rank = int((sigma > sigma[0] * _EPS * max(A.shape)).sum())
        sketched = _Path(sigma[:rank], (U.T @ b)[:rank])
        exact = _Path(sigma[:rank], (Vt @ columns.forth(gradient[None])[0] / sigma)[:rank])
        return _Sketch(columns, Vt[:rank], sketched, exact, sigma)

    def _probe(self, sketch: _Sketch, trials: Trials, target: float) -> _Found | None:
        """The step taken, which is at the best point of `trials`; None where nothing lowers the loss."""
        start, best = trials.best, None
        for path in (sketch.sketched, sketch.exact):
            longest = path.length(0.0)
            first, last = min(_FACTOR * self._radius, longest), min(self._radius, longest) / _FACTOR
            for k in range(self.probes if longest > 0 else 0):
                radius = first * (last / first) ** (k / (self.probes - 1))
                damping = path.damping(radius)
                z, promised = path.step(damping)
                d = sketch.step(z)
                before = trials.best
                value = trials.loss(d, trials.residual(d))
                found = _Found(damping, radius, (start - value) / promised if promised > 0 else 0.0)
                if value < before:
                    best = found
                if found.ratio > target:
                    # Taken even where a longer step with a worse ratio went lower: its λ is what the next step needs.
                    trials.best, trials.step = value, d
                    return found
        return best

    def _note_damping(self, damping: float) -> None:
        """Take note of λ, and whether it has passed its minimum: a line fitted to the last logarithms rises."""
        self._logs = [*self._logs[-_WINDOW + 1 :], math.log(damping)]
        if len(self._logs) == _WINDOW:
            middle = (_WINDOW - 1) / 2
            self._past = self._past or sum((k - middle) * y for k, y in enumerate(self._logs)) > 0


@dataclass(frozen=True)
class _Found:
    """A step: its λ, its length, and the ratio of true to promised decrease."""

    damping: float
    radius: float
    ratio: float


@dataclass(frozen=True, eq=False)
class _Sketch:
    """The compressed model A = U diag(σ) Vᵀ: its columns' sketch, V (rank, s), the two kinds of steps, all of σ."""

    columns: Columns
    Vt: Tensor
    sketched: _Path
    exact: _Path
    sigma: Tensor

    @property
    def rank(self) -> int:
        """Singular values above rounding."""
        return self.Vt.shape[0]

    @property
    def condition(self) -> float:
        """That of AᵀA, infinite where A is singular."""
        return float((self.sigma[0] / self.sigma[-1]).square()) if self.rank else math.inf

    @property
    def negligible_damping(self) -> float:
        """A λ too small to matter, which stands for zero in logarithms."""
        return float((self.sigma[0] * _EPS).square())

    def step(self, z: Tensor) -> Tensor:
        """The change of the parameters (p,) for coefficients z (rank,) of V."""
        return self.columns.back(self.Vt.T @ z)


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

    The buckets are dealt out to as many groups, one entry in each, so that no two entries of a column meet (the block
    form of Kane and Nelson, J. ACM 61, 2014); with fewer buckets than hashes, every bucket is a group.

    Example:
        >>> S = count_sketch(100, 10, 4, torch.Generator().manual_seed(0)).to_dense()
        >>> torch.allclose(S.square().sum(0), torch.ones(100, dtype=torch.float64))
        True
    """
    hashes = min(hashes, buckets)
    edges = torch.arange(hashes + 1) * buckets // hashes
    sizes = (edges[1:] - edges[:-1])[:, None]
    where = edges[:-1, None] + (torch.rand(hashes, rows, generator=generator, dtype=torch.float64) * sizes).long()
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
