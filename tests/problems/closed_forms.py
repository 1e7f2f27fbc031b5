"""Closed forms put into the constraints that they are to satisfy."""

import torch

from pinn.reference import Analytic
from pinn.sampling.uniform import sample_uniform


def rows_of_truth(problem, engine, further=None):
    """Constraint -> its rows on the problem's reference, which is in closed form, under an engine.

    Args:
        problem: with that reference.
        engine: what differentiates.
        further: columns -> unknown fields by name, where the problem has some.
    """
    reference = problem.reference
    assert isinstance(reference, Analytic)

    def fields(columns):
        value = reference.fields(columns)
        found = dict(value) if isinstance(value, dict) else {problem.outputs[0]: value}
        return found | (further(columns) if further else {})

    drawn = sample_uniform(problem, 50, torch.Generator().manual_seed(0))
    return {
        name: engine.bind(fields, problem.equation(name), points.names).residual(points.x, points.constants()).detach()
        for name, points in drawn.items()
        if not name.startswith("smoothness")  # a preference, which no solution need satisfy
    }
