"""Mistakes that people make, a row each: what is written, and what the refusal must say.

A row is a function without arguments that makes the mistake, and texts that its message must contain: what names the
place (the constraint, the argument, the key) and what says the cure. `tests/test_mistakes.py` runs them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn

from pinn import Box, Constraint, Disc, Output, Problem, Scatter, Solution, Table, Unknown, d, solve
from pinn.derivatives import Jets
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations
from pinn.optimizers import FirstOrder, LevenbergMarquardt
from pinn.optimizers.optimizer import Optimizer
from pinn.problems import heat_1d, oscillator
from pinn.reference import Analytic
from pinn.robust import Huber
from pinn.sampling import Fixed
from pinn.training import Stage
from pinn.verification import verify_before_training
from pinn.weighting import Causal

LINE = Box(x=(0, 1))
PLANE = Box(x=(0, 1), t=(0, 1))
XS = np.linspace(0, 1, 5)
ZEROS = np.zeros(5)


@dataclass(frozen=True)
class Mistake:
    """What is written, and what must be said.

    Args:
        said: texts of the message.
        make: makes the mistake.
    """

    said: tuple[str, ...]
    make: Callable[[], object]


class Untrained(Optimizer):
    """Ends the test where a run gets as far as training."""

    redraws = True

    def step(self, objective):
        raise AssertionError("it trained")

    def reset(self, growth=None):
        pass


def ode(equation=lambda u, x: d(u, x) - u, **more):
    """u' = u, u(0) = 1, or another equation, or more constraints than these."""
    constraints = {"equation": Constraint(equation, on=LINE), "start": Constraint(lambda u: u - 1, on=LINE.face(x=0))}
    return Problem(LINE, ["u"], constraints | more.pop("constraints", {}), **more)


def heat(*left_out, **more):
    """The heat equation, without the constraints that are named."""
    constraints = {
        "equation": Constraint(lambda u, x, t: d(u, t) - d(u, x, x), on=PLANE),
        "initial": Constraint(lambda u, x: u - torch.sin(math.pi * x), on=PLANE.face(t=0)),
        "left": Constraint(lambda u: u, on=PLANE.face(x=0)),
        "right": Constraint(lambda u: u, on=PLANE.face(x=1)),
    }
    return Problem(PLANE, ["u"], {k: v for k, v in constraints.items() if k not in left_out} | more)


def run(problem, **options):
    """Solve, as far as the first step of training."""
    given = {"optimizer": Untrained(), "network": partial(MLP, width=4, depth=1), "features": None, "progress": False}
    return solve(problem, **(given | options))


def answer():
    """A solution that nobody trained."""
    problem = heat_1d()
    return Solution(problem, Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0)))


def seen(values, **more):
    """Observations of u on the line."""
    data = Scatter({"x": XS}, values, **more)
    return ode(constraints={"data": Constraint(lambda u, u_seen: u - u_seen, on=data)})


STARTED = {"start": Constraint(lambda u: u - 1, on=LINE.face(x=0))}


def warned(problem):
    """What is said of a problem as it is stated, before anything is trained; a run logs it and goes on."""
    raise ValueError(
        "; ".join(str(finding) for finding in verify_before_training(Equations(model_of(problem), Jets())).findings)
    )


def model_of(problem):
    return Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0))


def normed(inputs, outputs, dtype):
    """A network whose answer at a point depends on the other points."""
    return nn.Sequential(nn.Linear(inputs, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, outputs)).to(dtype)


def forgotten(u, x):
    """An equation whose author forgot to return it."""
    d(u, x) - u


SHAPES = {
    "a column in place of a field": Mistake(
        ("constraint 'equation'", "shape (n,)", "(5, 1)", "return one tensor"), lambda: ode(lambda u, x: u[:, None])
    ),
    "a mean in place of a field": Mistake(
        ("constraint 'equation'", "got shape ()", "return one tensor"), lambda: ode(lambda u, x: (d(u, x) - u).mean())
    ),
    "a field that takes a mean over the points": Mistake(
        ("equation", "integral"), lambda: run(ode(lambda u, x: d(u, x) - u.mean()))
    ),
    "nothing returned": Mistake(("constraint 'equation'", "as where return is forgotten"), lambda: ode(forgotten)),
    "rows in a dictionary": Mistake(
        ("constraint 'equation'", "got dict", "a tuple of them"), lambda: ode(lambda u, x: {"row": d(u, x)})
    ),
    "two rows stacked": Mistake(
        ("constraint 'equation'", "(2, 5)", "a tuple of them"), lambda: ode(lambda u, x: torch.stack([u, x]))
    ),
    "values a point of a fixed number of points": Mistake(
        ("constraint 'equation'", "their number changes", "Table"), lambda: ode(lambda u, x: u - torch.ones(50))
    ),
    "a constant for a residual": Mistake(("constraint 'equation'", "got float"), lambda: ode(lambda u, x: 0.0)),
    "fewer observations than places": Mistake(("Scatter", "u_seen", "5", "3"), lambda: seen({"u_seen": ZEROS[:3]})),
    "observations as a matrix": Mistake(("Scatter", "u_seen", "shape"), lambda: seen({"u_seen": np.zeros((5, 2))})),
    "a reference of another shape": Mistake(
        ("reference", "u has shape (1, ", "one entry a point"),
        lambda: run(ode(reference=lambda x: x[None, :])),
    ),
    "a reference of two outputs as one array": Mistake(
        ("reference", "expected a dict"),
        lambda: Problem(
            LINE,
            ["u", "v"],
            {"equation": Constraint(lambda u, v, x: (d(u, x) - v, d(v, x)), on=LINE)},
            reference=lambda x: x,
        ).exact(LINE.sample(3, generator=torch.Generator().manual_seed(0))),
    ),
    "an ansatz of another shape": Mistake(
        ("ansatz 'u'", "shape"), lambda: run(ode(ansatz={"u": lambda u, x: (x * u)[:, None]}))
    ),
}

NAMES = {
    "an output that is none": Mistake(
        ("constraint 'equation'", "unknown argument 'v'", "choose among"), lambda: ode(lambda v, x: d(v, x))
    ),
    "a coefficient misspelt": Mistake(
        ("constraint 'equation'", "'nuu'", "did you mean 'nu'?"),
        lambda: ode(lambda u, x, nuu: d(u, x) - nuu * u, coefficients={"nu": 1.0}),
    ),
    "arguments without names": Mistake(
        ("constraint 'equation'", "*fields", "write the names out"), lambda: ode(lambda *fields: fields[0])
    ),
    "a function of torch itself": Mistake(("constraint 'equation'", "exp", "lambda x: exp(x)"), lambda: ode(torch.exp)),
    "an equation without the output": Mistake(
        ("constraint 'equation'", "uses no output", "take at least one of"), lambda: ode(lambda x: x)
    ),
    "a name for two things": Mistake(
        ("'x' stands for two things", "rename one"),
        lambda: Problem(LINE, ["x"], {"equation": Constraint(lambda x: x, on=LINE)}),
    ),
    "observed values under the output's name": Mistake(
        ("constraint 'data'", "'u'", "rename one", "u_seen"),
        lambda: ode(constraints={"data": Constraint(lambda u: u, on=Scatter({"x": XS}, {"u": ZEROS}))}),
    ),
    "a component of the normal inside": Mistake(
        ("constraint 'equation'", "'nx'", "the outward normal is known on a boundary alone"),
        lambda: ode(lambda u, x, nx: nx * d(u, x)),
    ),
    "a face of a coordinate that is none": Mistake(("face", "'y'", "choose among"), lambda: PLANE.face(y=0)),
    "a face inside": Mistake(("face", "x=0.5", "0", "1"), lambda: PLANE.face(x=0.5)),
    "a period in a coordinate that is none": Mistake(
        ("periodic", "'y' is no coordinate", "choose among"), lambda: ode(periodic=["y"])
    ),
    "a label of nothing": Mistake(("labels", "'T' is no coordinate", "choose among"), lambda: ode(labels={"T": "K"})),
    "a scale of nothing": Mistake(("scales", "'v' is no output", "choose among"), lambda: ode(scales={"v": (0, 1)})),
    "an ansatz of nothing": Mistake(
        ("ansatz", "'v' is no output", "choose among"), lambda: ode(ansatz={"v": lambda v: v})
    ),
    "a true value of what is known": Mistake(
        ("exact_coefficients", "'k' is no unknown", "coefficients has no Unknown(...)"),
        lambda: ode(exact_coefficients={"k": 1.0}),
    ),
    "a set of another problem's coordinates": Mistake(
        ("constraint 'walls'", "('x', 't')", "build it from the problem's domain"),
        lambda: ode(constraints={"walls": Constraint(lambda u: u, on=PLANE.face(t=0))}),
    ),
    "constraints in a list": Mistake(
        ("constraints must be a dictionary by name", "list"),
        lambda: Problem(LINE, ["u"], [Constraint(lambda u: u, on=LINE)]),
    ),
    "a function in place of a constraint": Mistake(
        ("constraint 'walls'", "expected Constraint(function, on=domain)"),
        lambda: ode(constraints={"walls": lambda u: u}),
    ),
    "a range in place of a domain": Mistake(
        ("domain must be a Domain such as Box", "(0, 1)"), lambda: Problem((0, 1), ["u"], {})
    ),
    "a variable that the equation does not take": Mistake(
        ("constraint 'equation'", "'t' is not defined", "argument"),
        lambda: ode(lambda u, x: d(u, t)),  # noqa: F821
    ),
    "an unknown field of a coordinate that is none": Mistake(
        ("Unknown 'k'", "'y'", "choose among"),
        lambda: ode(lambda u, x, k: d(u, x) - k, coefficients={"k": Unknown(1.0, inputs=("y",))}),
    ),
}

FUNCTIONS = {
    "NumPy's function": Mistake(
        ("constraint 'equation'", "torch.exp", "Table"), lambda: ode(lambda u, x: d(u, x) - np.exp(x))
    ),
    "NumPy's function of an output": Mistake(
        ("constraint 'equation'", "torch.exp"), lambda: ode(lambda u, x: d(u, x) - np.exp(u))
    ),
    "a table by numpy.interp": Mistake(
        ("constraint 'equation'", "Table"), lambda: ode(lambda u, x: d(u, x) - np.interp(x, XS, ZEROS))
    ),
    "an array in NumPy": Mistake(("constraint 'equation'", "NumPy"), lambda: ode(lambda u, x: d(u, x) - u.numpy())),
    "a function of math": Mistake(("constraint 'equation'", "torch.sin(u)"), lambda: ode(lambda u, x: math.sin(u))),
    "a branch on values": Mistake(
        ("constraint 'equation'", "torch.where(condition, a, b)"), lambda: ode(lambda u, x: u if x < 0.5 else d(u, x))
    ),
    "Python's max": Mistake(
        ("constraint 'equation'", "torch.where(condition, a, b)"), lambda: ode(lambda u, x: max(u, x) - d(u, x))
    ),
    "a number of a field": Mistake(
        ("constraint 'equation'", "take a single number"), lambda: ode(lambda u, x: d(u, x) - float(u))
    ),
    "a complex field": Mistake(
        ("constraint 'equation'", "two outputs, its real and its imaginary part"),
        lambda: ode(lambda u, x: 1j * d(u, x)),
    ),
    "the order as a number": Mistake(
        ("constraint 'equation'", "got 2 as a coordinate", "repeat the coordinate"),
        lambda: ode(lambda u, x: d(u, x, 2) - u),
    ),
    "a coordinate in quotes": Mistake(
        ("constraint 'equation'", "type str", "give the one that u was computed from"),
        lambda: ode(lambda u, x: d(u, "x")),
    ),
    "a derivative without coordinate": Mistake(
        ("constraint 'equation'", "at least one, as in d(u, x)"), lambda: ode(lambda u, x: d(u) - u)
    ),
    "all coordinates in one tensor": Mistake(
        ("d:", "column"),
        lambda: d(torch.sin((points := torch.ones(4, 2, requires_grad=True)) @ torch.ones(2, 2)), points),
    ),
    "a derivative by what took no part": Mistake(
        ("d:", "took no part"),
        lambda: d(torch.ones(3, requires_grad=True) ** 2, torch.ones(3, requires_grad=True)),
    ),
    "a derivative under no_grad": Mistake(
        ("d:", "no_grad"), lambda: torch.no_grad()(lambda x: d(x**2, x))(torch.ones(3, requires_grad=True))
    ),
    "torch.autograd.grad of a vector": Mistake(
        ("constraint 'equation'", "d(u, x)"),
        lambda: ode(lambda u, x: torch.autograd.grad(u, x, create_graph=True)[0] - u),
    ),
}

POSED = {
    "a start that is missing": Mistake(
        ("a condition is missing: u at t = 0", "add a constraint"), lambda: warned(heat("initial"))
    ),
    "a wall that is missing": Mistake(
        ("a condition is missing: u or u_x at x = 1", "add a constraint"), lambda: warned(heat("right"))
    ),
    "one condition of two": Mistake(
        ("a condition is missing: u_x at x = 0", "add a constraint"), lambda: warned(ode(lambda u, x: d(u, x, x) + u))
    ),
    "an output that no constraint uses": Mistake(
        ("no constraint depends on the output 'v'", "take it off outputs"),
        lambda: warned(
            Problem(LINE, ["u", "v"], {"equation": Constraint(lambda u, x: d(u, x) - u, on=LINE), **STARTED})
        ),
    ),
    "an unknown that no constraint uses": Mistake(
        ("no constraint depends on the unknown 'k'", "take it off coefficients"),
        lambda: warned(ode(coefficients={"k": Unknown(1.0)})),
    ),
    "conditions that contradict each other": Mistake(
        ("'start' and 'again' prescribe different values", "take one away"),
        lambda: warned(ode(constraints={"again": Constraint(lambda u: u - 2, on=LINE.face(x=0))})),
    ),
    "observations in other units": Mistake(
        ("the observations of 'data' lie at x from 0 to 1000", "in the units of the domain"),
        lambda: warned(
            ode(
                constraints={
                    "data": Constraint(lambda u, seen: u - seen, on=Scatter({"x": 1000 * XS}, {"seen": ZEROS}))
                }
            )
        ),
    ),
    "a reference that the equation refutes": Mistake(
        ("equation: residual of the reference",), lambda: run(ode(reference=Analytic(lambda x: torch.exp(2 * x))))
    ),
    "a reference that a condition refutes": Mistake(
        ("start: residual of the reference",), lambda: run(ode(reference=Analytic(lambda x: 3 * torch.exp(x))))
    ),
    "no number at the boundary": Mistake(
        ("constraint 'walls' is inf at the values tried first", "say where it is defined"),
        lambda: run(ode(constraints={"walls": Constraint(lambda u, x: u - torch.log(x), on=LINE.face(x=0))})),
    ),
    "a network that couples points": Mistake(
        ("BatchNorm", "couples the points", "Remove it"),
        lambda: run(ode(), network=lambda inputs, outputs, generator, dtype: normed(inputs, outputs, dtype)),
    ),
}

VALUES = {
    "an empty range": Mistake(("Box", "x=(1, -1)", "give"), lambda: Box(x=(1, -1))),
    "a number in place of a range": Mistake(("Box", "x=1", "give"), lambda: Box(x=1)),
    "a range without end": Mistake(("Box", "inf"), lambda: Box(x=(0, math.inf))),
    "a disc without size": Mistake(("radius=0", "give radius > 0"), lambda: Disc(x=0, y=0, radius=0)),
    "observations that are no numbers": Mistake(("Scatter", "u_seen"), lambda: seen({"u_seen": ZEROS * math.nan})),
    "noise of no size": Mistake(("Scatter", "sigma"), lambda: seen({"u_seen": ZEROS}, sigma=0.0)),
    "a coefficient in quotes": Mistake(("coefficient 'k'", "number", "'1'"), lambda: ode(coefficients={"k": "1"})),
    "a coefficient that is no number": Mistake(
        ("coefficient 'k'", "finite"), lambda: ode(coefficients={"k": math.nan})
    ),
    "a first guess of the wrong sign": Mistake(
        ("Unknown: positive=True", "-1.0", "give initial > 0"), lambda: Unknown(-1.0, positive=True)
    ),
    "a negative weight": Mistake(
        ("Constraint", "weight=-1", "give weight > 0"), lambda: Constraint(lambda u: u, on=LINE, weight=-1)
    ),
    "no points": Mistake(
        ("Constraint", "points=0", "give points >= 1"), lambda: Constraint(lambda u: u, on=LINE, points=0)
    ),
    "a loss that is a class": Mistake(
        ("Constraint", "robust", "give an object such as Huber()"),
        lambda: Constraint(lambda u: u, on=LINE, robust=Huber),
    ),
    "a scale without size": Mistake(("scales 'u'", "size=0", "give"), lambda: ode(scales={"u": (0, 0)})),
    "a table that is too short for the domain": Mistake(
        ("coefficient 'k'", "x"),
        lambda: ode(lambda u, x, k: d(u, x) - k, coefficients={"k": Table({"x": XS / 2}, XS)}),
    ),
    "a table in the wrong order": Mistake(("Table", "x"), lambda: Table({"x": XS[::-1]}, XS)),
    "bounds in the wrong order": Mistake(("Output", "bounds"), lambda: Output("u", bounds=(1, 0))),
}

RUNS = {
    "a graphics card that is not there": Mistake(
        ("device='cuda:77'", "expected a device of this machine", "give 'cpu'"), lambda: run(ode(), device="cuda:77")
    ),
    "half precision": Mistake(
        ("dtype=torch.float16", "float64 or float32", "give torch.float64"), lambda: run(ode(), dtype=torch.float16)
    ),
    "time that is up": Mistake(("seconds=-1", "give seconds > 0"), lambda: run(ode(), seconds=-1)),
    "half a step": Mistake(("steps=2.5", "an integer of at least 1"), lambda: run(ode(), steps=2.5)),
    "no error at all": Mistake(("tolerance=0", "give tolerance > 0"), lambda: run(ode(), tolerance=0)),
    "an option misspelt": Mistake(("secnds=3", "give seconds=3"), lambda: run(ode(), secnds=3)),
    "another library's option": Mistake(("epochs=100", "expected one of"), lambda: run(ode(), epochs=100)),
    "an optimizer by name": Mistake(
        ("optimizer='adam'", "give an object such as"), lambda: run(ode(), optimizer="adam")
    ),
    "an optimizer of torch": Mistake(
        ("optimizer=", "FirstOrder(partial(torch.optim.Adam, lr=1e-3))"), lambda: run(ode(), optimizer=torch.optim.Adam)
    ),
    "a negative rate": Mistake(
        ("FirstOrder: the factory refuses", "Invalid learning rate: -1"),
        lambda: FirstOrder(partial(torch.optim.Adam, lr=-1)),
    ),
    "a schedule that waits for a loss": Mistake(
        ("FirstOrder", "ReduceLROnPlateau", "CosineAnnealingLR"),
        lambda: FirstOrder(torch.optim.Adam, torch.optim.lr_scheduler.ReduceLROnPlateau),
    ),
    "a network that is made": Mistake(
        ("network: got a module", "partial(Linear, width=50)"),
        lambda: run(ode(), network=nn.Linear(1, 1, dtype=torch.float64)),
    ),
    "an option of the network misspelt": Mistake(
        ("network: ", "'widht'", "it takes inputs, outputs, width, depth"),
        lambda: run(ode(), network=partial(MLP, widht=3)),
    ),
    "a class in place of a strategy": Mistake(("weighting=", "Causal()"), lambda: run(ode(), weighting=Causal)),
    "a strategy in another's place": Mistake(
        ("sampling=", "a Sampler", "Growing(RAD())"), lambda: run(ode(), sampling=LevenbergMarquardt())
    ),
    "stages and an optimizer": Mistake(
        ("stages together with optimizer", "put them in a Stage"),
        lambda: run(ode(), stages=[Stage(LevenbergMarquardt(), Fixed(10))]),
    ),
    "no stage": Mistake(("stages=[]", "at least one Stage"), lambda: run(ode(), stages=[])),
    "a function in place of a problem": Mistake(("problem=", "expected a Problem", "burgers()"), lambda: run(heat_1d)),
    "a name in place of callbacks": Mistake(
        ("callbacks='print'", "callbacks=[...]"), lambda: run(ode(), callbacks="print")
    ),
    "a callback that cannot be called": Mistake(("callbacks",), lambda: run(ode(), callbacks=[3])),
    "a start of another problem": Mistake(
        ("start", "coordinates", "start from a solution with the same"), lambda: run(oscillator(), start=answer())
    ),
    "a run that is not there": Mistake(
        ("nowhere: there is no such file or folder", "give the folder"), lambda: run(ode(), resume="nowhere")
    ),
}

ANSWERS = {
    "a coordinate that is none": Mistake(
        ("got coordinates ['x', 'y']", "solution(x=0.5, t=0.5)"), lambda: answer()(x=0.5, y=0.5)
    ),
    "a coordinate left out": Mistake(("'t'",), lambda: answer()(x=0.5)),
    "a place outside of the domain": Mistake(
        ("(x=2, t=0.5)", "outside", "extrapolate"), lambda: answer()(x=2.0, t=0.5)
    ),
    "arrays that do not fit": Mistake(
        ("x (3,), t (2,)", "for a grid give"), lambda: answer()(x=[0.1, 0.2, 0.3], t=[0.1, 0.2])
    ),
    "a derivative of what is none": Mistake(("'v'",), lambda: answer().derivative("v", "x")),
    "a derivative by what is none": Mistake(("'y'",), lambda: answer().derivative("u", "y")),
    "a residual of what is none": Mistake(("'equatoin'", "equation"), lambda: answer().residual("equatoin")),
    "a picture of what is none": Mistake(("kind='errors'", "error"), lambda: answer().plot(kind="errors")),
    "an error without reference": Mistake(
        ("no reference", "give reference="),
        lambda: Solution(ode(), Model(ode(), partial(MLP, width=4), generator=torch.Generator())).error(),
    ),
}
