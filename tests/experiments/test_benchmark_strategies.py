"""What each strategy changes: cases whose references solve their equations, and the row of a case."""

import re
import sys
from dataclasses import replace

import pytest
import torch

from experiments import benchmark_strategies
from experiments.benchmarks import strategies
from pinn.derivatives import Autograd
from pinn.sampling.uniform import sample_uniform

OWN = {case.problem for case in strategies.CASES if case.problem.__module__ == strategies.__name__}


@pytest.mark.parametrize("factory", sorted(OWN, key=lambda one: one.__name__), ids=lambda one: one.__name__)
def test_closed_forms_solve_their_problems(factory):
    problem = factory()

    def exact(columns):
        return {"u": problem.reference(**columns)}

    for name, points in sample_uniform(problem, 40, torch.Generator().manual_seed(0)).items():
        rows = Autograd().bind(exact, problem.equation(name), points.names).residual(points.x, points.constants())
        assert float(rows.detach().abs().max()) < 1e-9, name


def test_a_row_says_both_errors(capsys, monkeypatch):
    case = next(one for one in strategies.CASES if one.part == "NTK")
    short = replace(case, common={**case.common, "steps": 3})
    monkeypatch.setattr(benchmark_strategies, "CASES", (short,))
    monkeypatch.setattr(sys, "argv", ["benchmark_strategies", "--parts", "NTK", "--seeds", "1"])
    benchmark_strategies.main()
    *head, row = capsys.readouterr().out.splitlines()
    assert tuple(head) == benchmark_strategies.HEAD
    number = r"\d\.\de[+-]\d\d"
    assert re.fullmatch(rf"\| `NTK` \| .* \| {number} \| {number} \| \S+ \|", row)
    monkeypatch.setattr(sys, "argv", ["benchmark_strategies", "--seeds", "0"])
    with pytest.raises(SystemExit, match="--seeds: got 0, expected at least 1"):
        benchmark_strategies.main()
