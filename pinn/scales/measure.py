"""The scales of a problem, measured on the problem itself.

1. Conditions and data that prescribe values: a row that is affine in one output, takes no derivative of it and nothing
   else, a (u − g), tells g. The mean of all g of an output is its shift, their range its size.
2. About this state of rest, rows are probed with smooth fields of unit size: A_ij is the root mean square response of
   row i to output j, b_i the size of row i at rest. Sizes spread from rows with data through the balance of terms,
   s_j = max_i b_i / A_ij first, then s_j = min_i t_i / A_ij with t_i = max_j A_ij s_j.
3. A coarse linear solve of the problem linearised at rest, in random features, rows and columns normalised by these,
   gives the size of the answer where the data do not; observations tell it where a field is unknown (at the first guess
   of its conductivity the temperature of `pinnacle.heat_inverse` would be ten times as large). What a nonlinear
   row does not bear, being undefined or far from its linearisation, is halved until it does.
4. Rows are probed once more at the sizes found: t_i = max_j A_ij s_j, or b_i where that is larger. An unknown has the
   size of its first guess, unless no row feels that: zero, or a millionth of the size at which it changes a row as
   much as the row's size, which it has then. The rate of a reaction, 7.8e8 in truth, with 2 % noise in the data, 60
   steps, is found from a first guess of 1 and of 1e8 alike, to 0.5 %; with the size of the guess 1 it stays there.

An output's size is its range, not its largest distance from the shift: a network whose output need not be larger than
one trains faster. Relative L2 error for three choices, conditions weighted by 2 (root mean square: by 10):

| problem, steps, seeds | root mean square · √2 | largest distance | twice that |
|---|---|---|---|
| Kovasznay, 14, 0 and 1 | 6.4e-1 | 4.3e-1, 9.0e-2 | 1.5e-2, 3.0e-2 |
| Helmholtz, 45, 0 and 1 | 1.6 | 2.8e-3, 1.5e-2 | 2.2e-3, 3.3e-3 |
| heat, 20, 0 and 1 | | 4.3e-6, 5.5e-6 | 4.5e-6, 1.1e-6 |

A first network within a tenth of the size did worse: with conditions weighted by 10 the cavity after 15 steps 4.2e-1
instead of 7.6e-2, Helmholtz 5.0e-1 instead of 1.8e-2.

Every number is made of others of its own unit by +, ×, ÷, max and √ of squares alone: in units scaled by powers of two
it is, bit for bit, scaled by these.

Source: for scaling rows and columns in turn Ruiz, RAL-TR-2001-034 (2001); for sizes from the balance of dominant terms
Barenblatt, Scaling (2003), ch. 2; for the coarse solve Dong, Li, Comput. Methods Appl. Mech. Engrg. 387 (2021) 114129.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pinn.ambient import plain_tensors
from pinn.problem import Problem
from pinn.scales.probe import SMOOTH, Probe, Response
from pinn.scales.values import Scales

_ROUNDING = 1e-9  # of the size of the terms: under it a difference is their rounding
_RIDGE = 1e-8  # added to the normal equations of unit columns: what no row determines stays small
_FEATURES = 360  # coarse features of all fields together, ...
_MOST, _FEWEST = 150, 60  # ... of one at the most and at least
_STATES = 2  # at which nonlinear rows are probed
_FELT = 1e-6  # of the size at which an unknown changes a row as much as the row's size: with less it is not felt
_HALVINGS = 200  # of the sizes at the most, until nonlinear rows are defined

Place = tuple[str, int]
"""A constraint and a component of its rows."""


def measure_scales(problem: Problem) -> Scales:
    """Shifts and sizes of a problem: computed the first time, kept with the problem from then on.

    Args:
        problem: any; no model is built, and nothing is trained.

    Raises:
        ValueError: when a constraint is finite nowhere on any state tried, naming it, what it gave, and the cure.

    Example:
        >>> from pinn import Box, Constraint, Problem, d
        >>> rod = Box(x=(0, 0.2))
        >>> problem = Problem(rod, ["T"], {
        ...     "equation": Constraint(lambda T, x: 50 * d(T, x, x) + 1e5, on=rod),
        ...     "ends": Constraint(lambda T: T - 300, on=rod.boundary())})
        >>> shift, size = measure_scales(problem).outputs["T"]
        >>> round(shift, 9), round(size, 2)
        (300.0, 10.0)
    """
    return problem.once(_measured)


def _measured(problem: Problem) -> Scales:
    with plain_tensors():
        return _Measurement(problem).scales()


@dataclass
class _Output:
    """What is known of an output."""

    shift: float = 0.0
    size: float = 0.0  # zero while unknown
    told: bool = False  # whether the shift is
    given: bool = False  # whether both were stated with the problem
    seen: bool = False  # whether observations tell its size


@dataclass
class _Row:
    """What is known of one component of a constraint's rows."""

    response: dict[str, float] = field(default_factory=dict)  # A_ij of outputs, fields and unknown numbers
    rest: float = 0.0  # b_i


class _Measurement:
    """The steps of the module, in turn."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        fields = len(problem.outputs) + sum(bool(unknown.inputs) for unknown in problem.unknowns.values())
        coarse = min(_MOST, max(_FEWEST, _FEATURES // fields))
        self.probe = Probe(problem, coarse, 2 * coarse + 100)
        self.generator = torch.Generator().manual_seed(1)
        self.outputs = {name: _Output() for name in problem.outputs}
        for name, (low, high) in ((n, f.bounds) for n, f in problem.forms.items() if f.bounds is not None):
            self.outputs[name] = _Output(0.5 * (low + high), 0.5 * (high - low), told=True)
        for name, (shift, size) in problem.scales.items():
            self.outputs[name] = _Output(float(shift), float(size), told=True, given=True)

    def scales(self) -> Scales:
        """All of them."""
        self._read_values()
        responses = {name: self._at_rest(name) for name in self.problem.constraints}
        rows = {place: row for name, response in responses.items() for place, row in _rows(name, response).items()}
        reference = self._spread(rows)
        answer = self._coarse(responses, rows, reference)
        self._settle(answer, reference, responses)
        rows = self._probed(rows)
        sizes = {place: self._row_size(place, row) for place, row in rows.items()}
        return Scales(
            {name: (one.shift, one.size) for name, one in self.outputs.items()},
            {
                name: tuple(sizes[name, component] for component in range(response.rows.shape[1]))
                for name, response in responses.items()
            },
            {name: self._unknown_size(name, rows, sizes) for name in self.problem.unknowns},
        )

    # -- 1. values that are prescribed ----------------------------------------------------------------------------

    def _read_values(self) -> None:
        """Shifts and sizes from rows that prescribe values."""
        problem = self.problem
        origins = dict.fromkeys(problem.outputs, 0.0) | {n: o.shift for n, o in self.outputs.items() if o.told}
        names = [
            name
            for name, constraint in problem.constraints.items()
            if constraint.reduction.pointwise
            and (constraint.on.dimension < problem.domain.dimension or self.probe.points[name].values)
        ]
        read: dict[str, tuple[Response, dict[int, tuple[str, Tensor] | None]]] = {}
        for name in names:
            response = self.probe.respond(name, origins)
            prescribed = {c: _prescribed(self.probe, name, response, c) for c in range(response.rows.shape[1])}
            if any(prescribed.values()):
                read[name] = response, prescribed
        # Rows that prescribe values do so from another state too, as far away as these are.
        away = {key: one.size or abs(origins[key]) for key, one in self.outputs.items()}
        for key, values in (told for _, prescribed in read.values() for told in prescribed.values() if told):
            away[key] = max(away[key], float(values.abs().max()))
        far = {key: origins[key] + (step or 1.0) for key, step in away.items()}
        found: dict[str, list[Tensor]] = {}
        fields = any(unknown.inputs for unknown in problem.unknowns.values())
        for name, (response, prescribed) in read.items():
            again = self.probe.respond(name, far)
            for component, told in prescribed.items():
                if told is None or not _same_slopes(response, again, component, told[0]):
                    continue
                key, values = told
                found.setdefault(key, []).append(values + origins[key])
                self.outputs[key].seen |= fields and bool(self.probe.points[name].values)
        for key, parts in found.items():
            one = self.outputs[key]
            values = torch.cat(parts)
            if not one.told:
                one.shift, one.told = float(values.mean()), True
            if one.size == 0.0:
                spread = float(values.max() - values.min())
                one.size = spread if spread > _ROUNDING * float(values.abs().max()) else 0.0

    # -- 2. the balance of terms ----------------------------------------------------------------------------------

    def _origins(self) -> dict[str, float]:
        return {name: one.shift for name, one in self.outputs.items()}

    def _at_rest(self, name: str) -> Response:
        response = self.probe.respond(name, self._origins())
        defined = response.defined
        if not bool(defined.any(0).all()):
            self._refuse(name, response.rows[~defined])
        return response

    def _refuse(self, name: str, values: Tensor) -> None:
        rest = ", ".join(f"{key} = {one.shift:g}" for key, one in self.outputs.items())
        missing = [key for key, one in self.outputs.items() if not one.given] or list(self.outputs)
        got = next(
            (f"{value:g}" for value in values.tolist() if not math.isfinite(value)), "a slope that is not finite"
        )
        raise ValueError(
            f"constraint {name!r} is {got} at the values tried first, {rest}: no answer can begin there; say where it "
            f"is defined, Problem(scales={{{missing[0]!r}: (shift, size)}}), or Output({missing[0]!r}, positive=True)"
        )

    def _spread(self, rows: Mapping[Place, _Row]) -> dict[str, float]:
        """A size of every output, those told and others from the balance of terms."""
        sizes = {name: one.size for name, one in self.outputs.items() if one.size > 0}
        for name in self.problem.outputs:
            if name not in sizes:
                driven = [row.rest / row.response[name] for row in rows.values() if row.response.get(name, 0.0) > 0]
                largest = max(driven, default=0.0)
                if largest > _ROUNDING * abs(self.outputs[name].shift) and math.isfinite(largest):
                    sizes[name] = largest
        while missing := [name for name in self.problem.outputs if name not in sizes]:
            reached = {}
            for name in missing:
                bounds = []
                for row in rows.values():
                    known = max((row.response.get(key, 0.0) * size for key, size in sizes.items()), default=0.0)
                    if known > 0 and row.response.get(name, 0.0) > 0:
                        bounds.append(known / row.response[name])
                if bounds:
                    reached[name] = min(bounds)
            if not reached:  # nothing tells: any size is as good as another
                reached = {missing[0]: abs(self.outputs[missing[0]].shift) or 1.0}
            sizes |= reached
        return sizes

    # -- 3. the size of the answer --------------------------------------------------------------------------------

    def _coarse(
        self, responses: Mapping[str, Response], rows: Mapping[Place, _Row], sizes: Mapping[str, float]
    ) -> dict[str, tuple[float, float]]:
        """Mean and largest distance from the state of rest of each output, by a coarse linear solve."""
        names = self.problem.outputs
        parts, targets = [], []
        for name, response in responses.items():
            weight = self.problem.weight(name)
            for component in range(response.rows.shape[1]):
                row = rows[name, component]
                size = max([row.response[key] * sizes[key] for key in names] + [0.0])
                defined = response.defined[:, component]
                if size == 0 or not bool(defined.any()):
                    continue
                scale = math.sqrt(weight / int(defined.sum())) / size
                block = [response.slopes[key][defined, component] * (sizes[key] * scale) for key in names]
                parts.append(torch.cat(block, 1))
                targets.append(response.rows[defined, component] * scale)
        if not parts:
            return {}
        jacobian, target = torch.cat(parts), torch.cat(targets)
        length = jacobian.norm(dim=0)
        jacobian = jacobian / torch.where(length > 0, length, 1.0)
        gram = jacobian.T @ jacobian
        gram.diagonal().add_(_RIDGE)
        factor, failed = torch.linalg.cholesky_ex(gram)
        if int(failed) or not bool(torch.isfinite(target).all()):
            return {}
        found = torch.cholesky_solve(-(jacobian.T @ target)[:, None], factor)[:, 0]
        found = found / torch.where(length > 0, length, 1.0)
        state = {key: part * sizes[key] for key, part in zip(names, found.split(len(found) // len(names)), strict=True)}
        place = self.problem.domain.sample(256, generator=torch.Generator().manual_seed(2), method="sobol")
        answer = {}
        for key in names:
            away = self.probe.waves_at(key, place) @ state[key]
            mean = float(away.mean())
            if self.outputs[key].told:  # the state of rest is one of the values
                away = torch.cat([away, away.new_zeros(1)])
            answer[key] = mean, float(away.max() - away.min())
        return {key: pair for key, pair in answer.items() if all(map(math.isfinite, pair))}

    def _settle(
        self,
        answer: Mapping[str, tuple[float, float]],
        reference: Mapping[str, float],
        responses: Mapping[str, Response],
    ) -> None:
        """Choose the sizes from what is told and what was found, within what nonlinear rows bear."""
        straight = self._straight(reference, responses)
        free = []
        for name, one in self.outputs.items():
            if one.given:
                continue
            mean, size = answer.get(name, (0.0, 0.0))
            if one.size > 0 and (one.seen or not straight):
                continue  # the data tell; a linearisation need not, nor one at a first guess of a field
            if not one.told:
                one.shift = mean
            if size > max(one.size, _ROUNDING * abs(one.shift)):
                one.size = size
                free.append(name)
            elif one.size == 0.0:
                one.size = reference[name]
                free.append(name)
        if straight or not free:
            return
        fixed = {name: 0.0 if name in free else one.size for name, one in self.outputs.items()}
        least = self._lacking(responses, fixed)
        for _ in range(_HALVINGS):
            sizes = {name: one.size for name, one in self.outputs.items()}
            found = self._lacking(responses, sizes)
            if all(found[place] <= max(1.0, 2 * least[place]) for place in found):
                return
            for name in free:
                self.outputs[name].size *= 0.5

    def _state(self, sizes: Mapping[str, float], generator: torch.Generator) -> dict[str, Tensor]:
        """A smooth field of every output with a range of its size."""
        state = {}
        for name in self.problem.outputs:
            c = torch.zeros(self.probe.fields[name].number, dtype=torch.float64)
            c[1 + int(torch.randint(SMOOTH, (), generator=generator))] = math.sqrt(0.125)  # from −½ to ½
            state[name] = c * sizes[name]
        return state

    def _straight(self, sizes: Mapping[str, float], responses: Mapping[str, Response]) -> bool:
        """Whether all rows are affine in the outputs, by their slopes at two states."""
        state = self._state(sizes, torch.Generator().manual_seed(3))
        for name, response in responses.items():
            again = self.probe.respond(name, self._origins(), state)
            for component in range(response.rows.shape[1]):
                if not all(_same_slopes(response, again, component, key) for key in self.problem.outputs):
                    return False
        return True

    def _lacking(self, responses: Mapping[str, Response], sizes: Mapping[str, float]) -> dict[Place, float]:
        """What the linearisation of each row at rest lacks at fields of these sizes, over the terms of the row."""
        generator = torch.Generator().manual_seed(4)
        found: dict[Place, float] = {}
        for _ in range(_STATES):
            state = self._state(sizes, generator)
            for name, rest in responses.items():
                now = self.probe.respond(name, self._origins(), state)
                for place, row in _rows(name, rest).items():
                    component = place[1]
                    linear = torch.zeros_like(rest.rows[:, component])
                    for key, c in state.items():
                        linear = linear + rest.slopes[key][:, component] @ c
                    lacking = _rms(now.rows[:, component] - rest.rows[:, component] - linear)
                    terms = max([row.rest, *(row.response[key] * size for key, size in sizes.items())])
                    share = lacking / terms if terms > 0 else 0.0
                    found[place] = max(found.get(place, 0.0), share if math.isfinite(share) else math.inf)
        return found

    # -- 4. the sizes of rows and unknowns ------------------------------------------------------------------------

    def _probed(self, rows: Mapping[Place, _Row]) -> dict[Place, _Row]:
        """Responses at the sizes found, beside those at rest."""
        sizes = {name: one.size for name, one in self.outputs.items()}
        generator = torch.Generator().manual_seed(5)
        found = {place: _Row(dict(row.response), row.rest) for place, row in rows.items()}
        for _ in range(_STATES):
            state = self._state(sizes, generator)
            for name in self.problem.constraints:
                response = self.probe.respond(name, self._origins(), state)
                for place, row in _rows(name, response).items():
                    for key, value in row.response.items():
                        if math.isfinite(value):
                            found[place].response[key] = max(found[place].response.get(key, 0.0), value)
        if self.problem.ansatz:
            self._without_ansatz(found, sizes)
        return found

    def _without_ansatz(self, rows: Mapping[Place, _Row], sizes: Mapping[str, float]) -> None:
        """Rows that an ansatz satisfies respond by rounding alone: they have the size that they would have without."""
        for name in self.problem.constraints:
            for place, row in _rows(name, self.probe.respond(name, self._origins(), free=True)).items():
                free = max([value * sizes[key] for key, value in row.response.items() if key in sizes] + [0.0])
                now = max([value * sizes[key] for key, value in rows[place].response.items() if key in sizes] + [0.0])
                if now <= _ROUNDING * free:
                    rows[place].response.update(row.response)

    def _row_size(self, place: Place, row: _Row) -> float:
        sizes = {name: one.size for name, one in self.outputs.items()}
        unknown = {name: abs(one.initial) for name, one in self.problem.unknowns.items()}
        terms = [row.response.get(key, 0.0) * size for key, size in sizes.items()]
        size = max([row.rest, *terms])
        if size == 0:  # a row of unknowns alone
            size = max([value * unknown[key] for key, value in row.response.items() if key in unknown], default=0.0)
        smallest = torch.finfo(torch.float64).tiny
        return size if size > smallest and math.isfinite(size) else 1.0

    def _unknown_size(self, name: str, rows: Mapping[Place, _Row], sizes: Mapping[Place, float]) -> float:
        initial = abs(self.problem.unknowns[name].initial)
        bounds = [sizes[place] / row.response[name] for place, row in rows.items() if row.response.get(name, 0.0) > 0]
        size = min(bounds, default=0.0)
        if not (size > 0 and math.isfinite(size)):
            return initial or 1.0
        return initial if initial > _FELT * size else size


def _rms(values: Tensor) -> float:
    return math.sqrt(float(values.square().mean())) if values.numel() else 0.0


def _rows(name: str, response: Response) -> dict[Place, _Row]:
    """A and b of every component of a constraint, over the points where it is defined."""
    found = {}
    for component in range(response.rows.shape[1]):
        defined = response.defined[:, component]
        smooth = {
            key: _rms(
                slope[defined, component][:, 1 : 1 + SMOOTH] if slope.shape[-1] > 1 else slope[defined, component]
            )
            for key, slope in response.slopes.items()
        }
        found[name, component] = _Row(smooth, _rms(response.rows[defined, component]))
    return found


def _prescribed(probe: Probe, name: str, response: Response, component: int) -> tuple[str, Tensor] | None:
    """The output whose values a row prescribes and these, less the origin, (n,); None where it does no such thing."""
    defined = response.defined[:, component]
    if not bool(defined.all()):
        return None
    touched = [key for key, slope in response.slopes.items() if bool((slope[:, component] != 0).any())]
    if len(touched) != 1 or touched[0] not in probe.problem.outputs:
        return None
    slope = response.slopes[touched[0]][:, component]
    factor = slope[:, :1]
    waves = probe.waves_at(touched[0], probe.points[name])
    largest = float(slope.abs().max())
    if not float((slope - factor * waves).abs().max()) <= _ROUNDING * largest or bool((factor == 0).any()):
        return None
    return touched[0], -response.rows[:, component] / factor[:, 0]


def _same_slopes(response: Response, again: Response, component: int, key: str) -> bool:
    first, second = response.slopes[key][:, component], again.slopes[key][:, component]
    size = first.abs() + second.abs()
    finite = torch.isfinite(size)
    return bool(((first - second).abs()[finite] <= _ROUNDING * float(size[finite].max() if finite.any() else 0)).all())
