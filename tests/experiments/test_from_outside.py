"""One of each kind, defined in a module beside a run and named in its own configuration folder, carries a whole run."""

import json

MODULE = """
import torch
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function

from pinn import Constraint, Problem, d
from pinn.derivatives.jets import rule
from pinn.domains import Box, Domain
from pinn.optimizers import Optimizer, Step
from pinn.reference import Analytic
from pinn.sampling import Sampler
from pinn.weighting import Weighting, Weights


class Interval(Domain):
    "The numbers from 0 to `end`; it lends the charts of a box."

    dimension = 1

    def __init__(self, end: float) -> None:
        self.box = Box(x=(0.0, end))

    coordinates = property(lambda self: self.box.coordinates)
    bounds = property(lambda self: self.box.bounds)

    def charts(self):
        return self.box.charts()

    def level(self, x: Tensor) -> Tensor:
        return self.box.level(x)

    def boundary(self):
        return self.box.boundary()


def string(end: float = 1.0) -> Problem:
    line = Interval(end)
    constraints = {
        "equation": Constraint(lambda u, x: d(u, x, x) + torch.sin(x), on=line),
        "ends": Constraint(lambda u, x: u - torch.sin(x), on=line.boundary()),
    }
    return Problem(line, ["u"], constraints, reference=Analytic(lambda x: torch.sin(x)), name="string")


def hump(x):
    "An activation of one's own, which lets jets through; no engine of jets knows it without its rule."
    if has_torch_function((x,)):
        return handle_torch_function(hump, (x,), x)
    return x * torch.exp(-x * x)


def rule_of_hump():
    return rule(hump, composed=lambda x: x * torch.exp(-x * x))


class TwoLayers(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, generator, dtype, width: int = 5, activation=torch.tanh):
        super().__init__()
        self.first, self.last = nn.Linear(inputs, width, dtype=dtype), nn.Linear(width, outputs, dtype=dtype)
        for parameter in self.parameters():
            parameter.data = torch.rand(parameter.shape, generator=generator, dtype=dtype) - 0.5
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.activation(self.first(x)))


class Downhill(Optimizer):
    "A step along the negative gradient, halved until the loss falls."

    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate

    def step(self, objective):
        theta = objective.vector()
        loss, gradient = objective.gradient()
        for k in range(60):
            objective.assign(theta - self.rate * 0.5**k * gradient)
            after = float(objective.loss())
            if after < float(loss):
                return Step(after, True, {"halvings": float(k)})
        objective.assign(theta)
        return Step(float(loss), False)

    def reset(self, growth=None) -> None:
        return


class Latin(Sampler):
    def __init__(self, size: int = 20, every: int = 2) -> None:
        self.size, self.every = size, every

    def draw(self, problem, generator, residual, *, size=None, place=lambda name, points: points):
        return {
            name: place(name, constraint.on.sample(size or self.size, generator=generator, method="latin"))
            for name, constraint in problem.constraints.items()
        }

    def observe(self, old: float, new: float) -> bool:
        return False


class Ends(Weighting):
    "The conditions at the ends count `factor` times as much as the problem says."

    every = 2

    def __init__(self, factor: float = 2.0) -> None:
        self.factor = factor

    def weigh(self, objective, weights, due):
        return Weights(weights.constraints | {"ends": self.factor * weights.constraints["ends"]})


class Diary:
    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, progress) -> None:
        with open(self.path, "a") as file:
            file.write(f"{progress.row['step']:.0f} ")


def shout(progress) -> None:
    with open("shouted", "a") as file:
        file.write("!")
"""

FILES = {
    "problem/string": "_target_: own_kinds.string",
    "network/two_layers": "_target_: own_kinds.TwoLayers\n_partial_: true\nactivation: own_kinds.hump",
    "optimizer/downhill": "_target_: own_kinds.Downhill",
    "derivatives/humped": (
        "_target_: pinn.derivatives.Jets\nfallback: false\nrules:\n  - _target_: own_kinds.rule_of_hump"
    ),
    "sampling/latin": "_target_: own_kinds.Latin\nsize: 15",
    "weighting/ends": "_target_: own_kinds.Ends\nfactor: 3",
    "callbacks/diary": "diary:\n  _target_: own_kinds.Diary\n  path: diary",
    "callbacks/one": "_target_: own_kinds.Diary\npath: alone",
}


def own_folder(place, monkeypatch):
    monkeypatch.syspath_prepend(place)
    (place / "own_kinds.py").write_text(MODULE)
    for name, content in FILES.items():
        path = place / "own" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")


def test_one_of_each_kind_from_outside_carries_a_run(command, tmp_path, monkeypatch):
    own_folder(tmp_path, monkeypatch)
    chosen = [f"{name.replace('/', '=')}" for name in FILES if name != "callbacks/one"]
    command(
        "--config-dir=own",
        "trusted=[own_kinds]",
        *chosen,
        "problem.end=0.5",
        "network.width=4",
        "callbacks.shout=own_kinds.shout",
        "steps=20",
        "features=null",
        "hydra.run.dir=run",
        "progress=false",
    )
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["problem"] == "string" and metrics["steps"] == 20
    assert metrics["parameters"] == 4 + 4 + 4 + 1  # the network's own
    assert metrics["error"] < 0.12  # of zero: 1; with three seeds measured: 0.029, 0.040, 0.028
    assert {name: engine["engine"] for name, engine in metrics["engines"].items()} == {
        "equation": "jets",
        "ends": "jets",
    }
    history = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert "halvings" in history[0].split(",")
    rows = [dict(zip(history[0].split(","), line.split(","), strict=True)) for line in history[1:]]
    assert {float(row["points"]) for row in rows} == {15.0 + 2.0}  # the sampler's, and both ends
    assert float(rows[-1]["loss"]) < 0.1 * float(rows[0]["loss"])  # measured: 0.023 to 0.026 of it
    assert (tmp_path / "diary").read_text() == "".join(f"{step} " for step in range(1, 21))
    assert (tmp_path / "shouted").read_text() == 20 * "!"


def test_callbacks_are_one_call_or_a_list_of_names_too(command, tmp_path, monkeypatch):
    own_folder(tmp_path, monkeypatch)
    small = ["problem=oscillator", "network=mlp", "network.width=3", "network.depth=1", "steps=1", "verify=false"]
    small.append("trusted=[own_kinds]")
    command("--config-dir=own", *small, "callbacks=one", "hydra.run.dir=first")
    command(*small, "callbacks=[own_kinds.shout]", "hydra.run.dir=second")
    assert (tmp_path / "alone").read_text() == "1 " and (tmp_path / "shouted").read_text() == "!"


def test_a_callback_that_is_none_is_refused(command, tmp_path, monkeypatch, capsys):
    own_folder(tmp_path, monkeypatch)
    for given, message in (
        ("callbacks=[own_kinds.shoot]", "error: callbacks: 'own_kinds.shoot' cannot be found (there is no "),
        ("callbacks.loud=own_kinds.shoot", "error: callbacks.loud: 'own_kinds.shoot' cannot be found (there "),
    ):
        try:
            command("steps=1", given, "trusted=[own_kinds]")
        except SystemExit as ended:
            assert ended.code == 2
        assert capsys.readouterr().err.startswith(message)
