"""Rules: what torch functions do on jets. The table of those that are known, and how to add one.

    >>> from torch.special import i0, i1
    >>> from pinn.derivatives.jets import Jets, rule
    >>> engine = Jets(rules=[rule(i0, derivatives=[i1, lambda z: i0(z) - i1(z) / z])])

A rule is a value, and the table is never changed: an engine makes its own out of this one and the rules that it is
given, of which the last one for a function counts. A function without a rule goes to the reference engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pinn import expansions
from pinn.derivatives.jets import activations, arithmetic, composites, features, special, tables, taylor
from pinn.derivatives.jets.arithmetic import compare, compose
from pinn.derivatives.jets.jet import Jet, MissingRule, Rule, Rules, name_of, value_of
from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.normalisation import group_norm, layer_norm
from pinn.tables import evaluate

Apply = Callable[..., Any]

# -- rules of one's own ----------------------------------------------------------------------------------------------


def rule(
    function: Callable[..., Any],
    *,
    derivatives: Sequence[Callable[..., Tensor]] | None = None,
    coefficients: Callable[..., Sequence[Tensor]] | None = None,
    composed: Callable[..., Any] | None = None,
    pointwise: bool = True,
) -> Rule:
    """A rule for a function: by its derivatives, by its Taylor coefficients, or as a composition of known operations.

    An equation of order m needs derivatives up to m + 1, the last for the gradient by the parameters.

    Args:
        function: a torch function, such as `torch.special.i0`; or a function of yours that lets jets through by
            `torch.overrides.handle_torch_function`. On tensors it computes the value φ(z).
        derivatives: φ', φ'', …, each called as the function is, with a tensor z (n, …) and whatever arguments follow
            it, and returning a tensor like z.
        coefficients: called with z, the order M, and whatever arguments follow z; returns the M tensors
            φ⁽ᵐ⁾(z)/m!, m = 1 … M, like z.
        composed: called as the function is, with jets; made of operations that jets know. The only form in which
            other arguments than the first may be jets or trainable.
        pointwise: False where the function mixes features, so that equations, whose fields have none, cannot use it.

    Returns:
        The rule, for `Jets(rules=[...])`.

    Raises:
        TypeError: where the function or what describes it cannot be called, or not exactly one description is given.

    Example:
        >>> from torch.overrides import handle_torch_function, has_torch_function
        >>> def bump(z):
        ...     if has_torch_function((z,)):
        ...         return handle_torch_function(bump, (z,), z)
        ...     return torch.exp(-z * z)
        >>> by_parts = rule(bump, composed=lambda z: torch.exp(-z * z))
        >>> by_orders = rule(bump, derivatives=[lambda z: -2 * z * bump(z), lambda z: (4 * z * z - 2) * bump(z)])
        >>> by_orders.function is bump
        True
    """
    name = name_of(function)
    if not callable(function):
        raise TypeError(f"rule: got function={function!r}, expected a function; give the one that models call")
    given = [x for x in (derivatives, coefficients, composed) if x is not None]
    if len(given) != 1:
        raise TypeError(f"rule({name}): got {len(given)} descriptions; give one of derivatives, coefficients, composed")
    if derivatives is not None:
        if not isinstance(derivatives, Sequence) or not derivatives or not all(map(callable, derivatives)):
            raise TypeError(
                f"rule({name}): got derivatives={derivatives!r}, expected a list of functions; give [φ', φ'', …]"
            )
        known = tuple(derivatives)
        return Rule(function, _by_derivatives(function, name, known), pointwise)
    if not callable(given[0]):
        raise TypeError(f"rule({name}): got {given[0]!r}, expected a function; see the arguments of `rule`")
    if coefficients is not None:
        return Rule(function, _by_coefficients(function, name, coefficients), pointwise)
    assert composed is not None
    return Rule(function, composed, pointwise)


def _by_derivatives(function: Callable[..., Any], name: str, known: tuple[Callable[..., Tensor], ...]) -> Apply:
    def coefficients(z: Tensor, order: int, *args: Any, **kwargs: Any) -> list[Tensor]:
        found, factorial = [], 1.0
        for m, derivative in enumerate(known[:order], 1):
            factorial *= m
            found.append(derivative(z, *args, **kwargs) / factorial)
        return found

    return _by_coefficients(function, name, coefficients, len(known))


def _by_coefficients(
    function: Callable[..., Any], name: str, coefficients: Callable[..., Sequence[Tensor]], highest: int | None = None
) -> Apply:
    def apply(*args: Any, **kwargs: Any) -> Jet:
        z, *rest = args
        if not isinstance(z, Jet):
            raise MissingRule(f"{name} of a jet that is not its first argument: describe it by rule(…, composed=…)")
        if any(isinstance(x, Jet) or (isinstance(x, Tensor) and x.requires_grad) for x in (*rest, *kwargs.values())):
            raise MissingRule(f"{name} with an argument that varies: describe it by rule(…, composed=…)")

        def taylor_of(z: Tensor, y: Tensor, extra: tuple[Tensor, ...], order: int, space: Workspace) -> list[Tensor]:
            found = list(coefficients(z, order, *rest, **kwargs))
            shapes = [tuple(x.shape) for x in found]
            if shapes != [tuple(z.shape)] * order:
                raise ValueError(f"rule({name}): got shapes {shapes}; return {order} tensors of shape {tuple(z.shape)}")
            return found

        value = taylor.by_copy(lambda z: function(z, *rest, **kwargs))
        return compose(taylor.SmoothFunction(name, value, taylor_of, highest=highest), z)

    return apply


def with_rules(rules: Iterable[Rule]) -> Rules:
    """The table of known rules, with these added or in the place of others.

    Raises:
        TypeError: where one of them is not a rule.
    """
    added: dict[Callable[..., Any], Rule] = {}
    for one in rules:
        if not isinstance(one, Rule):
            raise TypeError(
                f"Jets: got {one!r} among rules, expected what pinn.derivatives.jets.rule returns; call that"
            )
        added[one.function] = one
    return MappingProxyType({**RULES, **added}) if added else RULES


# -- the table -------------------------------------------------------------------------------------------------------


def _unary(function: taylor.SmoothFunction) -> Apply:
    return lambda z, inplace=False: compose(function, z)


def _celu(z: Jet, alpha: float = 1.0, inplace: bool = False) -> Jet:
    return compose(activations.elu(float(alpha), 1.0, float(alpha)), z)


def _like(function: Callable[..., Tensor]) -> Apply:
    def apply(z: Jet, *args: Any, **kwargs: Any) -> Tensor:
        return function(value_of(z).detach(), *args, **kwargs)

    return apply


_SMOOTH: Mapping[str, taylor.SmoothFunction] = MappingProxyType(
    {
        "sin": taylor.SIN,
        "cos": taylor.COS,
        "tan": taylor.TAN,
        "tanh": taylor.TANH,
        "exp": taylor.EXP,
        "exp2": taylor.EXP2,
        "expm1": taylor.EXPM1,
        "log": taylor.LOG,
        "log1p": taylor.LOG1P,
        "log2": taylor.LOG2,
        "log10": taylor.LOG10,
        "sqrt": taylor.power(0.5),
        "rsqrt": taylor.power(-0.5),
        "reciprocal": taylor.RECIPROCAL,
        "sigmoid expit": taylor.SIGMOID,
        "sinh": taylor.SINH,
        "cosh": taylor.COSH,
        "asin arcsin": special.ASIN,
        "acos arccos": special.ACOS,
        "atan arctan": special.ATAN,
        "asinh arcsinh": special.ASINH,
        "acosh arccosh": special.ACOSH,
        "atanh arctanh": special.ATANH,
        "erf": special.ERF,
        "erfc": special.ERFC,
        "erfcx": special.ERFCX,
        "erfinv": special.ERFINV,
        "ndtr": special.NDTR,
        "ndtri": special.NDTRI,
        "log_ndtr": special.LOG_NDTR,
        "sinc": special.SINC,
        "entr": special.ENTR,
        "lgamma gammaln": special.polygamma(-1),
        "digamma psi": special.polygamma(0),
        "abs absolute __abs__": activations.ABS,
        "relu": activations.RELU,
        "silu": activations.SILU,
        "mish": activations.MISH,
        "selu": activations.SELU,
        "softsign": activations.SOFTSIGN,
        "logsigmoid": activations.LOGSIGMOID,
        "hardsigmoid": activations.HARDSIGMOID,
        "hardswish": activations.HARDSWISH,
        "relu6": activations.hardtanh(0.0, 6.0),
    }
)
"""Names of functions of one argument, by their Taylor coefficients."""

_POINTWISE: Mapping[str, Apply] = MappingProxyType(
    {
        "add __add__ __radd__": arithmetic.add,
        "sub subtract __sub__": arithmetic.subtract,
        "rsub __rsub__": lambda f, g: arithmetic.subtract(g, f),
        "mul multiply __mul__ __rmul__": arithmetic.multiply,
        "div divide true_divide __truediv__": arithmetic.divide,
        "__rtruediv__ __rdiv__": lambda f, g: arithmetic.divide(g, f),
        "pow __pow__": arithmetic.power,
        "__rpow__": lambda f, g: arithmetic.power(g, f),
        "square": lambda z: arithmetic.multiply(z, z),
        "neg negative __neg__": arithmetic.negative,
        "positive __pos__": composites.unchanged,
        "maximum": arithmetic.maximum,
        "minimum": arithmetic.minimum,
        "where": arithmetic.where,
        "clamp clip": arithmetic.clamp,
        "gelu": composites.gelu,
        "softplus": lambda z, beta=1.0, threshold=20.0: compose(activations.softplus(float(beta), float(threshold)), z),
        "hardtanh": lambda z, min_val=-1.0, max_val=1.0, inplace=False: compose(
            activations.hardtanh(float(min_val), float(max_val)), z
        ),
        "leaky_relu": lambda z, negative_slope=0.01, inplace=False: compose(
            activations.leaky_relu(float(negative_slope)), z
        ),
        "elu": lambda z, alpha=1.0, inplace=False: compose(activations.elu(float(alpha)), z),
        "celu": _celu,
        "softshrink": lambda z, lambd=0.5: compose(activations.softshrink(float(lambd)), z),
        "hardshrink": lambda z, lambd=0.5: compose(activations.hardshrink(float(lambd)), z),
        "threshold": lambda z, threshold, value, inplace=False: compose(
            activations.threshold(float(threshold), float(value)), z
        ),
        "rrelu": composites.rrelu,
        "tanhshrink": composites.tanhshrink,
        "logit": composites.logit,
        "logaddexp": composites.logaddexp,
        "logaddexp2": composites.logaddexp2,
        "hypot": composites.hypot,
        "atan2 arctan2": composites.atan2,
        "xlogy": composites.xlogy,
        "xlog1py": composites.xlog1py,
        "polygamma": composites.polygamma,
        "to type_as": composites.same_kind,
        "double": lambda z: composites.same_kind(z, torch.float64),
        "float": lambda z: composites.same_kind(z, torch.float32),
    }
)
"""Names of functions that act on every entry by itself; changes of precision, where they change nothing."""

_DISCRETE: Mapping[str, Apply] = MappingProxyType(
    {
        "lt less __lt__": compare(torch.lt),
        "le less_equal __le__": compare(torch.le),
        "gt greater __gt__": compare(torch.gt),
        "ge greater_equal __ge__": compare(torch.ge),
        "eq __eq__": compare(torch.eq),
        "ne not_equal __ne__": compare(torch.ne),
        "logical_and __and__": compare(torch.logical_and),
        "logical_or __or__": compare(torch.logical_or),
        "sign": lambda z: torch.sign(arithmetic.detached_value(z)),
        "logical_not": lambda z: torch.logical_not(arithmetic.detached_value(z)),
    }
)
"""Names of functions that are constant between jumps: the result is a plain tensor."""

_FEATURES: Mapping[str, Apply] = MappingProxyType(
    {
        "__getitem__": features.getitem,
        "cat concat concatenate": features.cat,
        "stack": features.stack,
        "reshape view": features.reshape,
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
        "linear": arithmetic.linear,
        "matmul __matmul__ mm": arithmetic.matmul,
        "__rmatmul__": lambda b, a: arithmetic.matmul(a, b),
        "softmax": composites.softmax,
        "softmin": composites.softmin,
        "log_softmax": composites.log_softmax,
        "logsumexp": composites.logsumexp,
        "glu": composites.glu,
        "prelu": composites.prelu,
        "layer_norm": layer_norm,
        "group_norm": group_norm,
        "rms_norm": composites.rms_norm,
        "dropout alpha_dropout feature_alpha_dropout": composites.dropout,
        "clone contiguous": composites.unchanged,
        "zeros_like": _like(torch.zeros_like),
        "ones_like": _like(torch.ones_like),
        "full_like": _like(torch.full_like),
    }
)
"""Names of functions that put features together or take them apart, and of copies."""


_NOT_EVERYWHERE = frozenset({"__rdiv__"})
"""Names that only some versions of torch have."""


def rules_by_name(
    table: Mapping[str, Apply], pointwise: bool, discrete: bool = False
) -> dict[Callable[..., Any], Rule]:
    """The rules of the functions that torch has by these names.

    Raises:
        AttributeError: for a name that nothing in torch has, such as one that is misspelt.
    """
    found: dict[Callable[..., Any], Rule] = {}
    for names, apply in table.items():
        for name in names.split():
            functions = [getattr(owner, name) for owner in (torch, Tensor, F, torch.special) if hasattr(owner, name)]
            if not functions and name not in _NOT_EVERYWHERE:
                raise AttributeError(
                    f"rules of jets: torch has no {name!r}; mend the name, or list it as one of some versions"
                )
            found |= {function: Rule(function, apply, pointwise, discrete) for function in functions}
    return found


RULES: Rules = MappingProxyType(
    {
        **rules_by_name(_FEATURES, pointwise=False),
        **rules_by_name(_DISCRETE, pointwise=True, discrete=True),
        **rules_by_name({name: _unary(function) for name, function in _SMOOTH.items()}, pointwise=True),
        **rules_by_name(_POINTWISE, pointwise=True),
        # torch.batch_norm has its arguments in another order.
        F.batch_norm: Rule(F.batch_norm, composites.batch_norm, pointwise=False),
        evaluate: Rule(evaluate, tables.table),
        expansions.evaluate: Rule(expansions.evaluate, composites.expansion),
    }
)
"""The rules of torch's functions, of tables and of functions given by coefficients."""
