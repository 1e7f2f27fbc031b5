"""Elasticity, by manufactured solutions in index notation; a plate with a known answer; a short solve."""

from functools import partial

import pytest
import sympy as sp
import torch

from pinn import Box, Constraint, Problem, solve
from pinn.binding import names_of
from pinn.equations import elasticity, elasticity_mixed, isotropic, plane_stress, traction
from pinn.networks import MLP

x, y, z, t, E, nu, rho = sp.symbols("x y z t E nu rho")
XS = (x, y, z)
U3 = (sp.sin(x + y * z) * sp.exp(-t), sp.cos(x * y) + z**2 * t, x * y * z + sp.exp(x - z))
U2 = (sp.sin(x + 2 * y) * sp.exp(-t), sp.cos(x * y) + x**2 * t)
NUMBERS = {"E": 2.5, "nu": 0.3}


def stress(u, xs, law):
    """σ by the inverse laws, strains from stresses, solved for the stresses."""
    d = len(xs)
    e = sp.Matrix(d, d, lambda i, j: (sp.diff(u[i], xs[j]) + sp.diff(u[j], xs[i])) / 2)
    names = sp.symbols("a b c f g h")
    place = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)] if d == 3 else [(0, 0), (1, 1), (0, 1)]
    s = sp.zeros(3, 3)
    for name, (i, j) in zip(names, place, strict=False):
        s[i, j] = s[j, i] = name
    if law == "strain":
        s[2, 2] = nu * (s[0, 0] + s[1, 1])  # what keeps the thickness
    compliance = ((1 + nu) * s - nu * s.trace() * sp.eye(3)) / E
    unknowns = names[: len(place)]
    values = sp.solve([compliance[i, j] - sp.Symbol(f"e{i}{j}") for i, j in place], unknowns)
    back = {sp.Symbol(f"e{i}{j}"): e[i, j] for i, j in place}
    return s.subs(values).subs(back)[:d, :d]


def force(s, xs):
    return [-sum(sp.diff(s[i, j], xs[j]) for j in range(len(xs))) for i in range(len(xs))]


@pytest.mark.parametrize(("law", "name"), [(isotropic, "strain"), (plane_stress, "stress")])
def test_plane_strain_and_plane_stress(manufactured, law, name):
    u = [one.subs(t, 1) for one in U2]
    rows = force(stress(u, (x, y), name), (x, y))
    manufactured(elasticity(("x", "y"), law=law), "x y", {"u": u[0], "v": u[1]}, rows, **NUMBERS)


def test_space_and_time(manufactured):
    fields = dict(zip("uvw", U3, strict=True))
    rows = [rho * sp.diff(a, t, 2) + f for a, f in zip(U3, force(stress(U3, XS, ""), XS), strict=True)]
    rows[1] -= x
    moving = elasticity(("x", "y", "z"), time="t", force=(0.0, lambda x: x, 0.0))
    manufactured(moving, "x y z t", fields, rows, rho=1.7, **NUMBERS)


def test_a_bar_of_a_stiffness_that_varies(manufactured):
    u = sp.sin(2 * x)
    modulus = (1 - nu) / ((1 + nu) * (1 - 2 * nu))  # of a bar that keeps its width
    row = -sp.diff((1 + x) * modulus * sp.diff(u, x), x)
    manufactured(elasticity("x", young=lambda x: 1 + x), "x", {"u": u}, [row], nu=0.3)


def test_displacement_and_stress(manufactured):
    given = sp.Matrix([[sp.sin(x * y), x**2 * t], [x**2 * t, sp.exp(y) * x]])
    true = stress(U2, (x, y), "stress")
    rows = [rho * sp.diff(a, t, 2) + f for a, f in zip(U2, force(given, (x, y)), strict=True)]
    rows += [given[i, j] - true[i, j] for i, j in ((0, 0), (1, 1), (0, 1))]
    fields = {"u": U2[0], "v": U2[1], "sxx": given[0, 0], "syy": given[1, 1], "sxy": given[0, 1]}
    mixed = elasticity_mixed(("x", "y"), stress=("sxx", "syy", "sxy"), law=plane_stress, time="t")
    manufactured(mixed, "x y t", fields, rows, rho=1.7, **NUMBERS)


def test_displacement_and_stress_in_space(manufactured):
    u = [one.subs(t, 1) for one in U3]
    names = ("sxx", "syy", "szz", "sxy", "sxz", "syz")
    place = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    given = {(i, j): sp.sin((i + 1) * x + j * y) + z**2 for i, j in place}
    s = sp.Matrix(3, 3, lambda i, j: given[min(i, j), max(i, j)])
    true = stress(u, XS, "")
    rows = [*force(s, XS), *(s[i, j] - true[i, j] for i, j in place)]
    fields = dict(zip("uvw", u, strict=True)) | {name: s[at] for name, at in zip(names, place, strict=True)}
    manufactured(elasticity_mixed(("x", "y", "z"), stress=names), "x y z", fields, rows, **NUMBERS)


def test_traction(manufactured):
    u = [one.subs(t, 1) for one in U2]
    s = stress(u, (x, y), "strain")
    rows = [0.6 * s[i, 0] - 0.8 * s[i, 1] - load for i, load in enumerate((x, 0))]
    loaded = traction(("x", "y"), normal=(0.6, -0.8), load=(lambda x: x, 0.0))
    manufactured(loaded, "x y", {"u": u[0], "v": u[1]}, rows, **NUMBERS)
    slides = traction(("x", "y"), normal=(0.6, -0.8), load=(None, 2.0))
    manufactured(slides, "x y", {"u": u[0], "v": u[1]}, [rows[1] - 2], **NUMBERS)
    assert names_of(traction(("x", "y"), young=1.0, poisson=0.3))[0] == ("u", "v", "x", "y", "nx", "ny")


def test_refusals_in_one_line():
    with pytest.raises(ValueError, match="elasticity: got 1 components of displacement and 2 coordinates"):
        elasticity(("x", "y"), displacement="u")
    with pytest.raises(ValueError, match="elasticity: got 4 coordinates, expected 1 or 2 or 3"):
        elasticity(("x", "y", "z", "s"))
    with pytest.raises(ValueError, match="elasticity_mixed: got 2 stresses, expected 3"):
        elasticity_mixed(("x", "y"), stress=("sxx", "syy"))
    with pytest.raises(ValueError, match=r"traction: got load=\(None, None\), expected a component at least"):
        traction(("x", "y"), load=(None, None))
    box = Box(x=(0, 1), y=(0, 1), z=(0, 1))
    law = elasticity(("x", "y", "z"), law=plane_stress, young=1.0, poisson=0.3)
    with pytest.raises(ValueError, match="plane_stress: got 3 coordinates, expected 2; give isotropic"):
        Problem(box, ["u", "v", "w"], {"balance": Constraint(law, on=box)})


def test_a_plate_is_pulled():
    """Plane strain: pulled to the right, on rollers at the left and below, free at the top; it stays a rectangle."""
    young, poisson, pull = 200.0, 0.25, 1.0
    plate = Box(x=(0, 2), y=(0, 1))
    load = partial(traction, ("x", "y"), young=young, poisson=poisson)
    problem = Problem(
        plate,
        ["u", "v"],
        {
            "balance": Constraint(elasticity(("x", "y"), young=young, poisson=poisson), on=plate),
            "top": Constraint(load(), on=plate.face(y=1)),
            "right": Constraint(load(load=(pull, 0.0)), on=plate.face(x=2)),
            "left": Constraint(lambda u: u, on=plate.face(x=0)),
            "left slides": Constraint(load(load=(None, 0.0)), on=plate.face(x=0)),
            "below": Constraint(lambda v: v, on=plate.face(y=0)),
            "below slides": Constraint(load(load=(0.0, None)), on=plate.face(y=0)),
        },
        # ε_xx = (1 − ν²) σ / E and ε_yy = −ν (1 + ν) σ / E: linear displacements.
        reference=lambda x, y: {
            "u": (1 - poisson**2) * pull / young * x,
            "v": -poisson * (1 + poisson) * pull / young * y,
        },
    )
    small = partial(MLP, width=8, depth=1)
    solution = solve(problem, network=small, steps=20, features=None, verify=False, certify=False, progress=False)
    assert solution.error() < 1e-2


def test_laws_are_functions_of_fields():
    strain = ((torch.ones(2), torch.zeros(2)), (torch.zeros(2), torch.zeros(2)))
    assert torch.allclose(isotropic(strain, 1.0, 0.25)[0][0], torch.tensor(1.2))
    assert torch.allclose(plane_stress(strain, 1.0, 0.25)[0][0], torch.tensor(1 / (1 - 0.25**2)))
