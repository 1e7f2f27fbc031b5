"""Peers solve our problems by their own published numbers: equations, conditions, points, and a short run of each."""

import ast
import importlib
import itertools
import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from experiments.benchmarks import one_run
from experiments.benchmarks.results import Run
from experiments.benchmarks.suite import plan
from experiments.benchmarks.tables import judged
from experiments.command_line.configuration import build, target
from experiments.command_line.overrides import CONF
from experiments.command_line.run_folder import write_json
from experiments.peers.monitor import ErrorMonitor
from experiments.peers.recipes import RECIPES, Phase

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = OmegaConf.to_container(OmegaConf.load(CONF / "benchmark.yaml"), resolve=False)
PROBLEMS = ("poisson_2d", "helmholtz_1_4", "burgers", "allen_cahn", "wave_1d", "diffusion_inverse")
# Solved in closed form; the other two have a field that satisfies their conditions alone.
CLOSED = ("poisson_2d", "helmholtz_1_4", "wave_1d", "diffusion_inverse")
LIBRARY = {"deepxde": "deepxde", "pina": "pina"}
OTHERS = {"peers", "deepxde", "pina", "lightning", "scimba_torch", "jinns", "jax", "skfem", "meshpy"}
PI = math.pi


def field(name, x, y):
    """Fields that satisfy all boundary and initial conditions, in torch; y is t where there is a time."""
    return {
        "poisson_2d": lambda: torch.sin(PI * x) * torch.sin(PI * y),
        "helmholtz_1_4": lambda: torch.sin(PI * x) * torch.sin(4 * PI * y),
        "burgers": lambda: -torch.sin(PI * x) * torch.exp(-y),
        "allen_cahn": lambda: x**2 * torch.cos(PI * x) * torch.exp(-y),
        "wave_1d": lambda: (
            torch.sin(PI * x) * torch.cos(2 * PI * y) + 0.5 * torch.sin(4 * PI * x) * torch.cos(8 * PI * y)
        ),
        "diffusion_inverse": lambda: torch.exp(-y) * torch.sin(PI * x),
    }[name]()


def left(name, x, y):
    """What the equation leaves of that field, by hand: u_t + N(u) for Burgers and Allen–Cahn."""
    u, decay, sin, cos = field(name, x, y), torch.exp(-y), torch.sin(PI * x), torch.cos(PI * x)
    if name == "burgers":
        u_x, u_xx = -PI * cos * decay, PI**2 * sin * decay
        return -u + u * u_x - 0.01 / PI * u_xx
    if name == "allen_cahn":
        u_xx = (2 * cos - 4 * PI * x * sin - PI**2 * x**2 * cos) * decay
        return -u - 1e-4 * u_xx - 5 * (u - u**3)
    return torch.zeros_like(u)


@pytest.fixture
def pina():
    pytest.importorskip("pina")
    from experiments.peers import with_pina

    return with_pina


@pytest.fixture
def deepxde(monkeypatch):
    monkeypatch.setenv("DDE_BACKEND", "pytorch")
    pytest.importorskip("deepxde")
    from experiments.peers import with_deepxde

    return with_deepxde


def test_every_peer_has_a_recipe_for_its_problems():
    peers = {entry["peer"]: entry["problems"] for entry in CONFIGURATION["known_methods"].values() if "peer" in entry}
    assert peers == {name: list(recipes) for name, recipes in RECIPES.items()}
    for name in LIBRARY:
        recipes = RECIPES[name]
        assert list(recipes) == [*PROBLEMS]
        text = (ROOT / "experiments" / "peers" / f"with_{name}.py").read_text()
        functions = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
        assert {"solve", "versions", *recipes} <= functions
        for recipe in recipes.values():
            assert recipe.layers and recipe.schedule and recipe.points and 0 < recipe.trained_fraction <= 1
            assert re.match(r"[\w-]+/\w+@[0-9a-f]{8}: (examples|tutorials)/", recipe.source), recipe.source


def test_pinas_tutorials_are_followed_to_the_number():
    poisson, inverse = RECIPES["pina"]["poisson_2d"], RECIPES["pina"]["diffusion_inverse"]
    assert poisson.points == {"side": 30, "boundary": 100} and (poisson.trained_fraction, poisson.weight_decay) == (
        0.8,
        1e-8,
    )
    assert [(phase.iterations, phase.rate) for phase in poisson.schedule] == [(1000, 6e-3)]
    assert inverse.points["side"] == 20 and inverse.points["boundary"] == 1000 and inverse.trained_fraction == 1
    assert [(phase.iterations, phase.rate) for phase in inverse.schedule] == [(1500, 5e-3)]


def test_nothing_else_imports_the_peers_but_their_recipes():
    for path in [*ROOT.glob("pinn/**/*.py"), *ROOT.glob("experiments/**/*.py")]:
        if path.parent.name == "peers":
            continue
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if any(name in text for name in OTHERS) else ():
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = [name for name in names if name != "peers.recipes"]
            assert not any(OTHERS & set(name.split(".")) for name in names), path


@pytest.mark.parametrize("name", CLOSED)
def test_the_reference_is_that_field(name):
    problem = build(target(CONFIGURATION["suite"][name]["problem"], ""), CONFIGURATION["suite"][name]["problem"])
    points = problem.domain.grid(7)
    columns = [points.column(coordinate) for coordinate in problem.coordinates]
    np.testing.assert_allclose(problem.exact(points)["u"], field(name, *columns).numpy(), atol=1e-13)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.filterwarnings("ignore")
def test_pina_is_given_the_equation_and_the_conditions(pina, name):
    stated = pina.PROBLEMS[name](RECIPES["pina"][name])
    generator = torch.Generator().manual_seed(0)
    for place, (boxes, residual) in stated.conditions.items():
        for box in boxes:
            columns = [
                low + (high - low) * torch.rand(50, 1, generator=generator, dtype=torch.float64)
                for low, high in (extent if isinstance(extent, list) else [extent, extent] for extent in box.values())
            ]
            points = pina.LabelTensor(torch.cat(columns, dim=1), list(box)).requires_grad_(True)
            u = field(name, *(points.extract([key]) for key in box))
            u.labels = ["u"]
            unknown = [{"C": 1.0}] if residual.__code__.co_argcount == 3 else []
            expected = left(name, *columns) if place == "D" else 0.0
            assert float((residual(points, u, *unknown).as_subclass(torch.Tensor) - expected).abs().max()) < 1e-9


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.filterwarnings("ignore")
def test_pina_has_the_points_of_its_recipe(pina, name):
    recipe = RECIPES["pina"][name]
    stated = pina.PROBLEMS[name](recipe)
    counts = {place: len(points) for place, points in pina.state(stated).discretised_domains.items()}
    expected = {
        "poisson_2d": {"D": 30 * 30, "boundary": 100},
        "helmholtz_1_4": {"D": 45 * 45},
        "burgers": {"D": 20 * 200, "start": 150, "left": 150, "right": 150},
        "allen_cahn": {"D": 1000, "start": 1000},
        "wave_1d": {"D": 1000, "start": 1000, "rest": 1000},
        "diffusion_inverse": {"D": 20 * 20, "start": 1000, "boundary": 1000},
    }
    assert counts == expected[name]


@pytest.mark.filterwarnings("ignore")
def test_pinas_hard_constraints_hold_for_any_network(pina):
    def u(name, *columns):
        torch.manual_seed(0)
        stated = pina.PROBLEMS[name](RECIPES["pina"][name])
        points = np.stack(np.broadcast_arrays(*columns), axis=1)
        model = pina.Shaped(stated, RECIPES["pina"][name])
        return model(pina._labelled(points, list(stated.box))).as_subclass(torch.Tensor).detach().numpy()

    inside = np.linspace(-0.9, 0.9, 7)
    for end in (-1.0, 1.0):
        assert np.abs(u("helmholtz_1_4", end, inside)).max() == np.abs(u("helmholtz_1_4", inside, end)).max() == 0
    for end in (0.0, 1.0):
        assert np.abs(u("wave_1d", end, np.linspace(0, 1, 7))).max() == 0
    np.testing.assert_allclose(u("allen_cahn", -1.0, inside), u("allen_cahn", 1.0, inside), atol=1e-6)
    for name in ("helmholtz_1_4", "wave_1d", "allen_cahn"):
        assert np.abs(u(name, 0.5, np.abs(inside))).min() > 0


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.filterwarnings("ignore")
def test_deepxde_is_given_the_equation_and_the_conditions(deepxde, name):
    recipe = RECIPES["deepxde"][name]
    data, _, more = deepxde.PROBLEMS[name](recipe)
    for unknown in more.get("coefficients", {}).values():
        unknown.data.fill_(1.0)
    x = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    x, y = x[:, 0:1], x[:, 1:2]
    points = torch.cat([x, y], dim=1)
    found = data.pde(points, field(name, points[:, 0:1], points[:, 1:2]))
    assert float((found - left(name, x, y)).abs().max()) < 1e-9
    inputs = torch.as_tensor(data.train_x, dtype=torch.float64).requires_grad_(True)
    outputs = field(name, inputs[:, 0:1], inputs[:, 1:2])
    begin = 0
    for condition, count in zip(data.bcs, data.num_bcs, strict=True):
        assert count > 0
        error = condition.error(data.train_x, inputs, outputs, begin, begin + count)
        assert float(error.abs().max()) < 1e-5  # its values are in single precision
        begin += count
    kinds = [type(condition).__name__ for condition in data.bcs]
    assert (
        kinds
        == {
            "poisson_2d": ["DirichletBC"],
            "helmholtz_1_4": [],
            "burgers": ["DirichletBC", "IC"],
            "allen_cahn": [],
            "wave_1d": ["DirichletBC", "IC", "OperatorBC"],
            "diffusion_inverse": ["DirichletBC", "IC", "PointSetBC"],
        }[name]
    )
    places = sum(recipe.points.values()) + (10 if name == "diffusion_inverse" else 0)
    assert len(data.train_x_all) == places


@pytest.mark.filterwarnings("ignore")
def test_deepxdes_transforms_hold_for_any_network(deepxde):
    def u(name, *columns):
        torch.manual_seed(0)
        _, net, _ = deepxde.PROBLEMS[name](RECIPES["deepxde"][name])
        points = np.stack(np.broadcast_arrays(*columns), axis=1)
        return net(torch.as_tensor(points, dtype=torch.float32)).detach().numpy()[:, 0]

    inside, times = np.linspace(-0.9, 0.9, 7), np.linspace(0, 1, 7)
    for end in (-1.0, 1.0):
        assert np.abs(u("helmholtz_1_4", end, inside)).max() == np.abs(u("helmholtz_1_4", inside, end)).max() == 0
    np.testing.assert_allclose(u("allen_cahn", inside, 0.0), inside**2 * np.cos(PI * inside), atol=1e-6)
    np.testing.assert_allclose(u("allen_cahn", -1.0, times), u("allen_cahn", 1.0, times), atol=1e-6)
    assert np.abs(u("helmholtz_1_4", 0.5, inside)).min() > 0
    assert np.abs(u("allen_cahn", inside, 1.0) - inside**2 * np.cos(PI * inside)).min() > 0
    for name in ("poisson_2d", "burgers", "wave_1d", "diffusion_inverse"):
        assert deepxde.PROBLEMS[name](RECIPES["deepxde"][name])[1]._output_transform is None
    _, net, _ = deepxde.PROBLEMS["wave_1d"](RECIPES["deepxde"]["wave_1d"])
    corners = net._input_transform(torch.tensor([[0.0, 0.5], [1.0, 1.0]]))
    torch.testing.assert_close(corners, math.sqrt(3) * torch.tensor([[-1.0, 0.0], [1.0, 1.0]]))


def adapted(peer, name, schedule, seconds):
    """A run of an adapter in this process, by a recipe with another schedule."""
    adapter = importlib.import_module(f"experiments.peers.with_{peer}")
    node = CONFIGURATION["suite"][name]["problem"]
    monitor = ErrorMonitor(build(target(node, ""), node), seconds)
    monitor.begin()
    return adapter.solve(name, replace(RECIPES[peer][name], schedule=schedule), monitor, 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_deepxde_goes_through_its_phases_and_ends_by_itself(deepxde):
    schedule = (Phase("Adam", 20, 1e-3), Phase("L-BFGS", 60))
    found = adapted("deepxde", "burgers", schedule, 1e6)
    assert re.fullmatch(r"L-BFGS \d+ of 60, ended by itself", found["reason"]) and 20 < found["steps"] <= 20 + 100
    assert found["published"]["error"] == pytest.approx(found["error"], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("peer", LIBRARY)
@pytest.mark.filterwarnings("ignore")
def test_adam_goes_on_to_the_limit_after_the_published_schedule(peer, request, monkeypatch):
    request.getfixturevalue(peer)
    ticks = itertools.count()  # a hundredth of a second between two looks at the clock, on every machine
    monkeypatch.setattr("experiments.peers.monitor.time", SimpleNamespace(perf_counter=lambda: next(ticks) / 100))
    found = adapted(peer, "diffusion_inverse", (Phase("Adam", 20, 1e-3),), 2.0)
    assert re.match(r"Adam 20 of 20, then on to \d+", found["reason"]) and found["steps"] > 20
    assert found["published"]["seconds"] < 2 <= found["history"]["seconds"][-1]
    assert found["coefficient_errors"]["C"] != 1.0  # it moved from 2


@pytest.mark.slow
@pytest.mark.parametrize("peer", LIBRARY)
@pytest.mark.filterwarnings("ignore")
def test_a_peer_that_diverges_ends_with_no_error(peer, request, tmp_path):
    request.getfixturevalue(peer)
    found = adapted(peer, "burgers", (Phase("Adam", 100, 1e30),), 3.0)
    assert not math.isfinite(found["error"])
    write_json(tmp_path / "result.json", found)
    record = json.loads((tmp_path / "result.json").read_text()) | {"problem": "burgers"}
    assert record["error"] is None and judged(record, CONFIGURATION["suite"]) == math.inf


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("peer", LIBRARY)
def test_a_peer_runs_and_says_what_came_of_it(peer, name):
    pytest.importorskip(LIBRARY[peer])
    suite, methods = CONFIGURATION["suite"], CONFIGURATION["known_methods"]
    (run,) = plan(suite, methods, [peer], [0], [name], 3.0, 1)
    assert isinstance(run, Run)
    found = one_run.perform(run, sys.executable)
    assert found["status"] == "done", found["reason"]
    assert found["error"] is None or 0 < found["error"] < 100
    assert found["history"]["seconds"] and found["steps"] > 0
    recipe = RECIPES[peer][name]
    assert (found["source"], found["changed"]) == (recipe.source, recipe.changed) and found["points"] > 0
    assert peer in found["versions"] or "pina-mathlab" in found["versions"]
    assert list(found["coefficient_errors"]) == (["C"] if name == "diffusion_inverse" else [])
