"""The demonstration: three methods, one table, one picture; the README's own pictures only where they are asked for."""

import math

import pytest

from experiments import demo
from pinn.solution import History

LONG = 1e6  # seconds, so that the steps are what ends a run


@pytest.fixture(scope="module")
def found():
    return demo.demo(seconds=LONG, steps=50)


@pytest.mark.slow
def test_the_default_comes_first(found):
    assert list(found) == [demo.DEFAULT, "L-BFGS", "Adam"]


@pytest.mark.slow
def test_the_default_is_best(found):
    errors = [solution.error() for solution in found.values()]
    assert errors[0] < 1e-3 < min(errors[1:])


@pytest.mark.slow
def test_the_comparison_is_one_picture_and_one_table(found, tmp_path):
    demo.compare(found, tmp_path, "comparison")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["comparison.png", "comparison.txt"]
    lines = (tmp_path / "comparison.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [name.split()[0] for name in found]


def test_an_error_is_reached_where_it_stays_below():
    history = History([{"seconds": k, "error": error} for k, error in enumerate((1.0, 0.1, 0.3, 0.2, 0.01))])
    history.rows.insert(2, {"seconds": 1.5})
    assert [demo.reached(history, error) for error in (2.0, 0.25, 0.1)] == [0.0, 3.0, 4.0]
    assert math.isnan(demo.reached(history, 0.001))


def test_the_readme_is_left_alone_outside_of_a_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "DOCS", tmp_path / "docs")
    with pytest.raises(ValueError, match="is not a checkout"):
        demo.demo(docs=True)
