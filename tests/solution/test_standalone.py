"""What is exported runs without this library and gives the values and derivatives of the solution."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Output, Problem, Unknown, d
from pinn.model import Model
from pinn.networks import MLP, PirateNet
from pinn.problems import poisson_l_shape
from pinn.solution import Solution
from pinn.tables import Table

ALONE = """
import json, sys
sys.path.append(sys.argv[2])
import torch

try:
    import pinn
except ImportError:
    pass
else:
    raise SystemExit("the library is there")
about = {"about.json": ""}
program = torch.export.load(sys.argv[1], extra_files=about).module()
about = json.loads(about["about.json"])
points = torch.tensor([[0.3, 0.5], [0.9, 0.1], [-0.2, 0.7]], dtype=getattr(torch, about["dtype"]))
for n in (3, 1, 2):
    found = program(points[:n])
    print(json.dumps({name: values.tolist() for name, values in found.items()}))
print(json.dumps(about))
"""


SMALL = partial(MLP, width=5, depth=2)


def made(problem, network=SMALL, dtype=torch.float64):
    return Solution(problem, Model(problem, network, generator=torch.Generator().manual_seed(0), dtype=dtype))


def wave():
    """Two outputs with ansatz, form, period, table, feature and a coefficient field."""
    box = Box(x=(-1, 1), t=(0, 1))
    xs = np.linspace(-1, 1, 9)
    return Problem(
        box,
        ["u", Output("v", positive=True)],
        {"equation": Constraint(lambda u, v, x, t, c, k: (d(u, t, t) - c * d(u, x, x) - k * v, d(v, t)), on=box)},
        coefficients={"c": Table({"x": xs}, 1 + xs**2), "k": Unknown(1.0, inputs=("t",)), "g": 9.81},
        ansatz={"u": lambda u, x, t, c: t * u + c},
        features={"bump": lambda x: torch.exp(-x * x)},
        name="wave",
    )


@pytest.mark.slow
def test_it_runs_alone_and_gives_what_the_definition_gives(tmp_path):
    solution, path = made(wave()), tmp_path / "u.pt2"
    asked = [("u",), ("u", "x", "x"), ("v", "t"), ("k", "t")]
    solution.export(path, asked)
    packages = str(Path(torch.__file__).parents[1])  # with -S, what is installed there by reference is not found
    command = [sys.executable, "-I", "-S", "-c", ALONE, str(path), packages]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *answers, about = map(json.loads, done.stdout.splitlines())
    columns = {
        name: torch.tensor(values, dtype=torch.float64, requires_grad=True)
        for name, values in (("x", [0.3, 0.9, -0.2]), ("t", [0.5, 0.1, 0.7]))
    }
    outputs = solution.model.outputs(columns)
    for name, *by in asked:
        expected = d(outputs[name], *(columns[one] for one in by)) if by else outputs[name]
        for answer in answers:
            values = answer["_".join((name, *by))]
            np.testing.assert_allclose(values, expected.detach().numpy()[: len(values)], rtol=1e-11, atol=1e-11)
    assert about["coordinates"] == ["x", "t"]
    assert about["outputs"] == ["u", "u_x_x", "v_t", "k_t"]


@pytest.mark.slow
def test_other_domains_networks_and_precisions_are_exported_for_any_number_of_points(tmp_path):
    solution = made(poisson_l_shape(), partial(PirateNet, width=6, depth=2), torch.float32)
    moving = [parameter.requires_grad for parameter in solution.model.parameters()]
    solution.export(tmp_path / "u", [("u",), ("u", "x", "y")])
    program = torch.export.load(tmp_path / "u").module()
    for n in (1, 2, 40):
        points = -torch.rand(n, 2)
        assert program(points)["u_x_y"].shape == (n,)
        expected = solution(x=points[:, 0].numpy(), y=points[:, 1].numpy())
        np.testing.assert_allclose(program(points)["u"].numpy(), expected, rtol=1e-4, atol=1e-5)
    assert [parameter.requires_grad for parameter in solution.model.parameters()] == moving


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([("w",)], r"no output 'w'; choose among \['k', 'u', 'v'\]"),
        ([("u", "y")], "no coordinate 'y'"),
        ("u", r"expected a list such as \[\("),
        (["u"], "expected a list such as"),
        ([()], "expected a list such as"),
        ([], "expected a list such as"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, asked, said):
    with pytest.raises(ValueError, match=f"export: .*{said}"):
        made(wave()).export(tmp_path / "u.pt2", asked)


def test_a_model_that_branches_on_values_is_refused_and_named(tmp_path):
    line = Box(x=(0, 1))
    problem = Problem(
        line,
        ["u"],
        {"equation": Constraint(lambda u, x: d(u, x) - u, on=line)},
        ansatz={"u": lambda u, x: u * float(x.detach().max())},
        name="branching",
    )
    with pytest.raises(ValueError, match="export: the model of 'branching' cannot be written as one program"):
        made(problem).export(tmp_path / "u.pt2")
    assert not (tmp_path / "u.pt2").exists()
