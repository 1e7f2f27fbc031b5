"""Regions: the statement written out, closed forms across interfaces, one solution over all, files and checkpoints."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Disc, Interface, Problem, Region, Solution, Unknown, d, solve, solve_along
from pinn.derivatives import Autograd, Jets
from pinn.model import Model, by_region
from pinn.networks import MLP, SIREN, ByOutput
from pinn.objective import Equations, Objective
from pinn.problems import lotka_volterra
from pinn.sampling.uniform import sample_uniform

ROD, COPPER, STEEL = Box(x=(0, 1)), Box(x=(0, 0.4)), Box(x=(0.4, 1))
TRAINED = {"features": None, "progress": False, "certify": False}


def temperature(x):
    """Through 0.4 of conductivity 4 and 0.6 of conductivity 0.5 from 0 to 1."""
    flux = 1 / (0.4 / 4 + 0.6 / 0.5)
    return np.where(x < 0.4, flux * x / 4, flux * (0.1 + (x - 0.4) / 0.5))


def layered_rod(**changes):
    given = {
        "outputs": ["u"],
        "regions": {"copper": Region(COPPER, k=4.0), "steel": Region(STEEL, k=0.5)},
        "constraints": {
            "equation": Constraint(lambda u, x, k: d(k * d(u, x), x), on=ROD),
            "left": Constraint(lambda u: u, on=COPPER.face(x=0)),
            "right": Constraint(lambda u: u - 1, on=STEEL.face(x=1)),
            "contact": Interface("copper", "steel", flux=lambda u, x, k, nx: k * d(u, x) * nx),
        },
        "reference": temperature,
        "name": "rod",
    }
    return Problem(**{**given, **changes})


def plate():
    """u_a = cos y (sin πx + 3.5 (x − ½)), u_b = cos y (1 + 0.7 (x − ½)), k_a = 1, k_b = 5: the same value and flux."""
    left, right, both = Box(x=(0, 0.5), y=(0, 1)), Box(x=(0.5, 2), y=(0, 1)), Box(x=(0, 2), y=(0, 1))
    pi = torch.pi

    def balance(u, x, y, k):
        return d(k * d(u, x), x) + d(k * d(u, y), y)

    def of_a(x, y):
        return torch.cos(y) * (torch.sin(pi * x) + 3.5 * (x - 0.5))

    def of_b(x, y):
        return torch.cos(y) * (1 + 0.7 * (x - 0.5))

    def exact(x, y):
        return torch.where(x < 0.5, of_a(x, y), of_b(x, y))

    return Problem(
        outputs=["u"],
        regions={"a": Region(left, k=1.0), "b": Region(right, k=5.0)},
        constraints={
            "balance a": Constraint(
                lambda u, x, y, k: balance(u, x, y, k) + of_a(x, y) + pi**2 * torch.cos(y) * torch.sin(pi * x), on=left
            ),
            "balance b": Constraint(lambda u, x, y, k: balance(u, x, y, k) + 5 * of_b(x, y), on=right),
            "walls": Constraint(lambda u, x, y: u - exact(x, y), on=both.boundary()),
            "contact": Interface("a", "b", flux=lambda u, x, k: k * d(u, x)),
        },
        reference=exact,
        name="plate",
    )


# -- the statement ----------------------------------------------------------------------------------------------------


def test_a_statement_is_written_out_for_every_region():
    problem = layered_rod()
    assert problem.outputs == ("u_copper", "u_steel")
    assert problem.stated_outputs == ("u",)
    assert problem.known == {"k_copper": 4.0, "k_steel": 0.5}
    assert list(problem.constraints) == ["equation in copper", "equation in steel", "left", "right", "contact"]
    assert problem.constraints["equation in steel"].on is STEEL
    contact = problem.constraints["contact"].on.sample(1, generator=torch.Generator())
    assert contact.x.tolist() == [[0.4]] and contact.normals.tolist() == [[1.0]]


def test_a_copy_with_changes_is_the_same_problem():
    problem = layered_rod()
    again = dataclasses.replace(problem, name="other")
    assert again.outputs == problem.outputs and list(again.constraints) == list(problem.constraints)


def test_a_coefficient_that_is_changed_is_changed_or_refused(monkeypatch):
    problem = layered_rod(reference=None)
    with pytest.raises(ValueError, match=r"'k_copper' is 8.0 among the coefficients and 4.0 in its region"):
        dataclasses.replace(problem, coefficients={**problem.coefficients, "k_copper": 8.0})
    monkeypatch.setattr("pinn.along.solve", lambda problem, **_: problem)
    solved = solve_along(problem, k_copper=[4.0, 8.0])
    assert [one.known for one in solved] == [{"k_copper": k, "k_steel": 0.5} for k in (4.0, 8.0)]


def test_a_set_reaches_regions_that_are_small_in_it():
    plate, fibre = Box(x=(-1, 1), y=(-1, 1)), Disc(x=0.31, y=0.17, radius=0.004)
    problem = Problem(
        outputs=["u"],
        regions={"matrix": Region(plate - fibre), "fibre": Region(fibre)},
        constraints={
            "balance": Constraint(lambda u, x, y: d(u, x, x) + d(u, y, y), on=plate),
            "contact": Interface("fibre", "matrix"),
        },
    )
    assert "balance in fibre" in problem.constraints
    assert problem.constraints["contact"].on.measure == pytest.approx(0.008 * np.pi, rel=1e-9)


def test_an_interface_is_the_part_where_regions_touch():
    problem = Problem(
        outputs=["u"],
        regions={
            "fibre": Region(Disc(x=0, y=0, radius=0.4)),
            "matrix": Region(Box(x=(-1, 1), y=(-1, 1)) - Disc(x=0, y=0, radius=0.4)),
        },
        constraints={
            "balance": Constraint(lambda u, x, y: d(u, x, x) + d(u, y, y), on=Box(x=(-1, 1), y=(-1, 1))),
            "contact": Interface("matrix", "fibre"),
        },
    )
    points = problem.constraints["contact"].on.sample(50, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(points.x.norm(dim=1), torch.tensor(0.4).double())
    assert torch.allclose(points.normals, -points.x / 0.4)  # out of the matrix
    assert problem.constraints["balance in matrix"].on.measure == pytest.approx(4 - np.pi * 0.16)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"regions": {"all": Region(ROD, k=1.0)}}, "two or more by name"),
        ({"regions": {"a": Region(COPPER, k=1.0), "b": Region(ROD, k=1.0)}}, "'a' and 'b' overlap"),
        ({"regions": {"a": COPPER, "b": STEEL}}, r"region 'a': expected Region"),
        ({"coefficients": {"k": 1.0}}, "'k' is one of all regions and of 'copper'"),
        (
            {
                "regions": {"a": Region(Box(x=(0, 0.3))), "b": Region(STEEL)},
                "constraints": {"contact": Interface("a", "b")},
            },
            "do not touch",
        ),
        ({"constraints": {"contact": Interface("copper", "gold")}}, "no region 'gold'"),
        ({"constraints": {"contact": Interface("copper", "steel", continuous=["T"])}}, "no output 'T'"),
        ({"constraints": {"equation": Constraint(lambda u: u, on=Box(x=(2, 3)))}}, "lies in no region"),
    ],
)
def test_what_is_refused(changes, said):
    with pytest.raises((TypeError, ValueError), match=said):
        layered_rod(**changes)


def test_an_interface_wants_regions():
    with pytest.raises(ValueError, match="an Interface is one of two regions"):
        Problem(ROD, ["u"], {"equation": Constraint(lambda u, x: d(u, x), on=ROD), "contact": Interface("a", "b")})


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [layered_rod, plate])
def test_jets_and_rows_of_j_are_those_of_nested_autograd(make):
    problem, found = make(), {}
    for engine in (Autograd(), Jets(fallback=False)):
        source = torch.Generator().manual_seed(0)
        model = Model(problem, by_region(problem, partial(MLP, width=6, depth=2)), generator=source)
        points = sample_uniform(problem, 12, torch.Generator().manual_seed(1))
        found[type(engine)] = Objective(Equations(model, engine), points).linearize()
    for one, two in zip(*found.values(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12 * float(one.abs().max()))


def test_rows_of_a_region_do_not_feel_the_other():
    problem = layered_rod()
    model = Model(problem, by_region(problem, MLP), generator=torch.Generator().manual_seed(0))
    objective = Objective(Equations(model, Jets()), sample_uniform(problem, 8, torch.Generator().manual_seed(1)))
    _, jacobian = objective.linearize()
    half = objective.size // 2
    first = objective.blocks[0].rows
    assert bool((jacobian[:first, half:] == 0).all()) and bool((jacobian[:first, :half] != 0).any())


# -- solutions --------------------------------------------------------------------------------------------------------


def test_a_layered_rod_is_one_linear_solve_and_one_solution():
    solution = solve(layered_rod(), progress=False)
    assert solution.error() < 1e-12
    assert solution.report.judgement.trusted
    assert "missing" not in str(solution.report)
    x = np.array([0.2, 0.39999, 0.40001, 0.7])
    np.testing.assert_allclose(solution(x=x), temperature(x), rtol=1e-11)
    slope = solution.derivative("u", "x")(x=[0.2, 0.7])
    np.testing.assert_allclose(slope * np.array([4.0, 0.5]), 1 / 1.3, rtol=1e-9)


def test_what_does_not_hold_at_an_interface_is_told():
    constraints = dict(layered_rod().constraints)
    del constraints["contact"]
    solution = solve(layered_rod(constraints=constraints), progress=False)
    assert not solution.report.judgement.trusted


@pytest.mark.slow
def test_a_plate_of_two_materials_and_its_file(tmp_path):
    solution = solve(plate(), progress=False)
    assert solution.error() < 1e-11
    solution.save(tmp_path / "plate.pt")
    assert Solution.load(tmp_path / "plate.pt", plate()).error() == solution.error()
    solution.plot(tmp_path / "plate.png")
    assert (tmp_path / "plate.png").stat().st_size > 10_000
    assert float(solution.to_xarray(5)["u"].isnull().sum()) == 0


def test_a_contact_resistance_and_an_unknown_conductivity():
    """With R = 0.3 the flux through both is 1 / (0.1 + 0.3 + 1.2); the temperature at 0.2 tells the copper's k."""
    problem = layered_rod(
        regions={"copper": Region(COPPER, k=Unknown(1.0, positive=True)), "steel": Region(STEEL, k=0.5)},
        constraints={
            **{name: one for name, one in layered_rod().constraints.items() if name != "contact"},
            "contact": Interface(
                "copper",
                "steel",
                continuous=[],
                flux=lambda u, x, k: k * d(u, x),
                law=lambda u_copper, u_steel, k_steel, x: u_steel - u_copper - 0.3 * k_steel * d(u_steel, x),
            ),
            "seen": Constraint(lambda u, x: u - 0.2 / 4 / 1.6, on=_point(0.2)),
        },
        reference=None,
    )
    solution = solve(problem, network=partial(MLP, width=8, depth=1), steps=60, **TRAINED)
    assert solution.coefficients["k_copper"] == pytest.approx(4.0, rel=1e-4)


def _point(x):
    from pinn import Point

    return Point(x=x)


def test_training_is_resumed_bit_for_bit(tmp_path):
    given = {
        "network": {"copper": partial(MLP, width=6, depth=1), "steel": partial(SIREN, width=6, depth=2)},
        **TRAINED,
    }
    whole = solve(layered_rod(), steps=8, checkpoint=tmp_path / "run", every=4, **given)
    again = solve(layered_rod(), steps=8, resume=next((tmp_path / "run").glob("*4*")), **given)
    for one, two in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, two)
    whole.save(tmp_path / "rod.pt")
    assert Solution.load(tmp_path / "rod.pt", layered_rod())(x=0.7) == whole(x=0.7)


# -- networks by output -----------------------------------------------------------------------------------------------


def test_networks_by_output():
    problem = lotka_volterra()
    networks = {"r": partial(MLP, width=8, depth=1), "p": partial(MLP, width=4, depth=2)}
    solution = solve(problem, network=networks, steps=3, **TRAINED)
    assert isinstance(solution.model.network, ByOutput)
    widths = [network.width for network in solution.model.network.networks]
    assert widths == [8, 4]


def test_a_wider_network_by_output_is_the_same_function():
    source = torch.Generator().manual_seed(0)
    parts = [{"outputs": [1], "network": partial(MLP, width=4)}, {"outputs": [0], "network": partial(MLP, width=6)}]
    network = ByOutput(2, 2, parts=parts, generator=source)
    x = torch.rand(9, 2, generator=source, dtype=torch.float64)
    wider = network.widened(5, source)
    assert wider.width == 5
    torch.testing.assert_close(wider(x), network(x), rtol=0, atol=1e-14)
    assert network.represent(x).shape == (9, 10)


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        ({"r": MLP}, "got none for the output 'p'"),
        ({"r": MLP, "p": MLP, "wolves": MLP}, r"got one for 'wolves'; choose among \['p', 'r'\]"),
    ],
)
def test_networks_by_output_that_do_not_fit(networks, said):
    with pytest.raises(ValueError, match=said):
        solve(lotka_volterra(), network=networks, steps=1, **TRAINED)
