"""`solve` refuses what cannot be meant in one line, before it does anything, and names no method itself."""

import ast
import inspect
import math
from functools import partial

import pytest
import torch

import pinn.solver
from pinn import Box, Constraint, Problem, Stage, d, solve
from pinn.model import Model
from pinn.networks import MLP
from pinn.optimizers import LBFGS, LevenbergMarquardt
from pinn.problems import oscillator
from pinn.sampling import Fixed

SMALL = partial(MLP, width=4, depth=1)
LINE = Box(x=(0, 1))


def decay():
    conditions = {
        "equation": Constraint(lambda u, x: d(u, x) + u, on=LINE),
        "start": Constraint(lambda u: u - 1, on=LINE.face(x=0)),
    }
    return Problem(LINE, ["u"], conditions)


STAGE = Stage(LevenbergMarquardt(), Fixed(10), steps=1)

REFUSED = [
    # option, value, type of error, what the line says
    ("problem", oscillator, TypeError, "a Problem"),
    ("problem", "burgers", TypeError, "a Problem"),
    ("optimizer", torch.optim.Adam, TypeError, "an Optimizer"),
    ("optimizer", LBFGS, TypeError, "an Optimizer"),
    ("optimizer", "adam", TypeError, "an Optimizer"),
    ("sampling", "rad", TypeError, "a Sampler"),
    ("sampling", 400, TypeError, "a Sampler"),
    ("weighting", "causal", TypeError, "a Weighting"),
    ("derivatives", "jets", TypeError, "an Engine"),
    ("start", "burgers.pt", TypeError, "a Solution"),
    ("start", SMALL(inputs=1, outputs=1, generator=torch.Generator()), TypeError, "a Solution"),
    ("seconds", "5", ValueError, "a positive finite number"),
    ("seconds", 0, ValueError, "a positive finite number"),
    ("seconds", -1.0, ValueError, "a positive finite number"),
    ("seconds", math.nan, ValueError, "a positive finite number"),
    ("seconds", True, ValueError, "a positive finite number"),
    ("features", "many", TypeError, "an object such as Features()"),
    ("tolerance", "tight", ValueError, "a positive finite number"),
    ("tolerance", 0.0, ValueError, "a positive finite number"),
    ("steps", 2.5, ValueError, "an integer of at least 1"),
    ("steps", 0, ValueError, "an integer of at least 1"),
    ("steps", "10", ValueError, "an integer of at least 1"),
    ("steps", True, ValueError, "an integer of at least 1"),
    ("threads", 0, ValueError, "an integer of at least 1"),
    ("threads", 1.0, ValueError, "an integer of at least 1"),
    ("seed", -1, ValueError, "an integer of at least 0"),
    ("seed", True, ValueError, "an integer of at least 0"),
    ("seed", None, ValueError, "an integer of at least 0"),
    ("seed", 1.0, ValueError, "an integer of at least 0"),
    ("seed", 2**64, ValueError, "an integer below 2"),
    ("dtype", torch.float16, ValueError, "a precision"),
    ("dtype", torch.int64, ValueError, "a precision"),
    ("dtype", "float64", ValueError, "a precision"),
    ("device", "gpu", ValueError, "a device of this machine"),
    ("device", None, ValueError, "a device of this machine"),
    ("device", 1.5, ValueError, "a device of this machine"),
    ("device", "meta", ValueError, "a device of this machine"),
    ("verify", "no", TypeError, "True or False"),
    ("verify", 1, TypeError, "True or False"),
    ("certify", "no", TypeError, "True or False"),
    ("progress", "yes", TypeError, "True or False"),
    ("progress", None, TypeError, "True or False"),
    ("callbacks", 3, TypeError, "a list of callbacks"),
    ("callbacks", print, TypeError, "a list of callbacks"),
    ("callbacks", "print", TypeError, "a list of callbacks"),
    ("callbacks", None, TypeError, "a list of callbacks"),
    ("checkpoint", 3, TypeError, "a folder"),
    ("checkpoint", True, TypeError, "a folder"),
    ("every", 0, ValueError, "an integer of at least 1"),
    ("every", 1.5, ValueError, "an integer of at least 1"),
    ("every", 10, ValueError, "a folder for checkpoints"),
    ("resume", 3, TypeError, "a checkpoint"),
    ("resume", ["run"], TypeError, "a checkpoint"),
    ("stages", [], ValueError, "at least one Stage"),
    ("stages", STAGE, TypeError, "a list of Stage objects"),
    ("stages", [LevenbergMarquardt()], TypeError, "a list of Stage objects"),
    ("stages", "long", TypeError, "a list of Stage objects"),
    ("network", "mlp", TypeError, "what builds a network"),
    ("network", 20, TypeError, "what builds a network"),
    ("ranks", 2, TypeError, "the processes of the run"),
]


@pytest.fixture
def nothing_begins(monkeypatch):
    """Whoever builds a model fails: options are refused before."""

    def refuse(*args, **kwargs):
        raise AssertionError("a model was built")

    monkeypatch.setattr(Model, "__init__", refuse)


@pytest.mark.parametrize(
    ("option", "value", "error", "expected"), REFUSED, ids=[f"{o}={v!r:.20}" for o, v, *_ in REFUSED]
)
def test_options_that_cannot_be_meant_are_refused_in_one_line(option, value, error, expected, nothing_begins):
    options = {"problem": decay(), option: value}
    with pytest.raises(error) as caught:
        solve(options.pop("problem"), **options)
    said = str(caught.value)
    assert said.startswith(f"solve: got {option}=")
    assert expected in said
    assert "; give " in said
    assert len(said.splitlines()) == 1
    assert len(said) < 300


@pytest.mark.parametrize("option", [{"optimizer": LBFGS()}, {"sampling": Fixed()}, {"steps": 3}], ids=["o", "s", "n"])
def test_a_schedule_stands_alone(option, nothing_begins):
    with pytest.raises(ValueError, match="got stages together with"):
        solve(decay(), stages=[STAGE], **option)


def test_every_option_is_in_the_table():
    """A new option needs a line on what is refused."""
    assert set(inspect.signature(solve).parameters) - {"misspelt"} == {option for option, *_ in REFUSED}


@pytest.mark.parametrize(("option", "meant"), [("optimiser", "optimizer"), ("max_steps", "steps"), ("Seed", "seed")])
def test_a_misspelt_option_is_refused_with_the_one_that_is_nearest(option, meant, nothing_begins):
    with pytest.raises(TypeError, match=rf"^solve: got {option}=3, expected one of network, .*; give {meant}=3$"):
        solve(decay(), **{option: 3})


def test_a_built_network_is_refused_before_training():
    with pytest.raises(TypeError, match=r"give what builds one"):
        solve(decay(), network=SMALL(inputs=1, outputs=1, generator=torch.Generator()))


def losses(**options):
    solution = solve(decay(), network=SMALL, steps=4, progress=False, threads=1, **options)
    return solution.history.column("loss").tolist()


def test_global_generators_are_left_alone():
    before = torch.get_rng_state()
    losses()
    assert torch.equal(torch.get_rng_state(), before)


def test_callbacks_may_come_from_a_generator():
    seen = []
    losses(callbacks=(callback for callback in [lambda progress: seen.append(progress.row["step"])]))
    assert seen == [1, 2, 3, 4]


def test_solve_names_no_optimizer_sampler_or_network():
    """These belong to `pinn.defaults`."""
    names = {node.id for node in ast.walk(ast.parse(inspect.getsource(pinn.solver))) if isinstance(node, ast.Name)}
    assert not names & {"LevenbergMarquardt", "MatrixFree", "Growing", "RAD", "Marching", "Fixed", "MLP", "Widening"}
