"""Ensembles: means and spreads of known members, what a run of several seeds says of itself, and what is refused."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Problem, Scatter, Unknown, d, solve, solve_ensemble
from pinn.model import Model
from pinn.networks import MLP
from pinn.solution import Ensemble, Solution

LINE = Box(x=(0, 1))
SMALL = partial(MLP, width=6, depth=2)
QUIET = {"network": SMALL, "steps": 8, "features": None, "progress": False, "verify": False}


def decay():
    """u' = −k u with twelve noisy readings: k = 2."""
    x = torch.linspace(0, 1, 12, dtype=torch.float64)
    noise = 0.05 * torch.randn(12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    seen = Scatter({"x": x}, values={"seen": torch.exp(-2 * x) + noise}, sigma=0.05)
    constraints = {
        "equation": Constraint(lambda u, x, k: d(u, x) + k * u, on=LINE),
        "data": Constraint(lambda u, seen: u - seen, on=seen),
    }
    return Problem(
        LINE, ["u"], constraints, {"k": Unknown(1.0)}, reference=lambda x: np.exp(-2 * x), exact_coefficients={"k": 2.0}
    )


class _Constant(torch.nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(value, dtype=torch.float64))

    def forward(self, inputs):
        return inputs[..., :1] * 0 + self.value


def constant(value, k):
    """A solution that is this number everywhere, with this unknown."""
    problem = Problem(**{**vars_of(decay()), "scales": {"u": (0.0, 1.0)}})
    model = Model(problem, lambda **options: _Constant(value), generator=torch.Generator())
    with torch.no_grad():
        model.raw["k"].mul_(k / Solution(problem, model).coefficients["k"])
    return Solution(problem, model)


def vars_of(problem):
    names = ("domain", "outputs", "constraints", "coefficients", "reference")
    return {name: getattr(problem, name) for name in names}


def test_mean_and_spread_of_known_members():
    ensemble = Ensemble([constant(value, k) for value, k in ((1.0, 1.0), (2.0, 1.5), (6.0, 3.5))])
    x = np.linspace(0, 1, 7)
    assert np.allclose(ensemble(x=x), 3.0) and ensemble(x).shape == (7,)
    assert np.allclose(ensemble.spread(x=x), math.sqrt((4 + 1 + 9) / 2))
    assert math.isclose(ensemble.relative_spread(), math.sqrt(7) / 3, rel_tol=1e-12)
    assert math.isclose(ensemble.coefficients["k"], 2.0, rel_tol=1e-12)
    assert math.isclose(ensemble.coefficient_spreads["k"], np.std([1, 1.5, 3.5], ddof=1), rel_tol=1e-12)
    assert ensemble.standard_errors == {}


def test_the_mean_is_no_worse_than_the_members():
    members = [constant(value, 1.0) for value in (0.2, 0.5, 0.9)]
    each = np.array([one.error() for one in members])
    assert Ensemble(members).error() <= math.sqrt(np.mean(each**2)) * (1 + 1e-12)
    alone = Ensemble([members[1], members[1]])
    assert math.isclose(alone.error(), each[1], rel_tol=1e-12) and alone.relative_spread() == 0


@pytest.fixture(scope="module")
def noisy():
    return solve_ensemble(decay(), n=3, seed=5, **{**QUIET, "steps": 20})


def test_members_are_those_of_the_seeds(noisy):
    one = solve(decay(), seed=6, **{**QUIET, "steps": 20})
    assert noisy.members[1].coefficients == one.coefficients
    assert [len(noisy), repr(noisy)] == [3, "<Ensemble of 3 solutions of 'problem'>"]


def test_noise_is_in_the_standard_error_and_not_in_the_spread(noisy):
    """All members fit the same readings: k is off by the noise, and they agree."""
    spread, standard = noisy.coefficient_spreads["k"], noisy.standard_errors["k"]
    assert spread < 0.3 * standard
    assert abs(noisy.coefficients["k"] - 2) < 4 * standard
    said = str(noisy)
    assert (
        "3 answers, apart by" in said and "over seeds" in said and "from noise" in said and f"± {standard:.2g}" in said
    )


def test_pictures_and_files(noisy, tmp_path):
    figure = noisy.plot(tmp_path / "bands.png")
    assert (tmp_path / "bands.png").stat().st_size > 0
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert "± 2 standard deviations over 3 seeds" in labels
    noisy.save(tmp_path / "kept")
    again = Ensemble.load(tmp_path / "kept", noisy.problem)
    with pytest.raises(FileNotFoundError, match=r"there is no member_\*\.pt"):
        Ensemble.load(tmp_path / "elsewhere", noisy.problem)
    assert np.array_equal(again(x=[0.1, 0.7]), noisy(x=[0.1, 0.7])) and len(again) == 3
    with pytest.raises(FileExistsError, match="expected an empty folder"):
        noisy.save(tmp_path / "kept")


def test_a_picture_of_two_coordinates():
    square = Box(x=(0, 1), y=(0, 1))
    problem = Problem(square, ["u"], {"equation": Constraint(lambda u, x, y: d(u, x) - d(u, y), on=square)})
    models = [Model(problem, SMALL, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    figure = Ensemble([Solution(problem, model) for model in models]).plot()
    assert {"u", "standard deviation over 2 seeds"} <= {axes.get_title() for axes in figure.axes}


@pytest.mark.parametrize(
    ("given", "said"), [({"n": 1}, "n=1"), ({"start": None}, "got start"), ({"checkpoint": "run"}, "got checkpoint")]
)
def test_what_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        solve_ensemble(decay(), **given)


def test_members_of_one_problem():
    with pytest.raises(ValueError, match="expected at least 2"):
        Ensemble([constant(1.0, 1.0)])
    line = Box(z=(0, 1))
    other = Problem(line, ["u"], {"equation": Constraint(lambda u, z: d(u, z) + u, on=line)})
    model = Model(other, SMALL, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="expected one problem"):
        Ensemble([constant(1.0, 1.0), Solution(other, model)])
