"""Every file of the groups network, sampling and weighting: it is a call that can be made, and what it makes trains.

Every problem of the gallery and of PINNacle has a file too, and is stated by it.
"""

from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

import pinn
from experiments.command_line.catalogue import groups
from experiments.command_line.configuration import arguments, check, target
from experiments.command_line.trust import Trust
from pinn.optimizers import LevenbergMarquardt
from pinn.problems import gallery, pinnacle
from pinn.sampling import Redrawn

CONF = Path(__file__).parents[2] / "conf"
SMALL = {"width": 4, "depth": 1}
GIVEN = {
    "importance": {"density": {"centre": {"x": 0.0}}},
    "prescribed": {"functions": {"equation": "own_weights.early"}},
    "pirate_net": {"width": 20},  # few features are no basis for it
}
FILES = [path for group in ("network", "sampling", "weighting") for path in sorted((CONF / group).glob("*.yaml"))]
MLP = {"_target_": "pinn.networks.MLP", "_partial_": True, **SMALL}
OWN = """
from pinn import Box, Constraint, Problem, d

BOX = Box(x=(-1, 1), t=(0, 1))


def early(t):
    return 2 - t


def problem():
    constraints = {
        "equation": Constraint(lambda u, x, t: d(u, t) - d(u, x, x), on=BOX),
        "initial": Constraint(lambda u, x: u - 1 + x**2, on=BOX.face(t=0)),
        "walls": Constraint(lambda u: u, on=BOX.face(x=-1) | BOX.face(x=1)),
    }
    return Problem(BOX, ["u"], constraints)
"""


@pytest.mark.parametrize("suite", [gallery, pinnacle], ids=["gallery", "pinnacle"])
def test_every_problem_of_a_suite_can_be_named(suite):
    name = suite.__name__.rpartition(".")[2]
    own = {one for one in suite.__all__ if getattr(suite, one).__module__.startswith(suite.__name__)}
    named = {choice.rpartition("/")[2] for choice in groups([CONF])["problem"] if choice.startswith(f"{name}/")}
    assert named == own
    for one in own:
        called = target(OmegaConf.load(CONF / "problem" / name / f"{one}.yaml"), "problem")
        assert called is getattr(suite, one)


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}-{path.stem}" for path in FILES])
def test_every_option_is_made_and_trains(path, tmp_path, monkeypatch):
    (tmp_path / "own_weights.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    group = path.parent.name
    node = OmegaConf.to_container(OmegaConf.merge(OmegaConf.load(path), GIVEN.get(path.stem, {})))
    if not node:
        return  # solve chooses
    if group == "sampling":
        smallest = node
        while "inner" in smallest:
            smallest = smallest["inner"]
        smallest["size"] = 30
    outer = node
    while "inner" in outer and "Growing" not in outer["_target_"]:
        outer = outer["inner"]
    if "Growing" in outer["_target_"]:
        outer["start"] = 30
    call = {"problem": {"_target_": "own_weights.problem"}, "network": MLP, group: node}
    if group == "network":
        node |= SMALL | GIVEN.get(path.stem, {})
    trust = Trust(("own_weights",))
    check(pinn.solve, call, trust=trust)
    given = {"sampling": Redrawn(30, every=1)} | arguments(pinn.solve, call, trust=trust)
    plain = {"features": None, "verify": False, "certify": False, "progress": False}
    solution = pinn.solve(**given, optimizer=LevenbergMarquardt(), steps=6, **plain)
    losses = solution.history.column("loss")
    assert np.isfinite(losses).all()
    assert losses.min() < 0.9 * losses[0]
