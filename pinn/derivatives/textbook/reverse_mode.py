"""Reverse mode by hand: each operation keeps its inputs on the way forward and applies its own rule on the way back.

For z = g(a, b) inside a longer computation with result f, the chain rule is

    ∂f/∂a = ∂f/∂z · ∂g/∂a,     ∂f/∂b = ∂f/∂z · ∂g/∂b,

so `backward` takes ∂f/∂z, called upstream, and returns one number an input (Griewank, Walther, Evaluating Derivatives,
2nd ed., SIAM 2008, sec. 3.2). It is the slow, visible twin of what autograd does, and works on numbers, arrays and
tensors. A variable that is used twice gets the sum of its contributions: adding them is the caller's, by hand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from pinn.derivatives.witnesses.elementary import cos, exp, log, sin


class Operation(ABC):
    """One node of a computation: `forward` gives its value, `backward` its share of the gradient."""

    def __init__(self) -> None:
        self._inputs: tuple[Any, ...] | None = None

    def forward(self, *inputs: Any) -> Any:
        """Value of the operation; its inputs (numbers, arrays or tensors) are kept for `backward`.

        Raises:
            ValueError: for another number of inputs than the operation has.
        """
        if len(inputs) != self.inputs:
            raise ValueError(f"{type(self).__name__}: got {len(inputs)} inputs, expected {self.inputs}")
        self._inputs = inputs
        return self._value(*inputs)

    def backward(self, upstream: Any = 1.0) -> tuple[Any, ...]:
        """Derivative of the result by each input, given the derivative `upstream` of the result by this value.

        Raises:
            ValueError: where `forward` has not run: there are no inputs to take the derivative at.
        """
        if self._inputs is None:
            raise ValueError(f"{type(self).__name__}: backward before forward; run forward, which keeps the inputs")
        return tuple(upstream * slope for slope in self._slopes(*self._inputs))

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Number of inputs."""

    @abstractmethod
    def _value(self, *inputs: Any) -> Any: ...

    @abstractmethod
    def _slopes(self, *inputs: Any) -> tuple[Any, ...]: ...


class Times(Operation):
    """z = x y, with ∂z/∂x = y and ∂z/∂y = x.

    Example:
        >>> times = Times()
        >>> times.forward(2.0, 3.0), times.backward()
        (6.0, (3.0, 2.0))
    """

    inputs = 2

    def _value(self, *inputs: Any) -> Any:
        x, y = inputs
        return x * y

    def _slopes(self, *inputs: Any) -> tuple[Any, ...]:
        x, y = inputs
        return y, x


class Add(Operation):
    """z = x + y, with ∂z/∂x = ∂z/∂y = 1."""

    inputs = 2

    def _value(self, *inputs: Any) -> Any:
        x, y = inputs
        return x + y

    def _slopes(self, *inputs: Any) -> tuple[Any, ...]:
        return 1.0, 1.0


class Divide(Operation):
    """z = x / y, with ∂z/∂x = 1/y and ∂z/∂y = −x/y²."""

    inputs = 2

    def _value(self, *inputs: Any) -> Any:
        x, y = inputs
        return x / y

    def _slopes(self, *inputs: Any) -> tuple[Any, ...]:
        x, y = inputs
        return 1 / y, -x / y**2


class Power(Operation):
    """z = xᵏ for a fixed exponent, with ∂z/∂x = k xᵏ⁻¹.

    Args:
        exponent: k, a number.
    """

    inputs = 1

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def _value(self, *inputs: Any) -> Any:
        return inputs[0] ** self.exponent

    def _slopes(self, *inputs: Any) -> tuple[Any, ...]:
        return (self.exponent * inputs[0] ** (self.exponent - 1),)


class Log(Operation):
    """z = ln x, with ∂z/∂x = 1/x."""

    inputs = 1

    def _value(self, *inputs: Any) -> Any:
        return log(inputs[0])

    def _slopes(self, *inputs: Any) -> tuple[Any, ...]:
        return (1 / inputs[0],)


class Exp(Operation):
    """z = eˣ, with ∂z/∂x = eˣ."""

    inputs = 1

    def _value(self, *inputs: Any) -> Any:
        return exp(inputs[0])

    def _slopes(self, *inputs: Any) -> tuple[Any, ...]:
        return (exp(inputs[0]),)


class Sin(Operation):
    """z = sin x, with ∂z/∂x = cos x."""

    inputs = 1

    def _value(self, *inputs: Any) -> Any:
        return sin(inputs[0])

    def _slopes(self, *inputs: Any) -> tuple[Any, ...]:
        return (cos(inputs[0]),)


def quadratic_log_by_hand(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """f = (x² + 2x) ln y and its two derivatives, each node and each step back written out.

    Args:
        x: number, array or tensor.
        y: the same, positive.

    Returns:
        f, ∂f/∂x, ∂f/∂y.

    Example:
        >>> [round(value, 6) for value in quadratic_log_by_hand(1.0, 2.0)]
        [2.079442, 2.772589, 1.5]
    """
    square, twice, add, logarithm, times = Times(), Times(), Add(), Log(), Times()
    polynomial = add.forward(square.forward(x, x), twice.forward(2.0, x))
    f = times.forward(polynomial, logarithm.forward(y))

    d_polynomial, d_logarithm = times.backward(1.0)
    (dy,) = logarithm.backward(d_logarithm)
    d_square, d_twice = add.backward(d_polynomial)
    first, second = square.backward(d_square)
    _, third = twice.backward(d_twice)
    # x entered three times: twice in x·x, once in 2x.
    return f, first + second + third, dy
