"""Elementary functions that follow their argument: numbers, complex numbers, NumPy arrays, tensors, jets, symbols.

`log(2.0)` is the standard library's, `log(array)` NumPy's, `log(tensor)` torch's, and anything that implements
`__torch_function__` (a jet, a symbolic expression) takes torch's route. One text of a formula then serves every way
of differentiating it.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

# NumPy says arcsin where torch and math say asin.
_NUMPY_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "asin": "arcsin",
        "acos": "arccos",
        "atan": "arctan",
        "asinh": "arcsinh",
        "acosh": "arccosh",
        "atanh": "arctanh",
    }
)


@dataclass(frozen=True)
class Elementary:
    """The function of one variable called `name` in torch, applied by whichever library its argument belongs to.

    Args:
        name: torch's name of the function, such as "sin".

    Example:
        >>> Elementary("sqrt")(4.0)
        2.0
    """

    name: str

    def __call__(self, x: Any) -> Any:
        """The function's value at x, of x's own kind and shape."""
        if isinstance(x, np.generic | np.ndarray):
            if self.name == "erf":
                from scipy.special import erf  # the only one that NumPy lacks

                return erf(x)
            return getattr(np, _NUMPY_NAMES.get(self.name, self.name))(x)
        if isinstance(x, complex):
            return getattr(cmath, self.name)(x)
        if isinstance(x, int | float):
            return getattr(math, self.name)(x)
        return getattr(torch, self.name)(x)


sin = Elementary("sin")
cos = Elementary("cos")
exp = Elementary("exp")
log = Elementary("log")
sqrt = Elementary("sqrt")
tanh = Elementary("tanh")
