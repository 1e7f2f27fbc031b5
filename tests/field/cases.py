"""The field as a table: which problem, how many steps, and what must be said of the answer.

A case whose `says` is empty is judged by its truth alone: see `test_verdicts`. Beside each stands what the default
`solve` of revision 9835878 left after those steps: relative L2 error, largest relative error of unknowns.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from experiments.benchmarks import field as problems
from experiments.benchmarks.field import inverse
from experiments.benchmarks.field.truths import Fit
from pinn import Problem, Solution, solve
from pinn.networks import MLP
from pinn.optimizers import SSBroyden
from pinn.problems import burgers
from pinn.solution.verdict import Verdict

UNDETERMINED = frozenset({Verdict.NOT_DETERMINED})
NO_TRUST = frozenset(Verdict) - {Verdict.TRUSTED}


@dataclass(frozen=True)
class Case:
    """One problem from the field.

    Attributes:
        build: makes it.
        steps: optimizer steps.
        says: the verdicts that are right; empty where the truth decides.
        refused: what the message names when the problem is refused before training, which is right too; None where
            it must not be refused.
        shown: whether the run sees the problem's reference, which otherwise only measures the answer.
        slow: whether it takes more than two seconds of a processor, or another of its kind takes fewer.
        long: whether it is slow and the same question is asked by a slow case (`make long`).
        options: of `solve`.
        fields: unknown field -> the true one.
        fit: what least squares find of the unknowns, in their order, where the data carry noise.
    """

    build: Callable[[], Problem]
    steps: int
    says: frozenset[Verdict] = frozenset()
    refused: str | None = None
    shown: bool = False
    slow: bool = False
    long: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    fit: Callable[[], Fit] | None = None

    def solved(self) -> Solution:
        """The answer to what was asked, as one of the problem with its truth."""
        problem = self.build()
        asked = problem if self.shown else replace(problem, reference=None, exact_coefficients={})
        found = solve(asked, steps=self.steps, progress=False, **self.options)
        solution = copy.copy(found)
        solution.problem = problem
        return solution

    def output_error(self, solution: Solution) -> float:
        """Relative L2 of the outputs; NaN where no truth is known."""
        return solution.error() if solution.problem.reference is not None else math.nan

    def other_errors(self, solution: Solution) -> dict[str, float]:
        """Relative errors of the unknowns, numbers and fields; without those that noise alone decides."""
        errors = {} if self.fit is not None else dict(solution.coefficient_errors())
        x = np.linspace(0, 1, 201)
        for name, true in self.fields.items():
            errors[name] = float(np.linalg.norm(solution.field(name, x=x) - true(x)) / np.linalg.norm(true(x)))
        return errors

    def deviations(self, solution: Solution) -> dict[str, float]:
        """How far unknowns are from what least squares find, in standard errors of the noise."""
        if self.fit is None:
            return {}
        found, fit = solution.coefficients, self.fit()
        pairs = zip(found, fit.values, fit.errors, strict=True)
        return {name: abs(found[name] - value) / error for name, value, error in pairs}


def square(x):
    return x**2


def quadratic(x):
    return 1 + x / 2 + x**2 / 4


FORWARD = {
    "F1_tank": Case(problems.stirred_tank, 40, slow=True),
    "F1_ignition": Case(partial(problems.stirred_tank, 305.0), 40, slow=True),
    "F2_moving_beam": Case(problems.moving_beam, 8, slow=True),  # 9.6e-1
    "F3_energy_given": Case(partial(problems.schroedinger, energy=True), 20, UNDETERMINED),
    "F3_energy_unknown": Case(problems.schroedinger, 30),  # E 2.8e-9
    "F3_third_level": Case(partial(problems.schroedinger, 3), 40, slow=True),  # E 2.2e-1: the trivial solution
    "F4_two_fields": Case(problems.heat_with_mean, 20, slow=True),  # 4.7e-6
    "F4_mean_of_a_batch": Case(partial(problems.heat_with_mean, coupled=True), 5, NO_TRUST, refused="equation"),
    "F5_double_well": Case(partial(problems.double_well, 12.5), 30),  # 8.0e-1
    "F6_table": Case(problems.inlet, 12, slow=True),  # 4.5e-1
    "F6_formula": Case(partial(problems.inlet, table=False), 12, long=True),
    "F7_sod": Case(problems.sod, 5, NO_TRUST, slow=True),  # 2.5e-1
    "F8_disc": Case(problems.helmholtz_disc, 10, slow=True),  # 1.3
    "F9_blow_up": Case(problems.blow_up, 30, NO_TRUST),
    "F10_one_condition": Case(problems.one_condition, 25, UNDETERMINED),
    "F10_two_conditions": Case(partial(problems.one_condition, both=True), 30),  # 2.5e-9
    "F10_no_wall": Case(partial(problems.lost_heat, "left"), 20, UNDETERMINED, slow=True),
    "F10_no_start": Case(partial(problems.lost_heat, "start"), 20, UNDETERMINED),
    "F10_all_given": Case(problems.lost_heat, 20, slow=True),  # 1.4e-5
    "F10_unused_output": Case(problems.unused_output, 20, UNDETERMINED, refused="v"),
    "F11_euler_cauchy": Case(problems.euler_cauchy, 60, slow=True),  # 1.3e-5
    "F12_ssbroyden": Case(
        partial(burgers, nu=0.01), 25, options={"network": partial(MLP, width=30), "optimizer": SSBroyden()}, slow=True
    ),
    "F13_tiny": Case(problems.tiny_equation, 20),  # 5.2e-1
    "F13_nan": Case(problems.no_number, 20, NO_TRUST, refused="equation"),
    "F13_one_step": Case(partial(problems.wrong_reference, "none"), 1),  # 2.1e-2
    "F13_right_reference": Case(partial(problems.wrong_reference, "none"), 25, shown=True),  # 1.7e-8
    "F13_wrong_sign": Case(problems.wrong_reference, 25, frozenset({Verdict.WRONG_REFERENCE}), "reference", True),
    "F13_reference_nan": Case(
        partial(problems.wrong_reference, "nan"), 25, frozenset({Verdict.WRONG_REFERENCE}), "reference", True
    ),
}

INVERSE = {
    "I1_guess_1e8": Case(problems.depolymerisation, 40, fit=inverse.depolymerisation_fit, slow=True),
    "I1_guess_1": Case(partial(problems.depolymerisation, 1.0), 40, fit=inverse.depolymerisation_fit),
    "I1_exact_data": Case(partial(problems.depolymerisation, noise=0), 40, slow=True),
    "I2_unseen": Case(problems.three_coefficients, 25, UNDETERMINED, slow=True),  # 1.1e-6; a 21 %, c 40 %
    "I2_noise": Case(  # 5.4e-3
        partial(problems.three_coefficients, 0.3, 0.01), 25, fit=inverse.three_coefficients_fit, slow=True
    ),
    "I3_exact_data": Case(problems.reaction_field, 30, fields={"q": square}, slow=True),  # 9.2e-9; q 2e-4
    # q 11 times itself; with noise nothing is expected of q but that nobody is told it is right.
    "I3_noise": Case(partial(problems.reaction_field, 0.01), 30, fields={"q": square}, slow=True),
    "I4_means": Case(problems.mean_relaxation, 20, slow=True),
    "I5_formula": Case(problems.varying_conductivity, 25),  # 9.2e-8
    "I5_table": Case(partial(problems.varying_conductivity, "table"), 25),
    "I5_detached": Case(partial(problems.varying_conductivity, "detached"), 6, NO_TRUST, refused="equation"),
    "I5_field": Case(partial(problems.varying_conductivity, "field"), 25, fields={"k": quadratic}, slow=True),
    "I6_noise": Case(problems.beam_slope, 25, fit=inverse.beam_slope_fit, slow=True),
    "I6_exact_data": Case(partial(problems.beam_slope, 0.0), 25, slow=True),
    "I7_misplaced_data": Case(problems.misplaced_data, 20, NO_TRUST, refused="data"),
    "I7_hidden_name": Case(problems.hidden_name, 20, NO_TRUST, refused="u"),
    "I7_unused_unknown": Case(problems.unused_unknown, 25, UNDETERMINED, refused="k"),
    "I7_product": Case(problems.product_of_unknowns, 25, UNDETERMINED, refused="a"),
    "decay": Case(problems.decay_rate, 25),  # 3.3e-8; k 5e-10
}

UNITS = {
    "plate_si": Case(problems.plate, 15, slow=True),
    "plate_unit": Case(partial(problems.plate, si=False), 15, slow=True),  # 2.6e-5
    "conductor_si": Case(problems.layered_conductor, 25, slow=True),
    "conductor_unit": Case(partial(problems.layered_conductor, si=False), 25, slow=True),  # 4.6e-6
    "flux_si": Case(problems.heat_flux, 20, slow=True),
    "flux_unit": Case(partial(problems.heat_flux, si=False), 20, long=True),
    "start_over_20": Case(problems.start_divided, 20),  # 1.9e-6
}

CASES = {**FORWARD, **INVERSE, **UNITS}
