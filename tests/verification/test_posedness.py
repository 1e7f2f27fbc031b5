"""Twenty-odd problems that determine their answer, and as many that do not, each the former less something.

Every case is a problem with what is taken away from it (or put in its place) and the words that must name it.
"""

import logging
import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Unknown, d, problems, solve
from pinn.derivatives import laplacian
from pinn.domains import Disc, Scatter
from pinn.regions import Interface, Region
from pinn.verification import Kind, VerificationError, posedness

PI = math.pi
LINE = Box(x=(0, 1))
TIME = Box(t=(0, 2))
STRIP = Box(x=(0, 1), t=(0, 1))
SQUARE = Box(x=(0, 1), y=(0, 1))
DISC = Disc(x=0, y=0, radius=1)
ROD = Box(r=(0, 1), t=(0, 1))
BAR = Box(x=(0, 1), y=(0, 1), t=(0, 0.5))


def value(u):
    return u


def seen(function, n=60, on=("x", "t")):
    """Observations of a function at random points of the unit box."""
    places = torch.rand(len(on), n, generator=torch.Generator().manual_seed(1), dtype=torch.float64).numpy()
    return Scatter(dict(zip(on, places, strict=True)), {"seen": function(*places)})


def misfit(u, seen):
    return u - seen


def stokes(u, v, p, x, y):
    return d(p, x) - laplacian(u, x, y), d(p, y) - laplacian(v, x, y), d(u, x) + d(v, y)


def elastic(u, v, x, y):
    """Plane strain, λ = μ = 1."""
    divergence = d(u, x) + d(v, y)
    return 2 * d(divergence, x) + laplacian(u, x, y), 2 * d(divergence, y) + laplacian(v, x, y) - 1


def traction(u, v, x, y, nx, ny):
    shear, divergence = d(u, y) + d(v, x), d(u, x) + d(v, y)
    return (divergence + 2 * d(u, x)) * nx + shear * ny, shear * nx + (divergence + 2 * d(v, y)) * ny


def decaying(*modes):
    """Σ sin(nπx) e^{(0.5 − 0.1 n²π²) t}, which u_t = 0.1 u_xx + 0.5 u makes of Σ sin nπx."""
    return lambda x, t: sum(np.sin(n * PI * x) * np.exp((0.5 - 0.1 * n**2 * PI**2) * t) for n in modes)


@dataclass(frozen=True)
class Case:
    """A problem that is posed, what is taken away or changed, and the words that name it."""

    domain: object
    outputs: list
    equation: object
    conditions: dict  # name -> (equation, set) or a Constraint
    without: tuple = ()
    instead: dict = field(default_factory=dict)  # conditions that replace those of the same name
    kind: Kind = Kind.MISSING_CONDITION
    words: tuple = ()
    coefficients: dict = field(default_factory=dict)
    ill_coefficients: dict | None = None
    ill_equation: object = None
    periodic: tuple = ()

    def problem(self, posed):
        conditions = dict(self.conditions)
        equation, coefficients = self.equation, self.coefficients
        if not posed:
            conditions = {k: v for k, v in {**conditions, **self.instead}.items() if k not in self.without}
            equation = self.ill_equation or equation
            coefficients = coefficients if self.ill_coefficients is None else self.ill_coefficients
        constraints = {
            name: one if isinstance(one, Constraint) else Constraint(one[0], on=one[1])
            for name, one in conditions.items()
        }
        equations = {"equation": Constraint(equation, on=self.domain)}
        return Problem(
            self.domain, self.outputs, equations | constraints, coefficients=coefficients, periodic=self.periodic
        )


def heat(u, x, t):
    return d(u, t) - 0.2 * d(u, x, x)


def poisson(u, x, y):
    return laplacian(u, x, y) + 1


def sides(domain, **names):
    return {name: domain.face(**{axis: at}) for name, (axis, at) in names.items()}


FOUR = sides(SQUARE, left=("x", 0), right=("x", 1), bottom=("y", 0), top=("y", 1))
ENDS = sides(STRIP, left=("x", 0), right=("x", 1), start=("t", 0))
LEFT, RIGHT = LINE.face(x=0), LINE.face(x=1)


def slope(u, x):
    return d(u, x)


def normal(u, x, y, nx, ny):
    return nx * d(u, x) + ny * d(u, y)


def sine(u, x):
    return u - torch.sin(PI * x)


ENDS_IN_ORDER = ("start", "left", "right")
START = {"start": (sine, ENDS["start"])}
WALLS = {"left": (value, ENDS["left"]), "right": (value, ENDS["right"])}
RATES = {"a": Unknown(0.2), "c": Unknown(0.3)}


def rates(u, x, t, a, c):
    return d(u, t) - a * d(u, x, x) - c * u


def cooled(part):
    """u_n = −part (u − 1): heat is lost to air so slowly that the answer is large, and determined all the same."""
    return lambda u, x, y, nx, ny: nx * d(u, x) + ny * d(u, y) + part * (u - 1)


BEAM = Box(x=(0, 100))


def spring(stiffness):
    return lambda u, x: d(u, x, x, x) + stiffness * u


CASES = {
    "decay": Case(
        TIME,
        ["u"],
        lambda u, t: d(u, t) + u,
        {"start": (lambda u: u - 1, TIME.face(t=0))},
        ("start",),
        words=("u at t = 0",),
    ),
    "oscillator": Case(
        TIME,
        ["u"],
        lambda u, t: d(u, t, t) + 4 * u,
        {"start": (lambda u: u - 1, TIME.face(t=0)), "speed": (lambda u, t: d(u, t), TIME.face(t=0))},
        ("speed",),
        words=("u_t at t = 0",),
    ),
    "two ends": Case(
        LINE,
        ["u"],
        lambda u, x: d(u, x, x) + 1,
        {"left": (value, LEFT), "right": (value, RIGHT)},
        ("right",),
        words=("u or u_x at x = 1",),
    ),
    "third order": Case(
        LINE,
        ["u"],
        lambda u, x: d(u, x, x, x) + u,
        {"value": (lambda u: u - 1, LEFT), "slope": (slope, LEFT), "bend": (lambda u, x: d(u, x, x), LEFT)},
        ("slope",),
        words=("u_x at x = 0",),
    ),
    "beam": Case(
        LINE,
        ["u"],
        lambda u, x: d(u, x, x, x, x) + 1,
        {
            "clamped": (lambda u, x: (u, d(u, x)), LEFT),
            "moment": (lambda u, x: d(u, x, x), RIGHT),
            "shear": (lambda u, x: d(u, x, x, x), RIGHT),
        },
        ("moment",),
        words=("u, u_x or u_xx at x = 1",),
    ),
    "two species": Case(
        TIME,
        ["a", "b"],
        lambda a, b, t: (d(a, t) + a * b, d(b, t) - a * b + b),
        {"start": (lambda a, b: (a - 1, b - 0.5), TIME.face(t=0))},
        instead={"start": (lambda a: a - 1, TIME.face(t=0))},
        words=("b at t = 0",),
    ),
    "heat between walls": Case(STRIP, ["u"], heat, START | WALLS, ("right",), words=("u or u_x at x = 1",)),
    "heat, insulated": Case(
        STRIP,
        ["u"],
        heat,
        START | {"left": (slope, ENDS["left"]), "right": (slope, ENDS["right"])},
        ("start",),
        words=("u at t = 0",),
    ),
    "heat, cooled by air": Case(
        STRIP,
        ["u"],
        heat,
        START | {"left": (lambda u, x: d(u, x) - u, ENDS["left"]), "right": (lambda u, x: d(u, x) + u, ENDS["right"])},
        ("left",),
        words=("u or u_x at x = 0",),
    ),
    "heat on a ring": Case(
        STRIP,
        ["u"],
        heat,
        {"start": (lambda u, x: u - torch.sin(2 * PI * x), ENDS["start"])},
        ("start",),
        words=("u at t = 0",),
        periodic=("x",),
    ),
    "wave": Case(
        STRIP,
        ["u"],
        lambda u, x, t: d(u, t, t) - d(u, x, x),
        START | {"speed": (lambda u, t: d(u, t), ENDS["start"])} | WALLS,
        ("speed",),
        words=("u_t at t = 0",),
    ),
    "transport": Case(
        STRIP,
        ["u"],
        lambda u, x, t: d(u, t) + d(u, x),
        START | {"inflow": (value, ENDS["left"])},
        ("inflow",),
        words=("u at x = 0",),
    ),
    "transport, the wrong end": Case(
        STRIP,
        ["u"],
        lambda u, x, t: d(u, t) + 2 * d(u, x),
        START | {"inflow": (value, ENDS["left"])},
        instead={"inflow": (value, ENDS["right"])},
        words=("u at x = 0",),
    ),
    "heat in a rod about its axis": Case(
        ROD,
        ["u"],
        lambda u, r, t: d(u, t) - 0.2 * (d(u, r, r) + d(u, r) / r),
        {"start": (lambda u, r: u - 1 + r**2, ROD.face(t=0)), "wall": (value, ROD.face(r=1))},
        ("start",),
        words=("u at t = 0",),
    ),
    "a boundary layer": Case(
        LINE,
        ["u"],
        lambda u, x: d(u, x) - 0.01 * d(u, x, x) - 1,
        {"left": (value, LEFT), "right": (value, RIGHT)},
        ("right",),
        words=("u or u_x at x = 1",),
    ),
    "chaos": Case(
        TIME,
        ["x", "y", "z"],
        lambda x, y, z, t: (d(x, t) - 10 * (y - x), d(y, t) - x * (15 - z) + y, d(z, t) - x * y + 2.6 * z),
        {"start": (lambda x, y: (x + 8, y - 7), TIME.face(t=0)), "z": (lambda z: z - 27, TIME.face(t=0))},
        ("z",),
        words=("z at t = 0",),
    ),
    "heat in a plate": Case(
        BAR,
        ["u"],
        lambda u, x, y, t: d(u, t) - 0.2 * laplacian(u, x, y),
        {
            "start": (lambda u, x, y: u - torch.sin(PI * x) * torch.sin(PI * y), BAR.face(t=0)),
            "walls": (value, BAR.face(x=0) | BAR.face(x=1) | BAR.face(y=0) | BAR.face(y=1)),
        },
        ("start",),
        words=("u at t = 0",),
    ),
    "poisson": Case(
        SQUARE, ["u"], poisson, {n: (value, s) for n, s in FOUR.items()}, ("top",), words=("u or u_y at y = 1",)
    ),
    "poisson, three walls insulated": Case(
        SQUARE,
        ["u"],
        poisson,
        {n: (value if n == "left" else normal, s) for n, s in FOUR.items()},
        ("left",),
        words=("u or u_x at x = 0",),
    ),
    **{
        f"poisson, cooled by {part:g}": Case(
            SQUARE,
            ["u"],
            poisson,
            {n: (cooled(part) if n == "top" else normal, s) for n, s in FOUR.items()},
            instead={"top": (normal, FOUR["top"])},
            kind=Kind.LEVEL,
            words=("'u'", "constant"),
        )
        for part in (1e-3, 1e-5)
    },
    "a rod, cooled at one end": Case(
        LINE,
        ["u"],
        lambda u, x: d(u, x, x) + 1,
        {"left": (slope, LEFT), "right": (lambda u, x: d(u, x) + 1e-5 * u, RIGHT)},
        instead={"right": (slope, RIGHT)},
        kind=Kind.LEVEL,
        words=("'u'", "constant"),
    ),
    "a long beam on springs": Case(
        BEAM,
        ["u"],
        lambda u, x: d(u, x, x, x, x) + 1e-6,
        {
            "moments": (lambda u, x: d(u, x, x), BEAM.face(x=0) | BEAM.face(x=100)),
            "left": (spring(1e-8), BEAM.face(x=0)),
            "right": (spring(-1e-8), BEAM.face(x=100)),
        },
        ("right",),
        words=("u or u_x at x = 100",),
    ),
    "poisson, insulated": Case(
        SQUARE,
        ["u"],
        lambda u, x, y: laplacian(u, x, y) - torch.cos(PI * x),
        {"walls": (normal, SQUARE.boundary()), "mean": Constraint(value, on=SQUARE, integral=True)},
        ("mean",),
        kind=Kind.LEVEL,
        words=("'u'", "constant"),
    ),
    "poisson on a disc": Case(
        DISC,
        ["u"],
        poisson,
        {"rim": (value, DISC.boundary())},
        ("rim",),
        words=("u at the boundary",),
    ),
    "helmholtz": Case(
        SQUARE,
        ["u"],
        lambda u, x, y: laplacian(u, x, y) + 9 * u - 1,
        {n: (value, s) for n, s in FOUR.items()},
        ("left",),
        words=("u or u_x at x = 0",),
    ),
    "stokes": Case(
        SQUARE,
        ["u", "v", "p"],
        stokes,
        {
            "lid": (lambda u, v, x: (u - x * (1 - x), v), FOUR["top"]),
            "walls": (lambda u, v: (u, v), FOUR["left"] | FOUR["right"] | FOUR["bottom"]),
            "datum": (lambda p: p, SQUARE.face(x=0, y=0)),
        },
        ("datum",),
        kind=Kind.LEVEL,
        words=("'p'", "constant"),
    ),
    "stokes, half a lid": Case(
        SQUARE,
        ["u", "v", "p"],
        stokes,
        {
            "lid": (lambda u, v, x: (u - x * (1 - x), v), FOUR["top"]),
            "walls": (lambda u, v: (u, v), FOUR["left"] | FOUR["right"] | FOUR["bottom"]),
            "datum": (lambda p: p, SQUARE.face(x=0, y=0)),
        },
        instead={"lid": (lambda v: v, FOUR["top"])},
        words=("u or u_y at y = 1",),
    ),
    "elastic plate": Case(
        SQUARE,
        ["u", "v"],
        elastic,
        {
            "clamped": (lambda u, v: (u, v), FOUR["bottom"]),
            "free": (traction, FOUR["left"] | FOUR["right"] | FOUR["top"]),
        },
        instead={"clamped": (lambda v: v, FOUR["bottom"])},
        kind=Kind.LEVEL,
        words=("'u'", "constant"),
    ),
    "a level of a string": Case(
        LINE,
        ["w"],
        lambda w, x, E: d(w, x, x) + E * w,
        {
            "ends": (lambda w: w, LEFT | RIGHT),
            "size": Constraint(lambda w: w**2 - 1, on=LINE, integral=True),
        },
        ("size",),
        kind=Kind.UNDETERMINED_UNKNOWN,
        words=("E and w",),
        coefficients={"E": Unknown(9.0)},
    ),
    "diffusivity": Case(
        STRIP,
        ["u"],
        lambda u, x, t, a: d(u, t) - a * d(u, x, x),
        START | WALLS | {"data": (misfit, seen(decaying(1)))},
        ("data",),
        kind=Kind.UNDETERMINED_UNKNOWN,
        words=("a and u",),
        coefficients={"a": Unknown(0.2, positive=True)},
    ),
    "diffusivity and growth": Case(
        STRIP,
        ["u"],
        rates,
        {"start": (lambda u, x: u - torch.sin(PI * x) - torch.sin(2 * PI * x), ENDS["start"])}
        | WALLS
        | {"data": (misfit, seen(decaying(1, 2)))},
        instead=START | {"data": (misfit, seen(decaying(1)))},
        kind=Kind.UNDETERMINED_UNKNOWN,
        words=("c − 9.87 a",),
        coefficients=RATES,
    ),
    "a product": Case(
        LINE,
        ["u"],
        lambda u, x, a: a * d(u, x, x) + 1,
        {"ends": (value, LEFT | RIGHT), "data": (misfit, seen(lambda x: x * (1 - x) / 2, 10, ("x",)))},
        kind=Kind.UNDETERMINED_UNKNOWN,
        words=("a·b",),
        coefficients={"a": Unknown(2.0)},
        ill_coefficients={"a": Unknown(2.0), "b": Unknown(0.7)},
        ill_equation=lambda u, x, a, b: a * b * d(u, x, x) + 1,
    ),
    "a field": Case(
        LINE,
        ["u"],
        lambda u, x, q: -d(u, x, x) + q * u - (PI**2 + x**2) * torch.sin(PI * x),
        {"ends": (value, LEFT | RIGHT), "data": (misfit, seen(lambda x: np.sin(PI * x), 50, ("x",)))},
        ("data",),
        kind=Kind.UNDETERMINED_UNKNOWN,
        words=("q can change",),
        coefficients={"q": Unknown(0.5, inputs=("x",))},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_posed_problem_raises_no_finding(name):
    found = posedness(CASES[name].problem(True))
    assert {one.kind for one in found} <= ({Kind.LEVELS} if name == "a level of a string" else set())


@pytest.mark.parametrize("name", CASES)
def test_what_is_taken_away_is_named(name):
    case = CASES[name]
    found = [one for one in posedness(case.problem(False)) if one.undetermined]
    assert found
    assert [one.kind for one in found] == [case.kind]
    assert all(word in str(found[0]) for word in case.words), str(found[0])
    assert not any(one.refuses for one in found)


def layered(without=()):
    """Heat through three layers in SI units, cooled by air, which takes little of it: its stability is 5e-4."""
    whole, (low, high) = Box(x=(0, 0.02), y=(0, 0.0075)), (0.002, 0.0025)
    parts = {"copper": (0, low, 400.0), "resin": (low, high, 2.0), "aluminium": (high, 0.0075, 200.0)}
    regions = {name: Region(Box(x=(0, 0.02), y=(a, b)), k=k) for name, (a, b, k) in parts.items()}

    def through(T, x, y, k, nx, ny):
        return k * (d(T, x) * nx + d(T, y) * ny)

    constraints = {
        "balance": Constraint(lambda T, x, y, k: k * (d(T, x, x) + d(T, y, y)), on=whole),
        "chip": Constraint(lambda T, y, k: k * d(T, y) + 5e4, on=whole.face(y=0)),
        "air": Constraint(lambda T, y, k: k * d(T, y) + 500 * (T - 293), on=whole.face(y=0.0075)),
        "sides": Constraint(lambda T, x: d(T, x), on=whole.face(x=0) | whole.face(x=0.02)),
        "lower joint": Interface("copper", "resin", flux=through),
        "upper joint": Interface("resin", "aluminium", flux=through),
    }
    kept = {name: one for name, one in constraints.items() if name not in without}
    return Problem(outputs=["T"], regions=regions, constraints=kept)


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ("", ""),
        ("chip", "T_copper at y = 0"),
        ("air", "T_aluminium at y = 0.0075"),
        ("lower joint", "T_copper or T_copper_y at y = 0.002"),
        ("upper joint", "T_aluminium or T_aluminium_y at y = 0.0025"),
    ],
)
def test_what_is_missing_in_a_region_is_named_on_its_own_boundary(without, words):
    found = posedness(layered((without,)))
    assert [one.what for one in found][:1] == ([f"a condition is missing: {words}"] if without else [])


@pytest.mark.parametrize("name", ["poisson, cooled by 0.001", "poisson, cooled by 1e-05", "a rod, cooled at one end"])
def test_what_is_determined_weakly_is_trusted(name):
    """u = 1e3, 1e5, ... plus what the equation makes, of which rounding leaves that much less."""
    solution = solve(CASES[name].problem(True), steps=1, progress=False)
    assert solution.certificate.undetermined == ()
    assert solution.report.trusted


@pytest.mark.parametrize("name", problems.__all__)
def test_no_problem_of_the_library_raises_a_finding(name):
    assert posedness(getattr(problems, name)()) == ()


# -- units ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("without", [(), ("right",), ("start",)])
def test_units_do_not_decide(without):
    """Heat conduction in metres, seconds and kelvins, of order 1e-3, 1e9 and 1e-4, and each row in its own."""
    domain = Box(x=(0, 1e-3), t=(0, 1e9))
    conditions = {
        "start": Constraint(lambda u, x: 1e5 * (u - 1e-4 * torch.sin(1e3 * PI * x)), on=domain.face(t=0)),
        "left": Constraint(lambda u: 1e-6 * u, on=domain.face(x=0)),
        "right": Constraint(value, on=domain.face(x=1e-3)),
    }
    kept = {name: one for name, one in conditions.items() if name not in without}
    equation = Constraint(lambda u, x, t: 1e7 * (d(u, t) - 2e-16 * d(u, x, x)), on=domain)
    found = posedness(Problem(domain, ["u"], {"equation": equation, **kept}))
    assert [one.what for one in found] == [
        "a condition is missing: " + {"right": "u or u_x at x = 0.001", "start": "u at t = 0"}[name] for name in without
    ]


def test_the_number_of_points_asked_for_is_no_matter():
    few = {name: Constraint(value, on=on, points=1) for name, on in FOUR.items()}
    assert posedness(Problem(SQUARE, ["u"], {"equation": Constraint(poisson, on=SQUARE, points=3), **few})) == ()


def test_settings_of_torch_are_no_matter():
    with torch.no_grad():
        assert [one.kind for one in posedness(CASES["decay"].problem(False))] == [Kind.MISSING_CONDITION]


# -- the statement alone ----------------------------------------------------------------------------------------------


def decay(outputs=("u",), coefficients=None, **conditions):
    constraints = {
        "equation": Constraint(lambda u, t: d(u, t) + u, on=TIME),
        "start": Constraint(lambda u: u - 1, on=TIME.face(t=0)),
    }
    return Problem(TIME, outputs, constraints | conditions, coefficients=coefficients or {})


def observed(t, u):
    return Constraint(misfit, on=Scatter({"t": t}, {"seen": u}))


@pytest.mark.parametrize(
    ("problem", "kind", "words"),
    [
        (decay(("u", "v")), Kind.UNUSED_OUTPUT, "the output 'v'"),
        (decay(coefficients={"k": Unknown(1.0)}), Kind.UNUSED_UNKNOWN, "the unknown 'k'"),
        (decay(coefficients={"k": Unknown(1.0, inputs=("t",))}), Kind.UNUSED_UNKNOWN, "the unknown 'k'"),
        (decay(data=observed([0, 1000, 2000], [1, 0.5, 0.1])), Kind.OUTSIDE, "'data' lie at t from 0 to 2000, the"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(problem, kind, words):
    (found,) = (one for one in posedness(problem) if one.refuses)
    assert found.kind is kind
    with pytest.raises(VerificationError, match="refusing to train") as error:
        solve(problem, steps=1, progress=False)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert solve(problem, steps=1, progress=False, verify=False).report.checked == 0


def test_what_is_merely_open_trains_and_is_said(caplog):
    problem = CASES["oscillator"].problem(False)
    with caplog.at_level(logging.WARNING, "pinn.verification"):
        solve(problem, steps=1, progress=False)
    said = [record.message for record in caplog.records if record.name == "pinn.verification"]
    assert said == [f"the problem as stated: {finding}" for finding in posedness(problem)]
    assert "u_t at t = 0" in said[0]


def test_an_unknown_that_underflows_at_the_first_guess_is_used():
    """e^{−8750/T} is zero at T = 0.3, so that no number tells that k is used."""
    heat_up = {
        "equation": Constraint(lambda T, t, k: d(T, t) - k * torch.exp(-8750 / (T**2 + 0.1)), on=TIME),
        "start": Constraint(lambda T: T - 350, on=TIME.face(t=0)),
    }
    found = posedness(Problem(TIME, ["T"], heat_up, coefficients={"k": Unknown(1e9)}))
    assert not any(one.refuses for one in found)


def test_data_a_little_outside_are_a_suspicion():
    (found,) = posedness(decay(data=observed([0, 1, 2.1], [1, 0.4, 0.1])))
    assert found.kind is Kind.OUTSIDE
    assert not found.refuses


def kinds(*constraints):
    named = {f"c{index}": one for index, one in enumerate(constraints)}
    equation = Constraint(heat, on=STRIP)
    return [(one.kind, one.names) for one in posedness(Problem(STRIP, ["u"], {"equation": equation, **named}))]


def test_conditions_that_clash_are_named():
    start, left, right = (Constraint(sine if name == "start" else value, on=ENDS[name]) for name in ENDS_IN_ORDER)
    one = Constraint(lambda u: u - 1, on=ENDS["left"])
    assert kinds(start, left, right) == []
    assert kinds(start, left, right, one) == [(Kind.CORNER, ("c0", "c3")), (Kind.CONTRADICTORY, ("c1", "c3"))]
    assert kinds(start, one, right) == [(Kind.CORNER, ("c0", "c1"))]
    twice = Constraint(lambda u: 3 * u, on=ENDS["left"])
    assert kinds(start, left, right, twice) == [(Kind.REPEATED, ("c1", "c3"))]
    slopes = [Constraint(lambda u, x, g=g: g * d(u, x) + 1, on=ENDS["left"]) for g in (1, 2)]
    assert kinds(start, right, *slopes) == [(Kind.CONTRADICTORY, ("c2", "c3"))]
    both = Constraint(lambda u: (u, u - 1), on=ENDS["left"])
    assert (Kind.CONTRADICTORY, ("c1",)) in kinds(start, both, right)


def test_observed_values_do_not_hide_an_output_or_a_coefficient():
    for name in ("u", "k"):
        data = Constraint(lambda u, k: u - k, on=Scatter({"t": [1.0]}, {name: [0.4]}))
        with pytest.raises(ValueError, match=f"'data': the observed values '{name}' would hide"):
            decay(coefficients={"k": 2.0}, data=data)


def test_a_normal_does_not_hide_a_coefficient_that_an_equation_takes():
    walls = Constraint(lambda u, nx: nx * u, on=SQUARE.boundary())
    with pytest.raises(ValueError, match="component of the outward normal 'nx' would hide"):
        Problem(SQUARE, ["u"], {"equation": Constraint(poisson, on=SQUARE), "walls": walls}, coefficients={"nx": 2.0})
    plain = {"equation": Constraint(poisson, on=SQUARE), "walls": Constraint(value, on=SQUARE.boundary())}
    assert Problem(SQUARE, ["u"], plain, coefficients={"nx": 2.0}).known == {"nx": 2.0}


@pytest.mark.parametrize(
    ("equation", "reason"),
    [
        (lambda u, t: d(u, t) + u + u.new_ones(len(u)), "cannot run on recorded fields"),
        (lambda u, t: d(u, t) + torch.sqrt(torch.sin(9 * t)) + u, "is not finite everywhere"),
    ],
    ids=["untraceable", "undefined"],
)
def test_what_cannot_be_told_is_said(equation, reason):
    line = Box(t=(0, 1))
    (finding,) = posedness(Problem(line, ["u"], {"equation": Constraint(equation, on=line)}))
    assert finding.kind is Kind.UNREAD and reason in finding.what and "'equation'" in finding.what
    assert not finding.certain and not finding.undetermined


@pytest.mark.parametrize("step", [0.3, 0.61803, 1.0 / 3.0])
def test_a_start_that_jumps_is_told_with_its_place(step):
    domain = Box(x=(0, 1), t=(0, 1))
    equation = Constraint(lambda u, x, t: d(u, t) - d(u, x, x), on=domain)
    walls = Constraint(lambda u: u, on=domain.face(x=0) | domain.face(x=1))

    def found(start):
        constraints = {"equation": equation, "start": Constraint(start, on=domain.face(t=0)), "walls": walls}
        problem = Problem(domain, ["u"], constraints)
        return [one for one in posedness(problem) if one.kind is Kind.JUMP]

    (one,) = found(lambda u, x: u - 2 * (x > step).to(x.dtype) * (1 - x))
    assert one.names == ("start",) and not one.refuses
    assert f"x = {step:.4g}" in one.what and "t = 0" in one.what
    assert not found(lambda u, x: u - torch.tanh(1e4 * (x - step)))  # steep, and continuous
    assert not found(lambda u, x: u - (x - step).abs())  # a kink
