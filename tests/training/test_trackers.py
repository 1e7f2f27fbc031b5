"""Trackers record what the history has, each number at its step, and end with the result of the report."""

import json
import math
import sys

import numpy as np
import pytest

from pinn import solve
from pinn.solution import History
from pinn.training import Callback
from pinn.training.trackers import JSONLines, MLflow, TensorBoard, Tracker, WeightsAndBiases
from tests.training.runs import SMALL, decay, digest


def run(*callbacks, **options):
    given = {"steps": 6, "features": None, "certify": False, "progress": False, **options}
    return solve(decay(), network=SMALL, callbacks=callbacks, **given)


class Witness(Tracker):
    """Writes down what it is called with, in the order of the calls."""

    def __init__(self, **options):
        super().__init__(**options)
        self.said, self.rows = [], []

    def start(self, name, settings):
        self.said.append(("start", name, dict(settings)))

    def record(self, step, numbers):
        self.rows.append((step, dict(numbers)))

    def finish(self, result):
        self.said.append(("finish", result))

    def fail(self, reason):
        self.said.append(("fail", reason))


class Unreachable(Witness):
    """A tracker whose place cannot be reached, so that a failure cannot be recorded there either."""

    def start(self, name, settings):
        raise ConnectionError("nobody there")

    def fail(self, reason):
        raise AssertionError("it never began")


class Breaks(Callback):
    """A callback with a mistake in it, which shows at the third step."""

    def step(self, progress):
        if progress.row["step"] == 3:
            raise ZeroDivisionError("of mine")


def broken(*callbacks, **options):
    with pytest.raises(ZeroDivisionError):
        run(*callbacks, Breaks(), **options)


def together(rows):
    """Rows by step, the parts of each put together; no number may be told twice."""
    found = {}
    for step, numbers in rows:
        assert not found.get(step, {}).keys() & numbers.keys()
        found.setdefault(step, {}).update(numbers)
    return found


def of_history(history):
    """The same of a history, without what is added to a row when all is over: error, and whether it is the answer's."""
    later = ("step", "error", "answer")
    return {int(row["step"]): {k: v for k, v in row.items() if k not in later} for row in history}


def test_a_tracker_sees_every_number_once_and_then_the_result():
    witness = Witness(settings={"network": {"width": 6}})
    solution = run(witness)
    rows = together(witness.rows)
    assert {step: {k: v for k, v in row.items() if k != "error"} for step, row in rows.items()} == of_history(
        solution.history
    )
    assert [step for step, _ in witness.rows] == sorted(step for step, _ in witness.rows)
    (start, name, settings), (finish, result) = witness.said
    assert (start, name, finish) == ("start", None, "finish")
    assert settings == {"problem": solution.problem.name, "network.width": 6}
    assert result["error"] == solution.report.error and result["steps"] == 6
    assert result["verdict"] == solution.report.as_dict()["verdict"]


def test_rows_that_no_step_wrote_are_recorded_at_the_end():
    witness = Witness()
    solution = solve(decay(), callbacks=[witness], progress=False)
    assert together(witness.rows) == of_history(solution.history) and len(witness.rows) == 1
    assert witness.said[-1][1]["estimated_error"] == solution.certificate.error


def test_every_other_row_and_all_evaluations():
    witness = Witness(every=4)
    history = run(witness, steps=9).history
    due = {int(row["step"]) for row in history if row["step"] % 4 == 0 or "validation" in row}
    assert set(together(witness.rows)) == due and due > {4, 8} and 3 not in due


def test_a_run_is_the_same_bits_with_a_tracker(tmp_path):
    assert digest(run(JSONLines(tmp_path), TensorBoard(tmp_path))) == digest(run())


def test_an_error_ends_the_record_and_comes_through():
    witness = Witness()
    broken(witness)
    assert witness.said[-1] == ("fail", "ZeroDivisionError: of mine")
    assert [step for step, _ in witness.rows] == [1, 2, 3]  # it came first, and saw the step
    with pytest.raises(ConnectionError, match="nobody there"):  # and not what failing without a place would raise
        run(Unreachable())
    refused = Witness()
    with pytest.raises(ValueError):
        run(refused, steps=-1)
    assert refused.said == []


def test_a_run_that_goes_on_is_not_recorded_again(tmp_path):
    broken(checkpoint=tmp_path, every=1)
    witness = Witness(name="again")
    solution = run(witness, resume=tmp_path)
    steps = [step for step, _ in witness.rows]
    assert steps[0] > 1 and set(steps) == set(range(steps[0], 7)) and len(solution.history) == 6


def test_name_and_settings_of_ones_own_come_before_those_of_the_application():
    mine = Witness(name="mine", settings={"seed": 1})
    mine.describe("its", {"seed": 2, "width": 3})
    run(mine)
    assert mine.said[0] == ("start", "mine", {"problem": "problem", "seed": 1, "width": 3})


# -- each of them ---------------------------------------------------------------------------------------------------


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_json_lines_hold_the_history(tmp_path):
    tracker = JSONLines(tmp_path / "new")
    solution = run(tracker)
    first, *rows, last = lines(tracker.path)
    assert first == {"run": "problem", "settings": {"problem": "problem"}}
    read = together((row.pop("step"), row) for row in rows)
    assert [read[step]["loss"] for step in sorted(read)] == solution.history.column("loss").tolist()
    assert last["result"]["error"] == solution.error()
    again, failed = JSONLines(tmp_path / "new"), JSONLines(tmp_path, name="a/b")
    run(again)
    broken(failed)
    assert again.path.name == "problem-2.jsonl" and failed.path == tmp_path / "a" / "b.jsonl"
    assert lines(failed.path)[-1] == {"failed": "ZeroDivisionError: of mine"}


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    tracker = JSONLines(tmp_path, name="x")
    tracker.start("x", {"problem": "p"})
    tracker.record(1, {"loss": math.inf, "ratio": math.nan, "points": 3.0})
    assert lines(tracker.path)[1] == {"step": 1, "loss": None, "ratio": None, "points": 3.0}


def test_tensorboard_holds_the_history(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trackers = [TensorBoard(tmp_path), TensorBoard(tmp_path), TensorBoard(tmp_path, name="failed")]
    found = [(one, one.history) for one in (run(trackers[0]), run(trackers[1], steps=2))]
    broken(trackers[2])
    assert [tracker.path.name for tracker in trackers] == ["problem", "problem-2", "failed"]
    for tracker, (solution, history) in zip(trackers[:2], found, strict=True):
        read = EventAccumulator(str(tracker.path)).Reload()
        told = History([row for row in history if "validation" in row])
        for name, rows in (("loss", history), ("validation", told)):
            curve = read.Scalars(name)
            assert [point.step for point in curve] == rows.column("step").tolist()
            assert [point.value for point in curve] == rows.column(name).astype(np.float32).tolist()
        verdict = read.Tensors("verdict/text_summary")[0].tensor_proto.string_val[0].decode()
        assert verdict == f"**{solution.report.judgement.verdict.value}**: {solution.report.reason}"
    assert "failed/text_summary" in EventAccumulator(str(trackers[2].path)).Reload().Tags()["tensors"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The ..noload.. loader strategy:DeprecationWarning")  # MLflow with SQLAlchemy 2.1
def test_mlflow_holds_the_history(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    store = f"sqlite:///{tmp_path}/new/runs.db"
    tracker, failed = MLflow("decay", store), MLflow("decay", store, name="failed")
    solution = run(tracker)
    broken(failed)
    client = mlflow.MlflowClient(tracking_uri=store)
    made = client.get_run(tracker.run_id)
    assert made.info.status == "FINISHED" and made.data.params == {"problem": "problem"}
    told = [metric.value for metric in client.get_metric_history(tracker.run_id, "loss")]
    assert told == pytest.approx(solution.history.column("loss").tolist(), rel=1e-15)
    assert made.data.metrics["result/error"] == pytest.approx(solution.error(), rel=1e-15)
    assert made.data.tags["result/verdict"] == solution.report.as_dict()["verdict"]
    assert client.get_run(failed.run_id).info.status == "FAILED"


@pytest.mark.slow
def test_weights_and_biases_hold_the_run_offline(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    told, finish = [], wandb.Run.finish  # which forgets the summary

    def finished(self, exit_code=None):
        told.append((dict(self.summary), exit_code))
        finish(self, exit_code)

    monkeypatch.setattr(wandb.Run, "finish", finished)
    tracker = WeightsAndBiases("pinn", tmp_path / "new", mode="offline", settings={"seed": 0})
    solution = run(tracker)
    broken(WeightsAndBiases("pinn", tmp_path / "new", mode="offline", name="failed"))
    assert tracker.run.config["seed"] == 0 and tracker.run.name == "problem" and tracker.run.project == "pinn"
    (summary, code), (failed, error) = told
    last = solution.history[-1]
    assert {name: summary[name] for name in last} == last and code is None
    assert summary["result/error"] == solution.error() and summary["result/trusted"] is solution.report.trusted
    assert failed["failed"] == "ZeroDivisionError: of mine" and failed["step"] == 3 and error == 1
    assert len(list((tmp_path / "new").rglob("run-*.wandb"))) == 2  # what `wandb sync` sends


# -- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [(TensorBoard, "tensorboard", "tensorboard"), (MLflow, "mlflow", "mlflow"), (WeightsAndBiases, "wandb", "wandb")],
)
def test_what_is_not_installed_is_said_in_a_line_before_training(make, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not there
    with pytest.raises(ImportError, match=rf'{module} is not installed; pip install "pinn\[{extra}\]" brings it'):
        make("x")


def test_options_without_a_sense_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", object())
    with pytest.raises(ValueError, match="store='mlruns', expected a database or a server"):
        MLflow(store="mlruns")
    with pytest.raises(ValueError, match="mode='of', expected online, offline or disabled"):
        WeightsAndBiases(mode="of")
    with pytest.raises(ValueError, match="JSONLines: got every=0, expected an integer of at least 1"):
        JSONLines("x", every=0)
