"""The table of torch functions that jets know: function -> rule. What is not here has no rule.

Functions made of others (layer normalisation, softmax, gelu by tanh) are written with jets themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pinn.derivatives.jets import arithmetic, features, taylor
from pinn.derivatives.jets.arithmetic import compare, compose
from pinn.derivatives.jets.jet import Jet, MissingRule, values_of
from pinn.derivatives.normalisation import layer_norm

Rule = Callable[..., Any]


def _unary(rule: taylor.Rule) -> Rule:
    return lambda z: compose(rule, z)


def _relu(z: Jet, inplace: bool = False) -> Jet:
    return compose(taylor.RELU, z)


def _silu(z: Jet, inplace: bool = False) -> Jet:
    return compose(taylor.SILU, z)


def _softplus(z: Jet, beta: float = 1.0, threshold: float = 20.0) -> Jet:
    return compose(taylor.softplus(float(beta), float(threshold)), z)


def _gelu(z: Any, approximate: str = "none") -> Jet:
    if approximate == "none":
        return compose(taylor.GELU, z)
    inner = (z + 0.044715 * z * z * z) * math.sqrt(2.0 / math.pi)
    return z * 0.5 * arithmetic.add(compose(taylor.TANH, inner), 1.0)


def _softmax(z: Any, dim: int, dtype: None = None, *, _stacklevel: int = 3) -> Any:
    # The largest value is subtracted as a constant: the quotient does not depend on it.
    powers = compose(taylor.EXP, z - z.value.detach().amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def _still(z: Any, *args: Any, **kwargs: Any) -> Any:
    """clone, contiguous and dropout at rest: the same jet."""
    return z


def _dropout(z: Jet, p: float = 0.5, training: bool = True, inplace: bool = False) -> Jet:
    if training and p > 0:
        raise MissingRule("dropout in training mode: call model.eval()")
    return z


def _like(function: Callable[..., Tensor]) -> Rule:
    def rule(z: Jet, *args: Any, **kwargs: Any) -> Tensor:
        return function(values_of(z).detach(), *args, **kwargs)

    return rule


def _same_kind(z: Jet, *args: Any, **kwargs: Any) -> Jet:
    """`to`, `double`, `type_as`: allowed where they change nothing."""
    wanted = [a.dtype if isinstance(a, Tensor | Jet) else a for a in (*args, *kwargs.values())]
    for kind in wanted:
        if isinstance(kind, torch.dtype) and kind != z.dtype:
            raise MissingRule(f"a change of precision from {z.dtype} to {kind}")
    return z


SCALAR: Mapping[str, Rule] = MappingProxyType(
    {
        "sin": _unary(taylor.SIN),
        "cos": _unary(taylor.COS),
        "tan": _unary(taylor.TAN),
        "tanh": _unary(taylor.TANH),
        "exp": _unary(taylor.EXP),
        "expm1": _unary(taylor.EXPM1),
        "log": _unary(taylor.LOG),
        "log1p": _unary(taylor.LOG1P),
        "sqrt": _unary(taylor.power(0.5)),
        "rsqrt": _unary(taylor.power(-0.5)),
        "reciprocal": _unary(taylor.RECIPROCAL),
        "sigmoid": _unary(taylor.SIGMOID),
        "sinh": _unary(taylor.SINH),
        "cosh": _unary(taylor.COSH),
        "atan": _unary(taylor.ATAN),
        "arctan": _unary(taylor.ATAN),
        "erf": _unary(taylor.ERF),
        "abs": _unary(taylor.ABS),
        "absolute": _unary(taylor.ABS),
        "__abs__": _unary(taylor.ABS),
        "relu": _relu,
        "square": lambda z: arithmetic.multiply(z, z),
        "neg": arithmetic.negative,
        "negative": arithmetic.negative,
        "__neg__": arithmetic.negative,
        "positive": _still,
        "__pos__": _still,
        "clamp": arithmetic.clamp,
        "clip": arithmetic.clamp,
    }
)
"""Entry by entry, of one argument."""

BINARY: Mapping[str, Rule] = MappingProxyType(
    {
        "add": arithmetic.add,
        "__add__": arithmetic.add,
        "__radd__": arithmetic.add,
        "sub": arithmetic.subtract,
        "subtract": arithmetic.subtract,
        "__sub__": arithmetic.subtract,
        "__rsub__": lambda f, g: arithmetic.subtract(g, f),
        "rsub": lambda f, g: arithmetic.subtract(g, f),
        "mul": arithmetic.multiply,
        "multiply": arithmetic.multiply,
        "__mul__": arithmetic.multiply,
        "__rmul__": arithmetic.multiply,
        "div": arithmetic.divide,
        "divide": arithmetic.divide,
        "true_divide": arithmetic.divide,
        "__truediv__": arithmetic.divide,
        "__rtruediv__": lambda f, g: arithmetic.divide(g, f),
        "__rdiv__": lambda f, g: arithmetic.divide(g, f),
        "pow": arithmetic.power,
        "__pow__": arithmetic.power,
        "__rpow__": lambda f, g: arithmetic.power(g, f),
        "maximum": arithmetic.maximum,
        "minimum": arithmetic.minimum,
        "where": arithmetic.where,
    }
)
"""Entry by entry, of two arguments or more."""

COMPARISONS: Mapping[str, Rule] = MappingProxyType(
    {
        name: compare(getattr(torch, torch_name))
        for torch_name, names in {
            "lt": ("lt", "less", "__lt__"),
            "le": ("le", "less_equal", "__le__"),
            "gt": ("gt", "greater", "__gt__"),
            "ge": ("ge", "greater_equal", "__ge__"),
            "eq": ("eq", "__eq__"),
            "ne": ("ne", "not_equal", "__ne__"),
            "logical_and": ("logical_and", "__and__"),
            "logical_or": ("logical_or", "__or__"),
        }.items()
        for name in names
    }
    | {
        "sign": lambda z: torch.sign(arithmetic.still(z)),
        "logical_not": lambda z: torch.logical_not(arithmetic.still(z)),
    }
)
"""Piecewise constant: the result is a plain tensor."""

_KINDS: Mapping[str, Rule] = MappingProxyType(
    {
        "to": _same_kind,
        "double": lambda z: _same_kind(z, torch.float64),
        "float": lambda z: _same_kind(z, torch.float32),
        "type_as": _same_kind,
    }
)
"""Changes of precision, where they change nothing; of a comparison, a number."""

_FEATURES: Mapping[str, Rule] = MappingProxyType(
    {
        "__getitem__": features.getitem,
        "cat": features.cat,
        "concat": features.cat,
        "concatenate": features.cat,
        "stack": features.stack,
        "reshape": features.reshape,
        "view": features.reshape,
        "flatten": features.flatten,
        "unsqueeze": features.unsqueeze,
        "squeeze": features.squeeze,
        "transpose": features.transpose,
        "expand": features.expand,
        "chunk": features.pieces(torch.chunk, "chunk"),
        "split": features.pieces(torch.split, "split"),
        "unbind": features.pieces(torch.unbind, "unbind"),
        "sum": features.total,
        "mean": features.mean,
        "matmul": arithmetic.matmul,
        "__matmul__": arithmetic.matmul,
        "__rmatmul__": lambda b, a: arithmetic.matmul(a, b),
        "mm": arithmetic.matmul,
        "softmax": _softmax,
        "clone": _still,
        "contiguous": _still,
        "zeros_like": _like(torch.zeros_like),
        "ones_like": _like(torch.ones_like),
        "full_like": _like(torch.full_like),
    }
)

_FUNCTIONAL: Mapping[Callable[..., Any], Rule] = MappingProxyType(
    {
        F.linear: arithmetic.linear,
        F.relu: _relu,
        F.silu: _silu,
        F.softplus: _softplus,
        F.gelu: _gelu,
        F.tanh: SCALAR["tanh"],
        F.sigmoid: SCALAR["sigmoid"],
        F.softmax: _softmax,
        F.layer_norm: layer_norm,
        torch.layer_norm: layer_norm,
        F.dropout: _dropout,
        torch.special.erf: SCALAR["erf"],
        torch.special.expit: SCALAR["sigmoid"],
    }
)


def _table(*tables: Mapping[str, Rule]) -> dict[Callable[..., Any], Rule]:
    found: dict[Callable[..., Any], Rule] = {}
    for table in tables:
        for name, rule in table.items():
            for owner in (torch, torch.Tensor):
                function = getattr(owner, name, None)
                if function is not None:
                    found[function] = rule
    return found


POINTWISE: Mapping[Callable[..., Any], Rule] = MappingProxyType(
    _table(SCALAR, BINARY, _KINDS)
    | {f: rule for f, rule in _FUNCTIONAL.items() if f in (F.relu, F.silu, F.softplus, F.gelu, F.tanh, F.sigmoid)}
    | {torch.special.erf: SCALAR["erf"], torch.special.expit: SCALAR["sigmoid"]}
)
"""The functions that act on every entry by itself."""

DISCRETE: Mapping[Callable[..., Any], Rule] = MappingProxyType(_table(COMPARISONS))
"""The functions whose result is constant between jumps."""

RULES: Mapping[Callable[..., Any], Rule] = MappingProxyType(
    _table(_FEATURES) | dict(_FUNCTIONAL) | dict(DISCRETE) | dict(POINTWISE)
)
"""Every function that jets know."""
