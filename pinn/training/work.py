"""The work of a run in floating-point operations: counted from sizes, never timed, so that it is the same everywhere.

A network of p parameters and q neurons costs 2p operations a point for its products and, in the time of a product's
operation, about 100 for each neuron, since functions of single numbers are bound by memory. A residual carries about
four such entries, a value and three derivatives:

    outputs   n (2p + 100q)                  residual    4 n (2p + 100q) + 3·10⁷ a constraint
    gradient  3 residuals                    linearize   3 residuals + 60 N p, for writing J
    operator  3 residuals                    J v, Jᵀw    1 residual

The optimizer adds its dense algebra (`Optimizer.flops`), the product JᵀJ among it. The numbers are fitted to times of
four problems (Burgers, Poisson, Korteweg-de Vries, an oscillator; 400 to 8000 points, one thread of an Intel Xeon with
AVX-512, at 5·10¹⁰ operations a second) and within a factor of two of them, which is all that deciding how often to
evaluate needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor, nn

from pinn import memory
from pinn.linalg import Matrix
from pinn.linearization import Linearization
from pinn.model import Model
from pinn.objective import Objective
from pinn.optimizers import Optimizer

_ENTRIES = 4  # a value and three derivatives
_NEURON = 100.0  # operations in whose time one neuron's activation is made
_CALL = 3e7  # operations in whose time the residual of a constraint of few points is set up
_WRITE = 60.0  # operations in whose time an entry of J is written
# Of the time foreseen for a first step: dense algebra is faster than the residual that its pace is known from.
_FIRST = 0.25


def outputs_work(model: nn.Module, n: int) -> float:
    """Operations of a model's outputs at n points."""
    parameters = list(model.parameters())
    neurons = sum(parameter.shape[0] for parameter in parameters if parameter.ndim == 2)
    return n * (2 * sum(parameter.numel() for parameter in parameters) + _NEURON * neurons)


def residual_work(objective: Objective) -> float:
    """Operations of the residual rows of an objective."""
    model: Model = objective.model
    points = sum(block.points.n for block in objective.blocks) + sum(one.term.points.n for one in objective.terms)
    return _ENTRIES * outputs_work(model, points) + _CALL * (len(objective.blocks) + len(objective.terms))


def require_memory(optimizer: Optimizer, objective: Objective) -> None:
    """Refuse a stage whose steps cannot fit into the memory that is free.

    What an objective holds itself does not grow with the points, which it takes piece by piece. Measured beside what is
    foreseen, with Burgers' equation and 7851 parameters on 2358 rows: SSBroyden 0.99 GB (1.1 GB, 0.1 of them the
    objective's), Levenberg-Marquardt 0.19 GB (0.41 GB, 0.27 of them the objective's).

    Raises:
        ValueError: with what is needed, what there is, and what to change.
    """
    size, rows = objective.size, objective.rows
    needed = optimizer.memory_of_step(rows, size, objective.dtype.itemsize)
    free = memory.available(objective.device)
    if needed > free:
        raise ValueError(
            f"{type(optimizer).__name__}: a step with {rows} rows and {size} parameters takes about "
            f"{memory.in_words(needed)}, and {memory.in_words(free)} of memory are free; take a narrower network, "
            "fewer points, or a method that holds no matrix, such as MatrixFree() or LBFGS()"
        )


class Metered:
    """An objective that counts what an optimizer has it compute, and ends a step where the time is up.

    Args:
        objective: what computes.
        check_time: called before each answer, and after long ones; raises `OutOfTime` when there is no time left.

    Attributes:
        work: operations so far.
        linearization: operations of one J.
    """

    def __init__(self, objective: Objective, check_time: Callable[[], None]) -> None:
        self._check_time = check_time
        self.size, self.dtype, self.device = objective.size, objective.dtype, objective.device
        self.ask(objective)
        self.work = 0.0

    def ask(self, objective: Objective) -> None:
        """Have another objective with the same parameters compute from now on."""
        self._objective, self._residual = objective, residual_work(objective)
        self.linearization = 3 * self._residual + _WRITE * objective.rows * objective.size

    def spend(self, operations: float) -> None:
        """Count so many operations, if there is time for them."""
        self._check_time()
        self.work += operations

    @property
    def rows(self) -> int:
        """Number N of rows."""
        return self._objective.rows

    @property
    def squares(self) -> bool:
        """See `LeastSquares.squares`."""
        return self._objective.squares

    def vector(self) -> Tensor:
        """See `LeastSquares.vector`."""
        return self._objective.vector()

    def assign(self, theta: Tensor) -> None:
        """See `LeastSquares.assign`."""
        self._objective.assign(theta)

    def parameters(self) -> Sequence[nn.Parameter]:
        """See `LeastSquares.parameters`."""
        return self._objective.parameters()

    def residual(self) -> Tensor:
        """See `LeastSquares.residual`."""
        self.spend(self._residual)
        return self._objective.residual()

    def loss(self) -> Tensor:
        """See `LeastSquares.loss`."""
        self.spend(self._residual)
        return self._objective.loss()

    def differentiable_loss(self) -> Tensor:
        """See `LeastSquares.differentiable_loss`; what comes after is counted here too."""
        self.spend(3 * self._residual)
        return self._objective.differentiable_loss()

    def gradient(self) -> tuple[Tensor, Tensor]:
        """See `LeastSquares.gradient`."""
        self.spend(3 * self._residual)
        return self._objective.gradient()

    def linearize(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `LeastSquares.linearize`."""
        self.spend(self.linearization)
        answer = self._objective.linearize(out)
        self._check_time()  # what the optimizer makes of J may take long again
        return answer

    def held(self, out: Matrix | None = None) -> tuple[Tensor, Matrix]:
        """See `LeastSquares.held`."""
        self.spend(self.linearization)
        answer = self._objective.held(out)
        self._check_time()
        return answer

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """See `LeastSquares.normal_equations`; the product JᵀJ is counted in the optimizer's algebra."""
        self.spend(self.linearization)
        answer = self._objective.normal_equations()
        self._check_time()
        return answer

    def operator(self) -> Linearization:
        """See `LeastSquares.operator`."""
        self.spend(3 * self._residual)
        return _Products(self._objective.operator(), self._residual, self.spend)

    def pieces(self) -> Iterator[tuple[slice, Linearization]]:
        """See `LeastSquares.pieces`."""
        rows = max(self.rows, 1)
        for where, piece in self._objective.pieces():
            part = self._residual * (where.stop - where.start) / rows
            self.spend(3 * part)
            yield where, _Products(piece, part, self.spend)
            del piece  # before the next one is made


class _Products:
    """Products with J that are counted."""

    def __init__(self, inner: Linearization, cost: float, spend: Callable[[float], None]) -> None:
        self._inner, self._cost, self._spend = inner, cost, spend

    @property
    def residual(self) -> Tensor:
        """Rows r (N,)."""
        return self._inner.residual

    def jvp(self, v: Tensor) -> Tensor:
        """J v (N,)."""
        self._spend(self._cost)
        return self._inner.jvp(v)

    def vjp(self, w: Tensor) -> Tensor:
        """Jᵀ w (p,)."""
        self._spend(self._cost)
        return self._inner.vjp(w)


class Pace:
    """How long the next step will take: in proportion to its counted work, as long as the last three did."""

    def __init__(self) -> None:
        self._before: float = 0.0
        self._last: list[tuple[float, float]] = []

    def begin(self, seconds: float, work: float) -> None:
        """Evaluating the loss before the first step has taken so long for so many operations."""
        self._before = seconds / max(work, 1.0)

    def measure(self, objective: Objective, clock: Callable[[], float]) -> None:
        """`begin` with the loss of an objective, evaluated now."""
        began = clock()
        float(objective.loss())
        self.begin(clock() - began, residual_work(objective))

    def note(self, seconds: float, work: float, linearization: float, algebra: float) -> None:
        """A step has taken so long.

        Args:
            seconds: of the step.
            work: operations of the objective in it.
            linearization: operations of one J, in whose units the work of the next step is predicted.
            algebra: operations of the optimizer in it.
        """
        self._last = [*self._last[-2:], (seconds / max(work + algebra, 1.0), work / linearization)]

    def expected(self, linearization: float, algebra: float) -> float:
        """Seconds of the next step; zero where nothing is known yet.

        Args:
            linearization: operations of one J now.
            algebra: operations of the optimizer in a step now.
        """
        if not self._last:
            return _FIRST * self._before * (linearization + algebra)
        known = [pace * (multiple * linearization + algebra) for pace, multiple in self._last]
        return sum(known) / len(known)
