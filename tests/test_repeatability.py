"""The script that compares pairs of runs can tell two runs apart, and does not take two failures for one answer."""

from tests.repeatability import PAIRS, differences

SAME = {"parameters": "a", "history": "b", "report": "c", "error": "1e-3"}


def test_runs_are_told_apart_and_failures_are_never_equal():
    assert differences(SAME, dict(SAME)) == []
    assert differences(SAME, {**SAME, "report": "d"}) == ["report"]
    assert differences({"failed": "no word"}, {"failed": "no word"}) == ["a run failed (no word)"] * 2
    assert differences(SAME, {"failed": "MemoryError"}) == ["a run failed (MemoryError)"]


def test_there_are_enough_pairs_and_no_problem_alone():
    assert len(set(PAIRS)) == len(PAIRS) >= 20
    assert len({problem for problem, _ in PAIRS}) >= 5
