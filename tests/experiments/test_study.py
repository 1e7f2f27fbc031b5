"""A study runs what Optuna proposes within what the command line says, and finds the least error of its trials."""

import json
import sys

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from experiments import study
from experiments.command_line.configuration import ConfigurationError

SMALL = ("problem=oscillator", "network=mlp", "steps=3", "verify=false", "certify=false", "progress=false")
SPACE = ("network.width=range(2,9,2)", "network.depth=1,2")


def searched(line):
    return study.distribution(OverridesParser.create().parse_override(line))


def test_a_study_over_width_and_depth(command, tmp_path):
    command(*SMALL, *SPACE, "study.trials=2", "study.folder=study", function=study.main, name="study")
    told = json.loads((tmp_path / "study" / "study.json").read_text())
    assert [trial["number"] for trial in told["trials"]] == [0, 1]
    for trial in told["trials"]:
        width, depth = trial["parameters"]["network.width"], trial["parameters"]["network.depth"]
        assert width in (2, 4, 6, 8) and depth in ("1", "2")
        folder = tmp_path / "study" / str(trial["number"])
        assert trial["error"] == json.loads((folder / "metrics.json").read_text())["error"]
        network = (folder / "config.yaml").read_text()
        assert f"width: {width}\n" in network and f"depth: {depth}\n" in network
    least = min(told["trials"], key=lambda trial: trial["error"])
    assert told["best"] == least["number"]


@pytest.mark.slow
def test_a_study_goes_on_and_proposes_the_same_for_the_same_seed(command, tmp_path):
    def proposed(*arguments):
        command(*SMALL, *SPACE, *arguments, function=study.main, name="study")
        found = sorted(tmp_path.rglob("study.json"), key=lambda path: path.stat().st_mtime_ns)[-1]
        return [trial["parameters"] for trial in json.loads(found.read_text())["trials"]]

    kept = "study.storage=sqlite:///kept.db"
    first = proposed("study.trials=2", "study.folder=first", kept)
    whole = proposed("study.trials=3", "study.folder=second", kept)
    assert len(whole) == 3 and whole[:2] == first
    assert sorted(path.name for path in (tmp_path / "second").iterdir()) == ["2", "study.json"]  # no trial ran twice
    assert proposed("study.trials=2", "study.folder=third") == first
    assert proposed("study.trials=2", "study.folder=fourth", "study.seed=1") != first


def test_where_to_search_is_said_in_the_words_of_the_command_line():
    whole = searched("network.width=int(interval(4,40))")
    assert (type(whole).__name__, whole.low, whole.high) == ("IntDistribution", 4, 40)
    steps = searched("network.width=range(4,41,4)")
    assert (type(steps).__name__, steps.low, steps.high, steps.step) == ("IntDistribution", 4, 40, 4)
    rate = searched("optimizer.lr=tag(log,interval(1e-4,1))")
    assert (type(rate).__name__, rate.low, rate.high, rate.log) == ("FloatDistribution", 1e-4, 1.0, True)
    assert searched("optimizer=adam,auto").choices == ("adam", "auto")
    assert searched("problem.nu=range(0.5,2,0.5)").choices == (0.5, 1.0, 1.5)
    with pytest.raises(ConfigurationError, match=r"this cannot be searched; give a list a,b"):
        searched("problem=glob(*)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seed=1"], "error: study: nothing has several values; give such as network=mlp network.width=range(4,41,4)"),
        (["study.trails=3", "seed=0,1"], "error: study.trails: Study() has no such option; did you mean trials?"),
        (["study.trials=0", "seed=0,1"], "error: study: got trials=0, expected an integer of at least 1"),
        (["--multirun", "seed=0,1"], "error: study: a study is a sweep by itself; leave --multirun out"),
        (["network=mlp", "network.width=interval(2,4)"], "error: network.width: expected int, got 2.0"),
        (["problem=glob(x*)"], "error: problem=glob(x*): this is no choice of a group; choose among allen_cahn"),
        (
            ["optimizer=adam", "optimizer.lr=tag(log,interval(0,1))"],
            "error: optimizer.lr=tag(log,interval(0,1)): expected ends in order, above zero; give such as",
        ),
        (["seconds=interval(4,2)"], "error: seconds=interval(4,2): expected ends in order; give such as interval(0.1"),
        (["network=mlp", "network.widht=2,4"], "error: network.widht: MLP() has no such option; did you mean width?"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_first_run(command, capsys, tmp_path, arguments, message):
    with pytest.raises(SystemExit) as ended:
        command(*arguments, function=study.main, name="study")
    assert ended.value.code == 2 and list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err.startswith(message)


def test_without_optuna_it_says_how_to_get_it(command, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SystemExit):
        command("seed=0,1", function=study.main, name="study")
    assert 'error: study: optuna is not installed; pip install "pinn[optuna]" brings it' in capsys.readouterr().err


def test_a_run_that_fails_is_a_trial_without_an_error(command, tmp_path, monkeypatch):
    values = iter([None, 0.5])
    monkeypatch.setattr(study, "_run", lambda arguments: next(values))
    command("seed=0,1", "study.trials=2", "study.folder=study", function=study.main, name="study")
    told = json.loads((tmp_path / "study" / "study.json").read_text())
    assert [trial["error"] for trial in told["trials"]] == [None, 0.5] and told["best"] == 1
