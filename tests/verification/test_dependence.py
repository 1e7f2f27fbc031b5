"""Before a run, what an equation depends on: other points, and what was cut from the graph, are refused by name."""

from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Point, Problem, Scatter, Table, Unknown, d, solve
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.verification import verify_before_training

LINE = Box(x=(0, 1))
XS = np.linspace(0, 1, 21)
KS = 1 + XS / 2 + XS**2 / 4


def looked_up(x):
    return torch.from_numpy(np.interp(x.detach().double().numpy(), XS, KS)).to(x)


def without_graph(x):
    with torch.no_grad():
        return 1 + x / 2


def verify(equation, *, dtype=torch.float64, coefficients=None, domain=LINE, on=None, integral=False, **changes):
    problem = Problem(
        domain,
        ["u"],
        {
            "inside": Constraint(equation, on=domain if on is None else on, integral=integral),
            "left": Constraint(lambda u: u - 1, on=domain.face(x=0)),
        },
        coefficients or {},
        **changes,
    )
    network = partial(MLP, width=12, depth=2)
    model = Model(problem, network, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return verify_before_training(Equations(model, Jets())).ok


COUPLED = {
    "mean": lambda u, x: d(u, x) - u.mean(),
    "sum": lambda u, x: d(u, x) - u.sum() / 100,
    "product with a mean under d": lambda u, x: d(u * u.mean(), x) - 1,
    "cumsum": lambda u, x: d(u, x) - torch.cumsum(u, 0),
    "max": lambda u, x: d(u, x) - u.max(),
    "norm": lambda u, x: u / u.norm() - x,
    "neighbour": lambda u, x: d(u, x) - torch.roll(u, 1),
    "first": lambda u, x: d(u, x) - u[0],
}


@pytest.mark.parametrize("equation", COUPLED.values(), ids=COUPLED)
def test_what_couples_points_is_refused_with_the_cure(equation):
    with pytest.raises(ValueError, match=r"constraint 'inside': its rows .* couples points: .*integral=True") as caught:
        verify(equation)
    assert "\n" not in str(caught.value)


def test_an_integral_couples_nothing_of_its_equation():
    assert verify(lambda u, x: u**2 - 1, integral=True)
    with pytest.raises(ValueError, match=r"constraint 'inside': .* couples points"):
        verify(lambda u, x: u - u.mean(), integral=True)


def test_a_random_equation_is_refused():
    with torch.random.fork_rng(), pytest.raises(ValueError, match=r"constraint 'inside': .* random"):
        verify(lambda u, x: u - torch.rand(u.shape[0], dtype=u.dtype))


CUT = {
    "table": (
        lambda u, x: d(looked_up(x) * d(u, x), x) + 1,
        r"in d\(looked_up\(x\) \* d\(u, x\), x\) what is diff.*Table",
    ),
    "no_grad": (lambda u, x: d(without_graph(x) * d(u, x), x) + 1, r"in d\(without_graph\(x\) \* d\(u, x\), x\) what"),
    "output": (lambda u, x: d(x * u.detach(), x) + u, r"in d\(x \* u\.detach\(\), x\) what is differentiated changes"),
    "by hand": (
        lambda u, x: torch.autograd.grad(looked_up(x) * u, x, torch.ones_like(u), create_graph=True)[0] - 1,
        r"in torch\.autograd\.grad\(looked_up\(x\) \* u, x, torch\.ones_like\(u\), create_graph=True\) what",
    ),
    "factor": (
        lambda u, x: u.detach() * d(u, x) - 1,
        r"its rows change with the network .* output or an unknown was cut",
    ),
    "whole": (lambda u, x: u.detach() - x, "its rows change with the network .* given as 0"),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("equation", "message"), CUT.values(), ids=CUT)
def test_what_is_cut_from_the_graph_is_refused_with_the_term_and_the_cure(equation, message, dtype):
    with pytest.raises(ValueError, match=f"^constraint 'inside': {message}") as caught:
        verify(equation, dtype=dtype)
    assert "\n" not in str(caught.value)


JUMPS = {
    "nearest sample": lambda u, x: d(torch.from_numpy(KS).to(x)[(20 * x).round().long()] * d(u, x), x) + 1,
    "layers": lambda u, x: d(torch.where(x < 0.5, 1.0, 3.0) * d(u, x), x) + 1,
    "beyond a table's degree": lambda u, x: d(Table({"x": XS}, KS, degree=1)(x), x, x) * u + d(u, x),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("equation", JUMPS.values(), ids=JUMPS)
def test_what_jumps_under_d_is_refused(equation, dtype):
    with pytest.raises(
        ValueError, match=r"constraint 'inside': in d\(.* jumps by .* Table of a degree above"
    ) as caught:
        verify(equation, dtype=dtype)
    assert "\n" not in str(caught.value)


def test_an_unknown_that_is_cut_is_refused():
    with pytest.raises(ValueError, match=r"constraint 'inside': its rows change .*\.item\(\)"):
        verify(lambda u, x, a: d(u, x) - a.item() * u, coefficients={"a": Unknown(1.0)})


def test_an_equation_that_depends_on_no_output_is_refused():
    for equation in (lambda u, x: x - 0.5, lambda u, x: (d(u, x), x - 0.5)):
        with pytest.raises(ValueError, match="constraint 'inside': a row is not zero and depends on no output"):
            verify(equation)


RIGHT = {
    "a source that is looked up": lambda u, x: d(u, x, x) + looked_up(x),
    "kinks": lambda u, x: d(torch.relu(u) * (x - 0.4).abs(), x) + torch.where(x < 0.5, u, 0 * u),
    "a linear table": lambda u, x: d(Table({"x": XS}, KS, degree=1)(x) * d(u, x), x) - 1,
    "a steep layer": lambda u, x: d((1 + torch.tanh(1000 * (x - 0.51))) * d(u, x), x) - 1,
    "a root": lambda u, x: d(x**0.5 * d(u, x), x) - 1,
    "steps": lambda u, x: torch.sign(u) * d(u, x) + torch.floor(3 * x),
    "a zero derivative": lambda u, x: d(u, x) + d(x**2, x, x, x),
    "a derivative by an output": lambda u, x: torch.autograd.grad((u**3).sum(), u, create_graph=True)[0] - d(u, x),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("equation", RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes(equation, dtype):
    assert verify(equation, dtype=dtype)


def test_conditions_that_an_ansatz_satisfies_pass():
    assert verify(lambda u, x: d(u, x, x) - u, ansatz={"u": lambda u, x: 1 + x * u})


def test_single_points_and_observations_pass():
    seen = Scatter({"x": [0.1, 0.4, 0.8]}, values={"seen": [3.0, 4.0, 4.5]})
    assert verify(lambda u, seen: u - seen, on=seen)
    assert verify(lambda u, x: d(u, x) - 1, on=Point(x=0.5))


def test_solve_refuses_and_can_be_told_to_go_on():
    problem = Problem(
        LINE,
        ["u"],
        {
            "inside": Constraint(lambda u, x: d(looked_up(x) * d(u, x), x) + 1, on=LINE),
            "ends": Constraint(lambda u: u, on=LINE.boundary()),
        },
    )
    with pytest.raises(ValueError, match=r"constraint 'inside': .*Table"):
        solve(problem, steps=1, progress=False)
    assert solve(problem, steps=1, features=None, progress=False, verify=False, certify=False).history
