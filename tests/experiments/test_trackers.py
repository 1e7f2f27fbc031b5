"""Trackers on the command line: chosen by name, one or several, told what the run is called and called with."""

import json
import sys

import pytest
from omegaconf import OmegaConf

from experiments.command_line.configuration import check, target
from experiments.command_line.overrides import CONF
from pinn.solution import History
from pinn.training.trackers import Tracker

SMALL = ("problem=oscillator", "network=mlp", "network.width=3", "network.depth=1", "steps=2", "verify=false")


def test_a_run_with_two_trackers(command, tmp_path):
    command(*SMALL, "tracker=[json_lines,tensorboard]", "seed=3", "hydra.run.dir=outputs/mine/one", "progress=false")
    lines = (tmp_path / "outputs/json_lines/mine/one.jsonl").read_text().splitlines()
    first, *rows, last = map(json.loads, lines)
    assert first["run"] == "mine/one"
    assert first["settings"].items() >= {"seed": 3, "network.width": 3, "steps": 2, "problem": "oscillator"}.items()
    assert not any(name.startswith(("callbacks", "checkpoint")) for name in first["settings"])
    history = History.load(tmp_path / "outputs/mine/one/history.csv")
    assert [row["loss"] for row in rows if "loss" in row] == history.column("loss").tolist()
    assert last["result"]["error"] == json.loads((tmp_path / "outputs/mine/one/metrics.json").read_text())["error"]
    assert list((tmp_path / "outputs/tensorboard/mine/one").glob("events*"))


def test_every_file_of_the_group_makes_a_tracker():
    files = sorted((CONF / "tracker").glob("*.yaml"))
    assert [path.stem for path in files] == ["json_lines", "mlflow", "tensorboard", "wandb"]
    for path in files:
        (node,) = OmegaConf.to_container(OmegaConf.load(path)).values()
        made = target(node, path.stem)
        assert issubclass(made, Tracker)
        check(made, node, path.stem)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tracker=tensorbord"], "error: tracker=tensorbord: no such choice; did you mean tensorboard?"),
        (["tracker=mlflow", "callbacks.mlflow.stor=x"], "error: callbacks.mlflow.stor: MLflow() has no such option;"),
        (["tracker=tensorboard"], "error: TensorBoard: tensorboard is not installed; pip install "),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(command, capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(SystemExit) as ended:
        command(*SMALL, *arguments)
    assert ended.value.code == 2 and not list(tmp_path.rglob("*.json*"))
    assert capsys.readouterr().err.startswith(message)
