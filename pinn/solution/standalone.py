"""A solution as a program of its own, which torch alone runs: outputs and derivatives without problem or library.

    ∂u/∂x_i (x) = the i-th entry of the pullback of (1, ..., 1) at u,    again and again for higher orders

The model and the derivatives asked for are traced into one program of torch's operations (`torch.export`), which any
torch, C++ included, loads and runs. Derivatives are reverse mode in its functional form, once a coordinate, since a row
of u depends on its own point alone; so the program holds no graph and needs none. What was traced is compared with the
model and with nested autograd on points that it was not traced on, before it is written.
"""

from __future__ import annotations

import copy
import io
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from pinn.ambient import default_dtype, plain_tensors
from pinn.derivatives import d
from pinn.files import replacing
from pinn.model import Model
from pinn.problem import Problem
from pinn.validation import choices

Derivative = tuple[str, ...]
"""An output or unknown field, and the coordinates that it is differentiated by: ("u", "x", "x")."""

_TRACED, _COMPARED = 7, 23  # points; the program is for any number
_SAME = {torch.float64: 1e-9, torch.float32: 1e-3}  # relative difference allowed, of the largest value

Field = Callable[..., Tensor]


class _Program(nn.Module):
    """Points (n, d) -> derivatives by name, (n,) each."""

    def __init__(self, model: Model, derivatives: Sequence[Derivative]) -> None:
        super().__init__()
        self.model, self.derivatives = model, derivatives

    def forward(self, points: Tensor) -> dict[str, Tensor]:
        """See the class."""
        names = self.model.problem.coordinates
        columns = tuple(points[:, index] for index in range(len(names)))
        return {label(one): self._field(one, names)(*columns) for one in self.derivatives}

    def _field(self, derivative: Derivative, names: Sequence[str]) -> Field:
        name, *by = derivative

        def value(*columns: Tensor) -> Tensor:
            found: Tensor = self.model.outputs(dict(zip(names, columns, strict=True)))[name]
            return found + 0.0 * columns[0]  # also where an ansatz leaves no dependence on the points

        field: Field = value
        for coordinate in by:
            field = _along(field, list(names).index(coordinate))
        return field


def _along(field: Field, index: int) -> Field:
    """The derivative of a field by one of its coordinates, as a field."""

    def slope(*columns: Tensor) -> Tensor:
        def of_one(x: Tensor) -> Tensor:
            return field(*columns[:index], x, *columns[index + 1 :])

        value, pullback, *_ = torch.func.vjp(of_one, columns[index])
        found: Tensor = pullback(torch.ones_like(value))[0]
        return found

    return slope


def label(derivative: Derivative) -> str:
    """The name of a derivative in a program's answer.

    Example:
        >>> label(("u", "x", "x"))
        'u_x_x'
    """
    return "_".join(derivative)


def export(
    path: str | os.PathLike[str], problem: Problem, model: Model, derivatives: Sequence[Sequence[str]] | None
) -> None:
    """See `Solution.export`."""
    asked = _validated(problem, model, derivatives)
    traced: Model = copy.deepcopy(model, {id(problem): problem}).cpu().requires_grad_(False)
    traced.fix_sizes()
    dtype = next(traced.parameters()).dtype
    with plain_tensors(), default_dtype(dtype):
        source = torch.Generator().manual_seed(0)
        points = problem.domain.sample(_TRACED + _COMPARED, generator=source).x.to(dtype)
        program = _traced(_Program(traced, asked), points[:_TRACED])
        _compare(program.module(), traced, points[_TRACED:], asked)
        about = {
            "problem": problem.name,
            "coordinates": list(problem.coordinates),
            "bounds": {name: list(ends) for name, ends in problem.domain.bounds.items()},
            "outputs": [label(one) for one in asked],
            "coefficients": {name: float(value) for name, value in traced.coefficients().items()},
            "dtype": str(dtype).removeprefix("torch."),
        }
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files={"about.json": json.dumps(about)})
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def _validated(problem: Problem, model: Model, derivatives: Sequence[Sequence[str]] | None) -> list[Derivative]:
    available = (*problem.outputs, *model.fields)
    if derivatives is None:
        return [(name,) for name in available]
    if isinstance(derivatives, str) or not derivatives or any(isinstance(one, str) or not one for one in derivatives):
        raise ValueError(f'export: got derivatives={derivatives!r}, expected a list such as [("u",), ("u", "x")]')
    for name, *by in derivatives:
        if name not in available:
            raise ValueError(f"export: no output {name!r}; {choices(str(name), available)}")
        for coordinate in by:
            if coordinate not in problem.coordinates:
                raise ValueError(
                    f"export: no coordinate {coordinate!r}; {choices(str(coordinate), problem.coordinates)}"
                )
    return [tuple(one) for one in derivatives]


def _traced(program: _Program, points: Tensor) -> Any:
    """The program for any number of points.

    It is traced twice: first with its derivatives, which `torch.export` does not trace, into plain operations.
    """
    try:
        # Parameters stay what they are, constants of the program; only the number of points is open.
        plain = make_fx(program, tracing_mode="symbolic", _allow_non_fake_inputs=True)(points)
        return torch.export.export(plain, (points,), dynamic_shapes=({0: torch.export.Dim("n", min=1)},))
    except (RuntimeError, NotImplementedError, AssertionError, ValueError) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(
            f"export: the model of {program.model.problem.name!r} cannot be written as one program ({said:.200}); what "
            "its ansatz, features and network compute must not depend on values by branches or conversions to numbers"
        ) from error


def _compare(program: Callable[[Tensor], dict[str, Tensor]], model: Model, points: Tensor, asked: Any) -> None:
    """Refuse a program that does not give what the model and nested autograd give.

    Raises:
        ValueError: naming what differs.
    """
    found = program(points)
    names = model.problem.coordinates
    columns = {name: points[:, index].clone().requires_grad_() for index, name in enumerate(names)}
    outputs = model.outputs(columns)
    for name, *by in asked:
        expected = d(outputs[name], *(columns[key] for key in by)) if by else outputs[name]
        expected, own = expected.detach().expand(len(points)), found[label((name, *by))].detach()
        difference, largest = float((own - expected).abs().max()), float(expected.abs().max())
        if not difference <= _SAME[points.dtype] * max(largest, 1.0):
            raise ValueError(
                f"export: {label((name, *by))} of the traced program differs from the model's by {difference:.1e}, "
                f"values are up to {largest:.1e}; not written"
            )
